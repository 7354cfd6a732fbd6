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
/// Flows, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowMetricsQuery {
    /// Which flows.
    pub form: FlowsForm,
    /// What is counted.
    pub metric: FlowMetric,
    /// What they are counted by.
    pub group_by: Vec<GroupField>,
    /// How counts are answered.
    pub format: FlowMetricsFormat,
    /// Groups that are shown, 1 to 500.
    pub top: usize,
    /// Flows of a group in a bucket of which a drop ratio is worked out.
    pub min_flows: u64,
    /// What of the query was not used.
    pub notices: Vec<Notice>,
}

/// What is counted.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FlowMetric {
    /// Flows.
    #[default]
    Count,
    /// Flows per second.
    Rate,
    /// Share of the flows that were dropped, 0 to 1.
    DropRatio,
    /// Different pairs of source and destination.
    DistinctPeers,
}

/// How counts are answered.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowMetricsFormat {
    /// Over time.
    #[default]
    TimeSeries,
    /// One number for each group, for panels and alert rules.
    Top,
    /// The same as one table, for people who read it.
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
            metric: fields.choice("metric")?,
            group_by: fields.texts("groupBy")?,
            format: fields.choice("format")?,
            limit: fields.whole("limit")?,
            min_flows: fields.count("minFlows")?,
        })
    }
}

impl FlowMetricsQuery {
    /// Takes the fields of a query. Errors: [`InvalidQuery`].
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
