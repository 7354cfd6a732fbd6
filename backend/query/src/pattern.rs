//! Patterns of a variable's arguments: Grafana's text for one value or several.

use std::collections::BTreeSet;

/// Maximum number of alternatives in all arguments.
const MAX_ALTERNATIVES: usize = 1_000;
/// Maximum number of `*` in all alternatives; each is searched in every value.
const MAX_STARS: usize = 100;

/// Reason why arguments cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// More alternatives than 1,000.
    #[error("the variable's arguments have {count} alternatives; the limit is {MAX_ALTERNATIVES}")]
    Alternatives {
        /// Their number.
        count: usize,
    },
    /// More `*` than 100.
    #[error("the variable's arguments have {count} `*`; the limit is {MAX_STARS}")]
    Stars {
        /// Their number.
        count: usize,
    },
}

/// Alternatives of which a text must match one; empty: any text matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern {
    names: BTreeSet<String>,
    /// Texts in which `*` stands for any characters.
    globs: Vec<String>,
}

impl Pattern {
    /// Reads Grafana's text for one value or several: `a`, `{a,b}`, `(a|b)`, `a|b`. Surrounding
    /// quotes are dropped. An empty text, `*`, `.*`, `.+` and `$__all` match everything.
    ///
    /// Errors: [`InvalidPattern`].
    pub(crate) fn read(text: &str) -> Result<Self, InvalidPattern> {
        let text = text.trim();
        let unquoted = ['"', '\'']
            .iter()
            .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
            .unwrap_or(text);
        let inner = [("{", "}"), ("(", ")")]
            .iter()
            .find_map(|(open, close)| unquoted.strip_prefix(open)?.strip_suffix(close))
            .unwrap_or(unquoted);
        let separator =
            if inner.len() < unquoted.len() && unquoted.starts_with('{') { ',' } else { '|' };
        let count = inner.split(separator).count();
        if count > MAX_ALTERNATIVES {
            return Err(InvalidPattern::Alternatives { count });
        }
        let mut pattern = Self::default();
        let mut stars = 0_usize;
        for text in inner.split(separator) {
            let text = text.trim().replace(".*", "*").replace(".+", "*").replace('\\', "");
            match text.matches('*').count() {
                0 if text.is_empty() || text == "$__all" => return Ok(Self::default()),
                1 if text == "*" => return Ok(Self::default()),
                0 => drop(pattern.names.insert(text)),
                count => {
                    stars += count;
                    pattern.globs.push(text);
                }
            }
        }
        if stars > MAX_STARS {
            return Err(InvalidPattern::Stars { count: stars });
        }
        Ok(pattern)
    }

    /// Number of alternatives.
    fn count(&self) -> usize {
        self.names.len() + self.globs.len()
    }

    /// Number of `*`.
    fn stars(&self) -> usize {
        self.globs.iter().map(|glob| glob.matches('*').count()).sum()
    }

    /// The alternatives, as read.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.names.iter().chain(&self.globs).map(String::as_str)
    }

    /// Whether `value` matches. Takes time that grows with the number of `*` times the length of `value`.
    pub fn matches(&self, value: &str) -> bool {
        self.names.is_empty() && self.globs.is_empty()
            || self.names.contains(value)
            || self.globs.iter().any(|glob| matches_glob(glob, value))
    }
}

/// Whether `value` equals `pattern` with some text in place of each `*`. Own code of 16 lines: libraries give
/// `?` and `[` a meaning, too, which names in Hubble's patterns do not have.
fn matches_glob(pattern: &str, value: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == value };
    let Some(rest) = value.strip_prefix(head) else { return false };
    let (parts, last) =
        tail.rsplit_once('*').map_or((None, tail), |(parts, last)| (Some(parts), last));
    let mut rest = rest;
    for part in parts.into_iter().flat_map(|parts| parts.split('*')) {
        // The first match is sufficient: the rest can only match later.
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Checks the size of all arguments together.
///
/// Errors: [`InvalidPattern`].
pub(crate) fn check(patterns: &[&Pattern]) -> Result<(), InvalidPattern> {
    let count = patterns.iter().map(|pattern| pattern.count()).sum();
    if count > MAX_ALTERNATIVES {
        return Err(InvalidPattern::Alternatives { count });
    }
    let count = patterns.iter().map(|pattern| pattern.stars()).sum();
    if count > MAX_STARS {
        return Err(InvalidPattern::Stars { count });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let check = |pattern: &str, fits: &[&str], others: &[&str]| {
            let read = Pattern::read(pattern).unwrap();
            for value in fits {
                assert!(read.matches(value), "`{pattern}` and `{value}`");
            }
            for value in others {
                assert!(!read.matches(value), "`{pattern}` and `{value}`");
            }
        };
        for all in ["", " ", "*", ".*", ".+", "$__all", "\"\""] {
            check(all, &["", "anything"], &[]);
        }
        check("pets", &["pets"], &["", "pet", "petstore"]);
        check("\"pets\"", &["pets"], &["x"]);
        check("{pets,kube-system}", &["pets", "kube-system"], &["kube"]);
        check("(pets|kube-system)", &["pets", "kube-system"], &["kube"]);
        check("pets|kube.*", &["pets", "kube-system"], &["x-kube"]);
        check("store-*-0", &["store-front-0", "store--0"], &["store-0", "store-front-01"]);
        check("*a*b*", &["ab", "xaxbx", "aab"], &["ba", "a"]);
        check("a*a", &["aa", "aba"], &["a"]);
        check(r"a\.b", &["a.b"], &["a\\.b"]);
    }
}
