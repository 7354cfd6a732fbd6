//! The decoding of an object by a server: it removes unknown fields and nulls, and reports them.

use super::schema::{Format, Integer, List, Object, Text, Type};
use super::{Unknown, check};
use crate::{
    Position,
    document::Refusal,
    source::{Key, Node, Value},
};

/// The mode of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Decoding by a schema: values are checked later.
    Custom,
    /// Decoding by a Go type: values of the wrong type are refused at once, and null counts as
    /// absent.
    Typed,
    /// Decoding by a Go type from YAML: numbers and booleans become texts where the type requires a
    /// text.
    Coerced,
}

/// The state and findings of a decoding.
#[derive(Debug)]
pub(super) struct Shape {
    mode: Mode,
    /// The unknown fields.
    pub(super) unknown: Vec<Unknown>,
    /// The paths of fields that the stored object lacks.
    pub(super) dropped: Vec<String>,
    /// The refusal of a value of the wrong type.
    pub(super) mismatch: Option<Refusal>,
}

impl Shape {
    pub(super) const fn new(mode: Mode) -> Self {
        Self { mode, unknown: Vec::new(), dropped: Vec::new(), mismatch: None }
    }

    fn decodes(&self, node: &Node, is: &Type) -> bool {
        let is_text =
            |is: &Type| matches!(is, Type::Text(text) if text.format != Some(Format::Time));
        let is_scalar = matches!(
            node.value,
            Value::Bool(_) | Value::Integer(_) | Value::Unsigned(_) | Value::Float(_)
        );
        decodes(node, is) || (self.mode == Mode::Coerced && is_text(is) && is_scalar)
    }

    /// The node in its stored form.
    pub(super) fn node(&mut self, node: &Node, is: &Type, path: &str) -> Node {
        let value = match (&node.value, is) {
            (Value::Map(entries), Type::Object(object)) => {
                return Node {
                    at: node.at,
                    value: Value::Map(self.object(node.at, entries, object, path)),
                };
            }
            (Value::Map(entries), Type::Map(item)) => Value::Map(
                entries
                    .iter()
                    .filter_map(|(key, value)| {
                        let path = format!("{path}.{}", key.name);
                        // Go reads null as an empty text.
                        if value.is_null() && self.mode == Mode::Custom {
                            self.dropped.push(path);
                            return None;
                        }
                        Some((key.clone(), self.node(value, item, &path)))
                    })
                    .collect(),
            ),
            (Value::List(items), Type::List(List { item, .. })) => Value::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, node)| self.node(node, item, &format!("{path}[{index}]")))
                    .collect(),
            ),
            _ => {
                if self.mode != Mode::Custom && self.mismatch.is_none() && !self.decodes(node, is) {
                    self.mismatch = Some(check::mistyped(node, is, path));
                }
                if self.mode == Mode::Custom {
                    return self.nothing_known(node, path);
                }
                node.value.clone()
            }
        };
        Node { at: node.at, value }
    }

    /// The stored form of a value for which the schema knows no fields.
    fn nothing_known(&mut self, node: &Node, path: &str) -> Node {
        let value = match &node.value {
            Value::Map(entries) => {
                for (key, _) in entries {
                    let path = format!("{path}.{}", key.name);
                    self.dropped.push(path.clone());
                    self.unknown.push(Unknown { at: key.at, path, likely: None });
                }
                Value::Map(Vec::new())
            }
            Value::List(items) => Value::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.nothing_known(item, &format!("{path}[{index}]")))
                    .collect(),
            ),
            scalar => scalar.clone(),
        };
        Node { at: node.at, value }
    }

    fn object(
        &mut self,
        at: Position,
        entries: &[(Key, Node)],
        object: &Object,
        path: &str,
    ) -> Vec<(Key, Node)> {
        let mut stored = Vec::new();
        for (key, value) in entries {
            let path = format!("{path}.{}", key.name);
            let Some(field) = object.field(&key.name) else {
                self.unknown.push(Unknown {
                    at: key.at,
                    path: path.clone(),
                    likely: likely(object, &key.name),
                });
                self.dropped.push(path);
                continue;
            };
            if value.is_null() {
                // The server writes a value nevertheless.
                let is_written =
                    field.default.is_some() || (self.mode == Mode::Typed && field.is_required);
                if !is_written {
                    self.dropped.push(path);
                }
                continue;
            }
            let node = self.node(value, &field.is, &path);
            // Go omits these where they are empty.
            let is_empty = match (&node.value, &field.is) {
                (Value::List(items), Type::List(_)) => items.is_empty(),
                (Value::Map(entries), Type::Map(_)) => entries.is_empty(),
                _ => false,
            };
            if is_empty && self.mode == Mode::Typed && !field.is_required {
                self.dropped.push(path);
            }
            stored.push((key.clone(), node));
        }
        for field in object.fields {
            if let Some(default) = field.default
                && !stored.iter().any(|(key, _)| key.name == field.name)
            {
                let key = Key { at, name: field.name.to_owned() };
                stored.push((key, Node { at, value: Value::String(default.to_owned()) }));
            }
        }
        stored
    }
}

/// Whether Go's JSON decoder accepts a scalar, or null, for a type.
fn decodes(node: &Node, is: &Type) -> bool {
    let is_i32 = |value: &Value| value.whole_number().is_some_and(|n| i32::try_from(n).is_ok());
    match (&node.value, is) {
        (Value::Null, _) | (_, Type::Any) | (Value::Bool(_), Type::Boolean) => true,
        (value, Type::Integer(Integer { is_int32: true, .. })) => is_i32(value),
        (value, Type::Integer(_)) => value.whole_number().is_some(),
        (Value::String(text), Type::Text(Text { format: Some(Format::Time), .. })) => {
            check::is_time(text)
        }
        (Value::String(_), Type::Text(_) | Type::IntegerOrText(_)) => true,
        (value, Type::IntegerOrText(_)) => is_i32(value),
        _ => false,
    }
}

/// The field that was probably meant.
fn likely(object: &Object, name: &str) -> Option<&'static str> {
    let turned = match name.split_at_checked(2) {
        Some(("to", rest)) => Some(format!("from{rest}")),
        Some(("fr", rest)) => rest.strip_prefix("om").map(|rest| format!("to{rest}")),
        _ => None,
    };
    let names = || object.fields.iter().map(|field| field.name);
    names()
        .find(|own| turned.as_deref() == Some(own))
        .or_else(|| names().find(|own| super::kinds::distance(own, name) <= 2))
}
