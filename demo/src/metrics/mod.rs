//! Counters over the same records that the rings hold, with the names and labels of Cilium, Hubble
//! and Retina.

mod count;
mod datapath;
mod family;
mod hubble;
mod inventory;
mod profile;
mod text;

use std::collections::HashMap;
use std::sync::Arc;

use cilium_policy::MatchType;
use flow::{DropReason, TraceObservationPoint, TrafficDirection};

pub(crate) use family::{Family, MetricType};
pub use profile::{Profile, UnknownProfile};
pub(crate) use text::{exposition, quote_label};

use datapath::ALL_INTERFACES;

use crate::HubbleRelease;
use crate::cluster::{Cluster, Endpoint, EndpointId, EndpointKind, NodeId};
use crate::record::{PolicyAction, Transport};

/// The pods of a flow as metric contexts: the source of a packet that leaves a pod, the destination
/// of one that reaches a pod (`sourceEgressContext=pod`, `destinationIngressContext=pod`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Context {
    source: Option<EndpointId>,
    destination: Option<EndpointId>,
}

/// One label value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Value {
    Text(&'static str),
    Number(u32),
    /// A DNS name, by its number in [`Metrics::names`].
    Name(u32),
    /// A pod as `namespace/pod`.
    Pod(Option<EndpointId>),
    /// An endpoint's address.
    Address(EndpointId),
    Namespace(EndpointId),
    PodName(EndpointId),
    WorkloadKind(EndpointId),
    WorkloadName(EndpointId),
    /// The workload as this node knows it: empty for pods on other nodes.
    LocalWorkload(EndpointId),
}

/// Maximum number of labels of a family, without those of a scrape.
const LABELS_MAX: usize = 13;

/// One time series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Series {
    node: NodeId,
    family: Family,
    values: [Value; LABELS_MAX],
}

/// Increment of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amount {
    One,
    Bytes,
}

/// A counter with its increment.
#[derive(Debug, Clone, Copy)]
struct CounterSlot {
    /// Index in [`Metrics::counts`].
    at: usize,
    amount: Amount,
}

/// The properties of a record that select its counters. Records with the same key are looked up
/// once; there are a few thousand keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RecordKey {
    node: NodeId,
    source: EndpointId,
    destination: EndpointId,
    port: u16,
    transport: Transport,
    direction: TrafficDirection,
    is_reply: Option<bool>,
    event: RecordKeyEvent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum RecordKeyEvent {
    Trace(TraceObservationPoint),
    PolicyVerdict(PolicyAction, Option<MatchType>),
    Drop(DropReason),
    Socket(bool),
}

/// Upper bounds of the latency buckets, in seconds (the defaults of `client_golang`).
const LATENCY_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[derive(Debug, Clone, Copy, Default)]
struct Histogram {
    buckets: [u64; LATENCY_BUCKETS.len()],
    count: u64,
    sum_secs: f64,
}

/// Connections of one node.
#[derive(Debug, Default)]
struct Connections {
    established: u64,
    /// Ends of connections, by second, for the minute in `TIME_WAIT`.
    ended: std::collections::VecDeque<(i64, u64)>,
}

/// All counters of all nodes.
#[derive(Debug)]
pub(crate) struct Metrics {
    cluster: Arc<Cluster>,
    profile: Profile,
    /// Release that the nodes imitate.
    release: HubbleRelease,
    /// Index of each series in `counts`.
    counters: HashMap<Series, usize>,
    counts: Vec<u64>,
    slots_by_key: HashMap<RecordKey, Arc<[CounterSlot]>>,
    latencies: HashMap<Series, Histogram>,
    connections: Vec<Connections>,
    /// Number of events lost in the perf buffer, per node.
    lost_in_perf_buffer: Vec<u64>,
    names: Vec<String>,
    name_numbers: HashMap<String, u32>,
}

/// One sample of one series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MetricSample {
    pub(crate) family: Family,
    /// Suffix of the family's name: `_bucket`, `_sum`, `_count`, or empty.
    pub(crate) suffix: &'static str,
    /// `{…}` with all labels.
    pub(crate) labels: String,
    pub(crate) value: f64,
}

impl Metrics {
    /// Counters at zero.
    pub(crate) fn new(cluster: Arc<Cluster>, profile: Profile, release: HubbleRelease) -> Self {
        let connections = cluster.nodes.iter().map(|_| Connections::default()).collect();
        let lost_in_perf_buffer = vec![0; cluster.nodes.len()];
        Self {
            cluster,
            profile,
            release,
            counters: HashMap::new(),
            counts: Vec::new(),
            slots_by_key: HashMap::new(),
            latencies: HashMap::new(),
            connections,
            lost_in_perf_buffer,
            names: Vec::new(),
            name_numbers: HashMap::new(),
        }
    }

