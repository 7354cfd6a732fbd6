//! Flows: what the relay still has of a time range, and everything that this leaves out.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use flow::columns::{ColumnLimits, ColumnSet, FlowColumns, NO_TIME};
use flow::once::OncePerPacket;
use hubble_api::client::{Notice as RelayNotice, Notices as RelayNotices};
use hubble_api::packed::Encoder;
use hubble_api::projection::{Decoder, ProjectionError};

use super::clusters;
use super::filter::FlowSelection;
use super::model::{FlowsFormat, FlowsQuery};
use super::rows::without_time;
use super::{Envelope, QueryError};
use crate::frames::{self, FLOW_LOG_COLUMNS, FLOW_TABLE_COLUMNS, Frame, Meta, Notice};
use crate::instance::Instance;
use crate::relay::{BufferStart, Newest, NewestRequest, RelayError, Remark};

/// Nodes that a sentence lists.
const MAX_NODES_SHOWN: usize = 5;

/// Flows and all that is to be said about them.
#[derive(Debug)]
struct Collected {
    newest: Newest,
    notices: Vec<Notice>,
    executed: String,
}

/// A packed answer, before it is cut into pieces.
#[derive(Debug)]
pub(crate) struct PackedFlows {
    /// Newest first.
    pub(crate) messages: Vec<Bytes>,
    pub(crate) notices: Vec<Notice>,
    /// The equivalent `hubble observe …`.
    pub(crate) executed: String,
}

