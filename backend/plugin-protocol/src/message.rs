//! The messages of `pluginv2`, by name and number.
//!
//! The SDK 0.5.0 has the messages of September 2024. Messages that are unchanged come from it.
//! Messages that gained fields since (`errorSource`, `grafanaConfig`, `pluginVersion`,
//! `userAgent`), and all messages that contain one of these, are declared here. Source:
//! grafana-plugin-sdk-go `proto/backend.proto`. Undeclared fields are skipped on reading.
//!
//! Requests carry decrypted secrets and the caller's headers; `Debug` hides both.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
pub use grafana_plugin_sdk::pluginv2::check_health_response::HealthStatus;
pub(crate) use grafana_plugin_sdk::pluginv2::collect_metrics_response::Payload as MetricsPayload;
pub use grafana_plugin_sdk::pluginv2::publish_stream_response::Status as PublishStatus;
pub use grafana_plugin_sdk::pluginv2::subscribe_stream_response::Status as SubscribeStatus;
// The request's context has no data source: Grafana asks for the figures of the whole plugin.
pub use grafana_plugin_sdk::pluginv2::{
    CallResourceResponse, CheckHealthResponse, DataQuery, PublishStreamResponse, StreamPacket,
    StringList, SubscribeStreamResponse, TimeRange, User,
};
pub(crate) use grafana_plugin_sdk::pluginv2::{CollectMetricsRequest, CollectMetricsResponse};

/// The settings of one data source, secrets included. Source: `DataSourceInstanceSettings`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
#[prost(skip_debug)]
pub struct DataSourceInstanceSettings {
    /// Grafana's number of the data source.
    #[prost(int64, tag = "1")]
    pub id: i64,
    /// The name that users see.
    #[prost(string, tag = "2")]
    pub name: String,
    /// The address in the settings' field `URL`.
    #[prost(string, tag = "3")]
    pub url: String,
    /// The settings' field `User`.
    #[prost(string, tag = "4")]
    pub user: String,
    /// The settings' field `Database`.
    #[prost(string, tag = "5")]
    pub database: String,
    /// Whether basic authentication is on.
    #[prost(bool, tag = "6")]
    pub basic_auth_enabled: bool,
    /// The user of basic authentication.
    #[prost(string, tag = "7")]
    pub basic_auth_user: String,
    /// The JSON object `jsonData`.
    #[prost(bytes = "vec", tag = "8")]
    pub json_data: Vec<u8>,
    /// The secrets in plain text, by their names in `secureJsonData`.
    #[prost(btree_map = "string, string", tag = "9")]
    pub decrypted_secure_json_data: BTreeMap<String, String>,
    /// Time of the last save, in Unix milliseconds.
    #[prost(int64, tag = "10")]
    pub last_updated_ms: i64,
    /// The uid, unique within the organisation.
    #[prost(string, tag = "11")]
    pub uid: String,
    /// The version of the settings' schema.
    #[prost(string, tag = "12")]
    pub api_version: String,
}

/// The caller and its data source. Source: `PluginContext`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PluginContext {
    /// Grafana's organisation.
    #[prost(int64, tag = "1")]
    pub org_id: i64,
    /// The plugin's id, `k8snet-hubble-datasource`.
    #[prost(string, tag = "2")]
    pub plugin_id: String,
    /// The user; absent where Grafana itself calls.
    #[prost(message, optional, tag = "3")]
    pub user: Option<User>,
    /// The data source; absent where the call is about the plugin itself.
    #[prost(message, optional, tag = "5")]
    pub data_source_instance_settings: Option<DataSourceInstanceSettings>,
    /// Grafana's own settings, by names such as `GF_CONCURRENT_QUERY_COUNT`.
    #[prost(btree_map = "string, string", tag = "6")]
    pub grafana_config: BTreeMap<String, String>,
    /// The plugin's version.
    #[prost(string, tag = "7")]
    pub plugin_version: String,
    /// `Grafana/` and Grafana's version.
    #[prost(string, tag = "8")]
    pub user_agent: String,
}

/// Queries of one data source. Source: `QueryDataRequest`.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct QueryDataRequest {
    /// The caller and its data source.
    #[prost(message, optional, tag = "1")]
    pub plugin_context: Option<PluginContext>,
    /// Headers of the caller, those of the browser with `http_` before their names.
    #[prost(btree_map = "string, string", tag = "2")]
    pub headers: BTreeMap<String, String>,
    /// The queries.
    #[prost(message, repeated, tag = "3")]
    pub queries: Vec<DataQuery>,
}

