//! Filters, and the releases that know them.

use super::Release;
use super::columns::since;
use flow::columns::Column;
use flow::filter::{FilterSet, FlowFilter};

/// A condition of a filter that a release does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilterNeed {
    /// The field's name in flow.proto.
    pub field: &'static str,
    /// The first release that knows it.
    pub since: Release,
}

impl FilterNeed {
    /// The first release whose flows hold what the condition looks at: on flows of older ones it
    /// never holds, wherever it is applied.
    ///
    /// Source: the history of `api/v1/flow/flow.proto`.
    pub fn recorded_since(&self) -> Release {
        match self.field {
            "uuid" => since(Column::Uuid),
            "source_cluster_name" | "destination_cluster_name" => since(Column::SourceCluster),
            // They came together with their filters.
            "trace_id" | "source_ip_xlated" | "node_labels" | "ip_trace_id" | "protocol" => {
                self.since
            }
            _ => Release::new(1, 0),
        }
    }
}

/// The part of some filters that a release knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFilters {
    /// Lets through all that the filters want, and more where something is unknown.
    pub filters: FilterSet,
    /// What is not known, sorted; what is left of the filters has to be applied by who asks.
    pub unknown: Vec<FilterNeed>,
}

/// What nodes of `release` can be asked for `filters`. A filter that excludes flows is left out
/// whole where part of it is unknown: without that part it would exclude too many.
pub fn known_filters(filters: &FilterSet, release: Release) -> KnownFilters {
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
    KnownFilters { filters: FilterSet { allow, deny }, unknown }
}

/// The filter without its conditions that `release` does not know, which go to `unknown`.
fn known(mut filter: FlowFilter, release: Release, unknown: &mut Vec<FilterNeed>) -> FlowFilter {
    // Exhaustive: a new field upstream must be looked at here.
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
            unknown.push(FilterNeed { field, since });
        }
    };
    check("source_workload", 13, &mut || take(source_workload));
    check("destination_workload", 13, &mut || take(destination_workload));
    check("trace_id", 13, &mut || take(trace_id));
    check("uuid", 14, &mut || take(uuid));
    check("traffic_direction", 14, &mut || take(traffic_direction));
    check("http_url", 15, &mut || take(http_url));
    check("http_header", 15, &mut || take(http_header));
    // Any namespace: before, `/name` meant a pod without a namespace.
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
    // Protocols that it does not know are an error of the whole request.
    check("protocol", 19, &mut || take_if(protocol, protocol_since_1_19));
    check("ip_trace_id", 19, &mut || take(ip_trace_id));
    check("encrypted", 19, &mut || take(encrypted));
    filter
}

/// Empties a field; whether there was something in it.
fn take<T>(values: &mut Vec<T>) -> bool {
    !std::mem::take(values).is_empty()
}

/// Empties a field where one of its values is such: values are alternatives.
fn take_if(values: &mut Vec<String>, is_such: fn(&String) -> bool) -> bool {
    values.iter().any(is_such) && take(values)
}

#[expect(clippy::ptr_arg, reason = "it judges the items of a list of texts")]
fn any_namespace(name: &String) -> bool {
    name.starts_with('/')
}

#[expect(clippy::ptr_arg, reason = "it judges the items of a list of texts")]
fn protocol_since_1_19(name: &String) -> bool {
    name.eq_ignore_ascii_case("vrrp") || name.eq_ignore_ascii_case("igmp")
}
