//! Records that lack some of what policy saw.

use flow::{Policy, Service};

use super::*;

const THIN: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: till, namespace: bakery}
spec:
  endpointSelector: {matchLabels: {app: till}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: oven}}]
  egress:
  - toFQDNs: [{matchName: pay.example}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: mixer, namespace: bakery}
spec:
  podSelector: {matchLabels: {app: mixer}}
  ingress:
  - from: [{namespaceSelector: {matchLabels: {tenant: north}}}]
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: control-plane}
spec:
  nodeSelector: {matchLabels: {role: control-plane}}
  ingress:
  - fromEntities: [remote-node]
";

fn endpoint(namespace: &str, labels: &[&str]) -> Endpoint {
    Endpoint {
        namespace: namespace.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        ..Endpoint::default()
    }
}

fn said(flow: &Flow, settings: Settings) -> String {
    let set = Arc::new(PolicySet::read(&[SourceText { index: 0, text: THIN }], settings));
    assert_eq!(set.refused(), &[]);
    let learned = Learned::default();
    let judged = Judge::new(Arc::clone(&set)).judge_flow(flow, &learned);
    match Judge::new(Arc::clone(&set)).explain_flow(flow, &learned) {
        Err(why) => why.to_string(),
        Ok(judgement) => {
            let summary = judged.unwrap();
            assert_eq!(summary.verdict, judgement.verdict);
            assert_eq!(summary.agreement, judgement.agreement);
            format!("{}: {}", judgement.agreement.name(), judgement.sentence(&set))
        }
    }
}

#[track_caller]
fn check(flow: &Flow, expected: &str) {
    let said = said(flow, Settings::default());
    assert!(said.starts_with(expected), "{said}");
}

fn delivered(from: Endpoint, to: Endpoint) -> Flow {
    let flow = tcp(from, to, 80, TrafficDirection::Ingress);
    Flow {
        trace_observation_point: TraceObservationPoint::ToEndpoint,
        ..with_event(flow, MessageType::Trace, FlowVerdict::Forwarded)
    }
}

fn dropped(flow: Flow) -> Flow {
    with_event(flow, MessageType::Drop, FlowVerdict::Dropped)
}

const TILL: [&str; 3] = [
    "k8s:app=till",
    "k8s:io.kubernetes.pod.namespace=bakery",
    "k8s:io.cilium.k8s.policy.cluster=default",
];

#[test]
fn labels_without_a_source_are_those_of_a_pod() {
    let retina = |app: &str| endpoint("bakery", &[app, "pod-template-hash=7c9d5b6f4"]);
    check(&delivered(retina("app=oven"), retina("app=till")), "agrees: allowed on ingress by");
    check(
        &delivered(retina("app=mixer"), retina("app=till")),
        "differs: denied on ingress by default",
    );
    // Of another namespace, and of an unknown one.
    let elsewhere = endpoint("street", &["app=oven"]);
    check(&delivered(elsewhere, retina("app=till")), "differs: denied on ingress by default");
    let nowhere = endpoint("", &["app=oven"]);
    check(
        &delivered(nowhere.clone(), retina("app=till")),
        "cannot tell: cannot tell without knowing the labels of the peer",
    );
    check(
        &delivered(retina("app=till"), nowhere.clone()),
        "agrees: allowed: no policy is about this endpoint",
    );
    let unnamed = endpoint("", &["app=till"]);
    check(
        &delivered(retina("app=oven"), unnamed),
        "cannot tell: cannot tell without knowing the labels of the subject",
    );
    // Labels of the namespace were not recorded.
    check(
        &delivered(retina("app=oven"), retina("app=mixer")),
        "cannot tell: cannot tell without knowing the labels of the peer",
    );
}

#[test]
fn the_namespace_is_the_records_own() {
    let label = "k8s:app=till";
    let policy = |namespace: &str| Policy {
        name: "till".to_owned(),
        namespace: namespace.to_owned(),
        ..Policy::default()
    };
    let till = |namespace| endpoint(namespace, &[label]);
    let refused = |till| dropped(tcp(till, pod("bakery", "app=x"), 80, TrafficDirection::Egress));
    check(&refused(till("bakery")), "agrees: denied on egress by default");
    check(&refused(till("")), "cannot tell: cannot tell without knowing the labels of the subject");
    let named = Flow { egress_denied_by: vec![policy("bakery")], ..refused(till("")) };
    check(&named, "agrees: denied on egress by default");
    // A policy of the other direction shows nothing about this one.
    let other = Flow { ingress_denied_by: vec![policy("bakery")], ..refused(till("")) };
    check(&other, "cannot tell: cannot tell without knowing the labels of the subject");
    // The label takes precedence over the field.
    let both = endpoint("street", &TILL);
    check(&refused(both), "agrees: denied on egress by default");
}

#[test]
fn the_direction_is_that_of_the_policies_that_are_named() {
    let till = || endpoint("bakery", &TILL);
    let flow = || dropped(tcp(pod("bakery", "app=x"), till(), 80, TrafficDirection::Unknown));
    let policy = || vec![Policy { name: "till".to_owned(), ..Policy::default() }];
    check(&flow(), "the record has no traffic direction");
    check(&Flow { ingress_denied_by: policy(), ..flow() }, "agrees: denied on ingress");
    let both = Flow { egress_allowed_by: policy(), ingress_denied_by: policy(), ..flow() };
    check(&both, "the record has no traffic direction");
}

