use proptest::prelude::*;

use super::answer::Envelope;
use super::step::InvalidMinStep;
use super::*;

fn request(range_ms: i64) -> StepRequest<'static> {
    StepRequest {
        from_ms: 0,
        to_ms: range_ms,
        interval_ms: 0,
        max_data_points: 0,
        min_step: "",
        interval_factor: 0,
        scrape_interval_ms: 15_000,
    }
}

#[test]
fn steps() {
    const HOUR_MS: i64 = 3_600_000;
    let check = |request: StepRequest<'_>, expected_ms: u64| {
        assert_eq!(step_ms(&request), Ok(expected_ms), "{request:?}");
    };
    check(request(HOUR_MS), 15_000);
    check(StepRequest { interval_ms: 2_000, ..request(HOUR_MS) }, 2_000);
    check(StepRequest { interval_ms: 2_000, min_step: "1m", ..request(HOUR_MS) }, 60_000);
    check(StepRequest { min_step: "0s", ..request(HOUR_MS) }, 15_000);
    check(StepRequest { max_data_points: 60, ..request(HOUR_MS) }, 60_000);
    check(StepRequest { max_data_points: 100, ..request(24 * HOUR_MS) }, 900_000);
    check(StepRequest { interval_factor: 2, ..request(HOUR_MS) }, 30_000);
    check(StepRequest { min_step: "$__interval", ..request(HOUR_MS) }, 15_000);
    check(StepRequest { min_step: "$__rate_interval", ..request(HOUR_MS) }, 60_000);
    check(StepRequest { min_step: "${__rate_interval}", ..request(HOUR_MS) }, 60_000);
    // 30 days at a min step of 1 s are 2.6 million points: the cap decides.
    check(
        StepRequest { min_step: "1s", max_data_points: 5_000_000, ..request(720 * HOUR_MS) },
        300_000,
    );
    check(request(0), 15_000);
    assert_eq!(
        step_ms(&StepRequest { min_step: "soon", ..request(HOUR_MS) }),
        Err(InvalidMinStep("soon".to_owned()))
    );
}

#[test]
fn macros() {
    let check = |request: StepRequest<'_>, expr: &str, expected: &str| {
        let step_ms = step_ms(&request).unwrap();
        assert_eq!(interpolate(expr, &request.interpolation(step_ms)), expected);
    };
    let hour = request(3_600_000);
    check(hour, "rate(a[$__rate_interval])", "rate(a[60s])");
    check(hour, "rate(a[${__rate_interval}])", "rate(a[60s])");
    check(hour, "a[$__interval] b[$__interval_ms]", "a[15s] b[15000]");
    check(hour, "$__range $__range_s $__range_ms", "3600s 3600 3600000");
    check(hour, "$__rate_interval_ms ${__range_s}", "60000 3600");
    check(hour, "a{ns=\"$namespace\"}", "a{ns=\"$namespace\"}");
    let with_min_step = StepRequest { min_step: "30s", ..hour };
    check(with_min_step, "$__rate_interval $__interval", "120s 30s");
    let wide = StepRequest { interval_ms: 120_000, max_data_points: 30, ..hour };
    check(wide, "$__rate_interval $__interval", "135s 120s");
    let by_interval = StepRequest { min_step: "$__interval", ..wide };
    check(by_interval, "$__rate_interval", "480s");
}

#[test]
fn alignment() {
    assert_eq!(align_ms(12_345, 5_000, 0), 10_000);
    assert_eq!(align_ms(-1, 5_000, 0), -5_000);
    // A day's step begins at the local midnight.
    assert_eq!(align_ms(90_000_000, 86_400_000, 3_600), 82_800_000);
}

proptest! {
    #[test]
    fn never_more_points_than_prometheus_gives(
        range_ms in 0_i64..10_000_000_000_000,
        interval_ms in 0_u64..100_000,
        max_data_points in 0_u64..20_000_000,
        min_step in prop::sample::select(vec!["", "1ms", "1s", "1m", "$__interval", "$__rate_interval"]),
    ) {
        let request = StepRequest { interval_ms, max_data_points, min_step, ..request(range_ms) };
        let step_ms = step_ms(&request).unwrap();
        prop_assert!(step_ms >= 1);
        let first_ms = align_ms(0, step_ms, 0);
        let last_ms = align_ms(range_ms, step_ms, 0);
        let points = (last_ms - first_ms).unsigned_abs() / step_ms + 1;
        prop_assert!(points <= 11_000, "{points} points at {step_ms} ms");
    }
}

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
