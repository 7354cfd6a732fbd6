//! Packed flows as raw bytes for the flows panel. They take a third of the time of a frame through
//! Grafana, and arrive batch by batch.

use execution::{Batches, PackedFlows};
use flow::TimeRange;
use futures_util::{StreamExt, stream};
use query::{Fields, FlowsQuery, InvalidFields, InvalidQuery};

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
    let packed = execution::packed_flows(instance.flow_source()?, &query, range);
    let packed: PackedFlows = packed.await.map_err(QueryError::from)?;
    let notices = serde_json::to_string(&packed.notices).unwrap_or_default();
    let custom = serde_json::to_string(&packed.custom).unwrap_or_default();
    let executed = serde_json::to_string(&packed.executed).unwrap_or_default();
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
        body: ReplyBody::Chunks(stream::iter(Batches::new(packed.flows)).boxed()),
    })
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
    fn headers_are_ascii_and_the_same_json() {
        for text in ["plain", "Größe 五 😀", "line\nbreak \"quoted\""] {
            let json = serde_json::to_string(text).unwrap();
            let header = ascii(&json);
            assert!(header.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{header}");
            assert_eq!(serde_json::from_str::<String>(&header).unwrap(), text);
        }
    }
}
