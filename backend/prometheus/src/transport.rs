//! Transport to one Prometheus: connections, credentials, limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use budget::{Caller, Gate, GateLoad, Permit};
use bytes::Bytes;
use entra::{Audience, TokenSource};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hubble_api::client::{ClientError, ClientIdentity, TlsSettings};
use prometheus_client::metrics::counter::Counter;
use reqwest::Url;
use secret::Secret;
use tracing::Span;
use wording::with_causes;

use crate::body::{self, Chunks};
use crate::error::PrometheusError;
use crate::identity::ForwardedIdentity;
use crate::metrics::PrometheusMetrics;
use crate::settings::{HttpMethod, PrometheusAuth, PrometheusSettings, PrometheusTls};
use crate::trace;

const MAX_REDIRECTS: usize = 3;
/// Parameters of an API call, as names and values.
pub type Params = Vec<(String, String)>;

const USER_AGENT: &str = concat!("k8snet-hubble-datasource/", env!("CARGO_PKG_VERSION"));

/// State shared by all calls to one Prometheus.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    /// Client without pooled connections.
    fresh: reqwest::Client,
    base: Url,
    settings: PrometheusSettings,
    /// Token source for [`PrometheusAuth::Azure`].
    tokens: Option<TokenSource>,
    /// Bound on the calls at once, and so on the connections; the wait for a permit does not count
    /// towards the request timeout.
    gate: Gate,
    /// Number of calls that were sent again.
    retries: Counter,
    /// Whether a POST was answered with "use GET", so that further queries use GET at once.
    post_is_refused: AtomicBool,
}

/// Answer whose body is still arriving.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    /// Decompressed and bounded body.
    pub(crate) chunks: Chunks,
    /// Permit of the call, held until the body is read.
    call: Option<Permit>,
    /// Span of the call, which ends with the body.
    _span: Span,
}

impl Response {
    /// Status and complete body. Errors: the body does not arrive.
    pub(crate) async fn whole(self) -> Result<(StatusCode, Bytes), PrometheusError> {
        let body = body::whole(self.chunks).await?;
        drop(self.call);
        Ok((self.status, body))
    }
}

impl Transport {
    /// Transport for the given settings. Sends nothing yet. Errors: [`PrometheusError::Client`].
    pub(crate) fn new(
        settings: &PrometheusSettings,
        gate: Gate,
        metrics: &PrometheusMetrics,
    ) -> Result<Self, PrometheusError> {
        let mut base = settings.url.clone();
        base.set_query(None);
        base.set_fragment(None);
        let tls = tls_config(&settings.tls, base.scheme() == "https")?;
        let client = || {
            reqwest::Client::builder()
                .connect_timeout(settings.connect_timeout)
                .timeout(settings.request_timeout)
                // Redirects are followed below, where their target is checked.
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(USER_AGENT)
                .use_preconfigured_tls(tls.clone())
        };
        let build = |client: reqwest::ClientBuilder| {
            client.build().map_err(|error| PrometheusError::Client { reason: error.to_string() })
        };
        let http = build(client())?;
        let fresh = build(client().pool_max_idle_per_host(0))?;
        let tokens = match &settings.auth {
            PrometheusAuth::Azure(credentials) => {
                let failures = metrics.token_failures.clone();
                let timeout = settings.connect_timeout;
                let audience = Audience::AzureMonitor;
                let tokens = TokenSource::new(credentials.clone(), audience, timeout, failures);
                let reason = |error| PrometheusError::Client { reason: with_causes(&error) };
                Some(tokens.map_err(reason)?)
            }
            _ => None,
        };
        Ok(Self {
            http,
            fresh,
            base,
            settings: settings.clone(),
            tokens,
            gate,
            retries: metrics.retries.clone(),
            post_is_refused: AtomicBool::new(false),
        })
    }

    pub(crate) fn load(&self) -> GateLoad {
        self.gate.load()
    }

    /// Base URL, for messages.
    pub(crate) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    pub(crate) fn settings(&self) -> &PrometheusSettings {
        &self.settings
    }

