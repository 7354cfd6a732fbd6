//! Tests of the traffic of each act of the lab.

use flow::{Flow, L7Record, MessageType, TrafficDirection, Verdict};

use super::*;

/// A claim about an act: the flows that it is about, and what holds for them.
struct Truth {
    what: &'static str,
    about: fn(&Flow) -> bool,
    /// Condition that holds for each of those flows.
    holds: fn(&Flow) -> bool,
    /// Whether such flows must exist, or must not.
    expected: bool,
}

fn check(scenario: Scenario, truths: &[Truth]) {
    let flows = flows(scenario, 60);
    for truth in truths {
        let about: Vec<&Flow> = flows.iter().filter(|flow| (truth.about)(flow)).collect();
        assert_eq!(!about.is_empty(), truth.expected, "{scenario}: {}", truth.what);
        if let Some(wrong) = about.iter().find(|flow| !(truth.holds)(flow)) {
            panic!("{scenario}: {}: {wrong:#?}", truth.what);
        }
    }
}

fn always(_: &Flow) -> bool {
    true
}

fn passes(flow: &Flow) -> bool {
    matches!(flow.verdict, Verdict::Forwarded | Verdict::Redirected)
}

fn dropped_by_default(flow: &Flow) -> bool {
    flow.verdict == Verdict::Dropped
        && flow.drop_reason_desc == flow::DropReason::POLICY_DENIED
        && flow.drop_reason_code == 133
        && flow.ingress_denied_by.is_empty()
        && flow.egress_denied_by.is_empty()
        && flow.is_reply.is_none()
}

fn allowed_by(policies: &[flow::Policy], name: &str) -> bool {
    policies.iter().any(|policy| policy.name == name && policy.kind == "CiliumNetworkPolicy")
}

#[test]
fn act_0_nothing_is_dropped() {
    check(
        Scenario::Open,
        &[
            Truth {
                what: "no drops",
                about: |flow| flow.verdict == Verdict::Dropped,
                holds: always,
                expected: false,
            },
            Truth {
                what: "no policy is asked",
                about: |flow| message_type(flow) == MessageType::PolicyVerdict,
                holds: always,
                expected: false,
            },
            Truth {
                what: "no proxy reads along",
                about: |flow| message_type(flow) == MessageType::L7,
                holds: always,
                expected: false,
            },
            Truth {
                what: "customers get in",
                about: from_world_to_store_front,
                holds: passes,
                expected: true,
            },
            Truth {
                what: "names without a proxy are not known",
                about: |flow| !flow.destination_names.is_empty() || !flow.source_names.is_empty(),
                holds: always,
                expected: false,
            },
        ],
    );
}

#[test]
fn act_1_each_service_talks_only_to_its_own() {
    check(
        Scenario::Policies,
        &[
            Truth {
                what: "order-service cannot ask DNS",
                about: |flow| {
                    workload(flow, true) == "order-service"
                        && destination_port(flow) == 53
                        && message_type(flow) != MessageType::TraceSock
                },
                holds: |flow| {
                    dropped_by_default(flow) && flow.traffic_direction == TrafficDirection::Egress
                },
                expected: true,
            },
            Truth {
                what: "order-service reaches no product-service",
                about: |flow| {
                    workload(flow, true) == "order-service"
                        && workload(flow, false) == "product-service"
                },
                holds: always,
                expected: false,
            },
            Truth {
                what: "the shop works: customers",
                about: from_world_to_store_front,
                holds: passes,
                expected: true,
            },
            Truth {
                what: "the shop works: orders",
                about: |flow| {
                    workload(flow, true) == "store-front"
                        && workload(flow, false) == "order-service"
                        && flow.is_reply != Some(true)
                        && message_type(flow) != MessageType::TraceSock
                },
                holds: passes,
                expected: true,
            },
            Truth {
                what: "the shop works: the queue",
                about: |flow| {
                    workload(flow, true) == "order-service"
                        && workload(flow, false) == "rabbitmq"
                        && message_type(flow) == MessageType::PolicyVerdict
                        && flow.traffic_direction == TrafficDirection::Ingress
                },
                holds: |flow| {
                    passes(flow) && allowed_by(&flow.ingress_allowed_by, "allow-rabbitmq-traffic")
                },
                expected: true,
            },
            Truth {
                what: "the queue knows no make line",
                about: |flow| {
                    workload(flow, true) == "makeline-service"
                        && workload(flow, false) == "rabbitmq"
                        && flow.traffic_direction == TrafficDirection::Ingress
                },
                holds: dropped_by_default,
                expected: true,
            },
            Truth {
                what: "the kubelet always gets in",
                about: |flow| {
                    message_type(flow) == MessageType::PolicyVerdict
                        && flow.source.as_ref().is_some_and(|source| source.identity == 1)
                },
                holds: |flow| {
                    passes(flow)
                        && flow.policy_match_type == 1
                        && flow.ingress_allowed_by.is_empty()
                },
                expected: true,
            },
        ],
    );
}

