//! The settings of a client: how to reach one Prometheus, and as whom.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use reqwest::Url;
use secret::Secret;

/// How to reach Prometheus.
#[derive(Debug, Clone)]
pub struct PrometheusSettings {
    /// Base URL; `/api/v1/…` is appended.
    pub url: Url,
    /// The credentials.
    pub auth: PrometheusAuth,
    /// TLS, for an `https` URL.
    pub tls: PrometheusTls,
    /// The method of calls that take either.
    pub method: HttpMethod,
    /// Time between two samples of a series, in milliseconds.
    pub scrape_interval_ms: u64,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a whole call may take.
    pub request_timeout: Duration,
    /// Largest answer that is read, unpacked.
    pub response_limit_bytes: usize,
    /// Sent with every call, in the URL.
    pub custom_parameters: Vec<(String, String)>,
    /// Sent with every call; their values are secrets.
    pub custom_headers: Vec<(HeaderName, HeaderValue)>,
    /// Prometheus' own `timeout` of a query, in milliseconds.
    pub query_timeout_ms: Option<u64>,
    /// Names and series that are asked for at most; `None`: all.
    pub series_limit: Option<u64>,
    /// Whether the tokens of the user who asks are sent instead of `auth`.
    pub forward_identity: bool,
}

/// Who we are for Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrometheusAuth {
    /// No credentials.
    None,
    /// HTTP basic authentication.
    Basic {
        /// The user.
        user: String,
        /// The password; `None`: an empty one.
        password: Option<Secret>,
    },
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// A token of Microsoft Entra ID, for an Azure Monitor workspace.
    Azure(AzureCredentials),
}

/// How a token of Entra ID is got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureCredentials {
    /// `None`: the one that the environment names, else the public one.
    pub cloud: Option<AzureCloud>,
    /// Who logs in.
    pub login: AzureLogin,
}

/// Azure's separate worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzureCloud {
    /// The public cloud.
    Public,
    /// The cloud of the government of the United States.
    UsGovernment,
    /// The cloud in China.
    China,
}

/// Who logs in. Where an id is `None`, the environment names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AzureLogin {
    /// An application with its secret.
    ClientSecret {
        /// The tenant's id.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// The application's secret.
        secret: Secret,
    },
    /// The workload identity of Grafana's pod.
    WorkloadIdentity {
        /// The tenant's id.
        tenant_id: Option<String>,
        /// The identity's id.
        client_id: Option<String>,
    },
    /// The managed identity of Grafana's machine.
    ManagedIdentity {
        /// The identity's id.
        client_id: Option<String>,
    },
}

/// TLS towards Prometheus; whether it is used, its URL says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrometheusTls {
    /// Trust any certificate.
    pub skip_verify: bool,
    /// Name to expect in the certificate instead of the URL's host.
    pub server_name: Option<String>,
    /// PEM; `None`: the system's certificate authorities.
    pub ca_pem: Option<Secret>,
    /// PEM of client certificate and key.
    pub client: Option<(Secret, Secret)>,
}

/// How queries are sent to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// In the URL.
    Get,
    /// As a form in the body.
    Post,
}

/// Whether `url` stays on this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
