//! Conversion of a row into a flow.

use std::borrow::Cow;

use super::{
    Column, ColumnSet, FlowColumns, NO_TIME, REPLY_UNKNOWN, at, l4_protocol, l7_record, parts,
};
use crate::{
    Aggregate, CiliumEventType, Dns, DropReason, Endpoint, Flow, Http, HttpHeader, Icmp, Igmp, Ip,
    Kafka, L7FlowType, L7Record, Layer4, Layer7, MessageType, Policy, Sctp, Service, Tcp, TcpFlags,
    Timestamp, TraceObservationPoint, TraceReason, TrafficDirection, Udp, Verdict, Vrrp, Workload,
};

impl FlowColumns {
    /// Columns that [`FlowColumns::flow`] reads: everything that verdicts of network policies depend on.
    pub const FLOW_COLUMNS: ColumnSet = ColumnSet::of(&[
        Column::TimeNanos,
        Column::Verdict,
        Column::DropReason,
        Column::TrafficDirection,
        Column::EventType,
        Column::EventSubType,
        Column::TraceObservationPoint,
        Column::TraceReason,
        Column::IsReply,
        Column::L4Protocol,
        Column::SourcePort,
        Column::DestinationPort,
        Column::TcpFlags,
        Column::IcmpType,
        Column::IcmpCode,
        Column::SourceIdentity,
        Column::DestinationIdentity,
        Column::L7Type,
        Column::L7Record,
        Column::DnsRcode,
        Column::HttpCode,
        Column::Parts,
        Column::SourceIp,
        Column::DestinationIp,
        Column::SourceNamespace,
        Column::SourcePod,
        Column::SourceCluster,
        Column::DestinationNamespace,
        Column::DestinationPod,
        Column::DestinationCluster,
        Column::SourceService,
        Column::SourceServiceNamespace,
        Column::DestinationService,
        Column::DestinationServiceNamespace,
        Column::DnsQuery,
        Column::HttpMethod,
        Column::HttpUrl,
        Column::SourceLabels,
        Column::DestinationLabels,
        Column::SourceWorkloads,
        Column::DestinationWorkloads,
        Column::SourceNames,
        Column::DestinationNames,
        Column::DnsIps,
        Column::EgressAllowedBy,
        Column::IngressAllowedBy,
        Column::EgressDeniedBy,
        Column::IngressDeniedBy,
        Column::NodeLabels,
        Column::HttpHeaders,
    ])
    .union(Self::STANDS_FOR_COLUMNS);

    /// The flow of a row, with what [`FlowColumns::FLOW_COLUMNS`] hold; its other fields are empty.
    /// `None` beyond the last row.
    ///
    /// The columns unite what a flow may say in two ways: its drop reason stands in
    /// `drop_reason_desc`, its reply mark in `is_reply`.
    pub fn flow(&self, row: usize) -> Option<Flow> {
        if row >= self.len() {
            return None;
        }
        let parts = at(self.parts(), row);
        let time = at(self.time_nanos(), row);
        let event_type = CiliumEventType {
            message_type: MessageType::from_number(at(self.event_type(), row)),
            sub_type: at(self.event_sub_type(), row),
        };
        let (source_ip, destination_ip) =
            (self.text_at(self.source_ip(), row), self.text_at(self.destination_ip(), row));
        let has_ip = !(source_ip.is_empty() && destination_ip.is_empty());
        let source = || Endpoint {
            identity: at(self.source_identity(), row),
            cluster_name: self.text_at(self.source_cluster(), row),
            namespace: self.text_at(self.source_namespace(), row),
            labels: self.texts_at(self.source_labels(), row),
            pod_name: self.text_at(self.source_pod(), row),
            workloads: self.workloads_at(self.source_workloads(), row),
            ..Endpoint::default()
        };
        let destination = || Endpoint {
            identity: at(self.destination_identity(), row),
            cluster_name: self.text_at(self.destination_cluster(), row),
            namespace: self.text_at(self.destination_namespace(), row),
            labels: self.texts_at(self.destination_labels(), row),
            pod_name: self.text_at(self.destination_pod(), row),
            workloads: self.workloads_at(self.destination_workloads(), row),
            ..Endpoint::default()
        };
        let aggregate = Aggregate {
            ingress_flow_count: at(self.aggregate_ingress_flow_count(), row),
            egress_flow_count: at(self.aggregate_egress_flow_count(), row),
            unknown_direction_flow_count: at(self.aggregate_unknown_direction_flow_count(), row),
        };
        Some(Flow {
            time: (time != NO_TIME).then(|| Timestamp::from_unix_nanos(time)),
            verdict: Verdict::from_number(at(self.verdict(), row)),
            drop_reason_desc: DropReason::from_number(at(self.drop_reason(), row)),
            traffic_direction: TrafficDirection::from_number(at(self.traffic_direction(), row)),
            event_type: (parts & parts::EVENT_TYPE != 0).then_some(event_type),
            trace_observation_point: TraceObservationPoint::from_number(at(
                self.trace_observation_point(),
                row,
            )),
            trace_reason: TraceReason::from_number(at(self.trace_reason(), row)),
            is_reply: match at(self.is_reply(), row) {
                REPLY_UNKNOWN => None,
                is_reply => Some(is_reply == 1),
            },
            ip: has_ip.then(|| Ip {
                source: source_ip,
                destination: destination_ip,
                ..Ip::default()
            }),
            l4: self.layer4(row),
            source: (parts & parts::SOURCE != 0).then(source),
            destination: (parts & parts::DESTINATION != 0).then(destination),
            node_labels: self.texts_at(self.node_labels(), row),
            source_names: self.texts_at(self.source_names(), row),
            destination_names: self.texts_at(self.destination_names(), row),
            l7: self.layer7(row),
            source_service: self.service_at(
                self.source_service(),
                self.source_service_namespace(),
                row,
            ),
            destination_service: self.service_at(
                self.destination_service(),
                self.destination_service_namespace(),
                row,
            ),
            egress_allowed_by: self.policies_at(self.egress_allowed_by(), row),
            ingress_allowed_by: self.policies_at(self.ingress_allowed_by(), row),
            egress_denied_by: self.policies_at(self.egress_denied_by(), row),
            ingress_denied_by: self.policies_at(self.ingress_denied_by(), row),
            aggregate: (aggregate != Aggregate::default()).then_some(aggregate),
            ..Flow::default()
        })
    }

