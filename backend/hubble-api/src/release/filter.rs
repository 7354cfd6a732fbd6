//! Filters, and the releases that support them.

use super::Release;
use flow::filter::{FilterSet, FlowFilter};

/// Condition of a filter that a release does not support.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnsupportedCondition {
    /// Name of the field in flow.proto.
    pub field: &'static str,
    /// First release that supports it.
    pub since: Release,
}

impl UnsupportedCondition {
    /// First release whose flows contain the field. On older flows the condition never holds,
    /// wherever it is applied.
    pub fn recorded_since(&self) -> Release {
        let field = FlowFilter::FIELDS.iter().find(|field| field.name == self.field);
        Release::new(1, field.map_or(0, |field| field.recorded_since_minor))
    }
}

/// Part of some filters that a release supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportedFilters {
    /// Filters that let through all requested flows, and more if some conditions are not supported.
    pub filters: FilterSet,
    /// Unsupported conditions, sorted. The caller has to apply them.
    pub unknown: Vec<UnsupportedCondition>,
}

/// Filters to send to nodes of `release`. A `deny` filter with an unsupported condition is left out
/// completely, because without that condition it would exclude too many flows.
pub fn supported_filters(filters: &FilterSet, release: Release) -> SupportedFilters {
    let mut unknown = Vec::new();
    let allow =
        filters.allow.iter().map(|filter| known(filter.clone(), release, &mut unknown)).collect();
    let mut deny = Vec::new();
    for filter in &filters.deny {
        let before = unknown.len();
        let known = known(filter.clone(), release, &mut unknown);
        if unknown.len() == before {
            deny.push(known);
        }
    }
    unknown.sort_unstable();
    unknown.dedup();
    SupportedFilters { filters: FilterSet { allow, deny }, unknown }
}

/// Filter without the conditions that `release` does not support; they are added to `unknown`.
fn known(
    mut filter: FlowFilter,
    release: Release,
    unknown: &mut Vec<UnsupportedCondition>,
) -> FlowFilter {
    let taken = filter.take_newer(|minor| release >= Release::new(1, minor));
    unknown.extend(taken.into_iter().map(|field| UnsupportedCondition {
        field: field.name,
        since: Release::new(1, field.since_minor),
    }));
    filter
}
