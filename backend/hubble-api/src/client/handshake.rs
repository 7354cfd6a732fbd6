//! Errors of TLS handshakes.

use super::error::ClientError;
use super::error_text::relay_text;
use super::tls::TlsClient;
use super::trace::{Trace, tls_error_in};
use rustls::{AlertDescription, CertificateError, Error as TlsError};
use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// First bytes of TLS records: alert and handshake, of any version.
const TLS_RECORDS: [[u8; 2]; 2] = [[0x15, 3], [0x16, 3]];
/// Length of the header of an HTTP/2 frame, in bytes.
const FRAME_HEADER_BYTES: usize = 9;
/// Type of the first frame of a server (RFC 9113, 3.4), and its position in the header.
const SETTINGS_FRAME: u8 = 4;
const FRAME_TYPE_AT: usize = 3;

/// Error of a failed TLS handshake.
pub(super) fn handshake_error(
    address: String,
    error: io::Error,
    trace: &Trace,
    tls: &TlsClient,
) -> ClientError {
    let head = trace.wire_head();
    if !head.is_empty() && !starts_tls(&head) {
        return match answer_that_is_not_http2(&head) {
            Some(answer) if !head.starts_with(b"HTTP/") => ClientError::NotGrpc { address, answer },
            // HTTP/2, or HTTP/1.1, which may have a gRPC port without TLS beside it.
            _ => ClientError::ExpectsPlain { address },
        };
    }
    match tls_error_in(&error).cloned() {
        Some(cause) => tls_error(address, &cause, error, trace, tls),
        None if head.is_empty() => ClientError::ClosedAtOnce { address },
        None => ClientError::Tls { address, source: Arc::new(error) },
    }
}

pub(super) fn tls_error(
    address: String,
    error: &TlsError,
    source: io::Error,
    trace: &Trace,
    tls: &TlsClient,
) -> ClientError {
    match error {
        TlsError::InvalidCertificate(reason) => {
            certificate_error(address, error, reason, trace, tls)
        }
        TlsError::AlertReceived(alert) if is_about_our_certificate(*alert, trace) => {
            client_certificate_error(address, tls)
        }
        _ => ClientError::Tls { address, source: Arc::new(source) },
    }
}

fn certificate_error(
    address: String,
    error: &TlsError,
    reason: &CertificateError,
    trace: &Trace,
    tls: &TlsClient,
) -> ClientError {
    let facts = trace.server_certificate().unwrap_or_default();
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ClientError::CertificateExpired { address, not_after_secs: facts.not_after_secs }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ClientError::CertificateNotYetValid { address, not_before_secs: facts.not_before_secs }
        }
        // A bad signature comes from another authority with the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            ClientError::UnknownIssuer { address, issuer: facts.issuer, own_ca: tls.own_ca }
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let expected = tls.server_name.to_str().into_owned();
            ClientError::NameMismatch { address, expected, names: facts.names }
        }
        _ => ClientError::CertificateInvalid { address, source: error.clone() },
    }
}

/// Whether an alert refuses our client certificate. Some alerts have other causes too, so they
/// count only if the server requested a certificate.
fn is_about_our_certificate(alert: AlertDescription, trace: &Trace) -> bool {
    trace.client_certificate_asked()
        && matches!(
            alert,
            AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied
                | AlertDescription::DecryptError
                | AlertDescription::HandshakeFailure
        )
}

pub(super) fn client_certificate_error(address: String, tls: &TlsClient) -> ClientError {
    match &tls.client_certificate {
        None => ClientError::ClientCertificateMissing { address },
        Some(certificate) => ClientError::ClientCertificateRefused {
            address,
            certificate: Box::new(certificate.clone()),
            now_secs: now_secs(),
        },
    }
}

pub(super) fn starts_tls(head: &[u8]) -> bool {
    TLS_RECORDS.iter().any(|record| head.starts_with(record))
}

/// First line of an answer, unless it comes from an HTTP/2 server or is empty.
pub(super) fn answer_that_is_not_http2(head: &[u8]) -> Option<String> {
    let is_http2 =
        head.len() < FRAME_HEADER_BYTES || head.get(FRAME_TYPE_AT) == Some(&SETTINGS_FRAME);
    let is_text = head.starts_with(b"HTTP/");
    if head.is_empty() || (is_http2 && !is_text) {
        return None;
    }
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Some(relay_text(&String::from_utf8_lossy(line)))
}

fn now_secs() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}
