//! Dashboard variables from recent flows, each narrowed by earlier variables and by a pattern.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use flow::EndpointRole;
use flow::columns::FlowColumns;
use flow::{DropReason, Verdict};
use query::{InvalidQuery, VariableInField, unresolved_variable};

use super::CallError;

use crate::instance::Instance;

/// A variable query such as `pods(pets, store-*)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FlowVariable {
    of: ValueKind,
    namespace: Pattern,
    workload: Pattern,
    /// Pattern for the values themselves.
    pattern: Pattern,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueKind {
    Namespaces,
    Workloads,
    Pods,
    Labels,
    Identities,
    Nodes,
    Verdicts,
    DropReasons,
}

/// Maximum number of alternatives in all arguments.
const MAX_ALTERNATIVES: usize = 1_000;
/// Maximum number of `*` in all alternatives; each is searched in every value.
const MAX_STARS: usize = 100;
/// Maximum time to match all values. Matching normally takes milliseconds; hostile values could
/// take longer.
const MAX_TIME: Duration = Duration::from_secs(1);

/// Reason why arguments cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPattern {
    #[error("the variable's arguments have {count} alternatives; the limit is {MAX_ALTERNATIVES}")]
    Alternatives { count: usize },
    #[error("the variable's arguments have {count} `*`; the limit is {MAX_STARS}")]
    Stars { count: usize },
    #[error(
        "the search for the variable's values took longer than {} s: use fewer `*` in its arguments",
        MAX_TIME.as_secs()
    )]
    Time,
}

/// An option: its label and its value.
pub(super) type VariableOption = (String, String);

impl FlowVariable {
    /// Reads the arguments of `function`. `None`: the function is unknown or takes fewer arguments.
    ///
    /// Errors: [`InvalidPattern`].
    pub(super) fn read(function: &str, arguments: &str) -> Result<Option<Self>, InvalidPattern> {
        let of = match function {
            "namespaces" => ValueKind::Namespaces,
            "workloads" => ValueKind::Workloads,
            "pods" => ValueKind::Pods,
            "labels" => ValueKind::Labels,
            "identities" => ValueKind::Identities,
            "nodes" => ValueKind::Nodes,
            "verdicts" => ValueKind::Verdicts,
            "drop_reasons" => ValueKind::DropReasons,
            _ => return Ok(None),
        };
        let mut arguments = split(arguments).into_iter().map(Pattern::read);
        let mut next = |is_taken: bool| {
            let pattern = if is_taken { arguments.next() } else { None };
            pattern.unwrap_or_else(|| Ok(Pattern::default()))
        };
        let has_ends = matches!(of, ValueKind::Pods | ValueKind::Labels | ValueKind::Identities);
        let namespace = next(has_ends || of == ValueKind::Workloads)?;
        let workload = next(has_ends)?;
        let pattern = next(true)?;
        let all = [&namespace, &workload, &pattern];
        let count = all.iter().map(|pattern| pattern.names.len() + pattern.globs.len()).sum();
        if count > MAX_ALTERNATIVES {
            return Err(InvalidPattern::Alternatives { count });
        }
        let stars = |pattern: &&Pattern| -> usize {
            pattern.globs.iter().map(|glob| glob.matches('*').count()).sum()
        };
        let count = all.iter().map(stars).sum();
        if count > MAX_STARS {
            return Err(InvalidPattern::Stars { count });
        }
        let is_all = arguments.next().is_none();
        Ok(is_all.then_some(Self { of, namespace, workload, pattern }))
    }

