//! go-plugin's own services: Grafana ends the plugin through `GRPCController`, and opens the
//! streams of `GRPCStdio` and `GRPCBroker` at start without ever using them.
//!
//! Source of names and numbers: hashicorp/go-plugin `internal/plugin/grpc_{controller,stdio,broker}.proto`.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tonic::body::BoxBody;
use tonic::server::NamedService;
use tonic::{Response, Status};
use tower::Service;

use super::rpc::{self, Exchange};

/// `google.protobuf.Empty`, and `plugin.Empty`, which has the same bytes: none.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
struct Empty {}

/// `plugin.StdioData`. Never sent: the plugin logs on stderr itself.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct StdioData {
    #[prost(int32, tag = "1")]
    channel: i32,
    #[prost(bytes = "bytes", tag = "2")]
    data: bytes::Bytes,
}

/// `plugin.ConnInfo`. Never sent: the plugin opens no further connections to its host.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct ConnInfo {
    #[prost(uint32, tag = "1")]
    service_id: u32,
    #[prost(string, tag = "2")]
    network: String,
    #[prost(string, tag = "3")]
    address: String,
}

/// A stream that says nothing, holds `held`, and ends when the plugin leaves.
fn silent<T: Send + 'static>(
    leave: CancellationToken,
    held: impl Send + 'static,
) -> impl Stream<Item = Result<T, Status>> + Send {
    let until_then = async move {
        leave.cancelled().await;
        drop(held);
    };
    stream::once(until_then).filter_map(|()| std::future::ready(None))
}

macro_rules! service {
    ($(#[$doc:meta])* $type:ident, $name:literal, |$self:ident, $request:ident| { $($path:literal => $answer:expr),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(crate) struct $type {
            pub(crate) leave: CancellationToken,
        }

        impl NamedService for $type {
            const NAME: &'static str = $name;
        }

        impl Service<http::Request<BoxBody>> for $type {
            type Response = http::Response<BoxBody>;
            type Error = Infallible;
            type Future = Exchange;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, $request: http::Request<BoxBody>) -> Exchange {
                let $self = self.clone();
                match $request.uri().path() {
                    $(concat!("/", $name, "/", $path) => $answer,)*
                    path => rpc::unimplemented(path),
                }
            }
        }
    };
}

service!(
    /// `plugin.GRPCController`: the way in which Grafana asks the plugin to leave.
    Controller, "plugin.GRPCController", |this, request| {
        "Shutdown" => rpc::unary(request, |_: tonic::Request<Empty>| async move {
            this.leave.cancel();
            Ok(Response::new(Empty {}))
        }),
    }
);

service!(
    /// `plugin.GRPCStdio`: a stream of what the plugin prints, which is nothing.
    Stdio, "plugin.GRPCStdio", |this, request| {
        "StreamStdio" => rpc::server_streaming(request, |_: Empty| silent::<StdioData>(this.leave, ())),
    }
);

service!(
    /// `plugin.GRPCBroker`: a stream of further connections, of which there are none.
    Broker, "plugin.GRPCBroker", |this, request| {
        "StartStream" => rpc::bidi_streaming(request, |incoming| {
            // The incoming half is held open for as long as ours: dropping it would reset the stream.
            let incoming: tonic::Streaming<ConnInfo> = incoming;
            silent::<ConnInfo>(this.leave, incoming)
        }),
    }
);
