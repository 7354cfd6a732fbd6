//! Packed flows: the relay's own messages in compressed batches.
//!
//! A stream is a concatenation of batches, so that streams can be joined and cut between batches.
//! A batch is a header of 16 bytes and one LZ4 block:
//!
//! | bytes | meaning |
//! | --- | --- |
//! | 0..4 | magic, `HFP1` |
//! | 4..8 | number of messages, u32 little-endian |
//! | 8..12 | length of the block uncompressed, u32 little-endian |
//! | 12..16 | length of the block compressed, u32 little-endian |
//!
//! Uncompressed, the block holds that many `GetFlowsResponse` messages, each after its length as
//! a varint.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{Batch, BatchReader, PackedError, batches};
pub use encode::{Encoder, MessageTooLong, Slices};

/// First bytes of every batch.
pub const MAGIC: [u8; 4] = *b"HFP1";

/// Length of a batch's header in bytes.
pub const HEADER_BYTES: usize = 16;

/// Uncompressed length at which the encoder closes a batch: large enough for the dictionary of
/// LZ4 (64 KiB) not to matter, small enough for the first flows to be seen early.
pub const BATCH_RAW_BYTES: usize = 1 << 20;

/// Uncompressed length of a batch beyond which it is refused.
pub const MAX_BATCH_RAW_BYTES: usize = 16 << 20;

/// Length of the slices in which a packed stream is put into a frame. A multiple of 3, so that
/// the base64 of a full slice ends without padding.
pub const SLICE_BYTES: usize = 49_152;
