//! The HTTP client of one Prometheus.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use http::StatusCode;
use reqwest::Url;
use serde::Deserialize;

use crate::answer::{ApiResponse, Evaluated, ExemplarSeries, WithWarnings};
use crate::error::{self, PrometheusError};
use crate::flight::Flights;
use crate::identity::ForwardedIdentity;
use crate::reader::{AnswerReader, ReadAnswer, UnreadableAnswer};
use crate::settings::{HttpMethod, PrometheusSettings};
use crate::transport::Transport;

/// Names and values of an API call.
pub type Params = Vec<(String, String)>;

/// Series of an answer that are kept: Grafana holds each three times over, and no panel shows more.
const MAX_SERIES: usize = 20_000;
/// Longest excerpt of an answer that is not JSON, quoted in an error, in bytes.
const HEAD_BYTES: usize = 4 << 10;

/// A client for one Prometheus, on behalf of one user where that matters. Copies share their
/// connections.
#[derive(Debug, Clone)]
pub struct PrometheusClient {
    transport: Arc<Transport>,
    identity: ForwardedIdentity,
    under_way: Arc<UnderWay>,
}

/// Key of calls that are the same.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CallKey {
    url: Url,
    params: Params,
    /// The user who asks, where their tokens are forwarded.
    identity: Option<ForwardedIdentity>,
}

/// Calls that wait for their answers, by the kind of the answer.
#[derive(Debug, Default)]
struct UnderWay {
    evaluations: Flights<CallKey, WithWarnings<Evaluated>>,
    exemplars: Flights<CallKey, WithWarnings<Vec<ExemplarSeries>>>,
    names: Flights<CallKey, WithWarnings<Vec<String>>>,
}

/// An answer that is handed on as it came.
#[derive(Debug)]
pub struct PassedOn {
    /// Prometheus' own status.
    pub status: StatusCode,
    /// JSON, unpacked.
    pub body: Bytes,
}

/// What `api/v1/status/buildinfo` tells.
#[derive(Debug, Deserialize)]
pub struct BuildInfo {
    /// The version; empty where Prometheus does not say.
    #[serde(default)]
    pub version: String,
}

impl PrometheusClient {
    /// Sets up a client; nothing is sent yet.
    ///
    /// Errors: [`PrometheusError::Client`].
    pub fn new(settings: &PrometheusSettings) -> Result<Self, PrometheusError> {
        let transport = Arc::new(Transport::new(settings)?);
        Ok(Self { transport, identity: ForwardedIdentity::default(), under_way: Arc::default() })
    }

    /// The same client with the tokens of the user who asks, where the settings forward them.
    #[must_use]
    pub fn on_behalf_of(&self, identity: &ForwardedIdentity) -> Self {
        Self { identity: identity.clone(), ..self.clone() }
    }

    /// The base URL, for messages.
    pub fn url(&self) -> &str {
        self.transport.url()
    }

    /// Time between two samples of a series, as the settings say, in milliseconds.
    pub fn scrape_interval_ms(&self) -> u64 {
        self.transport.settings().scrape_interval_ms
    }

    /// Names and series to ask for at most, as a parameter.
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

