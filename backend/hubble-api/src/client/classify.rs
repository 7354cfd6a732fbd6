//! Classification of connection failures into errors that a user can act on.

use super::dial::Dialer;
use super::error::ClientError;
use super::error_text::relay_text;
use super::handshake::{answer_that_is_not_http2, client_certificate_error, starts_tls, tls_error};
use std::error::Error;
use std::io;
use std::sync::Arc;
use tonic::{Code, Status};

/// Error of a failed call.
pub(super) async fn call_error(
    status: Status,
    dialer: &Dialer,
    max_message_bytes: usize,
    flows_received: u64,
) -> ClientError {
    if let Some(error) = dial_error_in(&status) {
        return error.clone();
    }
    let address = dialer.address();
    if status.source().is_none() {
        return answer_error(address, status, max_message_bytes, flows_received);
    }
    let trace = dialer.latest();
    let wire_head = trace.wire_head();
    let head = if dialer.tls().is_some() { trace.plain_head() } else { wire_head.clone() };
    if dialer.tls().is_none() && starts_tls(&head) {
        let names = dialer.probe_tls().await.unwrap_or_default().names;
        return ClientError::ExpectsTls { address, names };
    }
    if let Some(answer) = answer_that_is_not_http2(&head) {
        return ClientError::NotGrpc { address, answer };
    }
    if let Some(tls) = dialer.tls() {
        if let Some(error) = trace.tls_error() {
            let source = io::Error::new(io::ErrorKind::InvalidData, error.clone());
            return tls_error(address, &error, source, &trace, tls);
        }
        // If the server resets the connection after its alert, the alert is lost.
        if head.is_empty() && trace.client_certificate_asked() {
            return client_certificate_error(address, tls);
        }
    }
    if head.is_empty() && flows_received == 0 && trace.closed() {
        return match dialer.tls() {
            Some(_) => ClientError::ClosedAtOnce { address },
            None => match dialer.probe_tls().await {
                Some(certificate) => ClientError::ExpectsTls { address, names: certificate.names },
                None => ClientError::ClosedAtOnce { address },
            },
        };
    }
    ClientError::Broken { address, flows_received, source: Arc::new(status) }
}

/// Error of our own connector, if it is the root cause.
fn dial_error_in(status: &Status) -> Option<&ClientError> {
    let mut cause = status.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

/// Error of an answer that arrived completely.
fn answer_error(
    address: String,
    status: Status,
    max_message_bytes: usize,
    flows_received: u64,
) -> ClientError {
    let message = status.message();
    // tonic has no types for these three cases; tests pin its texts.
    if let Some((_, http_status)) = message.split_once("mapped from HTTP status code ") {
        let answer = format!("HTTP status {}", relay_text(http_status));
        return ClientError::NotGrpc { address, answer };
    }
    if message.contains("invalid compression flag") {
        let answer = "HTTP without gRPC messages".to_owned();
        return ClientError::NotGrpc { address, answer };
    }
    if status.code() == Code::OutOfRange && message.contains("message length too large") {
        return ClientError::MessageTooLong {
            address,
            max_bytes: max_message_bytes,
            flows_received,
        };
    }
    ClientError::Status { address, status: Arc::new(status), flows_received }
}
