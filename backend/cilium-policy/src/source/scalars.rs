//! YAML scalars: plain, quoted and block.

use super::{SyntaxError, tokens::Scanner};

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
        scanner: &mut Scanner<'_>,
        tab: impl Fn(&Scanner<'_>) -> bool,
    ) -> Result<(), SyntaxError> {
        loop {
            if scanner.is_blank(0) {
                if self.first.is_none() {
                    scanner.copy(&mut self.blanks);
                } else if tab(scanner) {
                    return Err(scanner.error("found a tab character that violates indentation"));
                } else {
                    scanner.skip();
                }
            } else if !scanner.is_end() && scanner.is_break(0) {
                let meaning = scanner.skip_line();
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

/// A plain scalar, and whether it extends over a line's end.
pub(super) fn plain(scanner: &mut Scanner<'_>) -> Result<(String, bool), SyntaxError> {
    let inner = scanner.inner_column();
    let is_flow = scanner.is_in_flow();
    let mut text = String::new();
    let mut breaks = Breaks::default();
    loop {
        if scanner.is_document_indicator() || scanner.here() == b'#' {
            break;
        }
        while !scanner.is_blank_or_end(0) {
            let ends = (scanner.here() == b':' && scanner.is_blank_or_end(1))
                || (is_flow && matches!(scanner.here(), b',' | b'?' | b'[' | b']' | b'{' | b'}'));
            if ends {
                break;
            }
            breaks.fold(&mut text);
            scanner.copy(&mut text);
        }
        if scanner.is_end() || !(scanner.is_blank(0) || scanner.is_break(0)) {
            break;
        }
        breaks.read(scanner, |scanner| scanner.here() == b'\t' && scanner.column() < inner)?;
        if !is_flow && scanner.column() < inner {
            break;
        }
    }
    Ok((text, breaks.first.is_some()))
}

/// A quoted scalar.
pub(super) fn quoted(scanner: &mut Scanner<'_>, quote: u8) -> Result<String, SyntaxError> {
    let is_single = quote == b'\'';
    let mut text = String::new();
    scanner.skip();
    loop {
        if scanner.is_document_indicator() {
            return Err(scanner.error("found unexpected document indicator"));
        }
        if scanner.is_end() {
            return Err(scanner.error("found unexpected end of stream"));
        }
        let mut breaks = Breaks::default();
        while !scanner.is_blank_or_end(0) {
            if is_single && scanner.here() == quote && scanner.next() == quote {
                text.push('\'');
                scanner.skip();
                scanner.skip();
            } else if scanner.here() == quote {
                break;
            } else if !is_single && scanner.here() == b'\\' && scanner.is_break(1) {
                scanner.skip();
                scanner.skip_line();
                // Following blanks do not count, and neither does this break.
                breaks.first = Some("");
                break;
            } else if !is_single && scanner.here() == b'\\' {
                escape(scanner, &mut text)?;
            } else {
                scanner.copy(&mut text);
            }
        }
        if scanner.here() == quote {
            scanner.skip();
            return Ok(text);
        }
        breaks.read(scanner, |_| false)?;
        breaks.fold(&mut text);
    }
}

fn escape(scanner: &mut Scanner<'_>, text: &mut String) -> Result<(), SyntaxError> {
    let (plain, digits) = match scanner.next() {
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
        _ => return Err(scanner.error("found unknown escape character")),
    };
    scanner.skip();
    scanner.skip();
    if digits == 0 {
        text.push(plain);
        return Ok(());
    }
    let mut code: u32 = 0;
    for _ in 0..digits {
        let Some(digit) = char::from(scanner.here()).to_digit(16) else {
            return Err(scanner.error("did not find expected hexadecimal number"));
        };
        code = code.wrapping_shl(4) | digit;
        scanner.skip();
    }
    match char::from_u32(code) {
        Some(c) => text.push(c),
        None => return Err(scanner.error("found invalid Unicode character escape code")),
    }
    Ok(())
}

/// The treatment of line breaks after a block; by default, the first one stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Keep,
}

/// A block scalar.
pub(super) fn block(scanner: &mut Scanner<'_>, is_literal: bool) -> Result<String, SyntaxError> {
    scanner.skip();
    let (mut chomp, mut increment) = (None, None);
    for _ in 0..2 {
        match scanner.here() {
            sign @ (b'+' | b'-') if chomp.is_none() => {
                chomp = Some(if sign == b'+' { Chomp::Keep } else { Chomp::Strip });
            }
            b'0' if increment.is_none() => {
                return Err(scanner.error("found an indentation indicator equal to 0"));
            }
            digit if digit.is_ascii_digit() && increment.is_none() => {
                increment = Some(usize::from(digit - b'0'));
            }
            _ => break,
        }
        scanner.skip();
    }
    scanner.skip_blanks();
    scanner.skip_comment();
    if !scanner.is_end() {
        if !scanner.is_break(0) {
            return Err(scanner.error("did not find expected comment or line break"));
        }
        scanner.skip_line();
    }
    let outer = scanner.inner_column();
    // The column of the surrounding collection, if there is one.
    let mut indent = increment.map(|more| outer.saturating_sub(1).saturating_add(more));
    let mut text = String::new();
    let mut trailing = String::new();
    let mut leading: &str = "";
    let mut was_blank = false;
    indentation(scanner, &mut indent, &mut trailing)?;
    while !scanner.is_end() && Some(scanner.column()) == indent {
        let is_blank = scanner.is_blank(0);
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
        while !scanner.is_end() && !scanner.is_break(0) {
            scanner.copy(&mut text);
        }
        leading = if scanner.is_end() { "" } else { scanner.skip_line() };
        indentation(scanner, &mut indent, &mut trailing)?;
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
    scanner: &mut Scanner<'_>,
    indent: &mut Option<usize>,
    breaks: &mut String,
) -> Result<(), SyntaxError> {
    let mut deepest = 0;
    loop {
        while scanner.here() == b' ' && indent.is_none_or(|indent| scanner.column() < indent) {
            scanner.skip();
        }
        deepest = deepest.max(scanner.column());
        if scanner.here() == b'\t' && indent.is_none_or(|indent| scanner.column() < indent) {
            return Err(
                scanner.error("found a tab character where an indentation space is expected")
            );
        }
        if scanner.is_end() || !scanner.is_break(0) {
            break;
        }
        breaks.push_str(scanner.skip_line());
    }
    if indent.is_none() {
        *indent = Some(deepest.max(scanner.inner_column()).max(1));
    }
    Ok(())
}
