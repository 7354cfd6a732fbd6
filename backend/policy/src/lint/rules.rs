//! Lints over compiled rules.

use hashbrown::HashMap;

use super::{Finding, Severity};
use crate::{
    Action, Direction, DnsRule, Entry, Identity, Judge, Label, NamePattern, NamedPorts, Peer,
    PeerMatcher, Peers, PolicySet, PortRange, Position, Protocol, Selector, Traffic,
};

/// Looks at the rules.
pub(super) fn lint(set: &PolicySet, findings: &mut Vec<Finding>) {
    let mut rules = Rules { set, findings };
    for (index, entry) in set.entries().iter().enumerate() {
        rules.entry(index, entry);
    }
    rules.duplicates();
    rules.deny_only();
    rules.names();
    rules.egress_without_dns();
    rules.conflicts();
}

struct Rules<'r> {
    set: &'r PolicySet,
    findings: &'r mut Vec<Finding>,
}

impl<'r> Rules<'r> {
    fn add(
        &mut self,
        id: &'static str,
        severity: Severity,
        entry: &Entry,
        at: Position,
        sentence: String,
        fix: Option<String>,
    ) {
        let policy = self.set.policies().get(entry.policy);
        self.findings.push(Finding {
            id,
            severity,
            sentence,
            source: policy.map(|policy| policy.source),
            at,
            policy: policy.map(|policy| policy.name.to_string()).unwrap_or_default(),
            evidence: Vec::new(),
            fix,
        });
    }

    fn entry(&mut self, index: usize, entry: &Entry) {
        let clause = &entry.clause;
        match (&entry.peers, entry.action) {
            (Peers::Unlimited, Action::Allow) if entry.ports.is_none() => self.add(
                "empty-rule",
                Severity::Warning,
                entry,
                entry.at,
                format!("`{clause}: {{}}` allows nobody in a Cilium policy: it only turns on default deny (in a NetworkPolicy it allows everyone)"),
                None,
            ),
            (Peers::Unlimited, Action::Deny) if entry.ports.is_none() => self.add(
                "empty-deny",
                Severity::Error,
                entry,
                entry.at,
                format!("`{clause}: {{}}` denies nothing"),
                Some(match entry.direction {
                    Direction::Ingress => "- fromEntities:\n  - all".to_owned(),
                    Direction::Egress => "- toEntities:\n  - all".to_owned(),
                }),
            ),
            _ => {}
        }
        let peers: &[Peer] = match &entry.peers {
            Peers::Any(peers) => peers,
            _ => &[],
        };
        self.peers(entry, peers);
        for rule in entry.ports.iter().flatten() {
            for port in &rule.ports {
                if let PortRange::Named(name) = &port.range {
                    let whose = match entry.direction {
                        Direction::Ingress => "the selected pod's",
                        Direction::Egress => "the peer's",
                    };
                    self.add(
                        "named-port",
                        Severity::Hint,
                        entry,
                        port.at,
                        format!("`{name}` is {whose} port of that name: where no pod has one, the rule is inert"),
                        None,
                    );
                }
            }
            if !rule.l7.http.is_empty() || !rule.l7.dns.is_empty() {
                self.widened(index, entry, rule.at);
            }
        }
    }

