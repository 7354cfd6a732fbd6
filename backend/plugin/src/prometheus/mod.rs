//! Prometheus over HTTP: its query API in, series as columns out.

mod answer;
mod client;
pub(crate) mod duration;
mod error;
mod step;
#[cfg(test)]
mod tests;

pub(crate) use self::answer::{Answer, BucketCells, ExemplarSeries, LabelSet, ResultData, Series};
pub(crate) use self::client::{Params, PrometheusClient};
pub(crate) use self::error::PrometheusError;
pub(crate) use self::step::{
    Interpolation, InvalidMinStep, StepRequest, align_ms, interpolate, step_ms,
};
