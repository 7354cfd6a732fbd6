//! Rows of the table as a file: the shown rows and columns, in their order.

use std::borrow::Cow;
use std::io::{self, Write};

use flow::columns::{ABSENT, FlowColumns, NO_TIME};
use serde::Serializer as _;
use serde::ser::SerializeMap;

use crate::captions::Captions;
use crate::view::Column;

/// Maximum size of a file, in bytes; a larger one is of no use to a reader.
const MAX_BYTES: usize = 256 << 20;

/// The reason why rows cannot become a file: too many rows, or texts that are too long.
#[derive(Debug, thiserror::Error)]
#[error("the file would be larger than {} MiB: filter the rows, or show fewer columns", MAX_BYTES >> 20)]
pub(crate) struct FileTooLarge(#[source] io::Error);

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
    /// CSV after RFC 4180: a line of `titles` and one for each row. Times are in UTC. A text that a
    /// spreadsheet would run as a formula gets an apostrophe in front.
    ///
    /// Errors: the file would be too large.
    pub(crate) fn csv(self, titles: &[String]) -> Result<Vec<u8>, FileTooLarge> {
        let mut out = Bounded::default();
        let mut writer =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut out);
        self.write_csv(titles, &mut writer).map_err(FileTooLarge)?;
        drop(writer);
        Ok(out.0)
    }

    fn write_csv(
        self,
        titles: &[String],
        writer: &mut csv::Writer<&mut Bounded>,
    ) -> io::Result<()> {
        writer.write_record(titles)?;
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

    /// JSON lines: one object a line, with the columns' names as keys; times after RFC 3339, ports
    /// as numbers, null for a missing value.
    ///
    /// Errors: the file would be too large.
    pub(crate) fn json_lines(self, names: &[String]) -> Result<Vec<u8>, FileTooLarge> {
        let mut out = Bounded::default();
        for row in self.existing() {
            self.write_json(row, names, &mut out).map_err(FileTooLarge)?;
        }
        Ok(out.0)
    }

    fn write_json(self, row: u32, names: &[String], out: &mut Bounded) -> io::Result<()> {
        let mut writer = serde_json::Serializer::new(&mut *out);
        let mut object = writer.serialize_map(None)?;
        for (name, &column) in names.iter().zip(self.columns) {
            match self.cell(column, row) {
                Cell::Absent => object.serialize_entry(name, &())?,
                Cell::Number(number) => object.serialize_entry(name, &number)?,
                Cell::Text(text) => object.serialize_entry(name, &text)?,
            }
        }
        object.end()?;
        out.write_all(b"\n")
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
