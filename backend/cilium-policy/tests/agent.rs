//! Tests of the agent's share in a verdict: its settings, its version, and its behavior without a
//! rule.

use std::sync::Arc;

use cilium_policy::{
    Access, Cause, Direction, Identity, Judge, Label, NamedPorts, PolicySet, Settings, SourceText,
    Traffic, Verdict,
};

const POD: &str =
    "k8s:io.kubernetes.pod.namespace=street k8s:app=shop k8s:io.cilium.k8s.policy.cluster=default";
const OTHER: &str =
    "k8s:io.kubernetes.pod.namespace=bakery k8s:app=oven k8s:io.cilium.k8s.policy.cluster=default";
const ADDRESS: &str = "cidr:10.2.3.4/32 reserved:world";

fn identity(labels: &str, settings: &Settings) -> Identity {
    Identity::of_labels(labels.split(' ').map(Label::parse), settings.ipv4 && settings.ipv6)
}

fn settings(pairs: &[&str]) -> Settings {
    let mut settings = Settings::default();
    for pair in pairs {
        let (name, value) = pair.split_once('=').unwrap_or_default();
        assert!(settings.set(name, value), "{pair}");
    }
    settings
}

/// An egress policy of the shop.
fn egress(rules: &str) -> String {
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: a, namespace: street}}\nspec:\n  endpointSelector: {{}}\n  egress: [{{}}]\n{rules}\n"
    )
}

/// An access to a peer without named ports.
fn egress_access<'i>(
    subject: &'i Identity,
    peer: &'i Identity,
    traffic: Traffic,
) -> Access<'static, &'i Identity> {
    Access::new(subject, peer, Direction::Egress, traffic).with_named_ports(NamedPorts::Known(&[]))
}

/// The verdict for TCP from the shop, or the reason why the policy is refused.
fn judged(text: &str, peer: &str, pairs: &[&str]) -> String {
    let settings = settings(pairs);
    let (subject, peer) = (identity(POD, &settings), identity(peer, &settings));
    let set = PolicySet::read(&[SourceText { index: 0, text }], settings);
    if let Some(refused) = set.refused().first() {
        return refused.refusal.to_string();
    }
    let judge = Judge::new(Arc::new(set));
    let tcp = Traffic::new(6, 80);
    judge.judge(egress_access(&subject, &peer, tcp)).verdict.name().to_owned()
}

#[test]
fn selectors_that_only_exclude_match_aggregates_since_1_20() {
    let check = |key: &str, peer: &str, release: &str, expected: &str| {
        let rule = egress(&format!(
            "  egressDeny: [{{toEndpoints: [{{matchExpressions: [{{key: '{key}', operator: DoesNotExist}}]}}]}}]\n  enableDefaultDeny: {{egress: false}}"
        ));
        let release = format!("cilium-release={release}");
        assert_eq!(judged(&rule, peer, &[&release]), expected, "{key} {peer} {release}");
    };
    // A rule that excludes the world denies a world address only with an aggregate entry.
    check("reserved:world", ADDRESS, "1.18", "allowed");
    check("reserved:world", ADDRESS, "1.19", "allowed");
    check("reserved:world", ADDRESS, "1.20", "denied");
    check("reserved:world", ADDRESS, "main", "denied");
    // An identity with a reserved number has no aggregate entry.
    check("reserved:world", "reserved:world", "main", "allowed");
    check("reserved:health", "reserved:health", "main", "allowed");
    check("reserved:kube-apiserver", "reserved:kube-apiserver reserved:world", "main", "denied");
    check("reserved:host", "reserved:host reserved:kube-apiserver", "main", "allowed");
    // Pods of any cluster match the selector themselves.
    check("reserved:world", OTHER, "1.18", "denied");
}

