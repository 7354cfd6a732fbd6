//! Regular expressions of Hubble's filters.
//!
//! Hubble compiles them with Go's `regexp`, which speaks RE2's syntax. The `regex` crate speaks a
//! close relative; where the two differ, the pattern is rewritten (or refused) here:
//! - `\d`, `\s`, `\w`, `\b` and their opposites are ASCII in RE2, Unicode in `regex`;
//! - in a class, `[`, `&&`, `--` and `~~` are plain characters in RE2, operators in `regex`;
//! - `{` that starts no repetition is a plain character in RE2, an error in `regex`;
//! - `\Q…\E`, octal escapes and escapes of any punctuation exist in RE2 alone;
//! - a group's name may come twice, and a Unicode class may exclude by `^`, in RE2 alone;
//! - the flag `x`, a repetition of a repetition (`a**`) and counts above 1,000 do not exist in RE2.
//!
//! What remains: RE2 also bounds the product of nested counts at 1,000, where the bound here is
//! the size of the compiled program; and `regex` knows more names after `\p`.

mod class;

use std::fmt::Write;

use regex::RegexBuilder;

use super::RegexError;

/// A compiled pattern.
pub(super) use regex::Regex as Pattern;

/// Bytes that one compiled pattern may take.
const SIZE_LIMIT: usize = 2 << 20;
/// RE2's highest count of a repetition.
const COUNT_LIMIT: u32 = 1000;

/// Compiles a pattern with RE2's meaning. Errors: syntax that RE2 does not have, or a program
/// that grows too large.
pub(super) fn compile(pattern: &str) -> Result<Pattern, RegexError> {
    let translated = translate(pattern)?;
    RegexBuilder::new(&translated).size_limit(SIZE_LIMIT).build().map_err(|error| {
        let reason = match error {
            regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
            // The parser draws a picture of the rewritten pattern; its last line says what is
            // wrong.
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default().trim();
                last.strip_prefix("error: ").unwrap_or(last).to_owned()
            }
        };
        RegexError::Compile { reason }
    })
}

struct Translator<'a> {
    pattern: &'a str,
    rest: &'a str,
    out: String,
    /// A group of flags alone, not yet written: a repetition after it is one of what stands
    /// before it.
    flags: String,
}

/// A set that a backslash names.
enum Set {
    /// ASCII characters, as the inside of a class, and whether they are excluded.
    Perl(&'static str, bool),
    /// `\p…` as written.
    Unicode,
}

fn translate(pattern: &str) -> Result<String, RegexError> {
    let out = String::with_capacity(pattern.len() * 2);
    let mut translator = Translator { pattern, rest: pattern, out, flags: String::new() };
    let mut after_repetition = false;
    while let Some(character) = translator.next() {
        after_repetition = translator.element(character, after_repetition)?;
    }
    translator.out.push_str(&translator.flags);
    Ok(translator.out)
}

impl<'a> Translator<'a> {
    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes the first `length` bytes of the rest.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn error(&self, what: &'static str) -> RegexError {
        RegexError::Syntax { what, offset: self.pattern.len() - self.rest.len() }
    }

    fn literal(&mut self, character: char) {
        if character.is_ascii_alphanumeric() {
            self.out.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(self.out, "\\x{{{:X}}}", u32::from(character));
        }
    }

    /// Writes one element; says whether it was a repetition.
    fn element(&mut self, character: char, after_repetition: bool) -> Result<bool, RegexError> {
        if matches!(character, '*' | '+' | '?') {
            self.out.push(character);
            self.end_repetition(after_repetition)?;
            return Ok(true);
        }
        if character == '{'
            && let Some(length) = self.count()?
        {
            self.out.push('{');
            let count = self.take(length);
            self.out.push_str(count);
            self.end_repetition(after_repetition)?;
            return Ok(true);
        }
        if character != '(' {
            self.end_flags();
        }
        match character {
            '(' => self.group()?,
            '[' => self.class()?,
            '.' | '^' | '$' | '|' | ')' => self.out.push(character),
            '\\' => self.escape()?,
            other => self.literal(other),
        }
        Ok(false)
    }

    fn end_repetition(&mut self, after_repetition: bool) -> Result<(), RegexError> {
        if after_repetition {
            return Err(self.error("a repetition of a repetition"));
        }
        if self.eat("?") {
            self.out.push('?');
        }
        Ok(())
    }

