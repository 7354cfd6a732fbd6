//! Single flows: what the relay still has of a time range, and notices about everything missing.

use std::mem;
use std::sync::Arc;

use budget::Held;
use bytes::Bytes;
use flow::TimeRange;
use flow::columns::{ColumnLimits, ColumnSet, FlowColumns, NO_TIME, at};
use flow::dedup::PacketDedup;
use frames::{FLOW_LOG_COLUMNS, FLOW_TABLE_COLUMNS, Frame, Meta};
use hubble_api::client::WireFlow;
use hubble_api::packed::Encoder;
use hubble_api::projection::{Decoder, ProjectionError};
use query::{FlowsFormat, FlowsQuery};
use relay::{BufferStart, Newest, NewestRequest, Relay, RelayError};
use serde_json::{Map, Value};
use wording::{Notice, count};

use crate::completeness::{
    Completeness, INCOMPLETE, REWORDED, empty_notice, gaps, incomplete, mark, plan_notices,
    relay_notices, unreadable, without_time,
};
use crate::select::{HeldFilters, SelectedFlows, select};
use crate::{ExecutionError, FlowSource, QueryContext, RequiredCompleteness};

/// Flows, and the notices about them.
#[derive(Debug)]
struct Collected {
    newest: Newest,
    notices: Vec<Notice>,
    custom: Map<String, Value>,
    executed: String,
}

/// The flows to ask the relay for, and what the answer says about them.
#[derive(Debug)]
pub(crate) struct Asked {
    relay: Arc<Relay>,
    pub(crate) request: NewestRequest,
    required: RequiredCompleteness,
    /// The equivalent `hubble observe …` line.
    pub(crate) executed: String,
    /// Notices known before the answer.
    notices: Vec<Notice>,
    /// The filters' memory.
    _filters: HeldFilters,
}

/// Counts of rows that a notice names.
#[derive(Debug, Default)]
pub(crate) struct RowCounts {
    dedup: PacketDedup,
    /// Flows without a time.
    timeless: usize,
    /// Second records of denied packets.
    seconds: usize,
}

/// Reads the relay's flows and returns them as a frame.
///
/// Errors: [`ExecutionError`], if there is nothing to show.
pub async fn flows(
    source: FlowSource<'_>,
    context: &QueryContext,
    query: &FlowsQuery,
    held: &mut Held,
) -> Result<Vec<Frame>, ExecutionError> {
    let range = TimeRange::of_ms(context.from_ms, context.to_ms);
    let collected = collect(source, query, range, held).await?;
    let received_bytes = held.bytes();
    let more_bytes = received_bytes.saturating_mul(frame_factor(query.format));
    // Many answers wait for their turn, and only those whose turn it is need this memory.
    let shape = || {
        held.grow(more_bytes)?;
        let frame = match query.format {
            FlowsFormat::Table => decoded(collected, query.format, |columns, rows, meta| {
                let table = frames::flow_table(columns, rows, meta);
                frames::flow_links(table, &context.datasource_uid)
            }),
            FlowsFormat::Logs => decoded(collected, query.format, |columns, rows, meta| {
                frames::flow_log(columns, rows, query.limit, meta)
            }),
            FlowsFormat::Packed => packed(collected),
        };
        held.set(frame.bytes())?;
        Ok(vec![frame])
    };
    context.shaping.run(received_bytes.saturating_add(more_bytes), shape).await
}

/// Iterator that packs flows into batches, one batch per call.
#[derive(Debug)]
pub struct Batches {
    flows: std::vec::IntoIter<WireFlow>,
    encoder: Encoder,
}

impl Batches {
    /// An iterator over batches of these flows, in their order.
    pub fn new(flows: Vec<WireFlow>) -> Self {
        Self { flows: flows.into_iter(), encoder: Encoder::new() }
    }
}

impl Iterator for Batches {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        for flow in self.flows.by_ref() {
            // The relay's client refuses messages that do not fit into a batch.
            if let Ok(Some(batch)) = self.encoder.push(flow.message()) {
                return Some(batch);
            }
        }
        self.encoder.finish()
    }
}

/// Size of an answer's columns and frame, as a multiple of the flows as received.
const fn frame_factor(format: FlowsFormat) -> usize {
    match format {
        FlowsFormat::Table | FlowsFormat::Logs => 2,
        // A sixth after compression, then base64.
        FlowsFormat::Packed => 1,
    }
}

