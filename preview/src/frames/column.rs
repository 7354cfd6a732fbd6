//! A column: its type in Grafana and its values as JSON.

use arrow::array::{Array, ArrayRef, AsArray as _, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Float64Type, Int8Type, TimeUnit, TimestampNanosecondType,
    UInt16Type, UInt32Type, UInt64Type,
};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Nanoseconds in a millisecond.
const NANOS_PER_MS: i64 = 1_000_000;

/// The column types of the plugin's frames, a part of those that Grafana reads from Arrow.
/// Source: grafana-plugin-sdk-go `data/arrow.go`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Int8,
    UInt16,
    UInt32,
    UInt64,
    Float64,
    Utf8,
    Boolean,
    /// Nanoseconds since the epoch; Grafana reads any unit as nanoseconds, so others are refused.
    Time,
    /// Binary with JSON in its bytes; invalid JSON becomes null.
    Json,
}

/// The values of one column over all batches.
#[derive(Debug)]
pub(super) struct Values {
    kind: ColumnKind,
    chunks: Vec<ArrayRef>,
}

/// Rows with a value that JSON cannot express; their value is null.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Entities {
    #[serde(rename = "NaN", skip_serializing_if = "Vec::is_empty")]
    pub(super) nan: Vec<usize>,
    #[serde(rename = "Inf", skip_serializing_if = "Vec::is_empty")]
    pub(super) inf: Vec<usize>,
    #[serde(rename = "NegInf", skip_serializing_if = "Vec::is_empty")]
    pub(super) neg_inf: Vec<usize>,
}

// === impl ColumnKind ===

impl ColumnKind {
    /// Grafana's type for an Arrow type; `None` for other types.
    pub(super) fn of(field: &Field) -> Option<Self> {
        let metadata = field.metadata();
        if metadata.contains_key("ARROW:extension:name") {
            return None;
        }
        Some(match field.data_type() {
            DataType::Int8 => Self::Int8,
            DataType::UInt16 => Self::UInt16,
            DataType::UInt32 => Self::UInt32,
            DataType::UInt64 => Self::UInt64,
            DataType::Float64 => Self::Float64,
            DataType::Utf8 => Self::Utf8,
            DataType::Boolean => Self::Boolean,
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Self::Time,
            DataType::Binary => Self::Json,
            _ => return None,
        })
    }

    /// The field's `type` in the frontend.
    pub(super) fn field_type(self) -> &'static str {
        match self {
            Self::Utf8 => "string",
            Self::Boolean => "boolean",
            Self::Time => "time",
            Self::Json => "other",
            _ => "number",
        }
    }

    /// `typeInfo.frame`: the Go type of the field in Grafana.
    pub(super) fn item_type(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::UInt16 => "uint16",
            Self::UInt32 => "uint32",
            Self::UInt64 => "uint64",
            Self::Float64 => "float64",
            Self::Utf8 => "string",
            Self::Boolean => "bool",
            Self::Time => "time.Time",
            Self::Json => "json.RawMessage",
        }
    }
}

// === impl Values ===

impl Values {
    pub(super) fn new(kind: ColumnKind, chunks: Vec<ArrayRef>) -> Self {
        Self { kind, chunks }
    }

    /// The rows of a float column that are NaN or infinite.
    pub(super) fn entities(&self) -> Option<Entities> {
        let mut entities = Entities::default();
        if self.kind == ColumnKind::Float64 {
            self.each::<Float64Type>(|row, value| entities.note(row, value));
        }
        (entities != Entities::default()).then_some(entities)
    }

    /// The nanoseconds past each row's millisecond, if any row of a time column has some.
    pub(super) fn nanos(&self) -> Option<Vec<i64>> {
        if self.kind != ColumnKind::Time {
            return None;
        }
        let rows = self.chunks.iter().map(Array::len).sum();
        let mut nanos = vec![0; rows];
        let mut any = false;
        self.each::<TimestampNanosecondType>(|row, time_nanos| {
            if let Some(slot) = nanos.get_mut(row) {
                *slot = time_nanos.rem_euclid(NANOS_PER_MS);
                any |= *slot != 0;
            }
        });
        any.then_some(nanos)
    }

