//! Data frames: the only module that knows Arrow IPC and Grafana's metadata.
//!
//! Grafana refuses a whole request when one of its frames has a column type or a metadata value
//! that it does not expect, and says why only in its own log. So every frame is checked here, by
//! [`encode`], before it leaves.

mod annotations;
mod check;
mod dns_table;
mod exemplars;
#[cfg(test)]
mod flow_golden;
mod flow_links;
mod flow_log;
mod flow_series;
mod flow_table;
mod flow_text;
#[cfg(test)]
pub(crate) mod golden;
mod heatmap;
mod ipc;
mod live;
mod node_graph;
mod packed;
mod policy_files;
mod series;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use serde::Serialize;
use serde_json::{Map, Value};
use wording::Notice;

pub(crate) use self::annotations::{DropAnnotation, drop_annotations};
pub(crate) use self::check::BadFrame;
pub(crate) use self::dns_table::dns_table;
pub(crate) use self::exemplars::exemplars;
pub(crate) use self::flow_links::{flow_links, graph_links};
pub(crate) use self::flow_log::{FLOW_LOG_COLUMNS, flow_log};
pub(crate) use self::flow_series::{
    FlowSeries, FlowSeriesShape, flow_log_volume, flow_numbers, flow_ranking, flow_time_series,
};
pub(crate) use self::flow_table::{FLOW_TABLE_COLUMNS, flow_table};
pub(crate) use self::heatmap::heatmap;
pub(crate) use self::ipc::encode;
pub(crate) use self::live::{FramePart, Said, live_json, live_log, live_table};
pub(crate) use self::node_graph::node_graph;
pub(crate) use self::packed::packed_flows;
pub(crate) use self::policy_files::policy_files;
pub(crate) use self::series::{Legend, SeriesQuery, table, text, time_series, vector};

/// One frame: named fields of one length, and what Grafana should know about them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frame {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) meta: Meta,
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) values: ArrayRef,
    /// Whether the schema says that values may be absent. It does not follow the values at hand:
    /// a schema that changes from refresh to refresh is none.
    pub(crate) nullable: bool,
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether the values are of a series, whose labels are told even if there are none.
    pub(crate) is_series: bool,
    pub(crate) config: FieldConfig,
}

/// Grafana's `FrameMeta`. Source: grafana-plugin-sdk-go `data/frame_meta.go`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Meta {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) frame_type: Option<FrameType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) type_version: Option<[u8; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preferred_visualisation_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preferred_visualisation_plugin_id: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) executed_query_string: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data_topic: Option<&'static str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) custom: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notices: Vec<Notice>,
}

/// What a frame is, in the words of Grafana's data plane contract and, for heat maps, of its
/// frontend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FrameType {
    Table,
    TimeseriesMulti,
    NumericMulti,
    NumericLong,
    HeatmapRows,
    HeatmapCells,
    LogLines,
}

/// Grafana's `FieldConfig`. Source: grafana-plugin-sdk-go `data/field_config.go`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldConfig {
    #[serde(rename = "displayNameFromDS", skip_serializing_if = "Option::is_none")]
    pub(crate) display_name_from_ds: Option<String>,
    /// Where Grafana does not look at the name from the data source.
    #[serde(rename = "displayName", skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filterable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decimals: Option<u16>,
    /// Milliseconds between two values of a time field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interval: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) color: Option<FixedColor>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) mappings: Vec<Value>,
    /// Grafana's `DataLink`s.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) custom: Map<String, Value>,
}

/// Grafana's `FieldColor` with one colour, by the name that its themes know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FixedColor {
    mode: &'static str,
    fixed_color: &'static str,
}

impl FixedColor {
    pub(crate) fn new(color: &'static str) -> Self {
        Self { mode: "fixed", fixed_color: color }
    }
}

impl Field {
    pub(crate) fn new(name: impl Into<String>, values: ArrayRef) -> Self {
        Self {
            name: name.into(),
            values,
            nullable: false,
            labels: BTreeMap::new(),
            is_series: false,
            config: FieldConfig::default(),
        }
    }

    pub(crate) fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    pub(crate) fn with_config(self, config: FieldConfig) -> Self {
        Self { config, ..self }
    }
}
