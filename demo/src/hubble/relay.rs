//! Answers of Hubble Relay and of the nodes behind it (pkg/hubble/relay/observer,
//! `pkg/hubble/observer/local_observer.go`).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use hubble_api::pb::observer::{
    GetNamespacesResponse, GetNodesResponse, Namespace, Node, ServerStatusResponse, Tls,
};
use hubble_api::pb::relay::NodeState;

use super::release::HubbleRelease;
use super::ring::Rings;
use crate::clock;
use crate::cluster::{CLUSTER_NAME, Cluster, NodeId};

/// Relay's version header.
pub(crate) const VERSION_HEADER: &str = "hubble-relay-version";

/// Maximum number of unavailable nodes that a status names.
const UNAVAILABLE_NODES_MAX: usize = 10;

/// One minute, in nanoseconds: the window of the flow rate.
const RATE_WINDOW: i64 = 60_000_000_000;

/// The relay and its peers.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) rings: Arc<Rings>,
    /// Seed of the run, for UUIDs.
    pub(crate) seed: u64,
    /// Start time of the agents, in Unix nanoseconds.
    pub(crate) started_nanos: i64,
    /// Unreachable peers.
    pub(crate) unavailable: BTreeSet<NodeId>,
    /// Whether peers use TLS.
    pub(crate) tls: bool,
    /// Loss rate: one event in this number is lost before Hubble sees it.
    pub(crate) lose_every: Option<u64>,
    /// Release that relay and nodes imitate.
    pub(crate) release: HubbleRelease,
    /// Number of flows that readers missed since the start, per node.
    pub(crate) lost: Mutex<Vec<u64>>,
}

impl Relay {
    /// Peers that answer, in order.
    pub(crate) fn connected(&self) -> Vec<NodeId> {
        self.cluster.node_ids().filter(|node| !self.unavailable.contains(node)).collect()
    }

    /// `cluster/node` of a node.
    pub(crate) fn node_name(&self, node: NodeId) -> String {
        self.cluster.node(node).map(|node| node.absolute_name.clone()).unwrap_or_default()
    }

    /// Name of the machine that runs the relay.
    pub(crate) fn own_name(&self) -> String {
        self.node_name(NodeId(0))
    }

    /// Counts flows that a reader missed.
    pub(crate) fn count_lost(&self, node: NodeId, flows: u64) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lost) = lost.get_mut(usize::from(node.0)) {
            *lost += flows;
        }
    }

    /// Number of flows that readers missed on a node.
    pub(crate) fn lost_on(&self, node: NodeId) -> u64 {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get(usize::from(node.0)).copied().unwrap_or(0)
    }

    fn uptime_nanos(&self) -> u64 {
        u64::try_from(clock::now_nanos() - self.started_nanos).unwrap_or(0)
    }

    /// The sums over the peers that answer.
    pub(crate) fn server_status(&self) -> ServerStatusResponse {
        let connected = self.connected();
        let now = clock::now_nanos();
        let mut status = ServerStatusResponse {
            version: self.release.relay_version(),
            uptime_ns: self.uptime_nanos(),
            num_connected_nodes: Some(u32::try_from(connected.len()).unwrap_or(u32::MAX)),
            num_unavailable_nodes: Some(u32::try_from(self.unavailable.len()).unwrap_or(u32::MAX)),
            unavailable_nodes: self
                .unavailable
                .iter()
                .take(UNAVAILABLE_NODES_MAX)
                .map(|&node| self.node_name(node))
                .collect(),
            ..ServerStatusResponse::default()
        };
        for node in connected {
            if let Some(fill) = self.rings.fill(node) {
                status.num_flows += fill.len;
                status.max_flows += fill.capacity;
                status.seen_flows += fill.seen;
                status.flows_rate += self.flow_rate(node, now);
            }
        }
        status
    }

    /// Flows per second over the past minute, or over the part of it that the ring still holds.
    fn flow_rate(&self, node: NodeId, now: i64) -> f64 {
        let Some(fill) = self.rings.fill(node) else {
            return 0.0;
        };
        let Some((oldest, _)) = fill.span_nanos else {
            return 0.0;
        };
        let since = oldest.max(now - RATE_WINDOW);
        let count = self.rings.count_since(node, since);
        let window = (now - since).max(1);
        #[expect(clippy::cast_precision_loss, reason = "at most 65535 flows over at most a minute")]
        let rate = count as f64 * 1e9 / window as f64;
        rate
    }

    /// All peers, reachable or not.
    pub(crate) fn nodes(&self) -> GetNodesResponse {
        let nodes = self
            .cluster
            .node_ids()
            .filter_map(|id| {
                let node = self.cluster.node(id)?;
                let mut answer = Node {
                    name: node.absolute_name.clone(),
                    address: format!("{}:4244", node.ip),
                    tls: Some(Tls {
                        enabled: self.tls,
                        server_name: if self.tls {
                            format!(
                                "{}.{CLUSTER_NAME}.hubble-grpc.cilium.io",
                                node.name.replace('.', "-")
                            )
                        } else {
                            String::new()
                        },
                    }),
                    ..Node::default()
                };
                if self.unavailable.contains(&id) {
                    answer.state = NodeState::NodeUnavailable as i32;
                } else {
                    let fill = self.rings.fill(id)?;
                    answer.state = NodeState::NodeConnected as i32;
                    answer.version = self.release.node_version();
                    answer.uptime_ns = self.uptime_nanos();
                    answer.num_flows = fill.len;
                    answer.max_flows = fill.capacity;
                    answer.seen_flows = fill.seen;
                }
                Some(answer)
            })
            .collect();
        GetNodesResponse { nodes }
    }

    /// Namespaces of pods with traffic on the peers that answer, sorted by name.
    pub(crate) fn namespaces(&self) -> GetNamespacesResponse {
        let mut seen = BTreeSet::new();
        for node in self.connected() {
            for record in self.rings.snapshot(node).1 {
                for end in [record.source, record.destination] {
                    let namespace = self.cluster.endpoint(end).namespace;
                    if !namespace.is_empty() {
                        seen.insert(namespace);
                    }
                }
            }
        }
        GetNamespacesResponse {
            namespaces: seen
                .into_iter()
                .map(|namespace| Namespace {
                    cluster: CLUSTER_NAME.to_owned(),
                    namespace: namespace.to_owned(),
                })
                .collect(),
        }
    }
}
