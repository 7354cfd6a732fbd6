use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

/// Figures of a client. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct ClientMetrics {
    /// Streams of flows that are open.
    pub open_streams: Gauge,
    /// Calls and streams that were tried again after the connection broke.
    pub retries: Counter,
}

/// An open stream, which counts as long as it lives.
#[derive(Debug)]
pub(super) struct OpenStream(Gauge);

impl ClientMetrics {
    /// Counts a stream.
    pub(super) fn open(&self) -> OpenStream {
        self.open_streams.inc();
        OpenStream(self.open_streams.clone())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}
