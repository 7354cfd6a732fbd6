//! Lints about the text of documents: parts that leave no trace in the compiled rules.

use super::{
    Finding,
    registry::{
        DefaultDenyWithoutRules, EgressIsolatesIngress, EmptyDirection, EmptyHttp, EndBeforePort,
        ForeignNamespace, HexPort, IcmpTypeZero, IgnoredSelectorField, LeadingZero,
        NamespaceNameLabel, NoNamespace, NoPorts, NoProtocol, PathExact, PathGlob, PathTemplate,
        PolicyTypesOmit, UnquotedBoolean,
    },
};
use crate::{
    Position, Settings, SourceText,
    source::{self, MAX_LISTS, Node, Value, magnitude},
};

/// A policy's document, and the findings so far.
struct Page<'p> {
    source: usize,
    policy: String,
    namespace: String,
    kind: String,
    findings: &'p mut Vec<Finding>,
}

/// Looks at the documents of one text.
pub(super) fn lint(text: SourceText<'_>, settings: &Settings, findings: &mut Vec<Finding>) {
    let before = findings.len();
    for chunk in source::split(text.text) {
        let Ok(nodes) = source::read(&chunk) else { continue };
        for node in &nodes {
            document(node, text.index, settings, findings, 0);
        }
    }
    once_for_the_file(before, settings, findings);
}

/// Merges the findings about missing namespaces into one for the file, with the number of documents.
fn once_for_the_file(before: usize, settings: &Settings, findings: &mut Vec<Finding>) {
    let own = findings.get(before..).unwrap_or_default();
    let count = own.iter().filter(|finding| finding.is::<NoNamespace>()).count();
    if count < 2 {
        return;
    }
    let mut is_first = true;
    let rest = findings.split_off(before);
    findings.extend(rest.into_iter().filter_map(|mut finding| {
        if !finding.is::<NoNamespace>() {
            return Some(finding);
        }
        finding.message = format!(
            "{count} documents of this file name no namespace; they land in `{}` or wherever kubectl's context points",
            settings.namespace
        );
        std::mem::take(&mut is_first).then_some(finding)
    }));
}

fn document(
    node: &Node,
    source: usize,
    settings: &Settings,
    findings: &mut Vec<Finding>,
    depth: usize,
) {
    let text = |node: Option<&Node>| node.and_then(Node::as_str).unwrap_or_default().to_owned();
    let kind = text(node.get("kind"));
    if depth < MAX_LISTS && node.list_of().is_some() {
        for item in items(node.get("items")) {
            document(item, source, settings, findings, depth + 1);
        }
        return;
    }
    let metadata = node.get("metadata");
    let mut namespace = text(metadata.and_then(|m| m.get("namespace")));
    let name = text(metadata.and_then(|m| m.get("name")));
    let is_namespaced = matches!(kind.as_str(), "CiliumNetworkPolicy" | "NetworkPolicy");
    let has_namespace = !namespace.is_empty();
    if !has_namespace && is_namespaced {
        namespace.clone_from(&settings.namespace);
    }
    let policy = format!("{kind}/{namespace}/{name}");
    let mut page = Page { source, policy, namespace, kind, findings };
    if is_namespaced && !has_namespace && !settings.is_namespace_given {
        page.add(
            Finding::of::<NoNamespace>(
                format!(
                    "the document names no namespace; it lands in `{}` or wherever kubectl's context points",
                    settings.namespace,
                ),
            ),
            metadata.map_or(node.at, |m| m.at),
            None,
        );
    }
    match page.kind.as_str() {
        "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy" => {
            if let Some(spec) = node.get("spec") {
                page.rule(spec);
            }
            for spec in items(node.get("specs")) {
                page.rule(spec);
            }
        }
        "NetworkPolicy" => {
            if let Some(spec) = node.get("spec") {
                page.network_policy(spec);
            }
        }
        _ => {}
    }
}

