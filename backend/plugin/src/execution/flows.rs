//! Flows: what the relay still has of a time range, and everything that this leaves out.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use flow::TimeRange;
use flow::columns::{ColumnLimits, ColumnSet, FlowColumns, NO_TIME};
use flow::once::OncePerPacket;
use hubble_api::client::{Notice as RelayNotice, Notices as RelayNotices};
use hubble_api::packed::Encoder;
use hubble_api::projection::{Decoder, ProjectionError};
use query::{FlowSelection, FlowsFormat, FlowsQuery};
use serde_json::{Map, Value};
use wording::Notice;

use super::clusters;
use super::completeness::{Completeness, INCOMPLETE, REWORDED, empty_notice, mark};
use super::rows::without_time;
use super::{Around, QueryError};
use crate::instance::Instance;
use frames::{self, FLOW_LOG_COLUMNS, FLOW_TABLE_COLUMNS, Frame, Meta};
use relay::{BufferStart, Newest, NewestRequest, RelayError, Remark, now_ms};

/// Flows and all that is to be said about them.
#[derive(Debug)]
struct Collected {
    newest: Newest,
    notices: Vec<Notice>,
    custom: Map<String, Value>,
    executed: String,
}

/// A packed answer, before it is cut into pieces.
#[derive(Debug)]
pub(crate) struct PackedFlows {
    /// Newest first.
    pub(crate) messages: Vec<Bytes>,
    pub(crate) notices: Vec<Notice>,
    /// What the frontend reads of the answer, as `meta.custom` of a frame.
    pub(crate) custom: Map<String, Value>,
    /// The equivalent `hubble observe …`.
    pub(crate) executed: String,
}

/// Asks the relay and shapes its answer.
///
/// Errors: [`QueryError`], when there is nothing to show.
pub(super) async fn frames(
    instance: &Instance,
    around: &Around,
    query: &FlowsQuery,
) -> Result<Vec<Frame>, QueryError> {
    let range = TimeRange::of_ms(around.from_ms, around.to_ms);
    let collected = collect(instance, query, range).await?;
    let frame = match query.format {
        FlowsFormat::Table => decoded(collected, query.format, |columns, meta| {
            let table = frames::flow_table(columns, &columns.newest_first(), meta);
            frames::flow_links(table, &around.datasource_uid)
        }),
        FlowsFormat::Logs => decoded(collected, query.format, |columns, meta| {
            frames::flow_log(columns, &columns.newest_first(), query.limit, meta)
        }),
        FlowsFormat::Packed => packed(collected),
    };
    Ok(vec![frame])
}

/// The flows of `query` for a resource call that streams them.
///
/// Errors: [`QueryError`], when there is nothing to show.
pub(crate) async fn packed_stream(
    instance: &Instance,
    query: &FlowsQuery,
    range: TimeRange,
) -> Result<PackedFlows, QueryError> {
    let Collected { newest, notices, custom, executed } = collect(instance, query, range).await?;
    Ok(PackedFlows { messages: newest.messages, notices, custom, executed })
}

/// Batches of packed flows, packed one by one as they are asked for.
#[derive(Debug)]
pub(crate) struct Batches {
    messages: std::vec::IntoIter<Bytes>,
    encoder: Encoder,
}

impl Batches {
    /// The batches of these messages, in their order.
    pub(crate) fn new(messages: Vec<Bytes>) -> Self {
        Self { messages: messages.into_iter(), encoder: Encoder::new() }
    }
}

impl Iterator for Batches {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        for message in self.messages.by_ref() {
            // The relay's client takes no message that would be too long for a batch.
            if let Ok(Some(batch)) = self.encoder.push(&message) {
                return Some(batch);
            }
        }
        self.encoder.finish()
    }
}

/// What is read of each flow.
const fn columns(format: FlowsFormat) -> ColumnSet {
    match format {
        FlowsFormat::Table => FLOW_TABLE_COLUMNS,
        FlowsFormat::Logs => FLOW_LOG_COLUMNS,
        FlowsFormat::Packed => ColumnSet::ALL,
    }
}