#[test]
fn act_2_a_name_opens_a_connection() {
    check(
        Scenario::Fqdn,
        &[
            Truth {
                what: "graph.microsoft.com resolves",
                about: |flow| query(flow) == Some("graph.microsoft.com"),
                holds: |flow| flow.verdict == Verdict::Forwarded,
                expected: true,
            },
            Truth {
                what: "and is connected to, by the rule",
                about: |flow| {
                    destination_ip(flow) == "20.190.152.88"
                        && message_type(flow) == MessageType::PolicyVerdict
                },
                holds: |flow| {
                    passes(flow)
                        && workload(flow, true) == "order-service"
                        && allowed_by(&flow.egress_allowed_by, "allow-order-service-traffic")
                        && flow.destination_names == ["graph.microsoft.com"]
                        && flow.destination.as_ref().is_some_and(|destination| {
                            destination.identity > 1 << 24
                                && destination.labels.contains(&"fqdn:*.microsoft.com".to_owned())
                        })
                },
                expected: true,
            },
            Truth {
                what: "and leads to developer.microsoft.com",
                about: |flow| destination_ip(flow) == "23.45.149.11",
                holds: passes,
                expected: true,
            },
            Truth {
                what: "www.bing.com is refused",
                about: |flow| query(flow) == Some("www.bing.com"),
                holds: |flow| {
                    flow.verdict == Verdict::Dropped
                        && flow.drop_reason_desc == flow::DropReason::UNKNOWN
                        && flow.is_reply == Some(false)
                },
                expected: true,
            },
            Truth {
                what: "product-service is refused as well",
                about: |flow| query(flow) == Some("product-service.pets.svc.cluster.local"),
                holds: |flow| flow.verdict == Verdict::Dropped,
                expected: true,
            },
            Truth {
                what: "nothing follows a refusal",
                about: |flow| {
                    workload(flow, true) == "order-service"
                        && (destination_ip(flow) == "13.107.21.200"
                            || workload(flow, false) == "product-service")
                },
                holds: always,
                expected: false,
            },
            Truth {
                what: "names that do not exist are answered",
                about: |flow| {
                    query(flow) == Some("graph.microsoft.com.svc.cluster.local")
                        && flow.is_reply == Some(true)
                },
                holds: |flow| {
                    matches!(
                        flow.l7.as_ref().and_then(|l7| l7.record.as_ref()),
                        Some(L7Record::Dns(dns)) if dns.rcode == 3 && dns.ttl == u32::MAX
                    )
                },
                expected: true,
            },
        ],
    );
}

