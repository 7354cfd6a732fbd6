//! The one way in which flows are read one by one: select → plan → read → fold. A batch of rows is
//! held at most, however many come.

use flow::TimeRange;
use flow::columns::{Column, ColumnLimits, ColumnSet, FlowColumns, NO_TIME};
use frames::Meta;
use hubble_api::client::{RelayNotice, WireFlow};
use hubble_api::projection::{Decoded, Decoder};
use relay::{BufferStart, Relay, ScanRequest, Scanned};
use wording::Notice;

use crate::ExecutionError;
use crate::completeness::{
    Completeness, empty_notice, incomplete, relay_notices, remark_notices, unreadable, without_time,
};
use crate::select::Selected;

/// Flows of a batch: its dictionary is kept from one to the next.
const BATCH_FLOWS: usize = 1_024;
/// Text of a batch: hostile labels reach 64 KB per flow.
const BATCH_TEXT_BYTES: usize = 16 << 20;

/// What is read of each flow, and what becomes of those without a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) columns: ColumnSet,
    /// As in "flows have no time and are …".
    pub(crate) timeless: &'static str,
}

/// What a scan asked for, and what there is to say of its answer.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The range that was asked for, narrowed by the form.
    pub(crate) range: TimeRange,
    /// When it was asked, in Unix milliseconds.
    pub(crate) now_ms: i64,
    executed: String,
    /// About the range and the flows that were read.
    notices: Vec<Notice>,
    /// What the answer lacks of the range.
    completeness: Completeness,
    /// Whether nodes that should have answered did not.
    pub(crate) misses_nodes: bool,
    /// Whether the answer ended early.
    pub(crate) is_broken: bool,
    /// Whether every flow of the range that the relay knows of was read.
    pub(crate) saw_all: bool,
    /// Where the nodes' memory begins; `None`: not known.
    pub(crate) start: Option<BufferStart>,
}

impl Scan {
    /// Whether events of the range were lost.
    pub(crate) fn is_lossy(&self) -> bool {
        self.completeness.is_lossy
    }

    /// A frame's metadata. Notices about the `query` come first, then those about the relay's answer,
    /// about what was `made` of it, about what is lacking, and about what is `shown` of it.
    pub(crate) fn meta(
        self,
        query: &[Notice],
        made: Vec<Notice>,
        is_empty: bool,
        shown: Vec<Notice>,
    ) -> Meta {
        let Completeness { notices: lacks, custom, is_lossy, .. } = self.completeness;
        let empty = is_empty.then(|| empty_notice(is_lossy, self.misses_nodes)).flatten();
        let notices = query.iter().cloned().chain(self.notices).chain(made).chain(lacks);
        Meta {
            executed_query_string: self.executed,
            notices: notices.chain(empty).chain(shown).collect(),
            custom,
            ..Meta::default()
        }
    }
}

/// Asks the relay for what is selected, and hands each flow to `add` as the last row of some columns,
/// together with what `begin` made; that is returned in the end.
///
/// Errors: [`ExecutionError::Relay`], when nothing came, or nodes do not answer.
pub(crate) async fn scan<T>(
    relay: &Relay,
    selected: Selected,
    rows: Rows,
    begin: impl Fn() -> T,
    add: impl Fn(&mut T, &FlowColumns, usize),
) -> Result<(Scan, T), ExecutionError> {
    let Selected { filters, range, now_ms, executed, mut notices } = selected;
    let request = ScanRequest { filters, columns: rows.columns, range };
    let (scanned, buffer_start) = tokio::join!(
        relay.scan(
            &request,
            || RowReader::new(rows.columns, begin()),
            |reader, flow| reader.take(flow, &add),
        ),
        relay.buffer_start()
    );
    let (scanned, reader) = scanned?;
    notices.extend(reader.notices(&scanned, rows.timeless));
    let completeness =
        Completeness::of(relay, range, now_ms, &scanned.lost, &buffer_start, true).await;
    let scan = Scan {
        range,
        now_ms,
        executed,
        notices,
        saw_all: reader.saw_all(&scanned) && !completeness.is_lossy,
        completeness,
        misses_nodes: !scanned.notices.missing().is_empty(),
        is_broken: scanned.broken.is_some(),
        start: buffer_start.ok().flatten(),
    };
    Ok((scan, reader.state))
}

/// Reads messages, and hands each flow on as the last row of some columns.
#[derive(Debug)]
struct RowReader<T> {
    decoder: Decoder,
    columns: FlowColumns,
    state: T,
    unreadable: usize,
    /// Whether the time is read.
    timed: bool,
    without_time: usize,
}

impl<T> RowReader<T> {
    /// Reads `projection`.
    fn new(projection: ColumnSet, state: T) -> Self {
        let decoder = Decoder::new(projection);
        let timed = projection.contains(Column::TimeNanos);
        Self { decoder, columns: room(), state, unreadable: 0, timed, without_time: 0 }
    }

    /// Reads one flow.
    fn take(&mut self, flow: &WireFlow, add: &impl Fn(&mut T, &FlowColumns, usize)) {
        let (message, header) = (flow.message(), flow.header());
        let mut read = self.decoder.decode_with_header(message, header, &mut self.columns);
        if read.is_err() {
            // Trying again on empty columns tells full ones from a malformed message.
            self.columns = room();
            read = self.decoder.decode_with_header(message, header, &mut self.columns);
        }
        match (read, self.columns.len().checked_sub(1)) {
            (Ok(Decoded::Flow), Some(row)) => {
                let time = self.columns.time_nanos().get(row);
                self.without_time +=
                    usize::from(self.timed && time.is_none_or(|time| *time == NO_TIME));
                add(&mut self.state, &self.columns, row);
            }
            _ => self.unreadable += 1,
        }
    }

    /// What there is to say about flows that were read, and how.
    fn notices(&self, scanned: &Scanned, timeless: &str) -> Vec<Notice> {
        let mut notices: Vec<Notice> = scanned.broken.iter().map(incomplete).collect();
        notices.extend(relay_notices(&scanned.notices));
        notices.extend(remark_notices(&scanned.remarks));
        if self.unreadable > 0 {
            notices.push(unreadable(self.unreadable));
        }
        notices.extend(without_time(self.without_time, timeless));
        notices
    }

    /// Whether every flow that the relay sent was read, and all nodes sent theirs.
    fn saw_all(&self, scanned: &Scanned) -> bool {
        let lacks = |notice: &RelayNotice| !matches!(notice, RelayNotice::NodesConnected { .. });
        self.unreadable == 0 && scanned.broken.is_none() && !scanned.notices.iter().any(lacks)
    }
}

fn room() -> FlowColumns {
    FlowColumns::new(ColumnLimits { max_flows: BATCH_FLOWS, max_text_bytes: BATCH_TEXT_BYTES })
}
