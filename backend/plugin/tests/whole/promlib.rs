//! Comparison of frames from this plugin and from Grafana's own source for the same answers of
//! Prometheus. See `tests/vectors/promlib/README.md`.

use std::io::Cursor;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int8Type, TimestampNanosecondType};
use arrow::ipc::reader::FileReader;
use serde_json::{Map, Value, json};
use test_kit::grafana::{Plugin, Range};
use test_kit::http::{Answer, Http};

const CASES: &str = include_str!("../../../../tests/vectors/promlib/frames.jsonl");

/// Fields that only our frames have; Grafana's page adds the first to its own source's answers.
const OUR_META: [&str; 2] = ["preferredVisualisationType", "dataTopic"];

#[tokio::test]
async fn the_same_answers_are_the_same_frames() {
    let plugin = Plugin::start().await;
    let mut cases = 0;
    let mut differences = Vec::new();
    for line in CASES.lines() {
        cases += 1;
        let case: Value = serde_json::from_str(line).unwrap();
        let answers = case["answers"].clone();
        let prometheus = Http::start(move |line, _| {
            let path = line.split(' ').nth(1).unwrap_or_default();
            let path = path.split('?').next().unwrap_or_default();
            let call = path.rsplit('/').next().unwrap_or_default();
            Answer::json("200 OK", &answers[call].to_string())
        })
        .await;
        let mut source = prometheus.source();
        source.json_data["timeInterval"] = json!("15s");
        let range = Range {
            from_ms: case["fromMs"].as_i64().unwrap(),
            to_ms: case["toMs"].as_i64().unwrap(),
        };
        let mut query = case["query"].clone();
        query["queryType"] = json!("promql");
        let mut answers = plugin.query(&source, range, &[("A", query)]).await;
        let answer = answers.remove("A").unwrap();
        assert_eq!((answer.error.as_str(), answer.status), ("", 200), "{}", case["name"]);
        let ours: Vec<Value> = answer.frames.iter().map(|file| frame(file)).collect();
        let mut theirs: Vec<Value> =
            case["frames"].as_array().unwrap().iter().map(normal).collect();
        if case["query"]["legendFormat"] == "__auto" {
            theirs.iter_mut().for_each(named_by_labels);
        }
        if ours != theirs {
            differences.push(format!(
                "{}\n  ours:    {}\n  Grafana: {}",
                case["name"],
                json!(ours),
                json!(theirs)
            ));
        }
    }
    assert_eq!(cases, 30);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A frame of Grafana's source, without empty fields.
fn normal(frame: &Value) -> Value {
    let schema = &frame["schema"];
    let values = frame["data"]["values"].as_array().unwrap();
    let entities = frame["data"]["entities"].as_array();
    let fields = schema["fields"].as_array().unwrap().iter().enumerate().map(|(at, field)| {
        let mut cells = values[at].as_array().unwrap().clone();
        for (word, rows) in entities.and_then(|all| all[at].as_object()).into_iter().flatten() {
            for row in rows.as_array().unwrap() {
                cells[usize::try_from(row.as_u64().unwrap()).unwrap()] = json!(word);
            }
        }
        let mut shown = json!({
            "name": field["name"],
            "type": field["typeInfo"]["frame"],
            "values": cells.iter().map(number).collect::<Vec<_>>(),
        });
        keep(&mut shown, "labels", &field["labels"]);
        keep(&mut shown, "config", &field["config"]);
        shown
    });
    let mut meta = schema["meta"].as_object().unwrap().clone();
    if meta["typeVersion"] == json!([0, 0]) {
        meta.remove("typeVersion");
    }
    of_exemplars(&schema["name"], &mut meta);
    json!({
        "name": schema["name"].as_str().unwrap_or_default(),
        "meta": meta,
        "fields": fields.collect::<Vec<_>>(),
    })
}

/// Legends are made of labels, including the metric's name. Grafana's page removes the name from
/// the field before; our frames come without it.
fn named_by_labels(frame: &mut Value) {
    for field in frame["fields"].as_array_mut().unwrap() {
        if field["labels"]["__name__"] == field["name"] {
            field["name"] = json!("Value");
        }
    }
}

/// Grafana's exemplar frames name the query and its step only for a single series. Ours always do,
/// and also count the exemplars before sampling.
fn of_exemplars(name: &Value, meta: &mut Map<String, Value>) {
    if name == "exemplar" {
        meta.remove("executedQueryString");
        let custom = meta["custom"].as_object_mut().unwrap();
        custom.remove("calculatedMinStep");
        custom.remove("exemplars");
    }
}

/// Keeps `value` if it is not empty.
fn keep(shown: &mut Value, key: &str, value: &Value) {
    if value.as_object().is_some_and(|object| !object.is_empty()) {
        shown[key] = value.clone();
    }
}

/// Numbers in a spelling that Go and Rust share.
fn number(cell: &Value) -> Value {
    cell.as_f64().map_or_else(|| cell.clone(), |number| json!(number.to_string()))
}

/// A frame of ours in the same form.
fn frame(file: &[u8]) -> Value {
    let reader = FileReader::try_new(Cursor::new(file), None).unwrap();
    let schema = reader.schema();
    let metadata = |key: &str| schema.metadata().get(key).cloned().unwrap_or_default();
    let mut meta: Map<String, Value> = serde_json::from_str(&metadata("meta")).unwrap();
    for key in OUR_META {
        meta.remove(key);
    }
    of_exemplars(&json!(metadata("name")), &mut meta);
    if let Some(notices) = meta.get_mut("notices") {
        let notices = notices.as_array_mut().unwrap();
        for notice in notices {
            notice.as_object_mut().unwrap().retain(|key, _| key == "severity" || key == "text");
        }
    }
    let mut cells: Vec<Vec<Value>> = vec![Vec::new(); schema.fields().len()];
    for batch in reader {
        for (column, cells) in batch.unwrap().columns().iter().zip(&mut cells) {
            cells.extend((0..column.len()).map(|row| number(&cell(column, row))));
        }
    }
    let fields = schema.fields().iter().zip(cells).map(|(field, cells)| {
        let kind = match field.data_type() {
            DataType::Timestamp(..) => "time.Time",
            DataType::Float64 => "float64",
            DataType::Int8 => "int8",
            DataType::Utf8 => "string",
            other => panic!("Grafana's source has no {other}"),
        };
        let mut shown = json!({ "name": field.name(), "type": kind, "values": cells });
        for key in ["labels", "config"] {
            let text = field.metadata().get(key).map_or("null", String::as_str);
            keep(&mut shown, key, &serde_json::from_str(text).unwrap());
        }
        shown
    });
    json!({ "name": metadata("name"), "meta": meta, "fields": fields.collect::<Vec<_>>() })
}

fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Timestamp(..) => {
            let nanos = column.as_primitive::<TimestampNanosecondType>().value(row);
            json!(nanos.div_euclid(1_000_000))
        }
        DataType::Float64 => match column.as_primitive::<Float64Type>().value(row) {
            nan if nan.is_nan() => json!("NaN"),
            f64::INFINITY => json!("Inf"),
            f64::NEG_INFINITY => json!("NegInf"),
            // Go's JSON has no negative zero.
            0.0 => json!(0.0),
            number => json!(number),
        },
        DataType::Int8 => json!(column.as_primitive::<Int8Type>().value(row)),
        _ => json!(column.as_string::<i32>().value(row)),
    }
}
