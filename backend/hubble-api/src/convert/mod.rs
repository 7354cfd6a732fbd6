//! Lossless conversions between the wire types and the types of `flow`.
//!
//! Each message has one list of its fields: a field that a later Cilium adds to `proto/` does not
//! compile until it is listed. The decoder drops fields that `proto/` lacks.

mod error;
mod filter;
mod parts;
mod record;
#[cfg(test)]
mod tests;
mod value;

pub use error::FlowError;
#[cfg(feature = "json")]
pub(crate) use record::wire_timestamp;

/// Converts the items of a list.
fn all<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}
