//! Unicode tables: categories and scripts of code points, their names, and case folding. Source:
//! Go's unicode and regexp/syntax `unicodeTable`.

use super::tables::{CATEGORIES, CATEGORY_RUNS, FOLDS, SCRIPT_RUNS, SCRIPTS};

/// Set of code points, without other cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// From the first to the last code point.
    Range(u32, u32),
    /// List of ranges.
    Ranges(&'static [(u8, u8)]),
    /// General categories, as a bit mask.
    Categories(u32),
    /// Number of a script.
    Script(u8),
}

/// Long names of categories with their short ones, as in Unicode but without underscores.
const ALIASES: &[(&str, &str)] = &[
    ("Casedletter", "LC"),
    ("Closepunctuation", "Pe"),
    ("Cntrl", "Cc"),
    ("Combiningmark", "M"),
    ("Connectorpunctuation", "Pc"),
    ("Control", "Cc"),
    ("Currencysymbol", "Sc"),
    ("Dashpunctuation", "Pd"),
    ("Decimalnumber", "Nd"),
    ("Digit", "Nd"),
    ("Enclosingmark", "Me"),
    ("Finalpunctuation", "Pf"),
    ("Format", "Cf"),
    ("Initialpunctuation", "Pi"),
    ("Letter", "L"),
    ("Letternumber", "Nl"),
    ("Lineseparator", "Zl"),
    ("Lowercaseletter", "Ll"),
    ("Mark", "M"),
    ("Mathsymbol", "Sm"),
    ("Modifierletter", "Lm"),
    ("Modifiersymbol", "Sk"),
    ("Nonspacingmark", "Mn"),
    ("Number", "N"),
    ("Openpunctuation", "Ps"),
    ("Other", "C"),
    ("Otherletter", "Lo"),
    ("Othernumber", "No"),
    ("Otherpunctuation", "Po"),
    ("Othersymbol", "So"),
    ("Paragraphseparator", "Zp"),
    ("Privateuse", "Co"),
    ("Punct", "P"),
    ("Punctuation", "P"),
    ("Separator", "Z"),
    ("Spaceseparator", "Zs"),
    ("Spacingmark", "Mc"),
    ("Surrogate", "Cs"),
    ("Symbol", "S"),
    ("Titlecaseletter", "Lt"),
    ("Unassigned", "Cn"),
    ("Uppercaseletter", "Lu"),
];

/// Meaning of a name in `\p{…}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) set: Set,
    /// Whether the class is everything outside of the set.
    pub(super) is_negated: bool,
    /// Whether other cases of the set's characters belong to it when case is ignored.
    pub(super) folds: bool,
}

/// Class of a name; `None` if Go does not know the name.
pub(super) fn named(name: &str) -> Option<Named> {
    let name = canonical(name);
    let plain = |set, folds| Some(Named { set, is_negated: false, folds });
    match name.as_str() {
        "Any" => return plain(Set::Range(0, u32::from(char::MAX)), false),
        "Assigned" => {
            return categories("Cn").map(|set| Named { set, is_negated: true, folds: false });
        }
        "Ascii" => return plain(Set::Range(0, 0x7f), true),
        "Lc" => return categories("LC").and_then(|set| plain(set, false)),
        _ => {}
    }
    if let Some(set) = categories(&name) {
        return plain(set, true);
    }
    if let Some(number) = SCRIPTS.split(' ').position(|own| own == name) {
        return plain(Set::Script(u8::try_from(number.saturating_add(1)).ok()?), true);
    }
    let (_, actual) = ALIASES.iter().find(|(own, _)| *own == name)?;
    categories(actual).and_then(|set| plain(set, *actual != "LC"))
}

/// Category, or all categories that begin with a letter; `LC` stands for letters with case.
fn categories(name: &str) -> Option<Set> {
    let mut mask = 0_u32;
    for (number, own) in CATEGORIES.split(' ').enumerate() {
        let is_meant = match name {
            "LC" => matches!(own, "Ll" | "Lt" | "Lu"),
            _ if name.len() == 1 => own.starts_with(name),
            _ => own == name,
        };
        if is_meant {
            mask |= 1_u32.checked_shl(u32::try_from(number).ok()?)?;
        }
    }
    (mask != 0).then_some(Set::Categories(mask))
}

