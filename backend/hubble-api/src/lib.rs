//! Hubble's wire contract: the only crate of the project that knows protobuf.

pub mod packed;
pub mod pb;
pub mod projection;
