//! A client for one Prometheus: calls of its query API in, series as columns out. Answers are read
//! while they arrive and kept in columns that Arrow takes as they are; their size and the number of
//! their series are bounded. Beside it stands what a query needs before it is sent: durations, the
//! step, `$__interval` and its kin. A managed Prometheus of Azure gets its token here. The crate
//! knows nothing of Grafana's frames.

mod answer;
mod body;
mod client;
pub mod duration;
mod entra;
mod error;
mod flight;
mod identity;
mod reader;
mod settings;
mod step;
#[cfg(test)]
mod tests;
mod transport;

pub use self::answer::{
    ApiResponse, BucketCells, Evaluated, ExemplarSeries, FloatSample, LabelSet, ResultData, Series,
    WithWarnings,
};
pub use self::client::{BuildInfo, Params, PassedOn, PrometheusClient};
pub use self::entra::TokenError;
pub use self::error::{Obstacle, PrometheusError};
pub use self::identity::{ForwardedIdentity, HeadersOf, TwoIdentities};
pub use self::reader::{AnswerReader, ReadAnswer, UnreadableAnswer};
pub use self::settings::{
    AzureCloud, AzureCredentials, AzureLogin, HttpMethod, PrometheusAuth, PrometheusSettings,
    PrometheusTls, is_loopback,
};
pub use self::step::{Interpolation, InvalidMinStep, StepRequest, align_ms, interpolate, step_ms};
