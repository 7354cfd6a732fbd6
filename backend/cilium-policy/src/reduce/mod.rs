//! Texts reduced to what verdicts read. Documents of other kinds, fields that no verdict reads, and comments
//! are blanked in place, so that the rest keeps its lines and columns.

mod canvas;
mod fields;
mod object;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, ops::Range};

use hashbrown::HashSet;

pub use self::object::{ReducedObject, reduce_object};
use self::{
    canvas::{Canvas, is_break},
    fields::{Keep, Rest},
};
use crate::{
    Position, Settings, SourceText,
    document::{Documents, template},
    source::{self, Chunk, Document, Extent, Extents, MAX_LISTS, Node, Value},
};

/// A text without what verdicts do not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reduced {
    /// The text. Its lines and columns are those of the original.
    pub text: String,
    /// The number of documents that were left out, by kind; empty for those without a kind.
    pub left_out: BTreeMap<String, usize>,
    /// The documents that were left out because they could not be reduced.
    pub unreduced: Vec<Unreduced>,
}

/// A document that could not be reduced. The reason quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreduced {
    /// The place of the document, or of the error in it.
    pub at: Position,
    /// The reason.
    pub reason: UnreducedReason,
}

/// The reason why a document could not be reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreducedReason {
    /// It cannot be read.
    #[error("it is neither YAML nor JSON")]
    Syntax,
    /// It is a template.
    #[error("it is {0}")]
    Template(&'static str),
    /// It reads otherwise without the parts that verdicts do not read.
    #[error(
        "it cannot be parted from what verdicts do not read: write it without anchors and annotations"
    )]
    Inseparable,
}

/// Reduces a text.
#[must_use]
pub fn reduce(text: &str) -> Reduced {
    let mut reduced = Reduced { text: String::with_capacity(text.len()), ..Reduced::default() };
    let mut done = 0;
    for chunk in source::split(text) {
        let start = chunk.text.as_ptr().addr() - text.as_ptr().addr();
        blank_between(text.get(done..start).unwrap_or_default(), &mut reduced.text);
        done = start + chunk.text.len();
        let own = reduce_chunk(&chunk, &mut reduced);
        reduced.text.push_str(&own);
    }
    blank_between(text.get(done..).unwrap_or_default(), &mut reduced.text);
    reduced
}

/// Writes what stands between two chunks: markers, and chunks of comments alone.
fn blank_between(text: &str, into: &mut String) {
    let mut rest = text;
    if let Some(after) = rest.strip_prefix('\u{feff}') {
        into.push('\u{feff}');
        rest = after;
    }
    for line in rest.split_inclusive('\n') {
        // Only markers part chunks. The end of the text may be one that was cut off.
        if line.starts_with("---") {
            into.push_str("---");
        }
        into.extend(line.chars().filter(|character| is_break(*character)));
    }
}

fn line_breaks(text: &str) -> String {
    text.chars().filter(|character| is_break(*character)).collect()
}

fn reduce_chunk(chunk: &Chunk<'_>, into: &mut Reduced) -> String {
    let (documents, extents) = match source::with_extents(chunk) {
        Ok(read) if !chunk.text.starts_with('\u{feff}') => read,
        unread => {
            let reason = template(chunk.text);
            let reason = reason.map_or(UnreducedReason::Syntax, UnreducedReason::Template);
            let at = unread.map_or_else(|error| error.at, |_| chunk.start());
            into.unreduced.push(Unreduced { at, reason });
            return line_breaks(chunk.text);
        }
    };
    let mut reduction = Reduction::new(chunk, &extents);
    reduction.documents(&documents);
    let left_out = std::mem::take(&mut reduction.left_out);
    let keeps_any = reduction.keeps_any;
    let text = if keeps_any { reduction.finish() } else { line_breaks(chunk.text) };
    if keeps_any && !reads_the_same(chunk, &text) {
        let unreduced = Unreduced { at: chunk.start(), reason: UnreducedReason::Inseparable };
        into.unreduced.push(unreduced);
        return line_breaks(chunk.text);
    }
    for (kind, count) in left_out {
        let all = into.left_out.entry(kind).or_default();
        *all = all.saturating_add(count);
    }
    text
}

