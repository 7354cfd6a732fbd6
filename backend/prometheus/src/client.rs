//! HTTP client of one Prometheus.

use std::sync::Arc;

use budget::{CacheMetrics, Caller, Flights, Gate, GateLoad, Memory, Purpose};
use bytes::Bytes;
use futures_util::StreamExt;
use http::StatusCode;
use reqwest::Url;
use serde::Deserialize;

use crate::answer::{ApiResponse, Evaluated, ExemplarSeries, WithWarnings};
use crate::error::PrometheusError;
use crate::identity::ForwardedIdentity;
use crate::metrics::PrometheusMetrics;
use crate::reader::{AnswerReader, ReadAnswer, UnreadableAnswer};
use crate::settings::{HttpMethod, PrometheusSettings};
use crate::transport::{Params, Transport};

/// Maximum number of series of an answer that are kept: Grafana holds each three times, and panels
/// do not show more.
const MAX_SERIES: usize = 20_000;
/// Longest excerpt of a non-JSON answer quoted in an error, in bytes.
const HEAD_BYTES: usize = 4 << 10;

/// Client of one Prometheus, on behalf of one user if the settings require it. Clones share their
/// connections.
#[derive(Debug, Clone)]
pub struct PrometheusClient {
    transport: Arc<Transport>,
    identity: ForwardedIdentity,
    caller: Caller,
    memory: Memory,
    calls: Arc<CallsInProgress>,
}

/// Key under which equal calls are shared.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CallKey {
    url: Url,
    params: Params,
    /// User of the call, if the user's tokens are forwarded.
    identity: Option<ForwardedIdentity>,
    /// An alert rule does not wait for a call that waits in the queue of people.
    purpose: Purpose,
}

/// Calls in progress, by the type of the answer.
#[derive(Debug)]
struct CallsInProgress {
    evaluations: Flights<CallKey, WithWarnings<Evaluated>, PrometheusError>,
    exemplars: Flights<CallKey, WithWarnings<Vec<ExemplarSeries>>, PrometheusError>,
    names: Flights<CallKey, WithWarnings<Vec<String>>, PrometheusError>,
}

impl CallsInProgress {
    fn counted(metrics: &CacheMetrics) -> Self {
        Self {
            evaluations: Flights::counted(metrics.clone()),
            exemplars: Flights::counted(metrics.clone()),
            names: Flights::counted(metrics.clone()),
        }
    }
}

/// Unread answer, passed on unchanged.
#[derive(Debug)]
pub struct RawAnswer {
    /// HTTP status of Prometheus.
    pub status: StatusCode,
    /// Decompressed JSON.
    pub body: Bytes,
}

/// Answer of `api/v1/status/buildinfo`.
#[derive(Debug, Deserialize)]
pub struct BuildInfo {
    /// Version; empty if Prometheus does not report it.
    #[serde(default)]
    pub version: String,
}

impl PrometheusClient {
    /// Client for the given settings, whose calls take permits of `gate`, hold their answers in `memory` and
    /// count in `metrics`. Sends nothing yet.
    ///
    /// Errors: [`PrometheusError::Client`].
    pub fn new(
        settings: &PrometheusSettings,
        gate: Gate,
        memory: Memory,
        metrics: &PrometheusMetrics,
    ) -> Result<Self, PrometheusError> {
        let transport = Arc::new(Transport::new(settings, gate, metrics)?);
        Ok(Self {
            transport,
            identity: ForwardedIdentity::default(),
            caller: Caller::person(0),
            memory,
            calls: Arc::new(CallsInProgress::counted(&metrics.calls)),
        })
    }

    /// Copy of the client for a caller, with a user's tokens if the settings forward them.
    #[must_use]
    pub fn on_behalf_of(&self, caller: Caller, identity: &ForwardedIdentity) -> Self {
        Self { caller, identity: identity.clone(), ..self.clone() }
    }

    /// The present load of the gate for calls, over all data sources with this Prometheus.
    pub fn load(&self) -> GateLoad {
        self.transport.load()
    }

    /// Base URL, for messages.
    pub fn url(&self) -> &str {
        self.transport.url()
    }

    /// Time between two samples of a series, from the settings, in milliseconds.
    pub fn scrape_interval_ms(&self) -> u64 {
        self.transport.settings().scrape_interval_ms
    }

    /// Limit on names and series, as a parameter.
    pub fn series_limit(&self) -> Option<(String, String)> {
        let limit = self.transport.settings().series_limit?;
        Some(("limit".to_owned(), limit.to_string()))
    }

    /// Evaluates `expr` at one time. Errors: [`PrometheusError`].
    pub async fn query(
        &self,
        expr: &str,
        time_ms: i64,
    ) -> Result<WithWarnings<Evaluated>, PrometheusError> {
        let mut params = params([("query", expr), ("time", &secs(time_ms))]);
        params.extend(self.timeout());
        self.evaluate("query", params).await
    }

