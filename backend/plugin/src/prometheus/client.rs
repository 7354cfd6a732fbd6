//! The HTTP client of one Prometheus.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{HeaderValue, StatusCode, header};
use reqwest::Url;
use serde::Deserialize;

use super::answer::{Answer, Envelope, ExemplarSeries, ResultData};
use super::error::{self, PrometheusError};
use crate::settings::{HttpMethod, PrometheusAuth, PrometheusSettings};

/// Largest answer that is read, unpacked.
const MAX_ANSWER_BYTES: usize = 64 << 20;
const MAX_REDIRECTS: usize = 3;

/// Names and values of an API call.
pub(crate) type Params = Vec<(String, String)>;

/// A client for one Prometheus: base URL, credentials, connections.
#[derive(Debug)]
pub(crate) struct PrometheusClient {
    http: reqwest::Client,
    base: Url,
    settings: PrometheusSettings,
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
        let mut base = settings.url.clone();
        base.set_query(None);
        base.set_fragment(None);
        let mut builder = reqwest::Client::builder()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.request_timeout)
            .redirect(reqwest::redirect::Policy::limited(MAX_REDIRECTS))
            .user_agent(concat!("k8snet-hubble-datasource/", env!("CARGO_PKG_VERSION")));
        builder = builder.use_preconfigured_tls(tls_config(base.scheme() == "https")?);
        let http = builder
            .build()
            .map_err(|error| PrometheusError::Client { reason: error.to_string() })?;
        Ok(Self { http, base, settings: settings.clone() })
    }

    /// The base URL, for messages.
    pub(crate) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Evaluates `expr` at one time. Errors: [`PrometheusError`].
    pub(crate) async fn query(
        &self,
        expr: &str,
        time_ms: i64,
    ) -> Result<Answer<ResultData>, PrometheusError> {
        let params = params([("query", expr), ("time", &secs(time_ms))]);
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
        let params = params([
            ("query", expr),
            ("start", &secs(start_ms)),
            ("end", &secs(end_ms)),
            ("step", &secs(step_ms)),
        ]);
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
        let (status, body) = self.send(url, params, method).await?;
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
        self.call_url(self.endpoint(&segments)?, params, self.settings.method).await
    }

    async fn call_url<T: for<'de> Deserialize<'de>>(
        &self,
        url: Url,
        params: Params,
        method: HttpMethod,
    ) -> Result<Answer<T>, PrometheusError> {
        let (status, body) = self.send(url, params, method).await?;
        let envelope: Envelope<T> = match serde_json::from_slice(&body) {
            Ok(envelope) => envelope,
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

    fn endpoint(&self, path: &[&str]) -> Result<Url, PrometheusError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| PrometheusError::Client { reason: "the URL has no path".to_owned() })?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    async fn send(
        &self,
        url: Url,
        params: Params,
        method: HttpMethod,
    ) -> Result<(StatusCode, Bytes), PrometheusError> {
        let answered = self.send_once(url.clone(), &params, method).await?;
        // Proxies that allow reading only forbid POST; the same query is a GET too.
        if answered.0 == StatusCode::METHOD_NOT_ALLOWED && method == HttpMethod::Post {
            return self.send_once(url, &params, HttpMethod::Get).await;
        }
        Ok(answered)
    }

    async fn send_once(
        &self,
        mut url: Url,
        params: &Params,
        method: HttpMethod,
    ) -> Result<(StatusCode, Bytes), PrometheusError> {
        let request = match method {
            HttpMethod::Get => {
                if !params.is_empty() {
                    url.query_pairs_mut().extend_pairs(params);
                }
                self.http.get(url)
            }
            HttpMethod::Post => self.http.post(url).form(params),
        };
        let request = match &self.settings.auth {
            PrometheusAuth::None => request,
            PrometheusAuth::Basic { user, password } => {
                request.basic_auth(user, password.as_ref().map(crate::secret::Secret::reveal))
            }
            PrometheusAuth::Bearer(token) => request.bearer_auth(token.reveal()),
        };
        let response = request
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .send()
            .await
            .map_err(|error| self.broken(error))?;
        let status = response.status();
        match status {
            StatusCode::UNAUTHORIZED => {
                return Err(PrometheusError::Unauthorized { url: self.url().to_owned() });
            }
            StatusCode::FORBIDDEN => {
                return Err(PrometheusError::Forbidden { url: self.url().to_owned() });
            }
            _ => {}
        }
        let mut body = BytesMut::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| self.broken(error))?;
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(PrometheusError::TooLarge { limit_mib: MAX_ANSWER_BYTES >> 20 });
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body.freeze()))
    }

    fn broken(&self, error: reqwest::Error) -> PrometheusError {
        PrometheusError::from_send(
            self.url(),
            error,
            self.settings.connect_timeout.as_secs(),
            self.settings.request_timeout.as_secs(),
        )
    }

    fn not_prometheus(&self, status: StatusCode, body: &[u8]) -> PrometheusError {
        PrometheusError::NotPrometheus {
            url: self.url().to_owned(),
            status,
            excerpt: error::excerpt(body),
        }
    }
}

/// Roots of the system, read only where they are needed: there are some 150 of them.
fn tls_config(is_https: bool) -> Result<rustls::ClientConfig, PrometheusError> {
    let mut roots = rustls::RootCertStore::empty();
    if is_https {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| PrometheusError::Client { reason: error.to_string() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn params<const N: usize>(pairs: [(&str, &str); N]) -> Params {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Milliseconds as the seconds that Prometheus reads.
fn secs(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", ms.unsigned_abs() / 1_000, ms.unsigned_abs() % 1_000)
}
