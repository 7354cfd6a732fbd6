//! A data source's settings: Grafana's stored form, read into checked values.

mod json;
mod policies;
mod prometheus;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use ::prometheus::PrometheusSettings;
use execution::RequiredCompleteness;
use relay::{RelaySettings, RelayTls};
use secret::Secret;

use self::json::JsonData;
use crate::policies::PolicySource;

const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_TIMEOUT_SECS: u64 = 600;

/// The settings as Grafana stores them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoredSettings {
    /// Address of the relay.
    pub(crate) url: String,
    /// JSON object of all settings that are not secrets.
    pub(crate) json_data: Vec<u8>,
    /// Decrypted secrets that are not empty.
    pub(crate) secrets: BTreeMap<String, Secret>,
}

/// The settings after reading.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The relay; `None`: no address is set.
    pub(crate) relay: Option<RelaySettings>,
    /// Prometheus; `None`: no URL is set.
    pub(crate) prometheus: Option<PrometheusSettings>,
    /// Whether the browser sends PromQL to another data source of Grafana; alert rules cannot.
    pub(crate) delegates_promql: bool,
    /// Name of the cluster, if set.
    pub(crate) cluster: Option<String>,
    /// Completeness that alert rules need.
    pub(crate) alert_rules: RequiredCompleteness,
    /// Places of the network policies.
    pub(crate) policies: PolicySource,
}

/// Reason why settings cannot be used; the text names the field.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidSettings {
    #[error("jsonData of this data source is not a JSON object")]
    NoObject,
    #[error("jsonData of this data source cannot be read")]
    Json(#[source] serde_json::Error),
    #[error("TLS client authentication is on, but {missing} is empty")]
    ClientCertificate { missing: &'static str },
    #[error("`With CA certificate` is on, but the CA certificate is empty")]
    CaCertificate,
    #[error("Prometheus URL `{url}` is not an `http://` or `https://` URL")]
    PrometheusUrl { url: String },
    #[error(
        "the Prometheus URL holds a user name or password: remove the part before `@`, and use \
         basic authentication"
    )]
    PrometheusUrlCredentials,
    #[error(
        "Prometheus authentication `{auth}` is unknown: use `none`, `basic`, `bearer` or `azure`"
    )]
    PrometheusAuth { auth: String },
    #[error("Prometheus authentication is `bearer`, but the token is empty")]
    PrometheusToken,
    #[error("Prometheus authentication is `basic`, but the user is empty")]
    PrometheusUser,
    #[error("Prometheus: TLS client authentication is on, but {missing} is empty")]
    PrometheusClientCertificate { missing: &'static str },
    #[error("Prometheus: `With CA certificate` is on, but the CA certificate is empty")]
    PrometheusCaCertificate,
    #[error("`{field}` is `{value}`: use 1 to {max}")]
    OutOfRange { field: &'static str, value: u64, max: u64 },
    #[error("`alertsMaxLostPercent` is `{value}`: use 0 to 100")]
    LostPercent { value: u64 },
    #[error("custom query parameters `{0}` are not of the form `name=value&other=value`")]
    CustomQueryParameters(String),
    #[error("query timeout `{0}` is not a duration such as `60s`")]
    QueryTimeout(String),
    #[error("custom header `{name}` {problem}")]
    CustomHeader { name: String, problem: &'static str },
    #[error(
        "Azure cloud `{cloud}` is unknown: use `AzureCloud`, `AzureUSGovernment` or `AzureChinaCloud`"
    )]
    AzureCloud { cloud: String },
    #[error(
        "Azure authentication type `{auth_type}` is unknown: use `clientsecret`, `workloadidentity` or `msi`"
    )]
    AzureAuthType { auth_type: String },
    #[error("Azure authentication with a client secret is on, but {missing} is empty")]
    AzureClientSecret { missing: &'static str },
    #[error(
        "Azure authentication needs an `https://` Prometheus URL: a token must not travel in the clear"
    )]
    AzurePlainHttp,
    #[error(
        "the identity of this machine or pod is sent only to Azure Monitor, and `{host}` is not below `prometheus.monitor.azure.com`, `.us` or `.cn`: use a client secret for other hosts"
    )]
    AzureHost { host: String },
    #[error("HTTP method `{method}` is unknown: use `POST` or `GET`")]
    HttpMethod { method: String },
    #[error("scrape interval `{interval}` is not a duration such as `15s`")]
    ScrapeInterval { interval: String },
    #[error("`{field}` is {secs} s: use 1 to {MAX_TIMEOUT_SECS} s")]
    Timeout { field: &'static str, secs: u64 },
}

impl Settings {
    /// Reads the stored settings. Unknown fields belong to Grafana and are skipped.
    ///
    /// Errors: [`InvalidSettings`].
    pub(crate) fn read(stored: &StoredSettings) -> Result<Self, InvalidSettings> {
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
            alert_rules: read_alert_rules(&json)?,
            policies: policies::read(json),
        })
    }
}

/// Maximum share of lost events that an alert rule tolerates, in percent: 0 to 100.
const DEFAULT_MAX_LOST_PERCENT: u64 = 5;

fn read_alert_rules(json: &JsonData) -> Result<RequiredCompleteness, InvalidSettings> {
    let percent = json.alerts_max_lost_percent.unwrap_or(DEFAULT_MAX_LOST_PERCENT);
    let percent = u8::try_from(percent).ok().filter(|percent| *percent <= 100);
    let Some(percent) = percent else {
        let value = json.alerts_max_lost_percent.unwrap_or_default();
        return Err(InvalidSettings::LostPercent { value });
    };
    Ok(if json.alerts_count_incomplete {
        RequiredCompleteness::Any
    } else {
        RequiredCompleteness::Whole { max_lost_share: f64::from(percent) / 100.0 }
    })
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
