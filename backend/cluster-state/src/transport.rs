//! Calls of one API server: connections, credentials, limits, errors in words.

use std::time::{Duration, Instant};

use bytes::Bytes;
use entra::{Audience, TokenSource};
use http::{HeaderValue, StatusCode, header};
use hubble_api::client::{ClientIdentity, TlsSettings};
use kube::core::Status;
use prometheus_client::metrics::counter::Counter;
use reqwest::{Response, Url};
use secret::Secret;
use tokio::sync::Mutex;
use wording::{answer_excerpt, quote_answer, with_causes};

use crate::access::{ClusterAccess, ClusterAuth, ServiceAccount};
use crate::error::ClusterError;
use crate::pace::Pace;

const USER_AGENT: &str = concat!("k8snet-cluster-state/", env!("CARGO_PKG_VERSION"));
/// Maximum size of an error's body, in bytes.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// Maximum size of a file of a service account, in bytes.
const MAX_ACCOUNT_BYTES: u64 = 1 << 20;
/// Time after which the token of a service account is read again: the kubelet renews it.
const ACCOUNT_TOKEN_TTL: Duration = Duration::from_mins(1);

/// One API server.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base: Url,
    credentials: Credentials,
    answer_within: Duration,
    /// Longest silence within a body.
    silence: Duration,
}

#[derive(Debug)]
enum Credentials {
    Fixed(Option<HeaderValue>),
    Account { account: ServiceAccount, token: Mutex<Option<(HeaderValue, Instant)>> },
    Azure(Box<TokenSource>),
}

/// What is asked of a resource, for the words of an error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'r> {
    /// Verb of the right.
    pub(crate) verb: &'static str,
    /// Resource, with its group.
    pub(crate) resource: &'r str,
}

impl Transport {
    /// The way to a server; reads the service account's files, and sends nothing yet.
    ///
    /// Errors: [`ClusterError`].
    pub(crate) async fn open(access: &ClusterAccess, pace: &Pace) -> Result<Self, ClusterError> {
        let mut tls = TlsSettings::default();
        let (base, credentials) = match access {
            ClusterAccess::InCluster(account) => {
                tls.ca_pem = Some(account_file(account, "ca.crt").await?);
                let credentials =
                    Credentials::Account { account: account.clone(), token: Mutex::default() };
                (account_url(account)?, credentials)
            }
            ClusterAccess::Server(server) => {
                tls.ca_pem.clone_from(&server.ca_pem);
                tls.server_name.clone_from(&server.server_name);
                tls.skip_verify = server.skip_verify;
                let credentials = match &server.auth {
                    ClusterAuth::None => Credentials::Fixed(None),
                    ClusterAuth::Token(token) => Credentials::Fixed(Some(bearer(token)?)),
                    ClusterAuth::Certificate(certificate, key) => {
                        tls.identity = Some(ClientIdentity {
                            certificate_pem: certificate.reveal().to_owned(),
                            key_pem: key.reveal().to_owned(),
                        });
                        Credentials::Fixed(None)
                    }
                    ClusterAuth::Azure(azure) => {
                        let (audience, timeout) = (Audience::KubernetesApi, pace.connect_within);
                        let failures = Counter::default();
                        let tokens = TokenSource::new(azure.clone(), audience, timeout, failures);
                        let tokens = tokens.map_err(|error| unusable(&error))?;
                        Credentials::Azure(Box::new(tokens))
                    }
                };
                (server.url.clone(), credentials)
            }
        };
        let is_plain = base.scheme() == "http";
        if is_plain {
            // Nothing is encrypted: a machine without authorities can do that, too.
            tls = TlsSettings { skip_verify: true, ..TlsSettings::default() };
        }
        let mut tls = tls.client_config().map_err(|error| unusable(&error))?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            .connect_timeout(pace.connect_within)
            .read_timeout(pace.silence)
            .redirect(reqwest::redirect::Policy::none())
            .http2_keep_alive_interval(Duration::from_secs(20))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .http2_keep_alive_while_idle(true)
            .tcp_keepalive(Duration::from_secs(20))
            .user_agent(USER_AGENT);
        let http = http.use_preconfigured_tls(tls);
        let http = if is_plain { http.no_proxy() } else { http };
        let http = http.build().map_err(|error| unusable(&error))?;
        Ok(Self {
            http,
            base,
            credentials,
            answer_within: pace.answer_within,
            silence: pace.silence,
        })
    }

