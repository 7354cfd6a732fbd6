//! The newest flows of a time range, newest first.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use budget::{Caller, Held, OutOfMemory};
use flow::TimeRange;
use flow::Timestamp;
use flow::columns::{ColumnSet, NO_TIME};
use flow::filter::{FilterSet, PreparedFilters};
use futures_util::StreamExt;
use hubble_api::client::{FlowMessage, FlowRequest, RelayNotices, WireFlow};

use crate::clock::time_nanos;
use crate::sent::SentFlows;
use crate::{CountedOver, LostEvents, Plan, PlanNotice, Relay, RelayError};

/// Distance of a range's end from now, below which it counts as open: flows keep arriving while a
/// dashboard loads.
const OPEN_END_NANOS: i64 = 10_000_000_000;

/// Maximum size of the flows collected at once, in bytes: 100,000 flows of one and a half kilobytes,
/// as nodes with many labels send them, and some room.
const MAX_KEPT_BYTES: usize = 192 << 20;

/// Minimum number of nodes at which each is first asked only for its share of the limit.
const MIN_NODES_TO_SHARE: usize = 3;
/// Factor on a node's share of the limit, since some nodes have more flows than others.
const SHARES: usize = 4;
/// Minimum number of flows requested from a node.
const MIN_SHARE: usize = 50;
/// Maximum number of nodes that are counted separately.
const MAX_NODES: usize = 10_000;

/// The flows to collect.
#[derive(Debug, Clone)]
pub struct NewestRequest {
    /// Selected flows.
    pub filters: Arc<PreparedFilters>,
    /// Columns to read of each flow; nodes need not send the rest.
    pub columns: ColumnSet,
    /// Time range.
    pub range: TimeRange,
    /// Maximum number of flows.
    pub limit: usize,
    /// Whether to keep the oldest flows instead of the newest.
    pub oldest: bool,
    /// The time now, in Unix milliseconds.
    pub now_ms: i64,
    /// The caller, on whose account the flows are collected.
    pub caller: Caller,
}

/// What must be equal for two requests to be one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct NewestKey {
    filters: FilterSet,
    columns: ColumnSet,
    range: (i64, i64),
    limit: usize,
    oldest: bool,
    caller: Caller,
}

/// Flows for all who asked for them.
#[derive(Debug, Clone)]
pub(crate) struct Collected {
    newest: Newest,
    held: Arc<Held>,
}

/// The flows that were collected.
#[derive(Debug, Clone, Default)]
pub struct Newest {
    /// The flows as received, newest first.
    pub flows: Vec<WireFlow>,
    /// Number of flows of the range that were received, including those that did not fit.
    pub matched: usize,
    /// Whether every node sent all of its flows in the range, so that `matched` is the total.
    pub matched_is_all: bool,
    /// Number of flows that were left out because of their size, not their number.
    pub cut_by_bytes: usize,
    /// Number of unreadable messages.
    pub unreadable: usize,
    /// The relay's messages about itself and its nodes.
    pub notices: RelayNotices,
    /// Lost events of the range.
    pub lost: LostEvents,
    /// Notices about the plan.
    pub plan_notices: Vec<PlanNotice>,
    /// The error that ended the stream early, after some flows.
    pub broken: Option<RelayError>,
    /// Time of the oldest flow in `flows`, in Unix nanoseconds.
    pub oldest_nanos: Option<i64>,
}

/// Answer of each node: the number of its flows, and the time of its oldest.
#[derive(Default)]
pub(crate) struct NodeAnswers {
    pub(crate) nodes: BTreeMap<Vec<u8>, (u64, i64)>,
    /// Number of flows after the range's end. They happened during the request and count towards a
    /// node's number.
    too_late: u64,
}

/// One request to the relay, and what is kept of its answer.
pub(crate) struct Ask<'a> {
    pub(crate) request: FlowRequest,
    /// The range of the flows to keep.
    pub(crate) range: TimeRange,
    /// Maximum number of flows.
    pub(crate) limit: usize,
    /// Whether the oldest flows are kept instead of the newest.
    pub(crate) oldest: bool,
    /// Flows that an earlier slice holds already.
    pub(crate) sent: Option<&'a mut SentFlows>,
}

/// The outcome of one request to the relay.
pub(crate) enum RequestOutcome {
    Answered { newest: Box<Newest>, kept: NewestHeap, by_node: NodeAnswers },
    MaskRefused,
    OutOfMemory(OutOfMemory),
}

