//! Bench of an answer of Prometheus from JSON to columns to Arrow IPC, beside a bare pass of
//! `serde_json` over the same bytes that keeps nothing.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use ::prometheus::{AnswerReader, ResultData, Series};
use arrow::array::{ArrayRef, Float64Array, RecordBatch, TimestampNanosecondArray};
use arrow::datatypes::{Field, Schema};
use arrow::ipc::writer::FileWriter;
use instructions::prometheus::matrix;
use serde::de::IgnoredAny;

use crate::Failure;
use crate::measure::{Spread, race, rounds};
use crate::report::{BenchReport, Goal, Measurement};

const ROUNDS: usize = 21;
const SERIES: usize = 400;
const POINTS: usize = 1_000;
/// Size of the pieces in which a connection delivers them, in bytes.
const PIECE_BYTES: usize = 64 << 10;

const GRAFANA: &[&str] = &[
    "Grafana 12.4.0 (pkg/promlib/converter on jsoniter), these bytes: 225–249 ms, with MarshalArrow 297–366 ms, on a shared AMD EPYC with two processors at a load of 14, where the columns here took 42–47 ms in the same minutes",
    "the same without other load, 10.24 MB: 53–61 ms, with MarshalArrow 74 ms",
];

/// Runs all benches of this area.
pub(crate) fn run(report: &mut BenchReport) -> Result<(), Failure> {
    let json = matrix(SERIES, POINTS)?;
    // One run with all errors checked; the rounds below ignore them.
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
    report.add(Measurement::milliseconds_race(format!("{what} to columns"), &columns, bare));
    let share = columns.ours.iter().zip(&columns.peer).map(|(ours, bare)| ours / bare);
    let share =
        Measurement::value(format!("columns, as a multiple of {bare}"), "times", Spread::of(share));
    report.add(share.goal(Goal::AtMost(1.5)));
    let frames = rounds(ROUNDS, || {
        let _bytes = black_box(read(&json).and_then(ipc).ok());
    });
    let frames =
        Measurement::milliseconds(format!("{what} to Arrow IPC, one file a series"), &frames);
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

/// Writes Arrow as the plugin does: time and value, labels in the schema. Returns the number of
/// bytes.
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
