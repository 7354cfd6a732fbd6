//! Figures for Prometheus: what they say after what the test did.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range, Source, Start};
use test_kit::http::{Answer, Http};
use test_kit::now_ms;
use test_kit::prometheus::check_figures;
use test_kit::relay::{Relay, Script, flow};

use super::live::{path, query, run_at};

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

/// A query that differs from all others by its namespace.
fn drops(namespace: usize) -> Value {
    json!({
        "queryType": "flowMetrics", "metric": "count", "format": "top",
        "filter": { "namespace": [format!("ns-{namespace}")] },
    })
}

async fn ask(plugin: &Plugin, source: &Source, queries: &[(&str, Value)]) -> Vec<i32> {
    let answers = plugin.query(source, Range::last_hour(), queries).await;
    answers.values().map(|answer| answer.status).collect()
}

fn queries(query_type: &str, outcome: &str) -> String {
    format!(
        r#"k8snet_queries_total{{org_id="1",uid="hubble",query_type="{query_type}",outcome="{outcome}"}}"#
    )
}

fn of_source(name: &str, label: &str) -> String {
    format!(r#"{name}{{org_id="1",uid="hubble"{label}}}"#)
}

fn gate(name: &str, gate: &str) -> String {
    format!(r#"{name}{{gate="{gate}"}}"#)
}

fn refusals(limit: &str) -> String {
    format!(r#"k8snet_refusals_total{{limit="{limit}"}}"#)
}

#[tokio::test]
async fn nothing_has_happened_yet() {
    let start =
        Start { env: vec![("HUBBLE_MEMORY_LIMIT_MIB", "300".to_owned())], ..Start::default() };
    let plugin = Plugin::start_with(start).await;
    let figures = plugin.figures().await;
    let check = |series: &str, expected: f64| {
        assert_eq!(figures.get(series), Some(expected), "{series}");
    };
    check(r#"k8snet_build_info{version="0.1.0"}"#, 1.0);
    check(r#"k8snet_process_memory_limit_bytes{origin="environment"}"#, 314_572_800.0);
    check("k8snet_memory_limit_bytes", 104_857_600.0);
    check("k8snet_memory_held_bytes", 0.0);
    check("k8snet_live_channels", 0.0);
    for limit in ["relay_scans", "prometheus_calls", "policy_reads", "memory", "live_channels"] {
        check(&refusals(limit), 0.0);
    }
    check_figures(&figures.text).await;
    let started_secs = figures.get("k8snet_start_time_seconds").unwrap();
    let now_secs = Duration::from_millis(now_ms().unsigned_abs()).as_secs_f64();
    assert!((0.0..60.0).contains(&(now_secs - started_secs)), "{started_secs}");
}

#[tokio::test]
async fn queries_scans_and_caches() {
    let plugin = Plugin::start().await;
    let flows = vec![flow("aks-1", now_ms() - 1_000, |_| {})];
    let relay = Relay::start(Script { flows, ..Script::default() }).await;
    let source = relay.source();
    for n in 0..3 {
        assert_eq!(ask(&plugin, &source, &[("A", drops(n))]).await, [200]);
    }
    let twice = [
        ("A", json!({ "queryType": "flows" })),
        ("B", json!({ "queryType": "nosuch" })),
        ("C", json!({ "expr": "up" })),
    ];
    assert_eq!(ask(&plugin, &source, &twice).await, [200, 400, 400]);
    let figures = plugin.figures().await;
    let check = |series: &str, expected: f64| {
        assert_eq!(figures.get(series), Some(expected), "{series}");
    };
    check(&queries("flowMetrics", "answered"), 3.0);
    check(&queries("flows", "answered"), 1.0);
    check(&queries("unreadable", "invalid"), 1.0);
    check(&queries("promql", "invalid"), 1.0);
    check(r#"k8snet_query_duration_seconds_count{query_type="flowMetrics"}"#, 3.0);
    check(&gate("k8snet_gate_wait_seconds_count", "relay_scans"), 4.0);
    check(&gate("k8snet_gate_permits", "relay_scans"), 11.0);
    check(&gate("k8snet_gate_permits_in_use", "relay_scans"), 0.0);
    // The list of nodes is kept for a minute.
    check(&of_source("k8snet_cache_misses_total", r#",cache="relay_nodes""#), 1.0);
    let hits = of_source("k8snet_cache_hits_total", r#",cache="relay_nodes""#);
    assert!(figures.get(&hits).unwrap() >= 3.0);
    check(&of_source("k8snet_relay_streams", ""), 0.0);
    check_figures(&figures.text).await;
}

#[tokio::test]
async fn what_hangs_is_seen() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script { hangs: true, ..Script::default() }).await;
    let source = relay.source();
    let hanging = join_all((0..14).map(|n| {
        let (plugin, source) = (&plugin, &source);
        async move { ask(plugin, source, &[("A", drops(n))]).await }
    }));
    let live = async {
        let query = query(&json!({}));
        let stream = run_at(&plugin, &source, &path(&query), query.to_string()).await.unwrap();
        plugin.has_figure(&gate("k8snet_gate_permits_in_use", "relay_scans"), 9.0).await;
        plugin.has_figure(&gate("k8snet_gate_waiting", "relay_scans"), 5.0).await;
        plugin.has_figure("k8snet_live_channels", 1.0).await;
        // Nine scans, and the channel.
        plugin.has_figure(&of_source("k8snet_relay_streams", ""), 10.0).await;
        let held = plugin.figures().await.get("k8snet_memory_held_bytes").unwrap();
        assert!(held.abs() < 1.0, "{held}: what waits holds nothing");
        stream
    };
    let stream = tokio::select! {
        _ = hanging => panic!("the relay answered"),
        stream = live => stream,
    };
    // All callers have left.
    drop(stream);
    plugin.has_figure(&of_source("k8snet_relay_streams", ""), 0.0).await;
    plugin.has_figure(&gate("k8snet_gate_waiting", "relay_scans"), 0.0).await;
    plugin.has_figure("k8snet_live_channels", 0.0).await;
    plugin.has_figure("k8snet_memory_held_bytes", 0.0).await;
    plugin.has_figure(&queries("flowMetrics", "canceled"), 14.0).await;
}

#[tokio::test]
async fn refusals_count_by_limit() {
    let plugin = Plugin::start().await;
    let source = Source::relay("127.0.0.1:1");
    let values: Vec<String> = (0..501).map(|n| n.to_string()).collect();
    let too_many_values = json!({ "queryType": "flows", "filter": { "pod": values } });
    assert_eq!(ask(&plugin, &source, &[("A", too_many_values)]).await, [400]);
    let too_large = json!({ "queryType": "flows", "text": " ".repeat(1 << 20) });
    assert_eq!(ask(&plugin, &source, &[("A", too_large)]).await, [400]);
    let body = vec![b' '; (1 << 20) + 1];
    assert_eq!(plugin.resource(&source, "POST", "convert", &body).await.status, 413);
    let names: Vec<String> = (0..203).map(|n| format!("Q{n}")).collect();
    let many: Vec<(&str, Value)> =
        names.iter().map(|name| (name.as_str(), json!({ "queryType": "nosuch" }))).collect();
    ask(&plugin, &source, &many).await;
    let figures = plugin.figures().await;
    let check = |limit: &str, expected: f64| {
        assert_eq!(figures.get(&refusals(limit)), Some(expected), "{limit}");
    };
    check("query_filters", 1.0);
    check("request_size", 2.0);
    check("request_queries", 3.0);
    check("memory", 0.0);
    let last = r#"k8snet_last_refusal_timestamp_seconds{limit="query_filters"}"#;
    assert!(figures.get(last).unwrap() > 1_700_000_000.0);
    let never = r#"k8snet_last_refusal_timestamp_seconds{limit="memory"}"#;
    assert_eq!(figures.get(never), Some(0.0));
}

#[tokio::test]
async fn calls_of_prometheus_are_shared_and_sent_again() {
    let plugin = Plugin::start().await;
    let asked = AtomicUsize::new(0);
    let prometheus = Http::start_with(move |_| {
        // The first connection ends without an answer.
        let answer =
            (asked.fetch_add(1, Ordering::SeqCst) > 0).then(|| Answer::json("200 OK", EMPTY));
        async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            answer
        }
    })
    .await;
    let source = prometheus.source();
    let query = || json!({ "expr": "up", "instant": true });
    let equal = [("A", query()), ("B", query()), ("C", query())];
    assert_eq!(ask(&plugin, &source, &equal).await, [200, 200, 200]);
    let figures = plugin.figures().await;
    let check = |series: &str, expected: f64| {
        assert_eq!(figures.get(series), Some(expected), "{series}");
    };
    check(&of_source("k8snet_cache_misses_total", r#",cache="prometheus_calls""#), 1.0);
    check(&of_source("k8snet_cache_hits_total", r#",cache="prometheus_calls""#), 2.0);
    check(&of_source("k8snet_retries_total", r#",target="prometheus""#), 1.0);
    check(&gate("k8snet_gate_wait_seconds_count", "prometheus_calls"), 1.0);
    check(&queries("promql", "answered"), 3.0);
}

#[tokio::test]
async fn tokens_in_vain_count() {
    let tokens = Http::start(|_, _| Answer::json("401 Unauthorized", "{}")).await;
    let env = vec![("AZURE_AUTHORITY_HOST", tokens.url())];
    let plugin = Plugin::start_with(Start { env, ..Start::default() }).await;
    let credentials = json!({ "authType": "clientsecret", "tenantId": "t", "clientId": "c" });
    let source = Source {
        json_data: json!({
            "prometheusUrl": "http://127.0.0.1:1", "prometheusAuth": "azure",
            "azureCredentials": credentials,
        }),
        secrets: [("azureClientSecret".to_owned(), "hunter2".to_owned())].into(),
        ..Source::default()
    };
    ask(&plugin, &source, &[("A", json!({ "expr": "up", "instant": true }))]).await;
    let figures = plugin.figures().await;
    assert_eq!(figures.get(&of_source("k8snet_token_failures_total", "")), Some(1.0));
    assert!(figures.series().all(|series| !series.contains("hunter2")));
}

/// Whatever strangers send, the number of series stays: 200 organisations, and names that they make up.
#[tokio::test]
async fn series_are_bounded() {
    let plugin = Plugin::start().await;
    join_all((1..=200).map(|org_id| {
        let plugin = &plugin;
        async move {
            let source = Source { org_id, ..Source::relay("127.0.0.1:1") };
            let queries = [
                ("A", json!({ "queryType": format!("type-{org_id}") })),
                (
                    "evil\"\n} 1",
                    json!({ "queryType": "flows", "filter": { "pod": [format!("p{org_id}")] } }),
                ),
                ("C", json!({ "expr": format!("up{org_id}") })),
                ("D", json!({ "queryType": "flowMetrics", "metric": format!("m{org_id}") })),
            ];
            ask(plugin, &source, &queries).await;
            plugin.resource(&source, "GET", &format!("path-{org_id}"), b"").await;
        }
    }))
    .await;
    let figures = plugin.figures().await;
    // 64 data sources and the others.
    let sources = 65;
    let of_each = 2 + 1 + 1 + 2 * 6;
    let queries_of_each = 3;
    let of_all = 130;
    let most = sources * (of_each + queries_of_each) + of_all;
    assert!(figures.count() <= most, "{} series, more than {most}", figures.count());
    assert!(figures.series().all(|series| !series.contains("evil") && !series.contains("type-")));
    let unreadable = figures.sum("k8snet_queries_total", r#"query_type="unreadable""#);
    assert!((unreadable - 400.0).abs() < 0.5, "{unreadable}: every query is counted");
    let others = figures.sum("k8snet_queries_total", r#"uid="other""#);
    let expected = f64::from(4 * (200 - 64));
    assert!((others - expected).abs() < 0.5, "{others}, not {expected}");
}
