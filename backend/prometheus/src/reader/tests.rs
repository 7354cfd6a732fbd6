use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Reads `json` in all ways of arrival: whole, byte by byte, and in chunks of other sizes.
fn read(json: &[u8]) -> Result<ReadAnswer, UnreadableAnswer> {
    let in_pieces = |bytes: usize| {
        let mut reader = AnswerReader::new(1_000);
        for piece in json.chunks(bytes.max(1)) {
            reader.feed(piece)?;
        }
        reader.finish()
    };
    let whole = in_pieces(json.len());
    for bytes in [1, 7, 64] {
        if json.len() <= 64 * 1_024 {
            let read = in_pieces(bytes);
            assert_eq!(format!("{read:?}"), format!("{whole:?}"), "in pieces of {bytes}");
        }
    }
    whole
}

fn check_result(json: &str, expected: &str) {
    let shown = match read(json.as_bytes()) {
        Err(error) => format!("error: {error}"),
        Ok(ReadAnswer { response, .. }) => match response.data {
            None => format!("no data, {} {}", response.error_type, response.error),
            Some(ResultData::Matrix(series)) => format!("matrix {}", show(&series)),
            Some(ResultData::Vector(series)) => format!("vector {}", show(&series)),
            Some(ResultData::Scalar(sample)) => format!("scalar {sample:?}"),
            Some(ResultData::String(time_nanos, text)) => format!("string {time_nanos} {text}"),
        },
    };
    assert_eq!(shown, expected);
}

fn show(series: &[Series]) -> String {
    let mut shown = Vec::new();
    for series in series {
        shown.push(format!(
            "{:?} {:?} {:?} {:?}",
            series.labels, series.times_nanos, series.values, series.cells.counts
        ));
    }
    shown.join("; ")
}

