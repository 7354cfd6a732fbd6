//! Rules without L7 that make L7 rules void, and rules that do not.

use super::*;

const HTTP: &str = "\
- fromEndpoints: [{matchLabels: {app: a}}]
  toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{method: GET}]}}]
";

#[track_caller]
fn check(policy: &str, expect: bool) {
    let found = ids(policy);
    assert_eq!(found.contains(&"l7-beside-l4"), expect, "{policy}\n{found:?}");
}

#[test]
fn plain_rules_that_surely_have_peer_and_port_make_http_void() {
    let check = |rule: &str, expect: bool| {
        check(&cnp(&format!("ingress:\n{HTTP}- {rule}")), expect);
        // In either order.
        check(&cnp(&format!("ingress:\n- {rule}\n{HTTP}")), expect);
    };
    let port = "toPorts: [{ports: [{port: '80', protocol: TCP}]}]";
    // Peers.
    check(&format!("{{fromEndpoints: [{{matchLabels: {{app: a}}}}], {port}}}"), true);
    check(&format!("{{fromEndpoints: [{{}}], {port}}}"), true);
    check(&format!("{{fromEntities: [all], {port}}}"), true);
    check(&format!("{{fromEntities: [cluster], {port}}}"), true);
    check(&format!("{{{port}}}"), true);
    check(
        &format!(
            "{{fromEndpoints: [{{matchExpressions: [{{key: app, operator: In, values: [a, b]}}]}}], {port}}}"
        ),
        true,
    );
    check(
        &format!(
            "{{fromEndpoints: [{{matchExpressions: [{{key: app, operator: Exists}}]}}], {port}}}"
        ),
        true,
    );
    check(&format!("{{fromEndpoints: [{{matchLabels: {{app: b}}}}], {port}}}"), false);
    check(&format!("{{fromEndpoints: [{{matchLabels: {{app: a, tier: x}}}}], {port}}}"), false);
    check(
        &format!(
            "{{fromEndpoints: [{{matchExpressions: [{{key: tier, operator: DoesNotExist}}]}}], {port}}}"
        ),
        false,
    );
    check(&format!("{{fromEntities: [world], {port}}}"), false);
    check(&format!("{{fromCIDR: [10.0.0.0/8], {port}}}"), false);
    check(&format!("{{fromEndpoints: [], {port}}}"), false);
    // Ports.
    let ports = |ports: &str| {
        format!("{{fromEndpoints: [{{matchLabels: {{app: a}}}}], toPorts: [{{ports: [{ports}]}}]}}")
    };
    check("{fromEndpoints: [{matchLabels: {app: a}}]}", true);
    check("{fromEntities: [cluster]}", true);
    check(&ports("{port: '1', endPort: 1000, protocol: TCP}"), true);
    check(&ports("{port: '80'}"), true);
    check(&ports("{port: '0'}"), true);
    check(&ports("{port: '81', endPort: 1000, protocol: TCP}"), false);
    check(&ports("{port: '80', protocol: UDP}"), false);
    check(&ports("{port: web, protocol: TCP}"), false);
    check("{}", false);
    check("{icmps: [{fields: [{type: 8}]}], fromEndpoints: [{matchLabels: {app: a}}]}", false);
}

#[test]
fn rules_of_others_make_nothing_void() {
    let policy = |labels: &str, spec: &str| {
        cnp(spec).replace(
            "endpointSelector: {}",
            &format!("endpointSelector: {{matchLabels: {labels}}}"),
        )
    };
    let pair = |one: &str, other: &str, rest: &str| {
        let beside = policy(other, rest).replace("name: p", "name: q");
        format!("{}---\n{beside}", policy(one, &format!("ingress:\n{HTTP}")))
    };
    let plain = "ingress: [{fromEndpoints: [{matchLabels: {app: a}}]}]";
    check(&pair("{x: one}", "{x: one}", plain), true);
    check(&pair("{x: one}", "{}", plain), true);
    check(&pair("{}", "{x: one}", plain), false);
    check(&pair("{x: one}", "{x: other}", plain), false);
    check(
        &pair("{x: one}", "{x: one}", "egress: [{toEndpoints: [{matchLabels: {app: a}}]}]"),
        false,
    );
    check(&pair("{x: one}", "{x: one}", &plain.replace("ingress", "ingressDeny")), false);
}

#[test]
fn addresses_and_names_are_of_the_world() {
    let rule = |peer: &str, who: &str| {
        cnp(&format!(
            "egress:\n- {peer}\n  toPorts: [{{ports: [{{port: '80', protocol: TCP}}], rules: {{http: [{{}}]}}}}]\n- {who}"
        ))
    };
    check(&rule("toCIDR: [20.1.0.0/16]", "toCIDR: [20.0.0.0/8]"), true);
    check(
        &rule("toCIDR: [20.1.0.0/16]", "toCIDRSet: [{cidr: 20.0.0.0/8, except: [20.1.1.0/24]}]"),
        false,
    );
    check(&rule("toCIDR: [20.0.0.0/8]", "toCIDR: [20.1.0.0/16]"), false);
    check(&rule("toCIDR: [20.1.0.0/16]", "toEntities: [world]"), true);
    check(&rule("toCIDR: [20.1.0.0/16]", "toEntities: [cluster]"), false);
    check(&rule("toFQDNs: [{matchName: a.io}]", "toFQDNs: [{matchPattern: '*.io'}]"), false);
    check(&rule("toFQDNs: [{matchName: a.io}]", "toEntities: [all]"), true);
}

/// The DNS proxy compares the exact port.
#[test]
fn names_are_void_beside_a_plain_rule_of_the_port() {
    let rule = |beside: &str| {
        cnp(&format!(
            "egress:\n- toEndpoints: [{{matchLabels: {{app: dns}}}}]\n  toPorts: [{{ports: [{{port: '53', protocol: UDP}}], rules: {{dns: [{{matchName: a.io}}]}}}}]\n- {beside}"
        ))
    };
    check(&rule("{toEntities: [all], toPorts: [{ports: [{port: '53', protocol: UDP}]}]}"), true);
    check(&rule("{toEndpoints: [{}]}"), false);
    check(
        &rule("{toEndpoints: [{}], toPorts: [{ports: [{port: '1', endPort: 99, protocol: UDP}]}]}"),
        false,
    );
}
