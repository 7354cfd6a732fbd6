//! Conversion from wire bytes to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint};
use prost_types::Any;
use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{any, timestamp};
use crate::schema::{Cardinality, Descriptor, Field, FieldType, type_name};

/// Wire bytes of a message, to be written as a JSON object.
pub(super) struct MessageJson<'a> {
    message: &'static Descriptor,
    bytes: &'a [u8],
    /// Type URL written as `@type`, for a message within an `Any`.
    type_url: Option<&'a str>,
}

/// Value on the wire.
#[derive(Clone, Copy)]
enum Raw<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

/// Values of a field on the wire, in order.
struct Occurrence<'a> {
    field: usize,
    raw: Raw<'a>,
}

/// Reasons why bytes are not those of the message.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("the message is cut off")]
    CutOff,
    #[error("the message is not valid")]
    Decode(#[from] prost::DecodeError),
    #[error("`{0}` has another type on the wire")]
    Type(&'static str),
}

impl<'a> MessageJson<'a> {
    pub(super) const fn new(message: &'static Descriptor, bytes: &'a [u8]) -> Self {
        Self { message, bytes, type_url: None }
    }

    pub(super) const fn in_any(
        message: &'static Descriptor,
        bytes: &'a [u8],
        type_url: &'a str,
    ) -> Self {
        Self { message, bytes, type_url: Some(type_url) }
    }

    /// Values by field, in the order of the descriptor. Unknown fields are left out; of a `oneof`,
    /// the last field counts.
    fn occurrences(&self) -> Result<Vec<Occurrence<'a>>, WireError> {
        let mut found: Vec<Occurrence<'a>> = Vec::new();
        let mut rest = self.bytes;
        while !rest.is_empty() {
            let (number, wire_type) = decode_key(&mut rest)?;
            let raw = match wire_type {
                WireType::Varint => Some(Raw::Varint(decode_varint(&mut rest)?)),
                WireType::LengthDelimited => {
                    let length = usize::try_from(decode_varint(&mut rest)?)
                        .map_err(|_| WireError::CutOff)?;
                    Some(Raw::Bytes(take(&mut rest, length)?))
                }
                WireType::ThirtyTwoBit => take(&mut rest, 4).map(|_| None)?,
                WireType::SixtyFourBit => take(&mut rest, 8).map(|_| None)?,
                WireType::StartGroup | WireType::EndGroup => {
                    return Err(WireError::Type(self.message.name));
                }
            };
            let field = self.message.fields.iter().position(|field| field.number == number);
            let (Some(field), Some(raw)) = (field, raw) else { continue };
            if let Some(Field { cardinality: Cardinality::OneOf(choice), .. }) =
                self.message.fields.get(field)
            {
                let is_other =
                    |other: &Occurrence<'_>| {
                        other.field != field
                            && self.message.fields.get(other.field).is_some_and(|other| {
                                other.cardinality == Cardinality::OneOf(*choice)
                            })
                    };
                found.retain(|other| !is_other(other));
            }
            found.push(Occurrence { field, raw });
        }
        found.sort_by_key(|occurrence| occurrence.field);
        Ok(found)
    }
}

impl Serialize for MessageJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let occurrences = self.occurrences().map_err(S::Error::custom)?;
        let mut object = serializer.serialize_map(None)?;
        if let Some(type_url) = self.type_url {
            object.serialize_entry("@type", type_url)?;
        }
        for values in occurrences.chunk_by(|a, b| a.field == b.field) {
            let Some((first, last)) = values.first().zip(values.last()) else { continue };
            let Some(field) = self.message.fields.get(first.field) else { continue };
            if field.cardinality == Cardinality::Many {
                let items = ListJson { field, values };
                if !items.is_empty() {
                    object.serialize_entry(field.name, &items)?;
                }
            } else if is_message(field.kind) && values.len() > 1 {
                // The parts of a message that is sent in several are merged.
                let whole: Vec<u8> =
                    values.iter().flat_map(|value| value.raw.bytes()).copied().collect();
                let value = ValueJson { field, raw: Raw::Bytes(&whole) };
                object.serialize_entry(field.name, &value)?;
            } else if is_message(field.kind)
                || matches!(field.cardinality, Cardinality::OneOf(_))
                || !last.raw.is_default()
            {
                object.serialize_entry(field.name, &ValueJson { field, raw: last.raw })?;
            }
        }
        object.end()
    }
}

struct ListJson<'a> {
    field: &'static Field,
    values: &'a [Occurrence<'a>],
}

impl ListJson<'_> {
    /// Whether the list is empty. Only a packed list can exist without a value.
    fn is_empty(&self) -> bool {
        is_number(self.field.kind)
            && self.values.iter().all(|value| matches!(value.raw, Raw::Bytes([])))
    }
}

