//! Regular expressions of HTTP rules.

use vocabulary::re2;

/// A regular expression over the whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPattern {
    /// As written.
    pub text: String,
    /// None: no RE2.
    regex: Option<re2::Regex>,
}

impl HttpPattern {
    /// Reads a pattern. Errors: Go's words for what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let regex = re2::Regex::new(text).map_err(|err| err.to_string())?;
        Ok(Self { text: text.to_owned(), regex: Some(regex) })
    }

    /// A pattern that is kept, and not judged.
    pub(crate) fn unjudged(text: &str) -> Self {
        Self { text: text.to_owned(), regex: None }
    }

    /// Whether it matches the whole of a text. None: that is not judged here.
    #[must_use]
    pub fn matches(&self, text: &str) -> Option<bool> {
        self.regex.as_ref()?.matches(text)
    }
}
