//! Records as JSON, as `hubble observe -o jsonpb` and the exporter's `events.log` have them:
//! protobuf's JSON mapping with the names of the proto files.
//!
//! Reading takes what the real `hubble` takes: either spelling of a field's name, numbers or
//! their texts, enumerations by name or number, old records. What it does not know it skips, and
//! says so. Writing gives the JSON that the real `hubble` gives, but for two things: the order of
//! an object's names, and an `extensions` of a type that is not known here, which `hubble`
//! refuses and which is kept as `{"@type": …, "value": <base64>}`.
//!
//! JSON goes to and comes from the messages' wire bytes, by tables that follow from `proto/`.

mod any;
mod message;
mod read;
mod scalar;
#[cfg(test)]
mod tests;
mod timestamp;
mod write;

use self::message::JsonMessage;
use crate::FlowError;
use crate::pb::flow::Flow;
use crate::pb::observer::{ExportEvent, export_event::ResponseTypes};

/// Names of what was skipped that are kept; further ones are only counted.
const SKIPPED_NAMES_LIMIT: usize = 16;

/// A line of `hubble observe -o jsonpb`, of the exporter's `events.log`, or of an old `hubble`.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it carries.
    pub record: JsonRecord,
    /// What the line has beyond that.
    pub skipped: Skipped,
}

/// The shapes of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonRecord {
    /// `{"flow": …, "node_name": …, "time": …}`, or another event in place of the flow.
    Event(Box<ExportEvent>),
    /// A flow without a frame around it.
    Flow(Box<Flow>),
}

/// What was skipped while reading: fields and names of a newer Hubble.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Fields as `message.field`, names as `message.field: NAME`; each once, 16 at most.
    pub names: Vec<String>,
    /// How often something was skipped.
    pub count: u64,
}

/// Why a line cannot be read as a record.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not of the shape of a record.
    #[error("it is not a record of Hubble in JSON")]
    Json(#[source] serde_json::Error),
    /// JSON that cannot be put into the message after all.
    #[error("it cannot be taken over")]
    Wire(#[source] prost::DecodeError),
}

/// A message that has no JSON.
#[derive(Debug, thiserror::Error)]
#[error("the message has no JSON")]
pub struct WriteError(#[source] serde_json::Error);

/// Reads one line. Errors: it is not a JSON object, or a field has a value of the wrong type.
pub fn read_line(line: &[u8]) -> Result<Line, ReadError> {
    let (event, skipped) = read::message::<ExportEvent>(line)?;
    if event.response_types.is_none() && skipped.count > 0 {
        // The names of a flow stand where those of an event were expected.
        let (flow, flow_skipped) = read::message::<Flow>(line)?;
        if flow_skipped.count < skipped.count {
            return Ok(Line { record: JsonRecord::Flow(Box::new(flow)), skipped: flow_skipped });
        }
    }
    Ok(Line { record: JsonRecord::Event(Box::new(event)), skipped })
}

/// Reads a message of a known type, with what was skipped. Errors: as [`read_line`].
pub fn read<M: JsonMessage>(json: &[u8]) -> Result<(M, Skipped), ReadError> {
    read::message(json)
}

/// Writes a message as one line, without a line's end. Errors: a time outside of the years 1
/// to 9999.
pub fn write<M: JsonMessage>(message: &M) -> Result<String, WriteError> {
    let bytes = message.encode_to_vec();
    serde_json::to_string(&write::MessageJson::new(M::descriptor(), &bytes)).map_err(WriteError)
}

impl JsonRecord {
    /// The flow, if that is what the line carries. Errors: the flow is not valid.
    pub fn into_flow(self) -> Option<Result<flow::Flow, FlowError>> {
        let flow = match self {
            Self::Flow(flow) => *flow,
            Self::Event(event) => match event.response_types {
                Some(ResponseTypes::Flow(flow)) => flow,
                _ => return None,
            },
        };
        Some(flow.try_into())
    }

    /// Whether it says anything that a record of Hubble says: objects of others have times and names,
    /// too. A flow has a verdict, addresses or an event; an event has one of its kinds.
    #[must_use]
    pub fn is_known(&self) -> bool {
        let is_flow = |flow: &Flow| {
            flow.verdict != 0
                || flow.ip.is_some()
                || flow.l4.is_some()
                || flow.l7.is_some()
                || flow.event_type.is_some()
        };
        match self {
            Self::Flow(flow) => is_flow(flow),
            Self::Event(event) => match &event.response_types {
                Some(ResponseTypes::Flow(flow)) => is_flow(flow),
                Some(_) => true,
                None => false,
            },
        }
    }

    /// Writes the record in the shape it was read in. Errors: as [`write()`].
    pub fn write(&self) -> Result<String, WriteError> {
        match self {
            Self::Event(event) => write(event.as_ref()),
            Self::Flow(flow) => write(flow.as_ref()),
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
