//! The service map: communicating workloads in a time range, as a node graph.

use budget::Held;
use flow::TimeRange;
use flow::columns::FlowColumns;
use flow::service_map::{MapBy, ServiceMap};
use frames::{Frame, graph_links, node_graph};
use query::{NodesBy, ServiceMapQuery};
use relay::BufferStart;
use wording::{Notice, count};

use crate::scan::{Fold, Rows, scan};
use crate::select::select;
use crate::{ExecutionError, FlowSource, QueryContext};

/// Maximum number of nodes that Grafana's node graph draws; it hides the rest. Source:
/// `public/app/plugins/panel/nodeGraph/NodeGraph.tsx`, `defaultNodeCountLimit`.
const MAX_NODES: usize = 200;

fn map_by(by: NodesBy) -> MapBy {
    match by {
        NodesBy::Workload => MapBy::Workload,
        NodesBy::Namespace => MapBy::Namespace,
        NodesBy::Pod => MapBy::Pod,
        NodesBy::Identity => MapBy::Identity,
    }
}

impl Fold for ServiceMap {
    fn add(&mut self, columns: &FlowColumns, row: usize) {
        Self::add(self, columns, row);
    }

    fn bytes(&self) -> usize {
        Self::bytes(self)
    }
}

/// Reads the relay's flows and returns them as a graph.
///
/// Errors: [`ExecutionError`], if there is nothing to show.
pub async fn service_map(
    source: FlowSource<'_>,
    context: &QueryContext,
    query: &ServiceMapQuery,
    held: &mut Held,
) -> Result<Vec<Frame>, ExecutionError> {
    let range = TimeRange::of_ms(context.from_ms, context.to_ms);
    let selected = select(source, &query.form, range, held).await?;
    let rows = Rows { columns: ServiceMap::COLUMNS, timeless: "left out" };
    let (scan, map) =
        scan(source, selected, rows, held, || ServiceMap::new(map_by(query.by))).await?;
    let mut notices = Vec::new();
    let (map, grouped) = map.grouped(MAX_NODES);
    if grouped {
        notices.push(Notice::info(format!(
            "more than {MAX_NODES} nodes: each of the largest namespaces is shown as one node; narrow the filter to see its parts"
        )));
    }
    if map.without_edge > 0 {
        notices.push(Notice::warning(format!(
            "{} not drawn as edges, because there are too many pairs: narrow the filter",
            count(map.without_edge, "flow")
        )));
    }
    if map.without_connection > 0 {
        notices.push(Notice::info(format!(
            "{} not drawn, not being connections of their own: ICMP errors, neighbour discovery, a pod's own traffic through a Service, replies to unseen requests",
            count(map.without_connection, "flow")
        )));
    }
    // Rates are computed over the part of the range that the buffers cover.
    let range = scan.range;
    let oldest_nanos = scan.start.as_ref().and_then(BufferStart::oldest_nanos);
    let known_from_nanos =
        oldest_nanos.map_or(range.from_nanos, |oldest| oldest.max(range.from_nanos));
    let known_to_nanos = range.to_nanos.min(scan.now_ms.saturating_mul(1_000_000));
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a time range")]
    let secs = known_to_nanos.saturating_sub(known_from_nanos).max(1_000_000) as f64 / 1e9;
    let meta = scan.meta(&query.notices, notices, map.nodes.is_empty(), Vec::new());
    Ok(graph_links(node_graph(&map, secs, meta), &context.datasource_uid))
}
