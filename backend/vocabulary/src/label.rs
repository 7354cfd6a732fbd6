//! Labels, and the label selectors of policies. Source: pkg/labels,
//! pkg/policy/types/requirements.go.

use std::collections::BinaryHeap;

use crate::{Prefix, reserved};

/// Label of an identity: `source:key=value`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Key. The first field, so that labels sort by key.
    pub key: String,
    /// Value; often empty.
    pub value: String,
    /// Origin of the label: `k8s`, `reserved`, `cidr`, `fqdn`, …; `unspec` if the text has no
    /// source.
    pub source: String,
}

/// Label borrowed from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelRef<'a> {
    /// See [`Label::source`].
    pub source: &'a str,
    /// See [`Label::key`].
    pub key: &'a str,
    /// See [`Label::value`].
    pub value: &'a str,
}

/// Single requirement of a selector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    /// Source of the label; `None` for any source.
    pub source: Option<String>,
    /// Key of the label.
    pub key: String,
    /// Condition on the label.
    pub operator: Operator,
}

/// Condition on the label with a given key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// The label has one of these values.
    In(Vec<String>),
    /// The label is missing or has another value.
    NotIn(Vec<String>),
    /// The label exists.
    Exists,
    /// The label is missing.
    DoesNotExist,
}

/// Requirements that all have to hold; an empty list selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// Requirements, sorted by key.
    pub requirements: Vec<Requirement>,
}

impl Label {
    /// Reads `source:key=value`. The first colon ends the source; `$x` means `reserved:x`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let LabelRef { source, key, value } = LabelRef::parse(text);
        Self { key: key.to_owned(), value: value.to_owned(), source: source.to_owned() }
    }

    /// Borrowed form of the label.
    #[must_use]
    pub fn as_ref(&self) -> LabelRef<'_> {
        LabelRef { source: &self.source, key: &self.key, value: &self.value }
    }
}

impl<'a> LabelRef<'a> {
    /// Reads a label in the form of [`Label::parse`].
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
    /// Requirement on a key as policies write it: `app` and `any:app` mean any source.
    #[must_use]
    pub fn new(key: &str, operator: Operator) -> Self {
        let (source, key) = split_source(key);
        // Cilium drops the part from `=` on: a key cannot contain it.
        let key = key.split_once('=').map_or(key, |(key, _)| key);
        Self {
            source: source.filter(|source| *source != "any").map(str::to_owned),
            key: key.to_owned(),
            operator,
        }
    }

    /// Whether the requirement is about this label.
    #[must_use]
    pub fn concerns(&self, label: LabelRef<'_>) -> bool {
        if self.source.as_ref().is_some_and(|source| *source != label.source) {
            return false;
        }
        if label.key == self.key {
            return true;
        }
        // An address has a label for every prefix around it, and each of them counts.
        self.source.as_deref() == Some("cidr")
            && match (Prefix::parse_label_key(&self.key), Prefix::parse_label_key(label.key)) {
                (Some(wanted), Some(own)) => wanted.contains(&own),
                _ => false,
            }
    }

    /// Whether the requirement holds for a list of sorted labels. If it concerns several, the first
    /// counts.
    #[must_use]
    pub fn matches(&self, labels: &[Label]) -> bool {
        let label = labels.iter().find(|label| self.concerns(label.as_ref()));
        self.holds(label.map(|label| label.value.as_str()))
    }

    /// Whether the requirement holds for the value of its label; `None` if the label is missing.
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
    /// Selector with these requirements.
    #[must_use]
    pub fn new(requirements: Vec<Requirement>) -> Self {
        // A heap sort takes 1 KB of Wasm, the sort of slices 3 KB.
        Self { requirements: BinaryHeap::from(requirements).into_sorted_vec() }
    }

    /// Selector of everything that has a label. For reserved labels the value is empty.
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

    /// Whether the selector selects everything.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether a list of sorted labels meets every requirement.
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

/// Splits a label or key into its source, if it has one, and the rest.
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
