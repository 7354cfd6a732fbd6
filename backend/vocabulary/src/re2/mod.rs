//! RE2 as Go's `regexp` reads it: Cilium checks the expressions of HTTP rules with it, and Hubble
//! compiles those of filters.
//!
//! One reader for both, after regexp/syntax of Go 1.26 with Unicode 15.0: [`Regex`] says whether a
//! whole text matches, as Envoy's `safe_regex` asks it, by a small machine; `Search`, of the
//! feature `search`, whether a match stands anywhere in a text, by a fast one. Go up to 1.24 knows no
//! long names of categories, and names of scripts with underscores.

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

/// Instructions of a program that is kept; a larger one is made again for each text.
const MAX_KEPT: usize = 1_000;
/// Bytes of the texts that are matched: Envoy's own limit for all headers is 60 KiB.
const MAX_TEXT: usize = 16 << 10;

/// Go's words about a pattern that it refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {reason}: `{part}`")]
pub struct RegexError {
    reason: Reason,
    part: Box<str>,
}

/// What is wrong with an expression. Source: regexp/syntax `ErrorCode`.
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

/// An expression that matches whole texts; those of equal patterns are equal.
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
    /// Reads a pattern. Errors: Go's.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let (tree, classes) = parse::parse(pattern)?;
        let body = match Program::of(&tree, MAX_KEPT) {
            Some(program) => Body::Kept(program),
            None => Body::Large(tree),
        };
        Ok(Self { classes, body })
    }

    /// Whether the whole text matches. `None`: the text is longer than 16 KiB, or takes more steps
    /// than are spent on one.
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
