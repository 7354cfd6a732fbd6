//! Queries for counts of flows.

use flow::group::GroupField;
use serde::Deserialize;
use wording::{Notice, quote};

use crate::fields::Fields;
use crate::flag;
use crate::form::FlowsForm;
use crate::model::{InvalidQuery, read_fields};

pub(crate) const DEFAULT_TOP: i64 = 20;
pub(crate) const MAX_TOP: i64 = 500;
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
    fn take(fields: &mut Fields) -> Result<Self, InvalidQuery> {
        Ok(Self {
            metric: fields.variant("metric")?,
            group_by: fields.texts("groupBy")?,
            format: fields.variant("format")?,
            limit: fields.whole("limit")?,
            min_flows: fields.count("minFlows")?,
        })
    }
}

impl FlowMetricsQuery {
    /// Takes the query's fields.
    ///
    /// Errors: [`InvalidQuery`].
    pub(crate) fn take(fields: Fields) -> Result<Self, InvalidQuery> {
        let (form, json, notices) = read_fields(fields, "flowMetrics", FlowMetricsJson::take)?;
        let mut group_by = Vec::new();
        for key in json.group_by.unwrap_or_default() {
            if let Some(variable) = flag::unresolved_variable(&key) {
                return Err(InvalidQuery::Variable { field: "groupBy", name: variable.to_owned() });
            }
            let field = GroupField::from_key(key.trim())
                .ok_or_else(|| InvalidQuery::GroupField { key: quote(&key) })?;
            if !group_by.contains(&field) {
                group_by.push(field);
            }
        }
        let top = json.limit.unwrap_or(DEFAULT_TOP);
        let top = usize::try_from(top)
            .ok()
            .filter(|_| (1..=MAX_TOP).contains(&top))
            .ok_or(InvalidQuery::Top { limit: top, max: MAX_TOP })?;
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
