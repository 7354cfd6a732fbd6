//! Flows one by one as rows of columns; a batch is held at most, however many come.

use flow::TimeRange;
use flow::columns::{Column, ColumnLimits, ColumnSet, FlowColumns, NO_TIME};
use flow::filter::FilterSet;
use hubble_api::client::Notice as RelayNotice;
use hubble_api::projection::{Decoded, Decoder};
use query::{FlowSelection, FlowsForm};
use relay::now_ms;
use wording::Notice;

use super::clusters;
use super::completeness::{Completeness, empty_notice};
use super::flows::{executed, relay_notices, remark_notices, unreadable};
use super::{Around, QueryError};
use crate::instance::Instance;
use frames::Meta;
use relay::{ScanRequest, Scanned};

/// Flows of a batch: its dictionary is kept from one to the next.
const BATCH_FLOWS: usize = 1_024;
/// Text of a batch: hostile labels reach 64 KB per flow.
const BATCH_TEXT_BYTES: usize = 16 << 20;

/// What a scan asked for, and what there is to say of its answer.
#[derive(Debug)]
pub(super) struct RowsRead {
    /// The range that was asked for, narrowed by the form.
    pub(super) range: TimeRange,
    /// When it was asked.
    pub(super) now_ms: i64,
    pub(super) executed_query_string: String,
    /// About the range and the flows that were read.
    notices: Vec<Notice>,
    /// What the answer lacks of the range.
    completeness: Completeness,
    /// Whether nodes that should have answered did not.
    misses_nodes: bool,
    /// Whether every flow of the range that the relay knows of was read.
    pub(super) saw_all: bool,
    /// The oldest flow that any node has; `None`: it cannot be told.
    pub(super) oldest_nanos: Option<i64>,
}

impl RowsRead {
    /// What a frame should carry: first what is said of the `query`, then of the relay's answer,
    /// then of what was made of it, and what is lacking last.
    pub(super) fn meta(self, query: &[Notice], made: Vec<Notice>, is_empty: bool) -> Meta {
        let Completeness { notices: lacks, custom, is_lossy, .. } = self.completeness;
        let empty = is_empty.then(|| empty_notice(is_lossy, self.misses_nodes)).flatten();
        let notices = query.iter().cloned().chain(self.notices).chain(made).chain(lacks);
        Meta {
            executed_query_string: self.executed_query_string,
            notices: notices.chain(empty).collect(),
            custom,
            ..Meta::default()
        }
    }
}

/// Asks the relay for the flows that `form` selects, and hands each on as the last row of some
/// columns of `projection`, together with what `begin` made; that is returned in the end. `widen`
/// may let the relay send more than what is selected.
///
/// Errors: [`QueryError`], when nothing could be asked for, or nothing came.
pub(super) async fn read_rows<T>(
    instance: &Instance,
    around: &Around,
    form: &FlowsForm,
    widen: impl FnOnce(FilterSet) -> FilterSet,
    projection: ColumnSet,
    begin: impl Fn() -> T,
    each: impl Fn(&mut T, &FlowColumns, usize),
) -> Result<(RowsRead, T), QueryError> {
    let relay = instance.relay()?;
    let (form, of_clusters) = clusters::resolve(instance, form).await;
    let selection = FlowSelection::new(&form)?;
    let now_ms = now_ms();
    let range = TimeRange::of_ms(around.from_ms, around.to_ms);
    let (range, narrowed) = form.selectors.narrow(range, now_ms)?;
    let executed_query_string = executed(&selection, range);
    let filters = widen(selection.filters);
    let request = ScanRequest { filters, columns: projection, range };
    let (scanned, buffer_start) = tokio::join!(
        relay.scan(
            &request,
            || RowReader::new(projection, begin()),
            |reader, message| reader.take(message, &each),
        ),
        relay.buffer_start()
    );
    let (scanned, reader) = scanned?;
    let mut notices: Vec<Notice> = of_clusters.into_iter().chain(narrowed).collect();
    notices.extend(reader.notices(&scanned));
    let completeness =
        Completeness::of(relay, range, now_ms, &scanned.lost, &buffer_start, true).await;
    let read = RowsRead {
        range,
        now_ms,
        executed_query_string,
        notices,
        saw_all: reader.saw_all(&scanned) && !completeness.is_lossy,
        completeness,
        misses_nodes: !scanned.notices.missing().is_empty(),
        oldest_nanos: buffer_start.ok().flatten().and_then(|start| start.oldest_nanos()),
    };
    Ok((read, reader.state))
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

    /// Reads one message of the relay.
    fn take(&mut self, message: &[u8], each: &impl Fn(&mut T, &FlowColumns, usize)) {
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
                each(&mut self.state, &self.columns, row);
            }
            _ => self.unreadable += 1,
        }
    }

    /// What there is to say about flows that were read, and how.
    fn notices(&self, scanned: &Scanned) -> Vec<Notice> {
        let broken = scanned.broken.as_ref();
        let broken =
            broken.map(|error| Notice::warning(format!("the answer is incomplete: {error}")));
        let mut notices: Vec<Notice> = broken.into_iter().collect();
        notices.extend(relay_notices(&scanned.notices));
        notices.extend(remark_notices(&scanned.remarks));
        if self.unreadable > 0 {
            notices.push(unreadable(self.unreadable));
        }
        notices.extend(without_time(self.without_time, "left out"));
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

/// Says how many flows have no time, where there are some, and what that means for them.
pub(super) fn without_time(flows: usize, fate: &str) -> Option<Notice> {
    let text = match flows {
        0 => return None,
        1 => format!("1 flow has no time and is {fate}"),
        _ => format!("{flows} flows have no time and are {fate}"),
    };
    Some(Notice::warning(text))
}
