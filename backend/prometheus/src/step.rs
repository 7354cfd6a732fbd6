//! Step of a range query, and Grafana's macros that depend on it.
//!
//! The rules are those of Grafana's Prometheus source, so that a dashboard shows the same numbers
//! with either data source. Source: promlib `models/query.go`, `intervalv2`.

use crate::duration::{format_go, format_interval, parse_ms};

/// Maximum number of points per series in an answer of Prometheus.
const MAX_POINTS: u64 = 11_000;
/// Points per series if the panel does not set them.
const DEFAULT_MAX_DATA_POINTS: u64 = 1_500;
const DEFAULT_MIN_STEP_MS: u64 = 15_000;

/// Grafana's round intervals in milliseconds: up to the first number, the second one.
const ROUND_MS: [(u64, u64); 30] = [
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
    (63_071_999_999, 2_592_000_000),
    (u64::MAX, 31_536_000_000),
];

/// Values that determine the step.
#[derive(Debug, Clone, Copy)]
pub struct StepRequest<'a> {
    /// Start of the range, in Unix milliseconds.
    pub from_ms: i64,
    /// End of the range, in Unix milliseconds.
    pub to_ms: i64,
    /// Interval of the panel in milliseconds: the range divided by its width.
    pub interval_ms: u64,
    /// Maximum number of points per series; 0 for Grafana's default of 1,500.
    pub max_data_points: u64,
    /// "Min step" of the query: a duration, a macro, or empty.
    pub min_step: &'a str,
    /// Factor of the step in older dashboards; 0 counts as 1.
    pub interval_factor: u64,
    /// Time between two samples of a series, in milliseconds.
    pub scrape_interval_ms: u64,
}

/// Values of the macros.
#[derive(Debug, Clone, Copy)]
pub struct Interpolation {
    /// `$__interval`, in milliseconds.
    pub step_ms: u64,
    /// `$__rate_interval`, in milliseconds.
    pub rate_interval_ms: u64,
    /// `$__range`, in milliseconds.
    pub range_ms: u64,
}

/// Error: a "Min step" that is not a duration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("min step `{0}` is not a duration such as `30s`")]
pub struct InvalidMinStep(pub String);

/// Step in milliseconds, at least 1. Errors: [`InvalidMinStep`].
pub fn step_ms(request: &StepRequest<'_>) -> Result<u64, InvalidMinStep> {
    let range_ms = request.range_ms();
    let min_step = request.min_step.trim();
    let min_interval_ms = if is_macro(min_step, &INTERVALS) || is_macro(min_step, &RATE_INTERVALS) {
        request.default_min_step_ms()
    } else {
        match min_step {
            "" | "0s" => request.default_min_step_ms(),
            text => parse_ms(text).ok_or_else(|| InvalidMinStep(text.to_owned()))?,
        }
    };
    let max_data_points = match request.max_data_points {
        0 => DEFAULT_MAX_DATA_POINTS,
        points => points,
    };
    let wanted_ms = range_ms / max_data_points;
    let calculated_ms =
        if wanted_ms < min_interval_ms { min_interval_ms } else { round_interval_ms(wanted_ms) };
    let mut step_ms = calculated_ms.max(round_interval_ms(range_ms / MAX_POINTS));
    if is_macro(min_step, &RATE_INTERVALS) {
        step_ms = rate_interval_ms(step_ms, request.scrape_interval_ms);
    } else {
        step_ms = step_ms.saturating_mul(request.interval_factor.max(1));
    }
    Ok(at_most_max_points(step_ms, range_ms))
}

