//! Type of passwords, tokens and private keys, which never displays its text. A single type makes
//! every place that reads a secret easy to find.

use std::fmt;

/// Password, token or private key. Its `Debug` is `[redacted]`, it has no `Display`, and
/// [`Secret::reveal`] is the only access to its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Secret with a text; `None` if the text is empty, because Grafana sends a deleted secret as
    /// "".
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// Text of the secret, for the one place that sends it.
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
    fn an_empty_text_is_not_a_secret() {
        assert_eq!(Secret::new(""), None);
    }
}
