//! Excerpts of other servers' answers, for errors.

/// Longest quote of an upstream's text, in characters.
const MAX_QUOTE_CHARS: usize = 400;

/// First words of an unexpected body, on one line.
pub fn answer_excerpt(body: &[u8]) -> String {
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
            Some(title) if !title.is_empty() => format!("an HTML page `{}`", quote_answer(title)),
            _ => "an HTML page".to_owned(),
        };
    }
    format!("`{}`", quote_answer(&text))
}

/// First 400 characters of a server's text, followed by `…` if it is longer.
pub fn quote_answer(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
