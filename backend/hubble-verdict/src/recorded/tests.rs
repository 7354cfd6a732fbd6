use std::sync::Arc;

use cilium_policy::{Families, Settings, SourceText};
use flow::{
    CiliumEventType, Dns, DropReason, Endpoint, Flow, Ip, L7FlowType, L7Record, Layer4, Layer7,
    MessageType, Tcp, TraceObservationPoint, TrafficDirection, Udp, Verdict as FlowVerdict,
};

use super::*;

mod later;
mod thin;

const POLICY: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: front, namespace: pets}
spec:
  endpointSelector: {matchLabels: {app: front}}
  ingress:
  - fromEndpoints: []
  egress:
  - toEndpoints:
    - matchLabels: {k8s-app: kube-dns, 'k8s:io.kubernetes.pod.namespace': kube-system}
    toPorts:
    - ports: [{port: '53', protocol: ANY}]
      rules: {dns: [{matchPattern: '*.microsoft.com'}]}
  - toFQDNs: [{matchPattern: '*.microsoft.com'}]
    toPorts:
    - ports: [{port: '443', protocol: TCP}]
";

fn pod(namespace: &str, label: &str) -> Endpoint {
    Endpoint {
        identity: 1000,
        labels: vec![
            format!("k8s:{label}"),
            format!("k8s:io.kubernetes.pod.namespace={namespace}"),
            "k8s:io.cilium.k8s.policy.cluster=default".to_owned(),
        ],
        ..Endpoint::default()
    }
}

fn world() -> Endpoint {
    Endpoint { identity: 2, labels: vec!["reserved:world".to_owned()], ..Endpoint::default() }
}

fn tcp(source: Endpoint, destination: Endpoint, port: u16, direction: TrafficDirection) -> Flow {
    Flow {
        source: Some(source),
        destination: Some(destination),
        ip: Some(Ip {
            source: "10.0.0.9".to_owned(),
            destination: "20.1.1.1".to_owned(),
            ..Ip::default()
        }),
        l4: Some(Layer4::Tcp(Tcp { source_port: 40_000, destination_port: port, flags: None })),
        traffic_direction: direction,
        ..Flow::default()
    }
}

fn with_event(mut flow: Flow, kind: MessageType, verdict: FlowVerdict) -> Flow {
    flow.event_type = Some(CiliumEventType { message_type: kind, sub_type: 0 });
    flow.verdict = verdict;
    if verdict == FlowVerdict::Dropped {
        flow.drop_reason_desc = DropReason::POLICY_DENIED;
    }
    flow
}

fn judge(flows: &[Flow], flow: &Flow) -> (Judgement, String) {
    let text = SourceText { index: 0, text: POLICY };
    let set = Arc::new(PolicySet::read(&[text], Settings::default()));
    assert_eq!(set.refused(), &[]);
    let judgement =
        Judge::new(Arc::clone(&set)).explain_flow(flow, &Learned::from_flows(flows)).unwrap();
    let sentence = judgement.sentence(&set);
    (judgement, sentence)
}

#[test]
fn a_cut_ingress_names_the_empty_list() {
    let flow = with_event(
        tcp(world(), pod("pets", "app=front"), 8080, TrafficDirection::Ingress),
        MessageType::Drop,
        FlowVerdict::Dropped,
    );
    let (judgement, sentence) = judge(&[], &flow);
    assert_eq!(judgement.agreement, Agreement::Agrees);
    assert_eq!(
        sentence,
        "denied on ingress by default, which `CiliumNetworkPolicy/pets/front` turned on; nearest rule: ingress[0] (line 7): its list of peers is empty: it selects no peer"
    );
}

