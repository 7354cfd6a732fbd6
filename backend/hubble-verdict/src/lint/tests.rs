//! Lints on policies that fire and on policies that do not; the registry has an example of each lint.

use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use cilium_policy::{Description, PolicySet, Settings, Severity};
use flow::{Dns, Endpoint, Ip, L7FlowType, Layer4, Layer7, Tcp, TrafficDirection, Udp};

use super::*;

mod evidence;
mod harmless;
mod registered;
mod widened;

fn findings(policy: &str, settings: &Settings, flows: &[Flow]) -> Vec<Finding> {
    let text = SourceText { index: 0, text: policy };
    let set = Arc::new(PolicySet::read(&[text], settings.clone()));
    let found = lint(&[text], &[], &Judge::new(set), flows);
    for finding in &found {
        let is_its = |own: &Description| {
            own.id == finding.id()
                && (own.severity == finding.severity() || own.others.contains(&finding.severity()))
        };
        assert!(crate::lints::all().any(is_its), "not as its lint declares: {finding:?}");
    }
    found
}

fn ids(policy: &str) -> Vec<&'static str> {
    let found = findings(policy, &Settings::default(), &[]);
    let ids: BTreeSet<&'static str> = found.into_iter().map(|finding| finding.id()).collect();
    ids.into_iter().collect()
}

fn cnp(spec: &str) -> String {
    let indented = spec.replace('\n', "\n  ");
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: a}}\nspec:\n  endpointSelector: {{}}\n  {indented}\n"
    )
}

fn np(spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: a}}\nspec:\n  podSelector: {{}}\n{spec}\n"
    )
}

/// A rule with one port.
fn port(port: &str) -> String {
    cnp(&format!("ingress:\n- fromEntities: [cluster]\n  toPorts:\n  - ports: [{port}]"))
}

/// A rule with one HTTP rule.
fn http(rule: &str) -> String {
    cnp(&format!(
        "ingress:\n- fromEntities: [cluster]\n  toPorts:\n  - ports: [{{port: '80', protocol: TCP}}]\n    rules: {{http: [{rule}]}}"
    ))
}

/// Egress to names, with a DNS rule beside it.
fn names(fqdn: &str, dns: &str) -> String {
    cnp(&format!(
        "egress:\n- toEndpoints: [{{matchLabels: {{'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}}}]\n  toPorts:\n  - ports: [{{port: '53', protocol: ANY}}]\n    rules: {{dns: [{dns}]}}\n- toFQDNs: [{fqdn}]"
    ))
}

/// Two policies of one namespace.
fn beside(one: &str, other: &str) -> String {
    format!("{}---\n{}", cnp(one), cnp(other).replace("name: p", "name: q"))
}

/// Egress to a name, with a clusterwide DNS rule for the pods of a selector.
fn clusterwide(selector: &str) -> String {
    let rules = names("{matchName: x.io}", "{matchPattern: '*'}");
    let (head, to_name) = rules.split_once("\n  - toFQDNs").unwrap();
    let head = head
        .replace("kind: CiliumNetworkPolicy", "kind: CiliumClusterwideNetworkPolicy")
        .replace(", namespace: a", "")
        .replace("endpointSelector: {}", &format!("endpointSelector: {selector}"));
    let own = cnp(&format!("egress:\n- toFQDNs{}", to_name.trim_end()));
    format!(
        "{head}\n---\n{}",
        own.replace("endpointSelector: {}", "endpointSelector: {matchLabels: {app: till}}")
    )
}

