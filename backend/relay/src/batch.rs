//! Batches of rows, read from the relay's messages.

use flow::columns::{ColumnLimits, ColumnSet, FlowColumns};
use hubble_api::client::WireFlow;
use hubble_api::projection::{Decoded, Decoder};

/// Number of flows in a batch; they share a dictionary.
const BATCH_FLOWS: usize = 1_024;
/// Maximum text in a batch, in bytes; hostile labels reach 64 KB per flow.
const BATCH_TEXT_BYTES: usize = 16 << 20;

/// Reader of messages into batches.
#[derive(Debug)]
pub(crate) struct BatchReader {
    decoder: Decoder,
    columns: FlowColumns,
    unreadable: usize,
}

impl BatchReader {
    /// A reader of these columns.
    pub(crate) fn new(columns: ColumnSet) -> Self {
        Self { decoder: Decoder::new(columns), columns: room(), unreadable: 0 }
    }

    /// Reads one flow. Returns the batch before it once that is full.
    pub(crate) fn take(&mut self, flow: &WireFlow) -> Option<FlowColumns> {
        let mut full = (self.columns.len() >= BATCH_FLOWS).then(|| self.next_batch());
        if !self.read(flow) && !self.columns.is_empty() {
            // The texts may be full or the message malformed. A second try on empty columns tells
            // which. A full batch is empty by now, so none is lost.
            full = Some(self.next_batch());
            self.unreadable += usize::from(!self.read(flow));
        } else if self.columns.is_empty() {
            self.unreadable += 1;
        }
        full
    }

    /// The last batch.
    pub(crate) fn finish(self) -> FlowColumns {
        self.columns
    }

    /// Number of unreadable messages.
    pub(crate) fn unreadable(&self) -> usize {
        self.unreadable
    }

    fn read(&mut self, flow: &WireFlow) -> bool {
        let read =
            self.decoder.decode_with_header(flow.message(), flow.header(), &mut self.columns);
        matches!(read, Ok(Decoded::Flow))
    }

    fn next_batch(&mut self) -> FlowColumns {
        std::mem::replace(&mut self.columns, room())
    }
}

/// Approximate size of a batch in bytes: its texts, and 64 columns of 4 bytes.
pub(crate) fn batch_bytes(batch: &FlowColumns) -> usize {
    batch.dictionary().text().len().saturating_add(batch.len().saturating_mul(256))
}

fn room() -> FlowColumns {
    FlowColumns::new(ColumnLimits { max_flows: BATCH_FLOWS, max_text_bytes: BATCH_TEXT_BYTES })
}
