//! Reader for protobuf's wire format. Source: protobuf.dev, "Encoding".

/// Maximum number of levels of nested groups in a message; the same limit as in prost.
const MAX_GROUP_DEPTH: u32 = 100;

/// Reasons why bytes are not a protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes end in the middle of a field.
    #[error("the message ends in the middle of a field")]
    Truncated,
    /// A varint of more than 64 bits.
    #[error("a number takes more than 64 bits")]
    VarintTooLong,
    /// Key whose field number is 0 or above 2^29 - 1.
    #[error("`{key}` is not the key of a field")]
    Key {
        /// Field number and wire type, as on the wire.
        key: u64,
    },
    /// Wire type 6 or 7, which do not exist.
    #[error("field {field} has the unknown wire type {wire_type}")]
    UnknownWireType {
        /// Field number.
        field: u32,
        /// Wire type.
        wire_type: u8,
    },
    /// Known field with another wire type.
    #[error("field {field} has an unexpected type")]
    UnexpectedWireType {
        /// Field number.
        field: u32,
    },
    /// Group with an unmatched start or end.
    #[error("a group of fields is not closed properly")]
    UnmatchedGroup,
    /// Groups nested too deeply.
    #[error("groups are nested more than {MAX_GROUP_DEPTH} levels deep")]
    GroupsTooDeep,
}

/// Field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    value: Value<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Fixed-width number or group, which the fields read here never are.
    Other,
}

/// Set of field numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSet(u64);

/// Reader of the fields of a message, in order.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Field<'a> {
    /// Content of a string, bytes or submessage field.
    pub(super) fn bytes(self) -> Result<&'a [u8], WireError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(WireError::UnexpectedWireType { field: self.number }),
        }
    }

    /// Fields of a submessage.
    pub(super) fn message(self) -> Result<Reader<'a>, WireError> {
        self.bytes().map(Reader::new)
    }

    /// Value of a `uint64` field.
    pub(super) fn uint64(self) -> Result<u64, WireError> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => Err(WireError::UnexpectedWireType { field: self.number }),
        }
    }

    /// Value of an `int64` field.
    pub(super) fn int64(self) -> Result<i64, WireError> {
        self.uint64().map(u64::cast_signed)
    }

    /// Value of a `uint32` field: the low 32 bits, as protobuf requires.
    #[expect(clippy::cast_possible_truncation, reason = "protobuf keeps the low 32 bits")]
    pub(super) fn uint32(self) -> Result<u32, WireError> {
        self.uint64().map(|value| value as u32)
    }

    /// Value of an `int32` or enum field.
    pub(super) fn int32(self) -> Result<i32, WireError> {
        self.uint32().map(u32::cast_signed)
    }

    /// Value of a `bool` field.
    pub(super) fn bool(self) -> Result<bool, WireError> {
        self.uint64().map(|value| value != 0)
    }
}

impl FieldSet {
    /// Numbers above 63, for which one bit stands. No field has the number 0.
    const LARGE: u32 = 0;

    pub(super) const fn with(self, number: u32) -> Self {
        let bit = if number < u64::BITS { number } else { Self::LARGE };
        Self(self.0 | 1 << bit)
    }

    /// Whether the set contains `number`; for a number above 63, whether it contains any.
    const fn may_contain(self, number: u32) -> bool {
        let bit = if number < u64::BITS { number } else { Self::LARGE };
        self.0 >> bit & 1 == 1
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Next field; `None` at the end of the message.
    ///
    /// Inline for most fields: a key of one byte, and a number of one byte or content of at most
    /// 127 bytes. All others are read out of line, to keep this function short.
    #[inline]
    pub(super) fn field(&mut self) -> Result<Option<Field<'a>>, WireError> {
        match *self.rest {
            [] => Ok(None),
            [key @ 0..0x80, value @ 0..0x80, ref rest @ ..] => {
                match plain_field(key.into(), value.into(), rest) {
                    Some((field, rest)) => {
                        self.rest = rest;
                        Ok(Some(field))
                    }
                    None => self.odd_field().map(Some),
                }
            }
            _ => self.short_field().map(Some),
        }
    }

