//! The status for a person who helps: what it holds, and who may read it.

use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range, Source, Start};
use test_kit::now_ms;
use test_kit::relay::{Relay, Script, flow};

async fn status(plugin: &Plugin, source: &Source, role: &str) -> (i32, Value) {
    let source = Source { role: role.to_owned(), ..source.clone() };
    let answer = plugin.resource(&source, "GET", "status", b"").await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn it_says_what_was_done() {
    let start =
        Start { env: vec![("HUBBLE_MEMORY_LIMIT_MIB", "300".to_owned())], ..Start::default() };
    let plugin = Plugin::start_with(start).await;
    let mut script = Script::default();
    script.status.version = "hubble-relay v1.18.2".to_owned();
    script.flows = vec![flow("aks-1", now_ms() - 1_000, |_| {})];
    let relay = Relay::start(script).await;
    let mut source = relay.source();
    source.json_data = json!({ "prometheusUrl": "http://prometheus.invalid:9090" });
    source.secrets.insert("prometheusToken".to_owned(), "hunter2".to_owned());
    let values: Vec<String> = (0..501).map(|n| format!("pod-{n}")).collect();
    let queries = [
        ("A", json!({ "queryType": "flowMetrics", "metric": "count", "format": "top" })),
        ("B", json!({ "queryType": "flows", "filter": { "pod": values } })),
    ];
    plugin.query(&source, Range::last_hour(), &queries).await;
    let (code, mut status) = status(&plugin, &source, "Editor").await;
    assert_eq!(code, 200, "{status}");
    let uptime = status["uptimeSeconds"].take().as_u64().unwrap();
    assert!(uptime < 60);
    let peak = status["memory"]["peakBytes"].take().as_u64().unwrap();
    assert!(peak >= 64 << 10, "{peak}");
    let refused = status["refusals"].take();
    let of = |limit: &str| {
        let list = refused.as_array().unwrap();
        list.iter().find(|refusal| refusal["limit"] == limit).unwrap()
    };
    assert_eq!(of("memory"), &json!({ "limit": "memory", "count": 0, "last": null }));
    assert_eq!(of("query_filters")["count"], 1);
    assert!(of("query_filters")["last"].as_str().unwrap().starts_with("20"));
    status["caches"].take();
    let text = status.to_string();
    for foreign in ["hunter2", "pod-1", "invalid", "127.0.0.1"] {
        assert!(!text.contains(foreign), "{foreign} in {text}");
    }
    let cores = std::thread::available_parallelism().unwrap();
    assert_eq!(
        status,
        json!({
            "version": "0.1.0",
            "uptimeSeconds": null,
            "relay": {
                "version": "hubble-relay v1.18.2",
                "nodes": { "connected": 1, "oldestCilium": status["relay"]["nodes"]["oldestCilium"] },
                "scans": { "permits": 11, "inUse": 0, "waiting": 0 },
                "openStreams": 0,
                "retries": 0,
            },
            "prometheus": {
                "calls": { "permits": 12, "inUse": 0, "waiting": 0 },
                "retries": 0,
                "tokenFailures": 0,
            },
            "policies": null,
            "longWork": { "permits": cores, "inUse": 0, "waiting": 0 },
            "memory": {
                "heldBytes": 0,
                "peakBytes": null,
                "limitBytes": 100 << 20,
                "processLimitBytes": 300 << 20,
                "processLimitFrom": "environment",
            },
            "caches": null,
            "liveChannels": 0,
            "refusals": null,
        })
    );
    assert!(status["relay"]["nodes"]["oldestCilium"].is_string());
}

#[tokio::test]
async fn editors_and_admins_may_read_it() {
    let plugin = Plugin::start().await;
    let source = Source::default();
    for (role, expected) in
        [("Admin", 200), ("Editor", 200), ("Viewer", 403), ("None", 403), ("", 403)]
    {
        let (code, answer) = status(&plugin, &source, role).await;
        assert_eq!(code, expected, "{role}: {answer}");
    }
    let (_, answer) = status(&plugin, &source, "Viewer").await;
    assert_eq!(
        answer["message"],
        "only Editors and Admins may read the status: it counts the work of all organisations"
    );
}

/// The relay may be what is wrong: the status says so in seconds.
#[tokio::test]
async fn a_silent_relay_does_not_hold_it_back() {
    let plugin = Plugin::start().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = Source::relay(&silent.local_addr().unwrap().to_string());
    let began = std::time::Instant::now();
    let (code, status) = status(&plugin, &source, "Admin").await;
    assert_eq!(
        (code, &status["relay"]["version"], &status["relay"]["nodes"]),
        (200, &Value::Null, &Value::Null)
    );
    assert!(began.elapsed() < std::time::Duration::from_secs(8));
}
