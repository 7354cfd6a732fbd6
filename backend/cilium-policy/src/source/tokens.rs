//! YAML tokens, split as by go-yaml v2: YAML 1.1, where a flow collection may stand at any
//! indentation. All readers of Kubernetes and Cilium split them so.
//!
//! By hand: on a library's tokens of YAML 1.2, sixteen forms of text were read otherwise than Kubernetes
//! reads them. Of 110,222 mutated texts 11 now differ from sigs.k8s.io/yaml.

use std::{collections::VecDeque, ops::Range};

use super::{
    Chunk, MAX_DEPTH, Position, SyntaxError,
    characters::{Characters, Mark},
    scalars, tags,
};

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
    characters: Characters<'t>,
    /// The start of the chunk's first line.
    first: Position,
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
        let characters = Characters::new(chunk);
        Self {
            first: Position { line: chunk.first_line, column: 1 },
            queue: VecDeque::new(),
            taken: 0,
            taken_at: Position { line: chunk.first_line, column: chunk.first_column },
            keys: vec![SimpleKey::default()],
            // After a marker, no block key may follow on its line.
            key_allowed: characters.mark.column == 0,
            characters,
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

    /// The comments that were skipped, in bytes of the chunk.
    pub(super) fn into_comments(self) -> Vec<Range<usize>> {
        self.characters.comments
    }

    /// The start of the last token taken.
    pub(super) const fn taken_at(&self) -> Position {
        self.taken_at
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
        let is_over = key.mark.line < self.characters.mark.line
            || key.mark.index.saturating_add(MAX_KEY_CHARACTERS) < self.characters.mark.index;
        if !is_over {
            return Ok(true);
        }
        key.is_possible = false;
        if key.is_required {
            let mark = key.mark;
            return Err(self.characters.error_at(mark, "could not find expected ':'"));
        }
        Ok(false)
    }

    const fn is_flow(&self) -> bool {
        self.keys.len() > 1
    }

    fn push(&mut self, token: Token, mark: Mark) {
        let at = self.characters.position(mark);
        self.queue.push_back((token, at));
    }

    /// Inserts a token before the one with this number.
    fn insert(&mut self, number: usize, token: Token, mark: Mark) {
        let at = number.checked_sub(self.taken).unwrap_or(usize::MAX).min(self.queue.len());
        let position = self.characters.position(mark);
        self.queue.insert(at, (token, position));
    }

    fn fetch(&mut self) -> Result<(), SyntaxError> {
        self.skip_to_token();
        self.unroll(self.characters.mark.column);
        let mark = self.characters.mark;
        if self.characters.is_end() {
            // No key extends over the end.
            self.characters.mark.line = self.characters.mark.line.saturating_add(1);
            self.characters.mark.column = 0;
            self.end_line();
            self.remove_key()?;
            self.key_allowed = false;
            self.push(Token::StreamEnd, mark);
            return Ok(());
        }
        if mark.column == 0 && self.characters.here() == b'%' {
            self.end_line();
            self.remove_key()?;
            self.key_allowed = false;
            tags::directive(&mut self.characters)?;
            self.push(Token::Directive, mark);
            return Ok(());
        }
        if self.characters.is_document_indicator() {
            self.end_line();
            self.remove_key()?;
            self.key_allowed = false;
            let token = if self.characters.here() == b'-' {
                Token::DocumentStart
            } else {
                Token::DocumentEnd
            };
            for _ in 0..3 {
                self.characters.skip();
            }
            self.push(token, mark);
            return Ok(());
        }
        let is_flow = self.is_flow();
        let before_blank = self.characters.is_blank_or_end(1);
        match self.characters.here() {
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
            b'*' => self.properties(|characters| tags::anchor(characters).map(Token::Alias)),
            b'&' => self.properties(|characters| tags::anchor(characters).map(Token::Anchor)),
            b'!' => self.properties(|characters| tags::tag(characters).map(Token::Tag)),
            style @ (b'|' | b'>') if !is_flow => {
                self.remove_key()?;
                self.key_allowed = true;
                let text = scalars::block(&mut self.characters, self.indent, style == b'|')?;
                self.push(Token::Scalar { text, is_plain: false }, mark);
                Ok(())
            }
            quote @ (b'\'' | b'"') => self.properties(|characters| {
                let text = scalars::quoted(characters, quote)?;
                Ok(Token::Scalar { text, is_plain: false })
            }),
            first => {
                let is_plain = match first {
                    b'-' => !self.characters.is_blank(1),
                    b'?' | b':' => !is_flow && !before_blank,
                    b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>'
                    | b'\'' | b'"' | b'%' | b'@' | b'`' => false,
                    _ => !self.characters.is_blank_or_end(0),
                };
                if !is_plain {
                    return Err(self
                        .characters
                        .error("found character that cannot start any token"));
                }
                self.save_key()?;
                self.key_allowed = false;
                let (text, ends_line) = scalars::plain(&mut self.characters, self.indent, is_flow)?;
                self.key_allowed = ends_line;
                self.push(Token::Scalar { text, is_plain: true }, mark);
                Ok(())
            }
        }
    }

    fn skip_to_token(&mut self) {
        loop {
            // Tabs are forbidden where they could count as indentation.
            while self.characters.here() == b' '
                || (self.characters.here() == b'\t' && (self.is_flow() || !self.key_allowed))
            {
                self.characters.skip();
            }
            self.characters.skip_comment();
            if self.characters.is_end() || !self.characters.is_break(0) {
                return;
            }
            self.characters.skip_line();
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
            self.push(Token::BlockEnd, self.characters.mark);
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
            return Err(self.characters.error("nested too deep"));
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
        let is_required =
            !self.is_flow() && self.indent == self.characters.mark.column.saturating_add(1);
        self.remove_key()?;
        let token = self.taken.saturating_add(self.queue.len());
        let mark = self.characters.mark;
        if let Some(key) = self.keys.last_mut() {
            *key = SimpleKey { is_possible: true, is_required, is_awaited: true, token, mark };
        }
        Ok(())
    }

    fn remove_key(&mut self) -> Result<(), SyntaxError> {
        let Some(key) = self.keys.last_mut() else { return Ok(()) };
        if key.is_possible && key.is_required {
            let mark = key.mark;
            return Err(self.characters.error_at(mark, "could not find expected ':'"));
        }
        key.is_possible = false;
        Ok(())
    }

    /// Adds an indicator of one character.
    fn indicator(&mut self, token: Token) {
        let mark = self.characters.mark;
        self.characters.skip();
        self.push(token, mark);
    }

    fn open(&mut self, token: Token) -> Result<(), SyntaxError> {
        self.save_key()?;
        if self.keys.len() > MAX_LEVELS {
            return Err(self.characters.error("nested too deep"));
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
                return Err(self
                    .characters
                    .error("block sequence entries are not allowed in this context"));
            }
            self.roll(self.characters.mark, None, Token::BlockSequence)?;
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.indicator(Token::BlockEntry);
        Ok(())
    }

    fn key(&mut self) -> Result<(), SyntaxError> {
        if !self.is_flow() {
            if !self.key_allowed {
                return Err(self.characters.error("mapping keys are not allowed in this context"));
            }
            self.roll(self.characters.mark, None, Token::BlockMapping)?;
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
                    return Err(self
                        .characters
                        .error("mapping values are not allowed in this context"));
                }
                self.roll(self.characters.mark, None, Token::BlockMapping)?;
            }
            self.key_allowed = !self.is_flow();
        }
        self.indicator(Token::Value);
        Ok(())
    }

    /// Reads a token that may be a key, and after which no key may begin.
    fn properties(
        &mut self,
        scan: impl FnOnce(&mut Characters<'t>) -> Result<Token, SyntaxError>,
    ) -> Result<(), SyntaxError> {
        self.save_key()?;
        self.key_allowed = false;
        let mark = self.characters.mark;
        let token = scan(&mut self.characters)?;
        self.push(token, mark);
        Ok(())
    }
}
