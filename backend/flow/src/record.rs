//! Flow records.

use crate::{
    AuthType, CiliumEventType, DebugCapturePoint, DropReason, Endpoint, FlowType, IpVersion,
    Layer4, Layer7, Policy, Service, SocketTranslationPoint, Timestamp, TraceObservationPoint,
    TraceReason, TrafficDirection, TunnelProtocol, Verdict,
};

/// Observation of one packet, or of one message of an L7 protocol, at one point of one node. Holds
/// every field of flow.proto's `Flow`; absent strings are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Time of the observation.
    pub time: Option<Timestamp>,
    /// Unique id of this observation; empty in old records.
    pub uuid: String,
    /// Program that produced this record.
    pub emitter: Option<Emitter>,
    /// Fate of the packet.
    pub verdict: Verdict,
    /// Drop code of records older than `drop_reason_desc`; [`Flow::drop_reason`] reads both.
    pub drop_reason_code: u32,
    /// Drop reason.
    pub drop_reason_desc: DropReason,
    /// Authentication that the policy requires; policy verdicts only.
    pub auth_type: AuthType,
    /// L2 addresses.
    pub ethernet: Option<Ethernet>,
    /// L3 addresses.
    pub ip: Option<Ip>,
    /// Ports, flags or ICMP type.
    pub l4: Option<Layer4>,
    /// Outer headers of an encapsulated packet.
    pub tunnel: Option<Tunnel>,
    /// Sender of this packet, also when it is a reply.
    pub source: Option<Endpoint>,
    /// Receiver of this packet, also when it is a reply.
    pub destination: Option<Endpoint>,
    /// Layer of this observation.
    pub flow_type: FlowType,
    /// Node of the observation, as `cluster/node`.
    pub node_name: String,
    /// Labels of the node, as `key=value`.
    pub node_labels: Vec<String>,
    /// DNS names that the agent knows for the source address.
    pub source_names: Vec<String>,
    /// DNS names that the agent knows for the destination address.
    pub destination_names: Vec<String>,
    /// L7 message.
    pub l7: Option<Layer7>,
    /// Reply mark of records older than `is_reply`; false means nothing. [`Flow::reply`] reads
    /// both.
    pub reply_mark: bool,
    /// Whether the packet goes against the connection's direction; absent if unknown.
    pub is_reply: Option<bool>,
    /// Monitor event behind this flow.
    pub event_type: Option<CiliumEventType>,
    /// Kubernetes Service of the source address.
    pub source_service: Option<Service>,
    /// Kubernetes Service of the destination address.
    pub destination_service: Option<Service>,
    /// Direction seen from the endpoint of the observation.
    pub traffic_direction: TrafficDirection,
    /// Precision of the matching rule; policy verdicts only. 0 none, 1 L3 only, 2 L3 and L4, 3 L4
    /// only, 4 all, 5 L3 and protocol, 6 protocol only.
    pub policy_match_type: u32,
    /// Observation point; trace events only.
    pub trace_observation_point: TraceObservationPoint,
    /// Connection tracking's state; trace events only.
    pub trace_reason: TraceReason,
    /// Source line of the datapath that dropped the packet.
    pub file: Option<FileInfo>,
    /// Trace id carried in IP options.
    pub ip_trace_id: Option<IpTraceId>,
    /// Place of a debug capture; debug captures only.
    pub debug_capture_point: DebugCapturePoint,
    /// Device of the observation.
    pub interface: Option<NetworkInterface>,
    /// Port of the L7 proxy that the packet goes to; 0 if absent.
    pub proxy_port: u32,
    /// Context of distributed tracing, from HTTP headers.
    pub trace_context: Option<TraceContext>,
    /// Point of a socket trace; socket traces only.
    pub sock_xlate_point: SocketTranslationPoint,
    /// Linux socket cookie; socket traces only.
    pub socket_cookie: u64,
    /// Control group of the process; socket traces only.
    pub cgroup_id: u64,
    /// Summary line of old records.
    pub summary: String,
    /// Data of other APIs that use Hubble's protocol.
    pub extensions: Option<Extensions>,
    /// Policies that allowed it at the source.
    pub egress_allowed_by: Vec<Policy>,
    /// Policies that allowed it at the destination.
    pub ingress_allowed_by: Vec<Policy>,
    /// Policies that denied it at the source; empty on default deny.
    pub egress_denied_by: Vec<Policy>,
    /// Policies that denied it at the destination; empty on default deny.
    pub ingress_denied_by: Vec<Policy>,
    /// `log` values of the policies that matched, each once.
    pub policy_log: Vec<String>,
    /// Counts of a record that stands for several flows.
    pub aggregate: Option<Aggregate>,
}

