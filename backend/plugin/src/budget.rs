//! The budget of this process: everything that all data sources, organisations and people share.

use std::sync::Arc;
use std::time::Duration;

use budget::{Gate, GateLimits, Gates, Memory, MemoryLimit, MemoryLimitSource, Shaping};

use crate::metrics::{Limit, Load, Metrics};
use crate::stream::{ChannelLimits, Channels};

/// Maximum number of scans of one relay at once, whichever data source or organisation they are for. Each
/// reaches every node, where it walks the ring buffer on the network agent. One more stream may be open
/// for the start of the buffers.
const SCANS: GateLimits = GateLimits {
    permits: 11,
    permits_per_org: usize::MAX,
    kept_for_alerts: 2,
    waiting: 1_000,
    waiting_per_org: 500,
    patience: Duration::from_secs(10),
};
/// Maximum number of calls of one Prometheus at once. Prometheus itself runs 20 queries.
const CALLS: GateLimits = GateLimits { permits: 12, kept_for_alerts: 2, waiting: 5_000, ..SCANS };
/// Maximum number of reads of policies at once. A file system that hangs then holds two threads for each
/// organisation that uses it, and eight in all.
pub(crate) const POLICY_READS: GateLimits =
    GateLimits { permits: 8, permits_per_org: 2, kept_for_alerts: 0, ..SCANS };
/// Maximum numbers of live streams that run at once. Each is one stream on every node.
const LIVE: ChannelLimits = ChannelLimits { per_org: 50, per_person: 10 };
/// Share of the process' memory limit that answers may hold. Grafana may run in the same control group, and
/// an answer is copied once more on its way out.
const MEMORY_SHARE: u64 = 3;
/// Variable with a memory limit in MiB, where the plugin should take less than its control group allows.
const MEMORY_LIMIT: &str = "HUBBLE_MEMORY_LIMIT_MIB";
/// Bounds of the memory of answers, in bytes.
const MIN_MEMORY_BYTES: u64 = 64 << 20;
const MAX_MEMORY_BYTES: u64 = 2 << 30;

/// The budget.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Scans, by the relay's address.
    pub(crate) relays: Gates,
    /// Calls, by the URL of Prometheus.
    pub(crate) prometheus: Gates,
    /// Reads of policies.
    pub(crate) policy_reads: Gate,
    /// Live streams.
    pub(crate) live: Arc<Channels>,
    /// Long work on answers.
    pub(crate) shaping: Shaping,
    /// Bytes that answers hold.
    pub(crate) memory: Memory,
    /// Memory that the process may use, in bytes.
    pub(crate) process_bytes: u64,
    /// What sets that limit.
    pub(crate) process_bytes_from: &'static str,
    /// Figures of all that happens.
    pub(crate) metrics: Metrics,
}

impl Budget {
    /// The budget within a memory limit of the process, in bytes, by what sets the limit.
    fn within(limit_bytes: u64, from: &'static str) -> Self {
        let bytes = (limit_bytes / MEMORY_SHARE).clamp(MIN_MEMORY_BYTES, MAX_MEMORY_BYTES);
        let metrics = Metrics::new(limit_bytes, from);
        let policy_reads = metrics.gate(Limit::PolicyReads);
        Self {
            relays: Gates::new("the relay", SCANS, metrics.gate(Limit::RelayScans)),
            prometheus: Gates::new("Prometheus", CALLS, metrics.gate(Limit::PrometheusCalls)),
            policy_reads: Gate::counted(
                "the file system with the policies",
                POLICY_READS,
                policy_reads,
            ),
            live: Arc::new(Channels::new(LIVE)),
            shaping: Shaping::default(),
            memory: Memory::counted(
                usize::try_from(bytes).unwrap_or(usize::MAX),
                metrics.refusals(Limit::Memory),
            ),
            process_bytes: limit_bytes,
            process_bytes_from: from,
            metrics,
        }
    }

    /// The present load.
    pub(crate) fn load(&self) -> Load {
        Load {
            relays: self.relays.load(),
            prometheus: self.prometheus.load(),
            policy_reads: self.policy_reads.load(),
            long_work: self.shaping.load(),
            memory: self.memory.load(),
            live_channels: self.live.count(),
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        let limit = MemoryLimit::of_this_process();
        let named = std::env::var(MEMORY_LIMIT).ok().and_then(|mib| mib.trim().parse().ok());
        let named = named.map(|mib: u64| mib.saturating_mul(1 << 20));
        match named.filter(|bytes| *bytes < limit.bytes) {
            Some(bytes) => Self::within(bytes, "environment"),
            None => Self::within(limit.bytes, source_name(limit.source)),
        }
    }
}

/// The name of what sets a memory limit, in figures.
fn source_name(source: MemoryLimitSource) -> &'static str {
    match source {
        MemoryLimitSource::ControlGroup => "control_group",
        MemoryLimitSource::Machine => "machine",
        MemoryLimitSource::Assumed => "assumed",
    }
}
