//! Prometheus' series as frames, in the form of Grafana's own Prometheus source.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray, StringBuilder};
use prometheus::{LabelSet, Series};
use wording::Notice;

use crate::heatmap_cells::heatmap_cells;
use crate::{Field, FieldConfig, Frame, FrameType, Meta, SeriesQuery, table_limit};

/// One frame per series, or one without fields for an empty answer. Series of native histograms
/// become heat map cells.
pub fn time_series(
    query: &SeriesQuery<'_>,
    series: Vec<Series>,
    notices: Vec<Notice>,
) -> Vec<Frame> {
    let meta = query.meta(FrameType::TimeseriesMulti, "matrix", notices);
    one_each(query, series, Meta { preferred_visualisation_type: Some("graph"), ..meta })
}

/// One frame per sample, or one without fields for an empty answer.
pub fn vector(
    query: &SeriesQuery<'_>,
    samples: Vec<Series>,
    result_type: &str,
    notices: Vec<Notice>,
) -> Vec<Frame> {
    let meta = query.meta(FrameType::NumericMulti, result_type, notices);
    one_each(query, samples, meta)
}

/// Frame of the result of a string expression.
pub fn text(query: &SeriesQuery<'_>, time_nanos: i64, text: &str, notices: Vec<Notice>) -> Frame {
    let mut value = Field::new(query.value_name, Arc::new(StringArray::from(vec![text])));
    value.config.display_name_from_ds = query.legend.name(&LabelSet::new(), query.expr);
    let meta = query.meta(FrameType::TimeseriesMulti, "string", notices);
    Frame {
        name: String::new(),
        fields: vec![query.time_field(vec![time_nanos]), value],
        meta: Meta { type_version: None, ..meta },
    }
}

pub(crate) fn one_each(query: &SeriesQuery<'_>, series: Vec<Series>, meta: Meta) -> Vec<Frame> {
    let mut frames = Vec::with_capacity(series.len());
    for series in series {
        if !series.cells.times_nanos.is_empty() {
            frames.push(heatmap_cells(query, &series.labels, series.cells, &meta));
        }
        if !series.values.is_empty() {
            frames.push(Frame {
                name: String::new(),
                fields: vec![
                    query.time_field(series.times_nanos),
                    query.value_field(series.labels, series.values),
                ],
                meta: meta.clone(),
            });
        }
    }
    head_only(frames, meta)
}

/// Frames with query, step and notices on the first one only: the inspector shows them once, and a
/// thousand series stay small.
pub(crate) fn head_only(mut frames: Vec<Frame>, meta: Meta) -> Vec<Frame> {
    if frames.is_empty() {
        return vec![nothing(meta)];
    }
    for frame in frames.iter_mut().skip(1) {
        frame.meta.executed_query_string.clear();
        frame.meta.custom.remove("calculatedMinStep");
        frame.meta.notices.clear();
    }
    frames
}

/// Frame without fields and type, for which panels report that there are no data.
fn nothing(meta: Meta) -> Frame {
    let mut meta = Meta { frame_type: None, type_version: None, ..meta };
    meta.custom.remove("resultType");
    let name = if meta.notices.is_empty() { "" } else { "Warnings" }.to_owned();
    Frame { name, meta, ..Frame::default() }
}

/// All series in one frame, sorted by time: time, a column for each label, value.
pub fn table(
    query: &SeriesQuery<'_>,
    series: &[Series],
    result_type: &str,
    mut notices: Vec<Notice>,
) -> Frame {
    let histograms = series.iter().filter(|series| !series.cells.times_nanos.is_empty()).count();
    if histograms > 0 {
        notices.push(Notice::warning(format!(
            "{histograms} series are native histograms, which a table cannot show: use another format, or a function such as `histogram_quantile`"
        )));
    }
    let mut rows = rows_by_time(series);
    let label_names: BTreeSet<&str> =
        series.iter().flat_map(|series| series.labels.keys()).map(String::as_str).collect();
    let texts = |row: &TableRow<'_>| row.labels.values().map(String::len).sum();
    let (fits, total) = (table_limit::rows(label_names.len(), rows.iter().map(texts)), rows.len());
    if fits < total {
        notices.push(Notice::warning(format!(
            "showing the first {fits} of {total} rows: the labels of all would take too much memory; aggregate the expression, or show time series"
        )));
        rows.truncate(fits);
    }
    let meta = query.meta(FrameType::Table, result_type, notices);
    let meta = Meta { preferred_visualisation_type: Some("table"), ..meta };
    if rows.is_empty() {
        return nothing(meta);
    }
    let mut fields = vec![query.time_field(rows.iter().map(|row| row.time_nanos).collect())];
    for label in label_names {
        // A label may have the name of another column.
        let name = if label == "Time" || label == query.value_name {
            format!("label {label}")
        } else {
            label.to_owned()
        };
        let filterable = FieldConfig { filterable: Some(true), ..FieldConfig::default() };
        fields.push(Field::new(name, label_column(&rows, label)).with_config(filterable));
    }
    let values = rows.iter().map(|row| row.value).collect::<Vec<_>>();
    fields.push(Field::new(query.value_name, Arc::new(Float64Array::from(values))));
    Frame { name: String::new(), fields, meta }
}

/// Sample of a table under construction.
struct TableRow<'a> {
    time_nanos: i64,
    value: f64,
    labels: &'a LabelSet,
}

/// Samples sorted by time; of equal times, in the order of their series.
fn rows_by_time(series: &[Series]) -> Vec<TableRow<'_>> {
    let rows = series.iter().flat_map(|series| {
        let samples = series.times_nanos.iter().zip(&series.values);
        samples.map(|(&time_nanos, &value)| TableRow { time_nanos, value, labels: &series.labels })
    });
    let mut rows: Vec<TableRow<'_>> = rows.collect();
    rows.sort_by_key(|row| row.time_nanos);
    rows
}

/// Column of a label. A missing label is empty, as in Prometheus.
fn label_column(rows: &[TableRow<'_>], label: &str) -> ArrayRef {
    let mut column = StringBuilder::with_capacity(rows.len(), rows.len() * 8);
    for row in rows {
        column.append_value(row.labels.get(label).map_or("", String::as_str));
    }
    Arc::new(column.finish())
}
