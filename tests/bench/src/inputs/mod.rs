//! Inputs of measurements: the same for timings and for counts of instructions.

pub mod cluster;
pub mod prometheus;
pub mod wire;
