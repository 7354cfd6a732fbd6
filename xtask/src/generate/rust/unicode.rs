//! Tables of Unicode 15.0, the version of Go 1.21 and later: general category, script and simple
//! case folding of every code point, packed for the vocabulary's regular expressions.

use regex_syntax::Parser;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// General categories, in the order of their numbers in the table.
const CATEGORIES: [&str; 30] = [
    "Cc", "Cf", "Cn", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl", "No",
    "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs",
];
const UNASSIGNED: u8 = 2;
const SURROGATE: u8 = 4;

/// Scripts of Unicode 15.0, in the order of their numbers in the table; 0 means no script.
const SCRIPTS: &str = "Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum \
    Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal \
    Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot \
    Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs \
    Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi \
    Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited \
    Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li \
    Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B \
    Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi \
    Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi \
    Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu \
    Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic \
    Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya \
    Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan \
    Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese \
    Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu \
    Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi \
    Zanabazar_Square";

const CODE_POINTS: usize = 0x11_0000;

/// Reason why the tables cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TablesError {
    /// The library's Unicode lacks a class.
    #[error("cannot read the Unicode class `{name}`")]
    Class { name: String, source: Box<regex_syntax::Error> },
    /// The library returned something other than a class.
    #[error("`{name}` is not a class of code points")]
    NotAClass { name: String },
    /// The library cannot fold the case of a code point.
    #[error("cannot fold the case of U+{code:04X}")]
    Fold { code: usize },
    /// A number does not fit into the tables.
    #[error("a number of the Unicode tables is too large")]
    TooLarge,
}

/// The Rust of the tables.
pub(super) fn tables() -> Result<String, TablesError> {
    let mut categories = vec![UNASSIGNED; CODE_POINTS];
    for (number, name) in (0_u8..).zip(CATEGORIES) {
        if number != UNASSIGNED && number != SURROGATE {
            fill(&mut categories, &format!("gc={name}"), number)?;
        }
    }
    if let Some(surrogates) = categories.get_mut(0xd800..0xe000) {
        surrogates.fill(SURROGATE);
    }
    let mut scripts = vec![0_u8; CODE_POINTS];
    for (number, name) in (1_u8..).zip(SCRIPTS.split_whitespace()) {
        fill(&mut scripts, &format!("sc={name}"), number)?;
    }
    let names: Vec<&str> = SCRIPTS.split_whitespace().collect();
    Ok(format!(
        "// Made by `cargo xtask gen` from Unicode 15.0; change it there.\n\n\
         /// General categories, by their numbers in [`CATEGORY_RUNS`].\n\
         pub(super) const CATEGORIES: &str = \"{}\";\n\n\
         /// Scripts, by their numbers in [`SCRIPT_RUNS`], from 1.\n\
         pub(super) const SCRIPTS: &str = \"\\\n    {}\";\n\n\
         /// Runs of code points of one category: its number, and how many.\n\
         pub(super) const CATEGORY_RUNS: &[u8] = {};\n\n\
         /// Runs of code points of one script: its number, and how many.\n\
         pub(super) const SCRIPT_RUNS: &[u8] = {};\n\n\
         /// Runs of code points that fold: how many others stand before, how many there are, and \
         twice\n/// the distance to the next of their orbit, one less where that comes before; 0: \
         the first\n/// and second of each two swap.\n\
         pub(super) const FOLDS: &[u8] = {};\n",
        CATEGORIES.join(" "),
        wrapped(&names),
        bytes(&runs(&categories)?),
        bytes(&runs(&scripts)?),
        bytes(&folds()?),
    ))
}

fn class(name: &str) -> Result<ClassUnicode, TablesError> {
    let hir = Parser::new()
        .parse(&format!(r"\p{{{name}}}"))
        .map_err(|source| TablesError::Class { name: name.to_owned(), source: Box::new(source) })?;
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Ok(class),
        HirKind::Literal(literal) => {
            let text = String::from_utf8_lossy(&literal.0).into_owned();
            Ok(ClassUnicode::new(text.chars().map(|c| ClassUnicodeRange::new(c, c))))
        }
        _ => Err(TablesError::NotAClass { name: name.to_owned() }),
    }
}

