//! The part of Grafana that a plugin sees.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use plugin_protocol::{
    CallResourceRequest, Channel, CheckHealthRequest, CheckHealthResponse, DataQuery, DataResponse,
    DataSourceInstanceSettings, PluginContext, QueryDataRequest, QueryDataResponse, Status,
    TimeRange, User, client, handshake,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long anything may take that should take a moment.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running plugin.
pub(crate) struct Plugin {
    pub(crate) child: Child,
    /// Everything after the handshake on stdout.
    pub(crate) stdout: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    /// Lines of stderr so far.
    pub(crate) log: Arc<Mutex<Vec<String>>>,
    pub(crate) handshake: String,
    pub(crate) channel: Channel,
    pub(crate) socket_dir: tempfile::TempDir,
}

/// How a plugin is started.
#[derive(Default)]
pub(crate) struct Start {
    pub(crate) env: Vec<(&'static str, String)>,
    pub(crate) socket_dir: Option<tempfile::TempDir>,
}

/// Settings of a data source as Grafana sends them.
#[derive(Clone, Default)]
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) json_data: Value,
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) role: String,
}

/// A time range in Unix milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl Range {
    /// The hour before now.
    pub(crate) fn last_hour() -> Self {
        let to_ms = now_ms();
        Self { from_ms: to_ms - 3_600_000, to_ms }
    }
}

pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_epoch.as_millis()).unwrap()
}

pub(crate) fn command(socket_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpx_hubble"));
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
    pub(crate) async fn start() -> Self {
        Self::start_with(Start::default()).await
    }

    pub(crate) async fn start_with(start: Start) -> Self {
        let socket_dir = start.socket_dir.unwrap_or_else(|| tempfile::tempdir().unwrap());
        let mut command = command(socket_dir.path());
        for (name, value) in start.env {
            command.env(name, value);
        }
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let lines = log.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                lines.lock().unwrap().push(line);
            }
        });
        let handshake = tokio::time::timeout(PATIENCE, stdout.next_line())
            .await
            .expect("a handshake in time")
            .unwrap()
            .expect("a handshake line");
        let channel = client::connect(handshake::parse(&handshake).unwrap()).await.unwrap();
        Self { child, stdout, log, handshake, channel, socket_dir }
    }

    /// Where the plugin listens.
    pub(crate) fn socket(&self) -> PathBuf {
        match handshake::parse(&self.handshake).unwrap() {
            handshake::Address::Unix(path) => path,
            handshake::Address::Tcp(address) => panic!("{address} is no socket"),
        }
    }

    /// Waits until the process has left; its exit code.
    pub(crate) async fn left(&mut self) -> Option<i32> {
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("the plugin leaves in time")
            .unwrap()
            .code()
    }

    /// Runs queries, each under its ref id.
    pub(crate) async fn query(
        &self,
        source: &Source,
        range: Range,
        queries: &[(&str, Value)],
    ) -> BTreeMap<String, DataResponse> {
        self.query_with(source, range, queries, &[]).await
    }

    /// The same, with headers beside.
    pub(crate) async fn query_with(
        &self,
        source: &Source,
        range: Range,
        queries: &[(&str, Value)],
        headers: &[(&str, &str)],
    ) -> BTreeMap<String, DataResponse> {
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
        let request = QueryDataRequest {
            plugin_context: Some(source.context()),
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            queries,
        };
        self.query_data(request).await.unwrap().responses
    }

    pub(crate) async fn query_data(
        &self,
        request: QueryDataRequest,
    ) -> Result<QueryDataResponse, Status> {
        client::query_data(self.channel.clone(), request).await
    }

    /// Runs one query that must succeed, rendered as text: see `golden`.
    pub(crate) async fn frames(&self, source: &Source, range: Range, query: Value) -> Vec<String> {
        let mut answers = self.query(source, range, &[("A", query)]).await;
        let answer = answers.remove("A").unwrap();
        assert_eq!((answer.error.as_str(), answer.status), ("", 200));
        answer.frames.iter().map(|frame| frames::golden::render(frame, 10)).collect()
    }

    /// Runs one query that must fail: status, source, message.
    pub(crate) async fn failure(
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

    pub(crate) async fn health(&self, source: &Source) -> CheckHealthResponse {
        let request =
            CheckHealthRequest { plugin_context: Some(source.context()), headers: BTreeMap::new() };
        client::check_health(self.channel.clone(), request).await.unwrap()
    }

    /// Calls a resource: status, headers, body chunks.
    pub(crate) async fn resource(
        &self,
        source: &Source,
        method: &str,
        url: &str,
        body: &[u8],
    ) -> Resource {
        let path = url.split('?').next().unwrap();
        let request = CallResourceRequest {
            plugin_context: Some(source.context()),
            path: path.to_owned(),
            method: method.to_owned(),
            url: url.to_owned(),
            headers: BTreeMap::new(),
            body: Bytes::copy_from_slice(body),
        };
        let mut stream = client::call_resource(self.channel.clone(), request).await.unwrap();
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

    pub(crate) fn log_text(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }
}

/// An answer to a resource call.
#[derive(Debug, Default)]
pub(crate) struct Resource {
    pub(crate) status: i32,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) chunks: Vec<Bytes>,
}

impl Resource {
    pub(crate) fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body()).unwrap()
    }
}

impl Source {
    /// A relay in plain text.
    pub(crate) fn relay(address: &str) -> Self {
        Self { url: address.to_owned(), json_data: json!({}), ..Self::default() }
    }

    /// A Prometheus without authentication.
    pub(crate) fn prometheus(url: &str) -> Self {
        Self { json_data: json!({ "prometheusUrl": url }), ..Self::default() }
    }

    pub(crate) fn context(&self) -> PluginContext {
        PluginContext {
            org_id: 1,
            plugin_id: "k8snet-hubble-datasource".to_owned(),
            user: Some(User { role: self.role.clone(), ..User::default() }),
            data_source_instance_settings: Some(DataSourceInstanceSettings {
                uid: "hubble".to_owned(),
                name: "Hubble".to_owned(),
                url: self.url.clone(),
                json_data: self.json_data.to_string().into_bytes(),
                decrypted_secure_json_data: self.secrets.clone(),
                last_updated_ms: 1,
                ..DataSourceInstanceSettings::default()
            }),
            ..PluginContext::default()
        }
    }
}
