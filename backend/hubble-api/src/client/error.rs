use super::address::AddressError;
use super::certificate::CertificateFacts;
use super::error_text::{ClientCertificateState, Received, Secs, StatusText, ValidFor};
use super::time_text::TimeText;
use crate::projection::ProjectionError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Reasons why a request to the relay failed.
///
/// The text of each variant states the problem; [`ClientError::user_message`] adds the causes and
/// what to do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// Invalid relay address in the settings.
    #[error("the relay's address cannot be used")]
    Address(#[source] AddressError),
    /// The address says plain text, but the settings say TLS.
    #[error("relay address `{address}` says plain text, but TLS is turned on")]
    SchemeAgainstTls {
        /// Address from the settings.
        address: String,
    },
    /// Certificate or key that is not valid PEM.
    #[error("the {what} cannot be read")]
    Pem {
        /// The certificate or key.
        what: PemKind,
        /// Error in the PEM text, without the text itself.
        source: PemError,
    },
    /// The client key does not match the client certificate.
    #[error("the client key does not belong to the client certificate")]
    KeyMismatch,
    /// Server name that is neither a DNS name nor an IP address.
    #[error("server name `{server_name}` is neither a DNS name nor an IP address")]
    ServerName {
        /// Server name from the settings.
        server_name: String,
    },
    /// No certificate authority is set, and this machine has none.
    #[error("this machine has no certificate authorities to check the relay's certificate with")]
    NoSystemRoots,

    /// The DNS does not resolve the relay's host.
    #[error("host `{host}` of the relay cannot be found")]
    NameNotResolved {
        /// Host of the relay.
        host: String,
        /// Error of the resolver.
        source: Arc<io::Error>,
    },
    /// The port is closed.
    #[error("relay at `{address}` refuses the connection")]
    Refused {
        /// Address of the relay.
        address: String,
        /// Error of the system.
        source: Arc<io::Error>,
    },
    /// There is no route to the host, or this process may not use it.
    #[error("relay at `{address}` cannot be reached")]
    Unreachable {
        /// Address of the relay.
        address: String,
        /// Error of the system.
        source: Arc<io::Error>,
    },
    /// The connection was not made in time.
    #[error("relay at `{address}` does not answer within {}", Secs(*after))]
    ConnectTimedOut {
        /// Address of the relay.
        address: String,
        /// Time limit.
        after: Duration,
        /// Step that did not finish.
        stage: ConnectStage,
    },
    /// The server does not speak gRPC.
    #[error("`{address}` does not speak gRPC: it answers `{answer}`")]
    NotGrpc {
        /// Address of the relay.
        address: String,
        /// First line of the answer.
        answer: String,
    },
    /// The server closed the connection without an answer.
    #[error("relay at `{address}` closes the connection without an answer")]
    ClosedAtOnce {
        /// Address of the relay.
        address: String,
    },

    /// TLS is off, but the relay requires it.
    #[error("relay at `{address}` expects TLS, but TLS is turned off")]
    ExpectsTls {
        /// Address of the relay.
        address: String,
        /// Names in its certificate, if it presents one.
        names: Vec<String>,
    },
    /// TLS is on, but the relay does not speak it.
    #[error("relay at `{address}` does not speak TLS, but TLS is turned on")]
    ExpectsPlain {
        /// Address of the relay.
        address: String,
    },
    /// The relay's certificate has expired.
    #[error("the certificate of relay at `{address}` expired on {}", TimeText(*not_after_secs))]
    CertificateExpired {
        /// Address of the relay.
        address: String,
        /// End of validity, as Unix time in seconds.
        not_after_secs: i64,
    },
    /// The relay's certificate is not valid yet.
    #[error(
        "the certificate of relay at `{address}` is not valid before {}",
        TimeText(*not_before_secs)
    )]
    CertificateNotYetValid {
        /// Address of the relay.
        address: String,
        /// Start of validity, as Unix time in seconds.
        not_before_secs: i64,
    },
    /// The relay's certificate is signed by an untrusted authority.
    #[error(
        "the certificate of relay at `{address}` is signed by an unknown authority, `{issuer}`"
    )]
    UnknownIssuer {
        /// Address of the relay.
        address: String,
        /// Name of that authority.
        issuer: String,
        /// Whether a CA certificate is set.
        own_ca: bool,
    },
    /// The relay's certificate is for other names.
    #[error("the certificate of relay at `{address}` is not for `{expected}`{}", ValidFor(names))]
    NameMismatch {
        /// Address of the relay.
        address: String,
        /// Expected name.
        expected: String,
        /// Names in the certificate.
        names: Vec<String>,
    },
    /// The relay's certificate is invalid for another reason.
    #[error("the certificate of relay at `{address}` is not accepted")]
    CertificateInvalid {
        /// Address of the relay.
        address: String,
        /// Error of the verification.
        source: rustls::Error,
    },
    /// The relay requires a client certificate, but none is set.
    #[error("relay at `{address}` asks for a client certificate, but none is set")]
    ClientCertificateMissing {
        /// Address of the relay.
        address: String,
    },
    /// The relay refused the client certificate.
    #[error(
        "relay at `{address}` refused the client certificate{}",
        ClientCertificateState { certificate, now_secs: *now_secs }
    )]
    ClientCertificateRefused {
        /// Address of the relay.
        address: String,
        /// The client certificate.
        certificate: Box<CertificateFacts>,
        /// Time of the refusal, as Unix time in seconds.
        now_secs: i64,
    },
    /// TLS failed for another reason.
    #[error("the TLS connection to relay at `{address}` failed")]
    Tls {
        /// Address of the relay.
        address: String,
        /// Error of the connection.
        source: Arc<io::Error>,
    },

    /// The answer did not finish in time.
    #[error(
        "relay at `{address}` did not finish its answer within {}{}",
        Secs(*after),
        Received(*flows_received)
    )]
    TimedOut {
        /// Address of the relay.
        address: String,
        /// Time limit.
        after: Duration,
        /// Number of flows received before; they are kept.
        flows_received: u64,
        /// Whether the relay sent nothing at all on this connection.
        silent: bool,
    },
    /// The connection broke during an answer.
    #[error("the connection to relay at `{address}` broke{}", Received(*flows_received))]
    Broken {
        /// Address of the relay.
        address: String,
        /// Number of flows received before; they are kept.
        flows_received: u64,
        /// Error of the connection.
        source: Arc<tonic::Status>,
    },
    /// A message exceeds the limit.
    #[error(
        "relay at `{address}` sent a message of more than {max_bytes} bytes{}",
        Received(*flows_received)
    )]
    MessageTooLong {
        /// Address of the relay.
        address: String,
        /// Limit, in bytes.
        max_bytes: usize,
        /// Number of flows received before; they are kept.
        flows_received: u64,
    },
    /// A message is not valid.
    #[error("relay at `{address}` sent a message that cannot be read{}", Received(*flows_received))]
    Malformed {
        /// Address of the relay.
        address: String,
        /// Number of flows received before; they are kept.
        flows_received: u64,
        /// Error in the message.
        source: ProjectionError,
    },
    /// The relay answered with an error of its own.
    #[error("relay at `{address}` answers {}", StatusText(status))]
    Status {
        /// Address of the relay.
        address: String,
        /// Status of the answer.
        status: Arc<tonic::Status>,
        /// Number of flows received before; they are kept.
        flows_received: u64,
    },
}