#[test]
fn act_3_customers_are_cut_off() {
    check(
        Scenario::Chaos,
        &[
            Truth {
                what: "customers are dropped on the way in, without a policy's name",
                about: |flow| from_world_to_store_front(flow),
                holds: |flow| {
                    dropped_by_default(flow)
                        && flow.traffic_direction == TrafficDirection::Ingress
                        && destination_port(flow) == 8080
                        && flow.source.as_ref().is_some_and(|source| source.pod_name.is_empty())
                        && flow.policy_match_type == 0
                },
                expected: true,
            },
            Truth {
                what: "store-front does not answer clients outside",
                about: |flow| {
                    workload(flow, true) == "store-front"
                        && flow.is_reply == Some(true)
                        && flow.destination.as_ref().is_some_and(|end| end.identity == 2)
                },
                holds: always,
                expected: false,
            },
            Truth {
                what: "the kubelet still reaches it",
                about: |flow| {
                    workload(flow, false) == "store-front"
                        && flow.source.as_ref().is_some_and(|source| source.identity == 1)
                },
                holds: passes,
                expected: true,
            },
            Truth {
                what: "what store-admin reads passes, and is read by a proxy",
                about: |flow| {
                    workload(flow, true) == "store-admin"
                        && flow.verdict == Verdict::Forwarded
                        && matches!(
                            flow.l7.as_ref().and_then(|l7| l7.record.as_ref()),
                            Some(L7Record::Http(_))
                        )
                },
                holds: |flow| flow.summary.contains("GET"),
                expected: true,
            },
            Truth {
                what: "what store-admin changes is refused by a proxy",
                about: |flow| {
                    workload(flow, true) == "store-admin"
                        && flow.verdict == Verdict::Dropped
                        && matches!(
                            flow.l7.as_ref().and_then(|l7| l7.record.as_ref()),
                            Some(L7Record::Http(_))
                        )
                },
                holds: |flow| flow.summary.contains("PUT"),
                expected: true,
            },
            Truth {
                what: "a name that its rule leaves out is refused",
                about: |flow| {
                    workload(flow, true) == "store-admin"
                        && flow.verdict == Verdict::Dropped
                        && matches!(
                            flow.l7.as_ref().and_then(|l7| l7.record.as_ref()),
                            Some(L7Record::Dns(_))
                        )
                },
                holds: |flow| flow.summary.contains("product-service"),
                expected: true,
            },
            Truth {
                what: "drops say where in the datapath they happened",
                about: |flow| message_type(flow) == MessageType::Drop,
                holds: |flow| {
                    flow.file.as_ref().is_some_and(|file| file.name == "bpf_lxc.c" && file.line > 0)
                        && flow
                            .event_type
                            .is_some_and(|event| event.sub_type == flow.drop_reason_desc.number())
                },
                expected: true,
            },
            Truth {
                what: "there are drops for other reasons, too",
                about: |flow| flow.drop_reason_desc == flow::DropReason::UNSUPPORTED_L3_PROTOCOL,
                holds: |flow| flow.verdict == Verdict::Dropped,
                expected: true,
            },
        ],
    );
}

#[test]
fn act_4_names_rules_and_methods() {
    check(
        Scenario::Combined,
        &[
            Truth {
                what: "www.microsoft.com is connected to",
                about: |flow| {
                    destination_ip(flow) == "23.192.18.101" && destination_port(flow) == 443
                },
                holds: passes,
                expected: true,
            },
            Truth {
                what: "api.github.com is refused, though toFQDNs has it",
                about: |flow| query(flow) == Some("api.github.com"),
                holds: |flow| flow.verdict == Verdict::Dropped,
                expected: true,
            },
            Truth {
                what: "no connection to it is ever tried",
                about: |flow| destination_ip(flow) == "140.82.112.6",
                holds: always,
                expected: false,
            },
            Truth {
                what: "google and bing are refused",
                about: |flow| matches!(query(flow), Some("www.google.com" | "www.bing.com")),
                holds: |flow| flow.verdict == Verdict::Dropped,
                expected: true,
            },
            Truth {
                what: "a cached address does not help",
                about: |flow| {
                    matches!(destination_ip(flow), "142.250.72.100" | "13.107.21.200")
                        && workload(flow, true) == "store-front"
                },
                holds: |flow| {
                    dropped_by_default(flow) && flow.traffic_direction == TrafficDirection::Egress
                },
                expected: true,
            },
            Truth {
                what: "rabbitmq resolves to its service",
                about: |flow| {
                    query(flow) == Some("rabbitmq.pets.svc.cluster.local")
                        && flow.is_reply == Some(true)
                        && flow.summary.contains(" A)")
                },
                holds: |flow| flow.summary.contains("\"10.0.96.123\""),
                expected: true,
            },
            Truth {
                what: "GET / passes, other requests do not",
                about: |flow| flow.summary.starts_with("HTTP/1.1 ") && flow.is_reply == Some(false),
                holds: |flow| {
                    let allowed = flow.summary == "HTTP/1.1 GET http://product-service:3002/";
                    (flow.verdict == Verdict::Forwarded) == allowed
                        && (allowed || flow.verdict == Verdict::Dropped)
                },
                expected: true,
            },
            Truth {
                what: "the proxy answers 403 for what it refuses",
                about: |flow| flow.summary.starts_with("HTTP/1.1 403"),
                holds: |flow| flow.verdict == Verdict::Forwarded && flow.is_reply == Some(true),
                expected: true,
            },
            Truth {
                what: "`ingress: []` does not cut off any client",
                about: from_world_to_store_front,
                holds: passes,
                expected: true,
            },
            Truth {
                what: "redirected connections go to the proxy's port",
                about: |flow| flow.trace_observation_point == flow::TraceObservationPoint::ToProxy,
                holds: |flow| flow.proxy_port > 0,
                expected: true,
            },
        ],
    );
}
