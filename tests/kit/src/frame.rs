//! Data frames as tests read them.

use std::io::Cursor;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::TimestampNanosecondType;
use arrow::ipc::reader::FileReader;
use frames::golden::cell;
use serde_json::Value;

/// A data frame with its metadata.
#[derive(Debug)]
pub struct Frame {
    /// The frame's name.
    pub name: String,
    /// The frame's metadata.
    pub meta: Value,
    rows: RecordBatch,
}

impl Frame {
    /// Reads an Arrow file.
    pub fn read(file: &[u8]) -> Self {
        let reader = FileReader::try_new(Cursor::new(file), None).unwrap();
        let schema = reader.schema();
        let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        let rows = concat_batches(&schema, &batches).unwrap();
        let metadata = |key: &str| schema.metadata().get(key).map(String::as_str);
        Self {
            name: metadata("name").unwrap_or_default().to_owned(),
            meta: serde_json::from_str(metadata("meta").unwrap_or("null")).unwrap(),
            rows,
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the fields.
    pub fn fields(&self) -> Vec<String> {
        self.rows.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The notices, each after its severity: `warning: …`.
    pub fn notices(&self) -> Vec<String> {
        let notices = self.meta["notices"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |notice: &Value, key: &str| notice[key].as_str().unwrap().to_owned();
        notices
            .iter()
            .map(|notice| format!("{}: {}", text(notice, "severity"), text(notice, "text")))
            .collect()
    }

    /// The values of a field as text, `null` for a missing one.
    pub fn cells(&self, field: &str) -> Vec<String> {
        let column = self.column(field);
        (0..self.len()).map(|row| cell(column, row)).collect()
    }

    /// The times of a field in Unix nanoseconds.
    pub fn times_nanos(&self, field: &str) -> Vec<i64> {
        self.column(field).as_primitive::<TimestampNanosecondType>().values().to_vec()
    }

    /// The configuration of a field.
    pub fn config(&self, field: &str) -> Value {
        let schema = self.rows.schema();
        let config = schema.field_with_name(field).unwrap().metadata().get("config");
        config.map_or(Value::Null, |config| serde_json::from_str(config).unwrap())
    }

    fn column(&self, field: &str) -> &dyn Array {
        let column = self.rows.column_by_name(field);
        column.unwrap_or_else(|| panic!("no field `{field}` in {:?}", self.fields()))
    }
}
