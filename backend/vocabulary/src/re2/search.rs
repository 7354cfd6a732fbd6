//! Search engine: `regex-automata` over the syntax tree of our parser, with classes written out by
//! Go's Unicode tables.

use std::sync::LazyLock;

use regex_automata::meta;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_syntax::hir::{self, ClassUnicode, ClassUnicodeRange, Hir, Look, Repetition};

use super::{
    RegexError,
    class::{Class, Item},
    parse::{self, Assertion, Ast},
    unicode::{self, Set},
};

/// Most memory of one compiled expression in one direction, in bytes. Expressions for DNS names, paths and
/// URLs take 20 KiB; `\pL{90}` would take 2 MiB.
const MAX_BYTES: usize = 256 << 10;
/// Most memory of the states of an expression that are kept between two searches, in bytes.
const MAX_STATE_BYTES: usize = 256 << 10;
/// Most ranges in all classes of an expression; more would exceed [`MAX_BYTES`].
const MAX_RANGES: usize = MAX_BYTES / size_of::<ClassUnicodeRange>();

/// Reasons why an expression cannot be searched for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// Go refuses the expression.
    #[error(transparent)]
    Syntax(#[from] RegexError),
    /// The compiled expression takes more than 256 KiB.
    #[error("it takes more than {} KiB when compiled, which is the limit", MAX_BYTES >> 10)]
    TooLarge,
}

/// Expression that is searched for anywhere in a text, like Go's `MatchString`.
#[derive(Debug, Clone)]
pub struct Search(meta::Regex);

impl Search {
    /// Compiles an expression. Errors: Go's message, or an expression that grows too large.
    pub fn new(pattern: &str) -> Result<Self, SearchError> {
        let hir = Self::parse(pattern)?;
        let config = meta::Config::new()
            .nfa_size_limit(Some(MAX_BYTES))
            .onepass_size_limit(Some(MAX_STATE_BYTES))
            .dfa_size_limit(Some(MAX_STATE_BYTES))
            .hybrid_cache_capacity(MAX_STATE_BYTES)
            .which_captures(WhichCaptures::None);
        meta::Builder::new()
            .configure(config)
            .build_from_hir(&hir)
            .map(Self)
            // The expression has no groups, so size is the only possible error.
            .map_err(|_| SearchError::TooLarge)
    }

    /// Parses an expression without compiling it, which takes a thousandth of the time.
    ///
    /// Errors: Go's message, or an expression that is certain to grow too large.
    pub fn check(pattern: &str) -> Result<(), SearchError> {
        Self::parse(pattern).map(drop)
    }

    /// Most bytes that the expression takes: its own, and the states kept while it searches, in both directions.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        self.0.memory_usage() + 2 * MAX_STATE_BYTES
    }

    fn parse(pattern: &str) -> Result<Hir, SearchError> {
        let (tree, classes) = parse::parse(pattern)?;
        Writer { classes: &classes, ranges: 0 }.expression(&tree)
    }

    /// Whether the text contains a match.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

struct Writer<'c> {
    classes: &'c [Class],
    /// Number of ranges written so far.
    ranges: usize,
}

