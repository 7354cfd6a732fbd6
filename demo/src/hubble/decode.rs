//! Decoder from a record to the flow that Hubble would report (pkg/hubble/parser).

use flow::summary::dns_rcode_name;
use flow::{
    CiliumEventType, Dns, Endpoint, Ethernet, FileInfo, Flow, FlowType, Http, HttpHeader, Icmp, Ip,
    IpVersion, L7FlowType, L7Record, Layer4, Layer7, MessageType, Policy, Service,
    SocketTranslationPoint, Tcp, TcpFlags, Timestamp, TraceObservationPoint, TrafficDirection, Udp,
    Verdict, Workload,
};

use super::identifiers::{flow_uuid, uuid_v4};
use crate::cluster::{self, Cluster, EndpointKind, NodeId};
use crate::record::{Event, EventRecord, L7, PolicyAction, RecordedPolicy, Transport};

/// Source file in drops of an endpoint's program, with the lines of its policy and other checks
/// (`bpf/bpf_lxc.c`).
const DROP_FILE: &str = "bpf_lxc.c";

/// Decoder of records into flows.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    pub(crate) cluster: &'a Cluster,
    /// Seed of the run, for UUIDs.
    pub(crate) seed: u64,
}

impl Decoder<'_> {
    /// The flow of a record, with every field that Hubble sets.
    pub(crate) fn flow(&self, record: &EventRecord) -> Flow {
        let cluster = self.cluster;
        let source = cluster.endpoint(record.source);
        let destination = cluster.endpoint(record.destination);
        let mut flow = Flow {
            time: Some(Timestamp::from_unix_nanos(record.time_nanos)),
            uuid: flow_uuid(self.seed, record.sequence),
            flow_type: FlowType::L3L4,
            ip: Some(self.ip(record)),
            l4: Some(layer4(record)),
            source: Some(endpoint(source, record.node)),
            destination: Some(endpoint(destination, record.node)),
            source_service: self.service(source),
            destination_service: self.service(destination),
            traffic_direction: record.direction,
            is_reply: record.is_reply,
            reply_mark: record.is_reply == Some(true),
            ..Flow::default()
        };
        if let Some(node) = cluster.node(record.node) {
            flow.node_name.clone_from(&node.absolute_name);
            flow.node_labels.clone_from(&node.labels);
        }
        if let Some(host) = record.name.and_then(|host| cluster.host(host)) {
            let names = vec![host.name.to_owned()];
            if source.kind == EndpointKind::World {
                flow.source_names = names;
            } else {
                flow.destination_names = names;
            }
        }
        match &record.event {
            Event::Trace { point, reason, proxy_port } => {
                flow.verdict = Verdict::Forwarded;
                flow.event_type = event_type(MessageType::Trace, trace_sub_type(*point));
                flow.trace_observation_point = *point;
                flow.trace_reason = *reason;
                flow.proxy_port = u32::from(*proxy_port);
            }
            Event::PolicyVerdict { action, match_type, policies } => {
                flow.verdict = match action {
                    PolicyAction::Allowed => Verdict::Forwarded,
                    PolicyAction::Redirected => Verdict::Redirected,
                    PolicyAction::Denied(_) => Verdict::Dropped,
                };
                flow.event_type = event_type(MessageType::PolicyVerdict, 0);
                flow.policy_match_type = match_type.map_or(0, |match_type| match_type as u32);
                if let PolicyAction::Denied(reason) = action {
                    set_drop_reason(&mut flow, *reason);
                }
                attribute(&mut flow, *action, policies);
            }
            Event::Drop { reason } => {
                flow.verdict = Verdict::Dropped;
                flow.event_type = event_type(MessageType::Drop, reason.number());
                set_drop_reason(&mut flow, *reason);
                flow.file = Some(FileInfo {
                    name: DROP_FILE.to_owned(),
                    line: drop_line(*reason, record.direction),
                });
            }
            Event::L7 { denied, latency_nanos, layer } => {
                flow.verdict = if *denied { Verdict::Dropped } else { Verdict::Forwarded };
                flow.flow_type = FlowType::L7;
                flow.event_type = event_type(MessageType::L7, 0);
                flow.l7 = Some(layer7(layer, *latency_nanos));
            }
            Event::Socket { translated } => {
                flow.flow_type = FlowType::Sock;
                let point = if *translated {
                    flow.verdict = Verdict::Translated;
                    SocketTranslationPoint::PostDirectionFwd
                } else {
                    flow.verdict = Verdict::Traced;
                    SocketTranslationPoint::PreDirectionFwd
                };
                flow.sock_xlate_point = point;
                flow.event_type = event_type(MessageType::TraceSock, point.number());
                // A socket's cookie and its pod's cgroup, constant for their owner.
                flow.socket_cookie = 0x10_0000 + record.sequence / 2;
                flow.cgroup_id = 5_000 + u64::from(source.local_id);
            }
        }
        if flow.flow_type == FlowType::L3L4 {
            flow.ethernet = Some(ethernet(source, destination));
        }
        flow.summary = summary(record);
        flow
    }

    fn ip(&self, record: &EventRecord) -> Ip {
        let source = &self.cluster.endpoint(record.source).ip;
        let masquerade = self
            .cluster
            .node(record.node)
            .filter(|_| record.masqueraded)
            .map(|node| node.ip.to_string())
            .unwrap_or_default();
        Ip {
            ip_version: if source.contains(':') { IpVersion::V6 } else { IpVersion::V4 },
            source: source.clone(),
            source_xlated: masquerade,
            destination: self.cluster.endpoint(record.destination).ip.clone(),
            encrypted: false,
        }
    }

    /// Services are found by their own address only.
    fn service(&self, endpoint: &cluster::Endpoint) -> Option<Service> {
        let EndpointKind::Frontend(id) = endpoint.kind else {
            return None;
        };
        self.cluster.service(id).map(|service| Service {
            name: service.name.to_owned(),
            namespace: service.namespace.to_owned(),
        })
    }
}

