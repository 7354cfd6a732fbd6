//! Label selectors of Hubble's filters: Kubernetes' grammar over Cilium's labels. Source:
//! pkg/hubble/filters/labels.go, labelparser.go; Kubernetes' `labels.Parse`.

use crate::{LabelRef, Operator, Requirement};

/// Reasons why a text is not a label selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Unexpected token.
    #[error("found {found}, expected {expected}")]
    Unexpected {
        /// Token in that place, for the error message.
        found: String,
        /// Tokens that are allowed there.
        expected: &'static str,
    },
    /// Invalid label key.
    #[error(
        "`{key}` is not a label key: `[prefix/]name`, the name at most 63 letters, digits, `-`, `_` and `.`"
    )]
    Key {
        /// Key from the selector.
        key: String,
    },
    /// Invalid label value.
    #[error("`{value}` is not a label value: at most 63 letters, digits, `-`, `_` and `.`")]
    Value {
        /// Value from the selector.
        value: String,
    },
    /// Bound of `>` or `<` that is not an integer.
    #[error("`{value}` is not an integer")]
    Number {
        /// Bound from the selector.
        value: String,
    },
}

/// Label selector (`app=web, tier in (a, b), !legacy`); all conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSelector {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    requirement: Requirement,
    /// Numeric bound of `>` or `<`, which selectors of policies lack.
    bound: Option<Bound>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Above(i64),
    Below(i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Identifier(String),
    Open,
    Close,
    Comma,
    Not,
    Equal,
    NotEqual,
    Greater,
    Less,
}

impl LabelSelector {
    /// Reads a selector. A key may carry Cilium's source (`k8s:app`); without one, any source
    /// matches. An empty text selects everything. Errors: the first reason for which Kubernetes
    /// refuses the text.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut parser = Parser { tokens: tokens(&translate(text)).into_iter().peekable() };
        let mut conditions = Vec::new();
        while parser.tokens.peek().is_some() {
            conditions.push(parser.condition()?);
            match parser.tokens.next() {
                None => break,
                Some(Token::Comma) if parser.tokens.peek().is_some() => {}
                Some(Token::Comma) => return Err(unexpected(None, "a key after `,`")),
                other => return Err(unexpected(other.as_ref(), "`,` or the end")),
            }
        }
        Ok(Self { conditions })
    }

    /// Whether the selector matches labels written in the form of [`crate::Label::parse`].
    #[must_use]
    pub fn matches(&self, labels: &[String]) -> bool {
        self.conditions.iter().all(|condition| condition.matches(labels))
    }
}

impl Condition {
    fn matches(&self, labels: &[String]) -> bool {
        // Cilium sorts labels by key: if several match, the one with the lowest key counts, and
        // among equal keys the first.
        let value = labels
            .iter()
            .map(|label| LabelRef::parse(label))
            .filter(|label| self.requirement.concerns(*label))
            .min_by_key(|label| label.key)
            .map(|label| label.value);
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        self.requirement.holds(value)
            && match self.bound {
                None => true,
                Some(Bound::Above(bound)) => number().is_some_and(|number| number > bound),
                Some(Bound::Below(bound)) => number().is_some_and(|number| number < bound),
            }
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    fn condition(&mut self) -> Result<Condition, SelectorError> {
        let negated = self.tokens.next_if_eq(&Token::Not).is_some();
        let key = match self.tokens.next() {
            Some(Token::Identifier(key)) => key,
            other => return Err(unexpected(other.as_ref(), "a key")),
        };
        if !is_label_key(&key) {
            return Err(SelectorError::Key { key: as_written(&key) });
        }
        let plain = |operator| condition(&key, operator, None);
        let bounded = |bound| condition(&key, Operator::Exists, Some(bound));
        if negated {
            return Ok(plain(Operator::DoesNotExist));
        }
        if matches!(self.tokens.peek(), None | Some(Token::Comma)) {
            return Ok(plain(Operator::Exists));
        }
        Ok(match self.tokens.next() {
            Some(Token::Equal) => plain(Operator::In(vec![self.exact_value()?])),
            Some(Token::NotEqual) => plain(Operator::NotIn(vec![self.exact_value()?])),
            Some(Token::Greater) => bounded(Bound::Above(self.number()?)),
            Some(Token::Less) => bounded(Bound::Below(self.number()?)),
            Some(Token::Identifier(word)) if word == "in" => plain(Operator::In(self.values()?)),
            Some(Token::Identifier(word)) if word == "notin" => {
                plain(Operator::NotIn(self.values()?))
            }
            other => {
                let expected = "one of `=`, `==`, `!=`, `in`, `notin`, `>`, `<`";
                return Err(unexpected(other.as_ref(), expected));
            }
        })
    }

    /// Reads a single value. A missing value is the empty one.
    fn exact_value(&mut self) -> Result<String, SelectorError> {
        if matches!(self.tokens.peek(), None | Some(Token::Comma)) {
            return Ok(String::new());
        }
        match self.tokens.next() {
            Some(Token::Identifier(value)) => label_value(value),
            other => Err(unexpected(other.as_ref(), "a value")),
        }
    }

    fn number(&mut self) -> Result<i64, SelectorError> {
        let value = self.exact_value()?;
        value.parse().map_err(|_| SelectorError::Number { value })
    }

    /// Reads `(a, b)`. An empty place in the list is the empty value.
    fn values(&mut self) -> Result<Vec<String>, SelectorError> {
        match self.tokens.next() {
            Some(Token::Open) => {}
            other => return Err(unexpected(other.as_ref(), "`(`")),
        }
        let mut values = Vec::new();
        loop {
            let value = match self.tokens.peek() {
                Some(Token::Identifier(_)) => match self.tokens.next() {
                    Some(Token::Identifier(value)) => label_value(value)?,
                    _ => String::new(),
                },
                Some(Token::Comma | Token::Close) => String::new(),
                other => return Err(unexpected(other, "a value, `,` or `)`")),
            };
            values.push(value);
            match self.tokens.next() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(values),
                other => return Err(unexpected(other.as_ref(), "`,` or `)`")),
            }
        }
    }
}

