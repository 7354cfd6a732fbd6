//! Chunks of a text with many documents: it is split before parsing, so that an error stays in its
//! chunk.

use super::{Position, count};

/// A chunk of text between two `---` lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'t> {
    /// The text of the chunk.
    pub text: &'t str,
    /// The line of its first character, from 1.
    pub first_line: u32,
    /// The column of its first character, from 1: after a marker, the text begins in mid-line.
    pub first_column: u32,
}

impl Chunk<'_> {
    /// The first place that is neither blank nor comment.
    pub fn start(&self) -> Position {
        let skipped = self
            .text
            .lines()
            .position(|line| {
                let line = line.trim();
                !line.is_empty() && !line.starts_with('#')
            })
            .unwrap_or(0);
        Position { line: self.first_line.saturating_add(count(skipped)), column: 1 }
    }

    /// Whether it may hold an alias: a `*name` at the beginning of a value.
    pub fn has_aliases(&self) -> bool {
        let mut before = '\n';
        let mut is_star = false;
        for c in self.text.chars() {
            if is_star && (c.is_alphanumeric() || c == '_') {
                return true;
            }
            is_star = c == '*' && matches!(before, ' ' | '\t' | '\n' | '[' | '{' | ',');
            before = c;
        }
        false
    }

    /// Whether it holds nothing to read.
    pub fn is_blank(&self) -> bool {
        self.text.lines().all(|line| {
            let line = line.trim();
            line.is_empty() || line.starts_with('#') || line == "..."
        })
    }
}

/// The chunks between lines that begin with `---`, split as by Kubernetes' `YAMLReader`. Text on
/// the marker's own line belongs to the document that follows.
pub fn split(text: &str) -> Vec<Chunk<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut chunks = Vec::new();
    let mut rest = text;
    let (mut first_line, mut first_column) = (1_u32, 1_u32);
    loop {
        let (end, next) = next_marker(rest);
        let (chunk, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let chunk = Chunk { text: chunk, first_line, first_column };
        if !chunk.is_blank() {
            chunks.push(chunk);
        }
        if !next {
            return chunks;
        }
        first_line = first_line.saturating_add(count(chunk.text.matches('\n').count()));
        first_column = 4;
        rest = tail.strip_prefix("---").unwrap_or(tail);
    }
}

/// The start of the next marker line, and whether there is one.
fn next_marker(text: &str) -> (usize, bool) {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let is_marker = line.strip_prefix("---").is_some_and(|after| {
            after.is_empty() || after.starts_with([' ', '\t', '\r', '\n', '{', '#'])
        });
        // A text cut off after a marker starts in mid-line, and so is not a marker itself.
        if is_marker {
            return (offset, true);
        }
        offset += line.len();
    }
    (text.len(), false)
}
