//! Lints about compiled rules.

use super::{
    Finding, Severity,
    pod_selectors::is_about_all_of,
    registry::{
        ApiserverIngress, ClusterNameInFqdn, DenyOnly, EmptyDeny, EmptyPeers, EmptyRule,
        EverythingAndNodes, NamedPort, NeedlessHost, PatternDepth, PatternPrefix, PrivateCidr,
        ServicesWithPorts, Unresolvable, WideOpen,
    },
};
use crate::ids::{Id, PolicyId};
use crate::{
    Action, Direction, Entry, Identity, Label, NamePattern, Peer, PeerMatcher, Peers, PolicyKind,
    PolicySet, PortRange, Position, Selector, SourceText,
    source::{Value, object_at},
};

/// Looks at the rules.
pub(super) fn lint(
    set: &PolicySet,
    texts: &[SourceText<'_>],
    names: &[&str],
    findings: &mut Vec<Finding>,
) {
    let mut rules = Rules { set, findings };
    for (index, entry) in set.entries().iter().enumerate() {
        rules.entry(index, entry);
    }
    rules.same_names(names);
    rules.duplicates();
    rules.deny_only(texts);
    rules.names();
    rules.egress_without_dns();
    rules.conflicts();
}

/// The policies, and the findings about them so far.
pub(super) struct Rules<'r> {
    pub(super) set: &'r PolicySet,
    pub(super) findings: &'r mut Vec<Finding>,
}

