//! Tokens of Microsoft Entra ID, for Azure Monitor workspaces and for the API servers of AKS clusters: cached
//! until shortly before they expire, and sent only to their audience.
//!
//! Own, and not `azure_identity`: it neither reads Grafana's `GFAZPL_…` variables nor can drop a token
//! that its audience refuses, and would need proxies and bounds of answers set a second time.
//!
//! Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>,
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>.

mod settings;
#[cfg(test)]
mod tests;
pub mod token_answer;
mod token_error;

use std::fmt;
use std::time::{Duration, Instant};

use http::HeaderValue;
use hubble_api::client::{ClientError, TlsSettings};
use prometheus_client::metrics::counter::Counter;
use reqwest::{RequestBuilder, Url};
use secret::Secret;
use tokio::sync::Mutex;
use wording::{quote_answer, with_causes};

pub use self::settings::{AzureCloud, AzureCredentials, AzureLogin, is_loopback};
use self::token_answer::IssuedToken;
pub use self::token_error::TokenError;

/// Time before expiry at which a token is renewed; a shorter-lived token is renewed after four
/// fifths of its life.
const RENEW_BEFORE: Duration = Duration::from_mins(5);
/// Time for which queries that wait for a token share one refusal.
const REFUSAL_TTL: Duration = Duration::from_secs(1);
/// Least time between two tokens that are dropped because their audience refused them. One that
/// refuses every token must not cost a token for each query.
const FORGET_INTERVAL: Duration = Duration::from_secs(30);
const MAX_TOKEN_ANSWER_BYTES: usize = 64 << 10;
const MAX_ASSERTION_BYTES: u64 = 64 << 10;
/// Endpoint where a virtual machine requests tokens of its identity.
const INSTANCE_METADATA: &str = "http://169.254.169.254";

/// Azure settings from the plugin's environment: Grafana's `[azure]` settings if they are
/// forwarded, or else the variables that AKS sets for pods with workload identity, and App Service
/// for its apps.
#[derive(Debug, Clone, Default)]
struct AzureEnvironment {
    /// Whether the server's administrator allowed the identity of the machine, and that of the pod.
    is_managed_identity_enabled: bool,
    is_workload_identity_enabled: bool,
    authority: Option<String>,
    cloud: Option<String>,
    tenant_id: Option<String>,
    client_id: Option<String>,
    managed_client_id: Option<String>,
    assertion_file: Option<String>,
    metadata: Option<String>,
    identity_endpoint: Option<String>,
    identity_header: Option<Secret>,
}

/// Source of tokens for one login. Requests one token at a time.
#[derive(Debug)]
pub struct TokenSource {
    http: reqwest::Client,
    credentials: AzureCredentials,
    environment: AzureEnvironment,
    audience: Audience,
    /// Number of requests in vain.
    failures: Counter,
    /// Locked during a request, so that all callers wait for the same token.
    cached: Mutex<CachedToken>,
    /// Time at which a token was last dropped because its audience refused it.
    forgotten_at: Mutex<Option<Instant>>,
}

/// Cached token or refusal. Not `relay::Cached`: each token has its own end, and refusals are kept, too.
#[derive(Default)]
enum CachedToken {
    #[default]
    Nothing,
    Token {
        header: HeaderValue,
        renew_at: Instant,
    },
    Refused {
        error: TokenError,
        until: Instant,
    },
}

impl fmt::Debug for CachedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Token { .. } => "Token",
            Self::Refused { .. } => "Refused",
        })
    }
}

impl AzureCloud {
    /// Login endpoint of this cloud's Entra ID.
    fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::UsGovernment => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }
}

/// A kind of server that tokens are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The query endpoints of Azure Monitor workspaces.
    AzureMonitor,
    /// The API servers of AKS clusters with Entra ID. Source: Microsoft, "Use kubelogin", `--server-id`.
    KubernetesApi,
}

impl Audience {
    /// The resource in a cloud that a token names.
    fn resource(self, cloud: AzureCloud) -> &'static str {
        match (self, cloud) {
            (Self::AzureMonitor, AzureCloud::Public) => "https://prometheus.monitor.azure.com",
            (Self::AzureMonitor, AzureCloud::UsGovernment) => "https://prometheus.monitor.azure.us",
            (Self::AzureMonitor, AzureCloud::China) => "https://prometheus.monitor.azure.cn",
            // The same application in all clouds.
            (Self::KubernetesApi, _) => "6dae42f8-4368-4678-94ff-3960e28e3630",
        }
    }
}

