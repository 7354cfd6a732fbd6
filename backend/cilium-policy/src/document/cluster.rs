//! `ClusterNetworkPolicy`. Source: `pkg/k8s/cluster_network_policy.go`.

use super::{
    Document, Refusal,
    kubernetes::{address_or_prefix, everyone},
    object::Object,
    ports::{PortNumberError, is_service_name, kept_end_port, parse_port, range},
    selector::{
        CLUSTER, Decoding, RawSelector, cidr_text, decode, is_cluster, k8s, name_text,
        names_cluster, namespace_requirements, spelled_namespaces,
    },
};
use crate::{
    Action, Clause, Direction, DnsRule, Entry, L7Rules, NamePattern, Operator, Peer, PeerMatcher,
    Peers, PolicyId, Port, PortRange, PortRule, Position, Protocol, Requirement, Selector,
    Settings, Tier,
};

/// The entries of one document.
pub(super) fn entries(document: &Document<'_>, settings: &Settings) -> Result<Vec<Entry>, Refusal> {
    let root = document.root;
    let known = &["tier", "priority", "subject", "ingress", "egress"];
    let spec = match root.get("spec") {
        Some(node) => Object::new(node, "ClusterNetworkPolicySpec", "spec".to_owned(), known)?,
        None => None,
    };
    // Without a spec there is no subject.
    let Some(spec) = spec else { return Ok(Vec::new()) };
    let tier =
        if spec.string_or_empty("tier")? == "Baseline" { Tier::Baseline } else { Tier::Admin };
    let priority = i64::from(spec.int32("priority")?.unwrap_or(0)).saturating_mul(100);
    let subject = subject(&spec)?;
    let selects_no_subject = subject.is_none();
    let subject = subject.unwrap_or_default();
    let conversion = Conversion { policy: document.policy, tier, subject, settings };
    let mut entries = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        let (go_type, field) = match direction {
            Direction::Ingress => ("ClusterNetworkPolicyIngressRule", "from"),
            Direction::Egress => ("ClusterNetworkPolicyEgressRule", "to"),
        };
        let rules =
            spec.objects(direction.name(), go_type, &["name", "action", field, "protocols"])?;
        for (index, rule) in rules.unwrap_or_default().iter().enumerate() {
            let hundredths = i64::try_from(index).unwrap_or(i64::MAX);
            let priority = priority.saturating_add(hundredths);
            conversion.rule(rule, direction, index, priority, &mut entries)?;
        }
    }
    if selects_no_subject {
        entries.clear();
    }
    Ok(entries)
}

/// The subject's selector. `None` selects no subject: Cilium's parser accepts that, a server does
/// not.
fn subject(spec: &Object<'_>) -> Result<Option<Selector>, Refusal> {
    let Some(subject) =
        spec.object("subject", "ClusterNetworkPolicySubject", &["namespaces", "pods"])?
    else {
        return Ok(None);
    };
    if let Some(node) = subject.get("namespaces") {
        let raw = decode(node, &subject.path("namespaces"), Decoding::Strict)?;
        return Ok(Some(Selector::new(namespace_requirements(&raw))));
    }
    match subject.object("pods", "NamespacedPod", &["namespaceSelector", "podSelector"])? {
        Some(pods) => namespaced_pods(&pods, None).map(|(selector, _)| Some(selector)),
        None => Ok(None),
    }
}

/// A pod selector within a namespace selector, with its text.
fn namespaced_pods(
    object: &Object<'_>,
    settings: Option<&Settings>,
) -> Result<(Selector, String), Refusal> {
    let selector = |name: &str| match object.get(name) {
        Some(node) => decode(node, &object.path(name), Decoding::Strict),
        None => Ok(RawSelector { at: object.at, requirements: Vec::new() }),
    };
    let pods = selector("podSelector")?;
    let namespaces = selector("namespaceSelector")?;
    let mut requirements = namespace_requirements(&namespaces);
    requirements.extend(pods.requirements("k8s:", ""));
    let mut spelled = spelled_namespaces(&namespaces).and(pods.spelled("k8s:", ""));
    if let Some(cluster) = settings.and_then(Settings::selected_cluster)
        && !names_cluster(&pods)
    {
        // An empty value is overwritten.
        requirements.retain(|own| !is_cluster(own));
        requirements.push(k8s(CLUSTER, Operator::In(vec![cluster.to_owned()])));
        spelled.label(format!("k8s:{CLUSTER}"), cluster);
    }
    Ok((Selector::new(requirements), spelled.into_text()))
}

struct Conversion<'c> {
    policy: PolicyId,
    tier: Tier,
    subject: Selector,
    settings: &'c Settings,
}

