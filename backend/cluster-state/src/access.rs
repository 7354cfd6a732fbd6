//! The ways to an API server.

use std::path::PathBuf;

use entra::{AzureCredentials, AzureLogin, is_loopback};
use reqwest::Url;
use secret::Secret;

/// Hosts of the API servers of AKS clusters. Source: Microsoft, "Outbound network and FQDN rules for AKS".
const AKS_HOSTS: [&str; 3] = ["azmk8s.io", "cx.aks.containerservice.azure.us", "azk8s.cn"];

/// The folder in which Kubernetes mounts a pod's own account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A way to an API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterAccess {
    /// The cluster in which this process runs, by the service account of its pod.
    InCluster(ServiceAccount),
    /// Any server.
    Server(ServerAccess),
}

/// The account of this process' pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Folder with `token` and `ca.crt`.
    pub folder: PathBuf,
    /// Base URL of the API server; `None`: that of the cluster in which this process runs.
    pub url: Option<Url>,
}

/// An API server, and the credentials for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAccess {
    /// Base URL.
    pub url: Url,
    /// Credentials.
    pub auth: ClusterAuth,
    /// Certificate authorities in PEM; `None` for those of this machine.
    pub ca_pem: Option<String>,
    /// Name expected in the certificate instead of the URL's host.
    pub server_name: Option<String>,
    /// Whether any certificate is accepted.
    pub skip_verify: bool,
}

/// Credentials for an API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterAuth {
    /// No credentials, as behind `kubectl proxy`.
    None,
    /// A bearer token.
    Token(Secret),
    /// A client certificate and its key, in PEM.
    Certificate(Secret, Secret),
    /// A token of Microsoft Entra ID.
    Azure(AzureCredentials),
}

/// The reason why a server is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccess {
    /// The URL is not one of HTTP.
    #[error("`{0}` is not the `https://` URL of an API server")]
    Url(String),
    /// A user name or password in the URL.
    #[error("the URL of the API server holds a user name or password: remove the part before `@`")]
    UrlCredentials,
    /// Credentials over plain HTTP.
    #[error(
        "the API server needs an `https://` URL: credentials must not travel in the clear, and `http://` is for `localhost` alone"
    )]
    PlainHttp,
    /// The machine's identity for another host than Azure's.
    #[error(
        "the identity of this machine or pod is sent only to API servers of AKS, and `{host}` is not below `azmk8s.io`, `cx.aks.containerservice.azure.us` or `azk8s.cn`: use a client secret for other hosts"
    )]
    AzureHost {
        /// The URL's host.
        host: String,
    },
}

impl Default for ServiceAccount {
    fn default() -> Self {
        Self { folder: PathBuf::from(SERVICE_ACCOUNT), url: None }
    }
}

impl ServerAccess {
    /// The access to the server of a URL.
    ///
    /// Errors: [`InvalidAccess`].
    pub fn new(url: &str, auth: ClusterAuth) -> Result<Self, InvalidAccess> {
        let shown = || InvalidAccess::Url(wording::quote(url.rsplit('@').next().unwrap_or(url)));
        let url = Url::parse(url.trim()).map_err(|_| shown())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(shown());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidAccess::UrlCredentials);
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(InvalidAccess::PlainHttp);
        }
        if let ClusterAuth::Azure(credentials) = &auth {
            check_azure_host(&url, &credentials.login)?;
        }
        Ok(Self { url, auth, ca_pem: None, server_name: None, skip_verify: false })
    }
}

/// Checks that a machine's identity is sent only to Azure; see the settings of Prometheus.
fn check_azure_host(url: &Url, login: &AzureLogin) -> Result<(), InvalidAccess> {
    let host = url.host_str().unwrap_or_default();
    let is_aks =
        AKS_HOSTS.iter().any(|own| host.strip_suffix(own).is_some_and(|rest| rest.ends_with('.')));
    match login {
        AzureLogin::ClientSecret { .. } => Ok(()),
        _ if is_aks || is_loopback(url) => Ok(()),
        _ => Err(InvalidAccess::AzureHost { host: host.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let machine = || {
            let login = AzureLogin::ManagedIdentity { client_id: None };
            ClusterAuth::Azure(AzureCredentials { cloud: None, login })
        };
        let check = |url: &str, auth: ClusterAuth, expect: &str| {
            let got = match ServerAccess::new(url, auth) {
                Ok(access) => access.url.to_string(),
                Err(error) => error.to_string(),
            };
            assert!(got.starts_with(expect), "{url}: {got}");
        };
        check("https://api.example:6443", ClusterAuth::None, "https://api.example:6443/");
        check(" https://rancher/k8s/clusters/c-1 ", ClusterAuth::None, "https://rancher/k8s/");
        check("http://127.0.0.1:8001", ClusterAuth::None, "http://127.0.0.1:8001/");
        check("http://api.example", ClusterAuth::None, "the API server needs an `https://` URL");
        check("https://u:hunter2@api", ClusterAuth::None, "the URL of the API server holds a user");
        check("ftp://u:hunter2@api", ClusterAuth::None, "`api` is not the `https://` URL");
        check("api.example:6443", ClusterAuth::None, "`api.example:6443` is not");
        check("", ClusterAuth::None, "`` is not");
        check(
            "https://a.hcp.westeurope.azmk8s.io",
            machine(),
            "https://a.hcp.westeurope.azmk8s.io",
        );
        for host in ["evil.example", "azmk8s.io.evil.example", "xazmk8s.io"] {
            let expect = format!(
                "the identity of this machine or pod is sent only to API servers of AKS, and `{host}`"
            );
            check(&format!("https://{host}"), machine(), &expect);
        }
    }
}
