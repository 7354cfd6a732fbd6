//! May one reach the other?

use policy::{AskError, Directory, Question, Target, TargetError, ask};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::policy_files::PolicyFiles;
use crate::recorded::Recorded;
use crate::{Policies, RecordedFlows, failed, json};

#[wasm_bindgen]
impl RecordedFlows {
    /// As JSON, whether one may reach the other, step by step; these flows tell who they are.
    /// `question` is JSON: `from`, `to` with its port (`product-service:3002`) and, where they are
    /// given, `fromLabels`, `toLabels` (`app=order-service`), `method` and `path`.
    ///
    /// Errors: the question cannot be read, or could mean several.
    pub fn ask(&mut self, policies: &mut Policies, question: &str) -> Result<String, JsError> {
        let question: Asked = serde_json::from_str(question).map_err(|error| failed(&error))?;
        let answer = answered(&mut self.recorded, &mut policies.files, question);
        json(&answer.map_err(|error| failed(&error))?)
    }
}

/// A question, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) from: String,
    pub(crate) from_labels: Vec<String>,
    pub(crate) to: String,
    pub(crate) to_labels: Vec<String>,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskedError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// An answer, with what decides each step.
#[derive(Debug, Serialize)]
pub(crate) struct Answered {
    verdict: &'static str,
    paths: Vec<AnsweredPath>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AnsweredPath {
    source: String,
    destination: String,
    traffic: String,
    verdict: &'static str,
    steps: Vec<AnsweredStep>,
    alone: Option<String>,
}

#[derive(Debug, Serialize)]
struct AnsweredStep {
    step: &'static str,
    /// The name that is looked up, or the request; may be empty.
    about: String,
    verdict: &'static str,
    sentence: String,
    missing: Vec<String>,
}

/// Answers a question from the flows of the rows.
pub(crate) fn answered(
    recorded: &mut Recorded,
    policies: &mut PolicyFiles,
    asked: Asked,
) -> Result<Answered, AskedError> {
    let (to, traffic) = Target::parse_with_port(&asked.to)?;
    let question = Question {
        from: Target::parse(&asked.from)?,
        from_labels: asked.from_labels,
        to,
        to_labels: asked.to_labels,
        traffic,
        request: (!asked.method.is_empty()).then_some((asked.method, asked.path)),
    };
    recorded.prepare(policies);
    let (_, flows) = recorded.newest(&hashbrown::HashSet::new());
    let set = std::sync::Arc::clone(policies.set());
    let directory = Directory::of(&policies.sources(), &flows, set.settings());
    let answer = ask(&mut policies.judge, &directory, &question)?;
    let step = |step: &policy::Step| AnsweredStep {
        step: step.kind.name(),
        about: step.about.clone(),
        verdict: step.judgement.verdict.name(),
        sentence: step.judgement.sentence(&set),
        missing: step.judgement.explanation.missing.iter().map(ToString::to_string).collect(),
    };
    let path = |path: &policy::Path| AnsweredPath {
        source: path.source.clone(),
        destination: path.destination.clone(),
        traffic: path.traffic.to_string(),
        verdict: path.verdict().name(),
        steps: path.steps.iter().map(step).collect(),
        alone: path.alone(),
    };
    Ok(Answered {
        verdict: answer.verdict.name(),
        paths: answer.paths.iter().map(path).collect(),
        notes: answer.notes,
    })
}
