//! Points in time, as in protobuf.

/// Point in time: whole seconds since 1970-01-01T00:00:00Z (negative before it) and the nanoseconds
/// after that second. Years 1 to 9999.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

/// Reasons why a pair of numbers is not a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Seconds outside of the years 1 to 9999.
    #[error("`{seconds}` seconds since 1970 are outside of the years 1 to 9999")]
    Seconds {
        /// Seconds since 1970.
        seconds: i64,
    },
    /// Nanoseconds that are negative or exceed a second.
    #[error("`{nanos}` nanoseconds are not within 0 to 999999999")]
    Nanos {
        /// Nanoseconds after the second.
        nanos: i32,
    },
}

impl Timestamp {
    /// Go's zero time, 0001-01-01T00:00:00Z, in seconds since 1970.
    pub const MIN_SECONDS: i64 = -62_135_596_800;
    /// 9999-12-31T23:59:59Z, in seconds since 1970.
    pub const MAX_SECONDS: i64 = 253_402_300_799;

    /// Point in time from its parts. Errors: outside of the years 1 to 9999, or `nanos` outside of
    /// a second.
    pub const fn new(seconds: i64, nanos: i32) -> Result<Self, TimestampError> {
        if seconds < Self::MIN_SECONDS || seconds > Self::MAX_SECONDS {
            return Err(TimestampError::Seconds { seconds });
        }
        if nanos < 0 || nanos > 999_999_999 {
            return Err(TimestampError::Nanos { nanos });
        }
        Ok(Self { seconds, nanos: nanos.cast_unsigned() })
    }

    /// Point `nanos` nanoseconds after 1970-01-01T00:00:00Z, or before it if negative.
    #[must_use]
    pub const fn from_unix_nanos(nanos: i64) -> Self {
        // The quotient spans the years 1677 to 2262 and the remainder is below a second, so both
        // are in range.
        #[expect(clippy::cast_possible_truncation, reason = "below 1_000_000_000")]
        Self {
            seconds: nanos.div_euclid(1_000_000_000),
            nanos: nanos.rem_euclid(1_000_000_000).cast_unsigned() as u32,
        }
    }

    /// Next nanosecond; the last point in time stays.
    #[must_use]
    pub fn one_nano_later(self) -> Self {
        let later = match self.nanos {
            999_999_999 => Self { seconds: self.seconds + 1, nanos: 0 },
            nanos => Self { nanos: nanos + 1, ..self },
        };
        if later.seconds > Self::MAX_SECONDS { self } else { later }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after the whole second, 0 to 999,999,999.
    #[must_use]
    pub const fn nanos(self) -> u32 {
        self.nanos
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z; `None` outside of the years 1677 to 2262.
    #[must_use]
    pub const fn unix_nanos(self) -> Option<i64> {
        let total = self.seconds as i128 * 1_000_000_000 + self.nanos as i128;
        if total < i64::MIN as i128 || total > i64::MAX as i128 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "compared with the bounds above")]
        Some(total as i64)
    }
}
