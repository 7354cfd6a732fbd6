//! Answers of Prometheus as columns, and the small pieces of its JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use budget::Held;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// Labels of a series, sorted by name.
pub type LabelSet = BTreeMap<String, String>;

/// Value of an expression.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// Series, samples or text.
    pub result: ResultData,
    /// Number of series in the answer; the result may contain fewer.
    pub series_total: usize,
    /// Bytes of the answer as received, held while it is in use.
    pub held: Arc<Held>,
}

/// Data of an answer with Prometheus' comments. Source:
/// <https://prometheus.io/docs/prometheus/latest/querying/api/>.
#[derive(Debug, Clone)]
pub struct WithWarnings<T> {
    /// Requested data.
    pub data: T,
    /// Warnings of Prometheus.
    pub warnings: Vec<String>,
    /// Infos of Prometheus.
    pub infos: Vec<String>,
}

/// Result of an expression.
#[derive(Debug, Clone)]
pub enum ResultData {
    /// Range vector.
    Matrix(Vec<Series>),
    /// Instant vector: one sample per series.
    Vector(Vec<Series>),
    /// Scalar: one number.
    Scalar(FloatSample),
    /// String: time in Unix nanoseconds, and text.
    String(i64, String),
}

/// Series: labels, and samples as columns.
#[derive(Debug, Default, Clone)]
pub struct Series {
    /// Names and values of the labels.
    pub labels: LabelSet,
    /// Times in Unix nanoseconds, as many as `values`.
    pub times_nanos: Vec<i64>,
    /// Values, one for each time.
    pub values: Vec<f64>,
    /// Buckets of native histograms, if the series has any.
    pub cells: BucketCells,
}

/// Float at a point in time.
#[derive(Debug, Clone, Copy)]
pub struct FloatSample {
    /// Unix time in nanoseconds.
    pub time_nanos: i64,
    /// Value of the sample.
    pub value: f64,
}

/// Buckets of native histograms, one row per bucket.
#[derive(Debug, Default, Clone)]
pub struct BucketCells {
    /// Unix time in nanoseconds.
    pub times_nanos: Vec<i64>,
    /// Lower bounds of the buckets.
    pub lower: Vec<f64>,
    /// Upper bounds of the buckets.
    pub upper: Vec<f64>,
    /// Counts of the buckets.
    pub counts: Vec<f64>,
    /// Inclusive bounds of the buckets, as Prometheus' number: 0 upper, 1 lower, 2 none, 3 both.
    pub layouts: Vec<i8>,
}

/// Exemplars of one series.
#[derive(Debug, Clone, Deserialize)]
pub struct ExemplarSeries {
    /// Labels of the series.
    #[serde(rename = "seriesLabels", default)]
    pub labels: LabelSet,
    /// Exemplars in the order of Prometheus.
    #[serde(default)]
    pub exemplars: Vec<Exemplar>,
}

/// Exemplar of a series.
#[derive(Debug, Clone, Deserialize)]
pub struct Exemplar {
    #[serde(default)]
    pub labels: LabelSet,
    pub value: Float,
    #[serde(rename = "timestamp")]
    pub time: TimeNanos,
}

/// JSON object around every answer of the API.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct ApiResponse<T> {
    /// `success` or `error`.
    #[serde(default)]
    pub status: String,
    /// Requested data; absent in an error.
    #[serde(default = "none")]
    pub data: Option<T>,
    /// Kind of the error, such as `bad_data`.
    #[serde(default, rename = "errorType")]
    pub error_type: String,
    /// Error message of Prometheus.
    #[serde(default)]
    pub error: String,
    /// Warnings of Prometheus.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Infos of Prometheus.
    #[serde(default)]
    pub infos: Vec<String>,
}

impl<T> Default for ApiResponse<T> {
    fn default() -> Self {
        Self {
            status: String::new(),
            data: None,
            error_type: String::new(),
            error: String::new(),
            warnings: Vec::new(),
            infos: Vec::new(),
        }
    }
}

fn none<T>() -> Option<T> {
    None
}

/// Float in Prometheus' notation: a string, which may be `NaN` or `+Inf`.
#[derive(Debug, Clone, Copy)]
pub struct Float(pub f64);

/// Time in nanoseconds, read from seconds with a fraction at Prometheus' precision of a
/// millisecond.
#[derive(Debug, Clone, Copy)]
pub struct TimeNanos(pub i64);

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FloatVisitor;
        impl Visitor<'_> for FloatVisitor {
            type Value = Float;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a float as a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Float, E> {
                text.parse()
                    .map(Float)
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Float, E> {
                Ok(Float(value))
            }

            #[expect(clippy::cast_precision_loss, reason = "a float of JSON that has no fraction")]
            fn visit_i64<E>(self, value: i64) -> Result<Float, E> {
                Ok(Float(value as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "a float of JSON that has no fraction")]
            fn visit_u64<E>(self, value: u64) -> Result<Float, E> {
                Ok(Float(value as f64))
            }
        }
        deserializer.deserialize_any(FloatVisitor)
    }
}

impl<'de> Deserialize<'de> for TimeNanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Seconds on 1 January 2262, the limit of nanoseconds in 64 bits.
        const MAX_SECS: i64 = 9_214_646_400;
        struct TimeVisitor;
        impl Visitor<'_> for TimeVisitor {
            type Value = TimeNanos;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in seconds")
            }

            // Most times have no fraction, and their ranges make up most of an answer.
            fn visit_u64<E: de::Error>(self, secs: u64) -> Result<TimeNanos, E> {
                self.visit_i64(i64::try_from(secs).unwrap_or(i64::MAX))
            }

            fn visit_i64<E: de::Error>(self, secs: i64) -> Result<TimeNanos, E> {
                if !(-MAX_SECS..=MAX_SECS).contains(&secs) {
                    return Err(E::custom(format_args!("{secs} is not a time in seconds")));
                }
                Ok(TimeNanos(secs * 1_000_000_000))
            }

            #[expect(clippy::cast_precision_loss, reason = "the limit has 34 bits")]
            fn visit_f64<E: de::Error>(self, secs: f64) -> Result<TimeNanos, E> {
                const LIMIT: f64 = MAX_SECS as f64;
                if !(-LIMIT..=LIMIT).contains(&secs) {
                    return Err(E::custom(format_args!("{secs} is not a time in seconds")));
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "within the years 1678 to 2262"
                )]
                let millis = (secs * 1_000.0).round() as i64;
                Ok(TimeNanos(millis * 1_000_000))
            }
        }
        deserializer.deserialize_any(TimeVisitor)
    }
}

/// `[time, value]`.
pub(crate) type Timed<T> = (TimeNanos, T);

impl Series {
    /// Adds a sample.
    pub(crate) fn push(&mut self, time: TimeNanos, value: Float) {
        self.times_nanos.push(time.0);
        self.values.push(value.0);
    }
}

/// Native histogram, of which only the buckets are shown.
#[derive(Deserialize)]
pub(crate) struct Histogram {
    buckets: Option<Vec<Bucket>>,
}

/// Boundary rule, lower and upper boundary, count.
type Bucket = (i8, Float, Float, Float);

impl BucketCells {
    /// Adds the buckets of a histogram.
    pub(crate) fn push(&mut self, time: TimeNanos, histogram: Histogram) {
        for (layout, lower, upper, count) in histogram.buckets.into_iter().flatten() {
            self.layouts.push(layout);
            self.times_nanos.push(time.0);
            self.lower.push(lower.0);
            self.upper.push(upper.0);
            self.counts.push(count.0);
        }
    }
}
