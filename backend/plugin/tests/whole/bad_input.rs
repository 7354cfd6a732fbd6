//! Tests of wrong addresses, wrong protocols, refusals and garbage: each is one query's clear
//! error, and the other queries of the request keep their answers.

use std::time::Duration;

use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range, Source, Start};
use test_kit::http::{Answer, Http};
use test_kit::now_ms;
use test_kit::relay::{self, Relay, Script};
use test_kit::sockets::{answering, closed_port, request, serve, silent};
use test_kit::tls::Certified;
use tokio::io::AsyncWriteExt;

fn promql() -> Value {
    json!({ "expr": "sum(rate(x{ns=\"$namespace\"}[5m]))", "instant": true })
}

fn flows() -> Value {
    json!({ "queryType": "flows" })
}

/// The hint about a left-over variable does not appear for a macro that was replaced.
#[tokio::test]
async fn a_replaced_macro_is_not_reported_as_a_variable() {
    let plugin = Plugin::start().await;
    let body = r#"{"status":"error","errorType":"bad_data","error":"1:33: parse error"}"#;
    let prometheus = Http::start(move |_, _| Answer::json("400 Bad Request", body)).await;
    let query = json!({ "expr": "sum(rate(x{pod=~\"a$\"}[$__rate_interval])", "instant": true });
    let (_, _, message) = plugin.failure(&prometheus.source(), Range::last_hour(), query).await;
    assert_eq!(message, "Prometheus refused the query (bad_data): 1:33: parse error");
}

