//! Rules as trees, and policies of their own.

use super::{
    Rules,
    demand::{HttpWish, PeerKey, RuleBody, RuleKey, SubjectKey, escape},
    kubernetes,
};
use crate::{Direction, Documents, PolicyKind, PolicySet, Protocol, tree::Tree};

/// Policies for all rules, as documents of YAML.
pub(super) fn policies(rules: &Rules, set: &PolicySet) -> String {
    let documents = set.documents();
    let mut out = String::new();
    for (subject, own) in rules {
        if !out.is_empty() {
            out.push_str("---\n");
        }
        if let Some(policy) = kubernetes::policy(subject, own, set, name(subject, documents)) {
            policy.block(0, 0, &mut out);
            continue;
        }
        let mut spec = vec![
            (
                "endpointSelector".to_owned(),
                match subject.entity {
                    Some(entity) => exists(entity),
                    None => selector(
                        subject.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())),
                    ),
                },
            ),
            // Purely additive: whoever else the selector selects is not cut off by it.
            (
                "enableDefaultDeny".to_owned(),
                Tree::map([
                    ("ingress", Tree::Bare("false".to_owned())),
                    ("egress", Tree::Bare("false".to_owned())),
                ]),
            ),
        ];
        for direction in [Direction::Ingress, Direction::Egress] {
            // Ports of one peer stand in one rule, ICMP types in another.
            let are_alike = |one: &RuleKey, other: &RuleKey| {
                one.peer == other.peer
                    && !one.l7
                    && !other.l7
                    && is_icmp(one.port) == is_icmp(other.port)
            };
            let mut merged: Vec<(&RuleKey, RuleBody)> = Vec::new();
            for (key, body) in own.iter().filter(|(key, _)| key.direction == direction) {
                match merged.last_mut() {
                    Some((last, own)) if are_alike(last, key) => {
                        own.ports.extend(&body.ports);
                    }
                    _ => merged.push((key, body.clone())),
                }
            }
            let items: Vec<Tree> = merged
                .iter()
                .map(|(key, body)| rule(key, body, &subject.namespace, subject.entity.is_some()))
                .collect();
            if !items.is_empty() {
                spec.push((direction.name().to_owned(), Tree::List(items)));
            }
        }
        let mut metadata = vec![("name".to_owned(), Tree::text(name(subject, documents)))];
        let kind = if subject.entity.is_some() {
            PolicyKind::CiliumClusterwideNetworkPolicy
        } else {
            metadata.push(("namespace".to_owned(), Tree::text(&subject.namespace)));
            PolicyKind::CiliumNetworkPolicy
        };
        let policy = Tree::map([
            ("apiVersion", Tree::text("cilium.io/v2")),
            ("kind", Tree::text(kind.name())),
            ("metadata", Tree::Map(metadata)),
            ("spec", Tree::Map(spec)),
        ]);
        policy.block(0, 0, &mut out);
    }
    out
}

const fn is_icmp((protocol, _): (u8, u16)) -> bool {
    matches!(protocol, 1 | 58)
}

/// Ports, or ICMP types, of one list. Source: the CRD's `maxItems` of `ports` and `fields`.
const MAX_PORTS: usize = 40;

/// One item of `ingress` or `egress`.
pub(super) fn rule(key: &RuleKey, body: &RuleBody, namespace: &str, is_clusterwide: bool) -> Tree {
    let (field, item) = peer(key, namespace, is_clusterwide);
    let mut entries = vec![(field.to_owned(), Tree::List(vec![item]))];
    let types: Vec<(u8, u16)> = body.ports.iter().copied().filter(|port| is_icmp(*port)).collect();
    let lists = |ports: &[(u8, u16)], item: &dyn Fn(Tree) -> Tree| {
        let lists = ports.chunks(MAX_PORTS);
        Tree::List(
            lists
                .map(|ports| item(Tree::List(ports.iter().copied().map(port).collect())))
                .collect(),
        )
    };
    if !types.is_empty() {
        let fields = |types| Tree::map([("fields", types)]);
        entries.push(("icmps".to_owned(), lists(&types, &fields)));
        return Tree::Map(entries);
    }
    let to_ports = |ports| {
        let mut to_ports = vec![("ports".to_owned(), ports)];
        let (dns, http) = requests(body);
        if !dns.is_empty() {
            to_ports.push(("rules".to_owned(), Tree::map([("dns", Tree::List(dns))])));
        } else if !http.is_empty() {
            to_ports.push(("rules".to_owned(), Tree::map([("http", Tree::List(http))])));
        }
        Tree::Map(to_ports)
    };
    entries.push(("toPorts".to_owned(), lists(&body.ports, &to_ports)));
    Tree::Map(entries)
}

