//! The JSON of a query, read into one typed value. Unknown fields are refused where they would
//! change what is asked, and named where they would not.

use serde::Deserialize;
use serde_json::Value;

use super::Envelope;
use super::adhoc::InvalidAdhocFilter;
use super::annotations::FlowAnnotationsQuery;
use super::budget::TooLarge;
use super::dns::DnsConnectionsQuery;
use super::fields::{self, Fields, MAX_FIELDS, MAX_QUERY_BYTES};
use super::flag::InvalidFlag;
use super::form::{FlowsForm, FormJson};
use super::metrics::{FlowMetricsFormat, FlowMetricsQuery};
use super::policies::PoliciesQuery;
use super::service_map::ServiceMapQuery;
use wording::{Notice, names, quote};

pub(super) const DEFAULT_LIMIT: u32 = 1_000;
pub(super) const MAX_LIMIT: u32 = 100_000;

/// Names of the kinds of queries.
const QUERY_TYPES: [&str; 7] = [
    "flows",
    "flowMetrics",
    "serviceMap",
    "flowAnnotations",
    "dnsConnections",
    "policies",
    "promql",
];

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
    #[error("query type `{name}` is unknown{}", names::is_it_or(.name, "; there are", QUERY_TYPES))]
    QueryType { name: String },
    #[error("limit {0} is out of range: use 1 to {MAX_LIMIT}")]
    Limit(i64),
    #[error("the query has {count} fields, at most {MAX_FIELDS} are taken")]
    TooManyFields { count: usize },
    #[error("the query has no field `{field}`{}", names::is_it(.meant.as_deref()))]
    UnknownField { field: String, meant: Option<String> },
    #[error("`{field}` is missing: it must be {expected}")]
    Missing { field: &'static str, expected: &'static str },
    #[error("`{field}` must be {expected}, not {found}")]
    Field { field: String, expected: String, found: String },
    #[error("`{list}.{flag}`")]
    Flag {
        list: &'static str,
        flag: String,
        #[source]
        cause: InvalidFlag,
    },
    #[error("`{list}`")]
    Selection {
        list: &'static str,
        #[source]
        cause: TooLarge,
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
    #[error("`until` and `follow` cannot be combined: what is followed has no end")]
    UntilWithFollow,
    #[error("`groupBy`: `{key}` {}", names::is_not_one_of(.key, group_fields()))]
    GroupField { key: String },
    #[error(
        "`{field}`: `{name}` was not replaced by a value: is there such a variable on the dashboard?"
    )]
    Variable { field: &'static str, name: String },
    #[error("limit {limit} is out of range: use 1 to {max} annotations")]
    Annotations { limit: i64, max: i64 },
    #[error("`ip`: `{ip}` is no IP address")]
    Ip { ip: String },
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
    MinStep(#[from] prometheus::InvalidMinStep),
    #[error("the time range ends before it begins")]
    TimeRange,
}

/// The fields of a flows query that are its own.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "FlowsFields", optional_fields))]
pub(super) struct FlowsJson {
    format: Option<FlowsFormat>,
    limit: Option<i64>,
}

impl FlowsJson {
    fn take(fields: &mut Fields) -> Result<Self, InvalidQuery> {
        Ok(Self { format: fields.choice("format")?, limit: fields.whole("limit")? })
    }
}

/// Reads a query about flows: what selects them, what `own` takes of the fields, and what is to be
/// said of the query.
///
/// Errors: [`InvalidQuery`].
pub(super) fn read_fields<T>(
    json: &[u8],
    query_type: &str,
    own: impl FnOnce(&mut Fields) -> Result<T, InvalidQuery>,
) -> Result<(FlowsForm, T, Vec<Notice>), InvalidQuery> {
    let mut fields = Fields::read(json)?;
    let form = FormJson::take(&mut fields)?;
    let own = own(&mut fields)?;
    let mut notices = fields.rest(query_type)?;
    let (form, remarks) = form.read()?;
    notices.extend(remarks.into_iter().map(|remark| Notice::info(remark.text)));
    Ok((form, own, notices))
}

fn group_fields() -> impl Iterator<Item = &'static str> + Clone {
    flow::group::GroupField::ALL.iter().map(|field| field.key())
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more errors)") }
}

