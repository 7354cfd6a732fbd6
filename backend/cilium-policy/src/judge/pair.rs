//! The relation between two identities, ports aside.

use std::sync::Arc;

use super::{
    identity::{Identity, Knowledge},
    merge::Conflict,
    set::{CompiledEntry, CompiledPeers, EntryId, MatcherId, PolicySet, Reach},
    truth::Truth,
    world::{World, labels},
};
use crate::{Action, Direction, Enforcement, Settings, ids::Id};

/// The id of a class: identities that no selector of a set tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub(super) u32);

impl ClassId {
    /// The class of an unknown identity; no judge assigns this id.
    pub const UNKNOWN: Self = Self(u32::MAX);
}

/// The facts about an identity that judging needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub(super) struct Class {
    subjects: Vec<u64>,
    /// The subject selectors that may select it; empty without unknown facts about the identity.
    possible_subjects: Vec<u64>,
    /// Two bits for each matcher: not no, and yes.
    matchers: Vec<u64>,
    /// Whether it is the node itself: only rules for nodes apply to it.
    pub(super) is_host: bool,
    has_host_key: bool,
    has_init_key: bool,
    is_unknown: bool,
    pub(super) has_namespace: bool,
}

/// The entries of a direction that may match between two identities.
#[derive(Debug, Clone, Default)]
pub(super) struct Pair {
    pub(super) enforcement: SubjectEnforcement,
    /// The candidates in the order of judging.
    pub(super) candidates: Vec<Candidate>,
    /// Whether the node may reach the subject without a rule.
    pub(super) localhost: bool,
    /// The reason why the agent cannot resolve the subject's policies.
    pub(super) conflict: Option<Arc<Conflict>>,
    pub(super) has_l7: bool,
    /// Whether the ICMP message "fragmentation needed" passes without a rule.
    pub(super) allows_fragmentation_needed: bool,
}

/// The entries of a direction that select a subject, and how policies are enforced for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Selected {
    enforcement: SubjectEnforcement,
    /// The entries in the order of judging.
    entries: Vec<EntryId>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) entry: EntryId,
    pub(super) truth: Truth,
    /// The entry's tier, action and ports; most traffic is decided without a look at the entry.
    pub(super) tier: u8,
    pub(super) action: Action,
    pub(super) reach: Reach,
}

/// The enforcement of policies for a subject in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SubjectEnforcement {
    /// Unknown: the subject is unknown.
    #[default]
    Unknown,
    /// Off: the enforcement mode excludes the subject.
    Off,
    /// Not selected: no entry selects the subject.
    NotSelected,
    /// Default allow: an entry selects the subject, and all other traffic passes.
    DefaultAllow,
    /// Default deny: an entry selects the subject, or enforcement is always on, and all other
    /// traffic is denied.
    DefaultDeny,
}

impl Class {
    pub(super) fn of(identity: &Identity, set: &PolicySet) -> Self {
        Self::under(identity, set, set.world())
    }

    /// The class of an unknown identity.
    pub(super) fn unknown() -> Self {
        Self { is_unknown: true, ..Self::default() }
    }

    /// The class of an identity under given settings.
    pub(super) fn under(identity: &Identity, set: &PolicySet, world: World<'_>) -> Self {
        let mut class = Self {
            subjects: vec![0; set.subjects.len().div_ceil(64)],
            possible_subjects: Vec::new(),
            matchers: vec![0; set.matchers.len().saturating_mul(2).div_ceil(64)],
            is_host: identity.is_reserved("host"),
            has_host_key: identity.has_key("host"),
            has_init_key: identity.has_key("init"),
            is_unknown: identity.knowledge() == Knowledge::Nothing,
            has_namespace: identity.k8s_label(crate::identity_label::POD_NAMESPACE).is_some(),
        };
        for (id, selector) in set.subjects.numbered() {
            match labels(selector, identity) {
                Truth::Yes => set_bit(&mut class.subjects, id.index()),
                Truth::Unknown => {
                    class.possible_subjects.resize(class.subjects.len(), 0);
                    set_bit(&mut class.possible_subjects, id.index());
                }
                Truth::No => {}
            }
        }
        let aggregate = world.aggregate(identity);
        for (id, matcher) in set.matchers.numbered() {
            let index = id.index();
            let truth = world.selects_beside(matcher, identity, aggregate.as_ref());
            if truth != Truth::No {
                set_bit(&mut class.matchers, index.saturating_mul(2));
            }
            if truth == Truth::Yes {
                set_bit(&mut class.matchers, index.saturating_mul(2).saturating_add(1));
            }
        }
        class
    }

    /// Whether policies are not enforced for this subject.
    pub(super) fn is_exempt(&self, settings: &Settings) -> bool {
        (self.has_host_key && !settings.host_firewall) || settings.enforcement == Enforcement::Never
    }

    /// Whether all other traffic is denied, whatever the rules set as default.
    pub(super) fn is_isolated(&self, settings: &Settings) -> bool {
        settings.enforcement == Enforcement::Always || self.has_init_key
    }

    /// Whether an entry selects this identity as its subject.
    pub(super) fn is_subject_of(&self, entry: &CompiledEntry) -> bool {
        entry.is_node == self.is_host && bit(&self.subjects, entry.subject.index())
    }