impl Serialize for ListJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let field = self.field;
        let mut list = serializer.serialize_seq(None)?;
        for value in self.values {
            match value.raw {
                Raw::Bytes(mut packed) if is_number(field.kind) => {
                    while !packed.is_empty() {
                        let number = decode_varint(&mut packed).map_err(S::Error::custom)?;
                        list.serialize_element(&ValueJson { field, raw: Raw::Varint(number) })?;
                    }
                }
                raw => list.serialize_element(&ValueJson { field, raw })?,
            }
        }
        list.end()
    }
}

struct ValueJson<'a> {
    field: &'static Field,
    raw: Raw<'a>,
}

impl Serialize for ValueJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = |error: prost::DecodeError| S::Error::custom(error);
        match (self.field.kind, self.raw) {
            (FieldType::Bool, Raw::Varint(value)) => serializer.serialize_bool(value != 0),
            (FieldType::Int32, Raw::Varint(value)) => serializer.serialize_i32(low_32(value)),
            (FieldType::Int64, Raw::Varint(value)) => serializer.collect_str(&value.cast_signed()),
            (FieldType::Uint32, Raw::Varint(value)) => {
                serializer.serialize_u32(low_32(value).cast_unsigned())
            }
            (FieldType::Uint64, Raw::Varint(value)) => serializer.collect_str(&value),
            (FieldType::Enum(values), Raw::Varint(value)) => match values.name(low_32(value)) {
                Some(name) => serializer.serialize_str(name),
                None => serializer.serialize_i32(low_32(value)),
            },
            (FieldType::String, Raw::Bytes(bytes)) => {
                serializer.serialize_str(std::str::from_utf8(bytes).map_err(S::Error::custom)?)
            }
            (FieldType::Message(message), Raw::Bytes(bytes)) => {
                MessageJson::new(message, bytes).serialize(serializer)
            }
            (FieldType::Timestamp, Raw::Bytes(bytes)) => {
                let time = prost_types::Timestamp::decode(bytes).map_err(wire)?;
                serializer.serialize_str(&timestamp::write(time).map_err(S::Error::custom)?)
            }
            (FieldType::BoolValue, Raw::Bytes(bytes)) => {
                serializer.serialize_bool(bool::decode(bytes).map_err(wire)?)
            }
            (FieldType::Int32Value, Raw::Bytes(bytes)) => {
                serializer.serialize_i32(i32::decode(bytes).map_err(wire)?)
            }
            (FieldType::Uint32Value, Raw::Bytes(bytes)) => {
                serializer.serialize_u32(u32::decode(bytes).map_err(wire)?)
            }
            (FieldType::Any, Raw::Bytes(bytes)) => {
                AnyJson(Any::decode(bytes).map_err(wire)?).serialize(serializer)
            }
            _ => Err(S::Error::custom(WireError::Type(self.field.name))),
        }
    }
}

/// `Any`, written as an object with `@type`.
struct AnyJson(Any);

impl Serialize for AnyJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Any { type_url, value } = &self.0;
        if type_url.is_empty() && value.is_empty() {
            return serializer.serialize_map(Some(0))?.end();
        }
        if let Some(message) = Descriptor::of_type_url(type_url) {
            return MessageJson::in_any(message, value, type_url).serialize(serializer);
        }
        let mut object = serializer.serialize_map(Some(2))?;
        object.serialize_entry(any::TYPE, type_url)?;
        if type_name(type_url) == any::TIMESTAMP {
            let time =
                prost_types::Timestamp::decode(value.as_slice()).map_err(S::Error::custom)?;
            let text = timestamp::write(time).map_err(S::Error::custom)?;
            object.serialize_entry(any::VALUE, &text)?;
        } else {
            object.serialize_entry(any::VALUE, &STANDARD.encode(value))?;
        }
        object.end()
    }
}

impl<'a> Raw<'a> {
    const fn bytes(self) -> &'a [u8] {
        match self {
            Raw::Bytes(bytes) => bytes,
            Raw::Varint(_) => &[],
        }
    }

    const fn is_default(self) -> bool {
        matches!(self, Raw::Varint(0) | Raw::Bytes([]))
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], WireError> {
    let (taken, after) = rest.split_at_checked(length).ok_or(WireError::CutOff)?;
    *rest = after;
    Ok(taken)
}

/// Low 32 bits of a varint, which are the value of a 32-bit number.
#[expect(clippy::cast_possible_truncation, reason = "protobuf cuts a longer varint the same way")]
const fn low_32(value: u64) -> i32 {
    (value as u32).cast_signed()
}

const fn is_number(kind: FieldType) -> bool {
    matches!(
        kind,
        FieldType::Bool
            | FieldType::Int32
            | FieldType::Int64
            | FieldType::Uint32
            | FieldType::Uint64
            | FieldType::Enum(_)
    )
}

const fn is_message(kind: FieldType) -> bool {
    !is_number(kind) && !matches!(kind, FieldType::String)
}
