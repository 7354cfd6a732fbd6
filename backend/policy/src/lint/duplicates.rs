//! Lints about what is said twice.

use super::{Finding, Severity, rules::Rules};
use crate::{Entry, Peers, PortRange, Protocol};

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
        let entries = self.set.entries();
        // Quadratic; a folder of thousands of rules gets no answer to this one.
        if entries.len() > 2_000 {
            return;
        }
        for (index, entry) in entries.iter().enumerate() {
            let is_copy = |other: &&Entry| {
                other.subject == entry.subject
                    && other.direction == entry.direction
                    && other.action == entry.action
                    && other.tier == entry.tier
                    && other.priority == entry.priority
                    && other.is_node == entry.is_node
                    && peers_equal(&other.peers, &entry.peers)
                    && ports_equal(other, entry)
            };
            if matches!(entry.peers, Peers::Any(_))
                && let Some(first) = entries.iter().take(index).find(is_copy)
            {
                let place = (entry, entry.at);
                let sentence = "another rule says the same";
                self.add_beside("duplicate-rule", Severity::Hint, place, first, sentence);
            }
        }
    }
}

pub(super) fn peers_equal(one: &Peers, other: &Peers) -> bool {
    match (one, other) {
        (Peers::Unlimited, Peers::Unlimited) => true,
        (Peers::Any(one), Peers::Any(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| one.matcher == other.matcher)
        }
        _ => false,
    }
}

fn ports_equal(one: &Entry, other: &Entry) -> bool {
    let flat = |entry: &Entry| -> Option<Vec<(Protocol, PortRange)>> {
        let rules = entry.ports.as_ref()?;
        Some(
            rules
                .iter()
                .flat_map(|rule| &rule.ports)
                .map(|port| (port.protocol, port.range.clone()))
                .collect(),
        )
    };
    let has_l7 = |entry: &Entry| {
        entry.ports.iter().flatten().any(|rule| rule.l7.is_redirect(6) || rule.l7.is_redirect(17))
    };
    flat(one) == flat(other) && !has_l7(one) && !has_l7(other)
}
