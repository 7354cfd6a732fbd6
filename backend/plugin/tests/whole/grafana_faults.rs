//! Faults on Grafana's side while queries run: it cancels, loses the connection, changes the settings, shuts
//! the plugin down, kills it. After twenty rounds nothing is left behind: no stream, no permit, no file, no
//! memory.

use std::future::pending;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use plugin_protocol::handshake::Address;
use plugin_protocol::{Channel, RunStreamRequest, client};
use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range, Source, Start};
use test_kit::http::Http;
use test_kit::relay::{self, Relay, Script};
use test_kit::{PATIENCE, now_ms};
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::live::{path, query as live_query};

/// Rounds before the first count: caches and pools fill.
const WARM_UP: usize = 3;
const ROUNDS: usize = 20;
/// Files of connections that pools keep: they may be there before, or afterwards.
const POOLED_FILES: usize = 4;
/// Growth of the resident memory over all rounds, in KiB: allocators keep some of what is freed.
const MAX_GROWTH_KIB: u64 = 16 << 10;

/// A relay and a Prometheus that begin their answers and never end them.
struct Hanging {
    relay: Relay,
    prometheus: Http,
}

/// What a plugin holds between two rounds.
struct Held {
    files: usize,
    resident_kib: u64,
}

impl Hanging {
    async fn start() -> Self {
        let now = now_ms();
        let flows = (0..100).map(|n| relay::flow("aks-1", now - n, |_| {})).collect();
        let script = Script { flows, hangs: true, forgets: true, ..Script::default() };
        let (relay, prometheus) =
            tokio::join!(Relay::start(script), Http::start_with(|_| pending()));
        Self { relay, prometheus }
    }

    fn source(&self) -> Source {
        let mut source = self.relay.source();
        source.json_data = json!({ "prometheusUrl": self.prometheus.url() });
        source
    }

    /// Runs `fault` while everything that Grafana can ask of a plugin is under way; then Grafana waits for
    /// none of it any more.
    async fn during(&self, channel: &Channel, fault: BoxFuture<'_, ()>) {
        let source = self.source();
        let of = |namespace: &str| json!({ "namespace": [namespace] });
        let queries = [
            json!({ "queryType": "flows", "format": "table", "filter": of("a") }),
            json!({ "queryType": "flowMetrics", "format": "top", "filter": of("b") }),
            json!({ "queryType": "serviceMap", "filter": of("c") }),
            json!({ "queryType": "promql", "expr": "up", "range": true }),
        ];
        let asking = join_all(queries.map(|query| {
            let request = source.query_request(Range::last_hour(), &[("A", query)], &[]);
            client::query_data(channel.clone(), request)
        }));
        let Range { from_ms, to_ms } = Range::last_hour();
        let body = json!({ "query": { "filter": of("d") }, "from": from_ms, "to": to_ms });
        let resource = source.resource_request("POST", "flows", body.to_string().as_bytes());
        let reading = async {
            let Ok(mut stream) = client::call_resource(channel.clone(), resource).await else {
                return;
            };
            while let Ok(Some(_)) = stream.message().await {}
        };
        let following = async {
            let query = live_query(&json!({ "filter": of("e") }));
            let request = RunStreamRequest {
                plugin_context: Some(source.context()),
                path: path(&query),
                data: query.to_string().into(),
            };
            let Ok(mut stream) = client::run_stream(channel.clone(), request).await else {
                return;
            };
            while let Ok(Some(_)) = stream.message().await {}
        };
        let all = async { tokio::join!(asking, reading, following) };
        let (mut all, mut fault) = (
            pin!(all),
            pin!(async {
                // Two queries of single flows, two counts, and the channel.
                self.relay.has_open(5).await;
                while self.prometheus.asked().is_empty() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                fault.await;
            }),
        );
        tokio::select! {
            biased;
            () = &mut fault => {}
            _ = &mut all => fault.await,
        }
    }

