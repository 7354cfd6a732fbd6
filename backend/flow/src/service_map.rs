//! Who talks to whom: flows as a graph, in bounded memory however many flows there are.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::columns::{Column, ColumnSet, FlowColumns};
use crate::end::End;
use crate::group::protocol;
use crate::{DropReason, Verdict};

/// Pairs that are kept apart; flows of further ones count for their ends alone.
const MAX_EDGES: usize = 20_000;
/// Ends that are kept apart; further ones are one node.
const MAX_ENDS: usize = 20_000;
/// Ports and reasons that are named on an edge.
const MAX_DETAILS: usize = 8;
/// The subtitle of a node that stands for several.
const GROUPED: &str = "grouped";

/// What a node of the graph is.
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

/// Flows by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MapCounts {
    /// Forwarded, redirected to the proxy, traced or translated.
    pub forwarded: u64,
    /// Dropped.
    pub dropped: u64,
    /// Let through in audit mode, failed, or without a verdict.
    pub other: u64,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapNode {
    /// Its name.
    pub title: String,
    /// The namespace, or what kind of end it is.
    pub subtitle: String,
    /// Flows from or to it.
    pub counts: MapCounts,
}

/// An edge, in the direction in which connections are opened as far as flows say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapEdge {
    /// Index of a node.
    pub source: usize,
    /// Index of a node.
    pub destination: usize,
    /// Its flows.
    pub counts: MapCounts,
    /// By reason, how many were dropped.
    pub drop_reasons: BTreeMap<String, u64>,
    /// By `port/protocol` of the destination, how many flows.
    pub ports: BTreeMap<String, u64>,
}

/// The graph.
#[derive(Debug, Default)]
pub struct ServiceMap {
    by: MapBy,
    /// In the order of their first flow.
    pub nodes: Vec<MapNode>,
    /// In the order of their first flow.
    pub edges: Vec<MapEdge>,
    indexes: HashMap<(String, String), usize>,
    pairs: HashMap<(usize, usize), usize>,
    /// `namespace/pod` → its workload, of pods whose own node saw them.
    workloads: HashMap<String, String>,
    /// Flows that found no edge of their own.
    pub unpaired: u64,
}

impl MapCounts {
    /// All of them.
    pub const fn total(self) -> u64 {
        self.forwarded + self.dropped + self.other
    }

    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Dropped => self.dropped += 1,
            Verdict::Forwarded | Verdict::Redirected | Verdict::Traced | Verdict::Translated => {
                self.forwarded += 1;
            }
            Verdict::Unknown | Verdict::Error | Verdict::Audit | Verdict::Unrecognized(_) => {
                self.other += 1;
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.forwarded += other.forwarded;
        self.dropped += other.dropped;
        self.other += other.other;
    }
}

impl ServiceMap {
    /// What [`ServiceMap::add`] reads.
    pub const COLUMNS: ColumnSet = End::NAME_COLUMNS.union(ColumnSet::of(&[
        Column::Verdict,
        Column::DropReason,
        Column::IsReply,
        Column::L4Protocol,
        Column::L7Record,
        Column::SourcePort,
        Column::DestinationPort,
        Column::SourceWorkloads,
        Column::DestinationWorkloads,
        Column::SourceIdentity,
        Column::DestinationIdentity,
    ]));

    /// An empty graph.
    pub fn new(by: MapBy) -> Self {
        Self { by, ..Self::default() }
    }

    /// Takes a flow in. A reply counts for the connection that it answers.
    pub fn add(&mut self, columns: &FlowColumns, row: usize) {
        let is_reply = columns.is_reply().get(row).copied() == Some(1);
        let (from, to) = if is_reply {
            (End::Destination, End::Source)
        } else {
            (End::Source, End::Destination)
        };
        let number = |numbers: &[i32]| numbers.get(row).copied().unwrap_or_default();
        let verdict = Verdict::from_number(number(columns.verdict()));
        if self.by == MapBy::Workload {
            self.learn(columns, row, from);
            self.learn(columns, row, to);
        }
        let source = self.node(end(self.by, columns, row, from));
        let destination = self.node(end(self.by, columns, row, to));
        let (ends, both) = ([source, destination], [source, destination]);
        let ends = if source == destination { both.get(..1).unwrap_or_default() } else { &ends };
        for &index in ends {
            if let Some(node) = self.nodes.get_mut(index) {
                node.counts.add(verdict);
            }
        }
        let edge = match self.pairs.get(&(source, destination)) {
            Some(&index) => self.edges.get_mut(index),
            None if self.edges.len() < MAX_EDGES => {
                self.pairs.insert((source, destination), self.edges.len());
                self.edges.push(MapEdge { source, destination, ..MapEdge::default() });
                self.edges.last_mut()
            }
            None => None,
        };
        let Some(edge) = edge else {
            self.unpaired += 1;
            return;
        };
        edge.counts.add(verdict);
        if verdict == Verdict::Dropped {
            let reason = DropReason::from_number(number(columns.drop_reason()));
            let reason =
                if reason.is_known() { reason.to_string() } else { "unknown reason".to_owned() };
            count(&mut edge.drop_reasons, reason);
        }
        let (port, protocol) = (to.port(columns, row), protocol(columns, row));
        if port != 0 || !protocol.is_empty() {
            count(
                &mut edge.ports,
                if port == 0 { protocol.to_owned() } else { format!("{port}/{protocol}") },
            );
        }
    }