    /// The options, sorted by label.
    ///
    /// Errors: an argument holds a variable that was not replaced, or the relay did not answer.
    pub(super) async fn options(
        &self,
        instance: &Instance,
    ) -> Result<Vec<VariableOption>, CallError> {
        for pattern in [&self.namespace, &self.workload, &self.pattern] {
            let mut texts = pattern.names.iter().chain(&pattern.globs);
            if let Some(name) = texts.find_map(|text| unresolved_variable(text)) {
                let name = name.to_owned();
                return Err(InvalidQuery::from(VariableInField { field: "query", name }).into());
            }
        }
        let plain = |values: Vec<String>| -> BTreeMap<String, String> {
            values.into_iter().map(|value| (value.clone(), value)).collect()
        };
        let options = match self.of {
            ValueKind::Namespaces => plain(instance.relay()?.namespaces().await?),
            ValueKind::Nodes => {
                let nodes = instance.relay()?.nodes().await?;
                plain(nodes.into_iter().map(|node| node.name).collect())
            }
            ValueKind::Verdicts => {
                plain(Verdict::ALL.iter().skip(1).map(ToString::to_string).collect())
            }
            ValueKind::DropReasons => {
                let known = DropReason::ALL.iter().filter(|reason| reason.is_known());
                plain(known.filter_map(|reason| reason.name()).map(str::to_owned).collect())
            }
            ValueKind::Workloads | ValueKind::Pods | ValueKind::Labels | ValueKind::Identities => {
                let sample = instance.flow_sample().await?;
                self.seen(sample.columns(), Instant::now() + MAX_TIME)?
            }
        };
        let mut fits = Matcher::new(&self.pattern, Instant::now() + MAX_TIME);
        let mut fitting = Vec::new();
        for (text, value) in options {
            if fits.matches(&value)? {
                fitting.push((text, value));
            }
        }
        Ok(fitting)
    }

    /// Options from recent flows.
    ///
    /// Errors: [`InvalidPattern::Time`] after `deadline`.
    fn seen(
        &self,
        columns: &FlowColumns,
        deadline: Instant,
    ) -> Result<BTreeMap<String, String>, InvalidPattern> {
        let mut namespaces = Matcher::new(&self.namespace, deadline);
        let mut workloads = Matcher::new(&self.workload, deadline);
        let mut options = BTreeMap::new();
        for role in [EndpointRole::Source, EndpointRole::Destination] {
            for row in 0..columns.len() {
                let namespace = role.namespace(columns, row);
                let workload = role.workload(columns, row);
                if !namespaces.matches(namespace)? || !workloads.matches(&workload)? {
                    continue;
                }
                let mut add = |text: String, value: String| {
                    if !value.is_empty() {
                        options.insert(text, value);
                    }
                };
                match self.of {
                    ValueKind::Workloads => {
                        add(workload.clone().into_owned(), workload.into_owned());
                    }
                    ValueKind::Pods => {
                        let pod = role.pod(columns, row);
                        let pod = pod.rsplit_once('/').map_or(pod.as_ref(), |(_, name)| name);
                        add(pod.to_owned(), pod.to_owned());
                    }
                    ValueKind::Labels => {
                        for label in role.labels(columns, row) {
                            add(label.clone().into_owned(), label.into_owned());
                        }
                    }
                    _ => {
                        let number = role.identity(columns, row);
                        let name = role.reserved(columns, row).unwrap_or_else(|| {
                            // Only the pod's own node knows its workload.
                            match (namespace, &*workload) {
                                ("", workload) => workload.to_owned().into(),
                                (namespace, "") => namespace.into(),
                                (namespace, workload) => format!("{namespace}/{workload}").into(),
                            }
                        });
                        let number = if number == 0 { String::new() } else { number.to_string() };
                        add(format!("{number} ({name})"), number);
                    }
                }
            }
        }
        Ok(options)
    }
}

/// A pattern with cached results and a deadline.
struct Matcher<'p> {
    pattern: &'p Pattern,
    deadline: Instant,
    known: HashMap<String, bool>,
}

impl<'p> Matcher<'p> {
    fn new(pattern: &'p Pattern, deadline: Instant) -> Self {
        Self { pattern, deadline, known: HashMap::new() }
    }

    /// Whether a text matches.
    ///
    /// Errors: [`InvalidPattern::Time`].
    fn matches(&mut self, text: &str) -> Result<bool, InvalidPattern> {
        if let Some(&known) = self.known.get(text) {
            return Ok(known);
        }
        if Instant::now() >= self.deadline {
            return Err(InvalidPattern::Time);
        }
        let matches = self.pattern.matches(text);
        self.known.insert(text.to_owned(), matches);
        Ok(matches)
    }
}

/// Alternatives of which a text must match one; empty: any text matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pattern {
    names: BTreeSet<String>,
    /// Texts in which `*` stands for any characters.
    globs: Vec<String>,
}

