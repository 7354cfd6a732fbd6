//! Data frames for Grafana: Arrow IPC files with Grafana's metadata. Only this crate writes them;
//! the preview, the kit and the benches read them. A [`Frame`] is built from columns of flows,
//! series, counts, a service map or policy files, checked by [`encode`], and sent as bytes. Grafana
//! refuses a whole request for one frame with an unexpected column type or metadata value, and gives
//! the reason only in its own log. The types of metadata are right by construction; columns are
//! checked.

mod annotations;
mod check;
mod dns_table;
mod exemplars;
#[cfg(test)]
mod flow_golden_tests;
mod flow_links;
mod flow_log;
mod flow_series;
mod flow_table;
mod flow_text;
#[cfg(any(test, feature = "golden"))]
pub mod golden;
mod heatmap;
mod heatmap_cells;
mod ipc;
mod live;
mod node_graph;
mod packed;
mod policy_files;
mod series;
mod series_query;
mod table_limit;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use serde::Serialize;
use serde_json::{Map, Value};
use wording::Notice;

pub use self::annotations::{DropAnnotation, drop_annotations};
pub use self::check::BadFrame;
pub use self::dns_table::dns_table;
pub use self::exemplars::exemplars;
pub use self::flow_links::{flow_links, graph_links};
pub use self::flow_log::{FLOW_LOG_COLUMNS, flow_log};
pub use self::flow_series::{
    FlowSeries, FlowSeriesShape, flow_log_volume, flow_numbers, flow_ranking, flow_time_series,
};
pub use self::flow_table::{FLOW_TABLE_COLUMNS, flow_table};
pub use self::heatmap::heatmap;
pub use self::ipc::encode;
pub use self::live::{FramePart, LiveNotice, live_json, live_log, live_table};
pub use self::node_graph::node_graph;
pub use self::packed::packed_flows;
pub use self::policy_files::{PolicyFileRow, policy_files};
pub use self::series::{table, text, time_series, vector};
pub use self::series_query::{Legend, SeriesQuery};

/// Frame: named fields of equal length, with metadata for Grafana.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    /// Metadata for Grafana.
    pub meta: Meta,
}

impl Frame {
    /// Size of the columns, in bytes.
    pub fn bytes(&self) -> usize {
        self.fields.iter().map(|field| field.values.get_buffer_memory_size()).sum()
    }
}

/// Column of a frame.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) values: ArrayRef,
    /// Whether the schema declares the values as optional. Independent of the present values,
    /// because a schema must not change between refreshes.
    pub(crate) nullable: bool,
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether the values belong to a series, whose labels are written even if they are empty.
    pub(crate) is_series: bool,
    pub(crate) config: FieldConfig,
}

/// Grafana's `FrameMeta`. Source: grafana-plugin-sdk-go `data/frame_meta.go`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Type of the frame's content.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub frame_type: Option<FrameType>,
    /// Version of that type's contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_version: Option<[u8; 2]>,
    /// Visualisation in Explore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_visualisation_type: Option<&'static str>,
    /// Panel that Explore uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_visualisation_plugin_id: Option<&'static str>,
    /// Query in the language of the source.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub executed_query_string: String,
    /// Topic `annotations`, for frames that are overlaid on others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_topic: Option<&'static str>,
    /// Data for the project's own frontend.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub custom: Map<String, Value>,
    /// Notices about the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
}

/// Types of frame content, in the terms of Grafana's data plane contract and, for heat maps, of its
/// frontend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameType {
    /// Table.
    Table,
    /// Time and value of one series.
    TimeseriesMulti,
    /// Number with labels, for one series.
    NumericMulti,
    /// Numbers of all series, with a column for each label.
    NumericLong,
    /// Time, and a column for each bucket.
    HeatmapRows,
    /// Row for each cell.
    HeatmapCells,
    /// Log lines.
    LogLines,
}

/// Grafana's `FieldConfig`. Source: grafana-plugin-sdk-go `data/field_config.go`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldConfig {
    #[serde(rename = "displayNameFromDS", skip_serializing_if = "Option::is_none")]
    pub(crate) display_name_from_ds: Option<String>,
    /// Display name, for views of Grafana that ignore the name from the data source.
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
    /// Time between two values of a time field, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interval: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) color: Option<FixedColor>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) mappings: Vec<Map<String, Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<DataLink>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) custom: Map<String, Value>,
}

/// Grafana's `DataLink`. Source: grafana-plugin-sdk-go `data/field_config.go`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct DataLink {
    pub(crate) title: String,
    /// URL; empty if `internal` is set.
    pub(crate) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) internal: Option<InternalLink>,
}

/// Query of another data source that a link opens in Explore.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InternalLink {
    pub(crate) datasource_uid: String,
    pub(crate) datasource_name: &'static str,
    pub(crate) query: Value,
}

/// Grafana's `FieldColor` with one colour, by its name in Grafana's themes.
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
