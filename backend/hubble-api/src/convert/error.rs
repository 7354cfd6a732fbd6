//! Errors of conversion.

use flow::TimestampError;

/// Reasons why a wire message is not a valid flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// Invalid time.
    #[error("`{field}` is not a point in time")]
    Time {
        /// Field of the message.
        field: &'static str,
        /// Error in the time.
        #[source]
        source: TimestampError,
    },
    /// Number beyond the range of its protocol field.
    #[error("`{value}` in `{field}` is above {max}")]
    OutOfRange {
        /// Field of the message.
        field: &'static str,
        /// Value from the message.
        value: u32,
        /// Largest valid value.
        max: u32,
    },
}
