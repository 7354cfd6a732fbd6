//! The settings of a relay: how to reach it, and as whom.

use std::time::Duration;

use secret::Secret;

/// How to reach Hubble Relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaySettings {
    /// As the user wrote it; `tls://` in front turns TLS on.
    pub address: String,
    /// `None`: plain text.
    pub tls: Option<RelayTls>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an answer may take to begin.
    pub request_timeout: Duration,
}

/// TLS towards the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayTls {
    /// Trust any certificate.
    pub skip_verify: bool,
    /// Name to expect in the certificate instead of the address' host.
    pub server_name: Option<String>,
    /// PEM; `None`: the system's certificate authorities.
    pub ca_pem: Option<Secret>,
    /// PEM of client certificate and key.
    pub client: Option<(Secret, Secret)>,
}
