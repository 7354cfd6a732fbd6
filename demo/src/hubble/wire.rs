//! Flows in their wire form.

use flow::{Flow, L7Record, Layer4, TcpFlags};
use hubble_api::pb::flow as pb;
use hubble_api::pb::observer::GetFlowsRequest;

#[derive(Debug)]
pub(crate) struct Filters {
    verdicts: Vec<i32>,
}

impl Filters {
    pub(crate) fn matches(&self, flow: &Flow) -> bool {
        self.verdicts.is_empty() || self.verdicts.contains(&flow.verdict.number())
    }
}

pub(crate) fn filter_set(request: &GetFlowsRequest) -> Filters {
    Filters { verdicts: request.whitelist.iter().flat_map(|f| f.verdict.clone()).collect() }
}

fn endpoint(e: flow::Endpoint) -> pb::Endpoint {
    pb::Endpoint {
        id: e.id,
        identity: e.identity,
        namespace: e.namespace,
        labels: e.labels,
        pod_name: e.pod_name,
        workloads: e
            .workloads
            .into_iter()
            .map(|w| pb::Workload { name: w.name, kind: w.kind })
            .collect(),
        cluster_name: e.cluster_name,
    }
}

fn policies(all: Vec<flow::Policy>) -> Vec<pb::Policy> {
    all.into_iter()
        .map(|p| pb::Policy {
            name: p.name,
            namespace: p.namespace,
            labels: p.labels,
            revision: p.revision,
            kind: p.kind,
        })
        .collect()
}

pub(crate) fn flow(f: Flow) -> pb::Flow {
    let has = |flags: TcpFlags, one| flags.contains(one);
    pb::Flow {
        time: f.time.map(|t| prost_types::Timestamp {
            seconds: t.seconds(),
            nanos: i32::try_from(t.nanos()).unwrap_or(0),
        }),
        uuid: f.uuid,
        verdict: f.verdict.number(),
        drop_reason: f.drop_reason_code,
        drop_reason_desc: f.drop_reason_desc.number(),
        ethernet: f.ethernet.map(|e| pb::Ethernet { source: e.source, destination: e.destination }),
        ip: f.ip.map(|ip| pb::Ip {
            source: ip.source,
            source_xlated: ip.source_xlated,
            destination: ip.destination,
            ip_version: ip.ip_version.number(),
            encrypted: ip.encrypted,
        }),
        l4: f.l4.map(|l4| pb::Layer4 {
            protocol: match l4 {
                Layer4::Tcp(t) => Some(pb::layer4::Protocol::Tcp(pb::Tcp {
                    source_port: u32::from(t.source_port),
                    destination_port: u32::from(t.destination_port),
                    flags: t.flags.map(|g| pb::TcpFlags {
                        fin: has(g, TcpFlags::FIN),
                        syn: has(g, TcpFlags::SYN),
                        rst: has(g, TcpFlags::RST),
                        psh: has(g, TcpFlags::PSH),
                        ack: has(g, TcpFlags::ACK),
                        ..pb::TcpFlags::default()
                    }),
                })),
                Layer4::Udp(u) => Some(pb::layer4::Protocol::Udp(pb::Udp {
                    source_port: u32::from(u.source_port),
                    destination_port: u32::from(u.destination_port),
                })),
                Layer4::Icmpv4(i) => Some(pb::layer4::Protocol::IcmPv4(pb::IcmPv4 {
                    r#type: u32::from(i.icmp_type),
                    code: u32::from(i.code),
                })),
                Layer4::Icmpv6(i) => Some(pb::layer4::Protocol::IcmPv6(pb::IcmPv6 {
                    r#type: u32::from(i.icmp_type),
                    code: u32::from(i.code),
                })),
                _ => None,
            },
        }),
        source: f.source.map(endpoint),
        destination: f.destination.map(endpoint),
        r#type: f.flow_type.number(),
        node_name: f.node_name,
        node_labels: f.node_labels,
        source_names: f.source_names,
        destination_names: f.destination_names,
        l7: f.l7.map(|l7| pb::Layer7 {
            r#type: l7.l7_type.number(),
            latency_ns: l7.latency_ns,
            record: l7.record.and_then(|r| match r {
                L7Record::Dns(d) => Some(pb::layer7::Record::Dns(pb::Dns {
                    query: d.query,
                    ips: d.ips,
                    ttl: d.ttl,
                    cnames: d.cnames,
                    observation_source: d.observation_source,
                    rcode: d.rcode,
                    qtypes: d.qtypes,
                    rrtypes: d.rrtypes,
                })),
                L7Record::Http(h) => Some(pb::layer7::Record::Http(pb::Http {
                    code: h.code,
                    method: h.method,
                    url: h.url,
                    protocol: h.protocol,
                    headers: h
                        .headers
                        .into_iter()
                        .map(|x| pb::HttpHeader { key: x.key, value: x.value })
                        .collect(),
                })),
                L7Record::Kafka(_) => None,
            }),
        }),
        reply: f.reply_mark,
        is_reply: f.is_reply,
        event_type: f
            .event_type
            .map(|e| pb::CiliumEventType { r#type: e.message_type.number(), sub_type: e.sub_type }),
        source_service: f
            .source_service
            .map(|s| pb::Service { name: s.name, namespace: s.namespace }),
        destination_service: f
            .destination_service
            .map(|s| pb::Service { name: s.name, namespace: s.namespace }),
        traffic_direction: f.traffic_direction.number(),
        policy_match_type: f.policy_match_type,
        trace_observation_point: f.trace_observation_point.number(),
        trace_reason: f.trace_reason.number(),
        file: f.file.map(|x| pb::FileInfo { name: x.name, line: x.line }),
        proxy_port: f.proxy_port,
        sock_xlate_point: f.sock_xlate_point.number(),
        socket_cookie: f.socket_cookie,
        cgroup_id: f.cgroup_id,
        summary: f.summary,
        egress_allowed_by: policies(f.egress_allowed_by),
        ingress_allowed_by: policies(f.ingress_allowed_by),
        egress_denied_by: policies(f.egress_denied_by),
        ingress_denied_by: policies(f.ingress_denied_by),
        ..pb::Flow::default()
    }
}
