//! New policies as YAML documents.

use cilium_policy::{Direction, Documents, PolicyKind, PolicySet, yaml_writer::Yaml};

use super::{
    kubernetes,
    rule_yaml::{is_icmp, rule, selector},
    rules::{RuleBody, RuleKey, Rules, SubjectKey},
};

/// Policies for all rules, as YAML documents.
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
            // Purely additive: other pods that the selector matches lose no traffic.
            (
                "enableDefaultDeny".to_owned(),
                Yaml::map([
                    ("ingress", Yaml::Bare("false".to_owned())),
                    ("egress", Yaml::Bare("false".to_owned())),
                ]),
            ),
        ];
        for direction in [Direction::Ingress, Direction::Egress] {
            // One rule holds the ports of a peer, another one its ICMP types.
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
            let items: Vec<Yaml> = merged
                .iter()
                .map(|(key, body)| rule(key, body, &subject.namespace, subject.entity.is_some()))
                .collect();
            if !items.is_empty() {
                spec.push((direction.name().to_owned(), Yaml::List(items)));
            }
        }
        let mut metadata = vec![("name".to_owned(), Yaml::text(name(subject, documents)))];
        let kind = if subject.entity.is_some() {
            PolicyKind::CiliumClusterwideNetworkPolicy
        } else {
            metadata.push(("namespace".to_owned(), Yaml::text(&subject.namespace)));
            PolicyKind::CiliumNetworkPolicy
        };
        let policy = Yaml::map([
            ("apiVersion", Yaml::text("cilium.io/v2")),
            ("kind", Yaml::text(kind.name())),
            ("metadata", Yaml::Map(metadata)),
            ("spec", Yaml::Map(spec)),
        ]);
        policy.block(0, 0, &mut out);
    }
    out
}

/// A selector of one of the agent's own endpoints.
fn exists(entity: &str) -> Yaml {
    let key = Yaml::text(format!("reserved:{entity}"));
    let expression = Yaml::map([("key", key), ("operator", Yaml::text("Exists"))]);
    Yaml::map([("matchExpressions", Yaml::List(vec![expression]))])
}

/// A policy name that is not taken yet.
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