impl Writer<'_> {
    fn expression(&mut self, tree: &Ast) -> Result<Hir, SearchError> {
        Ok(match tree {
            Ast::Empty => Hir::empty(),
            Ast::Chars { codes, folds } => self.characters(codes, *folds)?,
            Ast::Class(index) => {
                let class = self.classes.get(*index as usize).map(|class| class.0.as_slice());
                self.class(union(class.unwrap_or_default()))?
            }
            Ast::Assert(assertion) => Hir::look(match assertion {
                Assertion::Start => Look::Start,
                Assertion::End => Look::End,
                Assertion::LineStart => Look::StartLF,
                Assertion::LineEnd => Look::EndLF,
                Assertion::WordBoundary(true) => Look::WordAscii,
                Assertion::WordBoundary(false) => Look::WordAsciiNegate,
            }),
            Ast::Concat(parts) => Hir::concat(self.all(parts)?),
            Ast::Alternate(parts) => Hir::alternation(self.all(parts)?),
            Ast::Repeat { tree, min, max } => Hir::repetition(Repetition {
                min: *min,
                max: *max,
                greedy: true,
                sub: Box::new(self.expression(tree)?),
            }),
        })
    }

    fn all(&mut self, parts: &[Ast]) -> Result<Vec<Hir>, SearchError> {
        parts.iter().map(|part| self.expression(part)).collect()
    }

    fn characters(&mut self, codes: &[u32], folds: bool) -> Result<Hir, SearchError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        for code in codes {
            let mut class = ranges_of(Set::Range(*code, *code));
            if folds {
                add_cases(&mut class);
            }
            match class.ranges() {
                [only] if only.start() == only.end() => text.push(only.start()),
                _ => {
                    parts.push(Hir::literal(std::mem::take(&mut text).into_bytes()));
                    parts.push(self.class(class)?);
                }
            }
        }
        parts.push(Hir::literal(text.into_bytes()));
        Ok(Hir::concat(parts))
    }

    fn class(&mut self, class: ClassUnicode) -> Result<Hir, SearchError> {
        self.ranges = self.ranges.saturating_add(class.ranges().len());
        if self.ranges > MAX_RANGES {
            return Err(SearchError::TooLarge);
        }
        Ok(Hir::class(hir::Class::Unicode(class)))
    }
}

/// Union of the items.
fn union(items: &[Item]) -> ClassUnicode {
    let mut class = ClassUnicode::empty();
    for item in items {
        let own = match item {
            Item::Not(items) => {
                let mut own = union(items);
                own.negate();
                own
            }
            Item::Set { set, is_negated, folds } => {
                let mut own = ranges_of(*set);
                if *folds {
                    add_cases(&mut own);
                }
                if *is_negated {
                    own.negate();
                }
                own
            }
        };
        class.union(&own);
    }
    class
}

/// Characters of a set, without code points that are not characters: no text contains them.
fn ranges_of(set: Set) -> ClassUnicode {
    let ranges = match set {
        Set::Range(first, last) => vec![(first, last)],
        Set::Ranges(ranges) => {
            ranges.iter().map(|(first, last)| (u32::from(*first), u32::from(*last))).collect()
        }
        Set::Categories(mask) => unicode::ranges_of_categories(mask),
        Set::Script(script) => unicode::ranges_of_script(script),
    };
    let characters = ranges.into_iter().filter_map(|(first, last)| {
        let first = char::from_u32(first).unwrap_or('\u{e000}');
        let last = char::from_u32(last).unwrap_or('\u{d7ff}');
        (first <= last).then(|| ClassUnicodeRange::new(first, last))
    });
    ClassUnicode::new(characters)
}

/// Adds the other cases of all characters of a class.
fn add_cases(class: &mut ClassUnicode) {
    static FOLDS: LazyLock<Vec<(u32, u32)>> = LazyLock::new(unicode::folds);
    let next_of = |code: u32| {
        let at = FOLDS.binary_search_by_key(&code, |(own, _)| *own).ok()?;
        FOLDS.get(at).map(|(_, next)| *next)
    };
    let mut cases = Vec::new();
    for range in class.ranges() {
        let (first, last) = (u32::from(range.start()), u32::from(range.end()));
        let from = FOLDS.partition_point(|(own, _)| *own < first);
        for (code, next) in FOLDS.iter().skip(from).take_while(|(own, _)| *own <= last) {
            let mut case = *next;
            while case != *code {
                cases.extend(char::from_u32(case).map(|case| ClassUnicodeRange::new(case, case)));
                let Some(next) = next_of(case) else { break };
                case = next;
            }
        }
    }
    class.union(&ClassUnicode::new(cases));
}