/// Name with a capital first letter and small ones after it, without underscores, spaces and
/// dashes.
fn canonical(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')) {
        out.push(if out.is_empty() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
    }
    out
}

/// Number of a code point's category.
pub(super) fn category(code: u32) -> u8 {
    run_of(CATEGORY_RUNS, code)
}

/// Number of a code point's script; 0 if it has none.
pub(super) fn script(code: u32) -> u8 {
    run_of(SCRIPT_RUNS, code)
}

/// First and last code points of the runs of some categories, given as a bit mask.
#[cfg(feature = "search")]
pub(super) fn ranges_of_categories(mask: u32) -> Vec<(u32, u32)> {
    ranges(CATEGORY_RUNS, |number| mask.checked_shr(u32::from(number)).unwrap_or(0) & 1 == 1)
}

/// First and last code points of the runs of a script.
#[cfg(feature = "search")]
pub(super) fn ranges_of_script(script: u8) -> Vec<(u32, u32)> {
    ranges(SCRIPT_RUNS, |number| number == script)
}

#[cfg(feature = "search")]
fn ranges(runs: &[u8], is_meant: impl Fn(u8) -> bool) -> Vec<(u32, u32)> {
    let mut rest = runs.iter().copied();
    let mut end = 0_u32;
    let mut ranges = Vec::new();
    while let Some(value) = rest.next() {
        let start = end;
        end = end.saturating_add(number(&mut rest));
        if is_meant(value) && start < end {
            ranges.push((start, end.saturating_sub(1)));
        }
    }
    ranges
}

/// Code points that have other cases, in order, each with the next one of its orbit.
#[cfg(feature = "search")]
pub(super) fn folds() -> Vec<(u32, u32)> {
    let mut rest = FOLDS.iter().copied();
    let mut end = 0_u32;
    let mut folds = Vec::new();
    while rest.len() > 0 {
        let start = end.saturating_add(number(&mut rest));
        end = start.saturating_add(number(&mut rest));
        let distance = number(&mut rest);
        folds.extend((start..end).map(|code| (code, folded(start, code, distance))));
    }
    folds
}

/// Next code point of an orbit, in a run that begins at `start`.
const fn folded(start: u32, code: u32, distance: u32) -> u32 {
    match distance {
        0 => start.saturating_add(code.saturating_sub(start) ^ 1),
        even if even.is_multiple_of(2) => code.saturating_add(even / 2),
        odd => code.saturating_sub(odd.div_ceil(2)),
    }
}

fn run_of(runs: &[u8], code: u32) -> u8 {
    let mut rest = runs.iter().copied();
    let mut end = 0_u32;
    while let Some(value) = rest.next() {
        end = end.saturating_add(number(&mut rest));
        if code < end {
            return value;
        }
    }
    0
}

/// Next code point of an orbit of simple case folding; the code point itself if it has no other
/// case.
pub(super) fn next_of_orbit(code: u32) -> u32 {
    let mut rest = FOLDS.iter().copied();
    let mut end = 0_u32;
    while rest.len() > 0 {
        let start = end.saturating_add(number(&mut rest));
        end = start.saturating_add(number(&mut rest));
        let distance = number(&mut rest);
        if code < start {
            return code;
        }
        if code < end {
            return folded(start, code, distance);
        }
    }
    code
}

/// Reads a number of seven bits per byte, the lowest first; the eighth bit announces another byte.
fn number(bytes: &mut impl Iterator<Item = u8>) -> u32 {
    let (mut value, mut shift) = (0_u32, 0_u32);
    for byte in bytes {
        value |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        shift = shift.saturating_add(7);
        if byte < 0x80 {
            break;
        }
    }
    value
}
