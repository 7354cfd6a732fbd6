//! Converter from a plugin's Arrow files to Grafana's data frame JSON for the browser.
//!
//! Source: grafana-plugin-sdk-go `data/arrow.go` (columns that are read, and how) and
//! `data/frame_json.go` (`schema`, `data.values`, `data.entities`, `data.nanos`).

mod column;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Cursor;

use arrow::array::ArrayRef;
use arrow::datatypes::Field;
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use prost::bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use column::{ColumnKind, Entities, Values};

/// Reason why a frame cannot be read. In Grafana too, one such frame fails the whole request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame is not an Arrow file")]
    Arrow(#[source] ArrowError),
    #[error("column `{column}` has type `{data_type}`, which the preview does not read")]
    ColumnType { column: String, data_type: String },
    #[error("the frame's `meta` is not a JSON object")]
    Meta(#[source] serde_json::Error),
    #[error("the `labels` of column `{column}` are not a JSON object of strings")]
    Labels { column: String, source: serde_json::Error },
    #[error("the `config` of column `{column}` is not a JSON object")]
    Config { column: String, source: serde_json::Error },
}

/// One data frame in Grafana's JSON form.
#[derive(Debug, Serialize)]
pub(crate) struct FrameJson {
    schema: SchemaJson,
    data: DataJson,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SchemaJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Box<RawValue>>,
    fields: Vec<FieldJson>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldJson {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    type_info: TypeInfoJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize)]
struct TypeInfoJson {
    frame: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    nullable: bool,
}

#[derive(Debug, Serialize)]
struct DataJson {
    values: Vec<Values>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entities: Option<Vec<Option<Entities>>>,
    /// Nanoseconds past each value's millisecond, for time columns with any.
    #[serde(skip_serializing_if = "Option::is_none")]
    nanos: Option<Vec<Option<Vec<i64>>>>,
}

/// Reads one Arrow file (any number of batches) into a frame.
///
/// Errors: bytes that are not an Arrow file, a column type or metadata of another format.
pub(crate) fn read(arrow_file: &Bytes) -> Result<FrameJson, FrameError> {
    let reader = FileReader::try_new(Cursor::new(arrow_file), None).map_err(FrameError::Arrow)?;
    let schema = reader.schema();
    let mut chunks: Vec<Vec<ArrayRef>> = vec![Vec::new(); schema.fields().len()];
    for batch in reader {
        let batch = batch.map_err(FrameError::Arrow)?;
        for (column, array) in chunks.iter_mut().zip(batch.columns()) {
            column.push(array.clone());
        }
    }
    let mut fields = Vec::with_capacity(chunks.len());
    let mut values = Vec::with_capacity(chunks.len());
    for (field, chunks) in schema.fields().iter().zip(chunks) {
        let kind = ColumnKind::of(field).ok_or_else(|| FrameError::ColumnType {
            column: field.name().clone(),
            data_type: field.data_type().to_string(),
        })?;
        fields.push(field_json(field, kind)?);
        values.push(Values::new(kind, chunks));
    }
    let entities: Vec<_> = values.iter().map(Values::entities).collect();
    let nanos: Vec<_> = values.iter().map(Values::nanos).collect();
    let text = |key: &str| schema.metadata().get(key).filter(|value| !value.is_empty()).cloned();
    Ok(FrameJson {
        schema: SchemaJson {
            name: text("name"),
            ref_id: text("refId"),
            meta: text("meta").map(|meta| object(&meta)).transpose().map_err(FrameError::Meta)?,
            fields,
        },
        data: DataJson {
            values,
            entities: entities.iter().any(Option::is_some).then_some(entities),
            nanos: nanos.iter().any(Option::is_some).then_some(nanos),
        },
    })
}

fn field_json(field: &Field, kind: ColumnKind) -> Result<FieldJson, FrameError> {
    let column = || field.name().clone();
    let labels = match field.metadata().get("labels") {
        Some(labels) => Some(
            serde_json::from_str(labels)
                .map_err(|source| FrameError::Labels { column: column(), source })?,
        ),
        None => None,
    };
    let config = match field.metadata().get("config") {
        Some(config) => {
            Some(object(config).map_err(|source| FrameError::Config { column: column(), source })?)
        }
        None => None,
    };
    Ok(FieldJson {
        name: column(),
        kind: kind.field_type(),
        type_info: TypeInfoJson { frame: kind.item_type(), nullable: field.is_nullable() },
        labels,
        config,
    })
}

/// The unchanged text, if it is a JSON object.
fn object(text: &str) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::from_str::<BTreeMap<String, &RawValue>>(text)?;
    RawValue::from_string(text.to_owned())
}
