//! Exemplars of Prometheus, sampled and in one frame, in the form of Grafana's own Prometheus
//! source.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Float64Array, StringBuilder, TimestampNanosecondArray};
use prometheus::{ExemplarSeries, LabelSet, align_ms};
use serde_json::json;
use wording::Notice;

use crate::series_query::SeriesQuery;
use crate::{Field, Frame, FrameType, Meta, table_limit};

/// Maximum number of exemplars shown; with more, their points merge into areas.
const MAX_EXEMPLARS: usize = 1_000;

/// Exemplar with its labels, which are not copied: only a few are shown of as many as fit in an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ExemplarRow<'a> {
    time_nanos: i64,
    value: f64,
    series: &'a LabelSet,
    own: &'a LabelSet,
}

impl<'a> ExemplarRow<'a> {
    /// Value of a label; one of the exemplar goes before one of the series.
    fn label(&self, name: &str) -> &'a str {
        self.own.get(name).or_else(|| self.series.get(name)).map_or("", String::as_str)
    }
}

/// Annotation frame with exemplars, for Grafana's time series panel. `None` without exemplars.
pub fn exemplars(query: &SeriesQuery<'_>, series: &[ExemplarSeries]) -> Option<Frame> {
    let rows = series.iter().flat_map(|series| {
        series.exemplars.iter().map(|exemplar| ExemplarRow {
            time_nanos: exemplar.time.0,
            value: exemplar.value.0,
            series: &series.labels,
            own: &exemplar.labels,
        })
    });
    let rows: Vec<ExemplarRow<'_>> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let total = rows.len();
    let mut rows = sample(rows, query.step_ms);
    let sampled = rows.len();
    rows.drain(..sampled.saturating_sub(MAX_EXEMPLARS));
    let names: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| row.series.keys().chain(row.own.keys()))
        .map(String::as_str)
        .collect();
    // Of exemplars with long labels, fewer fit.
    rows.reverse();
    let texts = |row: &ExemplarRow<'_>| names.iter().map(|name| row.label(name).len()).sum();
    rows.truncate(table_limit::rows(names.len(), rows.iter().map(texts)));
    rows.reverse();
    let shown = rows.len();
    let notices = (shown < sampled)
        .then(|| Notice::info(format!("showing the newest {shown} of {sampled} exemplars")));
    let mut fields = vec![
        Field::new(
            "Time",
            Arc::new(TimestampNanosecondArray::from_iter_values(
                rows.iter().map(|row| row.time_nanos),
            )),
        ),
        Field::new(
            "Value",
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.value))),
        ),
    ];
    for name in names.into_iter().filter(|name| !matches!(*name, "Time" | "Value")) {
        let mut column = StringBuilder::new();
        for row in &rows {
            column.append_value(row.label(name));
        }
        fields.push(Field::new(name, Arc::new(column.finish())));
    }
    let mut meta = query.meta(FrameType::Table, "exemplar", notices.into_iter().collect());
    meta.custom.insert("exemplars".to_owned(), json!(total));
    Some(Frame {
        name: "exemplar".to_owned(),
        fields,
        meta: Meta { frame_type: None, data_topic: Some("annotations"), ..meta },
    })
}