    /// Length of `n}`, `n,}` or `n,m}` at the start of the rest; `None` if it is not a count.
    fn count(&self) -> Result<Option<usize>, RegexError> {
        let Some((inside, _)) = self.rest.split_once('}') else { return Ok(None) };
        let (least, most) = match inside.split_once(',') {
            Some((least, "")) => (least, None),
            Some((least, most)) => (least, Some(most)),
            None => (inside, None),
        };
        let is_number = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|digit| digit.is_ascii_digit())
                && (text.len() == 1 || !text.starts_with('0'))
        };
        if !is_number(least) || !most.is_none_or(is_number) {
            return Ok(None);
        }
        let number = |text: &str| text.parse::<u32>().ok().filter(|count| *count <= COUNT_LIMIT);
        let in_bounds = match (number(least), most.map(number)) {
            (Some(_), None) => true,
            (Some(least), Some(Some(most))) => least <= most,
            _ => false,
        };
        if in_bounds {
            Ok(Some(inside.len() + 1))
        } else {
            Err(self.error("a count above 1000, or one that ends before it starts"))
        }
    }

    fn group(&mut self) -> Result<(), RegexError> {
        if !self.rest.starts_with('?') {
            self.end_flags();
            self.out.push('(');
            return Ok(());
        }
        if self.eat("?P<") || self.eat("?<") {
            let Some((name, rest)) = self.rest.split_once('>') else {
                return Err(self.error("a group's name without its end"));
            };
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_word) {
                return Err(self.error("a group's name of other than letters, digits and `_`"));
            }
            // Nobody asks for a group by its name: it is left out.
            self.rest = rest;
            self.end_flags();
            self.out.push('(');
            return Ok(());
        }
        let Some(end) = self.rest.find([':', ')']) else {
            return Err(self.error("a group without its end"));
        };
        let flags = self.take(end + 1);
        let known = |flag: char| matches!(flag, '?' | 'i' | 'm' | 's' | 'U' | '-' | ':' | ')');
        if !flags.chars().all(known) {
            return Err(self.error("a group with a flag other than i, m, s and U"));
        }
        if flags.ends_with(')') {
            self.flags.extend(["(", flags]);
        } else {
            self.end_flags();
            self.out.extend(["(", flags]);
        }
        Ok(())
    }

    fn end_flags(&mut self) {
        self.out.push_str(&std::mem::take(&mut self.flags));
    }

    /// What follows a backslash, outside of classes.
    fn escape(&mut self) -> Result<(), RegexError> {
        if let Some(set) = self.set()? {
            match set {
                Set::Perl(inside, excluded) => {
                    let open = if excluded { "[^" } else { "[" };
                    self.out.extend([open, inside, "]"]);
                }
                Set::Unicode => {}
            }
            return Ok(());
        }
        if self.eat("A") {
            self.out.push_str("\\A");
        } else if self.eat("z") {
            self.out.push_str("\\z");
        } else if self.eat("b") {
            self.out.push_str("(?-u:\\b)");
        } else if self.eat("B") {
            self.out.push_str("(?-u:\\B)");
        } else if self.eat("Q") {
            let quoted = match self.rest.split_once("\\E") {
                Some((quoted, rest)) => {
                    self.rest = rest;
                    quoted
                }
                None => self.take(self.rest.len()),
            };
            quoted.chars().for_each(|character| self.literal(character));
        } else {
            let character = self.character()?;
            self.literal(character);
        }
        Ok(())
    }

    /// A set after a backslash. A Unicode one is written at once: it reads the same everywhere.
    fn set(&mut self) -> Result<Option<Set>, RegexError> {
        let Some(kind) = self.rest.chars().next() else {
            return Err(self.error("a backslash at the end"));
        };
        let set = match kind {
            'd' | 'D' => Set::Perl("0-9", kind == 'D'),
            's' | 'S' => Set::Perl("\\t\\n\\x{C}\\r\\x{20}", kind == 'S'),
            'w' | 'W' => Set::Perl("0-9A-Za-z_", kind == 'W'),
            'p' | 'P' => {
                let length = match self.rest.split_at_checked(1) {
                    Some((_, rest)) if rest.starts_with('{') => rest.find('}').map(|end| end + 2),
                    Some((_, rest)) => rest.chars().next().map(|name| name.len_utf8() + 1),
                    None => None,
                };
                let Some(length) = length else {
                    return Err(self.error("a Unicode class without its end"));
                };
                let class = self.take(length);
                let excluded = match class.strip_prefix("p{^") {
                    Some(name) => Some(("\\P{", name)),
                    None => class.strip_prefix("P{^").map(|name| ("\\p{", name)),
                };
                match excluded {
                    Some((opening, name)) => self.out.extend([opening, name]),
                    None => self.out.extend(["\\", class]),
                }
                return Ok(Some(Set::Unicode));
            }
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(set))
    }

    /// The character that an escape stands for.
    fn character(&mut self) -> Result<char, RegexError> {
        let escaped = self.next().ok_or_else(|| self.error("a backslash at the end"))?;
        let is_octal = |c: &char| matches!(c, '0'..='7');
        match escaped {
            '1'..='7' if !self.rest.chars().next().as_ref().is_some_and(is_octal) => {
                Err(self.error("a back-reference"))
            }
            '0'..='7' => {
                let digits = self.rest.chars().take_while(is_octal).take(2).count();
                let value = self
                    .take(digits)
                    .chars()
                    .fold(escaped.to_digit(8).unwrap_or_default(), |value, digit| {
                        value * 8 + digit.to_digit(8).unwrap_or_default()
                    });
                char::from_u32(value).ok_or_else(|| self.error("an octal escape of no character"))
            }
            'x' => self.hexadecimal(),
            'a' => Ok('\u{7}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\u{b}'),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Ok(other),
            _ => Err(self.error("an escape that has no meaning")),
        }
    }

    fn hexadecimal(&mut self) -> Result<char, RegexError> {
        let digits = if self.eat("{") {
            let length = self.rest.find('}').unwrap_or(0);
            let digits = self.take(length);
            self.eat("}");
            digits
        } else {
            self.take(2)
        };
        let hex = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = if hex { u32::from_str_radix(digits, 16).ok() } else { None };
        value
            .and_then(char::from_u32)
            .ok_or_else(|| self.error("a hexadecimal escape of no character"))
    }
}
