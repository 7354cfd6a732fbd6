//! The services of `pluginv2`, each a match on the path.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::message::{
    CallResourceRequest, CallResourceResponse, CheckHealthRequest, CheckHealthResponse,
    PublishStreamRequest, PublishStreamResponse, QueryDataRequest, QueryDataResponse,
    RunStreamRequest, StreamPacket, SubscribeStreamRequest, SubscribeStreamResponse,
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
    /// Answers queries; `traceparent` is the W3C trace context of the caller.
    async fn query_data(
        &self,
        request: QueryDataRequest,
        traceparent: Option<String>,
    ) -> Result<QueryDataResponse, Status>;

    /// Answers "Save & test".
    async fn check_health(
        &self,
        request: CheckHealthRequest,
    ) -> Result<CheckHealthResponse, Status>;

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
        "QueryData" => rpc::unary(request, |request: Request<QueryDataRequest>| async move {
            let traceparent = request
                .metadata()
                .get("traceparent")
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned);
            this.backend.query_data(request.into_inner(), traceparent).await.map(Response::new)
        }),
    }
);

service!(
    /// `pluginv2.Diagnostics`: "Save & test". `CollectMetrics` is not served: the plugin has no
    /// metrics of its own.
    Diagnostics, "pluginv2.Diagnostics", |this, request| {
        "CheckHealth" => rpc::unary(request, |request: Request<CheckHealthRequest>| async move {
            this.backend.check_health(request.into_inner()).await.map(Response::new)
        }),
    }
);

service!(
    /// `pluginv2.Resource`: HTTP-like calls, answered whole or chunk by chunk.
    Resource, "pluginv2.Resource", |this, request| {
        "CallResource" => {
            rpc::server_streaming(request, |request: Request<CallResourceRequest>| async move {
                this.backend.call_resource(request.into_inner()).await
            })
        },
    }
);

service!(
    /// `pluginv2.Stream`: Grafana Live.
    Stream, "pluginv2.Stream", |this, request| {
        "SubscribeStream" => {
            rpc::unary(request, |request: Request<SubscribeStreamRequest>| async move {
                this.backend.subscribe_stream(request.into_inner()).await.map(Response::new)
            })
        },
        "RunStream" => {
            rpc::server_streaming(request, |request: Request<RunStreamRequest>| async move {
                let packets = this.backend.run_stream(request.into_inner()).await?;
                Ok(packets.take_until(this.leave.cancelled_owned()))
            })
        },
        "PublishStream" => rpc::unary(request, |request: Request<PublishStreamRequest>| async move {
            this.backend.publish_stream(request.into_inner()).await.map(Response::new)
        }),
    }
);