    fn peers(&mut self, entry: &Entry, peers: &[Peer]) {
        let settings = self.set.settings().clone();
        let mut last: Option<Position> = None;
        for peer in peers {
            // An entity is several selectors at one place.
            if last.replace(peer.at) == Some(peer.at) {
                continue;
            }
            match &peer.matcher {
                PeerMatcher::Labels(selector)
                    if is_reserved(selector, "host")
                        && entry.direction == Direction::Ingress
                        && entry.action == Action::Allow
                        && settings.allow_localhost
                        && peer.field == "fromEntities" =>
                {
                    self.add(
                        "needless-host",
                        Severity::Hint,
                        entry,
                        peer.at,
                        "the node may always reach its own pods; kubelets of other nodes are `remote-node`".to_owned(),
                        None,
                    );
                }
                PeerMatcher::Labels(selector)
                    if is_reserved(selector, "kube-apiserver")
                        && entry.direction == Direction::Ingress =>
                {
                    self.add(
                        "apiserver-ingress",
                        Severity::Warning,
                        entry,
                        peer.at,
                        "on managed clusters the API server's source address is rewritten: `kube-apiserver` on ingress may match nothing".to_owned(),
                        None,
                    );
                }
                PeerMatcher::Labels(selector)
                    if (selector.is_wildcard() || is_reserved(selector, "world"))
                        && entry.action == Action::Allow
                        && !peer.field.is_empty() =>
                {
                    let who = if selector.is_wildcard() { "everyone" } else { "the whole world" };
                    let what = if entry.ports.is_some() { "its ports" } else { "every port" };
                    self.add(
                        "wide-open",
                        Severity::Hint,
                        entry,
                        peer.at,
                        format!("allows {who} on {what}"),
                        None,
                    );
                }
                PeerMatcher::Cidr { prefix, .. } => {
                    if prefix.is_everything() && settings.cidr_matches_nodes {
                        self.add(
                            "everything-and-nodes",
                            Severity::Warning,
                            entry,
                            peer.at,
                            format!("{prefix} does not match nodes, although the match mode says so (cilium#47827)"),
                            None,
                        );
                    } else if prefix.is_everything() && entry.action == Action::Allow {
                        self.add(
                            "wide-open",
                            Severity::Hint,
                            entry,
                            peer.at,
                            format!("{prefix} allows the whole world, but no pod and no node"),
                            None,
                        );
                    } else if is_private(prefix) && !settings.cidr_matches_pods {
                        self.add(
                            "private-cidr",
                            Severity::Hint,
                            entry,
                            peer.at,
                            format!("{prefix} is about addresses outside the cluster: pods and nodes in it are not matched"),
                            None,
                        );
                    }
                }
                PeerMatcher::Name(pattern) => self.name(entry, peer.at, pattern),
                _ => {}
            }
        }
    }

    fn name(&mut self, entry: &Entry, at: Position, pattern: &NamePattern) {
        let text = pattern.text.as_str();
        if text.ends_with(".svc.cluster.local") || text.ends_with(".cluster.local") {
            self.add(
                "cluster-name-in-fqdn",
                Severity::Error,
                entry,
                at,
                format!("`{text}` is inside the cluster: toFQDNs is about the world alone, and never matches it"),
                None,
            );
        }
        let rest = text.trim_start_matches('*');
        if pattern.is_everything() {
            return;
        }
        if let Some(apex) = text.strip_prefix("*.") {
            if !apex.contains('*') {
                self.add(
                    "pattern-depth",
                    Severity::Hint,
                    entry,
                    at,
                    format!("`{text}` matches one label below `{apex}`: neither `{apex}` itself nor `a.b.{apex}`"),
                    Some(format!("**.{apex}")),
                );
            }
        } else if text.starts_with("**.") {
            self.add(
                "pattern-depth",
                Severity::Hint,
                entry,
                at,
                format!(
                    "`{text}` matches every depth below `{}`, but not the name itself",
                    rest.trim_start_matches('.')
                ),
                None,
            );
        } else if text.starts_with('*') {
            self.add(
                "pattern-prefix",
                Severity::Warning,
                entry,
                at,
                format!("`{text}` also matches `not{rest}`, and no name with a further dot"),
                Some(format!("*.{rest}")),
            );
        }
    }

    /// L7 rules that a wider rule beside them makes void.
    fn widened(&mut self, index: usize, entry: &Entry, at: Position) {
        let is_same = |other: &Entry| {
            other.direction == entry.direction
                && other.subject == entry.subject
                && other.tier == entry.tier
                && other.action == Action::Allow
                && peers_equal(&other.peers, &entry.peers)
        };
        let ports: Vec<_> = entry
            .ports
            .iter()
            .flatten()
            .filter(|rule| rule.at == at)
            .flat_map(|rule| &rule.ports)
            .collect();
        let voids = self.set.entries().iter().enumerate().find(|(number, other)| {
            is_same(other)
                && other.ports.iter().flatten().any(|rule| {
                    (*number != index || rule.at != at)
                        && rule.l7.http.is_empty()
                        && rule.l7.dns.is_empty()
                        && !rule.l7.is_tls()
                        && rule.ports.iter().any(|port| {
                            ports
                                .iter()
                                .any(|own| own.range == port.range && own.protocol == port.protocol)
                        })
                })
        });
        if let Some((_, other)) = voids {
            let line = other.at.line;
            self.add(
                "l7-beside-l4",
                Severity::Warning,
                entry,
                at,
                format!("the rule in line {line} allows the same peers on the same port without L7: every request passes, though still through the proxy"),
                None,
            );
        }
    }

