//! Tests of "Save & test": the state of each part, and advice.

use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Source};
use test_kit::http::{Answer, Http};
use test_kit::relay::{self, Relay, Script};
use test_kit::sockets::closed_port;

#[tokio::test]
async fn health_messages_advise_what_to_change() {
    let plugin = Plugin::start().await;
    let check = async |source: &Source, status: i32, expected: &str| {
        let answer = plugin.health(source).await;
        assert_eq!((answer.message.as_str(), answer.status), (expected, status));
        let details: Value = serde_json::from_slice(&answer.json_details).unwrap();
        assert!(details.is_object());
    };
    check(
        &Source::default(),
        2,
        "nothing is configured yet: fill in `Relay address` for flows, `Prometheus URL` for metrics, or both",
    )
    .await;

    let status = hubble_api::pb::observer::ServerStatusResponse {
        version: "v1.19.4".to_owned(),
        num_flows: 8_190,
        max_flows: 8_190,
        seen_flows: 123_456,
        uptime_ns: 3_660_000_000_000,
        ..Default::default()
    };
    let nodes = vec![relay::node("aks-1", 1), relay::node("aks-2", 2)];
    let oldest = vec![relay::flow("aks-1", 1_700_000_000_000, |_| {})];
    let healthy = Relay::start(Script { oldest, nodes, status, ..Script::default() }).await;
    let relay_words = "Hubble Relay: v1.19.4, 1 of 2 nodes connected, 123456 flows seen, buffers hold 8190 of 8190, \
        oldest flow from 2023-11-14 22:13:20.000 UTC, up for 1 h 1 min, no flows from `aks-2`.";
    check(&healthy.source(), 1, &format!("{relay_words} Prometheus: not configured.")).await;

    let closed = closed_port().await;
    let mut source = healthy.source();
    source.json_data["prometheusUrl"] = json!(format!("http://{closed}"));
    check(
        &source,
        2,
        &format!("{relay_words} Prometheus: Prometheus at `http://{closed}` cannot be reached: the connection was refused; is it running, and is the port right?."),
    )
    .await;

    let prometheus = Http::start(|line, _| {
        if line.contains("buildinfo") {
            return Answer::json("200 OK", r#"{"status":"success","data":{"version":"2.53.0"}}"#);
        }
        Answer::json(
            "200 OK",
            r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#,
        )
    })
    .await;
    check(
        &prometheus.source(),
        1,
        "Hubble Relay: not configured. Prometheus: version 2.53.0, answers queries.",
    )
    .await;
    // Thanos and proxies may have no build info and still answer queries.
    let thanos = Http::start(|line, _| {
        if line.contains("buildinfo") {
            return Answer::of("404 Not Found", "text/plain", "nope");
        }
        Answer::json(
            "200 OK",
            r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#,
        )
    })
    .await;
    check(
        &thanos.source(),
        1,
        "Hubble Relay: not configured. Prometheus: answers queries, version unknown.",
    )
    .await;

    let alone =
        Relay::start(Script { nodes: vec![relay::node("aks-1", 2)], ..Script::default() }).await;
    let answer = plugin.health(&alone.source()).await;
    assert_eq!(answer.status, 2);
    assert!(answer.message.contains("0 of 1 nodes connected"), "{}", answer.message);
    assert!(
        answer.message.contains("check that the Cilium agents run with Hubble enabled"),
        "{}",
        answer.message
    );
}