/// The reason why no client for tokens can be set up.
#[derive(Debug, thiserror::Error)]
pub enum TokenClientError {
    /// This machine's authorities.
    #[error(transparent)]
    Tls(#[from] ClientError),
    /// The HTTP client.
    #[error("the HTTP client for tokens of Microsoft Entra ID cannot be set up")]
    Http(#[source] reqwest::Error),
}

impl AzureEnvironment {
    fn read() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&str]| {
            let values = names.iter().filter_map(|name| variable(name));
            values.map(|value| value.trim().to_owned()).find(|value| !value.is_empty())
        };
        let is_true = |name: &str| variable(name).is_some_and(|value| value.trim() == "true");
        Self {
            is_managed_identity_enabled: is_true("GFAZPL_MANAGED_IDENTITY_ENABLED"),
            is_workload_identity_enabled: is_true("GFAZPL_WORKLOAD_IDENTITY_ENABLED"),
            authority: first(&["AZURE_AUTHORITY_HOST"]),
            cloud: first(&["GFAZPL_AZURE_CLOUD"]),
            tenant_id: first(&["GFAZPL_WORKLOAD_IDENTITY_TENANT_ID", "AZURE_TENANT_ID"]),
            client_id: first(&["GFAZPL_WORKLOAD_IDENTITY_CLIENT_ID", "AZURE_CLIENT_ID"]),
            managed_client_id: first(&["GFAZPL_MANAGED_IDENTITY_CLIENT_ID"]),
            assertion_file: first(&[
                "GFAZPL_WORKLOAD_IDENTITY_TOKEN_FILE",
                "AZURE_FEDERATED_TOKEN_FILE",
            ]),
            metadata: first(&["AZURE_POD_IDENTITY_AUTHORITY_HOST"]),
            identity_endpoint: first(&["IDENTITY_ENDPOINT"]),
            identity_header: first(&["IDENTITY_HEADER"]).as_deref().and_then(Secret::new),
        }
    }

    /// Whether tokens are requested without a proxy. Plain text must not leave the machine, and
    /// endpoints of this machine identify it by the origin of the call. On the way to Entra ID, a
    /// proxy sees only the name of the host.
    fn is_asked_directly(&self, credentials: &AzureCredentials) -> bool {
        match &credentials.login {
            AzureLogin::ManagedIdentity { .. } => true,
            AzureLogin::ClientSecret { .. } | AzureLogin::WorkloadIdentity { .. } => {
                let (_, authority) = self.cloud(credentials.cloud);
                !Url::parse(&authority).is_ok_and(|authority| authority.scheme() == "https")
            }
        }
    }

    /// Cloud, and the address of its Entra ID.
    fn cloud(&self, configured: Option<AzureCloud>) -> (AzureCloud, String) {
        if let Some(cloud) = configured {
            return (cloud, cloud.authority().to_owned());
        }
        let authority = self.authority.as_deref().unwrap_or_default();
        let named = self.cloud.as_deref().unwrap_or_default();
        let cloud = if named == "AzureUSGovernment" || authority.contains("microsoftonline.us") {
            AzureCloud::UsGovernment
        } else if named == "AzureChinaCloud" || authority.contains("chinacloudapi.cn") {
            AzureCloud::China
        } else {
            AzureCloud::Public
        };
        let authority = if authority.is_empty() { cloud.authority() } else { authority };
        (cloud, authority.to_owned())
    }
}

impl TokenSource {
    /// A source of tokens for an audience; `failures` counts the requests in vain. Sends nothing yet.
    ///
    /// Errors: [`TokenClientError`].
    pub fn new(
        credentials: AzureCredentials,
        audience: Audience,
        connect_timeout: Duration,
        failures: Counter,
    ) -> Result<Self, TokenClientError> {
        Self::within(AzureEnvironment::read(), credentials, audience, connect_timeout, failures)
    }