impl Conversion<'_> {
    fn rule(
        &self,
        rule: &Object<'_>,
        direction: Direction,
        index: usize,
        priority: i64,
        entries: &mut Vec<Entry>,
    ) -> Result<(), Refusal> {
        let action = match rule.string_or_empty("action")?.as_ref() {
            "Deny" => Action::Deny,
            "Pass" => Action::Pass,
            _ => Action::Allow,
        };
        let ports = self.protocols(rule)?;
        let entry = |peer: Option<usize>, at: Position| Entry {
            policy: self.policy,
            clause: Clause { spec: None, list: direction.name(), index: Some(index), peer },
            at,
            direction,
            tier: self.tier,
            priority,
            action,
            subject: self.subject.clone(),
            is_node: false,
            default_deny: false,
            peers: everyone(at),
            ports: ports.clone(),
            authentication: None,
            log: String::new(),
        };
        let (field, known): (_, &[&str]) = match direction {
            Direction::Ingress => ("from", &["namespaces", "pods"]),
            Direction::Egress => {
                ("to", &["namespaces", "pods", "nodes", "networks", "domainNames"])
            }
        };
        let go_type = match direction {
            Direction::Ingress => "ClusterNetworkPolicyIngressPeer",
            Direction::Egress => "ClusterNetworkPolicyEgressPeer",
        };
        let peers = rule.objects(field, go_type, known)?.unwrap_or_default();
        if peers.is_empty() {
            entries.push(entry(None, rule.at));
            return Ok(());
        }
        for (number, peer) in peers.iter().enumerate() {
            let mut new = entry(Some(number), peer.at);
            match self.peers(peer, field, action)? {
                Some((matchers, dns)) => {
                    if !dns.is_empty() {
                        entries.push(dns_entry(entry(Some(number), peer.at), field, dns));
                    }
                    new.peers = Peers::Any(matchers);
                }
                // A peer of an unknown kind: to deny it is safe, to allow it is not.
                None if action == Action::Allow => continue,
                None => new.action = Action::Deny,
            }
            entries.push(new);
        }
        Ok(())
    }

    /// The peers, and for names also their DNS rules.
    #[expect(clippy::type_complexity, reason = "two lists that belong together, used once")]
    fn peers(
        &self,
        peer: &Object<'_>,
        field: &'static str,
        action: Action,
    ) -> Result<Option<(Vec<Peer>, Vec<DnsRule>)>, Refusal> {
        let one = |(selector, text): (Selector, String)| {
            let matcher = PeerMatcher::Labels(selector);
            (vec![Peer { at: peer.at, field, matcher, text: text.into() }], Vec::new())
        };
        if let Some(pods) =
            peer.object("pods", "NamespacedPod", &["namespaceSelector", "podSelector"])?
        {
            return Ok(Some(one(namespaced_pods(&pods, Some(self.settings))?)));
        }
        if let Some(node) = peer.get("namespaces") {
            let raw = decode(node, &peer.path("namespaces"), Decoding::Strict)?;
            let selector = Selector::new(namespace_requirements(&raw));
            return Ok(Some(one((selector, spelled_namespaces(&raw).into_text()))));
        }
        if let Some(node) = peer.get("nodes") {
            if !self.settings.node_selector_labels {
                return Err(Refusal::invalid(
                    node.at,
                    "egress.to.nodes is not supported since node selector labels are disabled",
                ));
            }
            let raw = decode(node, &peer.path("nodes"), Decoding::Strict)?;
            let peers = ["reserved:host", "reserved:remote-node"].map(|entity| {
                let mut requirements = raw.requirements("node:", "");
                let mut spelled = raw.spelled("node:", "");
                requirements.push(Requirement::new(entity, Operator::Exists));
                spelled.expression(entity, "Exists", &[]);
                if let Some(cluster) = self.settings.selected_cluster()
                    && !names_cluster(&raw)
                {
                    requirements.push(k8s(CLUSTER, Operator::In(vec![cluster.to_owned()])));
                    spelled.label(format!("k8s:{CLUSTER}"), cluster);
                }
                let matcher = PeerMatcher::Nodes(Selector::new(requirements));
                Peer { at: node.at, field, matcher, text: spelled.into_text().into() }
            });
            return Ok(Some((peers.into(), Vec::new())));
        }
        if let Some(networks) = peer.strings("networks", "[]v1alpha2.CIDR")? {
            let peers = networks
                .iter()
                .map(|(at, text)| {
                    let prefix = address_or_prefix(text, *at)?;
                    let matcher = PeerMatcher::Cidr { prefix, except: Vec::new() };
                    Ok(Peer { at: *at, field, matcher, text: cidr_text(text, &[]).into() })
                })
                .collect::<Result<_, Refusal>>()?;
            return Ok(Some((peers, Vec::new())));
        }
        if let Some(names) = peer.strings("domainNames", "[]v1alpha2.DomainName")? {
            if action != Action::Allow {
                return Err(Refusal::invalid(
                    peer.at("domainNames"),
                    "egress.to.domainNames is only supported for egress.action=Accept",
                ));
            }
            if !self.settings.l7_proxy {
                return Err(Refusal::invalid(
                    peer.at("domainNames"),
                    "egress.to.domainNames is not supported since L7 proxy is disabled",
                ));
            }
            let (mut peers, mut dns) = (Vec::new(), Vec::new());
            for (at, text) in names {
                // Here `*.x` covers every depth; Cilium writes that as `**.x`.
                let pattern = match text.strip_prefix('*') {
                    Some(rest) if !rest.starts_with('*') => {
                        NamePattern::of_pattern(&format!("*{text}"))
                    }
                    Some(_) => NamePattern::of_pattern(&text),
                    None => NamePattern::of_name(&text),
                }
                .map_err(|err| Refusal::invalid(at, err.to_string()))?;
                dns.push(DnsRule { at, patterns: vec![pattern.clone()] });
                let text = if text.starts_with('*') {
                    name_text("", &format!("**{}", text.trim_start_matches('*')))
                } else {
                    name_text(&text, "")
                };
                peers.push(Peer {
                    at,
                    field,
                    matcher: PeerMatcher::Name(pattern),
                    text: text.into(),
                });
            }
            return Ok(Some((peers, dns)));
        }
        Ok(None)
    }

    #[expect(clippy::unused_self, reason = "reads as the other conversions do")]
    fn protocols(&self, rule: &Object<'_>) -> Result<Option<Vec<PortRule>>, Refusal> {
        let items = rule
            .objects(
                "protocols",
                "ClusterNetworkPolicyProtocol",
                &["tcp", "udp", "sctp", "destinationNamedPort"],
            )?
            .unwrap_or_default();
        if items.is_empty() {
            return Ok(None);
        }
        let mut rules = Vec::new();
        for item in items {
            let name = item.string_or_empty("destinationNamedPort")?;
            let mut protocol = Protocol::Any;
            let mut numbers = None;
            for (field, go_type, own) in [
                ("tcp", "ClusterNetworkPolicyProtocolTCP", Protocol::TCP),
                ("udp", "ClusterNetworkPolicyProtocolUDP", Protocol::UDP),
                ("sctp", "ClusterNetworkPolicyProtocolSCTP", Protocol::SCTP),
            ] {
                if let Some(object) = item.object(field, go_type, &["destinationPort"])? {
                    protocol = own;
                    numbers = object.object("destinationPort", "Port", &["number", "range"])?;
                    break;
                }
            }
            let mut end = 0;
            let range = match numbers {
                Some(port) => match port.object("range", "PortRange", &["start", "end"])? {
                    Some(bounds) => {
                        end = bounds.int32("end")?.unwrap_or(0);
                        range(low_bits(bounds.int32("start")?.unwrap_or(0)), end)
                    }
                    None => range(low_bits(port.int32("number")?.unwrap_or(0)), 0),
                },
                None if name.is_empty() => PortRange::All,
                None => {
                    protocol = Protocol::Any;
                    named_or_number(&name)
                }
            };
            let port = Port { at: item.at, protocol, range, end_port: kept_end_port(end) };
            rules.push(PortRule { at: item.at, ports: vec![port], l7: L7Rules::default() });
        }
        Ok(Some(rules))
    }
}

