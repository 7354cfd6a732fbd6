//! Inputs that the timings (`cargo xtask bench`) and the counts of instructions
//! (`benches/instructions.rs`) share.

pub mod inputs;
