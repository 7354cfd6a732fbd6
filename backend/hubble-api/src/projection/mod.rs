//! Projection from the wire to columns: reads only the fields of a `GetFlowsResponse` that a table
//! shows, without building the message. Own, because prost's messages take three times as long
//! (`cargo xtask bench flows`).
//!
//! It agrees with the long way (prost, [`flow::Flow`], columns) on every message that the long way
//! accepts. It also accepts some that the long way refuses: texts that are not UTF-8 are shown with
//! U+FFFD, and fields that are not requested are not checked.

mod layer4;
mod notice;
mod notice_wire;
mod row_builder;
#[cfg(test)]
mod tests;
mod wire;

pub use notice::{LostEventSource, NodeNames, RelayNotice, RelayNotices, is_refusal};
pub use wire::WireError;

use flow::columns::{ColumnSet, ColumnsFull, FlowColumns, RowLists};
use flow::{Timestamp, TimestampError};
use row_builder::{RowBuilder, WantedFields};
use wire::Reader;

/// Columns to read; all others stay empty.
pub type Projection = ColumnSet;

/// Decoder of messages into columns.
#[derive(Clone, Debug)]
pub struct Decoder {
    projection: Projection,
    fields: WantedFields,
    lists: RowLists,
}

/// Content of a decoded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A flow, which is now the last row of the columns.
    Flow,
    /// A notice for the user.
    Notice(RelayNotice),
    /// A message of an unknown kind, or without content.
    Empty,
}

/// Fields around a flow or notice, read without the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageHeader<'a> {
    /// Kind of the message: which of `response_types` is set.
    pub kind: MessageKind,
    /// `GetFlowsResponse.time`.
    pub time: Option<Timestamp>,
    /// `GetFlowsResponse.node_name`; need not be UTF-8.
    pub node_name: &'a [u8],
}

/// Header of a message together with its content.
struct Outline<'a> {
    header: MessageHeader<'a>,
    /// Content that arrived in one part, as nearly always; `None` if it is spread over several.
    only_part: Option<&'a [u8]>,
}

/// Kinds of a `GetFlowsResponse`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageKind {
    /// No content, or an unknown kind.
    #[default]
    Empty,
    /// `flow`.
    Flow,
    /// `node_status`.
    NodeStatus,
    /// `lost_events`.
    LostEvents,
}

/// Reasons why a message cannot be read. Nothing of it is added to the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectionError {
    /// The bytes are not a protobuf message.
    #[error("the relay's message is not in Hubble's wire format")]
    Wire(#[from] WireError),
    /// Number beyond the range of its field.
    #[error("`{field}` is {value}, more than {max}")]
    OutOfRange {
        /// Name of the field in flow.proto.
        field: &'static str,
        /// Value from the message.
        value: u32,
        /// Largest valid value.
        max: u32,
    },
    /// Invalid time.
    #[error("`{field}` is not a point in time")]
    Time {
        /// Name of the field.
        field: &'static str,
        /// Error in the time.
        source: TimestampError,
    },
    /// The columns are full.
    #[error("the limit on flows is reached")]
    Full(#[from] ColumnsFull),
}

/// A `google.protobuf.Timestamp`, while its parts arrive.
#[derive(Clone, Copy, Debug, Default)]
struct WireTimestamp {
    seconds: i64,
    nanos: i32,
}

impl Decoder {
    /// Decoder for the columns of `projection`.
    pub fn new(projection: Projection) -> Self {
        Self { projection, fields: WantedFields::of(projection), lists: RowLists::default() }
    }

    /// Reads one `GetFlowsResponse`. A flow becomes a row of `columns`.
    ///
    /// Errors: the message is malformed, or the columns are full. The columns are unchanged then.
    pub fn decode(
        &mut self,
        message: &[u8],
        columns: &mut FlowColumns,
    ) -> Result<Decoded, ProjectionError> {
        let Outline { header, only_part } = Outline::read(message)?;
        match (header.kind, only_part) {
            (MessageKind::Flow, Some(part)) => {
                self.lists.clear();
                let mut builder = RowBuilder::new(self.projection, self.fields);
                builder.flow(Reader::new(part), &mut self.lists)?;
                columns.append(builder.finish(header)?, &self.lists)?;
                Ok(Decoded::Flow)
            }
            _ => self.decode_with_header(message, header, columns),
        }
    }

    /// Reads one `GetFlowsResponse` whose `header` is already known, like [`Self::decode`].
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
                let notice = RelayNotice::read(message, header)?;
                Ok(notice.map_or(Decoded::Empty, Decoded::Notice))
            }
            MessageKind::Flow => {
                self.lists.clear();
                let mut builder = RowBuilder::new(self.projection, self.fields);
                let mut is_first = true;
                for_parts(message, MessageKind::Flow, |part, begins_anew| {
                    if begins_anew && !is_first {
                        self.lists.clear();
                        builder = RowBuilder::new(self.projection, self.fields);
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
    /// Reads the header in a few steps, independent of the message's size.
    ///
    /// Errors: the message is malformed at its outermost level.
    pub fn read(message: &'a [u8]) -> Result<Self, ProjectionError> {
        Outline::read(message).map(|outline| outline.header)
    }
}

impl<'a> Outline<'a> {
    #[inline]
    fn read(message: &'a [u8]) -> Result<Self, ProjectionError> {
        let (mut kind, mut only_part) = (MessageKind::Empty, None);
        let mut time = None;
        let mut node_name: &[u8] = &[];
        let mut reader = Reader::new(message);
        while let Some(field) = reader.field()? {
            match field.number {
                1000 => node_name = field.bytes()?,
                1001 => WireTimestamp::merge(&mut time, field.message()?)?,
                number => {
                    if let Some(known) = MessageKind::of_field(number) {
                        let part = field.bytes()?;
                        only_part = (kind == MessageKind::Empty).then_some(part);
                        kind = known;
                    }
                }
            }
        }
        let time = time.map(|time: WireTimestamp| time.finish("time")).transpose()?;
        Ok(Self { header: MessageHeader { kind, time, node_name }, only_part })
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

/// Passes on each part of the field `kind`. Protobuf merges the parts of a submessage; but a field
/// of another kind in between resets it, and then a part `begins_anew`.
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
