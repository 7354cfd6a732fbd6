//! Files of network policies, one a row.

use std::sync::Arc;

use arrow::array::{StringArray, TimestampNanosecondArray};
use serde_json::{Map, json};

use crate::{Field, Frame, FrameType, Meta};

/// A file of policies; whether it holds any, its reader finds out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// Below its folder, parts separated by `/`.
    pub name: String,
    /// YAML or JSON, unread.
    pub text: String,
    /// Unix milliseconds; none for the text in the settings.
    pub modified_ms: Option<i64>,
}

/// The files; a file without a time has none. `changed_ms`: when one came or went last;
/// `namespace`: that of documents that name none.
pub fn policy_files(
    files: &[PolicyFile],
    changed_ms: Option<i64>,
    namespace: Option<&str>,
    meta: Meta,
) -> Frame {
    let names = files.iter().map(|file| file.name.as_str());
    let texts = files.iter().map(|file| file.text.as_str());
    let nanos = files.iter().map(|file| file.modified_ms?.checked_mul(1_000_000));
    let modified: TimestampNanosecondArray = nanos.collect();
    let mut custom = Map::new();
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