    fn within(
        environment: AzureEnvironment,
        credentials: AzureCredentials,
        audience: Audience,
        connect_timeout: Duration,
        failures: Counter,
    ) -> Result<Self, TokenClientError> {
        let http = client(connect_timeout, environment.is_asked_directly(&credentials))?;
        let (cached, forgotten_at) = Default::default();
        Ok(Self { http, credentials, environment, audience, failures, cached, forgotten_at })
    }

    /// Value of the header: `Bearer …`. All callers wait for a token that is being requested.
    ///
    /// Errors: [`TokenError`].
    pub async fn header(&self) -> Result<HeaderValue, TokenError> {
        let mut cached = self.cached.lock().await;
        match &*cached {
            CachedToken::Token { header, renew_at } if Instant::now() < *renew_at => {
                return Ok(header.clone());
            }
            CachedToken::Refused { error, until } if Instant::now() < *until => {
                return Err(error.clone());
            }
            _ => {}
        }
        match self.ask().await {
            Ok((header, renew_at)) => {
                *cached = CachedToken::Token { header: header.clone(), renew_at };
                Ok(header)
            }
            Err(error) => {
                self.failures.inc();
                *cached = CachedToken::Refused {
                    error: error.clone(),
                    until: Instant::now() + REFUSAL_TTL,
                };
                Err(error)
            }
        }
    }

    /// Drops a token that its audience refused, unless it was replaced since, at most once in
    /// 30 s. Returns whether another token is to be had.
    pub async fn forget(&self, refused: &HeaderValue) -> bool {
        let mut cached = self.cached.lock().await;
        if !matches!(&*cached, CachedToken::Token { header, .. } if header == refused) {
            return true;
        }
        let mut forgotten_at = self.forgotten_at.lock().await;
        if forgotten_at.is_some_and(|time| time.elapsed() < FORGET_INTERVAL) {
            return false;
        }
        *forgotten_at = Some(Instant::now());
        *cached = CachedToken::Nothing;
        true
    }

