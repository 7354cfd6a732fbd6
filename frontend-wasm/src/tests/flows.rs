//! Flows that together fill every kind of cell.

use hubble_api::pb::flow::LostEvent;
use hubble_api::pb::flow::layer4::Protocol;
use hubble_api::pb::flow::layer7::Record;
use hubble_api::pb::flow::{
    CiliumEventType, Dns, Endpoint, Flow, Http, IcmPv4, Ip, Layer4, Layer7, Policy, Service, Tcp,
    TcpFlags, Udp, Workload,
};
use hubble_api::pb::observer::GetFlowsResponse;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;

/// Time of the first flow: 2026-08-22T10:00:00Z.
const START_SECS: i64 = 1_787_392_800;

pub(super) fn message(flow: Flow) -> GetFlowsResponse {
    GetFlowsResponse {
        node_name: "kind/worker-1".to_owned(),
        time: flow.time,
        response_types: Some(ResponseTypes::Flow(flow)),
    }
}

/// A flow `millis` after the start, from pod to pod.
pub(super) fn flow(millis: i64) -> Flow {
    Flow {
        time: Some(prost_types::Timestamp {
            seconds: START_SECS + millis / 1000,
            nanos: i32::try_from(millis % 1000).unwrap() * 1_000_000 + 123,
        }),
        uuid: format!("00000000-0000-4000-8000-{millis:012}"),
        verdict: 1,
        r#type: 1,
        traffic_direction: 2,
        is_reply: Some(false),
        ip: Some(Ip {
            source: "10.244.1.17".to_owned(),
            destination: "10.244.2.9".to_owned(),
            ip_version: 1,
            ..Ip::default()
        }),
        l4: Some(tcp(41_320, 8080, TcpFlags { syn: true, ..TcpFlags::default() })),
        source: Some(pod("pets", "store-front-6f7d9c5b8-x2x4z", "store-front", 12_001)),
        destination: Some(pod("pets", "order-service-7c9b6d5f4-kq8zp", "order-service", 12_002)),
        node_name: "kind/worker-1".to_owned(),
        ..Flow::default()
    }
}

pub(super) fn pod(namespace: &str, name: &str, workload: &str, identity: u32) -> Endpoint {
    Endpoint {
        id: identity % 1000,
        identity,
        namespace: namespace.to_owned(),
        pod_name: name.to_owned(),
        cluster_name: "kind".to_owned(),
        labels: vec![
            format!("k8s:app={workload}"),
            format!("k8s:io.kubernetes.pod.namespace={namespace}"),
        ],
        workloads: vec![Workload { name: workload.to_owned(), kind: "Deployment".to_owned() }],
    }
}

fn tcp(source_port: u32, destination_port: u32, flags: TcpFlags) -> Layer4 {
    Layer4 {
        protocol: Some(Protocol::Tcp(Tcp { source_port, destination_port, flags: Some(flags) })),
    }
}

fn udp(source_port: u32, destination_port: u32) -> Layer4 {
    Layer4 { protocol: Some(Protocol::Udp(Udp { source_port, destination_port })) }
}

fn policy(namespace: &str, name: &str, kind: &str) -> Policy {
    Policy {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        ..Policy::default()
    }
}

