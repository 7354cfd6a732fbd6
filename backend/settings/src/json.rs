//! The JSON in which Grafana stores a data source, read once. Provisioning files expand `$VAR` to
//! strings, so numbers and switches may be strings.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::Value;

/// `jsonData`: the fields of the relay, of Prometheus and of the policies. Names are the same as in
/// Grafana's own sources.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "Grafana's own switches, one by one")]
pub(crate) struct JsonData {
    #[serde(deserialize_with = "flag")]
    pub(crate) tls: bool,
    #[serde(deserialize_with = "flag")]
    pub(crate) tls_skip_verify: bool,
    pub(crate) server_name: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) tls_auth: bool,
    #[serde(rename = "tlsAuthWithCACert", deserialize_with = "flag")]
    pub(crate) tls_auth_with_ca_cert: bool,
    #[serde(deserialize_with = "whole_number")]
    pub(crate) connect_timeout_secs: Option<u64>,
    #[serde(deserialize_with = "whole_number")]
    pub(crate) request_timeout_secs: Option<u64>,
    pub(crate) cluster: Option<String>,
    /// Whether alert rules are evaluated over incomplete answers.
    #[serde(deserialize_with = "flag")]
    pub(crate) alerts_count_incomplete: bool,
    #[serde(deserialize_with = "whole_number")]
    pub(crate) alerts_max_lost_percent: Option<u64>,
    /// Whether queries may hold CEL expressions. Absent in sources of earlier versions, which allowed them.
    #[serde(deserialize_with = "present_flag")]
    pub(crate) allow_cel_expressions: Option<bool>,
    pub(crate) prometheus_datasource_uid: Option<String>,
    pub(crate) prometheus_url: Option<String>,
    pub(crate) prometheus_auth: Option<String>,
    pub(crate) prometheus_user: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) prometheus_tls_skip_verify: bool,
    pub(crate) prometheus_server_name: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) prometheus_tls_auth: bool,
    #[serde(rename = "prometheusTlsAuthWithCACert", deserialize_with = "flag")]
    pub(crate) prometheus_tls_auth_with_ca_cert: bool,
    #[serde(deserialize_with = "whole_number")]
    pub(crate) prometheus_response_limit_mib: Option<u64>,
    pub(crate) time_interval: Option<String>,
    pub(crate) http_method: Option<String>,
    pub(crate) custom_query_parameters: Option<String>,
    pub(crate) query_timeout: Option<String>,
    #[serde(deserialize_with = "whole_number")]
    pub(crate) series_limit: Option<u64>,
    #[serde(rename = "oauthPassThru", deserialize_with = "flag")]
    pub(crate) oauth_pass_thru: bool,
    pub(crate) azure_credentials: AzureJson,
    /// YAML or JSON of policies.
    pub(crate) policies_text: Option<String>,
    pub(crate) policies_folder: Option<String>,
    pub(crate) policies_namespace: Option<String>,
    /// Way to the Kubernetes API: `serviceaccount`, `kubeconfig`, `token` or `azure`.
    pub(crate) kubernetes_access: Option<String>,
    pub(crate) kubernetes_url: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) kubernetes_tls_skip_verify: bool,
    pub(crate) kubernetes_server_name: Option<String>,
    /// All other fields, including `httpHeaderName1` and so on, as Grafana numbers them.
    #[serde(flatten)]
    pub(crate) others: BTreeMap<String, Value>,
}

/// Azure settings, as `@grafana/azure-sdk` stores them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AzureJson {
    pub(crate) auth_type: Option<String>,
    pub(crate) azure_cloud: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) client_id: Option<String>,
}

/// A number, or a string with one.
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

/// A boolean, or a string with one, where an absent field means something else than `false`.
fn present_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    flag(deserializer).map(Some)
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