#[tokio::test]
async fn prometheus_errors_are_readable() {
    let plugin = Plugin::start().await;
    let check = async |answer: Answer, expected: (i32, &str)| {
        let prometheus = Http::start(move |_, _| answer.clone()).await;
        let (status, source, message) =
            plugin.failure(&prometheus.source(), Range::last_hour(), promql()).await;
        let message = message.replace(&prometheus.url(), "URL");
        assert_eq!((status, message.as_str()), expected);
        assert_eq!(source, "downstream");
    };
    let page = |status, body: &str| Answer::of(status, "text/html", body);
    check(
        Answer::json("400 Bad Request", r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:14: parse error"}"#),
        (400, "Prometheus refused the query (bad_data): invalid parameter \"query\": 1:14: parse error; `$namespace` was not replaced in the expression: this dashboard has no such variable, or this is an alert rule, where variables do not work"),
    )
    .await;
    check(
        Answer::json("422 Unprocessable Entity", r#"{"status":"error","errorType":"execution","error":"many-to-many matching not allowed"}"#),
        (422, "Prometheus refused the query (execution): many-to-many matching not allowed"),
    )
    .await;
    check(
        Answer::json(
            "503 Service Unavailable",
            r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#,
        ),
        (503, "Prometheus refused the query (timeout): query timed out"),
    )
    .await;
    check(
        page("503 Service Unavailable", "<html><head><title>503 no\n upstream</title></head><script>alert(1)</script></html>"),
        (502, "`URL` did not answer like Prometheus (503 Service Unavailable): an HTML page `503 no upstream`; check the Prometheus URL"),
    )
    .await;
    check(
        page("200 OK", "<!doctype html><p>Please log in"),
        (
            502,
            "`URL` did not answer like Prometheus (200 OK): an HTML page; check the Prometheus URL",
        ),
    )
    .await;
    check(
        page("404 Not Found", "404 page not found"),
        (502, "`URL` did not answer like Prometheus (404 Not Found): `404 page not found`; check the Prometheus URL"),
    )
    .await;
    check(
        page("200 OK", ""),
        (502, "`URL` did not answer like Prometheus (200 OK): an empty body; check the Prometheus URL"),
    )
    .await;
    check(
        Answer::json("401 Unauthorized", "{}"),
        (401, "Prometheus at `URL` refused the credentials (401): check user and password or the token"),
    )
    .await;
    check(
        Answer::json("403 Forbidden", "{}"),
        (403, "Prometheus at `URL` refused access (403): these credentials do not allow queries"),
    )
    .await;
    check(
        Answer::json("200 OK", r#"{"status":"success","data":{"resultType":"streams","result":[]}}"#),
        (502, "the answer of Prometheus cannot be read: unknown result type `streams`, expected `matrix`, `vector`, `scalar` or `string`, near byte 64"),
    )
    .await;
    check(
        Answer::json("200 OK", r#"{"hello":"world"}"#),
        (502, "`URL` did not answer like Prometheus (200 OK): `{\"hello\":\"world\"}`; check the Prometheus URL"),
    )
    .await;
}

/// PromQL that the browser sends to another data source cannot run in an alert rule.
#[tokio::test]
async fn promql_delegated_to_another_data_source() {
    let plugin = Plugin::start().await;
    let source =
        Source { json_data: json!({ "prometheusDatasourceUid": "prom" }), ..Source::default() };
    let (status, _, message) = plugin.failure(&source, Range::last_hour(), promql()).await;
    assert_eq!(status, 400);
    assert_eq!(
        message,
        "the browser sends PromQL of this data source to another one, which alert rules cannot reach: fill in `URL for alert rules` in its settings, or create the rule on that other data source"
    );
}

#[tokio::test]
async fn a_prometheus_that_cannot_be_reached() {
    let plugin = Plugin::start().await;
    let check = async |url: String, expected: &str| {
        let source = Source::prometheus(&url);
        let (status, source, message) = plugin.failure(&source, Range::last_hour(), promql()).await;
        assert_eq!((message.as_str(), status, source.as_str()), (expected, 502, "downstream"));
    };
    let closed = closed_port().await;
    check(
        format!("http://{closed}"),
        &format!("Prometheus at `http://{closed}` cannot be reached: the connection was refused; is it running, and is the port right?"),
    )
    .await;
    check(
        "http://prometheus.invalid".to_owned(),
        "Prometheus at `http://prometheus.invalid` cannot be reached: its host name cannot be resolved; check the URL",
    )
    .await;
    // gRPC where HTTP is expected: it greets with an empty SETTINGS frame.
    let url = format!("http://{}", answering(*b"\0\0\0\x04\0\0\0\0\0").await);
    check(
        url.clone(),
        &format!(
            "Prometheus at `{url}` cannot be reached: the server does not speak HTTP; check the port"
        ),
    )
    .await;
    let url = format!("http://{}", answering([]).await);
    check(
        url.clone(),
        &format!("Prometheus at `{url}` cannot be reached: it closed the connection without an answer; check the port, and any proxy in between"),
    )
    .await;
    // Plain HTTP where TLS is expected.
    let http = Http::start(|_, _| Answer::json("200 OK", "{}")).await;
    check(
        format!("https://{}", http.address),
        &format!("Prometheus at `https://{}` cannot be reached: TLS failed: the server does not speak TLS; use `http://`, or check the port", http.address),
    )
    .await;
}

#[tokio::test]
async fn a_prometheus_with_a_foreign_certificate() {
    let plugin = Plugin::start().await;
    let config = Certified::self_signed(&["127.0.0.1"]).server(None);
    let prometheus = Http::start_tls(config, |_, _| Answer::json("200 OK", "{}")).await;
    let url = prometheus.url();
    let (status, _, message) =
        plugin.failure(&Source::prometheus(&url), Range::last_hour(), promql()).await;
    assert_eq!(status, 502);
    assert_eq!(
        message,
        format!(
            "Prometheus at `{url}` cannot be reached: TLS failed: its certificate is signed by an authority that this machine does not trust"
        )
    );
}

#[tokio::test]
async fn a_prometheus_that_breaks_off_or_stays_silent() {
    let plugin = Plugin::start().await;
    let cut = *b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\":";
    let url = format!("http://{}", answering(cut).await);
    let (status, _, message) =
        plugin.failure(&Source::prometheus(&url), Range::last_hour(), promql()).await;
    assert_eq!(
        (status, message),
        (502, format!("Prometheus at `{url}` broke the connection during its answer"))
    );

    let url = format!("http://{}", silent().await);
    let mut source = Source::prometheus(&url);
    source.json_data["requestTimeoutSecs"] = json!(1);
    let (status, _, message) = plugin.failure(&source, Range::last_hour(), promql()).await;
    assert_eq!(status, 504);
    assert_eq!(
        message,
        format!(
            "Prometheus at `{url}` did not answer within 1 s: narrow the time range or the query, or raise the request timeout"
        )
    );
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let plugin = Plugin::start().await;
    let address = serve(|mut stream| async move {
        request(&mut stream).await;
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await);
        let chunk = vec![b' '; 1 << 20];
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await;
    let url = format!("http://{address}");
    let (status, _, message) =
        plugin.failure(&Source::prometheus(&url), Range::last_hour(), promql()).await;
    assert_eq!(status, 413);
    assert_eq!(
        message,
        "the answer of Prometheus is larger than 64 MiB: narrow the query or the time range, or raise the response limit of this data source"
    );
}

#[tokio::test]
async fn a_relay_that_cannot_be_reached_or_is_another_server() {
    let plugin = Plugin::start().await;
    let check = async |url: String, status: i32, expected: &str| {
        let (got_status, source, message) =
            plugin.failure(&Source::relay(&url), Range::last_hour(), flows()).await;
        assert_eq!((message.as_str(), got_status), (expected, status));
        assert_eq!(source, "downstream");
    };
    let closed = closed_port().await;
    check(
        closed.to_string(),
        502,
        &format!("relay at `{closed}` refuses the connection: Connection refused (os error 111); check the port, and that the relay or its port-forward runs"),
    )
    .await;
    let http = Http::start(|_, _| Answer::json("200 OK", "{}")).await;
    let address = http.address;
    let (status, _, message) =
        plugin.failure(&Source::relay(&address.to_string()), Range::last_hour(), flows()).await;
    assert_eq!(status, 502);
    assert!(!message.is_empty());
    check("host:port".to_owned(), 400, "the relay's address cannot be used: `port` in relay address `host:port` is not a port from 1 to 65535").await;
    check(
        String::new(),
        400,
        "no relay address is set for this data source: fill in `Relay address` in its settings",
    )
    .await;
}

#[tokio::test]
async fn one_bad_query_does_not_affect_the_others() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let script =
        Script { flows: vec![relay::flow("aks-1", now - 1_000, |_| {})], ..Script::default() };
    let relay = Relay::start(script).await;
    let mut source = relay.source();
    source.json_data["prometheusUrl"] = json!(format!("http://{}", closed_port().await));
    let answers = plugin
        .query(
            &source,
            Range::last_hour(),
            &[
                ("A", flows()),
                ("B", promql()),
                ("C", json!({ "queryType": "flows", "limit": 0 })),
                ("D", json!({ "queryType": "mystery" })),
                ("E", json!({ "queryType": "flows", "filter": { "podd": ["x"] } })),
            ],
        )
        .await;
    let statuses: Vec<(&str, i32, usize)> = answers
        .iter()
        .map(|(ref_id, answer)| (ref_id.as_str(), answer.status, answer.frames.len()))
        .collect();
    assert_eq!(
        statuses,
        [("A", 200, 1), ("B", 502, 0), ("C", 400, 0), ("D", 400, 0), ("E", 400, 0)]
    );
}

#[tokio::test]
async fn hostile_flows_stay_text() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let hostile = relay::flow("aks-1\u{1b}[31m", now - 1_000, |flow| {
        let source = flow.source.as_mut().unwrap();
        source.pod_name = "<img src=x onerror=alert(1)>".to_owned();
        source.labels = vec!["\0".repeat(10_000)];
        flow.verdict = 4_711;
        flow.drop_reason_desc = -1;
        flow.destination_names = vec!["a".repeat(100_000)];
    });
    let relay = Relay::start(Script { flows: vec![hostile], ..Script::default() }).await;
    let frames = plugin.frames(&relay.source(), Range::last_hour(), flows()).await;
    assert!(
        frames[0].contains("<img src=x onerror=alert(1)>"),
        "kept as it is, for Grafana to escape"
    );
    assert!(frames[0].contains("4711"), "an unknown verdict keeps its number");
    assert!(frames[0].contains("(1 rows)"));
}

#[tokio::test]
async fn many_slow_queries_run_side_by_side() {
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|_, _| {
        // Blocks one worker of the test's own server, not the plugin.
        Answer::json("200 OK", r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#)
    })
    .await;
    let names: Vec<String> =
        (0..26).map(|index: u8| char::from(b'A' + index).to_string()).collect();
    let query = |name: &String| json!({ "expr": format!("up{{a=\"{name}\"}}"), "instant": true });
    let queries: Vec<(&str, Value)> =
        names.iter().map(|name| (name.as_str(), query(name))).collect();
    let answers = tokio::time::timeout(
        Duration::from_secs(20),
        plugin.query(&prometheus.source(), Range::last_hour(), &queries),
    )
    .await
    .unwrap();
    assert_eq!(answers.len(), 26);
    assert!(answers.values().all(|answer| answer.status == 200 && answer.frames.len() == 1));
}

/// Odd but possible answers of Prometheus, beside a correct query: the data, or one query's error.
#[tokio::test]
async fn odd_answers_are_read_as_far_as_possible() {
    let plugin = Plugin::start().await;
    let check = async |content_type: &'static str, data: &str, expected: &[&str]| {
        let odd = format!(r#"{{"status":"success","data":{data}}}"#);
        let prometheus = Http::start(move |_, body| {
            let is_odd = body.contains("odd");
            let fine = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}"#;
            Answer::of("200 OK", content_type, if is_odd { &odd } else { fine })
        })
        .await;
        let queries = [
            ("A", json!({ "expr": "odd", "legendFormat": "{{a}}" })),
            ("B", json!({ "expr": "fine", "instant": true })),
        ];
        let answers = plugin.query(&prometheus.source(), Range::last_hour(), &queries).await;
        assert_eq!((answers["B"].status, answers["B"].frames.len()), (200, 1));
        let answer = &answers["A"];
        assert_eq!((answer.status, answer.error.as_str()), (200, ""), "{data:.80}");
        let frames: Vec<String> =
            answer.frames.iter().map(|frame| frames::golden::render(frame, 10)).collect();
        assert_eq!(frames.len(), expected.len().max(1), "{frames:?}");
        for (frame, expected) in frames.iter().zip(expected) {
            assert!(frame.contains(expected), "{expected} in {frame}");
        }
    };
    let matrix = |series: &str| format!(r#"{{"resultType":"matrix","result":[{series}]}}"#);
    let json = "application/json";
    check(json, &matrix(""), &[]).await;
    check("text/plain", &matrix(""), &[]).await;
    // A stale marker is a NaN with its own bits, which JSON does not preserve.
    check(
        json,
        &matrix(r#"{"metric":{"a":"x"},"values":[[1,"NaN"],[2,"+Inf"],[3,"-Inf"],[4,"1e-320"]]}"#),
        &["(4 rows)"],
    )
    .await;
    let ragged = r#"{"metric":{"a":"x"},"values":[[1,"1"]]},{"metric":{"a":"y"},"values":[[1,"1"],[2,"2"],[900,"3"]]},{"metric":{"a":"z"},"values":[]}"#;
    check(json, &matrix(ragged), &["(1 rows)", "(3 rows)"]).await;
    // Duplicate label sets, as from a proxy in front of two servers: both are shown.
    let twice =
        r#"{"metric":{"a":"x"},"values":[[1,"1"]]},{"metric":{"a":"x"},"values":[[1,"2"]]}"#;
    check(json, &matrix(twice), &["(1 rows)", "(1 rows)"]).await;
    let hostile = r#"{"metric":{"a":"<script>","Time":"t","Value":"v","":"e"},"values":[[1,"1"]]}"#;
    check(json, &matrix(hostile), &["<script>"]).await;
}

#[tokio::test]
async fn a_hundred_thousand_series_are_cut_and_counted() {
    let plugin = Plugin::start().await;
    let series: Vec<String> = (0..100_000)
        .map(|index| format!(r#"{{"metric":{{"pod":"p{index}"}},"value":[1,"{index}"]}}"#))
        .collect();
    let series = series.join(",");
    let body =
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#);
    let prometheus = Http::start(move |_, _| Answer::json("200 OK", &body)).await;
    let query = json!({ "expr": "up", "instant": true, "format": "table" });
    let frames = plugin.frames(&prometheus.source(), Range::last_hour(), query).await;
    assert!(
        frames[0].contains("showing 20000 of 100000 series: narrow or aggregate the expression"),
        "{:.400}",
        frames[0]
    );
    assert!(frames[0].contains("(20000 rows)"));
}

/// Grafana's page takes 401 for the end of its own session, so resources answer 400 in its place.
#[tokio::test]
async fn refused_credentials_do_not_end_the_session_of_grafana() {
    let plugin = Plugin::start().await;
    let refusing = Http::start(|_, _| Answer::json("401 Unauthorized", "{}")).await;
    let source = refusing.source();
    let variable = br#"{"query":"label_values(up)"}"#;
    for (method, url, body) in [
        ("GET", "api/v1/labels", b"".as_slice()),
        ("POST", "api/v1/query", b"query=up"),
        ("POST", "variables", variable),
    ] {
        let answer = plugin.resource(&source, method, url, body).await;
        let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer.status, 400, "{url}: {message}");
        assert!(message.contains("refused the credentials (401)"), "{url}: {message}");
    }
}

/// Sockets of Grafana's machine belong to other programs.
#[tokio::test]
async fn relays_behind_unix_sockets_need_the_consent_of_the_server() {
    let query = || json!({ "queryType": "flows" });
    let refused = "relay address `unix:///nowhere/at/all` is a Unix socket of Grafana's machine: the server's administrator allows such addresses by `allow_unix_relays = true` in `[plugin.k8snet-hubble-datasource]` of Grafana's configuration";
    for (value, status, expected) in
        [("", 400, refused), ("false", 400, refused), ("true", 502, "cannot be reached")]
    {
        let env = vec![("GF_PLUGIN_ALLOW_UNIX_RELAYS", value.to_owned())];
        let plugin = Plugin::start_with(Start { env, ..Start::default() }).await;
        let source = Source::relay("unix:///nowhere/at/all");
        let (given, _, message) = plugin.failure(&source, Range::last_hour(), query()).await;
        assert_eq!(given, status, "{value}: {message}");
        assert!(message.contains(expected), "{value}: {message}");
        let health = plugin.health(&source).await;
        assert!(health.message.contains(expected), "{value}: {}", health.message);
    }
}
