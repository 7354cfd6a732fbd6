//! Excerpts of a user's text for errors.

/// Longest excerpt, in characters.
const MAX_QUOTE_CHARS: usize = 64;

/// First 64 characters of a text, followed by `…` if it is longer.
pub fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