    /// Sends `params` to `url` with `method`, or the other method if Prometheus requires it. An
    /// answer with an error status counts as an answer.
    ///
    /// Errors: [`PrometheusError`].
    #[tracing::instrument(level = "debug", name = "prometheus call", skip_all, fields(otel.kind = "client", path = url.path()))]
    pub(crate) async fn send(
        &self,
        url: Url,
        params: &Params,
        method: HttpMethod,
        caller: Caller,
        identity: &ForwardedIdentity,
    ) -> Result<Response, PrometheusError> {
        let call = Some(self.gate.enter(caller).await?);
        let method = match method {
            HttpMethod::Post if self.post_is_refused.load(Ordering::Relaxed) => HttpMethod::Get,
            method => method,
        };
        let answer = self.send_as(method, url.clone(), params, identity).await?;
        let answer = match (method, answer.status) {
            // Read-only proxies forbid POST; the same query works as GET.
            (
                HttpMethod::Post,
                StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::UNSUPPORTED_MEDIA_TYPE
                | StatusCode::NOT_IMPLEMENTED,
            ) => {
                let answer = self.send_as(HttpMethod::Get, url, params, identity).await?;
                self.post_is_refused.store(answer.status.is_success(), Ordering::Relaxed);
                answer
            }
            // The expression is too long for a URL.
            (HttpMethod::Get, StatusCode::URI_TOO_LONG)
                if !self.post_is_refused.load(Ordering::Relaxed) =>
            {
                self.send_as(HttpMethod::Post, url, params, identity).await?
            }
            _ => answer,
        };
        Ok(Response { call, _span: Span::current(), ..answer })
    }

    async fn send_as(
        &self,
        method: HttpMethod,
        url: Url,
        params: &Params,
        identity: &ForwardedIdentity,
    ) -> Result<Response, PrometheusError> {
        let (headers, token) = self.headers(identity).await?;
        let answer = self.send_to(method, url.clone(), params, headers).await?;
        let refused = match answer.status {
            StatusCode::UNAUTHORIZED => {
                PrometheusError::Unauthorized { url: self.url().to_owned() }
            }
            StatusCode::FORBIDDEN => {
                return Err(PrometheusError::Forbidden { url: self.url().to_owned() });
            }
            _ => return Ok(answer),
        };
        // A token may be revoked before it expires: request another one, once.
        let (Some(tokens), Some(token)) = (&self.tokens, token) else { return Err(refused) };
        if !tokens.forget(&token).await {
            return Err(refused);
        }
        self.retries.inc();
        let (headers, _) = self.headers(identity).await?;
        let answer = self.send_to(method, url, params, headers).await?;
        if answer.status == StatusCode::UNAUTHORIZED { Err(refused) } else { Ok(answer) }
    }

