use super::layer4::Layer4Header;
use super::wire::{Field, FieldSet, Reader, WireError};
use super::{MessageHeader, Projection, ProjectionError, WireTimestamp};
use flow::Timestamp;
use flow::columns::{
    Column, ColumnSet, FlowRow, JoinedList, NO_TIME, REPLY_UNKNOWN, RowLists, l7_record, parts,
};

/// Columns that do not depend on the kind of the L7 record.
const OUTSIDE_OF_RECORDS: ColumnSet =
    ColumnSet::ALL.minus(ColumnSet::read_from("l7.dns")).minus(ColumnSet::read_from("l7.http"));

/// Row under construction. Fields may arrive in any order and repeatedly; the last one counts.
pub(super) struct RowBuilder<'a> {
    wanted: Projection,
    fields: WantedFields,
    pub(super) row: FlowRow<'a>,
    time: Option<WireTimestamp>,
    drop_reason_code: u32,
    is_reply: Option<bool>,
    reply_mark: bool,
    l4: Layer4Header,
}

/// Fields from which the columns of a projection are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct WantedFields {
    flow: FieldSet,
    source: FieldSet,
    destination: FieldSet,
}

// Readers of the fields that become columns unchanged.
include!("../generated/projection.rs");

impl WantedFields {
    pub(super) fn of(wanted: Projection) -> Self {
        let of = |fields: &[(u32, ColumnSet)]| {
            let wanted = fields.iter().filter(|(_, columns)| wanted.intersects(*columns));
            wanted.fold(FieldSet::default(), |set, (number, _)| set.with(*number))
        };
        Self {
            flow: of(FLOW_FIELDS),
            source: of(SOURCE_FIELDS),
            destination: of(DESTINATION_FIELDS),
        }
    }
}

impl<'a> RowBuilder<'a> {
    pub(super) fn new(wanted: Projection, fields: WantedFields) -> Self {
        Self {
            wanted,
            fields,
            row: FlowRow::default(),
            time: None,
            drop_reason_code: 0,
            is_reply: None,
            reply_mark: false,
            l4: Layer4Header::default(),
        }
    }

    /// Reads a `Flow`, or the next part of one.
    pub(super) fn flow(
        &mut self,
        mut flow: Reader<'a>,
        lists: &mut RowLists,
    ) -> Result<(), WireError> {
        let wanted = self.wanted;
        let wants = |column| wanted.contains(column);
        while let Some(field) = flow.field_of(self.fields.flow)? {
            match field.number {
                number::TIME if wants(Column::TimeNanos) => {
                    WireTimestamp::merge(&mut self.time, field.message()?)?;
                }
                number::DROP_REASON if wants(Column::DropReason) => {
                    self.drop_reason_code = field.uint32()?;
                }
                number::DROP_REASON_DESC if wants(Column::DropReason) => {
                    self.row.drop_reason = field.int32()?;
                }
                number::L4 if wanted.intersects(L4) => self.l4.layer4(field.message()?)?,
                number::L7 if wanted.intersects(L7) => self.layer7(field.message()?, lists)?,
                number::REPLY if wants(Column::IsReply) => self.reply_mark = field.bool()?,
                number::IS_REPLY if wants(Column::IsReply) => self.bool_value(field.message()?)?,
                // The only call, which is inlined.
                _ => {
                    self.row.parts |= part(field.number);
                    self.flow_field(field, lists)?;
                }
            }
        }
        Ok(())
    }

