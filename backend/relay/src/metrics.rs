//! Figures of a relay.

use budget::CacheMetrics;
use hubble_api::client::ClientMetrics;

/// Figures of a relay. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct RelayMetrics {
    /// Those of its connection.
    pub client: ClientMetrics,
    /// Scans that joined an equal one, and scans of the relay.
    pub scans: CacheMetrics,
    /// Uses of the list of nodes.
    pub nodes: CacheMetrics,
    /// Uses of the start of the nodes' buffers.
    pub buffer_start: CacheMetrics,
}
