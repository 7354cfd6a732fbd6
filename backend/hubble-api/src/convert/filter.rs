//! Filters.

use flow::filter::{EventTypeFilter, FlowFilter};
use flow::{DropReason, IpVersion, MessageType, TrafficDirection, Verdict};

use super::all;
use crate::pb::flow as pb;
use crate::pb::flow::flow_filter::Experimental;

impl From<pb::EventTypeFilter> for EventTypeFilter {
    fn from(wire: pb::EventTypeFilter) -> Self {
        let pb::EventTypeFilter { r#type, match_sub_type, sub_type } = wire;
        Self { message_type: MessageType::from_number(r#type), match_sub_type, sub_type }
    }
}

impl From<EventTypeFilter> for pb::EventTypeFilter {
    fn from(own: EventTypeFilter) -> Self {
        let EventTypeFilter { message_type, match_sub_type, sub_type } = own;
        Self { r#type: message_type.number(), match_sub_type, sub_type }
    }
}

fn named<T>(numbers: Vec<i32>, from_number: fn(i32) -> T) -> Vec<T> {
    numbers.into_iter().map(from_number).collect()
}

impl From<pb::FlowFilter> for FlowFilter {
    fn from(wire: pb::FlowFilter) -> Self {
        let pb::FlowFilter {
            source_ip,
            source_pod,
            destination_ip,
            destination_pod,
            verdict,
            event_type,
            source_fqdn,
            destination_fqdn,
            http_status_code,
            source_label,
            destination_label,
            protocol,
            source_port,
            destination_port,
            reply,
            source_service,
            destination_service,
            dns_query,
            source_identity,
            destination_identity,
            http_method,
            http_path,
            tcp_flags,
            node_name,
            ip_version,
            source_workload,
            destination_workload,
            trace_id,
            uuid,
            traffic_direction,
            http_url,
            http_header,
            drop_reason_desc,
            source_ip_xlated,
            interface,
            node_labels,
            source_cluster_name,
            destination_cluster_name,
            ip_trace_id,
            encrypted,
            experimental,
        } = wire;
        Self {
            uuid,
            source_ip,
            source_ip_xlated,
            source_pod,
            source_fqdn,
            source_label,
            source_service,
            source_workload: all(source_workload),
            source_cluster_name,
            destination_ip,
            destination_pod,
            destination_fqdn,
            destination_label,
            destination_service,
            destination_workload: all(destination_workload),
            destination_cluster_name,
            traffic_direction: named(traffic_direction, TrafficDirection::from_number),
            verdict: named(verdict, Verdict::from_number),
            drop_reason_desc: named(drop_reason_desc, DropReason::from_number),
            interface: all(interface),
            event_type: all(event_type),
            http_status_code,
            protocol,
            source_port,
            destination_port,
            reply,
            dns_query,
            source_identity,
            destination_identity,
            http_method,
            http_path,
            http_url,
            http_header: all(http_header),
            tcp_flags: all(tcp_flags),
            node_name,
            node_labels,
            ip_version: named(ip_version, IpVersion::from_number),
            trace_id,
            ip_trace_id,
            encrypted,
            cel_expression: experimental
                .map(|Experimental { cel_expression }| cel_expression)
                .unwrap_or_default(),
        }
    }
}

impl From<FlowFilter> for pb::FlowFilter {
    fn from(own: FlowFilter) -> Self {
        let FlowFilter {
            uuid,
            source_ip,
            source_ip_xlated,
            source_pod,
            source_fqdn,
            source_label,
            source_service,
            source_workload,
            source_cluster_name,
            destination_ip,
            destination_pod,
            destination_fqdn,
            destination_label,
            destination_service,
            destination_workload,
            destination_cluster_name,
            traffic_direction,
            verdict,
            drop_reason_desc,
            interface,
            event_type,
            http_status_code,
            protocol,
            source_port,
            destination_port,
            reply,
            dns_query,
            source_identity,
            destination_identity,
            http_method,
            http_path,
            http_url,
            http_header,
            tcp_flags,
            node_name,
            node_labels,
            ip_version,
            trace_id,
            ip_trace_id,
            encrypted,
            cel_expression,
        } = own;
        Self {
            source_ip,
            source_pod,
            destination_ip,
            destination_pod,
            verdict: verdict.into_iter().map(Verdict::number).collect(),
            event_type: all(event_type),
            source_fqdn,
            destination_fqdn,
            http_status_code,
            source_label,
            destination_label,
            protocol,
            source_port,
            destination_port,
            reply,
            source_service,
            destination_service,
            dns_query,
            source_identity,
            destination_identity,
            http_method,
            http_path,
            tcp_flags: all(tcp_flags),
            node_name,
            ip_version: ip_version.into_iter().map(IpVersion::number).collect(),
            source_workload: all(source_workload),
            destination_workload: all(destination_workload),
            trace_id,
            uuid,
            traffic_direction: traffic_direction
                .into_iter()
                .map(TrafficDirection::number)
                .collect(),
            http_url,
            http_header: all(http_header),
            drop_reason_desc: drop_reason_desc.into_iter().map(DropReason::number).collect(),
            source_ip_xlated,
            interface: all(interface),
            node_labels,
            source_cluster_name,
            destination_cluster_name,
            ip_trace_id,
            encrypted,
            experimental: (!cel_expression.is_empty()).then_some(Experimental { cel_expression }),
        }
    }
}

impl From<&FlowFilter> for pb::FlowFilter {
    fn from(own: &FlowFilter) -> Self {
        own.clone().into()
    }
}
