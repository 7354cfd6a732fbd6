//! Types that Grafana's Go code expects in metadata, as an independent check for tests. The types
//! of [`Meta`](crate::Meta) and its fields should already guarantee them.
//!
//! Source: grafana-plugin-sdk-go `data/frame_meta.go` and `data/field_config.go`. Go drops unknown
//! keys without an error, so only the types of known keys matter.

use arrow::datatypes::{Metadata, Schema};
use serde_json::Value;

/// Error: metadata that Grafana cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("metadata `{key}` of `{of}` is not {expected}")]
pub(crate) struct BadMetadata {
    of: String,
    key: String,
    expected: &'static str,
}

/// JSON type that a Go struct field accepts.
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
    fn description(self) -> &'static str {
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

/// Checks the metadata of a written schema: `meta` of the frame, `labels` and `config` of each
/// field.
///
/// Errors: [`BadMetadata`].
pub(crate) fn metadata(schema: &Schema) -> Result<(), BadMetadata> {
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
) -> Result<(), BadMetadata> {
    let Some(object) = json_value(of, metadata, key, Expected::Object)? else {
        return Ok(());
    };
    for (name, expected) in known {
        if object.get(name).is_some_and(|value| !expected.fits(value)) {
            return Err(bad(of, &format!("{key}.{name}"), expected.description()));
        }
    }
    Ok(())
}

fn json_value(
    of: &str,
    metadata: &Metadata,
    key: &str,
    expected: Expected,
) -> Result<Option<Value>, BadMetadata> {
    let Some(text) = metadata.get(key) else {
        return Ok(None);
    };
    serde_json::from_str(text)
        .ok()
        .filter(|value| expected.fits(value))
        .map(Some)
        .ok_or_else(|| bad(of, key, expected.description()))
}

fn bad(of: &str, key: &str, expected: &'static str) -> BadMetadata {
    BadMetadata { of: of.to_owned(), key: key.to_owned(), expected }
}
