//! Policies against recorded flows: the steps of every caller, in order.

use std::sync::Arc;

use cilium_policy::{Dates, Judge, PolicySet, Settings, SourceText};
use flow::Flow;

use crate::{JudgeFlows, Judgement, Learned, Prepared, Summary, Unjudged, settings_from};

/// Policies and the flows that they are compared with.
///
/// The settings come first: the records show the cluster's name and its address families, and the
/// policies are compiled under these settings. Then the policies are read, names and addresses are
/// learned from all flows, and the distinct questions of the flows are prepared.
#[derive(Debug)]
pub struct Review {
    judge: Judge,
    learned: Learned,
    prepared: Prepared,
}

impl Review {
    /// Policies, read for the cluster that the flows are of. `settings`: values for what the
    /// records do not show.
    #[must_use]
    pub fn of(texts: &[SourceText<'_>], settings: Settings, flows: &[Flow]) -> Self {
        Self::under(texts, settings_from(flows, settings), &Dates::default(), flows)
    }

    /// Policies, read for known settings, with the times at which they were changed.
    #[must_use]
    pub fn under(
        texts: &[SourceText<'_>],
        settings: Settings,
        dates: &Dates,
        flows: &[Flow],
    ) -> Self {
        let judge = Judge::new(Arc::new(PolicySet::read(texts, settings).dated(dates)));
        let learned = Learned::from_flows(flows);
        let prepared = Prepared::of(flows, &learned, judge.set().settings());
        Self { judge, learned, prepared }
    }

    /// Verdicts on all flows, in their order.
    #[must_use]
    pub fn summaries(&self) -> Vec<Result<Summary, Unjudged>> {
        self.prepared.judge(&self.judge)
    }

    /// Verdict on a flow, with its reasons. Errors: why the flow cannot be judged at all.
    pub fn explain(&self, flow: &Flow) -> Result<Judgement, Unjudged> {
        self.judge.explain_flow(flow, &self.learned)
    }

    /// The policies, ready to judge.
    #[must_use]
    pub const fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The policies.
    #[must_use]
    pub const fn set(&self) -> &Arc<PolicySet> {
        self.judge.set()
    }

    /// Facts that the flows show about each other.
    #[must_use]
    pub const fn learned(&self) -> &Learned {
        &self.learned
    }

    /// The flows, ready to be judged by other policies too.
    #[must_use]
    pub const fn prepared(&self) -> &Prepared {
        &self.prepared
    }
}
