//! Policies against recorded flows: the steps of every caller, in order.

use std::sync::{Arc, OnceLock};

use cilium_policy::{Dates, Finding, Judge, PolicySet, Settings, SourceText, WhatIf};
use flow::Flow;

use crate::{
    Answer, AskError, Directory, JudgeFlows, Judgement, Learned, Prepared, Question, Suggestion,
    Summary, Unjudged, Unplaced, ask, lint, named_connection, settings_from, suggest, what_if,
};

/// Policies and the flows that they are compared with.
///
/// The settings come first: the records show the cluster's name and its address families, and the
/// policies are compiled under these settings. Then the policies are read, names and addresses are
/// learned from all flows, and the distinct questions of the flows are prepared.
#[derive(Debug)]
pub struct Review<'r> {
    texts: &'r [SourceText<'r>],
    flows: &'r [Flow],
    judge: Judge,
    learned: Learned,
    prepared: Prepared,
    /// Set by the first question about a connection.
    directory: OnceLock<Directory>,
}

impl<'r> Review<'r> {
    /// Policies, read for the cluster that the flows are of. `settings`: values for what the
    /// records do not show.
    #[must_use]
    pub fn of(texts: &'r [SourceText<'r>], settings: Settings, flows: &'r [Flow]) -> Self {
        Self::under(texts, settings_from(flows, settings), &Dates::default(), flows)
    }

    /// Policies, read for known settings, with the times at which they were changed.
    #[must_use]
    pub fn under(
        texts: &'r [SourceText<'r>],
        settings: Settings,
        dates: &Dates,
        flows: &'r [Flow],
    ) -> Self {
        let judge = Judge::new(Arc::new(PolicySet::read(texts, settings).dated(dates)));
        let learned = Learned::from_flows(flows);
        let prepared = Prepared::of(flows, &learned, judge.set().settings());
        Self { texts, flows, judge, learned, prepared, directory: OnceLock::new() }
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

    /// Findings of lints, with evidence from the flows. `names`: names of the files, by the texts'
    /// indices; empty where the texts are not files.
    #[must_use]
    pub fn findings(&self, names: &[&str]) -> Vec<Finding> {
        lint(self.texts, names, &self.judge, self.flows)
    }

    /// The smallest additions that let the flows at `wanted` pass.
    #[must_use]
    pub fn suggest(&self, wanted: &[usize]) -> Suggestion {
        suggest(self.texts, self.set().settings(), self.flows, wanted)
    }

    /// Flows whose verdict changes with other policies, compiled for the same cluster.
    #[must_use]
    pub fn what_if(&self, after: &Judge) -> WhatIf {
        what_if(&self.judge, after, &self.prepared, |index| {
            named_connection(self.flows.get(index)?, &self.learned, self.set().settings())
        })
    }

    /// Answer to a question about a connection, with the endpoints that flows and texts show.
    /// Errors: a name without a namespace exists in several namespaces.
    pub fn ask(&self, question: &Question) -> Result<Answer, AskError> {
        let read = || Directory::of(self.texts, self.flows, self.set().settings());
        ask(&self.judge, self.directory.get_or_init(read), question)
    }

    /// The smallest additions that open every closed step of an answer.
    #[must_use]
    pub fn suggest_for(&self, answer: &Answer) -> Suggestion {
        answer.suggest(self.texts, self.set().settings(), self.flows)
    }

    /// Policies of a set without a namespace, with the likely namespaces from the flows. `None`:
    /// there are no such policies, or the setting `namespace` is given.
    #[must_use]
    pub fn unplaced(&self, set: &PolicySet) -> Option<Unplaced> {
        Unplaced::of(set, &self.prepared)
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
