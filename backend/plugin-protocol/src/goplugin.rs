//! go-plugin's own services. Grafana ends the plugin through `GRPCController`, and opens the
//! streams of `GRPCStdio` and `GRPCBroker` at start without using them.
//!
//! Source of names and numbers: hashicorp/go-plugin `internal/plugin/grpc_{controller,stdio,broker}.proto`.

use futures_util::{Stream, StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

use crate::message::{ConnInfo, StdioData};
use crate::rpc;

/// A stream without messages that keeps `guard` and ends when the plugin shuts down.
fn silent<T: Send + 'static>(
    leave: CancellationToken,
    guard: impl Send + 'static,
) -> impl Stream<Item = Result<T, Status>> + Send {
    let until_then = async move {
        leave.cancelled().await;
        drop(guard);
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

        rpc::serve!($type, $name, |$self, $request| { $($path => $answer),* });
    };
}

service!(
    /// `plugin.GRPCController`: Grafana's request to shut down.
    Controller, "plugin.GRPCController", |this, request| {
        "Shutdown" => rpc::unary(request, |_: tonic::Request<()>| async move {
            this.leave.cancel();
            Ok(Response::new(()))
        }),
    }
);

service!(
    /// `plugin.GRPCStdio`: a stream of the plugin's output, which stays empty.
    Stdio, "plugin.GRPCStdio", |this, request| {
        "StreamStdio" => rpc::server_streaming(request, |_: tonic::Request<()>| async move {
            Ok(silent::<StdioData>(this.leave, ()))
        }),
    }
);

service!(
    /// `plugin.GRPCBroker`: a stream of further connections, which stays empty.
    Broker, "plugin.GRPCBroker", |this, request| {
        "StartStream" => rpc::bidi_streaming(request, |incoming| {
            // The incoming half stays open as long as ours: dropping it would reset the stream.
            let incoming: tonic::Streaming<ConnInfo> = incoming;
            silent::<ConnInfo>(this.leave, incoming)
        }),
    }
);
