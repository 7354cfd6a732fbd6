use super::{HEADER_BYTES, MAGIC, MAX_BATCH_RAW_BYTES};
use prost::encoding::decode_varint;

/// Decompressed batch of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    raw: Vec<u8>,
    messages: u32,
}

/// Errors in packed flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackedError {
    /// The data does not begin with the magic of a batch.
    #[error("these bytes are not packed flows")]
    Magic,
    /// The stream ends within a batch.
    #[error("the packed flows end in the middle of a batch")]
    Truncated,
    /// The stated length exceeds the limit of a batch.
    #[error("a batch of packed flows is {raw_bytes} bytes long, more than {MAX_BATCH_RAW_BYTES}")]
    TooLong {
        /// Uncompressed length from the header, in bytes.
        raw_bytes: u32,
    },
    /// The lengths in the header contradict each other.
    #[error("the lengths of a batch of packed flows contradict each other")]
    Lengths,
    /// The block is not an LZ4 block of the stated length.
    #[error("a batch of packed flows cannot be decompressed")]
    Block,
    /// A message is longer than the rest of the batch, or the messages do not fill it.
    #[error("a batch of packed flows does not contain the stated messages")]
    Messages,
}

#[derive(Clone, Copy)]
struct Header {
    messages: u32,
    raw_bytes: usize,
    compressed_bytes: usize,
}

impl Header {
    fn read(header: [u8; HEADER_BYTES]) -> Result<Self, PackedError> {
        let (fields, _) = header.as_chunks::<4>();
        let &[magic, messages, raw_bytes, compressed_bytes] = fields else {
            return Err(PackedError::Magic);
        };
        if magic != MAGIC {
            return Err(PackedError::Magic);
        }
        let [messages, raw_bytes, compressed_bytes] =
            [messages, raw_bytes, compressed_bytes].map(u32::from_le_bytes);
        if raw_bytes as usize > MAX_BATCH_RAW_BYTES {
            return Err(PackedError::TooLong { raw_bytes });
        }
        // Each message takes at least one byte, for its length.
        let most = lz4_flex::block::get_maximum_output_size(raw_bytes as usize);
        if messages > raw_bytes || compressed_bytes as usize > most {
            return Err(PackedError::Lengths);
        }
        Ok(Self {
            messages,
            raw_bytes: raw_bytes as usize,
            compressed_bytes: compressed_bytes as usize,
        })
    }
}

impl Batch {
    fn decompress(header: Header, block: &[u8]) -> Result<Self, PackedError> {
        let mut raw = vec![0; header.raw_bytes];
        match lz4_flex::block::decompress_into(block, &mut raw) {
            Ok(len) if len == header.raw_bytes => Ok(Self { raw, messages: header.messages }),
            _ => Err(PackedError::Block),
        }
    }

    /// Number of messages that the header states.
    pub fn len(&self) -> usize {
        self.messages as usize
    }

    /// Whether the header states no messages.
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Wire bytes of each `GetFlowsResponse`. Ends after the first error.
    ///
    /// Errors: the lengths of the messages do not add up to the batch.
    pub fn messages(&self) -> impl Iterator<Item = Result<&[u8], PackedError>> {
        let mut rest = self.raw.as_slice();
        let mut left = self.messages;
        std::iter::from_fn(move || {
            if left == 0 {
                let end = rest.is_empty();
                rest = &[];
                return (!end).then_some(Err(PackedError::Messages));
            }
            left -= 1;
            let message = decode_varint(&mut rest)
                .ok()
                .and_then(|len| rest.split_at_checked(usize::try_from(len).ok()?));
            if let Some((message, after)) = message {
                rest = after;
                return Some(Ok(message));
            }
            left = 0;
            rest = &[];
            Some(Err(PackedError::Messages))
        })
    }
}

/// Number of messages that the headers of a stream state, up to the first defect. Nothing is unpacked.
pub fn stated_messages(stream: &[u8]) -> usize {
    let (mut rest, mut messages) = (stream, 0_usize);
    while let Some((header, after)) = rest.split_first_chunk()
        && let Ok(header) = Header::read(*header)
        && let Some((_, next)) = after.split_at_checked(header.compressed_bytes)
    {
        messages = messages.saturating_add(header.messages as usize);
        rest = next;
    }
    messages
}

/// Batches of a whole stream. Ends after the first error.
///
/// Errors: the bytes are not packed flows, or end within a batch.
pub fn batches(stream: &[u8]) -> impl Iterator<Item = Result<Batch, PackedError>> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let taken = take_batch(rest);
        rest = taken.as_ref().map_or(&[], |(_, after)| after);
        Some(taken.map(|(batch, _)| batch))
    })
}

/// First batch and the rest of the stream.
fn take_batch(stream: &[u8]) -> Result<(Batch, &[u8]), PackedError> {
    let Some((header, rest)) = stream.split_first_chunk::<HEADER_BYTES>() else {
        let is_start = MAGIC.iter().zip(stream).all(|(magic, byte)| magic == byte);
        return Err(if is_start { PackedError::Truncated } else { PackedError::Magic });
    };
    let header = Header::read(*header)?;
    let (block, after) =
        rest.split_at_checked(header.compressed_bytes).ok_or(PackedError::Truncated)?;
    Batch::decompress(header, block).map(|batch| (batch, after))
}
