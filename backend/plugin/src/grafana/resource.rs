//! HTTP-like calls, answered whole or in chunks.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use plugin_protocol::{
    Answers, CallResourceRequest, CallResourceResponse, PluginContext, Status, StringList,
};
use prometheus::{ForwardedIdentity, HeaderOrigin};

use super::context::{self, CalledDataSource};
use super::instances::Instances;
use crate::resources::{self, Call, ReplyBody};

/// Whether the user of a call may change dashboards, by the role in the organisation.
fn is_editor(context: Option<&PluginContext>) -> bool {
    let role = context.and_then(|context| context.user.as_ref()).map(|user| user.role.as_str());
    matches!(role, Some("Editor" | "Admin"))
}

/// Answers an HTTP-like call.
///
/// Errors: the call names no data source, or the user's own headers cannot be forwarded.
pub(super) async fn call(
    instances: &Instances,
    request: CallResourceRequest,
) -> Result<Answers<CallResourceResponse>, Status> {
    let headers = request.headers.iter().flat_map(|(name, values)| {
        values.values.iter().map(move |value| (name.as_str(), value.as_str()))
    });
    let identity = ForwardedIdentity::new(headers, HeaderOrigin::Browser)
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    let call = Call {
        method: request.method.to_ascii_uppercase(),
        path: request.path.trim_matches('/').to_owned(),
        query: request.url.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default(),
        body: request.body,
        identity,
        login: context::login(request.plugin_context.as_ref()),
        is_editor: is_editor(request.plugin_context.as_ref()),
    };
    let instance = instances.get(CalledDataSource::try_from(request.plugin_context)?);
    let reply = resources::call(&instance, call).await;

    let list = |value: &str| StringList { values: vec![value.to_owned()] };
    let mut headers = HashMap::from([
        ("Content-Type".to_owned(), list(reply.content_type)),
        // Text from Prometheus or a relay is shown with its own type and never sniffed.
        ("X-Content-Type-Options".to_owned(), list("nosniff")),
    ]);
    headers.extend(reply.headers.iter().map(|(name, value)| ((*name).to_owned(), list(value))));
    let head = CallResourceResponse {
        code: reply.status.into(),
        headers,
        ..CallResourceResponse::default()
    };
    Ok(match reply.body {
        ReplyBody::Whole(body) => stream::iter([Ok(CallResourceResponse { body, ..head })]).boxed(),
        ReplyBody::Chunks(chunks) => {
            // Only the first message's status and headers count; the other messages add to the
            // body.
            let chunks =
                chunks.map(|body| CallResourceResponse { body, ..CallResourceResponse::default() });
            stream::iter([head]).chain(chunks).map(Ok).boxed()
        }
    })
}