    fn duplicates(&mut self) {
        let entries = self.set.entries();
        let policies = self.set.policies();
        let mut first: HashMap<&crate::PolicyName, Position> = HashMap::new();
        for policy in policies {
            let earlier = first.get(&policy.name).copied();
            first.entry(&policy.name).or_insert(policy.at);
            if let Some(earlier) = earlier {
                self.findings.push(Finding {
                    id: "duplicate-name",
                    severity: Severity::Error,
                    sentence: format!(
                        "another policy of this name stands before it (line {}): applied one after the other, this one replaces it",
                        earlier.line
                    ),
                    source: Some(policy.source),
                    at: policy.at,
                    policy: policy.name.to_string(),
                    evidence: Vec::new(),
                    fix: None,
                });
            }
        }
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
                let sentence = format!("says the same as the rule in line {}", first.at.line);
                self.add("duplicate-rule", Severity::Hint, entry, entry.at, sentence, None);
            }
        }
    }

    fn deny_only(&mut self) {
        let entries = self.set.entries().iter().enumerate();
        let mut sorted: Vec<_> =
            entries.map(|(index, entry)| (entry.policy, entry.direction, index)).collect();
        crate::order::sort(&mut sorted);
        let is_same = |one: &(usize, Direction, usize), other: &(usize, Direction, usize)| {
            (one.0, one.1) == (other.0, other.1)
        };
        for group in sorted.chunk_by(is_same) {
            let Some((_, direction, first)) = group.first().copied() else { continue };
            let mut rules = group.iter().filter_map(|(_, _, index)| self.set.entries().get(*index));
            let is_deny = rules.clone().all(|entry| entry.action == Action::Deny);
            let is_default = rules.any(|entry| entry.default_deny);
            let Some(first) = self.set.entries().get(first) else { continue };
            if is_deny && is_default {
                let name = direction.name();
                self.add(
                    "deny-only",
                    Severity::Warning,
                    first,
                    first.at,
                    format!("the policy only denies, and still turns on default deny: every other {name} is refused too"),
                    Some(format!("enableDefaultDeny:\n  {name}: false")),
                );
            }
        }
    }

    /// Names without a DNS rule are never learned; names in none are refused first.
    fn names(&mut self) {
        let dns = self.dns_entries();
        for entry in self.set.entries() {
            let Peers::Any(peers) = &entry.peers else { continue };
            let has_names = peers.iter().any(|peer| matches!(peer.matcher, PeerMatcher::Name(_)));
            if entry.tier != crate::Tier::Normal || !has_names {
                continue;
            }
            let rules = dns_rules(&dns, &entry.subject);
            let mut findings = Vec::new();
            for peer in peers {
                let PeerMatcher::Name(pattern) = &peer.matcher else { continue };
                if rules.is_empty() {
                    findings.push((
                        "fqdn-without-dns-rule",
                        peer.at,
                        format!("no DNS rule lets the agent see queries: no address is ever learned for `{pattern}`, and connections are refused"),
                    ));
                } else if !rules.iter().any(|rule| covers(rule, pattern)) {
                    findings.push((
                        "fqdn-not-in-dns-rules",
                        peer.at,
                        format!("`{pattern}` stands in toFQDNs, but in no DNS rule: its query is refused, and no connection is ever tried"),
                    ));
                }
            }
            for (id, at, sentence) in findings {
                let fix = (id == "fqdn-not-in-dns-rules").then(|| dns_fix(peers, at));
                self.add(id, Severity::Error, entry, at, sentence, fix);
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

    fn egress_without_dns(&mut self) {
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
            let Some(seen) = seen.get_mut(first.policy) else { continue };
            if std::mem::replace(seen, true) || first.is_node {
                continue;
            }
            let allows_dns = lets_dns.iter().any(|subject| {
                subject.requirements.iter().all(|r| first.subject.requirements.contains(r))
            });
            if !allows_dns {
                self.add(
                    "no-dns-egress",
                    Severity::Warning,
                    first,
                    first.at,
                    "egress is refused by default, and nothing allows DNS: whatever goes by name fails".to_owned(),
                    Some(DNS_RULE.to_owned()),
                );
            }
        }
    }

    /// Subjects whose policies the agent cannot put together.
    fn conflicts(&mut self) {
        let mut judge = Judge::new(std::sync::Arc::new(self.set.clone()));
        let mut seen: Vec<Selector> = Vec::new();
        for entry in self.set.entries() {
            let has_l7 = entry.authentication.is_some()
                || entry.ports.iter().flatten().any(|rule| rule.l7.is_redirect(6));
            if !has_l7 || seen.contains(&entry.subject) || seen.len() >= 1_000 {
                continue;
            }
            seen.push(entry.subject.clone());
            let subject = sample(&entry.subject);
            let traffic = Traffic::new(6, 1);
            let named = NamedPorts::Unknown;
            let explanation = judge.explain(&subject, &subject, entry.direction, traffic, named);
            if let Some(why) = explanation.conflict {
                self.add(
                    "unresolvable",
                    Severity::Error,
                    entry,
                    entry.at,
                    format!(
                        "the agent cannot put this endpoint's policies together ({why}): none of their changes takes effect"
                    ),
                    None,
                );
            }
        }
    }
}

/// Whether an entry lets anybody ask for names.
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
        && !matches!(entry.peers, Peers::Nobody { .. })
        && match &entry.ports {
            None => matches!(entry.peers, Peers::Any(_)),
            Some(rules) => rules.iter().flat_map(|rule| &rule.ports).any(is_port),
        }
}

