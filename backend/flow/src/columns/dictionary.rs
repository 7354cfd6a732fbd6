use hashbrown::{DefaultHashBuilder, HashTable};
use std::fmt;
use std::hash::BuildHasher;
use std::ops::Range;

/// Code of the empty string, which protobuf does not distinguish from an absent one.
pub const ABSENT: u32 = 0;

/// Set of repeated strings, each stored once under a `u32` code.
///
/// Codes count up from 1 in the order of first use; [`ABSENT`] is the empty string. The texts lie
/// end to end in one buffer, so that the whole dictionary crosses to a browser as two buffers:
/// [`Dictionary::text`] and [`Dictionary::ends`].
#[derive(Clone)]
pub struct Dictionary {
    text: String,
    /// `ends[code]` is the byte at which the text of `code` ends, and at which the next one begins.
    ends: Vec<u32>,
    codes: HashTable<u32>,
    /// Seeded per process, because labels and DNS names are untrusted: senders must not be able to
    /// aim for one bucket.
    hasher: DefaultHashBuilder,
    max_text_bytes: usize,
}

/// Error: the dictionary would grow beyond its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the texts take more than {max_text_bytes} bytes")]
pub struct DictionaryFull {
    /// Bound on the sum of all texts, in bytes.
    pub max_text_bytes: usize,
}

/// State to which a dictionary can be rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    len: usize,
}

impl Dictionary {
    /// Empty dictionary for at most `max_text_bytes` of text (and at most `u32::MAX`).
    pub fn new(max_text_bytes: usize) -> Self {
        Self {
            text: String::new(),
            ends: vec![0],
            codes: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            max_text_bytes: max_text_bytes.min(u32::MAX as usize),
        }
    }

    /// Code of `value`, a new one for a new value. Bytes that are not UTF-8 are kept as U+FFFD.
    ///
    /// Errors: the bound on the text is reached.
    pub fn intern(&mut self, value: &[u8]) -> Result<u32, DictionaryFull> {
        if value.is_empty() {
            return Ok(ABSENT);
        }
        let hash = self.hasher.hash_one(value);
        if let Some(code) = self.find(hash, value) {
            return Ok(code);
        }
        if let Ok(text) = str::from_utf8(value) {
            return self.insert(hash, text);
        }
        let shown = String::from_utf8_lossy(value);
        let hash = self.hasher.hash_one(shown.as_bytes());
        match self.find(hash, shown.as_bytes()) {
            Some(code) => Ok(code),
            None => self.insert(hash, &shown),
        }
    }

    /// Code of a non-empty `value` that often equals the text of `above`: neighbouring rows mostly
    /// agree, and comparing is cheaper than hashing.
    pub(super) fn code_after(&mut self, above: u32, value: &[u8]) -> Result<u32, DictionaryFull> {
        if self.is(above, value) { Ok(above) } else { self.intern(value) }
    }

    /// Text of `code`; `None` for an unused code.
    pub fn get(&self, code: u32) -> Option<&str> {
        text_at(&self.text, &self.ends, code as usize)
    }

    /// Code of a text; `None` for a text that was never added.
    pub fn code_of(&self, text: &str) -> Option<u32> {
        if text.is_empty() {
            return Some(ABSENT);
        }
        self.find(self.hasher.hash_one(text.as_bytes()), text.as_bytes())
    }

    /// Number of codes, including [`ABSENT`].
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether [`ABSENT`] is the only code.
    pub fn is_empty(&self) -> bool {
        self.ends.len() <= 1
    }

    /// All texts end to end, sorted by code.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Byte of [`Dictionary::text`] at which each code's text ends.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// All texts sorted by code, the empty one first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|code| text_at(&self.text, &self.ends, code).unwrap_or_default())
    }

    /// Whether the text of `code` equals a non-empty `value`.
    fn is(&self, code: u32, value: &[u8]) -> bool {
        bytes_at(&self.text, &self.ends, code as usize) == Some(value)
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { len: self.ends.len() }
    }

    /// Removes every code added since `mark`.
    pub(super) fn take_back(&mut self, mark: Mark) {
        while self.ends.len() > mark.len.max(1) {
            let Ok(code) = u32::try_from(self.ends.len() - 1) else { break };
            if let Some(text) = text_at(&self.text, &self.ends, code as usize) {
                let hash = self.hasher.hash_one(text.as_bytes());
                if let Ok(entry) = self.codes.find_entry(hash, |&known| known == code) {
                    entry.remove();
                }
            }
            self.ends.pop();
        }
        self.text.truncate(self.ends.last().copied().unwrap_or(0) as usize);
    }

    fn find(&self, hash: u64, value: &[u8]) -> Option<u32> {
        self.codes.find(hash, |&code| self.is(code, value)).copied()
    }

    fn insert(&mut self, hash: u64, text: &str) -> Result<u32, DictionaryFull> {
        let full = DictionaryFull { max_text_bytes: self.max_text_bytes };
        let end = self.text.len() + text.len();
        if end > self.max_text_bytes {
            return Err(full);
        }
        let (Ok(code), Ok(end)) = (u32::try_from(self.ends.len()), u32::try_from(end)) else {
            return Err(full);
        };
        self.text.push_str(text);
        self.ends.push(end);
        let Self { text, ends, codes, hasher, .. } = self;
        codes.insert_unique(hash, code, |&known| {
            let known = text_at(text, ends, known as usize).unwrap_or_default();
            hasher.hash_one(known.as_bytes())
        });
        Ok(code)
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("len", &self.len())
            .field("text_bytes", &self.text.len())
            .field("max_text_bytes", &self.max_text_bytes)
            .finish_non_exhaustive()
    }
}

/// Column of texts that hardly ever repeat, one per row.
#[derive(Clone, Debug, Default)]
pub struct TextColumn {
    text: String,
    ends: Vec<u32>,
}

impl TextColumn {
    /// Text of `row`; `None` beyond the last row.
    pub fn get(&self, row: usize) -> Option<&str> {
        text_at(&self.text, &self.ends, row)
    }

    /// All texts end to end, in row order.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Byte of [`TextColumn::text`] at which each row's text ends.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Whether `value` still fits under `max_text_bytes`; invalid bytes can triple in size.
    pub(super) fn has_room_for(&self, value: &[u8], max_text_bytes: usize) -> bool {
        let end = self.text.len() + 3 * value.len();
        end <= max_text_bytes && u32::try_from(end).is_ok()
    }

    pub(super) fn push(&mut self, value: &[u8]) {
        if !value.is_empty() {
            self.text.push_str(&String::from_utf8_lossy(value));
        }
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }
}

fn text_at<'t>(text: &'t str, ends: &[u32], code: usize) -> Option<&'t str> {
    text.get(range_of(ends, code)?)
}

/// Bytes of [`text_at`], without a check for character boundaries.
fn bytes_at<'t>(text: &'t str, ends: &[u32], code: usize) -> Option<&'t [u8]> {
    text.as_bytes().get(range_of(ends, code)?)
}

fn range_of(ends: &[u32], code: usize) -> Option<Range<usize>> {
    let end = *ends.get(code)? as usize;
    let start = match code.checked_sub(1) {
        Some(before) => *ends.get(before)? as usize,
        None => 0,
    };
    Some(start..end)
}