/// Condition on a translated key, which has the form `source.key`.
fn condition(key: &str, operator: Operator, bound: Option<Bound>) -> Condition {
    let (source, key) = match key.split_once('.') {
        Some(("" | "unspec" | "any", key)) => (None, key),
        Some((source, key)) => (Some(source.to_owned()), key),
        None => (None, key),
    };
    Condition { requirement: Requirement { source, key: key.to_owned(), operator }, bound }
}

/// Translated key in the user's spelling.
fn as_written(key: &str) -> String {
    match key.split_once('.') {
        Some(("any", key)) => key.to_owned(),
        Some((source, key)) => format!("{source}:{key}"),
        None => key.to_owned(),
    }
}

fn unexpected(found: Option<&Token>, expected: &'static str) -> SelectorError {
    let found = match found {
        None => "the end".to_owned(),
        Some(Token::Identifier(word)) => format!("`{word}`"),
        Some(Token::Open) => "`(`".to_owned(),
        Some(Token::Close) => "`)`".to_owned(),
        Some(Token::Comma) => "`,`".to_owned(),
        Some(Token::Not) => "`!`".to_owned(),
        Some(Token::Equal) => "`=`".to_owned(),
        Some(Token::NotEqual) => "`!=`".to_owned(),
        Some(Token::Greater) => "`>`".to_owned(),
        Some(Token::Less) => "`<`".to_owned(),
    };
    SelectorError::Unexpected { found, expected }
}

/// Translation for Kubernetes' grammar, which has no sources: `source:key` becomes `source.key`,
/// and a key without a source becomes `any.key`. Source: Cilium's `labelparser.go`.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '!');
        let (before, _) = rest.split_at(rest.len() - start.len());
        out.push_str(before);
        let ends_key = |c: char| c.is_whitespace() || matches!(c, '=' | '!' | ',');
        let (key, after) = start.split_at(start.find(ends_key).unwrap_or(start.len()));
        match key.split_once(':') {
            Some((source, key)) => out.extend([source, ".", key]),
            None => out.extend(["any.", key]),
        }
        let (requirement, next) = after.split_at(end_of_requirement(after));
        out.push_str(requirement);
        rest = next;
    }
    out
}

/// Position of the next requirement: after the first comma outside of parentheses.
fn end_of_requirement(text: &str) -> usize {
    let mut depth = 0_i32;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return index + 1,
            _ => {}
        }
    }
    text.len()
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let token = match character {
            // Kubernetes' lexer ends at a NUL, within a word and between words.
            '\0' => break,
            ' ' | '\t' | '\r' | '\n' => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '>' => Token::Greater,
            '<' => Token::Less,
            '=' => {
                characters.next_if_eq(&'=');
                Token::Equal
            }
            '!' if characters.next_if_eq(&'=').is_some() => Token::NotEqual,
            '!' => Token::Not,
            first => {
                let mut word = String::from(first);
                while let Some(next) = characters.next_if(|c| !is_special(*c)) {
                    if next == '\0' {
                        break;
                    }
                    word.push(next);
                }
                Token::Identifier(word)
            }
        };
        tokens.push(token);
    }
    tokens
}

const fn is_special(character: char) -> bool {
    matches!(character, '=' | '!' | '(' | ')' | ',' | '>' | '<' | ' ' | '\t' | '\r' | '\n')
}

fn label_value(value: String) -> Result<String, SelectorError> {
    if value.is_empty() || is_label_name(&value) {
        Ok(value)
    } else {
        Err(SelectorError::Value { value })
    }
}

/// Whether a text is a label key: `[prefix/]name`. Source: Kubernetes' `IsLabelKey`.
fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_label_name(name),
        None => is_label_name(key),
    }
}

fn is_label_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.len() <= 63
        && name.bytes().all(inner)
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name.bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

fn is_dns_subdomain(name: &str) -> bool {
    let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 253
        && name.split('.').all(|label| {
            label.bytes().all(|byte| edge(byte) || byte == b'-')
                && label.bytes().next().is_some_and(edge)
                && label.bytes().next_back().is_some_and(edge)
        })
}