/// Id, a policy that has the finding, and one that has not.
#[expect(clippy::too_many_lines, reason = "a table, one lint after the other")]
fn cases() -> Vec<(&'static str, String, String)> {
    let same = "ingress:\n- fromEntities: [cluster]\n  toPorts:\n  - ports: [{port: '80', protocol: TCP}]\n    rules: {http: [{method: GET}]}\n- fromEntities: [WHO]\n  toPorts:\n  - ports: [{port: '80', protocol: TCP}]";
    let mixed = "egress:\n- toEntities: [world]\n  toPorts:\n  - ports: [{port: '53', protocol: TCP}]\n    rules: {dns: [{matchPattern: '*'}]}\n- toEntities: [world]\n  toPorts:\n  - ports: [{port: 'PORT', protocol: TCP}]\n    rules: {http: [{}]}";
    let other = |namespace: &str| {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: a}}\nspec:\n  endpointSelector: {{matchLabels: {{'k8s:io.kubernetes.pod.namespace': {namespace}}}}}\n  ingress: [{{}}]\n"
        )
    };
    let service = "egress: [{toServices: [{k8sService: {serviceName: s, namespace: a}}]REST}]";
    let ports = ", toPorts: [{ports: [{port: '80', protocol: TCP}]}]";
    let peers = |list: &str| cnp(&format!("ingress: [{{fromEndpoints: [{list}]}}]"));
    let to = |rule: &str| cnp(&format!("egress: [{{{rule}}}]"));
    vec![
        ("empty-direction", cnp("ingress: []"), cnp("ingress: [{}]")),
        ("empty-direction", cnp("ingress: []\negress: [{}]"), cnp("egress: [{}]")),
        ("empty-rule", cnp("ingress: [{}]"), np("  ingress: [{}]")),
        ("empty-deny", cnp("egressDeny: [{}]"), cnp("egressDeny: [{toEntities: [all]}]")),
        (
            "deny-only",
            cnp("egressDeny: [{toEntities: [world]}]"),
            cnp("egressDeny: [{toEntities: [world]}]\nenableDefaultDeny: {egress: false}"),
        ),
        (
            "fqdn-without-dns-rule",
            to("toFQDNs: [{matchName: x.io}]"),
            names("{matchName: x.io}", "{matchName: x.io}"),
        ),
        (
            "fqdn-not-in-dns-rules",
            names("{matchName: x.io}", "{matchName: y.io}"),
            names("{matchName: x.io}", "{matchPattern: '*.io'}"),
        ),
        (
            "pattern-depth",
            to("toFQDNs: [{matchPattern: '*.x.io'}]"),
            to("toFQDNs: [{matchName: x.io}]"),
        ),
        (
            "pattern-depth",
            names("{matchName: x.io}", "{matchName: x.io}, {matchPattern: '*.cluster.local'}"),
            names("{matchName: x.io}", "{matchName: x.io}, {matchPattern: '*.io'}, {matchPattern: '*.x.io.cluster.local'}, {matchPattern: '*.svc.cluster.local'}, {matchPattern: '*.a.svc.cluster.local'}"),
        ),
        (
            "pattern-prefix",
            to("toFQDNs: [{matchPattern: '*x.io'}]"),
            to("toFQDNs: [{matchPattern: '*.x.io'}]"),
        ),
        (
            "cluster-name-in-fqdn",
            to("toFQDNs: [{matchName: a.b.svc.cluster.local}]"),
            to("toFQDNs: [{matchName: a.b.svc.example.com}]"),
        ),
        (
            "no-dns-egress",
            to("toEntities: [world], toPorts: [{ports: [{port: '443', protocol: TCP}]}]"),
            to("toEntities: [world], toPorts: [{ports: [{port: '53', protocol: UDP}]}]"),
        ),
        (
            "label-left-out",
            peers("{matchLabels: {apps.kubernetes.io/pod-index: '0'}}"),
            peers("{matchLabels: {app.kubernetes.io/name: x}}"),
        ),
        (
            "label-left-out",
            np("  ingress: [{from: [{podSelector: {matchExpressions: [{key: pod-template-hash, operator: NotIn, values: [x]}]}}]}]"),
            np("  ingress: [{from: [{namespaceSelector: {matchLabels: {topology.kubernetes.io/zone: x}}}]}]"),
        ),
        (
            "selects-more",
            peers("{matchExpressions: [{key: reserved:world, operator: DoesNotExist}]}"),
            peers("{matchExpressions: [{key: app, operator: DoesNotExist}]}"),
        ),
        (
            "selects-more",
            peers("{matchExpressions: [{key: reserved:world, operator: DoesNotExist}]}"),
            np("  ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [red]}]}}]}]"),
        ),
        (
            "group-of-everyone",
            to("toCIDRSet: [{cidrGroupSelector: {}}]"),
            to("toCIDRSet: [{cidrGroupSelector: {matchLabels: {team: red}}}]"),
        ),
        (
            "newer-than-release",
            cnp("ingress: [{fromEntities: [cluster-mesh]}]"),
            cnp("ingress: [{fromEntities: [cluster]}]"),
        ),
        (
            "newer-than-release",
            "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: wide}\nspec:\n  tier: Admin\n  priority: 1\n  subject: {namespaces: {}}\n  ingress: [{action: Deny, from: [{namespaces: {}}]}]\n".to_owned(),
            np("  ingress: [{from: [{namespaceSelector: {}}]}]"),
        ),
        ("private-cidr", to("toCIDR: [10.0.0.0/8]"), to("toCIDR: [1.0.0.0/8]")),
        ("wide-open", to("toCIDR: [0.0.0.0/0]"), to("toCIDR: [1.0.0.0/8]")),
        ("wide-open", to("toEntities: [world]"), to("toEntities: [host]")),
        (
            "needless-host",
            cnp("ingress: [{fromEntities: [host]}]"),
            cnp("ingress: [{fromEntities: [remote-node]}]"),
        ),
        (
            "apiserver-ingress",
            cnp("ingress: [{fromEntities: [kube-apiserver]}]"),
            to("toEntities: [kube-apiserver]"),
        ),
        (
            "namespace-name-label",
            peers("{matchLabels: {kubernetes.io/metadata.name: b}}"),
            peers(
                "{matchLabels: {'k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name': b}}",
            ),
        ),
        ("ignored-selector-field", peers("{matchLabel: {a: b}}"), peers("{matchLabels: {a: b}}")),
        (
            "two-peer-kinds",
            to("toEntities: [world], toCIDR: [1.0.0.0/8]"),
            to("toEntities: [world], toCIDR: []"),
        ),
        (
            "unknown-field",
            cnp("egressDeny: [{toPorts: [{ports: [{port: '80'}], rules: {http: [{}]}}]}]"),
            cnp("egressDeny: [{toPorts: [{ports: [{port: '80'}]}]}]"),
        ),
        (
            "removed-field",
            cnp("ingress: [{fromRequires: [{matchLabels: {a: b}}]}]"),
            cnp("ingress: [{fromRequires: []}]"),
        ),
        // A label whose name contains the word.
        (
            "removed-field",
            cnp("ingress: [{fromRequires: [{matchLabels: {a: b}}]}]"),
            peers("{matchLabels: {Requires: yes}}"),
        ),
        ("unquoted-boolean", peers("{matchLabels: {a: yes}}"), peers("{matchLabels: {a: 'yes'}}")),
        (
            "unquoted-boolean",
            np("  ingress: [{from: [{podSelector: {matchLabels: {a: on}}}]}]"),
            np("  ingress: [{from: [{podSelector: {matchLabels: {a: 'on'}}}]}]"),
        ),
        ("wrong-type", cnp("ingress: 5"), cnp("ingress: [{}]")),
        (
            "unknown-kind",
            cnp("ingress: [{}]").replace("kind: Cilium", "kind: Clium"),
            cnp("ingress: [{}]"),
        ),
        ("refused", to("toCIDR: [1.1.1.1]"), to("toCIDR: [1.1.1.1/32]")),
        ("named-port", port("{port: web, protocol: TCP}"), port("{port: '80', protocol: TCP}")),
        ("no-protocol", port("{port: '80'}"), port("{port: '80', protocol: ANY}")),
        ("leading-zero", port("{port: '0120', protocol: TCP}"), port("{port: '0', protocol: TCP}")),
        ("hex-port", port("{port: '0x50', protocol: TCP}"), port("{port: x50, protocol: TCP}")),
        (
            "end-before-port",
            port("{port: '80', endPort: 70, protocol: TCP}"),
            port("{port: '80', endPort: 90, protocol: TCP}"),
        ),
        ("no-ports", port(""), port("{port: '80', protocol: TCP}")),
        (
            "icmp-type-zero",
            cnp("ingress: [{icmps: [{fields: [{type: EchoReply}]}]}]"),
            cnp("ingress: [{icmps: [{fields: [{type: EchoReply, family: IPv6}]}]}]"),
        ),
        (
            "services-with-ports",
            cnp(&service.replace("REST", ports)),
            cnp(&service.replace("REST", "")),
        ),
        (
            "services-with-ports",
            cnp(&service.replace("REST", ports)) + "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: b}\nspec: {selector: {app: b}}\n",
            cnp(&service.replace("REST", ports)) + "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: a}\nspec: {selector: {app: b}}\n",
        ),
        ("path-exact", http("{path: /cart}"), http("{path: '/cart.*'}")),
        (
            "path-exact",
            http("{path: /cart}"),
            http("{path: /cart}").replace("ingress:", "ingressDeny:").replace("egress:", "egressDeny:"),
        ),
        ("path-glob", http("{path: '/api/*'}"), http("{path: '/api/.*'}")),
        ("path-template", http("{path: '/users/{id}'}"), http("{path: '/users/[0-9]{2}+'}")),
        ("empty-http", http(""), http("{}")),
        ("l7-beside-l4", cnp(&same.replace("WHO", "cluster")), cnp(&same.replace("WHO", "world"))),
        (
            "duplicate-rule",
            cnp("ingress:\n- fromEntities: [cluster]\n- fromEntities: [cluster]"),
            cnp("ingress:\n- fromEntities: [cluster]\n- fromEntities: [cluster-mesh]"),
        ),
        ("unresolvable", cnp(&mixed.replace("PORT", "53")), cnp(&mixed.replace("PORT", "80"))),
        (
            "policy-types-omit",
            np("  egress: [{}]\n  policyTypes: [Ingress]"),
            np("  egress: [{}]\n  policyTypes: [Egress]"),
        ),
        (
            "egress-isolates-ingress",
            np("  egress: [{}]"),
            np("  egress: [{}]\n  policyTypes: [Egress]"),
        ),
        ("foreign-namespace", other("b"), other("a")),
        (
            "default-deny-without-rules",
            cnp("enableDefaultDeny: {ingress: true}\ningress: []\negress: [{}]"),
            cnp("enableDefaultDeny: {ingress: true}\ningress: [{}]"),
        ),
        (
            "empty-direction",
            cnp("ingress: []\negress: [{}]"),
            cnp("enableDefaultDeny: {ingress: false}\ningress: []\negress: [{}]"),
        ),
        ("empty-peers", cnp("ingress: [{fromEndpoints: []}]"), cnp("ingress: [{}]")),
        ("empty-peers", cnp("egress: [{toCIDR: []}]"), np("  ingress: [{from: []}]")),
        ("empty-peers", cnp("ingressDeny: [{fromEntities: []}]"), cnp("ingress: []\negress: [{}]")),
        // The rule is there for default deny alone.
        ("deny-only", cnp("ingressDeny: [{fromEntities: [world]}]"), cnp("ingressDeny: [{}]")),
        (
            "deny-only",
            cnp("ingressDeny: [{fromEntities: [world]}]"),
            cnp("enableDefaultDeny: {ingress: true}\ningressDeny: [{fromEntities: [world]}]"),
        ),
        // Another policy isolates the same pods.
        (
            "deny-only",
            beside("ingressDeny: [{fromEntities: [world]}]", "egress: [{toEntities: [cluster]}]"),
            beside("ingressDeny: [{fromEntities: [world]}]", "ingress: [{fromEntities: [cluster]}]"),
        ),
        // `cluster` contains the host and more; a policy of nodes has no pods on the own node.
        ("needless-host", cnp("ingress: [{fromEntities: [host]}]"), cnp("ingress: [{fromEntities: [cluster]}]")),
        (
            "needless-host",
            cnp("ingress: [{fromEntities: [host, world]}]"),
            "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: n}\nspec:\n  nodeSelector: {}\n  ingress: [{fromEntities: [host]}]\n".to_owned(),
        ),
        (
            "wide-open",
            np("  policyTypes: [Egress]\n  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]"),
            np("  policyTypes: [Egress]\n  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]"),
        ),
        // Everyone is denied anyway.
        (
            "deny-only",
            cnp("egressDeny: [{toEntities: [world]}]"),
            cnp("egressDeny: [{toEntities: [all]}]"),
        ),
        // The policy denies some of everyone.
        (
            "wide-open",
            cnp("egress: [{toEntities: [all]}]"),
            cnp("egress: [{toEntities: [all]}]\negressDeny: [{toCIDR: [169.254.169.254/32]}]"),
        ),
        (
            "apiserver-ingress",
            cnp("ingress: [{fromEntities: [kube-apiserver]}]"),
            "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: n}\nspec:\n  nodeSelector: {}\n  ingress: [{fromEntities: [kube-apiserver]}]\n".to_owned(),
        ),
        // A NetworkPolicy allows DNS for the same pods.
        (
            "no-dns-egress",
            cnp("egress: [{}]"),
            format!(
                "{}---\n{}",
                cnp("egress: [{}]").replace("endpointSelector: {}", "endpointSelector: {matchLabels: {app: x}}"),
                np("  policyTypes: [Egress]\n  egress: [{to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}]}]").replace("podSelector: {}", "podSelector: {matchLabels: {app: x}}"),
            ),
        ),
        // A clusterwide DNS rule counts for the pods that it selects.
        ("fqdn-without-dns-rule", clusterwide("{matchLabels: {dns: wanted}}"), clusterwide("{}")),
        (
            "fqdn-without-dns-rule",
            clusterwide("{matchLabels: {io.kubernetes.pod.namespace: b}}"),
            clusterwide("{matchLabels: {'k8s:io.kubernetes.pod.namespace': a}}"),
        ),
        (
            "no-dns-egress",
            clusterwide("{matchLabels: {io.cilium.k8s.policy.cluster: other}}"),
            clusterwide("{matchLabels: {io.cilium.k8s.policy.cluster: default}}"),
        ),
        (
            "fqdn-without-dns-rule",
            clusterwide("{matchExpressions: [{key: io.kubernetes.pod.namespace, operator: NotIn, values: [a, kube-system]}]}"),
            clusterwide("{matchExpressions: [{key: io.kubernetes.pod.namespace, operator: NotIn, values: [kube-system]}]}"),
        ),
        (
            "no-dns-egress",
            clusterwide("{matchExpressions: [{key: app, operator: In, values: [x, y]}]}"),
            clusterwide("{matchExpressions: [{key: app, operator: In, values: [x, till]}]}"),
        ),
        (
            "fqdn-without-dns-rule",
            clusterwide("{matchExpressions: [{key: team, operator: Exists}]}"),
            clusterwide("{matchExpressions: [{key: io.kubernetes.pod.namespace, operator: Exists}, {key: 'k8s:app', operator: Exists}]}"),
        ),
        (
            "no-dns-egress",
            clusterwide("{matchLabels: {app: dns}}"),
            clusterwide("{matchLabels: {'k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name': a, 'k8s:io.cilium.k8s.namespace.labels.team': pets}}"),
        ),
        (
            "fqdn-without-dns-rule",
            clusterwide("{matchExpressions: [{key: app, operator: NotIn, values: [till]}]}"),
            clusterwide("{matchExpressions: [{key: dns, operator: DoesNotExist}, {key: k8s-app, operator: NotIn, values: [kube-dns]}]}"),
        ),
        ("no-namespace", cnp("ingress: [{}]").replace(", namespace: a", ""), cnp("ingress: [{}]")),
        ("not-yaml", "kind: [".to_owned(), "kind: []".to_owned()),
        (
            "duplicate-name",
            format!("{}---\n{}", cnp("ingress: [{}]"), cnp("egress: [{}]")),
            format!("{}---\n{}", cnp("ingress: [{}]"), np("  egress: [{}]")),
        ),
    ]
}

