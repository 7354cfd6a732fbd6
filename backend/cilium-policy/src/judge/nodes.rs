//! Node selection by labels: those of the flow record first, else those of the loaded nodes.

use super::{
    identity::{Identity, Knowledge},
    truth::Truth,
};
use crate::{ClusterNode, Label, Requirement, Selector, Settings, identity_label::CLUSTER};

/// Whether a selector of nodes selects an identity.
pub(super) fn selects(
    nodes: &[ClusterNode],
    selector: &Selector,
    identity: &Identity,
    settings: &Settings,
) -> Truth {
    match identity.knowledge() {
        Knowledge::Nothing => return Truth::Unknown,
        Knowledge::Recorded | Knowledge::Partial => {}
        Knowledge::Everything => return Truth::of(selector.matches(identity.labels())),
    }
    let is_reserved = |requirement: &Requirement| requirement.source.as_deref() == Some("reserved");
    let mut reserved = selector.requirements.iter().filter(|own| is_reserved(own));
    if !reserved.all(|requirement| requirement.matches(identity.labels())) {
        return Truth::No;
    }
    if identity.labels().iter().any(|label| label.source == "node") {
        return Truth::of(selector.matches(identity.labels()));
    }
    let by_address = |node: &&ClusterNode| {
        identity.address().is_some_and(|address| node.addresses.contains(&address))
    };
    let Some(node) = nodes.iter().find(by_address) else { return Truth::Unknown };
    let mut labels = node.labels.clone();
    labels.push(Label {
        key: CLUSTER.to_owned(),
        value: settings.cluster_name.clone(),
        source: "k8s".to_owned(),
    });
    selector.requirements.iter().filter(|own| !is_reserved(own)).fold(
        Truth::Yes,
        |truth, requirement| {
            truth.and(if is_left_out(&requirement.key) {
                Truth::Unknown
            } else {
                Truth::of(requirement.matches(&labels))
            })
        },
    )
}

/// Whether agents exclude a label from identities unless `node-labels` includes it.
fn is_left_out(key: &str) -> bool {
    key != CLUSTER && (key.contains("kubernetes.io") || key.contains("k8s.io"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Documents, Operator, SourceText};

    const NODES: &str = "
apiVersion: v1
kind: Node
metadata: {name: one, labels: {pool: green, kubernetes.io/os: linux}}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}, {type: Hostname, address: one}]}
---
apiVersion: cilium.io/v2
kind: CiliumNode
metadata: {name: two, labels: {pool: blue}}
spec: {addresses: [{type: InternalIP, ip: 192.0.2.2}, {type: CiliumInternalIP, ip: 10.0.1.1}]}
";

    #[test]
    fn loaded_nodes_give_their_labels() {
        use Truth::{No, Unknown, Yes};
        let documents =
            Documents::read(&[SourceText { index: 0, text: NODES }], &Settings::default());
        let check = |(key, value): (&str, &str), labels: &[&str], address: &str, expect: Truth| {
            let own = labels.iter().map(|label| Label::parse(label));
            let identity = Identity::recorded(own, address.parse().ok());
            let selector = Selector::new(vec![
                Requirement::new(key, Operator::In(vec![value.to_owned()])),
                Requirement::new("reserved:remote-node", Operator::Exists),
                Requirement::new("k8s:io.cilium.k8s.policy.cluster", Operator::Exists),
            ]);
            let truth = selects(&documents.nodes, &selector, &identity, &Settings::default());
            assert_eq!(truth, expect, "{key}={value} for `{address}` with {labels:?}");
        };
        let remote = &["reserved:remote-node"];
        check(("pool", "green"), remote, "192.0.2.1", Yes);
        check(("node:pool", "green"), remote, "192.0.2.2", No);
        check(("pool", "blue"), remote, "10.0.1.1", Yes);
        check(("pool", "blue"), remote, "192.0.2.3", Unknown);
        check(("pool", "blue"), &["reserved:world"], "192.0.2.2", No);
        // A label that agents exclude by default is present only where their configuration keeps
        // it.
        check(("kubernetes.io/os", "linux"), remote, "192.0.2.1", Unknown);
        // The labels of the record count first.
        let own =
            &["reserved:remote-node", "node:pool=red", "k8s:io.cilium.k8s.policy.cluster=default"];
        check(("pool", "green"), own, "192.0.2.1", No);
        check(("pool", "red"), own, "192.0.2.1", Yes);
    }
}
