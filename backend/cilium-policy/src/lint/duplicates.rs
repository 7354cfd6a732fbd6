//! Lints about duplicates: policies of one name, and rules with the same content.

use hashbrown::HashMap;

use super::{
    Finding, Severity,
    registry::{DuplicateName, DuplicateRule},
    rules::Rules,
};
use crate::{Entry, PeerMatcher, Peers};

impl Rules<'_> {
    /// Policies of one kind, namespace and name. Two files are not always applied to the same cluster: overlays and
    /// clusters often have folders of their own.
    pub(super) fn same_names(&mut self, names: &[&str]) {
        let folder = |source: usize| {
            let name = names.get(source)?;
            Some(name.rsplit_once(['/', '\\']).map_or("", |(folder, _)| folder))
        };
        let set = self.set;
        for (earlier, policy) in set.documents().replacements() {
            let (source, at) = (earlier.source, earlier.at);
            let (severity, message) = if source == policy.source {
                (
                    Severity::Error,
                    "another policy of this name stands before it: applied one after the other, this one replaces it",
                )
            } else if folder(source).is_some() && folder(source) == folder(policy.source) {
                (
                    Severity::Warning,
                    "another file of this folder has a policy of this name: where both are applied, as here, this one replaces it",
                )
            } else {
                (
                    Severity::Hint,
                    "another file has a policy of this name, as overlays and clusters of their own have: where both are applied, as here, this one replaces it",
                )
            };
            let mut finding = Finding::of::<DuplicateName>(message.to_owned())
                .graded(severity)
                .in_policy(Some(policy), policy.at);
            finding.other = Some((source, at));
            self.findings.push(finding);
        }
    }

    /// Rules with the same content.
    pub(super) fn duplicates(&mut self) {
        let set = self.set;
        let mut known = HashMap::new();
        for entry in set.entries() {
            let Some(content) = content(entry) else { continue };
            if let Some(first) = known.get(&content).copied() {
                let position = (entry, entry.at);
                let message = "another rule says the same";
                self.add_beside(Finding::of::<DuplicateRule>(message.to_owned()), position, first);
            } else {
                known.insert(content, entry);
            }
        }
    }
}

/// Content of a rule without L7, to compare rules by; none for rules with L7, and for rules without named
/// peers.
fn content(entry: &Entry) -> Option<impl Eq + std::hash::Hash> {
    let Peers::Any(peers) = &entry.peers else { return None };
    let rules = entry.ports.as_ref();
    let has_l7 =
        rules.into_iter().flatten().any(|rule| rule.l7.is_redirect(6) || rule.l7.is_redirect(17));
    let ports = rules.map(|rules| {
        let ports = rules.iter().flat_map(|rule| &rule.ports);
        ports.map(|port| (port.protocol, &port.range)).collect::<Vec<_>>()
    });
    let peers: Vec<&PeerMatcher> = peers.iter().map(|peer| &peer.matcher).collect();
    let rank = (entry.action, entry.tier, entry.priority);
    (!has_l7).then_some((&entry.subject, entry.is_node, entry.direction, rank, peers, ports))
}
