//! What is allowed, and still not what its author meant: findings about policies, with the evidence
//! that recorded flows give.

mod flows;
mod seen;
#[cfg(test)]
mod tests;

use cilium_policy::{Finding, Judge, SourceText, findings, in_order};
use flow::Flow;

/// Lines of evidence of one finding.
const MAX_EVIDENCE: usize = 10;

/// Looks at policies, their texts and, where there are some, flows. `names` are those of the files
/// by the texts' indices; empty where the texts are not files.
pub fn lint(
    texts: &[SourceText<'_>],
    names: &[&str],
    judge: &mut Judge,
    flows: &[Flow],
) -> Vec<Finding> {
    // An agent whose option keeps a label shows it.
    let is_kept = |key: &str| flows.iter().any(|flow| has_key(flow, key));
    let mut findings = findings(judge.set(), texts, names, is_kept);
    if !flows.is_empty() {
        flows::lint(judge, flows, &mut findings);
    }
    in_order(findings)
}

fn has_key(flow: &Flow, key: &str) -> bool {
    let mut ends = [&flow.source, &flow.destination].into_iter().flatten();
    ends.any(|end| {
        end.labels.iter().any(|label| {
            let own = label.strip_prefix("k8s:").unwrap_or(label);
            own.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    })
}
