//! Lints about names and DNS. A name has an address once a query for it was answered.

use super::{
    Finding, Severity,
    pod_selectors::is_about_all_of,
    registry::{FqdnNotInDnsRules, FqdnWithoutDnsRule, NoDnsEgress},
    rules::Rules,
};
use crate::ids::Id;
use crate::{
    Action, Direction, DnsRule, Entry, NamePattern, Peer, PeerMatcher, Peers, PolicyKind,
    PolicySet, PortRange, Position, Selector, name_patterns,
};

impl<'r> Rules<'r> {
    /// Names of `toFQDNs` that no DNS rule covers. Without any DNS rule, their addresses are never learned; with
    /// rules that leave them out, their queries are refused.
    pub(super) fn names(&mut self) {
        let dns = self.dns_entries();
        for entry in self.set.entries() {
            let Peers::Any(peers) = &entry.peers else { continue };
            let has_names = peers.iter().any(|peer| matches!(peer.matcher, PeerMatcher::Name(_)));
            if entry.tier != crate::Tier::Normal || !has_names {
                continue;
            }
            let rules = dns_rules(&dns, &entry.subject, self.set);
            let mut findings = Vec::new();
            for peer in peers {
                let PeerMatcher::Name(pattern) = &peer.matcher else { continue };
                if rules.is_empty() {
                    let message = format!(
                        "no DNS rule among these policies lets the agent see queries: without one, no address is ever learned for `{pattern}`, and connections are refused"
                    );
                    let finding = Finding::of::<FqdnWithoutDnsRule>(message);
                    findings.push((finding, peer.at, None));
                } else if !rules.iter().any(|rule| name_patterns::covers(&rule.patterns, pattern)) {
                    let message = format!(
                        "`{pattern}` stands in toFQDNs, but in no DNS rule: its query is refused, and no connection is ever tried"
                    );
                    let finding = Finding::of::<FqdnNotInDnsRules>(message);
                    findings.push((finding, peer.at, Some(dns_fix(peers, peer.at))));
                }
            }
            for (finding, at, fix) in findings {
                self.add(finding, entry, at, fix);
            }
        }
    }

    /// Patterns of DNS rules that cover some depths only. Left out are patterns that belong to a name of
    /// `toFQDNs` or to its search list, which has its own finding, and lists with a deeper pattern beside: their
    /// author knows of depths.
    pub(super) fn queries(&mut self, entry: &Entry) {
        let rules = || entry.ports.iter().flatten().flat_map(|rule| &rule.l7.dns);
        let listed: Vec<&NamePattern> = rules().flat_map(|rule| &rule.patterns).collect();
        for rule in rules() {
            for pattern in &rule.patterns {
                let Some(apex) = pattern.text.strip_prefix("*.") else { continue };
                let is_below = |text: &str| text.ends_with(&format!(".{apex}"));
                let goes_deeper =
                    |own: &&NamePattern| own.text != pattern.text && is_below(&own.text);
                let is_of_name = self.set.entries().iter().flat_map(Entry::names).any(|name| {
                    let stem = name.text.trim_start_matches(['*', '.']);
                    stem == apex || is_below(stem) || apex.starts_with(&format!("{stem}."))
                });
                // All Services of a namespace.
                let is_namespace = apex
                    .strip_suffix(".svc.cluster.local")
                    .is_some_and(|namespace| !namespace.contains('.'));
                if !is_of_name && !is_namespace && !listed.iter().any(goes_deeper) {
                    self.depth(entry, rule.at, pattern);
                }
            }
        }
    }

