//! The newest flows of a time range, newest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bytes::Bytes;
use flow::Timestamp;
use flow::columns::{Column, ColumnSet, FlowColumns, NO_TIME};
use flow::filter::FilterSet;
use futures_util::StreamExt;
use hubble_api::client::{FlowMessage, FlowRequest, Notices};
use hubble_api::projection::{Decoder, Envelope};

use super::{Relay, RelayError};

/// A range that ends this close to now is open: flows keep coming while a dashboard asks.
const OPEN_END_MS: i64 = 10_000;

/// Bytes of flows that are held for one answer: 50,000 flows of a kilobyte and some room.
const MAX_HELD_BYTES: usize = 128 << 20;

/// Which flows to collect.
#[derive(Debug, Clone)]
pub(crate) struct NewestRequest {
    pub(crate) filters: FilterSet,
    /// Unix milliseconds, inclusive.
    pub(crate) from_ms: i64,
    /// Unix milliseconds, inclusive.
    pub(crate) to_ms: i64,
    pub(crate) limit: usize,
    /// Keep the oldest flows instead of the newest.
    pub(crate) oldest: bool,
    pub(crate) now_ms: i64,
}

/// What was collected.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    /// `GetFlowsResponse` messages as they came, newest first.
    pub(crate) messages: Vec<Bytes>,
    /// Flows of the range that came, those included that found no room.
    pub(crate) matched: usize,
    /// Whether every node was asked for all of its flows in the range, so that `matched` is all
    /// there is.
    pub(crate) matched_is_all: bool,
    /// Flows that were left out because of their size, not their number.
    pub(crate) cut_by_bytes: usize,
    /// Flows whose message cannot be read.
    pub(crate) unreadable: usize,
    /// What the relay says about itself.
    pub(crate) notices: Notices,
    /// Why the stream ended early, if it did and something had come before.
    pub(crate) broken: Option<RelayError>,
    /// Time of the oldest flow in `messages`, in Unix nanoseconds.
    pub(crate) oldest_nanos: Option<i64>,
}

/// What is read of every flow, whatever becomes of it.
pub(super) struct Head {
    pub(super) time_nanos: i64,
    pub(super) node_name: String,
}

impl Head {
    /// `None`: the message cannot be read.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let envelope = Envelope::read(message).ok()?;
        Some(Self {
            time_nanos: time_nanos(message, envelope.time)?,
            node_name: String::from_utf8_lossy(envelope.node_name).into_owned(),
        })
    }
}

/// The time of a flow: the message's, else, of old nodes, that inside of the flow.
fn time_nanos(message: &[u8], envelope_time: Option<Timestamp>) -> Option<i64> {
    if let Some(time) = envelope_time {
        return Some(time.unix_nanos().unwrap_or(NO_TIME));
    }
    let mut columns = FlowColumns::default();
    Decoder::new(ColumnSet::of(&[Column::TimeNanos])).decode(message, &mut columns).ok()?;
    Some(columns.time_nanos().first().copied().unwrap_or(NO_TIME))
}

/// The newest (or oldest) messages so far, the next to go on top.
struct Held {
    /// Whether the newest go first.
    oldest: bool,
    /// Time, then order of arrival turned round: of flows of one time the first came is newest.
    heap: BinaryHeap<Reverse<(i64, Reverse<usize>, Bytes)>>,
    bytes: usize,
}

impl Held {
    fn new(oldest: bool) -> Self {
        Self { oldest, heap: BinaryHeap::new(), bytes: 0 }
    }

    fn key(&self, time_nanos: i64) -> i64 {
        // All ones and no sign: the order turned round, without an overflow.
        if self.oldest { !time_nanos } else { time_nanos }
    }

    fn push(&mut self, time_nanos: i64, arrival: usize, message: &[u8]) {
        self.bytes += message.len();
        // A copy, so that a small message does not hold the large buffer that it came in.
        let message = Bytes::copy_from_slice(message);
        self.heap.push(Reverse((self.key(time_nanos), Reverse(arrival), message)));
    }

    fn pop_next(&mut self) {
        if let Some(Reverse((_, _, message))) = self.heap.pop() {
            self.bytes -= message.len();
        }
    }

    /// Whether a flow of this time would be the next to go anyway.
    fn is_next(&self, time_nanos: i64) -> bool {
        self.heap.peek().is_some_and(|Reverse((next, _, _))| self.key(time_nanos) < *next)
    }
}

impl Relay {
    /// Collects. A range that is still open is asked for as the last `limit` flows of each node;
    /// a past one in whole, since a relay counts back from now and would not reach it.
    ///
    /// Errors: [`RelayError`] when nothing came; what came before an error is kept.
    pub(crate) async fn newest(&self, request: &NewestRequest) -> Result<Newest, RelayError> {
        let open_end = request.to_ms >= request.now_ms.saturating_sub(OPEN_END_MS);
        let since_nanos = request.from_ms.saturating_mul(1_000_000);
        let until_nanos = request.to_ms.saturating_mul(1_000_000).saturating_add(999_999);
        let filters = request.filters.clone();
        let asked = if open_end && !request.oldest {
            let number = u64::try_from(request.limit).unwrap_or(u64::MAX);
            FlowRequest { number, filters, ..FlowRequest::default() }
        } else {
            FlowRequest {
                since: Some(Timestamp::from_unix_nanos(since_nanos)),
                until: Some(Timestamp::from_unix_nanos(until_nanos)),
                filters,
                ..FlowRequest::default()
            }
        };
        let mut newest = Newest::default();
        let mut held = Held::new(request.oldest);
        let mut stream = self.client.get_flows(asked);
        while let Some(message) = stream.next().await {
            let message = match message {
                Ok(FlowMessage::Flow(message)) => message,
                Ok(FlowMessage::Notice(notice)) => {
                    newest.notices.add(notice);
                    continue;
                }
                Err(error) => {
                    newest.broken = Some(error.into());
                    break;
                }
            };
            let time =
                Envelope::read(&message).ok().and_then(|head| time_nanos(&message, head.time));
            let Some(time_nanos) = time else {
                newest.unreadable += 1;
                continue;
            };
            let too_late = !open_end && time_nanos > until_nanos;
            if time_nanos != NO_TIME && (time_nanos < since_nanos || too_late) {
                continue;
            }
            newest.matched += 1;
            if held.heap.len() >= request.limit {
                if held.is_next(time_nanos) {
                    continue;
                }
                held.pop_next();
            }
            held.push(time_nanos, newest.matched, &message);
            while held.bytes > MAX_HELD_BYTES {
                held.pop_next();
                newest.cut_by_bytes += 1;
            }
        }
        // Fewer than asked for: then no node had more of them.
        newest.matched_is_all = newest.broken.is_none()
            && (!open_end || request.oldest || newest.matched < request.limit);
        match newest.broken.take() {
            Some(error) if newest.matched == 0 => return Err(error),
            broken => newest.broken = broken,
        }
        // By `Reverse`: the newest comes first, or the oldest of the oldest.
        let mut sorted = held.heap.into_sorted_vec();
        if request.oldest {
            sorted.reverse();
        }
        newest.oldest_nanos =
            sorted.last().map(|Reverse((key, _, _))| if request.oldest { !*key } else { *key });
        newest.messages = sorted.into_iter().map(|Reverse((_, _, message))| message).collect();
        Ok(newest)
    }
}
