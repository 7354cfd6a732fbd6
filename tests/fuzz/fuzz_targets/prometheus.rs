//! Answers of Prometheus from anybody: read or refused, no panic, and columns of one length.
//!
//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz prometheus`

#![no_main]

use libfuzzer_sys::fuzz_target;

#[expect(dead_code, reason = "the parser alone is tried here, not what is made of it")]
#[path = "../../../backend/plugin/src/prometheus/answer.rs"]
mod answer;

use answer::{Envelope, ExemplarSeries, ResultData};

fuzz_target!(|json: &[u8]| {
    let _exemplars = serde_json::from_slice::<Envelope<Vec<ExemplarSeries>>>(json);
    let _names = serde_json::from_slice::<Envelope<Vec<String>>>(json);
    let Ok(envelope) = serde_json::from_slice::<Envelope<ResultData>>(json) else { return };
    let (Some(ResultData::Matrix(series)) | Some(ResultData::Vector(series))) = envelope.data else {
        return;
    };
    for series in series {
        assert_eq!(series.times_nanos.len(), series.values.len());
        let rows = series.cells.times_nanos.len();
        let cells = [&series.cells.lower, &series.cells.upper, &series.cells.counts];
        assert!(cells.iter().all(|column| column.len() == rows));
        assert_eq!(series.cells.layouts.len(), rows);
    }
});
