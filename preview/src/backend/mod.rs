//! A plugin's backend: start, handshake, connection, end. It is not restarted after a crash.

#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt as _;
use plugin_protocol::handshake::{self, Address, InvalidHandshake};
use plugin_protocol::{Channel, Status, client};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, LinesCodec};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::GRAFANA_VERSION;

/// Maximum wait for the handshake line, as in go-plugin.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_mins(1);
/// Maximum wait between Shutdown and a kill, as in go-plugin.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum length of a line on stdout in bytes, so that a plugin cannot fill the host's memory.
const MAX_LINE_BYTES: usize = 64 * 1024;
/// Variables that Grafana passes on from its own environment. Source: Grafana
/// `pkg/plugins/envvars`. The last ones stand for `policy_roots` and others in Grafana's `[plugin.<id>]`
/// section, which reach a plugin under these names.
const PASSED_VARIABLES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "GF_PLUGIN_POLICY_ROOTS",
    "GF_PLUGIN_ALLOW_SERVICE_ACCOUNT",
    "GF_PLUGIN_ALLOW_UNIX_RELAYS",
    "GF_PLUGIN_ALLOW_TCP",
];

/// A plugin's program.
#[derive(Clone, Debug)]
pub(crate) struct Executable {
    /// The plugin's id, `k8snet-hubble-datasource`.
    pub(crate) plugin_id: String,
    /// The plugin's version, as its plugin.json has it.
    pub(crate) version: String,
    /// The program.
    pub(crate) path: PathBuf,
}

/// Reason why a plugin does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("`{}` cannot be started", path.display())]
    Spawn { path: PathBuf, source: std::io::Error },
    #[error("`{}` gave the host no pipe for its output", path.display())]
    NoPipe { path: PathBuf },
    #[error("`{}` printed no handshake line within 60 s", path.display())]
    HandshakeTimeout { path: PathBuf },
    #[error("`{}` ended before its handshake line; its log is above", path.display())]
    EndedEarly { path: PathBuf },
    #[error("`{}` printed a handshake line that cannot be read", path.display())]
    HandshakeLine { path: PathBuf, source: tokio_util::codec::LinesCodecError },
    #[error("cannot connect to `{}`", path.display())]
    Handshake { path: PathBuf, source: InvalidHandshake },
    #[error("the plugin's socket does not answer")]
    Connect(#[source] tonic::transport::Error),
    #[error("the plugin's health service does not answer")]
    Ping(#[source] Box<Status>),
    #[error("the plugin's health service reports status `{0}`, not serving")]
    NotServing(i32),
}

/// A started and connected plugin.
#[derive(Debug)]
pub(crate) struct Backend {
    child: Child,
    channel: Channel,
    plugin_id: String,
}

// === impl Backend ===

impl Backend {
    /// Starts the program in the environment that Grafana 12.4 gives a plugin (nothing from the
    /// host except its proxy variables), reads the handshake and connects.
    ///
    /// Errors: see [`StartError`]; the started program is then killed.
    pub(crate) async fn start(executable: &Executable) -> Result<Self, StartError> {
        let path = executable.path.clone();
        let mut child = command(executable)
            .spawn()
            .map_err(|source| StartError::Spawn { path: path.clone(), source })?;
        let stdout =
            child.stdout.take().ok_or_else(|| StartError::NoPipe { path: path.clone() })?;
        let address = read_handshake(&executable.plugin_id, &path, stdout).await?;
        let channel = client::connect(address).await.map_err(StartError::Connect)?;
        ping(channel.clone()).await?;
        Ok(Self { child, channel, plugin_id: executable.plugin_id.clone() })
    }

    /// The connection; cheap to clone.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// `GRPCController.Shutdown`, then two seconds, then a kill, as in go-plugin. Returns whether
    /// the plugin exited on its own.
    pub(crate) async fn shutdown(mut self) -> bool {
        let answer = timeout(SHUTDOWN_TIMEOUT, client::shutdown(self.channel)).await;
        if let Ok(Err(status)) = answer {
            // The connection may break before the answer: the process is gone, as intended.
            tracing::debug!(plugin = self.plugin_id, "shutdown answered {status}");
        }
        if let Ok(Ok(_)) = timeout(SHUTDOWN_TIMEOUT, self.child.wait()).await {
            return true;
        }
        tracing::warn!(
            plugin = self.plugin_id,
            "the plugin did not end within 2 s of Shutdown and is killed"
        );
        if let Err(error) = self.child.kill().await {
            tracing::error!(plugin = self.plugin_id, "the plugin cannot be killed: {error}");
        }
        false
    }
}

fn command(executable: &Executable) -> Command {
    let mut command = Command::new(&executable.path);
    command
        .env_clear()
        .envs(PASSED_VARIABLES.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
        .env("GF_VERSION", GRAFANA_VERSION)
        .env("GF_EDITION", "Open Source")
        .env("GF_PLUGIN_VERSION", &executable.version)
        .env("grafana_plugin_type", "datasource")
        .env("PLUGIN_MIN_PORT", "10000")
        .env("PLUGIN_MAX_PORT", "25000")
        .env("PLUGIN_PROTOCOL_VERSIONS", "2")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn read_handshake(
    plugin_id: &str,
    path: &Path,
    stdout: ChildStdout,
) -> Result<Address, StartError> {
    let mut lines = FramedRead::new(stdout, LinesCodec::new_with_max_length(MAX_LINE_BYTES));
    let line = match timeout(HANDSHAKE_TIMEOUT, lines.next()).await {
        Err(_) => return Err(StartError::HandshakeTimeout { path: path.to_owned() }),
        Ok(None) => return Err(StartError::EndedEarly { path: path.to_owned() }),
        Ok(Some(Err(source))) => {
            return Err(StartError::HandshakeLine { path: path.to_owned(), source });
        }
        Ok(Some(Ok(line))) => line,
    };
    let address = handshake::parse(&line)
        .map_err(|source| StartError::Handshake { path: path.to_owned(), source })?;
    // Nothing may follow on stdout; read on, so that a plugin that prints does not block.
    let plugin_id = plugin_id.to_owned();
    tokio::spawn(async move {
        while let Some(line) = lines.next().await {
            let Ok(line) = line else { continue };
            tracing::warn!(plugin = plugin_id, "printed to stdout after the handshake: {line}");
        }
    });
    Ok(address)
}

/// go-plugin's `Ping`: checks that the health service named `plugin` is serving.
async fn ping(channel: Channel) -> Result<(), StartError> {
    let request = HealthCheckRequest { service: "plugin".to_owned() };
    let answer = HealthClient::new(channel)
        .check(request)
        .await
        .map_err(|status| StartError::Ping(Box::new(status)))?;
    let status = answer.into_inner().status;
    if status == i32::from(ServingStatus::Serving) {
        Ok(())
    } else {
        Err(StartError::NotServing(status))
    }
}
