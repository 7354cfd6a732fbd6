//! Location of an addition in existing policies: the smallest list that can take it.

use cilium_policy::{
    Action, Direction, Documents, Entry, Operator, Peer, PeerMatcher, Peers, PolicyId, PolicyKind,
    PolicySet, PortRange, PortRule, Position, Protocol, Requirement, Selector, Settings,
    SourceText, Tier,
    identity_label::POD_NAMESPACE,
    source::{Node, Value, object_at},
    yaml_writer::Yaml,
};

use super::{
    Edit,
    insert::append,
    kubernetes, rule_yaml,
    rules::{RuleBody, RuleKey, SubjectKey},
};

/// The addition of one rule. `None`: no policy selects exactly this subject, or the policy has a
/// style that is left alone.
pub(super) fn find(
    set: &PolicySet,
    texts: &[SourceText<'_>],
    settings: &Settings,
    subject: &SubjectKey,
    key: &RuleKey,
    body: &RuleBody,
) -> Option<Edit> {
    let mut hosts: Vec<(PolicyId, Option<usize>)> = Vec::new();
    for entry in set.entries() {
        let host = (entry.policy, entry.clause.spec);
        let kind = set.policies().get(entry.policy).map(|policy| policy.name.kind);
        let has_lists = matches!(
            kind,
            Some(
                PolicyKind::CiliumNetworkPolicy
                    | PolicyKind::CiliumClusterwideNetworkPolicy
                    | PolicyKind::NetworkPolicy
            )
        );
        if has_lists
            && entry.direction == key.direction
            && entry.action == Action::Allow
            && !entry.is_node
            && selects_only(&entry.subject, subject)
            && !hosts.contains(&host)
        {
            hosts.push(host);
        }
    }
    let hosts: Vec<Host<'_>> = hosts
        .into_iter()
        .filter_map(|host| Host::of(set, texts, settings, host, subject, key, body))
        .collect();
    // A list within a rule takes precedence over a new rule, whichever policy has it.
    hosts
        .iter()
        .find_map(Host::request)
        .or_else(|| hosts.iter().find_map(Host::port))
        .or_else(|| hosts.iter().find_map(Host::peer))
        .or_else(|| hosts.iter().find_map(Host::rule))
}

/// The policies that select exactly this subject.
pub(super) fn policies_of(set: &PolicySet, subject: &SubjectKey) -> Vec<PolicyId> {
    let is_host =
        |entry: &&Entry| entry.action == Action::Allow && selects_only(&entry.subject, subject);
    let mut policies: Vec<PolicyId> =
        set.entries().iter().filter(is_host).map(|entry| entry.policy).collect();
    policies.dedup();
    policies
}

/// Whether a selector selects the addition's subject and no other pods: it requires the subject's
/// labels.
fn selects_only(selector: &Selector, subject: &SubjectKey) -> bool {
    if let Some(entity) = subject.entity {
        return selector.requirements.iter().any(|own| {
            own.key == entity
                && own.source.as_deref() == Some("reserved")
                && matches!(own.operator, Operator::Exists | Operator::In(_))
        });
    }
    let requires = |key: &str, value: &str| {
        selector.requirements.iter().any(|requirement| {
            requirement.key == key
                && requirement.source.as_deref().is_none_or(|source| source == "k8s")
                && matches!(&requirement.operator, Operator::In(own) if own.as_slice() == [value])
        })
    };
    !subject.labels.is_empty()
        && requires(POD_NAMESPACE, &subject.namespace)
        && subject.labels.iter().all(|(key, value)| requires(key, value))
}

/// One spec of one policy, with the addition.
struct Host<'h> {
    text: SourceText<'h>,
    policy: String,
    /// The list of the direction, with the position of its key.
    list: Node,
    list_key: Position,
    path: String,
    /// Index in the list, with the compiled entry.
    rules: Vec<(usize, &'h Entry)>,
    key: &'h RuleKey,
    body: &'h RuleBody,
    item: Yaml,
    /// The peer's field and value; `None` in a `NetworkPolicy`, which only gets whole rules.
    peer_item: Option<(&'static str, Yaml)>,
    /// The addition's peers, as compiled.
    peers: Vec<Peer>,
}

impl<'h> Host<'h> {
    fn of(
        set: &'h PolicySet,
        texts: &[SourceText<'h>],
        settings: &Settings,
        (index, spec): (PolicyId, Option<usize>),
        subject: &SubjectKey,
        key: &'h RuleKey,
        body: &'h RuleBody,
    ) -> Option<Self> {
        let policy = set.policies().get(index)?;
        let text = *texts.iter().find(|text| text.index == policy.source)?;
        let object = object_at(text.text, policy.at)?;
        let direction = key.direction.name();
        let (node, path) = match spec {
            None => (object.get("spec")?, direction.to_owned()),
            Some(number) => match &object.get("specs")?.value {
                Value::List(items) => (items.get(number)?, format!("specs[{number}].{direction}")),
                _ => return None,
            },
        };
        let (list_key, list) = field(node, direction)?;
        let is_clusterwide = policy.name.kind == PolicyKind::CiliumClusterwideNetworkPolicy;
        let is_kubernetes = policy.name.kind == PolicyKind::NetworkPolicy;
        let (item, peer_item, peers) = if is_kubernetes {
            (kubernetes::rule(key, body)?, None, Vec::new())
        } else {
            let item = rule_yaml::rule(key, body, &subject.namespace, is_clusterwide);
            let peers =
                compiled(&item, key.direction, &subject.namespace, is_clusterwide, settings)?;
            (item, Some(rule_yaml::peer(key, &subject.namespace, is_clusterwide)), peers)
        };
        let rules = set
            .entries()
            .iter()
            .filter(|entry| {
                entry.policy == index
                    && entry.clause.spec == spec
                    && entry.direction == key.direction
                    && entry.action == Action::Allow
                    && entry.tier == Tier::Normal
            })
            .filter_map(|entry| Some((entry.clause.index?, entry)))
            .collect();
        Some(Self {
            text,
            policy: policy.name.to_string(),
            list: list.clone(),
            list_key,
            path,
            rules,
            key,
            body,
            item,
            peer_item,
            peers,
        })
    }

    fn edit(&self, path: String, key: Position, list: &Node, items: &[Yaml]) -> Option<Edit> {
        let insertion = append(self.text.text, key, list, items)?;
        Some(Edit {
            source: self.text.index,
            policy: self.policy.clone(),
            list: path,
            offset: insertion.offset,
            inserted: insertion.text,
        })
    }

    fn rule_node(&self, index: usize) -> Option<&Node> {
        match &self.list.value {
            Value::List(items) => items.get(index),
            _ => None,
        }
    }

    /// Addition of a name or a request to the L7 rules of the same peer and port.
    fn request(&self) -> Option<Edit> {
        self.peer_item.as_ref()?;
        let (dns, http) = rule_yaml::requests(self.body);
        let (field_name, items) = match (dns.is_empty(), http.is_empty()) {
            (false, true) => ("dns", dns),
            (true, false) => ("http", http),
            _ => return None,
        };
        self.rules.iter().find_map(|(index, entry)| {
            let Peers::Any(peers) = &entry.peers else { return None };
            // The rule has this resolver already, or this peer alone.
            let is_same = match field_name {
                "dns" => self.peers.iter().all(|own| peers.iter().any(|other| alike(own, other))),
                _ => alike_all(&self.peers, peers),
            };
            if !is_same {
                return None;
            }
            let (number, _) = entry.ports.iter().flatten().enumerate().find(|(_, rule)| {
                let has_l7 = if field_name == "dns" {
                    !rule.l7.dns.is_empty()
                } else {
                    !rule.l7.http.is_empty()
                };
                has_l7 && self.covers(rule, field_name == "dns")
            })?;
            let (_, to_ports) = field(self.rule_node(*index)?, "toPorts")?;
            let Value::List(to_ports) = &to_ports.value else { return None };
            let (_, rules) = field(to_ports.get(number)?, "rules")?;
            let (key, list) = field(rules, field_name)?;
            let path = format!("{}[{index}].toPorts[{number}].rules.{field_name}", self.path);
            self.edit(path, key, list, &items)
        })
    }

    /// Whether a port rule covers the addition's ports; for names, a resolver's ports.
    fn covers(&self, rule: &PortRule, is_dns: bool) -> bool {
        let has = |(protocol, number): &(u8, u16)| {
            rule.ports.iter().any(|port| {
                port.protocol.covers(*protocol)
                    && matches!(port.range, PortRange::Numbers(low, high) if low == *number && high == *number)
            })
        };
        if is_dns {
            self.body.ports.iter().any(has)
        } else {
            self.body.ports.iter().all(has) && rule.ports.len() == self.body.ports.len()
        }
    }

    /// Addition of a port to a rule with the same peer.
    fn port(&self) -> Option<Edit> {
        self.peer_item.as_ref()?;
        let ([port], true) = (self.body.ports.as_slice(), self.is_plain()) else { return None };
        if matches!(port.0, 1 | 58) {
            return None;
        }
        self.rules.iter().find_map(|(index, entry)| {
            let Peers::Any(peers) = &entry.peers else { return None };
            let [rule] = entry.ports.as_deref()? else { return None };
            let is_icmp =
                rule.ports.iter().any(|own| own.protocol.covers(1) || own.protocol.covers(58));
            if !alike_all(&self.peers, peers) || !is_l4(entry, rule) || is_icmp {
                return None;
            }
            let (_, to_ports) = field(self.rule_node(*index)?, "toPorts")?;
            let Value::List(items) = &to_ports.value else { return None };
            let (key, list) = field(items.first()?, "ports")?;
            let path = format!("{}[{index}].toPorts[0].ports", self.path);
            self.edit(path, key, list, &[rule_yaml::port(*port)])
        })
    }

    /// Addition of a peer to a rule with the same ports.
    fn peer(&self) -> Option<Edit> {
        if !self.is_plain() {
            return None;
        }
        let (field_name, item) = self.peer_item.as_ref()?;
        self.rules.iter().find_map(|(index, entry)| {
            let Peers::Any(peers) = &entry.peers else { return None };
            let [rule] = entry.ports.as_deref()? else { return None };
            let is_same_kind = peers.iter().all(|peer| peer.field == *field_name);
            if !is_same_kind || !is_l4(entry, rule) || !self.covers(rule, false) {
                return None;
            }
            let is_exact = rule.ports.iter().all(|port| {
                self.body.ports.iter().any(|(own, _)| port.protocol == Protocol::Number(*own))
            });
            let (key, list) = field(self.rule_node(*index)?, field_name)?;
            let path = format!("{}[{index}].{field_name}", self.path);
            if is_exact { self.edit(path, key, list, std::slice::from_ref(item)) } else { None }
        })
    }

    /// Addition of a rule to the direction's list.
    fn rule(&self) -> Option<Edit> {
        self.edit(self.path.clone(), self.list_key, &self.list, std::slice::from_ref(&self.item))
    }

    fn is_plain(&self) -> bool {
        self.body.dns.is_empty() && self.body.http.is_empty() && !self.key.l7
    }
}

fn is_l4(entry: &Entry, rule: &PortRule) -> bool {
    let l7 = &rule.l7;
    entry.authentication.is_none()
        && l7.http.is_empty()
        && l7.dns.is_empty()
        && !l7.is_tls()
        && l7.listener.is_none()
        && !rule.ports.is_empty()
}

/// A field's value, with the position of its key.
fn field<'n>(node: &'n Node, name: &str) -> Option<(Position, &'n Node)> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(key, _)| key.name == name).map(|(key, value)| (key.at, value))
}

/// The peers of an item, compiled as in a policy of this kind.
fn compiled(
    item: &Yaml,
    direction: Direction,
    namespace: &str,
    is_clusterwide: bool,
    settings: &Settings,
) -> Option<Vec<Peer>> {
    let kind = if is_clusterwide {
        PolicyKind::CiliumClusterwideNetworkPolicy
    } else {
        PolicyKind::CiliumNetworkPolicy
    };
    let policy = Yaml::map([
        ("apiVersion", Yaml::text("cilium.io/v2")),
        ("kind", Yaml::text(kind.name())),
        (
            "metadata",
            Yaml::map([("name", Yaml::text("addition")), ("namespace", Yaml::text(namespace))]),
        ),
        (
            "spec",
            Yaml::map([
                ("endpointSelector", Yaml::Map(Vec::new())),
                (direction.name(), Yaml::List(vec![item.clone()])),
            ]),
        ),
    ]);
    let text = policy.flow();
    let documents = Documents::read(&[SourceText { index: 0, text: &text }], settings);
    match documents.entries.into_iter().next()?.peers {
        Peers::Any(peers) => Some(peers),
        _ => None,
    }
}

fn alike_all(one: &[Peer], other: &[Peer]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
}

/// Whether two peers are equal, with `app` and `k8s:app` treated alike.
fn alike(one: &Peer, other: &Peer) -> bool {
    let plain = |selector: &Selector| {
        let mut requirements: Vec<Requirement> = selector.requirements.clone();
        for requirement in &mut requirements {
            requirement.source.get_or_insert_with(|| "k8s".to_owned());
        }
        Selector::new(requirements)
    };
    match (&one.matcher, &other.matcher) {
        (PeerMatcher::Labels(one), PeerMatcher::Labels(other)) => plain(one) == plain(other),
        (one, other) => one == other,
    }
}
