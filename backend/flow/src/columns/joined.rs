use std::borrow::Cow;

/// Terminator of an item (ASCII unit separator). Items are terminated, not separated, so that a
/// list of one empty item differs from an empty list.
const END: u8 = 0x1f;
/// Prefix of a byte that stands for a control character within an item (ASCII escape).
const ESCAPE: u8 = 0x1b;
const ESCAPED_END: u8 = b'u';
const ESCAPED_ESCAPE: u8 = b'e';

/// Repeated field, joined into one dictionary text; [`split`] is the inverse.
///
/// Most rows share their lists with others (the labels of a pod), so that a whole list has one
/// code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinedList {
    joined: Vec<u8>,
}

impl JoinedList {
    /// Adds an item at the end.
    pub fn push(&mut self, item: &[u8]) {
        // The bits are collected without an early exit, so that 16 bytes are checked at once.
        let is_control = |byte: u8| u8::from(byte == END) | u8::from(byte == ESCAPE);
        if item.iter().fold(0, |any, &byte| any | is_control(byte)) != 0 {
            for &byte in item {
                match byte {
                    END => self.joined.extend([ESCAPE, ESCAPED_END]),
                    ESCAPE => self.joined.extend([ESCAPE, ESCAPED_ESCAPE]),
                    byte => self.joined.push(byte),
                }
            }
        } else {
            self.joined.extend_from_slice(item);
        }
        self.joined.push(END);
    }

    /// Removes all items and keeps the buffer.
    pub fn clear(&mut self) {
        self.joined.clear();
    }

    /// Text of the list; empty for an empty list.
    pub fn as_bytes(&self) -> &[u8] {
        &self.joined
    }
}

/// Items of a joined list.
pub fn split(joined: &str) -> impl Iterator<Item = Cow<'_, str>> {
    joined.split_terminator(char::from(END)).map(|item| {
        if item.contains(char::from(ESCAPE)) {
            Cow::Owned(unescape(item))
        } else {
            Cow::Borrowed(item)
        }
    })
}

fn unescape(item: &str) -> String {
    let mut plain = String::with_capacity(item.len());
    let mut chars = item.chars();
    while let Some(char) = chars.next() {
        if char != char::from(ESCAPE) {
            plain.push(char);
            continue;
        }
        match chars.next() {
            Some('u') => plain.push(char::from(END)),
            Some('e') | None => plain.push(char::from(ESCAPE)),
            Some(other) => plain.extend([char::from(ESCAPE), other]),
        }
    }
    plain
}
