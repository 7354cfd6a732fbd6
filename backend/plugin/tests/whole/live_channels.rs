//! Tests of the channels of Grafana Live: which query a channel has, who shares it, how many run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use plugin_protocol::{Code, PublishStreamRequest, StreamPacket, Streaming, client};
use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Source};
use test_kit::relay::{self, Relay, Script};
use test_kit::{PATIENCE, now_ms};

use super::live::{path, query, rows, run_at, subscribe_at};

const ALLOWED: i32 = 0;
const NOT_FOUND: i32 = 1;
const DENIED: i32 = 2;

/// Grafana with its running streams. It asks the plugin about each subscription, and runs a channel once,
/// as the person whose subscription came first.
struct Grafana {
    plugin: Plugin,
    running: BTreeMap<(i64, String), Streaming<StreamPacket>>,
}

impl Grafana {
    async fn start() -> Self {
        Self { plugin: Plugin::start().await, running: BTreeMap::new() }
    }

    /// Subscribes a viewer to the channel of a query; returns why not.
    async fn view(&mut self, source: &Source, json: &str) -> Result<(), String> {
        let path = path(&serde_json::from_str(json).unwrap());
        let (status, answer) = subscribe_at(&self.plugin, source, &path, json.to_owned()).await;
        if status != ALLOWED {
            return Err(answer["message"].as_str().unwrap().to_owned());
        }
        let channel = (source.org_id, path);
        if !self.running.contains_key(&channel) {
            let (_, path) = &channel;
            let stream = run_at(&self.plugin, source, path, json.to_owned()).await;
            self.running.insert(channel, stream.unwrap());
        }
        Ok(())
    }

    /// Ends the stream of a query, whose last viewer has left.
    fn end(&mut self, org_id: i64, json: &str) {
        let channel = (org_id, path(&serde_json::from_str(json).unwrap()));
        assert!(self.running.remove(&channel).is_some());
    }

    /// Subscribes a viewer for whom a place becomes free: the plugin sees the end of a stream a moment later.
    async fn view_later(&mut self, source: &Source, json: &str) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let viewed = self.view(source, json).await;
            if viewed.is_ok() || Instant::now() > deadline {
                return viewed;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The reason that the page shows after a refused subscription.
    async fn reason(&self, source: &Source) -> Value {
        let answer = self.plugin.resource(source, "GET", "live", b"").await;
        assert_eq!(answer.status, 200);
        serde_json::from_slice(&answer.chunks.concat()).unwrap()
    }
}

fn of(source: &Source, org_id: i64, login: &str) -> Source {
    Source { org_id, login: login.to_owned(), ..source.clone() }
}

fn numbered(number: usize) -> String {
    query(&json!({ "last": number })).to_string()
}

#[tokio::test]
async fn viewers_of_one_query_share_one_stream() {
    let mut grafana = Grafana::start().await;
    let relay = Relay::start(Script { hangs: true, ..Script::default() }).await;
    let source = relay.source();
    let json =
        r#"{"queryType":"flows","format":"table","filter":{"port":["53"],"namespace":["pets"]}}"#;
    // Other browsers write the same query in another order.
    let others = [
        r#"{"filter":{"namespace":["pets"],"port":["53"]},"format":"table","queryType":"flows"}"#,
        r#"{ "filter": { "namespace": ["p\u0065ts"], "port": ["53"] }, "queryType": "flows", "format": "table" }"#,
    ];
    for (login, json) in [("ada", json), ("bob", others[0]), ("", others[1])] {
        grafana.view(&of(&source, 1, login), json).await.unwrap();
    }
    relay.has_open(1).await;
    assert_eq!((grafana.running.len(), relay.asked().len()), (1, 1));
    // The same path in another organisation is another channel.
    grafana.view(&of(&source, 2, "ada"), json).await.unwrap();
    relay.has_open(2).await;
}

#[tokio::test]
async fn a_viewer_who_comes_later_sees_the_newest_flows() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let flow = |ms: i64| relay::flow("aks-1", now + ms, |_| {});
    let flows = vec![flow(1), relay::lost("aks-1", 3, 7), flow(2), flow(3)];
    let relay = Relay::start(Script { flows, hangs: true, ..Script::default() }).await;
    let source = relay.source();
    let json = query(&json!({})).to_string();
    let path = path(&query(&json!({})));
    let shown = async |login: &str| {
        let viewer = of(&source, 1, login);
        let (status, first) = subscribe_at(&plugin, &viewer, &path, json.clone()).await;
        assert_eq!(status, ALLOWED);
        first["data"]["values"][0].clone()
    };
    assert_eq!(shown("ada").await, json!([]), "the stream brings them");
    let mut stream = run_at(&plugin, &source, &path, json.clone()).await.unwrap();
    rows(&mut stream, 4).await;
    assert_eq!(shown("bob").await, json!([now + 1, now + 2, now + 3]));
    drop(stream);
    relay.has_open(0).await;
}

