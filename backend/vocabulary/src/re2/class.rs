//! Character classes: `[…]`, `.`, `\d`, `[:alpha:]`, `\p{…}`.

use super::unicode::{self, Set};

/// Union of its items.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Class(pub(super) Vec<Item>);

/// Item of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Set as the pattern writes it.
    Set {
        set: Set,
        is_negated: bool,
        /// Whether other cases of the set's characters belong to it.
        folds: bool,
    },
    /// Everything outside of the items.
    Not(Vec<Item>),
}

/// Character of a text, with its cached properties.
#[derive(Debug)]
pub(super) struct Character {
    /// The character itself, followed by its other cases.
    orbit: [u32; 4],
    /// Number of characters in `orbit`; 0 before they are looked up.
    len: usize,
    categories: [Option<u8>; 4],
    scripts: [Option<u8>; 4],
}

impl Character {
    pub(super) const fn new(code: u32) -> Self {
        Self { orbit: [code; 4], len: 0, categories: [None; 4], scripts: [None; 4] }
    }

    /// Whether the character is a code point, or another case of it.
    pub(super) fn is(&mut self, code: u32, folds: bool) -> bool {
        let [own, ..] = self.orbit;
        own == code || (folds && self.cases().contains(&code))
    }

    /// Whether the character belongs to a class.
    pub(super) fn is_of(&mut self, class: &Class) -> bool {
        class.0.iter().any(|item| self.is_in(item))
    }

    fn is_in(&mut self, item: &Item) -> bool {
        match item {
            Item::Not(items) => !items.iter().any(|item| self.is_in(item)),
            Item::Set { set, is_negated, folds } => {
                let count = if *folds { self.cases().len() } else { 1 };
                (0..count).any(|index| self.case_is_in(index, *set)) != *is_negated
            }
        }
    }

    /// The character and its other cases.
    fn cases(&mut self) -> &[u32] {
        if self.len == 0 {
            let [own, ..] = self.orbit;
            self.len = 1;
            let mut next = unicode::next_of_orbit(own);
            while next != own
                && let Some(slot) = self.orbit.get_mut(self.len)
            {
                *slot = next;
                self.len = self.len.saturating_add(1);
                next = unicode::next_of_orbit(next);
            }
        }
        self.orbit.get(..self.len).unwrap_or_default()
    }

    fn case_is_in(&mut self, index: usize, set: Set) -> bool {
        let Some(code) = self.orbit.get(index).copied() else { return false };
        match set {
            Set::Range(first, last) => (first..=last).contains(&code),
            Set::Ranges(ranges) => u8::try_from(code)
                .is_ok_and(|code| ranges.iter().any(|(low, high)| (*low..=*high).contains(&code))),
            Set::Categories(mask) => {
                let Some(known) = self.categories.get_mut(index) else { return false };
                let number = *known.get_or_insert_with(|| unicode::category(code));
                mask.checked_shr(u32::from(number)).unwrap_or(0) & 1 == 1
            }
            Set::Script(script) => {
                let Some(known) = self.scripts.get_mut(index) else { return false };
                *known.get_or_insert_with(|| unicode::script(code)) == script
            }
        }
    }
}

/// Set of `\d`, `\s` or `\w`.
pub(super) const fn perl(letter: char) -> Option<Set> {
    Some(Set::Ranges(match letter {
        'd' => DIGIT,
        's' => &[(b'\t', b'\n'), (0xc, b'\r'), (b' ', b' ')],
        'w' => WORD,
        _ => return None,
    }))
}

/// Set of a name in `[:alpha:]`.
pub(super) fn posix(name: &str) -> Option<Set> {
    Some(Set::Ranges(match name {
        "alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        "alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        "ascii" => &[(0, 0x7f)],
        "blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        "cntrl" => &[(0, 0x1f), (0x7f, 0x7f)],
        "digit" => DIGIT,
        "graph" => &[(b'!', b'~')],
        "lower" => &[(b'a', b'z')],
        "print" => &[(b' ', b'~')],
        "punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        "space" => &[(b'\t', b'\r'), (b' ', b' ')],
        "upper" => &[(b'A', b'Z')],
        "word" => WORD,
        "xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    }))
}

const DIGIT: &[(u8, u8)] = &[(b'0', b'9')];
const WORD: &[(u8, u8)] = &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];
