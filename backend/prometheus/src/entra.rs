//! Tokens of Microsoft Entra ID for Azure Monitor workspaces: asked for once, kept until shortly
//! before they expire, and shown to the workspace alone.
//!
//! Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>,
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>.

use std::fmt;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use http::{HeaderValue, StatusCode};
use reqwest::{RequestBuilder, Url};
use secret::Secret;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use tokio::sync::Mutex;
use wording::with_causes;

use crate::body;
use crate::error::{PrometheusError, quote};
use crate::settings::{AzureCloud, AzureCredentials, AzureLogin, is_loopback};

/// A token is renewed this long before it expires, or after four fifths of a shorter life.
const RENEW_BEFORE: Duration = Duration::from_mins(5);
/// Queries that wait for a token that cannot be had share one refusal.
const REFUSAL_TTL: Duration = Duration::from_secs(1);
const MAX_TOKEN_ANSWER_BYTES: usize = 64 << 10;
const MAX_ASSERTION_BYTES: u64 = 64 << 10;
/// Where a virtual machine asks for the tokens of its identity.
const INSTANCE_METADATA: &str = "http://169.254.169.254";

/// A failure to get a token. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what happened, by its fields")]
pub enum TokenError {
    #[error("{what} is not known: fill it in, or set {variable} in the plugin's environment")]
    Missing { what: &'static str, variable: &'static str },
    #[error("the file that {variable} names cannot be read: {cause}")]
    AssertionFile { variable: &'static str, cause: String },
    #[error("`{0}` is not an `https://` address of Microsoft Entra ID")]
    Authority(String),
    #[error("`{host}` cannot be reached for a token: {cause}")]
    Unreachable { host: String, cause: String },
    #[error("`{host}` refused to give a token ({status}): {message}")]
    Refused { host: String, status: u16, message: String },
    #[error("`{host}` answered {status} without a token")]
    NoToken { host: String, status: u16 },
}

/// What the environment of the plugin says: Grafana's `[azure]` settings where they are forwarded,
/// else what AKS gives a pod with workload identity, and App Service its apps.
#[derive(Debug, Clone, Default)]
pub(crate) struct AzureEnvironment {
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

/// Gives tokens of one login, one request at a time.
#[derive(Debug)]
pub(crate) struct TokenSource {
    http: reqwest::Client,
    credentials: AzureCredentials,
    environment: AzureEnvironment,
    /// Locked while a token is asked for, so that all who need one wait for the same.
    kept: Mutex<Kept>,
}

#[derive(Default)]
enum Kept {
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

/// A token as both kinds of endpoint answer it.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Seconds,
}

/// A number, or a string with one: the metadata endpoint writes strings.
struct Seconds(u64);

#[derive(Deserialize, Default)]
#[serde(default)]
struct OAuthError {
    error: String,
    error_description: String,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Token { .. } => "Token",
            Self::Refused { .. } => "Refused",
        })
    }
}

impl TokenError {
    /// The HTTP status that Grafana should see.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Missing { .. } | Self::AssertionFile { .. } | Self::Authority(_) => 400,
            Self::Refused { .. } => 401,
            Self::Unreachable { .. } | Self::NoToken { .. } => 502,
        }
    }
}

impl AzureCloud {
    /// Where Entra ID of this cloud gives tokens.
    fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::UsGovernment => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    /// For whom the token is: Azure Monitor's query endpoint.
    fn audience(self) -> &'static str {
        match self {
            Self::Public => "https://prometheus.monitor.azure.com",
            Self::UsGovernment => "https://prometheus.monitor.azure.us",
            Self::China => "https://prometheus.monitor.azure.cn",
        }
    }
}

