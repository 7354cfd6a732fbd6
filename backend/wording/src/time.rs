//! Times in texts.

use chrono::DateTime;

/// Time in Unix nanoseconds, displayed to the millisecond and with its zone, because dashboards
/// show local time.
pub fn time_text(time_nanos: i64) -> String {
    DateTime::from_timestamp_nanos(time_nanos).format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string()
}
