//! What can go wrong with Prometheus, in words that say what to change.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use http::StatusCode;

use crate::entra::TokenError;
use crate::reader::UnreadableAnswer;

/// Most of an upstream's own words that an error repeats.
const MAX_QUOTE_CHARS: usize = 400;

/// Why a call to Prometheus has no answer. `url` never carries user, password or parameters.
#[derive(Debug, Clone, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what happened, by its fields")]
pub enum PrometheusError {
    #[error(
        "no Prometheus URL is set for this data source: fill in `Prometheus URL` in its settings"
    )]
    NotConfigured,
    #[error(
        "PromQL of this data source is handed to another one in the browser, which alert rules do not reach: fill in its `URL for alert rules`, or write the rule on that other data source"
    )]
    Delegated,
    #[error("Prometheus at `{url}` cannot be reached: {obstacle}")]
    Unreachable {
        url: String,
        obstacle: Obstacle,
        #[source]
        cause: Arc<reqwest::Error>,
    },
    #[error(
        "Prometheus at `{url}` did not answer within {after_secs} s: narrow the time range or the query, or raise the request timeout"
    )]
    TimedOut { url: String, after_secs: u64 },
    #[error("Prometheus at `{url}` broke the connection while answering")]
    Broken {
        url: String,
        #[source]
        cause: Arc<reqwest::Error>,
    },
    #[error(
        "Prometheus at `{url}` refused the credentials (401): check user and password or the token"
    )]
    Unauthorized { url: String },
    #[error("Prometheus at `{url}` refused access (403): these credentials may not query")]
    Forbidden { url: String },
    #[error("Prometheus refused the query ({kind}): {message}")]
    Refused { status: StatusCode, kind: String, message: String },
    #[error(
        "`{url}` answered {status}, and not as Prometheus does: {excerpt}; check the Prometheus URL"
    )]
    NotPrometheus { url: String, status: StatusCode, excerpt: String },
    #[error(
        "the answer of Prometheus is larger than {limit_mib} MiB: narrow the query or the time range, or raise the response limit of this data source"
    )]
    TooLarge { limit_mib: usize },
    #[error("the answer of Prometheus is cut off after {bytes} bytes")]
    CutOff { bytes: usize },
    #[error("the answer of Prometheus cannot be unpacked: {0}")]
    Encoding(String),
    #[error(
        "Prometheus at `{url}` sends to another place, `{to}`, where credentials are not taken along: enter the URL that it names"
    )]
    Redirected { url: String, to: String },
    #[error("Prometheus at `{url}` sends from place to place and never answers: check the URL")]
    RedirectLoop { url: String },
    #[error("no token for the Azure Monitor workspace: {0}")]
    Token(#[from] TokenError),
    #[error("the answer of Prometheus cannot be read: {0}")]
    Unreadable(UnreadableAnswer),
    #[error("no connection to Prometheus can be set up: {reason}")]
    Client { reason: String },
}

/// What stands between us and Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what happened, by its fields")]
pub enum Obstacle {
    #[error("the connection was refused; is it running, and is the port right?")]
    Refused,
    #[error("its host name is not known; check the URL")]
    UnknownHost,
    #[error(
        "connecting took longer than {after_secs} s; check the address, and firewalls on the way"
    )]
    ConnectTimeout { after_secs: u64 },
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("it does not speak HTTP there; check the port")]
    NotHttp,
    #[error("it closed the connection without an answer; check the port, and what stands between")]
    NoAnswer,
    #[error("{0}")]
    Other(String),
}

impl PrometheusError {
    /// The HTTP status that Grafana should see.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotConfigured | Self::Delegated => 400,
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

    /// Whether the connection ended before anything was answered.
    pub(crate) fn is_no_answer(&self) -> bool {
        matches!(self, Self::Unreachable { obstacle: Obstacle::NoAnswer, .. })
    }

    /// Sorts what reqwest says. `url` is the base URL without credentials.
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
            let obstacle = if cause.is_timeout() {
                Obstacle::ConnectTimeout { after_secs: connect_secs }
            } else {
                obstacle(&cause)
            };
            return Self::Unreachable { url, obstacle, cause: Arc::new(cause) };
        }
        if cause.is_request() {
            let obstacle = match find_in_chain(&cause, is_parse_error) {
                Some(()) => Obstacle::NotHttp,
                None => Obstacle::NoAnswer,
            };
            return Self::Unreachable { url, obstacle, cause: Arc::new(cause) };
        }
        Self::Broken { url, cause: Arc::new(cause) }
    }
}

fn obstacle(error: &(dyn StdError + 'static)) -> Obstacle {
    if let Some(tls) = find_in_chain(error, |error| tls_error(error).map(tls_words)) {
        return Obstacle::Tls(tls);
    }
    let refused = find_in_chain(error, |error| {
        let io = error.downcast_ref::<io::Error>()?;
        (io.kind() == io::ErrorKind::ConnectionRefused).then_some(())
    });
    if refused.is_some() {
        return Obstacle::Refused;
    }
    // hyper-util names its resolving step, and getaddrinfo has no error kind of its own.
    let unknown_host = find_in_chain(error, |error| {
        error.to_string().contains("failed to lookup address").then_some(())
    });
    if unknown_host.is_some() {
        return Obstacle::UnknownHost;
    }
    Obstacle::Other(innermost(error))
}

/// The error of TLS in `error`: it travels inside of io errors, of which each hides its own from
/// the chain of sources.
fn tls_error<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => tls_error(io.get_ref()?),
        None => error.downcast_ref(),
    }
}

fn tls_words(error: &rustls::Error) -> String {
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
            "it does not speak TLS there; use `http://`, or check the port".to_owned()
        }
        other => other.to_string(),
    }
}

fn is_parse_error(error: &(dyn StdError + 'static)) -> Option<()> {
    // hyper is no dependency of its own here; its parse errors say "invalid HTTP …".
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

/// The first words of a body that was not expected, on one line.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return "an empty body".to_owned();
    }
    let is_html = text.starts_with('<');
    if is_html {
        let title = text
            .split_once("<title>")
            .and_then(|(_, rest)| rest.split_once("</title>"))
            .map(|(title, _)| title.trim());
        return match title {
            Some(title) if !title.is_empty() => format!("an HTML page `{}`", quote(title)),
            _ => "an HTML page".to_owned(),
        };
    }
    format!("`{}`", quote(&text))
}

/// At most [`MAX_QUOTE_CHARS`] of `text`.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