    /// Exemplars of the series that `expr` reads. Errors: [`PrometheusError`].
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
        Box::pin(self.under_way.exemplars.join(key, call)).await
    }

    /// Names of labels. Errors: [`PrometheusError`].
    pub async fn label_names(
        &self,
        params: Params,
    ) -> Result<WithWarnings<Vec<String>>, PrometheusError> {
        let url = self.endpoint(&["api", "v1", "labels"])?;
        let key = self.key(&url, &params);
        let method = self.transport.settings().method;
        let call = self.clone().call(url, params, method);
        Box::pin(self.under_way.names.join(key, call)).await
    }

    /// Values of the label `name`. Errors: [`PrometheusError`].
    pub async fn label_values(
        &self,
        name: &str,
        params: Params,
    ) -> Result<WithWarnings<Vec<String>>, PrometheusError> {
        let url = self.endpoint(&["api", "v1", "label", name, "values"])?;
        let key = self.key(&url, &params);
        let call = self.clone().call(url, params, HttpMethod::Get);
        Box::pin(self.under_way.names.join(key, call)).await
    }

    /// Which Prometheus it is. Errors: [`PrometheusError`].
    pub async fn build_info(&self) -> Result<BuildInfo, PrometheusError> {
        let url = self.endpoint(&["api", "v1", "status", "buildinfo"])?;
        self.clone().call(url, Params::new(), HttpMethod::Get).await.map(|answer| answer.data)
    }

    /// Sends `params` to `path` and hands the answer on as it is, so that the caller sees
    /// Prometheus' own status and words. Errors: [`PrometheusError`] when there is no answer, or
    /// none of Prometheus.
    pub async fn pass(
        &self,
        path: &[&str],
        params: Params,
        method: HttpMethod,
    ) -> Result<PassedOn, PrometheusError> {
        let url = self.endpoint(path)?;
        let answer = self.transport.send(url, &params, method, &self.identity).await?;
        let (status, body) = answer.whole().await?;
        if serde_json::from_slice::<&serde_json::value::RawValue>(&body).is_err() {
            return Err(self.not_prometheus(status, &body));
        }
        Ok(PassedOn { status, body })
    }

    /// Calls an endpoint that evaluates an expression, and reads its answer while it arrives.
    async fn evaluate(
        &self,
        endpoint: &str,
        params: Params,
    ) -> Result<WithWarnings<Evaluated>, PrometheusError> {
        let url = self.endpoint(&["api", "v1", endpoint])?;
        let key = self.key(&url, &params);
        let client = self.clone();
        let call = async move { client.read_evaluation(url, &params).await };
        // Three of them (range, instant, exemplars) live in every query.
        Box::pin(self.under_way.evaluations.join(key, call)).await
    }

    async fn read_evaluation(
        &self,
        url: Url,
        params: &Params,
    ) -> Result<WithWarnings<Evaluated>, PrometheusError> {
        let method = self.transport.settings().method;
        let mut answer = self.transport.send(url, params, method, &self.identity).await?;
        let status = answer.status;
        let mut reader = AnswerReader::new(MAX_SERIES);
        let (mut head, mut bytes) = (Vec::new(), 0);
        let mut unreadable = None;
        while let Some(piece) = answer.pieces.next().await {
            let piece = piece?;
            bytes += piece.len();
            let missing = HEAD_BYTES.saturating_sub(head.len()).min(piece.len());
            head.extend_from_slice(piece.get(..missing).unwrap_or_default());
            if unreadable.is_none() {
                unreadable = reader.feed(&piece).err();
            }
            // An error quotes the first bytes of something else, and they may still be arriving.
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
                Ok(WithWarnings { data: Evaluated { result, series_total }, warnings, infos })
            }
            Err(UnreadableAnswer::CutOff) if status.is_success() => {
                Err(PrometheusError::CutOff { bytes })
            }
            // Something of JSON that is not what was asked for is Prometheus' own mistake.
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
        let answer = self.transport.send(url, &params, method, &self.identity).await?;
        let (status, body) = answer.whole().await?;
        self.read(status, &body)
    }

    async fn call_exemplars(
        self,
        url: Url,
        params: Params,
    ) -> Result<WithWarnings<Vec<ExemplarSeries>>, PrometheusError> {
        let method = self.transport.settings().method;
        let answer = self.transport.send(url, &params, method, &self.identity).await?;
        let (status, body) = answer.whole().await?;
        // What Prometheus says to an expression that reads no series.
        if status == StatusCode::NO_CONTENT {
            return Ok(WithWarnings { data: Vec::new(), warnings: Vec::new(), infos: Vec::new() });
        }
        self.read(status, &body)
    }

    /// Reads a whole answer. Errors: as [`Self::opened`], or it cannot be read.
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

    /// The data of an answer. Errors: Prometheus' own, or the answer is not Prometheus'.
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
                kind: error::quote(&response.error_type),
                message: error::quote(&response.error),
            }),
            _ => Err(self.not_prometheus(status, body)),
        }
    }

    fn key(&self, url: &Url, params: &Params) -> CallKey {
        let is_told = self.transport.settings().forward_identity;
        CallKey {
            url: url.clone(),
            params: params.clone(),
            identity: is_told.then(|| self.identity.clone()),
        }
    }

    /// Prometheus' own time limit of a query.
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
            excerpt: error::excerpt(body),
        }
    }
}

fn params<const N: usize>(pairs: [(&str, &str); N]) -> Params {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Milliseconds as the seconds that Prometheus reads.
fn secs(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", ms.unsigned_abs() / 1_000, ms.unsigned_abs() % 1_000)
}
