//! Endpoints of the agent itself, which only clusterwide policies select, and resolvers.

use super::*;

const CLOSED_TO_ALL: &str = "\
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: shut}
spec:
  endpointSelector: {}
  ingress: [{}]
  egress: [{}]
";

fn reserved(name: &str) -> Endpoint {
    Endpoint { labels: vec![format!("reserved:{name}")], ..Endpoint::default() }
}

#[test]
fn endpoints_of_the_agent_get_a_clusterwide_policy() {
    let probe = tcp(reserved("remote-node"), reserved("health"), 4240, TrafficDirection::Ingress);
    let gate = tcp(reserved("ingress"), pod("pets", "app=b"), 80, TrafficDirection::Egress);
    let ip = Ip { source: "20.1.1.9".to_owned(), ..Ip::default() };
    let visit = tcp(reserved("world"), reserved("ingress"), 443, TrafficDirection::Ingress);
    let flows = [probe, gate, Flow { ip: Some(ip), ..visit }];
    let suggestion = suggested(CLOSED_TO_ALL, &flows, &[0, 1, 2]);
    assert_eq!(suggestion.fixed, [0, 1, 2], "{:?}", suggestion.unfixed);
    insta::assert_snapshot!(suggestion.yaml);
    // No endpoint policy selects another node.
    let of_node = |own: &&String| own.contains("egress of remote-node");
    assert_eq!(suggestion.still_denied.iter().find(of_node), None);
    // A policy that selects exactly this endpoint is extended.
    let own = "\
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: gate}
spec:
  endpointSelector:
    matchExpressions: [{key: 'reserved:ingress', operator: Exists}]
  egress:
  - toEntities: [health]
";
    let suggestion = suggested(&format!("{CLOSED_TO_ALL}{own}"), &flows, &[1]);
    assert_eq!(suggestion.fixed, [1], "{:?}", suggestion.unfixed);
    assert_eq!(suggestion.edits[0].policy, "CiliumClusterwideNetworkPolicy//gate");
    // Policies of nodes are left alone.
    let nodes = CLOSED_TO_ALL.replace("endpointSelector", "nodeSelector");
    let to_host = tcp(pod("pets", "app=b"), reserved("host"), 22, TrafficDirection::Ingress);
    let settings = Settings { host_firewall: true, ..Settings::default() };
    let suggestion = suggest(&[SourceText { index: 0, text: &nodes }], &settings, &[to_host], &[0]);
    assert!(suggestion.fixed.is_empty());
}

#[test]
fn a_resolver_asks_on_behalf_of_others() {
    let upstream = |label: &str| {
        let udp = Layer4::Udp(Udp { source_port: 4, destination_port: 53 });
        let ip = Ip { destination: "20.1.1.2".to_owned(), ..Ip::default() };
        let from = pod("kube-system", label);
        let flow = tcp(from, reserved("world"), 53, TrafficDirection::Egress);
        Flow { l4: Some(udp), ip: Some(ip), ..flow }
    };
    let check = |flows: &[Flow], count: usize| {
        let suggestion = suggested(CLOSED_TO_ALL, flows, &[0]);
        assert_eq!(suggestion.fixed, [0], "{:?}", suggestion.unfixed);
        let lookups = suggestion.still_denied.iter().filter(|own| own.contains("look up"));
        assert_eq!(lookups.count(), count, "{:?}", suggestion.still_denied);
    };
    check(&[upstream("k8s-app=kube-dns")], 0);
    check(&[upstream("k8s-app=node-local-dns")], 0);
    check(&[upstream("app=cache")], 1);
    let asked = Flow { destination: Some(pod("kube-system", "app=cache")), l7: None, ..query("") };
    check(&[upstream("app=cache"), asked], 0);
}
