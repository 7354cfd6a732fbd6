//! Lint about selectors with labels that the agent leaves out of every identity.

use hashbrown::HashSet;

use super::{Finding, registry::LabelLeftOut};
use crate::{
    Entry, Operator, PeerMatcher, Peers, PolicySet, Position, Requirement, Selector, identity_label,
};

/// Looks at the selectors of subjects and peers.
pub(super) fn lint(set: &PolicySet, is_kept: impl Fn(&str) -> bool, findings: &mut Vec<Finding>) {
    let mut known: HashSet<(crate::PolicyId, Position, &str)> = HashSet::new();
    let mut selectors: Vec<(&Entry, Position, &str, &Selector)> = Vec::new();
    for entry in set.entries() {
        // Another option of the agent filters the labels of nodes.
        if let Some(policy) = set.policies().get(entry.policy).filter(|_| !entry.is_node) {
            selectors.push((entry, policy.at, "the policy", &entry.subject));
        }
        let Peers::Any(peers) = &entry.peers else { continue };
        for peer in peers {
            if let PeerMatcher::Labels(selector) = &peer.matcher {
                selectors.push((entry, peer.at, "it", selector));
            }
        }
    }
    let mut left_out: Vec<(&Entry, Position, &str, &Requirement)> = Vec::new();
    for (entry, at, selecting, selector) in selectors {
        for own in &selector.requirements {
            let is_of_pods = own.source.as_deref().is_none_or(|source| source == "k8s");
            if is_of_pods
                && !identity_label::is_kept(&own.key)
                && known.insert((entry.policy, at, &own.key))
            {
                left_out.push((entry, at, selecting, own));
            }
        }
    }
    left_out.retain(|(.., own)| !is_kept(&own.key));
    for (entry, at, selecting, own) in left_out {
        let so = match own.operator {
            Operator::In(_) | Operator::Exists => format!("{selecting} selects no pod"),
            Operator::NotIn(_) | Operator::DoesNotExist => "every pod meets that".to_owned(),
        };
        let message = format!(
            "the label `{}` is never a part of an identity, unless the agent's option `labels` keeps it: {so}",
            own.key
        );
        let policy = set.policies().get(entry.policy);
        findings.push(Finding::of::<LabelLeftOut>(message).in_policy(policy, at));
    }
}
