//! Rows of the table as a file: the shown rows and columns, in their order.

use std::borrow::Cow;
use std::io::{self, Write};

use flow::columns::{ABSENT, FlowColumns, NO_TIME};
use hubble_api::json;
use hubble_api::packed;

use crate::captions::Captions;
use crate::table::{MessageLocation, RowRecordError, Table};
use crate::view_spec::Column;

/// Maximum size of a file, in bytes; a larger one is of no use to a reader.
const MAX_BYTES: usize = 256 << 20;

/// The reason why rows cannot become a file: too many rows, or texts that are too long.
#[derive(Debug, thiserror::Error)]
#[error("the file would be larger than {} MiB: filter the rows, or show fewer columns", MAX_BYTES >> 20)]
pub(crate) struct FileTooLarge(#[source] io::Error);

/// The reason why rows have no records.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordsError {
    /// A row that does not exist, or whose message is defective.
    #[error(transparent)]
    Row(#[from] RowRecordError),
    /// Too many rows.
    #[error(transparent)]
    TooLarge(#[from] FileTooLarge),
}

/// Content of a cell.
enum Cell<'a> {
    Absent,
    Number(u16),
    Text(Cow<'a, str>),
}

/// Rows and columns of a table.
#[derive(Clone, Copy)]
pub(crate) struct Selection<'a> {
    pub(crate) flows: &'a FlowColumns,
    pub(crate) captions: &'a Captions,
    /// Row numbers in the shown order; numbers without a row are left out.
    pub(crate) rows: &'a [u32],
    pub(crate) columns: &'a [Column],
}

impl Selection<'_> {
    /// CSV after RFC 4180, or with another `delimiter`: a line of `titles`, if there are any, and one for
    /// each row. Times are in UTC. A text that a spreadsheet would run as a formula gets an apostrophe in front.
    ///
    /// Errors: the file would be too large.
    pub(crate) fn csv(self, delimiter: u8, titles: &[String]) -> Result<Vec<u8>, FileTooLarge> {
        let mut out = Bounded::default();
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(csv::Terminator::CRLF)
            .from_writer(&mut out);
        self.write_csv(titles, &mut writer).map_err(FileTooLarge)?;
        drop(writer);
        Ok(out.0)
    }

    fn write_csv(
        self,
        titles: &[String],
        writer: &mut csv::Writer<&mut Bounded>,
    ) -> io::Result<()> {
        if !titles.is_empty() {
            writer.write_record(titles)?;
        }
        for row in self.existing() {
            for &column in self.columns {
                match self.cell(column, row) {
                    Cell::Absent => writer.write_field("")?,
                    Cell::Number(number) => writer.write_field(number.to_string())?,
                    Cell::Text(text) => writer.write_field(harmless(text).as_bytes())?,
                }
            }
            writer.write_record(None::<&[u8]>)?;
        }
        writer.flush()
    }

    fn existing(self) -> impl Iterator<Item = u32> {
        self.rows.iter().copied().filter(move |&row| (row as usize) < self.flows.len())
    }

    fn cell(&self, column: Column, row: u32) -> Cell<'_> {
        let row = row as usize;
        let port = |ports: &[u16]| match ports.get(row) {
            Some(&port) if port != 0 => Cell::Number(port),
            _ => Cell::Absent,
        };
        match column {
            Column::Time => match self.flows.time_nanos().get(row) {
                Some(&nanos) if nanos != NO_TIME => Cell::Text(timestamp(nanos).into()),
                _ => Cell::Absent,
            },
            Column::SourcePort => port(self.flows.source_port()),
            Column::DestinationPort => port(self.flows.destination_port()),
            Column::Text(column) => {
                let code = self.captions.codes(column).get(row).copied().unwrap_or(ABSENT);
                match self.captions.dictionary().get(code) {
                    Some(text) if code != ABSENT => Cell::Text(text.into()),
                    _ => Cell::Absent,
                }
            }
        }
    }
}

impl Table {
    /// The whole messages of rows, one a line, as `hubble observe -o jsonpb` writes them.
    ///
    /// Errors: [`RecordsError`].
    pub(crate) fn records(&self, rows: &[u32]) -> Result<Vec<u8>, RecordsError> {
        let mut wanted: Vec<_> = (0_usize..)
            .zip(rows)
            .map(|(place, &row)| {
                let location = self.locations.get(row as usize).copied();
                location.map(|location| (location, place)).ok_or(RowRecordError::Row { row })
            })
            .collect::<Result<_, _>>()?;
        // Each batch is unpacked once, whatever the order of the rows.
        wanted.sort_unstable();
        let mut records = vec![String::new(); rows.len()];
        let mut bytes = 0;
        let mut rest = wanted.as_slice();
        while let Some(&(first, _)) = rest.first() {
            let stream = self.streams.get(first.stream as usize).map_or(&[][..], Vec::as_slice);
            for (batch, read) in (0..).zip(packed::batches(stream).map_while(Result::ok)) {
                let is_here = |location: &MessageLocation| {
                    (location.stream, location.batch) == (first.stream, batch)
                };
                if !rest.first().is_some_and(|(location, _)| is_here(location)) {
                    continue;
                }
                for (message, content) in (0..).zip(read.messages().map_while(Result::ok)) {
                    while let Some(&(location, place)) = rest.first()
                        && is_here(&location)
                        && location.message == message
                    {
                        let record = json::record_of(content).map_err(RowRecordError::Message)?;
                        bytes += record.len() + 1;
                        if bytes > MAX_BYTES {
                            return Err(FileTooLarge(io::ErrorKind::FileTooLarge.into()).into());
                        }
                        if let Some(slot) = records.get_mut(place) {
                            *slot = record;
                        }
                        rest = rest.get(1..).unwrap_or_default();
                    }
                }
            }
            // A message that was read once is read again; this ends the loop all the same.
            if rest.first().is_some_and(|(location, _)| location.stream == first.stream) {
                let row = rest.first().and_then(|(_, place)| rows.get(*place)).copied();
                return Err(RowRecordError::Row { row: row.unwrap_or_default() }.into());
            }
        }
        let mut lines = Vec::with_capacity(bytes);
        for record in records {
            lines.extend_from_slice(record.as_bytes());
            lines.push(b'\n');
        }
        Ok(lines)
    }
}

/// Timestamp of the form `2026-08-22T10:00:00.250000123Z`.
fn timestamp(nanos: i64) -> String {
    let seconds = nanos.div_euclid(1_000_000_000);
    let nanos = i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default();
    prost_types::Timestamp { seconds, nanos }.to_string()
}

/// Text that a spreadsheet does not run as a formula: names, paths and headers come from outside.
/// Source: OWASP, CSV injection.
fn harmless(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        Cow::Owned(format!("'{text}"))
    } else {
        text
    }
}

/// A buffer of up to [`MAX_BYTES`].
#[derive(Debug, Default)]
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
