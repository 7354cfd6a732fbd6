//! Between the wire types and the vocabulary of `flow`, both ways and without loss.
//!
//! Every field is named in one list of its message: a field that a later Cilium adds to `proto/`
//! does not compile until it stands there. What a record carries beyond `proto/` is dropped by
//! the decoder.

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
