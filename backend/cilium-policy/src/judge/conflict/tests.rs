use std::sync::Arc;

use crate::{Access, Cause, Direction, Identity, Judge, Label, PolicySet, Settings, SourceText};

const SUBJECT: &[&str] = &[
    "k8s:app=a",
    "k8s:io.kubernetes.pod.namespace=ns1",
    "k8s:io.cilium.k8s.policy.cluster=default",
];

/// The reason why the policies of pod `a` conflict; empty if they merge.
fn conflict_of(documents: &[String], subject: &[&str]) -> String {
    let texts: Vec<SourceText<'_>> =
        documents.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect();
    let set = PolicySet::read(&texts, Settings { api_server: false, ..Settings::default() });
    assert!(set.refused().is_empty(), "{:?}", set.refused());
    let identity = Identity::of_labels(subject.iter().map(|label| Label::parse(label)), false);
    let traffic = crate::Traffic::new(6, 1);
    let explanation = Judge::new(Arc::new(set)).explain(Access::new(
        &identity,
        &identity,
        Direction::Egress,
        traffic,
    ));
    assert_eq!(
        explanation.decision.cause == Cause::Unresolvable,
        explanation.conflict.is_some(),
        "{documents:?}"
    );
    explanation.conflict.map(|conflict| conflict.to_string()).unwrap_or_default()
}

