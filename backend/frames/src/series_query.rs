//! Parts that the frames of a query of Prometheus share: the expression, the step, the names of series.

use std::sync::{Arc, LazyLock};

use arrow::array::{Float64Array, TimestampNanosecondArray};
use prometheus::LabelSet;
use regex::{Captures, Regex};
use serde_json::{Map, json};
use wording::Notice;

use crate::{Field, FieldConfig, FrameType, Meta};

/// Properties that the frames of a query share.
#[derive(Debug)]
pub struct SeriesQuery<'a> {
    /// Expression as sent to Prometheus.
    pub expr: &'a str,
    /// Time between two points, in milliseconds.
    pub step_ms: u64,
    /// Legend of the series.
    pub legend: Legend<'a>,
    /// Name of the value column of a table: `Value`, or `Value #A` beside other tables.
    pub value_name: &'a str,
}

/// Ways to name series.
#[derive(Debug, Clone, Copy)]
pub enum Legend<'a> {
    /// All labels, `name{a="b"}`.
    Verbose,
    /// The differing labels, as determined by Grafana.
    Auto,
    /// With `{{label}}` replaced.
    Template(&'a str),
}

impl<'a> Legend<'a> {
    /// Legend from a query's `legendFormat`.
    pub fn new(format: &'a str) -> Self {
        match format {
            "" => Self::Verbose,
            "__auto" => Self::Auto,
            template => Self::Template(template),
        }
    }

    /// Name of a series; `None` leaves the name to Grafana.
    pub(crate) fn name(self, labels: &LabelSet, expr: &str) -> Option<String> {
        let name = match self {
            Self::Auto if !labels.is_empty() => return None,
            Self::Template(template) => fill(template, labels),
            Self::Auto | Self::Verbose => verbose(labels),
        };
        match name.as_str() {
            "" => None,
            "{}" => Some(expr.to_owned()),
            _ => Some(name),
        }
    }
}

/// Template with each `{{label}}` replaced by its value; `{{}}` stays as it is. Source: promlib
/// `querydata/request.go`, `legendFormatRegexp`.
fn fill(template: &str, labels: &LabelSet) -> String {
    static PLACE: LazyLock<Result<Regex, regex::Error>> =
        LazyLock::new(|| Regex::new(r"\{\{[ \t\n\r\x0c]*(.+?)[ \t\n\r\x0c]*\}\}"));
    // The expression is constant and compiles.
    let Ok(place) = &*PLACE else { return template.to_owned() };
    let of = |found: &Captures<'_>| -> String {
        let found = found.get(0).map_or("", |found| found.as_str());
        // As in promlib, only the first braces are removed.
        let name = found.replacen("{{", "", 1).replacen("}}", "", 1);
        labels.get(name.trim()).cloned().unwrap_or_default()
    };
    place.replace_all(template, of).into_owned()
}

fn verbose(labels: &LabelSet) -> String {
    let name = labels.get("__name__").map_or("", String::as_str);
    let pairs: Vec<String> = labels
        .iter()
        .filter(|(label, _)| *label != "__name__")
        .map(|(label, value)| format!("{label}={value:?}"))
        .collect();
    if pairs.is_empty() && !name.is_empty() {
        return name.to_owned();
    }
    format!("{name}{{{}}}", pairs.join(", "))
}

impl SeriesQuery<'_> {
    pub(crate) fn meta(
        &self,
        frame_type: FrameType,
        result_type: &str,
        notices: Vec<Notice>,
    ) -> Meta {
        let custom = Map::from_iter([
            ("resultType".to_owned(), json!(result_type)),
            ("calculatedMinStep".to_owned(), json!(self.step_ms)),
        ]);
        let is_data_plane =
            matches!(frame_type, FrameType::TimeseriesMulti | FrameType::NumericMulti);
        Meta {
            frame_type: Some(frame_type),
            type_version: is_data_plane.then_some([0, 1]),
            executed_query_string: format!(
                "Expr: {}\nStep: {}",
                self.expr,
                prometheus::duration::format_go(self.step_ms)
            ),
            custom,
            notices,
            ..Meta::default()
        }
    }

    pub(crate) fn time_field(&self, times_nanos: Vec<i64>) -> Field {
        let interval = FieldConfig { interval: Some(self.step_ms), ..FieldConfig::default() };
        Field::new("Time", Arc::new(TimestampNanosecondArray::from(times_nanos)))
            .with_config(interval)
    }

    pub(crate) fn value_field(&self, labels: LabelSet, values: Vec<f64>) -> Field {
        // If Grafana builds the name from the labels, `__name__` is one of them.
        let is_named = |name: &&String| *name != "Time" && !matches!(self.legend, Legend::Auto);
        let name = labels.get("__name__").filter(is_named);
        let name = name.cloned().unwrap_or_else(|| "Value".to_owned());
        let display_name_from_ds = self.legend.name(&labels, self.expr);
        Field {
            labels,
            is_series: true,
            config: FieldConfig { display_name_from_ds, ..FieldConfig::default() },
            ..Field::new(name, Arc::new(Float64Array::from(values)))
        }
    }
}
