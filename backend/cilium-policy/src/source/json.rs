//! A small reader from JSON to nodes: it exists because every node needs its place.

use super::extents::{Extent, Extents};
use super::names::{Names, put};
use super::{
    Chunk, Document, Key, MAX_DEPTH, MAX_NODES, Node, Position, SyntaxError, Value, scalar,
};

/// The values of a chunk, in their order.
pub(super) fn read(chunk: &Chunk<'_>) -> Result<Vec<Document>, SyntaxError> {
    Ok(load(chunk, None)?.0)
}

/// The values of a chunk, and the extents of their parts.
pub(super) fn read_extents(chunk: &Chunk<'_>) -> Result<(Vec<Document>, Extents), SyntaxError> {
    let (documents, extents) = load(chunk, Some(Extents::default()))?;
    Ok((documents, extents.unwrap_or_default()))
}

fn load(
    chunk: &Chunk<'_>,
    extents: Option<Extents>,
) -> Result<(Vec<Document>, Option<Extents>), SyntaxError> {
    let mut reader = Reader {
        extents,
        rest: chunk.text.chars(),
        line: chunk.first_line,
        column: chunk.first_column,
        nodes: 0,
        duplicates: Vec::new(),
    };
    let mut documents = Vec::new();
    loop {
        reader.skip_blank();
        if reader.peek().is_none() {
            return Ok((documents, reader.extents));
        }
        let root = reader.value(0)?;
        let duplicates = std::mem::take(&mut reader.duplicates);
        documents.push(Document { root, duplicates, unread: None });
    }
}

struct Reader<'t> {
    rest: std::str::Chars<'t>,
    line: u32,
    column: u32,
    nodes: usize,
    duplicates: Vec<Key>,
    /// The extents of the parts, if wanted.
    extents: Option<Extents>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        if next == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(next)
    }

    fn at(&self) -> Position {
        Position { line: self.line, column: self.column }
    }

    fn error(&self, reason: &str) -> SyntaxError {
        SyntaxError { at: self.at(), reason: format!("not valid JSON: {reason}") }
    }

    fn skip_blank(&mut self) {
        while self.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\r' | '\n')) {
            self.next();
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), SyntaxError> {
        self.skip_blank();
        if self.peek() == Some(wanted) {
            self.next();
            return Ok(());
        }
        Err(self.error(&format!("`{wanted}` is missing")))
    }

    fn value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        self.skip_blank();
        let at = self.at();
        self.nodes = self.nodes.saturating_add(1);
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(self.error("nested too deep, or too many values"));
        }
        let value = match self.peek() {
            Some('{') => self.map(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Value::String(self.string()?),
            Some(c) if c == '-' || c.is_ascii_digit() => self.number()?,
            Some(c) if c.is_ascii_alphabetic() => self.word()?,
            _ => return Err(self.error("a value is missing")),
        };
        Ok(Node { at, value })
    }

    fn map(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.expect('{')?;
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut names = Names::default();
        self.skip_blank();
        if self.peek() == Some('}') {
            self.next();
            return Ok(Value::Map(entries));
        }
        loop {
            self.skip_blank();
            let at = self.at();
            if self.peek() != Some('"') {
                return Err(self.error("a key is missing"));
            }
            let name = self.string()?;
            self.expect(':')?;
            let node = self.value(depth.saturating_add(1))?;
            let (value, end) = (node.at, self.at());
            self.skip_blank();
            let comma = (self.peek() == Some(',')).then(|| self.at());
            if let Some(extents) = &mut self.extents {
                extents.entries.insert(at, Extent { start: at, value, end, comma });
            }
            put(&mut entries, &mut names, &mut self.duplicates, Key { at, name }, node)?;
            self.skip_blank();
            match self.next() {
                Some(',') => {}
                Some('}') => return Ok(Value::Map(entries)),
                _ => return Err(self.error("`,` or `}` is missing")),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.expect('[')?;
        let mut items = Vec::new();
        self.skip_blank();
        if self.peek() == Some(']') {
            self.next();
            return Ok(Value::List(items));
        }
        loop {
            let item = self.value(depth.saturating_add(1))?;
            let (at, end) = (item.at, self.at());
            if let Some(extents) = &mut self.extents {
                extents.items.insert(at, Extent { start: at, value: at, end, comma: None });
            }
            items.push(item);
            self.skip_blank();
            match self.next() {
                Some(',') => {}
                Some(']') => return Ok(Value::List(items)),
                _ => return Err(self.error("`,` or `]` is missing")),
            }
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) if c >= ' ' => text.push(c),
                _ => return Err(self.error("a string does not end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        Ok(match self.next() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let high = self.hex4()?;
                if !(0xd800..0xdc00).contains(&high) {
                    return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                if self.next() != Some('\\') || self.next() != Some('u') {
                    return Err(self.error("half of a surrogate pair"));
                }
                let low = self.hex4()?.wrapping_sub(0xdc00) & 0x3ff;
                char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low)
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(self.error("unknown escape")),
        })
    }

    fn hex4(&mut self) -> Result<u32, SyntaxError> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|c| c.to_digit(16));
            let Some(digit) = digit else { return Err(self.error("four hex digits are missing")) };
            value = value * 16 + digit;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let mut text = String::new();
        while let Some(c) = self.peek()
            && (c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'))
        {
            text.push(c);
            self.next();
        }
        let digits = text.strip_prefix('-').unwrap_or(&text);
        if digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.") {
            return Err(self.error("a number begins with 0"));
        }
        scalar::integer(&text)
            .or_else(|| scalar::float(&text).map(Value::Float))
            .ok_or_else(|| self.error("not a number"))
    }

    fn word(&mut self) -> Result<Value, SyntaxError> {
        let mut word = String::new();
        while let Some(c) = self.peek()
            && c.is_ascii_alphabetic()
            && word.len() < 8
        {
            word.push(c);
            self.next();
        }
        match word.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            _ => Err(self.error("an unknown word")),
        }
    }
}