/// The columns that a format needs.
const fn columns(format: FlowsFormat) -> ColumnSet {
    match format {
        FlowsFormat::Table => FLOW_TABLE_COLUMNS,
        FlowsFormat::Logs => FLOW_LOG_COLUMNS,
        FlowsFormat::Packed => ColumnSet::ALL,
    }
}

async fn collect(
    source: FlowSource<'_>,
    query: &FlowsQuery,
    range: TimeRange,
    held: &mut Held,
) -> Result<Collected, ExecutionError> {
    let mut asked = Asked::of(source, query, range, held).await?;
    if asked.is_in_future() {
        let (notices, executed) = (asked.take_notices(), asked.executed);
        return Ok(Collected { newest: Newest::default(), notices, custom: Map::new(), executed });
    }
    let Asked { relay, request, .. } = &asked;
    let (newest, buffer_start) = tokio::join!(relay.newest(request, held), relay.buffer_start());
    let newest = newest?;
    let (notices, custom) = asked.about(&newest, newest.flows.len(), &buffer_start).await?;
    Ok(Collected { newest, notices, custom, executed: asked.executed })
}

impl Asked {
    /// The request for the flows of `query`.
    ///
    /// Errors: as for [`select`].
    pub(crate) async fn of(
        source: FlowSource<'_>,
        query: &FlowsQuery,
        range: TimeRange,
        held: &Held,
    ) -> Result<Self, ExecutionError> {
        let SelectedFlows { filters, range, now_ms, executed, notices: of_selection } =
            select(source, &query.form, range, held).await?;
        let request = NewestRequest {
            filters: filters.filters.clone(),
            columns: columns(query.format),
            range,
            limit: query.limit,
            oldest: query.form.selectors.first.is_some_and(|first| first > 0),
            now_ms,
            caller: source.caller,
        };
        Ok(Self {
            relay: source.relay.clone(),
            request,
            required: source.required,
            executed,
            notices: query.notices.iter().cloned().chain(of_selection).collect(),
            _filters: filters,
        })
    }

    /// Whether the range has not begun. The notices then say so.
    pub(crate) fn is_in_future(&mut self) -> bool {
        let NewestRequest { range, now_ms, .. } = &self.request;
        let is_in_future = range.from_nanos.div_euclid(1_000_000) > *now_ms;
        if is_in_future {
            self.notices.push(Notice::info("the time range lies in the future"));
        }
        is_in_future
    }

    /// The notices that were known before the answer.
    pub(crate) fn take_notices(&mut self) -> Vec<Notice> {
        mem::take(&mut self.notices)
    }

    /// Notices about an answer with so many flows, and their data for the frontend.
    ///
    /// Errors: [`ExecutionError::Incomplete`].
    pub(crate) async fn about(
        &mut self,
        newest: &Newest,
        shown: usize,
        buffer_start: &Result<Option<BufferStart>, RelayError>,
    ) -> Result<(Vec<Notice>, Map<String, Value>), ExecutionError> {
        let mut notices = self.take_notices();
        let NewestRequest { range, limit, oldest, now_ms, .. } = self.request;
        let mut missing: Vec<Notice> =
            newest.broken.iter().map(incomplete).chain(relay_notices(&newest.notices)).collect();
        missing.extend((newest.unreadable > 0).then(|| unreadable(newest.unreadable)));
        notices.extend(missing.iter().cloned());
        notices.extend(plan_notices(&newest.plan_notices));
        let cut = cut_notice(newest, shown, limit, oldest);
        notices.extend(cut.clone());
        let reaches_memory = reaches_memory(newest, limit, buffer_start);
        let completeness = Completeness::of(
            &self.relay,
            range,
            now_ms,
            &newest.lost,
            buffer_start,
            reaches_memory,
        )
        .await;
        let gaps = gaps(&newest.notices, newest.broken.as_ref(), newest.unreadable);
        completeness.check(self.required, gaps.into_iter().chain(cut.map(|cut| cut.text)))?;
        let Completeness { notices: lacks, mut custom, mut marks, is_lossy, .. } = completeness;
        notices.extend(lacks);
        mark(&mut marks, INCOMPLETE, &missing);
        if shown == 0 {
            let empty = empty_notice(is_lossy, !newest.notices.missing().is_empty());
            mark(&mut marks, REWORDED, empty.as_slice());
            notices.extend(empty);
        }
        custom.append(&mut marks);
        Ok((notices, custom))
    }
}