/// Whether the engine finds the same policies and objects in both texts.
fn reads_the_same(chunk: &Chunk<'_>, reduced: &str) -> bool {
    let settings = Settings::default();
    let read = |text| Documents::read(&[SourceText { index: 0, text }], &settings);
    read(chunk.text).is_judged_as(&read(reduced))
}

/// The longest name of a kind that is counted; others count as documents without a kind.
const MAX_KIND_BYTES: usize = 100;

/// The reduction of one chunk.
struct Reduction<'t, 'c> {
    chunk: &'c Chunk<'t>,
    extents: &'c Extents,
    canvas: Canvas<'t, 'c>,
    /// The places of the keys that were found in the documents.
    visited: HashSet<Position>,
    /// The bytes whose fate is decided, whatever entries stand in them.
    decided: Vec<Range<usize>>,
    left_out: BTreeMap<String, usize>,
    /// Whether a part of any document stays.
    keeps_any: bool,
}

/// An entry of a map that was walked.
struct Walked<'c> {
    extent: &'c Extent,
    is_kept: bool,
}

impl<'t, 'c> Reduction<'t, 'c> {
    fn new(chunk: &'c Chunk<'t>, extents: &'c Extents) -> Self {
        Self {
            chunk,
            extents,
            canvas: Canvas::new(chunk, extents),
            visited: HashSet::new(),
            decided: Vec::new(),
            left_out: BTreeMap::new(),
            keeps_any: false,
        }
    }

    fn documents(&mut self, documents: &[Document]) {
        let starts: Vec<usize> =
            documents.iter().map(|document| self.canvas.byte(document.root.at)).collect();
        for (index, document) in documents.iter().enumerate() {
            let start = if index == 0 { 0 } else { starts.get(index).copied().unwrap_or(0) };
            let end = starts.get(index + 1).copied().unwrap_or(self.chunk.text.len());
            if !self.object(&document.root, ("", ""), 0) {
                self.decide(start..end);
            }
            if let Some(at) = document.unread {
                let bytes = self.canvas.byte(at)..end;
                self.decide(bytes);
            }
        }
    }

    /// Blanks bytes for good.
    fn decide(&mut self, bytes: Range<usize>) {
        self.canvas.blank(bytes.clone());
        self.decided.push(bytes);
    }

    /// Reduces an object, or the items of a List; `outer` is the version and kind of the items of the List
    /// around it. False: it is of a kind that verdicts do not read.
    fn object(&mut self, node: &Node, outer: (&str, &str), depth: usize) -> bool {
        if node.is_null() {
            return true;
        }
        if let Some(list) = node.list_of()
            && depth <= MAX_LISTS
        {
            self.list(node, list, depth);
            self.keeps_any = true;
            return true;
        }
        let text = |name: &str| node.get(name).and_then(Node::as_str).unwrap_or_default();
        let own = (text("apiVersion"), text("kind"));
        let (api_version, kind) = if own == ("", "") { outer } else { own };
        match fields::of_kind(api_version, kind) {
            Some(keep) if matches!(node.value, Value::Map(_)) => {
                self.keep(node, keep);
                self.keeps_any = true;
                true
            }
            _ => {
                let kind = if kind.len() > MAX_KIND_BYTES { "" } else { kind };
                *self.left_out.entry(kind.to_owned()).or_default() += 1;
                false
            }
        }
    }

    fn list(&mut self, node: &Node, list: (&str, &str), depth: usize) {
        let Value::Map(entries) = &node.value else { return };
        for (key, value) in entries.iter().filter(|(key, _)| key.name == "items") {
            self.visited.insert(key.at);
            let Value::List(items) = &value.value else { continue };
            for item in items {
                if !self.object(item, list, depth + 1) {
                    self.hollow_item(item);
                }
            }
        }
        let (Keep::Fields(fields, rest), Value::Map(entries)) = (fields::of_list(), &node.value)
        else {
            return;
        };
        let others = entries.iter().filter(|(key, _)| key.name != "items");
        for (key, value) in others {
            self.field(key.at, value, named(fields, &key.name), *rest);
        }
    }

