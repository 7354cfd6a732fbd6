//! Settings of an identity of Azure.

use reqwest::Url;
use secret::Secret;

/// Settings for tokens of Entra ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureCredentials {
    /// Cloud; `None` for that of the environment, or else the public one.
    pub cloud: Option<AzureCloud>,
    /// Identity to log in with.
    pub login: AzureLogin,
}

/// Separate clouds of Azure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzureCloud {
    /// Public cloud.
    Public,
    /// Cloud of the government of the United States.
    UsGovernment,
    /// Cloud in China.
    China,
}

/// Identity to log in with. An id of `None` is taken from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AzureLogin {
    /// Application with a secret.
    ClientSecret {
        /// Id of the tenant.
        tenant_id: String,
        /// Id of the application.
        client_id: String,
        /// Secret of the application.
        secret: Secret,
    },
    /// Workload identity of Grafana's pod.
    WorkloadIdentity {
        /// Id of the tenant.
        tenant_id: Option<String>,
        /// Id of the identity.
        client_id: Option<String>,
    },
    /// Managed identity of Grafana's machine.
    ManagedIdentity {
        /// Id of the identity.
        client_id: Option<String>,
    },
}

/// Whether `url` addresses this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