    /// Base URL, for messages.
    pub(crate) fn url(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// The answer to a GET, whose body is JSON that is still arriving. A watch is asked for without compression,
    /// of which each event would be a piece of its own.
    ///
    /// Errors: [`ClusterError`].
    pub(crate) async fn get(
        &self,
        path_and_query: &str,
        is_watch: bool,
        asked: Asked<'_>,
    ) -> Result<Response, ClusterError> {
        let response = self.send(path_and_query, is_watch).await?;
        let response = if response.status() == StatusCode::UNAUTHORIZED && self.renew().await {
            self.send(path_and_query, is_watch).await?
        } else {
            response
        };
        let status = response.status();
        if status == StatusCode::OK && is_json(&response) {
            return Ok(response);
        }
        Err(self.refusal(status, &self.start_of_body(response).await, asked))
    }

    async fn send(&self, path_and_query: &str, is_watch: bool) -> Result<Response, ClusterError> {
        // A server behind Rancher has a path of its own.
        let target = format!("{}{path_and_query}", self.url());
        let url = Url::parse(&target).map_err(|error| unusable(&error))?;
        let mut request = self.http.get(url).header(header::ACCEPT, "application/json");
        if is_watch {
            request = request.header(header::ACCEPT_ENCODING, "identity");
        }
        if let Some(authorization) = self.authorization().await? {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        match tokio::time::timeout(self.answer_within, request.send()).await {
            Ok(response) => response.map_err(|error| self.broken(error)),
            Err(_) => Err(self.silent(self.answer_within)),
        }
    }

    /// The next piece of a body; `None` at its end.
    ///
    /// Errors: the connection broke, or is silent.
    pub(crate) async fn chunk(
        &self,
        response: &mut Response,
    ) -> Result<Option<Bytes>, ClusterError> {
        response.chunk().await.map_err(|error| self.broken(error))
    }

    /// A body of at most `limit` bytes.
    ///
    /// Errors: it is longer, or broken.
    pub(crate) async fn whole(
        &self,
        mut response: Response,
        limit: usize,
    ) -> Result<Vec<u8>, ClusterError> {
        let read = async {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk(&mut response).await? {
                body.extend_from_slice(&chunk);
                if body.len() > limit {
                    return Err(self.too_large(limit));
                }
            }
            Ok(body)
        };
        // A server that drips is as silent as one that stops.
        let within = self.answer_within.saturating_mul(2);
        tokio::time::timeout(within, read).await.unwrap_or_else(|_| Err(self.silent(within)))
    }

    pub(crate) fn too_large(&self, limit: usize) -> ClusterError {
        ClusterError::TooLarge { url: self.url(), mib: limit >> 20 }
    }

    /// An answer, or a line of a watch, that is not what Kubernetes sends.
    pub(crate) fn not_kubernetes(&self, body: &[u8]) -> ClusterError {
        let body = body.get(..MAX_ERROR_BYTES).unwrap_or(body);
        ClusterError::NotKubernetes { url: self.url(), status: 200, excerpt: answer_excerpt(body) }
    }

    /// The error for a `Status`, as an answer or as an event.
    pub(crate) fn refused(&self, code: u16, status: &Status, asked: Asked<'_>) -> ClusterError {
        let url = self.url();
        let resource = asked.resource.to_owned();
        match code {
            401 => ClusterError::Unauthorized { url },
            403 => ClusterError::Forbidden { verb: asked.verb, resource },
            404 => ClusterError::Absent { resource },
            410 => ClusterError::Gone { url },
            _ => {
                let message = match status.message.as_str() {
                    "" => quote_answer(&status.reason),
                    message => quote_answer(message),
                };
                ClusterError::Refused { url, status: code, message }
            }
        }
    }

    fn refusal(&self, code: StatusCode, body: &[u8], asked: Asked<'_>) -> ClusterError {
        let status: Option<Status> = serde_json::from_slice(body).ok();
        match status.filter(|_| code != StatusCode::OK) {
            Some(status) => self.refused(code.as_u16(), &status, asked),
            // An API server answers so for groups and versions that it does not serve.
            None if code == StatusCode::NOT_FOUND && body.starts_with(b"404 page not found") => {
                ClusterError::Absent { resource: asked.resource.to_owned() }
            }
            None if code == StatusCode::UNAUTHORIZED => {
                ClusterError::Unauthorized { url: self.url() }
            }
            None => ClusterError::NotKubernetes {
                url: self.url(),
                status: code.as_u16(),
                excerpt: answer_excerpt(body),
            },
        }
    }

    async fn start_of_body(&self, mut response: Response) -> Vec<u8> {
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(chunk)) = response.chunk().await {
                body.extend_from_slice(&chunk);
                if body.len() >= MAX_ERROR_BYTES {
                    break;
                }
            }
        };
        // What arrived in time is enough to say what answered.
        let _is_in_time = tokio::time::timeout(self.answer_within, read).await.is_ok();
        body.truncate(MAX_ERROR_BYTES);
        body
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, ClusterError> {
        match &self.credentials {
            Credentials::Fixed(header) => Ok(header.clone()),
            Credentials::Azure(tokens) => Ok(Some(tokens.header().await?)),
            Credentials::Account { account, token } => {
                let mut token = token.lock().await;
                if let Some((header, read_at)) = &*token
                    && read_at.elapsed() < ACCOUNT_TOKEN_TTL
                {
                    return Ok(Some(header.clone()));
                }
                let text = account_file(account, "token").await?;
                let reason = || "its token is empty".to_owned();
                let secret = Secret::new(text.trim())
                    .ok_or_else(|| ClusterError::ServiceAccount { reason: reason() })?;
                let header = bearer(&secret)?;
                *token = Some((header.clone(), Instant::now()));
                Ok(Some(header))
            }
        }
    }

    /// Drops a token that was refused. False: there is no other.
    async fn renew(&self) -> bool {
        match &self.credentials {
            Credentials::Fixed(_) => false,
            Credentials::Account { token, .. } => token.lock().await.take().is_some(),
            Credentials::Azure(tokens) => match tokens.header().await {
                Ok(header) => tokens.forget(&header).await,
                Err(_) => false,
            },
        }
    }

    fn broken(&self, error: reqwest::Error) -> ClusterError {
        let url = self.url();
        if error.is_timeout() && !error.is_connect() {
            return self.silent(self.silence);
        }
        ClusterError::Unreachable { url, cause: with_causes(&error.without_url()) }
    }

    fn silent(&self, within: Duration) -> ClusterError {
        ClusterError::Silent { url: self.url(), secs: within.as_secs() }
    }
}

fn is_json(response: &Response) -> bool {
    let given = response.headers().get(header::CONTENT_TYPE).and_then(|own| own.to_str().ok());
    given.is_some_and(|own| own.starts_with("application/json"))
}

fn unusable(error: &dyn std::error::Error) -> ClusterError {
    ClusterError::Client { reason: with_causes(error) }
}

fn bearer(token: &Secret) -> Result<HeaderValue, ClusterError> {
    let mut header =
        HeaderValue::try_from(format!("Bearer {}", token.reveal().trim())).map_err(|_| {
            ClusterError::Client {
                reason: "the token holds characters that no header can carry".to_owned(),
            }
        })?;
    header.set_sensitive(true);
    Ok(header)
}

/// The cluster's own API server: as Kubernetes names it in each pod's environment, which Grafana may keep from
/// its plugins, or else by its name in the cluster, which its certificate has, too.
fn account_url(account: &ServiceAccount) -> Result<Url, ClusterError> {
    if let Some(url) = &account.url {
        return Ok(url.clone());
    }
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let host = match variable("KUBERNETES_SERVICE_HOST") {
        Some(host) if host.contains(':') => format!("[{host}]"),
        Some(host) => host,
        None => "kubernetes.default.svc".to_owned(),
    };
    let port = variable("KUBERNETES_SERVICE_PORT").unwrap_or_else(|| "443".to_owned());
    Url::parse(&format!("https://{host}:{port}")).map_err(|error| unusable(&error))
}

async fn account_file(account: &ServiceAccount, name: &str) -> Result<String, ClusterError> {
    let path = account.folder.join(name);
    let failed = |reason: String| {
        let reason = format!("`{}` cannot be read: {reason}", path.display());
        ClusterError::ServiceAccount { reason }
    };
    let metadata = tokio::fs::metadata(&path).await.map_err(|error| failed(error.to_string()))?;
    if metadata.len() > MAX_ACCOUNT_BYTES {
        return Err(failed("it is too long".to_owned()));
    }
    tokio::fs::read_to_string(&path).await.map_err(|error| failed(error.to_string()))
}
