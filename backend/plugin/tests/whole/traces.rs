//! Log lines and traces: each line about a call says which one, and Grafana's traces go on in the plugin.

use std::collections::BTreeMap;
use std::time::Duration;

use plugin_protocol::{DataQuery, QueryDataRequest, QueryDataResponse, TimeRange};
use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range, Source, Start};
use test_kit::http::{Answer, Http};
use test_kit::relay::{Relay, Script, flow};
use test_kit::traces::{ReceivedSpan, Traces};
use test_kit::{PATIENCE, now_ms};
use tonic::codec::ProstCodec;
use tonic::codegen::http::uri::PathAndQuery;

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const GRAFANAS_SPAN: &str = "00f067aa0ba902b7";
const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

/// Runs queries with gRPC metadata.
async fn ask_with(
    plugin: &Plugin,
    source: &Source,
    queries: &[(&str, Value)],
    metadata: &[(&'static str, &str)],
) -> QueryDataResponse {
    let range = Range::last_hour();
    let query = |(ref_id, query): &(&str, Value)| DataQuery {
        ref_id: (*ref_id).to_owned(),
        max_data_points: 1_000,
        interval_ms: 15_000,
        time_range: Some(TimeRange { from_epoch_ms: range.from_ms, to_epoch_ms: range.to_ms }),
        json: query.to_string().into_bytes(),
        query_type: String::new(),
    };
    let mut request = tonic::Request::new(QueryDataRequest {
        plugin_context: Some(source.context()),
        headers: BTreeMap::new(),
        queries: queries.iter().map(query).collect(),
    });
    for (name, value) in metadata {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    let mut grpc = tonic::client::Grpc::new(plugin.channel.clone());
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/pluginv2.Data/QueryData");
    let codec = ProstCodec::<QueryDataRequest, QueryDataResponse>::default();
    grpc.unary(request, path, codec).await.unwrap().into_inner()
}

/// Grafana's trace context, sampled or not.
fn traceparent(flags: &str) -> String {
    format!("00-{TRACE_ID}-{GRAFANAS_SPAN}-{flags}")
}

async fn traced(traces: &Traces, more: &[(&'static str, &str)]) -> Plugin {
    let mut env = vec![
        ("GF_INSTANCE_OTLP_ADDRESS", traces.address.to_string()),
        ("GF_INSTANCE_OTLP_SAMPLER_PARAM", "1.000000".to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50".to_owned()),
    ];
    env.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Plugin::start_with(Start { env, ..Start::default() }).await
}

fn span<'s>(spans: &'s [ReceivedSpan], name: &str) -> &'s ReceivedSpan {
    spans.iter().find(|span| span.name == name).unwrap()
}

/// The lines of a log with a message.
fn lines(log: &str, message: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["@message"] == message).collect()
}

#[tokio::test]
async fn lines_say_which_call_they_are_about() {
    let plugin = Plugin::start().await;
    let source = Source { org_id: 7, ..Source::relay("127.0.0.1:1") };
    let queries = [("A", json!({ "queryType": "flows" })), ("B", json!({ "queryType": "no" }))];
    ask_with(&plugin, &source, &queries, &[("traceparent", &traceparent("01"))]).await;
    ask_with(&plugin, &source, &queries[..1], &[]).await;
    let log = plugin.whole_log().await;
    let asked = lines(&log, "query data");
    let about = |line: &Value| {
        ["endpoint", "traceId", "orgId", "dsUid", "refId"].map(|name| line[name].clone())
    };
    assert_eq!(asked.len(), 2);
    assert_eq!(
        about(&asked[0]),
        [json!("queryData"), json!(TRACE_ID), json!(7), json!("hubble"), Value::Null]
    );
    assert_eq!(asked[1].get("traceId"), None, "Grafana sent none");
    let mut failed = lines(&log, "query failed");
    failed.truncate(2);
    failed.sort_by_key(|line| line["refId"].to_string());
    for (line, ref_id) in failed.iter().zip(["A", "B"]) {
        assert_eq!(
            about(line),
            [json!("queryData"), json!(TRACE_ID), json!(7), json!("hubble"), json!(ref_id)]
        );
    }
    assert_eq!(
        (failed[0]["status"].clone(), failed[1]["status"].clone()),
        (json!(502), json!(400))
    );
    assert!(!log.contains("otel."), "{log}");
}

#[tokio::test]
async fn a_trace_goes_on_in_the_plugin() {
    let traces = Traces::start().await;
    let plugin = traced(&traces, &[]).await;
    let now = now_ms();
    let flows = vec![flow("aks-1", now - 1_000, |_| {})];
    let relay = Relay::start(Script { flows, ..Script::default() }).await;
    let prometheus = Http::start(|_, _| Answer::json("200 OK", EMPTY)).await;
    let mut source = relay.source();
    source.json_data = json!({ "prometheusUrl": prometheus.url(), "policiesText": "kind: A" });
    let queries = [
        ("A", json!({ "queryType": "flowMetrics", "metric": "count", "format": "top" })),
        ("B", json!({ "expr": "up", "instant": true })),
        ("C", json!({ "queryType": "policies" })),
        ("D", json!({ "queryType": "no" })),
    ];
    let answers =
        ask_with(&plugin, &source, &queries, &[("traceparent", &traceparent("01"))]).await;
    assert_eq!(answers.responses["A"].error, "");
    assert_eq!(answers.responses["B"].error, "");
    let names = ["queryData", "query", "relay scan", "prometheus call", "policy read"];
    let spans = traces.received(&names).await;
    assert!(spans.iter().all(|span| span.trace_id == TRACE_ID), "{spans:#?}");
    let call = span(&spans, "queryData");
    assert_eq!(call.parent_id, GRAFANAS_SPAN);
    for attribute in ["dsUid=hubble", "orgId=1", "endpoint=queryData"] {
        assert!(call.attributes.iter().any(|own| own == attribute), "{attribute} in {call:#?}");
    }
    assert!(call.resource.contains(&"service.name=k8snet-hubble-datasource".to_owned()));
    assert!(call.resource.contains(&"service.version=0.1.0".to_owned()));
    let queries: Vec<&ReceivedSpan> = spans.iter().filter(|span| span.name == "query").collect();
    assert_eq!(queries.len(), 4);
    let query = |ref_id: &str| {
        let attribute = format!("refId={ref_id}");
        *queries.iter().find(|query| query.attributes.contains(&attribute)).unwrap()
    };
    for (ref_id, is_error) in [("A", false), ("B", false), ("C", false), ("D", true)] {
        let query = query(ref_id);
        assert_eq!((&query.parent_id, query.is_error), (&call.id, is_error), "{ref_id}");
    }
    for (name, ref_id) in [("relay scan", "A"), ("prometheus call", "B"), ("policy read", "C")] {
        assert_eq!(span(&spans, name).parent_id, query(ref_id).id, "{name}");
    }
    // Prometheus goes on with the trace.
    let sent = format!("traceparent: 00-{TRACE_ID}-{}-01", span(&spans, "prometheus call").id);
    assert!(prometheus.asked()[0].contains(&sent), "{sent} in {:?}", prometheus.asked());
}

/// The last spans leave before the process does.
#[tokio::test]
async fn the_end_flushes() {
    let traces = Traces::start().await;
    let plugin = traced(&traces, &[("OTEL_BSP_SCHEDULE_DELAY", "60000")]).await;
    let source = Source::default();
    ask_with(&plugin, &source, &[("A", json!({}))], &[("traceparent", &traceparent("01"))]).await;
    assert!(traces.so_far().is_empty());
    plugin.whole_log().await;
    traces.received(&["queryData", "query"]).await;
}

#[tokio::test]
async fn what_grafana_does_not_sample_is_not_sent() {
    let traces = Traces::start().await;
    let plugin = traced(&traces, &[]).await;
    let prometheus = Http::start(|_, _| Answer::json("200 OK", EMPTY)).await;
    let query = [("A", json!({ "expr": "up", "instant": true }))];
    let unsampled = traceparent("00");
    ask_with(&plugin, &prometheus.source(), &query, &[("traceparent", &unsampled)]).await;
    let sampled = "00-11111111111111111111111111111111-2222222222222222-01";
    ask_with(&plugin, &prometheus.source(), &query, &[("traceparent", sampled)]).await;
    plugin.whole_log().await;
    let spans = traces.received(&["queryData"]).await;
    assert!(spans.iter().all(|span| span.trace_id == "1".repeat(32)), "{spans:#?}");
}

#[tokio::test]
async fn jaegers_header_is_read_where_grafana_sends_it() {
    let traces = Traces::start().await;
    let plugin = traced(&traces, &[("GF_INSTANCE_OTLP_PROPAGATION", "jaeger")]).await;
    let prometheus = Http::start(|_, _| Answer::json("200 OK", EMPTY)).await;
    let header = format!("{TRACE_ID}:{GRAFANAS_SPAN}:0:1");
    let query = [("A", json!({ "expr": "up", "instant": true }))];
    ask_with(&plugin, &prometheus.source(), &query, &[("uber-trace-id", &header)]).await;
    let spans = traces.received(&["queryData", "prometheus call"]).await;
    assert_eq!(span(&spans, "queryData").parent_id, GRAFANAS_SPAN);
    let asked = prometheus.asked().remove(0);
    assert!(asked.contains(&format!("uber-trace-id: {TRACE_ID}:")), "{asked}");
    let log = plugin.whole_log().await;
    assert_eq!(lines(&log, "query data")[0]["traceId"], TRACE_ID);
}

/// Off: no header for Prometheus, and no thread that would send spans.
#[tokio::test]
async fn without_grafanas_tracing_there_is_none() {
    let threads = |plugin: &Plugin| -> Vec<String> {
        let tasks = format!("/proc/{}/task", plugin.child.id().unwrap());
        let comms = std::fs::read_dir(tasks)
            .unwrap()
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        comms.map(|comm| comm.trim().to_owned()).collect()
    };
    let is_exporter = |name: &String| name.starts_with("OpenTelemetry");
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|_, _| Answer::json("200 OK", EMPTY)).await;
    let query = [("A", json!({ "expr": "up", "instant": true }))];
    let traceparent = traceparent("01");
    ask_with(&plugin, &prometheus.source(), &query, &[("traceparent", &traceparent)]).await;
    let asked = prometheus.asked().remove(0);
    assert!(!asked.contains("traceparent"), "{asked}");
    assert!(!threads(&plugin).iter().any(is_exporter), "{:?}", threads(&plugin));
    let traces = Traces::start().await;
    let plugin = traced(&traces, &[]).await;
    // A thread gets its name a moment after its start.
    let begun = std::time::Instant::now();
    while !threads(&plugin).iter().any(is_exporter) {
        assert!(begun.elapsed() < PATIENCE, "{:?}", threads(&plugin));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A receiver that is away, and variables of another Grafana, cost a warning at most.
#[tokio::test]
async fn wrong_settings_do_not_stop_the_plugin() {
    let check = async |env: Vec<(&'static str, String)>, warning: Option<&str>| {
        let plugin = Plugin::start_with(Start { env, ..Start::default() }).await;
        assert_eq!(plugin.health(&Source::default()).await.status, 2);
        let log = plugin.whole_log().await;
        let warned = lines(&log, "there are no traces");
        assert_eq!(warned.first().map(|line| line["reason"].as_str().unwrap()), warning, "{log}");
    };
    let address = ("GF_INSTANCE_OTLP_ADDRESS", "127.0.0.1:1".to_owned());
    check(vec![address.clone()], None).await;
    let sampler = ("GF_INSTANCE_OTLP_SAMPLER_TYPE", "dice".to_owned());
    let warning = "GF_INSTANCE_OTLP_SAMPLER_TYPE is `dice`, which is not a sampler: use `const`, `probabilistic`, `rateLimiting` or `remote`";
    check(vec![address, sampler], Some(warning)).await;
}
