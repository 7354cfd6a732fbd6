//! Hubble's wire contract: protobuf, JSON, the projection from wire bytes to columns, packed flows, and the
//! relay client. Its protobuf types are public only with the feature `pb`, for the demo, tests and
//! benchmarks, which speak the relay's side.

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
#[cfg(feature = "pb")]
pub mod pb;
#[cfg(not(feature = "pb"))]
#[expect(clippy::allow_attributes, reason = "the features decide which of these lints apply")]
#[allow(dead_code, unreachable_pub, clippy::enum_variant_names, reason = "generated")]
mod pb;
pub mod projection;
pub mod release;
pub mod schema;

pub use convert::FlowError;