#[test]
fn the_identity_of_the_peer_is_unknown() {
    let till = || endpoint("bakery", &TILL);
    for unknown in [endpoint("", &["reserved:unknown"]), Endpoint::default()] {
        check(
            &delivered(unknown, till()),
            "cannot tell: cannot tell without knowing the labels of the peer",
        );
    }
    let open = pod("street", "app=open");
    check(
        &delivered(Endpoint::default(), open),
        "agrees: allowed: no policy is about this endpoint",
    );
}

#[test]
fn nodes_are_subjects_where_the_host_firewall_is_on() {
    let node = || endpoint("", &["reserved:host"]);
    let to_node = |from| {
        let flow = tcp(from, node(), 22, TrafficDirection::Ingress);
        with_event(flow, MessageType::PolicyVerdict, FlowVerdict::Dropped)
    };
    let flow = to_node(world());
    check(&flow, "cannot tell: allowed: policies are not enforced at nodes");
    let settings = Settings { host_firewall: true, ..Settings::default() };
    let with = |flow: &Flow| said(flow, settings.clone());
    assert_eq!(with(&flow), "cannot tell: cannot tell without knowing the labels of the node");
    let labelled = |label: &str| Flow { node_labels: vec![label.to_owned()], ..flow.clone() };
    assert!(
        with(&labelled("role=control-plane")).starts_with("agrees: denied on ingress by default")
    );
    assert!(with(&labelled("role=worker")).starts_with("differs: allowed: no policy is about"));
    // As a peer, it is the node alone.
    let till = || endpoint("bakery", &TILL);
    let from_node = Flow { node_labels: vec!["app=oven".to_owned()], ..delivered(node(), till()) };
    check(&from_node, "agrees: allowed: a node may reach its own pods");
}

#[test]
fn a_name_that_led_to_nothing() {
    let to = |labels: &[&str]| {
        dropped(tcp(endpoint("bakery", &TILL), endpoint("", labels), 443, TrafficDirection::Egress))
    };
    let unknown = "cannot tell: cannot tell without knowing whether a name like `pay.example`";
    check(&to(&["reserved:world"]), "agrees: denied on egress by default");
    check(&to(&["fqdn:other.example", "reserved:world"]), "agrees: denied on egress by default");
    // Before 1.16 a name led to the identity of an address.
    check(&to(&["cidr:20.1.1.1/32", "reserved:world"]), unknown);
    // This policy did not judge a flow that passed.
    let passed = FlowVerdict::Forwarded;
    check(&with_event(to(&["reserved:world"]), MessageType::PolicyVerdict, passed), unknown);
}

#[test]
fn the_address_of_a_service_is_said_to_be_one() {
    let service = Some(Service { name: "shop".to_owned(), namespace: "street".to_owned() });
    let flow = dropped(tcp(endpoint("bakery", &TILL), world(), 80, TrafficDirection::Egress));
    let said = said(&Flow { destination_service: service, ..flow.clone() }, Settings::default());
    assert!(said.contains("the address is that of the Service `street/shop`"), "{said}");
    check(&flow, "agrees: denied on egress by default");
}

#[test]
fn what_hubble_was_told_to_hide_is_not_known() {
    let policy = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: till, namespace: bakery}
spec:
  endpointSelector: {matchLabels: {app: till}}
  ingress:
  - fromEndpoints: [{}]
    toPorts:
    - ports: [{port: '80', protocol: TCP}]
      rules:
        http:
        - {method: GET, headers: ['X-Token: loaf']}
        - {method: PUT, host: till\\.bakery}
        - {method: POST, headers: ['X-Token']}
";
    let check = |method: &str, url: &str, header: Option<&str>, expected| {
        let header = header
            .map(|value| flow::HttpHeader { key: "x-token".to_owned(), value: value.to_owned() });
        let record = L7Record::Http(flow::Http {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: header.into_iter().collect(),
            ..flow::Http::default()
        });
        let l7 = Layer7 { l7_type: L7FlowType::Request, record: Some(record), ..Layer7::default() };
        let flow =
            Flow { l7: Some(l7), ..delivered(pod("bakery", "app=x"), pod("bakery", "app=till")) };
        let text = SourceText { index: 0, text: policy };
        let set = PolicySet::read(&[text], Settings::default());
        assert_eq!(set.refused(), &[]);
        let summary = Judge::new(Arc::new(set)).judge_flow(&flow, &Learned::default()).unwrap();
        assert_eq!(summary.verdict, expected, "{method} {url} {flow:?}");
    };
    check("GET", "http://till/", Some("loaf"), Verdict::Allowed);
    check("GET", "http://till/", Some("bun"), Verdict::Denied);
    check("GET", "http://till/", Some("HUBBLE_REDACTED"), Verdict::CannotTell);
    check("GET", "http://till/", None, Verdict::CannotTell);
    check("POST", "http://till/", Some("HUBBLE_REDACTED"), Verdict::Allowed);
    check("PUT", "http://till.bakery/", None, Verdict::Allowed);
    check("PUT", "http://baker@till.bakery/a", None, Verdict::Allowed);
    check("PUT", "http://baker:HUBBLE_REDACTED@till.bakery?a=@b", None, Verdict::Allowed);
    check("PUT", "http://till.bakery@other/", None, Verdict::Denied);
}