    /// Hubble knows the workload of a pod on the node where the pod runs, and nowhere else.
    fn learn(&mut self, columns: &FlowColumns, row: usize, end: End) {
        let workload = end.workload(columns, row);
        if workload.is_empty() || self.workloads.len() >= MAX_ENDS {
            return;
        }
        let pod = end.pod(columns, row);
        if !self.workloads.contains_key(pod.as_ref()) {
            self.workloads.insert(pod.into_owned(), workload.into_owned());
        }
    }

    /// The graph in which a pod that other nodes saw by its name alone is its workload.
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
            if self.nodes.len() < MAX_ENDS { key } else { (String::new(), "other".to_owned()) };
        let index = self.indexes.get(&key).copied().unwrap_or(self.nodes.len());
        if index == self.nodes.len() {
            let (subtitle, title) = key.clone();
            self.nodes.push(MapNode { title, subtitle, counts: MapCounts::default() });
            self.indexes.insert(key, index);
        }
        index
    }

    /// The graph with at most `max_nodes` nodes. Where it has more, those of one namespace or kind
    /// (the names outside of the cluster are of one) become one node, the largest group first and
    /// only as many groups as it takes; then the nodes with the fewest flows become one, too.
    /// Whether anything was put together.
    pub fn grouped(self, max_nodes: usize) -> (Self, bool) {
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
                // The kind itself, beside those of its kind that have names.
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

    /// The graph with other names; nodes of one name become one.
    fn merged(&self, name: impl Fn(&MapNode, usize) -> (String, String)) -> Self {
        let mut merged = Self { by: self.by, unpaired: self.unpaired, ..Self::default() };
        let mut targets = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let target = merged.node(name(node, index));
            if let Some(node_there) = merged.nodes.get_mut(target) {
                node_there.counts.merge(node.counts);
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
                for (reason, flows) in &edge.drop_reasons {
                    count_many(&mut there.drop_reasons, reason.clone(), *flows);
                }
                for (port, flows) in &edge.ports {
                    count_many(&mut there.ports, port.clone(), *flows);
                }
            }
        }
        merged
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: String) {
    count_many(counts, name, 1);
}

fn count_many(counts: &mut BTreeMap<String, u64>, name: String, flows: u64) {
    let has_room = counts.len() < MAX_DETAILS || counts.contains_key(&name);
    let name = if has_room { name } else { "others".to_owned() };
    *counts.entry(name).or_default() += flows;
}

