//! Queries of panels to the data source.

use serde_json::{Value, json};

use crate::Build;
use crate::condition::{FlowCondition, filter};

/// One query of a panel.
#[derive(Debug, Clone)]
pub(crate) enum PanelQuery {
    /// PromQL over the time range.
    Range { expr: String, legend: &'static str },
    /// PromQL over the time range, as a heat map of a classic histogram.
    Histogram { expr: String },
    /// PromQL at the range's end, a number for each series.
    Instant { expr: String, legend: &'static str },
    /// PromQL at the range's end, a row for each series.
    Rows { expr: String },
    /// Single flows.
    Flows { filter: Vec<FlowCondition>, limit: u32 },
    /// Counts of flows. `by` are grouping keys.
    FlowMetrics {
        metric: &'static str,
        by: &'static [&'static str],
        format: &'static str,
        filter: Vec<FlowCondition>,
        limit: u32,
        /// Minimum number of flows for a drop ratio; 0: no minimum.
        least: u32,
    },
    /// A service map.
    ServiceMap { filter: Vec<FlowCondition> },
}

/// The dashboard's data source variable.
pub(crate) fn datasource(build: Build) -> Value {
    json!({ "type": build.datasource_type(), "uid": "${datasource}" })
}

impl PanelQuery {
    /// Whether only this project's data source can answer.
    pub(crate) fn needs_flows(&self) -> bool {
        matches!(self, Self::Flows { .. } | Self::FlowMetrics { .. } | Self::ServiceMap { .. })
    }

    /// The shortest step of the graph. Single flows in steps of a second are spikes and not a rate,
    /// and a share jumps with a dozen flows per step.
    pub(crate) fn shortest_step(&self) -> Option<&'static str> {
        match self {
            Self::FlowMetrics { metric: "dropRatio", .. } => Some("1m"),
            Self::FlowMetrics { .. } => Some("10s"),
            _ => None,
        }
    }

    /// The query as a panel's target.
    pub(crate) fn json(&self, ref_id: char, build: Build) -> Value {
        let mut target = match self {
            Self::Range { expr, legend } => promql(expr, legend, "time_series", true),
            Self::Histogram { expr } => promql(expr, "{{le}}", "heatmap", true),
            Self::Instant { expr, legend } => promql(expr, legend, "time_series", false),
            Self::Rows { expr } => promql(expr, "", "table", false),
            Self::Flows { filter: conditions, limit } => json!({
                "queryType": "flows",
                "format": "packed",
                "filter": filter(conditions),
                "limit": limit,
            }),
            Self::FlowMetrics { metric, by, format, filter: conditions, limit, least } => {
                let mut query = json!({
                    "queryType": "flowMetrics",
                    "metric": metric,
                    "groupBy": by,
                    "format": format,
                    "filter": filter(conditions),
                    "limit": limit,
                });
                if let Some(query) = query.as_object_mut().filter(|_| *least > 0) {
                    query.insert("minFlows".into(), json!(least));
                }
                query
            }
            Self::ServiceMap { filter: conditions } => json!({
                "queryType": "serviceMap",
                "by": "workload",
                "filter": filter(conditions),
            }),
        };
        if let Some(target) = target.as_object_mut() {
            target.insert("refId".into(), json!(ref_id.to_string()));
            target.insert("datasource".into(), datasource(build));
            let is_promql = target.contains_key("expr");
            if is_promql && build == Build::Hubble {
                target.insert("queryType".into(), json!("promql"));
            }
            if is_promql && build == Build::Prometheus {
                target.insert("editorMode".into(), json!("code"));
            }
        }
        target
    }
}

fn promql(expr: &str, legend: &str, format: &str, range: bool) -> Value {
    json!({
        "expr": expr,
        "legendFormat": legend,
        "format": format,
        "range": range,
        "instant": !range,
        "exemplar": false,
    })
}