    /// Counts an event that was lost before Hubble.
    pub(crate) fn count_lost(&mut self, node: NodeId) {
        if let Some(lost) = self.lost_in_perf_buffer.get_mut(usize::from(node.0)) {
            *lost += 1;
        }
    }

    /// Every series of the profile, sorted by family and labels. Series that differ only in labels
    /// that the profile does not have are added up.
    ///
    /// - `now_nanos`: the simulation's time.
    /// - `lost`: number of flows that readers missed, per node.
    pub(crate) fn samples(&self, now_nanos: i64, lost: &[u64]) -> Vec<MetricSample> {
        let mut samples = Vec::with_capacity(self.counters.len() + 512);
        // Sorted below.
        #[expect(clippy::iter_over_hash_type, reason = "the samples are sorted at the end")]
        for (series, &at) in &self.counters {
            samples.push(MetricSample {
                family: series.family,
                suffix: "",
                labels: self.labels(series, None),
                value: float(self.counts.get(at).copied().unwrap_or(0)),
            });
        }
        #[expect(clippy::iter_over_hash_type, reason = "the samples are sorted at the end")]
        for (series, histogram) in &self.latencies {
            self.histogram(series, histogram, &mut samples);
        }
        self.interfaces(&mut samples);
        self.gauges(now_nanos, lost, &mut samples);
        inventory::samples(&self.cluster, self.profile, self.release, &mut samples);
        samples.retain(|sample| self.profile.exports(sample.family));
        samples
            .sort_by(|a, b| (a.family, a.suffix, &a.labels).cmp(&(b.family, b.suffix, &b.labels)));
        samples.dedup_by(|next, first| {
            let is_same = (next.family, next.suffix, &next.labels)
                == (first.family, first.suffix, &first.labels);
            if is_same {
                first.value += next.value;
            }
            is_same
        });
        samples
    }

    fn histogram(&self, series: &Series, histogram: &Histogram, samples: &mut Vec<MetricSample>) {
        let mut push = |suffix, le: Option<&str>, value| {
            samples.push(MetricSample {
                family: series.family,
                suffix,
                labels: self.labels(series, le),
                value,
            });
        };
        let mut below = 0;
        for (bound, count) in LATENCY_BUCKETS.iter().zip(histogram.buckets) {
            below += count;
            push("_bucket", Some(&bound.to_string()), float(below));
        }
        push("_bucket", Some("+Inf"), float(histogram.count));
        push("_sum", None, histogram.sum_secs);
        push("_count", None, float(histogram.count));
    }

