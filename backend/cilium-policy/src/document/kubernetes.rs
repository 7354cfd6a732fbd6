//! Kubernetes NetworkPolicy, as Cilium converts it. Source: `pkg/k8s/network_policy.go`.

use super::{
    Document, Refusal,
    object::Object,
    ports::{PortNumberError, is_service_name, kept_end_port, parse_port, range},
    selector::{
        CLUSTER, Decoding, POD_NAMESPACE, RawSelector, cidr_text, decode, is_cluster, k8s,
        names_cluster, namespace_requirements, spelled_namespaces,
    },
};
use crate::{
    Action, Clause, Direction, Entry, L7Rules, Operator, Peer, PeerMatcher, Peers, PolicyId, Port,
    PortRange, PortRule, Position, Prefix, Protocol, Selector, Settings, Tier, source::Value,
};

/// The entries of one document.
pub(super) fn entries(document: &Document<'_>, settings: &Settings) -> Result<Vec<Entry>, Refusal> {
    let root = document.root;
    let known = &["podSelector", "ingress", "egress", "policyTypes"];
    let spec = match root.get("spec") {
        Some(node) => Object::new(node, "NetworkPolicySpec", "spec".to_owned(), known)?,
        None => None,
    };
    let raw_subject = spec.as_ref().and_then(|spec| spec.get("podSelector"));
    let raw_subject = match raw_subject {
        Some(node) => decode(node, "spec.podSelector", Decoding::Strict)?,
        None => RawSelector { at: root.at, requirements: Vec::new() },
    };
    let conversion =
        Conversion { namespace: &document.name.namespace, settings, policy: document.policy };
    let subject = conversion.pods(&raw_subject);
    let mut types: Vec<String> = Vec::new();
    let mut entries = Vec::new();
    if let Some(spec) = &spec {
        types = spec
            .strings("policyTypes", "[]v1.PolicyType")?
            .unwrap_or_default()
            .into_iter()
            .map(|(_, text)| text.into_owned())
            .collect();
        for direction in [Direction::Ingress, Direction::Egress] {
            conversion.rules(spec, direction, &subject, &mut entries)?;
        }
    }
    let has = |wanted: &str| types.iter().any(|t| t == wanted);
    let at = |name: &str| spec.as_ref().map_or(root.at, |spec| spec.at(name));
    for (direction, is_isolated) in
        [(Direction::Ingress, has("Ingress") || !has("Egress")), (Direction::Egress, has("Egress"))]
    {
        if is_isolated && !entries.iter().any(|entry: &Entry| entry.direction == direction) {
            let at = at(direction.name());
            let mut entry = conversion.entry(direction, None, None, at, &subject);
            entry.peers = Peers::Empty { at };
            entries.push(entry);
        }
    }
    Ok(entries)
}

struct Conversion<'c> {
    namespace: &'c str,
    settings: &'c Settings,
    policy: PolicyId,
}

