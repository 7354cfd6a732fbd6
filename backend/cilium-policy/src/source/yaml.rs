//! A reader from YAML tokens to nodes. It notes duplicate keys, because Kubernetes' readers differ:
//! strict ones refuse them, and the others take the later value.

use hashbrown::HashMap;

use super::extents::{Extent, Extents};
use super::names::{Names, put};
use super::tokens::{Scanner, Token};
use super::{
    Chunk, Document, Key, MAX_COPIED_BYTES, MAX_DEPTH, MAX_NODES, Node, Position, SyntaxError,
    Value, scalar,
};

/// The document of a chunk; `None` if it holds only comments.
pub(super) fn read(chunk: &Chunk<'_>) -> Result<Option<Document>, SyntaxError> {
    Ok(load(chunk, None)?.0)
}

/// The document of a chunk, and the extents of its parts.
pub(super) fn read_extents(chunk: &Chunk<'_>) -> Result<(Option<Document>, Extents), SyntaxError> {
    let (document, loader) = load(chunk, Some(Extents::default()))?;
    let mut extents = loader.extents.unwrap_or_default();
    extents.comments = loader.scanner.into_comments();
    Ok((document, extents))
}

fn load<'t>(
    chunk: &Chunk<'t>,
    extents: Option<Extents>,
) -> Result<(Option<Document>, Loader<'t>), SyntaxError> {
    let mut loader = Loader {
        extents,
        scanner: Scanner::new(chunk),
        depth: 0,
        is_merge: false,
        anchors: HashMap::new(),
        nodes: 0,
        copied_bytes: 0,
        duplicates: Vec::new(),
    };
    let mut is_explicit = false;
    while matches!(loader.scanner.peek()?.0, Token::Directive) {
        loader.scanner.take();
        is_explicit = true;
    }
    let (token, at) = loader.scanner.peek()?;
    match token {
        Token::StreamEnd if !is_explicit => return Ok((None, loader)),
        Token::DocumentStart => {
            loader.scanner.take();
            is_explicit = true;
        }
        _ if is_explicit => {
            return Err(SyntaxError {
                at,
                reason: "not valid YAML: did not find expected <document start>".to_owned(),
            });
        }
        _ => {}
    }
    let (token, at) = loader.scanner.peek()?;
    let root = match token {
        Token::DocumentEnd | Token::StreamEnd if is_explicit => Node { at, value: Value::Null },
        _ => loader.node(true, false)?,
    };
    if matches!(loader.scanner.peek()?.0, Token::DocumentEnd) {
        loader.scanner.take();
    }
    // No reader looks at this text, whatever it contains.
    let unread = match loader.scanner.peek() {
        Ok((Token::StreamEnd, _)) => None,
        Ok((_, at)) => Some(at),
        Err(err) => Some(err.at),
    };
    let duplicates = std::mem::take(&mut loader.duplicates);
    Ok((Some(Document { root, duplicates, unread }), loader))
}

struct Loader<'t> {
    scanner: Scanner<'t>,
    depth: usize,
    /// Whether the last node read is the merge key.
    is_merge: bool,
    /// The node of each anchor; `None` while it is still being read.
    anchors: HashMap<String, Option<Node>>,
    nodes: usize,
    /// The bytes of text that anchors keep and aliases repeat.
    copied_bytes: usize,
    duplicates: Vec<Key>,
    /// The extents of the parts, if wanted.
    extents: Option<Extents>,
}

/// A map during reading.
#[derive(Default)]
struct Entries {
    entries: Vec<(Key, Node)>,
    names: Names,
}

/// The token before a key's value.
enum Next {
    Key(Key),
    Merge,
}