/// Heap of the newest (or oldest) messages so far, with the next to be dropped on top.
pub(crate) struct NewestHeap {
    /// Whether the oldest flows are kept instead of the newest.
    oldest: bool,
    heap: BinaryHeap<Reverse<KeptFlow>>,
    bytes: usize,
}

/// Size of a flow in the heap beside its message, in bytes.
const KEPT_BYTES: usize = size_of::<KeptFlow>();

/// A flow in the heap, ordered by `key`.
struct KeptFlow {
    /// Time, then reversed order of arrival: of flows with the same time the first counts as the
    /// newest.
    key: (i64, Reverse<usize>),
    flow: WireFlow,
}

impl PartialEq for KeptFlow {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for KeptFlow {}

impl PartialOrd for KeptFlow {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for KeptFlow {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl NewestHeap {
    fn new(oldest: bool) -> Self {
        Self { oldest, heap: BinaryHeap::new(), bytes: 0 }
    }

    fn key(&self, time_nanos: i64) -> i64 {
        // Inverting all bits reverses the order without an overflow.
        if self.oldest { !time_nanos } else { time_nanos }
    }

    fn push(&mut self, time_nanos: i64, arrival: usize, flow: &WireFlow) {
        self.bytes += KEPT_BYTES + flow.message().len();
        let key = (self.key(time_nanos), Reverse(arrival));
        self.heap.push(Reverse(KeptFlow { key, flow: flow.compacted() }));
    }

    /// The flows with their times, newest first, or the oldest of the oldest.
    pub(crate) fn into_flows(self) -> impl Iterator<Item = (i64, WireFlow)> {
        // `Reverse` puts the newest first. Flows mostly arrive in order, which a full sort exploits
        // and a heap does not.
        let mut sorted = self.heap.into_vec();
        sorted.sort_unstable();
        if self.oldest {
            sorted.reverse();
        }
        let nanos = move |key: i64| if self.oldest { !key } else { key };
        sorted.into_iter().map(move |Reverse(kept)| (nanos(kept.key.0), kept.flow))
    }

    /// Time of the flow that would be dropped next.
    pub(crate) fn oldest_nanos(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse(next)| if self.oldest { !next.key.0 } else { next.key.0 })
    }

    /// Number of flows.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    fn pop_next(&mut self) {
        if let Some(Reverse(next)) = self.heap.pop() {
            self.bytes -= KEPT_BYTES + next.flow.message().len();
        }
    }

    /// Whether a flow of this time would be dropped next.
    fn is_next(&self, time_nanos: i64) -> bool {
        self.heap.peek().is_some_and(|Reverse(next)| self.key(time_nanos) < next.key.0)
    }
}

impl NodeAnswers {
    fn add(&mut self, node_name: &[u8], time_nanos: i64) {
        if let Some((flows, oldest)) = self.nodes.get_mut(node_name) {
            *flows += 1;
            if time_nanos != NO_TIME {
                *oldest = time_nanos.min(*oldest);
            }
        } else if self.nodes.len() < MAX_NODES {
            let oldest = if time_nanos == NO_TIME { i64::MAX } else { time_nanos };
            self.nodes.insert(node_name.to_vec(), (1, oldest));
        }
    }

    /// Whether no node had more flows than the requested `number`.
    fn is_all(&self, number: u64) -> bool {
        self.nodes.len() < MAX_NODES && self.nodes.values().all(|(flows, _)| *flows < number)
    }

    /// The nodes that stopped at `number` within the range, and the part of the range that was
    /// read.
    fn read_in_part<'n>(
        &'n self,
        number: u64,
        request: &'n NewestRequest,
    ) -> impl Iterator<Item = (String, CountedOver)> + 'n {
        let full = self.nodes.iter().filter(move |(_, (flows, _))| *flows >= number);
        full.filter_map(|(node_name, (_, oldest_nanos))| {
            let over = match request.counts_back() {
                true if *oldest_nanos <= request.range.from_nanos => return None,
                true if *oldest_nanos <= request.range.to_nanos => {
                    CountedOver::Since(*oldest_nanos)
                }
                _ => CountedOver::Part,
            };
            Some((String::from_utf8_lossy(node_name).into_owned(), over))
        })
    }

    /// The time from which on every flow was received, if each node sent `number` at most; the
    /// beginning of time if all nodes sent everything.
    pub(crate) fn complete_since(&self, number: u64) -> i64 {
        let full = self.nodes.values().filter(|(flows, _)| *flows >= number);
        let complete_since = full.map(|(_, oldest)| *oldest).max();
        // Nodes beyond the maximum are not counted, so they may be incomplete.
        if self.nodes.len() < MAX_NODES { complete_since.unwrap_or(i64::MIN) } else { i64::MAX }
    }
}

