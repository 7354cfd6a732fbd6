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
pub(super) struct JsonData {
    #[serde(deserialize_with = "flag")]
    pub(super) tls: bool,
    #[serde(deserialize_with = "flag")]
    pub(super) tls_skip_verify: bool,
    pub(super) server_name: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) tls_auth: bool,
    #[serde(rename = "tlsAuthWithCACert", deserialize_with = "flag")]
    pub(super) tls_auth_with_ca_cert: bool,
    #[serde(deserialize_with = "whole_number")]
    pub(super) connect_timeout_secs: Option<u64>,
    #[serde(deserialize_with = "whole_number")]
    pub(super) request_timeout_secs: Option<u64>,
    pub(super) cluster: Option<String>,
    /// Whether alert rules are evaluated over incomplete answers.
    #[serde(deserialize_with = "flag")]
    pub(super) alerts_count_incomplete: bool,
    #[serde(deserialize_with = "whole_number")]
    pub(super) alerts_max_lost_percent: Option<u64>,
    pub(super) prometheus_datasource_uid: Option<String>,
    pub(super) prometheus_url: Option<String>,
    pub(super) prometheus_auth: Option<String>,
    pub(super) prometheus_user: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) prometheus_tls_skip_verify: bool,
    pub(super) prometheus_server_name: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) prometheus_tls_auth: bool,
    #[serde(rename = "prometheusTlsAuthWithCACert", deserialize_with = "flag")]
    pub(super) prometheus_tls_auth_with_ca_cert: bool,
    #[serde(deserialize_with = "whole_number")]
    pub(super) prometheus_response_limit_mib: Option<u64>,
    pub(super) time_interval: Option<String>,
    pub(super) http_method: Option<String>,
    pub(super) custom_query_parameters: Option<String>,
    pub(super) query_timeout: Option<String>,
    #[serde(deserialize_with = "whole_number")]
    pub(super) series_limit: Option<u64>,
    #[serde(rename = "oauthPassThru", deserialize_with = "flag")]
    pub(super) oauth_pass_thru: bool,
    pub(super) azure_credentials: AzureJson,
    /// YAML or JSON of policies.
    pub(super) policies_text: Option<String>,
    pub(super) policies_folder: Option<String>,
    pub(super) policies_namespace: Option<String>,
    /// All other fields, including `httpHeaderName1` and so on, as Grafana numbers them.
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, Value>,
}

/// Azure settings, as `@grafana/azure-sdk` stores them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AzureJson {
    pub(super) auth_type: Option<String>,
    pub(super) azure_cloud: Option<String>,
    pub(super) tenant_id: Option<String>,
    pub(super) client_id: Option<String>,
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