fn cut_notice(newest: &Newest, shown: usize, limit: usize, oldest_first: bool) -> Option<Notice> {
    let which = if oldest_first { "oldest" } else { "newest" };
    if newest.cut_by_bytes > 0 {
        let text = format!(
            "showing the {which} {shown} flows: more would take too much memory; narrow the filter"
        );
        return Some(Notice::warning(text));
    }
    if newest.matched > limit && newest.matched_is_all {
        let text =
            format!("showing the {which} {shown} of {} flows in the time range", newest.matched);
        return Some(Notice::info(text));
    }
    (newest.matched >= limit && !newest.matched_is_all).then(|| {
        // The relay applies the number per node, so the number of further flows is unknown.
        Notice::info(format!(
            "showing the {which} {shown} flows; the time range may hold more: raise the limit or narrow the filter"
        ))
    })
}

/// Whether the answer reaches back to the start of Hubble's memory. If the limit cut it off later
/// than that, the buffers took nothing away.
fn reaches_memory(
    newest: &Newest,
    limit: usize,
    start: &Result<Option<BufferStart>, RelayError>,
) -> bool {
    let was_cut = newest.matched >= limit || newest.cut_by_bytes > 0;
    let Ok(Some(start)) = start else { return true };
    let Some((_, complete_since_nanos)) = start.complete_since() else { return true };
    !was_cut || newest.oldest_nanos.is_none_or(|oldest| oldest < complete_since_nanos)
}

fn decoded(
    collected: Collected,
    format: FlowsFormat,
    shape: impl FnOnce(&FlowColumns, &[u32], Meta) -> Frame,
) -> Frame {
    let Collected { newest, mut notices, custom, executed } = collected;
    let mut columns = FlowColumns::new(ColumnLimits::default());
    let mut decoder = Decoder::new(self::columns(format));
    let mut unreadable_flows = 0;
    for flow in &newest.flows {
        match decoder.decode_with_header(flow.message(), flow.header(), &mut columns) {
            Ok(_) => {}
            Err(ProjectionError::Full(full)) => {
                let text = format!("showing the newest {} flows: {full}", columns.len());
                notices.push(Notice::warning(text));
                break;
            }
            Err(_) => unreadable_flows += 1,
        }
    }
    if unreadable_flows > 0 {
        notices.push(unreadable(unreadable_flows));
    }
    let rows = columns.newest_first();
    notices.extend(row_notices(&columns, &rows));
    let meta = Meta { executed_query_string: executed, notices, custom, ..Meta::default() };
    shape(&columns, &rows, meta)
}

/// Notices about rows: flows without a time, and packets with two records.
fn row_notices(columns: &FlowColumns, newest_first: &[u32]) -> Vec<Notice> {
    let mut counts = RowCounts::default();
    counts.add(columns, newest_first);
    counts.notices()
}

impl RowCounts {
    /// Columns that the counts need.
    pub(crate) const COLUMNS: ColumnSet = PacketDedup::COLUMNS;

    /// Counts rows in the order newest first; further rows are older.
    pub(crate) fn add(&mut self, columns: &FlowColumns, newest_first: &[u32]) {
        for &row in newest_first {
            let row = row as usize;
            self.timeless += usize::from(at(columns.time_nanos(), row) == NO_TIME);
            self.seconds += usize::from(self.dedup.is_duplicate(columns, row));
        }
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        let mut notices: Vec<Notice> = without_time(self.timeless, "last").into_iter().collect();
        if self.seconds > 0 {
            notices.push(Notice::info(format!(
                "{} listed twice: as a policy verdict and as a drop",
                count(self.seconds, "denied packet")
            )));
        }
        notices
    }
}

fn packed(collected: Collected) -> Frame {
    let Collected { newest, mut notices, custom, executed } = collected;
    let mut columns = FlowColumns::new(ColumnLimits::default());
    // Nine columns for one notice: 1.1 µs a flow of 734 bytes, of which 0.6 are the walk over its
    // fields; all columns take 1.8, packing the flow 0.9.
    let mut decoder = Decoder::new(RowCounts::COLUMNS);
    for flow in &newest.flows {
        // The browser unpacks the flows and reports those that it cannot read.
        let _unreadable =
            decoder.decode_with_header(flow.message(), flow.header(), &mut columns).is_err();
    }
    notices.extend(row_notices(&columns, &columns.newest_first()));
    let meta = Meta { executed_query_string: executed, notices, custom, ..Meta::default() };
    let flows = newest.flows.len();
    let packed: Vec<u8> = Batches::new(newest.flows).flatten().collect();
    frames::packed_flows(&packed, flows, meta)
}
