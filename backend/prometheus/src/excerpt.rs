//! Excerpts of answers, quoted in errors.

/// Longest quote of an upstream's text, in characters.
const MAX_QUOTE_CHARS: usize = 400;

/// First words of an unexpected body, on one line.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return "an empty body".to_owned();
    }
    let is_html = text.starts_with('<');
    if is_html {
        let title = text
            .split_once("<title>")
            .and_then(|(_, rest)| rest.split_once("</title>"))
            .map(|(title, _)| title.trim());
        return match title {
            Some(title) if !title.is_empty() => format!("an HTML page `{}`", quote(title)),
            _ => "an HTML page".to_owned(),
        };
    }
    format!("`{}`", quote(&text))
}

/// First [`MAX_QUOTE_CHARS`] characters of `text`.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