    fn layer4(&self, row: usize) -> Option<Layer4> {
        let source_port = at(self.source_port(), row);
        let destination_port = at(self.destination_port(), row);
        let icmp = Icmp { icmp_type: at(self.icmp_type(), row), code: at(self.icmp_code(), row) };
        let flags = TcpFlags::from_bits_truncate(at(self.tcp_flags(), row));
        Some(match at(self.l4_protocol(), row) {
            l4_protocol::TCP => {
                let flags = (!flags.is_empty()).then_some(flags);
                Layer4::Tcp(Tcp { source_port, destination_port, flags })
            }
            l4_protocol::UDP => Layer4::Udp(Udp { source_port, destination_port }),
            l4_protocol::SCTP => {
                Layer4::Sctp(Sctp { source_port, destination_port, ..Sctp::default() })
            }
            l4_protocol::ICMPV4 => Layer4::Icmpv4(icmp),
            l4_protocol::ICMPV6 => Layer4::Icmpv6(icmp),
            l4_protocol::VRRP => Layer4::Vrrp(Vrrp::default()),
            l4_protocol::IGMP => Layer4::Igmp(Igmp::default()),
            _ => return None,
        })
    }

    fn layer7(&self, row: usize) -> Option<Layer7> {
        let record = match at(self.l7_record(), row) {
            l7_record::NONE => return None,
            l7_record::DNS => Some(L7Record::Dns(Dns {
                query: self.text_at(self.dns_query(), row),
                ips: self.texts_at(self.dns_ips(), row),
                rcode: at(self.dns_rcode(), row),
                ..Dns::default()
            })),
            l7_record::HTTP => Some(L7Record::Http(Http {
                code: at(self.http_code(), row),
                method: self.text_at(self.http_method(), row),
                url: self.text_at(self.http_url(), row),
                headers: self.headers_at(self.http_headers(), row),
                ..Http::default()
            })),
            l7_record::KAFKA => Some(L7Record::Kafka(Kafka::default())),
            _ => None,
        };
        let l7_type = L7FlowType::from_number(at(self.l7_type(), row));
        Some(Layer7 { l7_type, record, ..Layer7::default() })
    }

    fn text_at(&self, column: &[u32], row: usize) -> String {
        self.text(at(column, row)).to_owned()
    }

    fn texts_at(&self, column: &[u32], row: usize) -> Vec<String> {
        self.items(at(column, row)).map(Cow::into_owned).collect()
    }

    fn service_at(&self, names: &[u32], namespaces: &[u32], row: usize) -> Option<Service> {
        let service =
            Service { name: self.text_at(names, row), namespace: self.text_at(namespaces, row) };
        (service != Service::default()).then_some(service)
    }

    fn workloads_at(&self, column: &[u32], row: usize) -> Vec<Workload> {
        let workloads = self.workloads(at(column, row));
        workloads
            .map(|own| Workload { name: own.name.into_owned(), kind: own.kind.into_owned() })
            .collect()
    }

    fn headers_at(&self, column: &[u32], row: usize) -> Vec<HttpHeader> {
        let headers = self.headers(at(column, row));
        headers
            .map(|(key, value)| HttpHeader { key: key.into_owned(), value: value.into_owned() })
            .collect()
    }

    fn policies_at(&self, column: &[u32], row: usize) -> Vec<Policy> {
        let policies = self.policies(at(column, row));
        policies
            .map(|own| Policy {
                kind: own.kind.into_owned(),
                namespace: own.namespace.into_owned(),
                name: own.name.into_owned(),
                ..Policy::default()
            })
            .collect()
    }
}
