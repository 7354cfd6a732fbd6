//! Points in time in documents and records.

use std::fmt;

use chrono::{DateTime, Datelike, Timelike};

/// A point in time: whole seconds since 1970-01-01T00:00:00Z (negative before it) and the
/// nanoseconds after that second. It prints as `2026-11-30 14:03:00 UTC`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime {
    seconds: i64,
    nanos: u32,
}

impl UnixTime {
    /// The point `nanos` nanoseconds after a second since 1970.
    #[must_use]
    pub const fn new(seconds: i64, nanos: u32) -> Self {
        Self { seconds, nanos }
    }

    /// The point `nanos` nanoseconds after (before, where negative) 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "below 1_000_000_000")]
        Self {
            seconds: nanos.div_euclid(1_000_000_000),
            nanos: nanos.rem_euclid(1_000_000_000).cast_unsigned() as u32,
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.seconds.saturating_mul(1_000).saturating_add((self.nanos / 1_000_000) as i64)
    }

    /// The time of an RFC 3339 text, as `2026-11-30T14:03:00Z`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        // Seconds since 1970 cannot express a leap second.
        let nanos = time.timestamp_subsec_nanos();
        (nanos < 1_000_000_000).then(|| Self::new(time.timestamp(), nanos))
    }
}

impl fmt::Display for UnixTime {
    /// The date in UTC, or the seconds where the calendar has no date.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(time) = DateTime::from_timestamp(self.seconds, 0) else {
            return write!(f, "{} seconds after 1970", self.seconds);
        };
        let (year, month, day) = (time.year(), time.month(), time.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}
