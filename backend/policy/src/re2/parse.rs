//! RE2's syntax to a tree. Source: Go's regexp/syntax.

use super::{MAX_DEPTH, RegexError};

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    Empty,
    /// One character of these inclusive ranges.
    Class(Vec<(char, char)>),
    Start,
    End,
    LineStart,
    LineEnd,
    WordBoundary(bool),
    Concat(Vec<Tree>),
    Alternate(Vec<Tree>),
    Repeat {
        tree: Box<Tree>,
        min: u32,
        max: Option<u32>,
    },
}

/// Repetitions, those of nested ones multiplied. Source: Go's regexp/syntax, `repeatIsValid`.
const MAX_REPEAT: u32 = 1000;

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_matches_newline: bool,
}

/// Whether nothing is repeated more than `most` times in all.
fn repeats_fit(tree: &Tree, most: u32) -> bool {
    match tree {
        Tree::Repeat { max: Some(0), .. } => true,
        Tree::Repeat { tree, min, max } => {
            let count = max.unwrap_or(*min);
            count <= most && repeats_fit(tree, most / count.max(1))
        }
        Tree::Concat(parts) | Tree::Alternate(parts) => {
            parts.iter().all(|part| repeats_fit(part, most))
        }
        _ => true,
    }
}

pub(super) fn parse(pattern: &str) -> Result<Tree, RegexError> {
    let mut parser = Parser { text: pattern, rest: pattern, flags: Flags::default(), depth: 0 };
    let tree = parser.alternation()?;
    if parser.rest.starts_with(')') {
        return Err(syntax("unexpected )", pattern));
    }
    Ok(tree)
}

struct Parser<'p> {
    text: &'p str,
    rest: &'p str,
    flags: Flags,
    depth: usize,
}