/// Title and subtitle of an end.
fn end(by: MapBy, columns: &FlowColumns, row: usize, end: End) -> (String, String) {
    let namespace = end.namespace(columns, row).to_owned();
    let reserved = || end.reserved(columns, row).unwrap_or(Cow::Borrowed("unknown")).into_owned();
    // What is no pod has a name or is one of the reserved identities. Addresses are none: the
    // world would be a node for each of its clients.
    let outside = || match end.name(columns, row) {
        Some(name) if by != MapBy::Namespace && name != end.ip(columns, row) => {
            let is_service = end.is_service(columns, row);
            (name.into_owned(), if is_service { "service".to_owned() } else { reserved() })
        }
        _ => (reserved(), String::new()),
    };
    match by {
        MapBy::Namespace if !namespace.is_empty() => (namespace, String::new()),
        MapBy::Identity => {
            let name = end.workload(columns, row);
            let name = if name.is_empty() { reserved().into() } else { name };
            (end.identity(columns, row).to_string(), name.into_owned())
        }
        MapBy::Workload if !namespace.is_empty() => {
            let workload = end.workload(columns, row);
            if !workload.is_empty() {
                return (workload.into_owned(), namespace);
            }
            let pod = end.pod(columns, row);
            let pod = pod.rsplit('/').next().unwrap_or_default().to_owned();
            (if pod.is_empty() { "unknown".to_owned() } else { pod }, namespace)
        }
        MapBy::Pod if !namespace.is_empty() => {
            let pod = end.pod(columns, row);
            (pod.rsplit('/').next().unwrap_or_default().to_owned(), namespace)
        }
        _ => outside(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::RowLists;
    use crate::{Endpoint, Flow, Ip, Layer4, Service, Tcp, Workload};

    fn map(flows: impl IntoIterator<Item = (String, String, bool)>) -> ServiceMap {
        let pod = |name: String| {
            let (namespace, pod) = name.split_once('/').unwrap();
            Some(Endpoint {
                namespace: namespace.to_owned(),
                pod_name: pod.to_owned(),
                ..Endpoint::default()
            })
        };
        let mut map = ServiceMap::new(MapBy::Workload);
        for (source, destination, is_reply) in flows {
            let flow = Flow {
                source: pod(source),
                destination: pod(destination),
                is_reply: Some(is_reply),
                verdict: if is_reply { Verdict::Forwarded } else { Verdict::Dropped },
                l4: Some(Layer4::Tcp(Tcp { source_port: 80, destination_port: 80, flags: None })),
                ..Flow::default()
            };
            let mut columns = FlowColumns::default();
            columns.append_flow(&flow, &mut RowLists::default()).unwrap();
            map.add(&columns, 0);
        }
        map
    }

    #[test]
    fn replies_belong_to_their_connection() {
        let pair = |is_reply| {
            let (a, b) = ("pets/a".to_owned(), "shop/b".to_owned());
            if is_reply { (b, a, true) } else { (a, b, false) }
        };
        let map = map([pair(false), pair(true), pair(false)]);
        assert_eq!((map.nodes.len(), map.edges.len()), (2, 1));
        assert_eq!(map.edges[0].counts, MapCounts { forwarded: 1, dropped: 2, other: 0 });
        assert_eq!(map.edges[0].drop_reasons, BTreeMap::from([("unknown reason".to_owned(), 2)]));
        assert_eq!(map.edges[0].ports, BTreeMap::from([("80/TCP".to_owned(), 3)]));
    }

    #[test]
    fn many_nodes_are_grouped_and_no_flow_is_lost() {
        // Namespaces of 42 and 43 pods each, and one of a single pod.
        let flows =
            || (0..300).map(|index| (format!("n{}/a{index}", index % 7), "x/y".to_owned(), false));
        for (max_nodes, expected) in [
            (301, (301, false)),
            (300, (259, true)),
            (200, (175, true)),
            (50, (49, true)),
            (8, (8, true)),
            (4, (4, true)),
        ] {
            let (map, grouped) = map(flows()).grouped(max_nodes);
            assert_eq!((map.nodes.len(), grouped), expected, "{max_nodes}");
            let sum: u64 = map.edges.iter().map(|edge| edge.counts.total()).sum();
            assert_eq!(sum, 300);
            assert!(map.nodes.iter().any(|node| node.title == "y") || max_nodes < 8);
        }
    }

    #[test]
    fn a_pod_is_its_workload_whichever_node_saw_it() {
        let pod = |name: &str, workload: &str| {
            let workload = Workload { name: workload.to_owned(), ..Workload::default() };
            Some(Endpoint {
                namespace: "pets".to_owned(),
                pod_name: name.to_owned(),
                workloads: [workload].into_iter().filter(|own| !own.name.is_empty()).collect(),
                ..Endpoint::default()
            })
        };
        let mut map = ServiceMap::new(MapBy::Workload);
        // Each node knows the workload of its own end.
        for (a, b) in [("a", ""), ("", "b"), ("", "")] {
            let flow =
                Flow { source: pod("a-0", a), destination: pod("b-0", b), ..Flow::default() };
            let mut columns = FlowColumns::default();
            columns.append_flow(&flow, &mut RowLists::default()).unwrap();
            map.add(&columns, 0);
        }
        let (map, is_grouped) = map.grouped(10);
        assert!(!is_grouped);
        let titles: Vec<&str> = map.nodes.iter().map(|node| node.title.as_str()).collect();
        assert_eq!((titles, map.edges.len()), (vec!["a", "b"], 1));
        assert_eq!(map.edges[0].counts.total(), 3);
    }

    #[test]
    fn addresses_of_the_world_are_one_node_and_names_are_their_own() {
        let world = |ip: &str, names: &[&str]| Flow {
            ip: Some(Ip {
                source: "10.0.0.1".to_owned(),
                destination: ip.to_owned(),
                ..Ip::default()
            }),
            destination: Some(Endpoint {
                identity: 2,
                labels: vec!["reserved:world".to_owned()],
                ..Endpoint::default()
            }),
            destination_names: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Flow::default()
        };
        let mut service = world("10.0.96.9", &[]);
        service.destination = None;
        service.destination_service =
            Some(Service { name: "rabbitmq".to_owned(), namespace: "pets".to_owned() });
        let titles = |by: MapBy| {
            let mut map = ServiceMap::new(by);
            for flow in [
                world("1.1.1.1", &[]),
                world("1.0.0.1", &[]),
                world("20.0.0.1", &["api.github.com"]),
                world("20.0.0.2", &["api.github.com"]),
                service.clone(),
            ] {
                let mut columns = FlowColumns::default();
                columns.append_flow(&flow, &mut RowLists::default()).unwrap();
                map.add(&columns, 0);
            }
            let nodes = map.nodes.iter().map(|node| format!("{}|{}", node.title, node.subtitle));
            nodes.collect::<Vec<_>>()
        };
        let named = ["unknown|", "world|", "api.github.com|world", "pets/rabbitmq|service"];
        assert_eq!(titles(MapBy::Workload), named);
        assert_eq!(titles(MapBy::Pod), named);
        assert_eq!(titles(MapBy::Namespace), ["unknown|", "world|"]);
        assert_eq!(titles(MapBy::Identity), ["0|unknown", "2|world"]);
    }
}
