//! Settings of a client: address, credentials and limits.

use std::time::Duration;

use entra::{AzureCredentials, is_loopback};
use http::{HeaderName, HeaderValue};
use reqwest::Url;
use secret::Secret;

/// Settings of the connection to Prometheus.
#[derive(Debug, Clone)]
pub struct PrometheusSettings {
    /// Base URL; `/api/v1/…` is appended.
    pub url: Url,
    /// Credentials.
    pub auth: PrometheusAuth,
    /// TLS settings, for an `https` URL.
    pub tls: PrometheusTls,
    /// Method of calls that accept both.
    pub method: HttpMethod,
    /// Time between two samples of a series, in milliseconds.
    pub scrape_interval_ms: u64,
    /// Time limit for connecting.
    pub connect_timeout: Duration,
    /// Time limit for a whole call.
    pub request_timeout: Duration,
    /// Largest accepted answer, in decompressed bytes.
    pub response_limit_bytes: usize,
    /// Parameters sent with every call, in the URL.
    pub custom_parameters: Vec<(String, String)>,
    /// Headers sent with every call. Their values are secrets.
    pub custom_headers: Vec<(HeaderName, HeaderValue)>,
    /// Prometheus' own `timeout` of a query, in milliseconds.
    pub query_timeout_ms: Option<u64>,
    /// Maximum number of requested names and series; `None` for all.
    pub series_limit: Option<u64>,
    /// Whether the user's tokens are sent instead of `auth`.
    pub forward_identity: bool,
}

impl PrometheusSettings {
    /// Whether secrets or users' tokens leave this machine unencrypted.
    pub fn sends_secrets_in_the_clear(&self) -> bool {
        let has_secrets = self.forward_identity
            || !self.custom_headers.is_empty()
            || self.auth != PrometheusAuth::None;
        has_secrets && self.url.scheme() == "http" && !is_loopback(&self.url)
    }
}

/// Credentials for Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrometheusAuth {
    /// No credentials.
    None,
    /// HTTP basic authentication.
    Basic {
        /// User name.
        user: String,
        /// Password; `None` for an empty one.
        password: Option<Secret>,
    },
    /// Token for `Authorization: Bearer …`.
    Bearer(Secret),
    /// Token of Microsoft Entra ID, for an Azure Monitor workspace.
    Azure(AzureCredentials),
}

/// TLS settings for Prometheus; its URL decides whether TLS is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrometheusTls {
    /// Whether any certificate is accepted.
    pub skip_verify: bool,
    /// Name expected in the certificate instead of the URL's host.
    pub server_name: Option<String>,
    /// Certificate authorities in PEM; `None` for those of the system.
    pub ca_pem: Option<Secret>,
    /// Client certificate and key in PEM.
    pub client: Option<(Secret, Secret)>,
}

/// Method for sending queries to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// Parameters in the URL.
    Get,
    /// Parameters as a form in the body.
    Post,
}
