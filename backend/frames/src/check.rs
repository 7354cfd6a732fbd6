//! Check for columns that Grafana would refuse, with the names of frame and field in the error. The
//! accepted types are those observed in Grafana 12.4.

use std::collections::HashSet;

use arrow::array::Array;
use arrow::datatypes::{DataType, TimeUnit};

use crate::Frame;

/// Reasons why a frame must not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Column type that Grafana cannot read.
    #[error(
        "field `{field}` of frame `{frame}` has the column type {data_type}, which Grafana cannot read"
    )]
    ColumnType {
        /// Name of the frame.
        frame: String,
        /// Name of the field.
        field: String,
        /// Arrow's name of the type.
        data_type: String,
    },
    /// Columns of different lengths.
    #[error("field `{field}` of frame `{frame}` has {len} values, the first field has {expected}")]
    ColumnLength {
        /// Name of the frame.
        frame: String,
        /// Name of the field.
        field: String,
        /// Number of values in the field.
        len: usize,
        /// Number of values in the first field.
        expected: usize,
    },
    /// Two fields with the same name.
    #[error("frame `{frame}` has two fields `{field}`")]
    DuplicateName {
        /// Name of the frame.
        frame: String,
        /// Name of both fields.
        field: String,
    },
    /// Frame that Arrow or JSON cannot encode.
    #[error("frame `{frame}` cannot be written: {reason}")]
    Write {
        /// Name of the frame.
        frame: String,
        /// Error of the encoder.
        reason: String,
    },
}

/// Checks the types, lengths and names of columns.
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
        // Grafana reads other units as nanoseconds without an error, which is worse.
        DataType::Timestamp(unit, zone) => *unit == TimeUnit::Nanosecond && zone.is_none(),
        _ => false,
    }
}