impl Loader<'_> {
    fn expected<T>(&mut self, what: &str) -> Result<T, SyntaxError> {
        let at = self.scanner.peek()?.1;
        Err(SyntaxError { at, reason: format!("not valid YAML: did not find expected {what}") })
    }

    /// Reads a node. In a block, block collections may follow; after a key, also a list without
    /// indentation.
    fn node(&mut self, is_block: bool, is_indentless: bool) -> Result<Node, SyntaxError> {
        let at = self.scanner.peek()?.1;
        let (mut anchor, mut tag) = (None, None);
        loop {
            match self.scanner.peek()?.0 {
                Token::Alias(_) if anchor.is_none() && tag.is_none() => return self.alias(at),
                Token::Anchor(name) if anchor.is_none() => anchor = Some(name.clone()),
                Token::Tag(name) if tag.is_none() => tag = Some(name.clone()),
                _ => break,
            }
            self.scanner.take();
        }
        if let Some(name) = &anchor {
            self.anchors.insert(name.clone(), None);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError {
                at,
                reason: format!("the document is nested deeper than {MAX_DEPTH} levels"),
            });
        }
        self.spend(1, at)?;
        let mut is_merge = false;
        let value = match self.scanner.peek()?.0 {
            Token::BlockEntry if is_indentless => self.block_list(true)?,
            Token::Scalar { .. } => match self.scanner.take() {
                Some(Token::Scalar { text, is_plain }) => {
                    is_merge = is_plain && tag.is_none() && text == "<<";
                    scalar::tagged(text, is_plain, tag.as_deref())
                        .map_err(|err| SyntaxError { at, reason: err.to_string() })?
                }
                _ => return self.expected("node content"),
            },
            Token::FlowSequence => self.flow_list()?,
            Token::FlowMapping => self.flow_map()?,
            Token::BlockSequence if is_block => {
                self.scanner.take();
                self.block_list(false)?
            }
            Token::BlockMapping if is_block => self.block_map()?,
            _ if anchor.is_some() || tag.is_some() => {
                scalar::tagged(String::new(), true, tag.as_deref())
                    .map_err(|err| SyntaxError { at, reason: err.to_string() })?
            }
            _ => return self.expected("node content"),
        };
        self.depth -= 1;
        self.is_merge = is_merge;
        let node = Node { at, value };
        if let Some(name) = anchor {
            self.spend_copy(Size::of(&node), at)?;
            self.anchors.insert(name, Some(node.clone()));
        }
        Ok(node)
    }

    fn alias(&mut self, at: Position) -> Result<Node, SyntaxError> {
        self.is_merge = false;
        let Some(Token::Alias(name)) = self.scanner.take() else {
            return self.expected("an alias");
        };
        let size = self.anchors.get(&name).and_then(Option::as_ref).map(Size::of);
        self.spend_copy(size.unwrap_or_default(), at)?;
        // An alias inside its own anchor would never end.
        self.anchors.get(&name).and_then(Clone::clone).ok_or_else(|| SyntaxError {
            at,
            reason: format!("the alias `{name}` has no anchor before it"),
        })
    }

    fn empty(&mut self) -> Result<Node, SyntaxError> {
        self.scanner.peek()?;
        let at = self.scanner.taken_at();
        self.spend(1, at)?;
        Ok(Node { at, value: Value::Null })
    }

    fn block_list(&mut self, is_indentless: bool) -> Result<Value, SyntaxError> {
        let mut items = Vec::new();
        loop {
            match self.scanner.peek()?.0 {
                Token::BlockEntry => {
                    self.scanner.take();
                }
                Token::BlockEnd if !is_indentless => {
                    self.scanner.take();
                    return Ok(Value::List(items));
                }
                _ if is_indentless => return Ok(Value::List(items)),
                _ => return self.expected("'-' indicator"),
            }
            let is_empty = match self.scanner.peek()?.0 {
                Token::BlockEntry | Token::BlockEnd => true,
                Token::Key | Token::Value => is_indentless,
                _ => false,
            };
            let item = if is_empty { self.empty()? } else { self.node(true, false)? };
            self.record_item(item.at)?;
            items.push(item);
        }
    }

    fn block_map(&mut self) -> Result<Value, SyntaxError> {
        self.scanner.take();
        let mut map = Entries::default();
        loop {
            match self.scanner.peek()?.0 {
                Token::Key => {
                    self.scanner.take();
                }
                Token::BlockEnd => {
                    self.scanner.take();
                    return Ok(Value::Map(map.entries));
                }
                _ => return self.expected("key"),
            }
            let is_ended =
                |token: &Token| matches!(token, Token::Key | Token::Value | Token::BlockEnd);
            self.pair(&mut map, true, is_ended)?;
        }
    }

    fn flow_list(&mut self) -> Result<Value, SyntaxError> {
        self.scanner.take();
        let mut items = Vec::new();
        loop {
            if !items.is_empty() {
                match self.scanner.peek()?.0 {
                    Token::FlowEntry => {
                        self.scanner.take();
                    }
                    Token::FlowSequenceEnd => {}
                    _ => return self.expected("',' or ']'"),
                }
            }
            match self.scanner.peek()?.0 {
                Token::FlowSequenceEnd => {
                    self.scanner.take();
                    return Ok(Value::List(items));
                }
                Token::Key => items.push(self.single_pair()?),
                _ => items.push(self.node(false, false)?),
            }
            if let Some(at) = items.last().map(|item| item.at) {
                self.record_item(at)?;
            }
        }
    }

    /// Reads a list item that is a single pair: `[a: b]` is a list with a map.
    fn single_pair(&mut self) -> Result<Node, SyntaxError> {
        let at = self.scanner.peek()?.1;
        self.spend(1, at)?;
        self.scanner.take();
        let mut map = Entries::default();
        self.pair(&mut map, false, |token| {
            matches!(token, Token::FlowEntry | Token::FlowSequenceEnd)
        })?;
        Ok(Node { at, value: Value::Map(map.entries) })
    }

    fn flow_map(&mut self) -> Result<Value, SyntaxError> {
        self.scanner.take();
        let mut map = Entries::default();
        let mut is_first = true;
        loop {
            if !is_first {
                match self.scanner.peek()?.0 {
                    Token::FlowEntry => {
                        self.scanner.take();
                    }
                    Token::FlowMappingEnd => {}
                    _ => return self.expected("',' or '}'"),
                }
            }
            is_first = false;
            match self.scanner.peek()?.0 {
                Token::FlowMappingEnd => {
                    self.scanner.take();
                    return Ok(Value::Map(map.entries));
                }
                Token::Key => {
                    self.scanner.take();
                    self.pair(&mut map, false, |token| {
                        matches!(token, Token::FlowEntry | Token::FlowMappingEnd)
                    })?;
                }
                _ => {
                    let next = self.next_key(false)?;
                    self.entry(&mut map, next, true, false)?;
                }
            }
        }
    }

    /// Reads a pair whose key token is taken; `is_ended` recognises the tokens behind a pair without a
    /// key or a value.
    fn pair(
        &mut self,
        map: &mut Entries,
        is_block: bool,
        is_ended: fn(&Token) -> bool,
    ) -> Result<(), SyntaxError> {
        let token = self.scanner.peek()?.0;
        let next = if is_ended(token) || matches!(token, Token::Value) {
            let node = self.empty()?;
            Next::Key(key_of(node)?)
        } else {
            self.next_key(is_block)?
        };
        let has_value = matches!(self.scanner.peek()?.0, Token::Value);
        if has_value {
            self.scanner.take();
        }
        let is_empty = !has_value || is_ended(self.scanner.peek()?.0);
        self.entry(map, next, is_empty, is_block)
    }

    fn next_key(&mut self, is_block: bool) -> Result<Next, SyntaxError> {
        let node = self.node(is_block, is_block)?;
        if self.is_merge { Ok(Next::Merge) } else { key_of(node).map(Next::Key) }
    }

    fn entry(
        &mut self,
        map: &mut Entries,
        next: Next,
        is_empty: bool,
        is_block: bool,
    ) -> Result<(), SyntaxError> {
        let at = self.scanner.peek()?.1;
        let is_alias = matches!(self.scanner.peek()?.0, Token::Alias(_));
        let node = if is_empty { self.empty()? } else { self.node(is_block, is_block)? };
        if let Next::Key(key) = &next {
            let value = if is_empty { None } else { Some(at) };
            self.record_entry(key.at, value)?;
        }
        match next {
            Next::Key(key) => self.put(map, key, node),
            Next::Merge => self.merge(map, node, is_alias, at),
        }
    }

    fn put(&mut self, map: &mut Entries, key: Key, node: Node) -> Result<(), SyntaxError> {
        put(&mut map.entries, &mut map.names, &mut self.duplicates, key, node)
    }

    /// Adds the entries of a merge key at its place; of several maps, the first one wins.
    fn merge(
        &mut self,
        map: &mut Entries,
        node: Node,
        is_alias: bool,
        at: Position,
    ) -> Result<(), SyntaxError> {
        let maps = match node.value {
            Value::Map(entries) => Some(vec![entries]),
            Value::List(items) if !is_alias => {
                let maps: Option<Vec<_>> = items
                    .into_iter()
                    .rev()
                    .map(|item| match item.value {
                        Value::Map(entries) => Some(entries),
                        _ => None,
                    })
                    .collect();
                maps
            }
            _ => None,
        };
        let Some(maps) = maps else {
            return Err(SyntaxError {
                at,
                reason: "map merge requires map or sequence of maps as the value".to_owned(),
            });
        };
        for (key, node) in maps.into_iter().flatten() {
            self.put(map, key, node)?;
        }
        Ok(())
    }

    /// Records the extent of an entry whose value was just read; `None`: it has no value.
    fn record_entry(&mut self, key: Position, value: Option<Position>) -> Result<(), SyntaxError> {
        if self.extents.is_none() {
            return Ok(());
        }
        let (token, end) = self.scanner.peek()?;
        let comma = matches!(token, Token::FlowEntry).then_some(end);
        let value = value.unwrap_or(end);
        if let Some(extents) = &mut self.extents {
            extents.entries.insert(key, Extent { start: key, value, end, comma });
        }
        Ok(())
    }

    /// Records the extent of a list item that was just read.
    fn record_item(&mut self, at: Position) -> Result<(), SyntaxError> {
        if self.extents.is_none() {
            return Ok(());
        }
        let end = self.scanner.peek()?.1;
        if let Some(extents) = &mut self.extents {
            extents.items.insert(at, Extent { start: at, value: at, end, comma: None });
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

    /// Counts a copy against the limits before it is made.
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
}

/// The key of a node, as a string in the form of `sigs.k8s.io/yaml`.
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

/// The size of a node's copy.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// The number of nodes, the node itself included.
    nodes: usize,
    /// The bytes of their texts.
    bytes: usize,
}

impl Size {
    /// The size of a node. The tree is never deeper than twice [`MAX_DEPTH`].
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
