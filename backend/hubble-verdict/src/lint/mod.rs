//! Lints: parts of policies that are valid, but probably not intended, with evidence from recorded
//! flows.

mod flows;
pub mod registry;
mod seen;
#[cfg(test)]
mod tests;

use cilium_policy::{Finding, Judge, SourceText, sorted_findings, unsorted_findings};
use flow::Flow;

/// Most lines of evidence of one finding.
const MAX_EVIDENCE: usize = 10;

/// Findings about policies, their texts and, where there are some, flows. `names` are the files' names by the texts'
/// indices; it is empty where the texts are not files.
pub fn lint(
    texts: &[SourceText<'_>],
    names: &[&str],
    judge: &Judge,
    flows: &[Flow],
) -> Vec<Finding> {
    // Flows carry a label where the agent's option keeps it.
    let is_kept = |key: &str| flows.iter().any(|flow| has_key(flow, key));
    let mut findings = unsorted_findings(judge.set(), texts, names, is_kept);
    if !flows.is_empty() {
        flows::lint(judge, flows, &mut findings);
    }
    sorted_findings(findings)
}

/// Whether an endpoint of a flow has a label with this key.
fn has_key(flow: &Flow, key: &str) -> bool {
    let mut endpoints = [&flow.source, &flow.destination].into_iter().flatten();
    endpoints.any(|endpoint| {
        endpoint.labels.iter().any(|label| {
            let own = label.strip_prefix("k8s:").unwrap_or(label);
            own.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    })
}
