//! Regular expressions of HTTP rules.

use vocabulary::re2::{self, RegexError};

/// A regular expression for a whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPattern {
    /// The text as written.
    pub text: String,
    /// The compiled expression; `None` if it is not valid RE2.
    regex: Option<re2::Regex>,
}

impl HttpPattern {
    /// The pattern of a text. Errors: Go refuses the expression.
    pub fn new(text: &str) -> Result<Self, RegexError> {
        let regex = re2::Regex::new(text)?;
        Ok(Self { text: text.to_owned(), regex: Some(regex) })
    }

    /// A pattern that is kept without evaluation.
    pub(crate) fn unjudged(text: &str) -> Self {
        Self { text: text.to_owned(), regex: None }
    }

    /// Whether it matches the whole of a text. `None` if it cannot be evaluated here.
    #[must_use]
    pub fn matches(&self, text: &str) -> Option<bool> {
        self.regex.as_ref()?.matches(text)
    }
}
