use std::collections::{BTreeSet, HashMap};

use flow::{Flow, L7Record, Layer4, MessageType, TcpFlags, TrafficDirection};

use super::*;
use crate::hubble::decode::Decoder;

mod acts;
mod judged;
mod lab;
mod packed;

/// 2026-08-17 12:00:00 UTC.
const START: i64 = 1_786_968_000 * SECOND;

fn simulate(scenario: Scenario, seed: u64, rate: f64, secs: i64) -> Vec<EventRecord> {
    let cluster = Arc::new(Cluster::pet_shop());
    let aggregation = MonitorAggregation::Medium;
    let mut simulation = Simulation::new(cluster, scenario, aggregation, seed, rate, START);
    let mut records = Vec::new();
    simulation.advance(START + secs * SECOND, |record| records.push(record));
    records
}

fn flows(scenario: Scenario, secs: i64) -> Vec<Flow> {
    let cluster = Cluster::pet_shop();
    let decoder = Decoder { cluster: &cluster, seed: 1 };
    simulate(scenario, 1, 2_000.0, secs).iter().map(|record| decoder.flow(record)).collect()
}

fn workload(flow: &Flow, source: bool) -> &str {
    let end = if source { &flow.source } else { &flow.destination };
    let pod = end.as_ref().map_or("", |end| end.pod_name.as_str());
    // The last part, or the last two of a Deployment's pod, do not belong to the workload's name.
    match pod.rsplit_once('-') {
        Some((rest, suffix)) if suffix.len() == 5 => rest.rsplit_once('-').map_or(rest, |(w, _)| w),
        Some((rest, _)) => rest,
        None => pod,
    }
}

fn destination_ip(flow: &Flow) -> &str {
    flow.ip.as_ref().map_or("", |ip| ip.destination.as_str())
}

fn destination_port(flow: &Flow) -> u16 {
    flow.l4.as_ref().and_then(Layer4::destination_port).unwrap_or(0)
}

fn message_type(flow: &Flow) -> MessageType {
    flow.event_type.map(|event| event.message_type).unwrap_or_default()
}

fn query(flow: &Flow) -> Option<&str> {
    match flow.l7.as_ref()?.record.as_ref()? {
        L7Record::Dns(dns) => Some(dns.query.trim_end_matches('.')),
        _ => None,
    }
}

fn from_world_to_store_front(flow: &Flow) -> bool {
    workload(flow, false) == "store-front"
        && flow.source.as_ref().is_some_and(|s| s.identity == 2)
        && flow.is_reply != Some(true)
}

fn has_flags(flow: &Flow, wanted: TcpFlags) -> bool {
    matches!(&flow.l4, Some(Layer4::Tcp(tcp)) if tcp.flags.is_some_and(|own| own.contains(wanted)))
}

#[test]
fn the_same_seed_makes_the_same_flows() {
    let cluster = Cluster::pet_shop();
    let texts = |seed| {
        let decoder = Decoder { cluster: &cluster, seed };
        simulate(Scenario::Chaos, seed, 1_000.0, 3)
            .iter()
            .map(|record| format!("{:?}", decoder.flow(record)))
            .collect::<Vec<_>>()
    };
    let first = texts(7);
    assert!(first.len() > 1_000);
    assert_eq!(first, texts(7));
    assert_ne!(first, texts(8));
}

#[test]
fn the_clock_steps_do_not_change_the_records() {
    let cluster = Arc::new(Cluster::pet_shop());
    let run = |steps: &[i64]| {
        let mut simulation = Simulation::new(
            Arc::clone(&cluster),
            Scenario::Open,
            MonitorAggregation::Medium,
            3,
            500.0,
            START,
        );
        let mut seen = Vec::new();
        let mut at = START;
        for step in steps.iter().cycle() {
            at = (at + step * MILLISECOND).min(START + 2 * SECOND);
            simulation.advance(at, |record| seen.push((record.time_nanos, record.sequence)));
            if at == START + 2 * SECOND {
                return seen;
            }
        }
        seen
    };
    // Steps of whole ticks: a divided tick counts as two.
    assert_eq!(run(&[5]), run(&[10, 100, 25]));
}

#[test]
fn records_come_in_order_and_at_the_rate() {
    for scenario in Scenario::ALL {
        // One period of the variation in traffic.
        let records = simulate(scenario, 1, 100.0, 600);
        assert!(
            records.is_sorted_by_key(|record| (record.time_nanos, 0)),
            "{scenario}: not in order"
        );
        let sequences: BTreeSet<u64> = records.iter().map(|record| record.sequence).collect();
        assert_eq!(sequences.len(), records.len(), "{scenario}: a number twice");
        let rate = records.len() / 600;
        assert!((95..=105).contains(&rate), "{scenario}: {rate} flows a second");
    }
}

#[test]
fn a_high_rate_is_reached() {
    let count = simulate(Scenario::Combined, 1, 50_000.0, 2).len();
    assert!((95_000..=115_000).contains(&count), "{count}");
}

