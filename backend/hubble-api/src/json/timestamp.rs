//! Points in time as RFC 3339 text.

use chrono::{DateTime, SecondsFormat};
use flow::{Timestamp, TimestampError};

/// Writes it in UTC with 0, 3, 6 or 9 digits after the second, as few as hold it. Errors: not a
/// point in time of the years 1 to 9999.
pub(super) fn write(time: prost_types::Timestamp) -> Result<String, TimestampError> {
    let time = Timestamp::new(time.seconds, time.nanos)?;
    let out_of_range = TimestampError::Seconds { seconds: time.seconds() };
    Ok(DateTime::from_timestamp(time.seconds(), time.nanos())
        .ok_or(out_of_range)?
        .to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Reads it, with any offset and at most nine digits after the second. None: not such a text.
pub(super) fn read(text: &str) -> Option<prost_types::Timestamp> {
    let bytes = text.as_bytes();
    let is_strict = bytes.get(10) == Some(&b'T')
        && (text.ends_with('Z') || matches!(bytes.iter().nth_back(5), Some(b'+' | b'-')));
    let digits = text
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.bytes().take_while(u8::is_ascii_digit).count());
    if !is_strict || digits > 9 {
        return None;
    }
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    // A leap second counts as nanoseconds beyond the second, which `Timestamp` refuses, as Go.
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).ok()?;
    Timestamp::new(time.timestamp(), nanos).ok()?;
    Some(prost_types::Timestamp { seconds: time.timestamp(), nanos })
}
