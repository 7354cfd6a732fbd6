use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use hubble_api::pb::flow::{FlowFilter, Verdict};
use hubble_api::pb::observer::get_flows_request::Experimental;
use prost_types::FieldMask as WireMask;

use super::*;
use crate::cluster::Cluster;
use crate::hubble::ring::{RingCapacity, Rings};
use crate::scenario::Scenario;
use crate::traffic::{MonitorAggregation, SECOND, Simulation};

const START: i64 = 1_786_968_000 * SECOND;

fn relay(capacity: u32, unavailable: &[u8]) -> Arc<Relay> {
    let cluster = Arc::new(Cluster::pet_shop());
    Arc::new(Relay {
        rings: Arc::new(Rings::new(3, RingCapacity::new(capacity).unwrap())),
        cluster,
        seed: 1,
        started_nanos: START,
        unavailable: unavailable.iter().copied().map(NodeId).collect(),
        tls: false,
        lose_every: None,
        release: HubbleRelease::Main,
        lost: Mutex::new(vec![0; 3]),
    })
}

fn records(from_secs: i64, secs: i64) -> Vec<EventRecord> {
    let mut simulation = Simulation::new(
        Arc::new(Cluster::pet_shop()),
        Scenario::Chaos,
        MonitorAggregation::Medium,
        u64::try_from(from_secs).unwrap_or(0),
        1_000.0,
        START + from_secs * SECOND,
    );
    let mut records = Vec::new();
    simulation.advance(START + (from_secs + secs) * SECOND, |record| records.push(record));
    records
}

fn filled(unavailable: &[u8]) -> Arc<Relay> {
    let relay = relay(4_095, unavailable);
    relay.rings.append(records(0, 4));
    relay
}

/// All messages of an answer that ends.
async fn answer(relay: &Arc<Relay>, request: GetFlowsRequest) -> Vec<GetFlowsResponse> {
    let mut receiver = get_flows(relay, request);
    let mut messages = Vec::new();
    while let Some(message) = receiver.recv().await {
        messages.push(message.expect("no error"));
    }
    messages
}

fn flows_of(messages: &[GetFlowsResponse]) -> Vec<&pb::Flow> {
    messages
        .iter()
        .filter_map(|message| match &message.response_types {
            Some(ResponseTypes::Flow(flow)) => Some(flow),
            _ => None,
        })
        .collect()
}

fn statuses(messages: &[GetFlowsResponse]) -> Vec<(i32, usize)> {
    messages
        .iter()
        .filter_map(|message| match &message.response_types {
            Some(ResponseTypes::NodeStatus(event)) => {
                Some((event.state_change, event.node_names.len()))
            }
            _ => None,
        })
        .collect()
}

fn uuids(flows: &[&pb::Flow]) -> Vec<String> {
    flows.iter().map(|flow| flow.uuid.clone()).collect()
}

fn all_records(relay: &Relay) -> Vec<EventRecord> {
    let mut records: Vec<EventRecord> =
        relay.connected().into_iter().flat_map(|node| relay.rings.snapshot(node).1).collect();
    records.sort_by_key(|record| (record.time_nanos, record.sequence));
    records
}

/// The content of the rings, in the order of an unfiltered answer.
fn all(relay: &Relay) -> Vec<pb::Flow> {
    let decoder = Decoder { cluster: &relay.cluster, seed: relay.seed };
    all_records(relay).iter().map(|record| pb::Flow::from(decoder.flow(record))).collect()
}

/// The last (or first) so many matching records of each node.
fn per_node(
    flows: &[pb::Flow],
    number: usize,
    last: bool,
    pass: impl Fn(&pb::Flow) -> bool,
) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut wanted = |flow: &&pb::Flow| pass(flow);
    let mut take = |flow: &pb::Flow, name| {
        let count = counts.entry(name).or_default();
        *count += 1;
        (*count <= number).then(|| flow.uuid.clone())
    };
    if last {
        let mut kept: Vec<String> = flows
            .iter()
            .rev()
            .filter(&mut wanted)
            .filter_map(|flow| take(flow, flow.node_name.as_str()))
            .collect();
        kept.reverse();
        kept
    } else {
        flows
            .iter()
            .filter(&mut wanted)
            .filter_map(|flow| take(flow, flow.node_name.as_str()))
            .collect()
    }
}

fn everything() -> GetFlowsRequest {
    GetFlowsRequest { number: u64::MAX, ..GetFlowsRequest::default() }
}

fn verdict_filter(verdict: Verdict) -> FlowFilter {
    FlowFilter { verdict: vec![verdict as i32], ..FlowFilter::default() }
}

