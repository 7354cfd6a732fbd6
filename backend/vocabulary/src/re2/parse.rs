//! Parser from RE2's syntax to a tree, over a stack like Go's: whether a pattern is refused depends
//! on the top of the stack. Source: Go's regexp/syntax, `parse`.

mod limits;
mod text;

use super::{
    Reason, RegexError,
    class::{Class, Item, perl, posix},
    unicode::{self, Set},
};
pub(super) use limits::MAX_SIZE;
use limits::{Limits, Node, repeats_fit};
use text::{escaped, flags_of, repetition};

/// Condition on the characters before and after a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assertion {
    Start,
    End,
    LineStart,
    LineEnd,
    WordBoundary(bool),
}

/// Syntax tree of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ast {
    Empty,
    /// Sequence of code points.
    Chars {
        codes: Vec<u32>,
        folds: bool,
    },
    /// Index of a class in the list of classes.
    Class(u32),
    Assert(Assertion),
    Concat(Vec<Ast>),
    Alternate(Vec<Ast>),
    Repeat {
        tree: Box<Ast>,
        min: u32,
        max: Option<u32>,
    },
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_matches_newline: bool,
}

/// Entry of the parser's stack.
enum Entry {
    Node(Node),
    /// Open parenthesis, with the flags that apply again after its end.
    Open {
        captures: bool,
        flags: Flags,
    },
    Bar,
}

pub(super) fn parse(pattern: &str) -> Result<(Ast, Vec<Class>), RegexError> {
    let mut parser = Parser {
        text: pattern,
        rest: pattern,
        flags: Flags::default(),
        stack: Vec::new(),
        classes: Vec::new(),
        limits: Limits::default(),
    };
    parser.all()?;
    Ok((parser.end()?, parser.classes))
}

struct Parser<'p> {
    text: &'p str,
    rest: &'p str,
    flags: Flags,
    stack: Vec<Entry>,
    classes: Vec<Class>,
    limits: Limits,
}

