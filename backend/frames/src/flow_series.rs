//! Flow counts as time series and numbers, in the forms of Grafana's data plane contract.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Float64Array, StringArray, TimestampNanosecondArray};
use serde_json::Map;

use crate::flow_table::verdict_color;
use crate::{Field, FieldConfig, FixedColor, Frame, FrameType, Meta};

/// Values of one group.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowSeries {
    /// Display name for legends and bars, instead of the value's name with all labels.
    pub name: Option<String>,
    /// Grouping fields of the group with their values.
    pub labels: BTreeMap<String, String>,
    /// One value for each bucket; `None` if not known.
    pub values: Vec<Option<f64>>,
}

/// Properties that all series of an answer share.
#[derive(Debug, Clone)]
pub struct FlowSeriesShape {
    /// Name of the value: `count`, `rate`, …
    pub name: &'static str,
    /// Unit in Grafana's notation.
    pub unit: &'static str,
    /// Time from one point to the next, in milliseconds.
    pub step_ms: u64,
    /// Start of each bucket, in Unix nanoseconds.
    pub times_nanos: Vec<i64>,
}

/// One frame per series, in the form `timeseries-multi`.
pub fn flow_time_series(
    shape: &FlowSeriesShape,
    series: Vec<FlowSeries>,
    meta: Meta,
) -> Vec<Frame> {
    let meta = Meta {
        frame_type: Some(FrameType::TimeseriesMulti),
        type_version: Some([0, 1]),
        preferred_visualisation_type: Some("graph"),
        ..meta
    };
    let frames = series.into_iter().map(|series| {
        let name = series.name.clone();
        let times = TimestampNanosecondArray::from(shape.times_nanos.clone());
        let config = FieldConfig { interval: Some(shape.step_ms), ..FieldConfig::default() };
        let time = Field::new("Time", Arc::new(times)).with_config(config);
        (name, vec![time, value(shape, series)])
    });
    with_meta(frames.collect(), meta)
}

/// Frames like those of [`flow_time_series`]. Without series, one frame with the fields of an empty
/// series, because Grafana expects a time and a number in every frame of a log volume.
pub fn flow_log_volume(
    mut shape: FlowSeriesShape,
    mut series: Vec<FlowSeries>,
    meta: Meta,
) -> Vec<Frame> {
    if series.is_empty() {
        shape.times_nanos.clear();
        series.push(FlowSeries { name: None, labels: BTreeMap::new(), values: Vec::new() });
    }
    flow_time_series(&shape, series, meta)
}

/// One frame with one value per series, in the form `numeric-multi`.
pub fn flow_numbers(shape: &FlowSeriesShape, series: Vec<FlowSeries>, meta: Meta) -> Vec<Frame> {
    let meta =
        Meta { frame_type: Some(FrameType::NumericMulti), type_version: Some([0, 1]), ..meta };
    let frames = series.into_iter().map(|series| (series.name.clone(), vec![value(shape, series)]));
    with_meta(frames.collect(), meta)
}

/// One frame with a row per series, in the form `numeric-long`: a column for each label of `keys`,
/// in order, followed by the value.
pub fn flow_ranking(
    shape: &FlowSeriesShape,
    keys: &[&'static str],
    series: &[FlowSeries],
    meta: Meta,
) -> Vec<Frame> {
    let meta = Meta {
        frame_type: Some(FrameType::NumericLong),
        type_version: Some([0, 1]),
        preferred_visualisation_type: Some("table"),
        ..meta
    };
    if series.is_empty() {
        return with_meta(Vec::new(), meta);
    }
    let column = |key: &&'static str| {
        let of = |series: &FlowSeries| series.labels.get(*key).cloned().unwrap_or_default();
        Field::new(
            *key,
            Arc::new(series.iter().map(|series| Some(of(series))).collect::<StringArray>()),
        )
    };
    let mut fields: Vec<Field> = keys.iter().map(column).collect();
    let values: Float64Array =
        series.iter().map(|series| series.values.first().copied()?).collect();
    let config = FieldConfig { unit: Some(shape.unit), ..FieldConfig::default() };
    fields.push(Field::new(shape.name, Arc::new(values)).nullable().with_config(config));
    with_meta(vec![(None, fields)], meta)
}

fn value(shape: &FlowSeriesShape, series: FlowSeries) -> Field {
    // Drops are red here too, instead of a colour of the palette.
    let color = match series.labels.first_key_value() {
        Some((key, verdict)) if key == "verdict" && series.labels.len() == 1 => {
            verdict_color(verdict).map(FixedColor::new)
        }
        _ => None,
    };
    let config = FieldConfig {
        unit: Some(shape.unit),
        display_name_from_ds: series.name,
        color,
        ..FieldConfig::default()
    };
    let values = Arc::new(Float64Array::from(series.values));
    let field = Field::new(shape.name, values).nullable().with_config(config);
    Field { labels: series.labels, ..field }
}

/// Frames with the given names and fields, at least one: without any, a frame without fields. The
/// notices of the answer are on the first frame only.
fn with_meta(frames: Vec<(Option<String>, Vec<Field>)>, meta: Meta) -> Vec<Frame> {
    let rest = Meta { notices: Vec::new(), custom: Map::new(), ..meta.clone() };
    let mut metas = std::iter::once(meta).chain(std::iter::repeat(rest));
    let frames = if frames.is_empty() { vec![(None, Vec::new())] } else { frames };
    frames
        .into_iter()
        .map(|(name, fields)| Frame {
            name: name.unwrap_or_default(),
            fields,
            meta: metas.next().unwrap_or_default(),
        })
        .collect()
}
