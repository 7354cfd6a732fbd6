//! Grafana's side of the plugin protocol.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bytes::Bytes;
use plugin_protocol::{
    CallResourceRequest, CallResourceResponse, Channel, CheckHealthRequest, CheckHealthResponse,
    DataQuery, DataResponse, DataSourceInstanceSettings, PluginContext, QueryDataRequest,
    QueryDataResponse, Status, TimeRange, User, client, handshake,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tonic::Streaming;

use crate::figures::Figures;
use crate::frame::Frame;
use crate::http::Http;
use crate::relay::Relay;
use crate::{PATIENCE, now_ms, until};

/// A running plugin.
#[derive(Debug)]
pub struct Plugin {
    /// The process.
    pub child: Child,
    /// The lines of stdout after the handshake.
    pub stdout: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    /// The handshake line.
    pub handshake: String,
    /// The connection to the plugin.
    pub channel: Channel,
    /// The folder of the plugin's socket.
    pub socket_dir: tempfile::TempDir,
    log: watch::Sender<Log>,
}

/// The plugin's stderr so far.
#[derive(Debug, Default)]
struct Log {
    lines: Vec<String>,
    has_ended: bool,
}

/// Options of a plugin's start.
#[derive(Debug, Default)]
pub struct Start {
    /// Further environment variables.
    pub env: Vec<(&'static str, String)>,
    /// The folder for the socket, instead of a new one.
    pub socket_dir: Option<tempfile::TempDir>,
}

/// Settings of a data source as Grafana sends them.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The relay's address.
    pub url: String,
    /// The settings that a browser may read.
    pub json_data: Value,
    /// The secrets, which no browser can read.
    pub secrets: BTreeMap<String, String>,
    /// The user's login; empty for anonymous people.
    pub login: String,
    /// The user's role.
    pub role: String,
    /// The organisation's id; 0 stands for the first.
    pub org_id: i64,
    /// The Unix time in milliseconds of the last change of the settings; 0 stands for 1.
    pub updated_ms: i64,
}

/// A time range in Unix milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The start, inclusive.
    pub from_ms: i64,
    /// The end.
    pub to_ms: i64,
}

impl Range {
    /// The last hour.
    pub fn last_hour() -> Self {
        let to_ms = now_ms();
        Self { from_ms: to_ms - 3_600_000, to_ms }
    }
}

/// Path of the built plugin: `GPX_HUBBLE_BIN`, else the one that cargo built for the test, else
/// the output of `cargo build -p plugin`.
pub fn program() -> PathBuf {
    let named = ["GPX_HUBBLE_BIN", "CARGO_BIN_EXE_gpx_hubble"];
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/debug/gpx_hubble");
    let path = named.iter().find_map(std::env::var_os).map_or_else(built, PathBuf::from);
    assert!(
        path.is_file(),
        "`{}` is missing: run `cargo build -p plugin` first, or name the program in GPX_HUBBLE_BIN",
        path.display()
    );
    path
}

