//! Parts of the messages of errors.

use super::certificate::CertificateFacts;
use super::time_text::TimeText;
use std::fmt;
use std::time::Duration;

/// Longest text of a relay in a message, in characters.
const MAX_RELAY_TEXT_CHARS: usize = 300;

/// Untrusted text as one line.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|char: char| char.is_whitespace() || char.is_control()) {
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

/// Untrusted text of a relay as one line of limited length.
pub(super) fn relay_text(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(MAX_RELAY_TEXT_CHARS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

pub(super) struct Secs(pub(super) Duration);

impl fmt::Display for Secs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_millis() == 0 {
            write!(f, "{} s", self.0.as_secs())
        } else {
            write!(f, "{} ms", self.0.as_millis())
        }
    }
}

pub(super) struct Received(pub(super) u64);

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str(" after 1 flow"),
            flows => write!(f, " after {flows} flows"),
        }
    }
}

pub(super) struct ValidFor<'a>(pub(super) &'a [String]);

impl fmt::Display for ValidFor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = " but for ";
        for name in self.0 {
            write!(f, "{separator}`{name}`")?;
            separator = ", ";
        }
        if self.0.is_empty() { f.write_str(": it names no host") } else { Ok(()) }
    }
}

pub(super) struct ClientCertificateState<'a> {
    pub(super) certificate: &'a CertificateFacts,
    pub(super) now_secs: i64,
}

impl fmt::Display for ClientCertificateState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { certificate, now_secs } = self;
        if certificate.not_after_secs < *now_secs {
            write!(f, ": it expired on {}", TimeText(certificate.not_after_secs))
        } else if certificate.not_before_secs > *now_secs {
            write!(f, ": it is not valid before {}", TimeText(certificate.not_before_secs))
        } else {
            write!(
                f,
                " `{}`, which is signed by `{}` and valid until {}",
                certificate.subject,
                certificate.issuer,
                TimeText(certificate.not_after_secs)
            )
        }
    }
}

pub(super) struct StatusText<'a>(pub(super) &'a tonic::Status);

impl fmt::Display for StatusText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = relay_text(self.0.message());
        write!(f, "{:?}", self.0.code())?;
        if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
    }
}