/// Rules that miss an address alike: the rule by addresses is the nearest.
#[test]
fn the_nearest_rule_to_an_address_is_one_of_addresses() {
    let text = "apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: front, namespace: pets}
spec:
  endpointSelector: {}
  ingress:
  - fromEntities: [health, cluster]
  - fromCIDR: [172.19.128.17/32]
";
    let sources = [SourceText { index: 0, text }];
    let judge = Judge::new(Arc::new(PolicySet::read(&sources, Settings::default())));
    let flow = with_event(
        tcp(world(), pod("pets", "app=front"), 8080, TrafficDirection::Ingress),
        MessageType::Drop,
        FlowVerdict::Dropped,
    );
    let ip = flow::Ip { source: "172.19.128.18".to_owned(), ..flow::Ip::default() };
    let flow = Flow { ip: Some(ip), ..flow };
    let judgement = judge.explain_flow(&flow, &Learned::default()).unwrap();
    let sentence = judgement.sentence(judge.set());
    assert!(sentence.contains("nearest rule: ingress[1] (line 8)"), "{sentence}");
}

#[test]
fn names_are_facts_that_may_be_missing() {
    let mut flow = with_event(
        tcp(pod("pets", "app=front"), world(), 443, TrafficDirection::Egress),
        MessageType::PolicyVerdict,
        FlowVerdict::Forwarded,
    );
    let (judgement, sentence) = judge(&[], &flow);
    assert_eq!(judgement.agreement, Agreement::CannotTell);
    assert_eq!(
        sentence,
        "cannot tell without knowing whether a name like `*.microsoft.com` led to the peer's address"
    );

    let mut answer = dns("www.microsoft.com.", FlowVerdict::Forwarded);
    if let Some(L7Record::Dns(dns)) = answer.l7.as_mut().and_then(|l7| l7.record.as_mut()) {
        dns.ips = vec!["20.1.1.1".to_owned()];
    }
    assert_eq!(judge(&[answer], &flow).0.agreement, Agreement::Agrees);

    flow.destination_names = vec!["api.github.com".to_owned()];
    assert_eq!(judge(&[], &flow).0.agreement, Agreement::Differs);
}

fn dns(query: &str, verdict: FlowVerdict) -> Flow {
    Flow {
        l4: Some(Layer4::Udp(Udp { source_port: 40_000, destination_port: 53 })),
        l7: Some(Layer7 {
            l7_type: L7FlowType::Request,
            record: Some(L7Record::Dns(Dns { query: query.to_owned(), ..Dns::default() })),
            ..Layer7::default()
        }),
        ..with_event(
            tcp(
                pod("pets", "app=front"),
                pod("kube-system", "k8s-app=kube-dns"),
                53,
                TrafficDirection::Egress,
            ),
            MessageType::L7,
            verdict,
        )
    }
}

#[test]
fn dns_is_judged_by_name() {
    let (judgement, sentence) = judge(&[], &dns("api.github.com.", FlowVerdict::Dropped));
    assert_eq!(judgement.agreement, Agreement::Agrees);
    assert_eq!(
        sentence,
        "refused by the proxy on egress: no L7 rule allows it, the nearest is `CiliumNetworkPolicy/pets/front` egress[0] (line 13)"
    );
    let (judgement, _) = judge(&[], &dns("www.microsoft.com.", FlowVerdict::Forwarded));
    assert_eq!((judgement.verdict, judgement.agreement), (Verdict::Allowed, Agreement::Agrees));
}

#[test]
fn a_403_proves_nothing_about_its_request() {
    let check = |l7_type: L7FlowType, code: u32, expect: Proof| {
        let mut flow = dns("", FlowVerdict::Forwarded);
        let url = "http://products:3002/".to_owned();
        let http = flow::Http { code, url, ..flow::Http::default() };
        let record = Some(L7Record::Http(http));
        flow.l7 = Some(Layer7 { l7_type, record, ..Layer7::default() });
        assert_eq!(judge(&[], &flow).0.observed.proof, expect, "{l7_type} {code}");
    };
    check(L7FlowType::Response, 403, Proof::Nothing);
    check(L7FlowType::Response, 200, Proof::Redirected);
    check(L7FlowType::Response, 503, Proof::Redirected);
    check(L7FlowType::Request, 0, Proof::Redirected);
}

