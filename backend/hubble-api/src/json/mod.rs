//! Records as JSON, in the form of `hubble observe -o jsonpb` and the exporter's `events.log`:
//! protobuf's JSON mapping with the names of the proto files.
//!
//! Reading accepts what the real `hubble` accepts: both spellings of field names, numbers or their
//! texts, enumerations by name or number, old records. It skips unknown fields and reports them.
//! Writing produces the JSON of the real `hubble`, with two exceptions: the order of an object's
//! names, and `extensions` of an unknown type, which `hubble` refuses and which are kept as
//! `{"@type": …, "value": <base64>}`.
//!
//! JSON is converted to and from the wire bytes of messages, by tables derived from `proto/`. Own, and
//! not `prost-reflect` or `pbjson`: those refuse what `hubble` accepts (an enumeration's unknown name, a
//! field of a later release) and do not report what they skipped.

mod any;
#[cfg_attr(not(feature = "pb"), expect(unreachable_pub, reason = "a bound of `read` and `write`"))]
mod message;
mod read;
mod scalar;
#[cfg(test)]
mod tests;
mod timestamp;
mod write;

use self::message::JsonMessage;
use flow::filter::FlowFilter;
use prost::Message as _;

use crate::FlowError;
use crate::pb::flow::{Flow, FlowFilter as WireFilter};
use crate::pb::observer::{ExportEvent, GetFlowsResponse, export_event::ResponseTypes};

/// Maximum number of names of skipped fields and values that are kept; further ones are only counted.
const SKIPPED_NAMES_LIMIT: usize = 16;

/// Line of `hubble observe -o jsonpb`, of the exporter's `events.log`, or of an old `hubble`.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Record of the line.
    pub record: JsonRecord,
    /// Fields and values that were skipped.
    pub skipped: Skipped,
}

/// Record in either of its two JSON forms.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonRecord(RecordForm);

#[derive(Debug, Clone, PartialEq)]
enum RecordForm {
    /// `{"flow": …, "node_name": …, "time": …}`, or another event in place of the flow.
    Event(Box<ExportEvent>),
    /// A flow without the object around it.
    Flow(Box<Flow>),
}

/// Fields and values of a newer Hubble that were skipped while reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Fields as `message.field`, values as `message.field: NAME`; each once, 16 at most.
    pub names: Vec<String>,
    /// Number of skipped fields and values.
    pub count: u64,
}

/// Reasons why a line cannot be read as a record.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The line is not JSON, or not in the form of a record.
    #[error("it is not a Hubble record in JSON")]
    Json(#[source] serde_json::Error),
    /// The JSON does not fit the message.
    #[error("it does not fit Hubble's message")]
    Wire(#[source] prost::DecodeError),
}

/// Error: a message with a time outside of the years 1 to 9999, which JSON cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("the message has no JSON")]
pub struct WriteError(#[source] serde_json::Error);

/// Reasons why a message has no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The bytes are not a message, or its texts are not UTF-8.
    #[error("the relay's message is not in Hubble's wire format")]
    Wire(#[source] prost::DecodeError),
    /// The message has values that JSON cannot hold.
    #[error("the flow cannot be written as JSON")]
    Write(#[source] WriteError),
}

/// Reads one line. Errors: the line is not a JSON object, or a field has a value of the wrong type.
pub fn read_line(line: &[u8]) -> Result<Line, ReadError> {
    let (event, skipped) = read::message::<ExportEvent>(line)?;
    if event.response_types.is_none() && skipped.count > 0 {
        // A line with the fields of a flow, where those of an event were expected.
        let (flow, flow_skipped) = read::message::<Flow>(line)?;
        if flow_skipped.count < skipped.count {
            let record = JsonRecord(RecordForm::Flow(Box::new(flow)));
            return Ok(Line { record, skipped: flow_skipped });
        }
    }
    Ok(Line { record: JsonRecord(RecordForm::Event(Box::new(event))), skipped })
}

/// Reads a filter, and reports what was skipped. Errors: as [`read_line`].
pub fn read_filter(json: &[u8]) -> Result<(FlowFilter, Skipped), ReadError> {
    let (filter, skipped) = read::message::<WireFilter>(json)?;
    Ok((filter.into(), skipped))
}

/// Writes a filter in the form of `--print-raw-filters`. Errors: [`WriteError`].
pub fn write_filter(filter: &FlowFilter) -> Result<String, WriteError> {
    text_of(&WireFilter::from(filter))
}

/// Writes a message of the relay, such as [`packed`](crate::packed) contains, as `hubble observe -o
/// jsonpb` does. Errors: [`RecordError`].
pub fn record_of(message: &[u8]) -> Result<String, RecordError> {
    let message = GetFlowsResponse::decode(message).map_err(RecordError::Wire)?;
    text_of(&message).map_err(RecordError::Write)
}

/// Reads a message of a known type, and reports what was skipped. Errors: as [`read_line`].
#[cfg(any(feature = "pb", test))]
pub fn read<M: JsonMessage>(json: &[u8]) -> Result<(M, Skipped), ReadError> {
    read::message(json)
}

/// Writes a message as one line, without a line break. Errors: a time outside of the years 1 to
/// 9999.
#[cfg(any(feature = "pb", test))]
pub fn write<M: JsonMessage>(message: &M) -> Result<String, WriteError> {
    text_of(message)
}

fn text_of<M: JsonMessage>(message: &M) -> Result<String, WriteError> {
    let bytes = message.encode_to_vec();
    serde_json::to_string(&write::MessageJson::new(M::descriptor(), &bytes)).map_err(WriteError)
}

impl JsonRecord {
    /// Flow of the record, if it has one. Errors: the flow is not valid.
    pub fn into_flow(self) -> Option<Result<flow::Flow, FlowError>> {
        let flow = match self.0 {
            RecordForm::Flow(flow) => *flow,
            RecordForm::Event(event) => match event.response_types {
                Some(ResponseTypes::Flow(flow)) => flow,
                _ => return None,
            },
        };
        Some(flow.try_into())
    }

    /// Whether the record contains data of Hubble; other objects have times and names, too. A flow
    /// has a verdict, addresses or an event; an event has one of its kinds.
    #[must_use]
    pub fn is_known(&self) -> bool {
        let is_flow = |flow: &Flow| {
            flow.verdict != 0
                || flow.ip.is_some()
                || flow.l4.is_some()
                || flow.l7.is_some()
                || flow.event_type.is_some()
        };
        match &self.0 {
            RecordForm::Flow(flow) => is_flow(flow),
            RecordForm::Event(event) => match &event.response_types {
                Some(ResponseTypes::Flow(flow)) => is_flow(flow),
                Some(_) => true,
                None => false,
            },
        }
    }

    /// Writes the record in the form in which it was read. Errors: [`WriteError`].
    pub fn write(&self) -> Result<String, WriteError> {
        match &self.0 {
            RecordForm::Event(event) => text_of(event.as_ref()),
            RecordForm::Flow(flow) => text_of(flow.as_ref()),
        }
    }
}

impl Skipped {
    fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.names.len() < SKIPPED_NAMES_LIMIT {
            let name = name();
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }
}
