//! Tests of what all queries share: permits at the relay and at Prometheus, and memory.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use test_kit::frame::Frame;
use test_kit::grafana::{Plugin, Range, Source, Start};
use test_kit::http::{Answer, Http};
use test_kit::now_ms;
use test_kit::relay::{Relay, Script, flow, node, node_status};

/// Grafana's mark of a query of an alert rule.
const FROM_ALERT: [(&str, &str); 1] = [("FromAlert", "true")];

/// A query that differs from all others by its namespace.
fn drops(namespace: usize) -> Value {
    json!({
        "queryType": "flowMetrics", "metric": "count", "format": "top",
        "filter": { "namespace": [format!("ns-{namespace}")] },
    })
}

/// Status and message of one query, asked with headers.
async fn asked(
    plugin: &Plugin,
    source: &Source,
    query: Value,
    headers: &[(&str, &str)],
) -> (i32, String) {
    let answers = plugin.query_with(source, Range::last_hour(), &[("A", query)], headers).await;
    (answers["A"].status, answers["A"].error.clone())
}

#[tokio::test]
async fn the_relay_gets_a_few_scans_at_once_and_all_are_answered() {
    let plugin = Plugin::start().await;
    let relay =
        Relay::start(Script { lasts: Duration::from_millis(50), ..Script::default() }).await;
    let source = relay.source();
    let answers = join_all((0..60).map(|n| asked(&plugin, &source, drops(n), &[]))).await;
    assert_eq!(answers, vec![(200, String::new()); 60]);
    let most = relay.most_open();
    assert!((2..=11).contains(&most), "{most} streams at once");
}

/// Counts by a field, of a range that begins some milliseconds later.
async fn counted(
    plugin: &Plugin,
    source: &Source,
    group_by: &str,
    range: Range,
) -> Vec<(String, String)> {
    let query = json!({
        "queryType": "flowMetrics", "metric": "count", "format": "top", "groupBy": [group_by],
        "filter": { "verdict": ["FORWARDED"] },
    });
    let frames = plugin.tables(source, range, query).await;
    let value = |frame: &Frame| {
        let name = frame.fields().into_iter().find(|name| name != "time").unwrap_or_default();
        (name.clone(), frame.cells(&name).join(" "))
    };
    let mut counts: Vec<_> = frames.iter().map(value).collect();
    counts.sort();
    counts
}

/// The panels of a dashboard: the same flows by several fields, asked for in one moment. Ranges that
/// differ by less than a second share the scan as well, and each counts its own.
#[tokio::test]
async fn queries_that_differ_in_grouping_read_the_flows_once() {
    let plugin = Plugin::start().await;
    let to_ms = now_ms().div_euclid(1_000) * 1_000 - 10_500;
    let range = Range { from_ms: to_ms - 3_600_000, to_ms };
    let begin = flow("aks-1", range.from_ms, |_| {});
    let flows = (0..3_000).map(|n| flow(["aks-1", "aks-2"][n % 2], to_ms - 60_000, |_| {}));
    let flows = std::iter::once(begin).chain(flows).collect();
    let relay = Relay::start(Script { flows, ..Script::default() }).await;
    let source = relay.source();
    let alone = counted(&plugin, &source, "nodeName", range).await;
    assert_eq!(relay.asked().len(), 1);
    let later = Range { from_ms: range.from_ms + 1, to_ms: range.to_ms + 3 };
    let (by_node, by_verdict, again, of_later, by_pod) = tokio::join!(
        counted(&plugin, &source, "nodeName", range),
        counted(&plugin, &source, "verdict", range),
        counted(&plugin, &source, "nodeName", range),
        counted(&plugin, &source, "verdict", later),
        counted(&plugin, &source, "fromPod", range),
    );
    assert_eq!(relay.asked().len(), 2, "one scan for five queries");
    assert_eq!((&by_node, &again), (&alone, &alone));
    let sum = |counts: &[(String, String)]| -> u64 {
        counts.iter().map(|(_, count)| count.parse::<u64>().unwrap()).sum()
    };
    let sums = [&by_node, &by_verdict, &of_later, &by_pod].map(|counts| sum(counts));
    assert_eq!(sums, [3_001, 3_001, 3_000, 3_001]);
}

