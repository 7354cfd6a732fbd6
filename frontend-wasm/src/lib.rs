//! The engine in the browser: packed bytes in, typed arrays and texts out.
//!
//! One source, built twice: the small decoder, and with the feature `policies` the whole engine,
//! which replaces the decoder where there are policies. The page calls exports once per batch,
//! never once per row.

mod captions;
mod file;
mod groups;
mod order;
#[cfg(feature = "policies")]
mod policies;
mod table;
#[cfg(test)]
mod tests;
#[cfg(feature = "typescript")]
pub mod typescript;
mod view;
mod view_spec;
mod words;

#[cfg(feature = "policies")]
pub use policies::{AskedConnection, Policies, Questions, Verdicts, match_names};

use captions::TextColumn;
use file::Selection;
use flow::columns::{FlowColumns, NO_TIME, at};
use table::{Table, chain};
use view::{View, ViewCache};
use view_spec::{Column, ViewSpec};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// The flows of one answer.
#[wasm_bindgen]
#[derive(Debug)]
pub struct FlowTable {
    table: Table,
    cache: ViewCache,
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
        Self { table: Table::new(), cache: ViewCache::default() }
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
        times.iter().copied().map(millis).collect()
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

    /// The rows of a filter and an order (the panel's `ViewSpec`, as JSON).
    ///
    /// Errors: a column does not exist, or the JSON is something else.
    pub fn view(&mut self, spec: &str) -> Result<FlowView, JsError> {
        let spec: ViewSpec =
            serde_json::from_str(spec).map_err(|error| JsError::new(&error.to_string()))?;
        Ok(FlowView { view: View::new(&self.table, &mut self.cache, &spec) })
    }

    /// Rows as CSV, or with tabs instead of commas for a clipboard, with a line of `titles` unless there are
    /// none; `columns` names the columns.
    ///
    /// Errors: a column does not exist, or the file would be too large.
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands lists of texts over")]
    pub fn csv(
        &self,
        rows: &[u32],
        columns: Vec<String>,
        titles: Vec<String>,
        tabs: bool,
    ) -> Result<Vec<u8>, JsError> {
        let columns = columns_of(&columns)?;
        let (flows, captions) = (&self.table.flows, &self.table.captions);
        let selection = Selection { flows, captions, rows, columns: &columns };
        let delimiter = if tabs { b'\t' } else { b',' };
        selection.csv(delimiter, &titles).map_err(|error| JsError::new(&chain(&error)))
    }

    /// Rows with all their fields, as the lines of `hubble observe -o jsonpb`.
    ///
    /// Errors: a row does not exist, its message is defective, or the file would be too large.
    #[wasm_bindgen(js_name = jsonLines)]
    pub fn json_lines(&self, rows: &[u32]) -> Result<Vec<u8>, JsError> {
        self.table.records(rows).map_err(|error| JsError::new(&chain(&error)))
    }

    /// Values of a row by the names of Hubble's flags (`fromPod`, `toPort`, …), as JSON.
    ///
    /// Errors: the row does not exist.
    pub fn values(&self, row: u32) -> Result<String, JsError> {
        let values = self
            .table
            .values(row)
            .ok_or_else(|| JsError::new(&table::RowRecordError::Row { row }.to_string()))?;
        serde_json::to_string(&values).map_err(|error| JsError::new(&error.to_string()))
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
}

#[wasm_bindgen]
impl FlowView {
    /// Row numbers in the order of the table.
    pub fn rows(&self) -> Vec<u32> {
        self.view.rows.clone()
    }

    /// Place in `rows` after the last row of each packet, of which the first row stands for it; empty if
    /// every row stands alone.
    #[wasm_bindgen(js_name = packetEnds)]
    pub fn packet_ends(&self) -> Vec<u32> {
        self.view.packet_ends.clone()
    }

    /// Number of packets of all flows, hidden ones included; of rows if packets are not folded.
    #[wasm_bindgen(getter)]
    pub fn all(&self) -> u32 {
        self.view.all
    }

    /// Number of the packet after the last one of each group; empty without groups.
    #[wasm_bindgen(js_name = groupEnds)]
    pub fn group_ends(&self) -> Vec<u32> {
        self.view.groups.ends.clone()
    }

    /// Number of dropped packets of each group.
    #[wasm_bindgen(js_name = groupDropped)]
    pub fn group_dropped(&self) -> Vec<u32> {
        self.view.groups.dropped.clone()
    }

    /// Unix time in milliseconds of each group's oldest packet; NaN if no packet has a time.
    #[wasm_bindgen(js_name = groupFirstMs)]
    pub fn group_first_ms(&self) -> Vec<f64> {
        self.view.groups.first_seen.iter().copied().map(millis).collect()
    }

    /// Unix time in milliseconds of each group's newest packet; NaN if no packet has a time.
    #[wasm_bindgen(js_name = groupLastMs)]
    pub fn group_last_ms(&self) -> Vec<f64> {
        self.view.groups.last_seen.iter().copied().map(millis).collect()
    }

    /// Codes of the verdicts in `counts`.
    pub fn verdicts(&self) -> Vec<u32> {
        self.view.verdict_counts.iter().map(|&(verdict, _)| verdict).collect()
    }

    /// Number of packets with the words, by verdict, hidden verdicts included.
    pub fn counts(&self) -> Vec<u32> {
        self.view.verdict_counts.iter().map(|&(_, count)| count).collect()
    }

    /// Codes of the agreements in `agreementCounts`.
    pub fn agreements(&self) -> Vec<u32> {
        self.view.agreement_counts.iter().map(|&(agreement, _)| agreement).collect()
    }

    /// Number of packets with the words, by agreement, hidden agreements included.
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

/// JavaScript's milliseconds; exact to a quarter of a microsecond in this century. NaN: no time.
#[expect(
    clippy::cast_precision_loss,
    reason = "a table shows milliseconds; the record has them all"
)]
fn millis(nanos: i64) -> f64 {
    if nanos == NO_TIME { f64::NAN } else { nanos as f64 / 1e6 }
}
