//! `pluginv2.Stream`: Grafana Live.

use std::pin::Pin;

use futures_util::Stream;
use grafana_plugin_sdk::pluginv2::{
    self, publish_stream_response::Status as PublishStatus,
    subscribe_stream_response::Status as SubscribeStatus,
};
use tonic::{Request, Response, Status};

use crate::stream;

/// The service.
#[derive(Debug)]
pub(crate) struct Live;

type PacketStream = Pin<Box<dyn Stream<Item = Result<pluginv2::StreamPacket, Status>> + Send>>;

#[tonic::async_trait]
impl pluginv2::stream_server::Stream for Live {
    async fn subscribe_stream(
        &self,
        request: Request<pluginv2::SubscribeStreamRequest>,
    ) -> Result<Response<pluginv2::SubscribeStreamResponse>, Status> {
        let refusal = stream::refusal(&request.get_ref().path);
        tracing::debug!(%refusal, "subscribe");
        Ok(Response::new(pluginv2::SubscribeStreamResponse {
            status: SubscribeStatus::NotFound.into(),
            data: serde_json::json!({ "message": refusal }).to_string().into_bytes(),
        }))
    }

    type RunStreamStream = PacketStream;

    async fn run_stream(
        &self,
        request: Request<pluginv2::RunStreamRequest>,
    ) -> Result<Response<PacketStream>, Status> {
        Err(Status::not_found(stream::refusal(&request.get_ref().path)))
    }

    async fn publish_stream(
        &self,
        _: Request<pluginv2::PublishStreamRequest>,
    ) -> Result<Response<pluginv2::PublishStreamResponse>, Status> {
        // Flows are observed, never made: nobody may publish.
        Ok(Response::new(pluginv2::PublishStreamResponse {
            status: PublishStatus::PermissionDenied.into(),
            data: Vec::new(),
        }))
    }
}
