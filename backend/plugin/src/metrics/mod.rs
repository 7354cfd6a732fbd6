//! Figures of this process for Prometheus, which scrapes them from Grafana at
//! `/metrics/plugins/k8snet-hubble-datasource`. Every label has a bounded number of values, so that no
//! requests make more series.

mod labels;
mod limit;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ::budget::{CacheMetrics, GateLoad, GateMetrics, MemoryLoad, Refusals};
use hubble_api::client::ClientMetrics;
use prometheus::PrometheusMetrics;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use relay::RelayMetrics;

pub(crate) use self::labels::SourceLabels;
use self::labels::{
    BuildLabels, CacheLabels, GateLabels, KnownSources, LimitLabels, OriginLabels, QueryLabels,
    QueryTypeLabels, TargetLabels,
};
pub(crate) use self::limit::Limit;

const PREFIX: &str = "k8snet";
/// The plugin's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Upper bounds of the durations of queries, in seconds.
const DURATION_BUCKETS: [f64; 12] =
    [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// The figures of this process since its start.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    started: Instant,
    sources: KnownSources,
    gates: GateFamilies,
    limits: LimitFamilies,
    memory: MemoryGauges,
    live_channels: Gauge,
    queries: Family<QueryLabels, Counter>,
    durations: Family<QueryTypeLabels, Histogram, fn() -> Histogram>,
    retries: Family<TargetLabels, Counter>,
    token_failures: Family<SourceLabels, Counter>,
    streams: Family<SourceLabels, Gauge>,
    cache_hits: Family<CacheLabels, Counter>,
    cache_misses: Family<CacheLabels, Counter>,
}

#[derive(Debug)]
struct GateFamilies {
    permits: Family<GateLabels, Gauge>,
    running: Family<GateLabels, Gauge>,
    waiting: Family<GateLabels, Gauge>,
    waited: Family<GateLabels, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Default)]
struct LimitFamilies {
    refusals: Family<LimitLabels, Counter>,
    last: Family<LimitLabels, Gauge>,
}

#[derive(Debug, Default)]
struct MemoryGauges {
    held: Gauge,
    peak: Gauge,
    limit: Gauge,
}

/// The present load of what all data sources share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) relays: GateLoad,
    pub(crate) prometheus: GateLoad,
    pub(crate) policy_reads: GateLoad,
    pub(crate) long_work: GateLoad,
    pub(crate) memory: MemoryLoad,
    pub(crate) live_channels: usize,
}

/// The figures of one data source.
#[derive(Debug, Clone)]
pub(crate) struct SourceMetrics {
    pub(crate) labels: SourceLabels,
    pub(crate) relay: RelayMetrics,
    pub(crate) prometheus: PrometheusMetrics,
    pub(crate) sample: CacheMetrics,
    pub(crate) policies: CacheMetrics,
}

/// The outcome of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Grafana no longer wants the answer.
    Canceled,
    /// Frames, with or without notices.
    Answered,
    /// A failure with an HTTP status.
    Failed(u16),
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::Answered => "answered",
            Self::Failed(400 | 413) => "invalid",
            Self::Failed(500) => "crashed",
            Self::Failed(503) => "refused",
            Self::Failed(504) => "timed_out",
            Self::Failed(_) => "failed",
        }
    }
}

/// A query that is being answered: counted when it is dropped, by the outcome that it then has.
#[derive(Debug)]
pub(crate) struct Answering<'a> {
    metrics: &'a Metrics,
    source: &'a SourceLabels,
    query_type: &'static str,
    began: Instant,
    pub(crate) outcome: Outcome,
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        let (metrics, query_type) = (self.metrics, self.query_type);
        let (source, outcome) = (self.source.clone(), self.outcome.name());
        metrics.queries.get_or_create(&QueryLabels { source, query_type, outcome }).inc();
        let durations = metrics.durations.get_or_create(&QueryTypeLabels { query_type });
        durations.observe(self.began.elapsed().as_secs_f64());
    }
}

