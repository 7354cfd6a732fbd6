//! YAML to nodes, from the parser's events.

use hashbrown::HashMap;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};

use super::names::Names;
use super::{
    Chunk, Key, MAX_COPIED_BYTES, MAX_DEPTH, MAX_NODES, Node, Position, SyntaxError, Value, count,
    scalar,
};

/// Reads the documents of a chunk; there is one, unless `...` lines part more.
pub(super) fn read(chunk: &Chunk<'_>) -> Result<Vec<Node>, SyntaxError> {
    let mut loader = Loader {
        first_line: chunk.first_line,
        first_column: chunk.first_column,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        copied_bytes: 0,
        documents: Vec::new(),
    };
    for event in Parser::new_from_str(chunk.text) {
        let (event, span) = event.map_err(|err| loader.scan_error(&err))?;
        loader.take(event, span)?;
    }
    Ok(loader.documents)
}

struct Loader {
    first_line: u32,
    first_column: u32,
    /// Collections that are not closed yet, outermost first.
    open: Vec<Collection>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    /// Of the texts in what anchors keep and aliases repeat.
    copied_bytes: usize,
    documents: Vec<Node>,
}

struct Collection {
    at: Position,
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        names: Names,
        merged: Vec<Node>,
        key: Option<Key>,
        is_merge: bool,
    },
}

impl Loader {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), SyntaxError> {
        let at = self.position(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                if is_plain && text == "<<" && tag.is_none() && self.expects_key() {
                    return self.merge_key(at);
                }
                let value = scalar_value(&text, is_plain, tag.as_deref())
                    .map_err(|reason| SyntaxError { at, reason })?;
                self.add(Node { at, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                self.open(Collection { at, anchor, kind: Kind::List(Vec::new()) })
            }
            Event::MappingStart(anchor, _) => self.open(Collection {
                at,
                anchor,
                kind: Kind::Map {
                    entries: Vec::new(),
                    names: Names::default(),
                    merged: Vec::new(),
                    key: None,
                    is_merge: false,
                },
            }),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let size = self.anchors.get(&anchor).map(Size::of);
                self.spend_copy(size.unwrap_or_default(), at)?;
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    // An alias inside its own anchor would never end.
                    return Err(SyntaxError {
                        at,
                        reason: "the alias has no anchor before it".to_owned(),
                    });
                };
                self.add(node, 0)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(&mut self, collection: Collection) -> Result<(), SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(SyntaxError {
                at: collection.at,
                reason: format!("the document is nested deeper than {MAX_DEPTH} levels"),
            });
        }
        self.open.push(collection);
        Ok(())
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(Collection { at, anchor, kind }) = self.open.pop() else { return Ok(()) };
        let value = match kind {
            Kind::List(items) => Value::List(items),
            Kind::Map { mut entries, mut names, merged, .. } => {
                merge(&mut entries, &mut names, merged, at)?;
                Value::Map(entries)
            }
        };
        self.add(Node { at, value }, anchor)
    }

    /// Puts a finished node where it belongs: a list, a key, a value, or the document.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), SyntaxError> {
        self.spend(1, node.at)?;
        if anchor != 0 {
            self.spend_copy(Size::of(&node), node.at)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|collection| &mut collection.kind) {
            None => self.documents.push(node),
            Some(Kind::List(items)) => items.push(node),
            Some(Kind::Map { entries, names, merged, key, is_merge }) => {
                if std::mem::take(is_merge) {
                    merged.push(node);
                } else if let Some(key) = key.take() {
                    entries.push((key, node));
                } else {
                    let new = key_of(node)?;
                    if !names.is_new(entries, &new.name) {
                        // go-yaml's words.
                        return Err(SyntaxError {
                            at: new.at,
                            reason: format!("key \"{}\" already set in map", new.name),
                        });
                    }
                    *key = Some(new);
                }
            }
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.open.last().map(|collection| &collection.kind),
            Some(Kind::Map { key: None, is_merge: false, .. })
        )
    }

    fn merge_key(&mut self, at: Position) -> Result<(), SyntaxError> {
        self.spend(1, at)?;
        if let Some(Kind::Map { is_merge, .. }) =
            self.open.last_mut().map(|collection| &mut collection.kind)
        {
            *is_merge = true;
        }
        Ok(())
    }

    fn spend(&mut self, nodes: usize, at: Position) -> Result<(), SyntaxError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(SyntaxError {
                at,
                reason: format!(
                    "the document has more than {MAX_NODES} values, aliases written out"
                ),
            });
        }
        Ok(())
    }

    /// What is written out once more is paid for before it is.
    fn spend_copy(&mut self, copy: Size, at: Position) -> Result<(), SyntaxError> {
        self.spend(copy.nodes, at)?;
        self.copied_bytes = self.copied_bytes.saturating_add(copy.bytes);
        if self.copied_bytes > MAX_COPIED_BYTES {
            return Err(SyntaxError {
                at,
                reason: format!(
                    "the document's anchors and aliases write out more than {MAX_COPIED_BYTES} bytes"
                ),
            });
        }
        Ok(())
    }

    fn position(&self, marker: &Marker) -> Position {
        Position {
            line: self.first_line.saturating_add(count(marker.line()).saturating_sub(1)),
            column: count(marker.col()).saturating_add(if marker.line() <= 1 {
                self.first_column
            } else {
                1
            }),
        }
    }

    fn scan_error(&self, err: &ScanError) -> SyntaxError {
        SyntaxError {
            at: self.position(err.marker()),
            reason: format!("not valid YAML: {}", err.info()),
        }
    }
}

