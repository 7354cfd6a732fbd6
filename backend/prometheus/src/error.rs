//! Errors of calls to Prometheus, with texts that say what to change.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use budget::{Busy, OutOfMemory};
use http::StatusCode;

use crate::reader::UnreadableAnswer;
use entra::TokenError;

/// Reasons why a call to Prometheus failed. `url` never contains user, password or parameters.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PrometheusError {
    /// The settings contain no URL.
    #[error(
        "no Prometheus URL is set for this data source: fill in `Prometheus URL` in its settings"
    )]
    NotConfigured,
    /// The browser delegates PromQL to another data source.
    #[error(
        "the browser sends PromQL of this data source to another one, which alert rules cannot reach: fill in `URL for alert rules` in its settings, or create the rule on that other data source"
    )]
    Delegated,
    /// Too many calls run already.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The answer needs more memory than is free.
    #[error(transparent)]
    OutOfMemory(#[from] OutOfMemory),
    /// The connection failed.
    #[error("Prometheus at `{url}` cannot be reached: {failure}")]
    Unreachable {
        /// Base URL.
        url: String,
        /// Reason in words.
        failure: ConnectFailure,
        /// Error of the HTTP client.
        #[source]
        cause: Arc<reqwest::Error>,
    },
    /// The answer did not finish in time.
    #[error(
        "Prometheus at `{url}` did not answer within {after_secs} s: narrow the time range or the query, or raise the request timeout"
    )]
    TimedOut {
        /// Base URL.
        url: String,
        /// Time limit, in seconds.
        after_secs: u64,
    },
    /// The connection broke during the answer.
    #[error("Prometheus at `{url}` broke the connection during its answer")]
    Broken {
        /// Base URL.
        url: String,
        /// Error of the HTTP client.
        #[source]
        cause: Arc<reqwest::Error>,
    },
    /// Prometheus, or a proxy, does not accept the credentials.
    #[error(
        "Prometheus at `{url}` refused the credentials (401): check user and password or the token"
    )]
    Unauthorized {
        /// Base URL.
        url: String,
    },
    /// The credentials do not allow queries.
    #[error("Prometheus at `{url}` refused access (403): these credentials do not allow queries")]
    Forbidden {
        /// Base URL.
        url: String,
    },
    /// Prometheus answered with an error of its own.
    #[error("Prometheus refused the query ({kind}): {message}")]
    Refused {
        /// HTTP status of the answer.
        status: StatusCode,
        /// Kind of the error, such as `bad_data`.
        kind: String,
        /// Error message of Prometheus.
        message: String,
    },
    /// The answer is not from Prometheus.
    #[error(
        "`{url}` did not answer like Prometheus ({status}): {excerpt}; check the Prometheus URL"
    )]
    NotPrometheus {
        /// Base URL.
        url: String,
        /// HTTP status of the answer.
        status: StatusCode,
        /// First words of the body.
        excerpt: String,
    },
    /// The answer exceeds the limit.
    #[error(
        "the answer of Prometheus is larger than {limit_mib} MiB: narrow the query or the time range, or raise the response limit of this data source"
    )]
    TooLarge {
        /// Limit of the decompressed answer, in MiB.
        limit_mib: usize,
    },
    /// The answer ends early.
    #[error("the answer of Prometheus is cut off after {bytes} bytes")]
    CutOff {
        /// Number of bytes received.
        bytes: usize,
    },
    /// The encoding of the body is not supported, or the body does not match it.
    #[error("the answer of Prometheus cannot be decompressed: {0}")]
    Encoding(String),
    /// Redirect to another server.
    #[error(
        "Prometheus at `{url}` redirects to `{to}`, another server, to which credentials are not sent: enter that server's URL in the settings"
    )]
    Redirected {
        /// Base URL.
        url: String,
        /// Target of the redirect, without parameters.
        to: String,
    },
    /// Too many redirects.
    #[error("Prometheus at `{url}` redirects too often: check the URL")]
    RedirectLoop {
        /// Base URL.
        url: String,
    },
    /// The token of Entra ID is not available.
    #[error("no token for the Azure Monitor workspace: {0}")]
    Token(#[from] TokenError),
    /// The answer is not valid JSON of Prometheus.
    #[error("the answer of Prometheus cannot be read: {0}")]
    Unreadable(UnreadableAnswer),
    /// Invalid settings of the client.
    #[error("the connection to Prometheus cannot be set up: {reason}")]
    Client {
        /// Error in the settings.
        reason: String,
    },
}

