//! State of a relay and of its nodes, as they report it.

use crate::pb::observer::{Node, ServerStatusResponse};
use crate::pb::relay::NodeState;

/// State of a relay, summed over its nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RelayStatus {
    /// Version: `hubble-relay v1.18.2`, or `cilium v1.18.2+g5bd307a8` of a node addressed directly.
    pub version: String,
    /// Number of events in the buffers.
    pub held_flows: u64,
    /// Capacity of the buffers in events.
    pub max_flows: u64,
    /// Number of flows since the start.
    pub seen_flows: u64,
    /// Flows per second within the last minute.
    pub flows_per_second: f64,
    /// Time since the start, in nanoseconds.
    pub uptime_nanos: u64,
    /// Number of connected nodes; `None`: not reported.
    pub connected_nodes: Option<u32>,
    /// Number of nodes without a connection; `None`: not reported.
    pub unavailable_nodes: Option<u32>,
    /// Names of nodes without a connection, possibly not all.
    pub unavailable_names: Vec<String>,
}

/// Node in the relay's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInfo {
    /// The node's name, after its cluster and a `/` if it has a cluster.
    pub name: String,
    /// Whether the relay is connected to it.
    pub connected: bool,
    /// Version as the node reports it: `cilium v1.18.2+g5bd307a8`.
    pub version: String,
    /// Number of events in its buffer; 0: unknown.
    pub held_flows: u64,
    /// Capacity of its buffer in events; 0: unknown.
    pub max_flows: u64,
    /// Number of flows since its start; 0: unknown.
    pub seen_flows: u64,
}

impl From<ServerStatusResponse> for RelayStatus {
    fn from(status: ServerStatusResponse) -> Self {
        Self {
            version: status.version,
            held_flows: status.num_flows,
            max_flows: status.max_flows,
            seen_flows: status.seen_flows,
            flows_per_second: status.flows_rate,
            uptime_nanos: status.uptime_ns,
            connected_nodes: status.num_connected_nodes,
            unavailable_nodes: status.num_unavailable_nodes,
            unavailable_names: status.unavailable_nodes,
        }
    }
}

impl From<Node> for NodeInfo {
    fn from(node: Node) -> Self {
        Self {
            connected: node.state() == NodeState::NodeConnected,
            held_flows: node.num_flows,
            max_flows: node.max_flows,
            seen_flows: node.seen_flows,
            name: node.name,
            version: node.version,
        }
    }
}
