//! Client of one Prometheus: calls of its query API, with series as columns in the answers. Answers
//! are read while they arrive, into columns that Arrow uses without a copy; their size and number
//! of series are bounded. The crate also prepares queries (durations, the step, `$__interval` and
//! its siblings). It does not know Grafana's frames.

mod answer;
pub mod body;
mod client;
pub mod duration;
mod error;
mod identity;
mod metrics;
mod reader;
mod settings;
mod step;
#[cfg(test)]
mod tests;
mod trace;
mod transport;

pub use self::answer::{
    ApiResponse, BucketCells, Evaluated, ExemplarSeries, FloatSample, LabelSet, ResultData, Series,
    WithWarnings,
};
pub use self::client::{BuildInfo, PrometheusClient, RawAnswer};
pub use self::error::{ConnectFailure, PrometheusError};
pub use self::identity::{ConflictingTokens, ForwardedIdentity, HeaderOrigin};
pub use self::metrics::PrometheusMetrics;
pub use self::reader::{AnswerReader, ReadAnswer, UnreadableAnswer};
pub use self::settings::{HttpMethod, PrometheusAuth, PrometheusSettings, PrometheusTls};
pub use self::step::{Interpolation, InvalidMinStep, StepRequest, align_ms, interpolate, step_ms};
pub use self::transport::Params;
