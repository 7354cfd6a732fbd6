//! PromQL through the plugin against a real Prometheus.
//!
//! `PROMETHEUS_BIN` names it, else it is looked for on the `PATH`; `promtool` stands beside it.
//! `cargo xtask test` sets the variable. Without one the tests fail and say so: a test that
//! skips itself proves nothing.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::host::{PATIENCE, Plugin, Range, Source};

/// The samples lie in the hour from here on: 2023-11-14 22:00 UTC.
const START_SECS: i64 = 1_699_999_200;
const STEP_SECS: i64 = 15;
const OFFSET_SECS: i64 = 7;
const RANGE: Range = Range { from_ms: START_SECS * 1_000, to_ms: (START_SECS + 3_600) * 1_000 };

/// A Prometheus with an hour of samples.
struct Prometheus {
    _process: Child,
    _data: tempfile::TempDir,
    url: String,
}

fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("PROMETHEUS_BIN").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "PROMETHEUS_BIN names `{}`, which is no file", path.display());
        return path;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join("prometheus"))
        .find(|path| path.is_file())
        .expect("no Prometheus: set PROMETHEUS_BIN to its binary, put it on the PATH, or run `cargo xtask test`, which gets one")
}

/// Two counters of drops that grow by 1 and by 2 a second, a histogram, a gauge with a hole.
fn samples() -> String {
    let mut text = String::from("# TYPE hubble_drop counter\n");
    // Never at the edge of a window: Prometheus 3 counts a sample there otherwise than 2 does.
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

impl Prometheus {
    async fn start() -> Self {
        let binary = binary();
        let data = tempfile::tempdir().unwrap();
        let blocks = data.path().join("tsdb");
        let openmetrics = data.path().join("samples.om");
        let config = data.path().join("prometheus.yml");
        std::fs::write(&openmetrics, samples()).unwrap();
        std::fs::write(&config, "").unwrap();
        backfill(&binary.with_file_name("promtool"), &openmetrics, &blocks).await;
        // Prometheus cannot tell a port that it picked itself, so one that was free a moment ago
        // is taken, and another if it is not any more.
        for _ in 0..5 {
            let port =
                std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut process = Command::new(&binary)
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", blocks.display()))
                .arg("--storage.tsdb.retention.time=100y")
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .unwrap();
            if ready(&mut process, port).await {
                let url = format!("http://127.0.0.1:{port}");
                return Self { _process: process, _data: data, url };
            }
        }
        panic!("Prometheus does not start");
    }
}

async fn backfill(promtool: &Path, openmetrics: &Path, blocks: &Path) {
    let output = Command::new(promtool)
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([openmetrics, blocks])
        .output()
        .await
        .unwrap_or_else(|error| panic!("`{}` cannot be run: {error}", promtool.display()));
    assert!(output.status.success(), "promtool: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether it answers; `false` once it has given up.
async fn ready(process: &mut Child, port: u16) -> bool {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        if status_line(port).await.is_ok_and(|line| line.contains(" 200 ")) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

async fn status_line(port: u16) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n").await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    Ok(line)
}

async fn ask(plugin: &Plugin, source: &Source, query: Value) -> String {
    plugin.frames(source, RANGE, query).await.join("\n")
}

#[tokio::test]
async fn promql_through_the_plugin() {
    let prometheus = Prometheus::start().await;
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