#[test]
fn forwarded_on_a_trace_proves_one_side_at_most() {
    fn check(point: TraceObservationPoint, direction: TrafficDirection, expect: Proof) {
        let mut flow = with_event(
            tcp(pod("a", "app=x"), pod("b", "app=y"), 80, direction),
            MessageType::Trace,
            FlowVerdict::Forwarded,
        );
        flow.trace_observation_point = point;
        flow.is_reply = Some(false);
        assert_eq!(judge(&[], &flow).0.observed.proof, expect, "{point} {direction}");
    }
    check(TraceObservationPoint::FromEndpoint, TrafficDirection::Egress, Proof::Nothing);
    check(TraceObservationPoint::ToOverlay, TrafficDirection::Egress, Proof::Allowed);
    check(TraceObservationPoint::ToEndpoint, TrafficDirection::Ingress, Proof::Allowed);
    check(TraceObservationPoint::FromNetwork, TrafficDirection::Ingress, Proof::Nothing);
    check(TraceObservationPoint::ToProxy, TrafficDirection::Egress, Proof::Redirected);
}

#[test]
fn a_reply_is_judged_as_its_connection() {
    let mut flow = with_event(
        tcp(world(), pod("pets", "app=front"), 40_000, TrafficDirection::Egress),
        MessageType::Trace,
        FlowVerdict::Forwarded,
    );
    flow.is_reply = Some(true);
    let (judgement, _) = judge(&[], &flow);
    assert_eq!(judgement.connection.direction, Direction::Egress);
    assert!(!judgement.connection.is_subject_source);
    assert_eq!(judgement.agreement, Agreement::CannotTell);
}

#[test]
fn prepared_flows_get_the_answers_of_single_ones() {
    let mut flows = Vec::new();
    for port in [80, 443, 8080] {
        for direction in
            [TrafficDirection::Ingress, TrafficDirection::Egress, TrafficDirection::Unknown]
        {
            let flow = tcp(pod("pets", "app=front"), world(), port, direction);
            flows.push(with_event(
                flow.clone(),
                MessageType::PolicyVerdict,
                FlowVerdict::Forwarded,
            ));
            flows.push(with_event(flow, MessageType::Drop, FlowVerdict::Dropped));
        }
    }
    flows.push(dns("api.github.com.", FlowVerdict::Dropped));
    flows.push(dns("www.microsoft.com.", FlowVerdict::Forwarded));
    flows.extend(flows.clone());
    let text = SourceText { index: 0, text: POLICY };
    let judge = Judge::new(Arc::new(PolicySet::read(&[text], Settings::default())));
    let learned = Learned::from_flows(&flows);
    let prepared = Prepared::of(&flows, &learned, judge.set().settings());
    assert!(prepared.questions() <= flows.len() / 2);
    let single: Vec<_> = flows.iter().map(|flow| judge.judge_flow(flow, &learned)).collect();
    assert_eq!(prepared.judge(&judge), single);
    // Rows with the same questions as these flows, in any order; flow 1,000 does not exist.
    let rows = [5, 0, 5, 1_000].map(|index| (index, None, 2));
    let spread = prepared.spread(rows);
    assert_eq!(spread.len(), 4);
    assert_eq!(spread.stands_for(3), 2);
    let expected = [single[5], single[0], single[5], Err(Unjudged::NoEndpoints)];
    assert_eq!(spread.judge(&judge), expected);
}

#[test]
fn the_cluster_is_named_by_most_endpoints_by_label_or_by_name() {
    let named = |name: &str| Endpoint { cluster_name: name.to_owned(), ..Endpoint::default() };
    let check = |endpoints: Vec<Endpoint>, expected: &str| {
        let flow = |source| Flow { source: Some(source), ..Flow::default() };
        let flows: Vec<Flow> = endpoints.into_iter().map(flow).collect();
        assert_eq!(settings_from(&flows, Settings::default()).cluster_name, expected);
    };
    check(vec![], "default");
    check(vec![world(), named("")], "default");
    // Labels may be filtered out; the name stays.
    check(vec![named("kind")], "kind");
    check(vec![named("kind"), named("other"), named("kind")], "kind");
    let labelled = Endpoint { cluster_name: "kind".to_owned(), ..pod("pets", "app=a") };
    check(vec![labelled], "default");
}

