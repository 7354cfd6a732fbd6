//! The JSON of a query, read into one typed value. Unknown fields are refused where they would
//! change what is asked, and named where they would not.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::Envelope;
use super::adhoc::InvalidAdhocFilter;
use super::annotations::FlowAnnotationsQuery;
use super::dns::DnsConnectionsQuery;
use super::flag::InvalidFlag;
use super::form::{FlowsForm, FormJson};
use super::metrics::FlowMetricsQuery;
use super::policies::PoliciesQuery;
use super::service_map::ServiceMapQuery;
use crate::frames::Notice;

pub(super) const DEFAULT_LIMIT: u32 = 1_000;
pub(super) const MAX_LIMIT: u32 = 100_000;
/// Largest JSON of one query.
const MAX_QUERY_BYTES: usize = 1 << 20;

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Query {
    Flows(FlowsQuery),
    FlowMetrics(FlowMetricsQuery),
    ServiceMap(ServiceMapQuery),
    FlowAnnotations(FlowAnnotationsQuery),
    DnsConnections(DnsConnectionsQuery),
    Policies(PoliciesQuery),
    Promql(PromqlQuery),
}

/// Flows of the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FlowsQuery {
    pub(crate) form: FlowsForm,
    pub(crate) format: FlowsFormat,
    /// Flows that are answered, 1 to 100,000.
    pub(crate) limit: usize,
    /// What of a line was not used.
    pub(crate) notices: Vec<Notice>,
}

/// How flows are answered.
#[cfg_attr(test, derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlowsFormat {
    /// A table that any panel shows.
    #[default]
    Table,
    /// The relay's bytes for the flows panel.
    Packed,
    /// Log lines.
    Logs,
}

/// An expression for Prometheus.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PromqlQuery {
    pub(crate) expr: String,
    pub(crate) range: bool,
    pub(crate) instant: bool,
    pub(crate) exemplar: bool,
    pub(crate) legend_format: String,
    /// "Min step".
    pub(crate) min_step: String,
    pub(crate) interval_factor: u64,
    pub(crate) interval_ms: u64,
    pub(crate) utc_offset_secs: i64,
    pub(crate) format: PromqlFormat,
}

/// How series are answered.
#[cfg_attr(test, derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PromqlFormat {
    #[default]
    TimeSeries,
    Table,
    Heatmap,
}

