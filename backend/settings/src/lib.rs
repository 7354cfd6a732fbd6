//! A data source's settings: Grafana's stored form, read into checked values. The crate does no IO.

mod json;
mod policies;
mod prometheus;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use ::prometheus::PrometheusSettings;
use cluster_state::{InvalidAccess, InvalidKubeconfig};
use relay::{RelaySettings, RelayTls};
use secret::Secret;

use self::json::JsonData;
pub use self::policies::PolicySettings;

const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_TIMEOUT_SECS: u64 = 600;

/// The settings as Grafana stores them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredSettings {
    /// Address of the relay.
    pub url: String,
    /// JSON object of all settings that are not secrets.
    pub json_data: Vec<u8>,
    /// Decrypted secrets that are not empty.
    pub secrets: BTreeMap<String, Secret>,
}

/// The settings after reading.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The relay; `None`: no address is set.
    pub relay: Option<RelaySettings>,
    /// Prometheus; `None`: no URL is set.
    pub prometheus: Option<PrometheusSettings>,
    /// Whether the browser sends PromQL to another data source of Grafana; alert rules cannot.
    pub delegates_promql: bool,
    /// Name of the cluster, if set.
    pub cluster: Option<String>,
    /// Completeness of the answers that alert rules need.
    pub alerts: AlertSettings,
    /// Whether queries may hold CEL expressions. A source from before the field existed keeps them; the
    /// configuration page writes the field into each new source.
    pub allows_cel: bool,
    /// Places of the network policies.
    pub policies: PolicySettings,
}

