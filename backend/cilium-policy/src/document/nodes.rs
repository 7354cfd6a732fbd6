//! Nodes and their labels. Source: `pkg/node/manager/manager.go` `nodeIdentityLabels`.

use std::net::IpAddr;

use crate::{Label, source::Node};

/// A cluster node with the facts that policies select.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClusterNode {
    /// The node's labels, all with source `node`.
    pub labels: Vec<Label>,
    /// The node's addresses.
    pub addresses: Vec<IpAddr>,
}

/// The limit of stored nodes.
pub(super) const MAX_NODES: usize = 16_384;

/// The node of a document; `None` if it describes no node.
#[must_use]
pub fn read(api_version: &str, kind: &str, node: &Node) -> Option<ClusterNode> {
    let (list, field) = match (api_version, kind) {
        ("v1", "Node") => (&["status", "addresses"], "address"),
        ("cilium.io/v2", "CiliumNode") => (&["spec", "addresses"], "ip"),
        _ => return None,
    };
    let labels = node.texts_of(&["metadata", "labels"]).into_iter();
    let addresses = node.list_at(list).iter();
    Some(ClusterNode {
        labels: labels
            .map(|(key, value)| Label { key, value, source: "node".to_owned() })
            .collect(),
        addresses: addresses.filter_map(|own| own.text_at(&[field]).parse().ok()).collect(),
    })
}
