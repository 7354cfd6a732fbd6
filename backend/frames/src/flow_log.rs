//! Flows as log lines, in the `log-lines` form of Grafana's data plane contract.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, StringBuilder, TimestampNanosecondArray};
use flow::EndpointRole;
use flow::Verdict;
use flow::columns::{ColumnSet, FlowColumns, NO_TIME, at};
use flow::group::GroupField;
use serde_json::{Map, Value, json};

use crate::flow_table::FLOW_TABLE_COLUMNS;
use crate::flow_text::{drop_reason_text, policy_text, summary_text, type_text};
use crate::{Field, Frame, FrameType, Meta};

/// Columns that log lines read.
pub const FLOW_LOG_COLUMNS: ColumnSet = FLOW_TABLE_COLUMNS;

/// Log lines of the given `rows` of `columns`, in that order. Labels have the names of the query's
/// filters, so that a click on a label filters by it.
pub fn flow_log(columns: &FlowColumns, rows: &[u32], limit: usize, meta: Meta) -> Frame {
    let indexes = || rows.iter().map(|&row| row as usize);
    let times = indexes().map(|row| match at(columns.time_nanos(), row) {
        // The contract requires a time for each line.
        NO_TIME => 0,
        time_nanos => time_nanos,
    });
    let times = TimestampNanosecondArray::from_iter_values(times);
    let mut labels = BinaryBuilder::new();
    let mut label_types = BinaryBuilder::new();
    for row in indexes() {
        let (texts, types) = row_labels(columns, row);
        labels.append_value(Value::Object(texts).to_string());
        label_types.append_value(Value::Object(types).to_string());
    }
    let texts = |text: &dyn Fn(usize) -> String| -> ArrayRef {
        let mut builder = StringBuilder::with_capacity(rows.len(), rows.len() * 64);
        for row in indexes() {
            builder.append_value(text(row));
        }
        Arc::new(builder.finish())
    };
    let mut custom = meta.custom;
    custom.insert("limit".to_owned(), json!(limit));
    Frame {
        name: "flows".to_owned(),
        fields: vec![
            Field::new("timestamp", Arc::new(times)),
            Field::new("body", texts(&|row| body(columns, row))),
            Field::new("severity", texts(&|row| severity(columns, row).to_owned())),
            Field::new("id", texts(&|row| columns.uuid().get(row).unwrap_or_default().to_owned())),
            Field::new("labels", Arc::new(labels.finish())),
            Field::new("labelTypes", Arc::new(label_types.finish())),
        ],
        meta: Meta {
            frame_type: Some(FrameType::LogLines),
            type_version: Some([0, 0]),
            preferred_visualisation_type: Some("logs"),
            custom,
            ..meta
        },
    }
}

/// Grafana's log level of a flow.
fn severity(columns: &FlowColumns, row: usize) -> &'static str {
    flow::group::level(Verdict::from_number(at(columns.verdict(), row)))
}

/// Line in a form close to the compact output of `hubble observe`.
fn body(columns: &FlowColumns, row: usize) -> String {
    let endpoint = |role: EndpointRole| {
        let shown = role.shown(columns, row, role.port(columns, row));
        shown.unwrap_or(Cow::Borrowed("?"))
    };
    let verdict = Verdict::from_number(at(columns.verdict(), row)).to_string();
    let mut line = format!(
        "{verdict} {} -> {}",
        endpoint(EndpointRole::Source),
        endpoint(EndpointRole::Destination)
    );
    let protocol = flow::group::protocol(columns, row);
    // A summary begins with the protocol.
    let summary = summary_text(columns, row)
        .or_else(|| (!protocol.is_empty()).then_some(Cow::Borrowed(protocol)));
    let parts = [
        type_text(columns, row),
        summary.map(|summary| format!("({summary})").into()),
        drop_reason_text(columns, row),
        policy_text(columns, row).map(|policy| format!("by {policy}").into()),
    ];
    for part in parts.into_iter().flatten() {
        line.push(' ');
        line.push_str(&part);
    }
    // A log entry stays on one line, even if a path or name contains control characters.
    line.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}

fn row_labels(columns: &FlowColumns, row: usize) -> (Map<String, Value>, Map<String, Value>) {
    let (mut texts, mut types) = (Map::new(), Map::new());
    for &field in GroupField::ALL {
        let of = match field {
            // These fields are combined from others and are not filters.
            GroupField::Source | GroupField::Destination | GroupField::Level => continue,
            field if field.key().starts_with("from") => "source",
            field if field.key().starts_with("to") => "destination",
            _ => "flow",
        };
        let text = field.text(columns, row);
        if !text.is_empty() {
            texts.insert(field.key().to_owned(), json!(text));
            types.insert(field.key().to_owned(), json!(of));
        }
    }
    (texts, types)
}
