//! Calls of Grafana Live: the channels of [`crate::stream`].

use std::sync::Arc;

use futures_util::StreamExt;
use plugin_protocol::{
    Answers, PluginContext, RunStreamRequest, Status, StreamPacket, SubscribeStatus,
    SubscribeStreamRequest, SubscribeStreamResponse,
};

use super::context::{CalledDataSource, NoDataSource};
use super::instances::Instances;
use crate::instance::Instance;
use crate::stream::{self, ChannelKey, Channels, RefusedChannel};

fn channel(
    instances: &Instances,
    context: Option<PluginContext>,
    path: String,
) -> Result<(Arc<Instance>, ChannelKey), NoDataSource> {
    let target = CalledDataSource::try_from(context)?;
    let key = ChannelKey { org_id: target.org_id, uid: target.uid.clone(), path };
    Ok((instances.get(target), key))
}

/// Answers a subscription.
///
/// Errors: the call names no data source.
pub(super) fn subscribe(
    instances: &Instances,
    channels: &Channels,
    request: SubscribeStreamRequest,
) -> Result<SubscribeStreamResponse, NoDataSource> {
    let (instance, key) = channel(instances, request.plugin_context, request.path)?;
    let (status, data) = match stream::first_message(&instance, channels, &key, &request.data) {
        Ok(message) => (SubscribeStatus::Ok, message),
        Err(refusal) => {
            let status = match refusal {
                RefusedChannel::Path { .. } => SubscribeStatus::NotFound,
                RefusedChannel::OtherQuery { .. }
                | RefusedChannel::TooMany(_)
                | RefusedChannel::TooLarge => SubscribeStatus::PermissionDenied,
            };
            let message = serde_json::json!({ "message": refusal.to_string() });
            (status, message.to_string().into_bytes())
        }
    };
    Ok(SubscribeStreamResponse { status: status.into(), data })
}

/// Reason why a channel does not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error(transparent)]
    NoDataSource(#[from] NoDataSource),
    #[error(transparent)]
    Refused(#[from] RefusedChannel),
}

impl From<RunError> for Status {
    fn from(error: RunError) -> Self {
        let text = error.to_string();
        match error {
            RunError::NoDataSource(error) => error.into(),
            RunError::Refused(RefusedChannel::Path { .. }) => Self::not_found(text),
            RunError::Refused(RefusedChannel::OtherQuery { .. }) => Self::permission_denied(text),
            RunError::Refused(RefusedChannel::TooMany(_)) => Self::resource_exhausted(text),
            RunError::Refused(RefusedChannel::TooLarge) => Self::invalid_argument(text),
        }
    }
}

/// Runs a channel.
///
/// Errors: [`RunError`].
pub(super) fn run(
    instances: &Instances,
    channels: &Arc<Channels>,
    request: RunStreamRequest,
) -> Result<Answers<StreamPacket>, RunError> {
    let (instance, key) = channel(instances, request.plugin_context, request.path)?;
    let messages = stream::run(instance, channels, &key, &request.data)?;
    Ok(messages.map(|data| StreamPacket { data }).map(Ok).boxed())
}