#[tokio::test]
async fn a_channel_is_for_the_query_that_names_it() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script { hangs: true, ..Script::default() }).await;
    let source = relay.source();
    let (own, other) = (query(&json!({ "last": 1 })), query(&json!({ "last": 2 })));
    let known = path(&own);
    let not_a_channel = |path: &str| {
        format!(
            "`{path}` is not a live channel: use `flows/` and the SHA-256 of the query's canonical JSON in \
             lower-case hexadecimal digits; a page that is older than the plugin has to be reloaded"
        )
    };
    let another = format!(
        "live channel `{known}` is for another query: its name has to be the SHA-256 of the query's \
         canonical JSON"
    );
    let check = async |path: &str, query: &Value, expected: (i32, Code, &str)| {
        let (status, answer) = subscribe_at(&plugin, &source, path, query.to_string()).await;
        let refused = run_at(&plugin, &source, path, query.to_string()).await.unwrap_err();
        assert_eq!((status, refused.code(), refused.message()), expected);
        assert_eq!(answer["message"], expected.2);
    };
    for path in ["policies/1", "flows/7-4f", "flows/"] {
        check(path, &own, (NOT_FOUND, Code::NotFound, &not_a_channel(path))).await;
    }
    // Before the stream runs, while it runs, and after.
    check(&known, &other, (DENIED, Code::PermissionDenied, &another)).await;
    let stream = run_at(&plugin, &source, &known, own.to_string()).await.unwrap();
    check(&known, &other, (DENIED, Code::PermissionDenied, &another)).await;
    drop(stream);
    relay.has_open(0).await;
    check(&known, &other, (DENIED, Code::PermissionDenied, &another)).await;
    let (status, answer) = subscribe_at(&plugin, &source, &known, "{".to_owned()).await;
    let message = answer["message"].as_str().unwrap();
    assert!(status == DENIED && message.starts_with("the query cannot be read: "), "{message}");

    let publish = PublishStreamRequest {
        plugin_context: Some(source.context()),
        path: known,
        data: Vec::new(),
    };
    let answer = client::publish_stream(plugin.channel.clone(), publish).await.unwrap();
    assert_eq!(answer.status, DENIED, "flows are observed, never made");
}

#[tokio::test]
async fn an_organisation_runs_50_channels_and_no_other_one_feels_it() {
    let mut grafana = Grafana::start().await;
    let relay = Relay::start(Script { hangs: true, ..Script::default() }).await;
    let source = relay.source();
    for number in 0..50 {
        let login = format!("person-{}", number / 10);
        grafana.view(&of(&source, 1, &login), &numbered(number)).await.unwrap();
    }
    relay.has_open(50).await;
    let latecomer = of(&source, 1, "latecomer");
    let refusal = grafana.view(&latecomer, &numbered(50)).await.unwrap_err();
    assert_eq!(
        refusal,
        "50 live streams run in this organisation, which is the limit: close some that follow flows; each \
         ends about 15 s after its last viewer has left"
    );
    assert_eq!(grafana.reason(&latecomer).await, json!({ "refusal": refusal }));
    grafana.view(&latecomer, &numbered(49)).await.expect("a shared stream costs nothing");
    let other_org = of(&source, 2, "latecomer");
    assert_eq!(grafana.reason(&other_org).await, json!({ "refusal": null }));
    grafana.view(&other_org, &numbered(50)).await.unwrap();
    grafana.end(1, &numbered(3));
    grafana.view_later(&latecomer, &numbered(50)).await.unwrap();
    assert!(grafana.view(&latecomer, &numbered(51)).await.is_err());
}

#[tokio::test]
async fn a_person_opens_10_channels_that_run() {
    let mut grafana = Grafana::start().await;
    let relay = Relay::start(Script { hangs: true, ..Script::default() }).await;
    let (ada, bob) = (of(&relay.source(), 1, "ada"), of(&relay.source(), 1, "bob"));
    for number in 0..10 {
        grafana.view(&ada, &numbered(number)).await.unwrap();
    }
    let refusal = grafana.view(&ada, &numbered(10)).await.unwrap_err();
    assert_eq!(
        refusal,
        "10 live streams that you opened still run, which is the limit: close some that follow flows; each \
         ends about 15 s after its last viewer has left"
    );
    assert_eq!(grafana.reason(&ada).await, json!({ "refusal": refusal }));
    assert_eq!(grafana.reason(&bob).await, json!({ "refusal": null }));
    grafana.view(&bob, &numbered(10)).await.unwrap();
    grafana.view(&ada, &numbered(10)).await.expect("bob opened it");
    grafana.end(1, &numbered(3));
    grafana.view_later(&ada, &numbered(11)).await.unwrap();
    assert_eq!(grafana.view(&ada, &numbered(12)).await, Err(refusal));
}

/// Browsers subscribe to all panels of a dashboard at once, and Grafana runs the streams a moment later.
#[tokio::test]
async fn subscriptions_at_the_same_moment_are_counted() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script { hangs: true, ..Script::default() }).await;
    let ada = of(&relay.source(), 1, "ada");
    let subscriptions = (0..30).map(|number| {
        let (plugin, ada) = (&plugin, &ada);
        async move {
            let json = numbered(number);
            let path = path(&serde_json::from_str(&json).unwrap());
            let (status, _) = subscribe_at(plugin, ada, &path, json.clone()).await;
            (status == ALLOWED).then_some((path, json))
        }
    });
    let allowed = futures_util::future::join_all(subscriptions).await;
    let allowed: Vec<(String, String)> = allowed.into_iter().flatten().collect();
    assert_eq!(allowed.len(), 10);
    let mut streams = Vec::new();
    for (path, json) in allowed {
        streams.push(run_at(&plugin, &ada, &path, json).await.expect("what was allowed runs"));
    }
    relay.has_open(10).await;
}
