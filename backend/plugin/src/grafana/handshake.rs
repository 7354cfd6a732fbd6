//! The first words with the host, as hashicorp/go-plugin defines them: a magic cookie in the
//! environment, a protocol version both sides speak, one line on stdout.

use std::io::{self, Write};

use super::listener::Address;

/// go-plugin's own ("core") protocol version.
const CORE_PROTOCOL_VERSION: u32 = 1;
/// Grafana's plugin protocol: backend.proto, package `pluginv2`.
const APP_PROTOCOL_VERSION: u32 = 2;
/// Grafana's magic cookie. It is no secret: it tells a host from a person at a shell.
const COOKIE_KEY: &str = "grafana_plugin_type";
const COOKIE_VALUE: &str = "datasource";

/// Why this process must not serve.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeError {
    /// Started by hand: no cookie.
    #[error(
        "this is a Grafana plugin: Grafana starts it and speaks with it. Install its folder as a plugin \
         of Grafana instead of running it by hand"
    )]
    NotStartedByGrafana,
    /// The host offers protocol versions, and ours is not among them.
    #[error(
        "this plugin speaks version {APP_PROTOCOL_VERSION} of Grafana's plugin protocol, the host offers `{offered}`"
    )]
    NoCommonVersion {
        /// `PLUGIN_PROTOCOL_VERSIONS` as the host sent it.
        offered: String,
    },
}

/// Checks what the host set in the environment, which `var` reads by name.
///
/// Errors: [`HandshakeError`]. Source: go-plugin `server.go`, `protocolVersion`.
pub(crate) fn check(var: impl Fn(&str) -> Option<String>) -> Result<(), HandshakeError> {
    if var(COOKIE_KEY).as_deref() != Some(COOKIE_VALUE) {
        return Err(HandshakeError::NotStartedByGrafana);
    }
    let Some(offered) = var("PLUGIN_PROTOCOL_VERSIONS").filter(|offered| !offered.is_empty())
    else {
        // Hosts before version negotiation set nothing, and go-plugin then assumes the newest.
        return Ok(());
    };
    let speaks_ours =
        offered.split(',').any(|version| version.trim().parse() == Ok(APP_PROTOCOL_VERSION));
    if speaks_ours { Ok(()) } else { Err(HandshakeError::NoCommonVersion { offered }) }
}

/// The handshake line for `address`, without its newline.
pub(crate) fn line(address: &Address) -> String {
    let (network, place) = match address {
        #[cfg(unix)]
        Address::Unix(path) => ("unix", path.display().to_string()),
        Address::Tcp(address) => ("tcp", address.to_string()),
    };
    format!("{CORE_PROTOCOL_VERSION}|{APP_PROTOCOL_VERSION}|{network}|{place}|grpc")
}

/// Writes the line to stdout and flushes it. Nothing else may ever be written there: the host
/// reads the first line as the handshake and gives up on anything it does not understand.
///
/// Errors: stdout is closed.
pub(crate) fn announce(address: &Address) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", line(address))?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_env(env: &[(&str, &str)]) -> Result<(), HandshakeError> {
        check(|name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn cookie_and_versions() {
        let cookie = ("grafana_plugin_type", "datasource");
        let versions = |offered| ("PLUGIN_PROTOCOL_VERSIONS", offered);
        let refused =
            |offered: &str| Err(HandshakeError::NoCommonVersion { offered: offered.to_owned() });
        assert_eq!(check_env(&[]), Err(HandshakeError::NotStartedByGrafana));
        assert_eq!(
            check_env(&[("grafana_plugin_type", "panel")]),
            Err(HandshakeError::NotStartedByGrafana)
        );
        assert_eq!(check_env(&[cookie]), Ok(()));
        assert_eq!(check_env(&[cookie, versions("")]), Ok(()));
        assert_eq!(check_env(&[cookie, versions("2")]), Ok(()));
        assert_eq!(check_env(&[cookie, versions("3, 2")]), Ok(()));
        assert_eq!(check_env(&[cookie, versions("1,3")]), refused("1,3"));
    }

    #[test]
    fn lines() {
        let tcp = Address::Tcp("127.0.0.1:4000".parse().unwrap());
        assert_eq!(line(&tcp), "1|2|tcp|127.0.0.1:4000|grpc");
        #[cfg(unix)]
        assert_eq!(line(&Address::Unix("/tmp/a.sock".into())), "1|2|unix|/tmp/a.sock|grpc");
    }
}