/// Reasons why Prometheus cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFailure {
    /// The port is closed.
    #[error("the connection was refused; is it running, and is the port right?")]
    Refused,
    /// The DNS does not resolve the host.
    #[error("its host name cannot be resolved; check the URL")]
    UnknownHost,
    /// The connection was not made in time.
    #[error(
        "connecting took longer than {after_secs} s; check the address, and firewalls on the way"
    )]
    ConnectTimeout {
        /// Time limit, in seconds.
        after_secs: u64,
    },
    /// The TLS handshake failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The server does not speak HTTP.
    #[error("the server does not speak HTTP; check the port")]
    NotHttp,
    /// The server closed the connection without an answer.
    #[error("it closed the connection without an answer; check the port, and any proxy in between")]
    NoAnswer,
    /// Other error of the connection.
    #[error("{0}")]
    Other(String),
}

impl PrometheusError {
    /// HTTP status for Grafana.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotConfigured | Self::Delegated => 400,
            Self::Busy(_) | Self::OutOfMemory(_) => 503,
            Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::NotPrometheus { .. }
            | Self::Unreadable(_)
            | Self::CutOff { .. }
            | Self::Encoding(_)
            | Self::Redirected { .. }
            | Self::RedirectLoop { .. } => 502,
            Self::Token(error) => error.status(),
            Self::TimedOut { .. } => 504,
            Self::Unauthorized { .. } => 401,
            Self::Forbidden { .. } => 403,
            Self::Refused { status, .. } => status.as_u16(),
            Self::TooLarge { .. } => 413,
            Self::Client { .. } => 500,
        }
    }

    /// Whether the connection ended before an answer began.
    pub(crate) fn is_no_answer(&self) -> bool {
        matches!(self, Self::Unreachable { failure: ConnectFailure::NoAnswer, .. })
    }

    /// Classifies an error of reqwest. `url` is the base URL without credentials.
    pub(crate) fn from_send(
        url: &str,
        cause: reqwest::Error,
        connect_secs: u64,
        request_secs: u64,
    ) -> Self {
        let cause = cause.without_url();
        let url = url.to_owned();
        if cause.is_timeout() && !cause.is_connect() {
            return Self::TimedOut { url, after_secs: request_secs };
        }
        if cause.is_connect() {
            let failure = if cause.is_timeout() {
                ConnectFailure::ConnectTimeout { after_secs: connect_secs }
            } else {
                connect_failure(&cause)
            };
            return Self::Unreachable { url, failure, cause: Arc::new(cause) };
        }
        if cause.is_request() {
            let failure = match find_in_chain(&cause, is_parse_error) {
                Some(()) => ConnectFailure::NotHttp,
                None => ConnectFailure::NoAnswer,
            };
            return Self::Unreachable { url, failure, cause: Arc::new(cause) };
        }
        Self::Broken { url, cause: Arc::new(cause) }
    }
}

fn connect_failure(error: &(dyn StdError + 'static)) -> ConnectFailure {
    if let Some(tls) = find_in_chain(error, |error| tls_error(error).map(tls_reason)) {
        return ConnectFailure::Tls(tls);
    }
    let refused = find_in_chain(error, |error| {
        let io = error.downcast_ref::<io::Error>()?;
        (io.kind() == io::ErrorKind::ConnectionRefused).then_some(())
    });
    if refused.is_some() {
        return ConnectFailure::Refused;
    }
    // hyper-util names its resolution step, and getaddrinfo lacks an error kind of its own.
    let unknown_host = find_in_chain(error, |error| {
        error.to_string().contains("failed to lookup address").then_some(())
    });
    if unknown_host.is_some() {
        return ConnectFailure::UnknownHost;
    }
    ConnectFailure::Other(innermost(error))
}

/// TLS error within `error`. It is nested in io errors, each of which hides its own from the chain
/// of sources.
fn tls_error<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => tls_error(io.get_ref()?),
        None => error.downcast_ref(),
    }
}

fn tls_reason(error: &rustls::Error) -> String {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is signed by an authority that this machine does not trust".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired".to_owned(),
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another host name".to_owned(),
        Error::InvalidMessage(_) => {
            "the server does not speak TLS; use `http://`, or check the port".to_owned()
        }
        other => other.to_string(),
    }
}

fn is_parse_error(error: &(dyn StdError + 'static)) -> Option<()> {
    // hyper is not a direct dependency; its parse errors begin with "invalid HTTP".
    error.to_string().starts_with("invalid HTTP").then_some(())
}

fn find_in_chain<T>(
    error: &(dyn StdError + 'static),
    find: impl Fn(&(dyn StdError + 'static)) -> Option<T>,
) -> Option<T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = find(error) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
