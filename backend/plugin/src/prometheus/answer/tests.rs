use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(json: &str) -> Result<Envelope<ResultData>, serde_json::Error> {
    serde_json::from_str(json)
}

fn check_result(json: &str, expected: &str) {
    let shown = match read(json) {
        Err(error) => format!("error: {error}"),
        Ok(envelope) => match envelope.data {
            None => format!("no data, {} {}", envelope.error_type, envelope.error),
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
        "scalar Sample { time_nanos: 1000000000, value: 2.0 }",
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
    for (json, error) in [
        (
            r#"{"resultType":"streams","result":[]}"#,
            "unknown variant `streams`, expected one of `matrix`, `vector`, `scalar`, `string` at line 1 column 50",
        ),
        (r#"{"resultType":"matrix"}"#, "missing field `result` at line 1 column 51"),
        (
            r#"{"resultType":"scalar","result":[1,"x"]}"#,
            "invalid value: string \"x\", expected a float as a string at line 1 column 66",
        ),
        (
            r#"{"resultType":"scalar","result":[1e300,"1"]}"#,
            "1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 is no time in seconds at line 1 column 66",
        ),
    ] {
        let json = success(json);
        let got = read(&json).unwrap_err().to_string();
        assert!(got.starts_with(error.split(" at line").next().unwrap()), "{got}");
    }
}

#[test]
fn hostile_answers_end_in_an_error_or_in_what_is_there() {
    let check = |data: &str, expected: &str| {
        let json = format!(r#"{{"status":"success","data":{data}}}"#);
        match read(&json) {
            Ok(_) => assert_eq!("read", expected, "{data:.80}"),
            Err(error) => {
                let error = error.to_string();
                assert!(!expected.is_empty() && error.contains(expected), "{data:.80}: {error}");
            }
        }
    };
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    // What is skipped may be as deep as it likes: it is never a tree.
    check(&format!(r#"{{"resultType":"matrix","result":[],"stats":{}}}"#, deep(100_000)), "read");
    check(&format!(r#"{{"resultType":"matrix","result":{}}}"#, deep(100_000)), "invalid type");
    check(&format!(r#"{{"result":{},"resultType":"matrix"}}"#, deep(100_000)), "invalid type");
    check(&deep(100_000), "invalid type");
    let sample = |sample: &str| {
        format!(r#"{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{sample}]}}]}}"#)
    };
    check(&sample(r#"[1,"1e999"]"#), "read");
    check(&sample("[1,1e999]"), "number out of range");
    check(&sample(r#"[1e999,"1"]"#), "number out of range");
    check(&sample(r#"[99999999999999999999999,"1"]"#), "is no time in seconds");
    check(&sample(r#"["NaN","1"]"#), "invalid type");
    check(&sample(r#"[1,""]"#), "a float as a string");
    check(&sample(r#"[1,"1",2]"#), "trailing characters");
    check(&sample("[1]"), "invalid length 1");
    check(&sample("null"), "invalid type: null");
    check(r#"{"resultType":"matrix","result":[{"metric":{"a":1}}]}"#, "invalid type: integer");
    check(r#"{"resultType":"matrix","result":[{"values":[],"values":[]}]}"#, "duplicate field");
    check(r#"{"resultType":"vector","result":{"a":1}}"#, "invalid type: map");
    check(r#"{"resultType":"scalar","result":[]}"#, "invalid length 0");
    check(r#"{"resultType":1,"result":[]}"#, "invalid type: integer");
    check(r#"{"resultType":"matrix","result":[{"metric":{"a":"\ud800"}}]}"#, "hex escape");
    check(r#"{"resultType":"matrix","result":[{"metric":{"a":"1","a":"2"}}]}"#, "read");
    check(r#"{"resultType":"matrix","result":[{"metric":{}},{"metric":{}}]}"#, "read");
}

#[test]
fn every_cut_of_an_answer_is_told_as_one() {
    let json = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"1"],[2,"NaN"]]}]}}"#;
    assert!(read(json).is_ok());
    for end in 1..json.len() {
        let cut = json.get(..end).unwrap();
        assert!(read(cut).unwrap_err().is_eof(), "{cut}");
    }
}

/// The same answer read the slow way: a tree of values, walked.
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
        let envelope = read(&json).unwrap();
        prop_assert_eq!(envelope.infos, ["i"]);
        let Some(ResultData::Matrix(series)) = envelope.data else { panic!("no matrix") };
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
        let _: Result<Envelope<ResultData>, _> = serde_json::from_slice(&bytes);
    }
}
