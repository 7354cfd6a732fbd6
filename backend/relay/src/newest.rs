//! The newest flows of a time range, newest first.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

use flow::TimeRange;
use flow::Timestamp;
use flow::columns::{ColumnSet, NO_TIME};
use flow::filter::FilterSet;
use futures_util::StreamExt;
use hubble_api::client::{FlowMessage, FlowRequest, RelayNotices, WireFlow};

use crate::clock::time_nanos;
use crate::{CountedOver, LostEvents, Plan, Relay, RelayError, Remark};

/// A range that ends this close to now is open: flows keep coming while a dashboard asks.
const OPEN_END_NANOS: i64 = 10_000_000_000;

/// Bytes of flows that are held for one answer: 100,000 flows of a kilobyte and some room.
const MAX_HELD_BYTES: usize = 128 << 20;

/// Nodes from which on each is first asked for its share of the limit alone.
const MIN_NODES_TO_SHARE: usize = 3;
/// How many times its share of the limit a node is asked for: some have more to tell than others.
const SHARES: usize = 4;
/// The least that a node is asked for.
const MIN_SHARE: usize = 50;
/// Nodes whose answers are counted one by one.
const MAX_NODES: usize = 10_000;

/// Which flows to collect.
#[derive(Debug, Clone)]
pub struct NewestRequest {
    /// Which flows.
    pub filters: FilterSet,
    /// What is read of each flow; the rest need not be sent.
    pub columns: ColumnSet,
    /// When they happened.
    pub range: TimeRange,
    /// Flows at most.
    pub limit: usize,
    /// Keep the oldest flows instead of the newest.
    pub oldest: bool,
    /// The time now, in Unix milliseconds.
    pub now_ms: i64,
}

/// What was collected.
#[derive(Debug, Default)]
pub struct Newest {
    /// The flows as they came, newest first.
    pub flows: Vec<WireFlow>,
    /// Flows of the range that came, those included that found no room.
    pub matched: usize,
    /// Whether every node was asked for all of its flows in the range, so that `matched` is all
    /// there is.
    pub matched_is_all: bool,
    /// Flows that were left out because of their size, not their number.
    pub cut_by_bytes: usize,
    /// Flows whose message cannot be read.
    pub unreadable: usize,
    /// What the relay says about itself.
    pub notices: RelayNotices,
    /// Events of the range that were lost.
    pub lost: LostEvents,
    /// What there is to say about how it was asked.
    pub remarks: Vec<Remark>,
    /// Why the stream ended early, if it did and something had come before.
    pub broken: Option<RelayError>,
    /// Time of the oldest flow in `flows`, in Unix nanoseconds.
    pub oldest_nanos: Option<i64>,
}

/// What each node answered: how many flows, and the time of the oldest.
#[derive(Default)]
struct ByNode {
    nodes: BTreeMap<Vec<u8>, (u64, i64)>,
    /// Flows after the range: they came while it was asked, and are of a node's number.
    too_late: u64,
}

/// What one request to the relay came to.
enum Round {
    Answered { newest: Box<Newest>, held: Held, by_node: ByNode },
    MaskRefused,
}

/// The newest (or oldest) messages so far, the next to go on top.
struct Held {
    /// Whether the newest go first.
    oldest: bool,
    heap: BinaryHeap<Reverse<HeldFlow>>,
    bytes: usize,
}

/// A flow that is held, in the order of `key`.
struct HeldFlow {
    /// Time, then order of arrival turned round: of flows of one time the first came is newest.
    key: (i64, Reverse<usize>),
    flow: WireFlow,
}

impl PartialEq for HeldFlow {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for HeldFlow {}

impl PartialOrd for HeldFlow {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for HeldFlow {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl Held {
    fn new(oldest: bool) -> Self {
        Self { oldest, heap: BinaryHeap::new(), bytes: 0 }
    }

    fn key(&self, time_nanos: i64) -> i64 {
        // All ones and no sign: the order turned round, without an overflow.
        if self.oldest { !time_nanos } else { time_nanos }
    }

    fn push(&mut self, time_nanos: i64, arrival: usize, flow: &WireFlow) {
        self.bytes += flow.message().len();
        let key = (self.key(time_nanos), Reverse(arrival));
        self.heap.push(Reverse(HeldFlow { key, flow: flow.compacted() }));
    }

    fn pop_next(&mut self) {
        if let Some(Reverse(next)) = self.heap.pop() {
            self.bytes -= next.flow.message().len();
        }
    }

    /// Whether a flow of this time would be the next to go anyway.
    fn is_next(&self, time_nanos: i64) -> bool {
        self.heap.peek().is_some_and(|Reverse(next)| self.key(time_nanos) < next.key.0)
    }
}

impl ByNode {
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

    /// Whether no node had more to tell than the `number` that it answers at most.
    fn is_all(&self, number: u64) -> bool {
        self.nodes.len() < MAX_NODES && self.nodes.values().all(|(flows, _)| *flows < number)
    }

    /// The nodes that stopped at `number` within the range, and which part of it they were read
    /// through.
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

