//! Links from a row of a flow table to related data: the pair in both directions, the reply, the
//! DNS name before the connection, and the dashboards of both endpoints; and from a node or edge of
//! a graph to its flows.

use serde_json::{Value, json};

use crate::node_graph::FLOW_FILTERS;
use crate::{DataLink, Frame, InternalLink};

/// Table with links in its fields. Links to queries use the same data source and open in Explore.
pub fn flow_links(mut table: Frame, datasource_uid: &str) -> Frame {
    let query = |title: &str, query: Value| in_explore(title, query, datasource_uid);
    for field in &mut table.fields {
        let links = match field.name.as_str() {
            // Endpoints outside of the cluster have no pod, and pods of other nodes often no
            // workload. An empty cell has no link.
            "Source pod" => dashboards("pod", "Source"),
            "Source workload" => dashboards("workload", "Source"),
            "Destination pod" => dashboards("pod", "Destination"),
            "Destination workload" => dashboards("workload", "Destination"),
            "Destination" => vec![
                query("This pair in both directions", pair()),
                query("The DNS name that led here", dns_name()),
            ],
            "Reply" => vec![query("The reply", reply())],
            _ => continue,
        };
        field.config.links = links;
    }
    table
}

/// Frames of a node graph with a link from each node and edge to its flows. Grafana's menu shows
/// the links of all fields of a row.
pub fn graph_links(mut frames: Vec<Frame>, datasource_uid: &str) -> Vec<Frame> {
    let flows = json!({
        "refId": "A",
        "queryType": "flows",
        "format": "table",
        "allowlist": FLOW_FILTERS.map(cell),
    });
    let [first, _] = FLOW_FILTERS;
    for field in frames.iter_mut().flat_map(|frame| &mut frame.fields) {
        if field.name == first {
            field.config.links =
                vec![in_explore("The flows behind it", flows.clone(), datasource_uid)];
        }
    }
    frames
}

fn in_explore(title: &str, query: Value, datasource_uid: &str) -> DataLink {
    DataLink {
        title: title.to_owned(),
        url: String::new(),
        internal: Some(InternalLink {
            datasource_uid: datasource_uid.to_owned(),
            datasource_name: "Hubble",
            query,
        }),
    }
}

/// Placeholder for a cell of the clicked row. It contains single quotes because it is part of JSON
/// within JSON.
fn cell(field: &str) -> String {
    format!("${{__data.fields['{field}']}}")
}

/// Links to the dashboards of a pod or workload, by `variable` name and the field prefix of source
/// or destination.
fn dashboards(variable: &str, end: &str) -> Vec<DataLink> {
    let value = |part: &str| format!("${{__data.fields['{end} {part}']:percentencode}}");
    let boards = [("Pod flows", "k8snet-pod-flows-workload"), ("Drops", "k8snet-drops-workload")];
    boards
        .map(|(what, uid)| {
            let url = format!(
                "/d/{uid}?var-namespace={}&var-{variable}={}&${{__url_time_range}}",
                value("namespace"),
                value(variable)
            );
            DataLink { title: format!("{what} of this {variable}"), url, internal: None }
        })
        .into()
}

/// Raw filter between two addresses, which need no escaping in JSON.
fn between(source: &str, destination: &str) -> Value {
    json!({ "source_ip": [cell(source)], "destination_ip": [cell(destination)] })
}

fn pair() -> Value {
    let there = between("Source IP", "Destination IP").to_string();
    let back = between("Destination IP", "Source IP").to_string();
    json!({ "refId": "A", "queryType": "flows", "format": "table", "allowlist": [there, back] })
}

/// Query for the reply. A flow without addresses has no reply, so this uses a raw filter, which
/// refuses an empty text; an empty flag would be dropped and would select all flows. For a flow
/// without ports the addresses suffice, because an ad hoc filter without a value is dropped.
fn reply() -> Value {
    let back = between("Destination IP", "Source IP").to_string();
    let port =
        |key: &str, field: &str| json!({ "key": key, "operator": "=", "value": cell(field) });
    json!({
        "refId": "A",
        "queryType": "flows",
        "format": "table",
        "allowlist": [back],
        "adhocFilters": [port("fromPort", "Destination port"), port("toPort", "Source port")],
    })
}

/// Query for the DNS name; raw for the same reason as [`reply`].
fn dns_name() -> Value {
    let from = json!({ "source_ip": [cell("Source IP")] }).to_string();
    json!({
        "refId": "A",
        "queryType": "dnsConnections",
        "allowlist": [from],
        "ip": cell("Destination IP"),
    })
}
