//! The messages of `pluginv2.Data` and of the plugin context, by name and number.
//!
//! grafana-plugin-sdk 0.5.0 has them too, as of September 2024; what users feel came later: whose
//! fault an error is (`errorSource`) and Grafana's own settings (`grafanaConfig`).
//! Source: grafana-plugin-sdk-go `proto/backend.proto`. Unknown fields are skipped by prost.
//!
//! No message here has a derived `Debug` that is ever printed: requests carry decrypted secrets.

use std::collections::HashMap;

use bytes::Bytes;

/// `pluginv2.QueryDataRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct QueryDataRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) plugin_context: Option<PluginContext>,
    #[prost(map = "string, string", tag = "2")]
    pub(crate) headers: HashMap<String, String>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) queries: Vec<DataQuery>,
}

/// `pluginv2.PluginContext`, as far as it is read.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PluginContext {
    #[prost(int64, tag = "1")]
    pub(crate) org_id: i64,
    #[prost(message, optional, tag = "5")]
    pub(crate) data_source_instance_settings: Option<DataSourceInstanceSettings>,
    #[prost(map = "string, string", tag = "6")]
    pub(crate) grafana_config: HashMap<String, String>,
}

/// `pluginv2.DataSourceInstanceSettings`, as far as it is read.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DataSourceInstanceSettings {
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(string, tag = "3")]
    pub(crate) url: String,
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) json_data: Vec<u8>,
    #[prost(map = "string, string", tag = "9")]
    pub(crate) decrypted_secure_json_data: HashMap<String, String>,
    #[prost(int64, tag = "10")]
    pub(crate) last_updated_ms: i64,
    #[prost(string, tag = "11")]
    pub(crate) uid: String,
}

/// `pluginv2.DataQuery`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DataQuery {
    #[prost(string, tag = "1")]
    pub(crate) ref_id: String,
    #[prost(int64, tag = "2")]
    pub(crate) max_data_points: i64,
    #[prost(int64, tag = "3")]
    pub(crate) interval_ms: i64,
    #[prost(message, optional, tag = "4")]
    pub(crate) time_range: Option<TimeRange>,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) json: Vec<u8>,
    #[prost(string, tag = "6")]
    pub(crate) query_type: String,
}

/// `pluginv2.TimeRange`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct TimeRange {
    #[prost(int64, tag = "1")]
    pub(crate) from_epoch_ms: i64,
    #[prost(int64, tag = "2")]
    pub(crate) to_epoch_ms: i64,
}

/// `pluginv2.QueryDataResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct QueryDataResponse {
    /// By ref id.
    #[prost(map = "string, message", tag = "1")]
    pub(crate) responses: HashMap<String, DataResponse>,
}

/// `pluginv2.DataResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct DataResponse {
    /// Arrow IPC files.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) frames: Vec<Bytes>,
    #[prost(string, tag = "2")]
    pub(crate) error: String,
    /// An HTTP status.
    #[prost(int32, tag = "4")]
    pub(crate) status: i32,
    /// `plugin` or `downstream`; empty without an error.
    #[prost(string, tag = "5")]
    pub(crate) error_source: String,
}
