//! The HTTP client of one Prometheus.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use reqwest::Url;
use serde::Deserialize;

use super::answer::{Answer, Envelope, ExemplarSeries, ResultData};
use super::error::{self, PrometheusError};
use super::identity::ForwardedIdentity;
use super::transport::Transport;
use crate::settings::{HttpMethod, PrometheusSettings};

/// Names and values of an API call.
pub(crate) type Params = Vec<(String, String)>;

/// A client for one Prometheus, on behalf of one user where that matters. Copies share their
/// connections.
#[derive(Debug, Clone)]
pub(crate) struct PrometheusClient {
    transport: Arc<Transport>,
    identity: ForwardedIdentity,
}

/// An answer that is handed on as it came.
#[derive(Debug)]
pub(crate) struct PassedOn {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// What `api/v1/status/buildinfo` tells.
#[derive(Debug, Deserialize)]
pub(crate) struct BuildInfo {
    #[serde(default)]
    pub(crate) version: String,
}

impl PrometheusClient {
    /// Sets up a client; nothing is sent yet.
    ///
    /// Errors: [`PrometheusError::Client`].
    pub(crate) fn new(settings: &PrometheusSettings) -> Result<Self, PrometheusError> {
        let transport = Arc::new(Transport::new(settings)?);
        Ok(Self { transport, identity: ForwardedIdentity::default() })
    }

    /// The same client with the tokens of the user who asks, where the settings forward them.
    pub(crate) fn on_behalf_of(&self, identity: &ForwardedIdentity) -> Self {
        Self { transport: Arc::clone(&self.transport), identity: identity.clone() }
    }

    /// The base URL, for messages.
    pub(crate) fn url(&self) -> &str {
        self.transport.url()
    }

    /// Names and series to ask for at most, as a parameter.
    pub(crate) fn series_limit(&self) -> Option<(String, String)> {
        let limit = self.transport.settings().series_limit?;
        Some(("limit".to_owned(), limit.to_string()))
    }

    /// Evaluates `expr` at one time. Errors: [`PrometheusError`].
    pub(crate) async fn query(
        &self,
        expr: &str,
        time_ms: i64,
    ) -> Result<Answer<ResultData>, PrometheusError> {
        let mut params = params([("query", expr), ("time", &secs(time_ms))]);
        params.extend(self.timeout());
        self.call("api/v1/query", params).await
    }

    /// Evaluates `expr` from `start_ms` to `end_ms`, every `step_ms`. Errors: [`PrometheusError`].
    pub(crate) async fn query_range(
        &self,
        expr: &str,
        start_ms: i64,
        end_ms: i64,
        step_ms: u64,
    ) -> Result<Answer<ResultData>, PrometheusError> {
        let step_ms = i64::try_from(step_ms).unwrap_or(i64::MAX);
        let mut params = params([
            ("query", expr),
            ("start", &secs(start_ms)),
            ("end", &secs(end_ms)),
            ("step", &secs(step_ms)),
        ]);
        params.extend(self.timeout());
        self.call("api/v1/query_range", params).await
    }

    /// Exemplars of the series that `expr` reads. Errors: [`PrometheusError`].
    pub(crate) async fn query_exemplars(
        &self,
        expr: &str,
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Answer<Vec<ExemplarSeries>>, PrometheusError> {
        let params = params([("query", expr), ("start", &secs(start_ms)), ("end", &secs(end_ms))]);
        self.call("api/v1/query_exemplars", params).await
    }

    /// Names of labels. Errors: [`PrometheusError`].
    pub(crate) async fn label_names(
        &self,
        params: Params,
    ) -> Result<Answer<Vec<String>>, PrometheusError> {
        self.call("api/v1/labels", params).await
    }

    /// Values of the label `name`. Errors: [`PrometheusError`].
    pub(crate) async fn label_values(
        &self,
        name: &str,
        params: Params,
    ) -> Result<Answer<Vec<String>>, PrometheusError> {
        let url = self.endpoint(&["api", "v1", "label", name, "values"])?;
        self.call_url(url, params, HttpMethod::Get).await
    }

    /// Which Prometheus it is. Errors: [`PrometheusError`].
    pub(crate) async fn build_info(&self) -> Result<BuildInfo, PrometheusError> {
        let url = self.endpoint(&["api", "v1", "status", "buildinfo"])?;
        self.call_url(url, Params::new(), HttpMethod::Get).await.map(|answer| answer.data)
    }

    /// Sends `params` to `path` and hands the answer on as it is, so that the caller sees
    /// Prometheus' own status and words. Errors: [`PrometheusError`] when there is no answer, or
    /// none of Prometheus.
    pub(crate) async fn pass(
        &self,
        path: &[&str],
        params: Params,
        method: HttpMethod,
    ) -> Result<PassedOn, PrometheusError> {
        let url = self.endpoint(path)?;
        let (status, body) = self.transport.send(url, &params, method, &self.identity).await?;
        if serde_json::from_slice::<&serde_json::value::RawValue>(&body).is_err() {
            return Err(self.not_prometheus(status, &body));
        }
        Ok(PassedOn { status, body })
    }

    async fn call<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        params: Params,
    ) -> Result<Answer<T>, PrometheusError> {
        let segments: Vec<&str> = path.split('/').collect();
        self.call_url(self.endpoint(&segments)?, params, self.transport.settings().method).await
    }

    async fn call_url<T: for<'de> Deserialize<'de>>(
        &self,
        url: Url,
        params: Params,
        method: HttpMethod,
    ) -> Result<Answer<T>, PrometheusError> {
        let (status, body) = self.transport.send(url, &params, method, &self.identity).await?;
        let envelope: Envelope<T> = match serde_json::from_slice(&body) {
            Ok(envelope) => envelope,
            Err(cause) if cause.is_eof() && status.is_success() && body.starts_with(b"{") => {
                return Err(PrometheusError::CutOff { bytes: body.len() });
            }
            // Something of JSON that is not what was asked for is Prometheus' own mistake.
            Err(cause) if status.is_success() && body.starts_with(b"{") => {
                return Err(PrometheusError::Unreadable { cause });
            }
            Err(_) => return Err(self.not_prometheus(status, &body)),
        };
        match envelope.data {
            Some(data) if envelope.status == "success" => {
                Ok(Answer { data, warnings: envelope.warnings, infos: envelope.infos })
            }
            _ if envelope.status == "error" => Err(PrometheusError::Refused {
                status,
                kind: error::quote(&envelope.error_type),
                message: error::quote(&envelope.error),
            }),
            _ => Err(self.not_prometheus(status, &body)),
        }
    }

    /// Prometheus' own time limit of a query.
    fn timeout(&self) -> Option<(String, String)> {
        let timeout_ms = self.transport.settings().query_timeout_ms?;
        Some(("timeout".to_owned(), super::duration::format_ms(timeout_ms)))
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
