//! Service map: flows as a graph of endpoints and connections, in bounded memory.

mod direction;
mod flows;
mod message;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use self::direction::{Servers, Undirected};
use self::flows::EndpointSet;
use self::message::Message;
use crate::EndpointRole;
use crate::columns::{Column, ColumnSet, FlowColumns, REPLY_UNKNOWN, at};
use crate::filter::FlowFilter;
use crate::group::protocol;
use crate::{Companion, DropReason, Verdict};

/// Maximum number of edges; flows of further pairs count only for their nodes.
const MAX_EDGES: usize = 20_000;
/// Maximum number of nodes; further endpoints share one node.
const MAX_NODES: usize = 20_000;
/// Maximum number of flows that wait until their direction is known; further ones keep their
/// recorded direction.
const MAX_WAITING: usize = 10_000;
/// Maximum number of ports, reasons and messages listed on an edge.
const MAX_DETAILS: usize = 8;
/// Subtitle of a node that stands for several.
const GROUPED: &str = "grouped";

/// Meaning of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapBy {
    /// A workload, within its namespace.
    #[default]
    Workload,
    /// A namespace.
    Namespace,
    /// A pod.
    Pod,
    /// A security identity.
    Identity,
}

/// Number of flows by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MapCounts {
    /// Forwarded, traced or translated.
    pub forwarded: u64,
    /// Handed to the L7 proxy.
    pub redirected: u64,
    /// Dropped.
    pub dropped: u64,
    /// Audited, failed, or without a verdict.
    pub other: u64,
}

/// Node of the service map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapNode {
    /// Display name.
    pub title: String,
    /// Namespace, or the kind of endpoint.
    pub subtitle: String,
    /// Counts of the flows from and to the node.
    pub counts: MapCounts,
    endpoints: EndpointSet,
}

/// Edge of the service map, in the direction in which connections are opened, if flows show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapEdge {
    /// Index of the source node.
    pub source: usize,
    /// Index of the destination node.
    pub destination: usize,
    /// Counts of the edge's flows.
    pub counts: MapCounts,
    /// Number of dropped flows by reason.
    pub drop_reasons: BTreeMap<String, u64>,
    /// Number of flows by `port/protocol` of the destination.
    pub ports: BTreeMap<String, u64>,
    /// Number of HTTP responses by method and status (`GET 503`), or `GET refused` by policy.
    pub http: BTreeMap<String, u64>,
    /// Number of DNS answers by name and result (`api.example: No Error`).
    pub dns: BTreeMap<String, u64>,
}

/// Graph of nodes and edges.
#[derive(Debug, Default)]
pub struct ServiceMap {
    by: MapBy,
    /// Nodes in the order of their first flow.
    pub nodes: Vec<MapNode>,
    /// Edges in the order of their first flow.
    pub edges: Vec<MapEdge>,
    indexes: HashMap<(String, String), usize>,
    pairs: HashMap<(usize, usize), usize>,
    /// Workload by `namespace/pod`, for pods seen by their own node.
    workloads: HashMap<String, String>,
    servers: Servers,
    waiting: Vec<Waiting>,
    /// Buffer for the name of a pod.
    pod: String,
    /// Number of flows without an edge, for lack of room.
    pub without_edge: u64,
    /// Number of flows outside of any known connection ([`Companion`]): neighbour discovery, a
    /// pod's own traffic through a Service, ICMP errors, answers to unseen questions.
    pub without_connection: u64,
}

/// Flow of unknown direction.
#[derive(Debug)]
struct Waiting {
    flow: Undirected,
    /// The flow as part of the edge in its own direction, and of the reverse edge.
    edge_flows: [EdgeFlow; 2],
    /// Whether the headers are those of an answer.
    is_answer: bool,
}

/// Flow as part of an edge.
#[derive(Debug)]
struct EdgeFlow {
    /// Indexes of the source and destination nodes.
    pair: (usize, usize),
    flows: u64,
    verdict: Verdict,
    drop_reason: Option<String>,
    port: Option<String>,
    message: Option<Message>,
}

