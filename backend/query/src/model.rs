//! The typed query, and the reader of its JSON.

use wording::{Notice, names, quote};

use crate::annotations::{FlowAnnotationsQuery, InvalidFlowAnnotationsQuery};
use crate::dns::{DnsConnectionsQuery, InvalidDnsConnectionsQuery};
use crate::fields::{Fields, InvalidFields};
use crate::flag::VariableInField;
use crate::flows::{FlowsQuery, InvalidFlowsQuery};
use crate::form::InvalidSelectors;
use crate::form_json::InvalidForm;
use crate::metrics::{FlowMetricsFormat, FlowMetricsQuery, InvalidFlowMetricsQuery};
use crate::policies::PoliciesQuery;
use crate::promql::{InvalidPromqlQuery, PromqlFormat, PromqlQuery};
use crate::selection::InvalidSelection;
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
        let promql = |fields| -> Result<_, InvalidQuery> {
            let (query, notices) = PromqlQuery::take(fields)?;
            Ok((Query::Promql(query), notices))
        };
        let (query, notices) = match query_type.as_deref() {
            // Grafana's Prometheus source writes its own query types here.
            Some("promql" | "timeSeriesQuery") => promql(fields)?,
            None if fields.has("expr") => promql(fields)?,
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
    /// Name of the query's type.
    pub fn query_type(&self) -> &'static str {
        match self {
            Self::Flows(_) => "flows",
            Self::FlowMetrics(_) => "flowMetrics",
            Self::ServiceMap(_) => "serviceMap",
            Self::FlowAnnotations(_) => "flowAnnotations",
            Self::DnsConnections(_) => "dnsConnections",
            Self::Policies(_) => "policies",
            Self::Promql(_) => "promql",
        }
    }

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

/// Reason why a query cannot be read or used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidQuery {
    /// A query type that does not exist.
    #[error("query type `{name}` is unknown{}", names::did_you_mean_or(.name, "; there are", QUERY_TYPES))]
    QueryType {
        /// Query type as given.
        name: String,
    },
    /// Fields that cannot be used.
    #[error(transparent)]
    Fields(#[from] InvalidFields),
    /// A selection of flows that cannot be read.
    #[error(transparent)]
    Form(#[from] InvalidForm),
    /// Flows that cannot be selected.
    #[error(transparent)]
    Selection(#[from] InvalidSelection),
    /// Selectors that cannot be used.
    #[error(transparent)]
    Selectors(#[from] InvalidSelectors),
    /// A query for flows.
    #[error(transparent)]
    Flows(#[from] InvalidFlowsQuery),
    /// A query for counts of flows.
    #[error(transparent)]
    FlowMetrics(#[from] InvalidFlowMetricsQuery),
    /// A query for annotations.
    #[error(transparent)]
    FlowAnnotations(#[from] InvalidFlowAnnotationsQuery),
    /// A query for DNS names.
    #[error(transparent)]
    DnsConnections(#[from] InvalidDnsConnectionsQuery),
    /// A query for Prometheus.
    #[error(transparent)]
    Promql(#[from] InvalidPromqlQuery),
    /// A dashboard variable that Grafana left in place.
    #[error(transparent)]
    Variable(#[from] VariableInField),
    /// A time range whose end precedes its start.
    #[error("the time range ends before it begins")]
    TimeRange,
}
