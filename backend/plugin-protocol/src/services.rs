//! The services of `pluginv2`, each a match on the path.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryFutureExt};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use crate::call;
use crate::message::{
    CallResourceRequest, CallResourceResponse, CheckHealthRequest, CheckHealthResponse,
    CollectMetricsRequest, CollectMetricsResponse, MetricsPayload, PublishStreamRequest,
    PublishStreamResponse, QueryDataRequest, QueryDataResponse, RunStreamRequest, StreamPacket,
    SubscribeStreamRequest, SubscribeStreamResponse,
};
use crate::rpc;

/// Stream of an answer's messages.
pub type Answers<T> = BoxStream<'static, Result<T, Status>>;

/// A plugin's answers to Grafana's calls. Each call is a separate future; dropping it cancels the
/// call.
///
/// Errors of every method: a gRPC status. Grafana shows it as a failure of the plugin, so a failed
/// query is an answer that contains an error instead.
#[tonic::async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Answers queries.
    async fn query_data(&self, request: QueryDataRequest) -> Result<QueryDataResponse, Status>;

    /// Answers "Save & test".
    async fn check_health(
        &self,
        request: CheckHealthRequest,
    ) -> Result<CheckHealthResponse, Status>;

    /// The plugin's figures in Prometheus' text format.
    async fn collect_metrics(&self) -> Result<Vec<u8>, Status>;

    /// Answers an HTTP-like call. The first message carries status and headers, and every message a
    /// part of the body.
    async fn call_resource(
        &self,
        request: CallResourceRequest,
    ) -> Result<Answers<CallResourceResponse>, Status>;

    /// Decides on a subscription to a live channel.
    async fn subscribe_stream(
        &self,
        request: SubscribeStreamRequest,
    ) -> Result<SubscribeStreamResponse, Status>;

    /// Runs a live channel until Grafana drops it or the plugin shuts down.
    async fn run_stream(&self, request: RunStreamRequest) -> Result<Answers<StreamPacket>, Status>;

    /// Decides on data that a user wants to publish.
    async fn publish_stream(
        &self,
        request: PublishStreamRequest,
    ) -> Result<PublishStreamResponse, Status>;
}

macro_rules! service {
    ($(#[$doc:meta])* $type:ident, $name:literal, |$this:ident, $request:ident| { $($path:literal => $answer:expr),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $type<B> {
            pub(crate) backend: Arc<B>,
            /// Token that shuts the plugin down.
            pub(crate) leave: CancellationToken,
        }

        impl<B> Clone for $type<B> {
            fn clone(&self) -> Self {
                Self { backend: Arc::clone(&self.backend), leave: self.leave.clone() }
            }
        }

        rpc::serve!($type<B: Backend>, $name, |$this, $request| { $($path => $answer),* });
    };
}

service!(
    /// `pluginv2.Data`: queries in, frames out. `QueryChunkedData` is not served: Grafana 12 to 13
    /// calls it only behind feature toggles that are off by default, and falls back to `QueryData`.
    Data, "pluginv2.Data", |this, request| {
        "QueryData" => rpc::unary(request, |request: Request<QueryDataRequest>| {
            let span = call::span("queryData", &request);
            let answer = async move { this.backend.query_data(request.into_inner()).await };
            answer.map_ok(Response::new).instrument(span)
        }),
    }
);

service!(
    /// `pluginv2.Diagnostics`: "Save & test", and figures for Prometheus.
    Diagnostics, "pluginv2.Diagnostics", |this, request| {
        "CheckHealth" => rpc::unary(request, |request: Request<CheckHealthRequest>| {
            let span = call::span("checkHealth", &request);
            let answer = async move { this.backend.check_health(request.into_inner()).await };
            answer.map_ok(Response::new).instrument(span)
        }),
        "CollectMetrics" => rpc::unary(request, |_: Request<CollectMetricsRequest>| async move {
            let metrics = Some(MetricsPayload { prometheus: this.backend.collect_metrics().await? });
            Ok(Response::new(CollectMetricsResponse { metrics }))
        }),
    }
);

service!(
    /// `pluginv2.Resource`: HTTP-like calls, answered whole or chunk by chunk.
    Resource, "pluginv2.Resource", |this, request| {
        "CallResource" => rpc::server_streaming(request, |request: Request<CallResourceRequest>| {
            let span = call::span("callResource", &request);
            async move { this.backend.call_resource(request.into_inner()).await }.instrument(span)
        }),
    }
);

service!(
    /// `pluginv2.Stream`: Grafana Live.
    Stream, "pluginv2.Stream", |this, request| {
        "SubscribeStream" => rpc::unary(request, |request: Request<SubscribeStreamRequest>| {
            let span = call::span("subscribeStream", &request);
            let answer = async move { this.backend.subscribe_stream(request.into_inner()).await };
            answer.map_ok(Response::new).instrument(span)
        }),
        "RunStream" => rpc::server_streaming(request, |request: Request<RunStreamRequest>| {
            let span = call::span("runStream", &request);
            let answer = async move {
                let packets = this.backend.run_stream(request.into_inner()).await?;
                Ok(packets.take_until(this.leave.cancelled_owned()))
            };
            answer.instrument(span)
        }),
        "PublishStream" => rpc::unary(request, |request: Request<PublishStreamRequest>| {
            let span = call::span("publishStream", &request);
            let answer = async move { this.backend.publish_stream(request.into_inner()).await };
            answer.map_ok(Response::new).instrument(span)
        }),
    }
);