/// DNS rules of entries that are about the same subject, or about everyone.
fn dns_rules<'e>(entries: &[&'e Entry], subject: &Selector) -> Vec<&'e DnsRule> {
    entries
        .iter()
        .filter(|entry| entry.subject.requirements.iter().all(|r| subject.requirements.contains(r)))
        .flat_map(|entry| entry.ports.iter().flatten())
        .flat_map(|rule| &rule.l7.dns)
        .collect()
}

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

/// Whether a DNS rule lets everything that a pattern matches be asked for; for patterns, as far
/// as samples tell.
fn covers(rule: &DnsRule, pattern: &NamePattern) -> bool {
    let sample = |stand_in: &str| {
        let text = pattern.text.replace("**.", &format!("{stand_in}.{stand_in}."));
        text.replace('*', stand_in)
    };
    rule.patterns.iter().any(|own| {
        own.text == pattern.text
            || ["x7q", "a-b_c"].iter().all(|stand_in| own.matches(&sample(stand_in)))
    })
}

fn is_reserved(selector: &Selector, name: &str) -> bool {
    matches!(selector.requirements.as_slice(), [only] if only.key == name
        && only.source.as_deref() == Some("reserved"))
}

fn is_private(prefix: &crate::Prefix) -> bool {
    match prefix.addr() {
        std::net::IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            a == 10 || (a == 172 && (16..32).contains(&b)) || (a == 192 && b == 168)
        }
        std::net::IpAddr::V6(v6) => v6.octets().first().is_some_and(|first| first & 0xfe == 0xfc),
    }
}

fn peers_equal(one: &Peers, other: &Peers) -> bool {
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

/// An identity that a selector selects, as far as its positive requirements go.
fn sample(selector: &Selector) -> Identity {
    let labels = selector.requirements.iter().filter_map(|requirement| {
        let value = match &requirement.operator {
            crate::Operator::In(values) => values.first()?.clone(),
            crate::Operator::Exists => String::new(),
            _ => return None,
        };
        Some(Label {
            key: requirement.key.clone(),
            value,
            source: requirement.source.clone().unwrap_or_else(|| "k8s".to_owned()),
        })
    });
    Identity::of_labels(labels, false)
}