    /// From when on every flow that there is has come, where each node answered `number` at most;
    /// the beginning of time where no node had more.
    fn complete_since(&self, number: u64) -> i64 {
        let full = self.nodes.values().filter(|(flows, _)| *flows >= number);
        let complete_since = full.map(|(_, oldest)| *oldest).max();
        // Nodes that are not counted one by one are not known to be complete.
        if self.nodes.len() < MAX_NODES { complete_since.unwrap_or(i64::MIN) } else { i64::MAX }
    }
}

impl NewestRequest {
    /// Whether flows keep coming at its end.
    fn has_open_end(&self) -> bool {
        let now_nanos = self.now_ms.saturating_mul(1_000_000);
        self.range.to_nanos >= now_nanos.saturating_sub(OPEN_END_NANOS)
    }

    /// Whether a node counts back from now to what is asked for.
    fn counts_back(&self) -> bool {
        self.has_open_end() && !self.oldest
    }

    /// How many flows each node is asked for first; 0: all of the range.
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

    /// How many flows each node is to be asked for after an answer that does not hold all of the
    /// newest; `None`: it does.
    fn next_number(&self, number: u64, held: &Held, by_node: &ByNode, plan: &Plan) -> Option<u64> {
        if number == 0 {
            return None;
        }
        if plan.has_left_out() && held.heap.len() < self.limit {
            // Some of the number were flows that the filters exclude.
            return Some(0);
        }
        let limit = u64::try_from(self.limit).unwrap_or(u64::MAX);
        if number >= limit && by_node.too_late == 0 {
            return None;
        }
        let complete_since = by_node.complete_since(number);
        let oldest_held = held.heap.peek().map_or(i64::MAX, |Reverse(oldest)| oldest.key.0);
        let is_full = held.heap.len() >= self.limit && oldest_held >= complete_since;
        let next = if number < limit { limit } else { 0 };
        (!is_full && complete_since > self.range.from_nanos).then_some(next)
    }
}

impl Relay {
    /// Collects. A range that is still open is asked for as the last flows of each node: first
    /// each for a few times its share of the limit, which nearly always holds the newest of all,
    /// then for the whole limit. A past range is asked for in whole, since a node counts back from
    /// now and would not reach it; the oldest of a range are counted from its beginning.
    ///
    /// Errors: [`RelayError`] when nothing came, or no node answered; what came before an error is
    /// kept.
    pub async fn newest(&self, request: &NewestRequest) -> Result<Newest, RelayError> {
        let mut plan = self.plan(&request.filters, request.columns).await?;
        let mut number = request.first_number(&plan);
        let (mut newest, held, by_node) = loop {
            match self.newest_once(request, &mut plan, number).await {
                Round::MaskRefused => plan = plan.unmasked(),
                Round::Answered { newest, held, by_node } => {
                    let next = request.next_number(number, &held, &by_node, &plan);
                    match next.filter(|_| newest.broken.is_none() && newest.cut_by_bytes == 0) {
                        Some(next) => {
                            number = next;
                            plan.begin_again();
                        }
                        None => break (*newest, held, by_node),
                    }
                }
            }
        };
        // Fewer than asked for from each node: then none had more of them.
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
        newest.remarks = plan.into_remarks();
        // By `Reverse`: the newest comes first, or the oldest of the oldest. Flows mostly came in
        // order, which a sort of the whole sees and a heap does not.
        let mut sorted = held.heap.into_vec();
        sorted.sort_unstable();
        if request.oldest {
            sorted.reverse();
        }
        let nanos = |key: i64| if request.oldest { !key } else { key };
        newest.oldest_nanos = sorted.last().map(|Reverse(last)| nanos(last.key.0));
        newest.flows = sorted.into_iter().map(|Reverse(held)| held.flow).collect();
        Ok(newest)
    }

    async fn newest_once(&self, request: &NewestRequest, plan: &mut Plan, number: u64) -> Round {
        let TimeRange { from_nanos, to_nanos } = request.range;
        let asked = if request.counts_back() && number > 0 {
            FlowRequest { number, ..plan.request() }
        } else {
            FlowRequest {
                number,
                since: Some(Timestamp::from_unix_nanos(from_nanos)),
                until: Some(Timestamp::from_unix_nanos(to_nanos)),
                ..plan.request()
            }
        };
        let mut newest = Newest::default();
        let mut held = Held::new(request.oldest);
        let mut by_node = ByNode::default();
        let mut stream = self.client.get_flows(asked);
        while let Some(message) = stream.next().await {
            let flow = match message {
                Ok(FlowMessage::Flow(flow)) => flow,
                Ok(FlowMessage::Notice(notice)) => {
                    if plan.is_mask_refused(self, &notice) {
                        return Round::MaskRefused;
                    }
                    if !newest.lost.take(&notice, request.range) {
                        newest.notices.add(notice);
                    }
                    continue;
                }
                Err(error) if plan.is_mask_refused_by(self, &error) => return Round::MaskRefused,
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
            newest.matched += 1;
            if held.heap.len() >= request.limit {
                if held.is_next(time_nanos) {
                    continue;
                }
                held.pop_next();
            }
            held.push(time_nanos, newest.matched, &flow);
            while held.bytes > MAX_HELD_BYTES {
                held.pop_next();
                newest.cut_by_bytes += 1;
            }
        }
        Round::Answered { newest: Box::new(newest), held, by_node }
    }
}
