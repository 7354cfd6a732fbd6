//! The extents of a document's parts in its text, for those who blank some of them.

use std::ops::Range;

use hashbrown::HashMap;

use super::{Chunk, Position, characters::Characters};

/// The extents of a document's parts.
#[derive(Debug, Default)]
pub(crate) struct Extents {
    /// The extents of entries of maps, by the place of their keys.
    pub(crate) entries: HashMap<Position, Extent>,
    /// The extents of list items, by the place of their values.
    pub(crate) items: HashMap<Position, Extent>,
    /// Whether the text is JSON.
    pub(crate) is_json: bool,
    /// The comments, in bytes of the chunk.
    pub(crate) comments: Vec<Range<usize>>,
    /// The bytes of all places.
    pub(crate) places: Places,
}

/// The extent of one entry or item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// The start of its key, or of the item.
    pub(crate) start: Position,
    /// The start of its value.
    pub(crate) value: Position,
    /// The start of what follows.
    pub(crate) end: Position,
    /// The comma behind it, in a collection with brackets.
    pub(crate) comma: Option<Position>,
}

/// The number of characters between two marks.
const STEP: usize = 64;

/// The places of a chunk in bytes of its text.
#[derive(Debug, Default)]
pub(crate) struct Places {
    first: Position,
    /// The number of characters before each line.
    lines: Vec<usize>,
    /// The byte of every 64th character: a line may be as long as the document.
    marks: Vec<usize>,
}

impl Places {
    /// The lines as JSON counts them.
    pub(super) fn of_json(chunk: &Chunk<'_>) -> Self {
        let breaks = chunk.text.chars().zip(1..).filter(|(c, _)| *c == '\n');
        let lines = std::iter::once(0).chain(breaks.map(|(_, after)| after)).collect();
        Self::new(chunk, lines)
    }

    /// The lines as YAML 1.1 counts them.
    pub(super) fn of_yaml(chunk: &Chunk<'_>) -> Self {
        let mut characters = Characters::new(chunk);
        let (mut lines, mut before) = (vec![0], 0_usize);
        while !characters.is_end() {
            if characters.is_break(0) {
                let start = characters.offset();
                characters.skip_line();
                let text = chunk.text.get(start..characters.offset());
                before = before.saturating_add(text.map_or(0, |text| text.chars().count()));
                lines.push(before);
            } else {
                characters.skip();
                before = before.saturating_add(1);
            }
        }
        Self::new(chunk, lines)
    }

    fn new(chunk: &Chunk<'_>, lines: Vec<usize>) -> Self {
        let first = Position { line: chunk.first_line, column: chunk.first_column };
        let marks = chunk.text.char_indices().map(|(at, _)| at).step_by(STEP).collect();
        Self { first, lines, marks }
    }

    /// The byte of a place in the chunk's text. Places behind the end are the end.
    pub(crate) fn byte(&self, chunk: &Chunk<'_>, at: Position) -> usize {
        let whole = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let line = whole(at.line.saturating_sub(self.first.line));
        let Some(before) = self.lines.get(line) else { return chunk.text.len() };
        let first_column = if line == 0 { self.first.column } else { 1 };
        let character = before.saturating_add(whole(at.column.saturating_sub(first_column)));
        let mark = self.marks.get(character / STEP).copied().unwrap_or(chunk.text.len());
        let mut rest = chunk.text.get(mark..).unwrap_or_default().char_indices();
        rest.nth(character % STEP).map_or(chunk.text.len(), |(offset, _)| mark + offset)
    }
}