#[test]
fn each_lint_finds_its_pattern_and_no_other() {
    for (id, bad, good) in cases() {
        let found = ids(&bad);
        assert!(found.contains(&id), "{id} is not among {found:?} for\n{bad}");
        let found = ids(&good);
        assert!(!found.contains(&id), "{id} is among {found:?} for\n{good}");
    }
}

/// Id, a policy, and the setting that the finding needs.
fn by_setting() -> Vec<(&'static str, String, (&'static str, &'static str))> {
    vec![(
        "everything-and-nodes",
        cnp("egress: [{toCIDR: [0.0.0.0/0]}]"),
        ("policy-cidr-match-mode", "nodes"),
    )]
}

#[test]
fn a_setting_of_the_agent_brings_its_own() {
    for (id, policy, (name, value)) in by_setting() {
        let has =
            |settings: &Settings| findings(&policy, settings, &[]).iter().any(|own| own.id() == id);
        let mut settings = Settings::default();
        assert!(!has(&settings), "{id}");
        assert!(settings.set(name, value), "{name}");
        assert!(has(&settings), "{id}");
    }
}

#[test]
fn what_is_wrong_has_its_place_and_its_fix() {
    let policy = names("{matchName: x.io}", "{matchName: y.io}");
    let found = findings(&policy, &Settings::default(), &[]);
    let finding = found.iter().find(|own| own.id() == "fqdn-not-in-dns-rules").unwrap();
    assert_eq!(finding.policy, "CiliumNetworkPolicy/a/p");
    let line = policy.lines().nth(finding.at.line as usize - 1).unwrap();
    let rest: String = line.chars().skip(finding.at.column as usize - 1).collect();
    assert!(rest.starts_with("{matchName: x.io}"), "{rest}");
    assert_eq!(finding.fix.as_deref(), Some("- matchName: \"x.io\""));
}