#[tokio::test]
async fn an_answer_begins_with_the_nodes_and_is_in_order() {
    let relay = filled(&[]);
    let messages = answer(&relay, everything()).await;
    assert_eq!(statuses(&messages), [(NodeState::NodeConnected as i32, 3)]);
    assert!(matches!(
        messages.first().and_then(|message| message.response_types.as_ref()),
        Some(ResponseTypes::NodeStatus(_))
    ));
    let flows = flows_of(&messages);
    let want = all(&relay);
    assert_eq!(flows.len(), want.len());
    assert_eq!(flows, want.iter().collect::<Vec<_>>());
    assert!(messages.iter().skip(1).all(|message| {
        matches!(&message.response_types, Some(ResponseTypes::Flow(flow))
            if flow.node_name == message.node_name && flow.time == message.time)
    }));
}

#[tokio::test]
async fn a_node_that_is_away_is_named_and_sends_nothing() {
    let relay = filled(&[1]);
    let messages = answer(&relay, everything()).await;
    assert_eq!(
        statuses(&messages),
        [(NodeState::NodeConnected as i32, 2), (NodeState::NodeUnavailable as i32, 1)]
    );
    let away = relay.node_name(NodeId(1));
    let flows = flows_of(&messages);
    assert!(!flows.is_empty());
    assert!(flows.iter().all(|flow| flow.node_name != away));
    let status = relay.server_status();
    assert_eq!(status.num_connected_nodes, Some(2));
    assert_eq!(status.unavailable_nodes, [away]);
}

#[tokio::test]
async fn numbers_count_per_node() {
    let relay = filled(&[]);
    let kept = all(&relay);
    let dropped = |flow: &pb::Flow| flow.verdict == Verdict::Dropped as i32;
    let check = async |request: GetFlowsRequest, want: Vec<String>| {
        let messages = answer(&relay, request.clone()).await;
        let flows = flows_of(&messages);
        assert!(!want.is_empty());
        assert_eq!(uuids(&flows), want, "{request:?}");
    };
    let last = GetFlowsRequest { number: 5, ..GetFlowsRequest::default() };
    check(last.clone(), per_node(&kept, 5, true, |_| true)).await;
    let first = GetFlowsRequest { first: true, ..last.clone() };
    check(first.clone(), per_node(&kept, 5, false, |_| true)).await;
    let whitelist = vec![verdict_filter(Verdict::Dropped)];
    check(
        GetFlowsRequest { whitelist: whitelist.clone(), ..last.clone() },
        per_node(&kept, 5, true, dropped),
    )
    .await;
    check(
        GetFlowsRequest { blacklist: whitelist.clone(), ..first },
        per_node(&kept, 5, false, |flow| !dropped(flow)),
    )
    .await;
    // Two filters are alternatives; allow and deny lists both apply.
    check(
        GetFlowsRequest {
            number: 7,
            whitelist: vec![verdict_filter(Verdict::Traced), verdict_filter(Verdict::Dropped)],
            blacklist: vec![FlowFilter {
                protocol: vec!["udp".to_owned()],
                ..FlowFilter::default()
            }],
            ..GetFlowsRequest::default()
        },
        per_node(&kept, 7, true, |flow| {
            let udp = flow
                .l4
                .as_ref()
                .is_some_and(|l4| matches!(l4.protocol, Some(pb::layer4::Protocol::Udp(_))));
            (flow.verdict == Verdict::Traced as i32 || dropped(flow)) && !udp
        }),
    )
    .await;
}

#[tokio::test]
async fn times_bound_the_answer_and_beat_the_number() {
    let relay = filled(&[]);
    let kept = all(&relay);
    let at = |secs: i64| Some(timestamp(START + secs * SECOND));
    let within = |from: i64, to: i64| {
        kept.iter()
            .filter(|flow| {
                let nanos = flow.time.map(|time| unix_nanos(&time).unwrap()).unwrap();
                nanos >= START + from * SECOND && nanos <= START + to * SECOND
            })
            .map(|flow| flow.uuid.clone())
            .collect::<Vec<_>>()
    };
    let check = async |request: GetFlowsRequest, want: Vec<String>| {
        let messages = answer(&relay, request.clone()).await;
        assert_eq!(uuids(&flows_of(&messages)), want, "{request:?}");
    };
    let none = GetFlowsRequest::default;
    check(GetFlowsRequest { since: at(2), ..none() }, within(2, 99)).await;
    check(GetFlowsRequest { since: at(1), until: at(2), ..none() }, within(1, 2)).await;
    check(GetFlowsRequest { until: at(1), number: u64::MAX, ..none() }, within(0, 1)).await;
    check(GetFlowsRequest { since: at(50), ..none() }, Vec::new()).await;
    let far = Some(Timestamp { seconds: flow::Timestamp::MIN_SECONDS, nanos: 0 });
    check(GetFlowsRequest { since: far, ..none() }, within(0, 99)).await;
    // With a start time, a number counts the first flows after it.
    let since_two: Vec<pb::Flow> =
        kept.iter().filter(|flow| within(2, 99).contains(&flow.uuid)).cloned().collect();
    check(
        GetFlowsRequest { since: at(2), number: 3, ..none() },
        per_node(&since_two, 3, false, |_| true),
    )
    .await;
}

