//! Execution of queries: a typed query in; frames out, with a notice for every gap in the answer.
//!
//! - All queries about flows take the same steps: the form selects flows, and a plan asks the relay
//!   only for what its nodes support.
//! - [`flows`] returns the newest flows, [`FlowSlices`] the same piece by piece. The others read flows one by one as rows of columns and
//!   fold them: counts ([`flow_metrics`]), a map ([`service_map`]), DNS names ([`dns_connections`])
//!   and drops ([`flow_annotations`]).
//! - [`promql`] evaluates an expression over the range, at its end, or both.

mod annotations;
mod completeness;
mod dns;
mod flow_slices;
mod flows;
mod group_name;
mod metrics;
mod promql;
mod scan;
mod select;
mod service_map;

use std::sync::Arc;

use budget::{Caller, OutOfMemory, Shaping};
use frames::BadFrame;
use prometheus::{InvalidMinStep, PrometheusError};
use query::{CelExpressions, InvalidQuery};
use relay::{Relay, RelayError};

pub use self::annotations::flow_annotations;
pub use self::dns::dns_connections;
pub use self::flow_slices::{FlowSlices, FlowsEnd};
pub use self::flows::{Batches, flows};
pub use self::metrics::flow_metrics;
pub use self::promql::promql;
pub use self::select::{HeldFilters, prepare, resolve_clusters};
pub use self::service_map::service_map;

/// The relay that answers queries about flows.
#[derive(Debug, Clone, Copy)]
pub struct FlowSource<'a> {
    /// The relay.
    pub relay: &'a Arc<Relay>,
    /// The name of the relay's cluster in the metrics, if configured.
    pub cluster: Option<&'a str>,
    /// The caller, on whose account flows are read.
    pub caller: Caller,
    /// The completeness without which an answer is an error.
    pub required: RequiredCompleteness,
    /// Whether CEL expressions are sent to the nodes.
    pub cel: CelExpressions,
}

/// The completeness that an answer about flows must have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RequiredCompleteness {
    /// Any: gaps become notices, which a person reads.
    Any,
    /// Whole, as an alert rule needs it, since nobody reads its notices: every node answered to the end,
    /// nothing was cut off, and of the events at most this share was lost, 0 to 1.
    Whole {
        /// Maximum share of lost events, 0 to 1.
        max_lost_share: f64,
    },
}

/// The parts of a request that all its queries share.
#[derive(Debug, Clone, Default)]
pub struct QueryContext {
    /// Start of the time range, in Unix milliseconds.
    pub from_ms: i64,
    /// End of the time range, in Unix milliseconds; not before its start.
    pub to_ms: i64,
    /// The panel's interval: the range over its width, in milliseconds.
    pub interval_ms: i64,
    /// Maximum number of points in a series.
    pub max_data_points: i64,
    /// Uid of the data source, for links back to it.
    pub datasource_uid: String,
    /// Bound on long work on answers.
    pub shaping: Shaping,
}

/// The consumer of a request's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumer {
    /// A person, on a panel or in Explore.
    Panel,
    /// Grafana's expressions, which accept series and numbers.
    Expression,
    /// An alert rule: expressions without a person who sees the notices.
    AlertRule,
}

/// Reason why a query has no frames.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// The query is invalid.
    #[error(transparent)]
    Query(#[from] InvalidQuery),
    /// The "Min step" of a PromQL query cannot be read.
    #[error(transparent)]
    MinStep(#[from] InvalidMinStep),
    /// Prometheus did not answer, or refused the query.
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    /// The relay did not answer, or refused the query.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The answer has gaps, and the consumer is an alert rule.
    #[error(
        "an alert rule needs a complete answer: {reason}; `Count incomplete answers` in the data source's settings evaluates rules nevertheless"
    )]
    Incomplete {
        /// The first gap, in words.
        reason: String,
    },
    /// The answer needs more memory than is free.
    #[error(transparent)]
    OutOfMemory(#[from] OutOfMemory),
    /// A frame that Grafana would refuse.
    #[error("the answer cannot be given to Grafana")]
    Frame(#[from] BadFrame),
}

impl ExecutionError {
    /// The HTTP status for Grafana.
    pub fn status(&self) -> u16 {
        match self {
            Self::Query(_) | Self::MinStep(_) => 400,
            Self::Prometheus(error) => error.status(),
            Self::Relay(error) => error.status(),
            Self::Incomplete { .. } => 502,
            Self::OutOfMemory(_) => 503,
            Self::Frame(_) => 500,
        }
    }

    /// The error's text for the user. Errors of Prometheus and the relay include their causes
    /// already; for the others the causes are appended.
    pub fn message(&self) -> String {
        match self {
            Self::Prometheus(error) => error.to_string(),
            Self::Relay(error) => error.to_string(),
            Self::OutOfMemory(_) | Self::Incomplete { .. } => self.to_string(),
            Self::Query(_) | Self::MinStep(_) | Self::Frame(_) => wording::with_causes(self),
        }
    }
}