/// A port by name or number. A text that is not a name is read as a number; a text that is neither
/// means every port.
fn named_or_number(text: &str) -> PortRange {
    if is_service_name(text) {
        return PortRange::Named(text.to_owned());
    }
    match parse_port(text) {
        Ok(number) => range(number, 0),
        Err(PortNumberError::OutOfRange) => range(u16::MAX, 0),
        Err(PortNumberError::Syntax) => PortRange::All,
    }
}

/// The low 16 bits of a number, as `ParseUint(…, 16)` leaves them.
fn low_bits(number: i32) -> u16 {
    u16::try_from(number).unwrap_or(if number < 0 { 0 } else { u16::MAX })
}

/// The rule that allows DNS queries for the names of a peer.
fn dns_entry(mut entry: Entry, field: &'static str, dns: Vec<DnsRule>) -> Entry {
    let at = entry.at;
    let kube_dns =
        Selector::new(vec![Requirement::new("k8s-app", Operator::In(vec!["kube-dns".to_owned()]))]);
    let matcher = PeerMatcher::Labels(kube_dns);
    let text = "any:k8s-app=kube-dns".to_owned();
    entry.peers = Peers::Any(vec![Peer { at, field, matcher, text: text.into() }]);
    let ports = ["dns", "dns-tcp"].map(|name| Port {
        at,
        protocol: Protocol::Any,
        range: PortRange::Named(name.to_owned()),
        end_port: 0,
    });
    entry.ports =
        Some(vec![PortRule { at, ports: ports.into(), l7: L7Rules { dns, ..L7Rules::default() } }]);
    entry
}
