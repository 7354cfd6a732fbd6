//! Any flow there can be, for properties.

use flow::{
    Aggregate, AuthType, CiliumEventType, DebugCapturePoint, Dns, DropReason, Emitter, Endpoint,
    Ethernet, Extensions, FileInfo, Flow, FlowType, Http, HttpHeader, Icmp, Igmp, Ip, IpTraceId,
    IpVersion, Kafka, L7FlowType, L7Record, Layer4, Layer7, MessageType, NetworkInterface, Policy,
    Sctp, SctpChunkType, Service, SocketTranslationPoint, Tcp, TcpFlags, Timestamp, TraceContext,
    TraceObservationPoint, TraceParent, TraceReason, TrafficDirection, Tunnel, TunnelProtocol, Udp,
    Verdict, Vrrp, Workload,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Names, empty ones and such as strangers choose.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z0-9./:-]{1,12}",
        "\\PC{0,8}",
        Just("\u{0}\u{1f}\u{7f}\"\\</script>\u{2028}\u{10ffff}".to_owned()),
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..3)
}

/// Numbers with a name, and any others.
fn number(named: i32) -> impl Strategy<Value = i32> {
    prop_oneof![3 => 0..=named, 1 => any::<i32>()]
}

pub(crate) fn timestamp() -> impl Strategy<Value = Timestamp> {
    let nanos = prop_oneof![
        Just(0),
        (0..1000).prop_map(|n| n * 1_000_000),
        (0..1_000_000).prop_map(|n| n * 1000),
        0..1_000_000_000,
    ];
    (Timestamp::MIN_SECONDS..=Timestamp::MAX_SECONDS, nanos)
        .prop_filter_map("in range", |(seconds, nanos)| Timestamp::new(seconds, nanos).ok())
}

fn l4() -> BoxedStrategy<Layer4> {
    let ports = || (any::<u16>(), any::<u16>());
    let flags = of(any::<u16>().prop_map(TcpFlags::from_bits_truncate));
    prop_oneof![
        Just(Layer4::Unknown),
        (ports(), flags).prop_map(|((source_port, destination_port), flags)| Layer4::Tcp(Tcp {
            source_port,
            destination_port,
            flags
        })),
        ports().prop_map(|(source_port, destination_port)| Layer4::Udp(Udp {
            source_port,
            destination_port
        })),
        any::<(u8, u8)>().prop_map(|(icmp_type, code)| Layer4::Icmpv4(Icmp { icmp_type, code })),
        any::<(u8, u8)>().prop_map(|(icmp_type, code)| Layer4::Icmpv6(Icmp { icmp_type, code })),
        (ports(), number(6)).prop_map(|((source_port, destination_port), chunk)| Layer4::Sctp(
            Sctp { source_port, destination_port, chunk_type: SctpChunkType::from_number(chunk) }
        )),
        any::<(u32, u32, u32)>().prop_map(|(vrrp_type, vrid, priority)| Layer4::Vrrp(Vrrp {
            vrrp_type,
            vrid,
            priority
        })),
        (any::<u32>(), text())
            .prop_map(|(igmp_type, group_address)| Layer4::Igmp(Igmp { igmp_type, group_address })),
    ]
    .boxed()
}

fn record() -> BoxedStrategy<L7Record> {
    let dns = (text(), texts(), any::<u32>(), texts(), text(), any::<u32>(), texts(), texts());
    let header = (text(), text()).prop_map(|(key, value)| HttpHeader { key, value });
    let http = (any::<u32>(), text(), text(), text(), vec(header, 0..3));
    prop_oneof![
        dns.prop_map(|(query, ips, ttl, cnames, observation_source, rcode, qtypes, rrtypes)| {
            L7Record::Dns(Dns {
                query,
                ips,
                ttl,
                cnames,
                observation_source,
                rcode,
                qtypes,
                rrtypes,
            })
        }),
        http.prop_map(|(code, method, url, protocol, headers)| {
            L7Record::Http(Http { code, method, url, protocol, headers })
        }),
        (any::<(i32, i32, i32)>(), text(), text()).prop_map(
            |((error_code, api_version, correlation_id), api_key, topic)| {
                L7Record::Kafka(Kafka { error_code, api_version, api_key, correlation_id, topic })
            }
        ),
    ]
    .boxed()
}

fn l7() -> BoxedStrategy<Layer7> {
    (number(3), any::<u64>(), of(record()))
        .prop_map(|(l7_type, latency_ns, record)| Layer7 {
            l7_type: L7FlowType::from_number(l7_type),
            latency_ns,
            record,
        })
        .boxed()
}

fn endpoint() -> BoxedStrategy<Endpoint> {
    let workload = (text(), text()).prop_map(|(name, kind)| Workload { name, kind });
    (any::<(u32, u32)>(), text(), text(), texts(), text(), vec(workload, 0..2))
        .prop_map(|((id, identity), cluster_name, namespace, labels, pod_name, workloads)| {
            Endpoint { id, identity, cluster_name, namespace, labels, pod_name, workloads }
        })
        .boxed()
}

fn ip() -> BoxedStrategy<Ip> {
    (text(), text(), text(), number(2), any::<bool>())
        .prop_map(|(source, source_xlated, destination, ip_version, encrypted)| Ip {
            source,
            source_xlated,
            destination,
            ip_version: IpVersion::from_number(ip_version),
            encrypted,
        })
        .boxed()
}