impl AzureEnvironment {
    pub(crate) fn read() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&str]| {
            let values = names.iter().filter_map(|name| variable(name));
            values.map(|value| value.trim().to_owned()).find(|value| !value.is_empty())
        };
        Self {
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

    /// Whether tokens are asked for without a proxy: what travels in plain text is for the machine
    /// alone. Endpoints of this machine know it by where the call comes from, and on the way to
    /// Entra ID a proxy sees no more than the name of the host.
    pub(crate) fn is_asked_directly(&self, credentials: &AzureCredentials) -> bool {
        match &credentials.login {
            AzureLogin::ManagedIdentity { .. } => true,
            AzureLogin::ClientSecret { .. } | AzureLogin::WorkloadIdentity { .. } => {
                let (_, authority) = self.cloud(credentials.cloud);
                !Url::parse(&authority).is_ok_and(|authority| authority.scheme() == "https")
            }
        }
    }

    /// The cloud, and where its Entra ID is.
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
    /// `http` must not follow redirects: they would carry secrets away.
    pub(crate) fn new(
        http: reqwest::Client,
        credentials: AzureCredentials,
        environment: AzureEnvironment,
    ) -> Self {
        Self { http, credentials, environment, kept: Mutex::default() }
    }

    /// `Bearer …`. Everybody who comes while a token is on its way waits for it.
    ///
    /// Errors: [`TokenError`].
    pub(crate) async fn header(&self) -> Result<HeaderValue, TokenError> {
        let mut kept = self.kept.lock().await;
        match &*kept {
            Kept::Token { header, renew_at } if Instant::now() < *renew_at => {
                return Ok(header.clone());
            }
            Kept::Refused { error, until } if Instant::now() < *until => return Err(error.clone()),
            _ => {}
        }
        match self.ask().await {
            Ok((header, renew_at)) => {
                *kept = Kept::Token { header: header.clone(), renew_at };
                Ok(header)
            }
            Err(error) => {
                *kept = Kept::Refused { error: error.clone(), until: Instant::now() + REFUSAL_TTL };
                Err(error)
            }
        }
    }

    /// Lets go of a token that the workspace refused; one that came since then stays.
    pub(crate) async fn forget(&self, refused: &HeaderValue) {
        let mut kept = self.kept.lock().await;
        if matches!(&*kept, Kept::Token { header, .. } if header == refused) {
            *kept = Kept::Nothing;
        }
    }

    async fn ask(&self) -> Result<(HeaderValue, Instant), TokenError> {
        let (request, host) = self.request().await?;
        let unreachable = |cause: reqwest::Error| TokenError::Unreachable {
            host: host.clone(),
            cause: with_causes(&cause.without_url()),
        };
        let asked_at = Instant::now();
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let headers = response.headers().clone();
        let no_token = || TokenError::NoToken { host: host.clone(), status: status.as_u16() };
        let broken = |error: reqwest::Error| PrometheusError::from_send("", error, 0, 0);
        let packed = response.bytes_stream().map(move |piece| piece.map_err(broken)).boxed();
        let answer = match body::unpacked(&headers, packed, MAX_TOKEN_ANSWER_BYTES) {
            Ok(pieces) => body::whole(pieces).await,
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|error| match error {
            PrometheusError::Broken { cause, .. } => {
                TokenError::Unreachable { host: host.clone(), cause: with_causes(&*cause) }
            }
            _ => no_token(),
        })?;
        if status != StatusCode::OK {
            let refusal: OAuthError = serde_json::from_slice(&answer).unwrap_or_default();
            return Err(match self.refusal_words(&refusal) {
                Some(message) => TokenError::Refused { host, status: status.as_u16(), message },
                None => no_token(),
            });
        }
        // The error of the parser could quote the token.
        let answer: TokenAnswer = serde_json::from_slice(&answer).map_err(|_| no_token())?;
        let mut header = HeaderValue::try_from(format!("Bearer {}", answer.access_token))
            .map_err(|_| no_token())?;
        header.set_sensitive(true);
        let life = Duration::from_secs(answer.expires_in.0);
        let renew_after = life.saturating_sub(RENEW_BEFORE.min(life / 5));
        tracing::debug!(host, life_secs = answer.expires_in.0, "got a token for Azure Monitor");
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
                // Read each time: the kubelet renews it.
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
        let invalid = || TokenError::Authority(quote(authority));
        let mut url = Url::parse(authority).map_err(|_| invalid())?;
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err(invalid());
        }
        url.path_segments_mut()
            .map_err(|()| invalid())?
            .pop_if_empty()
            .extend([tenant_id, "oauth2", "v2.0", "token"]);
        let scope = format!("{}/.default", cloud.audience());
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
        let mut url = Url::parse(&address).map_err(|_| TokenError::Authority(quote(&address)))?;
        url.query_pairs_mut()
            .append_pair("api-version", version)
            .append_pair("resource", cloud.audience())
            .extend_pairs(client_id.map(|client_id| ("client_id", client_id)));
        let host = url.host_str().unwrap_or_default().to_owned();
        Ok((self.http.get(url).header(header.0, header.1), host))
    }

    /// Entra ID's own words, first line, without the secret should they repeat it.
    fn refusal_words(&self, refusal: &OAuthError) -> Option<String> {
        let words = match (refusal.error_description.lines().next(), refusal.error.as_str()) {
            (Some(words), _) => words,
            (None, "") => return None,
            (None, error) => error,
        };
        let words = match &self.credentials.login {
            AzureLogin::ClientSecret { secret, .. } => words.replace(secret.reveal(), "[redacted]"),
            _ => words.to_owned(),
        };
        Some(quote(&words))
    }
}

async fn read_assertion(file: &str) -> Result<Secret, String> {
    let words = |error: std::io::Error| error.to_string();
    let length = tokio::fs::metadata(file).await.map_err(words)?.len();
    if length > MAX_ASSERTION_BYTES {
        return Err(format!("it has {length} bytes, which is no token"));
    }
    let text = tokio::fs::read_to_string(file).await.map_err(words)?;
    Secret::new(text.trim()).ok_or_else(|| "it is empty".to_owned())
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SecondsVisitor;
        impl Visitor<'_> for SecondsVisitor {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds")
            }

            fn visit_u64<E>(self, secs: u64) -> Result<Seconds, E> {
                // A token for ever is asked for again each day.
                Ok(Seconds(secs.min(86_400)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Seconds, E> {
                let secs = text.parse().map_err(|_| E::custom("no seconds"))?;
                self.visit_u64(secs)
            }
        }
        deserializer.deserialize_any(SecondsVisitor)
    }
}

#[cfg(test)]
mod tests;
