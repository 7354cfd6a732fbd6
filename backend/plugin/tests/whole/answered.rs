//! Tests of missing answers, which are errors and never zero: no connected node, a filter that
//! every node refuses, and answers of some nodes only; each with every type of query.

use hubble_api::pb::flow::Flow;
use hubble_api::pb::observer::{GetFlowsResponse, Node};
use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range};
use test_kit::now_ms;
use test_kit::relay::{self, Relay, Rings, Script};

/// Every type of query that reads flows.
fn queries() -> Vec<Value> {
    let metrics = |metric: &str, format: &str| json!({ "queryType": "flowMetrics", "metric": metric, "format": format });
    let mut queries = vec![
        json!({ "queryType": "flows" }),
        json!({ "queryType": "flows", "format": "logs" }),
        json!({ "queryType": "flows", "format": "packed" }),
        json!({ "queryType": "serviceMap" }),
        json!({ "queryType": "dnsConnections" }),
        json!({ "queryType": "flowAnnotations" }),
    ];
    for metric in ["count", "rate", "dropRatio", "distinctPeers"] {
        queries.extend([metrics(metric, "top"), metrics(metric, "time_series")]);
    }
    queries
}

async fn failures(plugin: &Plugin, script: Script) -> Vec<(i32, String)> {
    let relay = Relay::start(script).await;
    let mut failures = Vec::new();
    for query in queries() {
        let (status, source, message) =
            plugin.failure(&relay.source(), Range::last_hour(), query).await;
        assert_eq!(source, "downstream");
        failures.push((status, message));
    }
    failures
}

fn nodes(states: &[(&str, i32)]) -> Vec<Node> {
    states.iter().map(|(name, state)| relay::node(name, *state)).collect()
}

#[tokio::test]
async fn no_node_is_an_error_in_every_type() {
    let plugin = Plugin::start().await;
    let check = async |flows: Vec<GetFlowsResponse>, known: &[(&str, i32)], expected: &str| {
        let script = Script { flows, nodes: nodes(known), ..Script::default() };
        for (status, message) in failures(&plugin, script).await {
            assert_eq!((status, message.as_str()), (502, expected));
        }
    };
    let advice = "check that the Cilium agents run with Hubble enabled";
    check(
        vec![relay::node_status(2, &["aks-1", "aks-2"], "")],
        &[("aks-1", 2), ("aks-2", 2)],
        &format!("no node is connected: the relay cannot reach nodes `aks-1`, `aks-2`; {advice}"),
    )
    .await;
    // A relay without reachable nodes may report them only in its list of nodes.
    check(
        vec![],
        &[("aks-1", 2), ("aks-2", 2)],
        &format!("no node is connected: the relay cannot reach nodes `aks-1`, `aks-2`; {advice}"),
    )
    .await;
    // A relay without peers does not mention nodes and ends the stream normally.
    check(
        vec![],
        &[],
        &format!("no node is connected: the relay does not know any nodes; {advice}"),
    )
    .await;
}

#[tokio::test]
async fn a_refusal_by_every_node_is_an_error_with_their_message() {
    let plugin = Plugin::start().await;
    let check = async |flows: Vec<GetFlowsResponse>, expected: (i32, &str)| {
        let known = nodes(&[("aks-1", 1), ("aks-2", 1), ("aks-3", 2)]);
        let script = Script { flows, nodes: known, ..Script::default() };
        for (status, message) in failures(&plugin, script).await {
            assert_eq!((status, message.as_str()), expected);
        }
    };
    let connected = || relay::node_status(1, &["aks-1", "aks-2"], "");
    let unavailable = || relay::node_status(2, &["aks-3"], "");
    let sentence = "error compiling CEL expression: undefined field 'verdit'";
    check(
        vec![connected(), unavailable(), relay::node_status(4, &["aks-1", "aks-2"], sentence)],
        (400, &format!("every one of 2 connected nodes refused the query: {sentence}")),
    )
    .await;
    check(
        vec![
            connected(),
            relay::node_status(4, &["aks-1"], "invalid IP address \"x\" in filter"),
            relay::node_status(4, &["aks-2"], "invalid IP prefix"),
        ],
        (
            400,
            "every one of 2 connected nodes refused the query: invalid IP address \"x\" in filter; invalid IP prefix",
        ),
    )
    .await;
    let gone = "rpc error: code = Unavailable desc = error reading from server: EOF";
    check(
        vec![connected(), relay::node_status(4, &["aks-1", "aks-2"], gone)],
        (502, &format!("every one of 2 connected nodes stopped answering: {gone}")),
    )
    .await;
}

