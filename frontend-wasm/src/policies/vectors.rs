//! Questions in columns, by which the vectors of Cilium's own engine are answered in Wasm too.

use cilium_policy::NamePattern;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use super::questions::{self, Answers, QuestionColumns};
use super::{Policies, failed};

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
    /// Answers questions.
    pub fn answer(&mut self, questions: &Questions) -> Verdicts {
        Verdicts { answers: questions.questions.answer(&mut self.files) }
    }

    /// By question, one a line, the policies of all rules that match at the winning rank.
    pub fn attribution(&mut self, questions: &Questions) -> Vec<String> {
        questions.questions.attribution(&mut self.files)
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