/// Sample of the exemplars, oldest first: in each step the largest value, followed by values more
/// than two standard deviations below the previously chosen one. Source: promlib
/// `exemplar/sampler_stddev.go`.
fn sample(rows: Vec<ExemplarRow<'_>>, step_ms: u64) -> Vec<ExemplarRow<'_>> {
    let far = standard_deviation(rows.iter().map(|row| row.value)) * 2.0;
    let mut steps: BTreeMap<i64, Vec<ExemplarRow<'_>>> = BTreeMap::new();
    for row in rows {
        let step = align_ms(row.time_nanos.div_euclid(1_000_000), step_ms, 0);
        steps.entry(step).or_default().push(row);
    }
    let mut sampled: Vec<ExemplarRow<'_>> = Vec::new();
    for mut step in steps.into_values() {
        // NaN compares as neither larger nor smaller, so it keeps its position and separates the
        // values around it.
        for numbers in step.split_mut(|row| row.value.is_nan()) {
            numbers.sort_by(|a, b| b.value.partial_cmp(&a.value).unwrap_or(Ordering::Equal));
        }
        let mut last: Option<f64> = None;
        step.retain(|row| {
            let is_taken = last.is_none_or(|last| far > 0.0 && last - row.value > far);
            if is_taken {
                last = Some(row.value);
            }
            is_taken
        });
        sampled.append(&mut step);
    }
    sampled.sort_by_key(|row| row.time_nanos);
    sampled
}

/// Standard deviation of a sample, by Welford's algorithm; 0 for fewer than two values.
fn standard_deviation(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let before = value - mean;
        mean += before / count;
        squares += before * (value - mean);
    }
    if count < 2.0 { 0.0 } else { f64::sqrt(squares / (count - 1.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NO_LABELS: LabelSet = LabelSet::new();

    fn row(time_nanos: i64, value: f64) -> ExemplarRow<'static> {
        ExemplarRow { time_nanos, value, series: &NO_LABELS, own: &NO_LABELS }
    }

    fn check(step_ms: u64, exemplars: &[(i64, f64)], expected: &[(i64, f64)]) {
        let rows = exemplars.iter().map(|(time_ms, value)| row(time_ms * 1_000_000, *value));
        let sampled: Vec<(i64, f64)> = sample(rows.collect(), step_ms)
            .into_iter()
            .map(|row| (row.time_nanos / 1_000_000, row.value))
            .collect();
        assert_eq!(sampled, expected);
    }

    #[test]
    fn one_exemplar_per_step_and_outliers_below() {
        check(1_000, &[], &[]);
        check(1_000, &[(5, 1.0)], &[(5, 1.0)]);
        check(1_000, &[(1_500, 1.0), (10, 2.0)], &[(10, 2.0), (1_500, 1.0)]);
        check(1_000, &[(10, 1.0), (20, 3.0), (30, 2.0)], &[(20, 3.0)]);
        check(1_000, &[(10, 1.0), (20, 1.0), (30, 1.0)], &[(10, 1.0)]);
        // Ten large values and one small one: the standard deviation is 3.0, so 10 less is far.
        let mut outlier: Vec<(i64, f64)> = (0..10).map(|time_ms| (time_ms, 10.0)).collect();
        outlier.push((10, 0.0));
        check(1_000, &outlier, &[(0, 10.0), (10, 0.0)]);
    }

    #[test]
    fn nan_does_not_affect_other_steps() {
        let rows = [(1, f64::NAN), (2, 1.0), (1_500, f64::INFINITY), (2_500, -1.0)];
        let rows = rows.map(|(time_ms, value)| row(time_ms * 1_000_000, value));
        let times: Vec<i64> =
            sample(rows.to_vec(), 1_000).iter().map(|row| row.time_nanos / 1_000_000).collect();
        assert_eq!(times, [1, 1_500, 2_500]);
    }

    /// promlib's order: NaN is neither larger nor smaller than other values.
    #[test]
    fn nan_keeps_its_position() {
        let taken = |values: &[f64]| -> f64 {
            let rows = values.iter().zip(0..).map(|(&value, time_nanos)| row(time_nanos, value));
            let sampled = sample(rows.collect(), 1_000);
            assert_eq!(sampled.len(), 1, "{values:?}");
            sampled[0].value
        };
        let check = |values: &[f64], expected: f64| {
            assert!((taken(values) - expected).abs() < 1e-12, "{values:?}");
        };
        check(&[1.0, f64::NAN], 1.0);
        check(&[1.0, 3.0, f64::NAN, 5.0], 3.0);
        check(&[2.0, -f64::NAN, 5.0], 2.0);
        assert!(taken(&[f64::NAN, 7.0]).is_nan());
    }

    #[test]
    fn deviation() {
        for (values, expected) in
            [(&[][..], 0.0), (&[4.0][..], 0.0), (&[1.0, 3.0][..], f64::sqrt(2.0))]
        {
            let got = standard_deviation(values.iter().copied());
            assert!((got - expected).abs() < 1e-12, "{values:?}: {got}");
        }
    }
}
