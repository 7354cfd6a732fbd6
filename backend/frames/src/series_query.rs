//! Parts that the frames of a query of Prometheus share: the expression, the step, the names of series.

use std::sync::{Arc, LazyLock};

use arrow::array::{Float64Array, TimestampNanosecondArray};
use prometheus::LabelSet;
use regex::Regex;
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
        let mut name = Name::default();
        match self {
            Self::Auto if !labels.is_empty() => return None,
            Self::Template(template) => fill(&mut name, template, labels),
            Self::Auto | Self::Verbose => verbose(&mut name, labels),
        }
        match name.text.as_str() {
            "" => None,
            "{}" => {
                let mut name = Name::default();
                name.push(expr);
                Some(name.text)
            }
            _ => Some(name.text),
        }
    }
}

/// Maximum size of the name of a series, in bytes; every series has a name of its own, and labels may
/// be as large as the whole answer.
const MAX_NAME_BYTES: usize = 1 << 10;

/// The name of a series under construction. A name that is too long ends with "…".
#[derive(Default)]
struct Name {
    text: String,
    is_cut: bool,
}

impl Name {
    fn push(&mut self, text: &str) {
        if self.is_cut {
            return;
        }
        let room = MAX_NAME_BYTES - self.text.len();
        if text.len() <= room {
            self.text.push_str(text);
            return;
        }
        self.is_cut = true;
        self.text.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
        self.text.push('…');
    }

    /// Adds a text in double quotes, escaped.
    fn push_quoted(&mut self, text: &str) {
        let cut = text.get(..text.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or_default();
        self.push(&format!("{cut:?}"));
    }
}

/// Adds the template with each `{{label}}` replaced by its value; `{{}}` stays as it is. Source: promlib
/// `querydata/request.go`, `legendFormatRegexp`.
fn fill(name: &mut Name, template: &str, labels: &LabelSet) {
    static PLACE: LazyLock<Result<Regex, regex::Error>> =
        LazyLock::new(|| Regex::new(r"\{\{[ \t\n\r\x0c]*(.+?)[ \t\n\r\x0c]*\}\}"));
    // The expression is constant and compiles.
    let Ok(place) = &*PLACE else { return name.push(template) };
    let mut rest_at = 0;
    for found in place.find_iter(template) {
        name.push(template.get(rest_at..found.start()).unwrap_or_default());
        // As in promlib, only the first braces are removed.
        let label = found.as_str().replacen("{{", "", 1).replacen("}}", "", 1);
        name.push(labels.get(label.trim()).map_or("", String::as_str));
        rest_at = found.end();
        if name.is_cut {
            return;
        }
    }
    name.push(template.get(rest_at..).unwrap_or_default());
}

fn verbose(name: &mut Name, labels: &LabelSet) {
    let metric = labels.get("__name__").map_or("", String::as_str);
    name.push(metric);
    let mut others = labels.iter().filter(|(label, _)| *label != "__name__").peekable();
    if others.peek().is_none() && !metric.is_empty() {
        return;
    }
    name.push("{");
    let mut separator = "";
    for (label, value) in others {
        name.push(separator);
        name.push(label);
        name.push("=");
        name.push_quoted(value);
        separator = ", ";
    }
    name.push("}");
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
