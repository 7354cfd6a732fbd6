//! Arbitrary durations, steps and macros of PromQL: no panic, a step never makes more points than
//! Prometheus answers, and a written duration is read back. The input is a range, an interval and a number
//! of points, then "Min step" and an expression, one a line.
//!
//! `cargo xtask fuzz promql_steps`

#![no_main]

use libfuzzer_sys::fuzz_target;
use prometheus::duration::{format_go, format_interval, format_ms, parse_ms};
use prometheus::{StepRequest, align_ms, interpolate, step_ms};

fuzz_target!(|input: (i64, i64, u64, u64, u64, u64, &str)| {
    let (one, other, interval_ms, max_data_points, scrape_interval_ms, interval_factor, text) =
        input;
    let (min_step, expr) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(ms) = parse_ms(min_step) {
        for written in [format_ms(ms), format_interval(ms), format_go(ms)] {
            assert_eq!(parse_ms(&written), Some(ms), "{written}");
        }
    }
    let (from_ms, to_ms) = (one.min(other), one.max(other));
    let request = StepRequest {
        from_ms,
        to_ms,
        interval_ms,
        max_data_points,
        min_step,
        interval_factor,
        scrape_interval_ms,
    };
    let Ok(step_ms) = step_ms(&request) else { return };
    let range_ms = u64::try_from(to_ms.saturating_sub(from_ms)).expect("it is positive");
    assert!(step_ms > 0 && range_ms / step_ms < 11_000, "{range_ms} ms in steps of {step_ms} ms");
    // Clocks that people have, and times before the year 30000.
    let offset_secs = i64::try_from(interval_factor % 86_400).expect("it is small");
    let aligned_ms = align_ms(from_ms, step_ms, offset_secs);
    if from_ms.unsigned_abs() < 1 << 50 && step_ms < 1 << 50 {
        let moved_ms = from_ms - aligned_ms;
        assert!(u64::try_from(moved_ms).is_ok_and(|moved_ms| moved_ms < step_ms), "{moved_ms} ms");
    }
    let _expr = interpolate(expr, &request.interpolation(step_ms));
});
