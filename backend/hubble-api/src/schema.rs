//! Tables of the messages of `proto/`: names, numbers and types of their fields.
//!
//! JSON, field masks and the arbitrary messages of tests are derived from them. `cargo xtask gen`
//! adds the fields of a later Cilium to all three.

/// Message type.
#[derive(Debug)]
pub struct Descriptor {
    /// Full name, such as `flow.Flow`.
    pub name: &'static str,
    /// Fields in the order of the proto file.
    pub fields: &'static [Field],
}

/// Field of a message.
#[derive(Debug)]
pub struct Field {
    /// Name in the proto file, used for writing.
    pub name: &'static str,
    /// Camel-case name, also accepted for reading.
    pub json_name: &'static str,
    /// Field number on the wire.
    pub number: u32,
    /// Type of one value.
    pub kind: FieldType,
    /// Number of values that the field may have.
    pub cardinality: Cardinality,
}

/// Number of values that a field may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// At most one.
    One,
    /// At most one, as part of a `oneof`. Holds the number of the `oneof` in its message.
    OneOf(u32),
    /// Any number.
    Many,
}

/// Type of a value.
#[derive(Debug, Clone, Copy)]
pub enum FieldType {
    /// `bool`.
    Bool,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// `string`.
    String,
    /// Enumeration.
    Enum(&'static Enum),
    /// Message of `proto/`.
    Message(&'static Descriptor),
    /// `google.protobuf.Timestamp`.
    Timestamp,
    /// `google.protobuf.BoolValue`.
    BoolValue,
    /// `google.protobuf.Int32Value`.
    Int32Value,
    /// `google.protobuf.UInt32Value`.
    Uint32Value,
    /// `google.protobuf.Any`.
    Any,
}

/// Enumeration with its numbers and names.
#[derive(Debug)]
pub struct Enum {
    /// Numbers and names in the order of the proto file.
    pub values: &'static [(i32, &'static str)],
}

const fn one(name: &'static str, json_name: &'static str, number: u32, kind: FieldType) -> Field {
    Field { name, json_name, number, kind, cardinality: Cardinality::One }
}

const fn many(name: &'static str, json_name: &'static str, number: u32, kind: FieldType) -> Field {
    Field { name, json_name, number, kind, cardinality: Cardinality::Many }
}

const fn one_of(
    choice: u32,
    name: &'static str,
    json_name: &'static str,
    number: u32,
    kind: FieldType,
) -> Field {
    Field { name, json_name, number, kind, cardinality: Cardinality::OneOf(choice) }
}

type Message = Descriptor;

include!("generated/descriptors.rs");

impl Descriptor {
    /// Field with a given name in the proto file.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Message of a type URL (`type.googleapis.com/flow.Flow`).
    pub fn of_type_url(type_url: &str) -> Option<&'static Self> {
        let name = type_name(type_url);
        MESSAGES.iter().copied().find(|message| message.name == name)
    }
}

impl Enum {
    /// Name of a number, if it has one.
    pub fn name(&self, number: i32) -> Option<&'static str> {
        self.values.iter().find(|(own, _)| *own == number).map(|(_, name)| *name)
    }

    /// Number of a name, if it exists.
    pub fn number(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|(_, own)| *own == name).map(|(number, _)| *number)
    }
}

/// Full name at the end of a type URL.
pub(crate) fn type_name(type_url: &str) -> &str {
    type_url.rsplit_once('/').map_or(type_url, |(_, name)| name)
}