impl Pattern {
    /// Reads Grafana's text for one value or several: `a`, `{a,b}`, `(a|b)`, `a|b`. Surrounding
    /// quotes are dropped. An empty text, `*`, `.*`, `.+` and `$__all` match everything.
    ///
    /// Errors: [`InvalidPattern`].
    fn read(text: &str) -> Result<Self, InvalidPattern> {
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

    fn matches(&self, value: &str) -> bool {
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

/// The arguments, split at commas outside of braces, parentheses and quotes.
fn split(arguments: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut quote, mut start) = (0_usize, None, 0);
    for (at, char) in arguments.char_indices() {
        match (char, quote) {
            (char, Some(open)) if char == open => quote = None,
            ('"' | '\'', None) => quote = Some(char),
            ('{' | '(', None) => depth += 1,
            ('}' | ')', None) => depth = depth.saturating_sub(1),
            (',', None) if depth == 0 => {
                parts.extend(arguments.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(arguments.get(start..));
    parts
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

    #[test]
    fn arguments() {
        let check = |text: &str, expected: &[&str]| assert_eq!(split(text), expected, "{text}");
        check("", &[""]);
        check("a, b", &["a", " b"]);
        check("{a,b},(c|d),\"e,f\"", &["{a,b}", "(c|d)", "\"e,f\""]);
        check("a}},b", &["a}}", "b"]);
        for (function, arguments) in [("pods", "a,b,c,d"), ("nodes", "a,b"), ("planets", "")] {
            assert_eq!(FlowVariable::read(function, arguments), Ok(None), "{function}");
        }
    }

    #[test]
    fn arguments_that_are_too_large() {
        let check = |text: &str, expected: Result<(), InvalidPattern>| {
            let read = FlowVariable::read("pods", text);
            assert_eq!(read.map(drop), expected);
        };
        let alternatives = |count: usize| format!("pets, ({})", vec!["a"; count].join("|"));
        check(&alternatives(1_000), Ok(()));
        let too_many = InvalidPattern::Alternatives { count: 1_001 };
        check(&alternatives(1_001), Err(too_many));
        check(
            &format!("{{{}}}", "a,".repeat(1_000)),
            Err(InvalidPattern::Alternatives { count: 1_001 }),
        );
        check(&"a*".repeat(100), Ok(()));
        check(&"a*".repeat(101), Err(InvalidPattern::Stars { count: 101 }));
        check(&"a.*".repeat(101), Err(InvalidPattern::Stars { count: 101 }));
        // The bound counts all alternatives together, although the last is allowed alone.
        let alternatives = vec!["*a".repeat(32); 1_000].join("|");
        check(&format!("({alternatives})"), Err(InvalidPattern::Stars { count: 32_000 }));
        check(&format!("({})", vec!["store-*"; 100].join("|")), Ok(()));
        // The bound counts all arguments together.
        let half = "a*".repeat(50);
        check(&format!("{half}, {half}"), Ok(()));
        check(&format!("{half}, {half}, b*"), Err(InvalidPattern::Stars { count: 101 }));
        let many: Vec<String> = (0..600).map(|number| number.to_string()).collect();
        let many = format!("({})", many.join("|"));
        let too_many = InvalidPattern::Alternatives { count: 1_200 };
        check(&format!("{many}, {many}"), Err(too_many));
    }

    #[test]
    fn matching_ends_at_the_deadline() {
        let pattern = Pattern::read("a*b").unwrap();
        let now = Instant::now();
        let mut late = Matcher::new(&pattern, now);
        assert_eq!(late.matches("axb"), Err(InvalidPattern::Time));
        let mut matcher = Matcher::new(&pattern, now + Duration::from_hours(1));
        assert_eq!((matcher.matches("axb"), matcher.matches("axc")), (Ok(true), Ok(false)));
        // Results before the deadline stay known.
        matcher.deadline = now;
        assert_eq!((matcher.matches("axb"), matcher.matches("axc")), (Ok(true), Ok(false)));
        assert_eq!(matcher.matches("ab"), Err(InvalidPattern::Time));
        let variable = FlowVariable::read("pods", "*-x*").unwrap().unwrap();
        let columns = FlowColumns::new(flow::columns::ColumnLimits::default());
        assert_eq!(variable.seen(&columns, now), Ok(BTreeMap::new()));
    }
}