#[test]
fn nodes_have_an_aggregate_where_they_have_identities_of_their_own() {
    let rule = egress(
        "  egressDeny: [{toEndpoints: [{matchExpressions: [{key: reserved:remote-node, operator: DoesNotExist}]}]}]\n  enableDefaultDeny: {egress: false}",
    );
    let check = |node: &str, expected: &str| {
        assert_eq!(judged(&rule, node, &["cilium-release=main"]), expected, "{node}");
    };
    check("reserved:remote-node", "allowed");
    check("reserved:remote-node reserved:kube-apiserver", "allowed");
    check("reserved:remote-node node:role=worker", "denied");
    check("reserved:remote-node cidr:10.0.0.4/32", "denied");
}

#[test]
fn the_prefix_of_all_addresses_of_a_disabled_family_selects_no_peer() {
    let check = |cidr: &str, peer: &str, pairs: &[&str], expected: &str| {
        let rule = egress(&format!(
            "  egressDeny: [{{toCIDR: ['{cidr}']}}]\n  enableDefaultDeny: {{egress: false}}"
        ));
        assert_eq!(judged(&rule, peer, pairs), expected, "{cidr} {peer} {pairs:?}");
    };
    let six = ["enable-ipv4=false", "enable-ipv6=true"];
    check("::/0", ADDRESS, &[], "allowed");
    check("0.0.0.0/0", ADDRESS, &[], "denied");
    check("0.0.0.0/0", "cidr:2001-db8--1/128 reserved:world", &six, "allowed");
    check("::/0", "cidr:2001-db8--1/128 reserved:world", &six, "denied");
    check("::/0", "cidr:10.2.3.4/32 reserved:world-ipv4", &["enable-ipv6=true"], "allowed");
    check("0.0.0.0/0", "cidr:10.2.3.4/32 reserved:world-ipv4", &["enable-ipv6=true"], "denied");
}

#[test]
fn settings_refuse_and_isolate() {
    let ping = egress("  egressDeny: [{icmps: [{fields: [{type: 8}]}]}]");
    let http = egress(
        "  ingress: [{toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{method: GET}]}}]}]",
    );
    let open = egress("  enableDefaultDeny: {egress: false}");
    let check = |text: &str, pair: &str, expected: &str| {
        assert_eq!(judged(text, OTHER, &[pair]), expected, "{pair}");
    };
    check(&ping, "enable-icmp-rules=true", "denied");
    check(
        &ping,
        "enable-icmp-rules=false",
        "Invalid CiliumNetworkPolicy spec: ICMP rules can only be applied when the \"enable-icmp-rules\" flag is set",
    );
    check(&http, "enable-l7-proxy=true", "denied");
    check(
        &http,
        "enable-l7-proxy=false",
        "Invalid CiliumNetworkPolicy spec: L7 policy is not supported since L7 proxy is not enabled",
    );
    check(&open, "enable-non-default-deny-policies=true", "allowed");
    check(&open, "enable-non-default-deny-policies=false", "denied");
}

#[test]
fn fragmentation_needed_passes_without_a_rule() {
    let check = |traffic: Traffic, pairs: &[&str], expected: (Verdict, Cause)| {
        let text = egress("");
        let set = PolicySet::read(&[SourceText { index: 0, text: &text }], settings(pairs));
        let (subject, peer) = (identity(POD, set.settings()), identity(ADDRESS, set.settings()));
        let judge = Judge::new(Arc::new(set));
        let decision = judge.judge(egress_access(&subject, &peer, traffic));
        assert_eq!((decision.verdict, decision.cause), expected, "{traffic:?} {pairs:?}");
    };
    let passes = (Verdict::Allowed, Cause::FragmentationNeeded);
    let refused = (Verdict::Denied, Cause::DefaultDeny);
    let too_large = Traffic::new(1, 3).with_code(4);
    check(too_large, &[], passes);
    check(too_large, &["allow-icmp-frag-needed=false"], refused);
    check(Traffic::new(1, 3).with_code(1), &[], refused);
    check(Traffic::new(1, 3), &[], refused);
    // IPv6 has a message of its own, which policy judges.
    check(Traffic::new(58, 3).with_code(4), &[], refused);
}