/// Producer of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Emitter {
    /// Product (`Hubble`).
    pub name: String,
    /// Version without a leading `v`.
    pub version: String,
}

/// Ethernet header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Ethernet {
    /// MAC address of the sender.
    pub source: String,
    /// MAC address of the receiver.
    pub destination: String,
}

/// IP header. Addresses are kept as recorded text: they are untrusted and may be invalid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Ip {
    /// Source address, before source NAT.
    pub source: String,
    /// Source address after source NAT; empty if not translated.
    pub source_xlated: String,
    /// Destination address.
    pub destination: String,
    /// Version of the header.
    pub ip_version: IpVersion,
    /// Whether the packet was encrypted between nodes (`WireGuard`, `IPsec`).
    pub encrypted: bool,
}

/// Outer headers of an encapsulated packet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// Kind of encapsulation.
    pub protocol: TunnelProtocol,
    /// Outer IP header.
    pub ip: Option<Ip>,
    /// Outer UDP header.
    pub l4: Option<Layer4>,
    /// Virtual network identifier, in which Cilium carries the source identity.
    pub vni: u32,
}

/// Line in the datapath's source code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FileInfo {
    /// File name.
    pub name: String,
    /// Line, from 1.
    pub line: u32,
}

/// Trace id carried in IP options.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct IpTraceId {
    /// The id.
    pub trace_id: u64,
    /// Number of the IP option that carried it.
    pub ip_option_type: u32,
}

/// A network device of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct NetworkInterface {
    /// Linux interface index.
    pub index: u32,
    /// Linux interface name.
    pub name: String,
}

/// W3C trace context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// `traceparent` header.
    pub parent: Option<TraceParent>,
}

/// Trace id from a `traceparent` header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// 32 hexadecimal digits.
    pub trace_id: String,
}

/// Message of another API, kept unread.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Extensions {
    /// URL of the message's type.
    pub type_url: String,
    /// Wire bytes of the message.
    pub value: Vec<u8>,
}

/// Number of flows that a record stands for, by direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Aggregate {
    /// Number of ingress flows.
    pub ingress_flow_count: u32,
    /// Number of egress flows.
    pub egress_flow_count: u32,
    /// Number of flows of unknown direction.
    pub unknown_direction_flow_count: u32,
}

impl Flow {
    /// Drop reason, from whichever of the two fields is set.
    #[must_use]
    pub fn drop_reason(&self) -> DropReason {
        match self.drop_reason_desc {
            DropReason::UNKNOWN => {
                DropReason::from_number(i32::try_from(self.drop_reason_code).unwrap_or(i32::MAX))
            }
            known => known,
        }
    }

    /// Whether the packet goes against the connection's direction, from whichever of the two fields
    /// is set. `None` if the record cannot tell, because a false `reply` of an old record looks
    /// like an absent one.
    #[must_use]
    pub fn reply(&self) -> Option<bool> {
        self.is_reply.or(self.reply_mark.then_some(true))
    }

    /// Number of flows that this record stands for; 1 for an aggregate without counts.
    #[must_use]
    pub fn stands_for(&self) -> u64 {
        self.aggregate.map_or(
            1,
            |Aggregate { ingress_flow_count, egress_flow_count, unknown_direction_flow_count }| {
                [ingress_flow_count, egress_flow_count, unknown_direction_flow_count]
                    .map(u64::from)
                    .iter()
                    .sum::<u64>()
                    .max(1)
            },
        )
    }
}
