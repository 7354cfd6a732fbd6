//! Dashboard variables: Grafana's functions for Prometheus, and the plugin's own.

use std::collections::BTreeSet;

use prometheus::{
    Interpolation, LabelSet, PrometheusClient, ResultData, Series, WithWarnings, interpolate,
};
use query::{InvalidFields, InvalidQuery, VariableQuery};
use relay::now_ms;
use serde_json::json;
use wording::quote;

use super::flow_variables::{self, VariableOption};
use super::{Call, CallError, Reply};
use crate::instance::Instance;

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

/// Answers `POST variables`.
///
/// Errors: the query cannot be read, or the relay or Prometheus does not answer.
pub(super) async fn variables(instance: &Instance, call: &Call) -> Result<Reply, CallError> {
    let VariablesCall { query: text, from_ms, to_ms } = VariablesCall::read(&call.body)?;
    let query =
        VariableQuery::read(&text)?.ok_or_else(|| CallError::Variable { query: quote(&text) })?;
    let options = options(&query, instance, call, from_ms, to_ms).await?;
    let options: Vec<_> =
        options.into_iter().map(|(text, value)| json!({ "text": text, "value": value })).collect();
    Ok(Reply::json(200, &options.into()))
}

async fn options(
    query: &VariableQuery,
    instance: &Instance,
    call: &Call,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<VariableOption>, CallError> {
    let prometheus = || instance.prometheus_for(&call.identity);
    let names_of = |prometheus: &PrometheusClient, selector: Option<&str>| {
        let mut params = vec![("start".to_owned(), secs(from_ms)), ("end".to_owned(), secs(to_ms))];
        params.extend(selector.map(|selector| ("match[]".to_owned(), selector.to_owned())));
        params.extend(prometheus.series_limit());
        params
    };
    let options: Result<Vec<String>, CallError> = match query {
        VariableQuery::LabelValues { selector, label } => {
            let prometheus = prometheus()?;
            let params = names_of(&prometheus, selector.as_deref());
            Ok(sorted(prometheus.label_values(label, params).await?))
        }
        VariableQuery::LabelNames { selector } => {
            let prometheus = prometheus()?;
            let params = names_of(&prometheus, selector.as_deref());
            Ok(sorted(prometheus.label_names(params).await?))
        }
        VariableQuery::Metrics { regex } => {
            // Unanchored, like a regular expression in JavaScript.
            let selector = format!("{{__name__=~{}}}", promql_string(&format!(".*(?:{regex}).*")));
            let prometheus = prometheus()?;
            let params = names_of(&prometheus, Some(&selector));
            Ok(sorted(prometheus.label_values("__name__", params).await?))
        }
        VariableQuery::QueryResult { expr } => {
            let range_ms = u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0);
            let values = Interpolation { step_ms: 15_000, rate_interval_ms: 60_000, range_ms };
            let expr = interpolate(expr, &values);
            let answer = prometheus()?.query(&expr, to_ms).await?;
            Ok(results(&answer.data.result))
        }
        VariableQuery::Flows(variable) => return flow_variables::options(variable, instance).await,
    };
    Ok(options?.into_iter().map(|option| (option.clone(), option)).collect())
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
