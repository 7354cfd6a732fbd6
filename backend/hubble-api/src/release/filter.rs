//! Filters, and the releases that support them.

use super::Release;
use super::columns::since;
use flow::columns::Column;
use flow::filter::{FilterSet, FlowFilter};

/// Condition of a filter that a release does not support.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnsupportedCondition {
    /// Name of the field in flow.proto.
    pub field: &'static str,
    /// First release that supports it.
    pub since: Release,
}

impl UnsupportedCondition {
    /// First release whose flows contain the field. On older flows the condition never holds,
    /// wherever it is applied.
    ///
    /// Source: the history of `api/v1/flow/flow.proto`.
    pub fn recorded_since(&self) -> Release {
        match self.field {
            "uuid" => since(Column::Uuid),
            "source_cluster_name" | "destination_cluster_name" => since(Column::SourceCluster),
            // These fields are as old as their filters.
            "trace_id" | "source_ip_xlated" | "node_labels" | "ip_trace_id" | "protocol" => {
                self.since
            }
            _ => Release::new(1, 0),
        }
    }
}

/// Part of some filters that a release supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportedFilters {
    /// Filters that let through all requested flows, and more if some conditions are not supported.
    pub filters: FilterSet,
    /// Unsupported conditions, sorted. The caller has to apply them.
    pub unknown: Vec<UnsupportedCondition>,
}

/// Filters to send to nodes of `release`. A `deny` filter with an unsupported condition is left out
/// completely, because without that condition it would exclude too many flows.
pub fn supported_filters(filters: &FilterSet, release: Release) -> SupportedFilters {
    let mut unknown = Vec::new();
    let allow =
        filters.allow.iter().map(|filter| known(filter.clone(), release, &mut unknown)).collect();
    let mut deny = Vec::new();
    for filter in &filters.deny {
        let before = unknown.len();
        let known = known(filter.clone(), release, &mut unknown);
        if unknown.len() == before {
            deny.push(known);
        }
    }
    unknown.sort_unstable();
    unknown.dedup();
    SupportedFilters { filters: FilterSet { allow, deny }, unknown }
}

/// Filter without the conditions that `release` does not support; they are added to `unknown`.
fn known(
    mut filter: FlowFilter,
    release: Release,
    unknown: &mut Vec<UnsupportedCondition>,
) -> FlowFilter {
    // Exhaustive, so that the compiler reports a new field.
    let FlowFilter {
        uuid,
        source_ip: _,
        source_ip_xlated,
        source_pod,
        source_fqdn: _,
        source_label: _,
        source_service,
        source_workload,
        source_cluster_name,
        destination_ip: _,
        destination_pod,
        destination_fqdn: _,
        destination_label: _,
        destination_service,
        destination_workload,
        destination_cluster_name,
        traffic_direction,
        verdict: _,
        drop_reason_desc,
        interface,
        event_type: _,
        http_status_code: _,
        protocol,
        source_port: _,
        destination_port: _,
        reply: _,
        dns_query: _,
        source_identity: _,
        destination_identity: _,
        http_method: _,
        http_path: _,
        http_url,
        http_header,
        tcp_flags: _,
        node_name: _,
        node_labels,
        ip_version: _,
        trace_id,
        ip_trace_id,
        encrypted,
        cel_expression,
    } = &mut filter;
    let mut check = |field: &'static str, minor: u32, clear: &mut dyn FnMut() -> bool| {
        let since = Release::new(1, minor);
        if release < since && clear() {
            unknown.push(UnsupportedCondition { field, since });
        }
    };
    check("source_workload", 13, &mut || take(source_workload));
    check("destination_workload", 13, &mut || take(destination_workload));
    check("trace_id", 13, &mut || take(trace_id));
    check("uuid", 14, &mut || take(uuid));
    check("traffic_direction", 14, &mut || take(traffic_direction));
    check("http_url", 15, &mut || take(http_url));
    check("http_header", 15, &mut || take(http_header));
    // Any namespace: in earlier releases `/name` meant a pod without a namespace.
    check("source_pod", 15, &mut || take_if(source_pod, any_namespace));
    check("destination_pod", 15, &mut || take_if(destination_pod, any_namespace));
    check("source_service", 15, &mut || take_if(source_service, any_namespace));
    check("destination_service", 15, &mut || take_if(destination_service, any_namespace));
    check("drop_reason_desc", 16, &mut || take(drop_reason_desc));
    check("source_ip_xlated", 16, &mut || take(source_ip_xlated));
    check("interface", 16, &mut || take(interface));
    check("node_labels", 16, &mut || take(node_labels));
    check("cel_expression", 16, &mut || take(cel_expression));
    check("source_cluster_name", 17, &mut || take(source_cluster_name));
    check("destination_cluster_name", 17, &mut || take(destination_cluster_name));
    // An unknown protocol is an error of the whole request.
    check("protocol", 19, &mut || take_if(protocol, protocol_since_1_19));
    check("ip_trace_id", 19, &mut || take(ip_trace_id));
    check("encrypted", 19, &mut || take(encrypted));
    filter
}

/// Empties a field, and returns whether it had values.
fn take<T>(values: &mut Vec<T>) -> bool {
    !std::mem::take(values).is_empty()
}

/// Empties a field if one of its values is unsupported, because values are alternatives.
fn take_if(values: &mut Vec<String>, is_such: fn(&String) -> bool) -> bool {
    values.iter().any(is_such) && take(values)
}

#[expect(clippy::ptr_arg, reason = "it is called with the items of a `Vec<String>`")]
fn any_namespace(name: &String) -> bool {
    name.starts_with('/')
}

#[expect(clippy::ptr_arg, reason = "it is called with the items of a `Vec<String>`")]
fn protocol_since_1_19(name: &String) -> bool {
    name.eq_ignore_ascii_case("vrrp") || name.eq_ignore_ascii_case("igmp")
}