#[tokio::test]
async fn counts_are_lower_bounds_if_some_nodes_did_not_answer() {
    let plugin = Plugin::start().await;
    let flow = relay::flow("aks-2", now_ms() - 1_000, |_| {});
    let script = |flows: &[&GetFlowsResponse]| {
        let mut all = vec![
            relay::node_status(1, &["aks-1", "aks-2"], ""),
            relay::node_status(4, &["aks-1"], "invalid filter"),
        ];
        all.extend(flows.iter().map(|&flow| flow.clone()));
        let known = nodes(&[("aks-1", 1), ("aks-2", 1)]);
        Script { flows: all, nodes: known, ..Script::default() }
    };
    let ask = async |script: Script, query: Value| {
        let relay = Relay::start(script).await;
        plugin.frames(&relay.source(), Range::last_hour(), query).await.join("\n")
    };
    let count = || json!({ "queryType": "flowMetrics", "format": "top" });
    let ratio = || json!({ "queryType": "flowMetrics", "format": "top", "metric": "dropRatio" });
    let refused = "node `aks-1` refused: invalid filter";
    let check = |frames: &str, named: &[&str]| {
        for words in named {
            assert!(frames.contains(words), "{words}: {frames}");
        }
    };
    let answer = ask(script(&[&flow]), count()).await;
    check(&answer, &[refused, "each number is a lower bound: flows are missing", "rows:\n1\n"]);
    let answer = ask(script(&[&flow]), ratio()).await;
    check(&answer, &[refused, "each ratio covers the received flows only: others are missing"]);
    let nothing = "no flows were found, but some may be missing: flows of some nodes are missing";
    for query in queries() {
        let answer = ask(script(&[]), query).await;
        check(&answer, &[refused, nothing]);
    }
    // All nodes answered without flows.
    let known = vec![relay::node_status(1, &["aks-1"], "")];
    let answer = ask(Script { flows: known, ..Script::default() }, count()).await;
    assert!(!answer.contains("may be missing") && answer.contains("rows:\n0\n"), "{answer}");
}

#[tokio::test]
async fn suggestions_and_variables_fail_without_a_node() {
    let plugin = Plugin::start().await;
    let script = Script {
        flows: vec![relay::node_status(2, &["aks-1"], "")],
        nodes: nodes(&[("aks-1", 2)]),
        ..Script::default()
    };
    let relay = Relay::start(script).await;
    let now = now_ms();
    let variable = |query: &str| {
        json!({ "query": query, "from": now - 60_000, "to": now }).to_string().into_bytes()
    };
    for (method, url, body) in [
        ("GET", "suggestions?field=fromPod", vec![]),
        ("GET", "suggestions?field=namespace", vec![]),
        ("POST", "variables", variable("pods(pets)")),
        ("POST", "variables", variable("namespaces()")),
    ] {
        let answer = plugin.resource(&relay.source(), method, url, &body).await;
        let text = String::from_utf8(answer.body()).unwrap();
        assert_eq!(answer.status, 502, "{url}: {text}");
        assert!(text.contains("no node is connected"), "{url}: {text}");
    }
}

