//! The flows of an answer: columns, cells, and the locations of their messages.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;

use flow::EndpointRole;
use flow::columns::{Column, ColumnLimits, ColumnSet, DictionaryFull, FlowColumns};
use flow::group::GroupField;
use flow::packets::Packets;
use flow::summary::TYPE_COLUMNS;
use hubble_api::json;
use hubble_api::packed::{self, PackedError};
use hubble_api::projection::{Decoded, Decoder, Projection, ProjectionError};

use crate::captions::Captions;

/// The fields that the table holds; the others are read when a user opens a flow.
#[cfg(not(feature = "policies"))]
const PROJECTION: Projection = CELLS;
#[cfg(feature = "policies")]
const PROJECTION: Projection = CELLS.union(FlowColumns::FLOW_COLUMNS);

/// The fields that make up the table's cells.
const CELLS: Projection = EndpointRole::SHOWN_COLUMNS
    .union(TYPE_COLUMNS)
    .union(Packets::COLUMNS)
    .union(ColumnSet::of(&[
        Column::TimeNanos,
        Column::Verdict,
        Column::DropReason,
        Column::TrafficDirection,
        Column::IsReply,
        Column::L4Protocol,
        Column::SourcePort,
        Column::DestinationPort,
        Column::TcpFlags,
        Column::IcmpType,
        Column::IcmpCode,
        Column::NodeName,
        Column::SourceWorkloads,
        Column::DestinationWorkloads,
        Column::L7LatencyNanos,
        Column::DnsQuery,
        Column::DnsQtypes,
        Column::DnsIps,
        Column::DnsCnames,
        Column::DnsRcode,
        Column::DnsTtlSecs,
        Column::DnsObservationSource,
        Column::HttpMethod,
        Column::HttpUrl,
        Column::HttpProtocol,
        Column::HttpCode,
        Column::EgressAllowedBy,
        Column::IngressAllowedBy,
        Column::EgressDeniedBy,
        Column::IngressDeniedBy,
    ]));

/// The flows of one answer, in their order of arrival.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) flows: FlowColumns,
    pub(crate) captions: Captions,
    /// The packed bytes, still compressed: a sixth of the size of their messages.
    pub(crate) streams: Vec<Vec<u8>>,
    /// Location of each row's message.
    pub(crate) locations: Vec<MessageLocation>,
    /// Notices for the user on what could not be read.
    problems: Vec<String>,
    #[cfg(feature = "policies")]
    pub(crate) policy_data: crate::policies::PolicyData,
}

/// The location of a row's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MessageLocation {
    pub(crate) stream: u32,
    pub(crate) batch: u32,
    pub(crate) message: u32,
}

