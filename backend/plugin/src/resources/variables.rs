//! Dashboard variables: Grafana's functions for Prometheus, and the plugin's own.

use std::collections::BTreeSet;

use prometheus::{
    Interpolation, LabelSet, PrometheusClient, ResultData, Series, WithWarnings, interpolate,
};
use query::{InvalidFields, InvalidQuery};
use relay::now_ms;
use serde_json::json;
use wording::{names, quote};

use super::flow_variables::{FlowVariable, InvalidPattern, VariableOption};
use super::{Call, CallError, Reply};
use crate::instance::Instance;

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

struct VariablesCall {
    query: String,
    from_ms: i64,
    to_ms: i64,
}

impl VariablesCall {
    /// Reads `{"query", "from", "to"}`, times in Unix milliseconds; the default range is the last
    /// hour.
    fn read(json: &[u8]) -> Result<Self, CallError> {
        let mut fields = super::body(json)?;
        let missing = InvalidFields::Missing { field: "query", expected: "a string" };
        let query = fields.text("query")?.ok_or(missing)?;
        let to_ms = fields.whole("to")?.unwrap_or_else(now_ms);
        let from_ms = fields.whole("from")?.unwrap_or(to_ms.saturating_sub(3_600_000));
        fields.no_rest()?;
        if from_ms > to_ms {
            return Err(InvalidQuery::TimeRange.into());
        }
        Ok(Self { query, from_ms, to_ms })
    }
}

/// A variable query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VariableQuery {
    LabelValues { selector: Option<String>, label: String },
    LabelNames { selector: Option<String> },
    Metrics { regex: String },
    QueryResult { expr: String },
    Flows(FlowVariable),
}

/// Answers `POST variables`.
///
/// Errors: the query cannot be read, or the relay or Prometheus does not answer.
pub(super) async fn variables(instance: &Instance, call: &Call) -> Result<Reply, CallError> {
    let VariablesCall { query: text, from_ms, to_ms } = VariablesCall::read(&call.body)?;
    let query =
        VariableQuery::read(&text)?.ok_or_else(|| CallError::Variable { query: quote(&text) })?;
    let options = query.options(instance, call, from_ms, to_ms).await?;
    let options: Vec<_> =
        options.into_iter().map(|(text, value)| json!({ "text": text, "value": value })).collect();
    Ok(Reply::json(200, &options.into()))
}

/// The end of an error text about an unknown variable query: the nearest function, or all
/// functions.
pub(super) fn is_it_or_list(text: &str) -> String {
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
    pub(super) fn read(text: &str) -> Result<Option<Self>, InvalidPattern> {
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

    async fn options(
        &self,
        instance: &Instance,
        call: &Call,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<VariableOption>, CallError> {
        let prometheus = || instance.prometheus_for(&call.identity);
        let names_of = |prometheus: &PrometheusClient, selector: Option<&str>| {
            let mut params =
                vec![("start".to_owned(), secs(from_ms)), ("end".to_owned(), secs(to_ms))];
            params.extend(selector.map(|selector| ("match[]".to_owned(), selector.to_owned())));
            params.extend(prometheus.series_limit());
            params
        };
        let options: Result<Vec<String>, CallError> = match self {
            Self::LabelValues { selector, label } => {
                let prometheus = prometheus()?;
                let params = names_of(&prometheus, selector.as_deref());
                Ok(sorted(prometheus.label_values(label, params).await?))
            }
            Self::LabelNames { selector } => {
                let prometheus = prometheus()?;
                let params = names_of(&prometheus, selector.as_deref());
                Ok(sorted(prometheus.label_names(params).await?))
            }
            Self::Metrics { regex } => {
                // Unanchored, like a regular expression in JavaScript.
                let selector =
                    format!("{{__name__=~{}}}", promql_string(&format!(".*(?:{regex}).*")));
                let prometheus = prometheus()?;
                let params = names_of(&prometheus, Some(&selector));
                Ok(sorted(prometheus.label_values("__name__", params).await?))
            }
            Self::QueryResult { expr } => {
                let range_ms = u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0);
                let values = Interpolation { step_ms: 15_000, rate_interval_ms: 60_000, range_ms };
                let expr = interpolate(expr, &values);
                let answer = prometheus()?.query(&expr, to_ms).await?;
                Ok(results(&answer.data.result))
            }
            Self::Flows(variable) => return variable.options(instance).await,
        };
        Ok(options?.into_iter().map(|option| (option.clone(), option)).collect())
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

fn secs(ms: i64) -> String {
    ms.div_euclid(1_000).to_string()
}

fn sorted(answer: WithWarnings<Vec<String>>) -> Vec<String> {
    // A list of options cannot carry a notice, so a truncated answer of Prometheus is logged.
    for warning in answer.warnings {
        tracing::warn!(warning, "Prometheus warns about the options of a variable");
    }
    answer.data.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// A text as a double-quoted string of PromQL.
pub(super) fn promql_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// Lines `name{label="value"} value timestamp`, as Grafana's Prometheus source writes results, so
/// that a variable's regular expression matches them.
fn results(data: &ResultData) -> Vec<String> {
    match data {
        ResultData::Vector(series) | ResultData::Matrix(series) => {
            series.iter().filter_map(result_line).collect()
        }
        ResultData::Scalar(sample) => vec![sample.value.to_string()],
        ResultData::String(_, text) => vec![text.clone()],
    }
}

fn result_line(series: &Series) -> Option<String> {
    let (value, time_nanos) = (series.values.last()?, series.times_nanos.last()?);
    Some(format!("{} {value} {}", metric(&series.labels), time_nanos / 1_000_000))
}

fn metric(labels: &LabelSet) -> String {
    let name = labels.get("__name__").map_or("", String::as_str);
    let pairs: Vec<String> = labels
        .iter()
        .filter(|(label, _)| *label != "__name__")
        .map(|(label, value)| format!("{label}={}", promql_string(value)))
        .collect();
    format!("{name}{{{}}}", pairs.join(","))
}