    /// Waits until nothing of a round is left at the relay or in the plugin.
    async fn is_left_alone(&self, plugin: &Plugin) {
        self.relay.has_open(0).await;
        plugin.has_figure("k8snet_live_channels", 0.0).await;
        for gate in ["relay_scans", "prometheus_calls"] {
            plugin
                .has_figure(&format!(r#"k8snet_gate_permits_in_use{{gate="{gate}"}}"#), 0.0)
                .await;
            plugin.has_figure(&format!(r#"k8snet_gate_waiting{{gate="{gate}"}}"#), 0.0).await;
        }
        plugin.has_figure("k8snet_memory_held_bytes", 0.0).await;
    }
}

impl Held {
    fn now(plugin: &Plugin) -> Self {
        Self { files: plugin.open_files(), resident_kib: plugin.status_kib("VmRSS") }
    }

    /// Waits until `plugin` holds no more than before.
    async fn is_all(&self, plugin: &Plugin) {
        let closed = async {
            while plugin.open_files() > self.files + POOLED_FILES {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let closed = tokio::time::timeout(PATIENCE, closed).await;
        assert!(closed.is_ok(), "{} files, {} before", plugin.open_files(), self.files);
        let resident_kib = plugin.status_kib("VmRSS");
        let limit = self.resident_kib + MAX_GROWTH_KIB;
        assert!(resident_kib <= limit, "{resident_kib} KiB, {} before", self.resident_kib);
    }
}

/// Runs rounds of a fault that the plugin survives, and compares what it holds.
async fn rounds(plugin: &mut Plugin, hanging: &Hanging, round: impl AsyncFn(&mut Plugin, usize)) {
    let mut held = None;
    for n in 0..WARM_UP + ROUNDS {
        if n == WARM_UP {
            held = Some(Held::now(plugin));
        }
        round(plugin, n).await;
        hanging.prometheus.take_asked();
        hanging.is_left_alone(plugin).await;
    }
    held.unwrap().is_all(plugin).await;
}

#[tokio::test]
async fn grafana_cancels() {
    let (mut plugin, hanging) = tokio::join!(Plugin::start(), Hanging::start());
    rounds(&mut plugin, &hanging, async |plugin, _| {
        hanging.during(&plugin.channel, Box::pin(async {})).await;
    })
    .await;
}

/// A proxy to `target` for one connection, which ends with the task.
fn proxy(folder: &Path, target: PathBuf) -> (PathBuf, JoinHandle<()>) {
    let path = folder.join("proxy.sock");
    drop(std::fs::remove_file(&path));
    let listener = UnixListener::bind(&path).unwrap();
    let carrying = tokio::spawn(async move {
        let (mut here, _) = listener.accept().await.unwrap();
        let mut there = UnixStream::connect(target).await.unwrap();
        drop(copy_bidirectional(&mut here, &mut there).await);
    });
    (path, carrying)
}

/// Grafana's side of the connection goes away, without a word on the calls that it carried.
#[tokio::test]
async fn grafana_disconnects() {
    let (mut plugin, hanging) = tokio::join!(Plugin::start(), Hanging::start());
    let folder = tempfile::tempdir().unwrap();
    rounds(&mut plugin, &hanging, async |plugin, _| {
        let (path, carrying) = proxy(folder.path(), plugin.socket());
        let channel = client::connect(Address::Unix(path)).await.unwrap();
        hanging
            .during(
                &channel,
                Box::pin(async {
                    carrying.abort();
                    hanging.relay.has_open(0).await;
                }),
            )
            .await;
    })
    .await;
}

/// New settings do not end what began with the old ones, and nothing of the old ones stays.
#[tokio::test]
async fn grafana_changes_the_settings() {
    let (mut plugin, hanging) = tokio::join!(Plugin::start(), Hanging::start());
    rounds(&mut plugin, &hanging, async |plugin, n| {
        let mut changed = hanging.source();
        changed.json_data["requestTimeoutSecs"] = json!(10 + n);
        changed.updated_ms = i64::try_from(n).unwrap() + 2;
        hanging
            .during(
                &plugin.channel,
                Box::pin(async {
                    // The relay answers, Prometheus does not.
                    changed.json_data["prometheusUrl"] = Value::Null;
                    let health = plugin.health(&changed).await;
                    assert!(health.message.contains("1 of 1 nodes connected"), "{health:?}");
                    assert_eq!(hanging.relay.open(), 5, "queries with the old settings go on");
                }),
            )
            .await;
    })
    .await;
}

/// A killed plugin leaves no stream at the relay, and the next one answers in its place.
#[tokio::test]
async fn grafana_kills_the_plugin() {
    let hanging = Hanging::start().await;
    let mut socket_dir = tempfile::tempdir().unwrap();
    for n in 0..ROUNDS {
        let start = Start { socket_dir: Some(socket_dir), ..Start::default() };
        let mut plugin = Plugin::start_with(start).await;
        let channel = plugin.channel.clone();
        hanging
            .during(
                &channel,
                Box::pin(async {
                    // Every second one is asked first, as Grafana does before it stops a plugin.
                    if n % 2 == 0 {
                        plugin.child.kill().await.unwrap();
                    } else {
                        client::shutdown(channel.clone()).await.unwrap();
                        plugin.left().await;
                    }
                    hanging.relay.has_open(0).await;
                }),
            )
            .await;
        hanging.prometheus.take_asked();
        socket_dir = plugin.socket_dir;
    }
}
