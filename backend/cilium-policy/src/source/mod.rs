//! Nodes from text: YAML and JSON, read as Kubernetes reads them, each node with its place.

mod characters;
mod extents;
mod json;
mod names;
mod scalar;
mod scalars;
mod split;
mod tags;
#[cfg(test)]
mod tests;
mod tokens;
mod yaml;

pub(crate) use extents::{Extent, Extents, Places};
pub(crate) use scalar::{magnitude, plain_text};
pub use split::{Chunk, split};

/// The limit of one document in bytes. etcd refuses objects above 1.5 MiB; YAML may be twice as
/// long as its JSON.
pub const MAX_DOCUMENT_BYTES: usize = 3 << 20;
/// The limit of nodes in one document, aliases expanded.
pub const MAX_NODES: usize = 200_000;
/// The limit of text in bytes that anchors and aliases of one document expand to.
pub const MAX_COPIED_BYTES: usize = MAX_DOCUMENT_BYTES;
/// The limit of nesting in one document; the deepest field of any policy lies at 12.
pub const MAX_DEPTH: usize = 64;

/// The limit of Lists within Lists.
pub const MAX_LISTS: usize = 4;

/// A place in a source text. Line and column count from 1; a column is one character.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The start of the value.
    pub at: Position,
    /// The value.
    pub value: Value,
}

/// A JSON value; numbers keep the distinction between whole and fractional.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, or a field without a value.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A whole number above `i64::MAX`.
    Unsigned(u64),
    /// A fractional number as Go prints it.
    Float(String),
    /// A text.
    String(String),
    /// A sequence.
    List(Vec<Node>),
    /// Keys and values in the order of the text; keys are distinct.
    Map(Vec<(Key, Node)>),
}

/// A key of a map with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The start of the key.
    pub at: Position,
    /// The key itself.
    pub name: String,
}

/// An error in a text that is neither YAML nor JSON, or exceeds a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SyntaxError {
    /// The place where reading stopped.
    pub at: Position,
    /// The error at that place.
    pub reason: String,
}

/// A document in the form it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The root value of the document.
    pub root: Node,
    /// The duplicate keys: strict readers refuse them, and for others the later one counts.
    pub duplicates: Vec<Key>,
    /// The start of text after the document's end, which Kubernetes readers ignore.
    pub unread: Option<Position>,
}

impl Document {
    /// The document for readers that refuse duplicate keys.
    pub fn strict(&self) -> Result<&Node, SyntaxError> {
        self.duplicates.first().map_or(Ok(&self.root), |key| Err(key.already_set()))
    }
}

impl Document {
    /// The items of a List as documents of their own; a duplicate key goes to the item around it.
    pub fn into_items(self) -> Vec<Self> {
        let Value::Map(entries) = self.root.value else { return Vec::new() };
        let items = entries.into_iter().find(|(key, _)| key.name == "items");
        let Some(Value::List(items)) = items.map(|(_, node)| node.value) else { return Vec::new() };
        let starts: Vec<Position> = items.iter().map(|node| node.at).collect();
        let nexts = starts.iter().skip(1).copied().map(Some).chain([None]);
        items
            .into_iter()
            .zip(nexts)
            .map(|(root, next)| {
                let is_inside =
                    |key: &&Key| key.at >= root.at && next.is_none_or(|next| key.at < next);
                let duplicates = self.duplicates.iter().filter(is_inside).cloned().collect();
                Self { root, duplicates, unread: None }
            })
            .collect()
    }
}

impl Key {
    /// The error in go-yaml's words.
    fn already_set(&self) -> SyntaxError {
        SyntaxError { at: self.at, reason: format!("key \"{}\" already set in map", self.name) }
    }
}

/// The documents of one chunk, read strictly. Errors: the reason why it has no documents.
pub fn read(chunk: &Chunk<'_>) -> Result<Vec<Node>, SyntaxError> {
    let documents = documents(chunk)?;
    documents
        .into_iter()
        .map(|document| {
            document.strict()?;
            Ok(document.root)
        })
        .collect()
}

/// The documents of one chunk. JSON may hold several values, YAML one.
pub fn documents(chunk: &Chunk<'_>) -> Result<Vec<Document>, SyntaxError> {
    check(chunk)?;
    let mut documents = match is_json(chunk).then(|| json::read(chunk)) {
        Some(Ok(documents)) => documents,
        _ => yaml::read(chunk)?.into_iter().collect(),
    };
    for document in &mut documents {
        document.root.name_items(0);
    }
    Ok(documents)
}

/// The documents of one chunk, items of Lists as they were written, and the extents of all parts.
pub(crate) fn with_extents(chunk: &Chunk<'_>) -> Result<(Vec<Document>, Extents), SyntaxError> {
    check(chunk)?;
    if let Some(Ok((documents, extents))) = is_json(chunk).then(|| json::read_extents(chunk)) {
        let places = Places::of_json(chunk);
        return Ok((documents, Extents { places, is_json: true, ..extents }));
    }
    let (document, extents) = yaml::read_extents(chunk)?;
    let places = Places::of_yaml(chunk);
    Ok((document.into_iter().collect(), Extents { places, ..extents }))
}

