//! Queries executed: a typed query in, frames out, each with a notice for everything that the
//! answer lacks. All queries about flows go the same way: the query's form selects flows, a plan
//! asks the relay by what its nodes know, and flows come as the newest ones ([`flows`]) or one by
//! one as rows of columns for a fold: counts ([`flow_metrics`]), a map ([`service_map`]), names
//! ([`dns_connections`]), drops ([`flow_annotations`]). [`promql`] asks Prometheus for a range, its
//! end, or both.

mod annotations;
mod completeness;
mod dns;
mod flows;
mod group_name;
mod metrics;
mod promql;
mod scan;
mod select;
mod service_map;

use frames::BadFrame;
use prometheus::{InvalidMinStep, PrometheusError};
use query::InvalidQuery;
use relay::{Relay, RelayError};

pub use self::annotations::flow_annotations;
pub use self::dns::dns_connections;
pub use self::flows::{Batches, PackedFlows, flows, packed_flows};
pub use self::metrics::flow_metrics;
pub use self::promql::promql;
pub use self::select::resolve_clusters;
pub use self::service_map::service_map;

/// The relay that is asked for flows.
#[derive(Debug, Clone, Copy)]
pub struct FlowSource<'a> {
    /// The relay.
    pub relay: &'a Relay,
    /// How metrics call its cluster, where the user says so.
    pub cluster: Option<&'a str>,
}

/// The parts of a request that every query shares.
#[derive(Debug, Clone, Default)]
pub struct QueryContext {
    /// Begin of the time range, in Unix milliseconds.
    pub from_ms: i64,
    /// End of the time range, in Unix milliseconds; not before its begin.
    pub to_ms: i64,
    /// The panel's interval: the range over its width, in milliseconds.
    pub interval_ms: i64,
    /// Points of a series at most.
    pub max_data_points: i64,
    /// Uid of the data source that is asked, for links that ask it again.
    pub datasource_uid: String,
}

/// The reader of the answers of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person, on a panel or in Explore.
    Panel,
    /// Grafana's expressions, which take series and numbers.
    Expression,
    /// An alert rule: expressions without a person who looks at them.
    AlertRule,
}

/// Why a query has no frames.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// The query asks for what cannot be asked for.
    #[error(transparent)]
    Query(#[from] InvalidQuery),
    /// The "Min step" of a PromQL query cannot be read.
    #[error(transparent)]
    MinStep(#[from] InvalidMinStep),
    /// Prometheus has no answer.
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    /// The relay has no answer.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// A frame that Grafana would refuse.
    #[error("the answer cannot be given to Grafana")]
    Frame(#[from] BadFrame),
}

impl ExecutionError {
    /// The HTTP status that Grafana should see.
    pub fn status(&self) -> u16 {
        match self {
            Self::Query(_) | Self::MinStep(_) => 400,
            Self::Prometheus(error) => error.status(),
            Self::Relay(error) => error.status(),
            Self::Frame(_) => 500,
        }
    }

    /// The error as its user reads it. Upstream's errors say their cause in their own words already;
    /// for the rest the causes follow.
    pub fn message(&self) -> String {
        match self {
            Self::Prometheus(error) => error.to_string(),
            Self::Relay(error) => error.to_string(),
            Self::Query(_) | Self::MinStep(_) | Self::Frame(_) => wording::with_causes(self),
        }
    }
}