    /// Evaluates `expr` from `start_ms` to `end_ms`, every `step_ms`. Errors: [`PrometheusError`].
    pub async fn query_range(
        &self,
        expr: &str,
        start_ms: i64,
        end_ms: i64,
        step_ms: u64,
    ) -> Result<WithWarnings<Evaluated>, PrometheusError> {
        let step_ms = i64::try_from(step_ms).unwrap_or(i64::MAX);
        let mut params = params([
            ("query", expr),
            ("start", &secs(start_ms)),
            ("end", &secs(end_ms)),
            ("step", &secs(step_ms)),
        ]);
        params.extend(self.timeout());
        self.evaluate("query_range", params).await
    }

    /// Requests exemplars of the series that `expr` reads. Errors: [`PrometheusError`].
    pub async fn query_exemplars(
        &self,
        expr: &str,
        start_ms: i64,
        end_ms: i64,
    ) -> Result<WithWarnings<Vec<ExemplarSeries>>, PrometheusError> {
        let params = params([("query", expr), ("start", &secs(start_ms)), ("end", &secs(end_ms))]);
        let url = self.endpoint(&["api", "v1", "query_exemplars"])?;
        let key = self.key(&url, &params);
        let call = self.clone().call_exemplars(url, params);
        Box::pin(self.calls.exemplars.join(key, call)).await
    }

    /// Requests the names of labels. Errors: [`PrometheusError`].
    pub async fn label_names(
        &self,
        params: Params,
    ) -> Result<WithWarnings<Vec<String>>, PrometheusError> {
        let url = self.endpoint(&["api", "v1", "labels"])?;
        let key = self.key(&url, &params);
        let method = self.transport.settings().method;
        let call = self.clone().call(url, params, method);
        Box::pin(self.calls.names.join(key, call)).await
    }

    /// Requests the values of the label `name`. Errors: [`PrometheusError`].
    pub async fn label_values(
        &self,
        name: &str,
        params: Params,
    ) -> Result<WithWarnings<Vec<String>>, PrometheusError> {
        let url = self.endpoint(&["api", "v1", "label", name, "values"])?;
        let key = self.key(&url, &params);
        let call = self.clone().call(url, params, HttpMethod::Get);
        Box::pin(self.calls.names.join(key, call)).await
    }

    /// Requests the version. Errors: [`PrometheusError`].
    pub async fn build_info(&self) -> Result<BuildInfo, PrometheusError> {
        let url = self.endpoint(&["api", "v1", "status", "buildinfo"])?;
        self.clone().call(url, Params::new(), HttpMethod::Get).await.map(|answer| answer.data)
    }

    /// Sends `params` to `path` and returns the answer unchanged, so that the caller sees
    /// Prometheus' own status and text. Errors: [`PrometheusError`] if the answer is missing, or
    /// not from Prometheus.
    pub async fn pass(
        &self,
        path: &[&str],
        params: Params,
        method: HttpMethod,
    ) -> Result<RawAnswer, PrometheusError> {
        let url = self.endpoint(path)?;
        let answer = self.transport.send(url, &params, method, self.caller, &self.identity).await?;
        let (status, body) = answer.whole().await?;
        if serde_json::from_slice::<&serde_json::value::RawValue>(&body).is_err() {
            return Err(self.not_prometheus(status, &body));
        }
        Ok(RawAnswer { status, body })
    }

    /// Calls an endpoint that evaluates an expression, and reads the answer while it arrives.
    async fn evaluate(
        &self,
        endpoint: &str,
        params: Params,
    ) -> Result<WithWarnings<Evaluated>, PrometheusError> {
        let url = self.endpoint(&["api", "v1", endpoint])?;
        let key = self.key(&url, &params);
        let client = self.clone();
        let call = async move { client.read_evaluation(url, &params).await };
        // Boxed, because every query contains three of them (range, instant, exemplars).
        Box::pin(self.calls.evaluations.join(key, call)).await
    }

