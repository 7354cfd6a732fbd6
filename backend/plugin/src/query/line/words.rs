//! A command line, split into words as a POSIX shell does.

use super::Diagnostic;

/// A word, and the bytes of the line that it was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The words of a line, up to where another command begins.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) words: Vec<Word>,
    /// Bytes from which on the line is no part of this command.
    pub(super) cut_at: Option<usize>,
}

/// Splits. Quotes group, a backslash takes the next character as it is and joins lines, `#`
/// begins a comment, and `|`, `;`, `&`, `<`, `>` end the command.
///
/// Errors: a quote that is not closed.
pub(super) fn split(line: &str) -> Result<Words, Diagnostic> {
    let mut words = Words::default();
    let mut word: Option<Word> = None;
    let mut chars = line.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let end = at + char.len_utf8();
        let begin = |word: &mut Option<Word>| {
            let word = word.get_or_insert_with(|| Word { text: String::new(), start: at, end: at });
            word.end = end;
        };
        match char {
            '\'' | '"' => {
                begin(&mut word);
                let mut closed = false;
                while let Some((inner_at, inner)) = chars.next() {
                    let Some(open) = word.as_mut() else { break };
                    open.end = inner_at + inner.len_utf8();
                    if inner == char {
                        closed = true;
                        break;
                    }
                    if char == '"' && inner == '\\' {
                        match chars.next() {
                            Some((_, '\n')) | None => {}
                            Some((_, escaped @ ('"' | '\\' | '$' | '`'))) => {
                                open.text.push(escaped);
                            }

                            Some((_, other)) => open.text.extend(['\\', other]),
                        }
                    } else {
                        open.text.push(inner);
                    }
                }
                if !closed {
                    let text = format!("the quote {char} is not closed");
                    return Err(Diagnostic { start: at, end: line.len(), text });
                }
            }
            '\\' => {
                // A line's end may be two characters.
                let _return = chars.next_if(|(_, next)| *next == '\r');
                if chars.next_if(|(_, next)| *next == '\n').is_none()
                    && let Some((escaped_at, escaped)) = chars.next()
                {
                    begin(&mut word);
                    if let Some(word) = word.as_mut() {
                        word.text.push(escaped);
                        word.end = escaped_at + escaped.len_utf8();
                    }
                }
            }
            char if char.is_ascii_whitespace() => words.words.extend(word.take()),
            '|' | ';' | '&' | '<' | '>' => {
                words.cut_at = Some(at);
                break;
            }
            '#' if word.is_none() => while chars.next_if(|(_, next)| *next != '\n').is_some() {},
            char => {
                begin(&mut word);
                if let Some(word) = word.as_mut() {
                    word.text.push(char);
                }
            }
        }
    }
    words.words.extend(word);
    Ok(words)
}
