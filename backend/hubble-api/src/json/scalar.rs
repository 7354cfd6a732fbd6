//! Numbers and texts in all spellings of protobuf's JSON mapping.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// Largest integer that is exact in a JSON number with fraction or exponent.
const EXACT_LIMIT: f64 = 9_007_199_254_740_992.0;

/// Integer, written as a number (`5`, `5.0`, `5e0`) or as its text (`"5"`).
pub(super) struct Integer(pub(super) i128);

/// Value of an enumeration.
pub(super) enum EnumValue {
    Name(String),
    Number(i128),
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntegerVisitor;

        impl Visitor<'_> for IntegerVisitor {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Integer, E> {
                Ok(Integer(value.into()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Integer, E> {
                Ok(Integer(value.into()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Integer, E> {
                if value.fract() != 0.0 || value.abs() > EXACT_LIMIT {
                    return Err(E::invalid_value(de::Unexpected::Float(value), &self));
                }
                #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
                Ok(Integer((value as i64).into()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Integer, E> {
                let is_plain = !text.starts_with(char::is_whitespace)
                    && !text.ends_with(char::is_whitespace)
                    && !text.starts_with('"');
                let number = if is_plain { serde_json::from_str(text).ok() } else { None };
                number.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(IntegerVisitor)
    }
}

impl<'de> Deserialize<'de> for EnumValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EnumVisitor;

        impl Visitor<'_> for EnumVisitor {
            type Value = EnumValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name or the number of an enumeration's value")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<EnumValue, E> {
                Ok(EnumValue::Number(value.into()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<EnumValue, E> {
                Ok(EnumValue::Number(value.into()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<EnumValue, E> {
                let whole = Integer::deserialize(de::value::F64Deserializer::<E>::new(value))?;
                Ok(EnumValue::Number(whole.0))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<EnumValue, E> {
                Ok(EnumValue::Name(name.to_owned()))
            }
        }

        deserializer.deserialize_any(EnumVisitor)
    }
}

/// Number that fits a protobuf type. Errors: `value` does not fit.
pub(super) fn fit<T: TryFrom<i128>, E: de::Error>(value: i128, what: &'static str) -> Result<T, E> {
    T::try_from(value).map_err(|_| E::custom(format_args!("{value} does not fit into {what}")))
}
