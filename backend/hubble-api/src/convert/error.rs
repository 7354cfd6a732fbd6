//! Why a record cannot be taken over.

use flow::TimestampError;

/// Why a wire message holds no valid flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// A time that does not exist.
    #[error("`{field}` is not a point in time")]
    Time {
        /// Field of the message.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        source: TimestampError,
    },
    /// A number that its protocol has no room for.
    #[error("`{value}` in `{field}` is above {max}")]
    OutOfRange {
        /// Field of the message.
        field: &'static str,
        /// What was sent.
        value: u32,
        /// The highest that the protocol knows.
        max: u32,
    },
}
