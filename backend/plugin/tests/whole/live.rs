//! Tests of Grafana Live: a relay's stream becomes a channel, with notices in rows.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures_util::FutureExt;
use hubble_api::pb::observer::{GetFlowsResponse, Node};
use plugin_protocol::{
    Code, RunStreamRequest, Status, StreamPacket, Streaming, SubscribeStreamRequest, client,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use test_kit::grafana::{Plugin, Source};
use test_kit::relay::{self, Masks, Relay, Script};
use test_kit::sockets::closed_port;
use test_kit::{PATIENCE, now_ms};

/// The path of a query's channel. Keys are sorted by `Value`; queries of tests hold no number or key that
/// RFC 8785 writes in another way.
pub(super) fn path(query: &Value) -> String {
    format!("flows/{}", HEXLOWER.encode(&Sha256::digest(query.to_string())))
}

async fn subscribe(plugin: &Plugin, source: &Source, query: &Value) -> (i32, Value) {
    subscribe_at(plugin, source, &path(query), query.to_string()).await
}

/// Subscribes as Grafana does, with the JSON that the browser sent.
pub(super) async fn subscribe_at(
    plugin: &Plugin,
    source: &Source,
    path: &str,
    json: String,
) -> (i32, Value) {
    let request = SubscribeStreamRequest {
        plugin_context: Some(source.context()),
        path: path.to_owned(),
        data: Bytes::from(json),
    };
    let answer = client::subscribe_stream(plugin.channel.clone(), request).await.unwrap();
    (answer.status, serde_json::from_slice(&answer.data).unwrap())
}

async fn run(
    plugin: &Plugin,
    source: &Source,
    query: &Value,
) -> Result<Streaming<StreamPacket>, Status> {
    run_at(plugin, source, &path(query), query.to_string()).await
}

/// Runs a channel as Grafana does after the first subscription.
pub(super) async fn run_at(
    plugin: &Plugin,
    source: &Source,
    path: &str,
    json: String,
) -> Result<Streaming<StreamPacket>, Status> {
    let request = RunStreamRequest {
        plugin_context: Some(source.context()),
        path: path.to_owned(),
        data: Bytes::from(json),
    };
    client::run_stream(plugin.channel.clone(), request).await
}

/// The columns of the next message.
async fn next(stream: &mut Streaming<StreamPacket>) -> Vec<Vec<Value>> {
    let packet = tokio::time::timeout(PATIENCE, stream.message()).await.expect("in time");
    let data = packet.unwrap().expect("a message").data;
    assert!(data.len() <= 256 << 10, "{} bytes", data.len());
    let message: Value = serde_json::from_slice(&data).unwrap();
    assert!(message.get("schema").is_none(), "only the first message has the schema");
    serde_json::from_value(message["data"]["values"].clone()).unwrap()
}

/// The columns of the next messages together, until there are `count` rows. The number of rows per
/// message depends on timing.
pub(super) async fn rows(stream: &mut Streaming<StreamPacket>, count: usize) -> Vec<Vec<Value>> {
    let mut columns = next(stream).await;
    while columns.last().unwrap().len() < count {
        for (column, more) in columns.iter_mut().zip(next(stream).await) {
            column.extend(more);
        }
    }
    columns
}

/// The rows of flows and the texts of notices, until `done` returns true.
async fn gather(
    stream: &mut Streaming<StreamPacket>,
    done: impl Fn(usize, &[String]) -> bool,
) -> (usize, Vec<String>) {
    let (mut flows, mut notices) = (0, Vec::new());
    while !done(flows, &notices) {
        let columns = next(stream).await;
        for notice in columns.last().unwrap() {
            match notice.as_str() {
                Some(text) => notices.push(text.to_owned()),
                None => flows += 1,
            }
        }
    }
    (flows, notices)
}

pub(super) fn query(rest: &Value) -> Value {
    let mut query = json!({ "queryType": "flows", "refId": "A" });
    query.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    query
}

fn plain(times_ms: impl IntoIterator<Item = i64>) -> Vec<GetFlowsResponse> {
    times_ms.into_iter().map(|time_ms| relay::flow("aks-1", time_ms, |_| {})).collect()
}

fn names(message: &Value) -> Vec<&str> {
    let fields = message["schema"]["fields"].as_array().unwrap();
    fields.iter().map(|field| field["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_table_grows_until_the_last_subscriber_leaves() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let script =
        Script { flows: plain([now - 2_000, now - 1_000]), hangs: true, ..Script::default() };
    let relay = Relay::start(script).await;
    let source = relay.source();
    let query = query(&json!({ "text": "hubble observe -n pets --follow" }));
    let (status, first) = subscribe(&plugin, &source, &query).await;
    assert_eq!(status, 0);
    let names = names(&first);
    assert_eq!((names[0], names[1], *names.last().unwrap()), ("Time", "Verdict", "Notice"));
    assert_eq!(first["schema"]["refId"], "A");
    assert_eq!(first["schema"]["fields"][0]["type"], "time");
    let meta = &first["schema"]["meta"];
    assert_eq!(meta["executedQueryString"], "hubble observe --follow --namespace pets");
    let values = first["data"]["values"].as_array().unwrap();
    assert_eq!(values.len(), names.len());
    assert!(values.iter().all(|values| values == &json!([])), "no rows yet");

    let mut stream = run(&plugin, &source, &query).await.unwrap();
    let columns = rows(&mut stream, 2).await;
    assert_eq!(columns.len(), names.len(), "one schema for all");
    assert_eq!(columns[0], [now - 2_000, now - 1_000]);
    assert_eq!(columns[1], ["FORWARDED", "FORWARDED"]);
    assert_eq!(columns.last().unwrap(), &[Value::Null, Value::Null]);
    let asked = relay.asked()[0].clone();
    assert_eq!((asked.follow, asked.number, asked.since), (true, 20, None));
    assert_eq!(asked.whitelist.len(), 2, "the relay filters: {asked:?}");

    drop(stream);
    relay.has_open(0).await;
}

#[tokio::test]
async fn log_lines_as_they_come() {
    let plugin = Plugin::start().await;
    let flows = vec![relay::flow("aks-1", now_ms(), |_| {}), relay::lost("aks-1", 3, 7)];
    let relay = Relay::start(Script { flows, hangs: true, ..Script::default() }).await;
    let query = query(&json!({ "format": "logs", "last": 5 }));
    let (_, first) = subscribe(&plugin, &relay.source(), &query).await;
    assert_eq!(names(&first), ["timestamp", "body", "severity", "id", "labels", "labelTypes"]);
    assert_eq!(first["schema"]["meta"]["type"], "log-lines");
    let mut stream = run(&plugin, &relay.source(), &query).await.unwrap();
    let columns = rows(&mut stream, 2).await;
    assert!(columns[1][0].as_str().unwrap().starts_with("FORWARDED pets/store-front-0:40000"));
    assert_eq!(columns[4][0]["fromWorkload"], "store-front", "labels are JSON, not text");
    assert!(columns[1][1].as_str().unwrap().starts_with("6 events lost on node `aks-1`"));
    assert_eq!((&columns[2][1], &columns[3][1]), (&json!("warning"), &json!("notice-1")));
    assert_eq!(columns[4][1], json!({ "notice": "true" }));
    assert_eq!(relay.asked()[0].number, 5);
}

#[tokio::test]
async fn a_row_reports_that_no_node_answers() {
    let plugin = Plugin::start().await;
    let check = async |script: Script, expected: &[&str]| {
        let relay = Relay::start(script).await;
        let query = query(&json!({}));
        let mut stream = run(&plugin, &relay.source(), &query).await.unwrap();
        let (flows, notices) =
            gather(&mut stream, |_, notices| notices.len() >= expected.len()).await;
        assert_eq!(flows, 0);
        for (notice, expected) in notices.iter().zip(expected) {
            assert!(notice.starts_with(expected), "{notices:?}");
        }
        drop(stream);
        relay.has_open(0).await;
    };
    let connected = || relay::node_status(1, &["aks-1", "aks-2"], "");
    let sentence = "invalid http path filter";
    // A relay without nodes ends the stream at once.
    check(
        Script {
            flows: vec![relay::node_status(2, &["aks-1"], "")],
            nodes: vec![relay::node("aks-1", 2)],
            ..Script::default()
        },
        &[
            "no flows from node `aks-1`",
            "no flows for now, trying again: ",
            "no node is connected: the relay cannot reach node `aks-1`",
        ],
    )
    .await;
    check(
        Script {
            flows: vec![connected(), relay::node_status(4, &["aks-1", "aks-2"], sentence)],
            hangs: true,
            ..Script::default()
        },
        &[
            "nodes `aks-1`, `aks-2` refused: invalid http path filter",
            "every one of 2 connected nodes refused the query: invalid http path filter",
        ],
    )
    .await;
    // One of the nodes continues; start markers of readers are not losses.
    check(
        Script {
            flows: vec![
                connected(),
                relay::lost("aks-1", 3, 1),
                relay::lost("aks-2", 3, 1),
                relay::node_status(4, &["aks-1"], sentence),
                relay::lost("aks-2", 3, 5),
            ],
            hangs: true,
            ..Script::default()
        },
        &["node `aks-1` refused: invalid http path filter", "5 events lost on node `aks-2`: "],
    )
    .await;
}

#[tokio::test]
async fn an_invalid_query_has_an_error_and_no_rows() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let check = async |rest: Value, expected: &str| {
        let query = query(&rest);
        let (status, first) = subscribe(&plugin, &relay.source(), &query).await;
        assert_eq!(status, 0, "else Grafana keeps the reason to itself");
        let columns = first["data"]["values"].as_array().unwrap();
        assert_eq!(columns.last().unwrap()[0], expected);
        let notice = &first["schema"]["meta"]["notices"][0];
        assert_eq!((&notice["severity"], &notice["text"]), (&json!("error"), &json!(expected)));
        run(&plugin, &relay.source(), &query).await.unwrap()
    };
    let mut silent = [
        check(
            json!({ "filter": { "namespace": ["$namespace"] } }),
            "`filter.namespace`: `$namespace` was not replaced by a value: is there such a variable on the dashboard?",
        )
        .await,
        check(
            json!({ "format": "packed" }),
            "format `packed` cannot be followed: use `table` or `logs`",
        )
        .await,
        check(
            json!({ "queryType": "serviceMap" }),
            "query type `serviceMap` cannot be followed: use `flows`",
        )
        .await,
    ];
    assert!(relay.asked().is_empty());
    // A stream that began later, on the same connection, has sent its first rows by now.
    let script = Script { flows: plain([now_ms()]), hangs: true, ..Script::default() };
    let relay = Relay::start(script).await;
    let mut talking = run(&plugin, &relay.source(), &query(&json!({}))).await.unwrap();
    next(&mut talking).await;
    for stream in &mut silent {
        let silence = stream.message().now_or_never();
        assert!(silence.is_none(), "a stream that ended would be run again and again");
    }
}

#[tokio::test]
async fn a_flood_is_cut_and_counted() {
    const FLOWS: usize = 20_000;
    let plugin = Plugin::start().await;
    let now = now_ms();
    let flows = plain((0..20_000).map(|n| now + n));
    let relay = Relay::start(Script { flows, hangs: true, ..Script::default() }).await;
    let query = query(&json!({}));
    let mut stream = run(&plugin, &relay.source(), &query).await.unwrap();
    let left_out = |notices: &[String]| -> usize {
        let counts = notices.iter().map(|text| text.split(' ').next().unwrap());
        counts.map(|count| count.parse::<usize>().unwrap()).sum()
    };
    let (shown, notices) =
        gather(&mut stream, |shown, notices| shown + left_out(notices) >= FLOWS).await;
    assert_eq!(shown + left_out(&notices), FLOWS, "every flow is shown or counted: {notices:?}");
    assert!(shown >= 500, "{shown}");
    let words =
        "flows left out: more came than 500 in 200 ms, or than Grafana took; narrow the filter";
    assert!(notices.iter().all(|text| text.ends_with(words)), "{notices:?}");
}

#[tokio::test]
async fn messages_with_huge_flows_stay_small() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let bulky = |time_ms| {
        relay::flow("aks-1", time_ms, |flow| {
            flow.destination_names = vec!["a".repeat(64 << 10)];
            flow.destination.as_mut().unwrap().pod_name.clear();
        })
    };
    let flows = (0..20).map(|n| bulky(now + n)).collect();
    let relay = Relay::start(Script { flows, hangs: true, ..Script::default() }).await;
    let mut stream = run(&plugin, &relay.source(), &query(&json!({}))).await.unwrap();
    let (shown, notices) = gather(&mut stream, |_, notices| !notices.is_empty()).await;
    assert!((1..20).contains(&shown), "{shown} shown, and {notices:?}");
}

#[tokio::test]
async fn a_relay_that_restarts_is_reported() {
    let plugin = Plugin::start().await;
    let script = Script {
        flows: plain([now_ms()]),
        error: Some(Status::unavailable("shutting down")),
        ..Script::default()
    };
    let relay = Relay::start(script).await;
    let mut stream = run(&plugin, &relay.source(), &query(&json!({}))).await.unwrap();
    let (flows, notices) =
        gather(&mut stream, |flows, notices| flows >= 1 && notices.len() >= 2).await;
    assert_eq!(flows, 1, "the relay sends the same flow again");
    assert!(notices[0].starts_with("no flows for now, trying again: "), "{notices:?}");
    assert!(notices[0].contains("shutting down"), "{notices:?}");
    assert!(notices[1].contains("broke 1 time and was restored"), "{notices:?}");
    let asked = relay.asked();
    assert!(asked[1].since.is_some() && asked[1].number == 0, "on from where it broke");
}

#[tokio::test]
async fn a_relay_that_cannot_be_reached_is_asked_again() {
    let plugin = Plugin::start().await;
    let source = Source::relay(&closed_port().await.to_string());
    let mut stream = run(&plugin, &source, &query(&json!({}))).await.unwrap();
    let (_, notices) = gather(&mut stream, |_, notices| notices.len() >= 2).await;
    assert!(notices[0].contains("refuses the connection"), "{notices:?}");
    assert!(notices[0].ends_with("(trying again in 1 s)"), "{notices:?}");
    assert!(notices[1].ends_with("(trying again in 2 s)"), "{notices:?}");
}

/// The limits of a query also apply to a live query.
#[tokio::test]
async fn live_queries_that_are_too_large() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let source = relay.source();
    let labels: Value = (0..20)
        .map(|number| json!({ "key": "label", "operator": "=", "value": format!("a{number}") }))
        .collect();
    let (status, answer) =
        subscribe(&plugin, &source, &query(&json!({ "adhocFilters": labels }))).await;
    assert_eq!(status, 0);
    assert_eq!(
        answer["schema"]["meta"]["notices"][0]["text"],
        "ad hoc filter `label`: the filters of the query combine to more than 64: remove some of them"
    );
    let first = async |source: &Source, json: Value| {
        let (status, answer) = subscribe(&plugin, source, &query(&json)).await;
        assert_eq!(status, 0);
        answer["schema"]["meta"]["notices"][0]["text"].as_str().unwrap_or_default().to_owned()
    };
    let bomb = first(&source, json!({ "filter": { "httpPath": [r"\pL{90}"] } })).await;
    assert!(bomb.starts_with("`filter.httpPath`: ") && bomb.contains("256 KiB"), "{bomb}");
    let cel = json!({ "filter": { "celExpression": ["true"] } });
    assert_eq!(first(&source, cel.clone()).await, "");
    let off = Source { json_data: json!({ "allowCelExpressions": false }), ..relay.source() };
    assert!(first(&off, cel).await.starts_with("CEL expressions are off"));
    let large = query(&json!({ "filter": { "uuid": ["a".repeat(1 << 20)] } }));
    let (status, answer) = subscribe(&plugin, &source, &large).await;
    let message = "the query is larger than 1024 KiB";
    assert_eq!((status, &answer["message"]), (2, &json!(message)));
    let refused = run(&plugin, &source, &large).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, message));
}