#[tokio::test]
async fn a_mask_leaves_the_rest_out() {
    let mask = || Some(WireMask { paths: vec!["uuid".to_owned(), "source.pod_name".to_owned()] });
    // `hubble` up to 1.18 sends the mask as an experiment; each release reads its own place.
    let experimental = || Some(Experimental { field_mask: mask() });
    for (release, field_mask, experimental) in [
        (HubbleRelease::Main, mask(), None),
        (HubbleRelease::V1_18, None, experimental()),
        (HubbleRelease::V1_15, None, experimental()),
    ] {
        let mut relay = filled(&[]);
        Arc::get_mut(&mut relay).expect("the only one").release = release;
        let request =
            GetFlowsRequest { number: 2, field_mask, experimental, ..GetFlowsRequest::default() };
        let messages = answer(&relay, request).await;
        let flows = flows_of(&messages);
        assert_eq!(flows.len(), 6);
        for flow in flows {
            assert!(!flow.uuid.is_empty() && flow.source.is_some());
            assert!(flow.time.is_none() && flow.l4.is_none() && flow.node_name.is_empty());
        }
    }
}

/// A relay does not check a request: its nodes do, and the stream ends normally.
#[tokio::test]
async fn an_invalid_request_is_an_error_of_every_node() {
    let relay = filled(&[1]);
    let check = async |request: GetFlowsRequest, want: &str| {
        let messages = answer(&relay, request).await;
        let states: Vec<i32> = statuses(&messages).iter().map(|(state, _)| *state).collect();
        assert_eq!(states, [1, 2, 4], "{want}");
        let Some(ResponseTypes::NodeStatus(error)) =
            messages.last().and_then(|message| message.response_types.as_ref())
        else {
            panic!("a status: {messages:?}");
        };
        assert_eq!(error.node_names.len(), 2);
        assert!(error.message.starts_with(want), "{}", error.message);
    };
    let none = GetFlowsRequest::default;
    check(
        GetFlowsRequest { first: true, follow: true, ..none() },
        "rpc error: code = InvalidArgument desc = first cannot be specified with follow",
    )
    .await;
    check(
        GetFlowsRequest { since: Some(Timestamp { seconds: 0, nanos: -1 }), ..none() },
        "invalid time",
    )
    .await;
    check(
        GetFlowsRequest {
            field_mask: Some(WireMask { paths: vec!["colour".to_owned()] }),
            ..none()
        },
        "invalid fieldmask",
    )
    .await;
    check(
        GetFlowsRequest {
            whitelist: vec![FlowFilter {
                source_ip: vec!["10.0.0.0/99".to_owned()],
                ..FlowFilter::default()
            }],
            follow: true,
            ..none()
        },
        "invalid IP prefix \"10.0.0.0/99\" in filter",
    )
    .await;
    // Without a connected node there are no errors either.
    let disconnected = filled(&[0, 1, 2]);
    for follow in [false, true] {
        let messages = answer(&disconnected, GetFlowsRequest { follow, ..none() }).await;
        assert_eq!(statuses(&messages), [(NodeState::NodeUnavailable as i32, 3)]);
        assert_eq!(messages.len(), 1);
    }
}

/// Nodes that reported a ring loss, and the number of these messages.
fn ring_losses(messages: &[GetFlowsResponse]) -> (BTreeSet<String>, usize) {
    let lost = messages.iter().filter(|message| {
        matches!(&message.response_types, Some(ResponseTypes::LostEvents(event))
            if event.source == LostEventSource::HubbleRingBuffer as i32
                && event.num_events_lost == 1)
    });
    let nodes: Vec<String> = lost.map(|message| message.node_name.clone()).collect();
    (nodes.iter().cloned().collect(), nodes.len())
}

