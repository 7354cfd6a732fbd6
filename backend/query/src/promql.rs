//! Queries for Prometheus.

use serde::Deserialize;
use serde_json::Value;
use wording::Notice;

use crate::fields::{self, Fields, InvalidFields};

/// Maximum size of a legend's format, in bytes; it is filled for every series.
const MAX_LEGEND_BYTES: usize = 4 << 10;

/// A query for Prometheus.
#[derive(Debug, Clone, PartialEq)]
pub struct PromqlQuery {
    /// PromQL expression, with macros not yet replaced.
    pub expr: String,
    /// Whether to evaluate over the whole time range.
    pub range: bool,
    /// Whether to evaluate at the end of the time range.
    pub instant: bool,
    /// Whether to fetch exemplars too.
    pub exemplar: bool,
    /// Legend: a text with `{{label}}`, `__auto`, or empty.
    pub legend_format: String,
    /// "Min step": a duration, or empty.
    pub min_step: String,
    /// Factor of the step in older dashboards; 0 counts as 1.
    pub interval_factor: u64,
    /// The panel's interval in milliseconds; 0: Grafana's own.
    pub interval_ms: u64,
    /// Offset of the dashboard's time zone in seconds east of UTC, for the alignment of steps.
    pub utc_offset_secs: i64,
    /// Format of the answer.
    pub format: PromqlFormat,
}

/// Format in which series are returned.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromqlFormat {
    /// Time series.
    #[default]
    TimeSeries,
    /// A table.
    Table,
    /// A heat map.
    Heatmap,
}

/// A PromQL query as JSON, as Grafana's Prometheus source writes it.
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "PromqlFields", rename_all = "camelCase", optional_fields)
)]
pub(crate) struct PromqlJson {
    expr: Option<String>,
    range: Option<bool>,
    instant: Option<bool>,
    exemplar: Option<bool>,
    legend_format: Option<String>,
    interval: Option<String>,
    interval_factor: Option<f64>,
    interval_ms: Option<f64>,
    utc_offset_sec: Option<f64>,
    format: Option<PromqlFormat>,
}

impl PromqlJson {
    /// Takes the fields, and returns a notice about a format that is unknown.
    fn take(fields: &mut Fields) -> Result<(Self, Option<Notice>), InvalidFields> {
        let (format, notice) =
            fields.take("format").map(|format| PromqlFormat::read(&format)).unzip();
        let json = Self {
            expr: fields.text("expr")?,
            range: fields.truth("range")?,
            instant: fields.truth("instant")?,
            exemplar: fields.truth("exemplar")?,
            legend_format: fields.text("legendFormat")?,
            interval: fields.text("interval")?,
            interval_factor: fields.number("intervalFactor")?,
            interval_ms: fields.number("intervalMs")?,
            utc_offset_sec: fields.number("utcOffsetSec")?,
            format,
        };
        Ok((json, notice.flatten()))
    }
}

impl PromqlFormat {
    /// Reads a format as Grafana's own source does: old dashboards hold a number, and an unknown
    /// format means time series. Source: `pkg/promlib/models/query.go`.
    fn read(format: &Value) -> (Self, Option<Notice>) {
        match format.as_u64() {
            Some(0 | 1) => (Self::TimeSeries, None),
            Some(2) => (Self::Table, None),
            Some(3) => (Self::Heatmap, None),
            _ => match fields::variant("format", format) {
                Ok(format) => (format, None),
                Err(error) => {
                    let notice = Notice::warning(format!("{error}: showing time series"));
                    (Self::TimeSeries, Some(notice))
                }
            },
        }
    }
}

/// Reason why a query for Prometheus cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPromqlQuery {
    /// Fields that cannot be used.
    #[error(transparent)]
    Fields(#[from] InvalidFields),
    /// A PromQL query without an expression.
    #[error("the expression is empty")]
    EmptyExpression,
    /// A legend's format that is too long.
    #[error("`legendFormat` is longer than {} KiB", MAX_LEGEND_BYTES >> 10)]
    Legend,
}

impl PromqlQuery {
    /// Takes the query's fields, and returns notices about unknown ones.
    ///
    /// Errors: [`InvalidPromqlQuery`].
    pub(crate) fn take(mut fields: Fields) -> Result<(Self, Vec<Notice>), InvalidPromqlQuery> {
        let (json, unknown_format) = PromqlJson::take(&mut fields)?;
        let mut notices = fields.rest("promql")?;
        notices.extend(unknown_format);
        let expr = json.expr.unwrap_or_default();
        if expr.trim().is_empty() {
            return Err(InvalidPromqlQuery::EmptyExpression);
        }
        let legend_format = json.legend_format.unwrap_or_default();
        if legend_format.len() > MAX_LEGEND_BYTES {
            return Err(InvalidPromqlQuery::Legend);
        }
        let instant = json.instant.unwrap_or(false);
        let query = Self {
            expr,
            // Old dashboards set neither field and mean a range.
            range: json.range.unwrap_or(!instant) || !instant,
            instant,
            exemplar: json.exemplar.unwrap_or(false),
            legend_format,
            min_step: json.interval.unwrap_or_default(),
            interval_factor: whole(json.interval_factor),
            interval_ms: whole(json.interval_ms),
            utc_offset_secs: offset_secs(json.utc_offset_sec),
            format: json.format.unwrap_or_default(),
        };
        Ok((query, notices))
    }
}

/// A number clamped to a `u64`; JavaScript sometimes writes whole numbers as floats.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn whole(number: Option<f64>) -> u64 {
    number.unwrap_or(0.0).clamp(0.0, 9e15) as u64
}

/// An offset in seconds, clamped to a day on either side of UTC.
#[expect(clippy::cast_possible_truncation, reason = "clamped before")]
fn offset_secs(number: Option<f64>) -> i64 {
    number.unwrap_or(0.0).clamp(-86_400.0, 86_400.0) as i64
}
