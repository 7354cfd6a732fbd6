//! Tests of flow streams, also broken ones.

use std::sync::Arc;
use std::time::Duration;

use flow::Timestamp;
use flow::filter::{FilterSet, FlowFilter};
use futures_util::StreamExt;
use hubble_api::client::{
    ClientError, ClientMetrics, FlowMessage, FlowRequest, FlowStream, RelayClient, RelayConfig,
    RelayNotices, WireFlow,
};
use hubble_api::pb::observer::GetFlowsResponse;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use prost::Message;
use test_kit::PATIENCE;
use test_kit::relay::{self, Relay, Script, node_status};
use test_kit::sockets::cuttable;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::support::{NODE, client, collect, config, flow, lost, script, sentence};

fn uuids(messages: &[FlowMessage]) -> Vec<String> {
    messages
        .iter()
        .filter_map(|message| match message {
            FlowMessage::Flow(flow) => Some(uuid(flow.message())),
            FlowMessage::Notice(_) => None,
        })
        .collect()
}

fn uuid(message: &[u8]) -> String {
    match GetFlowsResponse::decode(message).unwrap().response_types.unwrap() {
        ResponseTypes::Flow(flow) => flow.uuid,
        other => panic!("{other:?}"),
    }
}

fn notices(messages: &[FlowMessage]) -> String {
    let mut notices = RelayNotices::default();
    for message in messages {
        if let FlowMessage::Notice(notice) = message {
            notices.add(notice.clone());
        }
    }
    let lines: Vec<String> = notices.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

async fn next_flow(stream: &mut FlowStream) -> String {
    loop {
        match timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap() {
            FlowMessage::Flow(flow) => return uuid(flow.message()),
            FlowMessage::Notice(_) => {}
        }
    }
}

#[tokio::test]
async fn flows_arrive_in_their_wire_form() {
    let relay = Relay::start(script([flow(7)])).await;
    let (messages, error) = collect(client(relay.address).get_flows(FlowRequest::default())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        messages,
        [FlowMessage::Flow(WireFlow::read(flow(7).encode_to_vec().into()).unwrap().unwrap())]
    );
}

#[tokio::test]
async fn a_request_arrives_unchanged() {
    let relay = Relay::start(script([])).await;
    let allow = FlowFilter { source_pod: vec!["pets/store".to_owned()], ..FlowFilter::default() };
    let deny = FlowFilter { protocol: vec!["dns".to_owned()], ..FlowFilter::default() };
    let request = FlowRequest {
        number: 5,
        first: true,
        since: Some(Timestamp::new(10, 1).unwrap()),
        until: Some(Timestamp::new(20, 2).unwrap()),
        follow: false,
        filters: FilterSet { allow: vec![allow.clone()], deny: vec![deny.clone()] },
        field_mask: vec!["verdict".to_owned()],
    };
    assert_eq!(collect(client(relay.address).get_flows(request)).await.0, []);
    let requests = relay.asked_for_oldest();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((request.number, request.first, request.follow), (5, true, false));
    assert_eq!(request.since, Some(prost_types::Timestamp { seconds: 10, nanos: 1 }));
    assert_eq!(request.until, Some(prost_types::Timestamp { seconds: 20, nanos: 2 }));
    assert_eq!(request.whitelist, [allow.into()]);
    assert_eq!(request.blacklist, [deny.into()]);
    assert_eq!(request.field_mask.as_ref().unwrap().paths, ["verdict"]);
}

#[tokio::test]
async fn node_states_and_losses_become_notices() {
    let relay = Relay::start(script(vec![
        node_status(1, &["aks/node-1", "aks/node-2"], ""),
        node_status(2, &["aks/node-3"], ""),
        flow(1),
        lost(3, 10, 5, 6),
        lost(3, 20, 3, 4),
        lost(1, 1, 3, 4),
        node_status(4, &["aks/node-2"], "rpc error:\ncode = Unavailable"),
        node_status(2, &["aks/node-2"], ""),
        node_status(1, &["aks/node-3"], ""),
        node_status(3, &["aks/node-9"], ""),
        node_status(77, &["aks/node-8"], ""),
        flow(2),
    ]))
    .await;
    let (messages, error) = collect(client(relay.address).get_flows(FlowRequest::default())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(uuids(&messages), ["flow-1", "flow-2"]);
    insta::assert_snapshot!(notices(&messages));
}

#[tokio::test]
async fn flows_before_a_reset_are_kept() {
    let relay = Relay::start(Script { hangs: true, ..script([flow(1), flow(2)]) }).await;
    let cut = Arc::new(Notify::new());
    let address = cuttable(relay.address, Arc::clone(&cut)).await;
    let mut stream = client(address).get_flows(FlowRequest::default());
    assert_eq!(next_flow(&mut stream).await, "flow-1");
    assert_eq!(next_flow(&mut stream).await, "flow-2");
    cut.notify_one();
    let (messages, error) = collect(stream).await;
    assert_eq!(messages, []);
    let error = error.unwrap();
    assert!(matches!(error, ClientError::Broken { flows_received: 2, .. }), "{error:?}");
    assert_eq!(error.flows_received(), 2);
    let sentence = sentence(&error, address);
    let start = "the connection to relay at `127.0.0.1:PORT` broke after 2 flows";
    assert!(sentence.starts_with(start), "{sentence}");
}

#[tokio::test]
async fn an_answer_that_broke_before_its_first_flow_is_requested_again() {
    // The answer has begun where a message has come that is not a flow.
    let interrupted = vec![vec![node_status(1, &[NODE], "")]];
    let relay = Relay::start(Script { interrupted, ..script([flow(1)]) }).await;
    let cut = Arc::new(Notify::new());
    let address = cuttable(relay.address, Arc::clone(&cut)).await;
    let metrics = ClientMetrics::default();
    let client = client(address).counted(metrics.clone());
    let mut stream = client.get_flows(FlowRequest::default());
    assert_eq!((metrics.open_streams.get(), metrics.retries.get()), (1, 0));
    let begun = timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(begun, FlowMessage::Notice(_)), "{begun:?}");
    cut.notify_one();
    let (messages, error) = collect(stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(uuids(&messages), ["flow-1"]);
    assert_eq!(notices(&messages), "");
    assert_eq!(relay.asked().len(), 2);
    assert_eq!((metrics.open_streams.get(), metrics.retries.get()), (0, 1));
}

#[tokio::test]
async fn following_continues_after_a_break() {
    let interrupted = vec![vec![flow(10), flow(5)]];
    // The relay sends again what the new request covers.
    let again = script([flow(5), flow(10), flow(11)]);
    let relay = Relay::start(Script { interrupted, hangs: true, ..again }).await;
    let cut = Arc::new(Notify::new());
    let address = cuttable(relay.address, Arc::clone(&cut)).await;
    let request = FlowRequest { follow: true, number: 20, ..FlowRequest::default() };
    let mut stream = client(address).get_flows(request);
    assert_eq!(next_flow(&mut stream).await, "flow-10");
    assert_eq!(next_flow(&mut stream).await, "flow-5");
    cut.notify_one();
    let interrupted = timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap();
    let notice = notices(&[interrupted]);
    assert!(notice.contains("no flows for now, trying again: "), "{notice}");
    let resumed = timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap();
    insta::assert_snapshot!(notices(&[resumed]));
    assert_eq!(next_flow(&mut stream).await, "flow-11");
    let requests = relay.asked();
    let [first, second] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((first.number, first.since, first.follow), (20, None, true));
    let of_the_last = prost_types::Timestamp { seconds: 5, nanos: 0 };
    assert_eq!((second.number, second.since, second.follow), (0, Some(of_the_last), true));
}

/// One node's clock is an hour ahead; the flows of the others go on after a break.
#[tokio::test]
async fn a_clock_that_is_ahead_hides_no_other_node() {
    let now_ms = i64::try_from(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis(),
    )
    .unwrap();
    let of = |node: &str, time_ms: i64, uuid: &'static str| {
        relay::flow(node, time_ms, move |flow| uuid.clone_into(&mut flow.uuid))
    };
    let ahead = of("ahead", now_ms + 3_600_000, "ahead-1");
    let right = of("right", now_ms - 2_000, "right-1");
    let interrupted = vec![vec![right.clone(), ahead.clone()]];
    let missed = of("right", now_ms - 1_000, "right-2");
    let again = script([right, missed, ahead, of("ahead", now_ms + 3_600_500, "ahead-2")]);
    let relay = Relay::start(Script { interrupted, hangs: true, ..again }).await;
    let cut = Arc::new(Notify::new());
    let address = cuttable(relay.address, Arc::clone(&cut)).await;
    let request = FlowRequest { follow: true, ..FlowRequest::default() };
    let mut stream = client(address).get_flows(request);
    assert_eq!(next_flow(&mut stream).await, "right-1");
    assert_eq!(next_flow(&mut stream).await, "ahead-1");
    cut.notify_one();
    let mut came = Vec::new();
    while came.len() < 2 {
        let message = timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap();
        came.extend(uuids(&[message]));
    }
    assert_eq!(came, ["right-2", "ahead-2"]);
    let requests = relay.asked();
    let since = requests[1].since.unwrap();
    assert!(since.seconds <= now_ms / 1_000 - 2, "{since:?}");
}

#[tokio::test]
async fn dropping_the_stream_cancels_at_the_relay() {
    let relay = Relay::start(Script { hangs: true, ..script([flow(1)]) }).await;
    let client = client(relay.address);
    let mut stream = client.get_flows(FlowRequest { follow: true, ..FlowRequest::default() });
    assert_eq!(next_flow(&mut stream).await, "flow-1");
    drop(stream);
    relay.has_open(0).await;
    // The connection itself lives on.
    assert!(client.server_status().await.is_ok());
}

#[tokio::test]
async fn a_slow_answer_ends_in_time_and_keeps_its_flows() {
    let relay = Relay::start(Script { hangs: true, ..script([flow(1)]) }).await;
    let address = relay.address;
    let request_timeout = Duration::from_millis(300);
    let client = RelayClient::new(&RelayConfig { request_timeout, ..config(address) }).unwrap();
    let (messages, error) = collect(client.get_flows(FlowRequest::default())).await;
    assert_eq!(uuids(&messages), ["flow-1"]);
    let error = error.unwrap();
    insta::assert_snapshot!(sentence(&error, address));
    relay.has_open(0).await;
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused() {
    let long = relay::flow(NODE, 2_000, |flow| flow.node_labels = vec!["x".repeat(100_000)]);
    let address = Relay::start(script([flow(1), long])).await.address;
    let client =
        RelayClient::new(&RelayConfig { max_message_bytes: 64 << 10, ..config(address) }).unwrap();
    let (messages, error) = collect(client.get_flows(FlowRequest::default())).await;
    assert_eq!(uuids(&messages), ["flow-1"]);
    insta::assert_snapshot!(sentence(&error.unwrap(), address));
}

#[tokio::test]
async fn a_message_of_ten_megabytes_is_taken() {
    let long = relay::flow(NODE, 2_000, |flow| flow.node_labels = vec!["x".repeat(10_000_000)]);
    let address = Relay::start(script([long])).await.address;
    let (messages, error) = collect(client(address).get_flows(FlowRequest::default())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn a_failing_relay_keeps_what_it_sent() {
    let error = Some(tonic::Status::unavailable("shutting down"));
    let relay = Relay::start(Script { error, ..script([flow(1)]) }).await;
    let (messages, error) = collect(client(relay.address).get_flows(FlowRequest::default())).await;
    assert_eq!(uuids(&messages), ["flow-1"]);
    let error = error.unwrap();
    assert_eq!(error.flows_received(), 1);
    assert!(matches!(error, ClientError::Status { .. }), "{error:?}");
    assert_eq!(relay.asked().len(), 1, "a part of the answer had come");
}
