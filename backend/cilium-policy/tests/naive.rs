//! Tests of the engine against a direct form of the algorithm: select, match, sort, first one wins.

use std::sync::Arc;

use cilium_policy::{
    Access, Direction, Identity, Judge, Label, NamedPorts, PolicySet, Settings, SourceText,
    Traffic, Verdict,
};
use proptest::prelude::*;

use policy_vectors::naive::naive;

fn labels(texts: &[&str]) -> Vec<Label> {
    let mut labels: Vec<Label> = texts.iter().map(|text| Label::parse(text)).collect();
    labels.sort();
    labels
}

/// The identities of the tests, one for every kind.
fn cast() -> Vec<Vec<Label>> {
    let cluster = "k8s:io.cilium.k8s.policy.cluster=default";
    let ns = |name: &'static str| match name {
        "one" => "k8s:io.kubernetes.pod.namespace=one",
        _ => "k8s:io.kubernetes.pod.namespace=two",
    };
    vec![
        labels(&["k8s:app=a", "k8s:env=dev", ns("one"), cluster]),
        labels(&["k8s:app=b", ns("one"), cluster]),
        labels(&["k8s:app=a", ns("two"), cluster]),
        labels(&["k8s:app=b", ns("one"), "k8s:io.cilium.k8s.policy.cluster=other"]),
        labels(&["reserved:host"]),
        labels(&["reserved:remote-node"]),
        labels(&["reserved:init"]),
        labels(&["reserved:world"]),
        labels(&["reserved:world", "cidr:10.1.2.3/32"]),
        labels(&["reserved:world", "cidr:1.1.1.1/32", "fqdn:*.x.io"]),
    ]
}

fn selector() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "{}",
        "{matchLabels: {app: a}}",
        "{matchLabels: {'k8s:app': b}}",
        "{matchLabels: {'k8s:io.kubernetes.pod.namespace': two}}",
        "{matchExpressions: [{key: env, operator: NotIn, values: [dev]}]}",
        "{matchExpressions: [{key: env, operator: Exists}]}",
        "{matchLabels: {'reserved:world': ''}}",
    ])
    .prop_map(str::to_owned)
}

fn peers(side: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(format!("{side}Endpoints: []")),
        prop::collection::vec(selector(), 1..3)
            .prop_map(move |list| format!("{side}Endpoints: [{}]", list.join(", "))),
        prop::sample::select(vec![
            "all",
            "world",
            "cluster",
            "host",
            "cluster-mesh",
            "remote-node"
        ])
        .prop_map(move |entity| format!("{side}Entities: [{entity}]")),
        prop::sample::select(vec!["10.0.0.0/8", "0.0.0.0/0", "1.1.1.1/32", "10.1.0.0/16"])
            .prop_map(move |cidr| format!("{side}CIDR: [{cidr}]")),
        Just(format!("{side}CIDRSet: [{{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]")),
    ]
}

fn ports() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "",
        "toPorts: [{ports: [{port: '80', protocol: TCP}]}]",
        "toPorts: [{ports: [{port: '80'}, {port: '443', protocol: TCP}]}]",
        "toPorts: [{ports: [{port: '70', endPort: 90, protocol: TCP}]}]",
        "toPorts: [{ports: [{port: '0', protocol: UDP}]}]",
        "toPorts: [{ports: [{port: web, protocol: TCP}]}]",
        "toPorts: [{ports: []}]",
        "icmps: [{fields: [{type: 8}]}]",
    ])
    .prop_map(str::to_owned)
}

fn rule(side: &'static str) -> impl Strategy<Value = String> {
    (peers(side), ports()).prop_map(|(peers, ports)| {
        let parts: Vec<&str> =
            [peers.as_str(), ports.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
        format!("{{{}}}", parts.join(", "))
    })
}

fn cilium() -> impl Strategy<Value = String> {
    let lists = (
        prop::collection::vec(rule("from"), 0..3),
        prop::collection::vec(rule("from"), 0..2),
        prop::collection::vec(rule("to"), 0..3),
        prop::collection::vec(rule("to"), 0..2),
    );
    (any::<bool>(), selector(), lists, prop::option::of(any::<bool>())).prop_map(
        |(namespaced, subject, (ingress, ingress_deny, egress, egress_deny), posture)| {
            let (kind, metadata) = if namespaced {
                ("CiliumNetworkPolicy", "namespace: one, ")
            } else {
                ("CiliumClusterwideNetworkPolicy", "")
            };
            let posture = posture
                .map(|own| format!("  enableDefaultDeny: {{ingress: {own}, egress: {own}}}\n"))
                .unwrap_or_default();
            format!(
                "apiVersion: cilium.io/v2\nkind: {kind}\nmetadata: {{{metadata}name: NAME}}\nspec:\n  endpointSelector: {subject}\n{posture}  ingress: [{}]\n  ingressDeny: [{}]\n  egress: [{}]\n  egressDeny: [{}]\n",
                ingress.join(", "),
                ingress_deny.join(", "),
                egress.join(", "),
                egress_deny.join(", ")
            )
        },
    )
}

fn cluster() -> impl Strategy<Value = String> {
    let action = || prop::sample::select(vec!["Accept", "Deny", "Pass"]);
    let rules = prop::collection::vec((action(), any::<bool>()), 1..3);
    (any::<bool>(), 0..3_i32, rules).prop_map(|(is_admin, priority, rules)| {
        let tier = if is_admin { "Admin" } else { "Baseline" };
        let rules: Vec<String> = rules
            .iter()
            .map(|(action, is_limited)| {
                let ports = if *is_limited {
                    ", protocols: [{tcp: {destinationPort: {number: 80}}}]"
                } else {
                    ""
                };
                format!("{{action: {action}, from: [{{namespaces: {{}}}}]{ports}}}")
            })
            .collect();
        format!(
            "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {{name: NAME}}\nspec:\n  tier: {tier}\n  priority: {priority}\n  subject: {{namespaces: {{}}}}\n  ingress: [{}]\n",
            rules.join(", ")
        )
    })
}

fn policies() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof![3 => cilium(), 1 => cluster()], 1..4).prop_map(|documents| {
        let named: Vec<String> = documents
            .iter()
            .enumerate()
            .map(|(index, text)| text.replacen("NAME", &format!("p{index}"), 1))
            .collect();
        named.join("---\n")
    })
}

