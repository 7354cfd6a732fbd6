//! Questions in columns, for the vectors of Cilium's own engine in Wasm.

use cilium_policy::NamePattern;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use super::questions::{self, Answers, QuestionColumns};
use super::{Policies, failed};

/// Questions about connections without flows.
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
    /// Answers to questions.
    pub fn answer(&mut self, questions: &Questions) -> Verdicts {
        Verdicts { answers: questions.questions.answer(&mut self.files) }
    }

    /// Policies of all matching rules with the winning rank, one policy a line, by question.
    pub fn attribution(&mut self, questions: &Questions) -> Vec<String> {
        questions.questions.attribution(&mut self.files)
    }
}

/// Results of matching names against patterns of `toFQDNs` or of DNS rules, by row: 0 no match, 1
/// match, 2 Cilium refuses the pattern. `exact` is not 0 for rows whose pattern is a `matchName`.
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
impl Questions {
    /// Questions in columns: subject, peer, direction (0: ingress, 1: egress), IP protocol,
    /// destination port (ICMP: the type), and the destination's named ports. An identity is a list
    /// of labels, one a line; named ports are lines of `name protocol port`.
    ///
    /// Errors: the columns differ in length, or refer to an identity that does not exist.
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
    /// Verdicts: 0 denied, 1 allowed, 2 cannot tell.
    pub fn verdicts(&self) -> Vec<u8> {
        self.answers.verdicts.clone()
    }

    /// Redirects: 1 if the connection goes to the proxy.
    pub fn redirects(&self) -> Vec<u8> {
        self.answers.redirects.clone()
    }

    /// Codes of the deciding rules or defaults.
    #[wasm_bindgen(js_name = decidedBy)]
    pub fn decided_by(&self) -> Vec<u32> {
        self.answers.decided_by.clone()
    }

    /// The texts of the codes.
    pub fn texts(&self) -> Vec<String> {
        self.answers.texts.clone()
    }
}
