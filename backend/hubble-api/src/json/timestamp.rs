//! Points in time as RFC 3339 text.

use chrono::{DateTime, SecondsFormat};
use flow::{Timestamp, TimestampError};

/// Writes a time in UTC with 0, 3, 6 or 9 digits after the second, as few as possible. Errors: the
/// time is outside of the years 1 to 9999.
pub(super) fn write(time: prost_types::Timestamp) -> Result<String, TimestampError> {
    let time = Timestamp::new(time.seconds, time.nanos)?;
    let out_of_range = TimestampError::Seconds { seconds: time.seconds() };
    Ok(DateTime::from_timestamp(time.seconds(), time.nanos())
        .ok_or(out_of_range)?
        .to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Reads a time with any offset and at most nine digits after the second. As in Go, the hour may
/// have one digit, and a comma may precede the fraction. `None` for other texts.
pub(super) fn read(text: &str) -> Option<prost_types::Timestamp> {
    let (date, time) = text.split_once('T')?;
    let hour_digits = time.find(':')?;
    let digits = time
        .split_once(['.', ','])
        .map_or(0, |(_, fraction)| fraction.bytes().take_while(u8::is_ascii_digit).count());
    let has_offset = time.ends_with('Z') || matches!(time.bytes().nth_back(5), Some(b'+' | b'-'));
    if digits > 9 || !has_offset {
        return None;
    }
    let zero = if hour_digits == 1 { "0" } else { "" };
    let strict = format!("{date}T{zero}{}", time.replacen(',', ".", 1));
    let time = DateTime::parse_from_rfc3339(&strict).ok()?;
    // A leap second counts as nanoseconds beyond the second, which are out of range, as in Go.
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).ok()?;
    let time = Timestamp::new(time.timestamp(), nanos).ok()?;
    Some(crate::convert::wire_timestamp(time))
}
