//! The query model: the JSON of a query is read once, into a [`ReadQuery`], and everything behind
//! takes that value. Flows are selected by a [`FlowsForm`], the flags of `hubble observe` one by one
//! or one `hubble observe …` line; [`convert`] turns either into the other, and [`FlowSelection`] is
//! what the relay is asked for. Fields that would change what is asked are refused by name, others
//! are named; whatever multiplies is bounded before it is built. No IO and no clock.

mod adhoc;
mod annotations;
mod budget;
mod choice;
mod clusters;
mod convert;
mod dns;
mod fields;
mod filter;
mod flag;
mod flows;
mod form;
mod line;
mod metrics;
mod model;
mod observe;
mod policies;
mod promql;
mod service_map;
#[cfg(test)]
mod tests;
#[cfg(feature = "typescript")]
pub mod typescript;
mod value;

pub use self::adhoc::InvalidAdhocFilter;
pub use self::annotations::FlowAnnotationsQuery;
pub use self::budget::TooLarge;
pub use self::clusters::ClusterNames;
pub use self::convert::convert;
pub use self::dns::DnsConnectionsQuery;
pub use self::fields::{Fields, MAX_QUERY_BYTES};
pub use self::filter::FlowSelection;
pub use self::flag::{Flag, HUBBLE_PROTOCOLS, InvalidFlag, MESSAGE_TYPES, unresolved_variable};
pub use self::flows::{FlowsFormat, FlowsQuery};
pub use self::form::{FlowsForm, Selectors};
pub use self::metrics::{FlowMetric, FlowMetricsFormat, FlowMetricsQuery};
pub use self::model::{InvalidQuery, Query, ReadQuery};
pub use self::policies::PoliciesQuery;
pub use self::promql::{PromqlFormat, PromqlQuery};
pub use self::service_map::{NodesBy, ServiceMapQuery};
