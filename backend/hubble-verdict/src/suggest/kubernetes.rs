//! Additions as `NetworkPolicy`, for pods that only policies of this kind isolate.

use cilium_policy::{
    Direction, Entry, Operator, PolicyKind, PolicySet, Protocol, Requirement,
    identity_label::POD_NAMESPACE, yaml_writer::Yaml,
};

use super::{
    rule_yaml::selector,
    rules::{PeerKey, RuleBody, RuleKey, SubjectKey},
};

/// A policy for all rules of a subject. `None`: a `NetworkPolicy` cannot express them, or would
/// isolate pods that are not isolated yet.
pub(super) fn policy(
    subject: &SubjectKey,
    rules: &[(RuleKey, RuleBody)],
    set: &PolicySet,
    name: String,
) -> Option<Yaml> {
    if subject.entity.is_some() {
        return None;
    }
    let mut types = Vec::new();
    let mut lists = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        let own = || rules.iter().filter(|(key, _)| key.direction == direction);
        if own().next().is_none() {
            continue;
        }
        if !is_isolated_by_kubernetes(subject, direction, set) {
            return None;
        }
        let items: Option<Vec<Yaml>> = own().map(|(key, body)| rule(key, body)).collect();
        types.push(Yaml::text(match direction {
            Direction::Ingress => "Ingress",
            Direction::Egress => "Egress",
        }));
        lists.push((direction.name().to_owned(), Yaml::List(items?)));
    }
    let mut spec = vec![
        ("podSelector".to_owned(), pods(&subject.labels)?),
        ("policyTypes".to_owned(), Yaml::List(types)),
    ];
    spec.extend(lists);
    Some(Yaml::map([
        ("apiVersion", Yaml::text("networking.k8s.io/v1")),
        ("kind", Yaml::text("NetworkPolicy")),
        (
            "metadata",
            Yaml::map([("name", Yaml::text(name)), ("namespace", Yaml::text(&subject.namespace))]),
        ),
        ("spec", Yaml::Map(spec)),
    ]))
}

/// One item of `ingress` or `egress`. `None`: a `NetworkPolicy` cannot express it.
pub(super) fn rule(key: &RuleKey, body: &RuleBody) -> Option<Yaml> {
    if key.l7 || !body.dns.is_empty() || !body.http.is_empty() {
        return None;
    }
    let peer = match &key.peer {
        PeerKey::Entity(_) | PeerKey::Name(_) => return None,
        PeerKey::Cidr(cidr) => Yaml::map([("ipBlock", Yaml::map([("cidr", Yaml::text(cidr))]))]),
        PeerKey::Pods { namespace, labels } => {
            let mut peer = Vec::new();
            if let Some(namespace) = namespace {
                let name = [("kubernetes.io/metadata.name", namespace.as_str())];
                peer.push(("namespaceSelector".to_owned(), selector(name.into_iter())));
            }
            peer.push(("podSelector".to_owned(), pods(labels)?));
            Yaml::Map(peer)
        }
    };
    let ports = body.ports.iter().map(|(protocol, number)| {
        let has_ports = matches!(protocol, 6 | 17 | 132);
        has_ports.then(|| {
            Yaml::map([
                ("port", Yaml::Bare(number.to_string())),
                ("protocol", Yaml::text(Protocol::Number(*protocol).name())),
            ])
        })
    });
    let field = match key.direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    Some(Yaml::map([
        (field, Yaml::List(vec![peer])),
        ("ports", Yaml::List(ports.collect::<Option<Vec<Yaml>>>()?)),
    ]))
}

/// A pod selector. `None`: some label is Cilium's own rather than the pod's.
fn pods(labels: &[(String, String)]) -> Option<Yaml> {
    let is_own = |(key, _): &(String, String)| !key.starts_with("io.cilium.");
    labels
        .iter()
        .all(is_own)
        .then(|| selector(labels.iter().map(|(key, value)| (key.as_str(), value.as_str()))))
}

/// Whether some policy selects all of the subject's pods and isolates them, and every such policy
/// is a `NetworkPolicy`.
fn is_isolated_by_kubernetes(subject: &SubjectKey, direction: Direction, set: &PolicySet) -> bool {
    let mut kinds = set
        .entries()
        .iter()
        .filter(|entry| {
            entry.direction == direction && entry.default_deny && selects_all(entry, subject)
        })
        .filter_map(|entry| set.policies().get(entry.policy).map(|policy| policy.name.kind))
        .peekable();
    kinds.peek().is_some() && kinds.all(|kind| kind == PolicyKind::NetworkPolicy)
}

/// Whether an entry selects every pod with the subject's labels.
fn selects_all(entry: &Entry, subject: &SubjectKey) -> bool {
    let value = |requirement: &Requirement| match requirement.key.as_str() {
        POD_NAMESPACE => Some(subject.namespace.as_str()),
        key => subject.labels.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str()),
    };
    !entry.is_node
        && entry.subject.requirements.iter().all(|requirement| {
            requirement.key == cilium_policy::identity_label::CLUSTER
                || value(requirement).is_some_and(|value| match &requirement.operator {
                    Operator::In(values) => values.iter().any(|own| own == value),
                    Operator::NotIn(values) => !values.iter().any(|own| own == value),
                    Operator::Exists => true,
                    Operator::DoesNotExist => false,
                })
        })
}
