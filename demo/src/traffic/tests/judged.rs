//! Tests that judge the flows by the policies of their own act and of other acts.

use std::collections::BTreeMap;

use cilium_policy::{Dates, Settings, SourceText};
use hubble_verdict::{Agreement, Review, settings_from};

use super::*;

/// The manifests of an act.
fn texts_of(scenario: Scenario) -> Vec<SourceText<'static>> {
    let manifests = scenario.manifests().iter().enumerate();
    manifests.map(|(index, manifest)| SourceText { index, text: manifest.text }).collect()
}

/// Manifests, compiled as for records of an unknown cluster.
fn review_of<'r>(texts: &'r [SourceText<'r>], flows: &'r [Flow]) -> Review<'r> {
    let mut settings = settings_from(flows, Settings::default());
    assert!(settings.set("namespace", "pets"));
    let review = Review::under(texts, settings, &Dates::default(), flows);
    assert_eq!(review.set().refused(), &[]);
    review
}

/// Flows by agreement.
fn agreements(flows: &[Flow], scenario: Scenario) -> BTreeMap<&'static str, usize> {
    let texts = texts_of(scenario);
    let review = review_of(&texts, flows);
    let mut counts = BTreeMap::new();
    for answer in review.summaries() {
        let name = answer.map_or("not judged", |summary| summary.agreement.name());
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[test]
fn the_policies_of_an_act_explain_its_flows() {
    for scenario in Scenario::ALL {
        let flows = flows(scenario, 6);
        let counts = agreements(&flows, scenario);
        assert_eq!(counts.get("differs"), None, "{scenario}: {counts:?}");
        assert!(counts.get("agrees") > Some(&4_000), "{scenario}: {counts:?}");
        for other in Scenario::ALL.into_iter().filter(|other| *other != scenario) {
            let counts = agreements(&flows, other);
            assert!(counts.contains_key("differs"), "{scenario} under {other}: {counts:?}");
        }
    }
}

/// A kind of flow and its expected explanation.
struct FlowCase {
    what: &'static str,
    about: fn(&Flow) -> bool,
    /// The whole text, or the text before its end.
    sentence: &'static str,
    agreement: Agreement,
}

fn check(scenario: Scenario, rows: &[FlowCase]) {
    let flows = flows(scenario, 25);
    let texts = texts_of(scenario);
    let review = review_of(&texts, &flows);
    for row in rows {
        let mut found = 0;
        for flow in flows.iter().filter(|flow| (row.about)(flow)) {
            let Ok(judgement) = review.explain(flow) else { continue };
            let sentence = judgement.sentence(review.set());
            let what = row.what;
            assert!(
                sentence.starts_with(row.sentence),
                "{scenario}: {what}: {sentence}\n{flow:#?}"
            );
            assert_eq!(judgement.agreement, row.agreement, "{scenario}: {what}: {flow:#?}");
            // Hubble names policies only in policy verdicts, and there only deciding ones.
            let is_named = !judgement.hubble.is_empty();
            let is_verdict = message_type(flow) == MessageType::PolicyVerdict;
            assert!(is_verdict || !is_named, "{scenario}: {what}: {flow:#?}");
            assert_ne!(judgement.attribution, Some(false), "{scenario}: {what}: {flow:#?}");
            found += 1;
        }
        assert!(found > 0, "{scenario}: {}: no such flow", row.what);
    }
}

fn is_from(flow: &Flow, name: &str) -> bool {
    workload(flow, true) == name && flow.is_reply != Some(true)
}

fn is_pair(flow: &Flow, from: &str, to: &str, direction: TrafficDirection) -> bool {
    is_from(flow, from) && workload(flow, false) == to && flow.traffic_direction == direction
}

fn asks_for(flow: &Flow, name: &str) -> bool {
    query(flow) == Some(name) && flow.is_reply == Some(false)
}

#[test]
fn act_0_has_no_policy() {
    check(
        Scenario::Open,
        &[FlowCase {
            what: "customers get in",
            about: |flow| {
                from_world_to_store_front(flow)
                    && flow.traffic_direction == TrafficDirection::Ingress
            },
            sentence: "allowed: no policy is about this endpoint on ingress",
            agreement: Agreement::Agrees,
        }],
    );
}

#[test]
fn act_1_says_which_rule_is_nearest() {
    check(
        Scenario::Policies,
        &[
            FlowCase {
                what: "order-service may not ask DNS",
                about: |flow| is_pair(flow, "order-service", "coredns", TrafficDirection::Egress),
                sentence: "denied on egress by default, which `CiliumNetworkPolicy/pets/allow-order-service-traffic` turned on; none of its egress rules names this peer or this port",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "the queue knows no make line",
                about: |flow| {
                    is_pair(flow, "makeline-service", "rabbitmq", TrafficDirection::Ingress)
                },
                sentence: "denied on ingress by default, which `CiliumNetworkPolicy/pets/allow-rabbitmq-traffic` turned on; nearest rule: ingress[0] (line 13): port matches, peer does not: it wants `any:app=order-service`, the peer has `makeline-service`",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "customers get in",
                about: |flow| {
                    from_world_to_store_front(flow)
                        && flow.traffic_direction == TrafficDirection::Ingress
                },
                sentence: "allowed on ingress by `CiliumNetworkPolicy/pets/allow-store-front-traffic` ingress[0] (line 13)",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "the kubelet does, too",
                about: |flow| {
                    flow.source.as_ref().is_some_and(|source| source.identity == 1)
                        && workload(flow, false) == "store-front"
                },
                sentence: "allowed: a node may reach its own pods",
                agreement: Agreement::Agrees,
            },
        ],
    );
}

#[test]
fn act_2_follows_a_name_to_its_connection() {
    check(
        Scenario::Fqdn,
        &[
            FlowCase {
                what: "the name is queried",
                about: |flow| asks_for(flow, "graph.microsoft.com"),
                sentence: "allowed on egress by the proxy: `CiliumNetworkPolicy/pets/allow-order-service-traffic` egress[0] (line 30)",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "its address is connected to",
                about: |flow| {
                    destination_ip(flow) == "20.190.152.88"
                        && flow.traffic_direction == TrafficDirection::Egress
                },
                sentence: "allowed on egress by `CiliumNetworkPolicy/pets/allow-order-service-traffic` egress[1] (line 35)",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "www.bing.com is refused",
                about: |flow| asks_for(flow, "www.bing.com"),
                sentence: "refused by the proxy on egress: no L7 rule allows it, the nearest is `CiliumNetworkPolicy/pets/allow-order-service-traffic` egress[0]",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "product-service is refused by name",
                about: |flow| asks_for(flow, "product-service.pets.svc.cluster.local"),
                sentence: "refused by the proxy on egress: no L7 rule allows it",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "the queue's port went with the policy before",
                about: |flow| {
                    is_pair(flow, "order-service", "rabbitmq", TrafficDirection::Egress)
                        && destination_port(flow) == 5672
                },
                sentence: "denied on egress by default, which `CiliumNetworkPolicy/pets/allow-order-service-traffic` turned on; nearest rule: egress[0] (line 25): peer matches, port 53/UDP does not: the flow goes to 5672/TCP",
                agreement: Agreement::Agrees,
            },
        ],
    );
}

#[test]
fn act_3_names_the_empty_list() {
    check(
        Scenario::Chaos,
        &[FlowCase {
            what: "customers are cut off",
            about: from_world_to_store_front,
            sentence: "denied on ingress by default, which `CiliumNetworkPolicy/pets/allow-store-front-traffic` turned on; nearest rule: ingress[0] (line 15): its list of peers is empty: it selects no peer",
            agreement: Agreement::Agrees,
        }],
    );
}

#[test]
fn act_4_tells_dns_from_connections_and_requests() {
    check(
        Scenario::Combined,
        &[
            FlowCase {
                what: "www.microsoft.com is connected to",
                about: |flow| {
                    destination_ip(flow) == "23.192.18.101"
                        && flow.traffic_direction == TrafficDirection::Egress
                },
                sentence: "allowed on egress by `CiliumNetworkPolicy/pets/combined-fqdn-l7-policy` egress[1] (line 36)",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "api.github.com is refused as a query",
                about: |flow| asks_for(flow, "api.github.com"),
                sentence: "refused by the proxy on egress: no L7 rule allows it, the nearest is `CiliumNetworkPolicy/pets/combined-fqdn-l7-policy` egress[0] (line 27)",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "so are google and bing",
                about: |flow| asks_for(flow, "www.google.com") || asks_for(flow, "www.bing.com"),
                sentence: "refused by the proxy on egress: no L7 rule allows it",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "no name had led to a cached address",
                about: |flow| {
                    is_from(flow, "store-front")
                        && matches!(destination_ip(flow), "142.250.72.100" | "13.107.21.200")
                },
                sentence: "denied on egress by default, which `CiliumNetworkPolicy/pets/combined-fqdn-l7-policy` turned on; nearest rule: egress[1] (line 37): port matches, peer does not: no name matching `*.microsoft.com` was known",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "rabbitmq resolves",
                about: |flow| asks_for(flow, "rabbitmq.pets.svc.cluster.local"),
                sentence: "allowed on egress by the proxy: `CiliumNetworkPolicy/pets/combined-fqdn-l7-policy` egress[0] (line 27)",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "products are read",
                about: |flow| flow.summary == "HTTP/1.1 GET http://product-service:3002/",
                sentence: "allowed on egress by the proxy: `CiliumNetworkPolicy/pets/combined-fqdn-l7-policy` egress[3] (line 62)",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "and not changed",
                about: |flow| flow.summary == "HTTP/1.1 PUT http://product-service:3002/",
                sentence: "refused by the proxy on egress: no L7 rule allows it, the nearest is `CiliumNetworkPolicy/pets/combined-fqdn-l7-policy` egress[3] (line 62)",
                agreement: Agreement::Agrees,
            },
            FlowCase {
                what: "a 403 is forwarded from any sender",
                about: |flow| flow.summary.starts_with("HTTP/1.1 403"),
                sentence: "refused by the proxy on egress",
                agreement: Agreement::CannotTell,
            },
            FlowCase {
                what: "`ingress: []` does not cut off any client",
                about: |flow| {
                    from_world_to_store_front(flow)
                        && flow.traffic_direction == TrafficDirection::Ingress
                },
                sentence: "allowed: no policy is about this endpoint on ingress",
                agreement: Agreement::Agrees,
            },
        ],
    );
}
