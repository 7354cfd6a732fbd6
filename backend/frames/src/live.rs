//! Frames for Grafana Live: flows in JSON, with notices in rows of their own, because a live frame
//! keeps the metadata of its first message.
//!
//! Source: grafana-plugin-sdk-go `data/frame_json.go`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, StringArray, TimestampNanosecondArray, new_null_array,
};
use arrow::compute::concat;
use arrow::datatypes::{
    DataType, Float64Type, TimestampNanosecondType, UInt16Type, UInt32Type, UInt64Type,
};
use flow::columns::FlowColumns;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use wording::Severity;

use crate::{BadFrame, Field, FieldConfig, Frame, Meta, check, flow_log, flow_table};

/// Notice of a live stream, between its flows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveNotice {
    /// Time of the notice, in Unix nanoseconds.
    pub time_nanos: i64,
    /// Severity of the notice.
    pub severity: Severity,
    /// Text of the notice.
    pub text: String,
    /// Number of the notice, unique within the stream.
    pub number: u64,
}

/// Parts of a frame that a message contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramePart {
    /// Schema and rows.
    Whole,
    /// Rows only.
    Rows,
}

/// Table of the given `rows`, followed by a row for each notice, in the field `Notice`.
///
/// Errors: [`BadFrame`].
pub fn live_table(
    columns: &FlowColumns,
    rows: &[u32],
    notices: &[LiveNotice],
    meta: Meta,
) -> Result<Frame, BadFrame> {
    let mut frame = flow_table(columns, rows, meta);
    let name = frame.name.clone();
    for (index, field) in frame.fields.iter_mut().enumerate() {
        let added = match index {
            0 => times(notices),
            _ => new_null_array(field.values.data_type(), notices.len()),
        };
        field.values = joined(&name, &field.values, &added)?;
    }
    let texts = std::iter::repeat_n(None, rows.len())
        .chain(notices.iter().map(|notice| Some(notice.text.as_str())));
    let config = FieldConfig {
        custom: [("width".to_owned(), json!(400))].into_iter().collect(),
        ..FieldConfig::default()
    };
    let notice = Field::new("Notice", Arc::new(texts.collect::<StringArray>()));
    frame.fields.push(notice.nullable().with_config(config));
    Ok(frame)
}

