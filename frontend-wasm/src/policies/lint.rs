//! Findings of lints.

use hashbrown::HashSet;
use hubble_verdict::lint;
use serde::Serialize;

use super::location::PolicyLocation;
use super::policy_files::{PolicyFiles, sources};
use crate::table::Table;

/// A finding of a lint.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "Finding"))]
pub(crate) struct LintFinding {
    id: &'static str,
    #[cfg_attr(feature = "typescript", ts(type = "Severity"))]
    severity: &'static str,
    sentence: String,
    policy: String,
    evidence: Vec<String>,
    fix: Option<String>,
    #[serde(flatten)]
    #[cfg_attr(feature = "typescript", ts(skip))]
    location: Option<PolicyLocation>,
}

/// Findings in the policies, with evidence from the newest flows.
pub(crate) fn findings(table: &mut Table, policies: &mut PolicyFiles) -> Vec<LintFinding> {
    table.prepare(policies);
    let (_, flows) = table.newest(&HashSet::new());
    let PolicyFiles { files, judge, .. } = policies;
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let found = lint(&sources(files), &names, judge, &flows);
    found
        .into_iter()
        .map(|finding| LintFinding {
            id: finding.id(),
            severity: finding.severity().name(),
            sentence: finding.text(|file| policies.files.get(file).map(|file| file.name.as_str())),
            policy: finding.policy,
            evidence: finding.evidence,
            fix: finding.fix,
            location: finding.source.map(|file| PolicyLocation::of(policies, file, finding.at)),
        })
        .collect()
}
