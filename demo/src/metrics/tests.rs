use std::collections::{BTreeMap, BTreeSet};

use flow::{Flow, L7FlowType, L7Record, Layer4, MessageType, TcpFlags, Verdict};

use super::*;
use crate::hubble::decode::Decoder;
use crate::scenario::Scenario;
use crate::traffic::{MonitorAggregation, SECOND, Simulation};

pub(super) const START: i64 = 1_786_968_000 * SECOND;

fn run(scenario: Scenario, secs: i64) -> (Metrics, Vec<Flow>) {
    run_as(Profile::All, scenario, secs)
}

fn run_as(profile: Profile, scenario: Scenario, secs: i64) -> (Metrics, Vec<Flow>) {
    let cluster = Arc::new(Cluster::pet_shop());
    let mut metrics = Metrics::new(Arc::clone(&cluster), profile, HubbleRelease::Main);
    let decoder = Decoder { cluster: &cluster, seed: 1 };
    let mut simulation = Simulation::new(
        Arc::clone(&cluster),
        scenario,
        MonitorAggregation::Medium,
        1,
        2_000.0,
        START,
    );
    let mut flows = Vec::new();
    simulation.advance(START + secs * SECOND, |record| {
        metrics.count(&record);
        flows.push(decoder.flow(&record));
    });
    (metrics, flows)
}

/// Labels of a sample, by name.
pub(super) fn labels(sample: &MetricSample) -> BTreeMap<String, String> {
    sample
        .labels
        .trim_matches(['{', '}'])
        .split("\",")
        .filter_map(|pair| {
            let (name, value) = pair.split_once("=\"")?;
            Some((name.to_owned(), value.trim_end_matches('"').to_owned()))
        })
        .collect()
}

/// Sums a family by some of its labels.
fn sums(samples: &[MetricSample], family: Family, by: &[&str]) -> BTreeMap<Vec<String>, u64> {
    let mut sums = BTreeMap::new();
    for sample in
        samples.iter().filter(|sample| sample.family == family && sample.suffix.is_empty())
    {
        let labels = labels(sample);
        let key = by.iter().map(|name| labels.get(*name).cloned().unwrap_or_default()).collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let value = sample.value as u64;
        *sums.entry(key).or_default() += value;
    }
    sums.retain(|_, count| *count > 0);
    sums
}