/// kubectl decides in the same way (`GuessJSONStream`); flow-style YAML is then read as YAML.
fn is_json(chunk: &Chunk<'_>) -> bool {
    chunk.text.trim_start().starts_with('{')
}

/// Checks the size and the characters of a chunk.
fn check(chunk: &Chunk<'_>) -> Result<(), SyntaxError> {
    if chunk.text.len() > MAX_DOCUMENT_BYTES {
        return Err(SyntaxError {
            at: chunk.start(),
            reason: format!(
                "the document has {} bytes, more than {MAX_DOCUMENT_BYTES}",
                chunk.text.len()
            ),
        });
    }
    if let Some(at) = chunk.text.find(is_forbidden) {
        let before = chunk.text.get(..at).unwrap_or_default();
        let line = chunk.first_line.saturating_add(count(before.matches('\n').count()));
        let column = count(before.rsplit('\n').next().unwrap_or_default().chars().count());
        let first = if before.contains('\n') { 1 } else { chunk.first_column };
        let code = chunk.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, u32::from);
        return Err(SyntaxError {
            at: Position { line, column: column.saturating_add(first) },
            reason: format!("control characters are not allowed: U+{code:04X}"),
        });
    }
    Ok(())
}

/// Whether YAML forbids a character, even in quotes.
const fn is_forbidden(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{8}'
            | '\u{b}'
            | '\u{c}'
            | '\u{e}'..='\u{1f}'
            | '\u{7f}'..='\u{84}'
            | '\u{86}'..='\u{9f}'
            | '\u{fffe}'
            | '\u{ffff}'
    )
}

impl Value {
    /// The whole number of a value without a fraction: YAML's `80.0` becomes `80`.
    #[must_use]
    pub(crate) fn whole_number(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Float(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl Node {
    /// The value's type in the words of Go's JSON decoder.
    pub const fn json_kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Integer(_) | Value::Unsigned(_) | Value::Float(_) => "number",
            Value::String(_) => "string",
            Value::List(_) => "array",
            Value::Map(_) => "object",
        }
    }

    /// The value of a key. `None` if the node is not a map or lacks the key.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => {
                entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
            }
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is null.
    pub const fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The version and kind of a List's items, by its own name (`NetworkPolicyList`). The kind is
    /// empty for a plain `List`. `None` if the node is not a List.
    pub fn list_of(&self) -> Option<(&str, &str)> {
        let text = |name: &str| self.get(name).and_then(Self::as_str).unwrap_or_default();
        let kind = text("kind").strip_suffix("List")?;
        matches!(self.get("items")?.value, Value::List(_) | Value::Null)
            .then(|| (text("apiVersion"), kind))
    }

    /// Sets version and kind of the List on items without them, as kubectl does (`decodeToList`): a
    /// server omits both.
    fn name_items(&mut self, depth: usize) {
        let Some((version, kind)) = self.list_of() else { return };
        let has_kind = !kind.is_empty();
        let names = [("apiVersion", version.to_owned()), ("kind", kind.to_owned())];
        let Value::Map(entries) = &mut self.value else { return };
        let items = entries.iter_mut().find(|(key, _)| key.name == "items");
        let Some((_, Self { value: Value::List(items), .. })) = items else { return };
        for item in items {
            let text = |name: &str| item.get(name).and_then(Self::as_str).unwrap_or_default();
            let is_nameless = text("apiVersion").is_empty() && text("kind").is_empty();
            let at = item.at;
            if let Value::Map(entries) = &mut item.value
                && is_nameless
                && has_kind
            {
                entries.retain(|(key, _)| names.iter().all(|(name, _)| key.name != *name));
                entries.extend(names.iter().map(|(name, text)| {
                    let key = Key { at, name: (*name).to_owned() };
                    (key, Self { at, value: Value::String(text.clone()) })
                }));
            }
            if depth < MAX_LISTS {
                item.name_items(depth + 1);
            }
        }
    }
}

/// The object that begins at a place in a text, also within `kubectl` Lists. `None` if the text has
/// aliases there, because one place in the text may then stand for several.
pub fn object_at(text: &str, at: Position) -> Option<Node> {
    fn find(node: Node, at: Position, depth: usize) -> Option<Node> {
        if node.at == at && node.get("items").is_none() {
            return Some(node);
        }
        match node.value {
            Value::Map(entries) if depth < MAX_LISTS => entries
                .into_iter()
                .find(|(key, _)| key.name == "items")
                .and_then(|(_, items)| match items.value {
                    Value::List(items) => {
                        items.into_iter().find_map(|item| find(item, at, depth + 1))
                    }
                    _ => None,
                }),
            _ => None,
        }
    }
    let chunk = split(text).into_iter().rfind(|chunk| chunk.first_line <= at.line)?;
    if chunk.has_aliases() {
        return None;
    }
    read(&chunk).ok()?.into_iter().find_map(|node| find(node, at, 0))
}

/// A count as a `u32`, capped at its maximum.
pub fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
