//! The nodes behind a relay: how many, what the oldest of them knows, and how much they see.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use flow::columns::{Column, ColumnSet};
use hubble_api::pb::observer::Node;
use hubble_api::pb::relay::NodeState;
use hubble_api::release::{Release, columns_since};

use crate::now_ms;
use crate::{Relay, RelayError};

/// How long an answer stays true enough: clusters are not upgraded by the second.
pub(crate) const TTL: Duration = Duration::from_mins(1);
/// How long a query waits for it. Without it, it is asked as if nothing were known.
const PATIENCE: Duration = Duration::from_secs(2);

/// Cilium's name of a cluster that was given none. Source: pkg/defaults.
const DEFAULT_CLUSTER_NAME: &str = "default";

/// A node as the relay sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInfo {
    /// The name, with its cluster before a `/` where it has one.
    pub name: String,
    /// Whether its flows can be expected.
    pub connected: bool,
    /// As it tells it: `cilium v1.18.2+g5bd307a8`.
    pub version: String,
    /// Events that its buffer holds, and can hold; 0: it does not say.
    pub held_flows: u64,
    /// Events that its buffer can hold; 0: it does not say.
    pub max_flows: u64,
    /// Flows that it saw since it started; 0: it does not say.
    pub seen_flows: u64,
}

/// What is known of the nodes that flows come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Nodes that the relay is connected to; 0: not known.
    pub nodes: usize,
    /// The oldest release of Cilium that one of them runs; `None`: not all of them tell.
    pub oldest: Option<Release>,
}

/// The relay's list of its nodes, and when it was asked.
#[derive(Debug)]
pub(crate) struct Nodes {
    pub(crate) asked_nanos: i64,
    known: Known,
    /// Those that it knows; none of a node that is asked itself.
    pub(crate) all: Vec<NodeInfo>,
}

impl Relay {
    /// The relay's list of its nodes from before the query; empty where the relay does not answer in time.
    pub(crate) async fn known(&self) -> Known {
        self.kept_nodes().await.map(|nodes| nodes.known).unwrap_or_default()
    }

    /// The clusters whose nodes the relay serves, by Cilium's names; none where it does not say.
    pub async fn clusters(&self) -> BTreeSet<String> {
        let Some(kept) = self.kept_nodes().await else { return BTreeSet::new() };
        let cluster = |node: &NodeInfo| {
            let name = node.name.split_once('/').map_or(DEFAULT_CLUSTER_NAME, |(name, _)| name);
            name.to_owned()
        };
        kept.all.iter().map(cluster).collect()
    }

    /// Whether flows name the clusters of their ends, as far as is known.
    pub async fn records_clusters(&self) -> bool {
        let clusters = ColumnSet::of(&[Column::SourceCluster, Column::DestinationCluster]);
        let oldest = self.known().await.oldest;
        oldest.is_none_or(|oldest| columns_since(clusters, oldest).is_empty())
    }

    /// What the relay says of its nodes. Asked at most once a minute; who comes meanwhile waits
    /// for the same answer. `None`: it gives none, or not in time.
    pub(crate) async fn kept_nodes(&self) -> Option<Arc<Nodes>> {
        let nodes = self.kept_nodes.get(async { self.ask_nodes().await.map(Arc::new).ok_or(()) });
        tokio::time::timeout(PATIENCE, nodes).await.ok()?.ok()
    }

    /// `None`: no answer, and asking again may help.
    async fn ask_nodes(&self) -> Option<Nodes> {
        let asked_nanos = now_ms().saturating_mul(1_000_000);
        if let Ok(nodes) = self.nodes().await {
            let connected = || nodes.iter().filter(|node| node.connected);
            let releases: Option<Vec<Release>> =
                connected().map(|node| Release::read(&node.version)).collect();
            let oldest = releases.and_then(|releases| releases.into_iter().min());
            let known = Known { nodes: connected().count(), oldest };
            return Some(Nodes { asked_nanos, known, all: nodes });
        }
        // A node that is asked itself does not know of others.
        let status = self.status().await.ok()?;
        let known = Known { nodes: 1, oldest: Release::read(&status.version) };
        Some(Nodes { asked_nanos, known, all: Vec::new() })
    }

    /// The nodes, by name. Errors: [`RelayError`].
    pub async fn nodes(&self) -> Result<Vec<NodeInfo>, RelayError> {
        let nodes = self.client.nodes().await?.nodes;
        let mut nodes: Vec<NodeInfo> = nodes.into_iter().map(NodeInfo::from).collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(nodes)
    }
}

impl From<Node> for NodeInfo {
    fn from(node: Node) -> Self {
        Self {
            connected: node.state() == NodeState::NodeConnected,
            held_flows: node.num_flows,
            max_flows: node.max_flows,
            seen_flows: node.seen_flows,
            name: node.name,
            version: node.version,
        }
    }
}
