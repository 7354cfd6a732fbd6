//! The nodes behind a relay: their number, their oldest release, and the flows that they see.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use flow::columns::{Column, ColumnSet};
use hubble_api::client::NodeInfo;
use hubble_api::release::{Release, columns_since};

use crate::now_ms;
use crate::{Relay, RelayError};

/// Time for which the list of nodes is reused; clusters are upgraded slowly.
pub(crate) const TTL: Duration = Duration::from_mins(1);
/// Maximum wait of a query for the list of nodes; without it, the query assumes nothing about them.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Cilium's name of a cluster without a configured name. Source: pkg/defaults.
const DEFAULT_CLUSTER_NAME: &str = "default";

/// Properties of the nodes that plans depend on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KnownNodes {
    /// Number of nodes that the relay is connected to; 0: unknown.
    pub nodes: usize,
    /// Oldest Cilium release among the nodes; `None`: not all nodes report theirs.
    pub oldest: Option<Release>,
}

/// The relay's list of its nodes, and the time it was requested.
#[derive(Debug)]
pub(crate) struct Nodes {
    pub(crate) requested_nanos: i64,
    known: KnownNodes,
    /// The nodes; empty if a node is addressed directly.
    pub(crate) all: Vec<NodeInfo>,
}

impl Relay {
    /// The properties of the nodes, before a query; empty if the relay does not answer in time.
    pub(crate) async fn known(&self) -> KnownNodes {
        self.known_nodes().await.unwrap_or_default()
    }

    /// The properties of the nodes, as queries take them. `None`: no answer, or not in time.
    pub async fn known_nodes(&self) -> Option<KnownNodes> {
        self.kept_nodes().await.map(|nodes| nodes.known)
    }

    /// Cilium's names of the clusters that the relay serves; empty if unknown.
    pub async fn clusters(&self) -> BTreeSet<String> {
        let Some(kept) = self.kept_nodes().await else { return BTreeSet::new() };
        let cluster = |node: &NodeInfo| {
            let name = node.name.split_once('/').map_or(DEFAULT_CLUSTER_NAME, |(name, _)| name);
            name.to_owned()
        };
        kept.all.iter().map(cluster).collect()
    }

    /// Whether flows name the clusters of their endpoints, as far as known.
    pub async fn records_clusters(&self) -> bool {
        let clusters = ColumnSet::of(&[Column::SourceCluster, Column::DestinationCluster]);
        let oldest = self.known().await.oldest;
        oldest.is_none_or(|oldest| columns_since(clusters, oldest).is_empty())
    }

    /// The relay's list of nodes. It is requested at most once a minute; concurrent callers share
    /// the answer. `None`: no answer, or not in time.
    pub(crate) async fn kept_nodes(&self) -> Option<Arc<Nodes>> {
        let answered = async {
            let asked = tokio::time::timeout(MAX_WAIT, self.ask_nodes()).await;
            asked.ok().flatten().map(Arc::new).ok_or(())
        };
        self.kept_nodes.get(answered).await.ok()
    }

    /// Requests the list of nodes. `None`: no answer, and a later request may get one.
    async fn ask_nodes(&self) -> Option<Nodes> {
        let requested_nanos = now_ms().saturating_mul(1_000_000);
        if let Ok(nodes) = self.nodes().await {
            let connected = || nodes.iter().filter(|node| node.connected);
            let releases: Option<Vec<Release>> =
                connected().map(|node| Release::read(&node.version)).collect();
            let oldest = releases.and_then(|releases| releases.into_iter().min());
            let known = KnownNodes { nodes: connected().count(), oldest };
            return Some(Nodes { requested_nanos, known, all: nodes });
        }
        // A node that is addressed directly does not know other nodes.
        let status = self.status().await.ok()?;
        let known = KnownNodes { nodes: 1, oldest: Release::read(&status.version) };
        Some(Nodes { requested_nanos, known, all: Vec::new() })
    }

    /// The nodes, sorted by name, at most a second old.
    ///
    /// Errors: [`RelayError`].
    pub async fn nodes(&self) -> Result<Vec<NodeInfo>, RelayError> {
        let ask = async {
            let mut nodes = self.client.nodes().await?;
            nodes.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(nodes)
        };
        self.fresh_nodes.get(Box::pin(ask)).await
    }
}