/// Counts flows by a key; flows without a key are skipped.
fn counts(
    flows: &[Flow],
    key: impl Fn(&Flow) -> Option<Vec<String>>,
) -> BTreeMap<Vec<String>, u64> {
    let mut counts = BTreeMap::new();
    for key in flows.iter().filter_map(key) {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

fn message_type(flow: &Flow) -> MessageType {
    flow.event_type.map(|event| event.message_type).unwrap_or_default()
}

fn node(flow: &Flow) -> String {
    flow.node_name.rsplit('/').next().unwrap_or_default().to_owned()
}

fn pod(end: Option<&flow::Endpoint>) -> String {
    end.filter(|end| !end.pod_name.is_empty())
        .map(|end| format!("{}/{}", end.namespace, end.pod_name))
        .unwrap_or_default()
}

/// `source` for a flow that leaves a pod, `destination` for one that reaches a pod.
fn context(flow: &Flow) -> [String; 2] {
    match flow.traffic_direction {
        TrafficDirection::Egress => [pod(flow.source.as_ref()), String::new()],
        TrafficDirection::Ingress => [String::new(), pod(flow.destination.as_ref())],
        _ => [String::new(), String::new()],
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what `counts` asks of a key")]
fn key<const N: usize>(parts: [&str; N], flow: &Flow) -> Option<Vec<String>> {
    let mut key: Vec<String> = parts.iter().map(ToString::to_string).collect();
    key.push(node(flow));
    key.extend(context(flow));
    Some(key)
}

fn dns(flow: &Flow) -> Option<&flow::Dns> {
    match flow.l7.as_ref()?.record.as_ref()? {
        L7Record::Dns(dns) => Some(dns),
        _ => None,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one entry for each family")]
fn counters_match_the_flows() {
    for scenario in Scenario::ALL {
        let (metrics, flows) = run(scenario, 20);
        let samples = metrics.samples(START + 20 * SECOND, &[0; 3]);
        let check = |family: Family, by: &[&str], want: BTreeMap<Vec<String>, u64>| {
            assert_eq!(sums(&samples, family, by), want, "{scenario}: {}", family.name());
        };
        check(
            Family::HubbleFlowsProcessed,
            &["verdict", "node", "source", "destination"],
            counts(&flows, |flow| key([flow.verdict.name().unwrap_or("")], flow)),
        );
        check(
            Family::HubbleDrop,
            &["reason", "node", "source", "destination"],
            counts(&flows, |flow| {
                (flow.verdict == Verdict::Dropped)
                    .then(|| key([flow.drop_reason_desc.name().unwrap_or("")], flow))?
            }),
        );
        check(
            Family::HubbleDnsQueries,
            &["query", "rcode", "node", "source", "destination"],
            counts(&flows, |flow| {
                let dns = dns(flow)?;
                let refused = flow.verdict == Verdict::Dropped;
                (refused || flow.is_reply == Some(false))
                    .then(|| key([&dns.query, if refused { "Policy denied" } else { "" }], flow))?
            }),
        );
        check(
            Family::HubbleDnsResponses,
            &["query", "ips_returned", "node", "source", "destination"],
            counts(&flows, |flow| {
                let dns = dns(flow)?;
                (flow.is_reply == Some(true))
                    .then(|| key([&dns.query, &dns.ips.len().to_string()], flow))?
            }),
        );
        check(
            Family::HubbleTcpFlags,
            &["flag", "node", "source", "destination"],
            counts(&flows, |flow| {
                let Some(Layer4::Tcp(tcp)) = &flow.l4 else { return None };
                let flags = tcp.flags?;
                if flow.verdict == Verdict::Dropped {
                    return None;
                }
                let flag = if flags.contains(TcpFlags::SYN | TcpFlags::ACK) {
                    "SYN-ACK"
                } else if flags.contains(TcpFlags::SYN) {
                    "SYN"
                } else if flags.contains(TcpFlags::FIN) {
                    "FIN"
                } else if flags.contains(TcpFlags::RST) {
                    "RST"
                } else {
                    return None;
                };
                key([flag], flow)
            }),
        );
        check(
            Family::HubblePolicyVerdicts,
            &["action", "node", "source", "destination"],
            counts(&flows, |flow| {
                let counted = match message_type(flow) {
                    MessageType::PolicyVerdict => {
                        flow.source.as_ref().is_some_and(|source| source.identity != 1)
                    }
                    MessageType::L7 => true,
                    _ => false,
                };
                let action = flow.verdict.name().unwrap_or("").to_ascii_lowercase();
                counted.then(|| key([&action], flow))?
            }),
        );
        check(
            Family::HubbleHttpRequests,
            &["method", "status", "node"],
            counts(&flows, |flow| {
                let l7 = flow.l7.as_ref()?;
                match &l7.record {
                    Some(L7Record::Http(http)) if l7.l7_type == L7FlowType::Response => {
                        Some(vec![http.method.clone(), http.code.to_string(), node(flow)])
                    }
                    _ => None,
                }
            }),
        );
        check(
            Family::CiliumDropCount,
            &["reason", "direction", "node"],
            counts(&flows, |flow| {
                (message_type(flow) == MessageType::Drop).then(|| {
                    vec![
                        flow.drop_reason_desc.text().unwrap_or("").to_owned(),
                        flow.traffic_direction.name().unwrap_or("").to_owned(),
                        node(flow),
                    ]
                })
            }),
        );
    }
}

#[test]
fn retina_counts_each_pod_on_its_own_node() {
    for scenario in Scenario::ALL {
        let (metrics, flows) = run_as(Profile::Retina, scenario, 20);
        let samples = metrics.samples(START + 20 * SECOND, &[0; 3]);
        let mut want = BTreeMap::new();
        for flow in flows.iter().filter(|flow| message_type(flow) == MessageType::Drop) {
            let is_policy = flow.drop_reason_desc == DropReason::POLICY_DENIED;
            let reason = if is_policy { "IPTABLE_RULE_DROP" } else { "UNKNOWN_DROP" };
            for (direction, end) in [("egress", &flow.source), ("ingress", &flow.destination)] {
                let local = end.as_ref().filter(|end| end.id != 0 && !end.pod_name.is_empty());
                let Some(end) = local else { continue };
                let key = [reason, direction, &end.namespace, &end.pod_name, &node(flow)];
                *want.entry(key.map(ToOwned::to_owned).to_vec()).or_default() += 1;
            }
        }
        let by = ["reason", "direction", "namespace", "podname", "instance"];
        assert_eq!(sums(&samples, Family::AdvDropCount, &by), want, "{scenario}");
        assert!(samples.iter().all(|sample| !sample.family.name().starts_with("hubble_")));
    }
}

#[test]
fn chaos_shows_as_drops_on_the_way_into_store_front() {
    let (metrics, _) = run(Scenario::Chaos, 20);
    let samples = metrics.samples(START + 20 * SECOND, &[0; 3]);
    let drops = sums(&samples, Family::HubbleDrop, &["reason", "destination"]);
    let of = |name: &str| {
        drops
            .iter()
            .filter(|(key, _)| key[0] == "POLICY_DENIED" && key[1].starts_with(name))
            .map(|(_, count)| count)
            .sum::<u64>()
    };
    let store_front = of("pets/store-front-");
    let all: u64 = drops.values().sum();
    assert!(store_front > 500, "{store_front}");
    assert!(store_front * 2 > all, "most drops are the story's: {store_front} of {all}");
}

#[test]
fn the_text_is_an_exposition() {
    for profile in Profile::ALL {
        check_exposition(profile);
    }
}

fn check_exposition(profile: Profile) {
    let (metrics, _) = run_as(profile, Scenario::Combined, 5);
    let samples = metrics.samples(START + 5 * SECOND, &[3, 0, 0]);
    let text = exposition(&samples);
    let mut types = BTreeSet::new();
    let mut series = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(types.insert(rest.to_owned()), "a family twice: {rest}");
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            assert!(series.insert(name.to_owned()), "a series twice: {name}");
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            assert!(line.contains("cluster=\"aks-pets\""), "{line}");
        }
    }
    let is_retina = profile == Profile::Retina;
    assert_eq!(types.contains("hubble_http_request_duration_seconds histogram"), !is_retina);
    assert_eq!(types.contains("networkobservability_tcp_state gauge"), is_retina);
    let scraped = match profile {
        Profile::Acns | Profile::Retina => "instance=\"aks-nodepool1-14942319-vmss000000\"",
        Profile::Cilium => "instance=\"10.224.0.4:9965\"",
        Profile::All => "instance=\"10.224.0.4:9965\",node=\"aks-nodepool1-14942319-vmss000000\"",
    };
    let lost = format!(
        "hubble_lost_events_total{{cluster=\"aks-pets\",{scraped},source=\"hubble_ring_buffer\"}} 3"
    );
    assert_eq!(text.contains(&lost), !is_retina, "{lost}");
    assert!(
        text.contains("kube_pod_info{cluster=\"aks-pets\",namespace=\"pets\",pod=\"rabbitmq-0\"")
    );
}

#[test]
fn latencies_add_up() {
    let (metrics, _) = run(Scenario::Combined, 10);
    let samples = metrics.samples(START + 10 * SECOND, &[0; 3]);
    let family = Family::HubbleHttpRequestDuration;
    let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    let mut totals: BTreeMap<String, f64> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.family == family) {
        match sample.suffix {
            "_bucket" => {
                let (rest, le) = sample.labels.rsplit_once(",le=\"").expect("a bound");
                let le = match le.trim_end_matches("\"}") {
                    "+Inf" => f64::INFINITY,
                    le => le.parse().expect("a number"),
                };
                buckets.entry(rest.to_owned()).or_default().push((le, sample.value));
            }
            "_count" => {
                let whose = sample.labels.trim_end_matches('}').to_owned();
                totals.insert(whose, sample.value);
            }
            _ => assert!(sample.value > 0.0),
        }
    }
    assert!(!totals.is_empty());
    for (whose, mut bounds) in buckets {
        bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(bounds.len(), LATENCY_BUCKETS.len() + 1);
        assert!(bounds.is_sorted_by(|a, b| a.1 <= b.1), "{whose}");
        assert_eq!(bounds.last().map(|last| last.1), totals.get(&whose).copied(), "{whose}");
    }
}

#[test]
fn connections_do_not_pile_up() {
    let (short, _) = run(Scenario::Combined, 10);
    let (long, _) = run(Scenario::Combined, 40);
    let established = |metrics: &Metrics| -> u64 {
        metrics.connections.iter().map(|connections| connections.established).sum()
    };
    // The number of open connections does not grow with time.
    assert!(established(&short) > 0);
    assert!(established(&long) < established(&short) * 2 + 50);
    assert!(long.connections.iter().all(|connections| connections.ended.len() <= 60));
}

#[test]
fn the_number_of_series_is_bounded() {
    let (short, _) = run(Scenario::Policies, 30);
    let (long, _) = run(Scenario::Policies, 90);
    assert!(long.counters.len() < 3_000, "{}", long.counters.len());
    assert!(long.counters.len() < short.counters.len() * 3 / 2);
    assert!(long.slots_by_key.len() < 20_000, "{}", long.slots_by_key.len());
}

#[test]
fn nodes_have_the_version_of_their_release() {
    let check = |release: HubbleRelease, expected: &str| {
        let metrics = Metrics::new(Arc::new(Cluster::pet_shop()), Profile::All, release);
        let samples = metrics.samples(START, &[0; 3]);
        let versions = sums(&samples, Family::CiliumVersion, &["version"]);
        assert_eq!(versions, BTreeMap::from([(vec![expected.to_owned()], 3)]));
    };
    check(HubbleRelease::V1_15, "1.15.0");
    check(HubbleRelease::V1_18, "1.18.6");
    check(HubbleRelease::Main, "1.21.0-dev");
}

#[test]
fn events_lost_before_hubble_are_counted() {
    let mut metrics =
        Metrics::new(Arc::new(Cluster::pet_shop()), Profile::Acns, HubbleRelease::Main);
    metrics.count_lost(NodeId(1));
    metrics.count_lost(NodeId(1));
    let samples = metrics.samples(START, &[0, 5, 0]);
    let lost = sums(&samples, Family::HubbleLostEvents, &["source", "instance"]);
    let node = "aks-nodepool1-14942319-vmss000001".to_owned();
    let want = [("hubble_ring_buffer", 5), ("perf_event_ring_buffer", 2)]
        .map(|(source, count)| (vec![source.to_owned(), node.clone()], count));
    assert_eq!(lost, BTreeMap::from(want));
}
