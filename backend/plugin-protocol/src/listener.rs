//! The plugin's listener: a Unix socket that only Grafana's user may open. TCP on loopback, where every
//! process of the machine could use the data sources' secrets, needs the server administrator's consent.
//!
//! TCP needs `TCP_NODELAY`: response headers and body leave in two writes, and Nagle's algorithm
//! with delayed acknowledgements would hold the second one for 40 ms on every small query.

use std::io;
use std::net::Ipv4Addr;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;

use tokio::net::TcpListener;

use crate::handshake::Address;

/// A bound listener. Dropping the Unix kind removes its socket file.
#[derive(Debug)]
pub(crate) enum Listener {
    /// Mode 0600: only Grafana's own user may connect.
    #[cfg(unix)]
    Unix(tokio::net::UnixListener, SocketFile),
    /// 127.0.0.1 only.
    Tcp(TcpListener),
}

/// The environment variables that place the listener. The host sets all of those with `PLUGIN_` or none.
#[derive(Debug, Default, Clone)]
pub(crate) struct Placement {
    /// `PLUGIN_UNIX_SOCKET_DIR`.
    pub(crate) socket_dir: Option<String>,
    /// `PLUGIN_MIN_PORT`, for TCP.
    pub(crate) min_port: Option<u16>,
    /// `PLUGIN_MAX_PORT`, for TCP.
    pub(crate) max_port: Option<u16>,
    /// Whether TCP is used if no Unix socket can be made: `GF_PLUGIN_ALLOW_TCP`, the setting `allow_tcp` in
    /// the plugin's section of Grafana's configuration.
    pub(crate) tcp_is_allowed: bool,
}

/// Reason why no listener could be bound.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// No Unix socket can be made, and TCP is not allowed.
    #[error(
        "make a Unix socket in `{}`. Name another folder by TMPDIR; or allow TCP, by which every process of \
         this machine can call the plugin: `allow_tcp = true` in the plugin's section of Grafana's \
         configuration",
        .dir.display()
    )]
    NoSocket {
        /// Folder of the socket.
        dir: PathBuf,
        /// Error of the socket.
        #[source]
        cause: io::Error,
    },
    /// Neither a Unix socket nor a free port in the given range.
    #[error("listen on any port of 127.0.0.1 from {min_port} to {max_port}")]
    NoPort {
        /// First port tried.
        min_port: u16,
        /// Last port tried.
        max_port: u16,
        /// Error of the last port.
        #[source]
        cause: io::Error,
    },
}

impl Placement {
    /// Reads the placement from the environment through `var`.
    pub(crate) fn from_env(var: impl Fn(&str) -> Option<String>) -> Self {
        let port = |name| var(name).and_then(|port| port.parse().ok());
        Self {
            socket_dir: var("PLUGIN_UNIX_SOCKET_DIR").filter(|dir| !dir.is_empty()),
            min_port: port("PLUGIN_MIN_PORT"),
            max_port: port("PLUGIN_MAX_PORT"),
            tcp_is_allowed: var("GF_PLUGIN_ALLOW_TCP").is_some_and(|value| value.trim() == "true"),
        }
    }
}

impl Listener {
    /// Binds a Unix socket named after `program`; if that fails (path too long, file system without sockets),
    /// TCP where it is allowed.
    ///
    /// Errors: [`ListenError`].
    pub(crate) async fn bind(program: &str, placement: &Placement) -> Result<Self, ListenError> {
        #[cfg(unix)]
        {
            let dir = placement.socket_dir.as_ref().map_or_else(std::env::temp_dir, PathBuf::from);
            remove_stale_sockets(program, &dir);
            match bind_unix(program, &dir) {
                Ok(listener) => return Ok(listener),
                Err(error) if placement.tcp_is_allowed => {
                    tracing::warn!(%error, dir = %dir.display(), "no Unix socket, using TCP");
                }
                Err(cause) => return Err(ListenError::NoSocket { dir, cause }),
            }
        }
        bind_tcp(placement).await
    }

    /// The address for the handshake line.
    ///
    /// Errors: the operating system cannot report it.
    pub(crate) fn address(&self) -> io::Result<Address> {
        match self {
            #[cfg(unix)]
            Self::Unix(_, file) => Ok(Address::Unix(file.path.clone())),
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
        }
    }
}

