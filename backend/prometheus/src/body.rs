//! Bodies of answers, decompressed and bounded while they arrive. The HTTP client decompresses
//! gzip, `ruzstd` on a thread of its own zstd: the client's zstd needs C in the static program.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};
use http::{HeaderMap, header};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::error::PrometheusError;

/// Accepted encodings.
pub(crate) const ACCEPT_ENCODING: &str = "gzip, zstd";
/// Size of zstd's output chunks, in bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// Maximum number of chunks that wait to be read.
const MAX_WAITING_CHUNKS: usize = 4;
/// Maximum window of zstd, in bytes: the decoder holds this much before it returns the first byte. Source:
/// RFC 9659, which is about HTTP.
const MAX_WINDOW_BYTES: u64 = 8 << 20;

/// Body in chunks.
pub type Chunks = BoxStream<'static, Result<Bytes, PrometheusError>>;

/// Decompressed body of an answer with the given `headers`, of at most `limit_bytes`.
///
/// Errors: [`PrometheusError::Encoding`] at once or among the chunks, [`PrometheusError::TooLarge`]
/// among them, and any error of `packed`.
pub fn unpacked(
    headers: &HeaderMap,
    packed: Chunks,
    limit_bytes: usize,
) -> Result<Chunks, PrometheusError> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    let chunks = match encoding {
        None | Some("" | "identity") => packed,
        Some("zstd") => unpack_zstd(packed),
        Some(other) => {
            let other = wording::quote_answer(other);
            return Err(PrometheusError::Encoding(format!("`{other}` was not requested")));
        }
    };
    Ok(bounded(chunks, limit_bytes))
}

/// All chunks joined. Errors: the first error among them.
pub async fn whole(mut chunks: Chunks) -> Result<Bytes, PrometheusError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk?);
    }
    Ok(body.freeze())
}

