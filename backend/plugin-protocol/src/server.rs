//! The life of a plugin: handshake, serving, shutdown.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::Router;
use wording::with_causes;

use crate::goplugin::{Broker, Controller, Stdio};
use crate::handshake;
use crate::lifetime::{self, Watch};
use crate::listener::{ListenError, Listener, Placement};
use crate::log;
use crate::program::Program;
use crate::services::{Backend, Data, Diagnostics, Resource, Stream};
use crate::trace;

/// Reason why serving failed.
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

/// Serves `backend` until Grafana or the system ends the plugin, or Grafana is gone; calls in
/// flight then have 1.5 s left. Call it first in `main`: it starts the runtime and logging.
pub fn run<B: Backend>(program: Program, backend: B) -> ExitCode {
    let var = |name: &str| std::env::var(name).ok();
    if let Err(error) = handshake::check(var) {
        eprintln!("{}: {error}.", program.name);
        return ExitCode::FAILURE;
    }
    // Two at least, so that one busy task does not stop health checks.
    let threads = std::thread::available_parallelism().map_or(2, |cpus| cpus.get().max(2));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let propagation = trace::set_propagation(var);
    let provider = runtime.as_ref().map_or(Ok(None), |runtime| {
        let _entered = runtime.enter();
        trace::provider(program, var)
    });
    let (provider, no_provider) = match provider {
        Ok(provider) => (provider, None),
        Err(error) => (None, Some(error)),
    };
    log::init(var("GF_PLUGIN_LOG_LEVEL").as_deref(), program, provider.as_ref());
    for error in propagation.err().iter().chain(&no_provider) {
        tracing::warn!(reason = with_causes(error), "there are no traces");
    }
    let placement = Placement::from_env(var);
    let served = runtime.map_err(ServeError::Runtime).and_then(|runtime| {
        let served = runtime.block_on(serve(program.name, &placement, backend));
        if let Some(provider) = provider {
            runtime.block_on(trace::flush(provider));
        }
        // Tasks that still run have used up their grace period.
        runtime.shutdown_background();
        served
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(reason = with_causes(&error), "the plugin cannot serve");
            ExitCode::FAILURE
        }
    }
}

async fn serve<B: Backend>(
    name: &str,
    placement: &Placement,
    backend: B,
) -> Result<(), ServeError> {
    let watch = Watch::new().map_err(ServeError::Signals)?;
    let leave = CancellationToken::new();
    let listener = Listener::bind(name, placement).await?;
    let address = listener.address().map_err(ServeError::Announce)?;
    let router = router(backend, &leave).await;
    tokio::spawn(watch.until(leave.clone()));
    handshake::announce(&address).map_err(ServeError::Announce)?;

    let left = leave.clone().cancelled_owned();
    let serving = async {
        match listener {
            #[cfg(unix)]
            Listener::Unix(listener, _socket_file) => {
                let incoming = tokio_stream::wrappers::UnixListenerStream::new(listener);
                router.serve_with_incoming_shutdown(incoming, left).await
            }
            Listener::Tcp(listener) => {
                let incoming =
                    tokio_stream::wrappers::TcpListenerStream::new(listener).map(|stream| {
                        let stream = stream?;
                        stream.set_nodelay(true)?;
                        Ok::<_, io::Error>(stream)
                    });
                router.serve_with_incoming_shutdown(incoming, left).await
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

async fn router<B: Backend>(backend: B, leave: &CancellationToken) -> Router {
    let backend = Arc::new(backend);
    // go-plugin's client checks the health of the service `plugin`; the whole server ("") counts as
    // serving from the start.
    let (mut health_reporter, health) = tonic_health::server::health_reporter();
    health_reporter.set_service_status("plugin", tonic_health::ServingStatus::Serving).await;
    let leave = || leave.clone();
    let backend = || Arc::clone(&backend);
    Server::builder()
        .add_service(health)
        .add_service(Controller { leave: leave() })
        .add_service(Stdio { leave: leave() })
        .add_service(Broker { leave: leave() })
        .add_service(Data { backend: backend(), leave: leave() })
        .add_service(Diagnostics { backend: backend(), leave: leave() })
        .add_service(Resource { backend: backend(), leave: leave() })
        .add_service(Stream { backend: backend(), leave: leave() })
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tonic::{Code, Status, async_trait};

    use super::*;
    use crate::client;
    use crate::handshake::Address;
    use crate::message::{
        CallResourceRequest, CallResourceResponse, CheckHealthRequest, CheckHealthResponse,
        PublishStreamRequest, PublishStreamResponse, QueryDataRequest, QueryDataResponse,
        RunStreamRequest, StreamPacket, SubscribeStreamRequest, SubscribeStreamResponse,
    };
    use crate::services::Answers;

    struct Crashing;

    #[async_trait]
    impl Backend for Crashing {
        async fn query_data(&self, _: QueryDataRequest) -> Result<QueryDataResponse, Status> {
            panic!("a secret");
        }

        async fn collect_metrics(&self) -> Result<Vec<u8>, Status> {
            panic!("a secret");
        }

        async fn check_health(&self, _: CheckHealthRequest) -> Result<CheckHealthResponse, Status> {
            tokio::task::yield_now().await;
            panic!("a secret");
        }

        async fn call_resource(
            &self,
            _: CallResourceRequest,
        ) -> Result<Answers<CallResourceResponse>, Status> {
            panic!("a secret");
        }

        async fn subscribe_stream(
            &self,
            _: SubscribeStreamRequest,
        ) -> Result<SubscribeStreamResponse, Status> {
            panic!("a secret");
        }

        async fn run_stream(&self, _: RunStreamRequest) -> Result<Answers<StreamPacket>, Status> {
            let first = stream::iter([Ok(StreamPacket { data: b"first".to_vec() })]);
            Ok(Box::pin(first.chain(stream::once(async { panic!("a secret") }))))
        }

        async fn publish_stream(
            &self,
            _: PublishStreamRequest,
        ) -> Result<PublishStreamResponse, Status> {
            Ok(PublishStreamResponse { status: 2, data: Vec::new() })
        }
    }

    #[tokio::test]
    async fn a_panic_is_the_failure_of_one_call() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        let router = router(Crashing, &CancellationToken::new()).await;
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let serving = tokio::spawn(router.serve_with_incoming(incoming));
        let channel = client::connect(address).await.unwrap();
        let check = |status: Status| {
            assert_eq!(status.code(), Code::Internal);
            assert!(
                status.message().starts_with("this call crashed the plugin's task"),
                "{status}"
            );
        };
        // One connection for all, so a call that broke it would break the next ones.
        let mut live =
            client::run_stream(channel.clone(), RunStreamRequest::default()).await.unwrap();
        assert_eq!(live.message().await.unwrap().unwrap().data, b"first");
        check(client::query_data(channel.clone(), QueryDataRequest::default()).await.unwrap_err());
        check(
            client::check_health(channel.clone(), CheckHealthRequest::default()).await.unwrap_err(),
        );
        check(
            client::call_resource(channel.clone(), CallResourceRequest::default())
                .await
                .unwrap_err(),
        );
        let subscription = SubscribeStreamRequest::default();
        check(client::subscribe_stream(channel.clone(), subscription).await.unwrap_err());
        check(live.message().await.unwrap_err());
        let published = client::publish_stream(channel, PublishStreamRequest::default()).await;
        assert_eq!(published.unwrap().status, 2, "the plugin goes on");
        serving.abort();
    }
}
