//! Verdicts from JSON documents, without a line of the crate: the rules of the language and the
//! algorithm over them, written once more and as plainly as they can be said.

mod kubernetes;

use std::net::IpAddr;

use serde_json::Value;

use kubernetes::{cluster, kubernetes};

/// A label as source, key and value.
pub(crate) type OwnLabel = (String, String, String);

/// The agent's settings that matter here.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the agent")]
pub(crate) struct Agent {
    pub(crate) mode: &'static str,
    pub(crate) allow_localhost: bool,
    pub(crate) dual_stack: bool,
    pub(crate) host_firewall: bool,
    pub(crate) cidr_nodes: bool,
}

/// One direction of one connection.
pub(crate) struct Ask<'a> {
    pub(crate) subject: &'a [OwnLabel],
    pub(crate) peer: &'a [OwnLabel],
    pub(crate) is_ingress: bool,
    pub(crate) protocol: u8,
    pub(crate) port: u16,
    pub(crate) named: &'a [(String, u8, u16)],
}

type Test<'d> = Box<dyn Fn(&[OwnLabel]) -> bool + 'd>;

enum L3<'d> {
    Nobody,
    Unlimited,
    Any(Vec<Test<'d>>),
}

enum Range {
    All,
    Numbers(u16, u16),
    Named(String),
}

struct Rule<'d> {
    is_ingress: bool,
    /// Tier, then hundredths of a priority, then deny before allow before pass.
    rank: (u8, i64, u8),
    subject: Test<'d>,
    is_node: bool,
    default_deny: bool,
    l3: L3<'d>,
    l4: Option<Vec<(Vec<u8>, Range)>>,
}

const DENY: u8 = 0;
const ALLOW: u8 = 1;
const PASS: u8 = 2;
const NAMESPACE: &str = "io.kubernetes.pod.namespace";
const CLUSTER: &str = "io.cilium.k8s.policy.cluster";

/// Rules of all documents, read once.
pub(crate) struct Book<'d> {
    agent: Agent,
    rules: Vec<Rule<'d>>,
}

impl<'d> Book<'d> {
    pub(crate) fn of(documents: &'d [Value], agent: Agent) -> Self {
        Self { agent, rules: rules(documents, agent) }
    }
}

/// Whether it passes.
pub(crate) fn allows(book: &Book<'_>, ask: &Ask<'_>) -> bool {
    let agent = book.agent;
    let has_key = |labels: &[OwnLabel], key: &str| labels.iter().any(|(_, own, _)| own == key);
    if agent.mode == "never" || has_key(ask.subject, "host") && !agent.host_firewall {
        return true;
    }
    let is_host = |labels: &[OwnLabel]| is_reserved(labels, "host");
    let selected: Vec<&Rule<'_>> = book
        .rules
        .iter()
        .filter(|rule| rule.is_ingress == ask.is_ingress)
        .filter(|rule| rule.is_node == is_host(ask.subject) && (rule.subject)(ask.subject))
        .collect();
    let is_forced = agent.mode == "always" || has_key(ask.subject, "init");
    if selected.is_empty() && !is_forced {
        return true;
    }
    let default_deny = is_forced || selected.iter().any(|rule| rule.default_deny);
    let mut matching: Vec<&&Rule<'_>> =
        selected.iter().filter(|rule| matches_l3(rule, ask) && matches_l4(rule, ask)).collect();
    matching.sort_by_key(|rule| rule.rank);
    let mut passed = 0;
    for rule in matching {
        if rule.rank.0 <= passed {
            continue;
        }
        match rule.rank.2 {
            DENY => return false,
            ALLOW => return true,
            _ => passed = rule.rank.0,
        }
    }
    // Added by the agent to the rules of a subject that has any.
    let is_local = ask.is_ingress
        && agent.allow_localhost
        && is_host(ask.peer)
        && !is_host(ask.subject)
        && !selected.is_empty();
    !default_deny || is_local
}

fn matches_l3(rule: &Rule<'_>, ask: &Ask<'_>) -> bool {
    match &rule.l3 {
        L3::Nobody => false,
        L3::Unlimited => rule.l4.is_some(),
        L3::Any(tests) => tests.iter().any(|test| test(ask.peer)),
    }
}

fn matches_l4(rule: &Rule<'_>, ask: &Ask<'_>) -> bool {
    let Some(ports) = &rule.l4 else { return true };
    ports.iter().any(|(protocols, range)| {
        protocols.contains(&ask.protocol)
            && match range {
                Range::All => true,
                Range::Numbers(first, last) => (*first..=*last).contains(&ask.port),
                Range::Named(name) => ask.named.iter().any(|(own, protocol, number)| {
                    own == name && *protocol == ask.protocol && *number == ask.port
                }),
            }
    })
}

