//! The smallest additions that let given flows pass, proven by judging again.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use flow::{Flow, L7Record};

use crate::{
    Action, Cause, Direction, Documents, Identity, Judge, Learned, PolicySet, Protocol, Settings,
    Sides, SourceText, Verdict, parties,
};

/// Additions, and what comes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suggestion {
    /// Policies to add, as YAML; empty where nothing helps or nothing is needed.
    pub yaml: String,
    /// Flows that pass with the addition; indices of the flows that were asked for.
    pub fixed: Vec<usize>,
    /// Flows that no addition lets pass, and why.
    pub unfixed: Vec<Unfixed>,
    /// Flows beyond those that were asked for that would pass now too, as `source → destination
    /// port`.
    pub also_allowed: Vec<String>,
}

/// A flow that no addition lets pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfixed {
    /// Its index.
    pub flow: usize,
    /// Why.
    pub reason: String,
}

/// Whom an addition is about, and which way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SubjectKey {
    namespace: String,
    labels: Vec<(String, String)>,
}

/// One rule to add.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RuleKey {
    direction: Direction,
    peer: PeerKey,
    l7: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum PeerKey {
    Pods { namespace: Option<String>, labels: Vec<(String, String)> },
    Entity(&'static str),
    Cidr(String),
    Names(Vec<String>),
}

#[derive(Debug, Default)]
struct RuleBody {
    /// Protocol and port.
    ports: Vec<(u8, u16)>,
    dns: Vec<String>,
    http: Vec<(String, String)>,
}

type Rules = BTreeMap<SubjectKey, BTreeMap<RuleKey, RuleBody>>;

/// Finds the smallest additions that let the flows at `wanted` pass. The answer lists which of
/// the other flows would pass too.
#[must_use]
pub fn suggest(
    texts: &[SourceText<'_>],
    settings: &Settings,
    flows: &[Flow],
    wanted: &[usize],
) -> Suggestion {
    let learned = Learned::from_flows(flows);
    let before = Arc::new(PolicySet::read(texts, settings.clone()));
    let mut judge = Judge::new(Arc::clone(&before));
    let mut suggestion = Suggestion::default();
    let mut rules = Rules::new();
    let mut asked = Vec::new();
    for index in wanted {
        let Some(flow) = flows.get(*index) else { continue };
        match demand(&mut judge, flow, &learned, &mut rules) {
            Ok(true) => asked.push(*index),
            Ok(false) => {}
            Err(reason) => suggestion.unfixed.push(Unfixed { flow: *index, reason }),
        }
    }
    if rules.is_empty() {
        return suggestion;
    }
    let yaml = write(&rules, before.documents());
    let mut with: Vec<SourceText<'_>> = texts.to_vec();
    let next = texts.iter().map(|text| text.index).max().map_or(0, |index| index + 1);
    with.push(SourceText { index: next, text: &yaml });
    let after = Arc::new(PolicySet::read(&with, settings.clone()));
    let mut proof = Judge::new(after);
    for index in &asked {
        let passes = flows.get(*index).is_some_and(|flow| {
            proof.judge_flow(flow, &learned).is_ok_and(|s| s.verdict == Verdict::Allowed)
        });
        if passes {
            suggestion.fixed.push(*index);
        } else {
            suggestion.unfixed.push(Unfixed {
                flow: *index,
                reason: "it does not pass with the addition either: a deny rule, or a rule that cannot be told".to_owned(),
            });
        }
    }
    let mut also: Vec<String> = Vec::new();
    for (index, flow) in flows.iter().enumerate() {
        if asked.contains(&index) {
            continue;
        }
        let (Ok(old), Ok(new)) =
            (judge.judge_flow(flow, &learned), proof.judge_flow(flow, &learned))
        else {
            continue;
        };
        if old.verdict != Verdict::Allowed
            && new.verdict == Verdict::Allowed
            && let Ok(sides) = Sides::of(flow, &learned, settings)
        {
            let (source, destination) = parties(flow, &sides);
            also.push(format!("{source} → {destination} {}", sides.traffic));
        }
    }
    also.sort();
    also.dedup();
    suggestion.also_allowed = also;
    suggestion.yaml = yaml;
    suggestion
}

/// Adds what a flow needs. False: it passes already. Errors: why nothing can be added.
fn demand(
    judge: &mut Judge,
    flow: &Flow,
    learned: &Learned,
    rules: &mut Rules,
) -> Result<bool, String> {
    let judgement = judge.explain_flow(flow, learned).map_err(|err| err.to_string())?;
    match judgement.verdict {
        Verdict::Allowed => return Ok(false),
        Verdict::CannotTell => {
            return Err(format!(
                "cannot tell whether it is refused: {}",
                judgement.sentence(judge.set())
            ));
        }
        Verdict::Denied => {}
    }
    let decision = judgement.explanation.decision;
    if let Cause::Entry(entry) = decision.cause
        && decision.verdict == Verdict::Denied
    {
        let is_deny = judge
            .set()
            .entries()
            .get(entry as usize)
            .is_some_and(|entry| entry.action == Action::Deny);
        if is_deny {
            return Err(format!(
                "a deny rule refuses it, which no addition overrides: {}",
                judgement.sentence(judge.set())
            ));
        }
    }
    let sides = &judgement.sides;
    let subject =
        subject(&sides.subject).ok_or("the subject is no pod: a host policy would be needed")?;
    let peer = peer(&sides.peer, &subject.namespace);
    let record = flow.l7.as_ref().and_then(|l7| l7.record.as_ref());
    let is_proxied = decision.is_redirect || decision.verdict == Verdict::Denied;
    let l7 = record.filter(|_| is_proxied);
    let own = rules.entry(subject).or_default();
    let key = RuleKey { direction: sides.direction, peer: peer.clone(), l7: l7.is_some() };
    let body = own.entry(key).or_default();
    let port = (sides.traffic.protocol, sides.traffic.port);
    if !body.ports.contains(&port) {
        body.ports.push(port);
    }
    match l7 {
        Some(L7Record::Dns(dns)) => {
            let name = dns.query.trim_end_matches('.').to_ascii_lowercase();
            if !body.dns.contains(&name) {
                body.dns.push(name);
            }
        }
        Some(L7Record::Http(http)) => {
            let path = http.url.split_once("://").map_or(http.url.as_str(), |(_, rest)| {
                rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
            });
            let rule = (http.method.clone(), escape(path));
            if !body.http.contains(&rule) {
                body.http.push(rule);
            }
        }
        _ => {}
    }
    if let PeerKey::Names(names) = &peer {
        // Without its query, a name is never learned.
        let key = RuleKey {
            direction: Direction::Egress,
            peer: PeerKey::Pods {
                namespace: Some("kube-system".to_owned()),
                labels: vec![("k8s-app".to_owned(), "kube-dns".to_owned())],
            },
            l7: true,
        };
        let body = own.entry(key).or_default();
        for protocol in [17, 6] {
            if !body.ports.contains(&(protocol, 53)) {
                body.ports.push((protocol, 53));
            }
        }
        for name in names {
            if !body.dns.contains(name) {
                body.dns.push(name.clone());
            }
        }
    }
    Ok(true)
}

fn subject(identity: &Identity) -> Option<SubjectKey> {
    let namespace = identity.k8s_label("io.kubernetes.pod.namespace")?.to_owned();
    Some(SubjectKey { namespace, labels: own_labels(identity) })
}

/// Labels that people set, the telling ones first; without any, the service account.
fn own_labels(identity: &Identity) -> Vec<(String, String)> {
    for key in ["app.kubernetes.io/name", "k8s-app", "app"] {
        if let Some(value) = identity.k8s_label(key) {
            let mut labels = vec![(key.to_owned(), value.to_owned())];
            if let Some(instance) = identity.k8s_label("app.kubernetes.io/instance") {
                labels.push(("app.kubernetes.io/instance".to_owned(), instance.to_owned()));
            }
            return labels;
        }
    }
    let is_own = |key: &str| !key.starts_with("io.cilium.") && !key.starts_with("io.kubernetes.");
    let labels: Vec<(String, String)> = identity
        .labels()
        .iter()
        .filter(|label| label.source == "k8s" && is_own(&label.key))
        .map(|label| (label.key.clone(), label.value.clone()))
        .collect();
    if !labels.is_empty() {
        return labels;
    }
    let account = "io.cilium.k8s.policy.serviceaccount";
    identity
        .k8s_label(account)
        .map(|value| (account.to_owned(), value.to_owned()))
        .into_iter()
        .collect()
}

fn peer(identity: &Identity, namespace: &str) -> PeerKey {
    for entity in
        ["host", "remote-node", "kube-apiserver", "health", "ingress", "init", "unmanaged"]
    {
        if identity.is_reserved(entity) {
            return PeerKey::Entity(entity);
        }
    }
    if let Some(own) = identity.k8s_label("io.kubernetes.pod.namespace") {
        return PeerKey::Pods {
            namespace: (own != namespace).then(|| own.to_owned()),
            labels: own_labels(identity),
        };
    }
    if !identity.names().is_empty() {
        return PeerKey::Names(identity.names().to_vec());
    }
    match identity.address() {
        Some(address) => PeerKey::Cidr(crate::Prefix::of_address(address).to_string()),
        None => PeerKey::Entity("world"),
    }
}

fn write(rules: &Rules, documents: &Documents) -> String {
    let mut out = String::new();
    for (subject, own) in rules {
        let name = name(subject, documents);
        let separator = if out.is_empty() { "" } else { "---\n" };
        let _ = write!(
            out,
            "{separator}apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: {name}\n  namespace: {}\nspec:\n  endpointSelector:",
            quoted(&subject.namespace)
        );
        write_labels(&mut out, "    ", &subject.labels);
        // Purely additive: whoever else the selector selects is not cut off by it.
        out.push_str("  enableDefaultDeny:\n    ingress: false\n    egress: false\n");
        for direction in [Direction::Ingress, Direction::Egress] {
            let mut has_head = false;
            for (key, body) in own.iter().filter(|(key, _)| key.direction == direction) {
                if !has_head {
                    let _ = writeln!(out, "  {}:", direction.name());
                    has_head = true;
                }
                write_rule(&mut out, key, body);
            }
        }
    }
    out
}

fn write_rule(out: &mut String, key: &RuleKey, body: &RuleBody) {
    let side = if key.direction == Direction::Ingress { "from" } else { "to" };
    match &key.peer {
        PeerKey::Entity(entity) => {
            let _ = writeln!(out, "  - {side}Entities:\n    - {entity}");
        }
        PeerKey::Cidr(cidr) => {
            let _ = writeln!(out, "  - {side}CIDR:\n    - {}", quoted(cidr));
        }
        PeerKey::Names(names) if key.direction == Direction::Egress => {
            out.push_str("  - toFQDNs:\n");
            for name in names {
                let _ = writeln!(out, "    - matchName: {}", quoted(name));
            }
        }
        PeerKey::Names(_) => {
            let _ = writeln!(out, "  - {side}Entities:\n    - world");
        }
        PeerKey::Pods { namespace, labels } => {
            let mut labels = labels.clone();
            if let Some(namespace) = namespace {
                labels.push(("k8s:io.kubernetes.pod.namespace".to_owned(), namespace.clone()));
            }
            let _ = write!(out, "  - {side}Endpoints:\n    -");
            write_labels(out, "      ", &labels);
        }
    }
    let (icmp, ports): (Vec<_>, Vec<_>) =
        body.ports.iter().partition(|(protocol, _)| matches!(protocol, 1 | 58));
    if !icmp.is_empty() {
        out.push_str("    icmps:\n    - fields:\n");
        for (protocol, kind) in icmp {
            let family = if protocol == 58 { "IPv6" } else { "IPv4" };
            let _ = writeln!(out, "      - type: {kind}\n        family: {family}");
        }
        return;
    }
    out.push_str("    toPorts:\n    - ports:\n");
    for (protocol, port) in ports {
        let _ = writeln!(
            out,
            "      - port: \"{port}\"\n        protocol: {}",
            Protocol::Number(protocol).name()
        );
    }
    if !body.dns.is_empty() {
        out.push_str("      rules:\n        dns:\n");
        for name in &body.dns {
            let _ = writeln!(out, "        - matchName: {}", quoted(name));
        }
    } else if !body.http.is_empty() {
        out.push_str("      rules:\n        http:\n");
        for (method, path) in &body.http {
            let _ = writeln!(
                out,
                "        - method: {}\n          path: {}",
                quoted(method),
                quoted(path)
            );
        }
    }
}

fn write_labels(out: &mut String, indent: &str, labels: &[(String, String)]) {
    if labels.is_empty() {
        out.push_str(" {}\n");
        return;
    }
    let inline = out.ends_with('-');
    let head = if inline { " matchLabels:" } else { "\n    matchLabels:" };
    let _ = writeln!(out, "{head}");
    for (key, value) in labels {
        let _ = writeln!(out, "{indent}  {}: {}", quoted(key), quoted(value));
    }
}

/// A name that no policy has yet.
fn name(subject: &SubjectKey, documents: &Documents) -> String {
    let stem: String = subject
        .labels
        .first()
        .map_or("namespace", |(_, value)| value.as_str())
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

/// A YAML string that nothing in it can leave.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A regular expression that matches this text alone.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '/' | '-' | '_' | '&' | '=' | '%' | ',' | ':') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use flow::{
        Dns, Endpoint, Ip, L7FlowType, Layer4, Layer7, Tcp, TrafficDirection, Udp,
        Verdict as FlowVerdict,
    };

    use super::*;

    const CLOSED: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: closed, namespace: pets}
spec:
  endpointSelector: {}
  ingress: [{}]
  egress:
  - toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}]
    toPorts:
    - ports: [{port: '53', protocol: ANY}]
      rules: {dns: [{matchName: known.io}]}
