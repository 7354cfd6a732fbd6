//! Text to nodes: YAML and JSON, read as Kubernetes reads them, every node with its place.

mod json;
mod names;
mod scalar;
mod split;
#[cfg(test)]
mod tests;
mod yaml;

pub(crate) use scalar::{magnitude, plain_text};
pub(crate) use split::{Chunk, split};

/// Bytes of one document. etcd refuses objects above 1.5 MiB; YAML may be twice its JSON.
pub const MAX_DOCUMENT_BYTES: usize = 3 << 20;
/// Nodes of one document, aliases written out.
pub const MAX_NODES: usize = 200_000;
/// Bytes of text in what anchors and aliases of one document write out.
pub const MAX_COPIED_BYTES: usize = MAX_DOCUMENT_BYTES;
/// Nesting of one document; the deepest field of any policy lies at 12.
pub const MAX_DEPTH: usize = 64;

/// A place in a source text; line and column count from 1, columns in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

/// What JSON can say; numbers keep whether they are whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    /// Above `i64::MAX`.
    Unsigned(u64),
    /// As Go prints it.
    Float(String),
    String(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) at: Position,
    pub(crate) name: String,
}

/// A text that is neither YAML nor JSON, or too much of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct SyntaxError {
    pub(crate) at: Position,
    pub(crate) reason: String,
}

/// Reads one chunk of a text: the documents in it, or why it has none.
pub(crate) fn read(chunk: &Chunk<'_>) -> Result<Vec<Node>, SyntaxError> {
    if chunk.text.len() > MAX_DOCUMENT_BYTES {
        return Err(SyntaxError {
            at: chunk.start(),
            reason: format!(
                "the document has {} bytes, more than {MAX_DOCUMENT_BYTES}",
                chunk.text.len()
            ),
        });
    }
    if let Some(line) = chunk.text.lines().position(|line| line.contains('\0')) {
        return Err(SyntaxError {
            at: Position { line: chunk.first_line.saturating_add(count(line)), column: 1 },
            reason: "the line has a NUL byte".to_owned(),
        });
    }
    // kubectl decides the same way (`GuessJSONStream`); flow-style YAML falls through to YAML.
    if chunk.text.trim_start().starts_with('{')
        && let Ok(nodes) = json::read(chunk)
    {
        return Ok(nodes);
    }
    yaml::read(chunk)
}

impl Node {
    /// The value's kind in the words of Go's JSON decoder.
    pub(crate) const fn json_kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Integer(_) | Value::Unsigned(_) | Value::Float(_) => "number",
            Value::String(_) => "string",
            Value::List(_) => "array",
            Value::Map(_) => "object",
        }
    }

    /// The value of a key; none where the node is no map or lacks it.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => {
                entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
            }
            _ => None,
        }
    }

    /// The text of a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) const fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }
}

/// The object that begins at a place in a text, `kubectl`'s Lists looked into; none where the text
/// has aliases there: what is written once is meant more than once.
pub(crate) fn object_at(text: &str, at: Position) -> Option<Node> {
    fn find(node: Node, at: Position, depth: usize) -> Option<Node> {
        if node.at == at && node.get("items").is_none() {
            return Some(node);
        }
        match node.value {
            Value::Map(entries) if depth < 4 => entries
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

/// A count as a `u32`, kept at its largest.
pub(crate) fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
