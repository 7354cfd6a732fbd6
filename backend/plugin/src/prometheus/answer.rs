//! Prometheus' JSON, read straight into columns: no tree of values in between.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Labels of a series, sorted by name.
pub(crate) type LabelSet = BTreeMap<String, String>;

/// What a query API answered. Source: <https://prometheus.io/docs/prometheus/latest/querying/api/>.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) data: T,
    pub(crate) warnings: Vec<String>,
    pub(crate) infos: Vec<String>,
}

/// The result of an expression.
#[derive(Debug)]
pub(crate) enum ResultData {
    /// Range vector.
    Matrix(Vec<Series>),
    /// Instant vector: one sample a series.
    Vector(Vec<Series>),
    Scalar(Sample),
    /// Time in nanoseconds, text.
    String(i64, String),
}

/// A series: labels, and its samples as columns.
#[derive(Debug, Default, Clone)]
pub(crate) struct Series {
    pub(crate) labels: LabelSet,
    /// Unix time in nanoseconds, as long as `values`.
    pub(crate) times_nanos: Vec<i64>,
    pub(crate) values: Vec<f64>,
    /// Native histograms, when the series has any.
    pub(crate) cells: BucketCells,
}

/// One float at one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Unix time in nanoseconds.
    pub(crate) time_nanos: i64,
    pub(crate) value: f64,
}

/// The buckets of native histograms, one row a bucket.
#[derive(Debug, Default, Clone)]
pub(crate) struct BucketCells {
    /// Unix time in nanoseconds.
    pub(crate) times_nanos: Vec<i64>,
    pub(crate) lower: Vec<f64>,
    pub(crate) upper: Vec<f64>,
    pub(crate) counts: Vec<f64>,
    /// Which bounds belong to a bucket, by Prometheus' number: 0 the upper, 1 the lower, 2 none,
    /// 3 both.
    pub(crate) layouts: Vec<i8>,
}

/// Exemplars of one series.
#[derive(Debug, Deserialize)]
pub(crate) struct ExemplarSeries {
    #[serde(rename = "seriesLabels", default)]
    pub(crate) labels: LabelSet,
    #[serde(default)]
    pub(crate) exemplars: Vec<Exemplar>,
}

/// One exemplar.
#[derive(Debug, Deserialize)]
pub(crate) struct Exemplar {
    #[serde(default)]
    pub(crate) labels: LabelSet,
    pub(crate) value: Float,
    #[serde(rename = "timestamp")]
    pub(crate) time: TimeNanos,
}

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(super) struct Envelope<T> {
    #[serde(default)]
    pub(super) status: String,
    #[serde(default = "none")]
    pub(super) data: Option<T>,
    #[serde(default, rename = "errorType")]
    pub(super) error_type: String,
    #[serde(default)]
    pub(super) error: String,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
    #[serde(default)]
    pub(super) infos: Vec<String>,
}

fn none<T>() -> Option<T> {
    None
}

/// A float as Prometheus writes it: a string, `NaN` and `+Inf` included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Float(pub(crate) f64);

/// Seconds with a fraction, kept as nanoseconds at Prometheus' own precision of a millisecond.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeNanos(pub(crate) i64);

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

