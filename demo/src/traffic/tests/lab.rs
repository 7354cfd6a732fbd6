//! Tests of the lab's six investigations, counted over the flows of its final state.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use flow::Verdict;

use super::*;

/// Names that some pod of the lab may look up: Microsoft's and the queue's.
const OPEN_NAMES: [&str; 4] = [
    "www.microsoft.com",
    "graph.microsoft.com",
    "developer.microsoft.com",
    "rabbitmq.pets.svc.cluster.local",
];

/// Names that no rule of the lab allows to look up.
const SHUT_NAMES: [&str; 3] = ["api.github.com", "www.google.com", "www.bing.com"];

static FLOWS: LazyLock<Vec<Flow>> = LazyLock::new(|| flows(Scenario::Lab, 25));

fn in_pets(flow: &Flow) -> bool {
    [&flow.source, &flow.destination]
        .into_iter()
        .flatten()
        .any(|endpoint| endpoint.namespace == "pets")
}

fn is_dropped(flow: &Flow) -> bool {
    flow.verdict == Verdict::Dropped
}

fn source_pod(flow: &Flow) -> &str {
    flow.source.as_ref().map_or("", |source| source.pod_name.as_str())
}

/// The name meant by a query, without a search list's suffix.
fn meant(flow: &Flow) -> Option<&str> {
    let name = query(flow)?;
    OPEN_NAMES.into_iter().chain(SHUT_NAMES).find(|own| name.starts_with(own))
}

/// Number of dropped flows and of all flows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    dropped: usize,
    all: usize,
}

fn counted<'f, K: Ord>(
    flows: impl IntoIterator<Item = &'f Flow>,
    key: impl Fn(&'f Flow) -> K,
) -> BTreeMap<K, Count> {
    let mut counts: BTreeMap<K, Count> = BTreeMap::new();
    for flow in flows {
        let count = counts.entry(key(flow)).or_default();
        count.all += 1;
        count.dropped += usize::from(is_dropped(flow));
    }
    counts
}

#[test]
fn investigation_1_which_connections_are_blocked() {
    let flows = &*FLOWS;
    let newest: Vec<_> = flows
        .iter()
        .rev()
        .filter(|flow| in_pets(flow) && is_dropped(flow) && workload(flow, false) == "store-front")
        .take(20)
        .map(|flow| (source_pod(flow), flow.traffic_direction, destination_port(flow)))
        .collect();
    // The lab's table has the load balancer's port 80; the policy refuses the pod's port.
    assert_eq!(newest, [("", TrafficDirection::Ingress, 8080); 20]);
}

#[test]
fn investigation_2_which_queries_are_blocked() {
    let flows = &*FLOWS;
    let check = |client: &str, open: &[&str], shut: &[&str]| {
        let queries = flows
            .iter()
            .filter(|flow| workload(flow, true) == client && flow.is_reply != Some(true))
            .filter(|flow| message_type(flow) == MessageType::L7);
        let counts = counted(queries.filter(|flow| meant(flow).is_some()), meant);
        let names = |is_shut: bool| -> Vec<&str> {
            let is_so = |count: &Count| (count.dropped == count.all) == is_shut;
            counts.iter().filter(|(_, count)| is_so(count)).filter_map(|(name, _)| *name).collect()
        };
        assert_eq!((names(false), names(true)), (open.to_vec(), shut.to_vec()), "{client}");
        // A name is always forwarded or always refused.
        assert!(counts.values().all(|c| c.dropped == 0 || c.dropped == c.all), "{counts:?}");
    };
    check(
        "store-front",
        &["rabbitmq.pets.svc.cluster.local", "www.microsoft.com"],
        &["api.github.com", "www.bing.com", "www.google.com"],
    );
    check(
        "order-service",
        &["developer.microsoft.com", "graph.microsoft.com", "rabbitmq.pets.svc.cluster.local"],
        &["www.bing.com"],
    );
}

