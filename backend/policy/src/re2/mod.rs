//! RE2, as far as Envoy's `safe_regex` needs it: does the whole text match? Patterns of HTTP rules
//! are read as regexp/syntax of Go 1.26 reads them, with Unicode 15.0, because Cilium checks them
//! with it. Go up to 1.24 knows no long names of categories, and names of scripts with underscores.

mod class;
mod parse;
mod program;
#[rustfmt::skip]
mod tables;
#[cfg(test)]
mod tests;
mod unicode;

use program::Program;

/// Instructions of a program that is kept; a larger one is made again for each text.
const MAX_KEPT: usize = 1_000;
/// Bytes of the texts that are matched: Envoy's own limit for all headers is 60 KiB.
const MAX_TEXT: usize = 16 << 10;

/// Go's words about a pattern that it refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {reason}: `{part}`")]
pub(crate) struct RegexError {
    reason: &'static str,
    part: String,
}

/// A compiled pattern; clones of equal patterns are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Regex {
    classes: Vec<class::Class>,
    body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Body {
    Kept(Program),
    Large(parse::Tree),
}

impl Regex {
    /// Reads a pattern. Errors: Go's.
    pub(crate) fn new(pattern: &str) -> Result<Self, RegexError> {
        let (tree, classes) = parse::parse(pattern)?;
        let body = match Program::of(&tree, MAX_KEPT) {
            Some(program) => Body::Kept(program),
            None => Body::Large(tree),
        };
        Ok(Self { classes, body })
    }

    /// Whether the whole text matches. None: that takes more than is spent on a text.
    pub(crate) fn matches(&self, text: &str) -> Option<bool> {
        if text.len() > MAX_TEXT {
            return None;
        }
        match &self.body {
            Body::Kept(program) => program.matches(&self.classes, text),
            Body::Large(tree) => Program::of(tree, parse::MAX_SIZE)?.matches(&self.classes, text),
        }
    }
}
