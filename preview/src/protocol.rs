//! Grafana's plugin protocol (`pluginv2`) from the host's side.
//!
//! The messages are the SDK's where it has them as Grafana sends them today. Those that carry
//! what the SDK 0.5.0 lacks (`errorSource`, `grafanaConfig`, `pluginVersion`, `userAgent`) are
//! declared here with the names and numbers of backend.proto, and travel on the same methods.

use std::collections::BTreeMap;
use std::fmt;

use grafana_plugin_sdk::pluginv2::{
    CallResourceResponse, CheckHealthResponse, DataQuery, StringList, User,
};
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::ProstCodec;
use tonic::transport::Channel;
use tonic::{IntoRequest, Request, Status, Streaming};

use prost::bytes::Bytes;

/// The settings of one data source, secrets included; its Debug leaves the secrets out.
/// Source: backend.proto `DataSourceInstanceSettings`.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct DataSourceInstanceSettings {
    #[prost(int64, tag = "1")]
    pub(crate) id: i64,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(string, tag = "3")]
    pub(crate) url: String,
    #[prost(string, tag = "4")]
    pub(crate) user: String,
    #[prost(string, tag = "5")]
    pub(crate) database: String,
    #[prost(bool, tag = "6")]
    pub(crate) basic_auth_enabled: bool,
    #[prost(string, tag = "7")]
    pub(crate) basic_auth_user: String,
    /// The JSON object `jsonData`.
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) json_data: Vec<u8>,
    #[prost(btree_map = "string, string", tag = "9")]
    pub(crate) decrypted_secure_json_data: BTreeMap<String, String>,
    /// When the settings were last saved, in ms since the epoch.
    #[prost(int64, tag = "10")]
    pub(crate) last_updated_ms: i64,
    #[prost(string, tag = "11")]
    pub(crate) uid: String,
    #[prost(string, tag = "12")]
    pub(crate) api_version: String,
}

/// Who asks, and for which data source. Source: backend.proto `PluginContext`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PluginContext {
    #[prost(int64, tag = "1")]
    pub(crate) org_id: i64,
    #[prost(string, tag = "2")]
    pub(crate) plugin_id: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) user: Option<User>,
    #[prost(message, optional, tag = "5")]
    pub(crate) data_source_instance_settings: Option<DataSourceInstanceSettings>,
    #[prost(btree_map = "string, string", tag = "6")]
    pub(crate) grafana_config: BTreeMap<String, String>,
    #[prost(string, tag = "7")]
    pub(crate) plugin_version: String,
    #[prost(string, tag = "8")]
    pub(crate) user_agent: String,
}

/// Source: backend.proto `QueryDataRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct QueryDataRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) plugin_context: Option<PluginContext>,
    #[prost(btree_map = "string, string", tag = "2")]
    pub(crate) headers: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) queries: Vec<DataQuery>,
}

/// The answers by refId. Source: backend.proto `QueryDataResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct QueryDataResponse {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(crate) responses: BTreeMap<String, DataResponse>,
}

/// One query's answer: frames as Arrow files, an error, or both.
/// Source: backend.proto `DataResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DataResponse {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) frames: Vec<Bytes>,
    #[prost(string, tag = "2")]
    pub(crate) error: String,
    /// An HTTP status; 0 stands for 200, or 500 beside an error.
    #[prost(int32, tag = "4")]
    pub(crate) status: i32,
    /// `plugin` or `downstream`.
    #[prost(string, tag = "5")]
    pub(crate) error_source: String,
}

/// Source: backend.proto `CheckHealthRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CheckHealthRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) plugin_context: Option<PluginContext>,
    #[prost(btree_map = "string, string", tag = "2")]
    pub(crate) headers: BTreeMap<String, String>,
}

/// Source: backend.proto `CallResourceRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CallResourceRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) plugin_context: Option<PluginContext>,
    #[prost(string, tag = "2")]
    pub(crate) path: String,
    #[prost(string, tag = "3")]
    pub(crate) method: String,
    /// Path and query string.
    #[prost(string, tag = "4")]
    pub(crate) url: String,
    #[prost(btree_map = "string, message", tag = "5")]
    pub(crate) headers: BTreeMap<String, StringList>,
    #[prost(bytes = "bytes", tag = "6")]
    pub(crate) body: Bytes,
}

// === impl DataSourceInstanceSettings ===

impl fmt::Debug for DataSourceInstanceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSourceInstanceSettings")
            .field("uid", &self.uid)
            .field("url", &self.url)
            .field("last_updated_ms", &self.last_updated_ms)
            .finish_non_exhaustive()
    }
}

// === calls ===

/// `Data.QueryData`. Errors: the plugin's gRPC status, or that of a broken connection.
pub(crate) async fn query_data(
    channel: Channel,
    request: QueryDataRequest,
) -> Result<QueryDataResponse, Status> {
    unary(channel, "/pluginv2.Data/QueryData", request).await
}

/// `Diagnostics.CheckHealth`. Errors as for [`query_data`].
pub(crate) async fn check_health(
    channel: Channel,
    request: CheckHealthRequest,
) -> Result<CheckHealthResponse, Status> {
    unary(channel, "/pluginv2.Diagnostics/CheckHealth", request).await
}

/// `Resource.CallResource`: the first message carries status and headers, each a part of the
/// body. Errors as for [`query_data`].
pub(crate) async fn call_resource(
    channel: Channel,
    request: CallResourceRequest,
) -> Result<Streaming<CallResourceResponse>, Status> {
    let path = PathAndQuery::from_static("/pluginv2.Resource/CallResource");
    let mut grpc = ready(channel).await?;
    let answer = grpc.server_streaming(request.into_request(), path, ProstCodec::default()).await?;
    Ok(answer.into_inner())
}

/// go-plugin's `GRPCController.Shutdown`. Errors as for [`query_data`].
pub(crate) async fn shutdown(channel: Channel) -> Result<(), Status> {
    unary(channel, "/plugin.GRPCController/Shutdown", ()).await
}

async fn unary<Q, A>(channel: Channel, method: &'static str, request: Q) -> Result<A, Status>
where
    Q: prost::Message + 'static,
    A: prost::Message + Default + 'static,
{
    let path = PathAndQuery::from_static(method);
    let answer = ready(channel)
        .await?
        .unary(Request::new(request), path, ProstCodec::<Q, A>::default())
        .await?;
    Ok(answer.into_inner())
}

async fn ready(channel: Channel) -> Result<Grpc<Channel>, Status> {
    // Grafana's client takes answers of any size; the plugin bounds them.
    let mut grpc = Grpc::new(channel).max_decoding_message_size(usize::MAX);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    Ok(grpc)
}
