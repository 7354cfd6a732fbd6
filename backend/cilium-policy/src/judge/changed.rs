//! The last changes behind a judgement: a flow before them met other policies.

use super::{Judge, identity::Identity};
use crate::{Direction, UnixTime};

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
        let set_of = self.set();
        let of = |entry| set_of.known_dates.changes(set_of.documents(), entry);
        let changes = self.changes_about(self.class(subject), direction, of);
        // A pod belongs to no CIDR group; group labels in a record are from its own time.
        let settles_groups = |label: &crate::Label| matches!(&*label.source, "k8s" | "cidrgroup");
        let is_settled = peer.labels().iter().any(settles_groups);
        let groups = changes.groups.filter(|_| !is_settled);
        let is_open = changes.is_open && !is_settled;
        Changed { relevant: changes.policies.max(groups), set, is_open }
    }
}