#[test]
fn groups_are_labels() {
    let check = |set: &str, peer: &str, expected: &str| {
        let rule = egress(set);
        assert_eq!(judged(&rule, peer, &[]), expected, "{set} {peer}");
    };
    let two = "cidr:10.2.3.4/32 cidrgroup:team=blue cidrgroup:team+blue cidrgroup:team+red reserved:world";
    let group = |selector: &str| {
        format!(
            "  egressDeny: [{{toCIDRSet: [{{cidrGroupSelector: {selector}}}]}}]\n  enableDefaultDeny: {{egress: false}}"
        )
    };
    // An address in two groups carries both values.
    check(&group("{matchLabels: {team: red}}"), two, "denied");
    check(&group("{matchLabels: {team: blue}}"), two, "denied");
    check(
        &group("{matchExpressions: [{key: team, operator: NotIn, values: [red]}]}"),
        two,
        "allowed",
    );
    check(
        &group("{matchExpressions: [{key: team, operator: NotIn, values: [green]}]}"),
        two,
        "denied",
    );
    check(
        &group("{matchExpressions: [{key: team, operator: NotIn, values: [green]}]}"),
        OTHER,
        "allowed",
    );
    // The empty selector is the selector for everyone.
    check(&group("{}"), OTHER, "denied");
    check(&group("{}"), "reserved:host", "denied");
    // The hashes are those of the groups' JSON: `{"aws":{"region":"eu<1>"}}` and `{"aws":{}}`.
    let cloud = "  egressDeny: [{toGroups: [{aws: {region: 'eu<1>'}}]}]\n  enableDefaultDeny: {egress: false}";
    check(
        cloud,
        "cidr:10.2.3.4/32 cidrgroup:extgrp.cilium.io/QOXR4HZz5P1C9MDQmtSn_M_VxZq8dOUW5q0Dbw reserved:world",
        "denied",
    );
    check(
        cloud,
        "cidr:10.2.3.4/32 cidrgroup:extgrp.cilium.io/051KSaNUjsZOkvFzai_hwbHpbGinVoL2BanFoA reserved:world",
        "allowed",
    );
}

