//! Bodies of answers, unpacked and bounded. gzip is unpacked by the HTTP client as it arrives.

use std::io::Read;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header};

/// Encodings that are asked for.
pub(super) const ACCEPT_ENCODING: &str = "gzip, zstd";

/// Why there is no body.
#[derive(Debug)]
pub(super) enum BodyError<E> {
    /// The connection broke.
    Broken(E),
    /// Beyond the limit, unpacked.
    TooLarge,
    /// What it says of its encoding is not what it is.
    Encoding(String),
}

/// Reads a body to its end, at most `limit_bytes` of it both packed and unpacked.
///
/// Errors: [`BodyError`].
pub(super) async fn read<E>(
    headers: &HeaderMap,
    chunks: impl Stream<Item = Result<Bytes, E>>,
    limit_bytes: usize,
) -> Result<Bytes, BodyError<E>> {
    let mut chunks = std::pin::pin!(chunks);
    let mut body = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(BodyError::Broken)?;
        if body.len() + chunk.len() > limit_bytes {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let body = body.freeze();
    match headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?")) {
        None | Some("" | "identity") => Ok(body),
        Some("zstd") => unpack_zstd(&body, limit_bytes),
        Some(other) => Err(BodyError::Encoding(format!("`{other}` was not asked for"))),
    }
}

fn unpack_zstd<E>(mut packed: &[u8], limit_bytes: usize) -> Result<Bytes, BodyError<E>> {
    let broken = |cause: &dyn std::fmt::Display| BodyError::Encoding(format!("zstd: {cause}"));
    let mut unpacked = Vec::new();
    // A body may hold several frames.
    while !packed.is_empty() {
        let decoder =
            ruzstd::decoding::StreamingDecoder::new(&mut packed).map_err(|cause| broken(&cause))?;
        let left = limit_bytes.saturating_sub(unpacked.len());
        let more = u64::try_from(left).unwrap_or(u64::MAX).saturating_add(1);
        decoder.take(more).read_to_end(&mut unpacked).map_err(|cause| broken(&cause))?;
        if unpacked.len() > limit_bytes {
            return Err(BodyError::TooLarge);
        }
    }
    Ok(unpacked.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    #[tokio::test]
    async fn encodings_and_limits() {
        let check = async |encoding: Option<&'static str>, body: &[u8], expected: &str| {
            let mut headers = HeaderMap::new();
            if let Some(encoding) = encoding {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            let chunks: Vec<Result<Bytes, ()>> =
                body.chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
            let read = read(&headers, futures_util::stream::iter(chunks), 1_000).await;
            let shown = match read {
                Ok(body) => format!("{} bytes", body.len()),
                Err(BodyError::TooLarge) => "too large".to_owned(),
                Err(BodyError::Broken(())) => "broken".to_owned(),
                Err(BodyError::Encoding(text)) if text.starts_with("zstd: ") => {
                    "no zstd".to_owned()
                }
                Err(BodyError::Encoding(text)) => text,
            };
            assert_eq!(shown, expected);
        };
        let zstd =
            |len: usize| compress_to_vec(vec![b'x'; len].as_slice(), CompressionLevel::Fastest);
        check(None, b"", "0 bytes").await;
        check(None, &[0; 1_000], "1000 bytes").await;
        check(None, &[0; 1_001], "too large").await;
        check(Some("identity"), &[0; 10], "10 bytes").await;
        check(Some("zstd"), &zstd(1_000), "1000 bytes").await;
        check(Some("zstd"), &[zstd(400), zstd(500)].concat(), "900 bytes").await;
        check(Some("zstd"), &[zstd(500), zstd(501)].concat(), "too large").await;
        // Ten megabytes in a few hundred bytes.
        check(Some("zstd"), &zstd(10 << 20), "too large").await;
        check(Some("zstd"), b"{\"status\":\"success\"}", "no zstd").await;
        check(Some("zstd"), &zstd(1_000)[..8], "no zstd").await;
        check(Some("br"), b"x", "`br` was not asked for").await;
    }
}