/// The command that starts the plugin with Grafana's environment.
pub fn command(socket_dir: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .env("grafana_plugin_type", "datasource")
        .env("PLUGIN_PROTOCOL_VERSIONS", "2")
        .env("PLUGIN_MIN_PORT", "10000")
        .env("PLUGIN_MAX_PORT", "25000")
        .env("PLUGIN_UNIX_SOCKET_DIR", socket_dir)
        .env("GF_PLUGIN_LOG_LEVEL", "trace")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Plugin {
    /// Starts a plugin and reads its handshake.
    pub async fn start() -> Self {
        Self::start_with(Start::default()).await
    }

    /// Starts a plugin with options and reads its handshake.
    pub async fn start_with(start: Start) -> Self {
        let socket_dir = start.socket_dir.unwrap_or_else(|| tempfile::tempdir().unwrap());
        let mut command = command(socket_dir.path());
        for (name, value) in start.env {
            command.env(name, value);
        }
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let log = watch::Sender::<Log>::default();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let lines = log.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                lines.send_modify(|log| log.lines.push(line));
            }
            lines.send_modify(|log| log.has_ended = true);
        });
        let handshake = tokio::time::timeout(PATIENCE, stdout.next_line())
            .await
            .expect("a handshake in time")
            .unwrap()
            .expect("a handshake line");
        let channel = client::connect(handshake::parse(&handshake).unwrap()).await.unwrap();
        Self { child, stdout, handshake, channel, socket_dir, log }
    }

    /// The address of the plugin's socket.
    pub fn socket(&self) -> PathBuf {
        match handshake::parse(&self.handshake).unwrap() {
            handshake::Address::Unix(path) => path,
            handshake::Address::Tcp(address) => panic!("{address} is not a Unix socket"),
        }
    }

    /// A number in KiB of the process' `/proc/…/status`, such as `VmRSS` or `VmHWM`, its peak.
    pub fn status_kib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let mut values = status.lines().filter_map(|line| line.strip_prefix(field));
        let value = values.find_map(|value| value.strip_prefix(':')).unwrap();
        value.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The number of open files of the process, sockets included.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(self.proc("fd")).unwrap().count()
    }

    /// The number of threads of the process.
    pub fn threads(&self) -> usize {
        std::fs::read_dir(self.proc("task")).unwrap().count()
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id().expect("the plugin runs")))
    }

    /// Waits for the end of the process and returns its exit code.
    pub async fn left(&mut self) -> Option<i32> {
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("the plugin leaves in time")
            .unwrap()
            .code()
    }

    /// Runs queries, each under its ref id.
    pub async fn query(
        &self,
        source: &Source,
        range: Range,
        queries: &[(&str, Value)],
    ) -> BTreeMap<String, DataResponse> {
        self.query_with(source, range, queries, &[]).await
    }

    /// Runs queries with HTTP headers.
    pub async fn query_with(
        &self,
        source: &Source,
        range: Range,
        queries: &[(&str, Value)],
        headers: &[(&str, &str)],
    ) -> BTreeMap<String, DataResponse> {
        let request = source.query_request(range, queries, headers);
        self.query_data(request).await.unwrap().responses
    }

    /// Makes the call `QueryData`.
    pub async fn query_data(&self, request: QueryDataRequest) -> Result<QueryDataResponse, Status> {
        client::query_data(self.channel.clone(), request).await
    }

    /// Runs one query that must succeed, rendered as text: see `golden`.
    pub async fn frames(&self, source: &Source, range: Range, query: Value) -> Vec<String> {
        let answered = self.answered(source, range, query).await;
        answered.iter().map(|frame| frames::golden::render(frame, 10)).collect()
    }

    /// Runs one query that must succeed and returns its frames.
    pub async fn tables(&self, source: &Source, range: Range, query: Value) -> Vec<Frame> {
        self.answered(source, range, query).await.iter().map(|frame| Frame::read(frame)).collect()
    }

    async fn answered(&self, source: &Source, range: Range, query: Value) -> Vec<Bytes> {
        let mut answers = self.query(source, range, &[("A", query)]).await;
        let answer = answers.remove("A").unwrap();
        assert_eq!((answer.error.as_str(), answer.status), ("", 200));
        answer.frames
    }

    /// Runs one query that must fail and returns status, source and message.
    pub async fn failure(
        &self,
        source: &Source,
        range: Range,
        query: Value,
    ) -> (i32, String, String) {
        let mut answers = self.query(source, range, &[("A", query)]).await;
        let answer = answers.remove("A").unwrap();
        assert_eq!(answer.frames.len(), 0, "no frames beside an error");
        (answer.status, answer.error_source, answer.error)
    }

    /// Makes the call `CheckHealth`.
    pub async fn health(&self, source: &Source) -> CheckHealthResponse {
        let request =
            CheckHealthRequest { plugin_context: Some(source.context()), headers: BTreeMap::new() };
        client::check_health(self.channel.clone(), request).await.unwrap()
    }

    /// Makes the call `CollectMetrics`.
    pub async fn figures(&self) -> Figures {
        let text = client::collect_metrics(self.channel.clone()).await.unwrap();
        Figures::read(std::str::from_utf8(&text).unwrap())
    }

    /// Waits until a figure has a value.
    pub async fn has_figure(&self, series: &str, value: f64) {
        let reached = async {
            while self.figures().await.get(series) != Some(value) {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        let now = self.figures().await.get(series);
        assert!(reached.is_ok(), "`{series}` is {now:?}, not {value}");
    }

    /// Calls a resource.
    pub async fn resource(
        &self,
        source: &Source,
        method: &str,
        url: &str,
        body: &[u8],
    ) -> Resource {
        let mut stream = self.resource_stream(source, method, url, body).await;
        let mut resource = Resource::default();
        while let Some(message) = stream.message().await.unwrap() {
            if resource.status == 0 {
                resource.status = message.code;
                let headers = message.headers.into_iter();
                resource.headers =
                    headers.map(|(name, values)| (name, values.values.join(","))).collect();
            }
            if !message.body.is_empty() {
                resource.chunks.push(message.body);
            }
        }
        resource
    }

    /// Calls a resource; the messages of the answer as they come. Dropping them cancels the call.
    pub async fn resource_stream(
        &self,
        source: &Source,
        method: &str,
        url: &str,
        body: &[u8],
    ) -> Streaming<CallResourceResponse> {
        let request = source.resource_request(method, url, body);
        client::call_resource(self.channel.clone(), request).await.unwrap()
    }

    /// Shuts the plugin down and returns its log.
    pub async fn whole_log(mut self) -> String {
        client::shutdown(self.channel.clone()).await.unwrap();
        self.left().await;
        until(&self.log, |log| log.has_ended).await;
        self.log.borrow().lines.join("\n")
    }
}

/// An answer to a resource call.
#[derive(Debug, Default)]
pub struct Resource {
    /// The HTTP status.
    pub status: i32,
    /// The headers, values of one name joined by commas.
    pub headers: BTreeMap<String, String>,
    /// The body, in the chunks of its messages.
    pub chunks: Vec<Bytes>,
}

impl Resource {
    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    /// The body, read as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body()).unwrap()
    }
}

