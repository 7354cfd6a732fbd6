//! From a row of a table of flows to what belongs to it: the pair in both directions, the reply,
//! the DNS name that led there, and the dashboards of both ends; from a node or edge of a graph to
//! its flows.

use serde_json::{Value, json};

use crate::node_graph::FLOW_FILTERS;
use crate::{DataLink, Frame, InternalLink};

/// The table with links in its fields. Queries of links ask the same data source again, and open
/// in Explore.
pub fn flow_links(mut table: Frame, datasource_uid: &str) -> Frame {
    let query = |title: &str, query: Value| in_explore(title, query, datasource_uid);
    for field in &mut table.fields {
        let links = match field.name.as_str() {
            // Of an end outside of the cluster there is no pod, and of a pod of another node often no
            // workload: where the cell is empty, there is nothing to click.
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

/// A node graph's frames with a link from each node and edge to its flows. Grafana shows the links of
/// all fields of a row in its menu.
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

/// Grafana puts the row's own value there. Single quotes: it stands in JSON within JSON.
fn cell(field: &str) -> String {
    format!("${{__data.fields['{field}']}}")
}

/// The dashboards of a `pod` or `workload`, by the name of their variable, at one `end` of a flow.
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

/// A raw filter; addresses hold nothing that JSON would have to escape.
fn between(source: &str, destination: &str) -> Value {
    json!({ "source_ip": [cell(source)], "destination_ip": [cell(destination)] })
}

fn pair() -> Value {
    let there = between("Source IP", "Destination IP").to_string();
    let back = between("Destination IP", "Source IP").to_string();
    json!({ "refId": "A", "queryType": "flows", "format": "table", "allowlist": [there, back] })
}

/// A flow without addresses has no reply to ask for: the raw filter refuses the empty text, where a
/// flag would be left out and all flows asked for. One without ports is answered by its addresses:
/// an ad hoc filter without a value is left out.
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

/// Raw for the same reason as [`reply`].
fn dns_name() -> Value {
    let from = json!({ "source_ip": [cell("Source IP")] }).to_string();
    json!({
        "refId": "A",
        "queryType": "dnsConnections",
        "allowlist": [from],
        "ip": cell("Destination IP"),
    })
}
