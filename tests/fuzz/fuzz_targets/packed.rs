//! Arbitrary packed flows do not panic, take at most the memory of a batch, and yield the same
//! messages from a whole stream and from chunks.
//!
//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz packed`

#![no_main]

use hubble_api::packed::{BatchReader, Encoder, PackedError, batches};
use libfuzzer_sys::fuzz_target;

type Messages = Result<Vec<Vec<u8>>, PackedError>;

fn whole(stream: &[u8]) -> Messages {
    let mut messages = Vec::new();
    for batch in batches(stream) {
        for message in batch?.messages() {
            messages.push(message?.to_vec());
        }
    }
    Ok(messages)
}

fn in_chunks(stream: &[u8], chunk_bytes: usize) -> Messages {
    let mut reader = BatchReader::new();
    let mut messages = Vec::new();
    for chunk in stream.chunks(chunk_bytes) {
        reader.push(chunk);
        while let Some(batch) = reader.next_batch()? {
            for message in batch.messages() {
                messages.push(message?.to_vec());
            }
        }
    }
    reader.finish()?;
    Ok(messages)
}

fuzz_target!(|stream: &[u8]| {
    let chunk_bytes = usize::from(stream.first().copied().unwrap_or(0)) + 1;
    assert_eq!(whole(stream), in_chunks(stream, chunk_bytes));

    let sent: Vec<Vec<u8>> = stream.chunks(chunk_bytes).map(<[u8]>::to_vec).collect();
    let mut encoder = Encoder::new();
    let mut packed = Vec::new();
    for message in &sent {
        packed.extend(encoder.push(message).expect("no message is too long").unwrap_or_default());
    }
    packed.extend(encoder.finish().unwrap_or_default());
    assert_eq!(whole(&packed), Ok(sent));
});
