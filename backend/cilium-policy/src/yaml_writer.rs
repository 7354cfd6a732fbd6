//! What is written, as a tree that writes itself as a block of YAML or in flow style, which is JSON.

use std::fmt::Write;

use crate::source::plain_text;

/// A value to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yaml {
    /// A string, whatever it looks like.
    Text(String),
    /// A number or a boolean, as it stands.
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

    /// Writes a block whose first line begins at the column `indent`, where `out` stands already.
    /// Lists of a key stand `list_indent` columns to its right.
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

    /// As JSON, which is YAML's flow style too.
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

/// Plain where that reads as the same string, else in quotes.
fn scalar(text: &str, out: &mut String) {
    if plain_text(text) {
        out.push_str(text);
    } else {
        out.push_str(&quoted(text));
    }
}

/// A string of JSON, and so of YAML, that nothing in it can leave.
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
