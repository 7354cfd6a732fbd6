//! The wall clock, which paces the simulation's own clock. No other module reads it.

use std::time::{SystemTime, UNIX_EPOCH};

/// The current time in Unix nanoseconds.
pub(crate) fn now_nanos() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}
