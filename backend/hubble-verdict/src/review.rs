//! Policies against recorded flows: the steps that every caller takes, in their order.

use std::sync::Arc;

use cilium_policy::{Dates, Judge, PolicySet, Settings, SourceText};
use flow::Flow;

use crate::{JudgeFlows, Judgement, Learned, Prepared, Summary, Unjudged, settings_from};

/// Policies and the flows that they are compared with.
///
/// The settings come first: the records show the cluster's name and its families of addresses, and
/// the policies mean what they mean under these. Then the policies are read, names and addresses are
/// learned from all flows, and what is distinct among the flows is made ready.
#[derive(Debug)]
pub struct Review {
    judge: Judge,
    learned: Learned,
    prepared: Prepared,
}

impl Review {
    /// Reads policies for the cluster that the flows are of. `settings` are those where the records
    /// show nothing else.
    #[must_use]
    pub fn of(texts: &[SourceText<'_>], settings: Settings, flows: &[Flow]) -> Self {
        Self::under(texts, settings_from(flows, settings), &Dates::default(), flows)
    }

    /// Reads policies for settings that are known, with the times at which they were changed.
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

    /// The verdict about each flow, in their order.
    #[must_use]
    pub fn summaries(&self) -> Vec<Result<Summary, Unjudged>> {
        self.prepared.judge(&self.judge)
    }

    /// The verdict about a flow, with its reasons. Errors: why it cannot be judged at all.
    pub fn explain(&self, flow: &Flow) -> Result<Judgement, Unjudged> {
        self.judge.explain_flow(flow, &self.learned)
    }

    /// The policies, ready to be asked.
    #[must_use]
    pub const fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The policies.
    #[must_use]
    pub const fn set(&self) -> &Arc<PolicySet> {
        self.judge.set()
    }

    /// What the flows tell about each other.
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