impl NewestKey {
    fn of(request: &NewestRequest) -> Self {
        let NewestRequest { filters, columns, range, limit, oldest, now_ms: _, caller } = request;
        Self {
            filters: filters.set().clone(),
            columns: *columns,
            range: (range.from_nanos, range.to_nanos),
            limit: *limit,
            oldest: *oldest,
            caller: *caller,
        }
    }
}

impl NewestRequest {
    /// Whether flows may still arrive at the range's end.
    fn has_open_end(&self) -> bool {
        let now_nanos = self.now_ms.saturating_mul(1_000_000);
        self.range.to_nanos >= now_nanos.saturating_sub(OPEN_END_NANOS)
    }

    /// Whether nodes count back from now.
    pub(crate) fn counts_back(&self) -> bool {
        self.has_open_end() && !self.oldest
    }

    /// The number to request from each node first; 0: all of the range.
    fn first_number(&self, plan: &Plan) -> u64 {
        let is_counted = plan.is_exact() && (self.oldest || self.has_open_end());
        if !is_counted {
            return 0;
        }
        let share = if self.counts_back() && plan.nodes >= MIN_NODES_TO_SHARE {
            (self.limit.saturating_mul(SHARES) / plan.nodes).max(MIN_SHARE)
        } else {
            self.limit
        };
        u64::try_from(share.min(self.limit)).unwrap_or(u64::MAX)
    }

    /// A request for `number` flows of each node; 0: all of the range.
    fn counted(&self, plan: &Plan, number: u64) -> FlowRequest {
        if self.counts_back() && number > 0 {
            return FlowRequest { number, ..plan.request() };
        }
        FlowRequest { number, ..requested(plan, self.range) }
    }

    /// The number to request from each node after an answer that lacks some of the newest flows.
    /// `None`: the answer is complete.
    fn next_number(
        &self,
        number: u64,
        kept: &NewestHeap,
        by_node: &NodeAnswers,
        plan: &Plan,
    ) -> Option<u64> {
        if number == 0 {
            return None;
        }
        if plan.has_left_out() && kept.heap.len() < self.limit {
            // Some of the number were flows that the filters exclude.
            return Some(0);
        }
        let limit = u64::try_from(self.limit).unwrap_or(u64::MAX);
        if number >= limit && by_node.too_late == 0 {
            return None;
        }
        let complete_since = by_node.complete_since(number);
        let oldest_kept = kept.heap.peek().map_or(i64::MAX, |Reverse(oldest)| oldest.key.0);
        let is_full = kept.heap.len() >= self.limit && oldest_kept >= complete_since;
        let next = if number < limit { limit } else { 0 };
        (!is_full && complete_since > self.range.from_nanos).then_some(next)
    }
}

/// A request for all flows of a range.
pub(crate) fn requested(plan: &Plan, range: TimeRange) -> FlowRequest {
    FlowRequest {
        since: Some(Timestamp::from_unix_nanos(range.from_nanos)),
        until: Some(Timestamp::from_unix_nanos(range.to_nanos)),
        ..plan.request()
    }
}

impl Relay {
    /// Collects flows.
    ///
    /// - An open range is requested as the last flows of each node: first a few times a node's
    ///   share of the limit, which nearly always holds the newest of all, then the whole limit.
    /// - A past range is requested whole, since a node counts back from now and would not reach it.
    /// - The oldest flows of a range are counted from its start.
    ///
    /// Equal requests of one moment are one. `held` grows by the size of the flows.
    ///
    /// Errors: [`RelayError`] if nothing came or no node answered; flows that came before an error
    /// are kept.
    #[tracing::instrument(level = "debug", name = "relay scan", skip_all, fields(otel.kind = "client"))]
    pub async fn newest(
        self: &Arc<Self>,
        request: &NewestRequest,
        held: &mut Held,
    ) -> Result<Newest, RelayError> {
        let (relay, shared) = (self.clone(), request.clone());
        let mut own = held.another();
        let collect = Box::pin(async move {
            let newest = relay.collect(&shared, &mut own).await?;
            Ok(Collected { newest, held: Arc::new(own) })
        });
        let collected = self.newest.join(NewestKey::of(request), collect);
        let Collected { newest, held: shared } = collected.await?;
        let bytes = shared.bytes();
        // The last of those who share gives the bytes back before it takes them.
        drop(shared);
        held.grow(bytes)?;
        Ok(newest)
    }

