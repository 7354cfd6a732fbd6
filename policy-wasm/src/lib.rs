//! The policy engine for the browser: policies and packed flows in, columns and texts out.
//!
//! Exports only; they are called once per batch, never once per row. It is a module of its own, and
//! loaded where there are policies: a panel without them has no use for it.

#[cfg(any(test, feature = "advice"))]
mod advice;
mod changes;
mod explained;
mod judged;
mod policy_files;
mod questions;
mod recorded;
#[cfg(test)]
mod tests;

#[cfg(feature = "advice")]
use advice::{findings, suggestion};
use changes::{Compared, compare};
use explained::{explained, refused};
use judged::JudgedColumns;
use policy_files::{PolicyFile, PolicyFiles};
use questions::{Answers, QuestionColumns};
use recorded::Recorded;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// The flows of an answer.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct RecordedFlows {
    streams: Vec<Vec<u8>>,
    recorded: Recorded,
}

/// What the policies make of every flow.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Judged {
    columns: JudgedColumns,
}

/// A set of policies, compiled.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Policies {
    files: PolicyFiles,
}

/// What changes for the flows between two sets of policies.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Changes {
    compared: Compared,
}

/// Questions about connections that no flow has asked.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Questions {
    questions: questions::Questions,
}

/// Answers to [`Questions`], by question.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Verdicts {
    answers: Answers,
}

#[wasm_bindgen]
impl Policies {
    /// Reads and compiles files of policies, each with its name, its text and when it was last
    /// changed (Unix milliseconds, NaN: not known). Agent settings that are known stand as
    /// `name=value`; the others are taken from the flows that are judged.
    ///
    /// Errors: there is no such setting. Documents that are refused are told by `refused`.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands lists of texts over")]
    pub fn new(
        names: Vec<String>,
        texts: Vec<String>,
        modified_ms: &[f64],
        settings: Vec<String>,
    ) -> Result<Self, JsError> {
        let times = modified_ms.iter().copied().chain(std::iter::repeat(f64::NAN));
        let files = names
            .into_iter()
            .zip(texts)
            .zip(times)
            .map(|((name, text), modified_ms)| PolicyFile { name, text, modified_ms })
            .collect();
        let files = PolicyFiles::new(files, &settings).map_err(|error| failed(&error))?;
        Ok(Self { files })
    }

    /// How many policies there are; refused documents are none.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.files.set().policies().len()
    }

    /// As JSON, the documents that are refused, or are no policies, with reason and place.
    pub fn refused(&self) -> Result<String, JsError> {
        json(&refused(&self.files))
    }

    /// Answers questions.
    pub fn answer(&mut self, questions: &Questions) -> Verdicts {
        Verdicts { answers: questions.questions.answer(&mut self.files) }
    }

    /// By question, one a line, the policies of all rules that match at the winning rank.
    pub fn attribution(&mut self, questions: &Questions) -> Vec<String> {
        questions.questions.attribution(&mut self.files)
    }
}

#[wasm_bindgen]
impl RecordedFlows {
    /// No flows yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a packed stream (`hubble-flows/1`); its flows count once `setPlaces` named them.
    pub fn append(&mut self, packed: Vec<u8>) {
        self.streams.push(packed);
    }

    /// Says which flows there are: by row three numbers, where its message is, by stream, batch and
    /// message; in the order in which the messages stand.
    #[wasm_bindgen(js_name = setPlaces)]
    pub fn set_places(&mut self, places: &[u32]) {
        self.recorded = Recorded::new(std::mem::take(&mut self.streams), places);
    }

    /// Judges all flows.
    pub fn judge(&mut self, policies: &mut Policies) -> Judged {
        let verdicts = self.recorded.prepare(&mut policies.files).judge(&mut policies.files);
        Judged { columns: JudgedColumns::of(&verdicts, policies.files.set()) }
    }

    /// As JSON, why a flow is judged as it is, with the lines of the policies that say so.
    ///
    /// Errors: there is no such row, or its message is defective.
    pub fn explain(&mut self, policies: &mut Policies, row: usize) -> Result<String, JsError> {
        self.recorded.prepare(&mut policies.files);
        let flow = self
            .recorded
            .flow(row)
            .ok_or_else(|| JsError::new(&format!("the flow in row {row} cannot be read")))?;
        json(&explained(&mut policies.files, &flow, &self.recorded.ready().learned))
    }

