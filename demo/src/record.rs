//! Records of datapath and proxy events, small enough to make 50,000 per second.
//! [`crate::hubble::decode`] turns a record into Hubble's message on request.

use std::sync::Arc;

use flow::{DropReason, TcpFlags, TraceObservationPoint, TraceReason, TrafficDirection};

use cilium_policy::MatchType;

use crate::cluster::{EndpointId, HostId, NodeId};

/// Layer 4 of a packet. A proxy's record has no TCP flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    Tcp(Option<TcpFlags>),
    Udp,
    Icmpv4 { kind: u8, code: u8 },
    Icmpv6 { kind: u8, code: u8 },
}

/// Result of a policy-verdict event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PolicyAction {
    Allowed,
    Redirected,
    Denied(DropReason),
}

/// A policy as Hubble names it in a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RecordedPolicy {
    pub(crate) kind: &'static str,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Revision of the policy set that decided.
    pub(crate) revision: u64,
}

/// Kind of event, with its own data.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Trace {
        point: TraceObservationPoint,
        reason: TraceReason,
        proxy_port: u16,
    },
    PolicyVerdict {
        action: PolicyAction,
        /// Part of the policy map's key that matched; `None` if no entry matched.
        match_type: Option<MatchType>,
        policies: Arc<[RecordedPolicy]>,
    },
    Drop {
        reason: DropReason,
    },
    L7 {
        denied: bool,
        latency_nanos: u64,
        layer: Arc<L7>,
    },
    /// Socket load balancing, before (`translated == false`) or after it chose a backend.
    Socket {
        translated: bool,
    },
}

/// Event of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum L7 {
    DnsQuery {
        query: String,
        qtype: &'static str,
    },
    DnsAnswer {
        query: String,
        qtype: &'static str,
        rcode: u32,
        ttl_secs: u32,
        ips: Vec<String>,
        cnames: Vec<String>,
        rrtypes: Vec<&'static str>,
    },
    HttpRequest {
        method: &'static str,
        url: String,
        request_id: String,
    },
    HttpResponse {
        method: &'static str,
        url: String,
        request_id: String,
        code: u32,
    },
}

/// One event on one node.
#[derive(Debug, Clone)]
pub(crate) struct EventRecord {
    /// Time in Unix nanoseconds.
    pub(crate) time_nanos: i64,
    /// Number of the record since the start, over all nodes; source of the UUID.
    pub(crate) sequence: u64,
    pub(crate) node: NodeId,
    pub(crate) source: EndpointId,
    pub(crate) destination: EndpointId,
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) transport: Transport,
    pub(crate) direction: TrafficDirection,
    /// `None` if the datapath does not know.
    pub(crate) is_reply: Option<bool>,
    pub(crate) event: Event,
    /// Name that the local endpoint looked up, as the proxy saw it.
    pub(crate) name: Option<HostId>,
    /// Whether the packet left the node with the node's address.
    pub(crate) masqueraded: bool,
    /// Length on the wire in bytes; 0 for events without a packet.
    pub(crate) bytes: u32,
}

impl EventRecord {
    /// Whether the event is lost in the perf buffer, on its way from the datapath to Hubble: one in
    /// `every` is.
    pub(crate) fn is_lost(&self, every: Option<u64>) -> bool {
        every.is_some_and(|every| self.sequence.is_multiple_of(every.max(1)))
    }
}
