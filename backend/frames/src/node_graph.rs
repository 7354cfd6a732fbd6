//! Service maps for Grafana's node graph: a frame of nodes and a frame of edges.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Float64Array, StringArray};
use flow::filter::FlowFilter;
use flow::service_map::{MapCounts, ServiceMap};
use hubble_api::json::write_filter;

use crate::{Field, FieldConfig, FixedColor, Frame, Meta};

/// Fields with the filters for the flows of a node or edge, one for each direction.
pub(crate) const FLOW_FILTERS: [&str; 2] = ["flows_there", "flows_back"];

/// Text in place of missing filters. It is deliberately invalid: a query with it fails with an
/// error that quotes it, instead of selecting all flows.
const NO_FILTER: &str = r#"{"endpoints of several kinds, which no single filter selects": []}"#;

/// Frames of the graph, with rates over `secs` seconds.
pub fn node_graph(map: &ServiceMap, secs: f64, meta: Meta) -> Vec<Frame> {
    let nodes = || map.nodes.iter();
    let edges = || map.edges.iter();
    let node_counts: Vec<MapCounts> = nodes().map(|node| node.counts).collect();
    let edge_counts: Vec<MapCounts> = edges().map(|edge| edge.counts).collect();
    let mut node_fields = vec![
        texts("id", (0..map.nodes.len()).map(|index| index.to_string())),
        titled("title", "Name", nodes().map(|node| node.title.clone())),
        titled("subtitle", "Namespace or kind", nodes().map(|node| node.subtitle.clone())),
        rates("mainstat", &node_counts, secs, MapCounts::total),
        titled("secondarystat", "Dropped", node_counts.iter().map(|counts| dropped(*counts))),
        arc("arc__forwarded", ("Forwarded", "green"), &node_counts, |counts| counts.forwarded),
        arc("arc__redirected", ("Redirected", "blue"), &node_counts, |counts| counts.redirected),
        arc("arc__dropped", ("Dropped", "red"), &node_counts, |counts| counts.dropped),
        arc("arc__other", ("Audit, error, other", "orange"), &node_counts, |counts| counts.other),
        flows("detail__flows", "Flows", &node_counts, MapCounts::total),
        flows("detail__dropped", "Dropped", &node_counts, |counts| counts.dropped),
    ];
    let mut edge_fields = vec![
        texts("id", edges().map(|edge| format!("{}-{}", edge.source, edge.destination))),
        texts("source", edges().map(|edge| edge.source.to_string())),
        texts("target", edges().map(|edge| edge.destination.to_string())),
        rates("mainstat", &edge_counts, secs, MapCounts::total),
        titled("secondarystat", "Drop reasons", edges().map(|edge| listed(&edge.drop_reasons))),
        texts("color", edge_counts.iter().map(|counts| color(*counts).to_owned())),
        titled("detail__ports", "Ports", edges().map(|edge| listed(&edge.ports))),
        titled("detail__http", "HTTP", edges().map(|edge| listed(&edge.http))),
        titled("detail__dns", "DNS", edges().map(|edge| listed(&edge.dns))),
        flows("detail__flows", "Flows", &edge_counts, MapCounts::total),
        flows("detail__dropped", "Dropped", &edge_counts, |counts| counts.dropped),
    ];
    node_fields.extend(flow_filters(nodes().map(|node| map.flows_of_node(node))));
    edge_fields.extend(flow_filters(edges().map(|edge| map.flows_of_edge(edge))));
    let of_graph = Meta { preferred_visualisation_type: Some("nodeGraph"), ..Meta::default() };
    vec![
        Frame {
            name: "nodes".to_owned(),
            fields: node_fields,
            meta: Meta { preferred_visualisation_type: Some("nodeGraph"), ..meta },
        },
        Frame { name: "edges".to_owned(), fields: edge_fields, meta: of_graph },
    ]
}

fn flow_filters(filters: impl Iterator<Item = Option<[FlowFilter; 2]>>) -> [Field; 2] {
    let (there, back): (Vec<String>, Vec<String>) = filters
        .map(|filters| {
            let [there, back] = filters?;
            Some((write_filter(&there).ok()?, write_filter(&back).ok()?))
        })
        .map(|filters| filters.unwrap_or_else(|| (NO_FILTER.to_owned(), NO_FILTER.to_owned())))
        .unzip();
    let [name_there, name_back] = FLOW_FILTERS;
    [texts(name_there, there.into_iter()), texts(name_back, back.into_iter())]
}

fn texts(name: &str, values: impl Iterator<Item = String>) -> Field {
    Field::new(name, Arc::new(StringArray::from_iter_values(values)))
}

/// Field with a display name, because the node graph shows the field name otherwise. Source:
/// `public/app/plugins/panel/nodeGraph/Legend.tsx`, `useContextMenu.tsx`.
fn titled(name: &str, title: &'static str, values: impl Iterator<Item = String>) -> Field {
    texts(name, values)
        .with_config(FieldConfig { display_name: Some(title), ..FieldConfig::default() })
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn numbers(counts: &[MapCounts], number: impl Fn(MapCounts) -> u64) -> Vec<f64> {
    counts.iter().map(|counts| number(*counts) as f64).collect()
}

fn rates(name: &str, counts: &[MapCounts], secs: f64, of: fn(MapCounts) -> u64) -> Field {
    let secs = secs.max(0.001);
    let values: Vec<f64> = numbers(counts, of).into_iter().map(|flows| flows / secs).collect();
    Field::new(name, Arc::new(Float64Array::from(values))).with_config(FieldConfig {
        display_name: Some("Flows per second"),
        unit: Some("eps"),
        ..FieldConfig::default()
    })
}

fn flows(
    name: &str,
    title: &'static str,
    counts: &[MapCounts],
    of: impl Fn(MapCounts) -> u64,
) -> Field {
    Field::new(name, Arc::new(Float64Array::from(numbers(counts, of))))
        .with_config(FieldConfig { display_name: Some(title), ..FieldConfig::default() })
}

/// Section of the ring around a node; the sections add up to 1.
fn arc(
    name: &str,
    (title, color): (&'static str, &'static str),
    counts: &[MapCounts],
    of: impl Fn(MapCounts) -> u64,
) -> Field {
    let totals = numbers(counts, MapCounts::total);
    let parts = numbers(counts, of);
    let shares: Vec<f64> =
        parts.into_iter().zip(totals).map(|(part, total)| part / total.max(1.0)).collect();
    Field::new(name, Arc::new(Float64Array::from(shares))).with_config(FieldConfig {
        display_name: Some(title),
        color: Some(FixedColor::new(color)),
        ..FieldConfig::default()
    })
}

fn dropped(counts: MapCounts) -> String {
    if counts.dropped == 0 { String::new() } else { format!("{} dropped", counts.dropped) }
}

/// Colour of a node or edge: the verdict's own if there is only one, or orange if some flows
/// failed.
fn color(counts: MapCounts) -> &'static str {
    let passed = counts.forwarded + counts.redirected;
    match (counts.dropped, passed, counts.other) {
        (0, _, 0) if passed > 0 && counts.forwarded == 0 => "blue",
        (0, _, 0) => "green",
        (_, 0, 0) => "red",
        _ => "orange",
    }
}

/// Texts with their counts, the largest first.
fn listed(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by_key(|(_, flows)| std::cmp::Reverse(**flows));
    let texts: Vec<String> =
        counts.iter().map(|(name, flows)| format!("{name} ({flows})")).collect();
    texts.join(", ")
}
