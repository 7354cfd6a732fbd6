//! Answers to the question whether a source may reach a destination, for connections that no flow
//! shows yet.

use hashbrown::HashSet;
use hubble_verdict::{AskError, Question, Target, TargetError};
use serde::Serialize;

use super::explained::Reasons;
use super::policy_files::{PolicyFiles, sources};
use super::recorded::MAX_FLOWS;
use super::suggest::Fix;
use crate::table::Table;

/// The answer to whether a source may reach a destination.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Reachability {
    /// Verdict: `allowed`, `denied`, `cannot tell`; the last also where it depends on the pod.
    #[cfg_attr(feature = "typescript", ts(type = "Computed"))]
    verdict: &'static str,
    /// Paths, one for each kind of source and destination that the names mean.
    paths: Vec<ConnectionPath>,
    /// Assumptions, and facts that are not known.
    notes: Vec<String>,
    /// The fix, if requested. Its rows are steps, counted from 0 over all paths.
    fix: Option<Fix>,
}

/// The way from one source to one destination.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct ConnectionPath {
    source: String,
    destination: String,
    /// Port and protocol; behind a Service, those of its pods.
    traffic: String,
    #[cfg_attr(feature = "typescript", ts(type = "Computed"))]
    verdict: &'static str,
    steps: Vec<ConnectionStep>,
    /// Steps that stay closed if only the first one is opened.
    alone: Option<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct ConnectionStep {
    /// Kind of the step: `DNS`, `DNS server's ingress`, `egress`, `ingress`.
    #[cfg_attr(feature = "typescript", ts(type = "StepKind"))]
    kind: &'static str,
    /// The name to look up, or the request; may be empty.
    about: String,
    #[cfg_attr(feature = "typescript", ts(type = "Computed"))]
    verdict: &'static str,
    sentence: String,
    #[serde(flatten)]
    reasons: Reasons,
}

pub(crate) fn question(
    [from, to]: [&str; 2],
    [from_labels, to_labels]: [Vec<String>; 2],
    request: Option<(String, String)>,
) -> Result<Question, TargetError> {
    let from = Target::parse(from)?;
    let (to, traffic) = Target::parse_with_port(to)?;
    Ok(Question { from, from_labels, to, to_labels, traffic, request })
}

/// Answers a question.
pub(crate) fn reachable(
    table: &mut Table,
    policies: &mut PolicyFiles,
    question: &Question,
    with_fix: bool,
) -> Result<Reachability, AskError> {
    table.prepare(policies);
    let directory = table.directory(policies);
    let answer = hubble_verdict::ask(&policies.judge, directory, question)?;
    let fix = with_fix.then(|| {
        let (_, flows) = table.newest(&HashSet::new());
        let texts = sources(&policies.files);
        let suggested = answer.suggest(&texts, policies.set().settings(), &flows);
        Fix::of(suggested, policies, |step| step)
    });
    let step = |step: hubble_verdict::AnswerStep| ConnectionStep {
        kind: step.kind.name(),
        about: step.about,
        verdict: step.judgement.verdict.name(),
        sentence: step.judgement.sentence(policies.set()),
        reasons: Reasons::of(policies, &step.judgement),
    };
    let paths = answer.paths.into_iter().map(|path| ConnectionPath {
        verdict: path.verdict().name(),
        alone: path.alone(),
        traffic: path.traffic.to_string(),
        source: path.source,
        destination: path.destination,
        steps: path.steps.into_iter().map(step).collect(),
    });
    let paths = paths.collect();
    let mut notes = answer.notes;
    if table.flows.len() > MAX_FLOWS {
        notes.push(format!(
            "names are those of the newest {MAX_FLOWS} of {} flows, and of the documents",
            table.flows.len()
        ));
    }
    Ok(Reachability { verdict: answer.verdict.name(), paths, notes, fix })
}
