//! Filters on flows, as in the Observer API.
//!
//! [`FlowFilter`] and [`FilterSet`] hold a user's values; `compile` checks them and returns
//! [`CompiledFilter`] and [`CompiledFilterSet`], which match flows like Cilium's
//! `pkg/hubble/filters`.
//!
//! ```
//! use flow::filter::FlowFilter;
//! use flow::{Flow, Ip, Verdict};
//!
//! let filter = FlowFilter {
//!     source_ip: vec!["10.0.0.0/8".to_owned()],
//!     verdict: vec![Verdict::Dropped],
//!     ..FlowFilter::default()
//! };
//! let filter = filter.compile().unwrap();
//!
//! let ip = Ip { source: "10.1.2.3".to_owned(), ..Ip::default() };
//! let flow = Flow { ip: Some(ip), verdict: Verdict::Dropped, ..Flow::default() };
//! assert!(filter.matches(&flow));
//! assert!(!filter.matches(&Flow { verdict: Verdict::Forwarded, ..flow }));
//!
//! let wrong = FlowFilter { source_port: vec!["http".to_owned()], ..FlowFilter::default() };
//! assert_eq!(
//!     wrong.compile().unwrap_err().to_string(),
//!     "`http` in `source_port` is not a port: a number from 0 to 65535",
//! );
//! ```

mod compile;
mod compiled;
mod conjunction;
mod error;
mod expression;
mod fields;
mod request_uri;
mod size;
#[cfg(test)]
mod tests;

pub use compiled::{CompiledFilter, CompiledFilterSet};
pub use conjunction::NoConjunction;
pub use error::{FilterError, FilterList, FilterSetError, RegexError};
pub use fields::{FilterField, FlowFilter};
pub use size::FilterSize;

use crate::MessageType;

/// Filter on monitor events. Source: flow.proto `EventTypeFilter`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct EventTypeFilter {
    /// Message type; unspecified for any.
    pub message_type: MessageType,
    /// Whether `sub_type` is compared, too; 0 is a valid one.
    pub match_sub_type: bool,
    /// Sub type of the event.
    pub sub_type: i32,
}

/// Selection of flows: those that any filter of `allow` matches (all if it is empty), except those
/// that a filter of `deny` matches. Source: observer.proto `GetFlowsRequest.whitelist`,
/// `.blacklist`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FilterSet {
    /// Filters of which at least one must match, unless the list is empty.
    pub allow: Vec<FlowFilter>,
    /// Filters of which none may match.
    pub deny: Vec<FlowFilter>,
}

/// Filters for the nodes, and what they compile to where nodes do not apply them.
#[derive(Debug, Clone)]
pub struct PreparedFilters {
    set: FilterSet,
    here: Option<CompiledFilterSet>,
}

impl PreparedFilters {
    /// Filters that select all flows.
    #[must_use]
    pub fn of_all_flows() -> Self {
        let here = CompiledFilterSet { allow: Vec::new(), deny: Vec::new() };
        Self { set: FilterSet::default(), here: Some(here) }
    }

    /// The filters for the nodes.
    #[must_use]
    pub const fn set(&self) -> &FilterSet {
        &self.set
    }

    /// The filters without CEL, which only the nodes can evaluate: an allow filter lets more flows through
    /// then, and a deny filter with CEL is absent, because it would remove too many. `None`: a filter cannot be
    /// used, which the nodes say in their own words.
    #[must_use]
    pub const fn here(&self) -> Option<&CompiledFilterSet> {
        self.here.as_ref()
    }
}

impl FilterSet {
    /// Compiles the filters, once for all uses. Takes milliseconds for a large regular expression.
    ///
    /// Errors: the first regular expression that takes too much memory.
    pub fn prepare(self) -> Result<PreparedFilters, FilterSetError> {
        let allow = self
            .allow
            .iter()
            .map(|filter| FlowFilter { cel_expression: Vec::new(), ..filter.clone() });
        let deny = self.deny.iter().filter(|filter| filter.cel_expression.is_empty());
        let here = Self { allow: allow.collect(), deny: deny.cloned().collect() }.compile();
        match here {
            Err(error) if error.source.is_too_large() => Err(error),
            here => Ok(PreparedFilters { set: self, here: here.ok() }),
        }
    }

    /// Checks and compiles the filters.
    ///
    /// Errors: the first filter that cannot be used.
    pub fn compile(&self) -> Result<CompiledFilterSet, FilterSetError> {
        let compile = |list, filters: &[FlowFilter]| {
            let compiled = filters.iter().enumerate().map(|(index, filter)| {
                filter.compile().map_err(|source| FilterSetError { list, index, source })
            });
            compiled.collect::<Result<_, _>>()
        };
        Ok(CompiledFilterSet {
            allow: compile(FilterList::Allow, &self.allow)?,
            deny: compile(FilterList::Deny, &self.deny)?,
        })
    }
}
