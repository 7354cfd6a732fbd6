//! Parts of a flow.

use flow::{L7Record, Layer4, TcpFlags};

use super::{FlowError, all};
use crate::pb::flow as pb;
use crate::pb::flow::{layer4::Protocol, layer7::Record};

/// Conversions in both directions for messages that differ only in the names of their fields.
macro_rules! same_fields {
    ($($wire:ident = $own:ident { $($wire_field:ident: $own_field:ident),* })*) => {$(
        impl From<pb::$wire> for flow::$own {
            fn from(pb::$wire { $($wire_field: $own_field),* }: pb::$wire) -> Self {
                Self { $($own_field),* }
            }
        }

        impl From<flow::$own> for pb::$wire {
            fn from(flow::$own { $($own_field: $wire_field),* }: flow::$own) -> Self {
                Self { $($wire_field),* }
            }
        }
    )*};
}

same_fields! {
    Aggregate = Aggregate {
        ingress_flow_count: ingress_flow_count,
        egress_flow_count: egress_flow_count,
        unknown_direction_flow_count: unknown_direction_flow_count
    }
    Dns = Dns {
        query: query, ips: ips, ttl: ttl, cnames: cnames,
        observation_source: observation_source, rcode: rcode, qtypes: qtypes, rrtypes: rrtypes
    }
    Emitter = Emitter { name: name, version: version }
    Ethernet = Ethernet { source: source, destination: destination }
    FileInfo = FileInfo { name: name, line: line }
    HttpHeader = HttpHeader { key: key, value: value }
    Igmp = Igmp { r#type: igmp_type, group_address: group_address }
    IpTraceId = IpTraceId { trace_id: trace_id, ip_option_type: ip_option_type }
    Kafka = Kafka {
        error_code: error_code, api_version: api_version, api_key: api_key,
        correlation_id: correlation_id, topic: topic
    }
    NetworkInterface = NetworkInterface { index: index, name: name }
    Policy = Policy {
        name: name, namespace: namespace, labels: labels, revision: revision, kind: kind
    }
    Service = Service { name: name, namespace: namespace }
    TraceParent = TraceParent { trace_id: trace_id }
    Vrrp = Vrrp { r#type: vrrp_type, vrid: vrid, priority: priority }
    Workload = Workload { name: name, kind: kind }
}

/// Conversions in both directions for messages that contain other messages or enumerations, field
/// by field.
macro_rules! converted_fields {
    ($($wire:ident = $own:ident { $($wire_field:ident: $own_field:ident = $into:expr, $back:expr);* $(;)? })*) => {$(
        impl From<pb::$wire> for flow::$own {
            fn from(pb::$wire { $($wire_field: $own_field),* }: pb::$wire) -> Self {
                Self { $($own_field: $into($own_field)),* }
            }
        }

        impl From<flow::$own> for pb::$wire {
            fn from(flow::$own { $($own_field: $wire_field),* }: flow::$own) -> Self {
                Self { $($wire_field: $back($wire_field)),* }
            }
        }
    )*};
}

fn same<T>(value: T) -> T {
    value
}

fn some<A, B: From<A>>(value: Option<A>) -> Option<B> {
    value.map(B::from)
}

converted_fields! {
    CiliumEventType = CiliumEventType {
        r#type: message_type = flow::MessageType::from_number, flow::MessageType::number;
        sub_type: sub_type = same, same;
    }
    Endpoint = Endpoint {
        id: id = same, same;
        identity: identity = same, same;
        namespace: namespace = same, same;
        labels: labels = same, same;
        pod_name: pod_name = same, same;
        workloads: workloads = all, all;
        cluster_name: cluster_name = same, same;
    }
    Http = Http {
        code: code = same, same;
        method: method = same, same;
        url: url = same, same;
        protocol: protocol = same, same;
        headers: headers = all, all;
    }
    Ip = Ip {
        source: source = same, same;
        destination: destination = same, same;
        ip_version: ip_version = flow::IpVersion::from_number, flow::IpVersion::number;
        encrypted: encrypted = same, same;
        source_xlated: source_xlated = same, same;
    }
    Layer7 = Layer7 {
        r#type: l7_type = flow::L7FlowType::from_number, flow::L7FlowType::number;
        latency_ns: latency_ns = same, same;
        record: record = some, some;
    }
    TraceContext = TraceContext {
        parent: parent = some, some;
    }
}

impl From<Record> for L7Record {
    fn from(record: Record) -> Self {
        match record {
            Record::Dns(dns) => Self::Dns(dns.into()),
            Record::Http(http) => Self::Http(http.into()),
            Record::Kafka(kafka) => Self::Kafka(kafka.into()),
        }
    }
}

impl From<L7Record> for Record {
    fn from(record: L7Record) -> Self {
        match record {
            L7Record::Dns(dns) => Self::Dns(dns.into()),
            L7Record::Http(http) => Self::Http(http.into()),
            L7Record::Kafka(kafka) => Self::Kafka(kafka.into()),
        }
    }
}

impl From<pb::TcpFlags> for TcpFlags {
    fn from(pb::TcpFlags { fin, syn, rst, psh, ack, urg, ece, cwr, ns }: pb::TcpFlags) -> Self {
        [fin, syn, rst, psh, ack, urg, ece, cwr, ns]
            .into_iter()
            .zip(Self::ALL)
            .filter(|(is_set, _)| *is_set)
            .fold(Self::EMPTY, |flags, (_, (flag, _))| flags | flag)
    }
}

impl From<TcpFlags> for pb::TcpFlags {
    fn from(flags: TcpFlags) -> Self {
        Self {
            fin: flags.contains(TcpFlags::FIN),
            syn: flags.contains(TcpFlags::SYN),
            rst: flags.contains(TcpFlags::RST),
            psh: flags.contains(TcpFlags::PSH),
            ack: flags.contains(TcpFlags::ACK),
            urg: flags.contains(TcpFlags::URG),
            ece: flags.contains(TcpFlags::ECE),
            cwr: flags.contains(TcpFlags::CWR),
            ns: flags.contains(TcpFlags::NS),
        }
    }
}

impl TryFrom<pb::Layer4> for Layer4 {
    type Error = FlowError;

    /// Errors: a port above 65535, an ICMP type or code above 255.
    fn try_from(pb::Layer4 { protocol }: pb::Layer4) -> Result<Self, FlowError> {
        Ok(match protocol {
            None => Self::Unknown,
            Some(Protocol::Tcp(pb::Tcp { source_port, destination_port, flags })) => {
                Self::Tcp(flow::Tcp {
                    source_port: small("l4.TCP.source_port", source_port)?,
                    destination_port: small("l4.TCP.destination_port", destination_port)?,
                    flags: flags.map(TcpFlags::from),
                })
            }
            Some(Protocol::Udp(pb::Udp { source_port, destination_port })) => {
                Self::Udp(flow::Udp {
                    source_port: small("l4.UDP.source_port", source_port)?,
                    destination_port: small("l4.UDP.destination_port", destination_port)?,
                })
            }
            Some(Protocol::Sctp(pb::Sctp { source_port, destination_port, chunk_type })) => {
                Self::Sctp(flow::Sctp {
                    source_port: small("l4.SCTP.source_port", source_port)?,
                    destination_port: small("l4.SCTP.destination_port", destination_port)?,
                    chunk_type: flow::SctpChunkType::from_number(chunk_type),
                })
            }
            Some(Protocol::IcmPv4(pb::IcmPv4 { r#type, code })) => Self::Icmpv4(flow::Icmp {
                icmp_type: tiny("l4.ICMPv4.type", r#type)?,
                code: tiny("l4.ICMPv4.code", code)?,
            }),
            Some(Protocol::IcmPv6(pb::IcmPv6 { r#type, code })) => Self::Icmpv6(flow::Icmp {
                icmp_type: tiny("l4.ICMPv6.type", r#type)?,
                code: tiny("l4.ICMPv6.code", code)?,
            }),
            Some(Protocol::Vrrp(vrrp)) => Self::Vrrp(vrrp.into()),
            Some(Protocol::Igmp(igmp)) => Self::Igmp(igmp.into()),
        })
    }
}

impl From<Layer4> for pb::Layer4 {
    fn from(l4: Layer4) -> Self {
        let protocol = match l4 {
            Layer4::Unknown => None,
            Layer4::Tcp(flow::Tcp { source_port, destination_port, flags }) => {
                Some(Protocol::Tcp(pb::Tcp {
                    source_port: source_port.into(),
                    destination_port: destination_port.into(),
                    flags: flags.map(pb::TcpFlags::from),
                }))
            }
            Layer4::Udp(flow::Udp { source_port, destination_port }) => {
                Some(Protocol::Udp(pb::Udp {
                    source_port: source_port.into(),
                    destination_port: destination_port.into(),
                }))
            }
            Layer4::Sctp(flow::Sctp { source_port, destination_port, chunk_type }) => {
                Some(Protocol::Sctp(pb::Sctp {
                    source_port: source_port.into(),
                    destination_port: destination_port.into(),
                    chunk_type: chunk_type.number(),
                }))
            }
            Layer4::Icmpv4(flow::Icmp { icmp_type, code }) => {
                Some(Protocol::IcmPv4(pb::IcmPv4 { r#type: icmp_type.into(), code: code.into() }))
            }
            Layer4::Icmpv6(flow::Icmp { icmp_type, code }) => {
                Some(Protocol::IcmPv6(pb::IcmPv6 { r#type: icmp_type.into(), code: code.into() }))
            }
            Layer4::Vrrp(vrrp) => Some(Protocol::Vrrp(vrrp.into())),
            Layer4::Igmp(igmp) => Some(Protocol::Igmp(igmp.into())),
        };
        Self { protocol }
    }
}

impl TryFrom<pb::Tunnel> for flow::Tunnel {
    type Error = FlowError;

    /// Errors: those of the transport header.
    fn try_from(pb::Tunnel { protocol, ip, l4, vni }: pb::Tunnel) -> Result<Self, FlowError> {
        Ok(Self {
            protocol: flow::TunnelProtocol::from_number(protocol),
            ip: ip.map(flow::Ip::from),
            l4: l4.map(Layer4::try_from).transpose()?,
            vni,
        })
    }
}

impl From<flow::Tunnel> for pb::Tunnel {
    fn from(flow::Tunnel { protocol, ip, l4, vni }: flow::Tunnel) -> Self {
        Self {
            protocol: protocol.number(),
            ip: ip.map(pb::Ip::from),
            l4: l4.map(pb::Layer4::from),
            vni,
        }
    }
}

fn small(field: &'static str, value: u32) -> Result<u16, FlowError> {
    u16::try_from(value).map_err(|_| FlowError::OutOfRange { field, value, max: u16::MAX.into() })
}

fn tiny(field: &'static str, value: u32) -> Result<u8, FlowError> {
    u8::try_from(value).map_err(|_| FlowError::OutOfRange { field, value, max: u8::MAX.into() })
}
