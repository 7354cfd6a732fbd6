//! What Grafana refuses, refused here first, with the name of the frame and the field.
//!
//! Column types as seen in a running Grafana 12.4; metadata types from grafana-plugin-sdk-go
//! `data/frame_meta.go` and `data/field_config.go`. Keys that Go does not know are dropped there
//! without an error, so only the types of known keys matter.

use std::collections::HashSet;

use arrow::array::Array;
use arrow::datatypes::{DataType, Metadata, Schema, TimeUnit};
use serde_json::Value;

use super::Frame;

/// Why a frame must not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFrame {
    #[error(
        "field `{field}` of frame `{frame}` has the column type {data_type}, which Grafana does not read"
    )]
    ColumnType { frame: String, field: String, data_type: String },
    #[error("field `{field}` of frame `{frame}` has {len} values, the first field has {expected}")]
    ColumnLength { frame: String, field: String, len: usize, expected: usize },
    #[error("frame `{frame}` has two fields `{field}`")]
    DuplicateName { frame: String, field: String },
    #[error("metadata `{key}` of `{of}` is not {expected}")]
    Metadata { of: String, key: String, expected: &'static str },
    #[error("frame `{frame}` cannot be written: {reason}")]
    Write { frame: String, reason: String },
}

/// A JSON type that a Go struct field reads.
#[derive(Clone, Copy)]
enum Expected {
    Text,
    Flag,
    Number,
    Whole,
    WholeList,
    Object,
    ObjectList,
    TextObject,
    Notices,
    Anything,
}

const FRAME_META: [(&str, Expected); 13] = [
    ("type", Expected::Text),
    ("typeVersion", Expected::WholeList),
    ("path", Expected::Text),
    ("pathSeparator", Expected::Text),
    ("custom", Expected::Anything),
    ("stats", Expected::ObjectList),
    ("notices", Expected::Notices),
    ("channel", Expected::Text),
    ("preferredVisualisationType", Expected::Text),
    ("preferredVisualisationPluginId", Expected::Text),
    ("executedQueryString", Expected::Text),
    ("dataTopic", Expected::Text),
    ("uniqueRowIdFields", Expected::WholeList),
];

const FIELD_CONFIG: [(&str, Expected); 18] = [
    ("displayName", Expected::Text),
    ("displayNameFromDS", Expected::Text),
    ("path", Expected::Text),
    ("description", Expected::Text),
    ("filterable", Expected::Flag),
    ("writeable", Expected::Flag),
    ("unit", Expected::Text),
    ("decimals", Expected::Whole),
    ("min", Expected::Number),
    ("max", Expected::Number),
    ("interval", Expected::Number),
    ("mappings", Expected::ObjectList),
    ("thresholds", Expected::Object),
    ("color", Expected::Object),
    ("links", Expected::ObjectList),
    ("noValue", Expected::Text),
    ("type", Expected::Object),
    ("custom", Expected::Object),
];

const NOTICE: [(&str, Expected); 3] =
    [("text", Expected::Text), ("link", Expected::Text), ("inspect", Expected::Whole)];

impl Expected {
    fn words(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Flag => "true or false",
            Self::Number => "a number",
            Self::Whole => "a whole number",
            Self::WholeList => "a list of whole numbers",
            Self::Object => "an object",
            Self::ObjectList => "a list of objects",
            Self::TextObject => "an object of strings",
            Self::Notices => "a list of notices",
            Self::Anything => "JSON",
        }
    }

    fn fits(self, value: &Value) -> bool {
        let is_whole =
            |value: &Value| value.as_u64().is_some_and(|number| u16::try_from(number).is_ok());
        match self {
            Self::Text => value.is_string(),
            Self::Flag => value.is_boolean(),
            Self::Number => value.is_number(),
            Self::Whole => is_whole(value),
            Self::WholeList => value.as_array().is_some_and(|list| list.iter().all(is_whole)),
            Self::Object => value.is_object(),
            Self::ObjectList => {
                value.as_array().is_some_and(|list| list.iter().all(Value::is_object))
            }
            Self::TextObject => {
                value.as_object().is_some_and(|object| object.values().all(Value::is_string))
            }
            Self::Notices => value.as_array().is_some_and(|list| list.iter().all(is_notice)),
            Self::Anything => true,
        }
    }
}