/// Reason why settings cannot be used; the text names the field.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// `jsonData` is not an object.
    #[error("jsonData of this data source is not a JSON object")]
    NoObject,
    /// `jsonData` has a field of another type.
    #[error("jsonData of this data source cannot be read")]
    Json(#[source] serde_json::Error),
    /// TLS client authentication without its certificate or key.
    #[error("TLS client authentication is on, but {missing} is empty")]
    ClientCertificate {
        /// Name of the missing part.
        missing: &'static str,
    },
    /// An own authority without its certificate.
    #[error("`With CA certificate` is on, but the CA certificate is empty")]
    CaCertificate,
    /// A URL that is not one of HTTP.
    #[error("Prometheus URL `{url}` is not an `http://` or `https://` URL")]
    PrometheusUrl {
        /// URL as given, without user and password.
        url: String,
    },
    /// A user name or password in the URL.
    #[error(
        "the Prometheus URL holds a user name or password: remove the part before `@`, and use \
         basic authentication"
    )]
    PrometheusUrlCredentials,
    /// An unknown kind of authentication.
    #[error(
        "Prometheus authentication `{auth}` is unknown: use `none`, `basic`, `bearer` or `azure`"
    )]
    PrometheusAuth {
        /// Kind as given.
        auth: String,
    },
    /// A bearer token that is missing.
    #[error("Prometheus authentication is `bearer`, but the token is empty")]
    PrometheusToken,
    /// Basic authentication without a user.
    #[error("Prometheus authentication is `basic`, but the user is empty")]
    PrometheusUser,
    /// TLS client authentication of Prometheus without its certificate or key.
    #[error("Prometheus: TLS client authentication is on, but {missing} is empty")]
    PrometheusClientCertificate {
        /// Name of the missing part.
        missing: &'static str,
    },
    /// An own authority of Prometheus without its certificate.
    #[error("Prometheus: `With CA certificate` is on, but the CA certificate is empty")]
    PrometheusCaCertificate,
    /// A number out of its range.
    #[error("`{field}` is `{value}`: use 1 to {max}")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// Number as given.
        value: u64,
        /// Largest number.
        max: u64,
    },
    /// A share that is not a percentage.
    #[error("`alertsMaxLostPercent` is `{value}`: use 0 to 100")]
    LostPercent {
        /// Number as given.
        value: u64,
    },
    /// Parameters of another form.
    #[error("custom query parameters `{0}` are not of the form `name=value&other=value`")]
    CustomQueryParameters(String),
    /// A timeout that is not a duration.
    #[error("query timeout `{0}` is not a duration such as `60s`")]
    QueryTimeout(String),
    /// A header that cannot be sent.
    #[error("custom header `{name}` {problem}")]
    CustomHeader {
        /// Name of the header.
        name: String,
        /// Reason, as the end of a sentence.
        problem: &'static str,
    },
    /// An unknown cloud of Azure.
    #[error(
        "Azure cloud `{cloud}` is unknown: use `AzureCloud`, `AzureUSGovernment` or `AzureChinaCloud`"
    )]
    AzureCloud {
        /// Cloud as given.
        cloud: String,
    },
    /// An unknown kind of identity of Azure.
    #[error(
        "Azure authentication type `{auth_type}` is unknown: use `clientsecret`, `workloadidentity` or `msi`"
    )]
    AzureAuthType {
        /// Kind as given.
        auth_type: String,
    },
    /// A login of an application that lacks a part.
    #[error("Azure authentication with a client secret is on, but {missing} is empty")]
    AzureClientSecret {
        /// Name of the missing part.
        missing: &'static str,
    },
    /// A token of Azure over plain HTTP.
    #[error(
        "Azure authentication needs an `https://` Prometheus URL: a token must not travel in the clear"
    )]
    AzurePlainHttp,
    /// The machine's identity for another host than Azure's.
    #[error(
        "the identity of this machine or pod is sent only to Azure Monitor, and `{host}` is not below `prometheus.monitor.azure.com`, `.us` or `.cn`: use a client secret for other hosts"
    )]
    AzureHost {
        /// Host of the URL.
        host: String,
    },
    /// An unknown way to the Kubernetes API.
    #[error(
        "access to the Kubernetes API `{access}` is unknown: use `serviceaccount`, `kubeconfig`, `token` or `azure`"
    )]
    KubernetesAccess {
        /// Way as given.
        access: String,
    },
    /// Access to the Kubernetes API that lacks a part.
    #[error("access to the Kubernetes API is `{access}`, but {missing} is empty")]
    KubernetesMissing {
        /// Way as given.
        access: &'static str,
        /// Name of the missing part.
        missing: &'static str,
    },
    /// A kubeconfig that cannot be used.
    #[error("network policies: the kubeconfig cannot be used")]
    Kubeconfig(#[from] InvalidKubeconfig),
    /// An API server that cannot be asked.
    #[error("network policies: the API server cannot be asked")]
    KubernetesServer(#[from] InvalidAccess),
    /// An unknown method.
    #[error("HTTP method `{method}` is unknown: use `POST` or `GET`")]
    HttpMethod {
        /// Method as given.
        method: String,
    },
    /// An interval that is not a duration.
    #[error("scrape interval `{interval}` is not a duration such as `15s`")]
    ScrapeInterval {
        /// Interval as given.
        interval: String,
    },
    /// A time limit out of its range.
    #[error("`{field}` is {secs} s: use 1 to {MAX_TIMEOUT_SECS} s")]
    Timeout {
        /// Name of the field.
        field: &'static str,
        /// Seconds as given.
        secs: u64,
    },
}

impl Settings {
    /// Reads the stored settings. Unknown fields belong to Grafana and are skipped.
    ///
    /// Errors: [`InvalidSettings`].
    pub fn read(stored: &StoredSettings) -> Result<Self, InvalidSettings> {
        let object = match stored.json_data.trim_ascii() {
            b"" | b"null" => b"{}",
            object if object.starts_with(b"{") => object,
            _ => return Err(InvalidSettings::NoObject),
        };
        let json: JsonData = serde_json::from_slice(object).map_err(InvalidSettings::Json)?;
        let timeouts = Timeouts::read(&json)?;
        let cluster = non_empty(json.cluster.as_ref());
        Ok(Self {
            relay: read_relay(stored, &json, timeouts)?,
            prometheus: prometheus::read(stored, &json, timeouts)?,
            delegates_promql: prometheus::is_delegated(&json),
            cluster,
            alerts: AlertSettings::read(&json)?,
            allows_cel: json.allow_cel_expressions.unwrap_or(true),
            policies: policies::read(stored, json)?,
        })
    }
}

/// Default of the maximum share of lost events that an alert rule tolerates, in percent.
const DEFAULT_MAX_LOST_PERCENT: u64 = 5;

/// Completeness of the answers that alert rules need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertSettings {
    /// Whether rules are evaluated over incomplete answers, too.
    pub count_incomplete: bool,
    /// Maximum share of lost events, in percent: 0 to 100.
    pub max_lost_percent: u8,
}