impl<'de> Deserialize<'de> for ResultData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ResultVisitor;
        impl<'de> Visitor<'de> for ResultVisitor {
            type Value = ResultData;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `resultType` and `result`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ResultData, A::Error> {
                let mut result_type: Option<String> = None;
                let mut late: Option<&'de RawValue> = None;
                let mut result = None;
                while let Some(key) = map.next_key::<String>()? {
                    match (key.as_str(), &result_type) {
                        ("resultType", _) => result_type = Some(map.next_value()?),
                        ("result", Some(result_type)) => {
                            result = Some(read_next(result_type, &mut map)?);
                        }
                        // Some implementations write the result before its type.
                        ("result", None) => late = Some(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                match (result, late, result_type) {
                    (Some(result), _, _) => Ok(result),
                    (None, Some(raw), Some(result_type)) => {
                        read_raw(&result_type, raw).map_err(de::Error::custom)
                    }
                    _ => Err(de::Error::missing_field("result")),
                }
            }
        }
        deserializer.deserialize_map(ResultVisitor)
    }
}

fn read_next<'de, A: MapAccess<'de>>(
    result_type: &str,
    map: &mut A,
) -> Result<ResultData, A::Error> {
    match result_type {
        "matrix" => Ok(ResultData::Matrix(map.next_value()?)),
        "vector" => Ok(ResultData::Vector(map.next_value()?)),
        "scalar" => map.next_value::<Timed<Float>>().map(ResultData::from),
        "string" => map.next_value::<Timed<String>>().map(ResultData::from),
        other => Err(unknown_result_type(other)),
    }
}

fn read_raw(result_type: &str, raw: &RawValue) -> Result<ResultData, serde_json::Error> {
    let json = raw.get();
    match result_type {
        "matrix" => serde_json::from_str(json).map(ResultData::Matrix),
        "vector" => serde_json::from_str(json).map(ResultData::Vector),
        "scalar" => serde_json::from_str::<Timed<Float>>(json).map(ResultData::from),
        "string" => serde_json::from_str::<Timed<String>>(json).map(ResultData::from),
        other => Err(unknown_result_type(other)),
    }
}

fn unknown_result_type<E: de::Error>(result_type: &str) -> E {
    E::unknown_variant(result_type, &["matrix", "vector", "scalar", "string"])
}

/// `[time, value]`.
type Timed<T> = (TimeNanos, T);

impl From<Timed<Float>> for ResultData {
    fn from((time, value): Timed<Float>) -> Self {
        Self::Scalar(Sample { time_nanos: time.0, value: value.0 })
    }
}

impl From<Timed<String>> for ResultData {
    fn from((time, text): Timed<String>) -> Self {
        Self::String(time.0, text)
    }
}

impl<'de> Deserialize<'de> for Series {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(default)]
            metric: LabelSet,
            #[serde(default)]
            values: Floats,
            value: Option<Timed<Float>>,
            #[serde(default)]
            histograms: Histograms,
            histogram: Option<Timed<Histogram>>,
        }
        let raw = Raw::deserialize(deserializer)?;
        let mut series = Self {
            labels: raw.metric,
            times_nanos: raw.values.times_nanos,
            values: raw.values.values,
            cells: raw.histograms.cells,
        };
        if let Some((time, value)) = raw.value {
            series.times_nanos.push(time.0);
            series.values.push(value.0);
        }
        if let Some((time, histogram)) = raw.histogram {
            series.cells.push(time, histogram);
        }
        Ok(series)
    }
}

/// `[[time, "value"], …]` as columns.
#[derive(Default)]
struct Floats {
    times_nanos: Vec<i64>,
    values: Vec<f64>,
}

/// `[[time, {buckets: […]}], …]` as columns.
#[derive(Default)]
struct Histograms {
    cells: BucketCells,
}

#[derive(Deserialize)]
struct Histogram {
    #[serde(default)]
    buckets: Vec<Bucket>,
}

/// Boundary rule, lower and upper boundary, count.
type Bucket = (i8, Float, Float, Float);

impl BucketCells {
    fn push(&mut self, time: TimeNanos, histogram: Histogram) {
        for (layout, lower, upper, count) in histogram.buckets {
            self.layouts.push(layout);
            self.times_nanos.push(time.0);
            self.lower.push(lower.0);
            self.upper.push(upper.0);
            self.counts.push(count.0);
        }
    }
}

/// Something that takes timed items one by one.
trait Collect<T>: Default {
    fn collect(&mut self, time: TimeNanos, item: T);
}

impl Collect<Float> for Floats {
    fn collect(&mut self, time: TimeNanos, value: Float) {
        self.times_nanos.push(time.0);
        self.values.push(value.0);
    }
}

impl Collect<Histogram> for Histograms {
    fn collect(&mut self, time: TimeNanos, histogram: Histogram) {
        self.cells.push(time, histogram);
    }
}

fn collect<'de, C: Collect<T>, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<C, D::Error> {
    struct Timeline<C, T>(PhantomData<(C, T)>);
    impl<'de, C: Collect<T>, T: Deserialize<'de>> Visitor<'de> for Timeline<C, T> {
        type Value = C;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of `[time, value]`")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<C, A::Error> {
            let mut collected = C::default();
            while let Some((time, item)) = list.next_element::<Timed<T>>()? {
                collected.collect(time, item);
            }
            Ok(collected)
        }
    }
    deserializer.deserialize_seq(Timeline::<C, T>(PhantomData))
}

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        collect::<Self, Float, D>(deserializer)
    }
}

impl<'de> Deserialize<'de> for Histograms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        collect::<Self, Histogram, D>(deserializer)
    }
}

#[cfg(test)]
mod tests;