    async fn ask(&self) -> Result<(HeaderValue, Instant), TokenError> {
        let (request, host) = self.request().await?;
        let unreachable = |cause: reqwest::Error| TokenError::Unreachable {
            host: host.clone(),
            cause: with_causes(&cause.without_url()),
        };
        let asked_at = Instant::now();
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            answer.extend_from_slice(&chunk);
            if answer.len() > MAX_TOKEN_ANSWER_BYTES {
                return Err(TokenError::NoToken { host, status: status.as_u16() });
            }
        }
        let secret = match &self.credentials.login {
            AzureLogin::ClientSecret { secret, .. } => Some(secret),
            _ => None,
        };
        let IssuedToken { header, life } = token_answer::read(status, &answer, &host, secret)?;
        let renew_after = life.saturating_sub(RENEW_BEFORE.min(life / 5));
        tracing::debug!(host, life_secs = life.as_secs(), "got a token of Entra ID");
        Ok((header, asked_at + renew_after))
    }

    async fn request(&self) -> Result<(RequestBuilder, String), TokenError> {
        let (cloud, authority) = self.environment.cloud(self.credentials.cloud);
        let environment = &self.environment;
        match &self.credentials.login {
            AzureLogin::ClientSecret { tenant_id, client_id, secret } => {
                let proof = [("client_secret", secret.reveal())];
                self.login(&authority, cloud, tenant_id, client_id, &proof)
            }
            AzureLogin::WorkloadIdentity { .. } if !environment.is_workload_identity_enabled => {
                Err(TokenError::NotEnabled {
                    identity: "workload identity",
                    setting: "workload_identity_enabled = true",
                })
            }
            AzureLogin::ManagedIdentity { .. } if !environment.is_managed_identity_enabled => {
                Err(TokenError::NotEnabled {
                    identity: "managed identity",
                    setting: "managed_identity_enabled = true",
                })
            }
            AzureLogin::WorkloadIdentity { tenant_id, client_id } => {
                let variable = "AZURE_FEDERATED_TOKEN_FILE";
                let missing = |what, variable| TokenError::Missing { what, variable };
                let tenant_id = tenant_id
                    .as_ref()
                    .or(environment.tenant_id.as_ref())
                    .ok_or(missing("the tenant ID", "AZURE_TENANT_ID"))?;
                let client_id = client_id
                    .as_ref()
                    .or(environment.client_id.as_ref())
                    .ok_or(missing("the client ID", "AZURE_CLIENT_ID"))?;
                let file = environment
                    .assertion_file
                    .as_ref()
                    .ok_or(missing("the file with the pod's token", variable))?;
                // Read each time, because the kubelet renews it.
                let assertion = read_assertion(file)
                    .await
                    .map_err(|cause| TokenError::AssertionFile { variable, cause })?;
                let proof = [
                    (
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    ),
                    ("client_assertion", assertion.reveal()),
                ];
                self.login(&authority, cloud, tenant_id, client_id, &proof)
            }
            AzureLogin::ManagedIdentity { client_id } => {
                let client_id = client_id.as_ref().or(environment.managed_client_id.as_ref());
                self.managed_identity(cloud, client_id.map(String::as_str))
            }
        }
    }

    fn login(
        &self,
        authority: &str,
        cloud: AzureCloud,
        tenant_id: &str,
        client_id: &str,
        proof: &[(&str, &str)],
    ) -> Result<(RequestBuilder, String), TokenError> {
        let invalid = || TokenError::Authority(quote_answer(authority));
        let mut url = Url::parse(authority).map_err(|_| invalid())?;
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err(invalid());
        }
        url.path_segments_mut()
            .map_err(|()| invalid())?
            .pop_if_empty()
            .extend([tenant_id, "oauth2", "v2.0", "token"]);
        let scope = format!("{}/.default", self.audience.resource(cloud));
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("scope", scope.as_str()),
        ];
        form.extend_from_slice(proof);
        let host = url.host_str().unwrap_or_default().to_owned();
        Ok((self.http.post(url).form(&form), host))
    }

    fn managed_identity(
        &self,
        cloud: AzureCloud,
        client_id: Option<&str>,
    ) -> Result<(RequestBuilder, String), TokenError> {
        let environment = &self.environment;
        let endpoint = environment.identity_endpoint.as_ref();
        let (address, version, header) =
            if let (Some(endpoint), Some(secret)) = (endpoint, &environment.identity_header) {
                (endpoint.clone(), "2019-08-01", ("x-identity-header", secret.reveal()))
            } else {
                let metadata = environment.metadata.as_deref().unwrap_or(INSTANCE_METADATA);
                let metadata = metadata.trim_end_matches('/');
                let address = format!("{metadata}/metadata/identity/oauth2/token");
                (address, "2018-02-01", ("metadata", "true"))
            };
        let mut url =
            Url::parse(&address).map_err(|_| TokenError::Authority(quote_answer(&address)))?;
        url.query_pairs_mut()
            .append_pair("api-version", version)
            .append_pair("resource", self.audience.resource(cloud))
            .extend_pairs(client_id.map(|client_id| ("client_id", client_id)));
        let host = url.host_str().unwrap_or_default().to_owned();
        Ok((self.http.get(url).header(header.0, header.1), host))
    }
}

async fn read_assertion(file: &str) -> Result<Secret, String> {
    let words = |error: std::io::Error| error.to_string();
    let length = tokio::fs::metadata(file).await.map_err(words)?.len();
    if length > MAX_ASSERTION_BYTES {
        return Err(format!("it has {length} bytes, too many for a token"));
    }
    let text = tokio::fs::read_to_string(file).await.map_err(words)?;
    Secret::new(text.trim()).ok_or_else(|| "it is empty".to_owned())
}

const USER_AGENT: &str = concat!("k8snet-hubble-datasource/", env!("CARGO_PKG_VERSION"));

/// Client for tokens of Entra ID: with this machine's authorities, without redirects, which would
/// leak the secret, and without pooled connections, because the server closes them long before the
/// next request an hour later. `is_direct`: without a proxy, even if the environment sets one.
fn client(timeout: Duration, is_direct: bool) -> Result<reqwest::Client, TokenClientError> {
    let mut tls = TlsSettings::default().client_config()?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let builder = reqwest::Client::builder();
    let builder = if is_direct { builder.no_proxy() } else { builder };
    builder
        .connect_timeout(timeout)
        .timeout(timeout.saturating_mul(2))
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(USER_AGENT)
        .use_preconfigured_tls(tls)
        .build()
        .map_err(TokenClientError::Http)
}
