//! Errors with their causes.

use std::error::Error;

/// Error with its causes as one line, joined by colons, the outermost first.
pub fn with_causes(error: &dyn Error) -> String {
    let mut sentence = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        sentence.push_str(": ");
        sentence.push_str(&cause.to_string());
        source = cause.source();
    }
    sentence
}