#[test]
fn families_are_those_that_the_labels_of_the_world_tell() {
    let check = |endpoints: &[(&str, &str)], expected: (bool, bool, Families)| {
        let flow = |(label, address): &(&str, &str)| Flow {
            source: Some(Endpoint { labels: vec![(*label).to_owned()], ..Endpoint::default() }),
            ip: Some(Ip { source: (*address).to_owned(), ..Ip::default() }),
            ..Flow::default()
        };
        let flows: Vec<Flow> = endpoints.iter().map(flow).collect();
        let settings = settings_from(&flows, Settings::default());
        assert_eq!((settings.ipv4, settings.ipv6, settings.families), expected, "{endpoints:?}");
    };
    let (plain, four, six) = ("reserved:world", "reserved:world-ipv4", "reserved:world-ipv6");
    check(&[], (true, false, Families::Assumed));
    // Pods and nodes show no family, and neither does an address that is not recorded.
    check(
        &[("k8s:app=a", "fd00::1"), ("reserved:host", "fd00::2")],
        (true, false, Families::Assumed),
    );
    check(&[(plain, "")], (true, false, Families::Assumed));
    check(&[(plain, "192.0.2.1")], (true, false, Families::Shown));
    check(&[(plain, "2001:db8::1")], (false, true, Families::Shown));
    check(&[(six, "2001:db8::1")], (true, true, Families::Shown));
    check(&[(four, "192.0.2.1"), (six, "2001:db8::1")], (true, true, Families::Shown));
    check(&[(plain, "192.0.2.1"), (plain, "2001:db8::1")], (true, true, Families::Contradictory));
    check(&[(plain, "192.0.2.1"), (four, "192.0.2.1")], (true, true, Families::Contradictory));
}

#[test]
fn a_pass_makes_the_default_deny_an_entry() {
    const PASS: &str = "---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: pass}
spec:
  tier: Admin
  priority: 1
  subject: {namespaces: {}}
  ingress:
  - {action: Pass, from: [{namespaces: {matchLabels: {team: other}}}]}
";
    let agreement = |with: &str, reason: DropReason| {
        let text = format!("{POLICY}{with}");
        let set = PolicySet::read(&[SourceText { index: 0, text: &text }], Settings::default());
        assert_eq!(set.refused(), &[]);
        let mut flow = with_event(
            tcp(world(), pod("pets", "app=front"), 8080, TrafficDirection::Ingress),
            MessageType::Drop,
            FlowVerdict::Dropped,
        );
        flow.drop_reason_desc = reason;
        let judge = Judge::new(Arc::new(set));
        let learned = Learned::default();
        let agreement = judge.judge_flow(&flow, &learned).unwrap().agreement;
        assert_eq!(judge.explain_flow(&flow, &learned).unwrap().agreement, agreement);
        agreement
    };
    assert_eq!(agreement("", DropReason::POLICY_DENIED), Agreement::Agrees);
    assert_eq!(agreement("", DropReason::POLICY_DENY), Agreement::Differs);
    assert_eq!(agreement(PASS, DropReason::POLICY_DENY), Agreement::Agrees);
    assert_eq!(agreement(PASS, DropReason::POLICY_DENIED), Agreement::Differs);
}

#[test]
fn pods_at_hand_name_their_ports() {
    const NAMED: &str = "---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: back, namespace: pets}
spec:
  endpointSelector: {matchLabels: {app: back}}
  ingress:
  - toPorts: [{ports: [{port: web}]}]
  egress:
  - toEndpoints: [{matchLabels: {app: store}}]
    toPorts: [{ports: [{port: web}]}]
";
    const WORKLOADS: &str = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: back, namespace: pets}
