//! Hubble's wire contract. No other crate of the project uses its protobuf.

#[cfg(test)]
mod arbitrary;
#[cfg(feature = "client")]
pub mod client;
mod convert;
#[cfg(feature = "server")]
pub mod field_mask;
#[cfg(feature = "json")]
pub mod json;
pub mod packed;
pub mod pb;
pub mod projection;
pub mod release;
pub mod schema;

pub use convert::FlowError;