    /// Calls `call` with the row number over all chunks and the value, for each value that is not null.
    fn each<T: ArrowPrimitiveType>(&self, mut call: impl FnMut(usize, T::Native)) {
        let mut offset = 0;
        for chunk in &self.chunks {
            if let Some(array) = chunk.as_primitive_opt::<T>() {
                for (row, value) in array.iter().enumerate() {
                    if let Some(value) = value {
                        call(offset + row, value);
                    }
                }
            }
            offset += chunk.len();
        }
    }
}

// === impl Entities ===

impl Entities {
    fn note(&mut self, row: usize, value: f64) {
        if value.is_nan() {
            self.nan.push(row);
        } else if value == f64::INFINITY {
            self.inf.push(row);
        } else if value == f64::NEG_INFINITY {
            self.neg_inf.push(row);
        }
    }
}

// === impl Serialize ===

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.chunks.iter().map(Array::len).sum();
        let mut seq = serializer.serialize_seq(Some(rows))?;
        for chunk in &self.chunks {
            write_chunk(self.kind, chunk, &mut seq)?;
        }
        seq.end()
    }
}

fn write_chunk<S: SerializeSeq>(
    kind: ColumnKind,
    chunk: &ArrayRef,
    seq: &mut S,
) -> Result<(), S::Error> {
    match kind {
        ColumnKind::Int8 => numbers::<Int8Type, S>(chunk, seq),
        ColumnKind::UInt16 => numbers::<UInt16Type, S>(chunk, seq),
        ColumnKind::UInt32 => numbers::<UInt32Type, S>(chunk, seq),
        ColumnKind::UInt64 => numbers::<UInt64Type, S>(chunk, seq),
        // serde_json writes NaN and infinities as null; `entities` records them.
        ColumnKind::Float64 => numbers::<Float64Type, S>(chunk, seq),
        ColumnKind::Time => {
            let times = typed::<TimestampNanosecondType, S>(chunk)?;
            let millis = times.iter().map(|time| time.map(|nanos| nanos.div_euclid(NANOS_PER_MS)));
            elements(millis, seq)
        }
        ColumnKind::Utf8 => {
            elements(chunk.as_string_opt::<i32>().ok_or_else(S::Error::mismatch)?, seq)
        }
        ColumnKind::Boolean => {
            elements(chunk.as_boolean_opt().ok_or_else(S::Error::mismatch)?, seq)
        }
        ColumnKind::Json => {
            let bytes = chunk.as_binary_opt::<i32>().ok_or_else(S::Error::mismatch)?;
            elements(bytes.iter().map(|bytes| bytes.and_then(json)), seq)
        }
    }
}

fn json(bytes: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(bytes).ok()
}

fn numbers<T, S>(chunk: &ArrayRef, seq: &mut S) -> Result<(), S::Error>
where
    T: ArrowPrimitiveType<Native: Serialize>,
    S: SerializeSeq,
{
    elements(typed::<T, S>(chunk)?, seq)
}

fn typed<T: ArrowPrimitiveType, S: SerializeSeq>(
    chunk: &ArrayRef,
) -> Result<&PrimitiveArray<T>, S::Error> {
    chunk.as_primitive_opt::<T>().ok_or_else(S::Error::mismatch)
}

fn elements<V: Serialize, S: SerializeSeq>(
    values: impl IntoIterator<Item = Option<V>>,
    seq: &mut S,
) -> Result<(), S::Error> {
    values.into_iter().try_for_each(|value| seq.serialize_element(&value))
}

/// Error for an array that does not have its schema's type; Arrow's reader never returns one.
trait Mismatch {
    fn mismatch() -> Self;
}

impl<E: serde::ser::Error> Mismatch for E {
    fn mismatch() -> Self {
        E::custom("a column does not have its schema's type")
    }
}
