//! Messages of other APIs within a flow.

use std::cell::RefCell;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use prost::Message as _;
use prost_types::Any;
use serde::de::{DeserializeSeed, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::Skipped;
use super::read::MessageSeed;
use super::timestamp;
use super::write::MessageJson;
use crate::schema::{Descriptor, type_name};

/// Name of the type in the JSON object.
pub(super) const TYPE: &str = "@type";
/// Name of the value, for types with a JSON form of their own.
const VALUE: &str = "value";
const TIMESTAMP: &str = "google.protobuf.Timestamp";

/// Accepts base64 with and without padding, like Go.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// `Any`, written as an object with `@type`.
pub(super) struct AnyJson(pub(super) Any);

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
        object.serialize_entry(TYPE, type_url)?;
        if type_name(type_url) == TIMESTAMP {
            let time =
                prost_types::Timestamp::decode(value.as_slice()).map_err(S::Error::custom)?;
            let text = timestamp::write(time).map_err(S::Error::custom)?;
            object.serialize_entry(VALUE, &text)?;
        } else {
            object.serialize_entry(VALUE, &general_purpose::STANDARD.encode(value))?;
        }
        object.end()
    }
}

/// Reads an object with `@type`. The fields of an unknown type cannot be kept and are reported as
/// skipped.
pub(super) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
    skipped: &RefCell<Skipped>,
) -> Result<Any, D::Error> {
    let object: serde_json::Map<String, Value> = serde::Deserialize::deserialize(deserializer)?;
    let Some(type_url) = object.get(TYPE) else {
        if !object.is_empty() {
            skipped.borrow_mut().add(|| "google.protobuf.Any without `@type`".to_owned());
        }
        return Ok(Any::default());
    };
    let type_url = match type_url {
        Value::String(type_url) if !type_url.is_empty() => type_url.clone(),
        _ => return Err(D::Error::custom("`@type` is not the name of a type")),
    };
    if let Some(message) = Descriptor::of_type_url(&type_url) {
        let mut value = Vec::new();
        MessageSeed { message, wire: &mut value, skipped }
            .deserialize(Value::Object(object))
            .map_err(D::Error::custom)?;
        return Ok(Any { type_url, value });
    }
    let text = match object.get(VALUE) {
        Some(Value::String(text)) if object.len() == 2 => Some(text),
        _ => None,
    };
    if type_name(&type_url) == TIMESTAMP {
        let time = text
            .and_then(|text| timestamp::read(text))
            .ok_or_else(|| D::Error::custom("`value` is not a time as in RFC 3339"))?;
        return Ok(Any { type_url, value: time.encode_to_vec() });
    }
    let value = text.and_then(|text| {
        let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
        engine.decode(text).ok()
    });
    if value.is_none() {
        skipped.borrow_mut().add(|| format!("fields of {}", type_name(&type_url)));
    }
    Ok(Any { type_url, value: value.unwrap_or_default() })
}
