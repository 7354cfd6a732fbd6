//! Native histograms of Prometheus as cells of a heat map.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int8Array};
use prometheus::{BucketCells, LabelSet};

use crate::{Field, Frame, FrameType, Meta, SeriesQuery};

/// Buckets of native histograms as cells, each with its own bounds. As in Grafana's own source,
/// every field has the labels, and the lower bound has the name of the series.
pub(crate) fn heatmap_cells(
    query: &SeriesQuery<'_>,
    labels: &LabelSet,
    cells: BucketCells,
    meta: &Meta,
) -> Frame {
    let floats = |values: Vec<f64>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    let mut time = query.time_field(cells.times_nanos);
    "xMax".clone_into(&mut time.name);
    let mut lower = Field::new("yMin", floats(cells.lower));
    lower.config.display_name_from_ds = query.legend.name(labels, query.expr);
    let mut fields = vec![
        time,
        lower,
        Field::new("yMax", floats(cells.upper)),
        Field::new("count", floats(cells.counts)),
        Field::new("yLayout", Arc::new(Int8Array::from(cells.layouts))),
    ];
    for field in &mut fields {
        field.labels.clone_from(labels);
    }
    let mut meta =
        Meta { frame_type: Some(FrameType::HeatmapCells), type_version: None, ..meta.clone() };
    meta.custom.remove("resultType");
    Frame { name: String::new(), fields, meta }
}