/// A PromQL query as JSON, as Grafana's Prometheus source writes it.
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(rename = "PromqlFields", rename_all = "camelCase", optional_fields)
)]
pub(super) struct PromqlJson {
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

impl PromqlJson {
    /// Takes the fields, and says what it does not know of them.
    fn take(fields: &mut Fields) -> Result<(Self, Option<Notice>), InvalidQuery> {
        let (format, notice) =
            fields.take("format").map(|format| PromqlFormat::read(&format)).unzip();
        let json = Self {
            expr: fields.text("expr")?,
            range: fields.truth("range")?,
            instant: fields.truth("instant")?,
            exemplar: fields.truth("exemplar")?,
            legend_format: fields.text("legendFormat")?,
            interval: fields.text("interval")?,
            interval_factor: fields.number("intervalFactor")?,
            interval_ms: fields.number("intervalMs")?,
            utc_offset_sec: fields.number("utcOffsetSec")?,
            format,
        };
        Ok((json, notice.flatten()))
    }
}

impl PromqlFormat {
    /// Reads a format as Grafana's own source does: old dashboards hold its number, and what is not
    /// known is a time series. Source: `pkg/promlib/models/query.go`.
    fn read(format: &Value) -> (Self, Option<Notice>) {
        match format.as_u64() {
            Some(0 | 1) => (Self::TimeSeries, None),
            Some(2) => (Self::Table, None),
            Some(3) => (Self::Heatmap, None),
            _ => match fields::choice("format", format) {
                Ok(format) => (format, None),
                Err(error) => {
                    let notice = Notice::warning(format!("{error}: showing time series"));
                    (Self::TimeSeries, Some(notice))
                }
            },
        }
    }
}

/// Reads a query, and what its user should know about how it was read.
///
/// Errors: [`InvalidQuery`].
pub(crate) fn read(envelope: &Envelope) -> Result<(Query, Vec<Notice>), InvalidQuery> {
    if envelope.from_ms > envelope.to_ms {
        return Err(InvalidQuery::TimeRange);
    }
    let mut fields = Fields::read(&envelope.json)?;
    let query_type = fields
        .text("queryType")?
        .or_else(|| Some(envelope.query_type.clone()))
        .filter(|query_type| !query_type.is_empty());
    match query_type.as_deref() {
        // Grafana's Prometheus source writes its own query types here.
        Some("promql" | "timeSeriesQuery") => read_promql(&envelope.json),
        None if fields.has("expr") => read_promql(&envelope.json),
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
        Some("policies") => {
            let (query, notices) = PoliciesQuery::read(&envelope.json)?;
            Ok((Query::Policies(query), notices))
        }
        Some(other) => Err(InvalidQuery::QueryType { name: quote(other) }),
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

impl Query {
    /// Asks for what expressions calculate with: Grafana's own Prometheus source makes tables and
    /// heat maps in the browser, which alert rules and expressions never see. They take one kind of
    /// frame, too: where both are asked for, the range alone.
    pub(super) fn as_numbers(&mut self) {
        match self {
            Self::Promql(query) => {
                query.format = PromqlFormat::TimeSeries;
                query.instant &= !query.range;
            }
            Self::FlowMetrics(query) if query.format == FlowMetricsFormat::Long => {
                query.format = FlowMetricsFormat::Top;
            }
            _ => {}
        }
    }
}

impl FlowsQuery {
    /// Reads the JSON of a flows query. Errors: [`InvalidQuery`].
    pub(crate) fn read(json: &[u8]) -> Result<Self, InvalidQuery> {
        let (form, json, notices) = read_fields(json, "flows", FlowsJson::take)?;
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
            notices,
        })
    }
}

fn read_promql(json: &[u8]) -> Result<(Query, Vec<Notice>), InvalidQuery> {
    let mut fields = Fields::read(json)?;
    let (json, unknown_format) = PromqlJson::take(&mut fields)?;
    let mut notices = fields.rest("promql")?;
    notices.extend(unknown_format);
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
