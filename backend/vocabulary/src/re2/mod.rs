//! RE2 as Go's `regexp` reads it. Cilium checks the expressions of HTTP rules with it, and Hubble
//! compiles those of filters with it.
//!
//! One reader serves both, after regexp/syntax of Go 1.26 with Unicode 15.0. [`Regex`] matches
//! whole texts, like Envoy's `safe_regex`, with a small state machine. `Search` (feature `search`)
//! finds a match anywhere in a text, with a fast engine. Go up to 1.24 differs: it lacks the long
//! names of categories, and its names of scripts contain underscores.

mod class;
mod parse;
mod program;
#[cfg(feature = "search")]
mod search;
#[rustfmt::skip]
mod tables;
#[cfg(test)]
mod tests;
mod unicode;

use program::Program;
#[cfg(feature = "search")]
pub use search::{Search, SearchError};

/// Largest program that is kept, in instructions; larger ones are compiled again for each text.
const MAX_KEPT: usize = 1_000;
/// Longest text that is matched, in bytes. Envoy limits all headers together to 60 KiB.
const MAX_TEXT: usize = 16 << 10;

/// Error message of Go's `regexp` for a pattern that it refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {reason}: `{part}`")]
pub struct RegexError {
    reason: Reason,
    part: Box<str>,
}

/// Reason to refuse an expression. Source: regexp/syntax `ErrorCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    ClassRange,
    Escape,
    MissingBracket,
    MissingParenthesis,
    NamedCapture,
    PerlSyntax,
    NestedRepetition,
    RepeatCount,
    NothingToRepeat,
    TrailingBackslash,
    UnexpectedParenthesis,
    TooDeep,
    TooLarge,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ClassRange => "invalid character class range",
            Self::Escape => "invalid escape sequence",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParenthesis => "missing closing )",
            Self::NamedCapture => "invalid named capture",
            Self::PerlSyntax => "invalid or unsupported Perl syntax",
            Self::NestedRepetition => "invalid nested repetition operator",
            Self::RepeatCount => "invalid repeat count",
            Self::NothingToRepeat => "missing argument to repetition operator",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::UnexpectedParenthesis => "unexpected )",
            Self::TooDeep => "expression nests too deeply",
            Self::TooLarge => "expression too large",
        })
    }
}

/// Expression that matches whole texts. Equal patterns compare as equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regex {
    classes: Vec<class::Class>,
    body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Body {
    Kept(Program),
    Large(parse::Ast),
}

impl Regex {
    /// Compiles a pattern. Errors: Go's message.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let (tree, classes) = parse::parse(pattern)?;
        let body = match Program::of(&tree, MAX_KEPT) {
            Some(program) => Body::Kept(program),
            None => Body::Large(tree),
        };
        Ok(Self { classes, body })
    }

    /// Whether the whole text matches. `None` if the text is longer than 16 KiB or takes more than
    /// 64 Mi steps.
    #[must_use]
    pub fn matches(&self, text: &str) -> Option<bool> {
        if text.len() > MAX_TEXT {
            return None;
        }
        match &self.body {
            Body::Kept(program) => program.matches(&self.classes, text),
            Body::Large(tree) => Program::of(tree, parse::MAX_SIZE)?.matches(&self.classes, text),
        }
    }
}
