//! Generated part of `hubble-api`'s projection, from the columns of `flow` and from `proto/`: for
//! each message, the reader of fields that become columns unchanged.
//!
//! Columns made of several fields, and the alternatives of a `oneof`, are written by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use flow::columns::Column;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use super::descriptors::grouped;

/// Error for a column whose field does not exist in flow.proto.
#[derive(Debug, thiserror::Error)]
#[error("column `{column}` is read from `{path}`, which flow.proto does not have")]
pub(crate) struct UnknownField {
    column: &'static str,
    path: &'static str,
}

/// A message with fields that become columns unchanged.
struct Message<'a> {
    descriptor: &'a DescriptorProto,
    /// By field number.
    arms: BTreeMap<i32, String>,
    /// Paths that the arms read, by field number.
    paths: BTreeMap<i32, &'static str>,
    fills_lists: bool,
}

/// Writes the readers as Rust.
pub(crate) fn readers(files: &[FileDescriptorProto]) -> Result<String, UnknownField> {
    let flow = message(files, ".flow.Flow");
    let mut messages: BTreeMap<&str, Message<'_>> = BTreeMap::new();
    let mut by_hand: BTreeMap<i32, &str> = BTreeMap::new();
    let mut groups: BTreeSet<&str> = BTreeSet::new();
    let mut of_flow: BTreeMap<i32, &str> = BTreeMap::new();
    for &column in Column::ALL {
        for &path in column.sources() {
            let unknown = || UnknownField { column: column.name(), path };
            let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
            let mut holder = flow.ok_or_else(unknown)?;
            for segment in parent.split('.').filter(|segment| !segment.is_empty()) {
                let field = field(holder, segment).ok_or_else(unknown)?;
                holder = message(files, field.type_name()).ok_or_else(unknown)?;
            }
            let leaf = field(holder, name).ok_or_else(unknown)?;
            let first = path.split('.').next().unwrap_or(path);
            if first != path {
                groups.insert(first);
            }
            let outermost = flow.and_then(|flow| field(flow, first)).ok_or_else(unknown)?;
            of_flow.insert(outermost.number(), first);
            // Ports and ICMP types are fields of several headers.
            let reading = reading(column, leaf).filter(|_| column.sources().len() == 1);
            if let Some(reading) = reading.filter(|_| first != "l4") {
                let own = messages.entry(parent).or_insert_with(|| Message {
                    descriptor: holder,
                    arms: BTreeMap::new(),
                    paths: BTreeMap::new(),
                    fills_lists: false,
                });
                own.paths.insert(leaf.number(), path);
                own.fills_lists |= reading.contains("lists.");
                let number = grouped(leaf.number());
                let arm = format!("{number} if wants(Column::{column:?}) => {reading},");
                own.arms.insert(leaf.number(), arm);
            } else {
                by_hand.insert(outermost.number(), outermost.name());
            }
        }
    }
    if let Some(flow) = messages.get_mut("") {
        flow.paths = of_flow;
    }
    call_readers(&mut messages);
    Ok(written(&messages, &by_hand, &groups))
}

/// Makes the reader of the flow call those of its messages, except for messages with a `oneof`,
/// whose alternatives `row_builder.rs` and `layer4.rs` read by hand.
fn call_readers(messages: &mut BTreeMap<&str, Message<'_>>) {
    let within: Vec<(&str, bool)> = messages
        .iter()
        .filter(|(path, message)| {
            !path.is_empty() && !path.contains('.') && message.descriptor.oneof_decl.is_empty()
        })
        .map(|(path, message)| (*path, message.fills_lists))
        .collect();
    let Some(flow) = messages.get_mut("") else { return };
    for (path, fills_lists) in within {
        let Some(field) = field(flow.descriptor, path) else { continue };
        let lists = if fills_lists { ", lists" } else { "" };
        let (number, group, reader) =
            (grouped(field.number()), constant(path), path.to_ascii_lowercase());
        let arm = format!(
            "{number} if wanted.intersects({group}) => self.{reader}(field.message()?{lists})?,"
        );
        flow.arms.insert(field.number(), arm);
        flow.fills_lists |= fills_lists;
    }
}