fn set_drop_reason(flow: &mut Flow, reason: flow::DropReason) {
    flow.drop_reason_desc = reason;
    flow.drop_reason_code = u32::try_from(reason.number()).unwrap_or(0);
}

#[expect(clippy::unnecessary_wraps, reason = "the field is optional, and each event has one")]
fn event_type(message_type: MessageType, sub_type: i32) -> Option<CiliumEventType> {
    Some(CiliumEventType { message_type, sub_type })
}

/// The monitor's number of a trace point, which is 0 for `to-endpoint`.
pub(crate) fn trace_sub_type(point: TraceObservationPoint) -> i32 {
    match point {
        TraceObservationPoint::ToEndpoint => 0,
        other => other.number(),
    }
}

fn drop_line(reason: flow::DropReason, direction: TrafficDirection) -> u32 {
    match (reason, direction) {
        (
            flow::DropReason::POLICY_DENIED | flow::DropReason::POLICY_DENY,
            TrafficDirection::Egress,
        ) => 1523,
        (flow::DropReason::POLICY_DENIED | flow::DropReason::POLICY_DENY, _) => 2301,
        (flow::DropReason::UNSUPPORTED_L3_PROTOCOL, _) => 1842,
        _ => 1377,
    }
}

/// An endpoint as the node knows it: only local ones have an id and a workload.
fn endpoint(endpoint: &cluster::Endpoint, observer: NodeId) -> Endpoint {
    let local = endpoint.node == Some(observer);
    Endpoint {
        id: if local { endpoint.local_id } else { 0 },
        identity: endpoint.identity,
        cluster_name: endpoint.cluster.to_owned(),
        namespace: endpoint.namespace.to_owned(),
        labels: endpoint.labels.clone(),
        pod_name: endpoint.pod.clone(),
        workloads: endpoint
            .workload
            .iter()
            .filter(|_| local)
            .map(|workload| Workload {
                name: workload.name.clone(),
                kind: workload.kind.to_owned(),
            })
            .collect(),
    }
}

fn ethernet(source: &cluster::Endpoint, destination: &cluster::Endpoint) -> Ethernet {
    Ethernet { source: source.mac.clone(), destination: destination.mac.clone() }
}

fn layer4(record: &EventRecord) -> Layer4 {
    match record.transport {
        Transport::Tcp(flags) => Layer4::Tcp(Tcp {
            source_port: record.source_port,
            destination_port: record.destination_port,
            flags,
        }),
        Transport::Udp => Layer4::Udp(Udp {
            source_port: record.source_port,
            destination_port: record.destination_port,
        }),
        Transport::Icmpv4 { kind, code } => Layer4::Icmpv4(Icmp { icmp_type: kind, code }),
        Transport::Icmpv6 { kind, code } => Layer4::Icmpv6(Icmp { icmp_type: kind, code }),
    }
}

fn attribute(flow: &mut Flow, action: PolicyAction, policies: &[RecordedPolicy]) {
    let names = policies.iter().map(policy).collect();
    let allowed = !matches!(action, PolicyAction::Denied(_));
    match (flow.traffic_direction, allowed) {
        (TrafficDirection::Egress, true) => flow.egress_allowed_by = names,
        (TrafficDirection::Egress, false) => flow.egress_denied_by = names,
        (TrafficDirection::Ingress, true) => flow.ingress_allowed_by = names,
        (TrafficDirection::Ingress, false) => flow.ingress_denied_by = names,
        _ => {}
    }
}

fn policy(name: &RecordedPolicy) -> Policy {
    // The UID stays the same for a name while the object exists.
    let uid = name.name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let prefix = "k8s:io.cilium.k8s.policy";
    Policy {
        name: name.name.clone(),
        namespace: name.namespace.clone(),
        labels: vec![
            format!("{prefix}.derived-from={}", name.kind),
            format!("{prefix}.name={}", name.name),
            format!("{prefix}.namespace={}", name.namespace),
            format!("{prefix}.uid={}", uuid_v4(uid, uid.rotate_left(29))),
        ],
        revision: name.revision,
        kind: name.kind.to_owned(),
    }
}

