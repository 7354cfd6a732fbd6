//! The objects at hand, and how fresh they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::error::ClusterError;
use crate::object::{ClusterObject, Key};
use crate::resource::{RESOURCES, Resource, Role};

/// Maximum number of names of objects that are left out, for each resource.
const MAX_LEFT_OUT: usize = 20_000;

/// Bounds of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of objects of a resource.
    pub objects: usize,
    /// Maximum size of all policies, in bytes.
    pub policy_bytes: usize,
    /// Maximum size of all other objects, in bytes.
    pub other_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { objects: 20_000, policy_bytes: 16 << 20, other_bytes: 8 << 20 }
    }
}

/// The state of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceState {
    /// The first answer is under way.
    Reading,
    /// The objects are those of the cluster.
    Watched,
    /// The cluster has no such resource, which is no fault.
    Absent,
    /// The objects are missing, or those of an earlier moment.
    Failed(ClusterError),
}

/// A resource with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceStatus {
    /// The resource.
    pub resource: &'static Resource,
    /// Its state.
    pub state: ResourceState,
    /// Number of objects.
    pub objects: usize,
    /// Number of objects that the limits left out.
    pub left_out: usize,
    /// Time of the last list or event, in Unix milliseconds; `None`: never read.
    pub read_ms: Option<i64>,
    /// Time up to which the objects are those of the cluster, in Unix milliseconds.
    pub confirmed_ms: Option<i64>,
}

/// How fresh the objects are. Times are Unix milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Time at which objects were last read; `None`: never.
    pub read_ms: Option<i64>,
    /// Time since which some resource is not watched, though it was read.
    pub stale_since_ms: Option<i64>,
    /// Whether the first answer about some resource is under way.
    pub is_reading: bool,
}

/// The objects of a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The objects, by resource, namespace, name.
    pub objects: Arc<[Arc<ClusterObject>]>,
    /// The resources in the order of [`RESOURCES`].
    pub resources: Vec<ResourceStatus>,
    /// Time at which an object was last seen to be gone, in Unix milliseconds. Objects that went before the
    /// watch began leave no trace.
    pub removed_ms: Option<i64>,
    /// Changes with the objects that verdicts read.
    pub revision: String,
}

impl Snapshot {
    /// The objects that verdicts read: without those for logs, and without the slices of Services whose pods
    /// are chosen by labels, which policies do not read and which change with each pod.
    pub fn for_verdicts(&self) -> impl Iterator<Item = &Arc<ClusterObject>> {
        verdicts_read(&self.objects)
    }

    /// How fresh the objects are that verdicts read.
    pub fn freshness(&self) -> Freshness {
        let mut freshness = Freshness::default();
        for own in self.resources.iter().filter(|own| own.resource.role != Role::Log) {
            freshness.read_ms = freshness.read_ms.max(own.read_ms);
            match &own.state {
                ResourceState::Reading => freshness.is_reading = true,
                ResourceState::Failed(_) => {
                    let since = [freshness.stale_since_ms, own.confirmed_ms];
                    freshness.stale_since_ms = since.into_iter().flatten().min();
                }
                ResourceState::Watched | ResourceState::Absent => {}
            }
        }
        freshness
    }

    /// The reasons why objects are missing or old, each with the resources that it concerns.
    pub fn problems(&self) -> Vec<(&ClusterError, Vec<&'static Resource>)> {
        let mut problems: Vec<(&ClusterError, Vec<&'static Resource>)> = Vec::new();
        for own in &self.resources {
            let ResourceState::Failed(error) = &own.state else { continue };
            match problems.iter_mut().find(|(known, _)| *known == error) {
                Some((_, resources)) => resources.push(own.resource),
                None => problems.push((error, vec![own.resource])),
            }
        }
        problems
    }
}

fn verdicts_read(objects: &[Arc<ClusterObject>]) -> impl Iterator<Item = &Arc<ClusterObject>> {
    let by_labels: BTreeSet<Key> = objects
        .iter()
        .filter(|own| own.selects_pods())
        .map(|own| (own.namespace.clone(), own.name.clone()))
        .collect();
    objects.iter().filter(move |own| {
        own.is_for_verdicts() && own.service().is_none_or(|service| !by_labels.contains(&service))
    })
}

/// The store of one cluster.
#[derive(Debug)]
pub(crate) struct Store {
    limits: Limits,
    content: Mutex<Content>,
    /// Counts the changes.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Content {
    resources: Vec<Held>,
    policy_bytes: usize,
    other_bytes: usize,
    removed_ms: Option<i64>,
    /// The objects and the revision of the last snapshot, while no object changed.
    built: Option<(Arc<[Arc<ClusterObject>]>, String)>,
}

#[derive(Debug)]
struct Held {
    state: ResourceState,
    objects: BTreeMap<Key, Arc<ClusterObject>>,
    left_out: BTreeSet<Key>,
    read_ms: Option<i64>,
    confirmed_ms: Option<i64>,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            state: ResourceState::Reading,
            objects: BTreeMap::new(),
            left_out: BTreeSet::new(),
            read_ms: None,
            confirmed_ms: None,
        }
    }
}

impl Content {
    fn bytes_of(&mut self, role: Role) -> &mut usize {
        if role == Role::Policy { &mut self.policy_bytes } else { &mut self.other_bytes }
    }

