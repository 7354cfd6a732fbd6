//! Sizes of a run.

use std::time::Duration;

/// The sizes of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Time of the load.
    pub(crate) lasts: Duration,
    /// Open browsers of each dashboard; all load it at once, and again at its refresh interval.
    pub(crate) browsers: usize,
    /// Viewers of live tables.
    pub(crate) viewers: usize,
    /// Flows per second of the cluster.
    pub(crate) flows_per_second: u32,
    /// Flows that each node remembers.
    pub(crate) ring_capacity: u32,
    /// Whether figures that depend on the machine's speed are goals.
    pub(crate) checks_speed: bool,
}

impl Plan {
    /// The full run of so many minutes.
    pub(crate) fn full(minutes: u64) -> Self {
        Self {
            lasts: Duration::from_secs(60 * minutes),
            browsers: 100,
            viewers: 50,
            flows_per_second: 10_000,
            // Hubble's default.
            ring_capacity: 4_095,
            checks_speed: true,
        }
    }

    /// The short run. Its programs are built for tests, which are slow.
    pub(crate) fn short() -> Self {
        Self {
            lasts: Duration::from_secs(20),
            browsers: 10,
            viewers: 10,
            flows_per_second: 1_000,
            ring_capacity: 1_023,
            checks_speed: false,
        }
    }
}