impl<'p> Parser<'p> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn alternation(&mut self) -> Result<Tree, RegexError> {
        let mut branches = vec![self.concatenation()?];
        while self.eat("|") {
            branches.push(self.concatenation()?);
        }
        Ok(if branches.len() == 1 {
            branches.pop().unwrap_or(Tree::Empty)
        } else {
            Tree::Alternate(branches)
        })
    }

    fn concatenation(&mut self) -> Result<Tree, RegexError> {
        let mut items = Vec::new();
        while let Some(c) = self.peek() {
            if c == '|' || c == ')' {
                break;
            }
            let before = self.rest;
            if self.eat("\\Q") {
                let (literal, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.rest = rest;
                items.extend(literal.chars().map(|c| self.literal(c)));
                // What follows repeats the last character alone.
                if let Some(last) = items.pop() {
                    let last = self.repetition(last, before)?;
                    items.push(last);
                }
                continue;
            }
            let Some(tree) = self.atom()? else { continue };
            let tree = self.repetition(tree, before)?;
            items.push(tree);
        }
        Ok(Tree::Concat(items))
    }

    /// One atom; none for a flag group, which is no atom.
    fn atom(&mut self) -> Result<Option<Tree>, RegexError> {
        let before = self.rest;
        let Some(c) = self.next() else { return Ok(None) };
        Ok(Some(match c {
            '(' => return self.group(before),
            '[' => self.class(before)?,
            '.' if self.flags.dot_matches_newline => Tree::Class(vec![('\0', char::MAX)]),
            '.' => Tree::Class(vec![('\0', '\t'), ('\u{b}', char::MAX)]),
            '^' if self.flags.multi_line => Tree::LineStart,
            '^' => Tree::Start,
            '$' if self.flags.multi_line => Tree::LineEnd,
            '$' => Tree::End,
            '*' | '+' | '?' => {
                let mut text = [0; 4];
                return Err(syntax(
                    "missing argument to repetition operator",
                    c.encode_utf8(&mut text),
                ));
            }
            '\\' => self.escape(before)?,
            _ => self.literal(c),
        }))
    }

    fn literal(&self, c: char) -> Tree {
        let mut ranges = vec![(c, c)];
        if self.flags.ignore_case {
            fold(&mut ranges);
        }
        Tree::Class(ranges)
    }

    fn repetition(&mut self, mut tree: Tree, before: &'p str) -> Result<Tree, RegexError> {
        let mut repeated: Option<&'p str> = None;
        loop {
            let start = self.rest;
            let (min, max) = match self.peek() {
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('?') => (0, Some(1)),
                Some('{') => match self.bounds()? {
                    Some(bounds) => bounds,
                    // Not a repetition: a literal brace.
                    None => return Ok(tree),
                },
                _ => return Ok(tree),
            };
            if self.rest.len() == start.len() {
                self.next();
            }
            if let Some(first) = repeated {
                let part = first.strip_suffix(self.rest).unwrap_or(before);
                return Err(syntax("invalid nested repetition operator", part));
            }
            repeated = Some(start);
            // Lazy or not is the same for a full match.
            self.eat("?");
            tree = Tree::Repeat { tree: Box::new(tree), min, max };
            if max.unwrap_or(min) >= 2 && !repeats_fit(&tree, MAX_REPEAT) {
                let part = start.strip_suffix(self.rest).unwrap_or(start);
                return Err(syntax("invalid repeat count", part));
            }
        }
    }

    /// `{2}`, `{2,}`, `{2,5}`; none where the brace is a literal.
    fn bounds(&mut self) -> Result<Option<(u32, Option<u32>)>, RegexError> {
        let Some((inside, after)) =
            self.rest.strip_prefix('{').and_then(|rest| rest.split_once('}'))
        else {
            return Ok(None);
        };
        let number = |text: &str| {
            let is_number = !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_digit())
                && (text.len() == 1 || !text.starts_with('0'));
            is_number.then(|| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let (min, max) = match inside.split_once(',') {
            None => match number(inside) {
                Some(count) => (count, Some(count)),
                None => return Ok(None),
            },
            Some((min, "")) => match number(min) {
                Some(min) => (min, None),
                None => return Ok(None),
            },
            Some((min, max)) => match (number(min), number(max)) {
                (Some(min), Some(max)) => (min, Some(max)),
                _ => return Ok(None),
            },
        };
        if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
            return Err(RegexError::Syntax {
                reason: "invalid repeat count",
                part: format!("{{{inside}}}"),
            });
        }
        self.rest = after;
        Ok(Some((min, max)))
    }

    fn group(&mut self, before: &'p str) -> Result<Option<Tree>, RegexError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(RegexError::Unsupported { reason: "groups are nested too deep" });
        }
        let outer = self.flags;
        if self.eat("?") {
            if self.eat("P<") || self.eat("<") {
                let named = self.rest.split_once('>').filter(|(name, _)| {
                    !name.is_empty()
                        && name
                            .chars()
                            .all(|c| c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii())
                });
                let Some((_, rest)) = named else {
                    return Err(syntax("invalid named capture", before));
                };
                self.rest = rest;
            } else if !self.flag_group(before)? {
                self.depth -= 1;
                return Ok(None);
            }
        }
        let tree = self.alternation()?;
        self.flags = outer;
        self.depth -= 1;
        if self.eat(")") { Ok(Some(tree)) } else { Err(syntax("missing closing )", self.text)) }
    }

    /// Reads `i:`, `i-s)`, …. True: a group follows; false: the flags hold from here on.
    fn flag_group(&mut self, before: &'p str) -> Result<bool, RegexError> {
        let mut value = true;
        let mut is_empty = true;
        loop {
            let flag = self.next();
            match flag {
                Some('i') => self.flags.ignore_case = value,
                Some('m') => self.flags.multi_line = value,
                Some('s') => self.flags.dot_matches_newline = value,
                Some('U') => {}
                Some('-') if value => {
                    value = false;
                    is_empty = true;
                    continue;
                }
                Some(end @ (':' | ')')) if value || !is_empty => return Ok(end == ':'),
                _ => {
                    let part = before.strip_suffix(self.rest).unwrap_or(before);
                    return Err(syntax("invalid or unsupported Perl syntax", part));
                }
            }
            is_empty = false;
        }
    }

    fn escape(&mut self, before: &'p str) -> Result<Tree, RegexError> {
        match self.peek() {
            Some('A') => Ok(self.simple(Tree::Start)),
            Some('z') => Ok(self.simple(Tree::End)),
            Some('b') => Ok(self.simple(Tree::WordBoundary(true))),
            Some('B') => Ok(self.simple(Tree::WordBoundary(false))),
            Some('C') => Err(syntax("invalid escape sequence", "\\C")),
            Some('p' | 'P') => Err(RegexError::Unsupported { reason: "Unicode classes" }),
            _ => {
                if let Some(ranges) = self.perl_class() {
                    return Ok(Tree::Class(ranges));
                }
                let c = self.escaped_char(before)?;
                Ok(self.literal(c))
            }
        }
    }

    fn simple(&mut self, tree: Tree) -> Tree {
        self.next();
        tree
    }

    fn perl_class(&mut self) -> Option<Vec<(char, char)>> {
        let (mut ranges, negated) = match self.peek()? {
            c @ ('d' | 'D') => (vec![('0', '9')], c == 'D'),
            c @ ('s' | 'S') => (vec![('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')], c == 'S'),
            c @ ('w' | 'W') => (word(), c == 'W'),
            _ => return None,
        };
        self.next();
        if negated {
            ranges = negate(ranges);
        }
        Some(ranges)
    }

    fn escaped_char(&mut self, before: &'p str) -> Result<char, RegexError> {
        let Some(c) = self.next() else {
            return Err(syntax("trailing backslash at end of expression", ""));
        };
        let invalid = |rest: &str| {
            Err(syntax("invalid escape sequence", before.strip_suffix(rest).unwrap_or(before)))
        };
        Ok(match c {
            'a' => '\u{7}',
            'f' => '\u{c}',
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'v' => '\u{b}',
            'x' => {
                let hex = if self.eat("{") {
                    let Some((hex, rest)) = self.rest.split_once('}') else {
                        return invalid(self.rest);
                    };
                    self.rest = rest;
                    hex
                } else {
                    let Some((hex, rest)) = self.rest.split_at_checked(2) else {
                        return invalid(self.rest);
                    };
                    self.rest = rest;
                    hex
                };
                let is_hex = !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
                match u32::from_str_radix(hex, 16).ok().filter(|_| is_hex) {
                    Some(code) => match char::from_u32(code) {
                        Some(c) => c,
                        None => return invalid(self.rest),
                    },
                    None => return invalid(self.rest),
                }
            }
            '0' => self.octal(0),
            // A single digit would be a back reference, which RE2 does not have.
            '1'..='7' if self.peek().is_some_and(|next| next.is_digit(8)) => {
                self.octal(c.to_digit(8).unwrap_or(0))
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
            _ => return invalid(self.rest),
        })
    }

    fn octal(&mut self, first: u32) -> char {
        let mut value = first;
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            value = value * 8 + digit;
            self.next();
        }
        char::from_u32(value).unwrap_or('\0')
    }

    fn class(&mut self, before: &'p str) -> Result<Tree, RegexError> {
        let negated = self.eat("^");
        let mut ranges: Vec<(char, char)> = Vec::new();
        let mut is_first = true;
        loop {
            match self.peek() {
                None => return Err(syntax("missing closing ]", before)),
                Some(']') if !is_first => {
                    self.next();
                    break;
                }
                _ => {}
            }
            is_first = false;
            if let Some(after) = self.rest.strip_prefix("[:")
                && let Some((name, rest)) = after.split_once(":]")
            {
                self.rest = rest;
                match posix(name) {
                    Some(mut posix) => ranges.append(&mut posix),
                    None => {
                        return Err(RegexError::Syntax {
                            reason: "invalid character class range",
                            part: format!("[:{name}:]"),
                        });
                    }
                }
                continue;
            }
            if self.rest.starts_with("\\p") || self.rest.starts_with("\\P") {
                return Err(RegexError::Unsupported { reason: "Unicode classes" });
            }
            if let Some(after) = self.rest.strip_prefix('\\') {
                let mark = self.rest;
                self.rest = after;
                if let Some(mut perl) = self.perl_class() {
                    ranges.append(&mut perl);
                    continue;
                }
                self.rest = mark;
            }
            let start = self.rest;
            let low = self.class_char()?;
            let mut high = low;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.next();
                high = self.class_char()?;
            }
            if high < low {
                return Err(syntax(
                    "invalid character class range",
                    start.strip_suffix(self.rest).unwrap_or(start),
                ));
            }
            ranges.push((low, high));
        }
        if self.flags.ignore_case {
            fold(&mut ranges);
        }
        Ok(Tree::Class(if negated { negate(ranges) } else { ranges }))
    }

    fn class_char(&mut self) -> Result<char, RegexError> {
        let before = self.rest;
        match self.next() {
            Some('\\') => self.escaped_char(before),
            Some(c) => Ok(c),
            None => Err(syntax("missing closing ]", self.text)),
        }
    }
}

