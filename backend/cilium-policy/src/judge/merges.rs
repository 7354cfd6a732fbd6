//! The merges of a set's rules that can fail, found once for all subjects. Source: pkg/policy/rules.go
//! `sort`.

use hashbrown::HashMap;

use super::merge::{Key, Merged, Parser, Step, fails_alone, loads, steps};
use crate::{
    Authentication, Documents, Entry, EntryId, Peers, Policy, PolicyKind, Protocol, ids::Id,
};

/// The merges that can fail among the policies of one subject.
#[derive(Debug, Clone, Default)]
pub(super) struct Merges {
    /// The rules under one key, for keys with at least one rule that does more than allow.
    pub(super) keys: Vec<Vec<Step>>,
    /// The rules that fail by themselves, for some subjects or for all.
    pub(super) alone: Vec<Step>,
    /// Whether there are more than [`MAX_LOADED`] or [`MAX_STEPS`] keys.
    pub(super) is_too_much: bool,
}

/// The limit of keys for rules that do more than allow. A rule has one key for each of its peers at
/// each of its ports.
const MAX_LOADED: usize = 1 << 20;
/// The limit of keys for all rules.
const MAX_STEPS: usize = 8 << 20;

/// The entity `none`, which the agent never merges.
const NONE: &str = "reserved:none=";

impl Merges {
    /// The merges that documents lead to.
    pub(super) fn of(documents: &Documents) -> Self {
        let is_loaded = |entry: &&Entry| {
            entry.authentication.is_some()
                || entry.ports.iter().flatten().any(|rule| loads(&rule.l7))
        };
        let mut merges = Self::default();
        // Without a rule that does more than allow, no merge can fail.
        if !documents.entries.iter().any(|entry| is_loaded(&entry)) {
            return merges;
        }
        let count = |entries: &mut dyn Iterator<Item = &Entry>| {
            entries.map(count_of_steps).fold(0, usize::saturating_add)
        };
        if count(&mut documents.entries.iter().filter(is_loaded)) > MAX_LOADED
            || count(&mut documents.entries.iter()) > MAX_STEPS
        {
            merges.is_too_much = true;
            return merges;
        }
        let mut keys: HashMap<Key<'_>, Vec<Step>> = HashMap::new();
        for entry in documents.entries.iter().filter(is_loaded) {
            steps(entry, |key, _, l7| {
                if entry.authentication.is_some() || l7.is_some_and(loads) {
                    keys.entry(key).or_default();
                }
            });
        }
        let mut index = 0_u32;
        for id in in_merge_order(documents) {
            let entry = documents.entry(id);
            steps(entry, |key, rule, l7| {
                let step = Step { index, entry: id, rule, protocol: key.protocol };
                index = index.saturating_add(1);
                if l7.is_some_and(|l7| fails_alone(l7, true, false).is_some()) {
                    merges.alone.push(step);
                }
                if key.peer != NONE
                    && let Some(steps) = keys.get_mut(&key)
                {
                    steps.push(step);
                }
            });
        }
        let may_fail = |steps: &Vec<Step>| steps.len() > 1 && may_fail(documents, steps);
        merges.keys = keys.into_values().filter(may_fail).collect();
        merges
    }

    /// Whether the merge can fail for some subject.
    pub(super) const fn can_fail(&self) -> bool {
        self.is_too_much || !self.alone.is_empty() || !self.keys.is_empty()
    }
}

/// Whether rules of one key may conflict. Most keys hold equal rules; the check for each subject
/// skips those.
fn may_fail(documents: &Documents, steps: &[Step]) -> bool {
    let mut parser = Parser::None;
    let (mut mode, mut terminating, mut originating) = (None, None, None);
    let mut differs = |step: &Step| {
        let new = Merged::of(documents.entry(step.entry), step);
        if new.listener.is_some() || new.has_server_names {
            return true;
        }
        match parser.merge(new.parser) {
            Some(merged) => parser = merged,
            None => return true,
        }
        is_other(&mut mode, new.authentication.map(Authentication::mode))
            || is_other(&mut terminating, new.terminating_tls)
            || is_other(&mut originating, new.originating_tls)
    };
    steps.iter().any(&mut differs)
}

/// Keeps the first value of a kind. Returns whether the new value differs from the kept one.
fn is_other<T: PartialEq>(kept: &mut Option<T>, new: Option<T>) -> bool {
    match (&*kept, new) {
        (Some(one), Some(other)) => *one != other,
        (None, new) => {
            *kept = new;
            false
        }
        (Some(_), None) => false,
    }
}

/// An upper bound for the number of an entry's keys.
fn count_of_steps(entry: &Entry) -> usize {
    let peers = match &entry.peers {
        Peers::Empty { .. } => 0,
        Peers::Absent => 1,
        Peers::Any(peers) => peers.len(),
    };
    let ports = match &entry.ports {
        None => 1,
        Some(rules) => rules
            .iter()
            .flat_map(|rule| &rule.ports)
            .map(|port| if port.protocol == Protocol::Any { 3 } else { 1 })
            .sum(),
    };
    peers.saturating_mul(ports)
}

/// The entries in the agent's order: tier, priority, resource, position.
fn in_merge_order(documents: &Documents) -> Vec<EntryId> {
    let resource = |policy: &Policy| {
        let kind = match policy.name.kind {
            PolicyKind::CiliumClusterwideNetworkPolicy => "ccnp",
            PolicyKind::CiliumNetworkPolicy => "cnp",
            PolicyKind::ClusterNetworkPolicy => "kcnp",
            PolicyKind::NetworkPolicy => "netpol",
        };
        format!("{kind}/{}/{}", policy.name.namespace, policy.object)
    };
    let resources: Vec<String> = documents.policies.iter().map(resource).collect();
    let mut sorted: Vec<_> = documents
        .entries
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            let resource = resources.get(entry.policy.index());
            (entry.tier, entry.priority, resource, EntryId::new(index))
        })
        .collect();
    crate::sorted::sort(&mut sorted);
    sorted.into_iter().map(|(.., id)| id).collect()
}
