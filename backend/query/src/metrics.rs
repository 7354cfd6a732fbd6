//! Queries for counts of flows.

use flow::group::GroupField;
use serde::Deserialize;
use wording::{Notice, names, quote};

use crate::fields::{Fields, InvalidFields};
use crate::flag::{self, VariableInField};
use crate::form::FlowsForm;
use crate::form_json::{InvalidForm, read_fields};
use crate::limit::{self, LimitOutOfRange};

pub(crate) const DEFAULT_TOP: usize = 20;
pub(crate) const MAX_TOP: usize = 500;
/// A query for counts of flows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowMetricsQuery {
    /// Selected flows.
    pub form: FlowsForm,
    /// The quantity to compute.
    pub metric: FlowMetric,
    /// Fields to group by.
    pub group_by: Vec<GroupField>,
    /// Format of the answer.
    pub format: FlowMetricsFormat,
    /// Maximum number of groups, 1 to 500.
    pub top: usize,
    /// Minimum number of flows of a group in a bucket for a drop ratio.
    pub min_flows: u64,
    /// Notices about parts of the query that were not used.
    pub notices: Vec<Notice>,
}

/// A quantity computed from flows.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FlowMetric {
    /// Number of flows.
    #[default]
    Count,
    /// Flows per second.
    Rate,
    /// Share of dropped flows, 0 to 1.
    DropRatio,
    /// Number of distinct pairs of source and destination.
    DistinctPeers,
}

/// Format in which counts are returned.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowMetricsFormat {
    /// Time series.
    #[default]
    TimeSeries,
    /// One number for each group, for panels and alert rules.
    Top,
    /// The same numbers in one table, for people.
    Long,
}

#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "FlowMetricsFields", rename_all = "camelCase", optional_fields)
)]
pub(crate) struct FlowMetricsJson {
    metric: Option<FlowMetric>,
    #[cfg_attr(feature = "typescript", ts(optional, type = "GroupField[]"))]
    group_by: Option<Vec<String>>,
    format: Option<FlowMetricsFormat>,
    limit: Option<i64>,
    #[cfg_attr(feature = "typescript", ts(optional, type = "number"))]
    min_flows: Option<u64>,
}

impl FlowMetricsJson {
    fn take(fields: &mut Fields) -> Result<Self, InvalidFields> {
        Ok(Self {
            metric: fields.variant("metric")?,
            group_by: fields.texts("groupBy")?,
            format: fields.variant("format")?,
            limit: fields.whole("limit")?,
            min_flows: fields.count("minFlows")?,
        })
    }
}

/// Reason why a query for counts of flows cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidFlowMetricsQuery {
    /// A selection of flows that cannot be read.
    #[error(transparent)]
    Form(#[from] InvalidForm),
    /// A key in `groupBy` that does not exist.
    #[error("`groupBy`: `{key}` {}", names::is_not_one_of(.key, group_fields()))]
    GroupField {
        /// Key as given.
        key: String,
    },
    /// A limit out of range.
    #[error(transparent)]
    Limit(#[from] LimitOutOfRange),
    /// A dashboard variable that Grafana left in place.
    #[error(transparent)]
    Variable(#[from] VariableInField),
}

impl FlowMetricsQuery {
    /// Takes the query's fields.
    ///
    /// Errors: [`InvalidFlowMetricsQuery`].
    pub(crate) fn take(fields: Fields) -> Result<Self, InvalidFlowMetricsQuery> {
        let (form, json, notices) = read_fields(fields, "flowMetrics", FlowMetricsJson::take)?;
        let mut group_by = Vec::new();
        for key in json.group_by.unwrap_or_default() {
            if let Some(variable) = flag::unresolved_variable(&key) {
                return Err(VariableInField { field: "groupBy", name: variable.to_owned() }.into());
            }
            let field = GroupField::from_key(key.trim())
                .ok_or_else(|| InvalidFlowMetricsQuery::GroupField { key: quote(&key) })?;
            if !group_by.contains(&field) {
                group_by.push(field);
            }
        }
        let top = limit::read(json.limit, DEFAULT_TOP, MAX_TOP, "groups")?;
        Ok(Self {
            form,
            metric: json.metric.unwrap_or_default(),
            group_by,
            format: json.format.unwrap_or_default(),
            top,
            notices,
            min_flows: json.min_flows.unwrap_or_default(),
        })
    }
}

fn group_fields() -> impl Iterator<Item = &'static str> + Clone {
    GroupField::ALL.iter().map(|field| field.key())
}
