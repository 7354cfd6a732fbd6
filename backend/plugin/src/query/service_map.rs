//! Who talks to whom in a time range, as a node graph.

use flow::service_map::{MapBy, ServiceMap};
use serde::Deserialize;
use wording::Notice;

use super::fields::Fields;
use super::form::FlowsForm;
use super::model::{InvalidQuery, read_fields};
use super::rows::read_rows;
use super::{Envelope, QueryError};
use crate::instance::Instance;
use frames::{Frame, graph_links, node_graph};

/// Nodes that Grafana's node graph draws; it hides all others.
/// Source: `public/app/plugins/panel/nodeGraph/NodeGraph.tsx`, `defaultNodeCountLimit`.
const MAX_NODES: usize = 200;

/// Flows as a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceMapQuery {
    pub(crate) form: FlowsForm,
    pub(crate) by: NodesBy,
    pub(crate) notices: Vec<Notice>,
}

/// What a node stands for.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "MapBy"))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NodesBy {
    #[default]
    Workload,
    Namespace,
    Pod,
    Identity,
}

#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ServiceMapFields", optional_fields))]
pub(super) struct ServiceMapJson {
    by: Option<NodesBy>,
}

impl ServiceMapJson {
    fn take(fields: &mut Fields) -> Result<Self, InvalidQuery> {
        Ok(Self { by: fields.choice("by")? })
    }
}

impl ServiceMapQuery {
    /// Reads the JSON of a query. Errors: [`InvalidQuery`].
    pub(crate) fn read(json: &[u8]) -> Result<Self, InvalidQuery> {
        let (form, json, notices) = read_fields(json, "serviceMap", ServiceMapJson::take)?;
        Ok(Self { form, by: json.by.unwrap_or_default(), notices })
    }
}

impl From<NodesBy> for MapBy {
    fn from(by: NodesBy) -> Self {
        match by {
            NodesBy::Workload => Self::Workload,
            NodesBy::Namespace => Self::Namespace,
            NodesBy::Pod => Self::Pod,
            NodesBy::Identity => Self::Identity,
        }
    }
}

/// Asks the relay and draws the graph.
///
/// Errors: [`QueryError`], when there is nothing to show.
pub(super) async fn frames(
    instance: &Instance,
    envelope: &Envelope,
    query: &ServiceMapQuery,
) -> Result<Vec<Frame>, QueryError> {
    let (read, map) = read_rows(
        instance,
        envelope,
        &query.form,
        |filters| filters,
        ServiceMap::COLUMNS,
        || ServiceMap::new(query.by.into()),
        ServiceMap::add,
    )
    .await?;
    let mut notices = Vec::new();
    let (map, grouped) = map.grouped(MAX_NODES);
    if grouped {
        notices.push(Notice::info(format!(
            "more than {MAX_NODES} nodes: those of the largest namespaces are shown as one each; narrow the filter to see them"
        )));
    }
    if map.unpaired > 0 {
        notices.push(Notice::warning(format!(
            "{} flows are not drawn as edges: there are too many pairs, narrow the filter",
            map.unpaired
        )));
    }
    if map.beside > 0 {
        notices.push(Notice::info(format!(
            "{} flows are not drawn: they are no connections of their own (ICMP errors, neighbour discovery, a pod's own traffic through a Service, answers to what was not seen)",
            map.beside
        )));
    }
    // Rates are over what the buffers cover, not over what was asked for.
    let range = read.range;
    let known_from_nanos =
        read.oldest_nanos.map_or(range.from_nanos, |oldest| oldest.max(range.from_nanos));
    let known_to_nanos = range.to_nanos.min(read.now_ms.saturating_mul(1_000_000));
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a time range")]
    let secs = known_to_nanos.saturating_sub(known_from_nanos).max(1_000_000) as f64 / 1e9;
    let meta = read.meta(&query.notices, notices, map.nodes.is_empty());
    Ok(graph_links(node_graph(&map, secs, meta), &envelope.datasource_uid))
}
