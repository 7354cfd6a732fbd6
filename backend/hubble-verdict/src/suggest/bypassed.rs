//! Checks of other rules at the same port that an addition bypasses.

use cilium_policy::{
    Action, Authentication, Entry, Label, PolicySet, PortRange, PortRule, Traffic,
    identity_label::POD_NAMESPACE,
};

use super::rules::{RuleBody, RuleKey, Rules, SubjectKey};

/// Connections that pass without such checks, in words.
pub(super) fn unchecked(rules: &Rules, set: &PolicySet) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for (subject, keys) in rules {
        let labels = labels(subject);
        for (key, body) in keys.iter().filter(|(_, body)| body.dns.is_empty()) {
            for entry in set.entries().iter().filter(|entry| {
                entry.direction == key.direction
                    && entry.action == Action::Allow
                    && entry.subject.matches(&labels)
            }) {
                let Some(sentence) = sentence((subject, key, body), entry, set) else { continue };
                if !sentences.contains(&sentence) {
                    sentences.push(sentence);
                }
            }
        }
    }
    sentences
}

fn sentence(
    (subject, key, body): (&SubjectKey, &RuleKey, &RuleBody),
    entry: &Entry,
    set: &PolicySet,
) -> Option<String> {
    let mut unchecked = Vec::new();
    let at_port = |rule: &&PortRule| {
        rule.ports.iter().any(|port| {
            let is_in = match port.range {
                PortRange::All => true,
                PortRange::Numbers(first, last) => (first..=last).contains(&key.port.1),
                PortRange::Named(_) => false,
            };
            port.protocol.covers(key.port.0) && is_in
        })
    };
    let at_port: Vec<&PortRule> = entry.ports.iter().flatten().filter(at_port).collect();
    if entry.ports.is_some() && at_port.is_empty() {
        return None;
    }
    let has = |check: &dyn Fn(&PortRule) -> bool| at_port.iter().any(|rule| check(rule));
    if body.http.is_empty() && has(&|rule| !rule.l7.http.is_empty()) {
        unchecked.push("all requests");
    }
    if has(&|rule| !rule.l7.server_names.is_empty()) {
        unchecked.push("all server names");
    }
    if has(&|rule| rule.l7.terminating_tls.is_some() || rule.l7.originating_tls.is_some()) {
        unchecked.push("TLS without termination");
    }
    if has(&|rule| rule.l7.listener.is_some()) {
        unchecked.push("connections that no listener checks");
    }
    if matches!(&entry.authentication, Some(Authentication::Required | Authentication::AlwaysFail))
    {
        unchecked.push("connections without authentication");
    }
    if unchecked.is_empty() {
        return None;
    }
    let policy = set.policies().get(entry.policy)?;
    Some(format!(
        "{} at {} {} pass without the checks of `{}` {} (line {})",
        unchecked.join(", "),
        subject.shown(),
        Traffic::new(key.port.0, key.port.1),
        policy.name,
        entry.clause,
        entry.at.line
    ))
}

pub(super) fn labels(subject: &SubjectKey) -> Vec<Label> {
    if let Some(entity) = subject.entity {
        return vec![Label::parse(&format!("reserved:{entity}"))];
    }
    let own = subject.labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let label = |(key, value): (&str, &str)| Label {
        key: key.to_owned(),
        value: value.to_owned(),
        source: "k8s".to_owned(),
    };
    own.chain([(POD_NAMESPACE, subject.namespace.as_str())]).map(label).collect()
}
