//! Arbitrary answers of Prometheus, in chunks of any size, are read or refused without a panic,
//! with columns of equal length and the same result for every chunk size.
//!
//! `cargo xtask fuzz prometheus`

#![no_main]

use libfuzzer_sys::fuzz_target;

use prometheus::{
    AnswerReader, ApiResponse, ExemplarSeries, ReadAnswer, ResultData, UnreadableAnswer,
};

fn read(json: &[u8], piece_bytes: usize) -> Result<ReadAnswer, UnreadableAnswer> {
    let mut reader = AnswerReader::new(1_000);
    for piece in json.chunks(piece_bytes.max(1)) {
        reader.feed(piece)?;
    }
    reader.finish()
}

fuzz_target!(|input: &[u8]| {
    let Some((piece_bytes, json)) = input.split_first() else { return };
    let _exemplars = serde_json::from_slice::<ApiResponse<Vec<ExemplarSeries>>>(json);
    let _names = serde_json::from_slice::<ApiResponse<Vec<String>>>(json);
    let whole = read(json, json.len());
    let in_pieces = read(json, usize::from(*piece_bytes));
    assert_eq!(format!("{in_pieces:?}"), format!("{whole:?}"));
    let Ok(ReadAnswer { response, .. }) = whole else { return };
    let (Some(ResultData::Matrix(series)) | Some(ResultData::Vector(series))) = response.data
    else {
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