fn written(
    messages: &BTreeMap<&str, Message<'_>>,
    by_hand: &BTreeMap<i32, &str>,
    groups: &BTreeSet<&str>,
) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for group in groups {
        let name = constant(group);
        let _ = writeln!(out, "const {name}: ColumnSet = ColumnSet::read_from(\"{group}\");");
    }
    out += "\n/// Numbers of the fields of `Flow` that are read by hand.\nmod number {\n";
    for (number, name) in by_hand {
        let (name, number) = (constant(name), grouped(*number));
        let _ = writeln!(out, "    pub(super) const {name}: u32 = {number};");
    }
    out += "}\n";
    for (path, message) in messages.iter().filter(|(path, message)| skips_early(path, message)) {
        let name = if path.is_empty() { "FLOW".to_owned() } else { constant(path) };
        let of = if path.is_empty() { "flow" } else { path };
        let _ = writeln!(
            out,
            "\n/// Numbers of the fields of `{of}`, and the columns that are read from each.\nconst {name}_FIELDS: &[(u32, ColumnSet)] = &["
        );
        for (number, path) in &message.paths {
            let number = grouped(*number);
            let _ = writeln!(out, "    ({number}, ColumnSet::read_from(\"{path}\")),");
        }
        out += "];\n";
    }
    out += "\nimpl<'a> RowBuilder<'a> {\n";
    let bodies: Vec<String> = messages.iter().map(|(path, message)| body(path, message)).collect();
    out += &bodies.join("\n");
    out += "}\n";
    out
}

/// Whether unwanted fields are skipped by one look at a set of numbers: worth it for the flow and
/// for the messages that hold most of its bytes.
fn skips_early(path: &str, message: &Message<'_>) -> bool {
    path.is_empty() || message.fills_lists && !path.contains('.')
}

/// The reader of a message; for a message that is partly read by hand, the reader of a field.
fn body(path: &str, message: &Message<'_>) -> String {
    let name = if path.is_empty() { "flow".to_owned() } else { path.replace('.', "_") };
    let name = name.to_ascii_lowercase();
    let lists = if message.fills_lists { ", lists: &mut RowLists" } else { "" };
    let of_field = path.is_empty() || !message.descriptor.oneof_decl.is_empty();
    let (indent, head, tail) = if of_field {
        let head = format!(
            "    #[inline]\n    pub(super) fn {name}_field(&mut self, field: Field<'a>{lists}) -> Result<(), WireError> {{\n"
        );
        ("        ", head, String::new())
    } else {
        let head = format!(
            "    pub(super) fn {name}(&mut self, mut message: Reader<'a>{lists}) -> Result<(), WireError> {{\n"
        );
        ("            ", head, "        }\n".to_owned())
    };
    let mut out = format!("    /// `{}`.\n{head}", message.descriptor.name());
    out += "        let wanted = self.wanted;\n        let wants = |column| wanted.contains(column);\n";
    if !of_field {
        let next = if skips_early(path, message) {
            format!("field_of(self.fields.{name})")
        } else {
            "field()".to_owned()
        };
        let _ = writeln!(out, "        while let Some(field) = message.{next}? {{");
    }
    let _ = writeln!(out, "{indent}match field.number {{");
    for arm in message.arms.values() {
        let _ = writeln!(out, "{indent}    {arm}");
    }
    let _ = writeln!(out, "{indent}    _ => {{}}\n{indent}}}");
    out += &tail;
    out += "        Ok(())\n    }\n";
    out
}

/// The expression that reads a field into a column. `None`: the column does not hold the field
/// unchanged.
fn reading(column: Column, field: &FieldDescriptorProto) -> Option<String> {
    let name = column.name();
    let number = |method: &str| Some(format!("self.row.{name} = field.{method}()?"));
    match (field.label(), field.r#type()) {
        (Label::Repeated, Type::String) => Some(format!("lists.{name}.push(field.bytes()?)")),
        (Label::Repeated, Type::Message) => {
            let reader = field.type_name().rsplit('.').next()?.to_ascii_lowercase();
            Some(format!("{reader}(&mut lists.{name}, field.message()?)?"))
        }
        (Label::Repeated, _) => None,
        (_, Type::String) => number("bytes"),
        (_, Type::Int32 | Type::Enum) => number("int32"),
        (_, Type::Uint32) => number("uint32"),
        (_, Type::Uint64) => number("uint64"),
        (_, Type::Bool) => Some(format!("self.row.{name} = u8::from(field.bool()?)")),
        _ => None,
    }
}

fn field<'a>(message: &'a DescriptorProto, name: &str) -> Option<&'a FieldDescriptorProto> {
    message.field.iter().find(|field| field.name() == name)
}

fn message<'a>(files: &'a [FileDescriptorProto], name: &str) -> Option<&'a DescriptorProto> {
    let own = |file: &&FileDescriptorProto| file.package() == "flow";
    let name = name.strip_prefix(".flow.")?;
    files.iter().find(own)?.message_type.iter().find(|message| message.name() == name)
}

/// `source_service` → `SOURCE_SERVICE`.
fn constant(name: &str) -> String {
    name.to_ascii_uppercase()
}
