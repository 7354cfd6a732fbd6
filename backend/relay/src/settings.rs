//! Settings of a relay: address, TLS and timeouts.

use std::time::Duration;

use hubble_api::client::RelayAddress;
use secret::Secret;

/// Connection to Hubble Relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaySettings {
    /// Address as the user wrote it; a leading `tls://` turns TLS on.
    pub address: String,
    /// TLS settings; `None`: plain text.
    pub tls: Option<RelayTls>,
    /// Maximum time to connect.
    pub connect_timeout: Duration,
    /// Maximum time until an answer begins.
    pub request_timeout: Duration,
}

impl RelaySettings {
    /// Whether the address is a Unix socket.
    pub fn names_socket(&self) -> bool {
        RelayAddress::parse(&self.address).is_ok_and(|address| address.host().is_none())
    }
}

/// TLS towards the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayTls {
    /// Whether to accept any certificate.
    pub skip_verify: bool,
    /// Expected name in the certificate, instead of the address' host.
    pub server_name: Option<String>,
    /// Certificate authorities in PEM; `None`: the system's.
    pub ca_pem: Option<Secret>,
    /// Client certificate and key in PEM.
    pub client: Option<(Secret, Secret)>,
}
