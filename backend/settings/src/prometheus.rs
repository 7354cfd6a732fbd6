//! Settings of Prometheus. Names are the same as in Grafana's own Prometheus source.

use ::prometheus::duration::parse_ms;
use ::prometheus::{HttpMethod, PrometheusAuth, PrometheusSettings, PrometheusTls};
use entra::{AzureCloud, AzureCredentials, AzureLogin, is_loopback};
use http::{HeaderName, HeaderValue, header};
use reqwest::Url;

use crate::json::{AzureJson, JsonData};
use crate::{InvalidSettings, StoredSettings, Timeouts, non_empty};

/// Default of Prometheus, and of Grafana's Prometheus source.
const DEFAULT_SCRAPE_INTERVAL_MS: u64 = 15_000;
const DEFAULT_RESPONSE_LIMIT_MIB: u64 = 64;
/// Maximum response size: an answer takes about three times its size in memory, and ten may run at
/// once.
const MAX_RESPONSE_LIMIT_MIB: u64 = 512;
/// Grafana's own default.
const DEFAULT_SERIES_LIMIT: u64 = 40_000;
const MAX_SERIES_LIMIT: u64 = 1_000_000;
const MAX_CUSTOM_HEADERS: usize = 64;
/// Hosts of Azure Monitor workspaces.
const AZURE_HOSTS: [&str; 3] =
    ["prometheus.monitor.azure.com", "prometheus.monitor.azure.us", "prometheus.monitor.azure.cn"];

/// Whether the browser sends PromQL to another data source.
pub(crate) fn is_delegated(json: &JsonData) -> bool {
    non_empty(json.prometheus_datasource_uid.as_ref()).is_some()
}

/// Reads the Prometheus part; `None`: no URL is set.
///
/// Errors: [`InvalidSettings`].
pub(crate) fn read(
    stored: &StoredSettings,
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
    let auth = auth(stored, json)?;
    if let PrometheusAuth::Azure(credentials) = &auth {
        check_azure_url(&url, &credentials.login)?;
    }
    let method = match non_empty(json.http_method.as_ref()).as_deref() {
        None | Some("POST") => HttpMethod::Post,
        Some("GET") => HttpMethod::Get,
        Some(method) => {
            return Err(InvalidSettings::HttpMethod { method: method.to_owned() });
        }
    };
    let scrape_interval_ms = match non_empty(json.time_interval.as_ref()) {
        None => DEFAULT_SCRAPE_INTERVAL_MS,
        Some(interval) => parse_ms(&interval)
            .filter(|interval_ms| *interval_ms > 0)
            .ok_or(InvalidSettings::ScrapeInterval { interval })?,
    };
    let query_timeout_ms = match non_empty(json.query_timeout.as_ref()) {
        None => None,
        Some(timeout) => Some(
            parse_ms(&timeout)
                .filter(|timeout_ms| *timeout_ms > 0)
                .ok_or(InvalidSettings::QueryTimeout(timeout))?,
        ),
    };
    Ok(Some(PrometheusSettings {
        url,
        auth,
        tls: tls(stored, json)?,
        method,
        scrape_interval_ms,
        connect_timeout: timeouts.connect,
        request_timeout: timeouts.request,
        response_limit_bytes: response_limit_bytes(json)?,
        custom_parameters: custom_parameters(json)?,
        custom_headers: custom_headers(stored, json)?,
        query_timeout_ms,
        series_limit: series_limit(json)?,
        forward_identity: json.oauth_pass_thru,
    }))
}

fn auth(stored: &StoredSettings, json: &JsonData) -> Result<PrometheusAuth, InvalidSettings> {
    let secret = |name: &str| stored.secrets.get(name).cloned();
    match non_empty(json.prometheus_auth.as_ref()).as_deref() {
        None | Some("none") => Ok(PrometheusAuth::None),
        Some("basic") => Ok(PrometheusAuth::Basic {
            user: non_empty(json.prometheus_user.as_ref())
                .ok_or(InvalidSettings::PrometheusUser)?,
            password: secret("prometheusPassword"),
        }),
        Some("bearer") => {
            let token = secret("prometheusToken").ok_or(InvalidSettings::PrometheusToken)?;
            Ok(PrometheusAuth::Bearer(token))
        }
        Some("azure") => azure(stored, &json.azure_credentials).map(PrometheusAuth::Azure),
        Some(auth) => Err(InvalidSettings::PrometheusAuth { auth: auth.to_owned() }),
    }
}

/// The identity of Azure, which the Kubernetes API is asked with, too.
///
/// Errors: [`InvalidSettings`].
pub(crate) fn azure(
    stored: &StoredSettings,
    json: &AzureJson,
) -> Result<AzureCredentials, InvalidSettings> {
    let cloud = match non_empty(json.azure_cloud.as_ref()).as_deref() {
        None => None,
        Some("AzureCloud") => Some(AzureCloud::Public),
        Some("AzureUSGovernment") => Some(AzureCloud::UsGovernment),
        Some("AzureChinaCloud") => Some(AzureCloud::China),
        Some(cloud) => return Err(InvalidSettings::AzureCloud { cloud: cloud.to_owned() }),
    };
    let tenant_id = non_empty(json.tenant_id.as_ref());
    let client_id = non_empty(json.client_id.as_ref());
    let login = match non_empty(json.auth_type.as_ref()).as_deref() {
        None | Some("clientsecret") => {
            let missing = |missing| InvalidSettings::AzureClientSecret { missing };
            AzureLogin::ClientSecret {
                tenant_id: tenant_id.ok_or(missing("the tenant ID"))?,
                client_id: client_id.ok_or(missing("the client ID"))?,
                secret: stored
                    .secrets
                    .get("azureClientSecret")
                    .cloned()
                    .ok_or(missing("the client secret"))?,
            }
        }
        Some("workloadidentity") => AzureLogin::WorkloadIdentity { tenant_id, client_id },
        Some("msi") => AzureLogin::ManagedIdentity { client_id },
        Some(auth_type) => {
            return Err(InvalidSettings::AzureAuthType { auth_type: auth_type.to_owned() });
        }
    };
    Ok(AzureCredentials { cloud, login })
}

