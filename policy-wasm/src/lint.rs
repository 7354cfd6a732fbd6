//! Lints.

use cilium_policy::lint;
use hashbrown::HashSet;
use serde::Serialize;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::place::Place;
use crate::policy_files::{PolicyFiles, sources};
use crate::recorded::Recorded;
use crate::{Policies, RecordedFlows, json};

#[wasm_bindgen]
impl RecordedFlows {
    /// As JSON, what is allowed in these policies and still not what their author meant, with
    /// evidence from the newest 50,000 flows.
    pub fn lint(&mut self, policies: &mut Policies) -> Result<String, JsError> {
        json(&findings(&mut self.recorded, &mut policies.files))
    }
}

/// A finding of a lint.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "Finding"))]
pub(crate) struct Found {
    id: &'static str,
    #[cfg_attr(feature = "typescript", ts(type = "Severity"))]
    severity: &'static str,
    sentence: String,
    policy: String,
    evidence: Vec<String>,
    fix: Option<String>,
    #[serde(flatten)]
    #[cfg_attr(feature = "typescript", ts(skip))]
    place: Option<Place>,
}

/// Looks at the policies, and at the newest flows.
pub(crate) fn findings(recorded: &mut Recorded, policies: &mut PolicyFiles) -> Vec<Found> {
    recorded.prepare(policies);
    let (_, flows) = recorded.newest(&HashSet::new());
    let PolicyFiles { files, judge, .. } = policies;
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let found = lint(&sources(files), &names, judge, &flows);
    found
        .into_iter()
        .map(|finding| Found {
            id: finding.id,
            severity: finding.severity.name(),
            sentence: finding.text(|file| policies.files.get(file).map(|file| file.name.as_str())),
            policy: finding.policy,
            evidence: finding.evidence,
            fix: finding.fix,
            place: finding.source.map(|file| Place::of(policies, file, finding.at)),
        })
        .collect()
}