async fn bind_tcp(placement: &Placement) -> Result<Listener, ListenError> {
    // Without a range the operating system chooses a port.
    let (min_port, max_port) = match (placement.min_port, placement.max_port) {
        (Some(min_port), Some(max_port)) if min_port <= max_port => (min_port, max_port),
        _ => (0, 0),
    };
    let mut cause = io::Error::from(io::ErrorKind::AddrInUse);
    for port in min_port..=max_port {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(Listener::Tcp(listener)),
            Err(error) => cause = error,
        }
    }
    Err(ListenError::NoPort { min_port, max_port, cause })
}

#[cfg(unix)]
const SOCKET_SUFFIX: &str = ".sock";

/// The socket's file, removed on drop.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
}

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "socket file not removed");
        }
    }
}

#[cfg(unix)]
fn bind_unix(program: &str, dir: &Path) -> io::Result<Listener> {
    use std::os::unix::fs::PermissionsExt;

    // The process id identifies the owner. Containers reuse process ids often, so the time
    // distinguishes the file from a predecessor's.
    let since_epoch =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let name =
        format!("{program}-{}-{:x}{SOCKET_SUFFIX}", std::process::id(), since_epoch.as_nanos());
    let path = dir.join(name);
    let listener = tokio::net::UnixListener::bind(&path)?;
    let file = SocketFile { path };
    std::fs::set_permissions(&file.path, std::fs::Permissions::from_mode(0o600))?;
    Ok(Listener::Unix(listener, file))
}

/// Removes the sockets that killed processes of this plugin left in `dir`; after SIGKILL nothing
/// else removes them.
#[cfg(unix)]
fn remove_stale_sockets(program: &str, dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| is_socket_name(program, name))
            && is_stale(&entry.path())
        {
            match std::fs::remove_file(entry.path()) {
                Ok(()) => tracing::info!(path = %entry.path().display(), "removed a stale socket"),
                Err(error) => {
                    tracing::debug!(%error, path = %entry.path().display(), "stale socket not removed");
                }
            }
        }
    }
}

#[cfg(unix)]
fn is_socket_name(program: &str, name: &str) -> bool {
    name.strip_prefix(program)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(SOCKET_SUFFIX))
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(pid, _)| pid.parse::<u32>().is_ok())
}

/// Whether a socket is stale: no process accepts on it. A very new one may belong to a process
/// between its bind and its listen.
#[cfg(unix)]
fn is_stale(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    const SETTLED_SECS: u64 = 2;

    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return false;
    };
    let settled = metadata
        .modified()
        .ok()
        .and_then(|modified| modified.elapsed().ok())
        .is_some_and(|age| age.as_secs() >= SETTLED_SECS);
    metadata.file_type().is_socket()
        && settled
        && std::os::unix::net::UnixStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_our_names_count() {
        assert!(is_socket_name("gpx_hubble", "gpx_hubble-17-18f.sock"));
        for name in [
            "gpx_hubble-17.sock",
            "gpx_hubble-x-18f.sock",
            "gpx_other-17-1.sock",
            "gpx_hubble-17-18f.sock.bak",
        ] {
            assert!(!is_socket_name("gpx_hubble", name), "{name}");
        }
    }

    #[tokio::test]
    async fn a_taken_port_range_is_an_error_that_names_it() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let placement =
            Placement { min_port: Some(port), max_port: Some(port), ..Placement::default() };
        let error = bind_tcp(&placement).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("listen on any port of 127.0.0.1 from {port} to {port}")
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn without_a_socket_it_is_tcp_only_where_that_is_allowed() {
        let check = async |allowed: Option<&str>, expected: Result<bool, &str>| {
            let placement = Placement::from_env(|name| match name {
                "PLUGIN_UNIX_SOCKET_DIR" => Some("/nowhere/at/all".to_owned()),
                "GF_PLUGIN_ALLOW_TCP" => allowed.map(str::to_owned),
                _ => None,
            });
            let bound = Listener::bind("gpx_hubble", &placement).await;
            let is_loopback = bound.map(|listener| {
                matches!(listener.address(), Ok(Address::Tcp(address)) if address.ip().is_loopback())
            });
            let error = is_loopback.map_err(|error| error.to_string());
            assert_eq!(error.as_ref().map_err(String::as_str).copied(), expected, "{allowed:?}");
        };
        let refused = "make a Unix socket in `/nowhere/at/all`. Name another folder by TMPDIR; or allow TCP, by which every process of this machine can call the plugin: `allow_tcp = true` in the plugin's section of Grafana's configuration";
        check(None, Err(refused)).await;
        check(Some("false"), Err(refused)).await;
        check(Some("true"), Ok(true)).await;
    }
}
