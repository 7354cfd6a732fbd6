use proptest::prelude::*;

use crate::step::InvalidMinStep;
use crate::*;

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
    // 30 days at a min step of 1 s are 2.6 million points, so the limit decides.
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
    check(hour, "rate(a[$__rate_interval])", "rate(a[1m0s])");
    check(hour, "rate(a[${__rate_interval}])", "rate(a[1m0s])");
    check(hour, "a[$__interval] b[$__interval_ms]", "a[15s] b[15000]");
    check(hour, "$__range $__range_s $__range_ms", "3600s 3600 3600000");
    check(hour, "$__rate_interval_ms ${__range_s}", "60000 3600");
    check(hour, "a{ns=\"$namespace\"}", "a{ns=\"$namespace\"}");
    let with_min_step = StepRequest { min_step: "30s", ..hour };
    check(with_min_step, "$__rate_interval $__interval", "2m0s 30s");
    let wide = StepRequest { interval_ms: 120_000, max_data_points: 30, ..hour };
    check(wide, "$__rate_interval $__interval", "2m15s 2m");
    let by_interval = StepRequest { min_step: "$__interval", ..wide };
    check(by_interval, "$__rate_interval", "8m0s");
}

#[test]
fn alignment() {
    assert_eq!(align_ms(12_345, 5_000, 0), 10_000);
    assert_eq!(align_ms(-1, 5_000, 0), -5_000);
    // A step of one day begins at local midnight.
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
