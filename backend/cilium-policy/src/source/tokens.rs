//! YAML tokens, split as by go-yaml v2: YAML 1.1, where a flow collection may stand at any
//! indentation. All readers of Kubernetes and Cilium split them so.

use std::collections::VecDeque;

use super::{Chunk, MAX_DEPTH, Position, SyntaxError, count, scalars, tags};

/// The limit of characters between a key's start and its colon.
const MAX_KEY_CHARACTERS: usize = 1024;
/// The limit of nested collections while tokens are read.
const MAX_LEVELS: usize = 2 * MAX_DEPTH;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    StreamEnd,
    Directive,
    DocumentStart,
    DocumentEnd,
    BlockSequence,
    BlockMapping,
    BlockEnd,
    FlowSequence,
    FlowSequenceEnd,
    FlowMapping,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    /// A tag with its handle expanded.
    Tag(String),
    Scalar {
        text: String,
        is_plain: bool,
    },
}

/// A place in the text during scanning; all numbers count from 0.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    /// The number of characters before it.
    index: usize,
    line: u32,
    pub(super) column: usize,
}

/// A possible key: it is one if a colon follows on its line.
#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    is_possible: bool,
    /// Whether only a key is allowed here.
    is_required: bool,
    /// Whether the tokens wait for its colon.
    is_awaited: bool,
    /// The number of its first token.
    token: usize,
    mark: Mark,
}