#[test]
fn investigation_3_which_connection_followed_a_query() {
    let flows = &*FLOWS;
    let of_client = || {
        flows.iter().filter(|flow| {
            workload(flow, true) == "store-front"
                && flow.is_reply != Some(true)
                && flow.traffic_direction == TrafficDirection::Egress
        })
    };
    let check = |name: &str, address: &str, is_asked_well: bool, connects: Option<bool>| {
        let asked: Vec<_> = of_client()
            .filter(|flow| meant(flow) == Some(name) && message_type(flow) == MessageType::L7)
            .map(is_dropped)
            .collect();
        assert!(!asked.is_empty() && asked.iter().all(|own| *own != is_asked_well), "{name}");
        let connected: Vec<_> = of_client()
            .filter(|flow| destination_ip(flow) == address && destination_port(flow) == 443)
            .map(is_dropped)
            .collect();
        assert_eq!(connected.is_empty(), connects.is_none(), "{name}");
        assert!(connected.iter().all(|own| Some(!own) == connects), "{name}");
    };
    check("www.microsoft.com", "23.192.18.101", true, Some(true));
    // Never tried: the name is already refused.
    check("api.github.com", "140.82.112.6", false, None);
    // Only clients that had the address before try, and are refused.
    check("www.google.com", "142.250.72.100", false, Some(false));
    check("www.bing.com", "13.107.21.200", false, Some(false));
}

#[test]
fn investigation_4_when_it_started() {
    let cluster = Arc::new(Cluster::pet_shop());
    let decoder = Decoder { cluster: &cluster, seed: 1 };
    let aggregation = MonitorAggregation::Medium;
    let mut simulation =
        Simulation::new(Arc::clone(&cluster), Scenario::Open, aggregation, 1, 2_000.0, START);
    let mut refused = [0_usize; 4];
    for (period, count) in (1..).zip(&mut refused) {
        if period == 3 {
            simulation.switch(Scenario::Lab);
        }
        simulation.advance(START + period * 10 * SECOND, |record| {
            let flow = decoder.flow(&record);
            let is_inward = flow.traffic_direction == TrafficDirection::Ingress;
            *count += usize::from(in_pets(&flow) && is_dropped(&flow) && is_inward);
        });
    }
    assert_eq!(refused[..2], [0, 0]);
    assert!(refused[2..].iter().all(|count| *count > 100), "{refused:?}");
}

#[test]
fn investigation_5_which_endpoints_outside_pass() {
    let flows = &*FLOWS;
    let outside = flows.iter().filter(|flow| {
        workload(flow, true) == "store-front"
            && flow.is_reply != Some(true)
            && destination_port(flow) == 443
            && flow.destination.as_ref().is_some_and(|own| own.pod_name.is_empty())
    });
    let counts = counted(outside, destination_ip);
    let share: Vec<(&str, bool)> =
        counts.iter().map(|(address, count)| (*address, count.dropped == count.all)).collect();
    assert_eq!(
        share,
        [("13.107.21.200", true), ("142.250.72.100", true), ("23.192.18.101", false)]
    );
    assert_eq!(counts["23.192.18.101"].dropped, 0);
}

#[test]
fn investigation_6_all_traffic_by_direction_and_pair() {
    let flows = &*FLOWS;
    // Policies do not check replies and the address translation of a Service.
    let asked = flows.iter().filter(|flow| {
        in_pets(flow) && flow.is_reply != Some(true) && flow.verdict != Verdict::Translated
    });
    let counts = counted(asked, |flow| {
        let end = |is_source| match workload(flow, is_source) {
            "" if flow.source.as_ref().is_some_and(|own| own.identity == 1) && is_source => "node",
            "" => "external",
            name => name,
        };
        (flow.traffic_direction == TrafficDirection::Ingress, end(true), end(false))
    });
    let of = |direction, source, destination| {
        let count = counts.get(&(direction == TrafficDirection::Ingress, source, destination));
        count.unwrap_or_else(|| panic!("{source} > {destination}: {counts:#?}"))
    };
    let cut = of(TrafficDirection::Ingress, "external", "store-front");
    assert!(cut.all > 5 && cut.dropped == cut.all, "{cut:?}");
    let partly = |count: &Count| count.dropped > 0 && count.dropped < count.all;
    assert!(partly(of(TrafficDirection::Egress, "store-front", "external")), "{counts:?}");
    assert!(partly(of(TrafficDirection::Egress, "store-front", "coredns")), "{counts:?}");
    // A side effect of applying all files: the queue's port is lost with the policy that the FQDN
    // policy replaces.
    let queue = of(TrafficDirection::Egress, "order-service", "rabbitmq");
    assert_eq!(queue.dropped, queue.all);
    // The earlier policy's rule for the whole port allows what the HTTP rule leaves out.
    let products = of(TrafficDirection::Egress, "store-front", "product-service");
    assert_eq!(products.dropped, 0);
}
