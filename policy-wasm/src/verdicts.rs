//! What verdicts, differences and questions are asked by.

use cilium_policy::NamePattern;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::changes::{Compared, compare};
use crate::explained::{explained, refused};
use crate::judged::{JudgedColumns, judge};
use crate::questions::{self, Answers, QuestionColumns};
use crate::{Policies, RecordedFlows, failed, json};

/// What the policies make of every flow.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Judged {
    columns: JudgedColumns,
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
    /// Judges all flows.
    pub fn judge(&mut self, policies: &mut Policies) -> Judged {
        let verdicts = judge(self.recorded.prepare(&mut policies.files), &mut policies.files);
        Judged { columns: JudgedColumns::of(&verdicts, policies.files.set()) }
    }

    /// That policies name no namespace, with those that would fit the flows. None: all name one, or
    /// the setting `namespace` is given.
    pub fn unplaced(&mut self, policies: &mut Policies) -> Option<String> {
        let prepared = &self.recorded.prepare(&mut policies.files).prepared;
        cilium_policy::Unplaced::of(policies.files.set(), prepared)
            .map(|unplaced| unplaced.sentence())
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

/// By row, whether a pattern of `toFQDNs` or of a DNS rule matches a name: 0: no, 1: yes, 2: Cilium
/// refuses the pattern. `exact` rows are not 0 where the pattern is a `matchName`.
#[wasm_bindgen(js_name = matchNames)]
#[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands lists of texts over")]
pub fn match_names(patterns: Vec<String>, exact: &[u8], names: Vec<String>) -> Vec<u8> {
    let rows = patterns.iter().zip(exact).zip(&names);
    rows.map(|((pattern, exact), name)| {
        let read = if *exact == 0 {
            NamePattern::of_pattern(pattern)
        } else {
            NamePattern::of_name(pattern)
        };
        read.map_or(2, |pattern| u8::from(pattern.matches(name)))
    })
    .collect()
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
