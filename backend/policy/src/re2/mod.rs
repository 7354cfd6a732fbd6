//! RE2, as far as Envoy's `safe_regex` needs it: does the whole text match? Patterns of HTTP rules
//! are read as Go's regexp/syntax reads them, because Cilium checks them with it.

mod parse;
mod program;
#[cfg(test)]
mod tests;

pub(crate) use program::Regex;

/// Instructions of one pattern; a repetition costs its body times its count.
const MAX_INSTRUCTIONS: usize = 4_000;
/// Bytes of the texts that are matched: Envoy's own limit for all headers is 60 KiB.
const MAX_TEXT: usize = 16 << 10;
/// Nesting of groups; Go's own limit is 1000.
const MAX_DEPTH: usize = 200;

/// A pattern that is no RE2, or too much of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegexError {
    /// Go's words.
    #[error("error parsing regexp: {reason}: `{part}`")]
    Syntax { reason: &'static str, part: String },
    /// Valid, but not judged here.
    #[error("not judged here: {reason}")]
    Unsupported { reason: &'static str },
}