spec:
  template:
    metadata: {labels: {app: back, pod-template-hash: x}}
    spec: {containers: [{name: c, ports: [{name: web, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: store-0, namespace: pets, labels: {app: store}}
spec: {containers: [{name: c, ports: [{name: web, containerPort: 9090}, {containerPort: 1}]}]}
status: {podIP: 10.0.0.7}
";
    let under = |settings: Settings, with: &str, direction: TrafficDirection, port: u16| {
        let text = format!("{NAMED}{with}");
        let set = PolicySet::read(&[SourceText { index: 0, text: &text }], settings);
        let (front, back) = (pod("pets", "app=front"), pod("pets", "app=back"));
        let (source, destination) = match direction {
            TrafficDirection::Ingress => (front, back),
            _ => (back, pod("pets", "app=store")),
        };
        let flow = with_event(
            tcp(source, destination, port, direction),
            MessageType::PolicyVerdict,
            FlowVerdict::Forwarded,
        );
        let judge = Judge::new(Arc::new(set));
        let learned = Learned::default();
        let agreement = judge.judge_flow(&flow, &learned).unwrap().agreement;
        assert_eq!(judge.explain_flow(&flow, &learned).unwrap().agreement, agreement);
        agreement
    };
    let agreement = |with: &str, direction: TrafficDirection, port: u16| {
        under(Settings::default(), with, direction, port)
    };
    for direction in [TrafficDirection::Ingress, TrafficDirection::Egress] {
        assert_eq!(agreement("", direction, 8080), Agreement::CannotTell);
    }
    assert_eq!(agreement(WORKLOADS, TrafficDirection::Ingress, 8080), Agreement::Agrees);
    assert_eq!(agreement(WORKLOADS, TrafficDirection::Ingress, 9090), Agreement::Differs);
    assert_eq!(agreement(WORKLOADS, TrafficDirection::Egress, 9090), Agreement::Agrees);
    assert_eq!(agreement(WORKLOADS, TrafficDirection::Egress, 8080), Agreement::Differs);
    // Agents before 1.20 look a named port up among all pods, and drop a name with two numbers.
    let older = |with: &str, direction: TrafficDirection, port: u16| {
        let mut settings = Settings::default();
        assert!(settings.set("cilium-release", "1.19"));
        under(settings, with, direction, port)
    };
    let alike = WORKLOADS.replace("containerPort: 9090", "containerPort: 8080");
    assert_eq!(older(WORKLOADS, TrafficDirection::Ingress, 8080), Agreement::Agrees);
    assert_eq!(older(WORKLOADS, TrafficDirection::Egress, 9090), Agreement::Differs);
    assert_eq!(older(&alike, TrafficDirection::Egress, 8080), Agreement::Agrees);
    assert_eq!(older("", TrafficDirection::Egress, 8080), Agreement::CannotTell);
    // Another pod with these labels and other port names: which of the two is meant is not known.
    let two = WORKLOADS.to_owned() + &WORKLOADS.replace("containerPort: 9090", "containerPort: 7");
    let two = two.replace("status: {podIP: 10.0.0.7}", "");
    assert_eq!(agreement(&two, TrafficDirection::Egress, 9090), Agreement::CannotTell);
}

#[test]
fn a_name_that_a_server_made_is_that_of_its_document() {
    let check = |name: &str, hubble: &str, expect| {
        let kind = cilium_policy::PolicyKind::CiliumNetworkPolicy;
        let own = PolicyName { kind, namespace: "pets".to_owned(), name: name.to_owned() };
        let label = PolicyLabel {
            kind: String::new(),
            namespace: "pets".to_owned(),
            name: hubble.to_owned(),
        };
        assert_eq!(label.is(&own), expect, "{name} {hubble}");
    };
    check("deny-…", "deny-x7k2p", true);
    check("deny-…", "deny-x7k2", false);
    check("deny-…", "deny-x7k2pq", false);
    check("deny-…", "deny-X7K2P", false);
    check("deny-…", "allow-x7k2p", false);
    check("deny-", "deny-x7k2p", false);
    check("deny-x7k2p", "deny-x7k2p", true);
}
