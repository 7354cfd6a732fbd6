//! Figures of a client.

use budget::CacheMetrics;
use prometheus_client::metrics::counter::Counter;

/// Figures of a client of Prometheus. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct PrometheusMetrics {
    /// Calls that were sent again: on a closed connection, or with a new token.
    pub retries: Counter,
    /// Tokens of Entra ID that were requested in vain.
    pub token_failures: Counter,
    /// Calls that joined an equal one in progress.
    pub calls: CacheMetrics,
}