#[tokio::test]
async fn equal_queries_of_single_flows_read_them_once() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let flows = (0..300).map(|n| flow("aks-1", now - 60_000 - n, |_| {})).collect();
    let script = Script { flows, lasts: Duration::from_millis(300), ..Script::default() };
    let relay = Relay::start(script).await;
    let source = relay.source();
    let range = Range { from_ms: now - 3_600_000, to_ms: now };
    let rows = async |limit: usize| {
        let query = json!({ "queryType": "flows", "format": "table", "limit": limit });
        plugin.tables(&source, range, query).await.iter().map(Frame::len).sum::<usize>()
    };
    let rows = tokio::join!(rows(200), rows(200), rows(100), rows(200));
    assert_eq!((rows, relay.asked().len()), ((200, 200, 100, 200), 2));
}

/// A shared scan ends with its last query; a query that leaves takes nothing from the others.
#[tokio::test]
async fn a_shared_scan_ends_with_its_last_query() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script { hangs: true, ..Script::default() }).await;
    let source = relay.source();
    let first = asked(&plugin, &source, drops(1), &[]);
    let second = asked(&plugin, &source, drops(1), &[]);
    let (mut first, mut second) = (Box::pin(first), Box::pin(second));
    tokio::select! {
        _ = &mut first => panic!("the relay does not answer"),
        _ = &mut second => panic!("the relay does not answer"),
        () = relay.has_open(1) => {}
    }
    drop(first);
    tokio::select! {
        _ = &mut second => panic!("the relay does not answer"),
        () = tokio::time::sleep(Duration::from_millis(200)) => {}
    }
    assert_eq!((relay.open(), relay.most_open()), (1, 1));
    drop(second);
    relay.has_open(0).await;
}

/// Calls that a relay passes on to every node are made once for all who ask in the same moment.
#[tokio::test]
async fn nodes_and_namespaces_are_asked_for_once() {
    let plugin = Plugin::start().await;
    let script = Script { namespaces: vec!["pets"], ..Script::default() };
    let relay = Relay::start(script).await;
    let (source, mut admin) = (relay.source(), relay.source());
    admin.role = "Admin".to_owned();
    let health = join_all((0..100).map(|_| plugin.health(&source)));
    let resources =
        ["nodes", "suggestions?field=namespace", "suggestions?field=nodeName", "status"];
    let resources = resources.map(|url| {
        join_all((0..100).map(|_| async { plugin.resource(&admin, "GET", url, b"").await.status }))
    });
    let (health, statuses) = tokio::join!(health, join_all(resources));
    assert!(health.iter().all(|health| health.status == 1), "{:?}", health[0]);
    assert_eq!(statuses.concat(), vec![200; 400]);
    // Without sharing there would be 600 and more.
    assert!(relay.gathered() <= 40, "{} calls", relay.gathered());
}

#[tokio::test]
async fn an_alert_rule_passes_beside_queries_that_wait() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script { hangs: true, ..Script::default() }).await;
    let mut source = relay.source();
    source.json_data = json!({ "requestTimeoutSecs": 3 });
    let people = join_all((0..30).map(|n| asked(&plugin, &source, drops(n), &[])));
    let rule = async {
        relay.has_open(9).await;
        let rule = asked(&plugin, &source, drops(99), &FROM_ALERT);
        let reached = async {
            relay.asked_times(10).await;
            relay.asked().last().cloned()
        };
        let (rule, reached) = tokio::join!(rule, reached);
        assert!(format!("{:?}", reached.unwrap().whitelist).contains("ns-99"));
        rule
    };
    let (people, (status, message)) = tokio::join!(people, rule);
    assert_eq!(status, 504, "{message}");
    assert!(people.iter().all(|(status, _)| *status == 504), "{people:?}");
    assert!(relay.most_open() <= 11);
}

#[tokio::test]
async fn a_query_that_waits_too_long_is_refused_in_words() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script { hangs: true, ..Script::default() }).await;
    let source = relay.source();
    let other = Source { org_id: 2, ..relay.source() };
    let hanging = join_all((0..9).map(|n| asked(&plugin, &source, drops(n), &[])));
    let waiting = async {
        relay.has_open(9).await;
        asked(&plugin, &other, drops(20), &[]).await
    };
    let (status, message) = tokio::select! {
        _ = hanging => panic!("the relay answered"),
        answer = waiting => answer,
    };
    assert_eq!(
        (status, message.as_str()),
        (
            503,
            "the relay is busy: this query gave up after 10 s; try again, or show fewer panels at once"
        )
    );
}

