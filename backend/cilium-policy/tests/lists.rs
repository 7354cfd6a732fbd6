//! Tests of Lists as a server returns them, and of names that a server generates.

use cilium_policy::{Documents, Id, RefusalClass, Settings, SourceText};

fn read(text: &str) -> Documents {
    Documents::read(&[SourceText { index: 0, text }], &Settings::default())
}

/// Checks the names of policies and the classes of refusals.
fn check(text: &str, policies: &[&str], refused: &[RefusalClass]) {
    let documents = read(text);
    let names: Vec<String> =
        documents.policies.iter().map(|policy| policy.name.to_string()).collect();
    assert_eq!(names, policies, "{text}\n{:?}", documents.refused);
    let classes: Vec<RefusalClass> =
        documents.refused.iter().map(|refused| refused.refusal.class).collect();
    assert_eq!(classes, refused, "{text}\n{:?}", documents.refused);
}

fn list(kind: &str, api_version: &str, items: &str) -> String {
    format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","items":[{items}]}}"#)
}

const CNP: &str =
    r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"endpointSelector":{},"ingress":[{}]}}"#;
const NP: &str = r#"{"metadata":{"name":"b","namespace":"n"},"spec":{"podSelector":{}}}"#;

#[test]
fn items_without_a_kind_are_of_their_lists() {
    use RefusalClass::{NotAPolicy, Syntax, UnknownKind};
    check(&list("CiliumNetworkPolicyList", "cilium.io/v2", CNP), &["CiliumNetworkPolicy/n/a"], &[]);
    check(
        &list(
            "CiliumClusterwideNetworkPolicyList",
            "cilium.io/v2",
            &CNP.replace(r#","namespace":"n""#, ""),
        ),
        &["CiliumClusterwideNetworkPolicy//a"],
        &[],
    );
    let both = format!("{NP},{}", NP.replace("\"b\"", "\"c\""));
    check(
        &list("NetworkPolicyList", "networking.k8s.io/v1", &both),
        &["NetworkPolicy/n/b", "NetworkPolicy/n/c"],
        &[],
    );
    // As YAML, and inside another List.
    check(
        "kind: List\nitems:\n- kind: NetworkPolicyList\n  apiVersion: networking.k8s.io/v1\n  items:\n  - metadata: {name: b, namespace: \"n\"}\n    spec: {podSelector: {}}\n",
        &["NetworkPolicy/n/b"],
        &[],
    );
    // An item's own version and kind count; one of them alone is not completed.
    let own = CNP.replacen('{', r#"{"kind":"CiliumNetworkPolicy","apiVersion":"cilium.io/v2","#, 1);
    check(
        &list("NetworkPolicyList", "networking.k8s.io/v1", &own),
        &["CiliumNetworkPolicy/n/a"],
        &[],
    );
    let half = CNP.replacen('{', r#"{"apiVersion":"cilium.io/v2","#, 1);
    check(&list("CiliumNetworkPolicyList", "cilium.io/v2", &half), &[], &[UnknownKind]);
    // Lists of unknown kinds, of other kinds, and without items.
    check(&list("CiliumNetworkPolicysList", "cilium.io/v2", CNP), &[], &[UnknownKind]);
    check(&list("CiliumNetworkPolicysList", "cilium.io/v2", ""), &[], &[UnknownKind]);
    check(&list("NetworkPolicyList", "networking.k8s.io/v2", NP), &[], &[UnknownKind]);
    check(&list("NetworkPolicyList", "projectcalico.org/v3", NP), &[], &[NotAPolicy]);
    check(&list("DeploymentList", "apps/v1", ""), &[], &[]);
    check(&list("CiliumNetworkPolicyList", "cilium.io/v2", ""), &[], &[]);
    check(
        r#"{"kind":"CiliumNetworkPolicyList","apiVersion":"cilium.io/v2","items":null}"#,
        &[],
        &[],
    );
    // Policies inside an object other than a List, and Lists nested too deep.
    check(&format!(r#"{{"items":[{own}]}}"#), &[], &[UnknownKind]);
    let deep = (0..5).fold(own.clone(), |items, _| list("List", "v1", &items));
    check(&deep, &[], &[Syntax]);
    let four = (0..4).fold(own, |items, _| list("List", "v1", &items));
    check(&four, &["CiliumNetworkPolicy/n/a"], &[]);
}

#[test]
fn lists_of_what_policies_refer_to_are_read() {
    let groups = list(
        "CiliumCIDRGroupList",
        "cilium.io/v2",
        r#"{"metadata":{"name":"g"},"spec":{"externalCIDRs":["10.0.0.0/8"]}}"#,
    );
    assert_eq!(read(&groups).groups.len(), 1);
    let services = list(
        "ServiceList",
        "v1",
        r#"{"metadata":{"name":"s","namespace":"n"},"spec":{"selector":{"app":"a"}}}"#,
    );
    let slices = list(
        "EndpointSliceList",
        "discovery.k8s.io/v1",
        r#"{"metadata":{"name":"s-1","namespace":"n","labels":{"kubernetes.io/service-name":"s"}},
            "ports":[{"port":80}],"endpoints":[{"addresses":["10.0.0.1"]}]}"#,
    );
    let documents = read(&format!("{services}\n{slices}"));
    let backends: Vec<_> = documents.services.iter().map(|own| own.backends.clone()).collect();
    assert_eq!(backends, [Some(vec!["10.0.0.1".parse().unwrap()])]);
    let pods = list(
        "PodList",
        "v1",
        r#"{"metadata":{"name":"p","namespace":"n"},"spec":{"containers":[{"ports":[{"name":"web","containerPort":80}]}]}}"#,
    );
    assert_eq!(read(&pods).pods.len(), 1);
    let nodes = list("NodeList", "v1", r#"{"metadata":{"name":"w","labels":{"a":"b"}}}"#);
    assert_eq!(read(&nodes).nodes.len(), 1);
}

/// With only `generateName`, the server makes the name, so no two policies are one object.
#[test]
fn names_may_be_left_to_the_server() {
    let generated = CNP.replace(r#""name":"a""#, r#""generateName":"a-""#);
    let twice =
        list("CiliumNetworkPolicyList", "cilium.io/v2", &format!("{generated},{generated}"));
    check(&twice, &["CiliumNetworkPolicy/n/a-…", "CiliumNetworkPolicy/n/a-…"], &[]);
    let documents = read(&twice);
    assert_eq!(documents.entries.len(), 2);
    assert!(documents.policies.iter().all(|policy| policy.is_generated));
    assert_eq!(documents.replaced, []);
    // A name beside it counts.
    let named = CNP.replace(r#""name":"a""#, r#""name":"a","generateName":"b-""#);
    let named = read(&list("CiliumNetworkPolicyList", "cilium.io/v2", &named));
    assert!(named.policies.iter().all(|policy| policy.name.name == "a" && !policy.is_generated));
    // The server validates it, and requires one of both.
    let refused = CNP.replace(r#""name":"a""#, r#""generateName":"A_""#);
    check(&list("CiliumNetworkPolicyList", "cilium.io/v2", &refused), &[], &[RefusalClass::Server]);
    let none = CNP.replace(r#""name":"a","#, "");
    check(&list("CiliumNetworkPolicyList", "cilium.io/v2", &none), &[], &[RefusalClass::Server]);
    // Cilium's parser alone requires a name.
    let settings = Settings { api_server: false, ..Settings::default() };
    let one = list("CiliumNetworkPolicyList", "cilium.io/v2", &generated);
    let documents = Documents::read(&[SourceText { index: 0, text: &one }], &settings);
    assert!(documents.policies.is_empty() && documents.refused.len() == 1);
}

#[test]
fn the_later_of_two_of_one_name_replaces_the_earlier() {
    let texts = [
        list("NetworkPolicyList", "networking.k8s.io/v1", NP),
        list("NetworkPolicyList", "networking.k8s.io/v1", &format!("{NP},{NP}")),
    ];
    let texts: Vec<SourceText<'_>> =
        texts.iter().enumerate().map(|(index, text)| SourceText { index, text }).collect();
    let documents = Documents::read(&texts, &Settings::default());
    let pairs: Vec<(usize, usize)> =
        documents.replaced.iter().map(|own| (own.policy.index(), own.by.index())).collect();
    assert_eq!(pairs, [(0, 1), (1, 2)]);
    let group = |address: &str| {
        list(
            "CiliumCIDRGroupList",
            "cilium.io/v2",
            &format!(r#"{{"metadata":{{"name":"g"}},"spec":{{"externalCIDRs":["{address}"]}}}}"#),
        )
    };
    let documents = read(&format!("{}\n{}", group("10.0.0.0/8"), group("20.0.0.0/8")));
    let prefixes: Vec<String> = documents
        .groups
        .iter()
        .flat_map(|group| group.prefixes.iter().map(ToString::to_string))
        .collect();
    assert_eq!(prefixes, ["20.0.0.0/8"]);
}
