//! A text that never shows itself: a password, a token, a private key. One type for all of them,
//! so that every place that reads one can be found by name.

use std::fmt;

/// A password, token or private key. Its `Debug` is `[redacted]`, it has no `Display`, and
/// [`Secret::reveal`] is the one way to its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`; `None` when it is empty, since Grafana sends a cleared secret as "".
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The secret's text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_text() {
        let secret = Secret::new("hunter2").unwrap();
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(secret.reveal(), "hunter2");
    }

    #[test]
    fn an_empty_text_is_no_secret() {
        assert_eq!(Secret::new(""), None);
    }
}
