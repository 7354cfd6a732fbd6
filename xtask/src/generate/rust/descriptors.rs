//! Tables for `hubble-api`'s schema: messages, fields and enumerations that are reachable from the
//! roots, in the order of the proto files.

use std::collections::BTreeSet;
use std::fmt::Write;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
};

/// Roots: the messages of `hubble observe -o jsonpb` and of the exporter, and the filter of
/// `--allowlist`.
const ROOTS: [&str; 3] = ["observer.GetFlowsResponse", "observer.ExportEvent", "flow.FlowFilter"];

/// Error for a field without a rule in the JSON code.
#[derive(Debug, thiserror::Error)]
#[error("`{field}` has a type that the JSON code does not know")]
pub(crate) struct UnknownType {
    field: String,
}

/// Messages and enumerations by full name, nested ones after their parent.
struct Index<'a> {
    messages: Vec<(String, &'a DescriptorProto)>,
    enums: Vec<(String, &'a EnumDescriptorProto)>,
}

/// Writes the tables as Rust.
pub(crate) fn tables(files: &[FileDescriptorProto]) -> Result<String, UnknownType> {
    let mut index = Index { messages: Vec::new(), enums: Vec::new() };
    for file in files.iter().filter(|file| !file.package().starts_with("google.")) {
        index.add(file.package(), &file.message_type, &file.enum_type);
    }
    let reached = index.reached();
    // Writing to a string cannot fail.
    let mut out = String::new();
    let messages = index.messages.iter().filter(|(name, _)| reached.contains(name));
    let names: Vec<String> =
        messages.clone().map(|(name, _)| format!("    &{},\n", constant(name))).collect();
    let _ = write!(
        out,
        "/// Every message, nested ones after their parent.\npub static MESSAGES: &[&Message] = &[\n{}];\n",
        names.concat()
    );
    for (name, message) in messages {
        let constant = constant(name);
        let _ = write!(
            out,
            "\n/// `{name}`.\npub static {constant}: Message = Message {{\n    name: \"{name}\",\n    fields: &[\n"
        );
        for field in &message.field {
            out += &field_row(name, field)?;
        }
        out += "    ],\n};\n";
    }
    for (name, values) in index.enums.iter().filter(|(name, _)| reached.contains(name)) {
        let _ = write!(out, "\nstatic {}: Enum = Enum {{\n    values: &[\n", constant(name));
        for value in &values.value {
            let _ = writeln!(out, "        ({}, \"{}\"),", value.number(), value.name());
        }
        out += "    ],\n};\n";
    }
    Ok(out)
}

impl<'a> Index<'a> {
    fn add(
        &mut self,
        scope: &str,
        messages: &'a [DescriptorProto],
        enums: &'a [EnumDescriptorProto],
    ) {
        for values in enums {
            self.enums.push((format!("{scope}.{}", values.name()), values));
        }
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            self.messages.push((name.clone(), message));
            self.add(&name, &message.nested_type, &message.enum_type);
        }
    }

    fn reached(&self) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<String> = ROOTS.iter().map(ToString::to_string).collect();
        while let Some(name) = open.pop() {
            let message = self.messages.iter().find(|(own, _)| *own == name);
            if reached.insert(name) {
                let fields = message.into_iter().flat_map(|(_, message)| &message.field);
                open.extend(
                    fields.map(|field| field.type_name().trim_start_matches('.').to_owned()),
                );
            }
        }
        reached
    }
}

fn field_row(message: &str, field: &FieldDescriptorProto) -> Result<String, UnknownType> {
    let target = field.type_name().trim_start_matches('.');
    let kind = match (field.r#type(), target) {
        (Type::Bool, _) => "FieldType::Bool".to_owned(),
        (Type::Int32, _) => "FieldType::Int32".to_owned(),
        (Type::Int64, _) => "FieldType::Int64".to_owned(),
        (Type::Uint32, _) => "FieldType::Uint32".to_owned(),
        (Type::Uint64, _) => "FieldType::Uint64".to_owned(),
        (Type::String, _) => "FieldType::String".to_owned(),
        (Type::Enum, name) => format!("FieldType::Enum(&{})", constant(name)),
        (Type::Message, "google.protobuf.Any") => "FieldType::Any".to_owned(),
        (Type::Message, "google.protobuf.Timestamp") => "FieldType::Timestamp".to_owned(),
        (Type::Message, "google.protobuf.BoolValue") => "FieldType::BoolValue".to_owned(),
        (Type::Message, "google.protobuf.Int32Value") => "FieldType::Int32Value".to_owned(),
        (Type::Message, "google.protobuf.UInt32Value") => "FieldType::Uint32Value".to_owned(),
        (Type::Message, name) if !name.starts_with("google.") => {
            format!("FieldType::Message(&{})", constant(name))
        }
        _ => return Err(UnknownType { field: format!("{message}.{}", field.name()) }),
    };
    let (shape, choice) = match (field.label(), field.oneof_index) {
        (Label::Repeated, _) => ("many", String::new()),
        (_, Some(oneof)) => ("one_of", format!("{oneof}, ")),
        (_, None) => ("one", String::new()),
    };
    let (name, json_name, number) = (field.name(), field.json_name(), grouped(field.number()));
    Ok(format!("        {shape}({choice}\"{name}\", \"{json_name}\", {number}, {kind}),\n"))
}

/// `100000` → `100_000`, from five digits on.
pub(super) fn grouped(number: i32) -> String {
    match number {
        0..10_000 => number.to_string(),
        _ => format!("{}_{:03}", grouped(number / 1000), number % 1000),
    }
}

/// `flow.TCPFlags` → `FLOW_TCPFLAGS`.
fn constant(name: &str) -> String {
    name.replace('.', "_").to_ascii_uppercase()
}
