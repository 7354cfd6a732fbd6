//! Lints about selectors that select more than they seem to, or that older agents do not know.

use super::{
    Finding, Severity,
    registry::{GroupOfEveryone, NewerThanRelease, SelectsMore},
};
use crate::identity_label::CLUSTER;
use crate::{
    Entry, GroupSelector, Label, Operator, Peer, PeerMatcher, Peers, PolicyKind, PolicySet,
    Selector,
};

/// Entries that stand for all identities of a kind: key of their label, and the kind.
const AGGREGATES: [(&str, &str); 4] = [
    ("aggregate-cluster", "pods of the cluster"),
    ("aggregate-cluster-mesh", "pods of other clusters"),
    ("aggregate-world", "addresses outside"),
    ("aggregate-remote-node", "labelled nodes"),
];

/// Looks at the peers.
pub(super) fn lint(set: &PolicySet, findings: &mut Vec<Finding>) {
    let is_older = !set.settings().release.knows_cluster_policies();
    if is_older {
        cluster_policies(set, findings);
    }
    for entry in set.entries() {
        let Peers::Any(peers) = &entry.peers else { continue };
        for peer in peers {
            let found = match &peer.matcher {
                PeerMatcher::Labels(selector) if is_older && is_cluster_mesh(peer, selector) => {
                    let message = format!(
                        "the entity `cluster-mesh` is known since Cilium 1.20: an agent of {}, as `cilium-release` says, refuses the policy, which is judged here all the same",
                        set.settings().release
                    );
                    Some(Finding::of::<NewerThanRelease>(message))
                }
                PeerMatcher::Labels(selector) if !gets_cluster(set, entry, selector) => {
                    aggregates(set, selector)
                }
                PeerMatcher::CidrGroup { selector: GroupSelector::Labels(selector), except }
                    if selector.is_wildcard() && except.is_empty() =>
                {
                    let message = "an empty cidrGroupSelector is the selector of everyone, pods and nodes included, and not of every CIDR group";
                    Some(Finding::of::<GroupOfEveryone>(message.to_owned()))
                }
                PeerMatcher::CidrGroup { selector: GroupSelector::Labels(selector), .. }
                    if set.settings().cidr_matches_pods =>
                {
                    aggregates(set, selector)
                }
                _ => None,
            };
            let policy = set.policies().get(entry.policy);
            findings.extend(found.map(|finding| finding.in_policy(policy, peer.at)));
        }
    }
}

/// Policies of a kind that older agents do not read.
fn cluster_policies(set: &PolicySet, findings: &mut Vec<Finding>) {
    for policy in
        set.policies().iter().filter(|own| own.name.kind == PolicyKind::ClusterNetworkPolicy)
    {
        let message = format!(
            "ClusterNetworkPolicy is read since Cilium 1.20, and off by default: an agent of {}, as `cilium-release` says, enforces nothing of it, and it is judged here all the same",
            set.settings().release
        );
        let finding = Finding::of::<NewerThanRelease>(message);
        findings.push(finding.in_policy(Some(policy), policy.at));
    }
}

/// Whether a selector is that of the entity `cluster-mesh`.
fn is_cluster_mesh(peer: &Peer, selector: &Selector) -> bool {
    peer.field.ends_with("Entities")
        && matches!(selector.requirements.as_slice(), [only] if only.key == CLUSTER && only.operator == Operator::Exists)
}

/// Whether releases with aggregate entries add the own cluster to a selector without a cluster. With it, the selector
/// does not only exclude.
fn gets_cluster(set: &PolicySet, entry: &Entry, selector: &Selector) -> bool {
    let kind = set.policies().get(entry.policy).map(|policy| policy.name.kind);
    let settings = set.settings();
    settings.default_local_cluster.is_none()
        && !settings.release.has_aggregates()
        && kind != Some(PolicyKind::ClusterNetworkPolicy)
        && !selector.requirements.iter().any(|own| own.source.as_deref() == Some("reserved"))
}

/// Finding about a selector that only excludes, and therefore selects aggregate entries.
fn aggregates(set: &PolicySet, selector: &Selector) -> Option<Finding> {
    if selector.is_wildcard() || is_meant(selector) {
        return None;
    }
    let selected: Vec<&str> = AGGREGATES
        .iter()
        .filter(|(key, _)| {
            let (key, source) = ((*key).to_owned(), "reserved".to_owned());
            selector.matches(&[Label { key, value: String::new(), source }])
        })
        .map(|(_, kind)| *kind)
        .collect();
    if selected.is_empty() {
        return None;
    }
    let severity =
        if set.settings().release.has_aggregates() { Severity::Warning } else { Severity::Hint };
    let message = format!(
        "`{selector}` only excludes: since Cilium 1.20 it selects all {} by the entries that stand for them, the excluded ones too; a requirement that has to hold, such as a namespace that exists, keeps it to what it says",
        selected.join(", all ")
    );
    Some(Finding::of::<SelectsMore>(message).graded(severity))
}

/// Whether a selector names an aggregate entry, as those of entities do.
fn is_meant(selector: &Selector) -> bool {
    selector.requirements.iter().any(|own| AGGREGATES.iter().any(|(key, _)| own.key == *key))
}