fn is_notice(value: &Value) -> bool {
    let Some(notice) = value.as_object() else {
        return false;
    };
    let severity = notice.get("severity").and_then(Value::as_str);
    matches!(severity, Some("info" | "warning" | "error"))
        && NOTICE
            .iter()
            .all(|(key, expected)| notice.get(*key).is_none_or(|value| expected.fits(value)))
}

/// Checks columns: types, lengths, names.
///
/// Errors: [`BadFrame`].
pub(super) fn columns(frame: &Frame) -> Result<(), BadFrame> {
    let rows = frame.fields.first().map_or(0, |field| field.values.len());
    let mut names = HashSet::new();
    for field in &frame.fields {
        let data_type = field.values.data_type();
        if !is_read_by_grafana(data_type) {
            return Err(BadFrame::ColumnType {
                frame: frame.name.clone(),
                field: field.name.clone(),
                data_type: data_type.to_string(),
            });
        }
        if field.values.len() != rows {
            return Err(BadFrame::ColumnLength {
                frame: frame.name.clone(),
                field: field.name.clone(),
                len: field.values.len(),
                expected: rows,
            });
        }
        if !names.insert(field.name.as_str()) {
            return Err(BadFrame::DuplicateName {
                frame: frame.name.clone(),
                field: field.name.clone(),
            });
        }
    }
    Ok(())
}

fn is_read_by_grafana(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8
        | DataType::Utf8View
        | DataType::Boolean
        | DataType::Binary
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64 => true,
        // Any other unit is read as nanoseconds, which is worse than an error.
        DataType::Timestamp(unit, zone) => *unit == TimeUnit::Nanosecond && zone.is_none(),
        _ => false,
    }
}

/// Checks the metadata of a schema that is about to be written: `meta` of the frame, `labels` and
/// `config` of each field.
///
/// Errors: [`BadFrame::Metadata`].
pub(super) fn metadata(schema: &Schema) -> Result<(), BadFrame> {
    json_values("frame", schema.metadata(), "meta", &FRAME_META)?;
    for field in schema.fields() {
        json_values(field.name(), field.metadata(), "config", &FIELD_CONFIG)?;
        json_value(field.name(), field.metadata(), "labels", Expected::TextObject)?;
        if field.metadata().contains_key("ARROW:extension:name") {
            return Err(bad(field.name(), "ARROW:extension:name", "read by Grafana"));
        }
    }
    Ok(())
}

fn json_values(
    of: &str,
    metadata: &Metadata,
    key: &str,
    known: &[(&str, Expected)],
) -> Result<(), BadFrame> {
    let Some(object) = json_value(of, metadata, key, Expected::Object)? else {
        return Ok(());
    };
    for (name, expected) in known {
        if object.get(name).is_some_and(|value| !expected.fits(value)) {
            return Err(bad(of, &format!("{key}.{name}"), expected.words()));
        }
    }
    Ok(())
}

fn json_value(
    of: &str,
    metadata: &Metadata,
    key: &str,
    expected: Expected,
) -> Result<Option<Value>, BadFrame> {
    let Some(text) = metadata.get(key) else {
        return Ok(None);
    };
    serde_json::from_str(text)
        .ok()
        .filter(|value| expected.fits(value))
        .map(Some)
        .ok_or_else(|| bad(of, key, expected.words()))
}

fn bad(of: &str, key: &str, expected: &'static str) -> BadFrame {
    BadFrame::Metadata { of: of.to_owned(), key: key.to_owned(), expected }
}