impl AlertSettings {
    fn read(json: &JsonData) -> Result<Self, InvalidSettings> {
        let value = json.alerts_max_lost_percent.unwrap_or(DEFAULT_MAX_LOST_PERCENT);
        let percent = u8::try_from(value).ok().filter(|percent| *percent <= 100);
        let max_lost_percent = percent.ok_or(InvalidSettings::LostPercent { value })?;
        Ok(Self { count_incomplete: json.alerts_count_incomplete, max_lost_percent })
    }
}

#[derive(Clone, Copy)]
struct Timeouts {
    connect: Duration,
    request: Duration,
}

impl Timeouts {
    fn read(json: &JsonData) -> Result<Self, InvalidSettings> {
        let read = |field, secs: Option<u64>, default| match secs {
            // Grafana stores 0 for an emptied number field.
            None | Some(0) => Ok(default),
            Some(secs) if secs <= MAX_TIMEOUT_SECS => Ok(Duration::from_secs(secs)),
            Some(secs) => Err(InvalidSettings::Timeout { field, secs }),
        };
        Ok(Self {
            connect: read(
                "connectTimeoutSecs",
                json.connect_timeout_secs,
                DEFAULT_CONNECT_TIMEOUT,
            )?,
            request: read(
                "requestTimeoutSecs",
                json.request_timeout_secs,
                DEFAULT_REQUEST_TIMEOUT,
            )?,
        })
    }
}

fn read_relay(
    stored: &StoredSettings,
    json: &JsonData,
    timeouts: Timeouts,
) -> Result<Option<RelaySettings>, InvalidSettings> {
    let url = stored.url.trim();
    if url.is_empty() {
        return Ok(None);
    }
    // The relay's client reads the rest of the address.
    let tls_by_scheme = ["tls://", "https://"].iter().any(|scheme| {
        url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let tls = if json.tls || tls_by_scheme { Some(read_tls(stored, json)?) } else { None };
    Ok(Some(RelaySettings {
        address: url.to_owned(),
        tls,
        connect_timeout: timeouts.connect,
        request_timeout: timeouts.request,
    }))
}

fn read_tls(stored: &StoredSettings, json: &JsonData) -> Result<RelayTls, InvalidSettings> {
    let secret = |name: &str| stored.secrets.get(name).cloned();
    let ca_pem = if json.tls_auth_with_ca_cert {
        Some(secret("tlsCACert").ok_or(InvalidSettings::CaCertificate)?)
    } else {
        None
    };
    let client = if json.tls_auth {
        let missing = |missing| InvalidSettings::ClientCertificate { missing };
        let certificate = secret("tlsClientCert").ok_or(missing("the client certificate"))?;
        let key = secret("tlsClientKey").ok_or(missing("the client key"))?;
        Some((certificate, key))
    } else {
        None
    };
    Ok(RelayTls {
        skip_verify: json.tls_skip_verify,
        server_name: non_empty(json.server_name.as_ref()),
        ca_pem,
        client,
    })
}

fn non_empty(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}