/// Asks the relay and shapes its answer.
///
/// Errors: [`QueryError`], when there is nothing to show.
pub(super) async fn frames(
    instance: &Instance,
    envelope: &Envelope,
    query: &FlowsQuery,
) -> Result<Vec<Frame>, QueryError> {
    let collected = collect(instance, query, envelope.from_ms, envelope.to_ms).await?;
    let frame = match query.format {
        FlowsFormat::Table => decoded(collected, query.format, |columns, meta| {
            let table = frames::flow_table(columns, &columns.newest_first(), meta);
            frames::flow_links(table, &envelope.datasource_uid)
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
    from_ms: i64,
    to_ms: i64,
) -> Result<PackedFlows, QueryError> {
    let Collected { newest, notices, executed } = collect(instance, query, from_ms, to_ms).await?;
    Ok(PackedFlows { messages: newest.messages, notices, executed })
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

impl FlowsFormat {
    /// What is read of each flow.
    pub(crate) const fn columns(self) -> ColumnSet {
        match self {
            Self::Table => FLOW_TABLE_COLUMNS,
            Self::Logs => FLOW_LOG_COLUMNS,
            Self::Packed => ColumnSet::ALL,
        }
    }
}

async fn collect(
    instance: &Instance,
    query: &FlowsQuery,
    from_ms: i64,
    to_ms: i64,
) -> Result<Collected, QueryError> {
    let relay = instance.relay()?;
    let (form, of_clusters) = clusters::resolve(instance, &query.form).await;
    let selection = FlowSelection::new(&form)?;
    let now_ms = now_ms();
    let (from_ms, to_ms, mut notices) = form.selectors.narrow(from_ms, to_ms, now_ms)?;
    notices.splice(0..0, query.notices.iter().cloned().chain(of_clusters));
    let executed = executed(&selection, from_ms, to_ms);
    if from_ms > now_ms {
        notices.push(Notice::info("the time range lies in the future"));
        return Ok(Collected { newest: Newest::default(), notices, executed });
    }
    let oldest_first = query.form.selectors.first.is_some_and(|first| first > 0);
    let request = NewestRequest {
        filters: selection.filters,
        columns: query.format.columns(),
        from_ms,
        to_ms,
        limit: query.limit,
        oldest: oldest_first,
        now_ms,
    };
    let (newest, buffer_start) = tokio::join!(relay.newest(&request), relay.buffer_start());
    let newest = newest?;
    notices.extend(
        newest
            .broken
            .as_ref()
            .map(|error| Notice::warning(format!("the answer is incomplete: {error}"))),
    );
    notices.extend(relay_notices(&newest.notices));
    notices.extend(remark_notices(&newest.remarks));
    if newest.unreadable > 0 {
        notices.push(unreadable(newest.unreadable));
    }
    notices.extend(cut_notice(&newest, query.limit, oldest_first));
    notices.extend(buffer_notice(&newest, query.limit, from_ms, &buffer_start));
    Ok(Collected { newest, notices, executed })
}

pub(super) fn executed(selection: &FlowSelection, from_ms: i64, to_ms: i64) -> String {
    let time = |time_ms: i64| {
        DateTime::from_timestamp_millis(time_ms)
            .map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
            .unwrap_or_default()
    };
    let line = format!(
        "hubble observe --since {} --until {} {}",
        time(from_ms),
        time(to_ms),
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
    Notice::warning(format!("{flows} flows cannot be read and are left out"))
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

/// Says where Hubble's memory begins, when the answer would reach further back than that.
fn buffer_notice(
    newest: &Newest,
    limit: usize,
    from_ms: i64,
    buffer_start: &Result<Option<BufferStart>, RelayError>,
) -> Option<Notice> {
    // Where the limit cut earlier than the buffers do, the buffers took nothing away.
    let was_cut = newest.matched >= limit || newest.cut_by_bytes > 0;
    if let Ok(Some(start)) = buffer_start
        && let Some((_, complete_since_nanos)) = start.complete_since()
        && was_cut
        && newest.oldest_nanos.is_some_and(|oldest| oldest >= complete_since_nanos)
    {
        return None;
    }
    buffer_start_notice(from_ms, buffer_start)
}

/// Says where Hubble's memory begins, when that is after `from_ms`.
pub(super) fn buffer_start_notice(
    from_ms: i64,
    buffer_start: &Result<Option<BufferStart>, RelayError>,
) -> Option<Notice> {
    let start = match buffer_start {
        Ok(Some(start)) => start,
        Ok(None) => return Some(cannot_tell_start("the relay did not say in time")),
        Err(error) => return Some(cannot_tell_start(&error.to_string())),
    };
    let (last_node, complete_since_nanos) = start.complete_since()?;
    let from_nanos = from_ms.saturating_mul(1_000_000);
    if from_nanos >= complete_since_nanos {
        return None;
    }
    let complete_since = time_text(complete_since_nanos);
    let text = match start.oldest_nanos() {
        Some(oldest_nanos) if start.nodes() > 1 => format!(
            "Hubble's buffers begin at {} and are complete from {complete_since} on (node `{last_node}`); \
             earlier flows of the time range are gone{}",
            time_text(oldest_nanos),
            by_node(start)
        ),
        _ => format!(
            "Hubble's buffer begins at {complete_since} (node `{last_node}`); earlier flows of the time range are gone"
        ),
    };
    Some(Notice::info(text))
}

/// Where each buffer begins, those first that begin last; two are told of already.
fn by_node(start: &BufferStart) -> String {
    let nodes = start.latest();
    if nodes.len() <= 2 {
        return String::new();
    }
    let shown: Vec<String> = nodes
        .iter()
        .take(MAX_NODES_SHOWN)
        .map(|(node_name, oldest_nanos)| format!("`{node_name}` {}", time_text(*oldest_nanos)))
        .collect();
    let more = match nodes.len().saturating_sub(MAX_NODES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; by node: {}{more}", shown.join(", "))
}

fn cannot_tell_start(reason: &str) -> Notice {
    Notice::info(format!("cannot tell where Hubble's buffers begin: {reason}"))
}

/// Milliseconds and the zone: dashboards show local time, and this is not.
pub(crate) fn time_text(time_nanos: i64) -> String {
    DateTime::from_timestamp_nanos(time_nanos).format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string()
}

fn decoded(
    collected: Collected,
    format: FlowsFormat,
    shape: impl FnOnce(&FlowColumns, Meta) -> Frame,
) -> Frame {
    let Collected { newest, mut notices, executed } = collected;
    let mut columns = FlowColumns::new(ColumnLimits::default());
    let mut decoder = Decoder::new(format.columns());
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
    let meta = Meta { executed_query_string: executed, notices, ..Meta::default() };
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
    let Collected { newest, mut notices, executed } = collected;
    let mut columns = FlowColumns::new(ColumnLimits::default());
    let mut decoder = Decoder::new(OncePerPacket::COLUMNS);
    for message in &newest.messages {
        // Whoever unpacks them says which cannot be read.
        let _unreadable = decoder.decode(message, &mut columns).is_err();
    }
    notices.extend(row_notices(&columns));
    let meta = Meta { executed_query_string: executed, notices, ..Meta::default() };
    let flows = newest.messages.len();
    let packed: Vec<u8> = Batches::new(newest.messages).flatten().collect();
    frames::packed_flows(&packed, flows, meta)
}

/// The clock, in Unix milliseconds.
pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