#[test]
fn settings_that_change_a_verdict_are_named() {
    let check = |rules: &str, peer: &str, pairs: &[&str], expected: &[&str]| {
        let text = egress(rules).replace("  egress: [{}]\n  egress:", "  egress:");
        let set = PolicySet::read(&[SourceText { index: 0, text: &text }], settings(pairs));
        assert_eq!(set.refused(), [], "{rules}");
        let (subject, peer) = (identity(POD, set.settings()), identity(peer, set.settings()));
        let judge = Judge::new(Arc::new(set));
        let found = judge.dependences(egress_access(&subject, &peer, Traffic::new(6, 80)));
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{rules} {peer:?} {pairs:?}");
    };
    let excluding = "  egressDeny: [{toEndpoints: [{matchExpressions: [{key: reserved:world, operator: DoesNotExist}]}]}]\n  enableDefaultDeny: {egress: false}";
    let open = "depends on the agent's `enable-non-default-deny-policies`, taken as true: with false it is denied";
    check("", OTHER, &[], &[]);
    check(
        excluding,
        ADDRESS,
        &[],
        &["depends on the agent's `cilium-release`, taken as 1.18: with 1.21 it is denied", open],
    );
    check(
        excluding,
        ADDRESS,
        &["cilium-release=main"],
        &["depends on the agent's `cilium-release`, taken as 1.21: with 1.18 it is allowed"],
    );
    check("  enableDefaultDeny: {egress: false}", OTHER, &[], &[open]);
    check(
        "  egressDeny: [{toCIDR: [10.0.0.0/8]}]\n  enableDefaultDeny: {egress: true}",
        "reserved:remote-node cidr:10.0.0.4/32",
        &[],
        &[],
    );
    check(
        "  egressDeny: [{toCIDR: [10.0.0.0/8]}]\n  enableDefaultDeny: {egress: false}",
        "reserved:remote-node cidr:10.0.0.4/32",
        &["enable-non-default-deny-policies=true"],
        &[
            open,
            "depends on the agent's `policy-cidr-match-mode`, taken as none: with nodes it is denied",
        ],
    );
    check(
        "",
        OTHER,
        &["enable-policy=never"],
        &["depends on the agent's `enable-policy`, taken as never: with default it is denied"],
    );
    let far =
        "k8s:io.kubernetes.pod.namespace=street k8s:app=oven k8s:io.cilium.k8s.policy.cluster=far";
    check(
        "  egressDeny: [{toEndpoints: [{}]}]\n  enableDefaultDeny: {egress: false}",
        far,
        &[],
        &[
            "depends on the agent's `policy-default-local-cluster`, taken as false: with true it may be allowed",
        ],
    );
    check(
        "  egressDeny: [{toEndpoints: [{}]}]\n  enableDefaultDeny: {egress: false}",
        far,
        &["cilium-release=1.19"],
        &[
            open,
            "depends on the agent's `policy-default-local-cluster`, taken as true: with false it may be denied",
        ],
    );
    // An entity, and a selector that names a cluster, keep their meaning.
    for peers in
        ["toEntities: [all]", "toEndpoints: [{matchLabels: {io.cilium.k8s.policy.cluster: far}}]"]
    {
        let rule = format!("  egress: [{{{peers}}}]");
        check(&rule, far, &[], &[]);
        check(&rule, far, &["cilium-release=1.19"], &[]);
    }
    let tls = "  egress: [{toEntities: [cluster], toPorts: [{ports: [{port: \"80\", protocol: TCP}], terminatingTLS: {secret: {name: s}}}]}]";
    let synced = "depends on the agent's `enable-policy-secrets-sync`, taken as true: with false it is cannot tell";
    check(tls, OTHER, &[], &[synced]);
    check(tls, OTHER, &["enable-policy-secrets-sync=false"], &[]);

    let wide = "\n---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: wide}\nspec:\n  tier: Admin\n  priority: 1\n  subject: {namespaces: {}}\n  egress: [{action: Accept, to: [{namespaces: {}}]}]";
    let read = "depends on the agent's `enable-k8s-cluster-network-policy`, taken as true: with false it is denied";
    check(wide, OTHER, &[], &[read]);
}

#[test]
fn a_policy_that_the_agent_does_not_read_is_refused() {
    let text = "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: wide}\nspec:\n  tier: Admin\n  priority: 1\n  subject: {namespaces: {}}\n  egress: [{action: Deny, to: [{namespaces: {}}]}]";
    assert_eq!(judged(text, OTHER, &[]), "denied");
    assert_eq!(
        judged(text, OTHER, &["enable-k8s-cluster-network-policy=false"]),
        "the agent does not read ClusterNetworkPolicy: enable-k8s-cluster-network-policy is off"
    );
}

#[test]
fn secrets_that_the_agent_reads_itself_are_unknown() {
    let rule = |tls: &str| {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: a, namespace: street}}\nspec:\n  endpointSelector: {{}}\n  egress: [{{toEntities: [cluster], toPorts: [{{ports: [{{port: \"80\", protocol: TCP}}]{tls}}}]}}]\n"
        )
    };
    for kind in ["terminatingTLS", "originatingTLS"] {
        let text = rule(&format!(", {kind}: {{secret: {{name: s}}}}"));
        assert_eq!(judged(&text, OTHER, &[]), "allowed", "{kind}");
        let own = ["enable-policy-secrets-sync=false"];
        assert_eq!(judged(&text, OTHER, &own), "cannot tell", "{kind}");
        assert_eq!(judged(&rule(""), OTHER, &own), "allowed");
    }
}
