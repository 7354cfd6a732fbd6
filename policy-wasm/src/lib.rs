//! The policy engine for the browser: policies and packed flows in, columns and texts out.
//!
//! Exports only; they are called once per batch, never once per row. Policies are compiled once and
//! flows made ready once; verdicts, explanations, answers, differences, lints and fixes come from the
//! same two.
mod ask;
mod changes;
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
pub mod typescript;
mod verdicts;

use policy_files::{PolicyFile, PolicyFiles};
use recorded::Recorded;
pub use verdicts::match_names;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// The flows of an answer.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct RecordedFlows {
    streams: Vec<Vec<u8>>,
    recorded: Recorded,
}

/// A set of policies, compiled.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Policies {
    files: PolicyFiles,
}

#[wasm_bindgen]
impl Policies {
    /// Reads and compiles files of policies, each with its name, its text and when it was last
    /// changed (Unix milliseconds, NaN: not known). Agent settings that are known stand as
    /// `name=value`; the others are taken from the flows that are judged. `changed_ms`: when a file
    /// came or went last.
    ///
    /// Errors: there is no such setting. Documents that are refused are told by `refused`.
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

    /// How many policies there are; refused documents are none.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.files.set().policies().len()
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
}

fn json(value: &impl serde::Serialize) -> Result<String, JsError> {
    serde_json::to_string(value).map_err(|error| failed(&error))
}

fn failed(error: &dyn std::error::Error) -> JsError {
    JsError::new(&error.to_string())
}
