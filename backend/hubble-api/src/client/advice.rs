//! User messages of a [`ClientError`], and their parts.

use super::error::{ClientError, ConnectStage};
use super::error_text::one_line;
use std::error::Error;

impl ClientError {
    /// One line for the user: the problem, its causes, and what to do about it.
    pub fn user_message(&self) -> String {
        let mut sentence = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = match error.downcast_ref::<tonic::Status>() {
                Some(status) => status.message().to_owned(),
                None => error.to_string(),
            };
            // Some causes repeat the text of their own cause.
            if !text.is_empty() && !sentence.contains(&text) {
                sentence.push_str(": ");
                sentence.push_str(&text);
            }
            cause = error.source();
        }
        if let Some(advice) = self.advice() {
            sentence.push_str("; ");
            sentence.push_str(&advice);
        }
        one_line(&sentence)
    }

    fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::SchemeAgainstTls { .. } => "write the address as `host:port`, or turn TLS off",
            Self::ServerName { .. } => "AKS uses `instance.hubble-relay.cilium.io`",
            Self::KeyMismatch => "take both from the same secret (`tls.crt` and `tls.key`)",
            Self::NoSystemRoots => {
                "set the CA certificate that signed the relay's (`ca.crt` of its secret)"
            }
            Self::NameNotResolved { .. } => "check the host in the relay address",
            Self::Refused { .. } => "check the port, and that the relay or its port-forward runs",
            Self::Unreachable { .. } => "check the address and the network between",
            Self::ConnectTimedOut { stage: ConnectStage::Resolve, .. } => {
                "check that the DNS resolves its host name"
            }
            Self::ConnectTimedOut { stage: ConnectStage::Connect, .. } => {
                "check the address, and that no firewall or network policy drops the connection"
            }
            Self::ConnectTimedOut { stage: ConnectStage::Handshake, .. } => {
                "it accepts the connection but does not continue with TLS: check the port, and whether \
                 TLS must be turned off"
            }
            Self::NotGrpc { .. } => {
                "check the port: the relay's gRPC port is 4245, or 443 on its Service with TLS"
            }
            Self::ClosedAtOnce { .. } => "check the port, and whether it expects TLS",
            Self::ExpectsTls { .. } => "turn TLS on, or write the address as `tls://host:port`",
            Self::ExpectsPlain { .. } => "turn TLS off, or use the relay's TLS port",
            Self::CertificateExpired { .. } => "renew the relay's certificate",
            Self::CertificateNotYetValid { .. } => "check the clocks of both machines",
            Self::UnknownIssuer { own_ca: false, .. } => {
                "set the CA certificate that signed it (`ca.crt` of the relay's secret)"
            }
            Self::UnknownIssuer { own_ca: true, .. } => {
                "the CA certificate that is set belongs to another authority"
            }
            Self::NameMismatch { names, .. } => {
                return Some(match names.first() {
                    Some(name) => format!("set the server name to `{}`", name_to_set(name)),
                    None => "renew it with a subject alternative name".to_owned(),
                });
            }
            Self::ClientCertificateMissing { .. } => {
                "set the client certificate and key (`tls.crt` and `tls.key` of the relay's client \
                 secret)"
            }
            Self::ClientCertificateRefused { certificate, now_secs, .. } => {
                if certificate.not_after_secs < *now_secs {
                    "renew it"
                } else if certificate.not_before_secs > *now_secs {
                    "check the clocks of both machines"
                } else {
                    "check that it is signed by the authority that the relay trusts"
                }
            }
            Self::TimedOut { silent: true, .. } => {
                "it accepts connections but sends nothing: check that the port is the relay's gRPC port"
            }
            Self::TimedOut { silent: false, .. } => {
                "ask for a shorter time range or fewer flows, or raise the request timeout"
            }
            Self::MessageTooLong { .. } => "Hubble Relay sends no such messages: check the address",
            Self::Status { status, .. } => match status.code() {
                tonic::Code::Unimplemented => {
                    "check that the address is that of Hubble Relay, and that it is not too old"
                }
                tonic::Code::Unauthenticated | tonic::Code::PermissionDenied => {
                    "check the client certificate, or the proxy before the relay"
                }
                tonic::Code::Unavailable => "check that the relay runs and reaches its nodes",
                tonic::Code::ResourceExhausted => "ask for fewer flows, or try again later",
                _ => return None,
            },
            Self::Address(_)
            | Self::Pem { .. }
            | Self::CertificateInvalid { .. }
            | Self::Tls { .. }
            | Self::Malformed { .. }
            | Self::Broken { .. } => return None,
        };
        Some(advice.to_owned())
    }
}

/// Name for which a certificate with this name is valid: for a wildcard, an example.
fn name_to_set(name: &str) -> String {
    match name.strip_prefix("*.") {
        Some(rest) => format!("instance.{rest}"),
        None => name.to_owned(),
    }
}
