//! Packed flows as raw bytes for the flows panel. They take a third of the time of a frame through
//! Grafana, and arrive batch by batch.

use execution::{Batches, Consumer, PackedFlows};
use flow::TimeRange;
use futures_util::{StreamExt, stream};
use query::{Fields, FlowsQuery, InvalidFields, InvalidQuery};
use wording::{Notice, count};

use super::{CallError, Reply, ReplyBody};
use crate::answers::QueryError;
use crate::instance::Instance;

/// Header with the number of flows in the stream.
const FLOWS_HEADER: &str = "X-Hubble-Flows";
/// Header with a JSON list of `{"severity", "text"}`: notices about gaps.
const NOTICES_HEADER: &str = "X-Hubble-Notices";
/// Header with a JSON object: the `meta.custom` of a frame.
const CUSTOM_HEADER: &str = "X-Hubble-Custom";
/// Header with the equivalent `hubble observe …` line, as a JSON string.
const EXECUTED_HEADER: &str = "X-Hubble-Executed-Query";

/// Answers `POST flows`: `{"query", "from", "to"}`, times in Unix milliseconds.
///
/// Errors: [`CallError`], if there is nothing to show.
pub(super) async fn flows(instance: &Instance, body: &[u8]) -> Result<Reply, CallError> {
    let mut fields = super::body(body)?;
    let missing = |field, expected| InvalidFields::Missing { field, expected };
    let query = fields.take("query").ok_or(missing("query", "an object"))?;
    let from_ms = fields.whole("from")?.ok_or(missing("from", "a whole number"))?;
    let to_ms = fields.whole("to")?.ok_or(missing("to", "a whole number"))?;
    fields.no_rest()?;
    if from_ms > to_ms {
        return Err(InvalidQuery::TimeRange.into());
    }
    let query = FlowsQuery::take(Fields::of(query)?).map_err(InvalidQuery::from)?;
    let range = TimeRange::of_ms(from_ms, to_ms);
    let source = instance.flow_source(Consumer::Panel)?;
    let mut held = instance.budget.memory.hold(source.caller);
    let packed = execution::packed_flows(source, &query, range, &mut held);
    let packed: PackedFlows = packed.await.map_err(QueryError::from)?;
    let notices = fitting_notices(packed.notices);
    let custom = serde_json::to_string(&packed.custom).unwrap_or_default();
    let custom = if custom.len() > MAX_HEADER_BYTES { "{}".to_owned() } else { custom };
    let executed = excerpt(&packed.executed);
    let headers = vec![
        (FLOWS_HEADER, packed.flows.len().to_string()),
        (NOTICES_HEADER, ascii(&notices)),
        (CUSTOM_HEADER, ascii(&custom)),
        (EXECUTED_HEADER, ascii(&executed)),
    ];
    Ok(Reply {
        status: 200,
        content_type: "application/octet-stream",
        headers,
        body: ReplyBody::Chunks(
            stream::iter(Batches::new(packed.flows))
                .map(move |batch| {
                    // The flows are held until the last batch is sent.
                    let _held = &held;
                    batch
                })
                .boxed(),
        ),
    })
}

/// Maximum size of a header's JSON, in bytes; proxies refuse answers with 8 to 16 KiB of headers.
const MAX_HEADER_BYTES: usize = 2 << 10;

/// The notices as JSON, as many as a header holds.
fn fitting_notices(mut notices: Vec<Notice>) -> String {
    let total = notices.len();
    loop {
        let json = serde_json::to_string(&notices).unwrap_or_default();
        if json.len() <= MAX_HEADER_BYTES || notices.is_empty() {
            return json;
        }
        // The last one says how many are left out.
        notices.truncate(notices.len().saturating_sub(2));
        let left_out = total - notices.len();
        let text = format!("{} not shown here", count(left_out, "further notice"));
        notices.push(Notice::warning(text));
        if notices.len() == 1 && json.len() > MAX_HEADER_BYTES {
            return serde_json::to_string(&notices).unwrap_or_default();
        }
    }
}

/// The start of a text as JSON, as much as a header holds.
fn excerpt(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_HEADER_BYTES);
    let text = match text.get(..end) {
        Some(start) if start.len() < text.len() => format!("{start}…"),
        _ => text.to_owned(),
    };
    serde_json::to_string(&text).unwrap_or_default()
}

/// JSON in printable ASCII, as a header requires.
fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for char in json.chars() {
        if char.is_ascii() {
            escaped.push(char);
        } else {
            let mut units = [0; 2];
            for unit in char.encode_utf16(&mut units) {
                escaped.extend([format!("\\u{unit:04x}")]);
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_short() {
        let of = |number: usize, bytes: usize| {
            let notices = (0..number).map(|_| Notice::warning("x".repeat(bytes))).collect();
            let json = fitting_notices(notices);
            assert!(json.len() <= MAX_HEADER_BYTES, "{number} {bytes}: {}", json.len());
            serde_json::from_str::<Vec<serde_json::Value>>(&json).unwrap()
        };
        assert_eq!(of(0, 0).len(), 0);
        assert_eq!(of(3, 100).len(), 3);
        let cut = of(100, 200);
        let texts: Vec<&str> = cut.iter().map(|notice| notice["text"].as_str().unwrap()).collect();
        let last = texts.last().unwrap();
        assert_eq!(*last, format!("{} further notices not shown here", 100 - (texts.len() - 1)));
        assert_eq!(of(1, 100_000).len(), 1);
        assert_eq!(of(5, 100_000).len(), 1);
        assert!(excerpt(&"ä".repeat(100_000)).len() <= MAX_HEADER_BYTES + 8);
        assert_eq!(excerpt("a\"b"), r#""a\"b""#);
    }

    #[test]
    fn headers_are_ascii_and_the_same_json() {
        for text in ["plain", "Größe 五 😀", "line\nbreak \"quoted\""] {
            let json = serde_json::to_string(text).unwrap();
            let header = ascii(&json);
            assert!(header.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{header}");
            assert_eq!(serde_json::from_str::<String>(&header).unwrap(), text);
        }
    }
}