#[test]
fn the_fix_for_a_name_is_the_one_for_its_whole_lookup() {
    let policy = names("{matchName: api.x.io}", "{matchName: y.io}");
    let flows = [refused_query("api.x.io.a.svc.cluster.local")];
    let found = findings(&policy, &Settings::default(), &flows);
    let finding = found.iter().find(|own| own.id() == "fqdn-not-in-dns-rules").unwrap();
    assert_eq!(
        finding.fix.as_deref(),
        Some(
            "- matchName: \"api.x.io\"\n- matchPattern: \"api.x.io.*.svc.cluster.local\"\n\
             - matchName: \"api.x.io.svc.cluster.local\"\n- matchName: \"api.x.io.cluster.local\""
        )
    );
}

#[test]
fn one_bad_entry_of_specs_takes_the_others_down() {
    let policy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspecs:\n- endpointSelector: {}\n  ingress: [{fromEntities: [all]}]\n- endpointSelector: {}\n  egress: [{toCIDR: [0.0.0.0/08]}]\n";
    let found = findings(policy, &Settings::default(), &[]);
    let refused = found.iter().find(|own| own.id() == "refused").unwrap();
    assert!(refused.message.contains("every other entry of `specs` is refused too"));
    assert_eq!(refused.at.line, 8);
}