/// The answers by ref id. Source: `QueryDataResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct QueryDataResponse {
    /// The answer to each query, by its ref id.
    #[prost(btree_map = "string, message", tag = "1")]
    pub responses: BTreeMap<String, DataResponse>,
}

/// One query's answer: frames, an error, or both. Source: `DataResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DataResponse {
    /// Frames as Arrow IPC files.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub frames: Vec<Bytes>,
    /// Error text for the user; empty without one.
    #[prost(string, tag = "2")]
    pub error: String,
    /// An HTTP status; 0 stands for 200, or 500 beside an error.
    #[prost(int32, tag = "4")]
    pub status: i32,
    /// `plugin` or `downstream`; empty without an error.
    #[prost(string, tag = "5")]
    pub error_source: String,
}

/// "Save & test". Source: `CheckHealthRequest`.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct CheckHealthRequest {
    /// The caller and its data source.
    #[prost(message, optional, tag = "1")]
    pub plugin_context: Option<PluginContext>,
    /// Headers of the caller, as in [`QueryDataRequest::headers`].
    #[prost(btree_map = "string, string", tag = "2")]
    pub headers: BTreeMap<String, String>,
}

/// An HTTP-like call. Source: `CallResourceRequest`.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct CallResourceRequest {
    /// The caller and its data source.
    #[prost(message, optional, tag = "1")]
    pub plugin_context: Option<PluginContext>,
    /// The path below the data source's resources.
    #[prost(string, tag = "2")]
    pub path: String,
    /// The HTTP method.
    #[prost(string, tag = "3")]
    pub method: String,
    /// Path and query string.
    #[prost(string, tag = "4")]
    pub url: String,
    /// The browser's headers.
    #[prost(btree_map = "string, message", tag = "5")]
    pub headers: BTreeMap<String, StringList>,
    /// The body.
    #[prost(bytes = "bytes", tag = "6")]
    pub body: Bytes,
}

/// A subscription to a live channel. Source: `SubscribeStreamRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SubscribeStreamRequest {
    /// The subscriber and its data source.
    #[prost(message, optional, tag = "1")]
    pub plugin_context: Option<PluginContext>,
    /// The channel's path below the data source.
    #[prost(string, tag = "2")]
    pub path: String,
    /// The query's JSON.
    #[prost(bytes = "bytes", tag = "3")]
    pub data: Bytes,
}

/// The start of a live channel. Source: `RunStreamRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RunStreamRequest {
    /// The first subscriber and its data source.
    #[prost(message, optional, tag = "1")]
    pub plugin_context: Option<PluginContext>,
    /// The channel's path below the data source.
    #[prost(string, tag = "2")]
    pub path: String,
    /// The query's JSON.
    #[prost(bytes = "bytes", tag = "3")]
    pub data: Bytes,
}

/// Data for a live channel. Source: `PublishStreamRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PublishStreamRequest {
    /// The publisher and its data source.
    #[prost(message, optional, tag = "1")]
    pub plugin_context: Option<PluginContext>,
    /// The channel's path below the data source.
    #[prost(string, tag = "2")]
    pub path: String,
    /// The data, as JSON.
    #[prost(bytes = "vec", tag = "3")]
    pub data: Vec<u8>,
}

/// `plugin.StdioData`. Never sent: the plugin logs to stderr itself.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct StdioData {
    #[prost(int32, tag = "1")]
    channel: i32,
    #[prost(bytes = "bytes", tag = "2")]
    data: Bytes,
}

/// `plugin.ConnInfo`. Never sent: the plugin opens no further connections to its host.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct ConnInfo {
    #[prost(uint32, tag = "1")]
    service_id: u32,
    #[prost(string, tag = "2")]
    network: String,
    #[prost(string, tag = "3")]
    address: String,
}

