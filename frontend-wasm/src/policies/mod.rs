//! The policy engine over the table's flows: policies in, judged columns and texts out.
//!
//! Policies are compiled once and flows made ready once; verdicts, explanations, lints, fixes and
//! answers come from the same two.

mod ask;
mod distinct;
mod explained;
mod judged;
mod lint;
mod place;
mod policy_files;
mod questions;
mod recorded;
mod suggest;
#[cfg(test)]
mod tests;
#[cfg(feature = "typescript")]
pub(crate) mod typescript;
mod vectors;

pub(crate) use recorded::Ready;
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

/// A connection that is asked about.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Connection {
    question: Question,
}

#[wasm_bindgen]
impl Policies {
    /// Reads and compiles files of policies, each with its name, its text and when it was last
    /// changed (Unix milliseconds, NaN: not known). Agent settings that are known stand as
    /// `name=value`; the others are taken from the flows that are judged. `changed_ms`: when a file
    /// came or went last.
    ///
    /// Errors: a setting does not exist. `refused` names the documents that are refused.
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

    /// How many policies were compiled; refused documents do not count.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.files.set().policies().len()
    }

    /// As JSON, the documents that are refused, or are not policies, with reason and place.
    pub fn refused(&self) -> Result<String, JsError> {
        json(&refused(&self.files))
    }
}

#[wasm_bindgen]
impl Connection {
    /// From `from` to `to`, as `hubble-verdict ask` reads them: a pod, workload or Service as
    /// `namespace/name`, an address, `world`; `to` with a port and perhaps a protocol, or a DNS name:
    /// `product-service:3002`, `kube-system/kube-dns:53/UDP`, `www.bing.com:443`. Labels, as
    /// `app=order-service`, count before those of flows and documents. `method` and `path` of a
    /// request, where rules for HTTP are to be asked.
    ///
    /// Errors: a text that names no end of a connection.
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
    /// Judges all flows, and fills the columns `agreement`, `computed` and `decidedBy`; what stood
    /// there before is gone.
    ///
    /// Errors: the texts outgrow their bound.
    pub fn judge(&mut self, policies: &mut Policies) -> Result<(), JsError> {
        self.table.judge(&mut policies.files).map_err(|error| failed(&error))
    }

    /// That policies name no namespace, with those that would fit the flows. None: all name one, or
    /// the setting `namespace` is given.
    pub fn unplaced(&mut self, policies: &mut Policies) -> Option<String> {
        self.table.unplaced(&mut policies.files)
    }

    /// As JSON, why a flow is judged as it is, with the lines of the policies that say so.
    ///
    /// Errors: there is no such row.
    pub fn explain(&mut self, policies: &mut Policies, row: u32) -> Result<String, JsError> {
        let explained = explained(&mut self.table, &mut policies.files, row);
        json(&explained.map_err(|error| failed(&error))?)
    }

    /// As JSON, what is allowed in these policies and still not what their author meant, with
    /// evidence from the newest 50,000 flows.
    pub fn lint(&mut self, policies: &mut Policies) -> Result<String, JsError> {
        json(&lint::findings(&mut self.table, &mut policies.files))
    }

    /// As JSON, the smallest additions that let the flows of these rows pass.
    pub fn suggest(&mut self, policies: &mut Policies, rows: &[u32]) -> Result<String, JsError> {
        json(&suggest::suggestion(&mut self.table, &mut policies.files, rows))
    }

    /// As JSON, whether the connection is allowed, step by step, and with `with_fix` the smallest
    /// additions that open the steps that are shut. Names are looked up in the policies, the
    /// documents beside them and the newest 50,000 flows.
    ///
    /// Errors: a name could mean several.
    pub fn ask(
        &mut self,
        policies: &mut Policies,
        connection: &Connection,
        with_fix: bool,
    ) -> Result<String, JsError> {
        let Connection { question } = connection;
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