/// Why a query cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidQuery {
    #[error("the query is larger than {} KiB", MAX_QUERY_BYTES >> 10)]
    TooLarge,
    #[error("the query is not a JSON object")]
    NoObject,
    #[error("the query cannot be read: {0}")]
    Json(serde_json::Error),
    #[error(
        "query type `{0}` is unknown: use `flows`, `flowMetrics`, `serviceMap`, `flowAnnotations`, `dnsConnections`, `policies` or `promql`"
    )]
    QueryType(String),
    #[error("limit {0} is out of range: use 1 to {MAX_LIMIT}")]
    Limit(i64),
    #[error("the query has an unknown field `{field}`{}", among(.known))]
    UnknownField { field: String, known: Vec<&'static str> },
    #[error("`{list}.{flag}`")]
    Flag {
        list: &'static str,
        flag: String,
        #[source]
        cause: InvalidFlag,
    },
    #[error("ad hoc filter `{key}`")]
    Adhoc {
        key: String,
        #[source]
        cause: InvalidAdhocFilter,
    },
    #[error("`{list}`: {reason}")]
    RawFilter { list: &'static str, index: usize, reason: String },
    #[error("`{name}`: {reason}")]
    Time { name: &'static str, reason: String },
    #[error("`{one}` and `{other}` cannot be combined, as in `hubble observe`")]
    Selectors { one: &'static str, other: &'static str },
    #[error("`groupBy`: `{key}` is not one of {}", group_fields())]
    GroupField { key: String },
    #[error(
        "`{field}`: `{name}` was not replaced by a value: is there such a variable on the dashboard?"
    )]
    Variable { field: &'static str, name: String },
    #[error("limit {limit} is out of range: use 1 to {max} annotations")]
    Annotations { limit: i64, max: i64 },
    #[error("limit {limit} is out of range: use 1 to {max} names")]
    Names { limit: i64, max: i64 },
    #[error("limit {limit} is out of range: use 1 to {max} groups")]
    Top { limit: i64, max: i64 },
    #[error("`text` and the builder's fields are both set: use one of them")]
    TextAndFilter,
    #[error("`text`, byte {start}: {text}{}", and_more(*.more))]
    Text { start: usize, text: String, more: usize },
    #[error("the expression is empty")]
    EmptyExpression,
    #[error(transparent)]
    MinStep(#[from] crate::prometheus::InvalidMinStep),
    #[error("the time range ends before it begins")]
    TimeRange,
}

/// What tells the type of a query.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    query_type: Option<String>,
    expr: Option<IgnoredAny>,
}

/// What Grafana adds to every query, and what asks for nothing here.
pub(super) const ENVELOPE_FIELDS: [&str; 13] = [
    "queryType",
    "refId",
    "datasource",
    "datasourceId",
    "hide",
    "key",
    "intervalMs",
    "maxDataPoints",
    "queryCachingTTL",
    "timeRange",
    "requestId",
    "cacheTimeout",
    "editorMode",
];

/// Fields that select flows; see [`FormJson`].
pub(crate) const FORM_FIELDS: [&str; 12] = [
    "text",
    "filter",
    "exclude",
    "allowlist",
    "denylist",
    "since",
    "until",
    "last",
    "first",
    "all",
    "follow",
    "adhocFilters",
];

/// The fields of a flows query that are its own.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "FlowsFields", optional_fields))]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FlowsJson {
    format: Option<FlowsFormat>,
    limit: Option<i64>,
}

/// Reads the fields of a query about flows: those that select them, and its `own`.
///
/// Errors: a field that is none of these, or has a value of the wrong type.
pub(super) fn read_fields<T: serde::de::DeserializeOwned>(
    json: &[u8],
    own: &[&'static str],
) -> Result<(FormJson, T), InvalidQuery> {
    let fields: Map<String, Value> = serde_json::from_slice(json).map_err(InvalidQuery::Json)?;
    let (mut form, mut rest) = (Map::new(), Map::new());
    for (field, value) in fields {
        if FORM_FIELDS.contains(&field.as_str()) {
            form.insert(field, value);
        } else if own.contains(&field.as_str()) {
            rest.insert(field, value);
        } else if !ENVELOPE_FIELDS.contains(&field.as_str()) {
            let known = FORM_FIELDS.iter().chain(own).copied().collect();
            return Err(InvalidQuery::UnknownField { field, known });
        }
    }
    let form = serde_json::from_value(Value::Object(form)).map_err(InvalidQuery::Json)?;
    let rest = serde_json::from_value(Value::Object(rest)).map_err(InvalidQuery::Json)?;
    Ok((form, rest))
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn among(known: &[&str]) -> String {
    if known.is_empty() { String::new() } else { format!("; there are {}", list(known)) }
}

fn group_fields() -> String {
    let keys: Vec<&str> = flow::group::GroupField::ALL.iter().map(|field| field.key()).collect();
    list(&keys)
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more errors)") }
}

/// A PromQL query as JSON, as Grafana's Prometheus source writes it.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "PromqlFields", optional_fields))]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromqlJson {
    #[serde(default)]
    expr: Option<String>,
    range: Option<bool>,
    instant: Option<bool>,
    exemplar: Option<bool>,
    legend_format: Option<String>,
    interval: Option<String>,
    interval_factor: Option<f64>,
    interval_ms: Option<f64>,
    utc_offset_sec: Option<f64>,
    format: Option<PromqlFormat>,
}