impl fmt::Debug for DataSourceInstanceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSourceInstanceSettings")
            .field("uid", &self.uid)
            .field("url", &self.url)
            .field("last_updated_ms", &self.last_updated_ms)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for QueryDataRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryDataRequest")
            .field("plugin_context", &self.plugin_context)
            .field("queries", &self.queries)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CheckHealthRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckHealthRequest")
            .field("plugin_context", &self.plugin_context)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CallResourceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallResourceRequest")
            .field("plugin_context", &self.plugin_context)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use grafana_plugin_sdk::pluginv2 as sdk;
    use prost::Message;

    use super::*;

    fn context() -> PluginContext {
        PluginContext {
            org_id: 1,
            plugin_id: "plugin".to_owned(),
            user: Some(User { login: "admin".to_owned(), ..User::default() }),
            data_source_instance_settings: Some(DataSourceInstanceSettings {
                id: 2,
                name: "name".to_owned(),
                url: "url".to_owned(),
                user: "user".to_owned(),
                database: "database".to_owned(),
                basic_auth_enabled: true,
                basic_auth_user: "basic".to_owned(),
                json_data: b"{}".to_vec(),
                decrypted_secure_json_data: [("key".to_owned(), "hunter2".to_owned())].into(),
                last_updated_ms: 3,
                uid: "uid".to_owned(),
                api_version: "v1".to_owned(),
            }),
            grafana_config: [("GF_X".to_owned(), "1".to_owned())].into(),
            plugin_version: "0.1.0".to_owned(),
            user_agent: "Grafana/12".to_owned(),
        }
    }

    /// Our bytes, read and written again by the SDK.
    fn by_sdk<Ours, Sdk>(ours: &Ours) -> Ours
    where
        Ours: Message + Default,
        Sdk: Message + Default,
    {
        let sdk = Sdk::decode(ours.encode_to_vec().as_slice()).unwrap();
        Ours::decode(sdk.encode_to_vec().as_slice()).unwrap()
    }

    #[test]
    fn names_and_numbers_are_those_of_the_sdk() {
        let mut known = context();
        known.grafana_config.clear();
        known.plugin_version.clear();
        known.user_agent.clear();
        if let Some(settings) = &mut known.data_source_instance_settings {
            settings.api_version.clear();
        }
        assert_eq!(by_sdk::<PluginContext, sdk::PluginContext>(&context()), known);
        let context = Some(known);
        let headers = [("a".to_owned(), "b".to_owned())];
        let queries = vec![DataQuery { ref_id: "A".to_owned(), ..DataQuery::default() }];
        let query = QueryDataRequest {
            plugin_context: context.clone(),
            headers: headers.clone().into(),
            queries,
        };
        assert_eq!(by_sdk::<_, sdk::QueryDataRequest>(&query), query);
        let health =
            CheckHealthRequest { plugin_context: context.clone(), headers: headers.into() };
        assert_eq!(by_sdk::<_, sdk::CheckHealthRequest>(&health), health);
        let call = CallResourceRequest {
            plugin_context: context.clone(),
            path: "path".to_owned(),
            method: "GET".to_owned(),
            url: "path?a=b".to_owned(),
            headers: [("a".to_owned(), StringList { values: vec!["b".to_owned()] })].into(),
            body: Bytes::from_static(b"body"),
        };
        assert_eq!(by_sdk::<_, sdk::CallResourceRequest>(&call), call);
        let (path, data) = ("flows/a".to_owned(), Bytes::from_static(b"{}"));
        let subscribe = SubscribeStreamRequest {
            plugin_context: context.clone(),
            path: path.clone(),
            data: data.clone(),
        };
        assert_eq!(by_sdk::<_, sdk::SubscribeStreamRequest>(&subscribe), subscribe);
        let run = RunStreamRequest { plugin_context: context.clone(), path, data };
        assert_eq!(by_sdk::<_, sdk::RunStreamRequest>(&run), run);
        let publish = PublishStreamRequest {
            plugin_context: context,
            path: "flows/a".to_owned(),
            data: b"{}".to_vec(),
        };
        assert_eq!(by_sdk::<_, sdk::PublishStreamRequest>(&publish), publish);
        let answer = DataResponse {
            frames: vec![Bytes::from_static(b"ARROW1")],
            error: "error".to_owned(),
            status: 400,
            error_source: String::new(),
        };
        let answers = QueryDataResponse { responses: [("A".to_owned(), answer)].into() };
        assert_eq!(by_sdk::<_, sdk::QueryDataResponse>(&answers), answers);
    }

    #[test]
    fn debug_shows_no_secret_and_no_header() {
        let cookie = || ("Cookie".to_owned(), "hunter2".to_owned());
        let plugin_context = Some(context());
        let query = QueryDataRequest {
            plugin_context: plugin_context.clone(),
            headers: [cookie()].into(),
            queries: Vec::new(),
        };
        let health = CheckHealthRequest {
            plugin_context: plugin_context.clone(),
            headers: [cookie()].into(),
        };
        let (name, value) = cookie();
        let call = CallResourceRequest {
            plugin_context,
            headers: [(name, StringList { values: vec![value] })].into(),
            ..CallResourceRequest::default()
        };
        for text in [format!("{query:?}"), format!("{health:?}"), format!("{call:?}")] {
            assert!(text.contains("uid") && !text.contains("hunter2"), "{text}");
        }
    }
}