fn dns(l7_type: i32, dns: Dns) -> Flow {
    let kube_dns = pod("kube-system", "coredns-76f75df574-8xw2n", "coredns", 9_001);
    Flow {
        r#type: 2,
        l4: Some(udp(52_110, 53)),
        l7: Some(Layer7 { r#type: l7_type, record: Some(Record::Dns(dns)), ..Layer7::default() }),
        destination: Some(kube_dns),
        ..Flow::default()
    }
}

fn world(identity: u32) -> Endpoint {
    Endpoint { identity, labels: vec!["reserved:world".to_owned()], ..Endpoint::default() }
}

/// Flows in a fixed order, oldest first, with two other messages between them.
pub(super) fn mixed() -> Vec<GetFlowsResponse> {
    let flows = [packets(), l7_messages(), strange_packets()].concat();
    let mut messages: Vec<GetFlowsResponse> = flows.into_iter().map(message).collect();
    messages.insert(
        3,
        GetFlowsResponse {
            response_types: Some(ResponseTypes::LostEvents(LostEvent {
                num_events_lost: 7,
                ..LostEvent::default()
            })),
            ..GetFlowsResponse::default()
        },
    );
    messages.push(GetFlowsResponse::default());
    messages
}

/// The datapath's records of a packet that a policy denied, and of one that reached its pod on
/// another node: only the record type distinguishes some of them.
pub(super) fn records_of_two_packets() -> Vec<GetFlowsResponse> {
    let record = |millis: i64, verdict: i32, (r#type, sub_type): (i32, i32)| Flow {
        verdict,
        event_type: Some(CiliumEventType { r#type, sub_type }),
        ..flow(millis)
    };
    let denied = |event| Flow { drop_reason_desc: 133, ..record(0, 2, event) };
    [
        denied((5, 0)),
        denied((1, 133)),
        record(1, 1, (5, 1)),
        record(1, 1, (4, 3)),
        record(1, 1, (4, 4)),
        record(1, 1, (4, 9)),
        record(1, 1, (4, 0)),
    ]
    .map(message)
    .to_vec()
}

fn packets() -> Vec<Flow> {
    vec![
        flow(0),
        Flow {
            verdict: 2,
            drop_reason_desc: 133,
            traffic_direction: 1,
            ingress_denied_by: vec![policy(
                "pets",
                "allow-store-front-traffic",
                "CiliumNetworkPolicy",
            )],
            ..flow(250)
        },
        Flow {
            is_reply: Some(true),
            l4: Some(tcp(8080, 41_320, TcpFlags { syn: true, ack: true, ..TcpFlags::default() })),
            egress_allowed_by: vec![
                policy("", "cluster-default", "CiliumClusterwideNetworkPolicy"),
                policy("pets", "allow-replies", "NetworkPolicy"),
            ],
            ..flow(300)
        },
    ]
}

fn l7_messages() -> Vec<Flow> {
    let a = || "A".to_owned();
    vec![
        Flow {
            time: flow(400).time,
            verdict: 5,
            ..dns(
                1,
                Dns {
                    query: "api.github.com.".to_owned(),
                    qtypes: vec![a(), "AAAA".to_owned()],
                    observation_source: "proxy".to_owned(),
                    ..Dns::default()
                },
            )
        },
        Flow {
            time: flow(410).time,
            verdict: 2,
            ..dns(
                2,
                Dns {
                    query: "api.github.com.".to_owned(),
                    qtypes: vec![a()],
                    observation_source: "proxy".to_owned(),
                    rcode: 5,
                    ..Dns::default()
                },
            )
        },
        Flow {
            time: flow(420).time,
            verdict: 1,
            ..dns(
                2,
                Dns {
                    query: "learn.microsoft.com.".to_owned(),
                    qtypes: vec![a()],
                    ttl: 30,
                    ips: vec!["23.37.1.2".to_owned(), "23.37.1.3".to_owned()],
                    cnames: vec!["learn.microsoft.com.edgekey.net.".to_owned()],
                    ..Dns::default()
                },
            )
        },
        Flow {
            r#type: 2,
            l7: Some(Layer7 {
                r#type: 2,
                latency_ns: 12_345_678,
                record: Some(Record::Http(Http {
                    code: 503,
                    method: "GET".to_owned(),
                    url: "http://order-service:3000/orders?<script>alert(1)</script>".to_owned(),
                    protocol: "HTTP/1.1".to_owned(),
                    ..Http::default()
                })),
            }),
            ..flow(500)
        },
    ]
}

/// Flows to the world, without a pod, from a newer Cilium, by way of a Service, and without any
/// field.
fn strange_packets() -> Vec<Flow> {
    vec![
        Flow {
            destination: Some(world(2)),
            destination_names: vec![
                "learn.microsoft.com".to_owned(),
                "docs.microsoft.com".to_owned(),
            ],
            l4: Some(tcp(50_000, 443, TcpFlags { ack: true, psh: true, ..TcpFlags::default() })),
            ..flow(600)
        },
        Flow {
            verdict: 2,
            drop_reason_desc: 133,
            ip: Some(Ip {
                source: "10.244.1.17".to_owned(),
                destination: "140.82.121.6".to_owned(),
                ip_version: 1,
                ..Ip::default()
            }),
            destination: Some(world(2)),
            l4: Some(tcp(50_001, 443, TcpFlags { syn: true, ..TcpFlags::default() })),
            ..flow(700)
        },
        Flow {
            l4: Some(Layer4 { protocol: Some(Protocol::IcmPv4(IcmPv4 { r#type: 8, code: 0 })) }),
            source: Some(Endpoint { identity: 1, ..Endpoint::default() }),
            ..flow(800)
        },
        // A newer Cilium, with numbers that have no name here.
        Flow {
            verdict: 42,
            drop_reason_desc: 9_999,
            r#type: 77,
            traffic_direction: 9,
            ..flow(900)
        },
        Flow {
            destination: Some(Endpoint::default()),
            destination_service: Some(Service {
                name: "rabbitmq".to_owned(),
                namespace: "pets".to_owned(),
            }),
            verdict: 7,
            r#type: 3,
            ..flow(950)
        },
        // A verdict alone.
        Flow { verdict: 1, ..Flow::default() },
    ]
}
