//! Texts of users in errors.

/// Characters of a user's text that an error repeats.
const MAX_QUOTE_CHARS: usize = 64;

/// The first 64 characters of a user's text, and `…` where it goes on.
pub fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
