//! A text of which parts are blanked in place: what stays keeps its line and column.

use std::ops::Range;

use crate::source::{Chunk, Extent, Extents, Position};

/// The fate of a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Blank,
    /// A digit of a JSON number, which must stay one.
    Digit,
}

/// A chunk with the fate of each byte.
pub(super) struct Canvas<'t, 'c> {
    chunk: &'c Chunk<'t>,
    extents: &'c Extents,
    fates: Vec<Fate>,
}

impl<'t, 'c> Canvas<'t, 'c> {
    /// The chunk without its comments.
    pub(super) fn new(chunk: &'c Chunk<'t>, extents: &'c Extents) -> Self {
        let fates = vec![Fate::Kept; chunk.text.len()];
        let mut canvas = Self { chunk, extents, fates };
        for comment in &extents.comments {
            canvas.fill(comment.clone(), Fate::Blank);
        }
        canvas
    }

    /// The byte of a place.
    pub(super) fn byte(&self, at: Position) -> usize {
        self.extents.places.byte(self.chunk, at)
    }

    /// The bytes of an entry, or of an item.
    pub(super) fn bytes(&self, extent: &Extent) -> Range<usize> {
        self.byte(extent.start)..self.byte(extent.end)
    }

    fn fill(&mut self, bytes: Range<usize>, fate: Fate) {
        if let Some(fates) = self.fates.get_mut(bytes) {
            fates.fill(fate);
        }
    }

    /// Blanks bytes.
    pub(super) fn blank(&mut self, bytes: Range<usize>) {
        self.fill(bytes, Fate::Blank);
    }

    /// Blanks the comma of an entry.
    pub(super) fn blank_comma(&mut self, extent: &Extent) {
        if let Some(comma) = extent.comma {
            let at = self.byte(comma);
            self.blank(at..at.saturating_add(1));
        }
    }

    /// Empties a value: of a collection the brackets stay and of a quoted text the quotes, so that the value
    /// keeps its type where commas follow.
    pub(super) fn hollow(&mut self, extent: &Extent) {
        let bytes = self.trimmed(self.byte(extent.value)..self.byte(extent.end));
        let text = self.chunk.text.get(bytes.clone()).unwrap_or_default();
        let ends = (text.chars().next(), text.chars().last());
        let is_enclosed = text.len() > 1
            && matches!(
                ends,
                (Some('{'), Some('}'))
                    | (Some('['), Some(']'))
                    | (Some('"'), Some('"'))
                    | (Some('\''), Some('\''))
            );
        if is_enclosed {
            self.blank(bytes.start + 1..bytes.end - 1);
        } else if self.extents.is_json {
            // A number: the words `true`, `false` and `null` tell nothing.
            let digits: Vec<usize> = text
                .bytes()
                .zip(bytes.start..)
                .filter(|(byte, _)| byte.is_ascii_digit())
                .map(|(_, at)| at)
                .collect();
            for at in digits {
                self.fill(at..at + 1, Fate::Digit);
            }
        } else {
            self.blank(bytes);
        }
    }

    /// The bytes without blanks and comments at their end.
    fn trimmed(&self, bytes: Range<usize>) -> Range<usize> {
        let mut end = bytes.end;
        loop {
            let text = self.chunk.text.get(bytes.start..end).unwrap_or_default();
            let trimmed = bytes.start + text.trim_end().len();
            let comments = &self.extents.comments;
            let before = comments.partition_point(|comment| comment.start < trimmed);
            let last = before.checked_sub(1).and_then(|last| comments.get(last));
            match last.filter(|last| last.end >= trimmed && last.start >= bytes.start) {
                Some(comment) => end = comment.start,
                None => return bytes.start..trimmed,
            }
        }
    }

    /// The text: a blank for each blanked character, line breaks as they were.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.chunk.text.len());
        let mut blanks = 0_usize;
        for (at, character) in self.chunk.text.char_indices() {
            let fate = self.fates.get(at).copied().unwrap_or(Fate::Blank);
            if is_break(character) {
                blanks = 0;
                text.push(character);
            } else if fate == Fate::Blank {
                blanks += 1;
            } else {
                text.extend(std::iter::repeat_n(' ', blanks));
                blanks = 0;
                text.push(if fate == Fate::Digit { '1' } else { character });
            }
        }
        text
    }
}

/// Whether a character ends a line in YAML 1.1 or JSON.
pub(super) const fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
