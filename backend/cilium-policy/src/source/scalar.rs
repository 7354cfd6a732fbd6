//! Plain scalars as `sigs.k8s.io/yaml` resolves them: as YAML 1.1 of go-yaml v2, which still reads
//! `yes`, `on` and `y` as booleans and `0120` as octal.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::Value;

/// The value of an unquoted scalar without a tag.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Float("+Inf".to_owned());
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float("-Inf".to_owned()),
        ".nan" | ".NaN" | ".NAN" => return Value::Float("NaN".to_owned()),
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Value::String(text.to_owned());
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    integer(&plain)
        .or_else(|| float(&plain).map(Value::Float))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The reason why a text does not have the type of its tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TagError {
    #[error("!!binary value contains invalid base64 data")]
    Binary(#[source] base64::DecodeError),
    #[error("cannot decode `{text}` as a !!{tag}")]
    Type {
        text: String,
        /// The name of the type, as `int`.
        tag: String,
    },
}

/// The value of a scalar, with its tag if it has one. Errors: the tag contradicts the text.
pub(super) fn tagged(text: String, is_plain: bool, tag: Option<&str>) -> Result<Value, TagError> {
    let Some(tag) = tag else {
        return Ok(if is_plain { resolve(&text) } else { Value::String(text) });
    };
    let kind = tag.strip_prefix("tag:yaml.org,2002:").unwrap_or_default();
    let value = match kind {
        "null" | "bool" | "int" | "float" => resolve(&text),
        "timestamp" if is_timestamp(&text) => return Ok(Value::String(text)),
        "timestamp" => Value::Null,
        "binary" => {
            let digits = text.replace(['\r', '\n'], "");
            return STANDARD
                .decode(digits)
                .map(|bytes| Value::String(String::from_utf8_lossy(&bytes).into_owned()))
                .map_err(TagError::Binary);
        }
        _ => return Ok(Value::String(text)),
    };
    let fits = match kind {
        "null" => matches!(value, Value::Null),
        "int" => matches!(value, Value::Integer(_) | Value::Unsigned(_)),
        "float" => matches!(value, Value::Integer(_) | Value::Float(_)),
        "bool" => matches!(value, Value::Bool(_)),
        _ => false,
    };
    if fits { Ok(value) } else { Err(TagError::Type { text, tag: kind.to_owned() }) }
}

/// Whether a text starts with year, month and day.
fn is_timestamp(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let mut digits = |most: usize, least: usize| {
        parts.next().is_some_and(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            (least..=most).contains(&digits) && (most == 2 || digits == part.len())
        })
    };
    digits(4, 4) && digits(2, 1) && digits(2, 1)
}

/// Whether a text without quotes reads as itself in every YAML.
pub(crate) fn plain_text(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'_' | b'-'))
        && matches!(resolve(text), Value::String(_))
}

/// The number by `strconv.ParseInt(text, 0, 64)`, or else by `ParseUint`.
pub(super) fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = magnitude(digits)?;
    if negative {
        return i64::try_from(-i128::from(magnitude)).ok().map(Value::Integer);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Value::Integer(value)),
        // `ParseUint` accepts no sign.
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Value::Unsigned(magnitude)),
    }
}

/// The value of digits in the base of their prefix: `0x`, `0b`, `0o`, or a bare `0` for octal.
pub(crate) fn magnitude(digits: &str) -> Option<u64> {
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    // `from_str_radix` would accept a second sign.
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// A number of go-yaml's `yamlStyleFloat`, `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`,
/// as Go prints it again: `strconv.FormatFloat(value, 'g', -1, 64)`. No policy field is a fraction,
/// so the text is enough, and the browser does without the tables for binary floats.
pub(super) fn float(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent_digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let is_float = digits(whole)
        && digits(fraction)
        && (!whole.is_empty() || !fraction.is_empty())
        && !exponent_digits.is_empty()
        && digits(exponent_digits);
    if !is_float {
        return None;
    }
    let exponent: i64 = exponent.trim_start_matches('+').parse().ok()?;
    let sign = if text.starts_with('-') { "-" } else { "" };
    Some(format!("{sign}{}", shortest(whole, fraction, exponent)))
}

/// The digits in the form of Go's `%g`; a float holds at most 17 of them.
fn shortest(whole: &str, fraction: &str, exponent: i64) -> String {
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    let zeros = all.len().saturating_sub(significant.len());
    let significant = significant.get(..17).unwrap_or(significant).trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    // The position of the decimal point after the first significant digit.
    let point = i64::try_from(whole.len())
        .unwrap_or(i64::MAX)
        .saturating_sub(i64::try_from(zeros).unwrap_or(i64::MAX))
        .saturating_add(exponent);
    let scientific = point.saturating_sub(1);
    if !(-4..21).contains(&scientific) {
        let (first, rest) = significant.split_at_checked(1).unwrap_or((significant, ""));
        let dot = if rest.is_empty() { "" } else { "." };
        let sign = if scientific < 0 { '-' } else { '+' };
        return format!("{first}{dot}{rest}e{sign}{:02}", scientific.unsigned_abs());
    }
    match usize::try_from(point) {
        Ok(point) if point >= significant.len() => {
            format!("{significant}{}", "0".repeat(point.saturating_sub(significant.len())))
        }
        Ok(point) if point > 0 => {
            let (head, tail) = significant.split_at_checked(point).unwrap_or((significant, ""));
            format!("{head}.{tail}")
        }
        _ => {
            let lead = usize::try_from(point.unsigned_abs()).unwrap_or(0);
            format!("0.{}{significant}", "0".repeat(lead))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_fits_its_text_or_is_refused() {
        let check = |text: &str, tag: &str, expected: Result<Value, &str>| {
            let tag = format!("tag:yaml.org,2002:{tag}");
            let found = tagged(text.to_owned(), true, Some(&tag)).map_err(|err| err.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{text} {tag}");
        };
        check("80", "int", Ok(Value::Integer(80)));
        check("aGk=", "binary", Ok(Value::String("hi".to_owned())));
        check("http", "int", Err("cannot decode `http` as a !!int"));
        check("?", "binary", Err("!!binary value contains invalid base64 data"));
    }
}
