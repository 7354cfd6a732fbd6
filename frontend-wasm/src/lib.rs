//! The engine in the browser: packed bytes in, typed arrays and texts out.
//!
//! One source, built twice: the small decoder, and with the feature `policies` the whole engine,
//! which replaces the decoder where there are policies. The page calls exports once per batch,
//! never once per row.

mod captions;
mod file;
#[cfg(feature = "policies")]
mod policies;
mod table;
#[cfg(test)]
mod tests;
#[cfg(feature = "typescript")]
pub mod typescript;
mod view;

#[cfg(feature = "policies")]
pub use policies::{AskedConnection, Policies, Questions, Verdicts, match_names};

use captions::TextColumn;
use file::Selection;
use flow::columns::{FlowColumns, NO_TIME, at};
use table::{Table, chain};
use view::{Column, View, ViewSpec};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// The flows of one answer.
#[wasm_bindgen]
#[derive(Debug)]
pub struct FlowTable {
    table: Table,
}

/// The rows shown in a table.
#[wasm_bindgen]
#[derive(Debug)]
pub struct FlowView {
    view: View,
}

#[wasm_bindgen]
impl FlowTable {
    /// A table without flows.
    #[wasm_bindgen(constructor)]
    #[expect(
        clippy::new_without_default,
        reason = "a constructor for JavaScript, which knows no Default"
    )]
    pub fn new() -> Self {
        Self { table: Table::new() }
    }

    /// Adds the flows of a packed stream (`hubble-flows/1`).
    ///
    /// Errors: no part of it can be read, with the reason as a sentence. `problems` has the defects
    /// that concern only a part.
    pub fn append(&mut self, packed: &[u8]) -> Result<(), JsError> {
        self.table.append(packed).map_err(|error| JsError::new(&chain(&error)))
    }

    /// Number of flows.
    #[wasm_bindgen(getter)]
    pub fn flows(&self) -> u32 {
        u32::try_from(self.table.flows.len()).unwrap_or(u32::MAX)
    }

    /// Notices on flows that were sent and could not be read.
    pub fn problems(&self) -> Vec<String> {
        self.table.problems().to_vec()
    }

    /// The texts of all codes, the empty one first.
    pub fn strings(&self) -> Vec<String> {
        self.table.captions.dictionary().iter().map(str::to_owned).collect()
    }

    /// The texts of the codes from `first`, for a caller that has the earlier ones.
    #[wasm_bindgen(js_name = stringsFrom)]
    pub fn strings_from(&self, first: usize) -> Vec<String> {
        self.table.captions.dictionary().iter().skip(first).map(str::to_owned).collect()
    }

    /// Unix times in milliseconds, by row; NaN for a flow without time.
    #[wasm_bindgen(js_name = timesMs)]
    pub fn times_ms(&self) -> Vec<f64> {
        let times = self.table.flows.time_nanos();
        times.iter().map(|&nanos| if nanos == NO_TIME { f64::NAN } else { millis(nanos) }).collect()
    }

    /// Source ports, by row; 0 for none.
    #[wasm_bindgen(js_name = sourcePorts)]
    pub fn source_ports(&self) -> Vec<u16> {
        self.ports(FlowColumns::source_port)
    }

    /// Destination ports, by row; 0 for none.
    #[wasm_bindgen(js_name = destinationPorts)]
    pub fn destination_ports(&self) -> Vec<u16> {
        self.ports(FlowColumns::destination_port)
    }

    /// Codes of a text column, by row.
    ///
    /// Errors: the column does not exist.
    pub fn codes(&self, column: &str) -> Result<Vec<u32>, JsError> {
        let column = TextColumn::from_name(column).ok_or_else(|| no_column(column))?;
        Ok(self.table.captions.codes(column).to_vec())
    }

    /// The rows that match a filter, sorted by the column `sort`: each word of `text` occurs in one
    /// of `columns`, the verdict's code is one of `verdicts` (empty: any), and the agreement's code
    /// is one of `agreements`.
    ///
    /// Errors: a column does not exist.
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands lists of texts over")]
    pub fn view(
        &self,
        text: &str,
        columns: Vec<String>,
        verdicts: &[u32],
        agreements: &[u32],
        sort: &str,
        descending: bool,
    ) -> Result<FlowView, JsError> {
        let columns = columns_of(&columns)?;
        let sort = Column::from_name(sort).ok_or_else(|| no_column(sort))?;
        let spec = ViewSpec { text, columns: &columns, verdicts, agreements, sort, descending };
        Ok(FlowView { view: View::new(&self.table.flows, &self.table.captions, &spec) })
    }

    /// Rows as CSV, with a line of `titles`; `columns` names the columns.
    ///
    /// Errors: a column does not exist, or the file would be too large.
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands lists of texts over")]
    pub fn csv(
        &self,
        rows: &[u32],
        columns: Vec<String>,
        titles: Vec<String>,
    ) -> Result<Vec<u8>, JsError> {
        let columns = columns_of(&columns)?;
        self.selection(rows, &columns).csv(&titles).map_err(|error| JsError::new(&chain(&error)))
    }

    /// Rows as JSON, one object a line with the fields in `columns`.
    ///
    /// Errors: a column does not exist, or the file would be too large.
    #[wasm_bindgen(js_name = jsonLines)]
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands lists of texts over")]
    pub fn json_lines(&self, rows: &[u32], columns: Vec<String>) -> Result<Vec<u8>, JsError> {
        let shown = columns_of(&columns)?;
        self.selection(rows, &shown)
            .json_lines(&columns)
            .map_err(|error| JsError::new(&chain(&error)))
    }

    /// One flow with all its fields, as a line of `hubble observe -o jsonpb`.
    ///
    /// Errors: the row does not exist, or its message is defective.
    pub fn record(&self, row: u32) -> Result<String, JsError> {
        self.table.record(row).map_err(|error| JsError::new(&chain(&error)))
    }
}