    fn hollow_item(&mut self, item: &Node) {
        if let Some(extent) = self.extents.items.get(&item.at) {
            self.canvas.hollow(extent);
            let bytes = self.canvas.bytes(extent);
            self.decided.push(bytes);
        }
    }

    /// Reduces a value whose extent stays.
    fn keep(&mut self, node: &Node, keep: &Keep) {
        match (keep, &node.value) {
            (Keep::Fields(fields, rest), Value::Map(entries)) => {
                let mut walked: Vec<Walked<'c>> = entries
                    .iter()
                    .filter_map(|(key, value)| {
                        self.field(key.at, value, named(fields, &key.name), *rest)
                    })
                    .collect();
                walked.sort_by_key(|own| own.extent.start);
                self.commas(&walked);
            }
            (Keep::Each(keep), Value::List(items)) => {
                for item in items {
                    match (keep, &item.value) {
                        (Keep::Fields(..), Value::Map(_)) => self.keep(item, keep),
                        (_, Value::Null) => {}
                        _ => self.hollow_item(item),
                    }
                }
            }
            _ => {}
        }
    }

    /// Reduces an entry of a map. `None`: it does not stand in the text.
    fn field(
        &mut self,
        key: Position,
        value: &Node,
        keep: Option<&Keep>,
        rest: Rest,
    ) -> Option<Walked<'c>> {
        let extent = self.extents.entries.get(&key)?;
        self.visited.insert(key);
        let fits = match keep {
            Some(Keep::Fields(..)) => matches!(value.value, Value::Map(_)),
            Some(Keep::Each(_)) => matches!(value.value, Value::List(_)),
            _ => true,
        };
        let bytes = self.canvas.bytes(extent);
        let is_kept = match (keep, rest) {
            (Some(Keep::All), _) => {
                self.decided.push(bytes);
                true
            }
            (Some(keep), _) if fits => {
                self.keep(value, keep);
                true
            }
            (Some(_), _) | (None, Rest::Hollow) => {
                self.canvas.hollow(extent);
                self.decided.push(bytes);
                true
            }
            (None, Rest::Drop) => {
                self.decide(bytes);
                false
            }
        };
        Some(Walked { extent, is_kept })
    }

    /// Blanks the commas that part no kept entries.
    fn commas(&mut self, walked: &[Walked<'_>]) {
        let last = walked.iter().rposition(|own| own.is_kept);
        for (index, own) in walked.iter().enumerate() {
            if !own.is_kept || last.is_none_or(|last| index >= last) {
                self.canvas.blank_comma(own.extent);
            }
        }
    }

    /// The text. Entries that no document has, as those before a second key of their name, lose their values.
    fn finish(mut self) -> String {
        self.decided.sort_by_key(|bytes| bytes.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for bytes in self.decided.drain(..) {
            match merged.last_mut() {
                Some(last) if bytes.start <= last.end => last.end = last.end.max(bytes.end),
                _ => merged.push(bytes),
            }
        }
        for (key, extent) in &self.extents.entries {
            if self.visited.contains(key) {
                continue;
            }
            let at = self.canvas.byte(*key);
            let before = merged.partition_point(|bytes| bytes.start <= at);
            let is_decided = before
                .checked_sub(1)
                .and_then(|last| merged.get(last))
                .is_some_and(|bytes| bytes.contains(&at));
            if !is_decided {
                self.canvas.hollow(extent);
            }
        }
        self.canvas.text()
    }
}

/// The part of a field that is kept.
fn named<'k>(fields: &'k [(&str, Keep)], name: &str) -> Option<&'k Keep> {
    fields.iter().find(|(own, _)| *own == name).map(|(_, keep)| keep)
}
