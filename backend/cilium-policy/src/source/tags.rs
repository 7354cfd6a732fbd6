//! The properties before a YAML node (anchors and tags), and directives.

use super::{SyntaxError, tokens::Scanner};

const YAML: &str = "tag:yaml.org,2002:";

fn name(scanner: &mut Scanner<'_>) -> String {
    let mut name = String::new();
    while scanner.here().is_ascii_alphanumeric() || matches!(scanner.here(), b'_' | b'-') {
        scanner.copy(&mut name);
    }
    name
}

/// The name of an anchor or an alias.
pub(super) fn anchor(scanner: &mut Scanner<'_>) -> Result<String, SyntaxError> {
    scanner.skip();
    let name = name(scanner);
    let ends = scanner.is_blank_or_end(0)
        || matches!(scanner.here(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
    if name.is_empty() || !ends {
        return Err(scanner.error("did not find expected alphabetic or numeric character"));
    }
    Ok(name)
}

/// Skips a directive: documents are split before they are read, so it has no use.
pub(super) fn directive(scanner: &mut Scanner<'_>) -> Result<(), SyntaxError> {
    scanner.skip();
    let name = name(scanner);
    if !matches!(name.as_str(), "YAML" | "TAG") || !scanner.is_blank(0) {
        return Err(scanner.error("found unknown directive name"));
    }
    while !scanner.is_break_or_end(0) {
        scanner.skip();
    }
    Ok(())
}

/// A tag with its handle expanded.
pub(super) fn tag(scanner: &mut Scanner<'_>) -> Result<String, SyntaxError> {
    scanner.skip();
    let mut tag = String::new();
    if scanner.here() == b'<' {
        scanner.skip();
        uri(scanner, &mut tag)?;
        if scanner.here() != b'>' {
            return Err(scanner.error("did not find the expected '>'"));
        }
        scanner.skip();
    } else {
        let name = name(scanner);
        let is_handle = scanner.here() == b'!';
        if is_handle && !name.is_empty() {
            return Err(scanner.error("found undefined tag handle"));
        }
        if is_handle {
            scanner.skip();
            uri(scanner, &mut tag)?;
            tag.insert_str(0, YAML);
        } else {
            // A lone `!` is a tag too.
            tag.push('!');
            tag.push_str(&name);
            uri_characters(scanner, &mut tag)?;
        }
    }
    if !scanner.is_blank_or_end(0) {
        return Err(scanner.error("did not find expected whitespace or line break"));
    }
    Ok(tag)
}

fn uri(scanner: &mut Scanner<'_>, into: &mut String) -> Result<(), SyntaxError> {
    let before = into.len();
    uri_characters(scanner, into)?;
    if into.len() == before {
        return Err(scanner.error("did not find expected tag URI"));
    }
    Ok(())
}

fn uri_characters(scanner: &mut Scanner<'_>, into: &mut String) -> Result<(), SyntaxError> {
    let mut escaped: Vec<u8> = Vec::new();
    loop {
        let is_escape = scanner.here() == b'%';
        if !is_escape && !escaped.is_empty() {
            match String::from_utf8(std::mem::take(&mut escaped)) {
                Ok(text) => into.push_str(&text),
                Err(_) => return Err(scanner.error("found an incorrect UTF-8 octet")),
            }
        }
        if is_escape {
            let digit = |ahead| char::from(scanner.byte(ahead)).to_digit(16);
            let (Some(high), Some(low)) = (digit(1), digit(2)) else {
                return Err(scanner.error("did not find URI escaped octet"));
            };
            escaped.push(u8::try_from(high * 16 + low).unwrap_or_default());
            for _ in 0..3 {
                scanner.skip();
            }
        } else if scanner.here().is_ascii_alphanumeric()
            || b"_-;/?:@&=+$,.!~*'()[]".contains(&scanner.here())
        {
            scanner.copy(into);
        } else {
            return Ok(());
        }
    }
}
