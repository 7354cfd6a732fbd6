//! Labels, and the selectors that policies have over them. Source: pkg/labels,
//! pkg/policy/types/requirements.go.

use std::collections::BinaryHeap;

use crate::{Prefix, reserved};

/// A label of an identity: `source:key=value`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Key; first, so that sorting labels sorts by it.
    pub key: String,
    /// Value, often empty.
    pub value: String,
    /// Who set it: `k8s`, `reserved`, `cidr`, `fqdn`, …; `unspec` where the text names none.
    pub source: String,
}

/// A label, borrowed from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelRef<'a> {
    /// As [`Label::source`].
    pub source: &'a str,
    /// As [`Label::key`].
    pub key: &'a str,
    /// As [`Label::value`].
    pub value: &'a str,
}

/// One requirement of a selector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    /// Source of the label; `None`: any.
    pub source: Option<String>,
    /// Key.
    pub key: String,
    /// What has to hold.
    pub operator: Operator,
}

/// What has to hold for the label of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// It has one of these values.
    In(Vec<String>),
    /// It has none of these values, or is missing.
    NotIn(Vec<String>),
    /// It is there.
    Exists,
    /// It is missing.
    DoesNotExist,
}

/// Requirements that all have to hold; without any it selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// In the order of their keys.
    pub requirements: Vec<Requirement>,
}

impl Label {
    /// Reads `source:key=value`; the first colon parts the source, `$x` means `reserved:x`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let LabelRef { source, key, value } = LabelRef::parse(text);
        Self { key: key.to_owned(), value: value.to_owned(), source: source.to_owned() }
    }

    /// The label, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> LabelRef<'_> {
        LabelRef { source: &self.source, key: &self.key, value: &self.value }
    }
}

impl<'a> LabelRef<'a> {
    /// Reads a label as [`Label::parse`] does.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let (source, rest) = split_source(text);
        let (key, value) = match rest.split_once('=') {
            Some(("", value)) if source == Some(reserved::SOURCE) => (value, ""),
            Some((key, value)) => (key, value),
            None => (rest, ""),
        };
        Self { source: source.unwrap_or("unspec"), key, value }
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.source, self.key)?;
        if self.value.is_empty() { Ok(()) } else { write!(f, "={}", self.value) }
    }
}

impl Requirement {
    /// A requirement on a key as policies write it: `app` and `any:app` mean any source.
    #[must_use]
    pub fn new(key: &str, operator: Operator) -> Self {
        let (source, key) = split_source(key);
        // An `=` parts a value off that a key cannot have; Cilium drops it the same way.
        let key = key.split_once('=').map_or(key, |(key, _)| key);
        Self {
            source: source.filter(|source| *source != "any").map(str::to_owned),
            key: key.to_owned(),
            operator,
        }
    }

    /// Whether a label is the one that this requirement is about.
    #[must_use]
    pub fn concerns(&self, label: LabelRef<'_>) -> bool {
        if self.source.as_ref().is_some_and(|source| *source != label.source) {
            return false;
        }
        if label.key == self.key {
            return true;
        }
        // Of addresses, the requirement is met by every part of its prefix.
        self.source.as_deref() == Some("cidr")
            && match (Prefix::parse_label_key(&self.key), Prefix::parse_label_key(label.key)) {
                (Some(wanted), Some(own)) => wanted.contains(&own),
                _ => false,
            }
    }

    /// Whether it holds for these labels, which are sorted: of several that it concerns, the first
    /// counts.
    #[must_use]
    pub fn matches(&self, labels: &[Label]) -> bool {
        let label = labels.iter().find(|label| self.concerns(label.as_ref()));
        self.holds(label.map(|label| label.value.as_str()))
    }

    /// Whether it holds where this is the value of its label; `None`: there is no such label.
    #[must_use]
    pub fn holds(&self, value: Option<&str>) -> bool {
        let is_one_of = |values: &[String], value| values.iter().any(|own| own == value);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| is_one_of(values, value)),
            Operator::NotIn(values) => value.is_none_or(|value| !is_one_of(values, value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let source = self.source.as_deref().unwrap_or("any");
        let key = &self.key;
        match &self.operator {
            Operator::In(values) => match values.as_slice() {
                [value] if value.is_empty() => write!(f, "{source}:{key}"),
                [value] => write!(f, "{source}:{key}={value}"),
                values => write!(f, "{source}:{key} in ({})", values.join(", ")),
            },
            Operator::NotIn(values) => {
                write!(f, "{source}:{key} not in ({})", values.join(", "))
            }
            Operator::Exists => write!(f, "{source}:{key} exists"),
            Operator::DoesNotExist => write!(f, "{source}:{key} does not exist"),
        }
    }
}

impl Selector {
    /// A selector of these requirements.
    #[must_use]
    pub fn new(requirements: Vec<Requirement>) -> Self {
        // A heap sorts in a kilobyte of Wasm, the slice's own sort in three.
        Self { requirements: BinaryHeap::from(requirements).into_sorted_vec() }
    }

    /// Selects what has this label, whatever its value, which for reserved labels is empty.
    #[must_use]
    pub fn of_label(source: &str, key: &str, value: &str) -> Self {
        Self {
            requirements: vec![Requirement {
                source: Some(source.to_owned()),
                key: key.to_owned(),
                operator: Operator::In(vec![value.to_owned()]),
            }],
        }
    }

    /// Whether it selects everything.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether these labels, which are sorted, meet every requirement.
    #[must_use]
    pub fn matches(&self, labels: &[Label]) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(labels))
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.requirements.is_empty() {
            return f.write_str("every endpoint");
        }
        for (index, requirement) in self.requirements.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{requirement}")?;
        }
        Ok(())
    }
}

/// The source that a label or key begins with, and the rest.
#[must_use]
pub fn split_source(text: &str) -> (Option<&str>, &str) {
    if let Some(rest) = text.strip_prefix('$') {
        return (Some(reserved::SOURCE), rest);
    }
    match text.split_once(':') {
        Some(("", rest)) => (None, rest),
        Some((source, rest)) => (Some(source), rest),
        None => (None, text),
    }
}