#[test]
fn a_denial_is_a_verdict_and_a_drop() {
    let flows = flows(Scenario::Chaos, 10);
    let mut verdicts: HashMap<(String, String, u16, i64), i64> = HashMap::new();
    for flow in flows.iter().filter(|flow| flow.drop_reason_code == 133) {
        let ip = flow.ip.clone().unwrap_or_default();
        let port = flow.l4.as_ref().and_then(Layer4::source_port).unwrap_or(0);
        let nanos = flow.time.and_then(flow::Timestamp::unix_nanos).unwrap_or(0);
        let (nanos, step) = match message_type(flow) {
            MessageType::PolicyVerdict => (nanos, 1),
            MessageType::Drop => (nanos - 4_000, -1),
            other => panic!("{other}"),
        };
        *verdicts.entry((ip.source, ip.destination, port, nanos)).or_default() += step;
    }
    assert!(!verdicts.is_empty());
    assert_eq!(verdicts.values().filter(|count| **count != 0).count(), 0);
}

#[test]
fn a_client_that_is_cut_off_retries_with_growing_gaps() {
    let flows = flows(Scenario::Chaos, 30);
    let mut attempts: HashMap<(String, u16), Vec<i64>> = HashMap::new();
    for flow in flows
        .iter()
        .filter(|flow| from_world_to_store_front(flow) && message_type(flow) == MessageType::Drop)
    {
        assert!(has_flags(flow, TcpFlags::SYN) && !has_flags(flow, TcpFlags::ACK));
        let ip = flow.ip.clone().unwrap_or_default();
        let port = flow.l4.as_ref().and_then(Layer4::source_port).unwrap_or(0);
        let nanos = flow.time.and_then(flow::Timestamp::unix_nanos).unwrap_or(0);
        attempts.entry((ip.source, port)).or_default().push(nanos);
    }
    // Attempts that began early enough to be seen to their end.
    let complete: Vec<&Vec<i64>> = attempts
        .values()
        .filter(|times| times.first().is_some_and(|at| *at < START + 10 * SECOND))
        .collect();
    assert!(complete.len() > 100);
    for times in complete {
        assert_eq!(times.len(), 4, "{times:?}");
        let gaps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.is_sorted() && gaps[2] > gaps[0], "{gaps:?}");
    }
}

#[test]
fn both_nodes_report_a_connection_between_them() {
    let flows = flows(Scenario::Policies, 10);
    let syn = flows
        .iter()
        .find(|flow| {
            workload(flow, true) == "store-front"
                && workload(flow, false) == "order-service"
                && message_type(flow) == MessageType::Trace
                && flow.traffic_direction == TrafficDirection::Egress
                && has_flags(flow, TcpFlags::SYN)
                && flow.destination.as_ref().is_some_and(|end| end.id == 0)
        })
        .expect("a connection to another node");
    let port = syn.l4.as_ref().and_then(Layer4::source_port);
    let twin = flows
        .iter()
        .find(|flow| {
            flow.l4.as_ref().and_then(Layer4::source_port) == port
                && flow.ip == syn.ip
                && flow.node_name != syn.node_name
                && flow.trace_observation_point == flow::TraceObservationPoint::ToEndpoint
                && has_flags(flow, TcpFlags::SYN)
        })
        .expect("the same packet at the other node");
    // Each node knows ids and workloads only of its own pods.
    let source = |flow: &Flow| flow.source.clone().unwrap_or_default();
    let destination = |flow: &Flow| flow.destination.clone().unwrap_or_default();
    assert_eq!(twin.traffic_direction, TrafficDirection::Ingress);
    assert!(source(syn).id > 0 && source(twin).id == 0);
    assert!(destination(syn).workloads.is_empty());
    assert_eq!(destination(twin).workloads[0].name, "order-service");
    assert_eq!(source(syn).identity, source(twin).identity);
}

#[test]
fn with_no_aggregation_packets_are_seen_coming_and_going() {
    let cluster = Arc::new(Cluster::pet_shop());
    let points = |aggregation| {
        let mut simulation =
            Simulation::new(Arc::clone(&cluster), Scenario::Open, aggregation, 1, 500.0, START);
        let mut points = BTreeSet::new();
        simulation.advance(START + 5 * SECOND, |record| {
            if let crate::record::Event::Trace { point, .. } = record.event {
                points.insert(point.name());
            }
        });
        points
    };
    let medium = points(MonitorAggregation::Medium);
    let none = points(MonitorAggregation::None);
    assert!(!medium.contains(&Some("FROM_ENDPOINT")));
    assert!(none.contains(&Some("FROM_ENDPOINT")) && none.contains(&Some("FROM_NETWORK")));
    assert!(none.is_superset(&medium));
}

#[test]
fn a_switch_applies_to_new_connections() {
    let cluster = Arc::new(Cluster::pet_shop());
    let mut simulation = Simulation::new(
        Arc::clone(&cluster),
        Scenario::Open,
        MonitorAggregation::Medium,
        1,
        1_000.0,
        START,
    );
    let mut drops = [0_u32; 3];
    for (at, scenario) in [Scenario::Open, Scenario::Chaos, Scenario::Open].into_iter().enumerate()
    {
        simulation.switch(scenario);
        let from = simulation.now_nanos();
        // Retries of clients that were cut off continue for seven more seconds.
        simulation.advance(from + 20 * SECOND, |record| {
            let denied = matches!(
                record.event,
                crate::record::Event::Drop { reason } if reason == flow::DropReason::POLICY_DENIED
            );
            if denied && record.time_nanos > from + 8 * SECOND {
                drops[at] += 1;
            }
        });
    }
    assert_eq!(drops[0], 0);
    assert!(drops[1] > 100);
    assert_eq!(drops[2], 0);
}