const TRAFFIC: [Traffic; 6] = [
    Traffic::new(6, 80),
    Traffic::new(6, 8080),
    Traffic::new(17, 80),
    Traffic::new(6, 443),
    Traffic::new(1, 8),
    Traffic::new(132, 80),
];

fn judge(text: &str) -> Judge {
    let texts = [SourceText { index: 0, text }];
    Judge::new(Arc::new(PolicySet::read(&texts, Settings::default())))
}

fn each(mut check: impl FnMut(&[Label], &[Label], Direction, Traffic)) {
    let cast = cast();
    for subject in &cast {
        for peer in &cast {
            for direction in [Direction::Ingress, Direction::Egress] {
                for traffic in TRAFFIC {
                    check(subject, peer, direction, traffic);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_is_the_algorithm(text in policies()) {
        let judge = judge(&text);
        let set = Arc::clone(judge.set());
        let named = [("web".to_owned(), 6, 8080)];
        each(|subject, peer, direction, traffic| {
            let expect = naive(&set, subject, peer, direction, traffic, &named);
            let identity = |labels: &[Label]| Identity::of_labels(labels.to_vec(), false);
            let (own, other) = (identity(subject), identity(peer));
            let access = Access::new(&own, &other, direction, traffic);
            let ours = judge.judge(access.with_named_ports(NamedPorts::Known(&named)));
            assert_eq!(ours.verdict, expect, "{subject:?} {peer:?} {direction:?} {traffic}\n{text}");
        });
    }

    #[test]
    fn unknown_facts_never_give_a_wrong_verdict(text in policies()) {
        let judge = judge(&text);
        let none: [(String, u8, u16); 0] = [];
        let all = [("web".to_owned(), 6, 80), ("web".to_owned(), 6, 8080), ("web".to_owned(), 6, 443)];
        each(|subject, peer, direction, traffic| {
            let subject = Identity::of_labels(subject.to_vec(), false);
            let peer = Identity::of_labels(peer.to_vec(), false);
            let access = Access::new(&subject, &peer, direction, traffic);
            let ask = |named| judge.judge(access.with_named_ports(named)).verdict;
            let unknown = ask(NamedPorts::Unknown);
            let ways = [ask(NamedPorts::Known(&none)), ask(NamedPorts::Known(&all))];
            if ways[0] == ways[1] {
                assert_eq!(unknown, ways[0], "{text}");
            } else {
                assert_eq!(unknown, Verdict::CannotTell, "{text}");
            }
        });
    }

    #[test]
    fn a_deny_rule_never_widens(text in policies(), rule in rule("from")) {
        let deny = format!(
            "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {{name: deny}}\nspec:\n  endpointSelector: {{}}\n  enableDefaultDeny: {{ingress: false, egress: false}}\n  ingressDeny: [{rule}]\n"
        );
        let (before, after) = (judge(&text), judge(&format!("{text}---\n{deny}")));
        each(|subject, peer, direction, traffic| {
            let subject = Identity::of_labels(subject.to_vec(), false);
            let peer = Identity::of_labels(peer.to_vec(), false);
            let access = Access::new(&subject, &peer, direction, traffic);
            let access = access.with_named_ports(NamedPorts::Known(&[]));
            let (old, new) = (before.judge(access).verdict, after.judge(access).verdict);
            // A policy that selects the subject also lets the node in, if no policy selected it
            // before.
            assert!(
                old == Verdict::Allowed || new == Verdict::Denied || peer.labels()[0].key == "host",
                "{text}{deny}"
            );
        });
    }
}