impl<'p> Parser<'p> {
    fn all(&mut self) -> Result<(), RegexError> {
        let mut last_repeat = None;
        while let Some(c) = self.rest.chars().next() {
            let before = self.rest;
            let after = before.strip_prefix(c).unwrap_or("");
            let mut repeat = None;
            match c {
                '(' if after.starts_with('?') => self.open_with_flags(before)?,
                '(' => {
                    self.rest = after;
                    self.open(true);
                }
                '|' => {
                    self.rest = after;
                    self.concat()?;
                    if !self.swap_bar() {
                        self.limits.allocate();
                        self.stack.push(Entry::Bar);
                    }
                }
                ')' => {
                    self.rest = after;
                    self.close()?;
                }
                '^' | '$' | '.' => {
                    self.rest = after;
                    self.simple(c)?;
                }
                '[' => self.class(before)?,
                '*' | '+' | '?' | '{' if let Some((min, max, after)) = repetition(before) => {
                    let is_counted = c == '{';
                    if is_counted && !is_in_bounds(min, max) {
                        return Err(syntax(Reason::RepeatCount, part(before, after)));
                    }
                    self.repeat(is_counted, (min, max), before, after, last_repeat)?;
                    repeat = Some(before);
                }
                '\\' => self.escape(before)?,
                // A brace that does not begin a repetition is a literal.
                _ => {
                    self.rest = after;
                    self.literal(u32::from(c))?;
                }
            }
            last_repeat = repeat;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<Ast, RegexError> {
        self.finish_alternatives()?;
        match (self.stack.pop(), self.stack.is_empty()) {
            (Some(Entry::Node(node)), true) => Ok(node.tree),
            _ => Err(syntax(Reason::MissingParenthesis, self.text)),
        }
    }

    fn push(&mut self, node: Node) -> Result<(), RegexError> {
        self.join_chars();
        self.check(&node)?;
        self.stack.push(Entry::Node(node));
        Ok(())
    }

    fn check(&mut self, node: &Node) -> Result<(), RegexError> {
        let of_stack = self.stack.iter().filter_map(|entry| match entry {
            Entry::Node(node) => Some(node),
            _ => None,
        });
        self.limits.check(node, of_stack).map_err(|reason| syntax(reason, self.text))
    }

    fn push_new(&mut self, tree: Ast) -> Result<(), RegexError> {
        self.limits.allocate();
        self.push(Node::leaf(tree))
    }

    fn literal(&mut self, code: u32) -> Result<(), RegexError> {
        self.push_new(Ast::Chars { codes: vec![code], folds: self.flags.ignore_case })
    }

    fn push_class(&mut self, items: Vec<Item>) -> Result<(), RegexError> {
        self.limits.allocate();
        if let [Item::Set { set: Set::Range(one, other), is_negated: false, folds }] = items[..]
            && one == other
        {
            return self.push(Node::leaf(Ast::Chars { codes: vec![one], folds }));
        }
        let index = self.add_class(items);
        self.push(Node::leaf(Ast::Class(index)))
    }

    fn add_class(&mut self, items: Vec<Item>) -> u32 {
        let index = u32::try_from(self.classes.len()).unwrap_or(u32::MAX);
        self.classes.push(Class(items));
        index
    }

    /// Joins the two topmost texts, after which a repetition no longer applies to the last
    /// character alone.
    fn join_chars(&mut self) {
        if let [.., Entry::Node(one), Entry::Node(other)] = self.stack.as_mut_slice()
            && one.append_chars(other)
        {
            self.stack.pop();
            self.limits.free();
        }
    }

    fn simple(&mut self, c: char) -> Result<(), RegexError> {
        let assertion = match (c, self.flags.multi_line) {
            ('^', true) => Assertion::LineStart,
            ('^', false) => Assertion::Start,
            ('$', true) => Assertion::LineEnd,
            ('$', false) => Assertion::End,
            _ => {
                let newline = u32::from('\n');
                let set = if self.flags.dot_matches_newline {
                    Set::Range(0, u32::from(char::MAX))
                } else {
                    Set::Range(newline, newline)
                };
                let is_negated = !self.flags.dot_matches_newline;
                return self.push_class(vec![Item::Set { set, is_negated, folds: false }]);
            }
        };
        self.push_new(Ast::Assert(assertion))
    }

    fn repeat(
        &mut self,
        is_counted: bool,
        (min, max): (u32, Option<u32>),
        before: &'p str,
        after: &'p str,
        last_repeat: Option<&'p str>,
    ) -> Result<(), RegexError> {
        // For a whole match, lazy and greedy repetitions are the same.
        let after = after.strip_prefix('?').unwrap_or(after);
        if let Some(last) = last_repeat {
            return Err(syntax(Reason::NestedRepetition, part(last, after)));
        }
        let operator = part(before, after);
        let Some(Entry::Node(node)) = self.stack.pop() else {
            return Err(syntax(Reason::NothingToRepeat, operator));
        };
        self.limits.allocate();
        let node = node.repeated(is_counted, min, max);
        self.check(&node)?;
        if is_counted && (min >= 2 || max.is_some_and(|max| max >= 2)) && !repeats_fit(&node.tree) {
            return Err(syntax(Reason::RepeatCount, operator));
        }
        self.stack.push(Entry::Node(node));
        self.rest = after;
        Ok(())
    }

    /// Joins the nodes above the topmost parenthesis or bar into one.
    fn concat(&mut self) -> Result<(), RegexError> {
        self.join_chars();
        let nodes = self.take_nodes();
        let node = if nodes.is_empty() {
            self.limits.allocate();
            Node::leaf(Ast::Empty)
        } else {
            self.collapse(nodes, true)
        };
        self.push(node)
    }

    fn take_nodes(&mut self) -> Vec<Node> {
        let from = self
            .stack
            .iter()
            .rposition(|entry| !matches!(entry, Entry::Node(_)))
            .map_or(0, |at| at.saturating_add(1));
        self.stack
            .drain(from..)
            .filter_map(|entry| match entry {
                Entry::Node(node) => Some(node),
                _ => None,
            })
            .collect()
    }

    fn collapse(&mut self, mut nodes: Vec<Node>, is_concat: bool) -> Node {
        if nodes.len() == 1
            && let Some(node) = nodes.pop()
        {
            return node;
        }
        self.limits.allocate();
        let (node, freed) = Node::of_all(nodes, is_concat);
        (0..freed).for_each(|_| self.limits.free());
        node
    }

    /// Moves the bar below the topmost node to the top, if there is one. Two characters or classes
    /// around it become one class.
    fn swap_bar(&mut self) -> bool {
        let [.., Entry::Bar, Entry::Node(_)] = self.stack.as_slice() else { return false };
        let Some(top) = self.stack.pop() else { return false };
        let bar = self.stack.pop();
        match (self.stack.last_mut(), top) {
            (Some(Entry::Node(below)), Entry::Node(top)) if below.is_char() && top.is_char() => {
                below.unite(&top, &mut self.classes);
                self.limits.free();
            }
            (_, top) => self.stack.push(top),
        }
        self.stack.extend(bar);
        true
    }

    /// Joins all alternatives above the topmost parenthesis into one node.
    fn finish_alternatives(&mut self) -> Result<(), RegexError> {
        self.concat()?;
        if self.swap_bar() {
            self.stack.pop();
        }
        let nodes = self.take_nodes();
        let node = self.collapse(nodes, false);
        self.push(node)
    }

    fn open(&mut self, captures: bool) {
        self.join_chars();
        self.limits.allocate();
        self.stack.push(Entry::Open { captures, flags: self.flags });
    }

    fn close(&mut self) -> Result<(), RegexError> {
        self.finish_alternatives()?;
        let unexpected = || Err(syntax(Reason::UnexpectedParenthesis, self.text));
        let Some(Entry::Node(node)) = self.stack.pop() else { return unexpected() };
        let Some(Entry::Open { captures, flags }) = self.stack.pop() else { return unexpected() };
        self.flags = flags;
        self.push(if captures { node.captured() } else { node })
    }

    fn open_with_flags(&mut self, before: &'p str) -> Result<(), RegexError> {
        let named = ["(?P<", "(?<"]
            .into_iter()
            .find_map(|start| before.strip_prefix(start).filter(|rest| !rest.is_empty()));
        if let Some(rest) = named {
            let Some((name, rest)) = rest.split_once('>') else {
                return Err(syntax(Reason::NamedCapture, before));
            };
            let is_name =
                !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
            if !is_name {
                return Err(syntax(Reason::NamedCapture, part(before, rest)));
            }
            self.rest = rest;
            self.open(true);
            return Ok(());
        }
        let (flags, opens, rest) = flags_of(self.flags, before)?;
        self.rest = rest;
        if opens {
            self.open(false);
        }
        self.flags = flags;
        Ok(())
    }

    fn escape(&mut self, before: &'p str) -> Result<(), RegexError> {
        let after = before.get(1..).unwrap_or("");
        let rest = |chars: &str| after.strip_prefix(chars).unwrap_or(after);
        let assertion = match after.chars().next() {
            Some('A') => Some(Assertion::Start),
            Some('z') => Some(Assertion::End),
            Some('b') => Some(Assertion::WordBoundary(true)),
            Some('B') => Some(Assertion::WordBoundary(false)),
            Some('C') => return Err(syntax(Reason::Escape, "\\C")),
            Some('Q') => {
                let (literal, rest) = rest("Q").split_once("\\E").unwrap_or((rest("Q"), ""));
                self.rest = rest;
                return literal.chars().try_for_each(|c| self.literal(u32::from(c)));
            }
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.rest = after.get(1..).unwrap_or("");
            return self.push_new(Ast::Assert(assertion));
        }
        if let Some((item, rest)) = self.named_class(before)? {
            self.rest = rest;
            return self.push_class(vec![item]);
        }
        let (code, rest) = escaped(before)?;
        self.rest = rest;
        self.literal(code)
    }

    /// Reads `\pL`, `\p{Greek}` or `\d`; `None` if the text begins otherwise.
    fn named_class(&self, before: &'p str) -> Result<Option<(Item, &'p str)>, RegexError> {
        let ignore_case = self.flags.ignore_case;
        let mut chars = before.chars();
        if chars.next() != Some('\\') {
            return Ok(None);
        }
        let Some(letter) = chars.next() else { return Ok(None) };
        if !matches!(letter, 'p' | 'P') {
            let item = perl(letter.to_ascii_lowercase()).map(|set| {
                let is_negated = letter.is_ascii_uppercase();
                (Item::Set { set, is_negated, folds: ignore_case }, chars.as_str())
            });
            return Ok(item);
        }
        let inside = chars.as_str();
        let (name, rest) = if let Some(braced) = inside.strip_prefix('{') {
            braced.split_once('}').ok_or_else(|| syntax(Reason::ClassRange, before))?
        } else {
            let rest = inside.chars().next().and_then(|c| inside.strip_prefix(c)).unwrap_or("");
            (part(inside, rest), rest)
        };
        let (name, is_negated) = match name.strip_prefix('^') {
            Some(name) => (name, letter == 'p'),
            None => (name, letter == 'P'),
        };
        let Some(named) = unicode::named(name) else {
            return Err(syntax(Reason::ClassRange, part(before, rest)));
        };
        let item = Item::Set {
            set: named.set,
            is_negated: is_negated != named.is_negated,
            folds: ignore_case && named.folds,
        };
        Ok(Some((item, rest)))
    }

    fn class(&mut self, before: &'p str) -> Result<(), RegexError> {
        let folds = self.flags.ignore_case;
        let mut rest = before.get(1..).unwrap_or("");
        let is_negated = rest.starts_with('^');
        rest = rest.strip_prefix('^').unwrap_or(rest);
        let mut items = Vec::new();
        let mut is_first = true;
        while is_first || !rest.starts_with(']') {
            is_first = false;
            if let Some((name, after)) =
                rest.strip_prefix("[:").and_then(|after| after.split_once(":]"))
            {
                let (own, is_negated) = match name.strip_prefix('^') {
                    Some(own) => (own, true),
                    None => (name, false),
                };
                let Some(set) = posix(own) else {
                    return Err(syntax(Reason::ClassRange, part(rest, after)));
                };
                items.push(Item::Set { set, is_negated, folds });
                rest = after;
                continue;
            }
            if let Some((item, after)) = self.named_class(rest)? {
                items.push(item);
                rest = after;
                continue;
            }
            let start = rest;
            let (low, after) = class_char(rest, before)?;
            let mut high = low;
            rest = after;
            if let Some(after) = rest.strip_prefix('-')
                && !after.is_empty()
                && !after.starts_with(']')
            {
                (high, rest) = class_char(after, before)?;
                if high < low {
                    return Err(syntax(Reason::ClassRange, part(start, rest)));
                }
            }
            items.push(Item::Set { set: Set::Range(low, high), is_negated: false, folds });
        }
        self.rest = rest.strip_prefix(']').unwrap_or("");
        self.push_class(if is_negated { vec![Item::Not(items)] } else { items })
    }
}

fn class_char<'p>(rest: &'p str, class: &str) -> Result<(u32, &'p str), RegexError> {
    match rest.chars().next() {
        None => Err(syntax(Reason::MissingBracket, class)),
        Some('\\') => escaped(rest),
        Some(c) => Ok((u32::from(c), rest.strip_prefix(c).unwrap_or(""))),
    }
}

fn is_in_bounds(min: u32, max: Option<u32>) -> bool {
    min <= 1000 && max.is_none_or(|max| max <= 1000 && min <= max)
}

fn syntax(reason: Reason, part: &str) -> RegexError {
    RegexError { reason, part: part.into() }
}

/// Part of the text before `rest`.
fn part<'p>(text: &'p str, rest: &str) -> &'p str {
    text.get(..text.len().saturating_sub(rest.len())).unwrap_or(text)
}
