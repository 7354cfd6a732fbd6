//! Classes: what stands in brackets.

use super::{Set, Translator};
use crate::filter::RegexError;

/// What may stand in `[:…:]`.
const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

impl Translator<'_> {
    /// A class, after its opening bracket.
    pub(super) fn class(&mut self) -> Result<(), RegexError> {
        self.out.push('[');
        if self.eat("^") {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            if !is_first && self.eat("]") {
                self.out.push(']');
                return Ok(());
            }
            is_first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest.find(":]")
            {
                let named = self.take(end + 2);
                let name = named.trim_start_matches(['[', ':', '^']).trim_end_matches(":]");
                if !POSIX_CLASSES.contains(&name) {
                    return Err(self.error("a class of no known name"));
                }
                self.out.push_str(named);
                continue;
            }
            if self.rest.starts_with('\\') {
                let before = self.rest;
                self.next();
                match self.set()? {
                    Some(Set::Perl(inside, true)) => self.out.extend(["[^", inside, "]"]),
                    Some(Set::Perl(inside, false)) => self.out.push_str(inside),
                    Some(Set::Unicode) => {}
                    None => self.rest = before,
                }
                if self.rest != before {
                    continue;
                }
            }
            self.range()?;
        }
    }

    /// A character of a class, or a range of them.
    fn range(&mut self) -> Result<(), RegexError> {
        let low = self.class_character()?;
        self.literal(low);
        if self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1 {
            self.next();
            let high = self.class_character()?;
            if high < low {
                return Err(self.error("a range that ends before it starts"));
            }
            self.out.push('-');
            self.literal(high);
        }
        Ok(())
    }

    fn class_character(&mut self) -> Result<char, RegexError> {
        match self.next() {
            Some('\\') => self.character(),
            Some(character) => Ok(character),
            None => Err(self.error("a class without its end")),
        }
    }
}
