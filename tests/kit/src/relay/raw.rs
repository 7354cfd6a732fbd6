//! Answers to `GetFlows` as bytes, for messages that protobuf's types cannot hold, such as texts
//! that are not UTF-8.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes};
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, stream};
use hubble_api::pb::observer::GetFlowsRequest;
use tonic::body::BoxBody;
use tonic::codec::{Codec, EncodeBuf, Encoder, ProstCodec};
use tonic::codegen::http;
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::{Request, Response, Status};

/// An observer that answers `GetFlows` with bytes and leaves every other call to `others`.
#[derive(Clone)]
pub(super) struct RawFlows<S> {
    pub(super) messages: Arc<Vec<Bytes>>,
    pub(super) others: S,
}

impl<S> NamedService for RawFlows<S> {
    const NAME: &'static str = "observer.Observer";
}

impl<S> tower::Service<http::Request<BoxBody>> for RawFlows<S>
where
    S: tower::Service<
            http::Request<BoxBody>,
            Response = http::Response<BoxBody>,
            Error = Infallible,
            Future: Send + 'static,
        >,
{
    type Response = http::Response<BoxBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.others.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<BoxBody>) -> Self::Future {
        if request.uri().path() != "/observer.Observer/GetFlows" {
            return Box::pin(self.others.call(request));
        }
        let answer = Answer(Arc::clone(&self.messages));
        Box::pin(async move {
            Ok(Grpc::new(RawCodec::default()).server_streaming(answer, request).await)
        })
    }
}

struct Answer(Arc<Vec<Bytes>>);

impl ServerStreamingService<GetFlowsRequest> for Answer {
    type Response = Bytes;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<GetFlowsRequest>) -> Self::Future {
        // A request for the oldest flows of the nodes has an empty answer.
        let messages = if request.get_ref().first { Vec::new() } else { self.0.as_ref().clone() };
        let messages: Self::ResponseStream = Box::pin(stream::iter(messages).map(Ok));
        Box::pin(async move { Ok(Response::new(messages)) })
    }
}

#[derive(Default)]
struct RawCodec(ProstCodec<(), GetFlowsRequest>);

struct RawEncoder;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = GetFlowsRequest;
    type Encoder = RawEncoder;
    type Decoder = <ProstCodec<(), GetFlowsRequest> as Codec>::Decoder;

    fn encoder(&mut self) -> RawEncoder {
        RawEncoder
    }

    fn decoder(&mut self) -> Self::Decoder {
        self.0.decoder()
    }
}

impl Encoder for RawEncoder {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}
