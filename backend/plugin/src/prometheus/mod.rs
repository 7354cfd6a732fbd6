//! Prometheus over HTTP: its query API in, series as columns out.

mod answer;
mod body;
mod client;
pub(crate) mod duration;
mod entra;
mod error;
mod flight;
mod identity;
mod reader;
mod step;
#[cfg(test)]
mod tests;
mod transport;

pub(crate) use self::answer::{
    Answer, BucketCells, Evaluated, ExemplarSeries, LabelSet, ResultData, Series,
};
pub(crate) use self::client::{Params, PrometheusClient};
pub(crate) use self::error::PrometheusError;
pub(crate) use self::identity::{ForwardedIdentity, HeadersOf};
pub(crate) use self::step::{
    Interpolation, InvalidMinStep, StepRequest, align_ms, interpolate, step_ms,
};
