//! Lints about what is said twice.

use hashbrown::HashMap;

use super::{Finding, Severity, rules::Rules};
use crate::{Entry, PeerMatcher, Peers};

impl Rules<'_> {
    /// Objects of one name. Of two files nothing says that both are applied to one cluster: overlays
    /// and clusters have files of their own, mostly in folders of their own.
    pub(super) fn same_names(&mut self, names: &[&str]) {
        let folder = |source: usize| {
            let name = names.get(source)?;
            Some(name.rsplit_once(['/', '\\']).map_or("", |(folder, _)| folder))
        };
        let set = self.set;
        for (earlier, policy) in set.documents().replacements() {
            let (source, at) = (earlier.source, earlier.at);
            let (severity, sentence) = if source == policy.source {
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
            self.findings.push(Finding {
                id: "duplicate-name",
                severity,
                sentence: sentence.to_owned(),
                source: Some(policy.source),
                at: policy.at,
                policy: policy.name.to_string(),
                evidence: Vec::new(),
                fix: None,
                other: Some((source, at)),
            });
        }
    }

    pub(super) fn duplicates(&mut self) {
        let set = self.set;
        let mut known = HashMap::new();
        for entry in set.entries() {
            let Some(said) = said(entry) else { continue };
            if let Some(first) = known.get(&said).copied() {
                let place = (entry, entry.at);
                let sentence = "another rule says the same";
                self.add_beside("duplicate-rule", Severity::Hint, place, first, sentence);
            } else {
                known.insert(said, entry);
            }
        }
    }
}

/// Everything that a rule without L7 says of somebody, in a form that tells whether another says the
/// same.
fn said(entry: &Entry) -> Option<impl Eq + std::hash::Hash> {
    let Peers::Any(peers) = &entry.peers else { return None };
    let rules = entry.ports.as_ref();
    let has_l7 =
        rules.into_iter().flatten().any(|rule| rule.l7.is_redirect(6) || rule.l7.is_redirect(17));
    let ports = rules.map(|rules| {
        let ports = rules.iter().flat_map(|rule| &rule.ports);
        ports.map(|port| (port.protocol, &port.range)).collect::<Vec<_>>()
    });
    let peers: Vec<&PeerMatcher> = peers.iter().map(|peer| &peer.matcher).collect();
    let order = (entry.action, entry.tier, entry.priority);
    (!has_l7).then_some((&entry.subject, entry.is_node, entry.direction, order, peers, ports))
}
