//! Objects of a document, decoded field by field as Go's strict JSON decoder does.

use std::borrow::Cow;

use super::{Refusal, RefusalCase};
use crate::{
    Position,
    source::{Key, Node, Value},
};

/// Texts with their places.
pub(super) type Texts<'n> = Vec<(Position, Cow<'n, str>)>;

/// An object of a known type.
#[derive(Debug, Clone)]
pub(super) struct Object<'n> {
    pub(super) at: Position,
    entries: &'n [(Key, Node)],
    /// The Go struct, for error texts.
    go_type: &'static str,
    /// The path to this object, for error texts.
    path: String,
    /// The embedded struct, with its fields.
    embedded: Option<(&'static str, &'static [&'static str])>,
}

impl<'n> Object<'n> {
    /// An object with these fields and no others, from a node. `None` if the node is null.
    pub(super) fn new(
        node: &'n Node,
        go_type: &'static str,
        path: String,
        known: &[&str],
    ) -> Result<Option<Self>, Refusal> {
        let entries = match &node.value {
            Value::Null => return Ok(None),
            Value::Map(entries) => entries.as_slice(),
            _ => {
                return Err(mismatch(node, None, &path, go_type));
            }
        };
        for (key, value) in entries {
            if !known.contains(&key.name.as_str()) {
                let refusal =
                    Refusal::field(key.at, &format!("json: unknown field \"{}\"", key.name))
                        .of_case(RefusalCase::UnknownField);
                return Err(match removed(&key.name, value) {
                    Some(why) => refusal.noted(why),
                    None => refusal,
                });
            }
        }
        Ok(Some(Self { at: node.at, entries, go_type, path, embedded: None }))
    }

    /// Sets the fields that belong to an embedded struct.
    pub(super) fn embedding(mut self, name: &'static str, fields: &'static [&'static str]) -> Self {
        self.embedded = Some((name, fields));
        self
    }

    /// The value of a field that is present and not null.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.raw(name).filter(|node| !node.is_null())
    }

    /// The value of a field that is present, null or not.
    pub(super) fn raw(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// The place of a field's name, or of the object if the field is absent.
    pub(super) fn at(&self, name: &str) -> Position {
        self.entries.iter().find(|(key, _)| key.name == name).map_or(self.at, |(key, _)| key.at)
    }

    /// The path of a field below this object.
    pub(super) fn path(&self, name: &str) -> String {
        let embedded = match self.embedded {
            Some((embedded, fields)) if fields.contains(&name) => format!("{embedded}."),
            _ => String::new(),
        };
        if self.path.is_empty() {
            format!("{embedded}{name}")
        } else {
            format!("{}.{embedded}{name}", self.path)
        }
    }

    fn mismatch(&self, node: &Node, name: &str, go_type: &str) -> Refusal {
        mismatch(node, Some(self.go_type), &self.path(name), go_type)
    }

    /// The text of a field; numbers and booleans of YAML become text, as the field's type requires.
    pub(super) fn string(&self, name: &str) -> Result<Option<Cow<'n, str>>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(node) => {
                self.text(node, name).map(Some).ok_or_else(|| self.mismatch(node, name, "string"))
            }
        }
    }

    /// A scalar as text. Within an embedded struct, `sigs.k8s.io/yaml` loses the types and converts
    /// nothing.
    fn text(&self, node: &'n Node, name: &str) -> Option<Cow<'n, str>> {
        match &node.value {
            Value::String(text) => Some(Cow::Borrowed(text)),
            _ if self.path(name).contains("CommonRule.") => None,
            _ => text(node),
        }
    }

    /// The text of a field; empty if the field is missing.
    pub(super) fn string_or_empty(&self, name: &str) -> Result<Cow<'n, str>, Refusal> {
        self.string(name).map(Option::unwrap_or_default)
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name).map(|node| (node, &node.value)) {
            None => Ok(None),
            Some((_, Value::Bool(value))) => Ok(Some(*value)),
            Some((node, _)) => Err(self.mismatch(node, name, "bool")),
        }
    }

    pub(super) fn int32(&self, name: &str) -> Result<Option<i32>, Refusal> {
        match self.get(name).map(|node| (node, &node.value)) {
            None => Ok(None),
            Some((node, Value::Integer(value))) => match i32::try_from(*value) {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(Refusal::field(
                    node.at,
                    &format!(
                        "json: cannot unmarshal number {value} into Go struct field {}.{} of type int32",
                        self.go_type,
                        self.path(name)
                    ),
                )
                .of_case(RefusalCase::WrongType)),
            },
            Some((node, _)) => Err(self.mismatch(node, name, "int32")),
        }
    }

    /// The list of a field; `None` if missing or null.
    pub(super) fn list(&self, name: &str, go_type: &str) -> Result<Option<&'n [Node]>, Refusal> {
        match self.get(name).map(|node| (node, &node.value)) {
            None => Ok(None),
            Some((_, Value::List(items))) => Ok(Some(items)),
            Some((node, _)) => Err(self.mismatch(node, name, go_type)),
        }
    }

    /// The texts of a list field, with their places.
    pub(super) fn strings(&self, name: &str, go_type: &str) -> Result<Option<Texts<'n>>, Refusal> {
        let Some(items) = self.list(name, go_type)? else { return Ok(None) };
        items
            .iter()
            .map(|node| match &node.value {
                Value::Null => Ok((node.at, Cow::Borrowed(""))),
                _ => self
                    .text(node, name)
                    .map(|text| (node.at, text))
                    .ok_or_else(|| self.mismatch(node, name, "string")),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The object of a field.
    pub(super) fn object(
        &self,
        name: &str,
        go_type: &'static str,
        known: &[&str],
    ) -> Result<Option<Object<'n>>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(node) if matches!(node.value, Value::Map(_)) => {
                Object::new(node, go_type, self.path(name), known)
            }
            Some(node) => Err(self.mismatch(node, name, go_type)),
        }
    }

    /// The objects of a list field; a null item becomes an empty object.
    pub(super) fn objects(
        &self,
        name: &str,
        go_type: &'static str,
        known: &[&str],
    ) -> Result<Option<Vec<Object<'n>>>, Refusal> {
        let Some(items) = self.list(name, go_type)? else { return Ok(None) };
        items
            .iter()
            .map(|node| {
                if !matches!(node.value, Value::Map(_) | Value::Null) {
                    return Err(self.mismatch(node, name, go_type));
                }
                let object = Object::new(node, go_type, self.path(name), known)?;
                Ok(object.unwrap_or_else(|| Object {
                    at: node.at,
                    entries: &[],
                    go_type,
                    path: self.path(name),
                    embedded: None,
                }))
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

/// A scalar as text, as `sigs.k8s.io/yaml` converts it for fields of type string.
fn text(node: &Node) -> Option<Cow<'_, str>> {
    match &node.value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Integer(value) => Some(Cow::Owned(value.to_string())),
        Value::Unsigned(value) => Some(Cow::Owned(value.to_string())),
        Value::Float(value) => Some(Cow::Borrowed(value)),
        Value::Bool(value) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// The error text of Go for a value of the wrong type.
pub(super) fn mismatch(node: &Node, go_struct: Option<&str>, path: &str, go_type: &str) -> Refusal {
    let field = match go_struct {
        Some(go_struct) => format!("Go struct field {go_struct}.{path}"),
        None if path.is_empty() => "Go value".to_owned(),
        None => format!("Go struct field {path}"),
    };
    let reason =
        format!("json: cannot unmarshal {} into {field} of type {go_type}", node.json_kind());
    let refusal = Refusal::field(node.at, &reason);
    if path.ends_with("fromRequires") || path.ends_with("toRequires") {
        return refusal
            .of_case(RefusalCase::RemovedField)
            .noted("requires was removed in Cilium 1.19");
    }
    refusal.of_case(RefusalCase::of_type(matches!(node.value, Value::Bool(_))))
}

/// The hint for a field of an older release.
fn removed(name: &str, value: &Node) -> Option<&'static str> {
    match name {
        "kafka" => Some("Kafka rules were removed in Cilium 1.20"),
        "l7proto" | "l7" => Some("generic L7 rules were removed in Cilium 1.20"),
        "auth" if value.get("type").is_some() => {
            Some("mutual authentication is spelled `authentication.mode`")
        }
        _ => None,
    }
}
