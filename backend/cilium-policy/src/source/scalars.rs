//! YAML scalars: plain, quoted and block.

use super::{SyntaxError, characters::Characters};

/// The line breaks between two words of a scalar during folding.
#[derive(Default)]
struct Breaks {
    /// The blanks on one line; they count where no break follows.
    blanks: String,
    first: Option<&'static str>,
    more: String,
}

impl Breaks {
    /// Skips blanks and line breaks. Errors: `tab` tells where tabs are forbidden.
    fn read(
        &mut self,
        characters: &mut Characters<'_>,
        tab: impl Fn(&Characters<'_>) -> bool,
    ) -> Result<(), SyntaxError> {
        loop {
            if characters.is_blank(0) {
                if self.first.is_none() {
                    characters.copy(&mut self.blanks);
                } else if tab(characters) {
                    return Err(characters.error("found a tab character that violates indentation"));
                } else {
                    characters.skip();
                }
            } else if !characters.is_end() && characters.is_break(0) {
                let meaning = characters.skip_line();
                if self.first.is_none() {
                    self.first = Some(meaning);
                } else {
                    self.more.push_str(meaning);
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Writes the folded breaks: one break becomes a blank, several become one less.
    fn fold(&mut self, into: &mut String) {
        match self.first.take() {
            Some("\n") if self.more.is_empty() => into.push(' '),
            Some("\n") => into.push_str(&self.more),
            Some(first) => {
                into.push_str(first);
                into.push_str(&self.more);
            }
            None => into.push_str(&self.blanks),
        }
        self.blanks.clear();
        self.more.clear();
    }
}

/// A plain scalar, and whether it extends over a line's end. `inner` is the smallest column of
/// content inside the block collection around it.
pub(super) fn plain(
    characters: &mut Characters<'_>,
    inner: usize,
    is_flow: bool,
) -> Result<(String, bool), SyntaxError> {
    let mut text = String::new();
    let mut breaks = Breaks::default();
    loop {
        if characters.is_document_indicator() || characters.here() == b'#' {
            break;
        }
        while !characters.is_blank_or_end(0) {
            let ends = (characters.here() == b':' && characters.is_blank_or_end(1))
                || (is_flow
                    && matches!(characters.here(), b',' | b'?' | b'[' | b']' | b'{' | b'}'));
            if ends {
                break;
            }
            breaks.fold(&mut text);
            characters.copy(&mut text);
        }
        if characters.is_end() || !(characters.is_blank(0) || characters.is_break(0)) {
            break;
        }
        breaks.read(characters, |characters| {
            characters.here() == b'\t' && characters.column() < inner
        })?;
        if !is_flow && characters.column() < inner {
            break;
        }
    }
    Ok((text, breaks.first.is_some()))
}

/// A quoted scalar.
pub(super) fn quoted(characters: &mut Characters<'_>, quote: u8) -> Result<String, SyntaxError> {
    let is_single = quote == b'\'';
    let mut text = String::new();
    characters.skip();
    loop {
        if characters.is_document_indicator() {
            return Err(characters.error("found unexpected document indicator"));
        }
        if characters.is_end() {
            return Err(characters.error("found unexpected end of stream"));
        }
        let mut breaks = Breaks::default();
        while !characters.is_blank_or_end(0) {
            if is_single && characters.here() == quote && characters.next() == quote {
                text.push('\'');
                characters.skip();
                characters.skip();
            } else if characters.here() == quote {
                break;
            } else if !is_single && characters.here() == b'\\' && characters.is_break(1) {
                characters.skip();
                characters.skip_line();
                // Following blanks do not count, and neither does this break.
                breaks.first = Some("");
                break;
            } else if !is_single && characters.here() == b'\\' {
                escape(characters, &mut text)?;
            } else {
                characters.copy(&mut text);
            }
        }
        if characters.here() == quote {
            characters.skip();
            return Ok(text);
        }
        breaks.read(characters, |_| false)?;
        breaks.fold(&mut text);
    }
}

fn escape(characters: &mut Characters<'_>, text: &mut String) -> Result<(), SyntaxError> {
    let (plain, digits) = match characters.next() {
        b'0' => ('\0', 0),
        b'a' => ('\u{7}', 0),
        b'b' => ('\u{8}', 0),
        b't' | b'\t' => ('\t', 0),
        b'n' => ('\n', 0),
        b'v' => ('\u{b}', 0),
        b'f' => ('\u{c}', 0),
        b'r' => ('\r', 0),
        b'e' => ('\u{1b}', 0),
        b' ' => (' ', 0),
        b'"' => ('"', 0),
        b'\'' => ('\'', 0),
        b'\\' => ('\\', 0),
        b'N' => ('\u{85}', 0),
        b'_' => ('\u{a0}', 0),
        b'L' => ('\u{2028}', 0),
        b'P' => ('\u{2029}', 0),
        b'x' => (' ', 2),
        b'u' => (' ', 4),
        b'U' => (' ', 8),
        _ => return Err(characters.error("found unknown escape character")),
    };
    characters.skip();
    characters.skip();
    if digits == 0 {
        text.push(plain);
        return Ok(());
    }
    let mut code: u32 = 0;
    for _ in 0..digits {
        let Some(digit) = char::from(characters.here()).to_digit(16) else {
            return Err(characters.error("did not find expected hexadecimal number"));
        };
        code = code.wrapping_shl(4) | digit;
        characters.skip();
    }
    match char::from_u32(code) {
        Some(c) => text.push(c),
        None => return Err(characters.error("found invalid Unicode character escape code")),
    }
    Ok(())
}

/// The treatment of line breaks after a block; by default, the first one stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Keep,
}

/// A block scalar; `outer` is the smallest column of content inside the block collection around it.
pub(super) fn block(
    characters: &mut Characters<'_>,
    outer: usize,
    is_literal: bool,
) -> Result<String, SyntaxError> {
    characters.skip();
    let (mut chomp, mut increment) = (None, None);
    for _ in 0..2 {
        match characters.here() {
            sign @ (b'+' | b'-') if chomp.is_none() => {
                chomp = Some(if sign == b'+' { Chomp::Keep } else { Chomp::Strip });
            }
            b'0' if increment.is_none() => {
                return Err(characters.error("found an indentation indicator equal to 0"));
            }
            digit if digit.is_ascii_digit() && increment.is_none() => {
                increment = Some(usize::from(digit - b'0'));
            }
            _ => break,
        }
        characters.skip();
    }
    characters.skip_blanks();
    characters.skip_comment();
    if !characters.is_end() {
        if !characters.is_break(0) {
            return Err(characters.error("did not find expected comment or line break"));
        }
        characters.skip_line();
    }
    // The column of the surrounding collection, if there is one.
    let mut indent = increment.map(|more| outer.saturating_sub(1).saturating_add(more));
    let mut text = String::new();
    let mut trailing = String::new();
    let mut leading: &str = "";
    let mut was_blank = false;
    indentation(characters, outer, &mut indent, &mut trailing)?;
    while !characters.is_end() && Some(characters.column()) == indent {
        let is_blank = characters.is_blank(0);
        if !is_literal && !was_blank && !is_blank && leading == "\n" {
            if trailing.is_empty() {
                text.push(' ');
            }
        } else {
            text.push_str(leading);
        }
        text.push_str(&trailing);
        trailing.clear();
        was_blank = is_blank;
        while !characters.is_end() && !characters.is_break(0) {
            characters.copy(&mut text);
        }
        leading = if characters.is_end() { "" } else { characters.skip_line() };
        indentation(characters, outer, &mut indent, &mut trailing)?;
    }
    if chomp != Some(Chomp::Strip) {
        text.push_str(leading);
    }
    if chomp == Some(Chomp::Keep) {
        text.push_str(&trailing);
    }
    Ok(text)
}

/// Skips empty lines and indentation; determines the depth of a block without an explicit one.
fn indentation(
    characters: &mut Characters<'_>,
    outer: usize,
    indent: &mut Option<usize>,
    breaks: &mut String,
) -> Result<(), SyntaxError> {
    let mut deepest = 0;
    loop {
        while characters.here() == b' ' && indent.is_none_or(|indent| characters.column() < indent)
        {
            characters.skip();
        }
        deepest = deepest.max(characters.column());
        if characters.here() == b'\t' && indent.is_none_or(|indent| characters.column() < indent) {
            return Err(
                characters.error("found a tab character where an indentation space is expected")
            );
        }
        if characters.is_end() || !characters.is_break(0) {
            break;
        }
        breaks.push_str(characters.skip_line());
    }
    if indent.is_none() {
        *indent = Some(deepest.max(outer).max(1));
    }
    Ok(())
}