impl Source {
    /// A relay in plain text.
    pub fn relay(address: &str) -> Self {
        Self { url: address.to_owned(), json_data: json!({}), ..Self::default() }
    }

    /// A Prometheus without authentication.
    pub fn prometheus(url: &str) -> Self {
        Self { json_data: json!({ "prometheusUrl": url }), ..Self::default() }
    }

    /// A request with queries, each under its ref id, and with HTTP headers.
    pub fn query_request(
        &self,
        range: Range,
        queries: &[(&str, Value)],
        headers: &[(&str, &str)],
    ) -> QueryDataRequest {
        let queries = queries
            .iter()
            .map(|(ref_id, query)| DataQuery {
                ref_id: (*ref_id).to_owned(),
                max_data_points: 1_000,
                interval_ms: 15_000,
                time_range: Some(TimeRange {
                    from_epoch_ms: range.from_ms,
                    to_epoch_ms: range.to_ms,
                }),
                json: query.to_string().into_bytes(),
                query_type: query["queryType"].as_str().unwrap_or_default().to_owned(),
            })
            .collect();
        QueryDataRequest {
            plugin_context: Some(self.context()),
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            queries,
        }
    }

    /// A request for a resource.
    pub fn resource_request(&self, method: &str, url: &str, body: &[u8]) -> CallResourceRequest {
        let path = url.split('?').next().unwrap();
        CallResourceRequest {
            plugin_context: Some(self.context()),
            path: path.to_owned(),
            method: method.to_owned(),
            url: url.to_owned(),
            headers: BTreeMap::new(),
            body: Bytes::copy_from_slice(body),
        }
    }

    /// The context of a call from this data source.
    pub fn context(&self) -> PluginContext {
        PluginContext {
            org_id: self.org_id.max(1),
            plugin_id: "k8snet-hubble-datasource".to_owned(),
            user: Some(User {
                login: self.login.clone(),
                role: self.role.clone(),
                ..User::default()
            }),
            data_source_instance_settings: Some(DataSourceInstanceSettings {
                uid: "hubble".to_owned(),
                name: "Hubble".to_owned(),
                url: self.url.clone(),
                json_data: self.json_data.to_string().into_bytes(),
                decrypted_secure_json_data: self.secrets.clone(),
                last_updated_ms: self.updated_ms.max(1),
                ..DataSourceInstanceSettings::default()
            }),
            ..PluginContext::default()
        }
    }
}

impl Relay {
    /// A data source on this relay.
    pub fn source(&self) -> Source {
        Source::relay(&self.address.to_string())
    }
}

impl Http {
    /// A data source with this server as its Prometheus.
    pub fn source(&self) -> Source {
        Source::prometheus(&self.url())
    }
}
