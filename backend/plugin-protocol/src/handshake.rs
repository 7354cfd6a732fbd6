//! The handshake of hashicorp/go-plugin: a magic cookie in the environment, a protocol version that
//! both ends support, and one line on the plugin's stdout.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Address of a started plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket by its path.
    Unix(PathBuf),
    /// A TCP address, on loopback as plugins use it.
    Tcp(SocketAddr),
}

/// go-plugin's own ("core") protocol version.
const CORE_PROTOCOL_VERSION: u32 = 1;
/// Grafana's plugin protocol: backend.proto, package `pluginv2`.
const APP_PROTOCOL_VERSION: u32 = 2;
/// Grafana's magic cookie, which a person at a shell does not set. Not a secret.
const COOKIE_KEY: &str = "grafana_plugin_type";
const COOKIE_VALUE: &str = "datasource";

/// Reason why this process must not serve.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnfitHost {
    /// No cookie: a person started the program.
    #[error(
        "this is a Grafana plugin: Grafana starts it and speaks with it. Install its folder as a plugin \
         of Grafana instead of running it by hand"
    )]
    NotStartedByGrafana,
    /// The host offers protocol versions, but not ours.
    #[error(
        "this plugin speaks version {APP_PROTOCOL_VERSION} of Grafana's plugin protocol, the host offers `{offered}`"
    )]
    NoCommonVersion {
        /// `PLUGIN_PROTOCOL_VERSIONS` as the host sent it.
        offered: String,
    },
}

/// Checks the host's environment variables, which `var` reads by name.
///
/// Errors: [`UnfitHost`]. Source: go-plugin `server.go`, `protocolVersion`.
pub(crate) fn check(var: impl Fn(&str) -> Option<String>) -> Result<(), UnfitHost> {
    if var(COOKIE_KEY).as_deref() != Some(COOKIE_VALUE) {
        return Err(UnfitHost::NotStartedByGrafana);
    }
    let Some(offered) = var("PLUGIN_PROTOCOL_VERSIONS").filter(|offered| !offered.is_empty())
    else {
        // Hosts from before version negotiation set nothing; go-plugin then assumes the newest
        // version.
        return Ok(());
    };
    let speaks_ours =
        offered.split(',').any(|version| version.trim().parse() == Ok(APP_PROTOCOL_VERSION));
    if speaks_ours { Ok(()) } else { Err(UnfitHost::NoCommonVersion { offered }) }
}

/// The handshake line for `address`, without its newline.
pub(crate) fn line(address: &Address) -> String {
    let (network, place) = match address {
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

/// Reason why a handshake line cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidHandshake {
    /// A line of another shape.
    #[error(
        "the plugin's first line `{0}` is not a handshake `core|app|network|address|protocol`; is something else printed to stdout before it?"
    )]
    NotAHandshake(String),
    /// Another version of go-plugin.
    #[error("the plugin speaks go-plugin's core protocol `{0}`, this host speaks `1`")]
    CoreProtocol(String),
    /// Another version of Grafana's protocol.
    #[error("the plugin speaks Grafana's plugin protocol `{0}`, this host speaks `2`")]
    AppProtocol(String),
    /// A network or an address that cannot be dialled.
    #[error("the plugin listens on `{network}` address `{address}`, which this host cannot dial")]
    Address {
        /// `unix`, `tcp`, or the line's text in this place.
        network: String,
        /// The address as written in the line.
        address: String,
    },
    /// Another protocol than gRPC.
    #[error("the plugin serves `{0}`, this host speaks only `grpc`")]
    Protocol(String),
    /// A certificate for mutual TLS.
    #[error("the plugin asks for mutual TLS, which Grafana does not use")]
    MutualTls,
}