/// Checks that a machine's identity is sent only to Azure. Otherwise a user who may edit a data
/// source could have the identity of Grafana's machine sent to a host of their own.
fn check_azure_url(url: &Url, login: &AzureLogin) -> Result<(), InvalidSettings> {
    if is_loopback(url) {
        return Ok(());
    }
    if url.scheme() != "https" {
        return Err(InvalidSettings::AzurePlainHttp);
    }
    let host = url.host_str().unwrap_or_default();
    let is_azure = AZURE_HOSTS
        .iter()
        .any(|azure| host.strip_suffix(azure).is_some_and(|rest| rest.ends_with('.')));
    match login {
        AzureLogin::ClientSecret { .. } => Ok(()),
        _ if is_azure => Ok(()),
        _ => Err(InvalidSettings::AzureHost { host: host.to_owned() }),
    }
}

fn tls(stored: &StoredSettings, json: &JsonData) -> Result<PrometheusTls, InvalidSettings> {
    let secret = |name: &str| stored.secrets.get(name).cloned();
    let ca_pem = if json.prometheus_tls_auth_with_ca_cert {
        Some(secret("prometheusTlsCACert").ok_or(InvalidSettings::PrometheusCaCertificate)?)
    } else {
        None
    };
    let client = if json.prometheus_tls_auth {
        let missing = |missing| InvalidSettings::PrometheusClientCertificate { missing };
        let certificate =
            secret("prometheusTlsClientCert").ok_or(missing("the client certificate"))?;
        let key = secret("prometheusTlsClientKey").ok_or(missing("the client key"))?;
        Some((certificate, key))
    } else {
        None
    };
    Ok(PrometheusTls {
        skip_verify: json.prometheus_tls_skip_verify,
        server_name: non_empty(json.prometheus_server_name.as_ref()),
        ca_pem,
        client,
    })
}

fn response_limit_bytes(json: &JsonData) -> Result<usize, InvalidSettings> {
    let limit_mib = match json.prometheus_response_limit_mib {
        // Grafana stores 0 for an emptied number field.
        None | Some(0) => DEFAULT_RESPONSE_LIMIT_MIB,
        Some(limit_mib) => limit_mib,
    };
    if limit_mib > MAX_RESPONSE_LIMIT_MIB {
        return Err(InvalidSettings::OutOfRange {
            field: "prometheusResponseLimitMib",
            value: limit_mib,
            max: MAX_RESPONSE_LIMIT_MIB,
        });
    }
    Ok(usize::try_from(limit_mib << 20).unwrap_or(usize::MAX))
}

/// Maximum number of series; 0 means no limit, as in Grafana.
fn series_limit(json: &JsonData) -> Result<Option<u64>, InvalidSettings> {
    match json.series_limit.unwrap_or(DEFAULT_SERIES_LIMIT) {
        0 => Ok(None),
        limit if limit <= MAX_SERIES_LIMIT => Ok(Some(limit)),
        value => {
            Err(InvalidSettings::OutOfRange { field: "seriesLimit", value, max: MAX_SERIES_LIMIT })
        }
    }
}

fn custom_parameters(json: &JsonData) -> Result<Vec<(String, String)>, InvalidSettings> {
    let Some(text) = non_empty(json.custom_query_parameters.as_ref()) else {
        return Ok(Vec::new());
    };
    let encoded = text.trim_start_matches(['?', '&']);
    let parameters: Vec<(String, String)> = form_urlencoded::parse(encoded.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if parameters.is_empty() || parameters.iter().any(|(name, _)| name.is_empty()) {
        return Err(InvalidSettings::CustomQueryParameters(text));
    }
    Ok(parameters)
}

fn custom_headers(
    stored: &StoredSettings,
    json: &JsonData,
) -> Result<Vec<(HeaderName, HeaderValue)>, InvalidSettings> {
    let mut headers = Vec::new();
    for (key, name) in &json.others {
        let Some(number) = key.strip_prefix("httpHeaderName") else { continue };
        let name = name.as_str().unwrap_or_default().trim();
        if name.is_empty() {
            continue;
        }
        let invalid = |problem| InvalidSettings::CustomHeader { name: name.to_owned(), problem };
        if headers.len() >= MAX_CUSTOM_HEADERS {
            return Err(invalid("exceeds the limit of 64 headers"));
        }
        let header =
            HeaderName::try_from(name).map_err(|_| invalid("is not a valid header name"))?;
        if [header::HOST, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::TRANSFER_ENCODING]
            .contains(&header)
        {
            return Err(invalid("is set by the request itself"));
        }
        let secret = stored
            .secrets
            .get(&format!("httpHeaderValue{number}"))
            .ok_or_else(|| invalid("has no value"))?;
        let mut value = HeaderValue::try_from(secret.reveal())
            .map_err(|_| invalid("has a value that a header cannot hold"))?;
        value.set_sensitive(true);
        headers.push((header, value));
    }
    Ok(headers)
}

/// The URL without `user:password@`, which must not appear in messages.
fn without_userinfo(url: &str) -> String {
    match url.rsplit_once('@') {
        None => url.to_owned(),
        Some((_, rest)) => format!("…@{rest}"),
    }
}
