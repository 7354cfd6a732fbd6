//! An answer of Prometheus: JSON to columns to Arrow IPC, beside a bare pass of `serde_json` over
//! the same bytes, which keeps nothing.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use ::prometheus::{AnswerReader, ResultData, Series};
use arrow::array::{ArrayRef, Float64Array, RecordBatch, TimestampNanosecondArray};
use arrow::datatypes::{Field, Schema};
use arrow::ipc::writer::FileWriter;
use serde::de::IgnoredAny;

use crate::Failure;
use crate::measure::{Spread, race, rounds};
use crate::report::{Goal, Report, Row};

const ROUNDS: usize = 21;
const SERIES: usize = 400;
const POINTS: usize = 1_000;
/// As a connection hands them over.
const PIECE_BYTES: usize = 64 << 10;

const GRAFANA: &[&str] = &[
    "Grafana 12.4.0 (pkg/promlib/converter on jsoniter), these bytes: 225–249 ms, with MarshalArrow 297–366 ms, on a shared AMD EPYC with two processors at a load of 14, where the columns here took 42–47 ms in the same minutes",
    "the same without other load, 10.24 MB: 53–61 ms, with MarshalArrow 74 ms",
];

/// Measures everything.
pub(crate) fn run(report: &mut Report) -> Result<(), Failure> {
    let json = matrix()?;
    // Once with every error told; the rounds below only look away.
    let series = read(&json)?;
    ipc(series)?;
    let what = format!("{SERIES} series × {POINTS} samples, {} bytes of JSON", json.len());
    let bare = "a bare pass of serde_json";
    let columns = race(
        ROUNDS,
        || {
            let _columns = black_box(read(&json).ok());
        },
        || {
            let _nothing = black_box(serde_json::from_slice::<IgnoredAny>(&json).ok());
        },
    );
    report.add(Row::milliseconds_race(format!("{what} to columns"), &columns, bare));
    let share = columns.ours.iter().zip(&columns.peer).map(|(ours, bare)| ours / bare);
    let share = Row::value(format!("columns, as a multiple of {bare}"), "times", Spread::of(share));
    report.add(share.goal(Goal::AtMost(1.5)));
    let frames = rounds(ROUNDS, || {
        let _bytes = black_box(read(&json).and_then(ipc).ok());
    });
    let frames = Row::milliseconds(format!("{what} to Arrow IPC, one file a series"), &frames);
    report.add(frames.goal(Goal::AtMost(15.0)).recorded(GRAFANA));
    Ok(())
}

fn read(json: &[u8]) -> Result<Vec<Series>, Failure> {
    let mut reader = AnswerReader::new(usize::MAX);
    for piece in json.chunks(PIECE_BYTES) {
        reader.feed(piece)?;
    }
    let read = reader.finish()?;
    match read.response.data {
        Some(ResultData::Matrix(series)) if read.series_total == SERIES => Ok(series),
        _ => Err(format!("the answer holds no matrix of {SERIES} series").into()),
    }
}

/// As the plugin writes them: time and value, the labels in the schema. Returns all bytes.
fn ipc(series: Vec<Series>) -> Result<usize, Failure> {
    let mut bytes = 0;
    for Series { labels, times_nanos, values, .. } in series {
        let columns: [ArrayRef; 2] = [
            Arc::new(TimestampNanosecondArray::from(times_nanos)),
            Arc::new(Float64Array::from(values)),
        ];
        let labels = HashMap::from([("labels".to_owned(), serde_json::to_string(&labels)?)]);
        let [time, value] = columns.each_ref().map(|column| column.data_type().clone());
        let schema = Arc::new(Schema::new(vec![
            Field::new("Time", time, false),
            Field::new("Value", value, false).with_metadata(labels),
        ]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns.to_vec())?;
        let mut file = Vec::with_capacity(batch.get_array_memory_size() + 4_096);
        let mut writer = FileWriter::try_new(&mut file, &schema)?;
        writer.write(&batch)?;
        writer.finish()?;
        drop(writer);
        bytes += black_box(file).len();
    }
    Ok(bytes)
}

/// A dashboard's answer: seven labels, values of seven digits or so, every 15 s.
fn matrix() -> Result<Vec<u8>, std::fmt::Error> {
    let mut json = String::from(r#"{"status":"success","data":{"resultType":"matrix","result":["#);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for series in 0..SERIES {
        let comma = if series == 0 { "" } else { "," };
        write!(
            json,
            r#"{comma}{{"metric":{{"__name__":"hubble_drop_total","cluster":"aks-1","instance":"10.0.0.{series}:9965","job":"hubble","namespace":"ns-{series}","pod":"cilium-{series}","reason":"Policy denied"}},"values":["#
        )?;
        for point in 0..POINTS {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let comma = if point == 0 { "" } else { "," };
            let secs = 1_700_000_000 + 15 * point;
            write!(
                json,
                r#"{comma}[{secs},"{}.{:06}"]"#,
                random >> 60,
                (random >> 32) % 1_000_000
            )?;
        }
        json.push_str("]}");
    }
    json.push_str("]}}");
    Ok(json.into_bytes())
}