    /// Counters of the nodes' network drivers, including an occasional full queue and its losses.
    fn interfaces(&self, samples: &mut Vec<MetricSample>) {
        for node in self.cluster.node_ids() {
            let packets = |direction: &'static str| {
                let labels = [Value::Text(ALL_INTERFACES), Value::Text(direction)];
                let series =
                    Series { node, family: Family::InterfaceStats, values: padded(&labels) };
                self.counters.get(&series).and_then(|&at| self.counts.get(at)).copied().unwrap_or(0)
            };
            let (received, sent) = (packets("rx_packets"), packets("tx_packets"));
            for (name, count) in [
                ("rx_dropped", received / 4_000),
                ("rx0_cache_full", received / 500),
                ("rx_comp_full", received / 2_000),
                ("tx_dropped", sent / 8_000),
                ("tx0_nop", sent / 100),
                ("tx_send_full", sent / 4_000),
            ] {
                let labels = [("interface_name", ALL_INTERFACES), ("statistic_name", name)];
                samples.push(MetricSample {
                    family: Family::InterfaceStats,
                    suffix: "",
                    labels: self.node_labels(Family::InterfaceStats, node, &labels),
                    value: float(count),
                });
            }
            let labels = [("statistic_name", "TCPTSReorder")];
            samples.push(MetricSample {
                family: Family::TcpConnectionStats,
                suffix: "",
                labels: self.node_labels(Family::TcpConnectionStats, node, &labels),
                value: float(received / 1_000),
            });
        }
    }

    fn gauges(&self, now_nanos: i64, lost: &[u64], samples: &mut Vec<MetricSample>) {
        for (node, connections) in self.cluster.node_ids().zip(&self.connections) {
            let mut push = |family, labels: &[(&str, &str)], value| {
                samples.push(MetricSample {
                    family,
                    suffix: "",
                    labels: self.node_labels(family, node, labels),
                    value,
                });
            };
            let since = now_nanos.div_euclid(1_000_000_000) - 60;
            let waiting: u64 = connections
                .ended
                .iter()
                .filter(|(second, _)| *second > since)
                .map(|(_, count)| count)
                .sum();
            // Each pod's resolver holds a socket, and so does the node's own.
            let here = |pod: &Endpoint| pod.node == Some(node);
            let sockets = self.cluster.pods().filter(|(_, pod)| here(pod)).count() + 1;
            push(
                Family::UdpConnectionStats,
                &[("statistic_name", "ACTIVE")],
                float(u64::try_from(sockets).unwrap_or(u64::MAX)),
            );
            push(Family::TcpState, &[("state", "ESTABLISHED")], float(connections.established));
            push(Family::TcpState, &[("state", "TIME_WAIT")], float(waiting));
            // Retina adds up all addresses.
            push(
                Family::TcpConnectionRemote,
                &[("address", "AllIPs")],
                float(connections.established),
            );
            for (source, lost) in [
                ("hubble_ring_buffer", lost),
                ("perf_event_ring_buffer", &self.lost_in_perf_buffer),
            ] {
                // A buffer without losses has no series.
                if let Some(&lost) = lost.get(usize::from(node.0)).filter(|lost| **lost > 0) {
                    push(Family::HubbleLostEvents, &[("source", source)], float(lost));
                }
            }
        }
    }

    fn node_labels(&self, family: Family, node: NodeId, labels: &[(&str, &str)]) -> String {
        let mut text = self.scraped(family, node);
        for (name, value) in labels {
            quote_label(&mut text, name, value);
        }
        text.push('}');
        text
    }

    /// The labels that a scrape adds, without the closing brace.
    fn scraped(&self, family: Family, node: NodeId) -> String {
        let node = self.cluster.node(node);
        node.map_or_else(|| "{".to_owned(), |node| self.profile.scraped(family, node))
    }

    fn labels(&self, series: &Series, le: Option<&str>) -> String {
        let mut text = self.scraped(series.family, series.node);
        for (name, value) in series.family.labels().iter().zip(series.values) {
            if !self.profile.has(series.family, name) {
                continue;
            }
            match value {
                Value::Text(value) => quote_label(&mut text, name, value),
                Value::Number(value) => quote_label(&mut text, name, &value.to_string()),
                Value::Name(number) => {
                    let value = usize::try_from(number).ok().and_then(|at| self.names.get(at));
                    quote_label(&mut text, name, value.map_or("", String::as_str));
                }
                Value::Pod(pod) => {
                    let value = pod.map(|pod| self.cluster.endpoint(pod).pod_context());
                    quote_label(&mut text, name, &value.unwrap_or_default());
                }
                Value::Address(id) => quote_label(&mut text, name, &self.cluster.endpoint(id).ip),
                Value::Namespace(id) => {
                    quote_label(&mut text, name, self.cluster.endpoint(id).namespace);
                }
                Value::PodName(id) => quote_label(&mut text, name, &self.cluster.endpoint(id).pod),
                Value::WorkloadKind(id) => {
                    let workload = self.cluster.endpoint(id).workload.as_ref();
                    quote_label(&mut text, name, workload.map_or("", |workload| workload.kind));
                }
                Value::WorkloadName(id) => {
                    quote_label(&mut text, name, self.cluster.endpoint(id).workload_name());
                }
                Value::LocalWorkload(id) => {
                    let endpoint = self.cluster.endpoint(id);
                    let local = endpoint.node == Some(series.node);
                    quote_label(&mut text, name, if local { endpoint.workload_name() } else { "" });
                }
            }
        }
        if let Some(le) = le {
            quote_label(&mut text, "le", le);
        }
        text.push('}');
        text
    }

    fn is_pod(&self, id: EndpointId) -> bool {
        self.cluster.endpoint(id).kind == EndpointKind::Pod
    }
}

/// The labels of a series, filled up to the maximum number.
fn padded(values: &[Value]) -> [Value; LABELS_MAX] {
    let mut all = [Value::Text(""); LABELS_MAX];
    for (slot, value) in all.iter_mut().zip(values) {
        *slot = *value;
    }
    all
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in 64-bit floats")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
