//! Arbitrary packed flows do not panic and take at most the memory of a batch; packed flows are unpacked
//! as they were.
//!
//! `cargo xtask fuzz packed`

#![no_main]

use hubble_api::packed::{Encoder, PackedError, batches};
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

fuzz_target!(|stream: &[u8]| {
    let chunk_bytes = usize::from(stream.first().copied().unwrap_or(0)) + 1;
    drop(whole(stream));

    let sent: Vec<Vec<u8>> = stream.chunks(chunk_bytes).map(<[u8]>::to_vec).collect();
    let mut encoder = Encoder::new();
    let mut packed = Vec::new();
    for message in &sent {
        packed.extend(encoder.push(message).expect("no message is too long").unwrap_or_default());
    }
    packed.extend(encoder.finish().unwrap_or_default());
    assert_eq!(whole(&packed), Ok(sent));
});