impl MapCounts {
    /// Sum of all counts.
    pub const fn total(self) -> u64 {
        self.forwarded + self.redirected + self.dropped + self.other
    }

    fn add(&mut self, verdict: Verdict, flows: u64) {
        let count = match verdict {
            Verdict::Dropped => &mut self.dropped,
            Verdict::Redirected => &mut self.redirected,
            Verdict::Forwarded | Verdict::Traced | Verdict::Translated => &mut self.forwarded,
            Verdict::Unknown | Verdict::Error | Verdict::Audit | Verdict::Unrecognized(_) => {
                &mut self.other
            }
        };
        *count += flows;
    }

    fn merge(&mut self, other: Self) {
        self.forwarded += other.forwarded;
        self.redirected += other.redirected;
        self.dropped += other.dropped;
        self.other += other.other;
    }
}

/// Size of a node with its texts, of an edge with its counts, and of a flow that waits for its direction,
/// in bytes.
const NODE_BYTES: usize = 512;
const EDGE_BYTES: usize = 1_024;
const WAITING_BYTES: usize = 512;

impl ServiceMap {
    /// Approximate size in bytes.
    pub fn bytes(&self) -> usize {
        let nodes = self.nodes.len() + self.workloads.len();
        nodes
            .saturating_mul(NODE_BYTES)
            .saturating_add(self.edges.len().saturating_mul(EDGE_BYTES))
            .saturating_add(self.waiting.len().saturating_mul(WAITING_BYTES))
    }

    /// Columns that [`ServiceMap::add`] reads.
    pub const COLUMNS: ColumnSet = EndpointRole::NAME_COLUMNS
        .union(Companion::COLUMNS)
        .union(FlowColumns::STANDS_FOR_COLUMNS)
        .union(ColumnSet::of(&[
            Column::Verdict,
            Column::DropReason,
            Column::IsReply,
            Column::L4Protocol,
            Column::L7Record,
            Column::L7Type,
            Column::HttpMethod,
            Column::HttpCode,
            Column::DnsQuery,
            Column::DnsRcode,
            Column::SourcePort,
            Column::DestinationPort,
            Column::SourceWorkloads,
            Column::DestinationWorkloads,
            Column::SourceIdentity,
            Column::DestinationIdentity,
        ]));

    /// Graph without nodes.
    pub fn new(by: MapBy) -> Self {
        Self { by, ..Self::default() }
    }

    /// Adds a record, as many flows as it stands for. A reply counts on the edge of its connection.
    /// So does a flow of unknown direction, once other flows show which endpoint is the server.
    pub fn add(&mut self, columns: &FlowColumns, row: usize) {
        let companion = Companion::of_row(columns, row).map(|companion| companion.kind);
        let is_answer = companion.is_some_and(crate::CompanionKind::is_answer);
        let flows = columns.stands_for(row);
        if companion.is_some() && !is_answer {
            self.without_connection += flows;
            return;
        }
        let verdict = Verdict::from_number(at(columns.verdict(), row));
        if self.by == MapBy::Workload {
            self.learn(columns, row, EndpointRole::Source);
            self.learn(columns, row, EndpointRole::Destination);
        }
        let source = self.node(title_and_subtitle(self.by, columns, row, EndpointRole::Source));
        let destination =
            self.node(title_and_subtitle(self.by, columns, row, EndpointRole::Destination));
        let (endpoints, both) = ([source, destination], [source, destination]);
        let endpoints =
            if source == destination { both.get(..1).unwrap_or_default() } else { &endpoints };
        for &index in endpoints {
            if let Some(node) = self.nodes.get_mut(index) {
                node.counts.add(verdict, flows);
            }
        }
        for (index, role) in
            [(source, EndpointRole::Source), (destination, EndpointRole::Destination)]
        {
            if let Some(node) = self.nodes.get_mut(index)
                && !node.endpoints.has(columns, row, role, &mut self.pod)
            {
                node.endpoints.add(EndpointSet::of(self.by, columns, row, role));
            }
        }
        let edge_flow =
            |to: EndpointRole| EdgeFlow::of(columns, row, verdict, [source, destination], to);
        let is_reply = match at(columns.is_reply(), row) {
            is_reply if is_reply == REPLY_UNKNOWN || is_answer => {
                let flow = Undirected::of(columns, row);
                match (flow.as_ref().and_then(|flow| self.servers.is_reply(flow)), flow) {
                    (None, Some(flow)) if self.waiting.len() < MAX_WAITING => {
                        let edge_flows =
                            [edge_flow(EndpointRole::Destination), edge_flow(EndpointRole::Source)];
                        self.waiting.push(Waiting { flow, edge_flows, is_answer });
                        return;
                    }
                    (None, _) if is_answer => {
                        self.without_connection += flows;
                        return;
                    }
                    (is_reply, _) => is_reply.unwrap_or(false),
                }
            }
            is_reply => {
                let is_reply = is_reply == 1;
                let server =
                    if is_reply { EndpointRole::Source } else { EndpointRole::Destination };
                self.servers.learn(columns, row, server);
                is_reply
            }
        };
        self.count_on_edge(edge_flow(if is_reply {
            EndpointRole::Source
        } else {
            EndpointRole::Destination
        }));
    }

