use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Float64Array, Int8Array, LargeStringArray,
    RecordBatch, StringArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt16Array,
    UInt32Array, UInt64Array,
};
use arrow::datatypes::{Field, Schema};
use arrow::ipc::writer::FileWriter;
use prost::bytes::Bytes;
use serde_json::{Value, json};

use super::{FrameError, read};
use wording::with_causes;

fn metadata(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn arrow_file(schema: Schema, batches: &[Vec<ArrayRef>]) -> Bytes {
    let schema = Arc::new(schema);
    let mut writer = FileWriter::try_new(Vec::new(), &schema).expect("a writer");
    for columns in batches {
        let batch = RecordBatch::try_new(schema.clone(), columns.clone()).expect("a batch");
        writer.write(&batch).expect("written");
    }
    Bytes::from(writer.into_inner().expect("a file"))
}

fn frame(field: Field, batches: &[ArrayRef]) -> Result<Value, FrameError> {
    let batches: Vec<_> = batches.iter().map(|column| vec![column.clone()]).collect();
    let frame = read(&arrow_file(Schema::new(vec![field]), &batches))?;
    Ok(serde_json::from_str(&serde_json::to_string(&frame).expect("JSON")).expect("JSON"))
}

fn field_of(array: &ArrayRef) -> Field {
    Field::new("x", array.data_type().clone(), array.is_nullable())
}

#[test]
fn every_column_type() {
    let check = |array: ArrayRef, kind: &str, item: &str, values: Value| {
        let nullable = array.is_nullable();
        let frame = frame(field_of(&array), &[array]).expect(item);
        let type_info = if nullable {
            json!({"frame": item, "nullable": true})
        } else {
            json!({"frame": item})
        };
        let fields = json!([{"name": "x", "type": kind, "typeInfo": type_info}]);
        assert_eq!(frame["schema"]["fields"], fields, "{item}");
        assert_eq!(frame["data"], json!({"values": [values]}), "{item}");
    };
    check(Arc::new(Int8Array::from(vec![i8::MIN, i8::MAX])), "number", "int8", json!([-128, 127]));
    check(Arc::new(UInt16Array::from(vec![65535])), "number", "uint16", json!([65535]));
    check(Arc::new(UInt32Array::from(vec![u32::MAX])), "number", "uint32", json!([u32::MAX]));
    // Exact beyond 2^53: the browser rounds, the host does not.
    check(Arc::new(UInt64Array::from(vec![u64::MAX])), "number", "uint64", json!([u64::MAX]));
    check(Arc::new(Float64Array::from(vec![0.1, 1e300])), "number", "float64", json!([0.1, 1e300]));
    check(
        Arc::new(StringArray::from(vec![Some("a\"\u{0}<b>"), None])),
        "string",
        "string",
        json!(["a\"\u{0}<b>", null]),
    );
    check(
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        "boolean",
        "bool",
        json!([true, null, false]),
    );
    check(
        Arc::new(TimestampNanosecondArray::from(vec![Some(1_700_000_000_123_000_000), None])),
        "time",
        "time.Time",
        json!([1_700_000_000_123_i64, null]),
    );
    // Invalid JSON silently becomes null in Grafana too.
    check(
        Arc::new(BinaryArray::from(vec![Some(br#"{"a":1}"#.as_slice()), Some(b"{"), None])),
        "other",
        "json.RawMessage",
        json!([{"a": 1}, null, null]),
    );
}

#[test]
fn values_that_json_lacks_are_in_entities() {
    let check = |batches: &[ArrayRef], expected: Value| {
        let frame = frame(field_of(&batches[0]), batches).expect("a frame");
        assert_eq!(frame["data"], expected);
    };
    let floats = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
    check(&[floats(vec![1.0, 2.0])], json!({"values": [[1.0, 2.0]]}));
    check(
        &[floats(vec![f64::NAN, 1.0, f64::INFINITY]), floats(vec![f64::NEG_INFINITY, f64::NAN])],
        json!({
            "values": [[null, 1.0, null, null, null]],
            "entities": [{"NaN": [0, 4], "Inf": [2], "NegInf": [3]}],
        }),
    );
}

#[test]
fn nanoseconds_come_beside_milliseconds() {
    let check = |times: Vec<Option<i64>>, values: Value, nanos: Value| {
        let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(times));
        let frame = frame(field_of(&times), &[times]).expect("a frame");
        assert_eq!(frame["data"]["values"][0], values);
        assert_eq!(frame["data"].get("nanos").cloned().unwrap_or(Value::Null), nanos);
    };
    check(vec![Some(5_000_000)], json!([5]), Value::Null);
    check(vec![Some(5_000_001), None, Some(6_000_000)], json!([5, null, 6]), json!([[1, 0, 0]]));
    // Before 1970 the millisecond is the earlier one, and the rest is positive.
    check(vec![Some(-1)], json!([-1]), json!([[999_999]]));
}

#[test]
fn names_meta_labels_and_config() {
    let schema = Schema::new(vec![
        Field::new("port", arrow::datatypes::DataType::UInt16, false).with_metadata(metadata(&[
            ("config", r#"{"unit":"short","custom":{"width":90}}"#),
            ("labels", r#"{"pod":"a","": "é"}"#),
        ])),
    ])
    .with_metadata(metadata(&[
        ("name", "flows"),
        ("refId", "A"),
        ("meta", r#"{"type":"table","custom":{"n":9007199254740993}}"#),
    ]));
    let column: ArrayRef = Arc::new(UInt16Array::from(vec![1, 0]));
    let text = serde_json::to_string(&read(&arrow_file(schema, &[vec![column]])).expect("read"))
        .expect("JSON");
    assert_eq!(
        text,
        r#"{"schema":{"name":"flows","refId":"A","meta":{"type":"table","custom":{"n":9007199254740993}},"fields":[{"name":"port","type":"number","typeInfo":{"frame":"uint16"},"labels":{"":"é","pod":"a"},"config":{"unit":"short","custom":{"width":90}}}]},"data":{"values":[[1,0]]}}"#
    );
}

#[test]
fn frames_without_rows_or_fields_keep_their_shape() {
    let no_batch = frame(Field::new("x", arrow::datatypes::DataType::UInt64, false), &[]);
    assert_eq!(no_batch.expect("a frame")["data"], json!({"values": [[]]}));
    let no_field = read(&arrow_file(Schema::empty(), &[])).expect("a frame");
    assert_eq!(
        serde_json::to_value(&no_field).expect("JSON"),
        json!({"schema": {"fields": []}, "data": {"values": []}})
    );
}

#[test]
fn frames_that_cannot_be_read_have_a_reason() {
    let check = |array: ArrayRef, extra: &[(&str, &str)], expected: &str| {
        let field = field_of(&array).with_metadata(metadata(extra));
        let error = frame(field, &[array]).expect_err(expected);
        assert_eq!(with_causes(&error), expected);
    };
    let text = || Arc::new(StringArray::from(vec!["a"])) as ArrayRef;
    check(
        Arc::new(LargeStringArray::from(vec!["a"])),
        &[],
        "column `x` has type `LargeUtf8`, which the preview does not read",
    );
    check(
        Arc::new(TimestampMillisecondArray::from(vec![1])),
        &[],
        "column `x` has type `Timestamp(ms)`, which the preview does not read",
    );
    check(
        text(),
        &[("ARROW:extension:name", "uuid")],
        "column `x` has type `Utf8`, which the preview does not read",
    );
    check(
        text(),
        &[("labels", r#"{"a":1}"#)],
        "the `labels` of column `x` are not a JSON object of strings: invalid type: integer `1`, expected a string at line 1 column 6",
    );
    check(
        text(),
        &[("config", "[]")],
        "the `config` of column `x` is not a JSON object: invalid type: sequence, expected a map at line 1 column 0",
    );
    let meta = Schema::empty().with_metadata(metadata(&[("meta", "{")]));
    assert!(matches!(read(&arrow_file(meta, &[])), Err(FrameError::Meta(_))));
    assert!(matches!(read(&Bytes::from_static(b"ARROW1")), Err(FrameError::Arrow(_))));
}
