//! The host's end of the protocol: a connection to a plugin, and the calls that Grafana makes.

use std::time::Duration;

use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::client::Grpc;
use tonic::codec::ProstCodec;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use crate::handshake::Address;
use crate::message::{
    CallResourceRequest, CallResourceResponse, CheckHealthRequest, CheckHealthResponse,
    CollectMetricsRequest, CollectMetricsResponse, PublishStreamRequest, PublishStreamResponse,
    QueryDataRequest, QueryDataResponse, RunStreamRequest, StreamPacket, SubscribeStreamRequest,
    SubscribeStreamResponse,
};

/// Maximum time until a started plugin accepts a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to a plugin at the address of its handshake line.
///
/// Errors: nothing accepts there within 5 s.
pub async fn connect(address: Address) -> Result<Channel, tonic::transport::Error> {
    // go-plugin dials with the target `unused`, so that is the `:authority` a plugin sees.
    let endpoint = Endpoint::from_static("http://unused").connect_timeout(CONNECT_TIMEOUT);
    endpoint.connect_with_connector(tower::service_fn(move |_| dial(address.clone()))).await
}

/// Object-safe type of both kinds of connection, for the connector.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

async fn dial(address: Address) -> std::io::Result<TokioIo<Box<dyn Duplex>>> {
    let stream: Box<dyn Duplex> = match address {
        #[cfg(unix)]
        Address::Unix(path) => Box::new(tokio::net::UnixStream::connect(path).await?),
        #[cfg(not(unix))]
        Address::Unix(_) => return Err(std::io::ErrorKind::Unsupported.into()),
        Address::Tcp(address) => {
            let stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
    };
    Ok(TokioIo::new(stream))
}

/// `Data.QueryData`.
///
/// Errors: the plugin's gRPC status, or that of a broken connection.
pub async fn query_data(
    channel: Channel,
    request: QueryDataRequest,
) -> Result<QueryDataResponse, Status> {
    unary(channel, "/pluginv2.Data/QueryData", request).await
}

/// `Diagnostics.CheckHealth`. Errors as for [`query_data`].
pub async fn check_health(
    channel: Channel,
    request: CheckHealthRequest,
) -> Result<CheckHealthResponse, Status> {
    unary(channel, "/pluginv2.Diagnostics/CheckHealth", request).await
}

/// `Diagnostics.CollectMetrics`: the plugin's figures in Prometheus' text format. Errors as for
/// [`query_data`].
pub async fn collect_metrics(channel: Channel) -> Result<Vec<u8>, Status> {
    let request = CollectMetricsRequest::default();
    let answer: CollectMetricsResponse =
        unary(channel, "/pluginv2.Diagnostics/CollectMetrics", request).await?;
    Ok(answer.metrics.unwrap_or_default().prometheus)
}

/// `Resource.CallResource`: the first message carries status and headers, each a part of the
/// body. Errors as for [`query_data`].
pub async fn call_resource(
    channel: Channel,
    request: CallResourceRequest,
) -> Result<Streaming<CallResourceResponse>, Status> {
    server_streaming(channel, "/pluginv2.Resource/CallResource", request).await
}

/// `Stream.SubscribeStream`. Errors as for [`query_data`].
pub async fn subscribe_stream(
    channel: Channel,
    request: SubscribeStreamRequest,
) -> Result<SubscribeStreamResponse, Status> {
    unary(channel, "/pluginv2.Stream/SubscribeStream", request).await
}

/// `Stream.RunStream`: the messages of a live channel. Errors as for [`query_data`].
pub async fn run_stream(
    channel: Channel,
    request: RunStreamRequest,
) -> Result<Streaming<StreamPacket>, Status> {
    server_streaming(channel, "/pluginv2.Stream/RunStream", request).await
}

/// `Stream.PublishStream`. Errors as for [`query_data`].
pub async fn publish_stream(
    channel: Channel,
    request: PublishStreamRequest,
) -> Result<PublishStreamResponse, Status> {
    unary(channel, "/pluginv2.Stream/PublishStream", request).await
}

/// go-plugin's `GRPCController.Shutdown`. Errors as for [`query_data`].
pub async fn shutdown(channel: Channel) -> Result<(), Status> {
    unary(channel, "/plugin.GRPCController/Shutdown", ()).await
}

async fn unary<Q, A>(channel: Channel, method: &'static str, request: Q) -> Result<A, Status>
where
    Q: prost::Message + 'static,
    A: prost::Message + Default + 'static,
{
    let path = PathAndQuery::from_static(method);
    let codec = ProstCodec::<Q, A>::default();
    Ok(ready(channel).await?.unary(Request::new(request), path, codec).await?.into_inner())
}

async fn server_streaming<Q, A>(
    channel: Channel,
    method: &'static str,
    request: Q,
) -> Result<Streaming<A>, Status>
where
    Q: prost::Message + 'static,
    A: prost::Message + Default + 'static,
{
    let path = PathAndQuery::from_static(method);
    let codec = ProstCodec::<Q, A>::default();
    let mut grpc = ready(channel).await?;
    Ok(grpc.server_streaming(Request::new(request), path, codec).await?.into_inner())
}

async fn ready(channel: Channel) -> Result<Grpc<Channel>, Status> {
    // Grafana's client has no size limit for messages; the plugin bounds them.
    let mut grpc = Grpc::new(channel)
        .max_decoding_message_size(usize::MAX)
        .max_encoding_message_size(usize::MAX);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    Ok(grpc)
}