fn policies() -> BoxedStrategy<Vec<Policy>> {
    let policy = (text(), text(), texts(), any::<u64>(), text()).prop_map(
        |(name, namespace, labels, revision, kind)| Policy {
            name,
            namespace,
            labels,
            revision,
            kind,
        },
    );
    vec(policy, 0..2).boxed()
}

fn service() -> BoxedStrategy<Service> {
    (text(), text()).prop_map(|(name, namespace)| Service { name, namespace }).boxed()
}

fn extensions() -> BoxedStrategy<Extensions> {
    // A type that is known here would have to be valid on the wire.
    (Just("type.googleapis.com/example.Extra".to_owned()), vec(any::<u8>(), 0..9))
        .prop_map(|(type_url, value)| Extensions { type_url, value })
        .boxed()
}

/// Headers.
fn packet() -> BoxedStrategy<Flow> {
    let ethernet =
        (text(), text()).prop_map(|(source, destination)| Ethernet { source, destination });
    let tunnel =
        (number(2), of(ip()), of(l4()), any::<u32>()).prop_map(|(protocol, ip, l4, vni)| Tunnel {
            protocol: TunnelProtocol::from_number(protocol),
            ip,
            l4,
            vni,
        });
    let interface =
        (any::<u32>(), text()).prop_map(|(index, name)| NetworkInterface { index, name });
    let trace = any::<(u64, u32)>()
        .prop_map(|(trace_id, ip_option_type)| IpTraceId { trace_id, ip_option_type });
    let file = (text(), any::<u32>()).prop_map(|(name, line)| FileInfo { name, line });
    let context = of(text().prop_map(|trace_id| TraceParent { trace_id }))
        .prop_map(|parent| TraceContext { parent });
    (
        of(ethernet),
        of(ip()),
        of(l4()),
        of(tunnel),
        of(l7()),
        of(interface),
        of(trace),
        of(file),
        of(context),
    )
        .prop_map(|(ethernet, ip, l4, tunnel, l7, interface, ip_trace_id, file, trace_context)| {
            Flow {
                ethernet,
                ip,
                l4,
                tunnel,
                l7,
                interface,
                ip_trace_id,
                file,
                trace_context,
                ..Flow::default()
            }
        })
        .boxed()
}

/// Who talks, and where it was seen.
fn ends() -> BoxedStrategy<Flow> {
    (
        packet(),
        of(endpoint()),
        of(endpoint()),
        of(service()),
        of(service()),
        texts(),
        texts(),
        text(),
        texts(),
    )
        .prop_map(
            |(
                flow,
                source,
                destination,
                source_service,
                destination_service,
                source_names,
                destination_names,
                node_name,
                node_labels,
            )| Flow {
                source,
                destination,
                source_service,
                destination_service,
                source_names,
                destination_names,
                node_name,
                node_labels,
                ..flow
            },
        )
        .boxed()
}

/// What became of it.
fn judged() -> BoxedStrategy<Flow> {
    let kinds = (number(7), number(207), number(2), number(3), number(2));
    let points = (number(13), number(8), number(11), number(4));
    let numbers = any::<(u32, u32, u32, u64, u64)>();
    let policies = (policies(), policies(), policies(), policies(), texts());
    (ends(), kinds, points, numbers, policies, of(any::<bool>()), any::<bool>())
        .prop_map(|(flow, kinds, points, numbers, policies, is_reply, reply_mark)| Flow {
            verdict: Verdict::from_number(kinds.0),
            drop_reason_desc: DropReason::from_number(kinds.1),
            auth_type: AuthType::from_number(kinds.2),
            flow_type: FlowType::from_number(kinds.3),
            traffic_direction: TrafficDirection::from_number(kinds.4),
            trace_observation_point: TraceObservationPoint::from_number(points.0),
            trace_reason: TraceReason::from_number(points.1),
            debug_capture_point: DebugCapturePoint::from_number(points.2),
            sock_xlate_point: SocketTranslationPoint::from_number(points.3),
            drop_reason_code: numbers.0,
            policy_match_type: numbers.1,
            proxy_port: numbers.2,
            socket_cookie: numbers.3,
            cgroup_id: numbers.4,
            egress_allowed_by: policies.0,
            ingress_allowed_by: policies.1,
            egress_denied_by: policies.2,
            ingress_denied_by: policies.3,
            policy_log: policies.4,
            is_reply,
            reply_mark,
            ..flow
        })
        .boxed()
}

/// Any flow, every field of it.
pub(crate) fn flow() -> BoxedStrategy<Flow> {
    let emitter = (text(), text()).prop_map(|(name, version)| Emitter { name, version });
    let event_type = (number(130), any::<i32>()).prop_map(|(message_type, sub_type)| {
        CiliumEventType { message_type: MessageType::from_number(message_type), sub_type }
    });
    let aggregate = any::<(u32, u32, u32)>().prop_map(
        |(ingress_flow_count, egress_flow_count, unknown_direction_flow_count)| Aggregate {
            ingress_flow_count,
            egress_flow_count,
            unknown_direction_flow_count,
        },
    );
    (
        judged(),
        of(timestamp()),
        text(),
        of(emitter),
        of(event_type),
        text(),
        of(extensions()),
        of(aggregate),
    )
        .prop_map(|(flow, time, uuid, emitter, event_type, summary, extensions, aggregate)| Flow {
            time,
            uuid,
            emitter,
            event_type,
            summary,
            extensions,
            aggregate,
            ..flow
        })
        .boxed()
}