    /// Next field of `set`, or another one whose number is above 63.
    ///
    /// Skipping by one look at the set costs less than finding out by the number what the field is:
    /// a jump that processors predict badly.
    #[inline]
    pub(super) fn field_of(&mut self, set: FieldSet) -> Result<Option<Field<'a>>, WireError> {
        loop {
            match self.field()? {
                Some(field) if !set.may_contain(field.number) => {}
                field => return Ok(field),
            }
        }
    }

    /// Reads most of the fields that [`Reader::field`] leaves: two bytes for the key, the number or
    /// the length.
    #[inline(never)]
    fn short_field(&mut self) -> Result<Field<'a>, WireError> {
        if let Some((key, rest)) = short_varint(self.rest)
            && let Some((value, rest)) = short_varint(rest)
            && let Some((field, rest)) = plain_field(key, value, rest)
        {
            self.rest = rest;
            return Ok(field);
        }
        self.odd_field()
    }

    /// Reads a field of any form. Errors: the bytes are not a field.
    #[inline(never)]
    fn odd_field(&mut self) -> Result<Field<'a>, WireError> {
        let (number, wire_type) = self.key()?;
        let value = match wire_type {
            4 => return Err(WireError::UnmatchedGroup),
            wire_type => self.value(number, wire_type)?,
        };
        Ok(Field { number, value })
    }

    fn key(&mut self) -> Result<(u32, u8), WireError> {
        let key = self.varint()?;
        let number = u32::try_from(key).map_err(|_| WireError::Key { key })? >> 3;
        if number == 0 {
            return Err(WireError::Key { key });
        }
        Ok((number, (key & 7).to_le_bytes()[0]))
    }

    fn value(&mut self, field: u32, wire_type: u8) -> Result<Value<'a>, WireError> {
        match wire_type {
            0 => self.varint().map(Value::Varint),
            1 => self.take(8).map(|_| Value::Other),
            2 => {
                let len = self.varint()?;
                let len = usize::try_from(len).map_err(|_| WireError::Truncated)?;
                self.take(len).map(Value::Bytes)
            }
            3 => self.skip_group(field).map(|()| Value::Other),
            5 => self.take(4).map(|_| Value::Other),
            wire_type => Err(WireError::UnknownWireType { field, wire_type }),
        }
    }

    /// Skips the group that `field` has started.
    fn skip_group(&mut self, field: u32) -> Result<(), WireError> {
        let mut open = vec![field];
        while let Some(&innermost) = open.last() {
            if self.rest.is_empty() {
                return Err(WireError::Truncated);
            }
            let (number, wire_type) = self.key()?;
            match wire_type {
                3 if open.len() >= MAX_GROUP_DEPTH as usize => {
                    return Err(WireError::GroupsTooDeep);
                }
                3 => open.push(number),
                4 if number == innermost => {
                    open.pop();
                }
                4 => return Err(WireError::UnmatchedGroup),
                wire_type => {
                    self.value(number, wire_type)?;
                }
            }
        }
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(WireError::Truncated)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && byte > 1 {
                return Err(WireError::VarintTooLong);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::VarintTooLong)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// Varint of one or two bytes, and the rest: nearly all keys, lengths, ports and identities.
#[inline]
fn short_varint(bytes: &[u8]) -> Option<(u16, &[u8])> {
    match *bytes {
        [byte @ 0..0x80, ref rest @ ..] => Some((byte.into(), rest)),
        [low, high @ 0..0x80, ref rest @ ..] => {
            Some((u16::from(low & 0x7f) | u16::from(high) << 7, rest))
        }
        _ => None,
    }
}

/// Field from its key and a number, which is its value or the length of its content; `None` for
/// fields of other types and for invalid keys.
#[inline]
fn plain_field(key: u16, value: u16, rest: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let number = u32::from(key >> 3);
    match key & 7 {
        _ if number == 0 => None,
        0 => Some((Field { number, value: Value::Varint(value.into()) }, rest)),
        2 => {
            let (content, rest) = rest.split_at_checked(value.into())?;
            Some((Field { number, value: Value::Bytes(content) }, rest))
        }
        _ => None,
    }
}
