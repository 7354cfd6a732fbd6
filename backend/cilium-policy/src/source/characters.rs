//! The characters of a YAML text, read one after the other, with their positions.

use std::ops::Range;

use super::{Chunk, Position, SyntaxError, count};

/// A position of the reader; all numbers count from 0.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    /// The number of characters before it.
    pub(super) index: usize,
    pub(super) line: u32,
    pub(super) column: usize,
}

/// A reader of the characters of a chunk.
pub(super) struct Characters<'t> {
    rest: &'t [u8],
    text: &'t str,
    first_line: u32,
    pub(super) mark: Mark,
    /// The comments so far, in bytes of the text.
    pub(super) comments: Vec<Range<usize>>,
}

impl<'t> Characters<'t> {
    pub(super) fn new(chunk: &Chunk<'t>) -> Self {
        let column = usize::try_from(chunk.first_column.saturating_sub(1)).unwrap_or(0);
        let text = chunk.text.strip_prefix('\u{feff}').unwrap_or(chunk.text);
        let mark = Mark { column, ..Mark::default() };
        Self {
            rest: text.as_bytes(),
            text,
            first_line: chunk.first_line,
            mark,
            comments: Vec::new(),
        }
    }

    pub(super) fn error(&self, what: &str) -> SyntaxError {
        self.error_at(self.mark, what)
    }

    pub(super) fn error_at(&self, mark: Mark, what: &str) -> SyntaxError {
        SyntaxError { at: self.position(mark), reason: format!("not valid YAML: {what}") }
    }

    pub(super) fn position(&self, mark: Mark) -> Position {
        Position {
            line: self.first_line.saturating_add(mark.line),
            column: count(mark.column).saturating_add(1),
        }
    }

    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.rest.get(ahead).copied().unwrap_or(0)
    }

    /// The number of bytes before this place.
    pub(super) const fn offset(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    pub(super) fn is_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    /// Whether a YAML 1.1 line break stands here.
    pub(super) fn is_break(&self, ahead: usize) -> bool {
        match self.byte(ahead) {
            b'\r' | b'\n' => true,
            0xc2 => self.byte(ahead + 1) == 0x85,
            0xe2 => self.byte(ahead + 1) == 0x80 && matches!(self.byte(ahead + 2), 0xa8 | 0xa9),
            _ => false,
        }
    }

    pub(super) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.rest.len() <= ahead || self.is_break(ahead)
    }

    pub(super) fn is_blank_or_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    pub(super) fn here(&self) -> u8 {
        self.byte(0)
    }

    pub(super) fn next(&self) -> u8 {
        self.byte(1)
    }

    pub(super) const fn column(&self) -> usize {
        self.mark.column
    }

    /// Skips one character, which is not a line break.
    pub(super) fn skip(&mut self) {
        let width = match self.here() {
            0..=0x7f => 1,
            0x80..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        };
        self.rest = self.rest.get(width..).unwrap_or_default();
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Copies a character into a text.
    pub(super) fn copy(&mut self, into: &mut String) {
        let from = self.offset();
        self.skip();
        into.push_str(self.text.get(from..self.offset()).unwrap_or_default());
    }

    /// Skips a line break. Returns its meaning in a text.
    pub(super) fn skip_line(&mut self) -> &'static str {
        let (width, meaning) = match (self.here(), self.next()) {
            (b'\r', b'\n') | (0xc2, _) => (2, "\n"),
            (b'\r' | b'\n', _) => (1, "\n"),
            _ if self.byte(2) == 0xa8 => (3, "\u{2028}"),
            _ => (3, "\u{2029}"),
        };
        self.rest = self.rest.get(width..).unwrap_or_default();
        self.mark.index += 1;
        self.mark.column = 0;
        self.mark.line = self.mark.line.saturating_add(1);
        meaning
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }

    /// Skips a comment, if one begins here.
    pub(super) fn skip_comment(&mut self) {
        if self.here() == b'#' {
            let start = self.offset();
            while !self.is_break_or_end(0) {
                self.skip();
            }
            self.comments.push(start..self.offset());
        }
    }

    /// Whether `---` or `...` stands here at the beginning of a line.
    pub(super) fn is_document_indicator(&self) -> bool {
        self.mark.column == 0
            && (self.rest.starts_with(b"---") || self.rest.starts_with(b"..."))
            && self.is_blank_or_end(3)
    }
}
