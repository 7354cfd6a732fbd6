//! Flows one by one as rows of columns; a batch is held at most, however many come.

use flow::columns::{Column, ColumnLimits, ColumnSet, FlowColumns, NO_TIME};
use hubble_api::client::Notice as RelayNotice;
use hubble_api::projection::{Decoded, Decoder};

use super::flows::{relay_notices, unreadable};
use crate::frames::Notice;
use crate::relay::Scanned;

/// Flows of a batch: its dictionary is kept from one to the next.
const BATCH_FLOWS: usize = 1_024;
/// Text of a batch: hostile labels reach 64 KB per flow.
const BATCH_TEXT_BYTES: usize = 16 << 20;

/// Reads messages, and hands each flow on as the last row of some columns.
#[derive(Debug)]
pub(super) struct RowReader<F> {
    decoder: Decoder,
    columns: FlowColumns,
    each: F,
    unreadable: usize,
    /// Whether the time is read.
    timed: bool,
    without_time: usize,
}

impl<F: FnMut(&FlowColumns, usize)> RowReader<F> {
    /// Reads `projection`.
    pub(super) fn new(projection: ColumnSet, each: F) -> Self {
        let decoder = Decoder::new(projection);
        let timed = projection.contains(Column::TimeNanos);
        Self { decoder, columns: room(), each, unreadable: 0, timed, without_time: 0 }
    }

    /// Reads one message of the relay.
    pub(super) fn take(&mut self, message: &[u8]) {
        let mut read = self.decoder.decode(message, &mut self.columns);
        if read.is_err() {
            // Full is told from malformed by trying again on empty columns.
            self.columns = room();
            read = self.decoder.decode(message, &mut self.columns);
        }
        match (read, self.columns.len().checked_sub(1)) {
            (Ok(Decoded::Flow), Some(row)) => {
                let time = self.columns.time_nanos().get(row);
                self.without_time +=
                    usize::from(self.timed && time.is_none_or(|time| *time == NO_TIME));
                (self.each)(&self.columns, row);
            }
            _ => self.unreadable += 1,
        }
    }

    /// What there is to say about flows that were read, and how.
    pub(super) fn notices(&self, scanned: &Scanned) -> Vec<Notice> {
        let broken = scanned.broken.as_ref();
        let broken =
            broken.map(|error| Notice::warning(format!("the answer is incomplete: {error}")));
        let mut notices: Vec<Notice> = broken.into_iter().collect();
        notices.extend(relay_notices(&scanned.notices));
        if self.unreadable > 0 {
            notices.push(unreadable(self.unreadable));
        }
        notices.extend(without_time(self.without_time, "left out"));
        notices
    }

    /// Whether every flow of the range that the relay knows of was read.
    pub(super) fn saw_all(&self, scanned: &Scanned) -> bool {
        let lacks = |notice: &RelayNotice| !matches!(notice, RelayNotice::NodesConnected { .. });
        self.unreadable == 0 && scanned.broken.is_none() && !scanned.notices.iter().any(lacks)
    }
}

fn room() -> FlowColumns {
    FlowColumns::new(ColumnLimits { max_flows: BATCH_FLOWS, max_text_bytes: BATCH_TEXT_BYTES })
}

/// Says how many flows have no time, where there are some, and what that means for them.
pub(super) fn without_time(flows: usize, fate: &str) -> Option<Notice> {
    (flows > 0).then(|| Notice::warning(format!("{flows} flows have no time and are {fate}")))
}
