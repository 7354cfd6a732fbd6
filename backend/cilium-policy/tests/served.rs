//! Tests of refusals and of the judged form of documents: first by the API server, then by Cilium.

use cilium_policy::{PolicySet, Refused, Settings, SourceText};

fn read(text: &str, api_server: bool) -> PolicySet {
    let settings = Settings { api_server, ..Settings::default() };
    PolicySet::read(&[SourceText { index: 0, text }], settings)
}

/// Checks the class of the first refusal and a part of its words (empty for no refusal), and the
/// number of remaining policies.
fn check(text: &str, class: &str, says: &str, policies: usize) {
    let set = read(text, true);
    let first: Option<&Refused> = set.refused().first();
    let found = first.map_or("", |refused| refused.refusal.class.name());
    let words = first.map(|refused| refused.refusal.to_string()).unwrap_or_default();
    assert_eq!(found, class, "{text}\n{words}");
    assert!(words.contains(says), "{text}\n{words}");
    assert_eq!(set.policies().len(), policies, "{text}");
}

fn object(api_version: &str, kind: &str) -> String {
    format!(
        "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: p, namespace: a}}\nspec: {{endpointSelector: {{}}, ingress: [{{}}]}}\n"
    )
}

#[test]
fn kinds_and_versions_that_do_not_exist() {
    let check = |api_version: &str, kind: &str, class: &str, says: &str| {
        check(&object(api_version, kind), class, says, usize::from(class.is_empty()));
    };
    check("cilium.io/v2", "CiliumNetworkPolicy", "", "");
    for (api_version, kind, meant) in [
        ("cilium.io/v1", "CiliumNetworkPolicy", "apiVersion cilium.io/v2"),
        ("cilium.io/v2", "CiliumClusterWideNetworkPolicy", "CiliumClusterwideNetworkPolicy"),
        ("cilium.io/v2", "ciliumnetworkpolicy", "kind CiliumNetworkPolicy"),
        ("cilium.io/v2", "CiliumNetworkPolicies", "kind CiliumNetworkPolicy"),
        ("cilium.io/v2", "NetworkPolicy", "there is no NetworkPolicy"),
        ("cilum.io/v2", "CiliumNetworkPolicy", "cilium.io/v2"),
        ("v1", "NetworkPolicy", "networking.k8s.io/v1"),
        ("networking.k8s.io/v1beta1", "NetworkPolicy", "networking.k8s.io/v1"),
        ("networking.k8s.io/v1", "NetworkPolcy", "kind NetworkPolicy"),
        ("extensions/v1beta1", "NetworkPolicy", "removed in Kubernetes 1.16"),
        ("policy.networking.k8s.io/v1alpha1", "ClusterNetworkPolicy", "v1alpha2"),
    ] {
        check(api_version, kind, "unknown-kind", meant);
    }
    for (api_version, kind, says) in [
        ("apps/v1", "Deployment", "apps/v1 Deployment"),
        ("v1", "Secret", "v1 Secret"),
        ("projectcalico.org/v3", "NetworkPolicy", "Calico"),
        ("crd.projectcalico.org/v1", "GlobalNetworkPolicy", "Calico"),
        ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", "Antrea"),
        ("cilium.io/v2", "CiliumLocalRedirectPolicy", "cilium.io/v2 CiliumLocalRedirectPolicy"),
        ("networking.k8s.io/v1", "Ingress", "networking.k8s.io/v1 Ingress"),
        ("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "ClusterNetworkPolicy"),
        ("kyverno.io/v1", "ClusterPolicy", "kyverno.io/v1 ClusterPolicy"),
    ] {
        check(api_version, kind, "not-a-policy", says);
    }
    // A parser that gets the kind from its caller ignores the version.
    assert_eq!(read(&object("cilium.io/v1", "CiliumNetworkPolicy"), false).policies().len(), 1);
}

#[test]
fn what_is_stored_is_judged() {
    let good = object("cilium.io/v2", "CiliumNetworkPolicy");
    let changed = |from: &str, to: &str| good.replace(from, to);
    check(
        &changed("ingress: [{}]", "ingress: [{}], egres: []"),
        "not-strict",
        "`egress` is one",
        1,
    );
    check(&changed("metadata:", "description: x\nmetadata:"), "not-strict", "\"description\"", 1);
    check(
        &changed("ingress: [{}]", "ingress: [{}], ingress: [{}]"),
        "not-strict",
        "already set",
        1,
    );
    check(&changed("ingress: [{}]", "egres: []"), "not-stored", "; and without it: ", 0);
    check(
        &changed("ingress: [{}]", "ingress: [{toPorts: [{ports: [{port: 80}]}]}]"),
        "not-stored",
        "put the value in quotes",
        0,
    );
    check(&changed("name: p", "name: P"), "not-stored", "RFC 1123", 0);
    check(&changed("ingress: [{}]", "ingress: []"), "invalid", "at least one of Ingress", 0);
    check(&changed("name: p", "name: '${NAME}'"), "not-stored", "a template of Flux", 0);
    check(&changed("name: p", "name: {{ .Values.name }}"), "syntax", "a template of Helm", 0);
    check(&format!("{good}...\n{good}"), "syntax", "not read", 1);
    let list = format!("- {}", good.trim_end().replace('\n', "\n  "));
    check(&list, "unknown-kind", "kind: List", 0);
    check(&format!("kind: List\napiVersion: v1\nitems:\n{list}\n"), "", "", 1);
    // The result of the parser alone.
    assert_eq!(read(&changed("name: p", "name: P"), false).policies().len(), 1);
    assert!(read(&changed("metadata:", "description: x\nmetadata:"), false).policies().is_empty());
}