    /// Counts the waiting flows.
    fn decide(&mut self) {
        for Waiting { flow, edge_flows: [there, back], is_answer } in
            std::mem::take(&mut self.waiting)
        {
            match self.servers.is_reply(&flow) {
                Some(true) => self.count_on_edge(back),
                None if is_answer => self.without_connection += there.flows,
                _ => self.count_on_edge(there),
            }
        }
    }

    fn count_on_edge(&mut self, edge_flow: EdgeFlow) {
        let EdgeFlow { pair, flows, verdict, drop_reason, port, message } = edge_flow;
        let edge = match self.pairs.get(&pair) {
            Some(&index) => self.edges.get_mut(index),
            None if self.edges.len() < MAX_EDGES => {
                self.pairs.insert(pair, self.edges.len());
                let (source, destination) = pair;
                self.edges.push(MapEdge { source, destination, ..MapEdge::default() });
                self.edges.last_mut()
            }
            None => None,
        };
        let Some(edge) = edge else {
            self.without_edge += flows;
            return;
        };
        edge.counts.add(verdict, flows);
        if let Some(reason) = drop_reason {
            count(&mut edge.drop_reasons, reason, flows);
        }
        if let Some(port) = port {
            count(&mut edge.ports, port, flows);
        }
        match message {
            Some(Message::Http(http)) => count(&mut edge.http, http, flows),
            Some(Message::Dns(dns)) => count(&mut edge.dns, dns, flows),
            None => {}
        }
    }

    /// Learns a pod's workload, which Hubble knows only on the pod's own node.
    fn learn(&mut self, columns: &FlowColumns, row: usize, role: EndpointRole) {
        let workload = role.workload(columns, row);
        if workload.is_empty() || self.workloads.len() >= MAX_NODES {
            return;
        }
        let pod = role.pod(columns, row);
        if !self.workloads.contains_key(pod.as_ref()) {
            self.workloads.insert(pod.into_owned(), workload.into_owned());
        }
    }

    /// Graph in which pods seen by other nodes appear as their workload, too.
    fn with_workloads(self) -> Self {
        let workload = |node: &MapNode| {
            self.workloads.get(&format!("{}/{}", node.subtitle, node.title)).cloned()
        };
        if !self.nodes.iter().any(|node| workload(node).is_some()) {
            return self;
        }
        self.merged(|node, _| {
            let title = workload(node).unwrap_or_else(|| node.title.clone());
            (title, node.subtitle.clone())
        })
    }

