//! Inputs of measurements, the same for timings (`cargo xtask bench`) and for counts of instructions
//! (`benches/instructions.rs`).
//!
//! A separate package with few dependencies, so that `cargo xtask test` builds it quickly.

pub mod cluster;
pub mod prometheus;
pub mod wire;
