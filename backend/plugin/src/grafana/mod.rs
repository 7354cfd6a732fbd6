//! Everything that Grafana's plugin protocol asks for, and the only module that names its SDK.
//!
//! The SDK supplies messages and service traits; handshake, sockets, limits and the end of life
//! are ours: its own server adds 44 ms to each small query, caps requests at 4 MiB, refuses users
//! without a role and ignores `Shutdown`.

mod context;
mod data;
mod diagnostics;
mod goplugin;
mod handshake;
mod instances;
mod lifetime;
mod listener;
mod live;
mod log;
mod resource;
mod rpc;
mod wire;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::StreamExt;
use grafana_plugin_sdk::pluginv2::{
    diagnostics_server::DiagnosticsServer, resource_server::ResourceServer,
    stream_server::StreamServer,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::Router;

use self::data::DataServer;
use self::diagnostics::Diagnostics;
use self::goplugin::{Broker, Controller, Stdio};
use self::instances::Instances;
use self::lifetime::Watch;
use self::listener::{ListenError, Listener, Placement};
use self::live::Live;
use self::resource::Resource;
use self::rpc::MAX_REQUEST_BYTES;

/// Why serving ended other than by being told to.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("watch for signals")]
    Signals(#[source] io::Error),
    #[error("start the runtime")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("write the handshake line to stdout")]
    Announce(#[source] io::Error),
    #[error("serve gRPC")]
    Serve(#[source] tonic::transport::Error),
}

/// The whole life of the plugin: handshake, serving, leaving.
pub(crate) fn run() -> ExitCode {
    let var = |name: &str| std::env::var(name).ok();
    if let Err(error) = handshake::check(var) {
        eprintln!("gpx_hubble: {error}.");
        return ExitCode::FAILURE;
    }
    log::init(var("GF_PLUGIN_LOG_LEVEL").as_deref());
    match serve_until_told(&Placement::from_env(var)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(reason = chain(&error), "the plugin cannot serve");
            ExitCode::FAILURE
        }
    }
}

fn serve_until_told(placement: &Placement) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    let served = runtime.block_on(serve(placement));
    // Whatever still runs was given its time.
    runtime.shutdown_background();
    served
}

async fn serve(placement: &Placement) -> Result<(), ServeError> {
    let watch = Watch::new().map_err(ServeError::Signals)?;
    let leave = CancellationToken::new();
    let listener = Listener::bind(placement).await?;
    let address = listener.address().map_err(ServeError::Announce)?;
    let router = router(&leave).await;
    tokio::spawn(watch.until(leave.clone()));
    handshake::announce(&address).map_err(ServeError::Announce)?;

    let told = leave.clone().cancelled_owned();
    let serving = async {
        match listener {
            #[cfg(unix)]
            Listener::Unix(listener, _socket_file) => {
                let incoming = tokio_stream::wrappers::UnixListenerStream::new(listener);
                router.serve_with_incoming_shutdown(incoming, told).await
            }
            Listener::Tcp(listener) => {
                let incoming =
                    tokio_stream::wrappers::TcpListenerStream::new(listener).map(|stream| {
                        let stream = stream?;
                        stream.set_nodelay(true)?;
                        Ok::<_, io::Error>(stream)
                    });
                router.serve_with_incoming_shutdown(incoming, told).await
            }
        }
    };
    let too_late = async {
        leave.cancelled().await;
        tokio::time::sleep(lifetime::GRACE).await;
    };
    tokio::select! {
        served = serving => served.map_err(ServeError::Serve),
        () = too_late => Ok(()),
    }
}

async fn router(leave: &CancellationToken) -> Router {
    let instances = Arc::new(Instances::default());
    // go-plugin's client pings the service `plugin`; the whole server ("") is serving from the start.
    let (mut health_reporter, health) = tonic_health::server::health_reporter();
    health_reporter.set_service_status("plugin", tonic_health::ServingStatus::Serving).await;
    let leave = || leave.clone();
    let diagnostics = DiagnosticsServer::new(Diagnostics { instances: instances.clone() });
    let resource = ResourceServer::new(Resource { instances: instances.clone() });
    Server::builder()
        .add_service(health)
        .add_service(Controller { leave: leave() })
        .add_service(Stdio { leave: leave() })
        .add_service(Broker { leave: leave() })
        .add_service(DataServer { instances: instances.clone() })
        .add_service(
            diagnostics
                .max_decoding_message_size(MAX_REQUEST_BYTES)
                .max_encoding_message_size(usize::MAX),
        )
        .add_service(
            resource
                .max_decoding_message_size(MAX_REQUEST_BYTES)
                .max_encoding_message_size(usize::MAX),
        )
        .add_service(
            StreamServer::new(Live { instances, channels: Arc::default(), leave: leave() })
                .max_decoding_message_size(MAX_REQUEST_BYTES)
                .max_encoding_message_size(usize::MAX),
        )
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