    /// Whether an entry selects this identity as its subject, or may do so.
    pub(super) fn may_be_selected_by(&self, entry: &CompiledEntry) -> bool {
        self.is_subject_of(entry) || self.may_be_subject_of(entry)
    }

    /// Whether an entry's selection of this identity depends on unknown facts.
    fn may_be_subject_of(&self, entry: &CompiledEntry) -> bool {
        entry.is_node == self.is_host && bit(&self.possible_subjects, entry.subject.index())
    }

    /// Whether an entry's peers include this identity.
    pub(super) fn is_peer_of(&self, entry: &CompiledEntry) -> Truth {
        match &entry.peers {
            CompiledPeers::None => Truth::No,
            CompiledPeers::All => Truth::Yes,
            CompiledPeers::Any(matchers) => {
                matchers.iter().map(|matcher| self.matches(*matcher)).max().unwrap_or(Truth::No)
            }
        }
    }

    pub(super) fn matches(&self, matcher: MatcherId) -> Truth {
        let at = matcher.index().saturating_mul(2);
        match (bit(&self.matchers, at), bit(&self.matchers, at.saturating_add(1))) {
            (_, true) => Truth::Yes,
            (true, false) => Truth::Unknown,
            (false, false) => Truth::No,
        }
    }
}

impl Pair {
    /// Adds the candidates of another pair, in the order of judging: `index` gives an entry's index in that order.
    pub(super) fn unite(&mut self, other: Self, index: impl Fn(EntryId) -> Option<usize>) {
        for candidate in other.candidates {
            match self.candidates.iter_mut().find(|own| own.entry == candidate.entry) {
                Some(own) => own.truth = own.truth.or(candidate.truth),
                None => self.candidates.push(candidate),
            }
        }
        crate::sorted::sort_by(&mut self.candidates, |one, other| {
            index(one.entry).cmp(&index(other.entry))
        });
        self.has_l7 |= other.has_l7;
    }

    /// The pair of two classes.
    pub(super) fn of(
        under: (&PolicySet, &Settings),
        subject: &Class,
        peer: &Class,
        direction: Direction,
        conflict: Option<Arc<Conflict>>,
    ) -> Self {
        let selected = Selected::of(under, subject, direction);
        Self::between(under, (subject, &selected), peer, direction, conflict)
    }

    /// The pair of two classes, given the entries that select the subject.
    pub(super) fn between(
        (set, settings): (&PolicySet, &Settings),
        (subject, selected): (&Class, &Selected),
        peer: &Class,
        direction: Direction,
        conflict: Option<Arc<Conflict>>,
    ) -> Self {
        let enforcement = selected.enforcement;
        let mut pair = Self {
            enforcement,
            conflict: if enforcement == SubjectEnforcement::Off { None } else { conflict },
            allows_fragmentation_needed: settings.icmp_frag_needed,
            ..Self::default()
        };
        for index in &selected.entries {
            let entry = set.compiled(*index);
            let truth = peer.is_peer_of(entry);
            if truth != Truth::No {
                pair.candidates.push(Candidate {
                    entry: *index,
                    truth,
                    tier: entry.rank.0,
                    action: entry.action,
                    reach: entry.reach,
                });
                pair.has_l7 |= entry.has_l7 && entry.action == Action::Allow;
            }
        }
        pair.localhost = !selected.entries.is_empty()
            && enforcement == SubjectEnforcement::DefaultDeny
            && direction == Direction::Ingress
            && settings.allow_localhost
            && peer.is_host
            && !subject.is_host;
        pair
    }
}

impl Selected {
    pub(super) fn of(
        (set, settings): (&PolicySet, &Settings),
        subject: &Class,
        direction: Direction,
    ) -> Self {
        if subject.is_exempt(settings) {
            return Self { enforcement: SubjectEnforcement::Off, entries: Vec::new() };
        }
        if subject.is_unknown {
            return Self::default();
        }
        let is_enforced_anyway = subject.is_isolated(settings);
        let mut default_deny = is_enforced_anyway;
        let mut entries = Vec::new();
        for index in set.ordered(direction) {
            let entry = set.compiled(*index);
            let is_normal = entry.rank.0 == crate::Tier::Normal as u8;
            if !is_normal && !settings.cluster_network_policy {
                continue;
            }
            if subject.may_be_subject_of(entry) {
                return Self::default();
            }
            if !subject.is_subject_of(entry) {
                continue;
            }
            entries.push(*index);
            // Where `enable-non-default-deny-policies` is off, `enableDefaultDeny` has no effect.
            default_deny |= entry.default_deny || (!settings.non_default_deny && is_normal);
        }
        let enforcement = match (!entries.is_empty() || is_enforced_anyway, default_deny) {
            (false, _) => SubjectEnforcement::NotSelected,
            (true, false) => SubjectEnforcement::DefaultAllow,
            (true, true) => SubjectEnforcement::DefaultDeny,
        };
        Self { enforcement, entries }
    }

    /// The number of candidates.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

fn set_bit(words: &mut [u64], index: usize) {
    if let Some(word) = words.get_mut(index / 64) {
        *word |= 1 << (index % 64);
    }
}

fn bit(words: &[u64], index: usize) -> bool {
    words.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
}