#[tokio::test]
async fn adjacent_time_ranges_share_no_flow() {
    let plugin = Plugin::start().await;
    let edge = (now_ms() - 600_000) / 1_000 * 1_000;
    let at = |nanos: i64| {
        let mut time = relay::timestamp(edge);
        time.seconds += nanos.div_euclid(1_000_000_000);
        time.nanos = i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap();
        let named = |flow: &mut Flow| {
            flow.time = Some(time);
            flow.uuid = format!("at{nanos:+}");
        };
        GetFlowsResponse { time: Some(time), ..relay::flow("aks-1", edge, named) }
    };
    let flows = [-1_000_000, -1, 0, 1, 999_999, 1_000_000].map(at).to_vec();
    let relay = Relay::start(Script { flows, ..Script::default() }).await;
    let check = async |from_ms: i64, to_ms: i64, line: &str, expected: &[&str]| {
        let range = Range { from_ms, to_ms };
        let query = json!({ "queryType": "flows", "text": format!("hubble observe {line}") });
        let answer = plugin.frames(&relay.source(), range, query).await.remove(0);
        for uuid in ["at-1000000", "at-1", "at+0", "at+1", "at+999999", "at+1000000"] {
            let is_shown = answer.contains(&format!("| {uuid}\n"));
            assert_eq!(is_shown, expected.contains(&uuid), "{uuid} {line}: {answer}");
        }
    };
    check(edge - 1_000, edge, "", &["at-1000000", "at-1"]).await;
    check(edge, edge + 1_000, "", &["at+0", "at+1", "at+999999", "at+1000000"]).await;
    check(edge, edge + 1, "", &["at+0", "at+1", "at+999999"]).await;
    let second = chrono::DateTime::from_timestamp_millis(edge).unwrap();
    let time = |nanos: &str| format!("{}.{nanos}Z", second.format("%Y-%m-%dT%H:%M:%S"));
    let since = format!("--since {}", time("000000001"));
    check(edge - 1_000, edge + 1_000, &since, &["at+1", "at+999999", "at+1000000"]).await;
    let until = format!("--until {}", time("000999999"));
    let before = ["at-1000000", "at-1", "at+0", "at+1", "at+999999"];
    check(edge - 1_000, edge + 1_000, &until, &before).await;
    let both = format!("{since} --until {}", time("000000001"));
    check(edge - 1_000, edge + 1_000, &both, &["at+1"]).await;
}

/// A node counts back from now: flows after the range use up its number and are not shown.
#[tokio::test]
async fn flows_during_a_request_belong_to_the_next_range() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let edge = now - 2_000;
    let check = async |late: i64, limit: i64, numbers: &[u64]| {
        let times = (0..late).map(|n| edge + n).chain((1..=6).map(|n| edge - n));
        let flows = times.map(|time_ms| relay::flow("aks-1", time_ms, |_| {})).collect();
        let relay =
            Relay::start(Script { flows, rings: Rings::Counted, ..Script::default() }).await;
        let range = Range { from_ms: edge - 60_000, to_ms: edge };
        let query = json!({ "queryType": "flows", "limit": limit });
        let answer = plugin.frames(&relay.source(), range, query).await.remove(0);
        let shown = answer.matches("| uuid-").count();
        assert_eq!(shown, usize::try_from(limit.min(6)).unwrap(), "{late} {limit}: {answer}");
        for n in 1..=limit.min(6) {
            assert!(answer.contains(&format!("| uuid-{}\n", edge - n)), "{late} {limit}: {answer}");
        }
        let asked = relay.asked();
        let asked: Vec<u64> = asked.iter().map(|request| request.number).collect();
        assert_eq!(asked, numbers, "{late} {limit}");
    };
    check(0, 4, &[4]).await;
    check(4, 4, &[4, 0]).await;
    check(3, 10, &[10]).await;
    check(9, 10, &[10, 0]).await;
}

