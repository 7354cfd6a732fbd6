use super::address::AddressError;
use super::advice::{ClientCertificateState, Received, Secs, StatusText, ValidFor};
use super::time_text::TimeText;
use super::verify::CertificateFacts;
use crate::projection::ProjectionError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Why the relay could not be asked, or did not answer.
///
/// The text of each says what is the matter; [`RelayError::sentence`] adds what to do about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RelayError {
    /// The configured address names no relay.
    #[error("the relay's address cannot be used")]
    Address(#[source] AddressError),
    /// The address says plain text, the settings say TLS.
    #[error("relay address `{address}` says plain text, but TLS is turned on")]
    SchemeAgainstTls {
        /// As configured.
        address: String,
    },
    /// A certificate or key that is not PEM, or not one.
    #[error("the {what} cannot be read")]
    Pem {
        /// Which of them.
        what: PemKind,
        /// What is wrong with it; never the text itself.
        source: PemError,
    },
    /// The client key belongs to another certificate.
    #[error("the client key does not belong to the client certificate")]
    KeyMismatch,
    /// A server name that is neither a DNS name nor an IP address.
    #[error("server name `{server_name}` is neither a DNS name nor an IP address")]
    ServerName {
        /// As configured.
        server_name: String,
    },
    /// This machine trusts no certificate authority, and none was given.
    #[error("this machine has no certificate authorities to check the relay's certificate with")]
    NoSystemRoots,

    /// The DNS does not know the relay's host.
    #[error("host `{host}` of the relay cannot be found")]
    NameNotResolved {
        /// The host.
        host: String,
        /// What the resolver says.
        source: Arc<io::Error>,
    },
    /// Nobody listens on the port.
    #[error("relay at `{address}` refuses the connection")]
    Refused {
        /// The relay.
        address: String,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// There is no way to the host, or none that this process may take.
    #[error("relay at `{address}` cannot be reached")]
    Unreachable {
        /// The relay.
        address: String,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// No answer while the connection was being made.
    #[error("relay at `{address}` does not answer within {}", Secs(*after))]
    ConnectTimedOut {
        /// The relay.
        address: String,
        /// The limit that was reached.
        after: Duration,
        /// What was being waited for.
        stage: ConnectStage,
    },
    /// Something answers that is not gRPC.
    #[error("`{address}` does not speak gRPC: it answers `{answer}`")]
    NotGrpc {
        /// The relay.
        address: String,
        /// First line of what it answers.
        answer: String,
    },
    /// The connection is closed before a word is said.
    #[error("relay at `{address}` closes the connection without an answer")]
    ClosedAtOnce {
        /// The relay.
        address: String,
    },

    /// TLS is off, and the relay wants it.
    #[error("relay at `{address}` expects TLS, but TLS is turned off")]
    ExpectsTls {
        /// The relay.
        address: String,
        /// The names in its certificate, where it shows one.
        names: Vec<String>,
    },
    /// TLS is on, and the relay does not speak it.
    #[error("relay at `{address}` does not speak TLS, but TLS is turned on")]
    ExpectsPlain {
        /// The relay.
        address: String,
    },
    /// The relay's certificate is too old.
    #[error("the certificate of relay at `{address}` expired on {}", TimeText(*not_after_secs))]
    CertificateExpired {
        /// The relay.
        address: String,
        /// Unix time in seconds.
        not_after_secs: i64,
    },
    /// The relay's certificate is from the future.
    #[error(
        "the certificate of relay at `{address}` is not valid before {}",
        TimeText(*not_before_secs)
    )]
    CertificateNotYetValid {
        /// The relay.
        address: String,
        /// Unix time in seconds.
        not_before_secs: i64,
    },
    /// The relay's certificate is signed by someone who is not trusted.
    #[error(
        "the certificate of relay at `{address}` is signed by an unknown authority, `{issuer}`"
    )]
    UnknownIssuer {
        /// The relay.
        address: String,
        /// Who signed it.
        issuer: String,
        /// Whether a CA certificate was given.
        own_ca: bool,
    },
    /// The relay's certificate is for someone else.
    #[error("the certificate of relay at `{address}` is not for `{expected}`{}", ValidFor(names))]
    NameMismatch {
        /// The relay.
        address: String,
        /// The name that was looked for.
        expected: String,
        /// The names that it is for.
        names: Vec<String>,
    },
    /// The relay's certificate is bad in another way.
    #[error("the certificate of relay at `{address}` is not accepted")]
    CertificateInvalid {
        /// The relay.
        address: String,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The relay wants a client certificate, and there is none.
    #[error("relay at `{address}` asks for a client certificate, but none is set")]
    ClientCertificateMissing {
        /// The relay.
        address: String,
    },
    /// The relay does not take the client certificate.
    #[error(
        "relay at `{address}` refused the client certificate{}",
        ClientCertificateState { certificate, now_secs: *now_secs }
    )]
    ClientCertificateRefused {
        /// The relay.
        address: String,
        /// Our certificate.
        certificate: Box<CertificateFacts>,
        /// When it was refused, Unix time in seconds.
        now_secs: i64,
    },
    /// TLS failed in another way.
    #[error("no TLS connection to relay at `{address}`")]
    Tls {
        /// The relay.
        address: String,
        /// What failed.
        source: Arc<io::Error>,
    },

    /// The relay took the request and did not answer in time.
    #[error(
        "relay at `{address}` did not finish its answer within {}{}",
        Secs(*after),
        Received(*flows_received)
    )]
    TimedOut {
        /// The relay.
        address: String,
        /// The limit that was reached.
        after: Duration,
        /// What had come until then, and is kept.
        flows_received: u64,
        /// Whether the relay ever said a word on this connection.
        silent: bool,
    },
    /// The connection broke in the middle of an answer.
    #[error("the connection to relay at `{address}` broke{}", Received(*flows_received))]
    Broken {
        /// The relay.
        address: String,
        /// What had come until then, and is kept.
        flows_received: u64,
        /// How it broke.
        source: Arc<tonic::Status>,
    },
    /// A message is longer than is allowed.
    #[error(
        "relay at `{address}` sent a message of more than {max_bytes} bytes{}",
        Received(*flows_received)
    )]
    MessageTooLong {
        /// The relay.
        address: String,
        /// The limit.
        max_bytes: usize,
        /// What had come until then, and is kept.
        flows_received: u64,
    },
    /// A message that is not one of Hubble's.
    #[error("relay at `{address}` sent a message that cannot be read{}", Received(*flows_received))]
    Malformed {
        /// The relay.
        address: String,
        /// What had come until then, and is kept.
        flows_received: u64,
        /// What is wrong with it.
        source: ProjectionError,
    },
    /// The relay answers with an error of its own.
    #[error("relay at `{address}` answers {}", StatusText(status))]
    Status {
        /// The relay.
        address: String,
        /// Its answer.
        status: Arc<tonic::Status>,
        /// What had come until then, and is kept.
        flows_received: u64,
    },
}

/// Which PEM text is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PemKind {
    /// The certificates of authorities.
    CaCertificate,
    /// Our certificate.
    ClientCertificate,
    /// Its key.
    ClientKey,
}

/// What is wrong with a PEM text. Says nothing of its content, which may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// No text.
    #[error("it is empty")]
    Empty,
    /// No section of the kind that is needed.
    #[error("it holds no `-----BEGIN {expected}-----` section")]
    NoSection {
        /// What was looked for.
        expected: &'static str,
    },
    /// A section that is not PEM.
    #[error("it is not in PEM form")]
    Malformed,
    /// The section does not hold what it says.
    #[error("its content is not valid")]
    Content,
}

/// What a connection was waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectStage {
    /// The DNS.
    Resolve,
    /// The answer of the host.
    Connect,
    /// The TLS handshake.
    Handshake,
}

impl RelayError {
    /// Whether the settings are at fault, and not the relay or the way to it.
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

    /// Whether who answers does not have such a call: a node that is asked itself knows no others.
    pub fn is_unimplemented(&self) -> bool {
        matches!(self, Self::Status { status, .. } if status.code() == tonic::Code::Unimplemented)
    }

    /// Flows that had come before the failure, and are kept.
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