";

    fn pod(namespace: &str, label: &str) -> Endpoint {
        Endpoint {
            identity: 1000,
            labels: vec![
                format!("k8s:{label}"),
                format!("k8s:io.kubernetes.pod.namespace={namespace}"),
                "k8s:io.cilium.k8s.policy.cluster=default".to_owned(),
            ],
            ..Endpoint::default()
        }
    }

    fn tcp(from: Endpoint, to: Endpoint, port: u16, direction: TrafficDirection) -> Flow {
        Flow {
            source: Some(from),
            destination: Some(to),
            l4: Some(Layer4::Tcp(Tcp { source_port: 4, destination_port: port, flags: None })),
            traffic_direction: direction,
            verdict: FlowVerdict::Dropped,
            ip: Some(Ip { destination: "20.1.1.1".to_owned(), ..Ip::default() }),
            ..Flow::default()
        }
    }

    #[test]
    fn additions_let_the_asked_flows_pass_and_list_the_rest() {
        let world = Endpoint { labels: vec!["reserved:world".to_owned()], ..Endpoint::default() };
        let named = Flow {
            destination_names: vec!["api.github.com".to_owned()],
            ..tcp(pod("pets", "app=front"), world, 443, TrafficDirection::Egress)
        };
        let query = Flow {
            l4: Some(Layer4::Udp(Udp { source_port: 4, destination_port: 53 })),
            l7: Some(Layer7 {
                l7_type: L7FlowType::Request,
                record: Some(L7Record::Dns(Dns {
                    query: "api.github.com.".to_owned(),
                    ..Dns::default()
                })),
                ..Layer7::default()
            }),
            ..tcp(
                pod("pets", "app=front"),
                pod("kube-system", "k8s-app=kube-dns"),
                53,
                TrafficDirection::Egress,
            )
        };
        let inside = tcp(pod("pets", "app=a"), pod("pets", "app=b"), 80, TrafficDirection::Ingress);
        let mut twin = inside.clone();
        if let Some(source) = &mut twin.source {
            source.labels.push("k8s:version=2".to_owned());
        }
        let flows = [named, query, inside, twin];
        let texts = [SourceText { index: 0, text: CLOSED }];
        let suggestion = suggest(&texts, &Settings::default(), &flows, &[0, 1, 2]);
        assert_eq!(suggestion.fixed, [0, 1, 2], "{}", suggestion.yaml);
        assert_eq!(suggestion.unfixed, []);
        assert_eq!(suggestion.also_allowed, ["pets/a → pets/b 80/TCP"]);
        insta::assert_snapshot!(suggestion.yaml);
    }

    #[test]
    fn a_deny_rule_stays() {
        let denied = CLOSED.replace("ingress: [{}]", "ingressDeny: [{fromEntities: [all]}]");
        let flow = tcp(pod("pets", "app=a"), pod("pets", "app=b"), 80, TrafficDirection::Ingress);
        let texts = [SourceText { index: 0, text: &denied }];
        let suggestion = suggest(&texts, &Settings::default(), &[flow], &[0]);
        assert_eq!(suggestion.yaml, "");
        assert!(suggestion.unfixed[0].reason.contains("a deny rule refuses it"));
    }
}
