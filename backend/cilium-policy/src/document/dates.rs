//! The last changes of policies, and of the objects that they refer to.
//!
//! An exported object carries the time itself (`metadata`). For others, the engine takes the time
//! of the file, or a given time. It reads no clock.

use hashbrown::HashMap;

use super::Documents;
use crate::{EntryId, GroupSelector, Peer, PeerMatcher, Peers, Policy, UnixTime, dated::Dated};

/// Times that the texts lack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dates {
    /// The last change of each text, by index; `None` if unknown.
    pub texts: Vec<Option<UnixTime>>,
    /// The time of the set's last change: a removed policy leaves no other trace.
    pub set: Option<UnixTime>,
}

/// The last changes that affect a subject.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Changes {
    /// The last change of policies and of the Services that they refer to.
    pub(crate) policies: Option<UnixTime>,
    /// The last change of the CIDR groups that they refer to.
    pub(crate) groups: Option<UnixTime>,
    /// Whether some of these are selected by labels of unknown age.
    pub(crate) is_open: bool,
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

/// The times in the documents, indexed for look-up.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownDates {
    /// Whether there are any times.
    pub(crate) are_some: bool,
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

    /// The last changes behind an entry.
    pub(crate) fn changes(&self, documents: &Documents, entry: EntryId) -> Changes {
        let rule = documents.entry(entry);
        let own = documents.policies.get(rule.policy).and_then(Policy::changed);
        let first = documents.by_service.partition_point(|(by, _)| *by < entry);
        let services = documents.by_service.iter().skip(first).take_while(|(by, _)| *by == entry);
        let of_services = services
            .filter_map(|(_, service)| documents.services.get(*service))
            .flat_map(|service| &service.dated)
            .filter_map(|(_, dated)| dated.changed)
            .max();
        let peers = match &rule.peers {
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
                self.by_group.get(name).copied()
            }
            // A group that is not selected now may have been selected before, with its former
            // labels.
            PeerMatcher::CidrGroup { selector: GroupSelector::Labels(_), .. }
            | PeerMatcher::CloudGroup { .. } => self.last_group,
            _ => None,
        };
        Changes {
            policies: own.max(of_services),
            groups: peers.iter().filter_map(of_peer).max(),
            is_open: self.is_open && peers.iter().any(is_by_labels),
        }
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
