//! Arbitrary times of selectors narrow a range or are refused, and the result lies within the range. The
//! input is the start and the end of a range and a clock, eight bytes each, then `since` and `until`, one a
//! line.
//!
//! `cargo xtask fuzz times`

#![no_main]

use flow::TimeRange;
use libfuzzer_sys::fuzz_target;
use query::Selectors;

fuzz_target!(|input: (i64, i64, i64, &str)| {
    let (one, other, now_ms, text) = input;
    let range = TimeRange { from_nanos: one.min(other), to_nanos: one.max(other) };
    let mut lines = text.split('\n').map(str::to_owned);
    let selectors = Selectors { since: lines.next(), until: lines.next(), ..Selectors::default() };
    if let Ok((narrowed, _)) = selectors.narrow(range, now_ms) {
        assert!(range.from_nanos <= narrowed.from_nanos);
        assert!(narrowed.from_nanos <= narrowed.to_nanos);
        assert!(narrowed.to_nanos <= range.to_nanos);
    }
});