/// Reads `core|app|network|address|protocol[|server certificate[|multiplex]]`.
///
/// Errors: a line of another shape, version, network or protocol.
/// Source: go-plugin `client.go`, Grafana's `grpcplugin` handshake (version 2).
pub fn parse(line: &str) -> Result<Address, InvalidHandshake> {
    let mut parts = line.trim().split('|');
    let (Some(core), Some(app), Some(network), Some(address), Some(protocol)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(InvalidHandshake::NotAHandshake(line.trim().to_owned()));
    };
    if core != "1" {
        return Err(InvalidHandshake::CoreProtocol(core.to_owned()));
    }
    if app != "2" {
        return Err(InvalidHandshake::AppProtocol(app.to_owned()));
    }
    if protocol != "grpc" {
        return Err(InvalidHandshake::Protocol(protocol.to_owned()));
    }
    if parts.next().is_some_and(|certificate| !certificate.is_empty()) {
        return Err(InvalidHandshake::MutualTls);
    }
    let refused =
        || InvalidHandshake::Address { network: network.to_owned(), address: address.to_owned() };
    match network {
        "unix" if cfg!(unix) && !address.is_empty() => Ok(Address::Unix(PathBuf::from(address))),
        "tcp" => address.parse().map(Address::Tcp).map_err(|_| refused()),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_env(env: &[(&str, &str)]) -> Result<(), UnfitHost> {
        check(|name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn cookie_and_versions() {
        let cookie = ("grafana_plugin_type", "datasource");
        let versions = |offered| ("PLUGIN_PROTOCOL_VERSIONS", offered);
        let refused =
            |offered: &str| Err(UnfitHost::NoCommonVersion { offered: offered.to_owned() });
        assert_eq!(check_env(&[]), Err(UnfitHost::NotStartedByGrafana));
        assert_eq!(
            check_env(&[("grafana_plugin_type", "panel")]),
            Err(UnfitHost::NotStartedByGrafana)
        );
        assert_eq!(check_env(&[cookie]), Ok(()));
        assert_eq!(check_env(&[cookie, versions("")]), Ok(()));
        assert_eq!(check_env(&[cookie, versions("2")]), Ok(()));
        assert_eq!(check_env(&[cookie, versions("3, 2")]), Ok(()));
        assert_eq!(check_env(&[cookie, versions("1,3")]), refused("1,3"));
    }

    #[test]
    fn lines_are_written() {
        let tcp = Address::Tcp("127.0.0.1:4000".parse().unwrap());
        assert_eq!(line(&tcp), "1|2|tcp|127.0.0.1:4000|grpc");
        assert_eq!(line(&Address::Unix("/tmp/a.sock".into())), "1|2|unix|/tmp/a.sock|grpc");
    }

    #[test]
    fn lines_are_read() {
        let unix = |path: &str| Ok(Address::Unix(PathBuf::from(path)));
        let address = |network: &str, address: &str| {
            Err(InvalidHandshake::Address {
                network: network.to_owned(),
                address: address.to_owned(),
            })
        };
        let check = |line: &str, expected: Result<Address, InvalidHandshake>| {
            assert_eq!(parse(line), expected, "{line:?}");
        };
        check("1|2|unix|/tmp/plugin1.sock|grpc", unix("/tmp/plugin1.sock"));
        check("1|2|unix|/tmp/a b.sock|grpc\n", unix("/tmp/a b.sock"));
        check("1|2|unix|/tmp/p.sock|grpc||true", unix("/tmp/p.sock"));
        check(
            "1|2|tcp|127.0.0.1:10000|grpc",
            Ok(Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 10000)))),
        );
        check("1|2|tcp|127.0.0.1:99999|grpc", address("tcp", "127.0.0.1:99999"));
        check("1|2|unix||grpc", address("unix", ""));
        check("1|2|udp|127.0.0.1:1|grpc", address("udp", "127.0.0.1:1"));
        check("2|2|unix|/tmp/p|grpc", Err(InvalidHandshake::CoreProtocol("2".to_owned())));
        check("1|3|unix|/tmp/p|grpc", Err(InvalidHandshake::AppProtocol("3".to_owned())));
        check("1|2|unix|/tmp/p|netrpc", Err(InvalidHandshake::Protocol("netrpc".to_owned())));
        check("1|2|unix|/tmp/p|grpc|MIIB", Err(InvalidHandshake::MutualTls));
        check("hello", Err(InvalidHandshake::NotAHandshake("hello".to_owned())));
        check("", Err(InvalidHandshake::NotAHandshake(String::new())));
    }
}
