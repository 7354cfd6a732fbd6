//! Scanner for the limits of JSON values in bytes that may end anywhere.

/// Reasons why the available bytes yield no token or value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end within a value; more must arrive.
    Short,
    /// The bytes are malformed, and more bytes cannot change that.
    Malformed(String),
}

impl Stop {
    pub(super) fn expected(what: &str) -> Self {
        Self::Malformed(format!("expected {what}"))
    }
}

/// Next token in an object.
pub(super) enum Member<'a> {
    /// Key without its quotes, and the bytes from its value on, at least one.
    Key(&'a [u8], &'a [u8]),
    /// End of the object, and the bytes after it.
    Close(&'a [u8]),
}

/// Next token in a list.
pub(super) enum Item<'a> {
    /// Bytes from an item on, at least one.
    Value(&'a [u8]),
    /// End of the list, and the bytes after it.
    Close(&'a [u8]),
}

/// Next member of an open object, `after` another one or as the first.
pub(super) fn member(bytes: &[u8], after: bool) -> Result<Member<'_>, Stop> {
    let bytes = bytes.trim_ascii_start();
    if let Some(rest) = bytes.strip_prefix(b"}") {
        return Ok(Member::Close(rest));
    }
    let bytes = if after { token(bytes, b',', "`,` or `}`")? } else { bytes };
    match bytes.first() {
        None => return Err(Stop::Short),
        Some(b'"') => {}
        Some(_) => return Err(Stop::expected("a key in quotes")),
    }
    let (key, rest) = split(bytes, string_len(bytes)?);
    let value = token(rest.trim_ascii_start(), b':', "`:`")?;
    if value.is_empty() {
        return Err(Stop::Short);
    }
    let key = key.strip_prefix(b"\"").and_then(|key| key.strip_suffix(b"\"")).unwrap_or_default();
    Ok(Member::Key(key, value))
}

/// Next item of an open list, `after` another one or as the first.
pub(super) fn item(bytes: &[u8], after: bool) -> Result<Item<'_>, Stop> {
    let bytes = bytes.trim_ascii_start();
    if let Some(rest) = bytes.strip_prefix(b"]") {
        return Ok(Item::Close(rest));
    }
    let bytes = if after { token(bytes, b',', "`,` or `]`")? } else { bytes };
    if bytes.is_empty() { Err(Stop::Short) } else { Ok(Item::Value(bytes)) }
}

/// Value at the start of `bytes`, and the rest. Brackets are only counted; the reader of the value
/// checks that they match.
pub(super) fn value(bytes: &[u8]) -> Result<(&[u8], &[u8]), Stop> {
    let len = match bytes.first() {
        None => return Err(Stop::Short),
        Some(b'"') => string_len(bytes)?,
        Some(b'{' | b'[') => nested_len(bytes)?,
        Some(_) => {
            let is_end =
                |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
            match bytes.iter().position(is_end) {
                None => return Err(Stop::Short),
                Some(0) => return Err(Stop::expected("a value")),
                Some(len) => len,
            }
        }
    };
    Ok(split(bytes, len))
}

/// Bytes after `expected`, without space before the next token.
fn token<'a>(bytes: &'a [u8], expected: u8, name: &str) -> Result<&'a [u8], Stop> {
    match bytes.split_first() {
        None => Err(Stop::Short),
        Some((first, rest)) if *first == expected => Ok(rest.trim_ascii_start()),
        Some(_) => Err(Stop::expected(name)),
    }
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

/// Length of the string at the start of `bytes`, including quotes.
fn string_len(bytes: &[u8]) -> Result<usize, Stop> {
    let mut bytes = bytes.iter().enumerate().skip(1);
    loop {
        match bytes.next() {
            None => return Err(Stop::Short),
            Some((at, b'"')) => return Ok(at + 1),
            Some((_, b'\\')) => drop(bytes.next()),
            Some(_) => {}
        }
    }
}

/// Length of the object or list at the start of `bytes`.
fn nested_len(bytes: &[u8]) -> Result<usize, Stop> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let is_mark = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']');
        let next = rest.iter().position(is_mark).ok_or(Stop::Short)?;
        at += next;
        match rest.get(next) {
            Some(b'"') => at += string_len(rest.get(next..).unwrap_or_default())?,
            Some(b'{' | b'[') => {
                depth += 1;
                at += 1;
            }
            _ => {
                depth = depth.saturating_sub(1);
                at += 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
        }
    }
}