#[tokio::test]
async fn a_forgotten_range_has_a_notice() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let begins = now - 60_000;
    let script = Script {
        oldest: vec![
            relay::flow("aks-1", begins, |_| {}),
            relay::flow("aks-2", begins + 5_000, |_| {}),
        ],
        ..Script::default()
    };
    let relay = Relay::start(script).await;
    let range = Range { from_ms: now - 3_600_000, to_ms: now - 1_800_000 };
    let source = relay.source();
    for query in queries() {
        let answers = plugin.query(&source, range, &[("A", query.clone())]).await;
        let frame = frames::golden::render(&answers["A"].frames[0], 10);
        let memory = format!(
            r#""memory":{{"begins":{begins},"complete":false,"completeSince":{},"forgotten":true,"rangeBegin":{},"rangeEnd":{}}}"#,
            begins + 5_000,
            range.from_ms,
            range.to_ms
        );
        assert!(frame.replace([' ', '\n'], "").contains(&memory), "{query}: {frame}");
        assert!(frame.contains("this range ended at "), "{query}: {frame}");
        assert!(frame.contains("; Hubble's memory begins at "), "{query}: {frame}");
        assert!(!frame.contains("are gone"), "once is enough: {frame}");
    }
    // A range that reaches into memory is not forgotten.
    let query = json!({ "queryType": "flows" });
    let frame = plugin.frames(&source, Range::last_hour(), query).await.remove(0);
    assert!(frame.contains("earlier flows of the time range are gone"), "{frame}");
    assert!(frame.replace([' ', '\n'], "").contains(r#""forgotten":false"#), "{frame}");
}

#[tokio::test]
async fn losses_are_counted_by_node_and_range() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let lost_at = |node: &str, source: i32, count: u64, time_ms: i64| GetFlowsResponse {
        time: Some(relay::timestamp(time_ms)),
        ..relay::lost(node, source, count)
    };
    // 1,000 flows in the last 100 s: 10 a second.
    let node = |name: &str| Node {
        num_flows: 1_000,
        max_flows: 1_000,
        seen_flows: 90_000,
        ..relay::node(name, 1)
    };
    let script = Script {
        flows: vec![
            relay::node_status(1, &["aks-1", "aks-2", "aks-3"], ""),
            // Start markers of readers.
            lost_at("aks-1", 3, 1, now),
            lost_at("aks-2", 3, 1, now),
            lost_at("aks-1", 2, 100, now - 30_000),
            lost_at("aks-1", 2, 7, now - 90_000),
            lost_at("aks-3", 1, 2, now - 30_000),
        ],
        nodes: vec![node("aks-1"), node("aks-2"), relay::node("aks-3", 1)],
        oldest: vec![
            relay::flow("aks-1", now - 100_000, |_| {}),
            relay::flow("aks-2", now - 100_000, |_| {}),
            relay::flow("aks-3", now - 100_000, |_| {}),
        ],
        ..Script::default()
    };
    let relay = Relay::start(script).await;
    let range = Range { from_ms: now - 60_000, to_ms: now };
    for query in queries() {
        let frame = plugin.frames(&relay.source(), range, query.clone()).await.join("\n");
        // 100 of 100 + 600.
        let named = "100 events lost on node `aks-1`, about 14 % of its events in the time range (an estimate): Hubble's queue of events was full (OBSERVER_EVENTS_QUEUE)";
        assert!(frame.contains(named), "{query}: {frame}");
        let alone = "2 events lost on node `aks-3`: the kernel's perf ring buffer";
        assert!(frame.contains(alone), "nothing is known of what it saw: {frame}");
        assert!(!frame.contains("on node `aks-2`"), "{query}: {frame}");
        let empty = "no flows were found, but some may be missing: events were lost";
        assert!(frame.contains(empty), "{query}: {frame}");
        let squeezed = frame.replace([' ', '\n'], "");
        assert!(squeezed.contains(r#""lost":{"events":102"#), "{frame}");
        if query["queryType"] == "flows" {
            // The frame separates notices about missing data from those that the panel replaces.
            assert!(squeezed.contains(r#""incomplete":["100eventslost"#), "{frame}");
            assert!(squeezed.contains(r#""reworded":["noflowswerefound"#), "{frame}");
        }
    }
}

/// Lost events are counted over the part that was read, flows over the range: they have no share.
#[tokio::test]
async fn losses_have_no_share_if_reading_stopped_at_the_limit() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let node = |name: &str| Node {
        num_flows: 1_000,
        max_flows: 1_000,
        seen_flows: 90_000,
        ..relay::node(name, 1)
    };
    let lost_at = |node: &str, time_ms: i64| GetFlowsResponse {
        time: Some(relay::timestamp(time_ms)),
        ..relay::lost(node, 2, 100)
    };
    let script = Script {
        // The first node stops after two flows; the other has only one and was read over the range.
        flows: vec![
            relay::flow("aks-1", now - 2_000, |_| {}),
            relay::flow("aks-2", now - 1_500, |_| {}),
            lost_at("aks-1", now - 1_000),
            lost_at("aks-2", now - 1_000),
            relay::flow("aks-1", now - 1_000, |_| {}),
        ],
        nodes: vec![node("aks-1"), node("aks-2")],
        oldest: vec![
            relay::flow("aks-1", now - 100_000, |_| {}),
            relay::flow("aks-2", now - 100_000, |_| {}),
        ],
        ..Script::default()
    };
    let relay = Relay::start(script).await;
    let check = async |to_ms: i64, limit: usize, stops: bool| {
        let range = Range { from_ms: to_ms - 60_000, to_ms };
        let query = json!({ "queryType": "flows", "limit": limit });
        let frame = plugin.frames(&relay.source(), range, query).await.join("\n");
        let share = "about 14 % of its events in the time range (an estimate)";
        let whole = |node: &str| format!("100 events lost on node `{node}`, {share}: ");
        assert!(frame.contains(&whole("aks-2")), "{limit}: {frame}");
        assert_eq!(frame.contains(&whole("aks-1")), !stops, "{limit}: {frame}");
        let counted = "100 events lost on node `aks-1`, counted since ";
        assert_eq!(frame.contains(counted), stops, "{limit}: {frame}");
        let since = format!(r#""share":null,"since":{}"#, now - 2_000);
        let json = frame.replace([' ', '\n'], "");
        assert_eq!(json.contains(&since), stops, "{limit}: {frame}");
    };
    check(now, 2, true).await;
    check(now, 1_000, false).await;
}

/// Between the start of memory and the time from which all nodes have their flows, some are gone.
#[tokio::test]
async fn counts_are_lower_bounds_if_some_nodes_have_forgotten() {
    let plugin = Plugin::start().await;
    let now = now_ms() / 60_000 * 60_000;
    let script = Script {
        flows: vec![
            relay::flow("aks-1", now - 150_000, |_| {}),
            relay::flow("aks-2", now - 30_000, |_| {}),
        ],
        nodes: nodes(&[("aks-1", 1), ("aks-2", 1)]),
        oldest: vec![
            relay::flow("aks-1", now - 1_000_000, |_| {}),
            relay::flow("aks-2", now - 60_000, |_| {}),
        ],
        ..Script::default()
    };
    let relay = Relay::start(script).await;
    let bound = "each number is a lower bound: flows are missing";
    let count = json!({ "queryType": "flowMetrics", "format": "time_series" });
    let by_node = json!({ "queryType": "flowMetrics", "groupBy": ["nodeName"] });
    for query in [count, by_node.clone()] {
        for (from_ms, is_bound) in [(now - 180_000, true), (now - 60_000, false)] {
            let range = Range { from_ms, to_ms: now };
            let frame = plugin.frames(&relay.source(), range, query.clone()).await.join("\n");
            assert_eq!(frame.contains(bound), is_bound, "{query}: {frame}");
        }
    }
    let range = Range { from_ms: now - 180_000, to_ms: now };
    let frames = plugin.tables(&relay.source(), range, by_node).await;
    // One of the nodes has forgotten two of three minutes: eight of twelve buckets.
    for (node, forgotten) in [("aks-1", 0), ("aks-2", 8)] {
        let frame = frames.iter().find(|frame| frame.name == node).unwrap();
        let counts = frame.cells(frame.fields().last().unwrap());
        assert_eq!(counts.iter().filter(|count| *count == "null").count(), forgotten, "{frame:?}");
    }
}
