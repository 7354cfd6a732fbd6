//! From the wire straight to columns: reads of a `GetFlowsResponse` only what a table shows,
//! without building the message in between.
//!
//! It agrees with the long way (prost, [`flow::Flow`], columns) on every message that the long
//! way accepts, and accepts some that it refuses: texts that are not UTF-8 are shown with U+FFFD,
//! and what lies in fields that nobody asked for is not looked at.

mod layers;
mod notice;
mod notice_wire;
mod row_builder;
#[cfg(test)]
mod tests;
mod wire;

pub use notice::{LostEventSource, NodeNames, Notice, Notices, is_refusal};
pub use wire::WireError;

use flow::columns::{ColumnSet, ColumnsFull, FlowColumns, RowLists};
use flow::{Timestamp, TimestampError};
use row_builder::RowBuilder;
use wire::Reader;

/// The columns to read; all others stay empty.
pub type Projection = ColumnSet;

/// Reads messages into columns.
#[derive(Clone, Debug)]
pub struct Decoder {
    projection: Projection,
    lists: RowLists,
}

/// What a message was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A flow, now the last row of the columns.
    Flow,
    /// Something to tell the user.
    Notice(Notice),
    /// A message of a kind that is not known here, or of none.
    Empty,
}

/// What stands around a flow or notice, found without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageHeader<'a> {
    /// Which of `response_types` is set.
    pub kind: MessageKind,
    /// `GetFlowsResponse.time`.
    pub time: Option<Timestamp>,
    /// `GetFlowsResponse.node_name`; need not be UTF-8.
    pub node_name: &'a [u8],
}

/// The kinds of a `GetFlowsResponse`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageKind {
    /// None, or one that is not known here.
    #[default]
    Empty,
    /// `flow`.
    Flow,
    /// `node_status`.
    NodeStatus,
    /// `lost_events`.
    LostEvents,
}

/// A message that could not be read. Nothing of it is in the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectionError {
    /// The bytes are not a protobuf message.
    #[error("the relay's message is not in Hubble's wire format")]
    Wire(#[from] WireError),
    /// A number that does not fit its field's meaning.
    #[error("`{field}` is {value}, more than {max}")]
    OutOfRange {
        /// The field's name in flow.proto.
        field: &'static str,
        /// What was sent.
        value: u32,
        /// What it may be at most.
        max: u32,
    },
    /// A number that is not a time.
    #[error("`{field}` is not a point in time")]
    Time {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        source: TimestampError,
    },
    /// The columns hold as much as they may.
    #[error("no more flows can be held")]
    Full(#[from] ColumnsFull),
}

/// A `google.protobuf.Timestamp` while its parts come in.
#[derive(Clone, Copy, Debug, Default)]
struct WireTimestamp {
    seconds: i64,
    nanos: i32,
}

impl Decoder {
    /// A decoder that reads what `projection` asks for.
    pub fn new(projection: Projection) -> Self {
        Self { projection, lists: RowLists::default() }
    }

    /// Reads one `GetFlowsResponse`. A flow becomes a row of `columns`.
    ///
    /// Errors: the message is malformed, or the columns are full; then `columns` are as before.
    pub fn decode(
        &mut self,
        message: &[u8],
        columns: &mut FlowColumns,
    ) -> Result<Decoded, ProjectionError> {
        self.decode_with_header(message, MessageHeader::read(message)?, columns)
    }

    /// Reads one `GetFlowsResponse`, as [`Self::decode`] does, whose `header` was read before.
    ///
    /// Errors: as for [`Self::decode`].
    pub fn decode_with_header(
        &mut self,
        message: &[u8],
        header: MessageHeader<'_>,
        columns: &mut FlowColumns,
    ) -> Result<Decoded, ProjectionError> {
        match header.kind {
            MessageKind::Empty => Ok(Decoded::Empty),
            MessageKind::NodeStatus | MessageKind::LostEvents => {
                let notice = Notice::read(message, header)?;
                Ok(notice.map_or(Decoded::Empty, Decoded::Notice))
            }
            MessageKind::Flow => {
                self.lists.clear();
                let mut builder = RowBuilder::new(self.projection);
                let mut is_first = true;
                for_parts(message, MessageKind::Flow, |part, begins_anew| {
                    if begins_anew && !is_first {
                        self.lists.clear();
                        builder = RowBuilder::new(self.projection);
                    }
                    is_first = false;
                    builder.flow(part, &mut self.lists)
                })?;
                columns.append(builder.finish(header)?, &self.lists)?;
                Ok(Decoded::Flow)
            }
        }
    }
}

impl<'a> MessageHeader<'a> {
    /// Reads what stands around. Costs a few steps per message, whatever its size.
    ///
    /// Errors: the message is malformed at its outermost level.
    pub fn read(message: &'a [u8]) -> Result<Self, ProjectionError> {
        let mut kind = MessageKind::Empty;
        let mut time = None;
        let mut node_name: &[u8] = &[];
        let mut reader = Reader::new(message);
        while let Some(field) = reader.field()? {
            match field.number {
                1000 => node_name = field.bytes()?,
                1001 => WireTimestamp::merge(&mut time, field.message()?)?,
                number => {
                    if let Some(known) = MessageKind::of_field(number) {
                        field.bytes()?;
                        kind = known;
                    }
                }
            }
        }
        let time = time.map(|time: WireTimestamp| time.finish("time")).transpose()?;
        Ok(Self { kind, time, node_name })
    }
}

impl MessageKind {
    fn of_field(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Flow),
            2 => Some(Self::NodeStatus),
            3 => Some(Self::LostEvents),
            _ => None,
        }
    }
}

impl WireTimestamp {
    /// Reads a timestamp, or the next part of one that was sent in parts.
    fn merge(time: &mut Option<Self>, mut reader: Reader<'_>) -> Result<(), WireError> {
        let time = time.get_or_insert_default();
        while let Some(field) = reader.field()? {
            match field.number {
                1 => time.seconds = field.int64()?,
                2 => time.nanos = field.int32()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(self, field: &'static str) -> Result<Timestamp, ProjectionError> {
        Timestamp::new(self.seconds, self.nanos)
            .map_err(|source| ProjectionError::Time { field, source })
    }
}

/// Hands on each part of the field `kind`. A submessage may be sent in parts, which protobuf
/// merges; but setting another kind in between empties it, and then a part `begins_anew`.
fn for_parts<'a>(
    message: &'a [u8],
    kind: MessageKind,
    mut part: impl FnMut(Reader<'a>, bool) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut current = MessageKind::Empty;
    let mut reader = Reader::new(message);
    while let Some(field) = reader.field()? {
        if let Some(known) = MessageKind::of_field(field.number) {
            if known == kind {
                part(field.message()?, current != kind)?;
            }
            current = known;
        }
    }
    Ok(())
}