    fn node(&mut self, (title, subtitle): (String, String)) -> usize {
        let key = (subtitle, title);
        if let Some(&index) = self.indexes.get(&key) {
            return index;
        }
        let key =
            if self.nodes.len() < MAX_NODES { key } else { (String::new(), "other".to_owned()) };
        let index = self.indexes.get(&key).copied().unwrap_or(self.nodes.len());
        if index == self.nodes.len() {
            let (subtitle, title) = key.clone();
            self.nodes.push(MapNode { title, subtitle, ..MapNode::default() });
            self.indexes.insert(key, index);
        }
        index
    }

    /// Filters for the flows of a node; `None` if no filter selects exactly them.
    pub fn flows_of_node(&self, node: &MapNode) -> Option<[FlowFilter; 2]> {
        node.endpoints.either_way()
    }

    /// Filters for the flows of an edge in both directions; `None` as in
    /// [`ServiceMap::flows_of_node`].
    pub fn flows_of_edge(&self, edge: &MapEdge) -> Option<[FlowFilter; 2]> {
        let [source, destination] = [edge.source, edge.destination].map(|at| self.nodes.get(at));
        source?.endpoints.between(&destination?.endpoints)
    }

    /// Graph with at most `max_nodes` nodes, and whether nodes were merged for it. First the nodes
    /// of one namespace or kind (all names outside of the cluster are one kind) are merged, the
    /// largest groups first and only as many as needed; then the nodes with the fewest flows.
    pub fn grouped(mut self, max_nodes: usize) -> (Self, bool) {
        self.decide();
        self.with_workloads().grouped_by_namespace(max_nodes)
    }

    fn grouped_by_namespace(self, max_nodes: usize) -> (Self, bool) {
        if self.nodes.len() <= max_nodes {
            return (self, false);
        }
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| !node.subtitle.is_empty()) {
            *groups.entry(&node.subtitle).or_default() += 1;
        }
        let mut groups: Vec<(&str, usize)> =
            groups.into_iter().filter(|(_, nodes)| *nodes > 1).collect();
        groups.sort_by_key(|(_, nodes)| Reverse(*nodes));
        let mut nodes_left = self.nodes.len();
        let mut together = BTreeSet::new();
        for (subtitle, nodes) in groups {
            if nodes_left <= max_nodes {
                break;
            }
            nodes_left -= nodes - 1;
            together.insert(subtitle);
        }
        let by_namespace = self.merged(|node, _| {
            let group = match node.subtitle.as_str() {
                // A node named after its kind joins the named nodes of that kind.
                "" => &node.title,
                _ => &node.subtitle,
            };
            if together.contains(group.as_str()) {
                (group.clone(), GROUPED.to_owned())
            } else {
                (node.title.clone(), node.subtitle.clone())
            }
        });
        if by_namespace.nodes.len() <= max_nodes {
            return (by_namespace, true);
        }
        let mut order: Vec<usize> = (0..by_namespace.nodes.len()).collect();
        let total =
            |index: &usize| by_namespace.nodes.get(*index).map_or(0, |node| node.counts.total());
        order.sort_by_key(|index| Reverse(total(index)));
        let mut kept = vec![false; order.len()];
        for index in order.into_iter().take(max_nodes.saturating_sub(1)) {
            if let Some(kept) = kept.get_mut(index) {
                *kept = true;
            }
        }
        let merged = by_namespace.merged(|node, index| {
            if kept.get(index).copied().unwrap_or(false) {
                (node.title.clone(), node.subtitle.clone())
            } else {
                ("other".to_owned(), GROUPED.to_owned())
            }
        });
        (merged, true)
    }

    /// Graph with other names, in which nodes with equal names are merged.
    fn merged(&self, name: impl Fn(&MapNode, usize) -> (String, String)) -> Self {
        let mut merged = Self {
            by: self.by,
            without_edge: self.without_edge,
            without_connection: self.without_connection,
            ..Self::default()
        };
        let mut targets = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let target = merged.node(name(node, index));
            if let Some(node_there) = merged.nodes.get_mut(target) {
                node_there.counts.merge(node.counts);
                node_there.endpoints.add(node.endpoints.clone());
            }
            targets.push(target);
        }
        let target = |index: usize| targets.get(index).copied().unwrap_or_default();
        for edge in &self.edges {
            let pair = (target(edge.source), target(edge.destination));
            let index = *merged.pairs.entry(pair).or_insert(merged.edges.len());
            if index == merged.edges.len() {
                let (source, destination) = pair;
                merged.edges.push(MapEdge { source, destination, ..edge.clone() });
            } else if let Some(there) = merged.edges.get_mut(index) {
                there.counts.merge(edge.counts);
                for (there, here) in [
                    (&mut there.drop_reasons, &edge.drop_reasons),
                    (&mut there.ports, &edge.ports),
                    (&mut there.http, &edge.http),
                    (&mut there.dns, &edge.dns),
                ] {
                    for (name, flows) in here {
                        count(there, name.clone(), *flows);
                    }
                }
            }
        }
        merged
    }
}

