//! What a user configured: Grafana's stored settings, read into values that are right or named.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::secret::Secret;

const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_TIMEOUT_SECS: u64 = 600;
/// Prometheus' own default, and that of Grafana's Prometheus source.
const DEFAULT_SCRAPE_INTERVAL_MS: u64 = 15_000;

/// The settings as Grafana stores them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Relay's address.
    pub(crate) url: String,
    /// JSON object of everything that is no secret.
    pub(crate) json_data: Vec<u8>,
    /// Decrypted secrets that are not empty.
    pub(crate) secrets: BTreeMap<String, Secret>,
}

/// The settings as they are used.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `None`: no relay address given.
    pub(crate) relay: Option<RelaySettings>,
    /// `None`: no Prometheus URL given.
    pub(crate) prometheus: Option<PrometheusSettings>,
    /// Name of the cluster, when the user gave one.
    pub(crate) cluster: Option<String>,
}

/// How to reach Hubble Relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelaySettings {
    /// As the user wrote it; `tls://` in front turns TLS on.
    pub(crate) address: String,
    /// `None`: plain text.
    pub(crate) tls: Option<RelayTls>,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
}

/// TLS towards the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelayTls {
    /// Trust any certificate.
    pub(crate) skip_verify: bool,
    /// Name to expect in the certificate instead of the address' host.
    pub(crate) server_name: Option<String>,
    /// PEM; `None`: the system's certificate authorities.
    pub(crate) ca_pem: Option<Secret>,
    /// PEM of client certificate and key.
    pub(crate) client: Option<(Secret, Secret)>,
}

/// How to reach Prometheus.
#[derive(Debug, Clone)]
pub(crate) struct PrometheusSettings {
    /// Base URL; `/api/v1/…` is appended.
    pub(crate) url: Url,
    pub(crate) auth: PrometheusAuth,
    pub(crate) method: HttpMethod,
    pub(crate) scrape_interval_ms: u64,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
}

/// Who we are for Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PrometheusAuth {
    /// Nobody.
    None,
    /// HTTP basic authentication.
    Basic { user: String, password: Option<Secret> },
    /// `Authorization: Bearer …`.
    Bearer(Secret),
}

/// How queries are sent to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HttpMethod {
    /// In the URL.
    Get,
    /// As a form in the body.
    Post,
}

/// Settings that cannot be used, in words that name the field.
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
        "the Prometheus URL holds a user name or password: take away what stands before `@`, and use \
         basic authentication"
    )]
    PrometheusUrlCredentials,
    #[error("Prometheus authentication `{auth}` is unknown: use `none`, `basic` or `bearer`")]
    PrometheusAuth { auth: String },
    #[error("Prometheus authentication is `bearer`, but the token is empty")]
    PrometheusToken,
    #[error("Prometheus authentication is `basic`, but the user is empty")]
    PrometheusUser,
    #[error("HTTP method `{method}` is unknown: use `POST` or `GET`")]
    HttpMethod { method: String },
    #[error("scrape interval `{interval}` is not a duration such as `15s`")]
    ScrapeInterval { interval: String },
    #[error("`{field}` is {secs} s: use 1 to {MAX_TIMEOUT_SECS} s")]
    Timeout { field: &'static str, secs: u64 },
}

