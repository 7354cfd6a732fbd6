//! Conversion from JSON to wire bytes.

use std::cell::RefCell;
use std::fmt;

use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::Any;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::message::JsonMessage;
use super::scalar::{EnumValue, Integer, fit};
use super::{ReadError, Skipped, any, timestamp};
use crate::schema::{Cardinality, Descriptor, Field, FieldType, type_name};

/// Reads a message, and reports what was skipped.
pub(super) fn message<M: JsonMessage>(json: &[u8]) -> Result<(M, Skipped), ReadError> {
    let skipped = RefCell::new(Skipped::default());
    let mut wire = Vec::with_capacity(json.len() / 2);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let seed = MessageSeed { message: M::descriptor(), wire: &mut wire, skipped: &skipped };
    seed.deserialize(&mut deserializer).map_err(ReadError::Json)?;
    deserializer.end().map_err(ReadError::Json)?;
    Ok((M::decode(wire.as_slice()).map_err(ReadError::Wire)?, skipped.into_inner()))
}

/// Reader of a JSON object into the wire bytes of a message.
pub(super) struct MessageSeed<'a> {
    pub(super) message: &'static Descriptor,
    pub(super) wire: &'a mut Vec<u8>,
    pub(super) skipped: &'a RefCell<Skipped>,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the fields of {}", self.message.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut filled = vec![false; self.message.fields.len()];
        let mut chosen: Vec<u32> = Vec::new();
        while let Some(index) =
            object.next_key_seed(FieldNameSeed { message: self.message, skipped: self.skipped })?
        {
            let Some((field, is_filled)) =
                index.and_then(|index| self.message.fields.get(index).zip(filled.get_mut(index)))
            else {
                object.next_value::<de::IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(is_filled, true) {
                return Err(de::Error::duplicate_field(field.name));
            }
            let seed = FieldSeed {
                field,
                message: self.message,
                wire: &mut *self.wire,
                skipped: self.skipped,
            };
            let is_set = object.next_value_seed(seed)?;
            if let Cardinality::OneOf(choice) = field.cardinality
                && is_set
            {
                if chosen.contains(&choice) {
                    return Err(de::Error::custom(format_args!(
                        "`{}` conflicts with another field of its `oneof`",
                        field.name
                    )));
                }
                chosen.push(choice);
            }
        }
        Ok(())
    }
}

/// Lookup of a field by either of its names.
struct FieldNameSeed<'a> {
    message: &'static Descriptor,
    skipped: &'a RefCell<Skipped>,
}

impl<'de> DeserializeSeed<'de> for FieldNameSeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldNameSeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Option<usize>, E> {
        let index = self
            .message
            .fields
            .iter()
            .position(|field| field.name == name || field.json_name == name);
        // A message within an `Any` also contains the name of its type.
        if index.is_none() && name != any::TYPE {
            self.skipped.borrow_mut().add(|| format!("{}.{}", self.message.name, bounded(name)));
        }
        Ok(index)
    }
}

/// Reader of a field's value or values. Returns whether there was one; null is not a value.
struct FieldSeed<'a> {
    field: &'static Field,
    message: &'static Descriptor,
    wire: &'a mut Vec<u8>,
    skipped: &'a RefCell<Skipped>,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value of {}.{}", self.message.name, self.field.name)
    }

    fn visit_none<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_some<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<bool, D::Error> {
        if self.field.cardinality == Cardinality::Many {
            deserializer.deserialize_seq(self)?;
        } else {
            self.value().deserialize(deserializer)?;
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<bool, A::Error> {
        while list.next_element_seed(self.value())?.is_some() {}
        Ok(true)
    }
}

impl FieldSeed<'_> {
    fn value(&mut self) -> ValueSeed<'_> {
        ValueSeed {
            field: self.field,
            message: self.message,
            wire: &mut *self.wire,
            skipped: self.skipped,
        }
    }
}

/// Reader of one value, which appends it to the wire bytes with its key.
struct ValueSeed<'a> {
    field: &'static Field,
    message: &'static Descriptor,
    wire: &'a mut Vec<u8>,
    skipped: &'a RefCell<Skipped>,
}