impl Rules<'_> {
    /// Adds a finding at a position in an entry's policy.
    pub(super) fn add(
        &mut self,
        finding: Finding,
        entry: &Entry,
        at: Position,
        fix: Option<String>,
    ) {
        let mut finding = finding.in_policy(self.set.policies().get(entry.policy), at);
        finding.fix = fix;
        self.findings.push(finding);
    }

    /// Adds a finding that also refers to another entry.
    pub(super) fn add_beside(
        &mut self,
        mut finding: Finding,
        (entry, at): (&Entry, Position),
        other: &Entry,
    ) {
        let source = self.set.policies().get(other.policy).map(|policy| policy.source);
        finding.other = source.map(|source| (source, other.at));
        self.add(finding, entry, at, None);
    }

    fn entry(&mut self, index: usize, entry: &Entry) {
        let clause = &entry.clause;
        match (&entry.peers, entry.action) {
            (Peers::Absent, Action::Allow) if entry.ports.is_none() => self.add(
                Finding::of::<EmptyRule>(
                    format!(
                        "`{clause}: {{}}` allows no peer in a Cilium policy: it {} (in a NetworkPolicy it allows everyone)",
                        turns_on(entry),
                    ),
                ),
                entry,
                entry.at,
                None,
            ),
            // No fix: a rule that denies everyone would overrule what other policies allow.
            (Peers::Absent, Action::Deny) if entry.ports.is_none() => self.add(
                Finding::of::<EmptyDeny>(
                    format!(
                        "`{clause}: {{}}` denies no peer: it {}",
                        turns_on(entry),
                    ),
                ),
                entry,
                entry.at,
                None,
            ),
            (Peers::Empty { at }, _) if clause.index.is_some() => self.add(
                Finding::of::<EmptyPeers>(
                    format!("the list of peers is empty: `{clause}` selects no peer, whatever its ports"),
                ),
                entry,
                *at,
                self.empty_peers_fix(entry),
            ),
            _ => {}
        }
        let peers: &[Peer] = match &entry.peers {
            Peers::Any(peers) => peers,
            _ => &[],
        };
        self.peers(entry, peers);
        self.services(index, entry, peers);
        self.queries(entry);
        for rule in entry.ports.iter().flatten() {
            for port in &rule.ports {
                if let PortRange::Named(name) = &port.range {
                    let whose = match entry.direction {
                        Direction::Ingress => "the selected pod's",
                        Direction::Egress => "the peer's",
                    };
                    let numbers = self.numbers_of(name, entry.direction);
                    let (severity, message) = if numbers.is_empty() {
                        (
                            Severity::Hint,
                            format!(
                                "`{name}` is {whose} port of that name: where no pod has one, the rule is inert"
                            ),
                        )
                    } else {
                        (
                            Severity::Warning,
                            format!(
                                "`{name}` is the name of different ports ({}): before Cilium 1.20, egress rules resolve such a name to none, and this one is inert; a number is not",
                                numbers.join(", ")
                            ),
                        )
                    };
                    self.add(
                        Finding::of::<NamedPort>(message).graded(severity),
                        entry,
                        port.at,
                        None,
                    );
                }
            }
            if !rule.l7.http.is_empty() || !rule.l7.dns.is_empty() {
                self.widened(index, entry, rule);
            }
        }
    }

    /// Rules whose Services have no backends, as far as the files show: their ports remain, for every peer.
    fn services(&mut self, index: usize, entry: &Entry, peers: &[Peer]) {
        let is_open = |peer: &Peer| matches!(peer.matcher, PeerMatcher::Service(_));
        let at = match &entry.peers {
            Peers::Any(_) if peers.iter().all(is_open) => peers.first().map(|peer| peer.at),
            // The Services among the files have no backends.
            Peers::Absent => {
                let mut of_services = self.set.documents().by_service.iter();
                of_services.any(|(own, _)| own.index() == index).then_some(entry.at)
            }
            _ => None,
        };
        if let Some(at) = at.filter(|_| entry.ports.is_some()) {
            self.add(
                Finding::of::<ServicesWithPorts>(
                    "while none of these Services resolves, the rule allows everyone on its ports"
                        .to_owned(),
                ),
                entry,
                at,
                None,
            );
        }
    }

    /// Peers that an empty list may have meant; for deny rules, a rule with the same effect.
    fn empty_peers_fix(&self, entry: &Entry) -> Option<String> {
        let kind = self.set.policies().get(entry.policy)?.name.kind;
        let whose = match kind {
            PolicyKind::CiliumNetworkPolicy => "of this namespace",
            PolicyKind::CiliumClusterwideNetworkPolicy => "of the cluster",
            PolicyKind::NetworkPolicy | PolicyKind::ClusterNetworkPolicy => return None,
        };
        let direction = entry.direction.name();
        let field = match entry.direction {
            Direction::Ingress => "fromEndpoints",
            Direction::Egress => "toEndpoints",
        };
        Some(match entry.action {
            Action::Deny => format!("{direction}:\n- {{}} # only refuses by default, and says so"),
            Action::Allow | Action::Pass => format!("{field}:\n- {{}} # every pod {whose}"),
        })
    }

    /// Numbers of a named port, where the Pods among the files differ and the agent does not resolve the name at the
    /// destination.
    fn numbers_of(&self, name: &str, direction: Direction) -> Vec<String> {
        if direction == Direction::Ingress || self.set.settings().release.knows_cluster_policies() {
            return Vec::new();
        }
        let ports = self.set.documents().pods.iter().flat_map(|pod| &pod.ports);
        let mut numbers: Vec<(u8, u16)> =
            ports.filter(|own| own.0 == name).map(|own| (own.1, own.2)).collect();
        crate::sorted::sort(&mut numbers);
        numbers.dedup();
        let mut protocols: Vec<u8> = numbers.iter().map(|own| own.0).collect();
        protocols.dedup();
        if numbers.len() == protocols.len() {
            return Vec::new();
        }
        numbers.into_iter().map(|(_, number)| number.to_string()).collect()
    }

    fn peers(&mut self, entry: &Entry, peers: &[Peer]) {
        let settings = self.set.settings().clone();
        let mut last: Option<Position> = None;
        for peer in peers {
            // An entity becomes several selectors at one position.
            if last.replace(peer.at) == Some(peer.at) {
                continue;
            }
            let is_alone = peers.iter().filter(|other| other.at == peer.at).count() == 1;
            match &peer.matcher {
                PeerMatcher::Labels(selector)
                    if is_reserved(selector, "host")
                        && is_alone
                        && !entry.is_node
                        && entry.direction == Direction::Ingress
                        && entry.action == Action::Allow
                        && settings.allow_localhost
                        && peer.field == "fromEntities" =>
                {
                    self.add(
                        Finding::of::<NeedlessHost>(
                            "the node may always reach its own pods; kubelets of other nodes are `remote-node`".to_owned(),
                        ),
                        entry,
                        peer.at,
                        None,
                    );
                }
                PeerMatcher::Labels(selector)
                    if is_reserved(selector, "kube-apiserver")
                        && !entry.is_node
                        && entry.direction == Direction::Ingress =>
                {
                    self.add(
                        Finding::of::<ApiserverIngress>(
                            "on managed clusters the API server's source address is rewritten: `kube-apiserver` on ingress may match nothing".to_owned(),
                        ),
                        entry,
                        peer.at,
                        None,
                    );
                }
                PeerMatcher::Labels(selector)
                    if (selector.is_wildcard() || is_reserved(selector, "world"))
                        && entry.action == Action::Allow
                        && !self.denies_some(entry)
                        && !peer.field.is_empty() =>
                {
                    let peers = if selector.is_wildcard() { "everyone" } else { "the whole world" };
                    let what = if entry.ports.is_some() { "its ports" } else { "every port" };
                    self.add(
                        Finding::of::<WideOpen>(format!("allows {peers} on {what}")),
                        entry,
                        peer.at,
                        None,
                    );
                }
                PeerMatcher::Cidr { prefix, except } => {
                    if prefix.is_everything() && settings.cidr_matches_nodes {
                        self.add(
                            Finding::of::<EverythingAndNodes>(
                                format!("{prefix} does not match nodes, although the match mode says so (cilium#47827)"),
                            ),
                            entry,
                            peer.at,
                            None,
                        );
                    } else if prefix.is_everything()
                        && entry.action == Action::Allow
                        && except.is_empty()
                    {
                        self.add(
                            Finding::of::<WideOpen>(format!(
                                "{prefix} allows the whole world, but no pod and no node"
                            )),
                            entry,
                            peer.at,
                            None,
                        );
                    } else if is_private(prefix) && !settings.cidr_matches_pods {
                        self.add(
                            Finding::of::<PrivateCidr>(
                                format!("{prefix} is about addresses outside the cluster: pods and nodes in it are not matched"),
                            ),
                            entry,
                            peer.at,
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
                Finding::of::<ClusterNameInFqdn>(
                    format!("`{text}` is inside the cluster: toFQDNs is about the world alone, and never matches it"),
                ),
                entry,
                at,
                None,
            );
        }
        self.depth(entry, at, pattern);
    }

    /// Patterns that cover some depths of names only.
    pub(super) fn depth(&mut self, entry: &Entry, at: Position, pattern: &NamePattern) {
        let text = pattern.text.as_str();
        let rest = text.trim_start_matches('*');
        if pattern.is_everything() {
            return;
        }
        if let Some(apex) = text.strip_prefix("*.") {
            if !apex.contains('*') {
                self.add(
                    Finding::of::<PatternDepth>(
                        format!("`{text}` matches one label below `{apex}`: neither `{apex}` itself nor `a.b.{apex}`"),
                    ),
                    entry,
                    at,
                    Some(format!("**.{apex}")),
                );
            }
        } else if text.starts_with("**.") {
            self.add(
                Finding::of::<PatternDepth>(format!(
                    "`{text}` matches every depth below `{}`, but not the name itself",
                    rest.trim_start_matches('.')
                )),
                entry,
                at,
                None,
            );
        } else if text.starts_with('*') {
            self.add(
                Finding::of::<PatternPrefix>(format!(
                    "`{text}` also matches `not{rest}`, and no name with a further dot"
                )),
                entry,
                at,
                Some(format!("*.{rest}")),
            );
        }
    }

    fn deny_only(&mut self, texts: &[SourceText<'_>]) {
        let entries = self.set.entries().iter().enumerate();
        let mut sorted: Vec<_> =
            entries.map(|(index, entry)| (entry.policy, entry.direction, index)).collect();
        crate::sorted::sort(&mut sorted);
        let is_same = |one: &(PolicyId, Direction, usize), other: &(PolicyId, Direction, usize)| {
            (one.0, one.1) == (other.0, other.1)
        };
        for group in sorted.chunk_by(is_same) {
            let Some((_, direction, first)) = group.first().copied() else { continue };
            let rules = group.iter().filter_map(|(_, _, index)| self.set.entries().get(*index));
            let is_deny = rules.clone().all(|entry| entry.action == Action::Deny);
            let is_default = rules.clone().any(|entry| entry.default_deny);
            // Rules that deny no peer are there for default deny alone.
            let denies_somebody = rules.clone().any(|entry| {
                !matches!(entry.peers, Peers::Empty { .. })
                    && (entry.ports.is_some() || matches!(entry.peers, Peers::Any(_)))
            });
            let Some(first) = self.set.entries().get(first) else { continue };
            let is_meant = || self.is_switched_on(first, texts) || self.is_isolated_anyway(first);
            // A rule that denies everyone leaves the default without effect.
            let denies_all = rules.clone().any(|entry| {
                entry.ports.is_none()
                    && matches!(&entry.peers, Peers::Any(peers) if peers.iter().any(|peer| {
                        matches!(&peer.matcher, PeerMatcher::Labels(own) if own.is_wildcard())
                    }))
            });
            let is_trap = is_deny && is_default && denies_somebody && !denies_all;
            if is_trap && !is_meant() {
                let name = direction.name();
                self.add(
                    Finding::of::<DenyOnly>(
                        format!("the policy only denies, and still turns on default deny: every other {name} is refused too"),
                    ),
                    first,
                    first.at,
                    Some(format!("enableDefaultDeny:\n  {name}: false")),
                );
            }
        }
    }

    /// Whether the policy denies some peers: it then allows the rest on purpose.
    fn denies_some(&self, of: &Entry) -> bool {
        self.set.entries().iter().any(|other| {
            other.policy == of.policy
                && other.direction == of.direction
                && other.action == Action::Deny
                && matches!(other.peers, Peers::Any(_))
        })
    }

    /// Whether the policy itself switches default deny on.
    fn is_switched_on(&self, entry: &Entry, texts: &[SourceText<'_>]) -> bool {
        let switch = || {
            let policy = self.set.policies().get(entry.policy)?;
            let text = texts.iter().find(|text| text.index == policy.source)?;
            let object = object_at(text.text, policy.at)?;
            let spec = match entry.clause.spec {
                None => object.get("spec")?,
                Some(index) => match &object.get("specs")?.value {
                    Value::List(specs) => specs.get(index)?,
                    _ => return None,
                },
            };
            let switch = spec.get("enableDefaultDeny")?.get(entry.direction.name())?;
            Some(matches!(switch.value, Value::Bool(true)))
        };
        switch().unwrap_or(false)
    }

    /// Whether another policy with allow rules isolates the same pods: default deny is then meant.
    fn is_isolated_anyway(&self, of: &Entry) -> bool {
        self.set.entries().iter().any(|other| {
            other.policy != of.policy
                && other.direction == of.direction
                && other.default_deny
                && other.action == Action::Allow
                && other.is_node == of.is_node
                && is_about_all_of(&other.subject, &of.subject, self.set)
        })
    }

    /// Subjects whose policies contradict each other.
    fn conflicts(&mut self) {
        let mut seen: Vec<Selector> = Vec::new();
        for entry in self.set.entries() {
            let has_l7 = entry.authentication.is_some()
                || entry.ports.iter().flatten().any(|rule| rule.l7.is_redirect(6));
            if !has_l7 || seen.contains(&entry.subject) || seen.len() >= 1_000 {
                continue;
            }
            seen.push(entry.subject.clone());
            if let Some(conflict) = self.set.conflict_of(&sample(&entry.subject)) {
                self.add(
                    Finding::of::<Unresolvable>(
                        format!("the agent cannot put this endpoint's policies together ({conflict}): none of their changes takes effect"),
                    ),
                    entry,
                    entry.at,
                    None,
                );
            }
        }
    }
}

/// Effect of a rule without peers and ports.
const fn turns_on(entry: &Entry) -> &'static str {
    if entry.default_deny {
        "only turns on default deny"
    } else {
        "does nothing: default deny is switched off"
    }
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

/// An identity that meets the positive requirements of a selector.
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
