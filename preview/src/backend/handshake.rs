//! The one line a plugin prints before it serves, as hashicorp/go-plugin defines it.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a started plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A Unix socket by its path.
    Unix(PathBuf),
    /// A TCP address, on loopback as plugins use it.
    Tcp(SocketAddr),
}

/// What can be wrong with a handshake line.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum HandshakeError {
    #[error(
        "the plugin's first line `{0}` is no handshake `core|app|network|address|protocol`; is something else printed to stdout before it?"
    )]
    NotAHandshake(String),
    #[error("the plugin speaks go-plugin's core protocol `{0}`, this host speaks `1`")]
    CoreProtocol(String),
    #[error("the plugin speaks Grafana's plugin protocol `{0}`, this host speaks `2`")]
    AppProtocol(String),
    #[error("the plugin listens on `{network}` address `{address}`, which this host cannot dial")]
    Address { network: String, address: String },
    #[error("the plugin serves `{0}`, this host speaks only `grpc`")]
    Protocol(String),
    #[error("the plugin asks for mutual TLS, which Grafana does not use")]
    MutualTls,
}

/// Reads `core|app|network|address|protocol[|server certificate[|multiplex]]`.
///
/// Errors: a line of another shape, version, network or protocol.
/// Source: go-plugin `client.go`, Grafana's `grpcplugin` handshake (version 2).
pub(crate) fn parse(line: &str) -> Result<Address, HandshakeError> {
    let mut parts = line.trim().split('|');
    let (Some(core), Some(app), Some(network), Some(address), Some(protocol)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(HandshakeError::NotAHandshake(line.trim().to_owned()));
    };
    if core != "1" {
        return Err(HandshakeError::CoreProtocol(core.to_owned()));
    }
    if app != "2" {
        return Err(HandshakeError::AppProtocol(app.to_owned()));
    }
    if protocol != "grpc" {
        return Err(HandshakeError::Protocol(protocol.to_owned()));
    }
    if parts.next().is_some_and(|certificate| !certificate.is_empty()) {
        return Err(HandshakeError::MutualTls);
    }
    let refused =
        || HandshakeError::Address { network: network.to_owned(), address: address.to_owned() };
    match network {
        "unix" if cfg!(unix) && !address.is_empty() => Ok(Address::Unix(PathBuf::from(address))),
        "tcp" => address.parse().map(Address::Tcp).map_err(|_| refused()),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let unix = |path: &str| Ok(Address::Unix(PathBuf::from(path)));
        let address = |network: &str, address: &str| {
            Err(HandshakeError::Address {
                network: network.to_owned(),
                address: address.to_owned(),
            })
        };
        let check = |line: &str, expected: Result<Address, HandshakeError>| {
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
        check("2|2|unix|/tmp/p|grpc", Err(HandshakeError::CoreProtocol("2".to_owned())));
        check("1|3|unix|/tmp/p|grpc", Err(HandshakeError::AppProtocol("3".to_owned())));
        check("1|2|unix|/tmp/p|netrpc", Err(HandshakeError::Protocol("netrpc".to_owned())));
        check("1|2|unix|/tmp/p|grpc|MIIB", Err(HandshakeError::MutualTls));
        check("hello", Err(HandshakeError::NotAHandshake("hello".to_owned())));
        check("", Err(HandshakeError::NotAHandshake(String::new())));
    }
}
