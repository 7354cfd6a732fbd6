//! The walk over the rules of one direction: the one algorithm that decides.
//!
//! Rules stand in Cilium's order: tier, priority, and within them deny, allow, pass. The first rule
//! that matches decides; a pass skips the rest of its tier. Where it is not known whether a rule
//! matches, both ways are followed. Verdict, explanation and the rules that the proxy asks are views
//! of this walk: they differ in what counts as a match and in how much of the trace they keep.

use super::{
    pair::Candidate,
    set::{EntryId, PolicySet},
    truth::Truth,
};
use crate::{Action, Loss};

/// What became of a rule that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It decides, alone or with others of its rank and action.
    Decides,
    /// It skips the rest of its tier.
    Passes,
    /// It does not count.
    Lost(Loss),
}

/// Where a walk writes what it met.
pub(super) trait Trace {
    /// Whether the rules behind the decision are looked at too.
    const IS_WHOLE: bool;

    /// Takes a rule that matches.
    fn add(&mut self, entry: EntryId, role: Role);
}

/// No trace: the walk ends with the decision.
impl Trace for () {
    const IS_WHOLE: bool = false;

    fn add(&mut self, _: EntryId, _: Role) {}
}

impl Trace for Vec<(EntryId, Role)> {
    const IS_WHOLE: bool = true;

    fn add(&mut self, entry: EntryId, role: Role) {
        self.push((entry, role));
    }
}

/// Every way in which a walk can end.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an end of its own")]
pub(super) struct Ends<'p> {
    /// The first rule that decides, in some way.
    pub(super) first: Option<&'p Candidate>,
    /// In some way an allow decides.
    pub(super) allowed: bool,
    /// In some way a deny decides.
    pub(super) denied: bool,
    /// In some way no rule decides.
    pub(super) undecided: bool,
    /// There is more than one way: whether some rule matches is not known.
    pub(super) is_open: bool,
}

/// Walks over candidates in the order of judging; `matches` says whether one matches, which has to be
/// known where a trace is kept.
#[inline]
pub(super) fn walk<'p, T: Trace>(
    set: &PolicySet,
    candidates: &'p [Candidate],
    matches: impl Fn(&Candidate) -> Truth,
    trace: &mut T,
) -> Ends<'p> {
    let mut ends = Ends::default();
    // The tier of which every way has passed the rest, and the one of which some way has.
    let (mut passed_by_all, mut passed_by_some) = (0, 0);
    let mut is_decided = false;
    for candidate in candidates {
        if T::IS_WHOLE && is_decided || candidate.tier <= passed_by_all {
            if T::IS_WHOLE && matches(candidate) == Truth::Yes {
                let decider = ends.first.filter(|_| is_decided);
                trace.add(candidate.entry, beaten(set, candidate, decider));
            }
            continue;
        }
        let truth = matches(candidate);
        if truth == Truth::No {
            continue;
        }
        let is_known = truth == Truth::Yes;
        ends.is_open |= !is_known;
        if candidate.action == Action::Pass {
            passed_by_some = candidate.tier;
            if is_known {
                passed_by_all = candidate.tier;
                trace.add(candidate.entry, Role::Passes);
            }
            continue;
        }
        ends.allowed |= candidate.action == Action::Allow;
        ends.denied |= candidate.action == Action::Deny;
        ends.first = ends.first.or(Some(candidate));
        if !is_known {
            continue;
        }
        if passed_by_some == candidate.tier {
            // The ways that passed go on in the next tier.
            passed_by_all = candidate.tier;
            continue;
        }
        if !T::IS_WHOLE {
            return ends;
        }
        is_decided = true;
        trace.add(candidate.entry, Role::Decides);
    }
    ends.undecided = !is_decided;
    ends
}

/// The role of a rule that stands behind the decision or, where there is none, behind a pass.
fn beaten(set: &PolicySet, candidate: &Candidate, decider: Option<&Candidate>) -> Role {
    let Some(decider) = decider else { return Role::Lost(Loss::Passed) };
    let (own, winner) = (set.compiled(candidate.entry), set.compiled(decider.entry));
    if own.rank == winner.rank && own.action == winner.action {
        return Role::Decides;
    }
    Role::Lost(if own.rank.0 > winner.rank.0 {
        Loss::LaterTier
    } else if own.rank.1 > winner.rank.1 {
        Loss::LaterPriority
    } else if winner.action == Action::Deny {
        Loss::DenyFirst
    } else {
        Loss::AllowFirst
    })
}
