//! Queries that cannot be meant, and flows as no agent should send them: a clear error at the
//! right place, or the row as it is.

use std::fmt::Write as _;

use hubble_api::pb::flow::{CiliumEventType, Http, Layer7, layer7};
use hubble_api::pb::observer::GetFlowsResponse;
use serde_json::{Value, json};

use crate::host::{Plugin, Range, now_ms};
use crate::relay::{self, Relay, Script};

fn flows(rest: &Value) -> Value {
    let mut query = json!({ "queryType": "flows" });
    query.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    query
}

#[tokio::test]
async fn what_hubble_would_refuse_is_refused_by_name() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let mut report = String::new();
    for query in [
        json!({ "text": "hubble observe --nmespace pets" }),
        json!({ "text": "hubble observe --ip 10.0.0.0/33" }),
        json!({ "text": "hubble observe --http-path '(?=x)'" }),
        json!({ "text": "hubble observe --http-path '('" }),
        json!({ "text": "hubble observe --reply --not-reply" }),
        json!({ "text": "hubble observe --namespace pets --pod kube-system/x" }),
        json!({ "text": "hubble observe --last 5 --first 5" }),
        json!({ "text": "hubble observe --label" }),
        json!({ "text": "hubble observe --from-label 'app in (a'" }),
        json!({ "text": "hubble observe --http-status 4000" }),
        json!({ "text": "hubble observe --since yesterday" }),
        json!({ "text": "hubble observe --port 70000" }),
        json!({ "filter": { "toIp": ["::1/129"] } }),
        json!({ "filter": { "fromLabel": ["=b"] } }),
        json!({ "filter": { "verdict": ["MAYBE"] } }),
        json!({ "filter": { "dropReasonDesc": ["Because"] } }),
        json!({ "filter": { "namespace": ["pets"] }, "until": "3h" }),
        json!({ "limit": 0 }),
        json!({ "limit": 1_000_000_000 }),
        json!({ "allowlist": ["{\"source_ip\":"] }),
        json!({ "denylist": ["{\"planet\":[\"mars\"]}"] }),
    ] {
        let (status, source, message) =
            plugin.failure(&relay.source(), Range::last_hour(), flows(&query)).await;
        assert_eq!((status, source.as_str()), (400, "downstream"), "{query}");
        writeln!(report, "{query}\n  {message}").unwrap();
    }
    assert!(relay.asked.lock().unwrap().is_empty(), "the relay is not asked");
    insta::assert_snapshot!(report);
    let now = now_ms();
    let reversed = Range { from_ms: now, to_ms: now - 1_000 };
    let (status, _, message) = plugin.failure(&relay.source(), reversed, flows(&json!({}))).await;
    assert_eq!((status, message.as_str()), (400, "the time range ends before it begins"));
}

/// Flows without ends, addresses or time, with huge labels and strange paths, twice and in any
/// order.
fn strange(now: i64) -> Vec<GetFlowsResponse> {
    let http = |url: &str| {
        let http = Http { url: url.to_owned(), method: "GET".to_owned(), ..Http::default() };
        Layer7 { r#type: 1, record: Some(layer7::Record::Http(http)), ..Layer7::default() }
    };
    let twice = relay::flow("aks-1", now - 3_000, |_| {});
    let mut timeless = relay::flow("aks-1", now, |flow| flow.time = None);
    timeless.time = None;
    vec![
        twice.clone(),
        relay::flow("aks-1", now - 1_000, |flow| (flow.source, flow.destination) = (None, None)),
        timeless,
        relay::flow("aks-1", now - 5_000, |flow| (flow.ip, flow.l4) = (None, None)),
        relay::flow("aks-1", now - 2_000, |flow| {
            flow.source.as_mut().unwrap().labels = vec!["k8s:a=".to_owned() + &"x".repeat(65_536)];
        }),
        relay::flow("aks-1", now - 4_000, |flow| {
            flow.l7 = Some(http("http://shop/\u{fffd}\u{0}\n</script>"));
        }),
        twice,
    ]
}

#[tokio::test]
async fn strange_flows_are_shown_as_they_are() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script { flows: strange(now_ms()), ..Script::default() }).await;
    let ask = async |query: Value| {
        plugin.frames(&relay.source(), Range::last_hour(), query).await.join("\n")
    };
    let table = ask(flows(&json!({}))).await;
    assert!(table.contains("(7 rows)"), "{table}");
    assert!(table.contains("1 flows have no time and are last"), "{table}");
    assert!(table.contains("</script>"), "text stays text");
    let logs = ask(flows(&json!({ "format": "logs" }))).await;
    assert!(logs.contains("(7 rows)"), "{logs}");
    let packed = ask(flows(&json!({ "format": "packed" }))).await;
    assert!(packed.contains("\"flows\": 7"), "{packed}");
    let counts = ask(json!({ "queryType": "flowMetrics", "format": "top" })).await;
    assert!(counts.contains("rows:\n6\n"), "{counts}");
    assert!(counts.contains("1 flows have no time and are not counted"), "{counts}");
    let map = ask(json!({ "queryType": "serviceMap" })).await;
    assert!(map.contains("name: nodes") && map.contains("name: edges"), "{map}");
    for query_type in ["flowAnnotations", "dnsConnections"] {
        let none = ask(json!({ "queryType": query_type })).await;
        assert!(none.contains("(0 rows)"), "{none}");
    }
}

