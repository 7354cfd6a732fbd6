//! The query model. The JSON of a query is read once, into a [`ReadQuery`], and all other crates
//! take that value; the text of a dashboard variable into a [`VariableQuery`].
//!
//! - A [`FlowsForm`] selects flows, by single flags of `hubble observe` or by one whole line.
//!   [`convert`] turns either notation into the other.
//! - A [`FlowSelection`] holds the filters for the relay.
//! - A field that is unknown and would change the result is an error that names it; other unused
//!   fields become notices.
//! - Everything that multiplies is bounded before it is built.
//!
//! The crate does no IO and reads no clock.

mod adhoc;
mod annotations;
mod budget;
mod clusters;
mod convert;
mod dns;
mod exceeded;
mod fields;
mod filter;
mod flag;
mod flows;
mod form;
mod form_json;
mod limit;
mod line;
mod metrics;
mod model;
mod multi_value;
mod observe;
mod pattern;
mod policies;
mod promql;
mod selection;
mod service_map;
#[cfg(test)]
mod tests;
#[cfg(feature = "typescript")]
pub mod typescript;
mod value;
mod variable;

pub use self::adhoc::{InvalidAdhocFilter, InvalidAdhocFilters};
pub use self::annotations::{FlowAnnotationsQuery, InvalidFlowAnnotationsQuery};
pub use self::budget::TooLarge;
pub use self::clusters::ClusterNames;
pub use self::convert::convert;
pub use self::dns::{DnsConnectionsQuery, InvalidDnsConnectionsQuery};
pub use self::exceeded::QueryLimit;
pub use self::fields::{Fields, InvalidFields, MAX_QUERY_BYTES};
pub use self::flag::{
    Flag, HUBBLE_PROTOCOLS, InvalidFlag, MESSAGE_TYPES, RefusedFlag, VariableInField,
    unresolved_variable,
};
pub use self::flows::{FlowsFormat, FlowsQuery, InvalidFlowsQuery};
pub use self::form::{FlowsForm, InvalidSelectors, Selectors};
pub use self::form_json::InvalidForm;
pub use self::limit::LimitOutOfRange;
pub use self::metrics::{FlowMetric, FlowMetricsFormat, FlowMetricsQuery, InvalidFlowMetricsQuery};
pub use self::model::{InvalidQuery, Query, ReadQuery};
pub use self::pattern::{InvalidPattern, Pattern};
pub use self::policies::PoliciesQuery;
pub use self::promql::{InvalidPromqlQuery, PromqlFormat, PromqlQuery};
pub use self::selection::{CelExpressions, FlowSelection, InvalidSelection, prepare};
pub use self::service_map::{NodesBy, ServiceMapQuery};
pub use self::variable::{FlowVariable, ValueKind, VariableQuery, variable_meant_or_list};