fn layer7(layer: &L7, latency_ns: u64) -> Layer7 {
    let (l7_type, record) = match layer {
        L7::DnsQuery { query, qtype } => (
            L7FlowType::Request,
            L7Record::Dns(Dns {
                query: query.clone(),
                observation_source: "proxy".to_owned(),
                qtypes: vec![(*qtype).to_owned()],
                ..Dns::default()
            }),
        ),
        L7::DnsAnswer { query, qtype, rcode, ttl_secs, ips, cnames, rrtypes } => (
            L7FlowType::Response,
            L7Record::Dns(Dns {
                query: query.clone(),
                ips: ips.clone(),
                ttl: *ttl_secs,
                cnames: cnames.clone(),
                observation_source: "proxy".to_owned(),
                rcode: *rcode,
                qtypes: vec![(*qtype).to_owned()],
                rrtypes: rrtypes.iter().map(ToString::to_string).collect(),
            }),
        ),
        L7::HttpRequest { method, url, request_id } => {
            (L7FlowType::Request, L7Record::Http(http(method, url, request_id, 0)))
        }
        L7::HttpResponse { method, url, request_id, code } => {
            (L7FlowType::Response, L7Record::Http(http(method, url, request_id, *code)))
        }
    };
    Layer7 { l7_type, latency_ns, record: Some(record) }
}

fn http(method: &str, url: &str, request_id: &str, code: u32) -> Http {
    let header =
        |key: &str, value: &str| HttpHeader { key: key.to_owned(), value: value.to_owned() };
    Http {
        code,
        method: method.to_owned(),
        url: url.to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        headers: vec![
            header("Accept", "*/*"),
            header("User-Agent", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"),
            header("X-Envoy-Internal", "true"),
            header("X-Request-Id", request_id),
        ],
    }
}

/// The one-line summary, in Hubble's format.
fn summary(record: &EventRecord) -> String {
    match &record.event {
        Event::L7 { layer, latency_nanos, .. } => l7_summary(layer, *latency_nanos),
        Event::Socket { .. } => match record.transport {
            Transport::Udp => "UDP".to_owned(),
            _ => "TCP".to_owned(),
        },
        _ => match record.transport {
            Transport::Tcp(flags) => {
                format!("TCP Flags: {}", tcp_flag_names(flags.unwrap_or_default()))
            }
            Transport::Udp => "UDP".to_owned(),
            Transport::Icmpv4 { kind, code } => format!("ICMPv4 {}", icmpv4_type(kind, code)),
            Transport::Icmpv6 { kind, code } => format!("ICMPv6 {}", icmpv6_type(kind, code)),
        },
    }
}

/// Flags in Hubble's order: SYN and ACK first (threefour's getTCPFlags).
fn tcp_flag_names(flags: TcpFlags) -> String {
    [
        (TcpFlags::SYN, "SYN"),
        (TcpFlags::ACK, "ACK"),
        (TcpFlags::RST, "RST"),
        (TcpFlags::FIN, "FIN"),
        (TcpFlags::PSH, "PSH"),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .map(|(_, name)| name)
    .collect::<Vec<_>>()
    .join(", ")
}

/// Name of an ICMP message as gopacket prints it, which is also the `type` label of
/// `hubble_icmp_total`. The cluster only sends pings and router solicitations.
pub(crate) fn icmpv4_type(kind: u8, code: u8) -> &'static str {
    match (kind, code) {
        (0, 0) => "EchoReply",
        (8, 0) => "EchoRequest",
        _ => "",
    }
}

/// Name of an `ICMPv6` message, as for ICMP.
pub(crate) fn icmpv6_type(kind: u8, code: u8) -> &'static str {
    match (kind, code) {
        (133, 0) => "RouterSolicitation",
        _ => "",
    }
}

fn l7_summary(layer: &L7, latency_nanos: u64) -> String {
    match layer {
        L7::DnsQuery { query, qtype } => format!("DNS Query {query} {qtype}"),
        L7::DnsAnswer { query, qtype, rcode, ttl_secs, ips, cnames, .. } => {
            let answer = if *rcode == 0 {
                let mut parts = Vec::new();
                if !ips.is_empty() {
                    parts.push(format!("{:?}", ips.join(",")));
                }
                if !cnames.is_empty() {
                    parts.push(format!("CNAMEs: {:?}", cnames.join(",")));
                }
                parts.join(" ")
            } else {
                format!("RCode: {}", dns_rcode_name(*rcode).unwrap_or(""))
            };
            format!("DNS Answer {answer} TTL: {ttl_secs} (Proxy {query} {qtype})")
        }
        L7::HttpRequest { method, url, .. } => format!("HTTP/1.1 {method} {url}"),
        L7::HttpResponse { method, url, code, .. } => {
            format!("HTTP/1.1 {code} {}ms ({method} {url})", latency_nanos / 1_000_000)
        }
    }
}
