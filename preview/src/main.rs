//! A substitute for Grafana where none is installed: it serves the same `dist/`, runs the same
//! backend over the same plugin protocol, under a page made of Grafana's own libraries.

mod backend;
mod dist;
mod frames;
mod provisioning;
mod server;
mod sources;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use wording::with_causes;

use backend::{Backend, StartError};
use dist::DistError;
use provisioning::ProvisioningError;
use server::Stage;
use sources::DataSources;

/// The Grafana version of the page's libraries, which is also reported to plugins.
const GRAFANA_VERSION: &str = "12.4.10";
/// Time for open answers to end after Ctrl-C.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A substitute for Grafana where none is installed.
#[derive(Debug, Parser)]
#[command(name = "preview", version)]
struct Args {
    /// The plugin folder, in the layout of Grafana's plugins folder.
    #[arg(long, default_value = "dist")]
    dist: PathBuf,
    /// A provisioning folder in Grafana's layout (datasources/*.yaml, dashboards/*.yaml).
    #[arg(long, default_value = "provisioning")]
    provisioning: PathBuf,
    /// The built page.
    #[arg(long, default_value = "preview/page/build")]
    page: PathBuf,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

/// Reason why the preview does not run.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("the plugins cannot be served")]
    Dist(#[from] DistError),
    #[error("a plugin's backend cannot be started")]
    Backend(#[from] StartError),
    #[error("the provisioning cannot be used")]
    Provisioning(#[from] ProvisioningError),
    #[error("the page is not built: `{}` is missing; run `npm run build:page`", index.display())]
    NoPage { index: PathBuf },
    #[error("port {} is in use; choose another one with --port", address.port())]
    PortInUse { address: SocketAddr },
    #[error("cannot listen on `{address}`")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot wait for signals")]
    Signal(#[source] std::io::Error),
    #[error("the HTTP server failed")]
    Serve(#[source] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("PREVIEW_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .init();
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("preview: {}", with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), RunError> {
    let plugins = dist::read(&args.dist)?;
    let provisioning = provisioning::read(&args.provisioning)?;
    let index = args.page.join("index.html");
    if !index.is_file() {
        return Err(RunError::NoPage { index });
    }
    for dashboard in provisioning.dashboards.list() {
        if let Err(error) = dashboard {
            tracing::error!("cannot show a dashboard: {}", with_causes(&error));
        }
    }
    let address = SocketAddr::new(args.bind, args.port);
    let listener = TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == std::io::ErrorKind::AddrInUse {
            RunError::PortInUse { address }
        } else {
            RunError::Listen { address, source }
        }
    })?;
    let bound = listener.local_addr().map_err(|source| RunError::Listen { address, source })?;
    let stopped = stop_signal()?;

    let mut backends = Vec::new();
    let mut channels = BTreeMap::new();
    for plugin in &plugins {
        if let Some(executable) = &plugin.executable {
            let backend = Backend::start(executable).await?;
            channels.insert(plugin.id.clone(), backend.channel());
            backends.push(backend);
        }
    }
    let app_url = format!("http://{bound}/");
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    let stage = Arc::new(Stage {
        plugins: plugins.into_iter().map(|plugin| (plugin.id.clone(), plugin)).collect(),
        backends: channels,
        data_sources: DataSources::new(provisioning.data_sources, now_ms),
        dashboards: provisioning.dashboards,
        app_url: app_url.clone(),
    });
    println!("preview: in place of Grafana at {app_url}");
    let served = serve(listener, server::router(stage, &args.page), stopped).await;
    for backend in backends {
        backend.shutdown().await;
    }
    served
}

async fn serve(
    listener: TcpListener,
    router: axum::Router,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    let (stop, stopping) = tokio::sync::oneshot::channel();
    let graceful = async move {
        stopped.await;
        // The receiver lives as long as this function.
        let _ = stop.send(()).is_ok();
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(graceful);
    tokio::select! {
        served = async { serving.await } => served.map_err(RunError::Serve),
        // An open stream must not delay the end.
        () = async { if stopping.await.is_ok() { tokio::time::sleep(DRAIN_TIMEOUT).await } } => Ok(()),
    }
}

/// Waits for Ctrl-C or SIGTERM.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, RunError> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signal)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signal)?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // An error means that Ctrl-C cannot be caught; the process then ends in another way.
        let _ = tokio::signal::ctrl_c().await.is_ok();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_start_has_its_reason() {
        let dir = std::env::temp_dir().join(format!("preview-run-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = taken.local_addr().expect("an address").port();
        let check = async |expected: String| {
            let args = Args {
                dist: dir.join("dist"),
                provisioning: dir.join("provisioning"),
                page: dir.join("page"),
                bind: IpAddr::from([127, 0, 0, 1]),
                port,
            };
            let message = with_causes(&run(args).await.expect_err(&expected));
            let here = dir.canonicalize().unwrap_or_else(|_| dir.clone());
            let message = message.replace(&*here.to_string_lossy(), "DIR");
            assert_eq!(message.replace(&*dir.to_string_lossy(), "DIR"), expected);
        };
        check("the plugins cannot be served: the plugin folder `DIR/dist` cannot be read: No such file or directory (os error 2)".to_owned()).await;
        write("dist/plugin.json", r#"{"id":"a-app","type":"app"}"#);
        check("the provisioning cannot be used: the provisioning folder `DIR/provisioning` does not exist".to_owned()).await;
        write("provisioning/dashboards/a.yaml", "providers: []");
        check(
            "the page is not built: `DIR/page/index.html` is missing; run `npm run build:page`"
                .to_owned(),
        )
        .await;
        write("page/index.html", "");
        check(format!("port {port} is in use; choose another one with --port")).await;
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
