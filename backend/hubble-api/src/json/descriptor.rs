//! What there is to know about messages to turn them into JSON and back.

use crate::pb;

/// A message type.
#[derive(Debug)]
pub struct Descriptor {
    /// Full name: `flow.Flow`.
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
}

type Message = Descriptor;

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    /// Name in the proto file, which is the one that is written.
    pub(super) name: &'static str,
    /// The camel-case name, which is read as well.
    pub(super) json_name: &'static str,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) shape: Shape,
}

/// How often a field may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    One,
    /// With the number of the choice that it is part of.
    OneOf(u32),
    Many,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    String,
    Enum(&'static Enum),
    Message(&'static Message),
    Timestamp,
    BoolValue,
    Int32Value,
    Uint32Value,
    Any,
}

/// An enumeration: numbers and names.
#[derive(Debug)]
pub(super) struct Enum {
    pub(super) values: &'static [(i32, &'static str)],
}

const fn one(name: &'static str, json_name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, json_name, number, kind, shape: Shape::One }
}

const fn many(name: &'static str, json_name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, json_name, number, kind, shape: Shape::Many }
}

const fn one_of(
    choice: u32,
    name: &'static str,
    json_name: &'static str,
    number: u32,
    kind: Kind,
) -> Field {
    Field { name, json_name, number, kind, shape: Shape::OneOf(choice) }
}

include!("../generated/descriptors.rs");

mod sealed {
    pub trait Sealed {}
}

/// A message that [`super::read`] and [`super::write`] know.
pub trait JsonMessage: prost::Message + Default + sealed::Sealed {
    /// What there is to know about it.
    fn descriptor() -> &'static Descriptor;
}

macro_rules! json_messages {
    ($($message:path = $descriptor:ident;)*) => {$(
        impl sealed::Sealed for $message {}

        impl JsonMessage for $message {
            fn descriptor() -> &'static Descriptor {
                &$descriptor
            }
        }
    )*};
}

json_messages! {
    pb::flow::Flow = FLOW_FLOW;
    pb::flow::FlowFilter = FLOW_FLOWFILTER;
    pb::observer::ExportEvent = OBSERVER_EXPORTEVENT;
    pb::observer::GetFlowsResponse = OBSERVER_GETFLOWSRESPONSE;
}

impl Descriptor {
    /// The message that a type URL (`type.googleapis.com/flow.Flow`) names.
    pub(super) fn of_type_url(type_url: &str) -> Option<&'static Self> {
        let name = type_name(type_url);
        MESSAGES.iter().copied().find(|message| message.name == name)
    }
}

impl Enum {
    pub(super) fn name(&self, number: i32) -> Option<&'static str> {
        self.values.iter().find(|(own, _)| *own == number).map(|(_, name)| *name)
    }

    pub(super) fn number(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|(_, own)| *own == name).map(|(number, _)| *number)
    }
}

/// The full name at the end of a type URL.
pub(super) fn type_name(type_url: &str) -> &str {
    type_url.rsplit_once('/').map_or(type_url, |(_, name)| name)
}