#[tokio::test]
async fn prometheus_gets_a_few_calls_at_once() {
    let plugin = Plugin::start().await;
    let open = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let most = open.clone();
    let counted = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = counted.clone();
    let prometheus = Http::start_with(move |_| {
        let (open, most) = (most.clone(), counted.clone());
        async move {
            use std::sync::atomic::Ordering::SeqCst;
            most.fetch_max(open.fetch_add(1, SeqCst) + 1, SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            open.fetch_sub(1, SeqCst);
            let body = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
            Some(Answer::json("200 OK", body))
        }
    })
    .await;
    let source = prometheus.source();
    let query = |n: usize| json!({ "expr": format!("up{n}"), "instant": true });
    let answers = join_all((0..100).map(|n| asked(&plugin, &source, query(n), &[]))).await;
    assert_eq!(answers, vec![(200, String::new()); 100]);
    let most = seen.load(std::sync::atomic::Ordering::SeqCst);
    assert!((2..=10).contains(&most), "{most} calls at once");
}

/// Flows of 100 KB each: forty answers of 40 MiB do not fit, and are refused before the process is.
#[tokio::test]
async fn answers_beyond_the_memory_are_refused() {
    let plugin = Plugin::start_with(Start {
        env: vec![("HUBBLE_MEMORY_LIMIT_MIB", "512".to_owned())],
        ..Start::default()
    })
    .await;
    let now = now_ms();
    let flows = (0..400)
        .map(|n| flow("aks-1", now - n, |flow| flow.node_labels = vec!["x".repeat(100_000)]));
    let relay = Relay::start(Script { flows: flows.collect(), ..Script::default() }).await;
    let source = relay.source();
    let query = |n: usize| {
        json!({
            "queryType": "flows", "format": "packed", "limit": 1_000,
            "filter": { "namespace": [format!("ns-{n}"), "pets"] },
        })
    };
    let answers = join_all((0..40).map(|n| asked(&plugin, &source, query(n), &[]))).await;
    let refused: Vec<_> = answers.iter().filter(|(status, _)| *status != 200).collect();
    assert!(!refused.is_empty());
    for (status, message) in refused {
        assert_eq!(*status, 503, "{message}");
        assert!(
            message.starts_with("this answer needs more memory than is free (")
                || message.starts_with("the relay is busy: "),
            "{message}"
        );
    }
    let (status, message) = asked(&plugin, &source, query(1_000), &[]).await;
    assert_eq!((status, message.as_str()), (200, ""), "the memory is free again");
}

/// Queries that wait keep their compiled patterns, which are part of the memory.
#[tokio::test]
async fn patterns_of_waiting_queries_are_part_of_the_memory() {
    let plugin = Plugin::start_with(Start {
        env: vec![("HUBBLE_MEMORY_LIMIT_MIB", "256".to_owned())],
        ..Start::default()
    })
    .await;
    let relay = Relay::start(Script { hangs: true, ..Script::default() }).await;
    let source = relay.source();
    let before_kib = plugin.status_kib("VmHWM");
    // Each may take more than half a MiB, what it keeps between two flows included.
    let patterns =
        |n: usize| -> Vec<_> { (0..20).map(|of| format!(r"{n}-{of}\pL{{3}}")).collect() };
    let query = |n: usize| {
        json!({
            "queryType": "flowMetrics", "metric": "count", "format": "top",
            "filter": { "httpPath": patterns(n) },
        })
    };
    let (refused, mut messages) = tokio::sync::mpsc::channel(60);
    let waiting = join_all((0..60).map(|n| {
        let (plugin, source, refused, query) = (&plugin, &source, refused.clone(), query(n));
        async move {
            let (status, message) = asked(plugin, source, query, &[]).await;
            refused.send((status, message)).await.unwrap();
        }
    }));
    // 85 MiB of memory hold fewer than ten queries.
    let mut seen = 0;
    tokio::select! {
        _ = waiting => panic!("the relay does not answer"),
        () = async {
            while seen < 40 {
                let (status, message) = messages.recv().await.unwrap();
                assert_eq!(status, 503, "{message}");
                assert!(message.starts_with("this answer needs more memory than is free ("), "{message}");
                seen += 1;
            }
        } => {}
    }
    plugin.has_figure("k8snet_memory_held_bytes", 0.0).await;
    let grown_kib = plugin.status_kib("VmHWM") - before_kib;
    assert!(grown_kib < 200 << 10, "{grown_kib} KiB more");
    let (status, message) = asked(&plugin, &Source::relay("127.0.0.1:1"), query(0), &[]).await;
    assert_eq!(status, 502, "the memory is free again: {message}");
}

/// Requests count by their size before their queries begin.
#[tokio::test]
async fn large_requests_are_part_of_the_memory() {
    let plugin = Plugin::start_with(Start {
        env: vec![("HUBBLE_MEMORY_LIMIT_MIB", "200".to_owned())],
        ..Start::default()
    })
    .await;
    let relay = Relay::start(Script::default()).await;
    let source = relay.source();
    let bulky = |bytes: usize| json!({ "queryType": "flows", "filter": { "httpHeader": [], "pod": ["a".repeat(bytes)] } });
    let (small, large) = (bulky(1_000), bulky(900_000));
    let mut queries = vec![("A", small)];
    let names: Vec<String> = (0..40).map(|n| format!("B{n}")).collect();
    queries.extend(names.iter().map(|name| (name.as_str(), large.clone())));
    let answers = plugin.query(&source, Range::last_hour(), &queries).await;
    assert_eq!(answers.len(), 41);
    for answer in answers.values() {
        assert_eq!(answer.status, 503, "{}", answer.error);
        assert!(
            answer.error.starts_with("this answer needs more memory than is free ("),
            "{}",
            answer.error
        );
    }
    plugin.has_figure(r#"k8snet_refusals_total{limit="memory"}"#, 1.0).await;
    assert!(relay.asked().is_empty());
}

/// A busy dashboard: queries that wait for a scan, or that share one, hold nearly nothing.
#[tokio::test]
async fn many_small_counts_fit_into_little_memory() {
    let plugin = Plugin::start_with(Start {
        env: vec![("HUBBLE_MEMORY_LIMIT_MIB", "512".to_owned())],
        ..Start::default()
    })
    .await;
    let now = now_ms();
    let flows = (0..500).map(|n| flow("aks-1", now - 1_000 - n, |_| {})).collect();
    let script = Script { flows, lasts: Duration::from_millis(100), ..Script::default() };
    let relay = Relay::start(script).await;
    let source = relay.source();
    let apart = (0..100).map(|n| asked(&plugin, &source, drops(n), &[]));
    let together = (0..100).map(|_| asked(&plugin, &source, drops(1_000), &[]));
    let answers = tokio::join!(join_all(apart), join_all(together));
    assert_eq!(answers, (vec![(200, String::new()); 100], vec![(200, String::new()); 100]));
}

#[tokio::test]
async fn alert_rules_need_complete_answers() {
    let now = now_ms();
    let found = || flow("aks-1", now - 60_000, |_| {});
    let lost = |count: u64| {
        // The node holds 4,095 flows of the last minute.
        test_kit::relay::lost("aks-1", 2, count)
    };
    let missing = node_status(2, &["aks-2"], "");
    let check = async |flows, json_data: Value, expected: Result<(), &str>| {
        let plugin = Plugin::start().await;
        let mut one = node("aks-1", 1);
        (one.num_flows, one.max_flows, one.seen_flows) = (4_095, 4_095, 9_000);
        let script = Script {
            flows,
            oldest: vec![flow("aks-1", now - 3_600_000, |_| {})],
            nodes: vec![one],
            ..Script::default()
        };
        let relay = Relay::start(script).await;
        let source = Source { json_data, ..relay.source() };
        let query = || json!({ "queryType": "flowMetrics", "metric": "count", "format": "top" });
        let (status, message) = asked(&plugin, &source, query(), &FROM_ALERT).await;
        match expected {
            Ok(()) => assert_eq!((status, message.as_str()), (200, "")),
            Err(reason) => {
                let whole = format!(
                    "an alert rule needs a complete answer: {reason}; `Count incomplete answers` in the data source's settings evaluates rules nevertheless"
                );
                assert_eq!((status, message), (502, whole));
            }
        }
        let (status, message) = asked(&plugin, &source, query(), &[]).await;
        assert_eq!((status, message.as_str()), (200, ""), "a person gets notices");
    };
    check(vec![found()], json!({}), Ok(())).await;
    let unavailable = "no flows from node `aks-2`: the relay cannot reach it";
    check(vec![found(), missing.clone()], json!({}), Err(unavailable)).await;
    let counted = json!({ "alertsCountIncomplete": true });
    check(vec![found(), missing], counted, Ok(())).await;
    check(vec![found(), lost(100)], json!({}), Ok(())).await;
    let many = "1000 events lost on node `aks-1`, about 20 % of its events in the time range (an estimate): Hubble's queue of events was full (OBSERVER_EVENTS_QUEUE)";
    check(vec![found(), lost(1_000)], json!({}), Err(many)).await;
    check(vec![found(), lost(1_000)], json!({ "alertsMaxLostPercent": 25 }), Ok(())).await;
}
