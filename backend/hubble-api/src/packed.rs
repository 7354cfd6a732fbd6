//! Packed flows: the relay's own messages in compressed batches.
//!
//! A stream is a concatenation of batches, so it can be joined with others and split between
//! batches. A batch consists of a header of 16 bytes and one LZ4 block:
//!
//! | bytes | meaning |
//! | --- | --- |
//! | 0..4 | magic, `HFP1` |
//! | 4..8 | number of messages, u32 little-endian |
//! | 8..12 | uncompressed length of the block in bytes, u32 little-endian |
//! | 12..16 | compressed length of the block in bytes, u32 little-endian |
//!
//! The uncompressed block holds the stated number of `GetFlowsResponse` messages, each prefixed by
//! its length as a varint.
//!
//! ```
//! use hubble_api::packed::{Encoder, batches};
//!
//! let mut encoder = Encoder::new();
//! assert_eq!(encoder.push(b"a message").unwrap(), None, "the batch is not full yet");
//! let stream = encoder.finish().unwrap();
//!
//! let batch = batches(&stream).next().unwrap().unwrap();
//! let messages: Vec<&[u8]> = batch.messages().map(Result::unwrap).collect();
//! assert_eq!(messages, [b"a message"]);
//! ```

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{Batch, PackedError, batches, stated_messages};
pub use encode::{Encoder, MessageTooLong};

/// First bytes of every batch.
pub const MAGIC: [u8; 4] = *b"HFP1";

/// Length of a batch's header, in bytes.
pub const HEADER_BYTES: usize = 16;

/// Uncompressed length at which the encoder closes a batch, in bytes. It is large compared to the
/// dictionary of LZ4 (64 KiB), and small enough for the first flows to appear early.
pub const BATCH_RAW_BYTES: usize = 1 << 20;

/// Longest accepted batch, in uncompressed bytes.
pub const MAX_BATCH_RAW_BYTES: usize = 16 << 20;
