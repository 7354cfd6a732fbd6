use super::{BATCH_RAW_BYTES, HEADER_BYTES, MAGIC, MAX_BATCH_RAW_BYTES};
use bytes::Bytes;
use prost::encoding::{encode_varint, encoded_len_varint};

/// Encoder of messages into batches. Holds at most one batch.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    raw: Vec<u8>,
    messages: u32,
}

/// Error: a message exceeds the size of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of {len} bytes is longer than a batch of packed flows may be")]
pub struct MessageTooLong {
    /// Length of the message, in bytes.
    pub len: usize,
}

impl Encoder {
    /// Encoder with an empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message and returns the batch that it closed, if any.
    ///
    /// Errors: the message alone is longer than a batch may be; it is left out.
    pub fn push(&mut self, message: &[u8]) -> Result<Option<Bytes>, MessageTooLong> {
        let too_long = MessageTooLong { len: message.len() };
        let len = u64::try_from(message.len()).map_err(|_| too_long)?;
        let added = encoded_len_varint(len) + message.len();
        if added > MAX_BATCH_RAW_BYTES {
            return Err(too_long);
        }
        let closed =
            if self.raw.len() + added > MAX_BATCH_RAW_BYTES { self.finish() } else { None };
        encode_varint(len, &mut self.raw);
        self.raw.extend_from_slice(message);
        self.messages += 1;
        // At most one of the two conditions holds: a batch that had to make room was below
        // BATCH_RAW_BYTES, so the message that did not fit is near MAX_BATCH_RAW_BYTES and waits
        // for the next call.
        if closed.is_none() && self.raw.len() >= BATCH_RAW_BYTES {
            return Ok(self.finish());
        }
        Ok(closed)
    }

    /// Closes the batch; `None` if it is empty.
    pub fn finish(&mut self) -> Option<Bytes> {
        if self.messages == 0 {
            return None;
        }
        let mut batch =
            vec![0; HEADER_BYTES + lz4_flex::block::get_maximum_output_size(self.raw.len())];
        let (header, block) = batch.split_at_mut_checked(HEADER_BYTES)?;
        // The buffer has the length of the worst case, so compression cannot fail.
        let compressed = lz4_flex::block::compress_into(&self.raw, block).ok()?;
        let lens =
            [self.messages, u32::try_from(self.raw.len()).ok()?, u32::try_from(compressed).ok()?];
        let fields = [MAGIC].into_iter().chain(lens.map(u32::to_le_bytes));
        for (place, field) in header.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field);
        }
        batch.truncate(HEADER_BYTES + compressed);
        self.raw.clear();
        self.messages = 0;
        Some(batch.into())
    }
}
