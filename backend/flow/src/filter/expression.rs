//! Regular expressions of filters, optional by feature.

use super::RegexError;

/// Regular expression that is searched for anywhere in a text.
#[cfg(feature = "regex")]
#[derive(Debug, Clone)]
pub(super) struct Expression(vocabulary::re2::Search);

/// Stand-in without values, for builds without the feature `regex`.
#[cfg(not(feature = "regex"))]
#[derive(Debug, Clone)]
pub(super) enum Expression {}

#[cfg(feature = "regex")]
impl Expression {
    /// Compiles an expression. Errors: Go refuses it, or it grows too large.
    pub(super) fn new(text: &str) -> Result<Self, RegexError> {
        Ok(Self(vocabulary::re2::Search::new(text)?))
    }

    /// Parses an expression. Errors: as for [`Self::new`], as far as they show before it is compiled.
    pub(super) fn check(text: &str) -> Result<(), RegexError> {
        Ok(vocabulary::re2::Search::check(text)?)
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// Most bytes that the expression takes.
    pub(super) fn max_bytes(&self) -> usize {
        self.0.max_bytes()
    }
}

#[cfg(not(feature = "regex"))]
impl Expression {
    pub(super) const fn new(_text: &str) -> Result<Self, RegexError> {
        Err(RegexError::Unavailable)
    }

    pub(super) const fn check(_text: &str) -> Result<(), RegexError> {
        Err(RegexError::Unavailable)
    }

    pub(super) const fn is_match(&self, _text: &str) -> bool {
        match *self {}
    }

    pub(super) const fn max_bytes(&self) -> usize {
        match *self {}
    }
}
