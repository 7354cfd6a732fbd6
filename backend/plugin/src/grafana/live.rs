//! `pluginv2.Stream`: Grafana Live.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use grafana_plugin_sdk::pluginv2::{
    self, publish_stream_response::Status as PublishStatus,
    subscribe_stream_response::Status as SubscribeStatus,
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::context::{NoDataSource, Target};
use super::instances::Instances;
use crate::instance::Instance;
use crate::stream::{self, ChannelKey, Channels, Refusal};

/// The service.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) instances: Arc<Instances>,
    pub(crate) channels: Arc<Channels>,
    /// When this is cancelled the plugin leaves.
    pub(crate) leave: CancellationToken,
}

type PacketStream = Pin<Box<dyn Stream<Item = Result<pluginv2::StreamPacket, Status>> + Send>>;

impl Live {
    fn channel(
        &self,
        context: Option<pluginv2::PluginContext>,
        path: String,
    ) -> Result<(Arc<Instance>, ChannelKey), NoDataSource> {
        let target = Target::try_from(context)?;
        let key = ChannelKey { org_id: target.org_id, uid: target.uid.clone(), path };
        Ok((self.instances.get(target), key))
    }
}

#[tonic::async_trait]
impl pluginv2::stream_server::Stream for Live {
    async fn subscribe_stream(
        &self,
        request: Request<pluginv2::SubscribeStreamRequest>,
    ) -> Result<Response<pluginv2::SubscribeStreamResponse>, Status> {
        let request = request.into_inner();
        let (instance, key) = self
            .channel(request.plugin_context, request.path)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let data = request.data;
        let (status, data) = match stream::first_message(&instance, &self.channels, &key, &data) {
            Ok(message) => (SubscribeStatus::Ok, message),
            Err(refusal) => {
                let status = match refusal {
                    Refusal::Path { .. } => SubscribeStatus::NotFound,
                    Refusal::OtherQuery { .. } | Refusal::TooMany(_) | Refusal::TooLarge => {
                        SubscribeStatus::PermissionDenied
                    }
                };
                let message = serde_json::json!({ "message": refusal.to_string() });
                (status, message.to_string().into_bytes())
            }
        };
        Ok(Response::new(pluginv2::SubscribeStreamResponse { status: status.into(), data }))
    }

    type RunStreamStream = PacketStream;

    async fn run_stream(
        &self,
        request: Request<pluginv2::RunStreamRequest>,
    ) -> Result<Response<PacketStream>, Status> {
        let request = request.into_inner();
        let (instance, key) = self
            .channel(request.plugin_context, request.path)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let data = request.data;
        let messages = stream::run(instance, &self.channels, &key, &data).map_err(|refusal| {
            let text = refusal.to_string();
            match refusal {
                Refusal::Path { .. } => Status::not_found(text),
                Refusal::OtherQuery { .. } => Status::permission_denied(text),
                Refusal::TooMany(_) => Status::resource_exhausted(text),
                Refusal::TooLarge => Status::invalid_argument(text),
            }
        })?;
        let packets = messages
            .map(|data| pluginv2::StreamPacket { data })
            .map(Ok)
            .take_until(self.leave.clone().cancelled_owned());
        Ok(Response::new(Box::pin(packets)))
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
