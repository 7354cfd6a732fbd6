//! Calls of Grafana Live: the channels of [`crate::stream`].

use std::sync::Arc;

use futures_util::StreamExt;
use plugin_protocol::{
    Answers, PluginContext, RunStreamRequest, Status, StreamPacket, SubscribeStatus,
    SubscribeStreamRequest, SubscribeStreamResponse,
};

use super::context::{self, CalledDataSource, NoDataSource};
use super::instances::Instances;
use crate::instance::Instance;
use crate::stream::{self, ChannelKey, RefusedChannel};

/// A channel that is subscribed to or run.
struct CalledChannel {
    instance: Arc<Instance>,
    key: ChannelKey,
    /// Login of the person who subscribes, or whose subscription Grafana runs.
    login: String,
}

impl CalledChannel {
    fn new(
        instances: &Instances,
        context: Option<PluginContext>,
        path: String,
    ) -> Result<Self, NoDataSource> {
        let login = context::login(context.as_ref());
        let target = CalledDataSource::try_from(context)?;
        let key = ChannelKey { org_id: target.org_id, uid: target.uid.clone(), path };
        Ok(Self { instance: instances.get(target), key, login })
    }
}

/// Answers a subscription.
///
/// Errors: the call names no data source.
pub(super) async fn subscribe(
    instances: &Instances,
    request: SubscribeStreamRequest,
) -> Result<SubscribeStreamResponse, NoDataSource> {
    let CalledChannel { instance, key, login } =
        CalledChannel::new(instances, request.plugin_context, request.path)?;
    let (status, data) = match stream::first_message(&instance, &key, &login, &request.data).await {
        Ok(message) => (SubscribeStatus::Ok, message),
        Err(refusal) => {
            count(&instance, &refusal);
            let status = match refusal {
                RefusedChannel::Path { .. } => SubscribeStatus::NotFound,
                RefusedChannel::OtherQuery { .. }
                | RefusedChannel::Query(_)
                | RefusedChannel::Limit(_) => SubscribeStatus::PermissionDenied,
            };
            let message = serde_json::json!({ "message": refusal.to_string() });
            (status, message.to_string().into_bytes())
        }
    };
    Ok(SubscribeStreamResponse { status: status.into(), data })
}

/// Counts a refusal by a limit.
fn count(instance: &Instance, refusal: &RefusedChannel) {
    if let Some(limit) = refusal.limit() {
        instance.budget.metrics.refusals(limit).count();
    }
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
            RunError::Refused(RefusedChannel::Query(_)) => Self::invalid_argument(text),
            RunError::Refused(RefusedChannel::Limit(_)) => Self::resource_exhausted(text),
        }
    }
}

/// Runs a channel.
///
/// Errors: [`RunError`].
pub(super) fn run(
    instances: &Instances,
    request: RunStreamRequest,
) -> Result<Answers<StreamPacket>, RunError> {
    let CalledChannel { instance, key, login } =
        CalledChannel::new(instances, request.plugin_context, request.path)?;
    let messages = stream::run(instance.clone(), &key, &login, &request.data)
        .inspect_err(|refusal| count(&instance, refusal))?;
    Ok(messages.map(|data| StreamPacket { data }).map(Ok).boxed())
}