    /// Puts an object in, if the limits allow it.
    fn put(&mut self, index: usize, key: Key, object: ClusterObject, limits: &Limits) {
        self.take(index, &key);
        let role = object.resource.role;
        let bytes = object.bytes();
        let most = if role == Role::Policy { limits.policy_bytes } else { limits.other_bytes };
        let used = *self.bytes_of(role);
        let Some(held) = self.resources.get_mut(index) else { return };
        if held.objects.len() >= limits.objects || used.saturating_add(bytes) > most {
            if held.left_out.len() < MAX_LEFT_OUT {
                held.left_out.insert(key);
            }
            return;
        }
        held.objects.insert(key, Arc::new(object));
        *self.bytes_of(role) = used + bytes;
    }

    /// Takes an object out. False: it was not there.
    fn take(&mut self, index: usize, key: &Key) -> bool {
        let Some(held) = self.resources.get_mut(index) else { return false };
        let was_left_out = held.left_out.remove(key);
        let Some(object) = held.objects.remove(key) else { return was_left_out };
        let bytes = self.bytes_of(object.resource.role);
        *bytes = bytes.saturating_sub(object.bytes());
        true
    }

    fn build(&mut self) -> (Arc<[Arc<ClusterObject>]>, String) {
        if let Some(built) = &self.built {
            return built.clone();
        }
        let objects: Arc<[Arc<ClusterObject>]> =
            self.resources.iter().flat_map(|held| held.objects.values().cloned()).collect();
        let mut hasher = DefaultHasher::new();
        self.removed_ms.hash(&mut hasher);
        for object in verdicts_read(&objects) {
            object.hash.hash(&mut hasher);
        }
        let built = (objects, format!("{:016x}", hasher.finish()));
        self.built = Some(built.clone());
        built
    }
}

impl Store {
    pub(crate) fn new(limits: Limits) -> Self {
        let resources = RESOURCES.iter().map(|_| Held::default()).collect();
        let content = Mutex::new(Content { resources, ..Content::default() });
        Self { limits, content, changes: watch::Sender::new(0) }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Takes the objects of a whole list in place of the earlier ones.
    pub(crate) fn replace(&self, index: usize, objects: HashMap<Key, ClusterObject>) {
        let now = now_ms();
        let mut content = self.content();
        let Some(held) = content.resources.get_mut(index) else { return };
        let was_read = held.read_ms.is_some();
        let earlier: Vec<Key> = held.objects.keys().cloned().collect();
        held.left_out.clear();
        held.read_ms = Some(now);
        held.confirmed_ms = Some(now);
        held.state = ResourceState::Watched;
        let mut is_removed = false;
        for key in earlier.iter().filter(|key| !objects.contains_key(*key)) {
            is_removed |= content.take(index, key);
        }
        if was_read && is_removed {
            content.removed_ms = Some(now);
        }
        let mut objects: Vec<(Key, ClusterObject)> = objects.into_iter().collect();
        // The limits leave out the same ones each time.
        objects.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (key, object) in objects {
            content.put(index, key, object, &self.limits);
        }
        content.built = None;
        drop(content);
        self.changed();
    }

    /// Takes an added or changed object.
    pub(crate) fn put(&self, index: usize, key: Key, object: ClusterObject) {
        let mut content = self.content();
        content.put(index, key, object, &self.limits);
        self.finish_event(content, index);
    }

    /// Drops an object that is gone.
    pub(crate) fn remove(&self, index: usize, key: &Key) {
        let mut content = self.content();
        if content.take(index, key) {
            content.removed_ms = Some(now_ms());
        }
        self.finish_event(content, index);
    }

    fn finish_event(&self, mut content: MutexGuard<'_, Content>, index: usize) {
        let now = now_ms();
        if let Some(held) = content.resources.get_mut(index) {
            held.read_ms = Some(now);
            held.confirmed_ms = Some(now);
        }
        content.built = None;
        drop(content);
        self.changed();
    }

    /// Notes that the objects are still those of the cluster.
    pub(crate) fn confirm(&self, index: usize) {
        if let Some(held) = self.content().resources.get_mut(index) {
            held.confirmed_ms = Some(now_ms());
            held.state = ResourceState::Watched;
        }
        self.changed();
    }

    /// Notes that a resource cannot be read or watched, or does not exist.
    pub(crate) fn fail(&self, index: usize, error: ClusterError) {
        let mut content = self.content();
        if matches!(error, ClusterError::Absent { .. }) {
            let held = content.resources.get(index);
            let keys: Vec<Key> =
                held.map(|held| held.objects.keys().cloned().collect()).unwrap_or_default();
            for key in &keys {
                content.take(index, key);
            }
            if !keys.is_empty() {
                content.removed_ms = Some(now_ms());
                content.built = None;
            }
            if let Some(held) = content.resources.get_mut(index) {
                *held = Held { state: ResourceState::Absent, ..Held::default() };
            }
        } else if let Some(held) = content.resources.get_mut(index) {
            held.state = ResourceState::Failed(error);
        }
        drop(content);
        self.changed();
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut content = self.content();
        let (objects, revision) = content.build();
        let resources =
            RESOURCES.iter().zip(&content.resources).map(|(resource, held)| ResourceStatus {
                resource,
                state: held.state.clone(),
                objects: held.objects.len(),
                left_out: held.left_out.len(),
                read_ms: held.read_ms,
                confirmed_ms: held.confirmed_ms,
            });
        let resources = resources.collect();
        Snapshot { objects, resources, removed_ms: content.removed_ms, revision }
    }

    /// Waits until each resource was answered for once.
    pub(crate) async fn settled(&self) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            let is_reading = {
                let content = self.content();
                content.resources.iter().any(|held| held.state == ResourceState::Reading)
            };
            // The sender lives as long as this store.
            if !is_reading || changes.changed().await.is_err() {
                return;
            }
        }
    }
}

/// The present, in Unix milliseconds.
fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
