//! The last changes of policies, and the flows before them.
//!
//! An exported object carries the time itself (`metadata`). For others, the engine takes the time
//! of the file, or a given time. It reads no clock.

use hashbrown::HashMap;

use crate::{
    Direction, Documents, EntryId, GroupSelector, Identity, Judge, Peer, PeerMatcher, Peers,
    Policy, PolicySet, UnixTime,
    source::{Node, Value},
};

/// Times that the texts lack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dates {
    /// The last change of each text, by index; `None` if unknown.
    pub texts: Vec<Option<UnixTime>>,
    /// The time of the set's last change: a removed policy leaves no other trace.
    pub set: Option<UnixTime>,
}

/// The last change of an object, from its `metadata`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Dated {
    pub(crate) changed: Option<UnixTime>,
    /// Whether `changed` is a lower bound: the object may have changed later, at a time that
    /// `metadata` does not hold.
    pub(crate) is_at_least: bool,
}

impl Dated {
    /// The last change from `metadata`. The server counts changes of the spec in `generation`, and
    /// records in `managedFields` the writer and time of fields.
    pub(crate) fn of(object: &Node) -> Self {
        Self::by(object, |fields| fields.get("f:spec").is_some() || fields.get("f:specs").is_some())
    }

    /// The last change of labels. `generation` does not count it; only managed fields show it.
    pub(crate) fn of_labels(object: &Node) -> Self {
        let managers = object.list_at(&["metadata", "managedFields"]);
        if !managers.iter().any(|manager| manager.get("fieldsV1").is_some()) {
            return Self { changed: None, is_at_least: true };
        }
        let own = Self::by(object, |fields| fields.at_path(&["f:metadata", "f:labels"]).is_some());
        Self { is_at_least: false, ..own }
    }

    /// The last change of an object that policies refer to: its labels and endpoints count, too.
    pub(crate) fn of_object(object: &Node) -> Self {
        Self::by(object, |fields| {
            let own = ["f:spec", "f:endpoints", "f:ports"];
            own.iter().any(|name| fields.get(name).is_some())
                || fields.at_path(&["f:metadata", "f:labels"]).is_some()
        })
    }

    fn by(object: &Node, is_about_it: impl Fn(&Node) -> bool) -> Self {
        let metadata = object.get("metadata");
        let field = |name: &str| metadata.and_then(|metadata| metadata.get(name));
        let managers = match field("managedFields").map(|node| &node.value) {
            Some(Value::List(managers)) => managers.as_slice(),
            _ => &[],
        };
        let is_about_it = |manager: &&Node| manager.get("fieldsV1").is_some_and(&is_about_it);
        let managed = managers.iter().filter(is_about_it).filter_map(|m| time(m.get("time")));
        let created = time(field("creationTimestamp"));
        let changed = managed.max();
        let is_first = matches!(field("generation").map(|n| &n.value), Some(Value::Integer(1)));
        Self { changed: changed.max(created), is_at_least: changed.is_none() && !is_first }
    }
}

fn time(node: Option<&Node>) -> Option<UnixTime> {
    UnixTime::parse(node?.as_str()?)
}

/// The last changes that affect a direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// The last change of the policies for the subject, and of the objects that they refer to.
    pub relevant: Option<UnixTime>,
    /// The last change of the set as a whole.
    pub set: Option<UnixTime>,
    /// Whether labels of unknown age affect the decision.
    pub is_open: bool,
}

impl Changed {
    /// The latest of these changes.
    #[must_use]
    pub fn last(self) -> Option<UnixTime> {
        self.relevant.max(self.set)
    }

    /// The change after a flow. `differs` means that record and policies disagree, which a policy
    /// removed since may explain.
    #[must_use]
    pub fn after(self, time: UnixTime, differs: bool) -> Option<UnixTime> {
        let is_later = |changed: &UnixTime| *changed > time;
        self.relevant.filter(is_later).or(self.set.filter(|set| differs && is_later(set)))
    }
}

/// The last changes that affect a subject.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Changes {
    /// The last change of policies and of the Services that they refer to.
    policies: Option<UnixTime>,
    /// The last change of the CIDR groups that they refer to.
    groups: Option<UnixTime>,
    /// Whether some of these are selected by labels of unknown age.
    is_open: bool,
}

impl Changes {
    /// The later of both changes.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            policies: self.policies.max(other.policies),
            groups: self.groups.max(other.groups),
            is_open: self.is_open | other.is_open,
        }
    }
}

