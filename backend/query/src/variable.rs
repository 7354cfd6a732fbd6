//! Queries of dashboard variables: Grafana's functions for Prometheus, and those for recent flows.

use wording::names;

use crate::pattern::{self, InvalidPattern, Pattern};

/// The functions of variable queries, with their arguments.
const FUNCTIONS: [(&str, &str); 12] = [
    ("label_values", "metric, label"),
    ("label_names", ""),
    ("metrics", "regex"),
    ("query_result", "query"),
    ("namespaces", "pattern"),
    ("workloads", "namespace, pattern"),
    ("pods", "namespace, workload, pattern"),
    ("labels", "namespace, workload, pattern"),
    ("identities", "namespace, workload, pattern"),
    ("nodes", "pattern"),
    ("verdicts", "pattern"),
    ("drop_reasons", "pattern"),
];

/// A variable query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableQuery {
    /// `label_values(selector, label)`: values of a label of Prometheus.
    LabelValues {
        /// Series whose values count; `None` for all.
        selector: Option<String>,
        /// Name of the label.
        label: String,
    },
    /// `label_names(selector)`: names of labels of Prometheus.
    LabelNames {
        /// Series whose labels count; `None` for all.
        selector: Option<String>,
    },
    /// `metrics(regex)`: names of metrics of Prometheus.
    Metrics {
        /// Unanchored expression.
        regex: String,
    },
    /// `query_result(query)`: series of a query's answer.
    QueryResult {
        /// Expression.
        expr: String,
    },
    /// A function of recent flows or of the relay.
    Flows(FlowVariable),
}

/// A variable query such as `pods(pets, store-*)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowVariable {
    /// Kind of the values.
    pub of: ValueKind,
    /// Pattern for the namespace of an endpoint.
    pub namespace: Pattern,
    /// Pattern for the workload of an endpoint.
    pub workload: Pattern,
    /// Pattern for the values themselves.
    pub pattern: Pattern,
}

/// Kind of a variable's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Namespaces with recent flows.
    Namespaces,
    /// Workloads of endpoints.
    Workloads,
    /// Pods of endpoints, without their namespaces.
    Pods,
    /// Labels of endpoints.
    Labels,
    /// Security identities of endpoints.
    Identities,
    /// Nodes that the relay knows.
    Nodes,
    /// Verdicts that Hubble has.
    Verdicts,
    /// Reasons of drops that Hubble has.
    DropReasons,
}

/// The end of an error text about an unknown variable query: the nearest function, or all
/// functions.
pub fn variable_meant_or_list(text: &str) -> String {
    let function = text.split('(').next().unwrap_or_default().trim();
    let meant = names::suggested(function, FUNCTIONS.iter().map(|(name, _)| *name));
    let written = |(name, arguments): &(&str, &str)| format!("{name}({arguments})");
    if let Some(function) = FUNCTIONS.iter().find(|(name, _)| Some(*name) == meant) {
        return names::did_you_mean(Some(&written(function)));
    }
    format!("; there are {}", FUNCTIONS.iter().map(written).collect::<Vec<_>>().join(", "))
}

impl VariableQuery {
    /// Reads `function(arguments)`. `None`: an unknown function.
    ///
    /// Errors: [`InvalidPattern`].
    pub fn read(text: &str) -> Result<Option<Self>, InvalidPattern> {
        let call = text.trim().split_once('(').and_then(|(function, rest)| {
            Some((function.trim(), rest.trim_end().strip_suffix(')')?.trim()))
        });
        let Some((function, inner)) = call else { return Ok(None) };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(match function {
            "label_values" => label_values(inner),
            "label_names" => Some(Self::LabelNames { selector: some(inner) }),
            "metrics" => Some(Self::Metrics { regex: inner.to_owned() }),
            "query_result" => some(inner).map(|expr| Self::QueryResult { expr }),
            function => FlowVariable::read(function, inner)?.map(Self::Flows),
        })
    }
}

impl FlowVariable {
    /// Reads the arguments of `function`. `None`: the function is unknown or takes fewer arguments.
    ///
    /// Errors: [`InvalidPattern`].
    fn read(function: &str, arguments: &str) -> Result<Option<Self>, InvalidPattern> {
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
        pattern::check(&[&namespace, &workload, &pattern])?;
        let is_all = arguments.next().is_none();
        Ok(is_all.then_some(Self { of, namespace, workload, pattern }))
    }
}

/// Reads `label` or `selector, label`. The label comes last, because a selector may contain commas.
fn label_values(inner: &str) -> Option<VariableQuery> {
    let (selector, label) = match inner.rsplit_once(',') {
        Some((selector, label)) => (Some(selector.trim()), label.trim()),
        None => (None, inner),
    };
    let is_label = !label.is_empty()
        && !label.starts_with(|char: char| char.is_ascii_digit())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let selector = match selector {
        Some("") => return None,
        selector => selector.map(str::to_owned),
    };
    is_label.then(|| VariableQuery::LabelValues { selector, label: label.to_owned() })
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
    fn variable_queries() {
        let check = |text: &str, expected: Option<VariableQuery>| {
            assert_eq!(VariableQuery::read(text), Ok(expected), "{text}");
        };
        let label_values = |selector: Option<&str>, label: &str| {
            Some(VariableQuery::LabelValues {
                selector: selector.map(str::to_owned),
                label: label.to_owned(),
            })
        };
        let some = |text: &str| Some(text.to_owned());
        check("label_values(reason)", label_values(None, "reason"));
        check(
            "label_values(hubble_drop_total, reason)",
            label_values(Some("hubble_drop_total"), "reason"),
        );
        check(
            " label_values( x{a=\"1,2\",b=~\"(c|d)\"} , reason ) ",
            label_values(Some("x{a=\"1,2\",b=~\"(c|d)\"}"), "reason"),
        );
        check("label_values(, reason)", None);
        check("label_values(x, 1a)", None);
        check("label_values(x, a b)", None);
        check("label_values()", None);
        check("label_names()", Some(VariableQuery::LabelNames { selector: None }));
        check("label_names(up)", Some(VariableQuery::LabelNames { selector: some("up") }));
        check("metrics(hubble_.*)", Some(VariableQuery::Metrics { regex: "hubble_.*".to_owned() }));
        check("metrics()", Some(VariableQuery::Metrics { regex: String::new() }));
        check(
            "query_result(topk(5, sum by (a) (x)))",
            Some(VariableQuery::QueryResult { expr: "topk(5, sum by (a) (x))".to_owned() }),
        );
        check("query_result()", None);
        for of in
            ["namespaces()", "nodes(aks-*)", "workloads( pets )", "pods({a,b}, c)", "labels()"]
        {
            assert!(matches!(VariableQuery::read(of), Ok(Some(VariableQuery::Flows(_)))), "{of}");
        }
        check("nodes(a, b)", None);
        check("", None);
        check("label_values", None);
        check("nodes(", None);
        check("drop_table(x)", None);
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

    proptest::proptest! {
        #[test]
        fn any_text_is_a_variable_query_or_none(text in "\\PC*") {
            drop(VariableQuery::read(&text));
        }
    }
}