/// The reason why packed bytes could not be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// Bytes in another format.
    #[error("the flows of this answer cannot be read")]
    Packed(#[source] PackedError),
    /// Cells beyond their bound.
    #[error("the table cannot hold the texts of these flows")]
    Texts(#[source] DictionaryFull),
}

/// The reason why a row's message is not available.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowRecordError {
    /// A row that does not exist.
    #[error("there is no flow in row {row}")]
    Row {
        /// The row number.
        row: u32,
    },
    /// A message that is defective in a part that the table does not read, or that JSON cannot hold.
    #[error(transparent)]
    Message(json::RecordError),
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            flows: FlowColumns::only(PROJECTION, ColumnLimits::default()),
            captions: Captions::new(),
            streams: Vec::new(),
            locations: Vec::new(),
            problems: Vec::new(),
            #[cfg(feature = "policies")]
            policy_data: crate::policies::PolicyData::default(),
        }
    }

    /// Adds the flows of a packed stream. Flows before a defect are kept, and [`Table::problems`]
    /// gets the defect.
    ///
    /// Errors: nothing could be read, or the cells exceed their bound.
    pub(crate) fn append(&mut self, packed: &[u8]) -> Result<(), AppendError> {
        #[cfg(feature = "policies")]
        self.policy_data.clear();
        let rows_before = self.locations.len();
        let defect = self.read(packed);
        self.captions.extend(&self.flows).map_err(AppendError::Texts)?;
        match defect {
            Some(error) if self.locations.len() == rows_before => Err(AppendError::Packed(error)),
            Some(error) => {
                self.problems.push(format!("the answer is cut: {}", chain(&error)));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Notices on flows that were sent but are missing from the table.
    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The whole message of a row as `hubble observe -o jsonpb` writes it.
    ///
    /// Errors: the row does not exist, or its message is defective in a part that the table does
    /// not read.
    pub(crate) fn record(&self, row: u32) -> Result<String, RowRecordError> {
        let location = self.locations.get(row as usize).ok_or(RowRecordError::Row { row })?;
        let stream =
            self.streams.get(location.stream as usize).ok_or(RowRecordError::Row { row })?;
        let batch = packed::batches(stream)
            .nth(location.batch as usize)
            .and_then(Result::ok)
            .ok_or(RowRecordError::Row { row })?;
        let message = batch
            .messages()
            .nth(location.message as usize)
            .and_then(Result::ok)
            .ok_or(RowRecordError::Row { row })?;
        json::record_of(message).map_err(RowRecordError::Message)
    }

    /// Values of a row by the names of Hubble's flags (`fromPod`, `toPort`, …), without empty ones; `None` for
    /// a row that does not exist.
    pub(crate) fn values(&self, row: u32) -> Option<BTreeMap<&'static str, Cow<'_, str>>> {
        let row = row as usize;
        let flows = &self.flows;
        let held = |field: &GroupField| field.columns().minus(PROJECTION) == ColumnSet::EMPTY;
        let fields = GroupField::ALL.iter().copied().filter(held);
        let mut values: BTreeMap<_, _> =
            fields.map(|field| (field.key(), field.text(flows, row))).collect();
        for (role, [port, service, name]) in [
            (EndpointRole::Source, ["fromPort", "fromService", "fromFqdn"]),
            (EndpointRole::Destination, ["toPort", "toService", "toFqdn"]),
        ] {
            values.insert(port, role.port(flows, row).to_string().into());
            values.insert(service, role.service(flows, row));
            values.insert(name, role.dns_names(flows, row).next().unwrap_or_default());
        }
        values.retain(|_, value| !matches!(value.as_ref(), "" | "0"));
        (row < flows.len()).then_some(values)
    }

    fn read(&mut self, packed: &[u8]) -> Option<PackedError> {
        let stream = count(self.streams.len());
        let stated = packed::stated_messages(packed);
        self.flows.reserve(stated);
        self.locations.reserve_exact(stated.min(ColumnLimits::default().max_flows));
        let mut decoder = Decoder::new(PROJECTION);
        let mut unread = Unread::default();
        let mut defect = None;
        'batches: for (batch, read) in (0..).zip(packed::batches(packed)) {
            let read = match read {
                Ok(read) => read,
                Err(error) => {
                    defect = Some(error);
                    break;
                }
            };
            for (message, bytes) in (0..).zip(read.messages()) {
                let bytes = match bytes {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        defect = Some(error);
                        break 'batches;
                    }
                };
                match decoder.decode(bytes, &mut self.flows) {
                    Ok(Decoded::Flow) => {
                        self.locations.push(MessageLocation { stream, batch, message });
                    }
                    // The answer's own notices cover lost events and node status.
                    Ok(Decoded::Notice(_) | Decoded::Empty) => {}
                    Err(error) => unread.add(error),
                }
            }
        }
        self.problems.extend(unread.sentence());
        self.streams.push(packed.to_vec());
        defect
    }
}

/// Messages that could not be read, summed up in one notice.
#[derive(Debug, Default)]
struct Unread {
    messages: u32,
    first: Option<ProjectionError>,
}

impl Unread {
    fn add(&mut self, error: ProjectionError) {
        self.messages += 1;
        self.first.get_or_insert(error);
    }

    fn sentence(&self) -> Option<String> {
        let first = self.first.as_ref()?;
        let flows = if self.messages == 1 { "flow" } else { "flows" };
        Some(format!("{} {flows} could not be read: {}", self.messages, chain(first)))
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