    /// Headers of a call, including the token of Entra ID.
    async fn headers(
        &self,
        identity: &ForwardedIdentity,
    ) -> Result<(HeaderMap, Option<HeaderValue>), PrometheusError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(body::ACCEPT_ENCODING));
        trace::add_headers(&mut headers);
        for (name, value) in &self.settings.custom_headers {
            headers.insert(name, value.clone());
        }
        if self.settings.forward_identity {
            if let Some(id_token) = &identity.id_token {
                headers.insert("x-id-token", id_token.clone());
            }
            if let Some(authorization) = &identity.authorization {
                headers.insert(header::AUTHORIZATION, authorization.clone());
                return Ok((headers, None));
            }
        }
        let authorization = match &self.settings.auth {
            PrometheusAuth::None => return Ok((headers, None)),
            PrometheusAuth::Basic { user, password } => {
                use base64::Engine as _;
                let password = password.as_ref().map_or("", Secret::reveal);
                let pair = format!("{user}:{password}");
                let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                HeaderValue::try_from(format!("Basic {encoded}"))
            }
            PrometheusAuth::Bearer(token) => {
                HeaderValue::try_from(format!("Bearer {}", token.reveal().trim()))
            }
            PrometheusAuth::Azure(_) => {
                let Some(tokens) = &self.tokens else { return Ok((headers, None)) };
                let token = tokens.header().await?;
                headers.insert(header::AUTHORIZATION, token.clone());
                return Ok((headers, Some(token)));
            }
        };
        let mut authorization = authorization.map_err(|_| PrometheusError::Client {
            reason: "the credentials hold characters that no header can carry".to_owned(),
        })?;
        authorization.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, authorization);
        Ok((headers, None))
    }

    async fn send_to(
        &self,
        method: HttpMethod,
        mut url: Url,
        params: &Params,
        headers: HeaderMap,
    ) -> Result<Response, PrometheusError> {
        if !self.settings.custom_parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.settings.custom_parameters);
        }
        if method == HttpMethod::Get && !params.is_empty() {
            url.query_pairs_mut().extend_pairs(params);
        }
        for _ in 0..=MAX_REDIRECTS {
            let request = |http: &reqwest::Client| {
                let request = match method {
                    HttpMethod::Get => http.get(url.clone()),
                    HttpMethod::Post => http.post(url.clone()).form(params),
                };
                request.headers(headers.clone())
            };
            let response = self.read(request).await?;
            let status = response.status();
            if let Some(to) = redirect(&url, &response) {
                url = self.followed(&url, to)?;
                continue;
            }
            let headers = response.headers().clone();
            let broken = self.broken();
            let packed = response.bytes_stream().map(move |chunk| chunk.map_err(&broken)).boxed();
            let chunks = body::unpacked(&headers, packed, self.settings.response_limit_bytes)?;
            return Ok(Response { status, chunks, call: None, _span: Span::none() });
        }
        Err(PrometheusError::RedirectLoop { url: self.url().to_owned() })
    }

    /// Sends a request, and repeats it once if the connection ended without an answer: the request
    /// may have crossed the server's closing of a pooled connection. Repeating is safe because all
    /// requests only read. Both attempts share the time limit of one.
    async fn read(
        &self,
        request: impl Fn(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, PrometheusError> {
        let started = Instant::now();
        let error = match request(&self.http).send().await {
            Ok(response) => return Ok(response),
            Err(error) => self.broken()(error),
        };
        let left = self.settings.request_timeout.saturating_sub(started.elapsed());
        if !error.is_no_answer() || left.is_zero() {
            return Err(error);
        }
        self.retries.inc();
        request(&self.fresh).timeout(left).send().await.map_err(self.broken())
    }

    /// Target of a redirect, if it may be followed: the same server, and over TLS if the call was.
    fn followed(&self, from: &Url, to: Url) -> Result<Url, PrometheusError> {
        let same_server = from.host() == to.host()
            && from.port_or_known_default() == to.port_or_known_default()
            && from.scheme() == to.scheme();
        // The URL of a login page has parameters that do not belong in a message.
        if !same_server {
            return Err(PrometheusError::Redirected {
                url: self.url().to_owned(),
                to: to.origin().ascii_serialization(),
            });
        }
        Ok(to)
    }

    /// Conversion of an error of the HTTP client into one that names this Prometheus.
    fn broken(&self) -> impl Fn(reqwest::Error) -> PrometheusError + Send + 'static {
        let url = self.url().to_owned();
        let connect_secs = self.settings.connect_timeout.as_secs();
        let request_secs = self.settings.request_timeout.as_secs();
        move |error| PrometheusError::from_send(&url, error, connect_secs, request_secs)
    }
}

/// Target of a redirect.
fn redirect(from: &Url, response: &reqwest::Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    from.join(location).ok()
}

fn tls_config(
    tls: &PrometheusTls,
    is_https: bool,
) -> Result<rustls::ClientConfig, PrometheusError> {
    // For `http://`, only a proxy uses TLS, and these settings do not apply to it.
    let settings = if is_https {
        TlsSettings {
            ca_pem: tls.ca_pem.as_ref().map(|pem| pem.reveal().to_owned()),
            identity: tls.client.as_ref().map(|(certificate, key)| ClientIdentity {
                certificate_pem: certificate.reveal().to_owned(),
                key_pem: key.reveal().to_owned(),
            }),
            server_name: tls.server_name.clone(),
            skip_verify: tls.skip_verify,
        }
    } else {
        TlsSettings::default()
    };
    let mut config = match settings.client_config() {
        // Prometheus itself needs no authority.
        Err(ClientError::NoSystemRoots) if !is_https => without_authorities(),
        config => config,
    }
    .map_err(|error| PrometheusError::Client { reason: with_causes(&error) })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn without_authorities() -> Result<rustls::ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| ClientError::NoSystemRoots)?;
    Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}