/// Kinds of PEM text in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PemKind {
    /// Certificates of authorities.
    CaCertificate,
    /// Client certificate.
    ClientCertificate,
    /// Key of the client certificate.
    ClientKey,
}

/// Errors in a PEM text. They never contain the text, which may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// Empty text.
    #[error("it is empty")]
    Empty,
    /// No section of the required kind.
    #[error("it holds no `-----BEGIN {expected}-----` section")]
    NoSection {
        /// Label of the required section.
        expected: &'static str,
    },
    /// Section that is not PEM.
    #[error("it is not in PEM form")]
    Malformed,
    /// Section with invalid content.
    #[error("its content is not valid")]
    Content,
}

/// Steps of making a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectStage {
    /// Name resolution.
    Resolve,
    /// TCP connection.
    Connect,
    /// TLS handshake.
    Handshake,
}

impl ClientError {
    /// Whether the settings are the cause, not the relay or the network.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Address(_)
                | Self::SchemeAgainstTls { .. }
                | Self::Pem { .. }
                | Self::KeyMismatch
                | Self::ServerName { .. }
                | Self::NoSystemRoots
        )
    }

    /// Whether the peer does not support the call. A node that is queried directly supports fewer
    /// calls than a relay.
    pub fn is_unimplemented(&self) -> bool {
        matches!(self, Self::Status { status, .. } if status.code() == tonic::Code::Unimplemented)
    }

    /// Number of flows received before the failure; they are kept.
    pub fn flows_received(&self) -> u64 {
        match self {
            Self::TimedOut { flows_received, .. }
            | Self::Broken { flows_received, .. }
            | Self::MessageTooLong { flows_received, .. }
            | Self::Malformed { flows_received, .. }
            | Self::Status { flows_received, .. } => *flows_received,
            _ => 0,
        }
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::NameNotResolved { .. }
            | Self::ConnectTimedOut { .. }
            | Self::ClosedAtOnce { .. }
            | Self::Broken { .. } => true,
            Self::Status { status, .. } => status.code() == tonic::Code::Unavailable,
            _ => false,
        }
    }
}

impl fmt::Display for PemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CaCertificate => "CA certificate",
            Self::ClientCertificate => "client certificate",
            Self::ClientKey => "client key",
        })
    }
}
