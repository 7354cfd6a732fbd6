//! Errors of queries.

use std::sync::Arc;

use execution::ExecutionError;
use prometheus::PrometheusError;
use query::{InvalidQuery, QueryLimit};
use relay::RelayError;
use settings::InvalidSettings;

use crate::metrics::Limit;
use crate::policies::PolicyReadError;

/// Reason why a query has no frames.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    #[error(transparent)]
    Settings(#[from] Arc<InvalidSettings>),
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    #[error(transparent)]
    Policies(#[from] PolicyReadError),
}

impl QueryError {
    /// HTTP status for Grafana.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Settings(_) => 400,
            Self::Execution(error) => error.status(),
            Self::Policies(PolicyReadError::Busy(_)) => 503,
            Self::Policies(PolicyReadError::TimedOut { .. }) => 504,
        }
    }

    /// The limit that refused the query. `None`: another reason, or a limit that counts its refusals
    /// itself: permits and memory.
    pub(crate) fn limit(&self) -> Option<Limit> {
        match self {
            Self::Execution(ExecutionError::Query(error)) => match error.exceeded()? {
                QueryLimit::Size => Some(Limit::RequestSize),
                QueryLimit::Filters => Some(Limit::QueryFilters),
            },
            Self::Execution(ExecutionError::Prometheus(PrometheusError::TooLarge { .. })) => {
                Some(Limit::PrometheusAnswerSize)
            }
            _ => None,
        }
    }

    /// Message for the user.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Settings(error) => wording::with_causes(error),
            Self::Execution(error) => error.message(),
            Self::Policies(error) => error.to_string(),
        }
    }
}

impl From<InvalidQuery> for QueryError {
    fn from(error: InvalidQuery) -> Self {
        Self::Execution(error.into())
    }
}

impl From<PrometheusError> for QueryError {
    fn from(error: PrometheusError) -> Self {
        Self::Execution(error.into())
    }
}

impl From<RelayError> for QueryError {
    fn from(error: RelayError) -> Self {
        Self::Execution(error.into())
    }
}