impl FlowTable {
    fn ports(&self, of: impl Fn(&FlowColumns) -> &[u16]) -> Vec<u16> {
        let ports = of(&self.table.flows);
        (0..self.table.flows.len()).map(|row| at(ports, row)).collect()
    }

    fn selection<'a>(&'a self, rows: &'a [u32], columns: &'a [Column]) -> Selection<'a> {
        Selection { flows: &self.table.flows, captions: &self.table.captions, rows, columns }
    }
}

#[wasm_bindgen]
impl FlowView {
    /// Row numbers in the order of the table.
    pub fn rows(&self) -> Vec<u32> {
        self.view.rows.clone()
    }

    /// Codes of the verdicts in `counts`.
    pub fn verdicts(&self) -> Vec<u32> {
        self.view.verdict_counts.iter().map(|&(verdict, _)| verdict).collect()
    }

    /// Number of flows with the words, by verdict, hidden verdicts included.
    pub fn counts(&self) -> Vec<u32> {
        self.view.verdict_counts.iter().map(|&(_, count)| count).collect()
    }

    /// Codes of the agreements in `agreementCounts`.
    pub fn agreements(&self) -> Vec<u32> {
        self.view.agreement_counts.iter().map(|&(agreement, _)| agreement).collect()
    }

    /// Number of flows with the words, by agreement, hidden agreements included.
    #[wasm_bindgen(js_name = agreementCounts)]
    pub fn agreement_counts(&self) -> Vec<u32> {
        self.view.agreement_counts.iter().map(|&(_, count)| count).collect()
    }
}

fn columns_of(names: &[String]) -> Result<Vec<Column>, JsError> {
    names.iter().map(|name| Column::from_name(name).ok_or_else(|| no_column(name))).collect()
}

fn no_column(name: &str) -> JsError {
    JsError::new(&format!("there is no column `{name}`"))
}

/// JavaScript's milliseconds; exact to a quarter of a microsecond in this century.
#[expect(
    clippy::cast_precision_loss,
    reason = "a table shows milliseconds; the record has them all"
)]
fn millis(nanos: i64) -> f64 {
    nanos as f64 / 1e6
}
