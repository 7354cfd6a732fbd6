//! Range of time with nanosecond precision.

const NANOS_PER_MS: i64 = 1_000_000;

/// Range between two points in time, both included, in Unix nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// First nanosecond of the range.
    pub from_nanos: i64,
    /// Last nanosecond of the range.
    pub to_nanos: i64,
}

impl TimeRange {
    /// Range from the Unix millisecond `from_ms` to just before `to_ms`, so that adjacent ranges
    /// share no flow. A range of length 0 holds one nanosecond.
    pub fn of_ms(from_ms: i64, to_ms: i64) -> Self {
        let from_nanos = from_ms.saturating_mul(NANOS_PER_MS);
        let to_nanos = to_ms.saturating_mul(NANOS_PER_MS).saturating_sub(1).max(from_nanos);
        Self { from_nanos, to_nanos }
    }

    /// End in Unix milliseconds, rounded down: the `to_ms` of [`TimeRange::of_ms`].
    pub fn end_ms(self) -> i64 {
        self.to_nanos.saturating_add(1).div_euclid(NANOS_PER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_ranges_share_no_flow() {
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