/// A scanner for the tokens of a chunk.
pub(super) struct Scanner<'t> {
    rest: &'t [u8],
    text: &'t str,
    first: Position,
    mark: Mark,
    queue: VecDeque<(Token, Position)>,
    /// The number of tokens taken from the queue.
    taken: usize,
    taken_at: Position,
    /// The possible keys, one for each flow level.
    keys: Vec<SimpleKey>,
    key_allowed: bool,
    /// The column of the block collection as seen from inside: one more, 0 outside.
    indent: usize,
    indents: Vec<usize>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(chunk: &Chunk<'t>) -> Self {
        let column = usize::try_from(chunk.first_column.saturating_sub(1)).unwrap_or(0);
        let text = chunk.text.strip_prefix('\u{feff}').unwrap_or(chunk.text);
        Self {
            rest: text.as_bytes(),
            text,
            first: Position { line: chunk.first_line, column: 1 },
            mark: Mark { column, ..Mark::default() },
            queue: VecDeque::new(),
            taken: 0,
            taken_at: Position { line: chunk.first_line, column: chunk.first_column },
            keys: vec![SimpleKey::default()],
            // After a marker, no block key may follow on its line.
            key_allowed: column == 0,
            indent: 0,
            indents: Vec::new(),
        }
    }

    /// The next token, and its start.
    pub(super) fn peek(&mut self) -> Result<(&Token, Position), SyntaxError> {
        while self.needs_more()? {
            self.fetch()?;
        }
        match self.queue.front() {
            Some((token, at)) => Ok((token, *at)),
            None => Ok((&Token::StreamEnd, self.first)),
        }
    }

    /// Takes the next token from the queue.
    pub(super) fn take(&mut self) -> Option<Token> {
        let (token, at) = self.queue.pop_front()?;
        self.taken += 1;
        self.taken_at = at;
        Some(token)
    }

    /// The start of the last token taken.
    pub(super) const fn taken_at(&self) -> Position {
        self.taken_at
    }

    pub(super) fn error(&self, what: &str) -> SyntaxError {
        self.error_at(self.mark, what)
    }

    fn error_at(&self, mark: Mark, what: &str) -> SyntaxError {
        SyntaxError { at: self.position(mark), reason: format!("not valid YAML: {what}") }
    }

    fn position(&self, mark: Mark) -> Position {
        Position {
            line: self.first.line.saturating_add(mark.line),
            column: count(mark.column).saturating_add(1),
        }
    }

    /// Whether the queue needs more tokens: its first token may still turn out to begin a key.
    fn needs_more(&mut self) -> Result<bool, SyntaxError> {
        if self.queue.is_empty() {
            return Ok(true);
        }
        let taken = self.taken;
        let Some(at) = self
            .keys
            .iter()
            .position(|key| key.is_possible && key.is_awaited && key.token == taken)
        else {
            return Ok(false);
        };
        self.is_key_still_possible(at)
    }

    fn is_key_still_possible(&mut self, at: usize) -> Result<bool, SyntaxError> {
        let Some(key) = self.keys.get_mut(at).filter(|key| key.is_possible) else {
            return Ok(false);
        };
        let is_over = key.mark.line < self.mark.line
            || key.mark.index.saturating_add(MAX_KEY_CHARACTERS) < self.mark.index;
        if !is_over {
            return Ok(true);
        }
        key.is_possible = false;
        if key.is_required {
            let mark = key.mark;
            return Err(self.error_at(mark, "could not find expected ':'"));
        }
        Ok(false)
    }

    const fn is_flow(&self) -> bool {
        self.keys.len() > 1
    }

    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.rest.get(ahead).copied().unwrap_or(0)
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

    /// The smallest column of content inside the block collection.
    pub(super) const fn inner_column(&self) -> usize {
        self.indent
    }

    pub(super) const fn is_in_flow(&self) -> bool {
        self.is_flow()
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
        let from = self.text.len() - self.rest.len();
        self.skip();
        let to = self.text.len() - self.rest.len();
        into.push_str(self.text.get(from..to).unwrap_or_default());
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
            while !self.is_break_or_end(0) {
                self.skip();
            }
        }
    }

    /// Whether `---` or `...` stands here at the beginning of a line.
    pub(super) fn is_document_indicator(&self) -> bool {
        self.mark.column == 0
            && (self.rest.starts_with(b"---") || self.rest.starts_with(b"..."))
            && self.is_blank_or_end(3)
    }

    fn push(&mut self, token: Token, mark: Mark) {
        let at = self.position(mark);
        self.queue.push_back((token, at));
    }

    /// Inserts a token before the one with this number.
    fn insert(&mut self, number: usize, token: Token, mark: Mark) {
        let at = number.checked_sub(self.taken).unwrap_or(usize::MAX).min(self.queue.len());
        let position = self.position(mark);
        self.queue.insert(at, (token, position));
    }

    fn fetch(&mut self) -> Result<(), SyntaxError> {
        self.skip_to_token();
        self.unroll(self.mark.column);
        let mark = self.mark;
        if self.is_end() {
            // No key extends over the end.
            self.mark.line = self.mark.line.saturating_add(1);
            self.mark.column = 0;
            self.end_line();
            self.remove_key()?;
            self.key_allowed = false;
            self.push(Token::StreamEnd, mark);
            return Ok(());
        }
        if mark.column == 0 && self.here() == b'%' {
            self.end_line();
            self.remove_key()?;
            self.key_allowed = false;
            tags::directive(self)?;
            self.push(Token::Directive, mark);
            return Ok(());
        }
        if self.is_document_indicator() {
            self.end_line();
            self.remove_key()?;
            self.key_allowed = false;
            let token = if self.here() == b'-' { Token::DocumentStart } else { Token::DocumentEnd };
            for _ in 0..3 {
                self.skip();
            }
            self.push(token, mark);
            return Ok(());
        }
        let is_flow = self.is_flow();
        let before_blank = self.is_blank_or_end(1);
        match self.here() {
            b'[' => self.open(Token::FlowSequence),
            b'{' => self.open(Token::FlowMapping),
            b']' => self.close(Token::FlowSequenceEnd),
            b'}' => self.close(Token::FlowMappingEnd),
            b',' => {
                self.remove_key()?;
                self.key_allowed = true;
                self.indicator(Token::FlowEntry);
                Ok(())
            }
            b'-' if before_blank => self.block_entry(),
            b'?' if is_flow || before_blank => self.key(),
            b':' if is_flow || before_blank => self.value(),
            b'*' => self.properties(|scanner| tags::anchor(scanner).map(Token::Alias)),
            b'&' => self.properties(|scanner| tags::anchor(scanner).map(Token::Anchor)),
            b'!' => self.properties(|scanner| tags::tag(scanner).map(Token::Tag)),
            style @ (b'|' | b'>') if !is_flow => {
                self.remove_key()?;
                self.key_allowed = true;
                let text = scalars::block(self, style == b'|')?;
                self.push(Token::Scalar { text, is_plain: false }, mark);
                Ok(())
            }
            quote @ (b'\'' | b'"') => self.properties(|scanner| {
                let text = scalars::quoted(scanner, quote)?;
                Ok(Token::Scalar { text, is_plain: false })
            }),
            first => {
                let is_plain = match first {
                    b'-' => !self.is_blank(1),
                    b'?' | b':' => !is_flow && !before_blank,
                    b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>'
                    | b'\'' | b'"' | b'%' | b'@' | b'`' => false,
                    _ => !self.is_blank_or_end(0),
                };
                if !is_plain {
                    return Err(self.error("found character that cannot start any token"));
                }
                self.save_key()?;
                self.key_allowed = false;
                let (text, ends_line) = scalars::plain(self)?;
                self.key_allowed = ends_line;
                self.push(Token::Scalar { text, is_plain: true }, mark);
                Ok(())
            }
        }
    }

    fn skip_to_token(&mut self) {
        loop {
            // Tabs are forbidden where they could count as indentation.
            while self.here() == b' '
                || (self.here() == b'\t' && (self.is_flow() || !self.key_allowed))
            {
                self.skip();
            }
            self.skip_comment();
            if self.is_end() || !self.is_break(0) {
                return;
            }
            self.skip_line();
            if !self.is_flow() {
                self.key_allowed = true;
            }
        }
    }

    /// Closes all block collections.
    fn end_line(&mut self) {
        if self.is_flow() {
            return;
        }
        self.unroll_to(0);
    }

    /// Closes the block collections that end before this column.
    fn unroll(&mut self, column: usize) {
        if !self.is_flow() {
            self.unroll_to(column.saturating_add(1));
        }
    }

    fn unroll_to(&mut self, indent: usize) {
        while self.indent > indent {
            self.push(Token::BlockEnd, self.mark);
            self.indent = self.indents.pop().unwrap_or(0);
        }
    }

    /// Opens a block collection if this column lies deeper.
    fn roll(&mut self, mark: Mark, number: Option<usize>, token: Token) -> Result<(), SyntaxError> {
        if self.is_flow() || self.indent > mark.column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = mark.column.saturating_add(1);
        if self.indents.len() > MAX_LEVELS {
            return Err(self.error("nested too deep"));
        }
        match number {
            Some(number) => self.insert(number, token, mark),
            None => self.push(token, mark),
        }
        Ok(())
    }

    fn save_key(&mut self) -> Result<(), SyntaxError> {
        if !self.key_allowed {
            return Ok(());
        }
        let is_required = !self.is_flow() && self.indent == self.mark.column.saturating_add(1);
        self.remove_key()?;
        let token = self.taken.saturating_add(self.queue.len());
        let mark = self.mark;
        if let Some(key) = self.keys.last_mut() {
            *key = SimpleKey { is_possible: true, is_required, is_awaited: true, token, mark };
        }
        Ok(())
    }

    fn remove_key(&mut self) -> Result<(), SyntaxError> {
        let Some(key) = self.keys.last_mut() else { return Ok(()) };
        if key.is_possible && key.is_required {
            let mark = key.mark;
            return Err(self.error_at(mark, "could not find expected ':'"));
        }
        key.is_possible = false;
        Ok(())
    }

    /// Adds an indicator of one character.
    fn indicator(&mut self, token: Token) {
        let mark = self.mark;
        self.skip();
        self.push(token, mark);
    }

    fn open(&mut self, token: Token) -> Result<(), SyntaxError> {
        self.save_key()?;
        if self.keys.len() > MAX_LEVELS {
            return Err(self.error("nested too deep"));
        }
        let first = self.taken.saturating_add(self.queue.len());
        self.keys.push(SimpleKey { token: first, ..SimpleKey::default() });
        self.key_allowed = true;
        self.indicator(token);
        Ok(())
    }

    fn close(&mut self, token: Token) -> Result<(), SyntaxError> {
        self.remove_key()?;
        if self.is_flow()
            && let Some(inner) = self.keys.pop()
        {
            // go-yaml does not wait for a colon after an empty collection.
            for key in self.keys.iter_mut().filter(|key| key.token == inner.token) {
                key.is_awaited = false;
            }
        }
        self.key_allowed = false;
        self.indicator(token);
        Ok(())
    }

    fn block_entry(&mut self) -> Result<(), SyntaxError> {
        if !self.is_flow() {
            if !self.key_allowed {
                return Err(self.error("block sequence entries are not allowed in this context"));
            }
            self.roll(self.mark, None, Token::BlockSequence)?;
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.indicator(Token::BlockEntry);
        Ok(())
    }

    fn key(&mut self) -> Result<(), SyntaxError> {
        if !self.is_flow() {
            if !self.key_allowed {
                return Err(self.error("mapping keys are not allowed in this context"));
            }
            self.roll(self.mark, None, Token::BlockMapping)?;
        }
        self.remove_key()?;
        self.key_allowed = !self.is_flow();
        self.indicator(Token::Key);
        Ok(())
    }

    fn value(&mut self) -> Result<(), SyntaxError> {
        let last = self.keys.len().saturating_sub(1);
        if self.is_key_still_possible(last)?
            && let Some(key) = self.keys.last_mut()
        {
            key.is_possible = false;
            let key = *key;
            self.insert(key.token, Token::Key, key.mark);
            self.roll(key.mark, Some(key.token), Token::BlockMapping)?;
            self.key_allowed = false;
        } else {
            if !self.is_flow() {
                if !self.key_allowed {
                    return Err(self.error("mapping values are not allowed in this context"));
                }
                self.roll(self.mark, None, Token::BlockMapping)?;
            }
            self.key_allowed = !self.is_flow();
        }
        self.indicator(Token::Value);
        Ok(())
    }

    /// Reads a token that may be a key, and after which no key may begin.
    fn properties(
        &mut self,
        scan: impl FnOnce(&mut Self) -> Result<Token, SyntaxError>,
    ) -> Result<(), SyntaxError> {
        self.save_key()?;
        self.key_allowed = false;
        let mark = self.mark;
        let token = scan(self)?;
        self.push(token, mark);
        Ok(())
    }
}
