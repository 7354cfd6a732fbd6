//! Frames as Arrow IPC **files**, the form that Grafana reads.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field as ArrowField, Schema};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use bytes::Bytes;

use crate::check::{self, BadFrame};
use crate::{FieldConfig, Frame};

/// Estimated size of schema, footer and padding, in bytes.
const OVERHEAD_BYTES: usize = 4 << 10;

/// Encoded `frame` for the query `ref_id`, checked against what Grafana accepts.
///
/// Errors: [`BadFrame`]. The frame must not be sent then.
pub fn encode(ref_id: &str, frame: &Frame) -> Result<Bytes, BadFrame> {
    check::columns(frame)?;
    let schema = Arc::new(schema(ref_id, frame)?);
    write(&schema, frame).map_err(|error| not_written(frame, &error))
}

fn schema(ref_id: &str, frame: &Frame) -> Result<Schema, BadFrame> {
    let json = |error: serde_json::Error| not_written(frame, &error);
    let mut fields = Vec::with_capacity(frame.fields.len());
    for field in &frame.fields {
        let mut metadata = HashMap::new();
        if field.is_series || !field.labels.is_empty() {
            let labels = serde_json::to_string(&field.labels).map_err(json)?;
            metadata.insert("labels".to_owned(), labels);
        }
        if field.config != FieldConfig::default() {
            let config = serde_json::to_string(&field.config).map_err(json)?;
            metadata.insert("config".to_owned(), config);
        }
        let nullable = field.nullable || field.values.null_count() > 0;
        let field = ArrowField::new(&field.name, field.values.data_type().clone(), nullable);
        fields.push(field.with_metadata(metadata));
    }
    let meta = serde_json::to_string(&frame.meta).map_err(json)?;
    let metadata = HashMap::from([
        ("name".to_owned(), frame.name.clone()),
        ("refId".to_owned(), ref_id.to_owned()),
        ("meta".to_owned(), meta),
    ]);
    Ok(Schema::new_with_metadata(fields, metadata))
}

fn write(schema: &Arc<Schema>, frame: &Frame) -> Result<Bytes, ArrowError> {
    let columns: Vec<ArrayRef> = frame.fields.iter().map(|field| field.values.clone()).collect();
    let rows = columns.first().map_or(0, arrow::array::Array::len);
    let column_bytes: usize = columns.iter().map(arrow::array::Array::get_buffer_memory_size).sum();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &options)?;
    let mut bytes = Vec::with_capacity(column_bytes + OVERHEAD_BYTES);
    let mut writer = FileWriter::try_new(&mut bytes, schema)?;
    writer.write(&batch)?;
    writer.finish()?;
    drop(writer);
    Ok(bytes.into())
}

fn not_written(frame: &Frame, error: &dyn std::error::Error) -> BadFrame {
    BadFrame::Write { frame: frame.name.clone(), reason: error.to_string() }
}
