//! How large a selection of flows may become. Each value of it is bounded, and so is each list; what
//! multiplies is bounded here. The relay hands every filter to every node, which judges every flow by
//! all of them.

use flow::filter::{FilterSet, FilterSize, FlowFilter};

/// Filters of a selection, of both lists.
pub(crate) const MAX_FILTERS: usize = 64;
/// Values of all filters.
pub(crate) const MAX_VALUES: usize = 2_000;
/// Regular expressions and CEL expressions of all filters.
pub(crate) const MAX_PATTERNS: usize = 20;

/// A selection that is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what happened, by its fields")]
pub enum TooLarge {
    #[error("the filters of the query combine to more than {MAX_FILTERS}: remove some of them")]
    Filters,
    #[error("the filters of the query combine to more than {MAX_VALUES} values: choose fewer")]
    Values,
    #[error(
        "the filters of the query combine to more than {MAX_PATTERNS} patterns (of DNS names, paths, URLs and CEL): choose fewer"
    )]
    Patterns,
}

/// Errors: the filters are too many or too large.
pub(crate) fn check(set: &FilterSet) -> Result<(), TooLarge> {
    if set.allow.len().saturating_add(set.deny.len()) > MAX_FILTERS {
        return Err(TooLarge::Filters);
    }
    let sizes = set.allow.iter().chain(&set.deny).map(FlowFilter::size);
    let size = sizes.fold(FilterSize::default(), FilterSize::plus);
    if size.values > MAX_VALUES {
        return Err(TooLarge::Values);
    }
    if size.patterns > MAX_PATTERNS {
        return Err(TooLarge::Patterns);
    }
    Ok(())
}

/// How many values `one` times `other` are. Errors: too many.
pub(crate) fn product(one: usize, other: usize) -> Result<usize, TooLarge> {
    one.checked_mul(other).filter(|product| *product <= MAX_VALUES).ok_or(TooLarge::Values)
}
