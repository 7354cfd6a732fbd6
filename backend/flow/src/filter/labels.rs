//! Cilium's labels (`source:key=value`), read from their text.

use super::address::Cidr;

/// A label, borrowed from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label<'a> {
    source: &'a str,
    key: &'a str,
    value: &'a str,
}

/// The key that a selector asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SelectKey {
    source: String,
    key: String,
    /// Of a key of source `cidr`.
    cidr: Option<Cidr>,
}

const ANY: &str = "any";
const CIDR: &str = "cidr";
const RESERVED: &str = "reserved";
const UNSPEC: &str = "unspec";

impl<'a> Label<'a> {
    /// Reads `source:key=value`, `key=value`, `key`, or `$key` for a reserved one.
    pub(super) fn parse(text: &'a str) -> Self {
        let (source, rest) = match text.strip_prefix('$') {
            Some(rest) => (RESERVED, rest),
            None => text.split_once(':').unwrap_or(("", text)),
        };
        let source = if source.is_empty() { UNSPEC } else { source };
        let (key, value) = match rest.split_once('=') {
            Some(("", key)) if source == RESERVED => (key, ""),
            Some(pair) => pair,
            None => (rest, ""),
        };
        Self { source, key, value }
    }
}

impl SelectKey {
    /// Reads `source.key`, the form that a selector's keys have after translation.
    pub(super) fn parse(text: &str) -> Self {
        let (source, key) = match text.split_once('.') {
            Some(("" | UNSPEC, key)) => (ANY, key),
            Some(pair) => pair,
            None => (ANY, text),
        };
        let cidr = if source == CIDR { cidr_of_key(key) } else { None };
        Self { source: source.to_owned(), key: key.to_owned(), cidr }
    }

    /// The value of the label with this key; none when no label has it. Of several, that with
    /// the lowest key counts, and the earliest among equals: Cilium sorts labels by key.
    pub(super) fn lookup<'a>(&self, labels: &'a [String]) -> Option<&'a str> {
        labels
            .iter()
            .map(|label| Label::parse(label))
            .filter(|label| self.selects(*label))
            .min_by_key(|label| label.key)
            .map(|label| label.value)
    }

    fn selects(&self, label: Label<'_>) -> bool {
        if self.source != ANY && self.source != label.source {
            return false;
        }
        if self.source == CIDR {
            // A key of a range selects every range within it.
            return match (self.cidr, cidr_of_key(label.key)) {
                (Some(own), Some(other)) => {
                    own.bits() <= other.bits() && own.contains(other.address())
                }
                _ => false,
            };
        }
        self.key == label.key
    }
}

/// A CIDR written as a label's key: `-` stands for the colons of IPv6.
fn cidr_of_key(key: &str) -> Option<Cidr> {
    Cidr::parse(&key.replace('-', ":"))
}