/// Registers a figure and returns it.
fn registered<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// The figures of a process with a memory limit in bytes, by its origin.
    pub(crate) fn new(memory_limit_bytes: u64, origin: &'static str) -> Self {
        let mut all = Registry::with_prefix(PREFIX);
        let r = &mut all;
        let build = Family::<BuildLabels, Gauge>::default();
        build.get_or_create(&BuildLabels { version: VERSION }).set(1);
        r.register("build_info", "The plugin's version", build);
        let start = Gauge::<i64>::default();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        start.set(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX));
        r.register("start_time_seconds", "Unix time of the plugin's start", start);
        let process = Family::<OriginLabels, Gauge>::default();
        process.get_or_create(&OriginLabels { origin }).set(gauge_value(memory_limit_bytes));
        r.register("process_memory_limit_bytes", "Memory that the process may use", process);
        let gates = GateFamilies::registered(r);
        let limits = LimitFamilies::registered(r);
        let memory = MemoryGauges::registered(r);
        Self {
            started: Instant::now(),
            sources: KnownSources::default(),
            gates,
            limits,
            memory,
            live_channels: registered(
                r,
                "live_channels",
                "Live channels that run",
                Gauge::default(),
            ),
            queries: registered(r, "queries", "Queries, by their outcome", Family::default()),
            durations: registered(
                r,
                "query_duration_seconds",
                "Time from Grafana's request to the answer, waiting included",
                Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS)),
            ),
            retries: registered(
                r,
                "retries",
                "Calls that were sent again after a broken connection or a refused token",
                Family::default(),
            ),
            token_failures: registered(
                r,
                "token_failures",
                "Tokens of Entra ID that were requested in vain",
                Family::default(),
            ),
            streams: registered(
                r,
                "relay_streams",
                "Streams of flows that are open at the relay",
                Family::default(),
            ),
            cache_hits: registered(
                r,
                "cache_hits",
                "Reads that a cache answered, or that joined an equal one in progress",
                Family::default(),
            ),
            cache_misses: registered(
                r,
                "cache_misses",
                "Reads that no cache could answer",
                Family::default(),
            ),
            registry: all,
        }
    }

    /// Time since the start.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// The refusals by a limit.
    pub(crate) fn refusals(&self, limit: Limit) -> Refusals {
        let labels = LimitLabels { limit: limit.name() };
        Refusals::new(
            self.limits.refusals.get_or_create_owned(&labels),
            self.limits.last.get_or_create_owned(&labels),
        )
    }

    /// The figures of the gates behind a limit.
    pub(crate) fn gate(&self, limit: Limit) -> GateMetrics {
        GateMetrics {
            waited: self.gates.waited.get_or_create_owned(&GateLabels { gate: limit.name() }),
            refusals: self.refusals(limit),
        }
    }

    /// The figures of a data source.
    pub(crate) fn source(&self, org_id: i64, uid: &str) -> SourceMetrics {
        let labels = self.sources.labels(org_id, uid);
        let retries = |target| {
            self.retries.get_or_create_owned(&TargetLabels { source: labels.clone(), target })
        };
        let cache = |cache| {
            let labels = CacheLabels { source: labels.clone(), cache };
            CacheMetrics {
                hits: self.cache_hits.get_or_create_owned(&labels),
                misses: self.cache_misses.get_or_create_owned(&labels),
            }
        };
        SourceMetrics {
            relay: RelayMetrics {
                client: ClientMetrics {
                    open_streams: self.streams.get_or_create_owned(&labels),
                    retries: retries("relay"),
                },
                scans: cache("relay_scans"),
                nodes: cache("relay_nodes"),
                buffer_start: cache("relay_buffer_start"),
            },
            prometheus: PrometheusMetrics {
                retries: retries("prometheus"),
                token_failures: self.token_failures.get_or_create_owned(&labels),
                calls: cache("prometheus_calls"),
            },
            sample: cache("flow_sample"),
            policies: cache("policies"),
            labels,
        }
    }

    /// Begins to count a query of a type; `None`: it cannot be read.
    pub(crate) fn answering<'a>(
        &'a self,
        source: &'a SourceLabels,
        query_type: Option<&'static str>,
    ) -> Answering<'a> {
        Answering {
            metrics: self,
            source,
            query_type: query_type.unwrap_or("unreadable"),
            began: Instant::now(),
            outcome: Outcome::Canceled,
        }
    }

    /// The figures in Prometheus' text format.
    pub(crate) fn text(&self, load: Load) -> String {
        self.gates.set(Limit::RelayScans.name(), load.relays);
        self.gates.set(Limit::PrometheusCalls.name(), load.prometheus);
        self.gates.set(Limit::PolicyReads.name(), load.policy_reads);
        // Refuses nothing, so it has no `Limit`.
        self.gates.set("long_work", load.long_work);
        self.memory.set(load.memory);
        self.live_channels.set(gauge_value(load.live_channels));
        let mut text = String::new();
        // Writing into a string does not fail.
        let _written = prometheus_text::encode(&mut text, &self.registry);
        text
    }
}

impl GateFamilies {
    fn registered(r: &mut Registry) -> Self {
        Self {
            permits: registered(r, "gate_permits", "Permits in all", Family::default()),
            running: registered(r, "gate_permits_in_use", "Permits in use", Family::default()),
            waiting: registered(r, "gate_waiting", "Work that waits", Family::default()),
            waited: registered(
                r,
                "gate_wait_seconds",
                "Waiting time of admitted work",
                Family::new_with_constructor(GateMetrics::waiting_times),
            ),
        }
    }

    fn set(&self, gate: &'static str, load: GateLoad) {
        let labels = GateLabels { gate };
        self.permits.get_or_create(&labels).set(gauge_value(load.permits));
        self.running.get_or_create(&labels).set(gauge_value(load.running));
        self.waiting.get_or_create(&labels).set(gauge_value(load.waiting));
    }
}

impl LimitFamilies {
    fn registered(r: &mut Registry) -> Self {
        let of = Self::default();
        r.register("refusals", "Work that a limit refused", of.refusals.clone());
        let help = "Unix time of the last refusal, 0 without one";
        r.register("last_refusal_timestamp_seconds", help, of.last.clone());
        for limit in Limit::ALL {
            let labels = LimitLabels { limit: limit.name() };
            drop((of.refusals.get_or_create_owned(&labels), of.last.get_or_create_owned(&labels)));
        }
        of
    }
}

impl MemoryGauges {
    fn registered(r: &mut Registry) -> Self {
        let of = Self::default();
        r.register("memory_held_bytes", "Bytes that answers hold", of.held.clone());
        r.register("memory_peak_bytes", "Most bytes that answers held at once", of.peak.clone());
        r.register("memory_limit_bytes", "Bytes that answers may hold", of.limit.clone());
        of
    }

    fn set(&self, load: MemoryLoad) {
        self.held.set(gauge_value(load.held_bytes));
        self.peak.set(gauge_value(load.peak_bytes));
        self.limit.set(gauge_value(load.limit_bytes));
    }
}

fn gauge_value(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
