//! A tree of values that writes itself as a YAML block or in flow style, which is JSON.
//!
//! By hand: a fix is inserted into a document at its indentation, and what must be quoted is decided by the
//! reader of YAML 1.1 beside it; libraries write whole documents, quoted for YAML 1.2.

use std::fmt::Write;

use crate::source::plain_text;

/// A value to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yaml {
    /// A string, whatever it looks like.
    Text(String),
    /// A number or a boolean, written as it is.
    Bare(String),
    /// A sequence.
    List(Vec<Yaml>),
    /// Keys and values in the order of writing.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// A string.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A map of these entries, in their order.
    pub fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Writes a block whose first line begins at the column `indent`, the current column of `out`.
    /// Lists of a key are indented by `list_indent` columns.
    pub fn block(&self, indent: usize, list_indent: usize, out: &mut String) {
        match self {
            Self::List(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        spaces(indent, out);
                    }
                    out.push_str("- ");
                    item.block(indent + 2, list_indent, out);
                }
            }
            Self::Map(entries) if !entries.is_empty() => {
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        spaces(indent, out);
                    }
                    scalar(key, out);
                    out.push(':');
                    let below = match value {
                        Self::List(items) if !items.is_empty() => indent + list_indent,
                        Self::Map(entries) if !entries.is_empty() => indent + 2,
                        _ => {
                            out.push(' ');
                            value.block(indent, list_indent, out);
                            continue;
                        }
                    };
                    out.push('\n');
                    spaces(below, out);
                    value.block(below, list_indent, out);
                }
            }
            Self::Text(text) => {
                scalar(text, out);
                out.push('\n');
            }
            Self::Bare(_) | Self::List(_) | Self::Map(_) => {
                out.push_str(&self.flow());
                out.push('\n');
            }
        }
    }

    /// The value as JSON, which is also YAML's flow style.
    pub fn flow(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Bare(text) => text.clone(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::flow).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{}: {}", quoted(key), value.flow()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

fn spaces(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// Writes a string: plain where that reads as the same string, otherwise in quotes.
fn scalar(text: &str, out: &mut String) {
    if plain_text(text) {
        out.push_str(text);
    } else {
        out.push_str(&quoted(text));
    }
}

/// The string in JSON quotes, which YAML reads too; no character can end it early.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
