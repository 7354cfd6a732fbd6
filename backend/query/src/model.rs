//! The typed query, and the reader of its JSON.

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

/// Names of the query types.
const QUERY_TYPES: [&str; 7] = [
    "flows",
    "flowMetrics",
    "serviceMap",
    "flowAnnotations",
    "dnsConnections",
    "policies",
    "promql",
];

/// A query of one of the seven types.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// `flows`: single flows.
    Flows(FlowsQuery),
    /// `flowMetrics`: counts of flows.
    FlowMetrics(FlowMetricsQuery),
    /// `serviceMap`: which workloads communicate.
    ServiceMap(ServiceMapQuery),
    /// `flowAnnotations`: drops as annotations.
    FlowAnnotations(FlowAnnotationsQuery),
    /// `dnsConnections`: DNS names and the connections that followed their lookups.
    DnsConnections(DnsConnectionsQuery),
    /// `policies`: the data source's network policies.
    Policies(PoliciesQuery),
    /// `promql`: an expression for Prometheus.
    Promql(PromqlQuery),
}

/// A query read from its JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadQuery {
    /// The query.
    pub query: Query,
    /// Notices for the user about the query itself.
    pub notices: Vec<Notice>,
    /// Whether Grafana hides the query's answer.
    pub is_hidden: bool,
}

impl ReadQuery {
    /// Reads the JSON of a query. `query_type` is Grafana's copy of the field `queryType`, used if
    /// the JSON has none.
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
    /// Changes the query to a format that expressions can calculate with. Grafana's own Prometheus
    /// source makes tables and heat maps in the browser, so alert rules and expressions never see
    /// them. They also take only one kind of frame: if a query has both a range and an instant, the
    /// range remains.
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

/// Reason why a query cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidQuery {
    /// More than 1 MiB of JSON.
    #[error("the query is larger than {} KiB", MAX_QUERY_BYTES >> 10)]
    TooLarge,
    /// JSON of another type.
    #[error("the query is not a JSON object")]
    NoObject,
    /// Text that is not JSON.
    #[error("the query cannot be read: {0}")]
    Json(serde_json::Error),
    /// A query type that does not exist.
    #[error("query type `{name}` is unknown{}", names::did_you_mean_or(.name, "; there are", QUERY_TYPES))]
    QueryType {
        /// Query type as given.
        name: String,
    },
    /// A number of flows outside 1 to 100,000.
    #[error("limit {0} is out of range: use 1 to {MAX_LIMIT}")]
    Limit(i64),
    /// More than 100 fields.
    #[error("the query has {count} fields; the limit is {MAX_FIELDS}")]
    TooManyFields {
        /// Number of fields.
        count: usize,
    },
    /// A field that the query type does not have.
    #[error("the query has no field `{field}`{}", names::did_you_mean(.meant.as_deref()))]
    UnknownField {
        /// Field as given.
        field: String,
        /// Nearest known name.
        meant: Option<String>,
    },
    /// A required field that is absent.
    #[error("`{field}` is missing: it must be {expected}")]
    Missing {
        /// Name of the field.
        field: &'static str,
        /// The value's type, with an article.
        expected: &'static str,
    },
    /// A field with a value of the wrong type.
    #[error("`{field}` must be {expected}, not {found}")]
    Field {
        /// Path of the field.
        field: String,
        /// The value's type, with an article.
        expected: String,
        /// The value as given, shortened.
        found: String,
    },
    /// A flag that cannot be used.
    #[error("`{list}.{flag}`")]
    Flag {
        /// Field that holds the flags: `filter`, `exclude` or `adhocFilters`.
        list: &'static str,
        /// Name of the flag in JSON.
        flag: String,
        /// Reason.
        #[source]
        cause: InvalidFlag,
    },
    /// A selection that is too large.
    #[error("`{list}`")]
    Selection {
        /// Field that holds the filters.
        list: &'static str,
        /// Reason.
        #[source]
        cause: TooLarge,
    },
    /// An ad hoc filter that cannot be applied.
    #[error("ad hoc filter `{key}`")]
    Adhoc {
        /// Key of the condition.
        key: String,
        /// Reason.
        #[source]
        cause: InvalidAdhocFilter,
    },
    /// A filter in JSON that Hubble refuses.
    #[error("`{list}`: {reason}")]
    RawFilter {
        /// `allowlist` or `denylist`.
        list: &'static str,
        /// Place of the filter in the list, from 0.
        index: usize,
        /// Reason, as the end of a sentence.
        reason: String,
    },
    /// A time that cannot be read, or that lies outside the time range.
    #[error("`{name}`: {reason}")]
    Time {
        /// `since` or `until`.
        name: &'static str,
        /// Reason, as the end of a sentence.
        reason: String,
    },
    /// Two selectors that `hubble observe` does not take together.
    #[error("`{one}` and `{other}` cannot be combined, as in `hubble observe`")]
    Selectors {
        /// First selector.
        one: &'static str,
        /// Second selector.
        other: &'static str,
    },
    /// `until` together with `follow`.
    #[error("`until` and `follow` cannot be combined: a followed query has no end")]
    UntilWithFollow,
    /// A key in `groupBy` that does not exist.
    #[error("`groupBy`: `{key}` {}", names::is_not_one_of(.key, group_fields()))]
    GroupField {
        /// Key as given.
        key: String,
    },
    /// A dashboard variable that Grafana left in place.
    #[error(
        "`{field}`: `{name}` was not replaced by a value: is there such a variable on the dashboard?"
    )]
    Variable {
        /// Field with the variable.
        field: &'static str,
        /// The variable as written.
        name: String,
    },
    /// A number of annotations outside 1 to 1,000.
    #[error("limit {limit} is out of range: use 1 to {max} annotations")]
    Annotations {
        /// Limit as given.
        limit: i64,
        /// Largest limit.
        max: i64,
    },
    /// A text in `ip` that is not an address.
    #[error("`ip`: `{ip}` is not an IP address")]
    Ip {
        /// Text as given.
        ip: String,
    },
    /// A number of names outside 1 to 10,000.
    #[error("limit {limit} is out of range: use 1 to {max} names")]
    Names {
        /// Limit as given.
        limit: i64,
        /// Largest limit.
        max: i64,
    },
    /// A number of groups outside 1 to 500.
    #[error("limit {limit} is out of range: use 1 to {max} groups")]
    Top {
        /// Limit as given.
        limit: i64,
        /// Largest limit.
        max: i64,
    },
    /// A line together with fields of the builder.
    #[error("`text` and the builder's fields are both set: use one of them")]
    TextAndFilter,
    /// The errors of a line.
    #[error("`text`, byte {start}: {text}{}", and_more(*.more))]
    Text {
        /// First byte of the fault in the line.
        start: usize,
        /// Message of the first error.
        text: String,
        /// Number of further errors.
        more: usize,
    },
    /// A PromQL query without an expression.
    #[error("the expression is empty")]
    EmptyExpression,
    /// A time range whose end precedes its start.
    #[error("the time range ends before it begins")]
    TimeRange,
}

/// Reads a query about flows: the selection, the fields that `own` takes, and notices about the
/// query.
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
    let (form, warnings) = form.read()?;
    notices.extend(warnings.into_iter().map(|warning| Notice::info(warning.text)));
    Ok((form, own, notices))
}

fn group_fields() -> impl Iterator<Item = &'static str> + Clone {
    flow::group::GroupField::ALL.iter().map(|field| field.key())
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more errors)") }
}
