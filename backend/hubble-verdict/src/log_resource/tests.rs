use cilium_policy::LogFilters;
use flow::{Dns, Endpoint, Flow, Ip, L7FlowType, L7Record, Layer4, Layer7, Tcp, Udp, Verdict};

use super::*;

const LAB: &str = include_str!("../../../../tests/vectors/policies-lab/container-network-log.yaml");

fn pod(namespace: &str, name: &str) -> Endpoint {
    Endpoint {
        namespace: namespace.to_owned(),
        pod_name: name.to_owned(),
        labels: vec![
            format!("k8s:app={}", name.split('-').next().unwrap_or_default()),
            format!("k8s:io.kubernetes.pod.namespace={namespace}"),
        ],
        ..Endpoint::default()
    }
}

fn tcp(from: Endpoint, to: Endpoint, verdict: Verdict) -> Flow {
    Flow {
        source: Some(from),
        destination: Some(to),
        verdict,
        l4: Some(Layer4::Tcp(Tcp { source_port: 4, destination_port: 80, flags: None })),
        ip: Some(Ip {
            source: "10.0.0.1".to_owned(),
            destination: "20.1.1.1".to_owned(),
            ..Ip::default()
        }),
        ..Flow::default()
    }
}

fn dns(flow: Flow) -> Flow {
    Flow {
        l4: Some(Layer4::Udp(Udp { source_port: 4, destination_port: 53 })),
        l7: Some(Layer7 {
            l7_type: L7FlowType::Request,
            record: Some(L7Record::Dns(Dns::default())),
            ..Layer7::default()
        }),
        ..flow
    }
}

fn check(text: &str, flow: &Flow, expect: Option<&str>) {
    let resources = LogFilters::read(0, text);
    assert_eq!(resources.refused, []);
    let first = resources.filters.iter().find(|filter| is_logged(filter, flow));
    assert_eq!(first.map(|own| own.name.as_str()), expect, "{text}\n{flow:?}");
}

/// A resource with one filter.
fn one(filter: &str) -> String {
    format!(
        "apiVersion: acn.azure.com/v1alpha1\nkind: ContainerNetworkLog\nmetadata: {{name: r}}\nspec: {{includefilters: [{{name: only, {filter}}}]}}\n"
    )
}

#[test]
fn the_labs_resource_logs_the_four_workloads() {
    let front = || pod("pets", "store-front-7d4f");
    let stranger = || pod("other", "store-front-7d4f");
    check(LAB, &tcp(front(), stranger(), Verdict::Dropped), Some("egress"));
    check(LAB, &dns(tcp(front(), stranger(), Verdict::Forwarded)), Some("egress"));
    check(LAB, &tcp(stranger(), front(), Verdict::Dropped), Some("ingress"));
    // A StatefulSet's pod name has no dash after the prefix.
    check(LAB, &tcp(pod("pets", "rabbitmq-0"), stranger(), Verdict::Forwarded), Some("egress"));
    check(LAB, &tcp(stranger(), stranger(), Verdict::Dropped), None);
    check(LAB, &tcp(pod("pets", "virtual-customer-1"), stranger(), Verdict::Dropped), None);
    // Neither forwarded nor dropped.
    check(LAB, &tcp(front(), stranger(), Verdict::Audit), None);
    let icmp = Flow { l4: None, ..tcp(stranger(), front(), Verdict::Forwarded) };
    check(LAB, &icmp, None);
}

#[test]
fn what_a_filter_says_is_compared() {
    let flow = tcp(pod("a", "x-1"), pod("b", "y-1"), Verdict::Forwarded);
    let logged = Some("only");
    check(&one("from: {labelSelector: {matchLabels: {app: x}}}"), &flow, logged);
    check(&one("from: {labelSelector: {matchLabels: {app: y}}}"), &flow, None);
    let not = "{matchExpressions: [{key: app, operator: NotIn, values: [x]}]}";
    check(&one(&format!("from: {{labelSelector: {not}}}")), &flow, None);
    check(&one(&format!("to: {{labelSelector: {not}}}")), &flow, logged);
    check(&one("to: {ip: [20.1.0.0/16]}"), &flow, logged);
    check(&one("to: {ip: [20.1.1.2, 10.0.0.0/8]}"), &flow, None);
    check(&one("from: {namespacedPod: [a/]}"), &flow, logged);
    check(&one("from: {namespacedPod: [x]}"), &flow, None);
    check(&one("verdict: [dropped]"), &flow, None);
    check(&one("protocol: [UDP]"), &flow, None);
    check(&one("protocol: [TCP]"), &flow, logged);
    check("kind: Pod\n", &flow, None);
}

#[test]
fn what_a_resource_cannot_be_is_refused() {
    fn check(text: &str, expect: &str) {
        let resources = LogFilters::read(0, text);
        assert_eq!(resources.filters, []);
        let refusal = &resources.refused[0].refusal;
        assert!(refusal.reason.contains(expect), "{refusal}");
    }
    check("kind: ContainerNetworkLog\nspec: {includefilters: []}\n", "at least one filter");
    check("kind: ContainerNetworkLog\n", "at least one filter");
    check(&one("protocol: [icmp]"), "`icmp` is not one of tcp, udp, dns");
    check(&one("verdict: [audit]"), "`audit` is not one of forwarded, dropped");
    check(&one("to: {ip: [nowhere]}"), "is not a CIDR");
    check(&one("pod: x"), "unknown field \"pod\"");
}