impl Conversion<'_> {
    fn entry(
        &self,
        direction: Direction,
        index: Option<usize>,
        peer: Option<usize>,
        at: Position,
        subject: &Selector,
    ) -> Entry {
        Entry {
            policy: self.policy,
            clause: Clause { spec: None, list: direction.name(), index, peer },
            at,
            direction,
            tier: Tier::Normal,
            priority: 0,
            action: Action::Allow,
            subject: subject.clone(),
            is_node: false,
            default_deny: true,
            peers: everyone(at),
            ports: None,
            authentication: None,
            log: String::new(),
        }
    }

    fn rules(
        &self,
        spec: &Object<'_>,
        direction: Direction,
        subject: &Selector,
        entries: &mut Vec<Entry>,
    ) -> Result<(), Refusal> {
        let (go_type, field) = match direction {
            Direction::Ingress => ("NetworkPolicyIngressRule", "from"),
            Direction::Egress => ("NetworkPolicyEgressRule", "to"),
        };
        let rules = spec.objects(direction.name(), go_type, &["ports", field])?;
        for (index, rule) in rules.unwrap_or_default().iter().enumerate() {
            let ports = self.ports(rule)?;
            let peers = rule
                .objects(
                    field,
                    "NetworkPolicyPeer",
                    &["podSelector", "namespaceSelector", "ipBlock"],
                )?
                .unwrap_or_default();
            if peers.is_empty() {
                let mut entry = self.entry(direction, Some(index), None, rule.at, subject);
                entry.ports = ports;
                entries.push(entry);
                continue;
            }
            for (number, peer) in peers.iter().enumerate() {
                let mut entry = self.entry(direction, Some(index), Some(number), peer.at, subject);
                let (matcher, text) = self.peer(peer)?;
                entry.peers =
                    Peers::Any(vec![Peer { at: peer.at, field, matcher, text: text.into() }]);
                entry.ports.clone_from(&ports);
                entries.push(entry);
            }
        }
        Ok(())
    }

    fn peer(&self, peer: &Object<'_>) -> Result<(PeerMatcher, String), Refusal> {
        if let Some(block) = peer.object("ipBlock", "IPBlock", &["cidr", "except"])? {
            let cidr = block.string_or_empty("cidr")?;
            let prefix = address_or_prefix(&cidr, block.at("cidr"))?;
            let excepts = block.strings("except", "[]string")?.unwrap_or_default();
            let except = excepts
                .iter()
                .map(|(at, text)| address_or_prefix(text, *at))
                .collect::<Result<_, _>>()?;
            return Ok((PeerMatcher::Cidr { prefix, except }, cidr_text(&cidr, &excepts)));
        }
        let selector = |name: &str| {
            peer.get(name).map(|node| decode(node, &peer.path(name), Decoding::Strict)).transpose()
        };
        let pods = selector("podSelector")?
            .unwrap_or(RawSelector { at: peer.at, requirements: Vec::new() });
        let (mut requirements, mut spelled);
        if let Some(namespaces) = selector("namespaceSelector")? {
            requirements = namespace_requirements(&namespaces);
            requirements.extend(pods.requirements("k8s:", ""));
            spelled = spelled_namespaces(&namespaces).and(pods.spelled("k8s:", ""));
        } else {
            requirements = self.pods(&pods).requirements;
            spelled = pods.spelled("k8s:", "");
            spelled.label(format!("k8s:{POD_NAMESPACE}"), self.namespace);
        }
        if let Some(cluster) = self.settings.selected_cluster()
            && !names_cluster(&pods)
        {
            // An empty value is overwritten.
            requirements.retain(|own| !is_cluster(own));
            requirements.push(k8s(CLUSTER, Operator::In(vec![cluster.to_owned()])));
            spelled.label(format!("k8s:{CLUSTER}"), cluster);
        }
        Ok((PeerMatcher::Labels(Selector::new(requirements)), spelled.into_text()))
    }

    /// The selector of pods in the policy's namespace.
    fn pods(&self, raw: &RawSelector) -> Selector {
        let mut raw = raw.clone();
        raw.remove_match_label(POD_NAMESPACE);
        let mut requirements = raw.requirements("k8s:", "");
        requirements.push(k8s(POD_NAMESPACE, Operator::In(vec![self.namespace.to_owned()])));
        Selector::new(requirements)
    }

    /// The ports of a rule. `None` covers every port.
    #[expect(clippy::unused_self, reason = "reads as the other conversions do")]
    fn ports(&self, rule: &Object<'_>) -> Result<Option<Vec<PortRule>>, Refusal> {
        let items = rule
            .objects("ports", "NetworkPolicyPort", &["protocol", "port", "endPort"])?
            .unwrap_or_default();
        if items.is_empty() {
            return Ok(None);
        }
        let mut rules = Vec::new();
        for item in items {
            let protocol = match item.string("protocol")? {
                None => Protocol::TCP,
                Some(text) => Protocol::parse(&text).ok_or_else(|| {
                    Refusal::invalid(
                        item.at("protocol"),
                        format!(
                            "invalid protocol {:?}, must be {{ tcp | udp | sctp | vrrp | igmp | gre | ipip | ipv6 | esp | ah | any }}",
                            text.to_ascii_uppercase()
                        ),
                    )
                })?,
            };
            let end = item.int32("endPort")?.unwrap_or(0);
            let text = match item.get("port").map(|node| (node, &node.value)) {
                None => "0".to_owned(),
                Some((_, Value::Integer(number))) => number.to_string(),
                Some((_, Value::String(text))) => text.clone(),
                Some((node, _)) => {
                    return Err(super::object::mismatch(
                        node,
                        Some("NetworkPolicyPort"),
                        &item.path("port"),
                        "int32",
                    ));
                }
            };
            let range = if is_service_name(&text) {
                PortRange::Named(text)
            } else {
                // The engine uses the number that `ParseUint` returns beside an error.
                let number = parse_port(&text).unwrap_or_else(PortNumberError::number);
                range(number, end)
            };
            let port = Port { at: item.at, protocol, range, end_port: kept_end_port(end) };
            rules.push(PortRule { at: item.at, ports: vec![port], l7: L7Rules::default() });
        }
        Ok(Some(rules))
    }
}

/// A match for every peer, the node and the world included.
pub(super) fn everyone(at: Position) -> Peers {
    let matcher = PeerMatcher::Labels(Selector::default());
    Peers::Any(vec![Peer { at, field: "", matcher, text: "".into() }])
}

/// The prefix of a text; an address becomes the prefix for itself alone.
pub(super) fn address_or_prefix(text: &str, at: Position) -> Result<Prefix, Refusal> {
    if !text.contains('/')
        && let Ok(address) = text.parse()
    {
        return Ok(Prefix::of_address(address));
    }
    Prefix::parse(text)
        .map_err(|what| Refusal::invalid(at, format!("{text:?} is not a CIDR: {what}")))
}