/// The field of a rule's peer, and the peer.
pub(super) fn peer(key: &RuleKey, namespace: &str, is_clusterwide: bool) -> (&'static str, Tree) {
    let is_ingress = key.direction == Direction::Ingress;
    let pick = |ingress, egress| if is_ingress { ingress } else { egress };
    match &key.peer {
        PeerKey::Entity(entity) => (pick("fromEntities", "toEntities"), Tree::text(*entity)),
        PeerKey::Cidr(cidr) => (pick("fromCIDR", "toCIDR"), Tree::text(cidr)),
        PeerKey::Name(name) if !is_ingress => {
            ("toFQDNs", Tree::map([("matchName", Tree::text(name))]))
        }
        PeerKey::Name(_) => ("fromEntities", Tree::text("world")),
        PeerKey::Pods { namespace: own, labels } => {
            let own = own.as_deref().or(is_clusterwide.then_some(namespace));
            let labels = labels
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .chain(own.map(|own| ("k8s:io.kubernetes.pod.namespace", own)));
            (pick("fromEndpoints", "toEndpoints"), selector(labels))
        }
    }
}

/// A port, or an ICMP type.
pub(super) fn port((protocol, number): (u8, u16)) -> Tree {
    match protocol {
        1 | 58 => Tree::map([
            ("type", Tree::Bare(number.to_string())),
            ("family", Tree::text(if protocol == 58 { "IPv6" } else { "IPv4" })),
        ]),
        _ => Tree::map([
            ("port", Tree::text(number.to_string())),
            ("protocol", Tree::text(Protocol::Number(protocol).name())),
        ]),
    }
}

/// DNS and HTTP rules of a body.
pub(super) fn requests(body: &RuleBody) -> (Vec<Tree>, Vec<Tree>) {
    let dns = body.dns.iter().map(|name| {
        let field = if name.contains('*') { "matchPattern" } else { "matchName" };
        Tree::map([(field, Tree::text(name))])
    });
    let http = body.http.iter().map(|HttpWish { method, path, host, headers }| {
        let mut fields = vec![
            ("method".to_owned(), Tree::text(method)),
            ("path".to_owned(), Tree::text(escape(path))),
        ];
        fields.extend(host.as_ref().map(|host| ("host".to_owned(), Tree::text(host))));
        if !headers.is_empty() {
            let headers = headers.iter().map(Tree::text).collect();
            fields.push(("headers".to_owned(), Tree::List(headers)));
        }
        Tree::Map(fields)
    });
    (dns.collect(), http.collect())
}

pub(super) fn selector<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Tree {
    let labels: Vec<(String, Tree)> =
        labels.map(|(key, value)| (key.to_owned(), Tree::text(value))).collect();
    if labels.is_empty() {
        return Tree::Map(Vec::new());
    }
    Tree::map([("matchLabels", Tree::Map(labels))])
}

/// A selector of one of the agent's own endpoints.
fn exists(entity: &str) -> Tree {
    let key = Tree::text(format!("reserved:{entity}"));
    let expression = Tree::map([("key", key), ("operator", Tree::text("Exists"))]);
    Tree::map([("matchExpressions", Tree::List(vec![expression]))])
}

/// A name that no policy has yet.
fn name(subject: &SubjectKey, documents: &Documents) -> String {
    let stem: String = subject
        .entity
        .or(subject.labels.first().map(|(_, value)| value.as_str()))
        .unwrap_or("namespace")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' })
        .take(50)
        .collect();
    let stem = stem.trim_matches('-');
    let is_taken = |name: &str| {
        documents
            .policies
            .iter()
            .any(|policy| policy.name.name == name && policy.name.namespace == subject.namespace)
    };
    (1..=10_000)
        .map(|number| match number {
            1 => format!("allow-{stem}-flows"),
            number => format!("allow-{stem}-flows-{number}"),
        })
        .find(|name| !is_taken(name))
        .unwrap_or_default()
}