impl Judge {
    /// The last change of a subject's policies, and of the objects that they refer to.
    #[must_use]
    pub fn changed(
        &self,
        (subject, peer): (&Identity, &Identity),
        direction: Direction,
    ) -> Changed {
        let set = self.set().changed;
        if !self.set().known_dates.are_some {
            return Changed { set, ..Changed::default() };
        }
        let of = |entry| self.set().changes(entry);
        let changes = self.changes_about(self.class(subject), direction, of);
        // A pod belongs to no CIDR group; group labels in a record are from its own time.
        let settles_groups = |label: &crate::Label| matches!(&*label.source, "k8s" | "cidrgroup");
        let is_settled = peer.labels().iter().any(settles_groups);
        let groups = changes.groups.filter(|_| !is_settled);
        let is_open = changes.is_open && !is_settled;
        Changed { relevant: changes.policies.max(groups), set, is_open }
    }
}

impl PolicySet {
    /// Whether the time of any change is known.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.known_dates.are_some || self.changed.is_some()
    }

    /// The last changes behind an entry.
    fn changes(&self, entry: EntryId) -> Changes {
        let documents = self.documents();
        let own = self.policy_of(entry).and_then(Policy::changed);
        let first = documents.by_service.partition_point(|(by, _)| *by < entry);
        let services = documents.by_service.iter().skip(first).take_while(|(by, _)| *by == entry);
        let of_services = services
            .filter_map(|(_, service)| documents.services.get(*service))
            .flat_map(|service| &service.dated)
            .filter_map(|(_, dated)| dated.changed)
            .max();
        let peers = match &documents.entry(entry).peers {
            Peers::Any(peers) => peers.as_slice(),
            _ => &[],
        };
        let is_by_labels = |peer: &Peer| {
            matches!(
                peer.matcher,
                PeerMatcher::CidrGroup { selector: GroupSelector::Labels(_), .. }
                    | PeerMatcher::CloudGroup { .. }
            )
        };
        let of_peer = |peer: &Peer| match &peer.matcher {
            PeerMatcher::CidrGroup { selector: GroupSelector::Name(name), .. } => {
                self.known_dates.by_group.get(name).copied()
            }
            // A group that is not selected now may have been selected before, with its former
            // labels.
            PeerMatcher::CidrGroup { selector: GroupSelector::Labels(_), .. }
            | PeerMatcher::CloudGroup { .. } => self.known_dates.last_group,
            _ => None,
        };
        Changes {
            policies: own.max(of_services),
            groups: peers.iter().filter_map(of_peer).max(),
            is_open: self.known_dates.is_open && peers.iter().any(is_by_labels),
        }
    }
}

/// The times in the documents, indexed for look-up.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownDates {
    /// Whether there are any times.
    are_some: bool,
    /// The last change of each CIDR group, by name.
    by_group: HashMap<String, UnixTime>,
    /// The last change of any CIDR group.
    last_group: Option<UnixTime>,
    /// Whether the labels of some CIDR group have an unknown age.
    is_open: bool,
}

impl KnownDates {
    pub(crate) fn of(documents: &Documents) -> Self {
        let mut known = Self {
            are_some: documents.dates().any(|(_, dated)| dated.changed.is_some()),
            ..Self::default()
        };
        for group in &documents.groups {
            known.is_open |= group.labelled.changed.is_none();
            known.last_group =
                known.last_group.max(group.dated.changed).max(group.labelled.changed);
            let Some(changed) = group.dated.changed else { continue };
            let last = known.by_group.entry(group.name.clone()).or_insert(changed);
            *last = changed.max(*last);
        }
        known
    }
}

impl Documents {
    /// The times of all objects, each with the index of its text.
    pub(crate) fn dates(&self) -> impl Iterator<Item = (usize, &Dated)> {
        let policies = self.policies.iter().map(|policy| (policy.source, &policy.dated));
        let groups = self
            .groups
            .iter()
            .flat_map(|group| [&group.dated, &group.labelled].map(|dated| (group.source, dated)));
        let services = self.services.iter().flat_map(|service| &service.dated);
        policies.chain(groups).chain(services.map(|(source, dated)| (*source, dated)))
    }

    /// The times of all objects, mutable.
    pub(crate) fn dates_mut(&mut self) -> impl Iterator<Item = (usize, &mut Dated)> {
        let policies =
            self.policies.all_mut().iter_mut().map(|policy| (policy.source, &mut policy.dated));
        let groups = self.groups.iter_mut().flat_map(|group| {
            [&mut group.dated, &mut group.labelled].map(|dated| (group.source, dated))
        });
        let services = self.services.iter_mut().flat_map(|service| &mut service.dated);
        policies.chain(groups).chain(services.map(|(source, dated)| (*source, dated)))
    }
}
