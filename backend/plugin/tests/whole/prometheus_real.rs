//! Tests of PromQL through the plugin against a real Prometheus.

use std::fmt::Write as _;

use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range, Source};
use test_kit::prometheus::Prometheus;

/// Start of the hour with samples: 2023-11-14 22:00 UTC.
const START_SECS: i64 = 1_699_999_200;
const STEP_SECS: i64 = 15;
const OFFSET_SECS: i64 = 7;
const RANGE: Range = Range { from_ms: START_SECS * 1_000, to_ms: (START_SECS + 3_600) * 1_000 };

/// Two drop counters that grow by 1 and by 2 per second, a histogram, and a gauge with a gap.
fn samples() -> String {
    let mut text = String::from("# TYPE hubble_drop counter\n");
    // Never at the edge of a window, where Prometheus 2 and 3 count a sample differently.
    let times = || (0..240).map(|step| START_SECS + OFFSET_SECS + step * STEP_SECS);
    for (reason, rate) in [("POLICY_DENIED", 1), ("STALE_OR_UNROUTABLE_IP", 2)] {
        for time in times() {
            let value = (time - START_SECS) * rate;
            writeln!(
                text,
                "hubble_drop_total{{reason=\"{reason}\",protocol=\"TCP\"}} {value} {time}"
            )
            .unwrap();
        }
    }
    text.push_str("# TYPE latency histogram\n");
    for time in times() {
        let elapsed = time - START_SECS;
        for (le, count) in [("0.1", elapsed), ("1.0", elapsed * 3), ("+Inf", elapsed * 4)] {
            writeln!(text, "latency_bucket{{le=\"{le}\"}} {count} {time}").unwrap();
        }
        writeln!(text, "latency_count {} {time}", elapsed * 4).unwrap();
        writeln!(text, "latency_sum {elapsed} {time}").unwrap();
    }
    text.push_str("# TYPE holey gauge\n");
    for time in times().filter(|time| !(600..1_800).contains(&(time - START_SECS))) {
        writeln!(text, "holey 1 {time}").unwrap();
    }
    text.push_str("# EOF\n");
    text
}

async fn ask(plugin: &Plugin, source: &Source, query: Value) -> String {
    plugin.frames(source, RANGE, query).await.join("\n")
}

#[tokio::test]
async fn promql_through_the_plugin() {
    let prometheus = Prometheus::start(&samples()).await;
    let plugin = Plugin::start().await;
    let source = Source::prometheus(&prometheus.url);

    let health = plugin.health(&source).await;
    assert_eq!(health.status, 1, "{}", health.message);
    assert!(health.message.contains("answers queries"), "{}", health.message);

    let rate = "sum by (reason) (rate(hubble_drop_total[$__rate_interval]))";
    let range = json!({ "expr": rate, "legendFormat": "{{reason}}", "interval": "5m" });
    insta::assert_snapshot!("range", ask(&plugin, &source, range).await);

    let instant = json!({ "expr": "sum by (reason) (increase(hubble_drop_total[$__range]))", "instant": true, "legendFormat": "__auto" });
    insta::assert_snapshot!("instant", ask(&plugin, &source, instant).await);

    let table = json!({ "expr": "topk(1, hubble_drop_total)", "instant": true, "format": "table" });
    insta::assert_snapshot!("table", ask(&plugin, &source, table).await);

    let heatmap = json!({ "expr": "sum by (le) (rate(latency_bucket[$__rate_interval]))", "format": "heatmap", "interval": "10m" });
    insta::assert_snapshot!("heatmap", ask(&plugin, &source, heatmap).await);

    let holey = json!({ "expr": "holey", "interval": "5m" });
    insta::assert_snapshot!("holey", ask(&plugin, &source, holey).await);

    for (name, expr) in [("scalar", "1 + 1"), ("string", "\"text\""), ("empty", "nothing_at_all")] {
        let query = json!({ "expr": expr, "instant": true });
        insta::assert_snapshot!(name, ask(&plugin, &source, query).await);
    }

    let (status, fault, message) = plugin.failure(&source, RANGE, json!({ "expr": "sum(" })).await;
    assert_eq!((status, fault.as_str()), (400, "downstream"));
    assert!(message.starts_with("Prometheus refused the query (bad_data): "), "{message}");

    let variable = async |query: &str| {
        let body = json!({ "query": query, "from": RANGE.from_ms, "to": RANGE.to_ms });
        let answer =
            plugin.resource(&source, "POST", "variables", body.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body()));
        let options = answer.json();
        let options = options.as_array().unwrap().iter();
        options.map(|option| option["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        variable("label_values(hubble_drop_total, reason)").await,
        ["POLICY_DENIED", "STALE_OR_UNROUTABLE_IP"]
    );
    assert_eq!(variable("metrics(^hubble_)").await, ["hubble_drop_total"]);
    assert_eq!(variable("metrics(bucket)").await, ["latency_bucket"]);
    assert_eq!(
        variable("label_names(hubble_drop_total)").await,
        ["__name__", "protocol", "reason"]
    );
    assert_eq!(
        variable("query_result(hubble_drop_total{reason=\"POLICY_DENIED\"})").await,
        ["hubble_drop_total{protocol=\"TCP\",reason=\"POLICY_DENIED\"} 3592 1700002800000"]
    );

    let passed = plugin.resource(&source, "GET", "api/v1/label/reason/values", b"").await;
    assert_eq!(passed.json()["data"], json!(["POLICY_DENIED", "STALE_OR_UNROUTABLE_IP"]));
}