/// Fields of a PromQL query that are read, or that Grafana and its Prometheus editor add and that
/// ask for nothing here.
const PROMQL_FIELDS: [&str; 37] = [
    "_doNotUse",
    "cacheTimeout",
    "datasource",
    "datasourceId",
    "disableTextWrap",
    "editorMode",
    "exemplar",
    "expr",
    "filters",
    "format",
    "fullMetaSearch",
    "fromExploreMetrics",
    "hide",
    "hinting",
    "includeNullMetadata",
    "instant",
    "interval",
    "intervalFactor",
    "intervalMs",
    "key",
    "legendFormat",
    "maxDataPoints",
    "metric",
    "queryCachingTTL",
    "queryType",
    "range",
    "refId",
    "requestId",
    "scopes",
    "showingGraph",
    "showingTable",
    "step",
    "target",
    "timeRange",
    "useBackend",
    "utcOffsetSec",
    "valueWithRefId",
];

/// Fields that narrow a query in Grafana's own source, and would do so silently not here.
const PROMQL_FILTERS: [&str; 2] = ["adhocFilters", "groupByKeys"];

/// Reads a query, and what its user should know about how it was read.
///
/// Errors: [`InvalidQuery`].
pub(crate) fn read(envelope: &Envelope) -> Result<(Query, Vec<Notice>), InvalidQuery> {
    if envelope.json.len() > MAX_QUERY_BYTES {
        return Err(InvalidQuery::TooLarge);
    }
    if envelope.from_ms > envelope.to_ms {
        return Err(InvalidQuery::TimeRange);
    }
    if envelope.json.trim_ascii_start().first() != Some(&b'{') {
        return Err(InvalidQuery::NoObject);
    }
    let kind: Kind = serde_json::from_slice(&envelope.json).map_err(InvalidQuery::Json)?;
    let query_type = kind
        .query_type
        .or_else(|| Some(envelope.query_type.clone()))
        .filter(|query_type| !query_type.is_empty());
    match query_type.as_deref() {
        // Grafana's Prometheus source writes its own query types here.
        Some("promql" | "timeSeriesQuery") => read_promql(&envelope.json),
        None if kind.expr.is_some() => read_promql(&envelope.json),
        Some("flows") | None => Ok((Query::Flows(FlowsQuery::read(&envelope.json)?), Vec::new())),
        Some("flowMetrics") => {
            Ok((Query::FlowMetrics(FlowMetricsQuery::read(&envelope.json)?), Vec::new()))
        }
        Some("serviceMap") => {
            Ok((Query::ServiceMap(ServiceMapQuery::read(&envelope.json)?), Vec::new()))
        }
        Some("flowAnnotations") => {
            Ok((Query::FlowAnnotations(FlowAnnotationsQuery::read(&envelope.json)?), Vec::new()))
        }
        Some("dnsConnections") => {
            Ok((Query::DnsConnections(DnsConnectionsQuery::read(&envelope.json)?), Vec::new()))
        }
        Some("policies") => Ok((Query::Policies(PoliciesQuery::read(&envelope.json)?), Vec::new())),
        Some(other) => Err(InvalidQuery::QueryType(other.to_owned())),
    }
}

/// How many of these queries are PromQL in format table and shown.
pub(super) fn count_tables(envelopes: &[Envelope]) -> usize {
    #[derive(Deserialize)]
    struct Shown {
        hide: Option<bool>,
    }
    let is_table = |envelope: &&Envelope| {
        let hidden = serde_json::from_slice::<Shown>(&envelope.json)
            .is_ok_and(|shown| shown.hide == Some(true));
        let is_table = matches!(
            read(envelope),
            Ok((Query::Promql(PromqlQuery { format: PromqlFormat::Table, .. }), _))
        );
        is_table && !hidden
    };
    envelopes.iter().filter(is_table).count()
}

