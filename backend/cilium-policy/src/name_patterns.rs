//! DNS name patterns in rules: those of `toFQDNs` and of DNS rules.

use crate::{Entry, NamePattern, PeerMatcher, Peers};

impl Entry {
    /// The patterns of its `toFQDNs`.
    pub fn names(&self) -> impl Iterator<Item = &NamePattern> {
        let peers = match &self.peers {
            Peers::Any(peers) => peers.as_slice(),
            _ => &[],
        };
        peers.iter().filter_map(|peer| match &peer.matcher {
            PeerMatcher::Name(pattern) => Some(pattern),
            _ => None,
        })
    }

    /// The patterns of its DNS rules.
    pub fn dns_names(&self) -> impl Iterator<Item = &NamePattern> {
        let rules = self.ports.iter().flatten().flat_map(|rule| &rule.l7.dns);
        rules.flat_map(|rule| &rule.patterns)
    }
}

/// Whether patterns match everything that another pattern matches, as far as samples show.
#[must_use]
pub fn covers(patterns: &[NamePattern], pattern: &NamePattern) -> bool {
    let sample = |stand_in: &str| {
        let text = pattern.text.replace("**.", &format!("{stand_in}.{stand_in}."));
        text.replace('*', stand_in)
    };
    patterns.iter().any(|own| {
        own.text == pattern.text
            || ["x7q", "a-b_c"].iter().all(|stand_in| own.matches(&sample(stand_in)))
    })
}