impl Page<'_> {
    fn add(&mut self, mut finding: Finding, at: Position, fix: Option<String>) {
        finding.source = Some(self.source);
        finding.policy.clone_from(&self.policy);
        finding.at = at;
        finding.fix = fix;
        self.findings.push(finding);
    }

    fn rule(&mut self, spec: &Node) {
        let lists = ["ingress", "ingressDeny", "egress", "egressDeny"];
        let is_list = |name: &str| matches!(spec.get(name).map(|n| &n.value), Some(Value::List(items)) if !items.is_empty());
        let has_any = lists.iter().any(|name| is_list(name));
        for direction in ["ingress", "egress"] {
            let is_empty = matches!(spec.get(direction).map(|n| &n.value), Some(Value::List(items)) if items.is_empty());
            let deny = format!("{direction}Deny");
            let switch = spec.get("enableDefaultDeny").and_then(|own| own.get(direction));
            let is_without_rules = !is_list(direction) && !is_list(&deny);
            match switch.map(|switch| (&switch.value, switch.at)) {
                Some((Value::Bool(true), at)) if is_without_rules => {
                    self.add(
                        Finding::of::<DefaultDenyWithoutRules>(
                            format!("the policy has no rule for {direction}: `enableDefaultDeny` turns nothing on there, and everything passes; a list with an empty rule does"),
                        ),
                        at,
                        Some(format!("{direction}:\n- {{}}")),
                    );
                    continue;
                }
                // Default deny is off on purpose.
                Some((Value::Bool(false), _)) => continue,
                _ => {}
            }
            if is_empty && has_any && is_without_rules {
                let at = spec.get(direction).map_or(spec.at, |n| n.at);
                self.add(
                    Finding::of::<EmptyDirection>(
                        format!("`{direction}: []` turns nothing on, not even default deny; a list with an empty rule does"),
                    ),
                    at,
                    Some(format!("{direction}:\n- {{}}")),
                );
            }
        }
        if let Some(selector) = spec.get("endpointSelector") {
            self.subject(selector);
        }
        for list in lists {
            for rule in items(spec.get(list)) {
                self.cilium_rule(rule, list.ends_with("Deny"));
            }
        }
    }

    fn subject(&mut self, selector: &Node) {
        self.selector(selector);
        if self.kind != "CiliumNetworkPolicy" {
            return;
        }
        let key = "k8s:io.kubernetes.pod.namespace";
        if let Some(value) = selector.get("matchLabels").and_then(|labels| labels.get(key))
            && value.as_str().is_some_and(|ns| ns != self.namespace)
        {
            self.add(
                Finding::of::<ForeignNamespace>(format!(
                    "the endpoint selector names another namespace; Cilium puts `{}` in its place",
                    self.namespace
                )),
                value.at,
                None,
            );
        }
    }

    fn selector(&mut self, selector: &Node) {
        let Value::Map(entries) = &selector.value else { return };
        for (key, _) in entries {
            if !matches!(key.name.as_str(), "matchLabels" | "matchExpressions") {
                self.add(
                    Finding::of::<IgnoredSelectorField>(
                        format!(
                            "`{}` is not a field of a selector: Cilium ignores it, and the selector is wider than it looks",
                            key.name,
                        ),
                    ),
                    key.at,
                    None,
                );
            }
        }
        if let Some(Value::Map(labels)) = selector.get("matchLabels").map(|n| &n.value) {
            for (key, _) in labels {
                if key.name == "kubernetes.io/metadata.name"
                    || key.name == "k8s:kubernetes.io/metadata.name"
                {
                    self.add(
                        Finding::of::<NamespaceNameLabel>(
                            "`kubernetes.io/metadata.name` is a label of namespaces, not of pods: it matches nothing here".to_owned(),
                        ),
                        key.at,
                        Some("k8s:io.kubernetes.pod.namespace".to_owned()),
                    );
                }
            }
        }
    }

    fn cilium_rule(&mut self, rule: &Node, is_deny: bool) {
        for field in ["fromEndpoints", "toEndpoints", "fromNodes", "toNodes"] {
            for selector in items(rule.get(field)) {
                self.selector(selector);
            }
        }
        for ports in items(rule.get("toPorts")) {
            if matches!(ports.get("ports").map(|n| &n.value), Some(Value::List(list)) if list.is_empty())
                || ports.get("ports").is_none()
            {
                self.add(
                    Finding::of::<NoPorts>(
                        "an item of `toPorts` without ports matches nothing".to_owned(),
                    ),
                    ports.at,
                    None,
                );
            }
            for port in items(ports.get("ports")) {
                self.port(port, "port");
            }
            // The API server drops L7 rules of deny rules.
            if let Some(rules) = ports.get("rules").filter(|_| !is_deny) {
                for http in items(rules.get("http")) {
                    self.http(http);
                }
                if matches!(rules.get("http").map(|n| &n.value), Some(Value::List(list)) if list.is_empty())
                {
                    self.add(
                        Finding::of::<EmptyHttp>(
                            "`http: []` is not an L7 rule: every request passes, unseen".to_owned(),
                        ),
                        rules.at,
                        None,
                    );
                }
            }
        }
        for icmp in items(rule.get("icmps")) {
            for field in items(icmp.get("fields")) {
                let family = field.get("family").and_then(Node::as_str).unwrap_or("IPv4");
                let is_zero = match field.get("type").map(|n| &n.value) {
                    Some(Value::Integer(0)) => true,
                    Some(Value::String(text)) => {
                        text == "0" || (text == "EchoReply" && family == "IPv4")
                    }
                    _ => false,
                };
                if is_zero {
                    self.add(
                        Finding::of::<IcmpTypeZero>(
                            "ICMP type 0 (EchoReply) counts as port 0, and so matches every ICMP type"
                            .to_owned(),
                        ),
                        field.at,
                        None,
                    );
                }
            }
        }
    }

    fn port(&mut self, port: &Node, field: &str) {
        let Some(node) = port.get(field) else { return };
        if let Value::String(text) = &node.value {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            if digits && text.len() > 1 && text.starts_with('0') {
                let meant = text.trim_start_matches('0');
                let read = magnitude(text).map_or("no number".to_owned(), |n| n.to_string());
                self.add(
                    Finding::of::<LeadingZero>(format!(
                        "port \"{text}\" is octal: Cilium reads {read}"
                    )),
                    node.at,
                    Some(format!("\"{meant}\"")),
                );
            }
            if text.len() > 2 && (text.starts_with("0x") || text.starts_with("0X")) {
                self.add(
                    Finding::of::<HexPort>(format!("port \"{text}\" is a port name, not a number")),
                    node.at,
                    magnitude(text).map(|n| format!("\"{n}\"")),
                );
            }
        }
        let number = match &node.value {
            Value::Integer(number) => Some(*number),
            Value::String(text) => magnitude(text).and_then(|n| i64::try_from(n).ok()),
            _ => None,
        };
        if let (Some(number), Some(Value::Integer(end))) =
            (number, port.get("endPort").map(|n| &n.value))
            && *end < number
            && *end != 0
        {
            self.add(
                Finding::of::<EndBeforePort>(format!(
                    "endPort {end} lies before port {number}: the rule covers port {number} alone"
                )),
                port.at,
                None,
            );
        }
        if self.kind != "NetworkPolicy" && port.get("protocol").is_none() {
            self.add(
                Finding::of::<NoProtocol>(
                    "without a protocol the port means TCP, UDP and SCTP; ICMP (ping) is not among them".to_owned(),
                ),
                port.at,
                None,
            );
        }
    }

    fn http(&mut self, rule: &Node) {
        let Some(path) = rule.get("path") else { return };
        let Some(text) = path.as_str() else { return };
        let at = path.at;
        if text.contains('{') && text.contains('}') && !text.contains(['*', '+', '\\']) {
            self.add(
                Finding::of::<PathTemplate>(format!(
                    "`{text}` is a regular expression, not a template: the braces are literal"
                )),
                at,
                Some(braces_to_class(text)),
            );
        } else if text.ends_with("/*") {
            self.add(
                Finding::of::<PathGlob>(
                    format!("`{text}` is a regular expression: `/*` is any number of slashes, not everything below"),
                ),
                at,
                Some(format!("{}.*", text.trim_end_matches('*'))),
            );
        } else if !text.contains(['*', '+', '[', '(', '|', '$', '\\']) {
            self.add(
                Finding::of::<PathExact>(
                    format!("`{text}` has to match the whole path with its query: `{text}?x=1` and what lies below are refused"),
                ),
                at,
                Some(format!("{text}(\\?.*)?")),
            );
        }
    }

    /// Values without quotes that YAML 1.1 reads as booleans; Kubernetes' decoder turns them into `true` or `false`.
    fn booleans(&mut self, selector: Option<&Node>) {
        let Some(Value::Map(labels)) =
            selector.and_then(|own| own.get("matchLabels")).map(|n| &n.value)
        else {
            return;
        };
        for (key, value) in labels {
            if let Value::Bool(own) = value.value {
                self.add(
                    Finding::of::<UnquotedBoolean>(
                        format!(
                            "without quotes this value of `{}` is a boolean of YAML 1.1 and becomes `{own}`: yes, no, on, off, y and n need quotes",
                            key.name,
                        ),
                    ),
                    value.at,
                    None,
                );
            }
        }
    }

    fn network_policy(&mut self, spec: &Node) {
        self.booleans(spec.get("podSelector"));
        for (list, side) in [("ingress", "from"), ("egress", "to")] {
            for peer in items(spec.get(list)).flat_map(|rule| items(rule.get(side))) {
                self.booleans(peer.get("podSelector"));
                self.booleans(peer.get("namespaceSelector"));
            }
        }
        let types: Vec<&str> = items(spec.get("policyTypes")).filter_map(Node::as_str).collect();
        for (direction, own) in [("ingress", "Ingress"), ("egress", "Egress")] {
            let has_rules = items(spec.get(direction)).next().is_some();
            if has_rules && !types.is_empty() && !types.contains(&own) {
                let at = spec.get(direction).map_or(spec.at, |n| n.at);
                self.add(
                    Finding::of::<PolicyTypesOmit>(
                        format!("policyTypes leaves out {own}: Kubernetes ignores these rules, Cilium enforces them"),
                    ),
                    at,
                    Some(format!("- {own}")),
                );
            }
        }
        if types.is_empty()
            && items(spec.get("egress")).next().is_some()
            && items(spec.get("ingress")).next().is_none()
        {
            self.add(
                Finding::of::<EgressIsolatesIngress>(
                    "without policyTypes, a policy with only egress rules refuses all ingress"
                        .to_owned(),
                ),
                spec.at,
                Some("policyTypes:\n- Egress".to_owned()),
            );
        }
        for direction in ["ingress", "egress"] {
            for rule in items(spec.get(direction)) {
                for port in items(rule.get("ports")) {
                    self.port(port, "port");
                }
            }
        }
    }
}

fn items(node: Option<&Node>) -> impl Iterator<Item = &Node> {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items.as_slice(),
        _ => &[],
    }
    .iter()
}

/// A template of a path as a regular expression: `/users/{id}` becomes `/users/[^/]+`.
fn braces_to_class(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('{') {
        out.push_str(head);
        if let Some((_, after)) = tail.split_once('}') {
            out.push_str("[^/]+");
            rest = after;
        } else {
            out.push('{');
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}