/// Log lines of the given `rows`, followed by a line for each notice.
///
/// Errors: [`BadFrame`].
pub fn live_log(
    columns: &FlowColumns,
    rows: &[u32],
    notices: &[LiveNotice],
    meta: Meta,
) -> Result<Frame, BadFrame> {
    let mut frame = flow_log(columns, rows, rows.len(), meta);
    frame.meta.custom.clear();
    let texts = |text: &dyn Fn(&LiveNotice) -> String| -> ArrayRef {
        Arc::new(notices.iter().map(|notice| Some(text(notice))).collect::<StringArray>())
    };
    let labels = |labels: &str| -> ArrayRef {
        Arc::new(BinaryArray::from_iter_values(notices.iter().map(|_| labels.as_bytes())))
    };
    let added = [
        times(notices),
        texts(&|notice| notice.text.clone()),
        texts(&|notice| notice.severity.as_str().to_owned()),
        texts(&|notice| format!("notice-{}", notice.number)),
        labels(r#"{"notice":"true"}"#),
        labels(r#"{"notice":"flow"}"#),
    ];
    let name = frame.name.clone();
    for (field, added) in frame.fields.iter_mut().zip(&added) {
        field.values = joined(&name, &field.values, added)?;
    }
    Ok(frame)
}

fn times(notices: &[LiveNotice]) -> ArrayRef {
    let times = notices.iter().map(|notice| notice.time_nanos);
    Arc::new(TimestampNanosecondArray::from_iter_values(times))
}

fn joined(frame: &str, values: &ArrayRef, added: &ArrayRef) -> Result<ArrayRef, BadFrame> {
    if added.is_empty() {
        return Ok(values.clone());
    }
    concat(&[values.as_ref(), added.as_ref()])
        .map_err(|error| BadFrame::Write { frame: frame.to_owned(), reason: error.to_string() })
}

/// Message of a live channel.
///
/// Errors: [`BadFrame`]. The frame must not be sent then.
pub fn live_json(ref_id: &str, frame: &Frame, part: FramePart) -> Result<Vec<u8>, BadFrame> {
    check::columns(frame)?;
    let not_written = |error: serde_json::Error| BadFrame::Write {
        frame: frame.name.clone(),
        reason: error.to_string(),
    };
    let mut bytes = Vec::with_capacity(4 << 10);
    bytes.extend_from_slice(b"{");
    if part == FramePart::Whole {
        let fields = frame.fields.iter().map(|field| schema_field(frame, field));
        let schema = json!({
            "name": frame.name,
            "refId": ref_id,
            "meta": serde_json::to_value(&frame.meta).map_err(not_written)?,
            "fields": fields.collect::<Result<Vec<_>, _>>()?,
        });
        bytes.extend_from_slice(b"\"schema\":");
        serde_json::to_writer(&mut bytes, &schema).map_err(not_written)?;
        bytes.push(b',');
    }
    bytes.extend_from_slice(b"\"data\":{\"values\":[");
    for (index, field) in frame.fields.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        write_values(&mut bytes, &field.values).map_err(not_written)?;
    }
    bytes.extend_from_slice(b"]}}");
    Ok(bytes)
}

fn schema_field(frame: &Frame, field: &Field) -> Result<Value, BadFrame> {
    let (kind, go) = match field.values.data_type() {
        DataType::Timestamp(_, _) => ("time", "time.Time"),
        DataType::Utf8 => ("string", "string"),
        DataType::Boolean => ("boolean", "bool"),
        DataType::Binary => ("other", "json.RawMessage"),
        DataType::UInt16 => ("number", "uint16"),
        DataType::UInt32 => ("number", "uint32"),
        DataType::UInt64 => ("number", "uint64"),
        DataType::Float64 => ("number", "float64"),
        other => {
            return Err(BadFrame::ColumnType {
                frame: frame.name.clone(),
                field: field.name.clone(),
                data_type: other.to_string(),
            });
        }
    };
    let json = |value: Result<Value, serde_json::Error>| {
        value.map_err(|error| BadFrame::Write {
            frame: frame.name.clone(),
            reason: error.to_string(),
        })
    };
    let mut schema = Map::new();
    schema.insert("name".to_owned(), json!(field.name));
    schema.insert("type".to_owned(), json!(kind));
    schema.insert("typeInfo".to_owned(), json!({ "frame": go, "nullable": field.nullable }));
    if !field.labels.is_empty() {
        schema.insert("labels".to_owned(), json!(field.labels));
    }
    if field.config != FieldConfig::default() {
        schema.insert("config".to_owned(), json(serde_json::to_value(&field.config))?);
    }
    Ok(Value::Object(schema))
}

/// Writes the values as a JSON list. Times are milliseconds, as in Grafana's own frames.
fn write_values(bytes: &mut Vec<u8>, array: &dyn Array) -> Result<(), serde_json::Error> {
    match array.data_type() {
        DataType::Timestamp(_, _) => {
            let times = array.as_primitive::<TimestampNanosecondType>().iter();
            list(bytes, times.map(|time| time.map(|nanos| nanos.div_euclid(1_000_000))))
        }
        DataType::Utf8 => list(bytes, array.as_string::<i32>().iter()),
        DataType::Boolean => list(bytes, array.as_boolean().iter()),
        DataType::UInt16 => list(bytes, array.as_primitive::<UInt16Type>().iter()),
        DataType::UInt32 => list(bytes, array.as_primitive::<UInt32Type>().iter()),
        DataType::UInt64 => list(bytes, array.as_primitive::<UInt64Type>().iter()),
        DataType::Float64 => list(bytes, array.as_primitive::<Float64Type>().iter()),
        DataType::Binary => {
            let raw = array.as_binary::<i32>().iter();
            let raw = raw.map(|raw| serde_json::from_slice::<&RawValue>(raw?).ok());
            list(bytes, raw)
        }
        // Checked with the schema, which has the same fields.
        _ => list(bytes, std::iter::repeat_n(None::<bool>, array.len())),
    }
}

fn list<T: serde::Serialize>(
    bytes: &mut Vec<u8>,
    values: impl Iterator<Item = Option<T>>,
) -> Result<(), serde_json::Error> {
    bytes.push(b'[');
    for (index, value) in values.enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        serde_json::to_writer(&mut *bytes, &value)?;
    }
    bytes.push(b']');
    Ok(())
}