fn is_reserved(labels: &[OwnLabel], name: &str) -> bool {
    labels.iter().any(|(source, key, _)| source == "reserved" && key == name)
}

fn items<'d>(value: &'d Value, field: &str) -> &'d [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn text<'d>(value: &'d Value, field: &str) -> &'d str {
    value[field].as_str().unwrap_or_default()
}

fn rules(documents: &[Value], agent: Agent) -> Vec<Rule<'_>> {
    let mut rules = Vec::new();
    for document in documents {
        match text(document, "kind") {
            "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy" => {
                let namespace = text(&document["metadata"], "namespace");
                for spec in document.get("spec").into_iter().chain(items(document, "specs")) {
                    cilium(spec, namespace, documents, agent, &mut rules);
                }
            }
            "NetworkPolicy" => kubernetes(document, agent, &mut rules),
            "ClusterNetworkPolicy" => cluster(document, agent, &mut rules),
            _ => {}
        }
    }
    rules
}

/// Requirements of a selector as written: key, operator, values.
fn written(selector: &Value) -> Vec<(String, String, Vec<String>)> {
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
    };
    let labels = selector["matchLabels"].as_object().into_iter().flatten().map(|(key, value)| {
        (key.clone(), "In".to_owned(), vec![value.as_str().unwrap_or_default().to_owned()])
    });
    let expressions = items(selector, "matchExpressions").iter().map(|expression| {
        let key = text(expression, "key").to_owned();
        (key, text(expression, "operator").to_owned(), strings(&expression["values"]))
    });
    labels.chain(expressions).collect()
}

/// One requirement; `prefix` is put before keys that name no source.
fn holds(labels: &[OwnLabel], key: &str, operator: &str, values: &[String]) -> bool {
    let (source, key) = match key.strip_prefix('$') {
        Some(key) => ("reserved", key),
        None => key.split_once(':').unwrap_or(("any", key)),
    };
    let found = labels
        .iter()
        .find(|(own, name, _)| name == key && (source == "any" || own == source))
        .map(|(_, _, value)| value);
    match operator {
        "In" => found.is_some_and(|value| values.contains(value)),
        "NotIn" => found.is_none_or(|value| !values.contains(value)),
        "Exists" => found.is_some(),
        _ => found.is_none(),
    }
}

fn all<'d>(requirements: Vec<(String, String, Vec<String>)>) -> Test<'d> {
    Box::new(move |labels| requirements.iter().all(|(key, op, own)| holds(labels, key, op, own)))
}

fn exactly(key: &str, value: &str) -> (String, String, Vec<String>) {
    (key.to_owned(), "In".to_owned(), vec![value.to_owned()])
}

fn exists(key: &str) -> (String, String, Vec<String>) {
    (key.to_owned(), "Exists".to_owned(), Vec::new())
}

fn local_cluster() -> (String, String, Vec<String>) {
    exactly(&format!("k8s:{CLUSTER}"), "default")
}

fn cilium<'d>(
    spec: &'d Value,
    namespace: &str,
    documents: &'d [Value],
    agent: Agent,
    rules: &mut Vec<Rule<'d>>,
) {
    let is_node = spec.get("nodeSelector").is_some();
    let selector = if is_node { &spec["nodeSelector"] } else { &spec["endpointSelector"] };
    for (list, is_ingress, action) in [
        ("ingress", true, ALLOW),
        ("ingressDeny", true, DENY),
        ("egress", false, ALLOW),
        ("egressDeny", false, DENY),
    ] {
        let direction = if is_ingress { "ingress" } else { "egress" };
        let side = if is_ingress { "from" } else { "to" };
        for rule in items(spec, list) {
            let mut subject = written(selector);
            let is_init = subject.iter().any(|(key, ..)| key == "reserved:init");
            if !namespace.is_empty() {
                subject.retain(|(key, ..)| key != &format!("k8s:{NAMESPACE}"));
                subject.push(exactly(&format!("k8s:{NAMESPACE}"), namespace));
            }
            rules.push(Rule {
                is_ingress,
                rank: (200, 0, action),
                subject: all(subject),
                is_node,
                default_deny: spec["enableDefaultDeny"][direction].as_bool().unwrap_or(true),
                l3: cilium_l3(rule, side, namespace, is_init && !is_node, documents, agent),
                l4: cilium_l4(rule),
            });
        }
    }
}