fn fill(table: &mut [u8], name: &str, number: u8) -> Result<(), TablesError> {
    for range in class(name)?.iter() {
        // The library's ranges include the surrogates.
        let range = range.start() as usize..=range.end() as usize;
        if let Some(slots) = table.get_mut(range) {
            slots.fill(number);
        }
    }
    Ok(())
}

/// Runs of equal numbers: number and length.
fn runs(table: &[u8]) -> Result<Vec<u8>, TablesError> {
    let mut out = Vec::new();
    for run in table.chunk_by(|one, other| one == other) {
        out.push(run.first().copied().unwrap_or_default());
        push_number(&mut out, run.len())?;
    }
    Ok(out)
}

/// The next code point in each orbit of simple case folding.
fn next_of_orbits() -> Result<Vec<usize>, TablesError> {
    let mut next: Vec<usize> = (0..CODE_POINTS).collect();
    for code in 0..CODE_POINTS {
        let Some(c) = u32::try_from(code).ok().and_then(char::from_u32) else { continue };
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
        class.try_case_fold_simple().map_err(|_| TablesError::Fold { code })?;
        let orbit: Vec<usize> =
            class.iter().flat_map(|range| range.start() as usize..=range.end() as usize).collect();
        let own = orbit.iter().find(|other| **other > code).or(orbit.first());
        if let (Some(slot), Some(own)) = (next.get_mut(code), own) {
            *slot = *own;
        }
    }
    Ok(next)
}

/// Runs of neighbours with the same distance to the next in their orbits, or of pairs.
fn folds() -> Result<Vec<u8>, TablesError> {
    let next = next_of_orbits()?;
    let folding: Vec<(usize, usize)> =
        next.into_iter().enumerate().filter(|(code, next)| code != next).collect();
    let mut out = Vec::new();
    let mut rest = folding.as_slice();
    let mut position = 0;
    while let Some((first, to)) = rest.first().copied() {
        let length = |next_of: &dyn Fn(usize) -> usize| {
            let is_of_run = |(index, (code, to)): &(usize, &(usize, usize))| {
                *code == first + index && *to == next_of(*index)
            };
            rest.iter().enumerate().take_while(is_of_run).count()
        };
        let swapped =
            length(&|index| if index % 2 == 0 { first + index + 1 } else { first + index - 1 });
        let (length, distance) = match (swapped & !1, to > first) {
            (swapped @ 2.., _) => (swapped, 0),
            (_, true) => (length(&|index| to + index), 2 * (to - first)),
            (_, false) => (length(&|index| to + index), 2 * (first - to) - 1),
        };
        push_number(&mut out, first - position)?;
        push_number(&mut out, length)?;
        push_number(&mut out, distance)?;
        position = first + length;
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(out)
}

/// A number in groups of seven bits, lowest first; the eighth bit says that more follow.
fn push_number(out: &mut Vec<u8>, number: usize) -> Result<(), TablesError> {
    let mut rest = number;
    while rest >= 0x80 {
        out.push(u8::try_from(rest & 0x7f).map_err(|_| TablesError::TooLarge)? | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).map_err(|_| TablesError::TooLarge)?);
    Ok(())
}

/// A list of bytes in rustfmt's format.
fn bytes(bytes: &[u8]) -> String {
    let numbers: Vec<String> = bytes.iter().map(|byte| format!("{byte},")).collect();
    format!("&[\n    {}\n]", lines(&numbers).join("\n    "))
}

/// Words wrapped over several lines of one text.
fn wrapped(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    lines(&words).join(" \\\n    ")
}

/// Words in lines of the project's width.
fn lines(words: &[String]) -> Vec<String> {
    const WIDTH: usize = 94;
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}
