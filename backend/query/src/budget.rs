//! Bounds on the size of a selection of flows. Single values and lists have bounds of their own;
//! here the product of them is bounded, because the relay hands every filter to every node, and
//! each node checks every flow against all of them.

use flow::filter::{FilterSet, FilterSize, FlowFilter};

/// Maximum number of filters in both lists of a selection.
pub(crate) const MAX_FILTERS: usize = 64;
/// Maximum number of values in all filters.
pub(crate) const MAX_VALUES: usize = 2_000;
/// Maximum number of regular and CEL expressions in all filters. `vocabulary::re2::Search` bounds each of
/// them when compiled.
pub(crate) const MAX_PATTERNS: usize = 20;

/// Reason why a selection is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// More filters than 64.
    #[error("the filters of the query combine to more than {MAX_FILTERS}: remove some of them")]
    Filters,
    /// More values than 2,000.
    #[error("the filters of the query combine to more than {MAX_VALUES} values: choose fewer")]
    Values,
    /// More patterns than 20.
    #[error(
        "the filters of the query combine to more than {MAX_PATTERNS} patterns (of DNS names, paths, URLs and CEL): choose fewer"
    )]
    Patterns,
}

/// Checks the size of a selection.
///
/// Errors: [`TooLarge`].
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

/// The product of two counts of values.
///
/// Errors: it exceeds the maximum number of values.
pub(crate) fn product(one: usize, other: usize) -> Result<usize, TooLarge> {
    one.checked_mul(other).filter(|product| *product <= MAX_VALUES).ok_or(TooLarge::Values)
}
