//! Judging: one direction of a flow against a set of policies.
//!
//! The order of judging is Cilium's: tier, priority, and within them deny, allow, pass. The first
//! entry that matches decides, and a pass skips the rest of its tier. Judging keeps track of
//! unknown facts: if every way they can turn out gives one verdict, it is that verdict.

mod access;
mod attribution;
mod changed;
mod conflict;
mod decide;
mod except;
mod explain;
mod groups;
mod identity;
mod l7;
mod map_state;
mod memory;
mod merge;
mod merges;
mod nodes;
mod pair;
mod set;
mod switch;
mod truth;
mod walk;
mod wording;
mod world;

use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;

pub use access::{Access, NamedPorts, Traffic};
pub use attribution::{MapEntry, MatchType};
pub use changed::Changed;
pub use decide::{Cause, Decision, Verdict};
pub use explain::{
    DefaultDenyBy, Explanation, Fact, LostMatch, Miss, NearestMiss, PeerMiss, RuleMatch,
};
pub use identity::{Identity, Knowledge};
pub use l7::{L7Explanation, L7RuleRef, Request};
pub use merge::{Conflict, MergeError};
pub use pair::ClassId;
pub use set::PolicySet;
pub use switch::Dependence;
pub use walk::Loss;

use crate::{
    Action, Direction, EntryId, Settings, SourceText,
    document::{dates::Changes, pods},
};
use memory::{Classes, KnownIdentities, MAX_IDENTITIES, Pairs, Shared};
use pair::{Class, Pair, Selected};

/// A judge of flows against one set. It remembers its findings about identities and pairs, and any
/// number of threads may share it by reference.
#[derive(Debug)]
pub struct Judge {
    set: Arc<PolicySet>,
    identities: KnownIdentities,
    classes: Shared<Classes>,
    pairs: Pairs,
    subjects: Shared<Subjects>,
    named_ports: Shared<HashMap<Identity, Option<PortNames>>>,
    /// The port names of all pods, for agents that do not resolve a name at the destination.
    ports_of_all: OnceLock<PortNames>,
}

/// The remembered classes as subjects.
#[derive(Debug, Default)]
struct Subjects {
    conflicts: HashMap<ClassId, Option<Arc<Conflict>>>,
    selected: HashMap<(ClassId, Direction), Arc<Selected>>,
    /// The number of entries in all of `selected`.
    selected_entries: usize,
    /// The last change of the rules that decide about a class.
    changes: HashMap<(ClassId, Direction), Changes>,
}

/// The named ports of a receiver: name, protocol, number.
pub type PortNames = Arc<[(String, u8, u16)]>;

/// The limit of remembered entries of subjects, 4 bytes each.
const MAX_SELECTED: usize = 1 << 20;