#[test]
fn results() {
    let success = |data: &str| format!(r#"{{"status":"success","data":{data}}}"#);
    // Go may write empty lists and maps as null.
    check_result(&success(r#"{"resultType":"matrix","result":null}"#), "matrix ");
    check_result(&success(r#"{"result":null,"resultType":"vector"}"#), "vector ");
    check_result(
        &success(
            r#"{"resultType":"matrix","result":[{"metric":null,"values":null,"histograms":null},{"histograms":[[1,{"count":"0","sum":"0","buckets":null}]]}]}"#,
        ),
        "matrix {} [] [] []; {} [] [] []",
    );
    check_result(
        &success(r#"{"resultType":"matrix","result":[{"values":7}]}"#),
        "error: expected a list of samples, near byte 61",
    );
    check_result(
        &success(
            r#"{"resultType":"matrix","result":[{"metric":{"b":"2","a":"1"},"values":[[1.5,"1"],[2,"NaN"],[3.0014,"+Inf"]]}],"stats":{"x":[1]}}"#,
        ),
        r#"matrix {"a": "1", "b": "2"} [1500000000, 2000000000, 3001000000] [1.0, NaN, inf] []"#,
    );
    check_result(
        &success(
            r#"{"result":[{"metric":{},"value":[1435781451.781,"-1e3"]}],"resultType":"vector"}"#,
        ),
        "vector {} [1435781451781000000] [-1000.0] []",
    );
    check_result(&success(r#"{"resultType":"matrix","result":[]}"#), "matrix ");
    check_result(
        &success(r#"{"resultType":"scalar","result":[1,"2"]}"#),
        "scalar FloatSample { time_nanos: 1000000000, value: 2.0 }",
    );
    check_result(&success(r#"{"resultType":"string","result":[1,"a"]}"#), "string 1000000000 a");
    check_result(
        &success(
            r#"{"resultType":"matrix","result":[{"metric":{},"histograms":[[1,{"count":"3","sum":"1","buckets":[[0,"1","2","3"],[1,"2","4","5"]]}]]}]}"#,
        ),
        "matrix {} [] [] [3.0, 5.0]",
    );
    check_result(
        r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
        "no data, bad_data parse error",
    );
    let series = r#"{"metric":{},"values":[[1,"1"]]}"#;
    for (data, error) in [
        (
            r#"{"resultType":"streams","result":[]}"#.to_owned(),
            "unknown result type `streams`, expected `matrix`, `vector`, `scalar` or `string`, near byte 64",
        ),
        (r#"{"resultType":"matrix"}"#.to_owned(), "`result` is missing, near byte 51"),
        (r#"{"result":[]}"#.to_owned(), "`resultType` is missing, near byte 41"),
        (
            r#"{"resultType":"scalar","result":[1,"x"]}"#.to_owned(),
            "invalid value: string \"x\", expected a float as a string, near byte 68",
        ),
        (
            format!(r#"{{"resultType":"matrix","result":[{series} {series}]}}"#),
            "expected `,` or `]`, near byte 92",
        ),
        (
            format!(r#"{{"resultType":"matrix","result":[{series},]}}"#),
            "expected a series, near byte 92",
        ),
        (
            format!(r#"{{"resultType":"scalar","result":[{series}]}}"#),
            "the result is not a scalar, near byte 95",
        ),
    ] {
        assert_eq!(read(success(&data).as_bytes()).unwrap_err().to_string(), error, "{data}");
    }
}

#[test]
fn foreign_answers_have_distinct_errors() {
    let check = |json: &str, expected: &str| {
        let shown = read(json.as_bytes()).map(|read| read.response.status);
        assert_eq!(format!("{shown:?}"), expected, "{json}");
    };
    check("", "Err(NoObject)");
    check(" \n", "Err(NoObject)");
    check("<!doctype html>", "Err(NoObject)");
    check("[1]", "Err(NoObject)");
    check("{}", r#"Ok("")"#);
    check("\n { } \n", r#"Ok("")"#);
    check(r#"{"status":"success","data":null,"warnings":null}"#, r#"Ok("success")"#);
    check("{} x", r#"Err(Malformed { reason: "expected the end of the answer", at_byte: 2 })"#);
    check("{1:2}", r#"Err(Malformed { reason: "expected a key in quotes", at_byte: 1 })"#);
    check(r#"{"a" 1}"#, r#"Err(Malformed { reason: "expected `:`", at_byte: 1 })"#);
}

#[test]
fn the_number_of_series_is_bounded() {
    let series = r#"{"metric":{"a":"b"},"values":[[1,"1"]],"histograms":[]}"#;
    let json = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#,
        [series; 5].join(",")
    );
    let mut reader = AnswerReader::new(3);
    reader.feed(json.as_bytes()).unwrap();
    let read = reader.finish().unwrap();
    let Some(ResultData::Matrix(kept)) = read.response.data else { panic!("no matrix") };
    assert_eq!((kept.len(), read.series_total), (3, 5));
}

#[test]
fn a_large_value_in_small_chunks_is_not_scanned_repeatedly() {
    let text = "x".repeat(4 << 20);
    let json = format!(r#"{{"status":"success","stats":"{text}","data":null}}"#);
    let mut reader = AnswerReader::new(1);
    for piece in json.as_bytes().chunks(64) {
        reader.feed(piece).unwrap();
    }
    assert_eq!(reader.finish().unwrap().response.status, "success");
}

#[test]
fn hostile_answers_are_read_or_refused() {
    let check = |data: &str, expected: &str| {
        let json = format!(r#"{{"status":"success","data":{data}}}"#);
        match read(json.as_bytes()) {
            Ok(_) => assert_eq!("read", expected, "{data:.80}"),
            Err(error) => {
                let error = error.to_string();
                assert!(!expected.is_empty() && error.contains(expected), "{data:.80}: {error}");
            }
        }
    };
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    // Skipped values may be nested to any depth, because they are never parsed into a tree.
    check(&format!(r#"{{"resultType":"matrix","result":[],"stats":{}}}"#, deep(100_000)), "read");
    check(&format!(r#"{{"resultType":"matrix","result":{}}}"#, deep(100_000)), "is not a matrix");
    check(&format!(r#"{{"result":{},"resultType":"matrix"}}"#, deep(100_000)), "is not a matrix");
    check(&format!(r#"{{"result":{},"resultType":"string"}}"#, deep(100_000)), "invalid type");
    check(&deep(100_000), "read");
    let sample = |sample: &str| {
        format!(r#"{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{sample}]}}]}}"#)
    };
    check(&sample(r#"[1,"1e999"]"#), "read");
    check(&sample("[1,1e999]"), "number out of range");
    check(&sample(r#"[1e999,"1"]"#), "number out of range");
    check(&sample(r#"[99999999999999999999999,"1"]"#), "is not a time in seconds");
    check(&sample(r#"["NaN","1"]"#), "invalid type");
    check(&sample(r#"[1,""]"#), "a float as a string");
    check(&sample(r#"[1,"1",2]"#), "trailing characters");
    check(&sample("[1]"), "invalid length 1");
    check(&sample("null"), "invalid type: null");
    check(&sample("1 2"), "invalid type: integer");
    check(&sample("[1,\"1\"]}"), "expected `,` or `]`");
    check(r#"{"resultType":"matrix","result":[{"metric":{"a":1}}]}"#, "invalid type: integer");
    check(r#"{"resultType":"matrix","result":[{"values":[],"values":[]}]}"#, "read");
    check(
        r#"{"resultType":"matrix","result":[{"values":[[1,"1"]],"values":[]}]}"#,
        "`values` occurs twice",
    );
    check(r#"{"resultType":"vector","result":{"a":1}}"#, "is not a vector");
    check(r#"{"resultType":"vector","result":[],"result":[]}"#, "`result` occurs twice");
    check(r#"{"resultType":"scalar","result":[]}"#, "is not a scalar");
    check(r#"{"resultType":1,"result":[]}"#, "invalid type: integer");
    check(r#"{"resultType":"matrix","result":[{"metric":{"a":"\ud800"}}]}"#, "hex escape");
    check(r#"{"resultType":"matrix","result":[{"metric":{"a":"1","a":"2"}}]}"#, "read");
    check(r#"{"resultType":"matrix","result":[{"metric":{}},{"metric":{}}]}"#, "read");
}

#[test]
fn every_cut_of_an_answer_is_reported() {
    let json = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"1"],[2,"NaN"]]}]}}"#;
    assert!(read(json.as_bytes()).is_ok());
    for end in 1..json.len() {
        let cut = json.get(..end).unwrap();
        assert_eq!(read(cut.as_bytes()).unwrap_err(), UnreadableAnswer::CutOff, "{cut}");
    }
}

/// The same answer read the slow way, from a tree of values.
fn walk(data: &Value) -> Vec<(LabelSet, Vec<(i64, u64)>)> {
    let sample = |pair: &Value| {
        let secs = pair[0].as_f64().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "times of this test are small")]
        let millis = (secs * 1_000.0).round() as i64;
        (millis * 1_000_000, pair[1].as_str().unwrap().parse::<f64>().unwrap().to_bits())
    };
    let mut series = Vec::new();
    for item in data["result"].as_array().unwrap() {
        let labels = item["metric"].as_object().unwrap().iter();
        let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        let samples = match (&item["values"], &item["value"]) {
            (Value::Array(values), _) => values.iter().map(sample).collect(),
            (_, value @ Value::Array(_)) => vec![sample(value)],
            _ => Vec::new(),
        };
        series.push((labels.collect(), samples));
    }
    series
}

fn value_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<f64>().prop_map(|value| value.to_string()),
        any::<i32>().prop_map(|value| value.to_string()),
        prop::sample::select(vec!["NaN", "+Inf", "-Inf", "0", "-0", "1e300", "5e-324"])
            .prop_map(str::to_owned),
    ]
}

fn matrix() -> impl Strategy<Value = Value> {
    let labels = prop::collection::btree_map("[a-z_\"\\\\é]{1,6}", "\\PC{0,8}", 0..5);
    let time = prop_oneof![
        (0_u32..2_000_000_000).prop_map(|secs| json!(secs)),
        (0_u32..2_000_000_000, 0_u32..1_000)
            .prop_map(|(secs, millis)| json!(f64::from(secs) + f64::from(millis) / 1_000.0)),
    ];
    let samples = prop::collection::vec((time, value_text()), 0..8);
    prop::collection::vec((labels, samples, any::<bool>()), 0..6).prop_map(|series| {
        let result: Vec<Value> = series
            .into_iter()
            .map(|(labels, samples, is_vector): (BTreeMap<String, String>, Vec<_>, bool)| {
                match samples.first() {
                    Some(first) if is_vector => json!({ "metric": labels, "value": first }),
                    _ => json!({ "metric": labels, "values": samples, "unknown": [{}] }),
                }
            })
            .collect();
        json!(result)
    })
}

proptest! {
    #[test]
    fn columns_agree_with_a_tree_of_values(
        result in matrix(),
        type_comes_last in any::<bool>(),
        is_pretty in any::<bool>(),
    ) {
        let text = |value: &Value| if is_pretty {
            serde_json::to_string_pretty(value).unwrap()
        } else {
            value.to_string()
        };
        let result_text = text(&result);
        let data = if type_comes_last {
            format!(r#"{{"result":{result_text},"resultType":"matrix"}}"#)
        } else {
            format!(r#"{{"resultType":"matrix","result":{result_text}}}"#)
        };
        let json = format!(r#"{{"status":"success","data":{data},"infos":["i"]}}"#);
        let response = read(json.as_bytes()).unwrap().response;
        prop_assert_eq!(response.infos, ["i"]);
        let Some(ResultData::Matrix(series)) = response.data else { panic!("no matrix") };
        let columns: Vec<(LabelSet, Vec<(i64, u64)>)> = series
            .into_iter()
            .map(|series| {
                prop_assert_eq!(series.times_nanos.len(), series.values.len());
                let values = series.values.iter().map(|value| value.to_bits());
                Ok((series.labels, series.times_nanos.iter().copied().zip(values).collect()))
            })
            .collect::<Result<_, TestCaseError>>()?;
        let tree: Value = serde_json::from_str(&data).unwrap();
        prop_assert_eq!(columns, walk(&tree));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(read(&bytes));
    }

    #[test]
    fn a_wrong_byte_is_read_or_refused_in_any_chunks(at in 0_usize..115, byte in any::<u8>()) {
        let mut json = br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"1"],[2,"NaN"]]}]}}"#.to_vec();
        if let Some(place) = json.get_mut(at) {
            *place = byte;
        }
        drop(read(&json));
    }
}
