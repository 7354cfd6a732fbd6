//! Judging: one direction of a flow against a set of policies.
//!
//! The order of judging is Cilium's: tier, priority, and within them deny, allow, pass; the first
//! entry that matches decides, and a pass skips the rest of its tier. What is not known about a
//! flow is carried through: where every way it can turn out gives one verdict, that is the
//! verdict.

mod attribution;
mod conflict;
mod decide;
mod except;
mod explain;
mod groups;
mod identity;
mod l7;
mod map_state;
mod nodes;
mod pair;
mod pair_ids;
mod sentence;
mod set;
mod switch;
mod truth;

use std::{hash::BuildHasher, sync::Arc};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

pub use attribution::{MapEntry, MatchType};
pub use decide::{Cause, Decision, NamedPorts, Traffic, Verdict};
pub use explain::{
    DefaultDenyBy, Explanation, Fact, Loss, LostMatch, Miss, NearestMiss, PeerMiss, RuleMatch,
};
pub use identity::{Identity, Knowledge};
pub use l7::{L7Explanation, L7RuleRef, Request};
pub use pair::ClassId;
pub use set::PolicySet;
pub use switch::Dependence;

use crate::{Action, Direction, dates::Changes};
use pair::{Class, Pair, Selected};
use pair_ids::PairIds;

/// Judges flows against one set, and remembers what it found out about identities and pairs.
#[derive(Debug, Clone)]
pub struct Judge {
    set: Arc<PolicySet>,
    classes: Vec<Class>,
    /// Of `classes`, found by their hash.
    class_ids: HashTable<ClassId>,
    hasher: DefaultHashBuilder,
    identities: HashMap<Identity, ClassId>,
    pairs: Vec<Pair>,
    pair_ids: PairIds,
    conflicts: HashMap<ClassId, Option<Arc<str>>>,
    selected: HashMap<(ClassId, Direction), Arc<Selected>>,
    /// Entries of all that is in `selected`.
    selected_entries: usize,
    named_ports: HashMap<Identity, Option<PortNames>>,
    /// Those of all pods, for agents that ask no destination.
    ports_of_all: Option<PortNames>,
    /// The last change of what decides about a class.
    pub(crate) changes: HashMap<(ClassId, Direction), Changes>,
}

/// Named ports of a receiver: name, protocol, number.
pub type PortNames = Arc<[(String, u8, u16)]>;

/// Identities that are remembered; beyond, they are looked at again each time.
const MAX_IDENTITIES: usize = 65_536;
/// Entries that are remembered as those about a subject, 4 bytes each.
const MAX_SELECTED: usize = 1 << 20;
/// Pairs that are remembered.
const MAX_PAIRS: usize = 262_144;

impl Judge {
    /// A judge over a set.
    #[must_use]
    pub fn new(set: Arc<PolicySet>) -> Self {
        Self {
            set,
            classes: Vec::new(),
            class_ids: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            identities: HashMap::new(),
            pairs: Vec::new(),
            pair_ids: PairIds::default(),
            conflicts: HashMap::new(),
            selected: HashMap::new(),
            selected_entries: 0,
            named_ports: HashMap::new(),
            ports_of_all: None,
            changes: HashMap::new(),
        }
    }

    /// The set.
    #[must_use]
    pub fn set(&self) -> &Arc<PolicySet> {
        &self.set
    }

    /// The class of an identity: identities of one class are told apart by no selector.
    pub fn class(&mut self, identity: &Identity) -> ClassId {
        if let Some(id) = self.identities.get(identity) {
            return *id;
        }
        let class = Class::of(identity, &self.set);
        let classes = &mut self.classes;
        let hash = self.hasher.hash_one(&class);
        let is_same = |id: &ClassId| classes.get(id.0 as usize) == Some(&class);
        let known = self.class_ids.find(hash, is_same).copied();
        let id = known.unwrap_or_else(|| {
            let id = ClassId(u32::try_from(classes.len()).unwrap_or(u32::MAX));
            classes.push(class);
            self.class_ids.insert_unique(hash, id, |id| {
                self.hasher.hash_one(classes.get(id.0 as usize).unwrap_or(&Class::default()))
            });
            id
        });
        if self.identities.len() < MAX_IDENTITIES {
            self.identities.insert(identity.clone(), id);
        }
        id
    }

    /// Judges one direction between two classes.
    pub fn decide(
        &mut self,
        subject: ClassId,
        peer: ClassId,
        direction: Direction,
        traffic: Traffic,
        named: NamedPorts<'_>,
    ) -> Decision {
        let known = self.pair_ids.get(subject, peer, direction);
        let pair = known.unwrap_or_else(|| {
            let pair = self.pair(subject, peer, direction);
            if self.pairs.len() >= MAX_PAIRS {
                self.pairs.clear();
                self.pair_ids.clear();
            }
            let id = u32::try_from(self.pairs.len()).unwrap_or(u32::MAX);
            self.pairs.push(pair);
            self.pair_ids.insert((subject, peer, direction), id);
            id
        });
        match self.pairs.get(pair as usize) {
            Some(pair) => decide::decide(&self.set, pair, traffic, named),
            None => Decision::cannot_tell(),
        }
    }

