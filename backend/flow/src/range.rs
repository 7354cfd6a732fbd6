//! A range of time, to the nanosecond, as flows have their times.

const NANOS_PER_MS: i64 = 1_000_000;

/// From one point in time to another, both of which it holds, in Unix nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first nanosecond.
    pub from_nanos: i64,
    /// The last nanosecond.
    pub to_nanos: i64,
}

impl TimeRange {
    /// From the Unix millisecond `from_ms` up to `to_ms`, which begins the range after it: of two
    /// ranges that touch, one holds a flow. A range of no length holds its one nanosecond.
    pub fn of_ms(from_ms: i64, to_ms: i64) -> Self {
        let from_nanos = from_ms.saturating_mul(NANOS_PER_MS);
        let to_nanos = to_ms.saturating_mul(NANOS_PER_MS).saturating_sub(1).max(from_nanos);
        Self { from_nanos, to_nanos }
    }

    /// The end in Unix milliseconds, rounded down: `to_ms` of a range that was made of milliseconds.
    pub fn end_ms(self) -> i64 {
        self.to_nanos.saturating_add(1).div_euclid(NANOS_PER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_share_nothing() {
        let check = |range: TimeRange, expected: [i64; 3]| {
            assert_eq!([range.from_nanos, range.to_nanos, range.end_ms()], expected);
        };
        check(TimeRange::of_ms(1, 3), [1_000_000, 2_999_999, 3]);
        check(TimeRange::of_ms(3, 5), [3_000_000, 4_999_999, 5]);
        check(TimeRange::of_ms(3, 3), [3_000_000, 3_000_000, 3]);
        check(TimeRange { from_nanos: 1, to_nanos: 5_400_000 }, [1, 5_400_000, 5]);
        let all = TimeRange::of_ms(i64::MIN, i64::MAX);
        check(all, [i64::MIN, i64::MAX - 1, i64::MAX / NANOS_PER_MS]);
    }
}
