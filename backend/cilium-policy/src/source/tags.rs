//! The properties before a YAML node (anchors and tags), and directives.

use super::{SyntaxError, characters::Characters};

const YAML: &str = "tag:yaml.org,2002:";

fn name(characters: &mut Characters<'_>) -> String {
    let mut name = String::new();
    while characters.here().is_ascii_alphanumeric() || matches!(characters.here(), b'_' | b'-') {
        characters.copy(&mut name);
    }
    name
}

/// The name of an anchor or an alias.
pub(super) fn anchor(characters: &mut Characters<'_>) -> Result<String, SyntaxError> {
    characters.skip();
    let name = name(characters);
    let ends = characters.is_blank_or_end(0)
        || matches!(characters.here(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
    if name.is_empty() || !ends {
        return Err(characters.error("did not find expected alphabetic or numeric character"));
    }
    Ok(name)
}

/// Skips a directive: documents are split before they are read, so it has no use.
pub(super) fn directive(characters: &mut Characters<'_>) -> Result<(), SyntaxError> {
    characters.skip();
    let name = name(characters);
    if !matches!(name.as_str(), "YAML" | "TAG") || !characters.is_blank(0) {
        return Err(characters.error("found unknown directive name"));
    }
    while !characters.is_break_or_end(0) {
        characters.skip();
    }
    Ok(())
}

/// A tag with its handle expanded.
pub(super) fn tag(characters: &mut Characters<'_>) -> Result<String, SyntaxError> {
    characters.skip();
    let mut tag = String::new();
    if characters.here() == b'<' {
        characters.skip();
        uri(characters, &mut tag)?;
        if characters.here() != b'>' {
            return Err(characters.error("did not find the expected '>'"));
        }
        characters.skip();
    } else {
        let name = name(characters);
        let is_handle = characters.here() == b'!';
        if is_handle && !name.is_empty() {
            return Err(characters.error("found undefined tag handle"));
        }
        if is_handle {
            characters.skip();
            uri(characters, &mut tag)?;
            tag.insert_str(0, YAML);
        } else {
            // A lone `!` is a tag too.
            tag.push('!');
            tag.push_str(&name);
            uri_characters(characters, &mut tag)?;
        }
    }
    if !characters.is_blank_or_end(0) {
        return Err(characters.error("did not find expected whitespace or line break"));
    }
    Ok(tag)
}

fn uri(characters: &mut Characters<'_>, into: &mut String) -> Result<(), SyntaxError> {
    let before = into.len();
    uri_characters(characters, into)?;
    if into.len() == before {
        return Err(characters.error("did not find expected tag URI"));
    }
    Ok(())
}

fn uri_characters(characters: &mut Characters<'_>, into: &mut String) -> Result<(), SyntaxError> {
    let mut escaped: Vec<u8> = Vec::new();
    loop {
        let is_escape = characters.here() == b'%';
        if !is_escape && !escaped.is_empty() {
            match String::from_utf8(std::mem::take(&mut escaped)) {
                Ok(text) => into.push_str(&text),
                Err(_) => return Err(characters.error("found an incorrect UTF-8 octet")),
            }
        }
        if is_escape {
            let digit = |ahead| char::from(characters.byte(ahead)).to_digit(16);
            let (Some(high), Some(low)) = (digit(1), digit(2)) else {
                return Err(characters.error("did not find URI escaped octet"));
            };
            escaped.push(u8::try_from(high * 16 + low).unwrap_or_default());
            for _ in 0..3 {
                characters.skip();
            }
        } else if characters.here().is_ascii_alphanumeric()
            || b"_-;/?:@&=+$,.!~*'()[]".contains(&characters.here())
        {
            characters.copy(into);
        } else {
            return Ok(());
        }
    }
}
