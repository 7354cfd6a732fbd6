//! The query as one typed value, and its reader.

use wording::{Notice, names, quote};

use crate::adhoc::InvalidAdhocFilter;
use crate::annotations::FlowAnnotationsQuery;
use crate::budget::TooLarge;
use crate::dns::DnsConnectionsQuery;
use crate::fields::{Fields, MAX_FIELDS, MAX_QUERY_BYTES};
use crate::flag::InvalidFlag;
use crate::flows::{FlowsQuery, MAX_LIMIT};
use crate::form::{FlowsForm, FormJson};
use crate::metrics::{FlowMetricsFormat, FlowMetricsQuery};
use crate::policies::PoliciesQuery;
use crate::promql::{PromqlFormat, PromqlQuery};
use crate::service_map::ServiceMapQuery;

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
pub enum Query {
    /// `flows`: flows one by one.
    Flows(FlowsQuery),
    /// `flowMetrics`: counts of flows.
    FlowMetrics(FlowMetricsQuery),
    /// `serviceMap`: who talks to whom.
    ServiceMap(ServiceMapQuery),
    /// `flowAnnotations`: drops as annotations.
    FlowAnnotations(FlowAnnotationsQuery),
    /// `dnsConnections`: DNS names and the connections that followed them.
    DnsConnections(DnsConnectionsQuery),
    /// `policies`: the data source's network policies.
    Policies(PoliciesQuery),
    /// `promql`: an expression for Prometheus.
    Promql(PromqlQuery),
}

/// A query as it was read from its JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadQuery {
    /// The query.
    pub query: Query,
    /// What its user should know about how it was read.
    pub notices: Vec<Notice>,
    /// Whether Grafana hides its answer.
    pub is_hidden: bool,
}

impl ReadQuery {
    /// Reads the JSON of a query. `query_type` is Grafana's copy of the field `queryType`, used
    /// where the query has none.
    ///
    /// Errors: [`InvalidQuery`].
    pub fn read(json: &[u8], query_type: &str) -> Result<Self, InvalidQuery> {
        let fields = Fields::read(json)?;
        let is_hidden = fields.is_true("hide");
        let query_type = fields
            .peek_text("queryType")?
            .or_else(|| Some(query_type.to_owned()))
            .filter(|query_type| !query_type.is_empty());
        let plain = |query| (query, Vec::new());
        let (query, notices) = match query_type.as_deref() {
            // Grafana's Prometheus source writes its own query types here.
            Some("promql" | "timeSeriesQuery") => PromqlQuery::take(fields)?,
            None if fields.has("expr") => PromqlQuery::take(fields)?,
            Some("flows") | None => plain(Query::Flows(FlowsQuery::take(fields)?)),
            Some("flowMetrics") => plain(Query::FlowMetrics(FlowMetricsQuery::take(fields)?)),
            Some("serviceMap") => plain(Query::ServiceMap(ServiceMapQuery::take(fields)?)),
            Some("flowAnnotations") => {
                plain(Query::FlowAnnotations(FlowAnnotationsQuery::take(fields)?))
            }
            Some("dnsConnections") => {
                plain(Query::DnsConnections(DnsConnectionsQuery::take(fields)?))
            }
            Some("policies") => {
                let (query, notices) = PoliciesQuery::take(fields)?;
                (Query::Policies(query), notices)
            }
            Some(other) => return Err(InvalidQuery::QueryType { name: quote(other) }),
        };
        Ok(Self { query, notices, is_hidden })
    }
}

impl Query {
    /// Asks for what expressions calculate with: Grafana's own Prometheus source makes tables and
    /// heat maps in the browser, which alert rules and expressions never see. They take one kind of
    /// frame, too: where both are asked for, the range alone.
    pub fn as_numbers(&mut self) {
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

/// Why a query cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what happened, by its fields")]
pub enum InvalidQuery {
    #[error("the query is larger than {} KiB", MAX_QUERY_BYTES >> 10)]
    TooLarge,
    #[error("the query is not a JSON object")]
    NoObject,
    #[error("the query cannot be read: {0}")]
    Json(serde_json::Error),
    #[error("query type `{name}` is unknown{}", names::did_you_mean_or(.name, "; there are", QUERY_TYPES))]
    QueryType { name: String },
    #[error("limit {0} is out of range: use 1 to {MAX_LIMIT}")]
    Limit(i64),
    #[error("the query has {count} fields, at most {MAX_FIELDS} are taken")]
    TooManyFields { count: usize },
    #[error("the query has no field `{field}`{}", names::did_you_mean(.meant.as_deref()))]
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
    #[error("the time range ends before it begins")]
    TimeRange,
}

/// Reads a query about flows: what selects them, what `own` takes of the fields, and notices about
/// the query.
///
/// Errors: [`InvalidQuery`].
pub(crate) fn read_fields<T>(
    mut fields: Fields,
    query_type: &str,
    own: impl FnOnce(&mut Fields) -> Result<T, InvalidQuery>,
) -> Result<(FlowsForm, T, Vec<Notice>), InvalidQuery> {
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
