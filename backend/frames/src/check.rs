//! Columns that Grafana refuses, refused here first, with the name of the frame and the field.
//! Their types are as seen in a running Grafana 12.4.

use std::collections::HashSet;

use arrow::array::Array;
use arrow::datatypes::{DataType, TimeUnit};

use crate::Frame;

/// Why a frame must not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what happened, by its fields")]
pub enum BadFrame {
    #[error(
        "field `{field}` of frame `{frame}` has the column type {data_type}, which Grafana does not read"
    )]
    ColumnType { frame: String, field: String, data_type: String },
    #[error("field `{field}` of frame `{frame}` has {len} values, the first field has {expected}")]
    ColumnLength { frame: String, field: String, len: usize, expected: usize },
    #[error("frame `{frame}` has two fields `{field}`")]
    DuplicateName { frame: String, field: String },
    #[error("frame `{frame}` cannot be written: {reason}")]
    Write { frame: String, reason: String },
}

/// Checks columns: types, lengths, names.
///
/// Errors: [`BadFrame`].
pub(crate) fn columns(frame: &Frame) -> Result<(), BadFrame> {
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