fn bounded(chunks: Chunks, limit_bytes: usize) -> Chunks {
    stream::unfold(Some((chunks, 0_usize)), move |state| async move {
        let (mut chunks, mut bytes) = state?;
        let chunk = chunks.next().await?;
        bytes = bytes.saturating_add(chunk.as_ref().map_or(0, Bytes::len));
        match chunk {
            Ok(_) if bytes > limit_bytes => {
                Some((Err(PrometheusError::TooLarge { limit_mib: limit_bytes >> 20 }), None))
            }
            Ok(chunk) => Some((Ok(chunk), Some((chunks, bytes)))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// Decompresses on a separate thread, because the decoder blocks while it waits for input.
fn unpack_zstd(packed: Chunks) -> Chunks {
    let (sender, receiver) = mpsc::channel(MAX_WAITING_CHUNKS);
    // Error of the upstream: the decoder only notices that its input ends.
    let failed = Arc::new(Mutex::new(None));
    let failure = Arc::clone(&failed);
    // A thread that waits for input would otherwise hold it after the receiver is gone.
    let waiting = sender.clone();
    let packed = packed.take_until(Box::pin(async move { waiting.closed().await }));
    let packed = packed.map(move |chunk| {
        chunk.map_err(|error| {
            *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            io::Error::other("broken off")
        })
    });
    let mut packed = SyncIoBridge::new(StreamReader::new(packed));
    tokio::task::spawn_blocking(move || {
        if let Err(cause) = unpack_to(&mut packed, &sender) {
            let failed = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
            let error =
                failed.unwrap_or_else(|| PrometheusError::Encoding(format!("zstd: {cause}")));
            drop(sender.blocking_send(Err(error)));
        }
    });
    ReceiverStream::new(receiver).boxed()
}

/// Sends the content of `packed` until it ends or the receiver is gone. Errors: the data is not
/// zstd.
fn unpack_to(
    packed: &mut impl Read,
    sender: &mpsc::Sender<Result<Bytes, PrometheusError>>,
) -> Result<(), String> {
    let mut first = [0_u8];
    // A body may contain several frames.
    while packed.read(&mut first).map_err(|cause| cause.to_string())? > 0 {
        let head = frame_head(first, packed).map_err(|cause| cause.to_string())?;
        let window = window_bytes(&head).unwrap_or_default();
        if window > MAX_WINDOW_BYTES {
            let most_mib = MAX_WINDOW_BYTES >> 20;
            return Err(format!("its window of {window} bytes is larger than {most_mib} MiB"));
        }
        let frame = head.as_slice().chain(&mut *packed);
        let mut decoder =
            ruzstd::decoding::StreamingDecoder::new(frame).map_err(|cause| cause.to_string())?;
        loop {
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            let most = u64::try_from(CHUNK_BYTES).unwrap_or(u64::MAX);
            let read = (&mut decoder).take(most).read_to_end(&mut chunk);
            if read.map_err(|cause| cause.to_string())? == 0 {
                break;
            }
            if sender.blocking_send(Ok(chunk.into())).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The header of a frame, or what there is of it. Source: RFC 8878, section 3.1.1.1.
fn frame_head(first: [u8; 1], packed: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = first.to_vec();
    packed.take(4).read_to_end(&mut head)?;
    let rest = head.get(4).map_or(0, |descriptor| {
        let window = usize::from(!is_single_segment(*descriptor));
        let [dictionary, content] = field_bytes(*descriptor);
        window + dictionary + content
    });
    packed.take(rest as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether the window is the whole content, in place of a field with its size.
fn is_single_segment(descriptor: u8) -> bool {
    descriptor & 0x20 != 0
}

/// Lengths of the fields with the dictionary's id and the size of the content.
fn field_bytes(descriptor: u8) -> [usize; 2] {
    let dictionary = match descriptor & 3 {
        0 => 0,
        1 => 1,
        2 => 2,
        _ => 4,
    };
    let content = match descriptor >> 6 {
        0 => usize::from(is_single_segment(descriptor)),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    [dictionary, content]
}

/// The window that a frame needs, in bytes; `None`: the header ends early, or this is no such frame.
fn window_bytes(head: &[u8]) -> Option<u64> {
    let (&descriptor, fields) = head.strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd])?.split_first()?;
    if !is_single_segment(descriptor) {
        let &window = fields.first()?;
        let base = 1 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    let [dictionary, content] = field_bytes(descriptor);
    let content = fields.get(dictionary..)?.get(..content)?;
    let number = content.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    // Two bytes continue where one ends.
    Some(if content.len() == 2 { number + 256 } else { number })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future;
    use tokio::sync::oneshot;

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
            let chunks: Vec<Result<Bytes, PrometheusError>> =
                body.chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
            let read = match unpacked(&headers, stream::iter(chunks).boxed(), 1_000) {
                Ok(chunks) => whole(chunks).await,
                Err(error) => Err(error),
            };
            let shown = match read {
                Ok(body) => format!("{} bytes", body.len()),
                Err(PrometheusError::TooLarge { .. }) => "too large".to_owned(),
                Err(PrometheusError::Encoding(text)) if text.starts_with("zstd: its window") => {
                    text
                }
                Err(PrometheusError::Encoding(text)) if text.starts_with("zstd: ") => {
                    "no zstd".to_owned()
                }
                Err(error) => error.to_string(),
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
        // Ten megabytes, compressed to a few hundred bytes.
        check(Some("zstd"), &zstd(10 << 20), "too large").await;
        check(Some("zstd"), b"{\"status\":\"success\"}", "no zstd").await;
        check(Some("zstd"), &zstd(1_000)[..8], "no zstd").await;
        check(Some("zstd"), &zstd(1_000)[..3], "no zstd").await;
        // A frame with this header, and one empty block.
        let frame = |header: &[u8]| [&[0x28, 0xb5, 0x2f, 0xfd], header, &[1, 0, 0]].concat();
        let large = |bytes: u64| format!("zstd: its window of {bytes} bytes is larger than 8 MiB");
        check(Some("zstd"), &frame(&[0x00, 0x68]), "0 bytes").await;
        check(Some("zstd"), &frame(&[0x00, 0x69]), &large(9 << 20)).await;
        check(Some("zstd"), &frame(&[0x00, 0xff]), &large((1 << 41) + (7 << 38))).await;
        check(Some("zstd"), &frame(&[0x20, 0]), "0 bytes").await;
        let whole = |size: u32| frame(&[&[0xa0], size.to_le_bytes().as_slice()].concat());
        check(Some("zstd"), &whole(0), "0 bytes").await;
        check(Some("zstd"), &whole((8 << 20) + 1), &large((8 << 20) + 1)).await;
        // With the id of a dictionary before the size.
        let whole = frame(&[&[0xe1, 7], u64::MAX.to_le_bytes().as_slice()].concat());
        check(Some("zstd"), &whole, &large(u64::MAX)).await;
        check(
            Some("br"),
            b"x",
            "the answer of Prometheus cannot be decompressed: `br` was not requested",
        )
        .await;
    }

    #[tokio::test]
    async fn an_error_below_zstd_is_kept() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        let packed = compress_to_vec([b'x'; 500].as_slice(), CompressionLevel::Fastest);
        let half = packed.get(..packed.len() / 2).unwrap();
        let chunks = [
            Ok(Bytes::copy_from_slice(half)),
            Err(PrometheusError::TimedOut { url: "URL".to_owned(), after_secs: 3 }),
        ];
        let chunks = unpacked(&headers, stream::iter(chunks).boxed(), 1_000).unwrap();
        let error = whole(chunks).await.unwrap_err();
        assert!(matches!(error, PrometheusError::TimedOut { after_secs: 3, .. }), "{error}");
    }

    /// The thread waits for input that does not come; its output has no reader any more.
    #[tokio::test]
    async fn an_answer_that_nobody_reads_lets_go_of_its_connection() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        let packed = compress_to_vec([b'x'; 500].as_slice(), CompressionLevel::Fastest);
        let half = Bytes::copy_from_slice(packed.get(..packed.len() / 2).unwrap());
        let (connection, closed) = oneshot::channel::<()>();
        let body = stream::iter([Ok(half)]).chain(stream::once(async move {
            let _held = connection;
            future::pending().await
        }));
        let mut chunks = unpacked(&headers, body.boxed(), 1_000).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), chunks.next()).await.is_err());
        drop(chunks);
        let closed = tokio::time::timeout(Duration::from_secs(10), closed).await;
        assert!(closed.expect("in time").is_err());
    }
}
