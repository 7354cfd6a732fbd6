//! Times in the messages of errors.

use std::fmt;

use chrono::DateTime;

/// Unix time in seconds, displayed as `2026-08-01 12:00 UTC`.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeText(pub(super) i64);

impl fmt::Display for TimeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp(self.0, 0) {
            Some(time) => write!(f, "{}", time.format("%Y-%m-%d %H:%M UTC")),
            // Beyond the year 262,142, which no certificate can hold.
            None => write!(f, "{} s after 1970", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_read_them() {
        #[track_caller]
        fn check(secs: i64, expected: &str) {
            assert_eq!(TimeText(secs).to_string(), expected);
        }

        check(0, "1970-01-01 00:00 UTC");
        check(-1, "1969-12-31 23:59 UTC");
        check(951_826_500, "2000-02-29 12:15 UTC");
        check(1_785_585_659, "2026-08-01 12:00 UTC");
        check(4_107_542_399, "2100-02-28 23:59 UTC");
        check(4_107_542_400, "2100-03-01 00:00 UTC");
    }
}
