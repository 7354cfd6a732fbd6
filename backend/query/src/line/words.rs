//! Tokens of a pasted text: words and operators, split as a POSIX shell does.
//!
//! Traces of web pages, word processors and other shells are read as they were meant: typographic
//! quotes, spaces of any kind, the continuation marks of `PowerShell` and `cmd.exe`. Own code instead of
//! `shlex`, which has no positions of words for diagnostics to underline.

use std::iter::Peekable;
use std::str::CharIndices;

use super::Diagnostic;

/// A word, and its place in the text in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Word {
    /// First byte in `line` of the word's text, if it stands there unchanged apart from quotes
    /// around it.
    pub(super) fn text_at(&self, line: &str) -> Option<usize> {
        let written = line.get(self.start..self.end)?;
        let inner = written.find(&self.text)?;
        let around = written.len() - self.text.len();
        (around == 0 || around == 2 && inner == 1).then_some(self.start + inner)
    }
}

/// A token between words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `;`, `&`, `&&`, `||`, a code fence.
    End,
    /// `&` between two characters that may belong to one word.
    Ampersand,
    Pipe,
    NewLine,
    /// `>`, `2>`, `<<`, before the name of a file.
    RedirectTo,
    /// `2>&1`
    Redirect,
    Open,
    Close,
    Backtick,
    /// `$(`, `<(`, `>(`
    Substitution,
    /// `&quot;`
    HtmlEntity,
    /// `<namespace>`
    Placeholder,
    /// `#` and the rest of its line.
    Comment,
    /// A quote that is not closed, and all of the text after it.
    Unclosed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    Operator(Operator, usize, usize),
}

impl Token {
    pub(super) fn start(&self) -> usize {
        match self {
            Self::Word(word) => word.start,
            Self::Operator(_, start, _) => *start,
        }
    }

    pub(super) fn end(&self) -> usize {
        match self {
            Self::Word(word) => word.end,
            Self::Operator(.., end) => *end,
        }
    }

    pub(super) fn word(&self) -> Option<&Word> {
        match self {
            Self::Word(word) => Some(word),
            Self::Operator(..) => None,
        }
    }

    pub(super) fn operator(&self) -> Option<Operator> {
        match self {
            Self::Word(_) => None,
            Self::Operator(operator, ..) => Some(*operator),
        }
    }
}

/// The result of splitting a text.
#[derive(Debug, Default)]
pub(super) struct Split {
    pub(super) tokens: Vec<Token>,
    /// Warnings about characters that a shell would read differently.
    pub(super) warnings: Vec<Diagnostic>,
}

/// Splits a text. Quotes group; a backslash escapes the next character and joins lines.
pub(super) fn split(text: &str) -> Split {
    let mut splitter = Splitter {
        text,
        chars: text.char_indices().peekable(),
        word: None,
        split: Split::default(),
        opened: false,
    };
    while splitter.next() {}
    splitter.finish();
    splitter.split
}

struct Splitter<'t> {
    text: &'t str,
    chars: Peekable<CharIndices<'t>>,
    word: Option<Word>,
    split: Split,
    /// Whether an odd number of backticks was read.
    opened: bool,
}

/// Whether a character separates words, in a web page if not in a shell.
fn is_space(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// The closing quotes that match `quote`, as word processors write them.
fn typographic(quote: char) -> Option<&'static [char]> {
    match quote {
        '“' | '”' | '„' | '‟' | '«' | '»' => Some(&['“', '”', '‟', '«', '»', '"']),
        '‘' | '’' | '‚' | '‛' | '‹' | '›' => Some(&['‘', '’', '‛', '‹', '›', '\'']),
        _ => None,
    }
}

impl<'t> Splitter<'t> {
    fn finish(&mut self) {
        self.split.tokens.extend(self.word.take().map(Token::Word));
    }

    fn operator(&mut self, operator: Operator, start: usize, end: usize) {
        self.finish();
        self.split.tokens.push(Token::Operator(operator, start, end));
    }