fn syntax(reason: &'static str, part: &str) -> RegexError {
    RegexError::Syntax { reason, part: part.to_owned() }
}

fn word() -> Vec<(char, char)> {
    vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]
}

fn posix(name: &str) -> Option<Vec<(char, char)>> {
    let (name, negated) = match name.strip_prefix('^') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let ranges = match name {
        "alnum" => vec![('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => vec![('A', 'Z'), ('a', 'z')],
        "ascii" => vec![('\0', '\u{7f}')],
        "blank" => vec![('\t', '\t'), (' ', ' ')],
        "cntrl" => vec![('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')],
        "digit" => vec![('0', '9')],
        "graph" => vec![('!', '~')],
        "lower" => vec![('a', 'z')],
        "print" => vec![(' ', '~')],
        "punct" => vec![('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => vec![('\t', '\r'), (' ', ' ')],
        "upper" => vec![('A', 'Z')],
        "word" => word(),
        "xdigit" => vec![('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some(if negated { negate(ranges) } else { ranges })
}

/// Everything else, in order.
fn negate(mut ranges: Vec<(char, char)>) -> Vec<(char, char)> {
    crate::order::sort(&mut ranges);
    let mut out = Vec::new();
    let mut next = 0_u32;
    for (low, high) in ranges {
        let (low, high) = (u32::from(low), u32::from(high));
        if low > next {
            push_codes(&mut out, next, low - 1);
        }
        next = next.max(high.saturating_add(1));
    }
    push_codes(&mut out, next, u32::from(char::MAX));
    out
}

/// A range of code points without the surrogates, which no text holds.
fn push_codes(out: &mut Vec<(char, char)>, low: u32, high: u32) {
    let parts = [(low, high.min(0xd7ff)), (low.max(0xe000), high)];
    for (low, high) in parts {
        if low <= high
            && let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
            && out.last() != Some(&(low, high))
        {
            out.push((low, high));
        }
    }
}

/// ASCII letters in both cases: paths, methods and hosts have no others.
fn fold(ranges: &mut Vec<(char, char)>) {
    let mut folded = Vec::new();
    for (low, high) in ranges.iter().copied() {
        for (first, last, shift) in [('a', 'z', -32_i32), ('A', 'Z', 32)] {
            let (from, to) = (low.max(first), high.min(last));
            if from <= to {
                let shifted = |c: char| {
                    u32::from(c).checked_add_signed(shift).and_then(char::from_u32).unwrap_or(c)
                };
                folded.push((shifted(from), shifted(to)));
            }
        }
    }
    ranges.append(&mut folded);
}
