//! Self-contained pieces of a pattern: repetitions, flags, escapes.

use super::{Flags, Reason, RegexError, part, syntax};

/// Reads `*`, `+`, `?`, `{2}`, `{2,}` or `{2,5}`, and returns the rest. `None` if the brace is a
/// literal.
pub(super) fn repetition(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let mut chars = text.chars();
    let bounds = match chars.next()? {
        '*' => (0, None),
        '+' => (1, None),
        '?' => (0, Some(1)),
        _ => {
            let (min, rest) = number(chars.as_str())?;
            let (max, rest) = match rest.strip_prefix(',') {
                None => (Some(min), rest),
                Some(rest) if rest.starts_with('}') => (None, rest),
                Some(rest) => {
                    let (max, rest) = number(rest)?;
                    (Some(max), rest)
                }
            };
            return Some((min, max, rest.strip_prefix('}')?));
        }
    };
    Some((bounds.0, bounds.1, chars.as_str()))
}

/// Reads a number without leading zeros. A number beyond `u32` counts as `u32::MAX`.
fn number(text: &str) -> Option<(u32, &str)> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = part(text, rest);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}

/// Reads `(?i:`, `(?i-s)`, …. Returns the flags, whether a group begins, and the rest.
pub(super) fn flags_of(mut flags: Flags, text: &str) -> Result<(Flags, bool, &str), RegexError> {
    let mut value = true;
    let mut is_sign_bare = false;
    let mut chars = text.get(2..).unwrap_or("").chars();
    loop {
        match chars.next() {
            Some('i') => flags.ignore_case = value,
            Some('m') => flags.multi_line = value,
            Some('s') => flags.dot_matches_newline = value,
            Some('U') => {}
            Some('-') if value => {
                value = false;
                is_sign_bare = true;
                continue;
            }
            Some(end @ (':' | ')')) if !is_sign_bare => {
                return Ok((flags, end == ':', chars.as_str()));
            }
            _ => {
                let part = part(text, chars.as_str());
                return Err(syntax(Reason::PerlSyntax, part));
            }
        }
        is_sign_bare = false;
    }
}

/// Reads an escape. Returns the code point and the rest.
pub(super) fn escaped(text: &str) -> Result<(u32, &str), RegexError> {
    let mut chars = text.get(1..).unwrap_or("").chars();
    let Some(c) = chars.next() else {
        return Err(syntax(Reason::TrailingBackslash, ""));
    };
    let code = match c {
        'a' => Some(0x7),
        'f' => Some(0xc),
        't' => Some(0x9),
        'n' => Some(0xa),
        'r' => Some(0xd),
        'v' => Some(0xb),
        'x' => hexadecimal(&mut chars),
        // A single digit would be a back reference, which RE2 lacks.
        '0'..='7' if c == '0' || chars.clone().next().is_some_and(|next| next.is_digit(8)) => {
            let mut value = c.to_digit(8).unwrap_or(0);
            for _ in 0..2 {
                let Some(digit) = chars.clone().next().and_then(|next| next.to_digit(8)) else {
                    break;
                };
                chars.next();
                value = value.saturating_mul(8).saturating_add(digit);
            }
            Some(value)
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
        _ => None,
    };
    code.map(|code| (code, chars.as_str()))
        .ok_or_else(|| syntax(Reason::Escape, part(text, chars.as_str())))
}

/// Reads `41` or `{41}`. `None` if it is neither; the error then shows the part read so far.
fn hexadecimal(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    let first = chars.next()?;
    if first != '{' {
        let second = chars.next();
        return Some(first.to_digit(16)? * 16 + second?.to_digit(16)?);
    }
    let mut value = 0_u32;
    let mut is_empty = true;
    loop {
        let c = chars.next()?;
        if c == '}' {
            return (!is_empty).then_some(value);
        }
        value = value.saturating_mul(16).saturating_add(c.to_digit(16)?);
        if value > u32::from(char::MAX) {
            return None;
        }
        is_empty = false;
    }
}