/// A policy of pod `a` with `egress` rules; each text starts with the name of its list.
fn policy(name: &str, rules: &[String]) -> String {
    let mut lists = String::new();
    for list in ["egress", "egressDeny"] {
        let of_list: Vec<&str> =
            rules.iter().filter_map(|rule| rule.strip_prefix(list)?.strip_prefix(' ')).collect();
        if !of_list.is_empty() {
            lists = format!(r#"{lists},"{list}":[{}]"#, of_list.join(","));
        }
    }
    format!(
        r#"{{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{{"name":"{name}","namespace":"ns1"}},"spec":{{"endpointSelector":{{"matchLabels":{{"app":"a"}}}}{lists}}}}}"#
    )
}

/// A rule to pod `b` on port 80.
fn on_80(with: &str) -> String {
    rule(r#""toEndpoints":[{"matchLabels":{"app":"b"}}]"#, r#""port":"80","protocol":"TCP""#, with)
}

fn rule(peers: &str, port: &str, with: &str) -> String {
    let separator = if with.is_empty() { "" } else { "," };
    format!(r#"egress {{{peers},"toPorts":[{{"ports":[{{{port}}}]{separator}{with}}}]}}"#)
}

/// Checks one policy with these rules, in this order.
fn check(rules: &[String], expect: &str) {
    let why = conflict_of(&[policy("p", rules)], SUBJECT);
    assert!(why.contains(expect) && why.is_empty() == expect.is_empty(), "{rules:#?}: `{why}`");
}

const HTTP: &str = r#""rules":{"http":[{"method":"GET"}]}"#;
const DNS: &str = r#""rules":{"dns":[{"matchPattern":"*"}]}"#;
const SNI: &str = r#""serverNames":["x.io"]"#;

#[test]
fn l7_rules_of_one_port_merge_or_conflict() {
    let pair = |one: &str, other: &str, expect: &str| check(&[on_80(one), on_80(other)], expect);
    pair(HTTP, "", "");
    pair(HTTP, HTTP, "");
    pair(HTTP, DNS, "cannot merge conflicting L7 parsers (http/dns)");
    pair(SNI, DNS, "cannot merge conflicting L7 parsers (tls/dns)");
    // The agent checks this part of the second rule only when a third one comes.
    pair(HTTP, SNI, "SNI filtering without TLS termination");
    pair(SNI, HTTP, "");
    check(&[on_80(SNI), on_80(HTTP), on_80("")], "SNI filtering without TLS termination");
    pair(r#""serverNames":["x.io"],"terminatingTLS":{"secret":{"name":"s"}}"#, HTTP, "");
}

#[test]
fn secrets_are_compared_as_written() {
    let tls = |kind: &str, context: &str| format!(r#""{kind}":{{{context}}}"#);
    let pair = |kind: &str, one: &str, other: &str, expect: &str| {
        check(&[on_80(&tls(kind, one)), on_80(&tls(kind, other))], expect);
    };
    for (kind, what) in [("terminatingTLS", "terminating"), ("originatingTLS", "originating")] {
        let expect = format!("cannot merge conflicting {what} TLS contexts");
        pair(kind, r#""secret":{"name":"s"}"#, r#""secret":{"name":"s"}"#, "");
        pair(kind, r#""secret":{"name":"s"}"#, r#""secret":{"name":"t"}"#, &expect);
        pair(
            kind,
            r#""secret":{"name":"s"}"#,
            r#""secret":{"name":"s","namespace":"ns1"}"#,
            &expect,
        );
        // The agent does not open synchronised secrets, so it does not compare their other fields.
        pair(
            kind,
            r#""secret":{"name":"s"},"trustedCA":"a""#,
            r#""secret":{"name":"s"},"trustedCA":"b""#,
            "",
        );
        for nameless in ["", r#""secret":{}"#, r#""secret":{"namespace":"ns1"}"#] {
            check(&[on_80(&tls(kind, nameless))], "names no secret");
        }
    }
    check(
        &[
            on_80(&tls("terminatingTLS", r#""secret":{"name":"s"}"#)),
            on_80(&tls("originatingTLS", r#""secret":{"name":"t"}"#)),
        ],
        "",
    );
}

#[test]
fn rules_beyond_the_limit_are_not_compared() {
    let cidrs: Vec<String> =
        (0..27_000).map(|n| format!(r#""10.{}.{}.0/24""#, n / 256, n % 256)).collect();
    let ports: Vec<String> =
        (1..=40).map(|port| format!(r#""port":"{port}","protocol":"TCP""#)).collect();
    let peers = format!(r#""toCIDR":[{}]"#, cidrs.join(","));
    check(
        &[rule(&peers, &ports.join("},{"), HTTP)],
        "more peers and ports than the engine compares",
    );
}

#[test]
fn listeners_of_one_priority() {
    let listener = |config: &str, more: &str| {
        on_80(&format!(r#""listener":{{"envoyConfig":{{{config}}},"name":"l1"{more}}}"#))
    };
    let own = r#""kind":"CiliumEnvoyConfig","name":"ec""#;
    let cluster = r#""kind":"CiliumClusterwideEnvoyConfig","name":"ec""#;
    let conflict = "listeners of the same priority";
    check(&[listener(own, ""), listener(own, "")], "");
    check(&[listener(own, ""), listener(cluster, "")], conflict);
    check(&[listener(own, ""), listener(r#""name":"ec""#, "")], "");
    check(&[listener(own, ""), listener(r#""name":"other""#, "")], conflict);
    check(&[listener(own, r#","priority":1"#), listener(cluster, r#","priority":2"#)], "");
    check(&[listener(own, r#","priority":2"#), listener(cluster, r#","priority":1"#)], "");
    check(&[listener(own, r#","priority":2"#), listener(cluster, r#","priority":2"#)], conflict);
    // Without a number, the priority is 126.
    check(&[listener(own, ""), listener(cluster, r#","priority":126"#)], conflict);
    check(&[listener(own, ""), on_80(HTTP)], "cannot merge conflicting L7 parsers (crd/http)");
    check(&[listener(own, ""), on_80(SNI)], "cannot merge conflicting L7 parsers (crd/tls)");
    check(&[on_80(r#""listener":{"name":"l1"}"#)], "names no Envoy configuration");
}

#[test]
fn a_listener_is_qualified_unless_it_begins_with_its_namespace() {
    let listener = |kind: &str, config: &str, name: &str| {
        on_80(&format!(
            r#""listener":{{"envoyConfig":{{"kind":"{kind}","name":"{config}"}},"name":"{name}"}}"#
        ))
    };
    let own = |config: &str, name: &str| listener("CiliumEnvoyConfig", config, name);
    let cluster = |config: &str, name: &str| listener("CiliumClusterwideEnvoyConfig", config, name);
    let conflict = "listeners of the same priority";
    check(&[own("ec", "l1"), own("ec", "ns1/ec/l1")], "");
    check(&[own("ec", "l1"), own("other", "ns1/ec/l1")], "");
    check(&[own("ec", "l1"), own("ec", "ns2/ec/l1")], conflict);
    check(&[own("ec", "a/b"), own("ec", "a/b")], "");
    check(&[own("ec", "a/b"), own("other", "a/b")], conflict);
    check(&[own("ec", "a/b"), own("ec", "b")], conflict);
    check(&[own("ec", "l1"), own("ec", "/ec/l1")], conflict);
    check(&[own("ec", "ns1"), own("ec", "ns1/ec/ns1")], "");
    check(&[cluster("ec", "l1"), cluster("other", "/ec/l1")], "");
    check(&[cluster("ec", "l1"), cluster("ec", "ns1/ec/l1")], conflict);
    check(&[cluster("ec", "ns1/l1"), own("ec", "ns1/l1")], conflict);
}

#[test]
fn an_envoy_configuration_of_a_namespace_needs_one() {
    let clusterwide = r#"{"apiVersion":"cilium.io/v2","kind":"CiliumClusterwideNetworkPolicy","metadata":{"name":"p"},"spec":{"endpointSelector":{},"egress":[{"toEntities":["world"],"toPorts":[{"ports":[{"port":"80","protocol":"TCP"}],"listener":{"envoyConfig":{"kind":"CiliumEnvoyConfig","name":"ec"},"name":"l1"}}]}]}}"#;
    let why = conflict_of(&[clusterwide.to_owned()], &["reserved:health"]);
    assert!(why.contains("without a namespace"), "{why}");
    assert_eq!(conflict_of(&[clusterwide.to_owned()], SUBJECT), "");
}

#[test]
fn modes_of_authentication_are_texts() {
    let mode = |mode: &str| {
        on_80("").replacen("egress {", &format!(r#"egress {{"authentication":{{{mode}}},"#), 1)
    };
    let expect = "cannot merge conflicting authentication types";
    check(&[mode(r#""mode":"required""#), mode(r#""mode":"required""#)], "");
    check(&[mode(r#""mode":"required""#), mode(r#""mode":"disabled""#)], expect);
    check(&[mode(""), mode(r#""mode":"disabled""#)], expect);
    check(&[mode(r#""mode":"some""#), mode(r#""mode":"other""#)], expect);
    check(&[mode(""), mode(r#""mode":"""#)], "");
    check(&[mode(r#""mode":"required""#), on_80("")], "");
}

#[test]
fn a_deny_hides_later_rules() {
    let deny = on_80("").replacen("egress", "egressDeny", 1);
    let conflicting = [on_80(HTTP), on_80(DNS)];
    let texts = |deny_in: &str, allow_in: &str| {
        conflict_of(
            &[policy(allow_in, &conflicting), policy(deny_in, std::slice::from_ref(&deny))],
            SUBJECT,
        )
    };
    assert!(texts("z", "a").contains("parsers"), "the agent fails before it gets to the deny");
    assert_eq!(texts("a", "z"), "", "the deny comes first, by the name of its policy");
    let deny_elsewhere = rule(
        r#""toEndpoints":[{"matchLabels":{"app":"c"}}]"#,
        r#""port":"80","protocol":"TCP""#,
        "",
    )
    .replacen("egress", "egressDeny", 1);
    let why = conflict_of(&[policy("a", &[deny_elsewhere]), policy("z", &conflicting)], SUBJECT);
    assert!(why.contains("parsers"), "{why}");
    // Clusterwide policies come before namespaced ones, whatever their names.
    let clusterwide = policy("z", std::slice::from_ref(&deny))
        .replace("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")
        .replace(r#""namespace":"ns1""#, r#""labels":{}"#)
        .replace(
            r#""toEndpoints":[{"matchLabels":{"app":"b"}}]"#,
            r#""toEndpoints":[{"matchLabels":{"app":"b","k8s:io.kubernetes.pod.namespace":"ns1"}}]"#,
        );
    assert_eq!(conflict_of(&[policy("a", &conflicting), clusterwide], SUBJECT), "");
}

#[test]
fn rules_of_one_text_are_merged_and_others_are_not() {
    let port = r#""port":"80","protocol":"TCP""#;
    let peers = |one: &str, other: &str, is_merged: bool| {
        let expect = if is_merged { "parsers" } else { "" };
        check(&[rule(one, port, HTTP), rule(other, port, DNS)], expect);
    };
    let endpoints = |selector: &str| format!(r#""toEndpoints":[{{{selector}}}]"#);
    let labels = |labels: &str| endpoints(&format!(r#""matchLabels":{{{labels}}}"#));
    let expressions = |list: &str| endpoints(&format!(r#""matchExpressions":[{list}]"#));
    peers(&labels(r#""app":"b""#), &labels(r#""any:app":"b""#), true);
    peers(&labels(r#""app":"b""#), &labels(r#""k8s:app":"b""#), false);
    peers(&labels(r#""app":"b","x":"y""#), &labels(r#""x":"y","app":"b""#), true);
    let in_b = r#"{"key":"app","operator":"In","values":["b"]}"#;
    let exists = r#"{"key":"x","operator":"Exists"}"#;
    peers(&labels(r#""app":"b""#), &expressions(in_b), false);
    peers(&expressions(in_b), &expressions(in_b), true);
    peers(
        &expressions(&format!("{in_b},{exists}")),
        &expressions(&format!("{exists},{in_b}")),
        false,
    );
    peers(
        &labels(r#""app":"b""#),
        &labels(r#""app":"b","k8s:io.kubernetes.pod.namespace":"ns1""#),
        true,
    );
    peers(r#""toCIDR":["10.0.0.0/8"]"#, r#""toCIDR":["10.1.2.3/8"]"#, false);
    peers(r#""toCIDR":["10.0.0.0/8"]"#, r#""toCIDRSet":[{"cidr":"10.0.0.0/8"}]"#, true);
    peers(
        r#""toCIDR":["10.0.0.0/8"]"#,
        r#""toCIDRSet":[{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}]"#,
        false,
    );
    peers(r#""toEntities":["world"]"#, &labels(r#""reserved:world":"""#), true);
    peers(r#""toEntities":["cluster"]"#, r#""toEntities":["host"]"#, true);
    peers(r#""toEntities":["none"]"#, r#""toEntities":["none"]"#, false);
    peers(r#""toEntities":["all"]"#, r#""toEntities":["all"]"#, true);
    peers(r#""toFQDNs":[{"matchName":"x.io"}]"#, r#""toFQDNs":[{"matchName":"x.io"}]"#, true);
    peers(r#""toFQDNs":[{"matchName":"x.io"}]"#, r#""toFQDNs":[{"matchPattern":"x.io"}]"#, false);
}

#[test]
fn ports_are_compared_as_written() {
    let peers = r#""toEndpoints":[{"matchLabels":{"app":"b"}}]"#;
    let ports = |one: &str, other: &str, is_merged: bool| {
        let expect = if is_merged { "parsers" } else { "" };
        let listener =
            r#""listener":{"envoyConfig":{"kind":"CiliumEnvoyConfig","name":"ec"},"name":"l1"}"#;
        check(&[rule(peers, one, SNI), rule(peers, other, listener)], expect);
    };
    ports(r#""port":"80""#, r#""port":"80""#, true);
    ports(r#""port":"80""#, r#""port":"0x50""#, false);
    ports(r#""port":"80""#, r#""port":"8_0""#, true);
    ports(r#""port":"80","protocol":"TCP""#, r#""port":"80""#, true);
    ports(r#""port":"80","protocol":"TCP""#, r#""port":"80","protocol":"UDP""#, false);
    ports(r#""port":"80""#, r#""port":"80","endPort":80"#, false);
    ports(r#""port":"80","endPort":79"#, r#""port":"80","endPort":78"#, false);
    ports(r#""port":"80","endPort":90"#, r#""port":"80","endPort":90"#, true);
    ports(r#""port":"0""#, r#""port":"0","endPort":5"#, false);
    ports(r#""port":"http""#, r#""port":"HTTP","endPort":5"#, true);
}

#[test]
fn the_selector_of_all_peers_replaces_the_others() {
    let to = |entities: &str, with: &str| {
        rule(&format!(r#""toEntities":[{entities}]"#), r#""port":"53","protocol":"TCP""#, with)
    };
    let pair = |entities: &str, expect: &str| {
        check(&[to(r#""world-ipv6""#, DNS), to(entities, HTTP)], expect);
    };
    pair(r#""cluster","world-ipv6""#, "cannot merge conflicting L7 parsers");
    pair(r#""all","world-ipv6""#, "");
    pair(r#""cluster","all","world-ipv6""#, "");
}
