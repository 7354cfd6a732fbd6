//! Values of dashboard variables from recent flows, each narrowed by earlier variables and by a pattern.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use flow::EndpointRole;
use flow::columns::FlowColumns;
use flow::{DropReason, Verdict};
use query::{FlowVariable, InvalidQuery, Pattern, ValueKind, VariableInField, unresolved_variable};

use super::CallError;

use crate::instance::Instance;

/// Maximum time to match all values. Matching normally takes milliseconds; hostile values could
/// take longer.
const MAX_TIME: Duration = Duration::from_secs(1);

/// Error: the values were not matched in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the search for the variable's values took longer than {} s: use fewer `*` in its arguments",
    MAX_TIME.as_secs()
)]
pub(crate) struct MatchingTime;

/// An option: its label and its value.
pub(super) type VariableOption = (String, String);

/// The options, sorted by label.
///
/// Errors: an argument holds a variable that was not replaced, or the relay did not answer.
pub(super) async fn options(
    variable: &FlowVariable,
    instance: &Instance,
) -> Result<Vec<VariableOption>, CallError> {
    for pattern in [&variable.namespace, &variable.workload, &variable.pattern] {
        if let Some(name) = pattern.texts().find_map(unresolved_variable) {
            let name = name.to_owned();
            return Err(InvalidQuery::from(VariableInField { field: "query", name }).into());
        }
    }
    let plain = |values: Vec<String>| -> BTreeMap<String, String> {
        values.into_iter().map(|value| (value.clone(), value)).collect()
    };
    let options = match variable.of {
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
            seen(variable, sample.columns(), Instant::now() + MAX_TIME)?
        }
    };
    let mut fits = Matcher::new(&variable.pattern, Instant::now() + MAX_TIME);
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
/// Errors: [`MatchingTime`] after `deadline`.
fn seen(
    variable: &FlowVariable,
    columns: &FlowColumns,
    deadline: Instant,
) -> Result<BTreeMap<String, String>, MatchingTime> {
    let mut namespaces = Matcher::new(&variable.namespace, deadline);
    let mut workloads = Matcher::new(&variable.workload, deadline);
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
            match variable.of {
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
    /// Errors: [`MatchingTime`].
    fn matches(&mut self, text: &str) -> Result<bool, MatchingTime> {
        if let Some(&known) = self.known.get(text) {
            return Ok(known);
        }
        if Instant::now() >= self.deadline {
            return Err(MatchingTime);
        }
        let matches = self.pattern.matches(text);
        self.known.insert(text.to_owned(), matches);
        Ok(matches)
    }
}

#[cfg(test)]
mod tests {
    use query::VariableQuery;

    use super::*;

    #[test]
    fn matching_ends_at_the_deadline() {
        let variable = |text: &str| match VariableQuery::read(text) {
            Ok(Some(VariableQuery::Flows(variable))) => variable,
            other => panic!("{other:?}"),
        };
        let pattern = variable("nodes(a*b)").pattern;
        let now = Instant::now();
        let mut late = Matcher::new(&pattern, now);
        assert_eq!(late.matches("axb"), Err(MatchingTime));
        let mut matcher = Matcher::new(&pattern, now + Duration::from_hours(1));
        assert_eq!((matcher.matches("axb"), matcher.matches("axc")), (Ok(true), Ok(false)));
        // Results before the deadline stay known.
        matcher.deadline = now;
        assert_eq!((matcher.matches("axb"), matcher.matches("axc")), (Ok(true), Ok(false)));
        assert_eq!(matcher.matches("ab"), Err(MatchingTime));
        let columns = FlowColumns::new(flow::columns::ColumnLimits::default());
        assert_eq!(seen(&variable("pods(*-x*)"), &columns, now), Ok(BTreeMap::new()));
    }
}
