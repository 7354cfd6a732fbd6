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

impl FilterSet {
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