fn scalar_value(text: &str, is_plain: bool, tag: Option<&Tag>) -> Result<Value, String> {
    let Some(tag) = tag.filter(|tag| tag.is_yaml_core_schema()) else {
        return Ok(if is_plain && tag.is_none() {
            scalar::resolve(text)
        } else {
            Value::String(text.to_owned())
        });
    };
    let value = match tag.suffix.as_str() {
        "str" | "binary" | "timestamp" => Value::String(text.to_owned()),
        "null" => Value::Null,
        _ => scalar::resolve(text),
    };
    let fits = match tag.suffix.as_str() {
        "int" => matches!(value, Value::Integer(_) | Value::Unsigned(_)),
        "float" => matches!(value, Value::Integer(_) | Value::Float(_)),
        "bool" => matches!(value, Value::Bool(_)),
        _ => true,
    };
    if fits { Ok(value) } else { Err(format!("cannot decode `{text}` as a !!{}", tag.suffix)) }
}

/// Keys become strings as `sigs.k8s.io/yaml` makes them.
fn key_of(node: Node) -> Result<Key, SyntaxError> {
    let name = match node.value {
        Value::String(text) => text,
        Value::Integer(value) => value.to_string(),
        Value::Unsigned(value) => value.to_string(),
        Value::Float(value) => value,
        Value::Bool(value) => value.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) => {
            return Err(SyntaxError {
                at: node.at,
                reason: "unsupported map key: it is neither a string nor a number".to_owned(),
            });
        }
    };
    Ok(Key { at: node.at, name })
}

/// Merge keys fill in what the map itself does not say; of several, the first one wins.
fn merge(
    entries: &mut Vec<(Key, Node)>,
    names: &mut Names,
    merged: Vec<Node>,
    at: Position,
) -> Result<(), SyntaxError> {
    let mut maps = Vec::new();
    for node in merged {
        match node.value {
            Value::Map(map) => maps.push(map),
            Value::List(items) if items.iter().all(|i| matches!(i.value, Value::Map(_))) => {
                maps.extend(items.into_iter().filter_map(|item| match item.value {
                    Value::Map(map) => Some(map),
                    _ => None,
                }));
            }
            _ => {
                return Err(SyntaxError {
                    at,
                    reason: "map merge requires map or sequence of maps as the value".to_owned(),
                });
            }
        }
    }
    for (key, node) in maps.into_iter().flatten() {
        if names.is_new(entries, &key.name) {
            entries.push((key, node));
        }
    }
    Ok(())
}

/// What a copy of a node takes.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Below and including the node.
    nodes: usize,
    /// Of the texts in them.
    bytes: usize,
}

impl Size {
    /// Measures. The tree is never deeper than [`MAX_DEPTH`] times two.
    fn of(node: &Node) -> Self {
        let itself = |bytes: usize| Self { nodes: 1, bytes };
        match &node.value {
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Unsigned(_) => itself(0),
            Value::Float(text) | Value::String(text) => itself(text.len()),
            Value::List(items) => items.iter().map(Self::of).fold(itself(0), Self::plus),
            Value::Map(entries) => entries
                .iter()
                .map(|(key, node)| Self::of(node).plus(Self { nodes: 0, bytes: key.name.len() }))
                .fold(itself(0), Self::plus),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_add(other.nodes),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}
