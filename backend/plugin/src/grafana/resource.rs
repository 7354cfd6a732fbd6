//! `pluginv2.Resource`: HTTP-like calls, answered whole or chunk by chunk.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use grafana_plugin_sdk::pluginv2;
use tonic::{Request, Response, Status};

use super::context::{NoDataSource, Target};
use super::instances::Instances;
use crate::prometheus::{ForwardedIdentity, HeadersOf};
use crate::resources::{self, Body, Call};

/// The service.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) instances: Arc<Instances>,
}

type ResponseStream =
    Pin<Box<dyn Stream<Item = Result<pluginv2::CallResourceResponse, Status>> + Send>>;

#[tonic::async_trait]
impl pluginv2::resource_server::Resource for Resource {
    type CallResourceStream = ResponseStream;

    async fn call_resource(
        &self,
        request: Request<pluginv2::CallResourceRequest>,
    ) -> Result<Response<ResponseStream>, Status> {
        let request = request.into_inner();
        let headers = request.headers.iter().flat_map(|(name, values)| {
            values.values.iter().map(move |value| (name.as_str(), value.as_str()))
        });
        let identity = ForwardedIdentity::new(headers, HeadersOf::Browser)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let call = Call {
            method: request.method.to_ascii_uppercase(),
            path: request.path.trim_matches('/').to_owned(),
            query: request
                .url
                .split_once('?')
                .map(|(_, query)| query.to_owned())
                .unwrap_or_default(),
            body: request.body,
            identity,
        };
        let target = Target::try_from(request.plugin_context)
            .map_err(|NoDataSource| Status::invalid_argument(NoDataSource.to_string()))?;
        let instance = self.instances.get(target);
        let reply = resources::call(&instance, call).await;

        let list = |value: &str| pluginv2::StringList { values: vec![value.to_owned()] };
        let mut headers = HashMap::from([
            ("Content-Type".to_owned(), list(reply.content_type)),
            // What Prometheus or a relay says is shown as what it is, never guessed at.
            ("X-Content-Type-Options".to_owned(), list("nosniff")),
        ]);
        headers.extend(reply.headers.iter().map(|(name, value)| ((*name).to_owned(), list(value))));
        let head = pluginv2::CallResourceResponse {
            code: reply.status.into(),
            headers,
            ..pluginv2::CallResourceResponse::default()
        };
        let stream: ResponseStream = match reply.body {
            Body::Whole(body) => {
                Box::pin(stream::iter([Ok(pluginv2::CallResourceResponse { body, ..head })]))
            }
            Body::Chunks(chunks) => {
                // Only the first message's code and headers count; the rest is body.
                let chunks = chunks.map(|body| pluginv2::CallResourceResponse {
                    body,
                    ..pluginv2::CallResourceResponse::default()
                });
                Box::pin(stream::iter([head]).chain(chunks).map(Ok))
            }
        };
        Ok(Response::new(stream))
    }
}