    /// Judges one direction of a flow between two identities.
    pub fn judge(
        &mut self,
        subject: &Identity,
        peer: &Identity,
        direction: Direction,
        traffic: Traffic,
        named: NamedPorts<'_>,
    ) -> Decision {
        let (subject, peer) = (self.class(subject), self.class(peer));
        self.decide(subject, peer, direction, traffic, named)
    }

    /// Named ports that rules about a receiver mean, by the pods at hand; none: they are not known,
    /// or no rule asks.
    pub fn named_ports(&mut self, receiver: &Identity, direction: Direction) -> Option<PortNames> {
        let ports = self.ports_of(receiver);
        let asks = self.set.settings().asks_destination_for_ports();
        if ports.is_none() || direction == Direction::Ingress || asks {
            return ports;
        }
        let set = &self.set;
        let of_all = || crate::document::pods::ports_of_all(&set.documents().pods).into();
        Some(self.ports_of_all.get_or_insert_with(of_all).clone())
    }

    fn ports_of(&mut self, identity: &Identity) -> Option<PortNames> {
        let pods = &self.set.documents().pods;
        if !self.set.has_named_ports || pods.is_empty() {
            return None;
        }
        if let Some(known) = self.named_ports.get(identity) {
            return known.clone();
        }
        let ports = crate::document::pods::ports_of(pods, identity).map(Arc::from);
        if self.named_ports.len() < MAX_IDENTITIES {
            self.named_ports.insert(identity.clone(), ports.clone());
        }
        ports
    }

    /// Whether the subject's default deny is an entry of its own, so that what it refuses is
    /// recorded as refused by a rule: a pass has to lead somewhere. Source:
    /// pkg/policy/repository.go `computePolicyEnforcementAndRules`.
    pub fn is_default_an_entry(&mut self, subject: &Identity, direction: Direction) -> bool {
        if !self.set.has_passes {
            return false;
        }
        let class = self.class(subject);
        let Some(class) = self.classes.get(class.0 as usize) else { return false };
        self.set
            .ordered(direction)
            .iter()
            .filter_map(|index| self.set.compiled(*index))
            .any(|compiled| compiled.action == Action::Pass && class.is_subject_of(compiled))
    }

    /// The entries that may be about a class, by their index.
    pub(crate) fn entries_about(
        &self,
        subject: ClassId,
        direction: Direction,
    ) -> impl Iterator<Item = u32> {
        let class = self.classes.get(subject.0 as usize);
        let set = &self.set;
        set.ordered(direction).iter().copied().filter(move |index| {
            let compiled = set.compiled(*index);
            class.zip(compiled).is_some_and(|(class, compiled)| class.may_be_selected_by(compiled))
        })
    }

    fn pair(&mut self, subject: ClassId, peer: ClassId, direction: Direction) -> Pair {
        let conflict = if self.set.merges.can_fail() { self.conflict_of(subject) } else { None };
        let selected = self.selected(subject, direction);
        match (self.classes.get(subject.0 as usize), self.classes.get(peer.0 as usize)) {
            (Some(subject), Some(peer)) => {
                let under = (&*self.set, self.set.settings());
                Pair::between(under, (subject, &selected), peer, direction, conflict)
            }
            _ => Pair::default(),
        }
    }

    fn conflict_of(&mut self, subject: ClassId) -> Option<Arc<str>> {
        let known = self.conflicts.get(&subject).cloned();
        known.unwrap_or_else(|| {
            let conflict = self
                .classes
                .get(subject.0 as usize)
                .and_then(|class| self.set.merges.find((&self.set, self.set.settings()), class))
                .map(Arc::from);
            self.conflicts.insert(subject, conflict.clone());
            conflict
        })
    }

    fn selected(&mut self, subject: ClassId, direction: Direction) -> Arc<Selected> {
        if let Some(known) = self.selected.get(&(subject, direction)) {
            return Arc::clone(known);
        }
        let under = (&*self.set, self.set.settings());
        let class = self.classes.get(subject.0 as usize);
        let selected = class.map(|class| Selected::of(under, class, direction));
        let selected = Arc::new(selected.unwrap_or_default());
        self.selected_entries = self.selected_entries.saturating_add(selected.len());
        if self.selected_entries > MAX_SELECTED || self.selected.len() >= MAX_IDENTITIES {
            self.selected.clear();
            self.selected_entries = selected.len();
        }
        self.selected.insert((subject, direction), Arc::clone(&selected));
        selected
    }
}
