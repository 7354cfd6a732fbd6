//! A real Prometheus over written samples.
//!
//! `PROMETHEUS_BIN` is its path; without the variable, the `PATH` is searched. `promtool` is in the
//! same folder.
//! `cargo xtask test` sets the variable. Without one the tests fail and say so: a test that
//! skips itself proves nothing.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::sockets::closed_port;

/// Time limit for a start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running Prometheus, stopped when the value is dropped.
#[derive(Debug)]
pub struct Prometheus {
    /// The server's URL, without a path.
    pub url: String,
    _process: Child,
    _data: tempfile::TempDir,
}

fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("PROMETHEUS_BIN").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "PROMETHEUS_BIN names `{}`, which is not a file", path.display());
        return path;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join("prometheus"))
        .find(|path| path.is_file())
        .expect("no Prometheus: set PROMETHEUS_BIN to its binary, put it on the PATH, or run `cargo xtask test`, which gets one")
}

impl Prometheus {
    /// Starts a Prometheus with samples in `OpenMetrics` text.
    pub async fn start(samples: &str) -> Self {
        let binary = binary();
        let data = tempfile::tempdir().unwrap();
        let blocks = data.path().join("tsdb");
        let openmetrics = data.path().join("samples.om");
        let config = data.path().join("prometheus.yml");
        std::fs::write(&openmetrics, samples).unwrap();
        std::fs::write(&config, "").unwrap();
        backfill(&binary.with_file_name("promtool"), &openmetrics, &blocks).await;
        // Prometheus does not report a port that it picks itself. A port that was just free may be
        // taken by now: then another one is tried.
        for _ in 0..5 {
            let port = closed_port().await.port();
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
            if is_ready(&mut process, port).await {
                let url = format!("http://127.0.0.1:{port}");
                return Self { url, _process: process, _data: data };
            }
        }
        panic!("Prometheus does not start");
    }
}

/// Checks figures in Prometheus' text format by the rules of `promtool check metrics`.
pub async fn check_figures(text: &str) {
    let mut check = Command::new(binary().with_file_name("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = check.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).await.unwrap();
    drop(stdin);
    let output = check.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
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

/// Whether the server becomes ready; `false` if its process ends.
async fn is_ready(process: &mut Child, port: u16) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        if status_line(port).await.is_ok_and(|line| line.contains(" 200 ")) {
            return true;
        }
        // A sleep: Prometheus announces its readiness only by a page.
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