    async fn read_evaluation(
        &self,
        url: Url,
        params: &Params,
    ) -> Result<WithWarnings<Evaluated>, PrometheusError> {
        let method = self.transport.settings().method;
        let mut answer =
            self.transport.send(url, params, method, self.caller, &self.identity).await?;
        let status = answer.status;
        let mut memory = self.memory.hold(self.caller);
        let mut reader = AnswerReader::new(MAX_SERIES);
        let (mut head, mut bytes) = (Vec::new(), 0);
        let mut unreadable = None;
        while let Some(chunk) = answer.chunks.next().await {
            let chunk = chunk?;
            bytes += chunk.len();
            memory.set(bytes)?;
            let missing = HEAD_BYTES.saturating_sub(head.len()).min(chunk.len());
            head.extend_from_slice(chunk.get(..missing).unwrap_or_default());
            if unreadable.is_none() {
                unreadable = reader.feed(&chunk).err();
            }
            // An error quotes the first bytes of a foreign answer, which may still be arriving.
            if unreadable.is_some() && head.len() >= HEAD_BYTES {
                break;
            }
        }
        let read = match unreadable {
            None => reader.finish(),
            Some(unreadable) => Err(unreadable),
        };
        match read {
            Ok(ReadAnswer { response, series_total }) => {
                let answer = self.opened(status, response, &head)?;
                let WithWarnings { data: result, warnings, infos } = answer;
                let data = Evaluated { result, series_total, held: Arc::new(memory) };
                Ok(WithWarnings { data, warnings, infos })
            }
            Err(UnreadableAnswer::CutOff) if status.is_success() => {
                Err(PrometheusError::CutOff { bytes })
            }
            // JSON of another form is an error of Prometheus itself.
            Err(cause @ UnreadableAnswer::Malformed { .. }) if status.is_success() => {
                Err(PrometheusError::Unreadable(cause))
            }
            Err(_) => Err(self.not_prometheus(status, &head)),
        }
    }

    async fn call<T: for<'de> Deserialize<'de>>(
        self,
        url: Url,
        params: Params,
        method: HttpMethod,
    ) -> Result<WithWarnings<T>, PrometheusError> {
        let answer = self.transport.send(url, &params, method, self.caller, &self.identity).await?;
        let (status, body) = answer.whole().await?;
        self.read(status, &body)
    }

    async fn call_exemplars(
        self,
        url: Url,
        params: Params,
    ) -> Result<WithWarnings<Vec<ExemplarSeries>>, PrometheusError> {
        let method = self.transport.settings().method;
        let answer = self.transport.send(url, &params, method, self.caller, &self.identity).await?;
        let (status, body) = answer.whole().await?;
        // Prometheus' answer to an expression without series.
        if status == StatusCode::NO_CONTENT {
            return Ok(WithWarnings { data: Vec::new(), warnings: Vec::new(), infos: Vec::new() });
        }
        self.read(status, &body)
    }

    /// Reads a complete answer. Errors: as [`Self::opened`], or the answer is not readable.
    fn read<T: for<'de> Deserialize<'de>>(
        &self,
        status: StatusCode,
        body: &[u8],
    ) -> Result<WithWarnings<T>, PrometheusError> {
        match serde_json::from_slice(body) {
            Ok(response) => self.opened(status, response, body),
            Err(cause) if cause.is_eof() && status.is_success() && body.starts_with(b"{") => {
                Err(PrometheusError::CutOff { bytes: body.len() })
            }
            Err(cause) if status.is_success() && body.starts_with(b"{") => {
                Err(PrometheusError::Unreadable(UnreadableAnswer::Malformed {
                    reason: cause.to_string(),
                    at_byte: 0,
                }))
            }
            Err(_) => Err(self.not_prometheus(status, body)),
        }
    }

    /// Data of an answer. Errors: that of Prometheus, or the answer is not from Prometheus.
    fn opened<T>(
        &self,
        status: StatusCode,
        response: ApiResponse<T>,
        body: &[u8],
    ) -> Result<WithWarnings<T>, PrometheusError> {
        match response.data {
            Some(data) if response.status == "success" => {
                Ok(WithWarnings { data, warnings: response.warnings, infos: response.infos })
            }
            _ if response.status == "error" => Err(PrometheusError::Refused {
                status,
                kind: wording::quote_answer(&response.error_type),
                message: wording::quote_answer(&response.error),
            }),
            _ => Err(self.not_prometheus(status, body)),
        }
    }

    fn key(&self, url: &Url, params: &Params) -> CallKey {
        let is_forwarded = self.transport.settings().forward_identity;
        CallKey {
            url: url.clone(),
            params: params.clone(),
            identity: is_forwarded.then(|| self.identity.clone()),
            purpose: self.caller.purpose,
        }
    }

    /// Prometheus' own time limit for a query.
    fn timeout(&self) -> Option<(String, String)> {
        let timeout_ms = self.transport.settings().query_timeout_ms?;
        Some(("timeout".to_owned(), crate::duration::format_ms(timeout_ms)))
    }

    fn endpoint(&self, path: &[&str]) -> Result<Url, PrometheusError> {
        let mut url = self.transport.base().clone();
        url.path_segments_mut()
            .map_err(|()| PrometheusError::Client { reason: "the URL has no path".to_owned() })?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    fn not_prometheus(&self, status: StatusCode, body: &[u8]) -> PrometheusError {
        PrometheusError::NotPrometheus {
            url: self.url().to_owned(),
            status,
            excerpt: wording::answer_excerpt(body),
        }
    }
}

fn params<const N: usize>(pairs: [(&str, &str); N]) -> Params {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Milliseconds as seconds in Prometheus' notation.
fn secs(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", ms.unsigned_abs() / 1_000, ms.unsigned_abs() % 1_000)
}
