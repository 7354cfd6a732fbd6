//! The limit of a query on what it returns.

/// A limit outside of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("limit {limit} is out of range: use 1 to {max} {counted}")]
pub struct LimitOutOfRange {
    /// Limit as given.
    pub limit: i64,
    /// Largest limit.
    pub max: usize,
    /// Name of the counted things, in the plural.
    pub counted: &'static str,
}

/// The limit in a query's field, or the default.
///
/// Errors: it is less than 1 or more than `max`.
pub(crate) fn read(
    limit: Option<i64>,
    default: usize,
    max: usize,
    counted: &'static str,
) -> Result<usize, LimitOutOfRange> {
    let Some(limit) = limit else { return Ok(default) };
    let in_range = usize::try_from(limit).ok().filter(|limit| (1..=max).contains(limit));
    in_range.ok_or(LimitOutOfRange { limit, max, counted })
}
