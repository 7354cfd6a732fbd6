//! Frames as text, for snapshots that pin the schema and the first rows.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

pub(crate) mod contract;

use std::fmt::Write as _;
use std::io::Cursor;

use arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int8Array, Int64Array, StringArray,
    TimestampNanosecondArray, UInt16Array, UInt32Array,
};
use arrow::datatypes::{
    Float64Type, Int8Type, Int64Type, TimestampNanosecondType, UInt16Type, UInt32Type,
};
use arrow::ipc::reader::FileReader;
use serde_json::Value;

/// Decodes `file` and renders its schema, metadata and first `max_rows` rows.
///
/// # Panics
///
/// If `file` is not a frame in this crate's form, or Grafana could not read its metadata.
pub fn render(file: &[u8], max_rows: usize) -> String {
    let reader = FileReader::try_new(Cursor::new(file), None).unwrap();
    let schema = reader.schema();
    contract::metadata(&schema).unwrap();
    let mut text = String::new();
    let metadata = |key: &str| schema.metadata().get(key).cloned().unwrap_or_default();
    writeln!(text, "name: {}", metadata("name")).unwrap();
    writeln!(text, "refId: {}", metadata("refId")).unwrap();
    let meta: Value = serde_json::from_str(&metadata("meta")).unwrap();
    writeln!(text, "meta: {}", serde_json::to_string_pretty(&meta).unwrap()).unwrap();
    writeln!(text, "fields:").unwrap();
    for field in schema.fields() {
        let nullable = if field.is_nullable() { "?" } else { "" };
        write!(text, "- {}: {}{nullable}", field.name(), field.data_type()).unwrap();
        for key in ["labels", "config"] {
            if let Some(value) = field.metadata().get(key) {
                write!(text, " {key} {value}").unwrap();
            }
        }
        text.push('\n');
    }
    writeln!(text, "rows:").unwrap();
    let mut rows = 0;
    for batch in reader {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            if rows < max_rows {
                let cells: Vec<String> =
                    batch.columns().iter().map(|column| cell(column, row)).collect();
                writeln!(text, "{}", cells.join(" | ")).unwrap();
            }
            rows += 1;
        }
    }
    writeln!(text, "({rows} rows)").unwrap();
    text
}

/// A value as text.
///
/// # Panics
///
/// The column has a type that no frame of this crate has, or not so many rows.
pub fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return "null".to_owned();
    }
    let any = column.as_any();
    if any.is::<StringArray>() {
        column.as_string::<i32>().value(row).to_owned()
    } else if any.is::<TimestampNanosecondArray>() {
        column.as_primitive::<TimestampNanosecondType>().value(row).to_string()
    } else if any.is::<Float64Array>() {
        column.as_primitive::<Float64Type>().value(row).to_string()
    } else if any.is::<Int8Array>() {
        column.as_primitive::<Int8Type>().value(row).to_string()
    } else if any.is::<Int64Array>() {
        column.as_primitive::<Int64Type>().value(row).to_string()
    } else if any.is::<UInt16Array>() {
        column.as_primitive::<UInt16Type>().value(row).to_string()
    } else if any.is::<UInt32Array>() {
        column.as_primitive::<UInt32Type>().value(row).to_string()
    } else if any.is::<BooleanArray>() {
        column.as_boolean().value(row).to_string()
    } else if let Some(bytes) = column.as_binary_opt::<i32>() {
        String::from_utf8_lossy(bytes.value(row)).into_owned()
    } else {
        panic!("no rendering for {}", column.data_type())
    }
}