    /// Finished row, after the whole message was read.
    pub(super) fn finish(
        &mut self,
        header: MessageHeader<'a>,
    ) -> Result<&FlowRow<'a>, ProjectionError> {
        if self.wanted.contains(Column::TimeNanos) {
            let time = match self.time {
                Some(time) => Some(time.finish("flow.time")?),
                None => header.time,
            };
            self.row.time_nanos = time.and_then(Timestamp::unix_nanos).unwrap_or(NO_TIME);
        }
        if !self.wanted.contains(Column::Parts) {
            self.row.parts = 0;
        }
        if self.wanted.contains(Column::NodeName) && self.row.node_name.is_empty() {
            self.row.node_name = header.node_name;
        }
        if self.row.drop_reason == 0 {
            self.row.drop_reason = i32::try_from(self.drop_reason_code).unwrap_or(i32::MAX);
        }
        self.row.is_reply = match self.is_reply {
            Some(is_reply) => i8::from(is_reply),
            None if self.reply_mark => 1,
            None => REPLY_UNKNOWN,
        };
        self.l4.finish(self.wanted, &mut self.row)?;
        // The record kind is read even if it is not requested, to notice when another record
        // replaces it.
        if !self.wanted.contains(Column::L7Record) {
            self.row.l7_record = l7_record::NONE;
        }
        Ok(&self.row)
    }

    /// Reads a `google.protobuf.BoolValue`. An empty one means false.
    fn bool_value(&mut self, mut value: Reader<'a>) -> Result<(), WireError> {
        let is_reply = self.is_reply.get_or_insert(false);
        while let Some(field) = value.field()? {
            if field.number == 1 {
                *is_reply = field.bool()?;
            }
        }
        Ok(())
    }
}

/// Reads a message whose fields 1 and 2 are texts.
fn two_texts<'a>(
    mut message: Reader<'a>,
    (first, second): (&mut &'a [u8], &mut &'a [u8]),
) -> Result<(), WireError> {
    while let Some(field) = message.field()? {
        match field.number {
            1 => *first = field.bytes()?,
            2 => *second = field.bytes()?,
            _ => {}
        }
    }
    Ok(())
}

fn workload(list: &mut JoinedList, workload: Reader<'_>) -> Result<(), WireError> {
    let (mut name, mut kind): (&[u8], &[u8]) = (&[], &[]);
    two_texts(workload, (&mut name, &mut kind))?;
    list.push(name);
    list.push(kind);
    Ok(())
}

/// The bit of a message that a flow holds.
#[inline]
const fn part(number: u32) -> u8 {
    match number {
        number::SOURCE => parts::SOURCE,
        number::DESTINATION => parts::DESTINATION,
        number::EVENT_TYPE => parts::EVENT_TYPE,
        _ => 0,
    }
}

fn httpheader(list: &mut JoinedList, header: Reader<'_>) -> Result<(), WireError> {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    two_texts(header, (&mut key, &mut value))?;
    list.push(key);
    list.push(value);
    Ok(())
}

fn policy(list: &mut JoinedList, mut policy: Reader<'_>) -> Result<(), WireError> {
    let (mut kind, mut namespace, mut name): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
    while let Some(field) = policy.field()? {
        match field.number {
            1 => name = field.bytes()?,
            2 => namespace = field.bytes()?,
            5 => kind = field.bytes()?,
            _ => {}
        }
    }
    list.push(kind);
    list.push(namespace);
    list.push(name);
    Ok(())
}

impl<'a> RowBuilder<'a> {
    fn layer7(&mut self, mut layer7: Reader<'a>, lists: &mut RowLists) -> Result<(), WireError> {
        if self.row.l7_record == l7_record::NONE {
            self.row.l7_record = l7_record::UNKNOWN;
        }
        while let Some(field) = layer7.field()? {
            match field.number {
                100 => {
                    self.set_record(l7_record::DNS, lists);
                    self.l7_dns(field.message()?, lists)?;
                }
                101 => {
                    self.set_record(l7_record::HTTP, lists);
                    self.l7_http(field.message()?, lists)?;
                }
                102 => {
                    self.set_record(l7_record::KAFKA, lists);
                    field.bytes()?;
                }
                _ => self.l7_field(field)?,
            }
        }
        Ok(())
    }

    /// Sets the kind of the L7 record. Of a `oneof`, only the last kind counts.
    fn set_record(&mut self, record: u8, lists: &mut RowLists) {
        if self.row.l7_record == record {
            return;
        }
        // Before the first record there are no columns to reset.
        if self.row.l7_record != l7_record::UNKNOWN {
            self.row.keep_only(OUTSIDE_OF_RECORDS);
            lists.keep_only(OUTSIDE_OF_RECORDS);
        }
        self.row.l7_record = record;
    }
}
