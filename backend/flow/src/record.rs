//! The flow itself.

use crate::{
    AuthType, CiliumEventType, DebugCapturePoint, DropReason, Endpoint, FlowType, IpVersion,
    Layer4, Layer7, Policy, Service, SocketTranslationPoint, Timestamp, TraceObservationPoint,
    TraceReason, TrafficDirection, TunnelProtocol, Verdict,
};

/// One observation of one packet, or of one message of an L7 protocol, at one point of one
/// node. Every field of flow.proto's `Flow` is here; absent strings are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Observed at.
    pub time: Option<Timestamp>,
    /// Identifies this observation; empty in old records.
    pub uuid: String,
    /// The program that produced this record.
    pub emitter: Option<Emitter>,
    /// What became of the packet.
    pub verdict: Verdict,
    /// Drop code of records that predate `drop_reason_desc`; [`Flow::drop_reason`] reads both.
    pub drop_reason_code: u32,
    /// Why it was dropped.
    pub drop_reason_desc: DropReason,
    /// Authentication that the policy asks for; policy verdicts only.
    pub auth_type: AuthType,
    /// L2 addresses.
    pub ethernet: Option<Ethernet>,
    /// L3 addresses.
    pub ip: Option<Ip>,
    /// Ports, flags or ICMP type.
    pub l4: Option<Layer4>,
    /// The outer headers of an encapsulated packet.
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
    /// The L7 message.
    pub l7: Option<Layer7>,
    /// Reply mark of records that predate `is_reply`; false says nothing. [`Flow::reply`] reads
    /// both.
    pub reply_mark: bool,
    /// Whether it goes against the connection's direction; absent where that is not known.
    pub is_reply: Option<bool>,
    /// The monitor event behind this flow.
    pub event_type: Option<CiliumEventType>,
    /// Kubernetes Service of the source address.
    pub source_service: Option<Service>,
    /// Kubernetes Service of the destination address.
    pub destination_service: Option<Service>,
    /// Seen from the endpoint that the observation belongs to.
    pub traffic_direction: TrafficDirection,
    /// Policy verdicts only: how specific the matching rule is. 0 none, 1 L3 only, 2 L3 and L4,
    /// 3 L4 only, 4 all, 5 L3 and protocol, 6 protocol only.
    pub policy_match_type: u32,
    /// Trace events only.
    pub trace_observation_point: TraceObservationPoint,
    /// Connection tracking's state; trace events only.
    pub trace_reason: TraceReason,
    /// Datapath source line of the drop.
    pub file: Option<FileInfo>,
    /// Trace id carried in IP options.
    pub ip_trace_id: Option<IpTraceId>,
    /// Debug captures only.
    pub debug_capture_point: DebugCapturePoint,
    /// Device that it was observed on.
    pub interface: Option<NetworkInterface>,
    /// Port of the L7 proxy that it goes to; 0: none.
    pub proxy_port: u32,
    /// Distributed tracing, from HTTP headers.
    pub trace_context: Option<TraceContext>,
    /// Socket traces only.
    pub sock_xlate_point: SocketTranslationPoint,
    /// Linux socket cookie; socket traces only.
    pub socket_cookie: u64,
    /// Control group of the process; socket traces only.
    pub cgroup_id: u64,
    /// One line of text of old records.
    pub summary: String,
    /// Data of other APIs that speak Hubble's protocol.
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
    /// Set where this record stands for several flows.
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

/// IP header. Addresses are texts as recorded: they come from strangers and may be none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Ip {
    /// Source address, before source NAT.
    pub source: String,
    /// Source address after source NAT; empty: not translated.
    pub source_xlated: String,
    /// Destination address.
    pub destination: String,
    /// Version of the header.
    pub ip_version: IpVersion,
    /// Encrypted between nodes (`WireGuard`, `IPsec`).
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
    /// Virtual network identifier; Cilium puts the source identity there.
    pub vni: u32,
}

/// A place in the datapath's source.
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
    /// Number of the IP option it was found in.
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
    /// The `traceparent` header.
    pub parent: Option<TraceParent>,
}

/// The part of `traceparent` that identifies the trace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// 32 hexadecimal digits.
    pub trace_id: String,
}

/// A message of another API, kept as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Extensions {
    /// Names the message's type.
    pub type_url: String,
    /// The message's wire bytes.
    pub value: Vec<u8>,
}

/// How many flows a record stands for, by direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Aggregate {
    /// Ingress.
    pub ingress_flow_count: u32,
    /// Egress.
    pub egress_flow_count: u32,
    /// Direction not known.
    pub unknown_direction_flow_count: u32,
}

impl Flow {
    /// Why it was dropped, from whichever of its two fields the record has.
    #[must_use]
    pub fn drop_reason(&self) -> DropReason {
        match self.drop_reason_desc {
            DropReason::UNKNOWN => {
                DropReason::from_number(i32::try_from(self.drop_reason_code).unwrap_or(i32::MAX))
            }
            known => known,
        }
    }

    /// Whether it goes against the connection's direction, from whichever of its two fields the
    /// record has. None: the record cannot tell, since a false `reply` of an old record is the
    /// same as none.
    #[must_use]
    pub fn reply(&self) -> Option<bool> {
        self.is_reply.or(self.reply_mark.then_some(true))
    }

    /// How many flows this record stands for; an aggregate that counts nothing is one.
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
