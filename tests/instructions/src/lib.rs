//! Inputs of measurements, the same for timings (`cargo xtask bench`) and for counts of instructions
//! (`benches/instructions.rs`).
//!
//! A package of its own: what the counts are compiled from is little, so that `cargo xtask test` builds
//! it quickly.

pub mod cluster;
pub mod prometheus;
pub mod wire;