#[test]
fn a_sound_policy_is_left_alone() {
    let policy = cnp(
        "ingress:\n- fromEndpoints: [{matchLabels: {app: b}}]\n  toPorts:\n  - ports: [{port: '80', protocol: TCP}]",
    );
    assert_eq!(ids(&policy), [""; 0]);
}

fn endpoint(labels: &[&str]) -> Endpoint {
    Endpoint { labels: labels.iter().map(|own| (*own).to_owned()).collect(), ..Endpoint::default() }
}

/// A pod of a namespace.
fn pod(namespace: &str, app: &str, cluster: &str) -> Endpoint {
    endpoint(&[
        &format!("k8s:app={app}"),
        &format!("k8s:io.kubernetes.pod.namespace={namespace}"),
        &format!("k8s:io.cilium.k8s.policy.cluster={cluster}"),
    ])
}

/// A connection of the pod `app=x` in the namespace `a`, or to it.
fn tcp(to: Endpoint, address: &str, port: u16) -> Flow {
    Flow {
        source: Some(pod("a", "x", "default")),
        destination: Some(to),
        l4: Some(Layer4::Tcp(Tcp { source_port: 4, destination_port: port, flags: None })),
        traffic_direction: TrafficDirection::Egress,
        verdict: flow::Verdict::Dropped,
        ip: Some(Ip { destination: address.to_owned(), ..Ip::default() }),
        ..Flow::default()
    }
}

fn refused_query(name: &str) -> Flow {
    Flow {
        l4: Some(Layer4::Udp(Udp { source_port: 4, destination_port: 53 })),
        l7: Some(Layer7 {
            l7_type: L7FlowType::Response,
            record: Some(flow::L7Record::Dns(Dns {
                query: format!("{name}."),
                rcode: 5,
                ..Dns::default()
            })),
            ..Layer7::default()
        }),
        ..tcp(pod("kube-system", "kube-dns", "default"), "10.0.0.10", 53)
    }
}

fn resolver() -> Endpoint {
    endpoint(&[
        "k8s:k8s-app=kube-dns",
        "k8s:io.kubernetes.pod.namespace=kube-system",
        "k8s:io.cilium.k8s.policy.cluster=default",
    ])
}

/// The flow as a policy-verdict event that allows it.
fn passed(flow: Flow) -> Flow {
    let message_type = flow::MessageType::PolicyVerdict;
    Flow {
        event_type: Some(flow::CiliumEventType { message_type, sub_type: 0 }),
        verdict: flow::Verdict::Forwarded,
        ..flow
    }
}