    /// Entries with DNS rules.
    fn dns_entries(&self) -> Vec<&'r Entry> {
        let has_dns = |entry: &&Entry| {
            entry.direction == Direction::Egress
                && entry.action == Action::Allow
                && entry.ports.iter().flatten().any(|rule| !rule.l7.dns.is_empty())
        };
        self.set.entries().iter().filter(has_dns).collect()
    }

    /// Policies that isolate egress while no policy allows DNS for their pods.
    pub(super) fn egress_without_dns(&mut self) {
        let lets_dns: Vec<&Selector> = self
            .set
            .entries()
            .iter()
            .filter(|entry| allows_dns(entry))
            .map(|entry| &entry.subject)
            .collect();
        let mut seen: Vec<bool> = vec![false; self.set.policies().len()];
        for first in self.set.entries() {
            if first.direction != Direction::Egress || !first.default_deny {
                continue;
            }
            let Some(seen) = seen.get_mut(first.policy.index()) else { continue };
            // A policy that only denies has the finding `deny-only`.
            let mut others = self.set.entries().iter().filter(|own| own.policy == first.policy);
            let only_denies =
                others.all(|own| own.direction == Direction::Ingress || own.action == Action::Deny);
            if std::mem::replace(seen, true) || first.is_node || only_denies {
                continue;
            }
            let allows_dns =
                lets_dns.iter().any(|subject| is_about_all_of(subject, &first.subject, self.set));
            if !allows_dns {
                let kind = self.set.policies().get(first.policy).map(|policy| policy.name.kind);
                let fix = match kind {
                    Some(PolicyKind::NetworkPolicy) => KUBERNETES_DNS_RULE,
                    _ => DNS_RULE,
                };
                let mut own = self.set.entries().iter().filter(|own| own.policy == first.policy);
                // Addresses and the API server are reached without a name.
                let severity =
                    if own.any(goes_by_name) { Severity::Warning } else { Severity::Hint };
                self.add(
                    Finding::of::<NoDnsEgress>(
                        "egress is refused by default, and nothing allows DNS: connections by name fail".to_owned(),
                    ).graded(severity),
                    first,
                    first.at,
                    Some(fix.to_owned()),
                );
            }
        }
    }
}

/// Whether an entry allows DNS queries to any peer.
fn allows_dns(entry: &Entry) -> bool {
    let is_port = |port: &crate::Port| {
        port.protocol.covers(17)
            && match &port.range {
                PortRange::All => true,
                PortRange::Numbers(low, high) => (*low..=*high).contains(&53),
                PortRange::Named(name) => name.starts_with("dns"),
            }
    };
    entry.direction == Direction::Egress
        && entry.action == Action::Allow
        && match &entry.peers {
            Peers::Empty { .. } => false,
            Peers::Absent => true,
            // A resolver cannot be reached by its name: the name needs a resolver first.
            Peers::Any(peers) => {
                peers.iter().any(|peer| !matches!(peer.matcher, PeerMatcher::Name(_)))
            }
        }
        && match &entry.ports {
            None => matches!(entry.peers, Peers::Any(_)),
            Some(rules) => rules.iter().flat_map(|rule| &rule.ports).any(is_port),
        }
}

/// Whether an entry allows egress to peers that are commonly reached by name.
fn goes_by_name(entry: &Entry) -> bool {
    let is_by_name = |peer: &Peer| match &peer.matcher {
        PeerMatcher::Name(_) | PeerMatcher::Service { .. } => true,
        PeerMatcher::Labels(selector) => {
            let of_reserved = |name: &str| {
                selector.requirements.iter().any(|own| {
                    own.source.as_deref() == Some("reserved") && own.key.starts_with(name)
                })
            };
            !["kube-apiserver", "host", "remote-node", "health"].into_iter().any(of_reserved)
        }
        _ => false,
    };
    entry.direction == Direction::Egress
        && entry.action == Action::Allow
        && match &entry.peers {
            Peers::Empty { .. } => false,
            Peers::Absent => entry.ports.is_some(),
            Peers::Any(peers) => peers.iter().any(is_by_name),
        }
}

/// DNS rules of entries that select every pod of a subject.
fn dns_rules<'e>(entries: &[&'e Entry], subject: &Selector, set: &PolicySet) -> Vec<&'e DnsRule> {
    entries
        .iter()
        .filter(|entry| is_about_all_of(&entry.subject, subject, set))
        .flat_map(|entry| entry.ports.iter().flatten())
        .flat_map(|rule| &rule.l7.dns)
        .collect()
}

const KUBERNETES_DNS_RULE: &str = "\
- to:
  - namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: kube-system
    podSelector:
      matchLabels:
        k8s-app: kube-dns
  ports:
  - port: 53
    protocol: UDP
  - port: 53
    protocol: TCP";

const DNS_RULE: &str = "\
- toEndpoints:
  - matchLabels:
      k8s:io.kubernetes.pod.namespace: kube-system
      k8s:k8s-app: kube-dns
  toPorts:
  - ports:
    - port: \"53\"
      protocol: ANY
    rules:
      dns:
      - matchPattern: \"*\"";

fn dns_fix(peers: &[Peer], at: Position) -> String {
    peers
        .iter()
        .find(|peer| peer.at == at)
        .and_then(|peer| match &peer.matcher {
            PeerMatcher::Name(pattern) if pattern.is_name => {
                Some(format!("- matchName: \"{pattern}\""))
            }
            PeerMatcher::Name(pattern) => Some(format!("- matchPattern: \"{pattern}\"")),
            _ => None,
        })
        .unwrap_or_default()
}
