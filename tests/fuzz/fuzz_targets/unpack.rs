//! Arbitrary bodies in zstd, in pieces of any size, are unpacked up to a limit or refused. The input is the
//! size of the pieces, one byte, and the body.
//!
//! `cargo xtask fuzz unpack`

#![no_main]

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;
use prometheus::body::{unpacked, whole};

/// Limit of the answer, in bytes.
const LIMIT: usize = 100_000;

fuzz_target!(|input: &[u8]| {
    let Some((piece_bytes, body)) = input.split_first() else { return };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
    let pieces = body.chunks(usize::from(*piece_bytes).max(1));
    let pieces: Vec<_> = pieces.map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let chunks = unpacked(&headers, stream::iter(pieces).boxed(), LIMIT).expect("known");
        if let Ok(body) = whole(chunks).await {
            assert!(body.len() <= LIMIT, "{} bytes", body.len());
        }
    });
});
