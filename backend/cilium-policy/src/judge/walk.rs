//! The walk over the rules of one direction: the only algorithm that decides.
//!
//! Rules stand in Cilium's order: tier, priority, and within them deny, allow, pass. The first rule
//! that matches decides; a pass skips the rest of its tier. If it is unknown whether a rule
//! matches, the walk follows both ways. Verdict, explanation and the rules for the proxy are views
//! of this walk. They differ in the test for a match and in how much of the trace they keep.

use super::{
    pair::Candidate,
    set::{EntryId, PolicySet},
    truth::Truth,
};
use crate::Action;

/// The reason why a match had no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// An earlier tier decided.
    LaterTier,
    /// A rule of the same tier with a smaller priority number decided.
    LaterPriority,
    /// A deny rule of the same priority decided.
    DenyFirst,
    /// An allow rule of the same priority decided before this pass.
    AllowFirst,
    /// A pass rule skipped the rest of the tier.
    Passed,
}

/// The role of a rule that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The rule decides, alone or with others of its rank and action.
    Decides,
    /// The rule skips the rest of its tier.
    Passes,
    /// The rule matches without effect.
    Lost(Loss),
}

/// A receiver for the rules that a walk meets.
pub(super) trait Trace {
    /// Whether the walk continues to the rules behind the decision.
    const IS_WHOLE: bool;

    /// Records a rule that matches.
    fn add(&mut self, entry: EntryId, role: Role);
}

/// The empty trace: the walk ends with the decision.
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

/// All possible outcomes of a walk.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an outcome of its own")]
pub(super) struct Outcomes<'p> {
    /// The first rule that decides in one of the ways.
    pub(super) first: Option<&'p Candidate>,
    /// Whether an allow decides in some way.
    pub(super) allowed: bool,
    /// Whether a deny decides in some way.
    pub(super) denied: bool,
    /// Whether no rule decides in some way.
    pub(super) undecided: bool,
    /// Whether there are several ways, because it is unknown whether some rule matches.
    pub(super) is_open: bool,
}

/// Walks over candidates in the order of judging. `matches` tests one candidate; its answer must be
/// known where a trace is kept.
#[inline]
pub(super) fn walk<'p, T: Trace>(
    set: &PolicySet,
    candidates: &'p [Candidate],
    matches: impl Fn(&Candidate) -> Truth,
    trace: &mut T,
) -> Outcomes<'p> {
    let mut outcomes = Outcomes::default();
    // The tier that every way has passed, and the tier that some way has passed.
    let (mut passed_by_all, mut passed_by_some) = (0, 0);
    let mut is_decided = false;
    for candidate in candidates {
        if T::IS_WHOLE && is_decided || candidate.tier <= passed_by_all {
            if T::IS_WHOLE && matches(candidate) == Truth::Yes {
                let decider = outcomes.first.filter(|_| is_decided);
                trace.add(candidate.entry, beaten(set, candidate, decider));
            }
            continue;
        }
        let truth = matches(candidate);
        if truth == Truth::No {
            continue;
        }
        let is_known = truth == Truth::Yes;
        outcomes.is_open |= !is_known;
        if candidate.action == Action::Pass {
            passed_by_some = candidate.tier;
            if is_known {
                passed_by_all = candidate.tier;
                trace.add(candidate.entry, Role::Passes);
            }
            continue;
        }
        outcomes.allowed |= candidate.action == Action::Allow;
        outcomes.denied |= candidate.action == Action::Deny;
        outcomes.first = outcomes.first.or(Some(candidate));
        if !is_known {
            continue;
        }
        if passed_by_some == candidate.tier {
            // The ways with a pass continue in the next tier.
            passed_by_all = candidate.tier;
            continue;
        }
        if !T::IS_WHOLE {
            return outcomes;
        }
        is_decided = true;
        trace.add(candidate.entry, Role::Decides);
    }
    outcomes.undecided = !is_decided;
    outcomes
}

/// The role of a rule after the decision or, without a decision, after a pass.
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