fn cilium_l3<'d>(
    rule: &'d Value,
    side: &str,
    namespace: &str,
    subject_is_init: bool,
    documents: &'d [Value],
    agent: Agent,
) -> L3<'d> {
    let field = |name: &str| format!("{side}{name}");
    for name in ["Endpoints", "Entities", "CIDR", "CIDRSet"] {
        if rule[field(name)].as_array().is_some_and(Vec::is_empty) {
            return L3::Nobody;
        }
    }
    let mut tests: Vec<Test<'d>> = Vec::new();
    for selector in items(rule, &field("Endpoints")) {
        tests.push(all(cilium_peer(selector, namespace, subject_is_init)));
    }
    for entity in items(rule, &field("Entities")) {
        let entity = entity.as_str().unwrap();
        tests.push(Box::new(move |labels| is_entity(labels, entity)));
    }
    for cidr in items(rule, &field("CIDR")) {
        tests.push(cidr_test(cidr.as_str().unwrap(), &[], agent));
    }
    for item in items(rule, &field("CIDRSet")) {
        let except = items(item, "except");
        if let Some(cidr) = item["cidr"].as_str() {
            tests.push(cidr_test(cidr, except, agent));
        } else {
            tests.push(Box::new(move |labels| {
                in_group(labels, item, documents, agent)
                    && may_match(labels, agent)
                    && !except.iter().any(|own| is_inside(labels, own.as_str().unwrap(), agent))
            }));
        }
    }
    for name in items(rule, "toFQDNs") {
        let wanted = [text(name, "matchName"), text(name, "matchPattern")].concat();
        tests.push(Box::new(move |labels| {
            labels.iter().any(|(source, key, _)| source == "fqdn" && *key == wanted)
        }));
    }
    if tests.is_empty() { L3::Unlimited } else { L3::Any(tests) }
}

fn cilium_peer(
    selector: &Value,
    namespace: &str,
    subject_is_init: bool,
) -> Vec<(String, String, Vec<String>)> {
    let mut own = written(selector);
    let says = |own: &[(String, String, Vec<String>)], test: &dyn Fn(&str) -> bool| {
        own.iter().any(|(key, ..)| match key.split_once(':') {
            Some(("k8s" | "any", key)) => test(key),
            Some(_) => false,
            None => test(key),
        })
    };
    if own.iter().any(|(key, ..)| key.starts_with("reserved:") || key.starts_with('$')) {
        return own;
    }
    if !says(&own, &|key| key == NAMESPACE) {
        if namespace.is_empty() {
            if !subject_is_init {
                own.push(exists(&format!("k8s:{NAMESPACE}")));
            }
        } else if !says(&own, &|key| key.starts_with("io.cilium.k8s.namespace.labels.")) {
            own.push(exactly(&format!("k8s:{NAMESPACE}"), namespace));
        }
    }
    if !says(&own, &|key| key == CLUSTER) {
        own.push(local_cluster());
    }
    own
}

fn is_entity(labels: &[OwnLabel], entity: &str) -> bool {
    let inside =
        ["host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver"];
    let is_inside = || inside.iter().any(|name| is_reserved(labels, name));
    let cluster = || {
        labels.iter().find(|(source, key, _)| source == "k8s" && key == CLUSTER).map(|(_, _, v)| v)
    };
    match entity {
        "all" => true,
        "world" => ["world", "world-ipv4", "world-ipv6"].iter().any(|own| is_reserved(labels, own)),
        "cluster" => is_inside() || cluster().is_some_and(|name| name == "default"),
        "cluster-mesh" => is_inside() || cluster().is_some(),
        entity => is_reserved(labels, entity),
    }
}

fn cidr_test<'d>(cidr: &'d str, except: &'d [Value], agent: Agent) -> Test<'d> {
    Box::new(move |labels| {
        may_match(labels, agent)
            && is_inside(labels, cidr, agent)
            && !except.iter().any(|own| is_inside(labels, own.as_str().unwrap(), agent))
    })
}

/// CIDR rules are about the world, and about nodes where the agent is set so.
fn may_match(labels: &[OwnLabel], agent: Agent) -> bool {
    let is_world = labels.iter().any(|(_, key, _)| key == "world" || key.starts_with("world-ipv"));
    let is_node = labels.iter().any(|(_, key, _)| key == "host" || key == "remote-node");
    is_world || is_node && agent.cidr_nodes
}