#[tokio::test]
async fn a_denied_packet_that_stands_twice_is_told_of() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let denied = |event_type: i32, time_ms: i64| {
        relay::flow("aks-1", time_ms, |flow| {
            flow.verdict = 2;
            flow.event_type = Some(CiliumEventType { r#type: event_type, sub_type: 0 });
        })
    };
    let flows_of = vec![denied(5, now - 1_001), denied(1, now - 1_000)];
    let relay = Relay::start(Script { flows: flows_of, ..Script::default() }).await;
    for format in ["table", "logs", "packed"] {
        let frames = plugin
            .frames(&relay.source(), Range::last_hour(), flows(&json!({ "format": format })))
            .await;
        let words = "1 denied packets are there twice: as a policy verdict and as a drop";
        assert!(frames[0].contains(words), "{format}: {}", frames[0]);
    }
}

#[tokio::test]
async fn lines_and_forms_convert_into_each_other() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let convert = async |body: Value| {
        let body = body.to_string();
        let answer = plugin.resource(&relay.source(), "POST", "convert", body.as_bytes()).await;
        (answer.status, answer.json())
    };
    let line = "hubble observe --verdict DROPPED --namespace pets --not --to-port 53";
    let (status, there) = convert(json!({ "text": format!("{line} -o json | jq .") })).await;
    assert_eq!((status, &there["text"]), (200, &json!(line)));
    let form = json!({
        "filter": { "verdict": ["DROPPED"], "namespace": ["pets"] },
        "exclude": { "toPort": ["53"] },
    });
    assert_eq!(there["form"], form);
    let (_, back) = convert(form).await;
    assert_eq!(back["text"], line);
    let (status, wrong) = convert(json!({ "text": "hubble observe --verdict MÄÄ --nope" })).await;
    assert_eq!((status, &wrong["text"]), (200, &Value::Null));
    let error = &wrong["errors"][0];
    let umlauts = (&json!(29), &json!(31));
    assert_eq!((&error["start"], &error["startByte"]), umlauts, "{wrong}");
    assert_eq!(error["text"], "unknown flag `--nope`");
    assert_eq!(wrong["errors"][1]["text"], "`--verdict`: `MÄÄ` is no verdict");
    let (status, broken) = convert(json!({ "text": 5 })).await;
    assert_eq!(status, 400, "{broken}");
}

#[tokio::test]
async fn rows_link_to_what_belongs_to_them() {
    let plugin = Plugin::start().await;
    let script = Script { flows: strange(now_ms()), ..Script::default() };
    let relay = Relay::start(script).await;
    let frames = plugin.frames(&relay.source(), Range::last_hour(), flows(&json!({}))).await;
    let line = frames[0].lines().find(|line| line.starts_with("- Destination: ")).unwrap();
    let config: Value = serde_json::from_str(line.split_once(" config ").unwrap().1).unwrap();
    let links = config["links"].as_array().unwrap();
    let pair = links.iter().find(|link| link["title"] == "This pair in both directions").unwrap();
    assert_eq!(pair["internal"]["datasourceUid"], "hubble");
    let there = pair["internal"]["query"]["allowlist"][0].as_str().unwrap();
    // As Grafana fills it in.
    let filled = there
        .replace("${__data.fields['Source IP']}", "10.0.0.1")
        .replace("${__data.fields['Destination IP']}", "10.0.0.2");
    let mut query = pair["internal"]["query"].clone();
    query["allowlist"] = json!([filled]);
    plugin.frames(&relay.source(), Range::last_hour(), query).await;
    let asked = relay.asked.lock().unwrap().last().cloned().unwrap();
    assert_eq!(asked.whitelist[0].source_ip, ["10.0.0.1"]);
    assert_eq!(asked.whitelist[0].destination_ip, ["10.0.0.2"]);
    assert!(links[0]["url"].as_str().unwrap().starts_with("/d/k8snet-pod-flows-workload?"));
}