impl ValueSeed<'_> {
    fn varint(self, value: u64) {
        encode_key(self.field.number, WireType::Varint, self.wire);
        encode_varint(value, self.wire);
    }

    fn bytes(self, bytes: &[u8]) {
        encode_key(self.field.number, WireType::LengthDelimited, self.wire);
        encode_varint(bytes.len() as u64, self.wire);
        self.wire.extend_from_slice(bytes);
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.field.kind {
            FieldType::Bool => self.varint(bool::deserialize(deserializer)?.into()),
            FieldType::Int32 => {
                let value: i32 = fit(Integer::deserialize(deserializer)?.0, "32 bits")?;
                self.varint(i64::from(value).cast_unsigned());
            }
            FieldType::Int64 => {
                let value: i64 = fit(Integer::deserialize(deserializer)?.0, "64 bits")?;
                self.varint(value.cast_unsigned());
            }
            FieldType::Uint32 => {
                let value: u32 = fit(Integer::deserialize(deserializer)?.0, "32 bits")?;
                self.varint(value.into());
            }
            FieldType::Uint64 => {
                self.varint(fit(Integer::deserialize(deserializer)?.0, "64 bits")?);
            }
            FieldType::String => self.bytes(String::deserialize(deserializer)?.as_bytes()),
            FieldType::Enum(values) => {
                let number = match EnumValue::deserialize(deserializer)? {
                    EnumValue::Number(number) => Some(fit::<i32, _>(number, "32 bits")?),
                    EnumValue::Name(name) => {
                        let number = values.number(&name);
                        if number.is_none() {
                            self.skipped.borrow_mut().add(|| {
                                let (message, field) = (self.message.name, self.field.name);
                                format!("{message}.{field}: {}", bounded(&name))
                            });
                        }
                        number
                    }
                };
                if let Some(number) = number {
                    self.varint(i64::from(number).cast_unsigned());
                }
            }
            FieldType::Message(message) => {
                let mut wire = Vec::new();
                MessageSeed { message, wire: &mut wire, skipped: self.skipped }
                    .deserialize(deserializer)?;
                self.bytes(&wire);
            }
            FieldType::Timestamp => {
                let text = String::deserialize(deserializer)?;
                let time = timestamp::read(&text).ok_or_else(|| {
                    de::Error::invalid_value(de::Unexpected::Str(&text), &"a time as in RFC 3339")
                })?;
                self.bytes(&time.encode_to_vec());
            }
            FieldType::BoolValue => self.bytes(&bool::deserialize(deserializer)?.encode_to_vec()),
            FieldType::Int32Value => {
                let value: i32 = fit(Integer::deserialize(deserializer)?.0, "32 bits")?;
                self.bytes(&value.encode_to_vec());
            }
            FieldType::Uint32Value => {
                let value: u32 = fit(Integer::deserialize(deserializer)?.0, "32 bits")?;
                self.bytes(&value.encode_to_vec());
            }
            FieldType::Any => {
                let any = read_any(deserializer, self.skipped)?;
                self.bytes(&any.encode_to_vec());
            }
        }
        Ok(())
    }
}

/// Reads an object with `@type`. The fields of an unknown type cannot be kept and are reported as
/// skipped.
fn read_any<'de, D: Deserializer<'de>>(
    deserializer: D,
    skipped: &RefCell<Skipped>,
) -> Result<Any, D::Error> {
    let object: serde_json::Map<String, Value> = Deserialize::deserialize(deserializer)?;
    let Some(type_url) = object.get(any::TYPE) else {
        if !object.is_empty() {
            skipped.borrow_mut().add(|| "google.protobuf.Any without `@type`".to_owned());
        }
        return Ok(Any::default());
    };
    let type_url = match type_url {
        Value::String(type_url) if !type_url.is_empty() => type_url.clone(),
        _ => return Err(de::Error::custom("`@type` is not the name of a type")),
    };
    if let Some(message) = Descriptor::of_type_url(&type_url) {
        let mut value = Vec::new();
        MessageSeed { message, wire: &mut value, skipped }
            .deserialize(Value::Object(object))
            .map_err(de::Error::custom)?;
        return Ok(Any { type_url, value });
    }
    let text = match object.get(any::VALUE) {
        Some(Value::String(text)) if object.len() == 2 => Some(text),
        _ => None,
    };
    if type_name(&type_url) == any::TIMESTAMP {
        let time = text
            .and_then(|text| timestamp::read(text))
            .ok_or_else(|| de::Error::custom("`value` is not a time as in RFC 3339"))?;
        return Ok(Any { type_url, value: time.encode_to_vec() });
    }
    let value = text.and_then(|text| any::bytes(text));
    if value.is_none() {
        skipped.borrow_mut().add(|| format!("fields of {}", type_name(&type_url)));
    }
    Ok(Any { type_url, value: value.unwrap_or_default() })
}

/// Start of a name, which may have any length.
fn bounded(name: &str) -> String {
    name.chars().take(64).collect()
}