#[tokio::test]
async fn a_refused_mask_does_not_interrupt_other_streams() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    for masks in [Masks::Refused, Masks::RefusedByOne] {
        // Both readers send start markers, which are not losses.
        let flows = [vec![relay::lost("aks-1", 3, 1)], plain([now - 1_000])].concat();
        let script = Script { flows, masks, hangs: true, ..Script::default() };
        let relay = Relay::start(script).await;
        let mut stream = run(&plugin, &relay.source(), &query(&json!({}))).await.unwrap();
        let (_, notices) = gather(&mut stream, |flows, _| flows >= 1).await;
        assert_eq!(notices, [""; 0]);
        relay.asked_times(2).await;
        let asked = relay.asked();
        assert!(asked[0].field_mask.is_some() && asked[1].field_mask.is_none(), "{asked:?}");
    }
}

#[tokio::test]
async fn flows_against_the_filter_from_older_nodes_are_left_out() {
    let plugin = Plugin::start().await;
    let version = "cilium v1.15.1".to_owned();
    let old = Node { version, ..relay::node("aks-1", 1) };
    let script = Script { flows: plain([now_ms()]), nodes: vec![old], ..Script::default() };
    let relay = Relay::start(Script { hangs: true, ..script }).await;
    let source = relay.source();
    let lagging = query(&json!({ "filter": { "dropReasonDesc": ["POLICY_DENIED"] } }));
    let mut stream = run(&plugin, &source, &lagging).await.unwrap();
    let (flows, notices) = gather(&mut stream, |_, notices| notices.len() >= 2).await;
    assert_eq!(flows, 0);
    assert!(notices[0].contains("does not record `egress_denied_by`"), "{notices:?}");
    assert!(
        notices[1].contains("cannot filter by `drop_reason_desc` (Cilium 1.16)"),
        "{notices:?}"
    );
    let impossible = query(&json!({ "filter": { "celExpression": ["true"] } }));
    let mut stream = run(&plugin, &source, &impossible).await.unwrap();
    let (_, notices) = gather(&mut stream, |_, notices| !notices.is_empty()).await;
    assert!(notices[0].contains("this needs Cilium 1.16"), "{notices:?}");
}
