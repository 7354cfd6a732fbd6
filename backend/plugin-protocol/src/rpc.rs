//! Exchange of messages, shared by all services: a service is a match on the path.
//!
//! No crate for tonic 0.12 has go-plugin's services or the current field numbers of `pluginv2`;
//! with these functions they need no generated code.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, Stream, StreamExt, TryStreamExt};
use prost::Message;
use tonic::body::BoxBody;
use tonic::codec::ProstCodec;
use tonic::server::Grpc;
use tonic::{Request, Response, Status, Streaming};

/// Maximum size of a request, in bytes. Grafana's own client has no limit; its HTTP interface
/// passes 30 MB and more to a resource.
pub(crate) const MAX_REQUEST_BYTES: usize = 64 << 20;

/// A complete HTTP exchange of a service.
pub(crate) type RpcFuture = BoxFuture<'static, Result<http::Response<BoxBody>, Infallible>>;

fn grpc<In, Out>() -> Grpc<ProstCodec<Out, In>>
where
    In: Message + Default + 'static,
    Out: Message + 'static,
{
    Grpc::new(ProstCodec::default())
        .max_decoding_message_size(MAX_REQUEST_BYTES)
        .max_encoding_message_size(usize::MAX)
}

/// Turns a panic into the failure of its call; otherwise the host would only see a stream that was reset.
async fn isolated<T>(answer: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    AssertUnwindSafe(answer).catch_unwind().await.map_err(|_panic| crashed())?
}

/// Turns a panic into the last message of a stream.
fn isolated_stream<T: Message + 'static>(
    messages: impl Stream<Item = Result<T, Status>> + Send + 'static,
) -> BoxStream<'static, Result<T, Status>> {
    let caught = AssertUnwindSafe(messages).catch_unwind().map_err(|_panic| crashed());
    caught.and_then(ready).boxed()
}

fn crashed() -> Status {
    Status::internal(
        "this call crashed the plugin's task: please report it with the location from Grafana's log",
    )
}

/// Answers one message with one message.
pub(crate) fn unary<In, Out, F>(
    request: http::Request<BoxBody>,
    handler: impl FnOnce(Request<In>) -> F + Send + Clone + 'static,
) -> RpcFuture
where
    In: Message + Default + 'static,
    Out: Message + 'static,
    F: Future<Output = Result<Response<Out>, Status>> + Send + 'static,
{
    let service = tower::service_fn(move |request: Request<In>| isolated(handler.clone()(request)));
    Box::pin(async move { Ok(grpc::<In, Out>().unary(service, request).await) })
}

/// Answers one message with a stream.
pub(crate) fn server_streaming<In, Out, S, F>(
    request: http::Request<BoxBody>,
    handler: impl FnOnce(Request<In>) -> F + Send + Clone + 'static,
) -> RpcFuture
where
    In: Message + Default + 'static,
    Out: Message + 'static,
    S: Stream<Item = Result<Out, Status>> + Send + 'static,
    F: Future<Output = Result<S, Status>> + Send + 'static,
{
    let service = tower::service_fn(move |request: Request<In>| {
        let answered = isolated(handler.clone()(request));
        async move { Ok(Response::new(isolated_stream(answered.await?))) }
    });
    Box::pin(async move { Ok(grpc::<In, Out>().server_streaming(service, request).await) })
}

/// Answers a stream with a stream.
pub(crate) fn bidi_streaming<In, Out, S>(
    request: http::Request<BoxBody>,
    handler: impl FnOnce(Streaming<In>) -> S + Send + Clone + 'static,
) -> RpcFuture
where
    In: Message + Default + 'static,
    Out: Message + 'static,
    S: Stream<Item = Result<Out, Status>> + Send + 'static,
{
    let service = tower::service_fn(move |request: Request<Streaming<In>>| {
        let stream = handler.clone()(request.into_inner());
        async move { Ok(Response::new(stream)) }
    });
    Box::pin(async move { Ok(grpc::<In, Out>().streaming(service, request).await) })
}

/// The answer to a path that the service does not have.
pub(crate) fn unimplemented(path: &str) -> RpcFuture {
    let status = Status::unimplemented(format!("`{path}` is not served by this plugin"));
    Box::pin(async move { Ok(status.into_http()) })
}

/// The traits that tonic's router needs of a service: its name, and an answer for each path.
macro_rules! serve {
    ($type:ident $(<$backend:ident: $bound:ident>)?, $name:literal, |$this:ident, $request:ident| { $($path:literal => $answer:expr),* }) => {
        impl$(<$backend>)? tonic::server::NamedService for $type$(<$backend>)? {
            const NAME: &'static str = $name;
        }

        impl$(<$backend: $bound>)? tower::Service<http::Request<tonic::body::BoxBody>>
            for $type$(<$backend>)?
        {
            type Response = http::Response<tonic::body::BoxBody>;
            type Error = std::convert::Infallible;
            type Future = $crate::rpc::RpcFuture;

            fn poll_ready(
                &mut self,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Result<(), Self::Error>> {
                std::task::Poll::Ready(Ok(()))
            }

            fn call(&mut self, $request: http::Request<tonic::body::BoxBody>) -> Self::Future {
                let $this = self.clone();
                match $request.uri().path() {
                    $(concat!("/", $name, "/", $path) => $answer,)*
                    path => $crate::rpc::unimplemented(path),
                }
            }
        }
    };
}
pub(crate) use serve;
