//! Files of network policies, one per row.

use std::sync::Arc;

use arrow::array::{StringArray, TimestampNanosecondArray};
use serde_json::json;

use crate::{Field, Frame, FrameType, Meta};

/// File that may contain policies; its reader decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFileRow {
    /// Path below its folder, separated by `/`.
    pub name: String,
    /// Unparsed YAML or JSON.
    pub text: String,
    /// Time of the last change, in Unix milliseconds; `None` for the text in the settings.
    pub modified_ms: Option<i64>,
}

/// Frame of the files. `changed_ms`: time of the last addition or removal; `namespace`: default
/// namespace of the documents.
pub fn policy_files(
    files: &[PolicyFileRow],
    changed_ms: Option<i64>,
    namespace: Option<&str>,
    meta: Meta,
) -> Frame {
    let names = files.iter().map(|file| file.name.as_str());
    let texts = files.iter().map(|file| file.text.as_str());
    let nanos = files.iter().map(|file| file.modified_ms?.checked_mul(1_000_000));
    let modified: TimestampNanosecondArray = nanos.collect();
    let mut custom = meta.custom;
    custom.insert("policies".to_owned(), json!("k8snet-policies/1"));
    if let Some(changed_ms) = changed_ms {
        custom.insert("changed".to_owned(), json!(changed_ms));
    }
    if let Some(namespace) = namespace {
        custom.insert("namespace".to_owned(), json!(namespace));
    }
    Frame {
        name: "policies".to_owned(),
        fields: vec![
            Field::new("file", Arc::new(StringArray::from_iter_values(names))),
            Field::new("modified", Arc::new(modified)).nullable(),
            Field::new("text", Arc::new(StringArray::from_iter_values(texts))),
        ],
        meta: Meta {
            frame_type: Some(FrameType::Table),
            type_version: Some([0, 1]),
            custom,
            ..meta
        },
    }
}
