//! Columns, the fields that they are read from, and the releases that know these.

use super::Release;
use flow::columns::{Column, ColumnSet};

/// Paths that every mask holds: a node copies time and name of the message around a flow from
/// what the mask leaves of it, and the relay sorts by that time.
const ALWAYS: [&str; 2] = ["time", "node_name"];

/// The columns of `columns` that nodes of `release` have nothing for, with the first release that
/// has.
pub fn columns_since(columns: ColumnSet, release: Release) -> Vec<(Column, Release)> {
    let newer = Column::ALL.iter().copied().filter(|column| columns.contains(*column));
    newer.map(|column| (column, since(column))).filter(|(_, since)| release < *since).collect()
}

/// The paths of a field mask that lets through what `columns` show, as nodes of `release` take
/// it; empty, which means no mask, for all columns and where masks are not known.
///
/// Messages of a `oneof` are asked for whole: a path that leads through one would make a node
/// send the member of an earlier flow again where a flow has another one.
/// Source: `pkg/hubble/parser/fieldmask`, `Copy`.
pub fn mask_paths(columns: ColumnSet, release: Release) -> Vec<String> {
    if release < Release::MASKED || columns == ColumnSet::ALL {
        return Vec::new();
    }
    let known = |column: &&Column| columns.contains(**column) && since(**column) <= release;
    let of_columns = Column::ALL.iter().filter(known).flat_map(|column| paths(*column));
    let mut paths: Vec<String> =
        ALWAYS.iter().chain(of_columns).map(|path| (*path).to_owned()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// The first release whose flows have it; the oldest that masks where it was always there.
pub(super) fn since(column: Column) -> Release {
    let minor = match column {
        Column::Uuid | Column::AuthType => 14,
        Column::EgressAllowedBy | Column::IngressAllowedBy => 15,
        Column::EgressDeniedBy
        | Column::IngressDeniedBy
        | Column::TraceReason
        | Column::SourceCluster
        | Column::DestinationCluster => 16,
        Column::PolicyLog => 18,
        Column::AggregateIngressFlowCount
        | Column::AggregateEgressFlowCount
        | Column::AggregateUnknownDirectionFlowCount => 19,
        _ => 0,
    };
    Release::new(1, minor)
}

/// The fields of `Flow` that a column is read from.
const fn paths(column: Column) -> &'static [&'static str] {
    match column {
        Column::TimeNanos => &["time"],
        Column::Verdict => &["verdict"],
        Column::DropReason => &["drop_reason_desc", "drop_reason"],
        Column::TrafficDirection => &["traffic_direction"],
        Column::FlowType => &["Type"],
        Column::EventType | Column::EventSubType => &["event_type"],
        Column::TraceObservationPoint => &["trace_observation_point"],
        Column::TraceReason => &["trace_reason"],
        Column::DebugCapturePoint => &["debug_capture_point"],
        Column::SockXlatePoint => &["sock_xlate_point"],
        Column::PolicyMatchType => &["policy_match_type"],
        Column::AuthType => &["auth_type"],
        Column::IsReply => &["is_reply", "reply"],
        Column::ProxyPort => &["proxy_port"],
        Column::InterfaceIndex | Column::Interface => &["interface"],
        Column::IpVersion => &["IP.ipVersion"],
        Column::Encrypted => &["IP.encrypted"],
        Column::SourceMac | Column::DestinationMac => &["ethernet"],
        Column::SourceIp => &["IP.source"],
        Column::DestinationIp => &["IP.destination"],
        Column::L4Protocol
        | Column::SourcePort
        | Column::DestinationPort
        | Column::TcpFlags
        | Column::IcmpType
        | Column::IcmpCode => &["l4"],
        Column::SourceIdentity => &["source.identity"],
        Column::SourceNamespace => &["source.namespace"],
        Column::SourcePod => &["source.pod_name"],
        Column::SourceCluster => &["source.cluster_name"],
        Column::SourceLabels => &["source.labels"],
        Column::SourceWorkloads => &["source.workloads"],
        Column::DestinationIdentity => &["destination.identity"],
        Column::DestinationNamespace => &["destination.namespace"],
        Column::DestinationPod => &["destination.pod_name"],
        Column::DestinationCluster => &["destination.cluster_name"],
        Column::DestinationLabels => &["destination.labels"],
        Column::DestinationWorkloads => &["destination.workloads"],
        Column::L7Type
        | Column::L7Record
        | Column::L7LatencyNanos
        | Column::DnsQuery
        | Column::DnsObservationSource
        | Column::DnsRcode
        | Column::DnsTtlSecs
        | Column::DnsIps
        | Column::DnsCnames
        | Column::DnsQtypes
        | Column::HttpCode
        | Column::HttpMethod
        | Column::HttpUrl
        | Column::HttpProtocol => &["l7"],
        Column::AggregateIngressFlowCount
        | Column::AggregateEgressFlowCount
        | Column::AggregateUnknownDirectionFlowCount => &["aggregate"],
        Column::SourceService | Column::SourceServiceNamespace => &["source_service"],
        Column::DestinationService | Column::DestinationServiceNamespace => {
            &["destination_service"]
        }
        Column::NodeName => &["node_name"],
        Column::SourceNames => &["source_names"],
        Column::DestinationNames => &["destination_names"],
        Column::EgressAllowedBy => &["egress_allowed_by"],
        Column::IngressAllowedBy => &["ingress_allowed_by"],
        Column::EgressDeniedBy => &["egress_denied_by"],
        Column::IngressDeniedBy => &["ingress_denied_by"],
        Column::PolicyLog => &["policy_log"],
        Column::Uuid => &["uuid"],
    }
}
