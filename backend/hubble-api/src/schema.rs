//! The messages of `proto/` as tables: fields with their names, numbers and types.
//!
//! JSON, field masks and the arbitrary messages of tests follow from them, so that a field which
//! a later Cilium adds is known to all three once `cargo xtask gen` has run.

/// A message type.
#[derive(Debug)]
pub struct Descriptor {
    /// Full name: `flow.Flow`.
    pub name: &'static str,
    /// In the order of the proto file.
    pub fields: &'static [Field],
}

/// A field of a message.
#[derive(Debug)]
pub struct Field {
    /// Name in the proto file, which is the one that is written.
    pub name: &'static str,
    /// The camel-case name, which is read as well.
    pub json_name: &'static str,
    /// Number on the wire.
    pub number: u32,
    /// Type of one value.
    pub kind: FieldType,
    /// How many values there may be.
    pub cardinality: Cardinality,
}

/// How often a field may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// Once at most.
    One,
    /// Once at most, alone of its `oneof`, whose number in the message it holds.
    OneOf(u32),
    /// Any number of times.
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
    /// An enumeration.
    Enum(&'static Enum),
    /// A message of `proto/`.
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

/// An enumeration: numbers and names.
#[derive(Debug)]
pub struct Enum {
    /// In the order of the proto file.
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
    /// The field of that name in the proto file.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The message that a type URL (`type.googleapis.com/flow.Flow`) names.
    pub fn of_type_url(type_url: &str) -> Option<&'static Self> {
        let name = type_name(type_url);
        MESSAGES.iter().copied().find(|message| message.name == name)
    }
}

impl Enum {
    /// The name of a number, if it has one.
    pub fn name(&self, number: i32) -> Option<&'static str> {
        self.values.iter().find(|(own, _)| *own == number).map(|(_, name)| *name)
    }

    /// The number of a name, if there is one.
    pub fn number(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|(_, own)| *own == name).map(|(number, _)| *number)
    }
}

/// The full name at the end of a type URL.
pub(crate) fn type_name(type_url: &str) -> &str {
    type_url.rsplit_once('/').map_or(type_url, |(_, name)| name)
}
