//! The scan of single flows that all counting queries share: select → plan → read → fold. Memory is
//! bounded by one batch of rows.

use budget::Held;
use flow::TimeRange;
use flow::columns::{Column, ColumnLimits, ColumnSet, FlowColumns, NO_TIME};
use frames::Meta;
use hubble_api::client::{RelayNotice, WireFlow};
use hubble_api::projection::{Decoded, Decoder};
use relay::{BufferStart, ScanRequest, Scanned};
use wording::Notice;

use crate::completeness::{
    Completeness, empty_notice, gaps, incomplete, plan_notices, relay_notices, unreadable,
    without_time,
};
use crate::select::SelectedFlows;
use crate::{ExecutionError, FlowSource};

/// Number of flows in a batch; its dictionary is reused by the next batch.
const BATCH_FLOWS: usize = 1_024;
/// Maximum text in a batch, in bytes; hostile labels reach 64 KB per flow.
const BATCH_TEXT_BYTES: usize = 16 << 20;

/// Bytes that a scan holds: a batch of rows, and the groups, edges or names into which it folds them.
const FOLD_BYTES: usize = 8 << 20;

/// The columns to read of each flow, and the fate of flows without a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) columns: ColumnSet,
    /// Fate of flows without a time, as in "flows have no time and are …".
    pub(crate) timeless: &'static str,
}

/// The result of a scan, and notices about it.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The time range, narrowed by the form.
    pub(crate) range: TimeRange,
    /// Time of the request, in Unix milliseconds.
    pub(crate) now_ms: i64,
    executed: String,
    /// Notices about the range and the flows.
    notices: Vec<Notice>,
    /// Gaps of the answer.
    completeness: Completeness,
    /// Whether nodes that should have answered did not.
    pub(crate) misses_nodes: bool,
    /// Whether the answer ended early.
    pub(crate) is_broken: bool,
    /// Whether every flow of the range that the relay has was read.
    pub(crate) saw_all: bool,
    /// Start of the nodes' buffers; `None`: unknown.
    pub(crate) start: Option<BufferStart>,
}

impl Scan {
    /// Whether events of the range were lost.
    pub(crate) fn is_lossy(&self) -> bool {
        self.completeness.is_lossy
    }

    /// A frame's metadata, with notices in this order: about the `query`, about the relay's answer,
    /// about the folded result (`made`), about gaps, about the part that is `shown`.
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

/// Asks the relay for the selected flows and calls `add` for each, with the state that `begin` made
/// and the columns whose last row is the flow. Returns the state.
///
/// Errors: [`ExecutionError::Relay`], if nothing came or no node answered.
pub(crate) async fn scan<T>(
    source: FlowSource<'_>,
    selected: SelectedFlows,
    rows: Rows,
    held: &mut Held,
    begin: impl Fn() -> T,
    add: impl Fn(&mut T, &FlowColumns, usize),
) -> Result<(Scan, T), ExecutionError> {
    let SelectedFlows { filters, range, now_ms, executed, mut notices } = selected;
    held.grow(FOLD_BYTES)?;
    let relay = source.relay;
    let request = ScanRequest { filters, columns: rows.columns, range, caller: source.caller };
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
    let gaps = gaps(&scanned.notices, scanned.broken.as_ref(), reader.unreadable);
    completeness.check(source.required, gaps)?;
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

/// Reader of messages: hands each flow on as the last row of its columns.
#[derive(Debug)]
struct RowReader<T> {
    decoder: Decoder,
    columns: FlowColumns,
    state: T,
    unreadable: usize,
    /// Whether the columns include the time.
    timed: bool,
    without_time: usize,
}

impl<T> RowReader<T> {
    /// A reader of the columns in `projection`.
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
            // The columns may be full or the message malformed. A second try on empty columns tells
            // which.
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

    /// Notices about the flows that were read, and about the plan.
    fn notices(&self, scanned: &Scanned, timeless: &str) -> Vec<Notice> {
        let mut notices: Vec<Notice> = scanned.broken.iter().map(incomplete).collect();
        notices.extend(relay_notices(&scanned.notices));
        notices.extend(plan_notices(&scanned.plan_notices));
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
