use std::sync::Arc;

use super::*;
use crate::Settings;

fn ids(policy: &str) -> Vec<&'static str> {
    let text = SourceText { index: 0, text: policy };
    let set = Arc::new(PolicySet::read(&[text], Settings::default()));
    let mut ids: Vec<_> =
        lint(&[text], &mut Judge::new(set), &[]).into_iter().map(|finding| finding.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn cnp(spec: &str) -> String {
    let indented = spec.replace('\n', "\n  ");
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: a}}\nspec:\n  endpointSelector: {{}}\n  {indented}\n"
    )
}

#[test]
fn each_lint_finds_its_pattern() {
    fn check(id: &str, policy: &str) {
        let found = ids(policy);
        assert!(found.contains(&id), "{id} is not among {found:?} for\n{policy}");
    }
    let np = |spec: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: a}}\nspec:\n  podSelector: {{}}\n{spec}\n"
        )
    };
    let ports = |port: &str| {
        cnp(&format!("ingress:\n- fromEntities: [cluster]\n  toPorts:\n  - ports: [{port}]"))
    };
    check("empty-direction", &cnp("ingress: []"));
    check("empty-direction", &cnp("ingress: []\negress: [{}]"));
    check("empty-rule", &cnp("ingress: [{}]"));
    check("empty-deny", &cnp("egressDeny: [{}]"));
    check("deny-only", &cnp("egressDeny: [{toEntities: [world]}]"));
    check("fqdn-without-dns-rule", &cnp("egress: [{toFQDNs: [{matchName: x.io}]}]"));
    check("pattern-depth", &cnp("egress: [{toFQDNs: [{matchPattern: '*.x.io'}]}]"));
    check("pattern-prefix", &cnp("egress: [{toFQDNs: [{matchPattern: '*x.io'}]}]"));
    check(
        "cluster-name-in-fqdn",
        &cnp("egress: [{toFQDNs: [{matchName: a.b.svc.cluster.local}]}]"),
    );
    check(
        "no-dns-egress",
        &cnp("egress: [{toEntities: [world], toPorts: [{ports: [{port: '443'}]}]}]"),
    );
    check("private-cidr", &cnp("egress: [{toCIDR: [10.0.0.0/8]}]"));
    check("wide-open", &cnp("egress: [{toCIDR: [0.0.0.0/0]}]"));
    check("wide-open", &cnp("egress: [{toEntities: [world]}]"));
    check("needless-host", &cnp("ingress: [{fromEntities: [host]}]"));
    check("apiserver-ingress", &cnp("ingress: [{fromEntities: [kube-apiserver]}]"));
    check(
        "namespace-name-label",
        &cnp("ingress: [{fromEndpoints: [{matchLabels: {kubernetes.io/metadata.name: b}}]}]"),
    );
    check("ignored-selector-field", &cnp("ingress: [{fromEndpoints: [{matchLabel: {a: b}}]}]"));
    check("two-peer-kinds", &cnp("egress: [{toEntities: [world], toCIDR: [1.0.0.0/8]}]"));
    check(
        "unknown-field",
        &cnp("egressDeny: [{toPorts: [{ports: [{port: '80'}], rules: {http: [{}]}}]}]"),
    );
    check("removed-field", &cnp("ingress: [{fromRequires: [{matchLabels: {a: b}}]}]"));
    check("unquoted-boolean", &cnp("ingress: [{fromEndpoints: [{matchLabels: {a: yes}}]}]"));
    check("named-port", &ports("{port: web, protocol: TCP}"));
    check("no-protocol", &ports("{port: '80'}"));
    check("leading-zero", &ports("{port: '0120', protocol: TCP}"));
    check("hex-port", &ports("{port: '0x50', protocol: TCP}"));
    check("end-before-port", &ports("{port: '80', endPort: 70, protocol: TCP}"));
    check("no-ports", &ports(""));
    check("icmp-type-zero", &cnp("ingress: [{icmps: [{fields: [{type: EchoReply}]}]}]"));
    check(
        "services-with-ports",
        &cnp(
            "egress: [{toServices: [{k8sService: {serviceName: s, namespace: a}}], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}]",
        ),
    );
    let http = |rule: &str| {
        cnp(&format!(
            "ingress:\n- fromEntities: [cluster]\n  toPorts:\n  - ports: [{{port: '80', protocol: TCP}}]\n    rules: {{http: [{rule}]}}"
        ))
    };
    check("path-exact", &http("{path: /cart}"));
    check("path-glob", &http("{path: '/api/*'}"));
    check("path-template", &http("{path: '/users/{id}'}"));
    check("empty-http", &http(""));
    check(
        "l7-beside-l4",
        &cnp(
            "ingress:\n- fromEntities: [cluster]\n  toPorts:\n  - ports: [{port: '80', protocol: TCP}]\n    rules: {http: [{method: GET}]}\n- fromEntities: [cluster]\n  toPorts:\n  - ports: [{port: '80', protocol: TCP}]",
        ),
    );
    check("duplicate-rule", &cnp("ingress:\n- fromEntities: [cluster]\n- fromEntities: [cluster]"));
    check(
        "unresolvable",
        &cnp(
            "egress:\n- toEntities: [world]\n  toPorts:\n  - ports: [{port: '53', protocol: TCP}]\n    rules: {dns: [{matchPattern: '*'}]}\n- toEntities: [world]\n  toPorts:\n  - ports: [{port: '53', protocol: TCP}]\n    rules: {http: [{}]}",
        ),
    );
    check("policy-types-omit", &np("  egress: [{}]\n  policyTypes: [Ingress]"));
    check("egress-isolates-ingress", &np("  egress: [{}]"));
    check(
        "foreign-namespace",
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n  endpointSelector: {matchLabels: {'k8s:io.kubernetes.pod.namespace': b}}\n  ingress: [{}]\n",
    );
    check(
        "no-namespace",
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\nspec:\n  endpointSelector: {}\n  ingress: [{}]\n",
    );
    check("not-yaml", "kind: [");
    check("duplicate-name", &format!("{}---\n{}", cnp("ingress: [{}]"), cnp("egress: [{}]")));
}

#[test]
fn a_sound_policy_is_left_alone() {
    let policy = cnp(
        "ingress:\n- fromEndpoints: [{matchLabels: {app: b}}]\n  toPorts:\n  - ports: [{port: '80', protocol: TCP}]",
    );
    assert_eq!(ids(&policy), [""; 0]);
}
