//! What Prometheus answers, as columns; the small pieces of its JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// Labels of a series, sorted by name.
pub type LabelSet = BTreeMap<String, String>;

/// What an expression stands for.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The series, samples or text.
    pub result: ResultData,
    /// Series that the answer had, of which the result may hold fewer.
    pub series_total: usize,
}

/// What a query API answered. Source: <https://prometheus.io/docs/prometheus/latest/querying/api/>.
#[derive(Debug, Clone)]
pub struct WithWarnings<T> {
    /// What was asked for.
    pub data: T,
    /// Prometheus' own warnings.
    pub warnings: Vec<String>,
    /// Prometheus' own remarks.
    pub infos: Vec<String>,
}

/// The result of an expression.
#[derive(Debug, Clone)]
pub enum ResultData {
    /// Range vector.
    Matrix(Vec<Series>),
    /// Instant vector: one sample a series.
    Vector(Vec<Series>),
    /// One number.
    Scalar(FloatSample),
    /// Time in nanoseconds, text.
    String(i64, String),
}

/// A series: labels, and its samples as columns.
#[derive(Debug, Default, Clone)]
pub struct Series {
    /// Names and values of the labels.
    pub labels: LabelSet,
    /// Unix time in nanoseconds, as long as `values`.
    pub times_nanos: Vec<i64>,
    /// The values, one for each time.
    pub values: Vec<f64>,
    /// Native histograms, when the series has any.
    pub cells: BucketCells,
}

/// One float at one time.
#[derive(Debug, Clone, Copy)]
pub struct FloatSample {
    /// Unix time in nanoseconds.
    pub time_nanos: i64,
    /// The value.
    pub value: f64,
}

/// The buckets of native histograms, one row a bucket.
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
    /// Which bounds belong to a bucket, by Prometheus' number: 0 the upper, 1 the lower, 2 none,
    /// 3 both.
    pub layouts: Vec<i8>,
}

/// Exemplars of one series.
#[derive(Debug, Clone, Deserialize)]
pub struct ExemplarSeries {
    /// Labels of the series.
    #[serde(rename = "seriesLabels", default)]
    pub labels: LabelSet,
    /// Its exemplars, as Prometheus orders them.
    #[serde(default)]
    pub exemplars: Vec<Exemplar>,
}

/// One exemplar.
#[derive(Debug, Clone, Deserialize)]
pub struct Exemplar {
    #[serde(default)]
    pub labels: LabelSet,
    pub value: Float,
    #[serde(rename = "timestamp")]
    pub time: TimeNanos,
}

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct ApiResponse<T> {
    /// `success` or `error`.
    #[serde(default)]
    pub status: String,
    /// What was asked for; absent beside an error.
    #[serde(default = "none")]
    pub data: Option<T>,
    /// Prometheus' word for the kind of the error.
    #[serde(default, rename = "errorType")]
    pub error_type: String,
    /// The error in Prometheus' words.
    #[serde(default)]
    pub error: String,
    /// Prometheus' own warnings.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Prometheus' own remarks.
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

/// A float as Prometheus writes it: a string, `NaN` and `+Inf` included.
#[derive(Debug, Clone, Copy)]
pub struct Float(pub f64);

/// Seconds with a fraction, kept as nanoseconds at Prometheus' own precision of a millisecond.
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
        /// 1 January 2262: where nanoseconds in 64 bits end.
        const MAX_SECS: i64 = 9_214_646_400;
        struct TimeVisitor;
        impl Visitor<'_> for TimeVisitor {
            type Value = TimeNanos;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in seconds")
            }

            // Most times have no fraction, and a range of them is most of an answer.
            fn visit_u64<E: de::Error>(self, secs: u64) -> Result<TimeNanos, E> {
                self.visit_i64(i64::try_from(secs).unwrap_or(i64::MAX))
            }

            fn visit_i64<E: de::Error>(self, secs: i64) -> Result<TimeNanos, E> {
                if !(-MAX_SECS..=MAX_SECS).contains(&secs) {
                    return Err(E::custom(format_args!("{secs} is no time in seconds")));
                }
                Ok(TimeNanos(secs * 1_000_000_000))
            }

            #[expect(clippy::cast_precision_loss, reason = "the limit has 34 bits")]
            fn visit_f64<E: de::Error>(self, secs: f64) -> Result<TimeNanos, E> {
                const LIMIT: f64 = MAX_SECS as f64;
                if !(-LIMIT..=LIMIT).contains(&secs) {
                    return Err(E::custom(format_args!("{secs} is no time in seconds")));
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

/// A native histogram, of which only the buckets are shown.
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
