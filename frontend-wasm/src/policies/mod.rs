//! The policy engine over the table's flows: policies in, judged columns and texts out.
//!
//! Policies are compiled once and flows prepared once; verdicts, explanations, lints, fixes and
//! answers come from the same two.

mod ask;
mod distinct;
mod explained;
mod judged;
mod lint;
mod location;
mod policy_files;
mod prepared;
mod questions;
mod recorded;
mod suggest;
#[cfg(test)]
mod tests;
#[cfg(feature = "typescript")]
pub(crate) mod typescript;
mod vectors;

pub(crate) use prepared::PolicyData;
pub use vectors::{Questions, Verdicts, match_names};

use hubble_verdict::Question;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{FlowTable, chain};
use explained::{explained, refused};
use policy_files::{PolicyFile, PolicyFiles};

/// A set of policies, compiled.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Policies {
    files: PolicyFiles,
}

/// A question about one connection.
#[wasm_bindgen]
#[derive(Debug)]
pub struct AskedConnection {
    question: Question,
}

#[wasm_bindgen]
impl Policies {
    /// Reads and compiles policy files, each with its name, its text and the time of its last
    /// change (Unix milliseconds, NaN: not known). `settings` has known agent settings as
    /// `name=value`; the others come from the judged flows. `changed_ms`: time of the last addition
    /// or removal of a file.
    ///
    /// Errors: a setting does not exist. `refused` has the refused documents.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands lists of texts over")]
    pub fn new(
        names: Vec<String>,
        texts: Vec<String>,
        modified_ms: &[f64],
        settings: Vec<String>,
        changed_ms: Option<f64>,
    ) -> Result<Self, JsError> {
        let times = modified_ms.iter().copied().chain(std::iter::repeat(f64::NAN));
        let files = names
            .into_iter()
            .zip(texts)
            .zip(times)
            .map(|((name, text), modified_ms)| PolicyFile { name, text, modified_ms })
            .collect();
        let files = PolicyFiles::new(files, &settings, changed_ms.unwrap_or(f64::NAN))
            .map_err(|error| failed(&error))?;
        Ok(Self { files })
    }

    /// Number of compiled policies, without refused documents.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.files.set().policies().len()
    }

    /// The documents that are refused, or are not policies, with reason and place, as JSON.
    pub fn refused(&self) -> Result<String, JsError> {
        json(&refused(&self.files))
    }
}

#[wasm_bindgen]
impl AskedConnection {
    /// A question from `from` to `to`, as `hubble-verdict ask` reads them: a pod, workload or
    /// Service as `namespace/name`, an address, `world`; `to` with a port and perhaps a protocol,
    /// or a DNS name: `product-service:3002`, `kube-system/kube-dns:53/UDP`, `www.bing.com:443`.
    /// Labels, as `app=order-service`, take precedence over those of flows and documents. `method`
    /// and `path` are those of a request to check against HTTP rules.
    ///
    /// Errors: a text is not a source or a destination.
    #[wasm_bindgen(constructor)]
    pub fn new(
        from: &str,
        from_labels: Vec<String>,
        to: &str,
        to_labels: Vec<String>,
        method: Option<String>,
        path: Option<String>,
    ) -> Result<Self, JsError> {
        let request = method.zip(path);
        ask::question([from, to], [from_labels, to_labels], request)
            .map(|question| Self { question })
            .map_err(|error| failed(&error))
    }
}

#[wasm_bindgen]
impl FlowTable {
    /// Judges all flows, and replaces the contents of the columns `agreement`, `computed` and
    /// `decidedBy`.
    ///
    /// Errors: the texts exceed their bound.
    pub fn judge(&mut self, policies: &mut Policies) -> Result<(), JsError> {
        self.table.judge(&mut policies.files).map_err(|error| failed(&error))
    }

    /// A note on policies without a namespace, with namespaces that would fit the flows. `None`:
    /// all policies have one, or the setting `namespace` is given.
    pub fn unplaced(&mut self, policies: &mut Policies) -> Option<String> {
        self.table.unplaced(&mut policies.files)
    }

    /// The reasons for a flow's verdict, with the deciding lines of the policies, as JSON.
    ///
    /// Errors: the row does not exist.
    pub fn explain(&mut self, policies: &mut Policies, row: u32) -> Result<String, JsError> {
        let explained = explained(&mut self.table, &mut policies.files, row);
        json(&explained.map_err(|error| failed(&error))?)
    }

    /// Findings of lints as JSON: parts of the policies that are valid but hardly intended, with
    /// evidence from the newest 50,000 flows.
    pub fn lint(&mut self, policies: &mut Policies) -> Result<String, JsError> {
        json(&lint::findings(&mut self.table, &mut policies.files))
    }

    /// The smallest additions that let the flows of these rows pass, as JSON.
    pub fn suggest(&mut self, policies: &mut Policies, rows: &[u32]) -> Result<String, JsError> {
        json(&suggest::suggestion(&mut self.table, &mut policies.files, rows))
    }

    /// The answer to whether the connection is allowed, step by step, as JSON; with `with_fix` also
    /// the smallest additions that open the closed steps. Names are looked up in the policies, the
    /// documents beside them and the newest 50,000 flows.
    ///
    /// Errors: a name could mean several.
    pub fn ask(
        &mut self,
        policies: &mut Policies,
        connection: &AskedConnection,
        with_fix: bool,
    ) -> Result<String, JsError> {
        let AskedConnection { question } = connection;
        let answer = ask::reachable(&mut self.table, &mut policies.files, question, with_fix);
        json(&answer.map_err(|error| failed(&error))?)
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, JsError> {
    serde_json::to_string(value).map_err(|error| failed(&error))
}

fn failed(error: &dyn std::error::Error) -> JsError {
    JsError::new(&chain(error))
}
