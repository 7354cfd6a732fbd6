//! Tests with the demo's relay, which answers as Hubble Relay of several releases does.

use std::time::Duration;

use petshop::{HistoryOptions, HubbleRelease, RingCapacity, Scenario, Shop, ShopOptions};
use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range, Source};
use test_kit::now_ms;

const RELEASES: [HubbleRelease; 4] =
    [HubbleRelease::V1_15, HubbleRelease::V1_18, HubbleRelease::V1_20, HubbleRelease::Main];

/// A shop whose rings of 1,023 flows are full.
async fn shop(change: impl FnOnce(&mut ShopOptions)) -> (Shop, Source) {
    let mut options = ShopOptions {
        scenario: Scenario::Chaos,
        rate: 200.0,
        ring_capacity: RingCapacity::new(1_023).unwrap(),
        history: Some(HistoryOptions {
            span: Duration::from_mins(1),
            file: None,
            scenario_for: Duration::from_mins(1),
            before: Scenario::Open,
        }),
        ..ShopOptions::default()
    };
    change(&mut options);
    let shop = Shop::start(options).await.unwrap();
    let source = Source::relay(&shop.relay_address().to_string());
    (shop, source)
}

fn counted(filter: &Value) -> Value {
    json!({ "queryType": "flowMetrics", "format": "top", "allowlist": [filter.to_string()] })
}

#[tokio::test]
async fn each_release_answers_and_a_full_ring_is_not_a_loss() {
    let plugin = Plugin::start().await;
    for release in RELEASES {
        let (shop, source) = shop(|options| options.release = release).await;
        for query in [
            json!({ "queryType": "flows", "limit": 5_000 }),
            json!({ "queryType": "flows", "filter": { "verdict": ["DROPPED"] } }),
            counted(&json!({ "verdict": ["DROPPED"] })),
            json!({ "queryType": "serviceMap" }),
        ] {
            let range = Range::last_hour();
            let frame = plugin.frames(&source, range, query.clone()).await.join("\n");
            assert!(!frame.contains(" lost"), "{release:?} {query}: {frame}");
            // The buffers begin within the hour, each at its own time.
            let is_counted = query["queryType"] == "flowMetrics";
            assert_eq!(frame.contains("lower bound"), is_counted, "{release:?} {query}: {frame}");
            let rows = frame.split_once("rows:\n").unwrap().1;
            assert!(!rows.starts_with("(0 rows)") && !rows.starts_with("0\n"), "{frame}");
            assert!(frame.contains(r#""forgotten": false"#), "{release:?}: {frame}");
        }
        shop.stop().await;
    }
}

#[tokio::test]
async fn refusals_carry_the_nodes_message() {
    let plugin = Plugin::start().await;
    let sentences = [
        (json!({ "http_path": ["["] }), "invalid http path filter: [: error parsing regexp: "),
        (json!({ "source_ip": ["999.1.1.1"] }), "invalid IP address \"999.1.1.1\" in filter: "),
        (
            json!({ "http_method": ["GET"], "event_type": [{ "type": 1 }] }),
            "filtering by http method requires the event type filter to only match 'l7' events",
        ),
    ];
    for release in RELEASES {
        let (shop, source) = shop(|options| options.release = release).await;
        for (filter, sentence) in &sentences {
            for query in [
                counted(filter),
                json!({ "queryType": "flows", "allowlist": [filter.to_string()] }),
            ] {
                let (status, _, message) = plugin.failure(&source, Range::last_hour(), query).await;
                let expected =
                    format!("every one of 3 connected nodes refused the query: {sentence}");
                assert_eq!(status, 400, "{message}");
                assert!(message.starts_with(&expected), "{release:?}: {message}");
            }
        }
        shop.stop().await;
    }
}

#[tokio::test]
async fn no_node_is_connected() {
    let plugin = Plugin::start().await;
    let nodes = ["vmss000000", "vmss000001", "vmss000002"];
    for release in RELEASES {
        let (shop, source) = shop(|options| {
            options.release = release;
            options.unavailable_nodes =
                nodes.iter().map(|node| format!("aks-nodepool1-14942319-{node}")).collect();
        })
        .await;
        for metric in ["count", "rate", "dropRatio", "distinctPeers"] {
            let query = json!({ "queryType": "flowMetrics", "metric": metric });
            let (status, _, message) = plugin.failure(&source, Range::last_hour(), query).await;
            assert_eq!(status, 502);
            assert!(message.starts_with("no node is connected: "), "{release:?}: {message}");
        }
        shop.stop().await;
    }
}

#[tokio::test]
async fn losses_before_hubble_are_counted_with_their_share() {
    let plugin = Plugin::start().await;
    for release in RELEASES {
        let (shop, source) = shop(|options| {
            options.release = release;
            options.lose_every = Some(10);
        })
        .await;
        let now = now_ms();
        let range = Range { from_ms: now - 5_000, to_ms: now };
        let query = json!({ "queryType": "flowMetrics", "format": "top" });
        let answers = plugin.query(&source, range, &[("A", query)]).await;
        let frame = frames::golden::render(&answers["A"].frames[0], 10);
        assert!(frame.contains("each number is a lower bound"), "{release:?}: {frame}");
        let shares: Vec<f64> = frame
            .split("events lost on node `")
            .skip(1)
            .map(|text| {
                let (_, text) = text.split_once("about ").unwrap();
                text.split_once(" %").unwrap().0.parse().unwrap()
            })
            .collect();
        assert_eq!(shares.len(), 3, "{release:?}: {frame}");
        // One event in ten is lost.
        assert!(shares.iter().all(|share| (4.0..20.0).contains(share)), "{shares:?}");
        shop.stop().await;
    }
}
