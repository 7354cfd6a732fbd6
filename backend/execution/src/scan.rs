//! The scan of single flows that all counting queries share: select → plan → read → fold. Memory is
//! bounded by a few batches of rows.

use budget::Held;
use flow::TimeRange;
use flow::columns::{Column, ColumnSet, FlowColumns, NO_TIME, at};
use frames::Meta;
use hubble_api::client::RelayNotice;
use relay::{BufferStart, ScanRequest, Scanned};
use wording::Notice;

use crate::completeness::{
    Completeness, empty_notice, gaps, incomplete, plan_notices, relay_notices, unreadable,
    without_time,
};
use crate::select::SelectedFlows;
use crate::{ExecutionError, FlowSource};

/// Flows folded into groups, edges or names.
pub(crate) trait Fold {
    /// Adds the flow in a row.
    fn add(&mut self, columns: &FlowColumns, row: usize);

    /// Approximate size in bytes.
    fn bytes(&self) -> usize;
}

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

/// Asks the relay for the selected flows and folds them into what `begin` makes. `held` grows with it.
///
/// Errors: [`ExecutionError::Relay`], if nothing came or no node answered, or the memory is used up.
pub(crate) async fn scan<T: Fold>(
    source: FlowSource<'_>,
    selected: SelectedFlows,
    rows: Rows,
    held: &mut Held,
    begin: impl Fn() -> T,
) -> Result<(Scan, T), ExecutionError> {
    let SelectedFlows { filters, range, now_ms, executed, mut notices } = selected;
    let relay = source.relay;
    let request = ScanRequest {
        filters: filters.filters.clone(),
        columns: rows.columns,
        range,
        caller: source.caller,
    };
    let is_timed = rows.columns.contains(Column::TimeNanos);
    let add = |(state, timeless): &mut (T, usize), columns: &FlowColumns, row: usize| {
        *timeless += usize::from(is_timed && at(columns.time_nanos(), row) == NO_TIME);
        state.add(columns, row);
    };
    let bytes = |(state, _): &(T, usize)| state.bytes();
    let (scanned, buffer_start) =
        tokio::join!(relay.scan(&request, held, || (begin(), 0), add, bytes), relay.buffer_start());
    let (scanned, (state, timeless)) = scanned?;
    notices.extend(scan_notices(&scanned));
    notices.extend(without_time(timeless, rows.timeless));
    let completeness =
        Completeness::of(relay, range, now_ms, &scanned.lost, &buffer_start, true).await;
    let gaps = gaps(&scanned.notices, scanned.broken.as_ref(), scanned.unreadable);
    completeness.check(source.required, gaps)?;
    let scan = Scan {
        range,
        now_ms,
        executed,
        notices,
        saw_all: saw_all(&scanned) && !completeness.is_lossy,
        completeness,
        misses_nodes: !scanned.notices.missing().is_empty(),
        is_broken: scanned.broken.is_some(),
        start: buffer_start.ok().flatten(),
    };
    Ok((scan, state))
}

/// Notices about the flows that were read, and about the plan.
fn scan_notices(scanned: &Scanned) -> Vec<Notice> {
    let mut notices: Vec<Notice> = scanned.broken.iter().map(incomplete).collect();
    notices.extend(relay_notices(&scanned.notices));
    notices.extend(plan_notices(&scanned.plan_notices));
    notices.extend((scanned.unreadable > 0).then(|| unreadable(scanned.unreadable)));
    notices
}

/// Whether every flow that the relay sent was read, and all nodes sent theirs.
fn saw_all(scanned: &Scanned) -> bool {
    let lacks = |notice: &RelayNotice| !matches!(notice, RelayNotice::NodesConnected { .. });
    scanned.unreadable == 0 && scanned.broken.is_none() && !scanned.notices.iter().any(lacks)
}
