//! Figures of gates, memory and caches, in the types of `prometheus-client`. The maker of a gate hands in
//! the figures that its registry shows; default figures are not shown.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds of the waiting times, in seconds. A permit that is free takes no millisecond.
const WAIT_BUCKETS: [f64; 9] = [0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Figures of the gates of one kind since the start. Clones count together.
#[derive(Debug, Clone)]
pub struct GateMetrics {
    /// Waiting times of work that was admitted, in seconds.
    pub waited: Histogram,
    /// Work that was refused.
    pub refusals: Refusals,
}

impl GateMetrics {
    /// An empty histogram of waiting times.
    pub fn waiting_times() -> Histogram {
        Histogram::new(WAIT_BUCKETS)
    }
}

impl Default for GateMetrics {
    fn default() -> Self {
        Self { waited: Self::waiting_times(), refusals: Refusals::default() }
    }
}

/// Refusals by one limit since the start. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Refusals {
    total: Counter,
    last_secs: Gauge,
}

impl Refusals {
    /// Refusals that are counted in `total`; `last_secs` gets the Unix time of the last one, in seconds.
    pub fn new(total: Counter, last_secs: Gauge) -> Self {
        Self { total, last_secs }
    }

    /// Counts a refusal.
    pub fn count(&self) {
        self.total.inc();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last_secs.set(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX));
    }

    /// Number of refusals.
    pub fn total(&self) -> u64 {
        self.total.get()
    }

    /// Unix time of the last refusal, in seconds. `None`: never.
    pub fn last_secs(&self) -> Option<i64> {
        Some(self.last_secs.get()).filter(|secs| *secs > 0)
    }
}

/// Uses of a cache since the start. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct CacheMetrics {
    /// Uses that were answered by what was there, or by work in progress.
    pub hits: Counter,
    /// Uses that took work of their own.
    pub misses: Counter,
}