    async fn collect(
        &self,
        request: &NewestRequest,
        held: &mut Held,
    ) -> Result<Newest, RelayError> {
        let mut plan = self.plan(&request.filters, request.columns).await?;
        let permit = self.gate.enter(request.caller).await?;
        let held_before = held.bytes();
        let mut number = request.first_number(&plan);
        let (mut newest, kept, by_node) = loop {
            held.set(held_before)?;
            let ask = Ask {
                request: request.counted(&plan, number),
                range: request.range,
                limit: request.limit,
                oldest: request.oldest,
                sent: None,
            };
            match self.ask_newest(ask, &mut plan, held).await {
                RequestOutcome::OutOfMemory(error) => return Err(error.into()),
                RequestOutcome::MaskRefused => plan = plan.unmasked(),
                RequestOutcome::Answered { newest, kept, by_node } => {
                    let next = request.next_number(number, &kept, &by_node, &plan);
                    match next.filter(|_| newest.broken.is_none() && newest.cut_by_bytes == 0) {
                        Some(next) => {
                            number = next;
                            plan.begin_again();
                        }
                        None => break (*newest, kept, by_node),
                    }
                }
            }
        };
        drop(permit);
        // Every node sent fewer than requested, so none has more.
        let is_all = number == 0 || by_node.is_all(number);
        newest.matched_is_all = newest.broken.is_none() && is_all;
        if newest.broken.is_some() || by_node.nodes.len() >= MAX_NODES {
            newest.lost.read_in_part();
        } else if number > 0 {
            for (node_name, over) in by_node.read_in_part(number, request) {
                newest.lost.read_over(node_name, over);
            }
        }
        match newest.broken.take() {
            Some(error) if newest.matched == 0 => return Err(error),
            broken => newest.broken = broken,
        }
        if newest.broken.is_none() && by_node.nodes.is_empty() {
            self.check_answered(&newest.notices).await?;
        }
        newest.plan_notices = plan.into_notices();
        newest.flows.reserve(kept.len());
        for (time_nanos, flow) in kept.into_flows() {
            newest.oldest_nanos = Some(time_nanos);
            newest.flows.push(flow);
        }
        Ok(newest)
    }

    /// Sends one request and keeps the flows of its answer.
    pub(crate) async fn ask_newest(
        &self,
        ask: Ask<'_>,
        plan: &mut Plan,
        held: &mut Held,
    ) -> RequestOutcome {
        let held_before = held.bytes();
        let Ask { request, range, limit, oldest, mut sent } = ask;
        let TimeRange { from_nanos, to_nanos } = range;
        let mut newest = Newest::default();
        let mut kept = NewestHeap::new(oldest);
        let mut by_node = NodeAnswers::default();
        let mut stream = self.client.get_flows(request);
        while let Some(message) = stream.next().await {
            let flow = match message {
                Ok(FlowMessage::Flow(flow)) => flow,
                Ok(FlowMessage::Notice(notice)) => {
                    if plan.is_mask_refused(self, &notice) {
                        return RequestOutcome::MaskRefused;
                    }
                    if !newest.lost.take(&notice, range) {
                        newest.notices.add(notice);
                    }
                    continue;
                }
                Err(error) if plan.is_mask_refused_by(self, &error) => {
                    return RequestOutcome::MaskRefused;
                }
                Err(error) => {
                    newest.broken = Some(error.into());
                    break;
                }
            };
            let Some(time_nanos) = time_nanos(&flow) else {
                newest.unreadable += 1;
                continue;
            };
            by_node.add(flow.node_name(), time_nanos);
            if time_nanos != NO_TIME && time_nanos > to_nanos {
                by_node.too_late += 1;
                continue;
            }
            if time_nanos != NO_TIME && time_nanos < from_nanos {
                continue;
            }
            if !plan.passes(&flow) {
                continue;
            }
            if let Some(sent) = &mut sent
                && sent.holds(&flow)
            {
                continue;
            }
            newest.matched += 1;
            if kept.heap.len() >= limit {
                if kept.is_next(time_nanos) {
                    continue;
                }
                kept.pop_next();
            }
            kept.push(time_nanos, newest.matched, &flow);
            while kept.bytes > MAX_KEPT_BYTES {
                kept.pop_next();
                newest.cut_by_bytes += 1;
            }
            if let Err(error) = held.set(held_before.saturating_add(kept.bytes)) {
                return RequestOutcome::OutOfMemory(error);
            }
        }
        RequestOutcome::Answered { newest: Box::new(newest), kept, by_node }
    }
}