impl EdgeFlow {
    /// Flow between two nodes, on the edge to the node of endpoint `to`.
    fn of(
        columns: &FlowColumns,
        row: usize,
        verdict: Verdict,
        [source, destination]: [usize; 2],
        to: EndpointRole,
    ) -> Self {
        let drop_reason = (verdict == Verdict::Dropped).then(|| {
            let reason = DropReason::from_number(at(columns.drop_reason(), row));
            if reason.is_known() { reason.to_string() } else { "unknown reason".to_owned() }
        });
        let (port, protocol) = (to.port(columns, row), protocol(columns, row));
        let port = match (port, protocol) {
            (0, "") => None,
            (0, protocol) => Some(protocol.to_owned()),
            (port, protocol) => Some(format!("{port}/{protocol}")),
        };
        let pair = match to {
            EndpointRole::Source => (destination, source),
            EndpointRole::Destination => (source, destination),
        };
        let message = Message::of(columns, row, verdict);
        Self { pair, flows: columns.stands_for(row), verdict, drop_reason, port, message }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: String, flows: u64) {
    let has_room = counts.len() < MAX_DETAILS || counts.contains_key(&name);
    let name = if has_room { name } else { "others".to_owned() };
    *counts.entry(name).or_default() += flows;
}

/// Title and subtitle of an endpoint.
fn title_and_subtitle(
    by: MapBy,
    columns: &FlowColumns,
    row: usize,
    role: EndpointRole,
) -> (String, String) {
    let namespace = role.namespace(columns, row).to_owned();
    let reserved = || role.reserved(columns, row).unwrap_or(Cow::Borrowed("unknown")).into_owned();
    // Endpoints that are not pods have a name or a reserved identity. Addresses do not count as
    // names: the world would have a node for each of its clients.
    let outside = || match role.name(columns, row) {
        Some(name) if by != MapBy::Namespace && name != role.ip(columns, row) => {
            let is_service = role.is_service(columns, row);
            (name.into_owned(), if is_service { "service".to_owned() } else { reserved() })
        }
        _ => (reserved(), String::new()),
    };
    match by {
        MapBy::Namespace if !namespace.is_empty() => (namespace, String::new()),
        MapBy::Identity => {
            let name = role.workload(columns, row);
            let name = if name.is_empty() { reserved().into() } else { name };
            (role.identity(columns, row).to_string(), name.into_owned())
        }
        MapBy::Workload if !namespace.is_empty() => {
            let workload = role.workload(columns, row);
            if !workload.is_empty() {
                return (workload.into_owned(), namespace);
            }
            let pod = role.pod(columns, row);
            let pod = pod.rsplit('/').next().unwrap_or_default().to_owned();
            (if pod.is_empty() { "unknown".to_owned() } else { pod }, namespace)
        }
        MapBy::Pod if !namespace.is_empty() => {
            let pod = role.pod(columns, row);
            (pod.rsplit('/').next().unwrap_or_default().to_owned(), namespace)
        }
        _ => outside(),
    }
}