    /// What would change for the flows with other policies.
    #[wasm_bindgen(js_name = whatIf)]
    pub fn what_if(&mut self, before: &mut Policies, after: &mut Policies) -> Changes {
        Changes { compared: compare(&mut self.recorded, &mut before.files, &mut after.files) }
    }
}

#[cfg(feature = "advice")]
#[wasm_bindgen]
impl RecordedFlows {
    /// As JSON, what is allowed in these policies and still not what their author meant, with
    /// evidence from the newest 50,000 flows.
    pub fn lint(&mut self, policies: &mut Policies) -> Result<String, JsError> {
        json(&findings(&mut self.recorded, &mut policies.files))
    }

    /// As JSON, the smallest additions that let the flows of these rows pass.
    pub fn suggest(&mut self, policies: &mut Policies, rows: &[u32]) -> Result<String, JsError> {
        json(&suggestion(&mut self.recorded, &mut policies.files, rows))
    }
}

#[wasm_bindgen]
impl Judged {
    /// The texts behind all codes, the empty one first.
    pub fn texts(&self) -> Vec<String> {
        self.columns.texts.clone()
    }

    /// By row, record against policies: `agrees`, `differs`, `cannot tell`; empty where policy has
    /// nothing to say about the flow.
    pub fn agreement(&self) -> Vec<u32> {
        self.columns.agreement.clone()
    }

    /// By row, what the policies say: `allowed`, `denied`, `cannot tell`.
    pub fn computed(&self) -> Vec<u32> {
        self.columns.computed.clone()
    }

    /// By row, the rule or default behind it.
    #[wasm_bindgen(js_name = decidedBy)]
    pub fn decided_by(&self) -> Vec<u32> {
        self.columns.decided_by.clone()
    }
}

#[wasm_bindgen]
impl Changes {
    /// By row, the number of its group from 1; 0 where nothing changes.
    #[wasm_bindgen(js_name = groupOfRow)]
    pub fn group_of_row(&self) -> Vec<u32> {
        self.compared.group_of_row.clone()
    }

    /// As JSON, the groups and how many flows are not in one.
    pub fn summary(&self) -> Result<String, JsError> {
        json(&self.compared.summary)
    }
}

#[wasm_bindgen]
impl Questions {
    /// Questions in columns: whose policies are asked, about whom, which way (0: ingress, 1:
    /// egress), IP protocol, destination port (ICMP: the type), and the destination's named ports.
    /// An identity is a list of labels, one a line; named ports are lines of `name protocol port`.
    ///
    /// Errors: the columns differ in length, or name an identity that is not there.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands lists of texts over")]
    #[expect(clippy::too_many_arguments, reason = "columns, one each")]
    pub fn new(
        identities: Vec<String>,
        named_ports: Vec<String>,
        dual_stack: bool,
        subjects: &[u32],
        peers: &[u32],
        directions: &[u8],
        protocols: &[u8],
        ports: &[u16],
        named: &[u32],
    ) -> Result<Self, JsError> {
        let columns = QuestionColumns { subjects, peers, directions, protocols, ports, named };
        questions::Questions::new(&identities, &named_ports, dual_stack, &columns)
            .map(|questions| Self { questions })
            .map_err(|error| failed(&error))
    }
}

#[wasm_bindgen]
impl Verdicts {
    /// 0: denied; 1: allowed; 2: cannot tell.
    pub fn verdicts(&self) -> Vec<u8> {
        self.answers.verdicts.clone()
    }

    /// 1: it goes to the proxy.
    pub fn redirects(&self) -> Vec<u8> {
        self.answers.redirects.clone()
    }

    /// Code of the rule or default that decided.
    #[wasm_bindgen(js_name = decidedBy)]
    pub fn decided_by(&self) -> Vec<u32> {
        self.answers.decided_by.clone()
    }

    /// The texts behind the codes.
    pub fn texts(&self) -> Vec<String> {
        self.answers.texts.clone()
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, JsError> {
    serde_json::to_string(value).map_err(|error| failed(&error))
}

fn failed(error: &dyn std::error::Error) -> JsError {
    JsError::new(&error.to_string())
}
