//! Two sets of policies against the same recorded flows.

use cilium_policy::{ChangedConnection, Compared, Direction, Judge, Settings, WhatIf};
use flow::{Endpoint, Flow};

use crate::{Learned, Prepared, RecordedConnection, Summary, Unjudged};

/// The connection of a flow, with the names of source and destination; `None` where policy has no
/// verdict on the flow.
#[must_use]
pub fn named_connection(
    flow: &Flow,
    learned: &Learned,
    settings: &Settings,
) -> Option<ChangedConnection> {
    let connection = RecordedConnection::of(flow, learned, settings).ok()?;
    let (source, destination) = endpoint_names(flow, &connection);
    Some(ChangedConnection {
        source,
        destination,
        traffic: connection.traffic,
        direction: connection.direction,
    })
}

/// Comparison of two sets over prepared flows; `connection` gives the connection of a flow that
/// changes.
pub fn what_if(
    before: &Judge,
    after: &Judge,
    prepared: &Prepared,
    connection: impl FnMut(usize) -> Option<ChangedConnection>,
) -> WhatIf {
    let (old, new) = (prepared.judge(before), prepared.judge(after));
    let decided = |summary: Result<Summary, Unjudged>| {
        summary.ok().map(|summary| (summary.verdict, summary.decision.cause))
    };
    let flows = old.into_iter().zip(new).enumerate().map(|(index, (old, new))| Compared {
        stands_for: prepared.stands_for(index),
        before: decided(old),
        after: decided(new),
    });
    WhatIf::of(before.set(), after.set(), flows, connection)
}

/// Names of a connection's source and destination; a source in the world without its address.
#[must_use]
pub fn endpoint_names(flow: &Flow, connection: &RecordedConnection) -> (String, String) {
    let packet_source = endpoint_name(
        flow.source.as_ref(),
        flow.ip.as_ref().map_or("", |ip| &ip.source),
        &flow.source_names,
    );
    let packet_destination = endpoint_name(
        flow.destination.as_ref(),
        flow.ip.as_ref().map_or("", |ip| &ip.destination),
        &flow.destination_names,
    );
    let is_forward = connection.is_subject_source == (connection.direction == Direction::Egress);
    let (mut source, destination) = if is_forward {
        (packet_source, packet_destination)
    } else {
        (packet_destination, packet_source)
    };
    if connection.direction == Direction::Ingress
        && connection.peer.is_world()
        && !connection.peer.is_reserved("kube-apiserver")
        && connection.peer.names().is_empty()
    {
        // Clients come from anywhere: their addresses would separate flows that are alike.
        "world".clone_into(&mut source);
    }
    (source, destination)
}

/// A name that people know: the workload, the pod, the DNS name, the address, the reserved label.
fn endpoint_name(endpoint: Option<&Endpoint>, address: &str, names: &[String]) -> String {
    if let Some(endpoint) = endpoint {
        let owner = endpoint.workloads.first().map(|workload| workload.name.as_str());
        let app = || {
            ["k8s:app=", "k8s:k8s-app=", "k8s:app.kubernetes.io/name="]
                .iter()
                .find_map(|key| endpoint.labels.iter().find_map(|label| label.strip_prefix(key)))
        };
        let name = owner
            .filter(|name| !name.is_empty())
            .or_else(|| Some(endpoint.pod_name.as_str()).filter(|name| !name.is_empty()))
            .or_else(app);
        if let Some(name) = name {
            let label = || {
                endpoint
                    .labels
                    .iter()
                    .find_map(|label| label.strip_prefix("k8s:io.kubernetes.pod.namespace="))
            };
            let namespace = Some(endpoint.namespace.as_str())
                .filter(|namespace| !namespace.is_empty())
                .or_else(label)
                .unwrap_or_default();
            return format!("{namespace}/{name}");
        }
    }
    if let Some(name) = names.first() {
        return name.clone();
    }
    let reserved = endpoint.and_then(|endpoint| {
        let reserved =
            || endpoint.labels.iter().filter_map(|label| label.strip_prefix("reserved:"));
        // The endpoint is also a node, or of the world, which says less.
        reserved().find(|name| *name == "kube-apiserver").or_else(|| reserved().next())
    });
    match (address, reserved) {
        ("", Some(reserved)) => reserved.to_owned(),
        ("", None) => "unknown".to_owned(),
        (address, Some(reserved)) => format!("{reserved} {address}"),
        (address, None) => address.to_owned(),
    }
}