impl Judge {
    /// A judge over texts, read and compiled for settings. [`PolicySet::refused`] lists the refused
    /// documents.
    #[must_use]
    pub fn read(texts: &[SourceText<'_>], settings: Settings) -> Self {
        Self::new(Arc::new(PolicySet::read(texts, settings)))
    }

    /// A judge over a set.
    #[must_use]
    pub fn new(set: Arc<PolicySet>) -> Self {
        Self {
            set,
            identities: KnownIdentities::default(),
            classes: Shared::default(),
            pairs: Pairs::default(),
            subjects: Shared::default(),
            named_ports: Shared::default(),
            ports_of_all: OnceLock::new(),
        }
    }

    /// The set of policies.
    #[must_use]
    pub const fn set(&self) -> &Arc<PolicySet> {
        &self.set
    }

    /// The class of an identity: no selector tells the identities of one class apart.
    #[must_use]
    #[inline]
    pub fn class(&self, identity: &Identity) -> ClassId {
        match self.identities.class(identity) {
            Some(known) => known,
            None => self.class_anew(identity),
        }
    }

    #[cold]
    #[inline(never)]
    fn class_anew(&self, identity: &Identity) -> ClassId {
        let known = self.classes.read().known(identity);
        if let Some(id) = known {
            // An identity that came before will come again.
            self.identities.remember(identity, id);
            return id;
        }
        let class = Class::of(identity, &self.set);
        self.classes.write().insert(identity, class)
    }

    /// The facts about a class. An id of another judge yields an unknown class that no policy
    /// selects.
    fn class_of(&self, id: ClassId) -> Arc<Class> {
        self.classes.read().get(id).unwrap_or_else(|| Arc::new(Class::unknown()))
    }

    /// Judges an access between two classes.
    #[must_use]
    #[inline]
    pub fn decide(&self, access: Access<'_, ClassId>) -> Decision {
        let Access { subject, peer, direction, traffic, named_ports } = access;
        match self.pairs.near((subject, peer, direction)) {
            Some(pair) => decide::decide(&self.set, pair, traffic, named_ports),
            None => self.decide_anew(access),
        }
    }

    /// The decision for a pair that is not remembered. It is a function apart, so that the fast
    /// path moves nothing to the stack.
    #[cold]
    #[inline(never)]
    fn decide_anew(&self, access: Access<'_, ClassId>) -> Decision {
        let Access { subject, peer, direction, traffic, named_ports } = access;
        self.pairs.ask(
            (subject, peer, direction),
            || self.pair(subject, peer, direction),
            |pair| decide::decide(&self.set, pair, traffic, named_ports),
        )
    }

    /// Judges an access between two identities.
    #[must_use]
    #[inline]
    pub fn judge(&self, access: Access<'_, &Identity>) -> Decision {
        self.decide(self.by_class(access))
    }

    /// The access between the classes of two identities.
    #[inline]
    fn by_class<'p>(&self, access: Access<'p, &Identity>) -> Access<'p, ClassId> {
        let Access { subject, peer, direction, traffic, named_ports } = access;
        let (subject, peer) = (self.class(subject), self.class(peer));
        Access { subject, peer, direction, traffic, named_ports }
    }

    /// The named ports that rules for a receiver refer to, by the loaded pods; `None` if unknown,
    /// or if no rule names a port.
    #[must_use]
    pub fn named_ports(&self, receiver: &Identity, direction: Direction) -> Option<PortNames> {
        let ports = self.ports_of(receiver);
        let asks = self.set.settings().asks_destination_for_ports();
        if ports.is_none() || direction == Direction::Ingress || asks {
            return ports;
        }
        let of_all = || pods::ports_of_all(&self.set.documents().pods).into();
        Some(self.ports_of_all.get_or_init(of_all).clone())
    }

    fn ports_of(&self, identity: &Identity) -> Option<PortNames> {
        let all = &self.set.documents().pods;
        if !self.set.has_named_ports || all.is_empty() {
            return None;
        }
        if let Some(known) = self.named_ports.read().get(identity) {
            return known.clone();
        }
        let ports: Option<PortNames> = pods::ports_of(all, identity).map(Arc::from);
        let mut known = self.named_ports.write();
        if known.len() < MAX_IDENTITIES {
            known.insert(identity.clone(), ports.clone());
        }
        ports
    }

    /// Whether the subject's default deny is an entry of its own, so that Hubble records a rule for
    /// what it denies: a pass must lead somewhere. Source: pkg/policy/repository.go
    /// `computePolicyEnforcementAndRules`.
    #[must_use]
    pub fn is_default_an_entry(&self, subject: &Identity, direction: Direction) -> bool {
        if !self.set.has_passes {
            return false;
        }
        let class = self.class_of(self.class(subject));
        self.set
            .ordered(direction)
            .iter()
            .map(|entry| self.set.compiled(*entry))
            .any(|compiled| compiled.action == Action::Pass && class.is_subject_of(compiled))
    }

    /// The entries that may select a class as their subject.
    fn entries_about(
        &self,
        subject: ClassId,
        direction: Direction,
    ) -> impl Iterator<Item = EntryId> + '_ {
        let class = self.class_of(subject);
        let set = &self.set;
        let is_about = move |entry: &EntryId| class.may_be_selected_by(set.compiled(*entry));
        set.ordered(direction).iter().copied().filter(is_about)
    }

    /// The last changes of the entries that select a subject.
    pub(crate) fn changes_about(
        &self,
        subject: ClassId,
        direction: Direction,
        of: impl Fn(EntryId) -> Changes,
    ) -> Changes {
        let key = (subject, direction);
        if let Some(known) = self.subjects.read().changes.get(&key) {
            return *known;
        }
        let all = self.entries_about(subject, direction).map(of);
        let changes = all.fold(Changes::default(), Changes::and);
        self.subjects.write().changes.insert(key, changes);
        changes
    }

    fn pair(&self, subject: ClassId, peer: ClassId, direction: Direction) -> Pair {
        let (of_subject, of_peer) = (self.class_of(subject), self.class_of(peer));
        let conflict =
            if self.set.merges.can_fail() { self.conflict_of(subject, &of_subject) } else { None };
        let selected = self.selected(subject, &of_subject, direction);
        let under = (&*self.set, self.set.settings());
        Pair::between(under, (&of_subject, &selected), &of_peer, direction, conflict)
    }

    fn conflict_of(&self, subject: ClassId, class: &Class) -> Option<Arc<Conflict>> {
        if let Some(known) = self.subjects.read().conflicts.get(&subject) {
            return known.clone();
        }
        let found = self.set.merges.find((&self.set, self.set.settings()), class);
        let conflict = found.map(Arc::new);
        self.subjects.write().conflicts.insert(subject, conflict.clone());
        conflict
    }

    fn selected(&self, subject: ClassId, class: &Class, direction: Direction) -> Arc<Selected> {
        let key = (subject, direction);
        if let Some(known) = self.subjects.read().selected.get(&key) {
            return Arc::clone(known);
        }
        let under = (&*self.set, self.set.settings());
        let selected = Arc::new(Selected::of(under, class, direction));
        let mut subjects = self.subjects.write();
        subjects.selected_entries = subjects.selected_entries.saturating_add(selected.len());
        if subjects.selected_entries > MAX_SELECTED || subjects.selected.len() >= MAX_IDENTITIES {
            subjects.selected.clear();
            subjects.selected_entries = selected.len();
        }
        subjects.selected.insert(key, Arc::clone(&selected));
        selected
    }
}
