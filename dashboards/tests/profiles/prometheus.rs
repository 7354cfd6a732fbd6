//! A real Prometheus over the samples.
//!
//! `PROMETHEUS_BIN` names it, else it is looked for on the `PATH`; `promtool` stands beside it.
//! `cargo xtask test` sets the variable. Without one the tests fail and say so: a test that
//! skips itself proves nothing.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::series::Labels;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(crate) struct Prometheus {
    _process: Child,
    _data: tempfile::TempDir,
    url: String,
    client: reqwest::Client,
}

/// One series of an answer; an instant answer has one value.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) labels: Labels,
    pub(crate) values: Vec<f64>,
}

/// Where a question is asked, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
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

impl Prometheus {
    /// Starts over samples in `OpenMetrics`.
    pub(crate) async fn start(samples: &str) -> Self {
        let binary = binary();
        let data = tempfile::tempdir().unwrap();
        let blocks = data.path().join("tsdb");
        let openmetrics = data.path().join("samples.om");
        let config = data.path().join("prometheus.yml");
        std::fs::write(&openmetrics, samples).unwrap();
        std::fs::write(&config, "").unwrap();
        backfill(&binary.with_file_name("promtool"), &openmetrics, &blocks).await;
        // The workspace's reqwest speaks TLS and brings no provider for it; another test may have
        // named one already.
        let _: Result<_, _> = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
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
            let url = format!("http://127.0.0.1:{port}");
            if ready(&mut process, &client, &url).await {
                return Self { _process: process, _data: data, url, client };
            }
        }
        panic!("Prometheus does not start");
    }

    /// Answers of PromQL. Errors: Prometheus' own words.
    pub(crate) async fn ask(&self, expr: &str, at: At) -> Result<Vec<Answer>, String> {
        let (path, times) = match at {
            At::Instant(time) => ("query", vec![("time", time.to_string())]),
            At::Range { start, end, step } => (
                "query_range",
                vec![
                    ("start", start.to_string()),
                    ("end", end.to_string()),
                    ("step", step.to_string()),
                ],
            ),
        };
        let mut form = vec![("query", expr.to_owned())];
        form.extend(times);
        let url = format!("{}/api/v1/{path}", self.url);
        let text = self.client.post(url).form(&form).send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        if answer["status"] != "success" {
            return Err(answer["error"].as_str().unwrap_or(&text).to_owned());
        }
        let number = |pair: &Value| pair[1].as_str().unwrap().parse::<f64>().unwrap();
        let result = answer["data"]["result"].as_array().unwrap();
        let series = result.iter().map(|one| Answer {
            labels: serde_json::from_value(one["metric"].clone()).unwrap(),
            values: match one["values"].as_array() {
                Some(pairs) => pairs.iter().map(number).collect(),
                None => vec![number(&one["value"])],
            },
        });
        Ok(series.collect())
    }

    /// Values of a label among series that a selector finds.
    pub(crate) async fn label_values(
        &self,
        selector: &str,
        label: &str,
        (start, end): (i64, i64),
    ) -> Vec<String> {
        let url = format!("{}/api/v1/label/{label}/values", self.url);
        let query = [
            ("match[]", selector.to_owned()),
            ("start", start.to_string()),
            ("end", end.to_string()),
        ];
        let text = self.client.get(url).query(&query).send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["status"], "success", "{selector}: {text}");
        serde_json::from_value(answer["data"].clone()).unwrap()
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
async fn ready(process: &mut Child, client: &reqwest::Client, url: &str) -> bool {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        let answer = client.get(format!("{url}/-/ready")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}