fn is_inside(labels: &[OwnLabel], cidr: &str, agent: Agent) -> bool {
    let (address, bits) = parse(cidr);
    if bits == 0 {
        let world = match (agent.dual_stack, address.is_ipv4()) {
            (false, true) => "world",
            (true, true) => "world-ipv4",
            // Where IPv6 is off, nobody carries it.
            (_, false) => "world-ipv6",
        };
        return is_reserved(labels, world);
    }
    labels.iter().filter(|(source, ..)| source == "cidr").any(|(_, key, _)| {
        let (own, own_bits) = parse(&key.replace('-', ":"));
        own_bits >= bits && same_head(own, address, bits)
    })
}

fn parse(cidr: &str) -> (IpAddr, u32) {
    let (address, bits) = cidr.split_once('/').unwrap();
    (address.parse().unwrap(), bits.parse().unwrap())
}

fn same_head(one: IpAddr, other: IpAddr, bits: u32) -> bool {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(own) => own.octets().to_vec(),
        IpAddr::V6(own) => own.octets().to_vec(),
    };
    let bit = |octets: &[u8], at: u32| octets[at as usize / 8] >> (7 - at % 8) & 1;
    one.is_ipv4() == other.is_ipv4()
        && (0..bits).all(|at| bit(&octets(one), at) == bit(&octets(other), at))
}

fn in_group(labels: &[OwnLabel], item: &Value, documents: &[Value], agent: Agent) -> bool {
    documents.iter().filter(|document| document["kind"] == "CiliumCIDRGroup").any(|group| {
        let metadata = &group["metadata"];
        let is_meant = if let Some(name) = item["cidrGroupRef"].as_str() {
            text(metadata, "name") == name
        } else {
            let own: Vec<OwnLabel> = metadata["labels"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| {
                    ("cidrgroup".to_owned(), key.clone(), value.as_str().unwrap().to_owned())
                })
                .collect();
            written(&item["cidrGroupSelector"])
                .iter()
                .all(|(key, op, values)| holds(&own, key, op, values))
        };
        is_meant
            && items(&group["spec"], "externalCIDRs")
                .iter()
                .any(|cidr| is_inside(labels, cidr.as_str().unwrap(), agent))
    })
}

/// A protocol by its name; ANY and none are the three that have ports.
fn protocols(name: &str) -> Vec<u8> {
    match name.to_ascii_uppercase().as_str() {
        "TCP" => vec![6],
        "UDP" => vec![17],
        "SCTP" => vec![132],
        "GRE" => vec![47],
        "ESP" => vec![50],
        _ => vec![6, 17, 132],
    }
}

fn range(port: &str, end: u64) -> Range {
    if port.bytes().any(|b| b.is_ascii_alphabetic()) {
        return Range::Named(port.to_owned());
    }
    // A leading zero means octal.
    let number = match port.strip_prefix('0') {
        Some("") | None => port.parse().unwrap_or(0),
        Some(octal) => u16::from_str_radix(octal, 8).unwrap(),
    };
    match u16::try_from(end).unwrap() {
        _ if number == 0 => Range::All,
        end if end > number => Range::Numbers(number, end),
        _ => Range::Numbers(number, number),
    }
}

fn cilium_l4(rule: &Value) -> Option<Vec<(Vec<u8>, Range)>> {
    let (to_ports, icmps) = (items(rule, "toPorts"), items(rule, "icmps"));
    if to_ports.is_empty() && icmps.is_empty() {
        return None;
    }
    let mut ports = Vec::new();
    for port in to_ports.iter().flat_map(|own| items(own, "ports")) {
        let end = port["endPort"].as_u64().unwrap_or(0);
        ports.push((protocols(text(port, "protocol")), range(text(port, "port"), end)));
    }
    for field in icmps.iter().flat_map(|own| items(own, "fields")) {
        let is_v6 = text(field, "family") == "IPv6";
        let kind = match (field["type"].as_u64(), field["type"].as_str(), is_v6) {
            (Some(number), ..) => u16::try_from(number).unwrap(),
            (_, Some("EchoRequest"), false) => 8,
            (_, Some("EchoRequest"), true) => 128,
            (_, Some("EchoReply"), true) => 129,
            (_, Some("TimeExceeded"), false) => 11,
            // EchoReply of IPv4 is 0, which is no port at all.
            _ => 0,
        };
        let range = if kind == 0 { Range::All } else { Range::Numbers(kind, kind) };
        ports.push((vec![if is_v6 { 58 } else { 1 }], range));
    }
    Some(ports)
}