impl StepRequest<'_> {
    fn range_ms(&self) -> u64 {
        self.to_ms.saturating_sub(self.from_ms).try_into().unwrap_or(0)
    }

    fn default_min_step_ms(&self) -> u64 {
        match (self.interval_ms, self.scrape_interval_ms) {
            (0, 0) => DEFAULT_MIN_STEP_MS,
            (0, scrape_interval_ms) => scrape_interval_ms,
            (interval_ms, _) => interval_ms,
        }
    }

    /// Values of the macros for a step.
    pub fn interpolation(&self, step_ms: u64) -> Interpolation {
        let min_step = self.min_step.trim();
        let rate_interval_ms = if is_macro(min_step, &RATE_INTERVALS) {
            step_ms
        } else {
            let scrape_interval_ms = if is_macro(min_step, &INTERVALS) {
                step_ms
            } else {
                parse_ms(min_step).filter(|ms| *ms > 0).unwrap_or(self.scrape_interval_ms)
            };
            rate_interval_ms(self.interval_ms, scrape_interval_ms)
        };
        Interpolation { step_ms, rate_interval_ms, range_ms: self.range_ms() }
    }
}

/// Interval of at least four scrapes, so that `rate` always finds two samples.
fn rate_interval_ms(interval_ms: u64, scrape_interval_ms: u64) -> u64 {
    interval_ms.saturating_add(scrape_interval_ms).max(scrape_interval_ms.saturating_mul(4))
}

fn round_interval_ms(interval_ms: u64) -> u64 {
    ROUND_MS
        .iter()
        .find(|(up_to_ms, _)| interval_ms <= *up_to_ms)
        .map_or(interval_ms, |(_, round_ms)| *round_ms)
}

/// Step that keeps the number of points within Prometheus' limit, which a rounded-down step may
/// exceed.
fn at_most_max_points(step_ms: u64, range_ms: u64) -> u64 {
    // Aligning the ends may add a point.
    let smallest_ms = range_ms.div_ceil(MAX_POINTS - 1);
    if step_ms >= smallest_ms {
        return step_ms.max(1);
    }
    ROUND_MS
        .iter()
        .map(|(_, round_ms)| *round_ms)
        .find(|round_ms| *round_ms >= smallest_ms)
        .unwrap_or(smallest_ms)
}

/// Time rounded down to a multiple of the step, on a clock `utc_offset_secs` ahead of UTC. Aligned
/// queries can be cached, and a graph does not jump between refreshes.
pub fn align_ms(time_ms: i64, step_ms: u64, utc_offset_secs: i64) -> i64 {
    let step_ms = i64::try_from(step_ms).unwrap_or(i64::MAX).max(1);
    let offset_ms = utc_offset_secs.saturating_mul(1_000);
    let local_ms = time_ms.saturating_add(offset_ms);
    local_ms.saturating_sub(local_ms.rem_euclid(step_ms)).saturating_sub(offset_ms)
}

const INTERVALS: [&str; 2] = ["__interval", "__interval_ms"];
const RATE_INTERVALS: [&str; 2] = ["__rate_interval", "__rate_interval_ms"];

fn is_macro(text: &str, names: &[&str]) -> bool {
    names.iter().any(|name| {
        text.strip_prefix('$').is_some_and(|rest| {
            rest == *name
                || rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) == Some(*name)
        })
    })
}

/// Expression with `$__interval`, `$__rate_interval`, `$__range` and their `_ms`, `_s` and `${…}`
/// forms replaced. Other variables are kept for Grafana.
///
/// ```
/// use prometheus::{Interpolation, interpolate};
///
/// let values = Interpolation { step_ms: 15_000, rate_interval_ms: 60_000, range_ms: 3_600_000 };
/// assert_eq!(interpolate("rate(x[$__rate_interval])", &values), "rate(x[1m0s])");
/// ```
pub fn interpolate(expr: &str, values: &Interpolation) -> String {
    let range_secs = (values.range_ms + 500) / 1_000;
    // Longest names first, because some begin with others.
    let macros = [
        ("__rate_interval_ms", values.rate_interval_ms.to_string()),
        ("__rate_interval", format_go(values.rate_interval_ms)),
        ("__interval_ms", values.step_ms.to_string()),
        ("__interval", format_interval(values.step_ms)),
        ("__range_ms", values.range_ms.to_string()),
        ("__range_s", range_secs.to_string()),
        ("__range", format!("{range_secs}s")),
    ];
    let mut interpolated = expr.to_owned();
    for (name, value) in macros {
        interpolated = interpolated.replace(&format!("${{{name}}}"), &value);
        interpolated = interpolated.replace(&format!("${name}"), &value);
    }
    interpolated
}
