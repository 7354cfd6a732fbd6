//! Text of a file's bytes, without the wrapping of other tools.

use std::io::{self, BufRead, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

/// Maximum size of a text that is not UTF-8, in bytes: it is converted as a whole.
const MAX_TURNED_BYTES: u64 = 256 << 20;

const GZIP: &[u8] = &[0x1f, 0x8b];
/// Other file formats by their first bytes, each with the command that makes text of it.
const OTHERS: [(&[u8], &str); 5] = [
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd: `zstd -d` first"),
    (b"\xfd7zXZ\x00", "packed by xz: `xz -d` first"),
    (b"BZh", "packed by bzip2: `bzip2 -d` first"),
    (b"PAR1", "a Parquet file: it holds no lines"),
];

/// The reason why bytes are not text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoText {
    #[error("it is {0}")]
    Other(&'static str),
    #[error("it is UTF-16 of more than {MAX_TURNED_BYTES} bytes: `iconv -f UTF-16 -t UTF-8` first")]
    TooLong,
}

/// A reader of UTF-8 without a byte order mark; gzip is unpacked, UTF-16 converted.
///
/// Errors: of reading; [`NoText`] as the cause where the bytes are in another format.
pub(crate) fn text(mut reader: Box<dyn BufRead>) -> io::Result<Box<dyn BufRead>> {
    let head = reader.fill_buf()?;
    if head.starts_with(GZIP) {
        return text(Box::new(io::BufReader::new(MultiGzDecoder::new(reader))));
    }
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(io::Error::other(NoText::Other(what)));
    }
    if head.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
        return Ok(reader);
    }
    let is_big = match head {
        [0xfe, 0xff, ..] | [0, b'{' | b'[' | b'a'..=b'z' | b'#' | b'-', ..] => true,
        [0xff, 0xfe, ..] | [b'{' | b'[' | b'a'..=b'z' | b'#' | b'-', 0, ..] => false,
        _ => return Ok(reader),
    };
    let mut bytes = Vec::new();
    reader.take(MAX_TURNED_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TURNED_BYTES {
        return Err(io::Error::other(NoText::TooLong));
    }
    let units = bytes.chunks_exact(2).map(|two| {
        let two = [two.first().copied().unwrap_or(0), two.get(1).copied().unwrap_or(0)];
        if is_big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }
    });
    let turned: String = char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .skip_while(|c| *c == '\u{feff}')
        .collect();
    Ok(Box::new(Cursor::new(turned)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn texts_are_unwrapped() {
        fn check(bytes: Vec<u8>, expect: &str) {
            let read = text(Box::new(Cursor::new(bytes))).and_then(|mut reader| {
                let mut out = String::new();
                reader.read_to_string(&mut out).map(|_| out)
            });
            assert_eq!(read.unwrap_or_else(|err| err.to_string()), expect);
        }
        let utf16 = |text: &str, is_big: bool| -> Vec<u8> {
            let bytes = |unit: u16| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            text.encode_utf16().flat_map(bytes).collect()
        };
        let gzip = |bytes: &[u8]| -> Vec<u8> {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
        };
        check(b"kind: a\n".to_vec(), "kind: a\n");
        check(b"\xef\xbb\xbfkind: a\n".to_vec(), "kind: a\n");
        check(utf16("\u{feff}{\"é\": \"😀\"}\r\n", false), "{\"é\": \"😀\"}\r\n");
        check(utf16("\u{feff}kind: a\n", true), "kind: a\n");
        check(utf16("kind: a\n", false), "kind: a\n");
        check(gzip(b"kind: a\n"), "kind: a\n");
        check([gzip(b"a"), gzip(b"b")].concat(), "ab");
        check(gzip(&utf16("\u{feff}a", false)), "a");
        check(Vec::new(), "");
        check(b"PK\x03\x04".to_vec(), "it is a zip archive: unpack it first");
    }
}