/// A reader at the beginning of a full ring gets one lost event, unless its release gathers losses
/// until after the reader has left.
#[tokio::test]
async fn a_full_ring_marks_where_a_reader_began() {
    let check = async |release: HubbleRelease, request: GetFlowsRequest, marks: usize| {
        let mut relay = relay(255, &[]);
        Arc::get_mut(&mut relay).expect("the only one").release = release;
        relay.rings.append(records(0, 4));
        let messages = answer(&relay, request.clone()).await;
        let (nodes, reported) = ring_losses(&messages);
        assert_eq!((nodes.len(), reported), (marks, marks), "{release:?} {request:?}");
        assert!(!flows_of(&messages).is_empty());
    };
    let none = GetFlowsRequest::default;
    for release in [HubbleRelease::V1_15, HubbleRelease::V1_18] {
        check(release, none(), 3).await;
        check(release, GetFlowsRequest { number: 10_000, ..none() }, 3).await;
        check(release, GetFlowsRequest { since: Some(timestamp(START)), ..none() }, 3).await;
        check(release, GetFlowsRequest { number: 3, ..none() }, 0).await;
        check(release, GetFlowsRequest { first: true, number: 3, ..none() }, 0).await;
    }
    check(HubbleRelease::V1_20, none(), 0).await;
    check(HubbleRelease::Main, none(), 0).await;
    let old = filled(&[]);
    assert_eq!(ring_losses(&answer(&old, none()).await).1, 0, "a ring that has room");
}

#[tokio::test]
async fn a_follower_gets_past_and_new_flows() {
    let relay = filled(&[]);
    let request = GetFlowsRequest { number: 1, follow: true, ..GetFlowsRequest::default() };
    let mut receiver = get_flows(&relay, request);
    let mut seen = Vec::new();
    // The nodes' states, and the last flow of each node.
    for _ in 0..4 {
        seen.push(receiver.recv().await.expect("a message").expect("no error"));
    }
    assert_eq!(flows_of(&seen).len(), 3);
    let later = records(10, 1);
    relay.rings.append(later.clone());
    let mut followed = Vec::new();
    for _ in 0..later.len() {
        followed.push(receiver.recv().await.expect("a message").expect("no error"));
    }
    let decoder = Decoder { cluster: &relay.cluster, seed: relay.seed };
    let want: Vec<String> = later.iter().map(|record| decoder.flow(record).uuid).collect();
    assert_eq!(uuids(&flows_of(&followed)), want);
}

#[tokio::test]
async fn a_slow_follower_gets_lost_events() {
    let relay = relay(7, &[]);
    relay.rings.append(records(0, 1));
    let request = GetFlowsRequest { number: 1, follow: true, ..GetFlowsRequest::default() };
    let mut receiver = get_flows(&relay, request);
    for _ in 0..4 {
        receiver.recv().await.expect("a message").expect("no error");
    }
    let flood = records(20, 1);
    relay.rings.append(flood.clone());
    let mut lost: HashMap<String, u64> = HashMap::new();
    let mut flows = 0;
    let nodes: BTreeSet<NodeId> = flood.iter().map(|record| record.node).collect();
    while lost.len() < nodes.len() {
        let message = receiver.recv().await.expect("a message").expect("no error");
        match message.response_types {
            Some(ResponseTypes::Flow(_)) => flows += 1,
            Some(ResponseTypes::LostEvents(event)) => {
                assert_eq!(event.source, LostEventSource::HubbleRingBuffer as i32);
                assert!(event.first.is_some() && event.last.is_some());
                *lost.entry(message.node_name).or_default() += event.num_events_lost;
            }
            other => panic!("{other:?}"),
        }
    }
    // Missing flows were reported and counted.
    let reported: u64 = lost.values().sum();
    assert_eq!(flows + reported, flood.len() as u64);
    assert_eq!(nodes.iter().map(|&node| relay.lost_on(node)).sum::<u64>(), reported);
}

#[tokio::test]
async fn perf_buffer_losses_replace_the_flow() {
    let mut relay = filled(&[]);
    Arc::get_mut(&mut relay).expect("the only one").lose_every = Some(10);
    let messages = answer(&relay, everything()).await;
    let total = all(&relay).len();
    let flows = flows_of(&messages).len();
    let lost = messages
        .iter()
        .filter(|message| {
            matches!(&message.response_types, Some(ResponseTypes::LostEvents(event))
                if event.source == LostEventSource::PerfEventRingBuffer as i32)
        })
        .count();
    assert_eq!(flows + lost, total);
    let want = all_records(&relay).iter().filter(|record| record.sequence % 10 == 0).count();
    assert!(want > 0);
    assert_eq!(lost, want);
}

#[test]
fn nodes_and_namespaces_match_the_cluster() {
    let relay = filled(&[2]);
    let nodes = relay.nodes().nodes;
    let states: Vec<i32> = nodes.iter().map(|node| node.state).collect();
    assert_eq!(
        states,
        [
            NodeState::NodeConnected as i32,
            NodeState::NodeConnected as i32,
            NodeState::NodeUnavailable as i32
        ]
    );
    assert!(nodes[0].num_flows > 0 && nodes[0].max_flows == 4_095 && !nodes[0].version.is_empty());
    assert_eq!(nodes[2].num_flows, 0);
    let namespaces: Vec<String> =
        relay.namespaces().namespaces.into_iter().map(|entry| entry.namespace).collect();
    assert_eq!(namespaces, ["kube-system", "pets"]);
}