impl Settings {
    /// Reads what Grafana stored. Unknown fields are Grafana's own business and skipped.
    ///
    /// Errors: [`InvalidSettings`].
    pub(crate) fn read(stored: &Stored) -> Result<Self, InvalidSettings> {
        let json: JsonData = match stored.json_data.trim_ascii() {
            b"" | b"null" => JsonData::default(),
            object if object.starts_with(b"{") => {
                serde_json::from_slice(object).map_err(InvalidSettings::Json)?
            }
            _ => return Err(InvalidSettings::NoObject),
        };
        let timeouts = Timeouts::read(&json)?;
        Ok(Self {
            relay: read_relay(stored, &json, timeouts)?,
            prometheus: read_prometheus(stored, &json, timeouts)?,
            cluster: non_empty(json.cluster.as_ref()),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "Grafana's own switches, one by one")]
struct JsonData {
    #[serde(deserialize_with = "flag")]
    tls: bool,
    #[serde(deserialize_with = "flag")]
    tls_skip_verify: bool,
    server_name: Option<String>,
    #[serde(deserialize_with = "flag")]
    tls_auth: bool,
    #[serde(rename = "tlsAuthWithCACert", deserialize_with = "flag")]
    tls_auth_with_ca_cert: bool,
    prometheus_url: Option<String>,
    prometheus_auth: Option<String>,
    prometheus_user: Option<String>,
    time_interval: Option<String>,
    http_method: Option<String>,
    #[serde(deserialize_with = "whole_number")]
    connect_timeout_secs: Option<u64>,
    #[serde(deserialize_with = "whole_number")]
    request_timeout_secs: Option<u64>,
    cluster: Option<String>,
}

#[derive(Clone, Copy)]
struct Timeouts {
    connect: Duration,
    request: Duration,
}

impl Timeouts {
    fn read(json: &JsonData) -> Result<Self, InvalidSettings> {
        let read = |field, secs: Option<u64>, default| match secs {
            // An emptied number field arrives as 0.
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
    stored: &Stored,
    json: &JsonData,
    timeouts: Timeouts,
) -> Result<Option<RelaySettings>, InvalidSettings> {
    let url = stored.url.trim();
    if url.is_empty() {
        return Ok(None);
    }
    // What else the address may say is for the relay's client to read.
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

fn read_tls(stored: &Stored, json: &JsonData) -> Result<RelayTls, InvalidSettings> {
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

fn read_prometheus(
    stored: &Stored,
    json: &JsonData,
    timeouts: Timeouts,
) -> Result<Option<PrometheusSettings>, InvalidSettings> {
    let Some(text) = non_empty(json.prometheus_url.as_ref()) else {
        return Ok(None);
    };
    let url = Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| InvalidSettings::PrometheusUrl { url: without_userinfo(&text) })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidSettings::PrometheusUrlCredentials);
    }
    let secret = |name: &str| stored.secrets.get(name).cloned();
    let auth = match non_empty(json.prometheus_auth.as_ref()).as_deref() {
        None | Some("none") => PrometheusAuth::None,
        Some("basic") => PrometheusAuth::Basic {
            user: non_empty(json.prometheus_user.as_ref())
                .ok_or(InvalidSettings::PrometheusUser)?,
            password: secret("prometheusPassword"),
        },
        Some("bearer") => PrometheusAuth::Bearer(
            secret("prometheusToken").ok_or(InvalidSettings::PrometheusToken)?,
        ),
        Some(auth) => return Err(InvalidSettings::PrometheusAuth { auth: auth.to_owned() }),
    };
    let method = match non_empty(json.http_method.as_ref()).as_deref() {
        None | Some("POST") => HttpMethod::Post,
        Some("GET") => HttpMethod::Get,
        Some(method) => {
            return Err(InvalidSettings::HttpMethod { method: method.to_owned() });
        }
    };
    let scrape_interval_ms = match non_empty(json.time_interval.as_ref()) {
        None => DEFAULT_SCRAPE_INTERVAL_MS,
        Some(interval) => crate::prometheus::duration::parse_ms(&interval)
            .filter(|interval_ms| *interval_ms > 0)
            .ok_or(InvalidSettings::ScrapeInterval { interval })?,
    };
    Ok(Some(PrometheusSettings {
        url,
        auth,
        method,
        scrape_interval_ms,
        connect_timeout: timeouts.connect,
        request_timeout: timeouts.request,
    }))
}

fn non_empty(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A URL may carry `user:password@`, which no message may repeat.
fn without_userinfo(url: &str) -> String {
    match url.rsplit_once('@') {
        None => url.to_owned(),
        Some((_, rest)) => format!("…@{rest}"),
    }
}

/// A number, or a string with one: provisioning files expand `$VAR` to strings.
fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    struct WholeNumber;
    impl Visitor<'_> for WholeNumber {
        type Value = Option<u64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }

        fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
            Ok(Some(number))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            match text.trim() {
                "" => Ok(None),
                text => text
                    .parse()
                    .map(Some)
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self)),
            }
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(WholeNumber)
}

/// A boolean, or a string with one.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct Flag;
    impl Visitor<'_> for Flag {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true or false")
        }

        fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
            Ok(flag)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            match text.trim() {
                "true" => Ok(true),
                "false" | "" => Ok(false),
                text => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
            }
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(false)
        }
    }
    deserializer.deserialize_any(Flag)
}

#[cfg(test)]
mod tests;