    fn rest(&mut self) -> &'t str {
        let at = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        self.text.get(at..).unwrap_or_default()
    }

    /// Consumes characters up to byte `end`.
    fn skip_to(&mut self, end: usize) {
        while self.chars.next_if(|(at, _)| *at < end).is_some() {}
    }

    fn push(&mut self, at: usize, char: char) {
        let word = self.open(at);
        word.text.push(char);
        word.end = at + char.len_utf8();
    }

    fn open(&mut self, at: usize) -> &mut Word {
        self.word.get_or_insert_with(|| Word { text: String::new(), start: at, end: at })
    }

    fn next(&mut self) -> bool {
        let Some((at, char)) = self.chars.next() else { return false };
        let end = at + char.len_utf8();
        match char {
            '\n' => self.operator(Operator::NewLine, at, end),
            char if is_space(char) => self.finish(),
            '\'' | '"' => self.quoted(at, char, &[char]),
            char if typographic(char).is_some() && self.may_quote() => {
                self.quoted(at, char, typographic(char).unwrap_or_default());
            }
            '\\' => self.backslash(),
            '^' if self.word.is_none() && self.line_ends().is_some() => self.join_lines(),
            '`' => self.backtick(at),
            '#' if self.word.is_none() => {
                let length = self.rest().find('\n').unwrap_or(self.rest().len());
                self.skip_to(end + length);
                self.operator(Operator::Comment, at, end + length);
            }
            '$' if self.rest().starts_with('(') => self.take(Operator::Substitution, at, end + 1),
            '$' if self.rest().starts_with('{') => {
                // A variable's format may contain characters that otherwise end a word.
                let line = self.rest().lines().next().unwrap_or_default();
                let length = line.find('}').map_or(1, |close| close + 1);
                self.open(at).end = end + length;
                let name = self.text.get(at..end + length).unwrap_or_default();
                if let Some(word) = self.word.as_mut() {
                    word.text.push_str(name);
                }
                self.skip_to(end + length);
            }
            '<' | '>' if self.rest().starts_with('(') => {
                self.take(Operator::Substitution, at, end + 1);
            }
            '<' | '>' => self.redirect(at, end),
            '&' => self.ampersand(at, end),
            '|' if self.rest().starts_with('|') => self.take(Operator::End, at, end + 1),
            '|' if self.rest().starts_with('&') => self.take(Operator::Pipe, at, end + 1),
            '|' => self.operator(Operator::Pipe, at, end),
            ';' => self.operator(Operator::End, at, end),
            '(' => self.operator(Operator::Open, at, end),
            ')' => self.operator(Operator::Close, at, end),
            char => self.push(at, char),
        }
        true
    }

    /// Whether a value may begin here.
    fn may_quote(&mut self) -> bool {
        !self.rest().starts_with(is_space)
            && self.word.as_ref().is_none_or(|word| word.text.ends_with('='))
    }

    fn take(&mut self, operator: Operator, start: usize, end: usize) {
        self.skip_to(end);
        self.operator(operator, start, end);
    }

    fn quoted(&mut self, at: usize, quote: char, closing: &[char]) {
        self.open(at);
        while let Some((inner_at, inner)) = self.chars.next() {
            let escaped = (quote == '"' && inner == '\\').then(|| self.chars.next());
            let Some(word) = self.word.as_mut() else { return };
            word.end = inner_at + inner.len_utf8();
            match escaped {
                _ if closing.contains(&inner) => {
                    if typographic(quote).is_some() {
                        let text = format!("{quote} is a typographic quote: read as \"");
                        let end = word.end;
                        self.split.warnings.push(Diagnostic { start: at, end, text });
                    }
                    return;
                }
                None => word.text.push(inner),
                Some(Some((_, '\n')) | None) => {}
                Some(Some((_, escaped @ ('"' | '\\' | '$' | '`')))) => word.text.push(escaped),
                Some(Some((_, other))) => word.text.extend(['\\', other]),
            }
        }
        self.word = None;
        self.operator(Operator::Unclosed, at, self.text.len());
    }

    /// The byte after the end of the line, if only spaces come before it.
    fn line_ends(&mut self) -> Option<usize> {
        let at = self.text.len() - self.rest().len();
        let (space, _) = self.rest().split_once('\n')?;
        space.chars().all(is_space).then_some(at + space.len() + 1)
    }

    /// Consumes the end of the line after a continuation mark, as a space.
    fn join_lines(&mut self) {
        if let Some(end) = self.line_ends() {
            if !self.rest().starts_with(['\n', '\r']) {
                self.finish();
            }
            self.skip_to(end);
        }
    }

    fn backslash(&mut self) {
        if self.line_ends().is_some() {
            self.join_lines();
        } else if self.word.is_none() && self.rest().starts_with(is_space) {
            // A line end that a single-line input field replaced by a space.
        } else if let Some((at, escaped)) = self.chars.next() {
            let start = at - 1;
            self.open(start);
            self.push(at, escaped);
        }
    }

    fn backtick(&mut self, at: usize) {
        let more = self.rest().chars().take_while(|char| *char == '`').count();
        let end = at + 1 + more;
        if more > 0 {
            return self.take(Operator::End, at, end);
        }
        if !self.opened && self.line_ends().is_some() {
            return self.join_lines();
        }
        self.opened = !self.opened;
        self.operator(Operator::Backtick, at, end);
    }

    fn redirect(&mut self, at: usize, end: usize) {
        let name = self.rest().split(['>', '\n']).next().unwrap_or_default();
        let closes = self.rest().get(name.len()..).is_some_and(|rest| rest.starts_with('>'));
        let is_open = self.text.get(at..end) == Some("<");
        if is_open && closes && name.starts_with(char::is_alphabetic) && name.trim_end() == name {
            let length = name.len() + 1;
            return self.take(Operator::Placeholder, at, end + length);
        }
        // The file descriptor's number belongs to the operator.
        let is_number =
            |word: &Word| word.end == at && word.text.bytes().all(|byte| byte.is_ascii_digit());
        if self.word.as_ref().is_some_and(is_number) {
            self.word = None;
        }
        let rest = self.rest();
        let marks = rest.len() - rest.trim_start_matches(['<', '>', '|', '&', '-']).len();
        let (marks, after) = rest.split_at_checked(marks).unwrap_or_default();
        let digits =
            after.len() - after.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        let (operator, length) = match marks.contains('&') {
            true if digits > 0 => (Operator::Redirect, marks.len() + digits),
            true if marks.ends_with('-') => (Operator::Redirect, marks.len()),
            _ => (Operator::RedirectTo, marks.trim_end_matches('-').len()),
        };
        self.take(operator, at, end + length);
    }

    fn ampersand(&mut self, at: usize, end: usize) {
        let is_attached = self.word.is_some();
        let rest = self.rest();
        if let Some(name) = rest.split(';').next().filter(|name| name.len() < rest.len())
            && (2..=8).contains(&name.len())
            && name
                .bytes()
                .enumerate()
                .all(|(at, byte)| byte.is_ascii_alphanumeric() || at == 0 && byte == b'#')
        {
            let length = name.len() + 1;
            self.take(Operator::HtmlEntity, at, end + length);
        } else if rest.starts_with('&') {
            self.take(Operator::End, at, end + 1);
        } else if rest.starts_with('>') {
            let length = if rest.starts_with(">>") { 2 } else { 1 };
            self.take(Operator::RedirectTo, at, end + length);
        } else if is_attached && rest.starts_with(|char: char| char.is_alphanumeric()) {
            self.operator(Operator::Ampersand, at, end);
        } else {
            self.operator(Operator::End, at, end);
        }
    }
}

/// Whether a word begins as flags do, also with what a word processor makes of dashes.
pub(super) fn is_flag(word: &str) -> bool {
    let name = word.trim_start_matches(super::DASHES);
    name.len() < word.len() && name.starts_with(char::is_alphanumeric)
}

/// The name of a program, without its path and what Windows adds.
pub(super) fn base_name(word: &str) -> String {
    let word = word.to_lowercase();
    let file = word.rsplit(['/', '\\']).next().unwrap_or_default();
    file.strip_suffix(".exe").unwrap_or(file).to_owned()
}