async fn collect(
    instance: &Instance,
    query: &FlowsQuery,
    range: TimeRange,
) -> Result<Collected, QueryError> {
    let relay = instance.relay()?;
    let (form, of_clusters) = clusters::resolve(instance, &query.form).await;
    let selection = FlowSelection::new(&form)?;
    let now_ms = now_ms();
    let (range, mut notices) = form.selectors.narrow(range, now_ms)?;
    notices.splice(0..0, query.notices.iter().cloned().chain(of_clusters));
    let executed = executed(&selection, range);
    if range.from_nanos.div_euclid(1_000_000) > now_ms {
        notices.push(Notice::info("the time range lies in the future"));
        return Ok(Collected { newest: Newest::default(), notices, custom: Map::new(), executed });
    }
    let oldest_first = query.form.selectors.first.is_some_and(|first| first > 0);
    let request = NewestRequest {
        filters: selection.filters,
        columns: columns(query.format),
        range,
        limit: query.limit,
        oldest: oldest_first,
        now_ms,
    };
    let (newest, buffer_start) = tokio::join!(relay.newest(&request), relay.buffer_start());
    let newest = newest?;
    let broken = newest.broken.as_ref();
    let mut missing: Vec<Notice> = broken
        .map(|error| Notice::warning(format!("the answer is incomplete: {error}")))
        .into_iter()
        .chain(relay_notices(&newest.notices))
        .collect();
    missing.extend((newest.unreadable > 0).then(|| unreadable(newest.unreadable)));
    notices.extend(missing.iter().cloned());
    notices.extend(remark_notices(&newest.remarks));
    notices.extend(cut_notice(&newest, query.limit, oldest_first));
    let reaches_memory = reaches_memory(&newest, query.limit, &buffer_start);
    let Completeness { notices: lacks, mut custom, mut marks, is_lossy } =
        Completeness::of(relay, range, now_ms, &newest.lost, &buffer_start, reaches_memory).await;
    notices.extend(lacks);
    mark(&mut marks, INCOMPLETE, &missing);
    if newest.messages.is_empty() {
        let empty = empty_notice(is_lossy, !newest.notices.missing().is_empty());
        mark(&mut marks, REWORDED, empty.as_slice());
        notices.extend(empty);
    }
    custom.append(&mut marks);
    Ok(Collected { newest, notices, custom, executed })
}

/// The line that shows the same: `--until` is the last nanosecond of the range, as Hubble takes it.
pub(super) fn executed(selection: &FlowSelection, range: TimeRange) -> String {
    let time = |nanos: i64| {
        DateTime::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::AutoSi, true)
    };
    let line = format!(
        "hubble observe --since {} --until {} {}",
        time(range.from_nanos),
        time(range.to_nanos),
        selection.observe_flags
    );
    line.trim_end().to_owned()
}

pub(super) fn relay_notices(said: &RelayNotices) -> Vec<Notice> {
    let mut notices: Vec<Notice> = said
        .iter()
        .filter(|notice| !matches!(notice, RelayNotice::NodesConnected { .. }))
        .map(|notice| Notice::warning(notice.to_string()))
        .collect();
    if said.more() > 0 {
        let text = format!("{} more notices of the relay are not shown", said.more());
        notices.push(Notice::warning(text));
    }
    notices
}

/// What there is to say about how the relay was asked.
pub(crate) fn remark_notices(remarks: &[Remark]) -> impl Iterator<Item = Notice> {
    remarks.iter().map(|remark| match remark {
        Remark::LetThrough { .. } => Notice::warning(remark.to_string()),
        _ => Notice::info(remark.to_string()),
    })
}

pub(super) fn unreadable(flows: usize) -> Notice {
    Notice::warning(match flows {
        1 => "1 flow cannot be read and is left out".to_owned(),
        _ => format!("{flows} flows cannot be read and are left out"),
    })
}

fn cut_notice(newest: &Newest, limit: usize, oldest_first: bool) -> Option<Notice> {
    let shown = newest.messages.len();
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
        // Relay takes the number per node, so how many more there are is not known.
        Notice::info(format!(
            "showing the {which} {shown} flows; the time range may hold more: raise the limit or narrow the filter"
        ))
    })
}

/// Whether the answer reaches back to where Hubble's memory begins: where the limit cut earlier
/// than the buffers do, they took nothing away.
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
    shape: impl FnOnce(&FlowColumns, Meta) -> Frame,
) -> Frame {
    let Collected { newest, mut notices, custom, executed } = collected;
    let mut columns = FlowColumns::new(ColumnLimits::default());
    let mut decoder = Decoder::new(self::columns(format));
    let mut unreadable_flows = 0;
    for message in &newest.messages {
        match decoder.decode(message, &mut columns) {
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
    notices.extend(row_notices(&columns));
    let meta = Meta { executed_query_string: executed, notices, custom, ..Meta::default() };
    shape(&columns, meta)
}

/// What is to be said of rows as they stand: flows without a time, packets with two records.
fn row_notices(columns: &FlowColumns) -> Vec<Notice> {
    let timeless = columns.time_nanos().iter().filter(|time| **time == NO_TIME).count();
    let mut once = OncePerPacket::default();
    let mut rows = columns.newest_first();
    rows.reverse();
    let seconds = rows.iter().filter(|&&row| once.is_second(columns, row as usize)).count();
    let mut notices: Vec<Notice> = without_time(timeless, "last").into_iter().collect();
    if seconds > 0 {
        notices.push(Notice::info(format!(
            "{seconds} denied packets are there twice: as a policy verdict and as a drop"
        )));
    }
    notices
}

fn packed(collected: Collected) -> Frame {
    let Collected { newest, mut notices, custom, executed } = collected;
    let mut columns = FlowColumns::new(ColumnLimits::default());
    let mut decoder = Decoder::new(OncePerPacket::COLUMNS);
    for message in &newest.messages {
        // Whoever unpacks them says which cannot be read.
        let _unreadable = decoder.decode(message, &mut columns).is_err();
    }
    notices.extend(row_notices(&columns));
    let meta = Meta { executed_query_string: executed, notices, custom, ..Meta::default() };
    let flows = newest.messages.len();
    let packed: Vec<u8> = Batches::new(newest.messages).flatten().collect();
    frames::packed_flows(&packed, flows, meta)
}