impl FlowsQuery {
    /// Reads the JSON of a flows query. Errors: [`InvalidQuery`].
    pub(crate) fn read(json: &[u8]) -> Result<Self, InvalidQuery> {
        let (form, json): (_, FlowsJson) = read_fields(json, &["format", "limit"])?;
        let (form, remarks) = form.read()?;
        let limit = json.limit.unwrap_or(i64::from(DEFAULT_LIMIT));
        let limit = u32::try_from(limit)
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or(InvalidQuery::Limit(limit))?;
        let selectors = &form.selectors;
        let asked = selectors.last.or(selectors.first).filter(|asked| *asked > 0);
        let limit = match asked {
            // A line says how many itself; a limit beside it is the bound.
            Some(asked) => {
                let most = if json.limit.is_some() { limit } else { MAX_LIMIT };
                u64::from(most).min(asked)
            }
            None => u64::from(limit),
        };
        Ok(Self {
            form,
            format: json.format.unwrap_or_default(),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            notices: remarks.into_iter().map(|remark| Notice::info(remark.text)).collect(),
        })
    }
}

fn read_promql(json: &[u8]) -> Result<(Query, Vec<Notice>), InvalidQuery> {
    let FieldNames(fields) = serde_json::from_slice(json).map_err(InvalidQuery::Json)?;
    let filters: Filters = serde_json::from_slice(json).map_err(InvalidQuery::Json)?;
    let mut notices = Vec::new();
    for field in &fields {
        let text = match field.as_str() {
            "adhocFilters" if filters.adhoc_filters.is_empty() => continue,
            "groupByKeys" if filters.group_by_keys.is_empty() => continue,
            name if PROMQL_FILTERS.contains(&name) => {
                format!("`{field}` is not applied: write it into the expression")
            }
            name if PROMQL_FIELDS.contains(&name) => continue,
            _ => format!("the query's field `{field}` is not known and was not used"),
        };
        notices.push(Notice::warning(text));
    }
    let json: PromqlJson = serde_json::from_slice(json).map_err(InvalidQuery::Json)?;
    let expr = json.expr.unwrap_or_default();
    if expr.trim().is_empty() {
        return Err(InvalidQuery::EmptyExpression);
    }
    let instant = json.instant.unwrap_or(false);
    let query = PromqlQuery {
        expr,
        // Old dashboards set neither, and mean a range.
        range: json.range.unwrap_or(!instant) || !instant,
        instant,
        exemplar: json.exemplar.unwrap_or(false),
        legend_format: json.legend_format.unwrap_or_default(),
        min_step: json.interval.unwrap_or_default(),
        interval_factor: whole(json.interval_factor),
        interval_ms: whole(json.interval_ms),
        utc_offset_secs: offset_secs(json.utc_offset_sec),
        format: json.format.unwrap_or_default(),
    };
    Ok((Query::Promql(query), notices))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filters {
    #[serde(default)]
    adhoc_filters: Vec<IgnoredAny>,
    #[serde(default)]
    group_by_keys: Vec<IgnoredAny>,
}

/// The names of an object's fields, whatever they hold.
struct FieldNames(BTreeSet<String>);

impl<'de> Deserialize<'de> for FieldNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = FieldNames;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldNames, A::Error> {
                let mut names = BTreeSet::new();
                while let Some((name, IgnoredAny)) = map.next_entry()? {
                    names.insert(name);
                }
                Ok(FieldNames(names))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// JavaScript writes whole numbers as floats now and then.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn whole(number: Option<f64>) -> u64 {
    number.unwrap_or(0.0).clamp(0.0, 9e15) as u64
}

/// Within a day to either side of UTC.
#[expect(clippy::cast_possible_truncation, reason = "clamped before")]
fn offset_secs(number: Option<f64>) -> i64 {
    number.unwrap_or(0.0).clamp(-86_400.0, 86_400.0) as i64
}
