//! The newest flows of a time range in slices of time, newest first. A slice is final: it can be shown
//! while the next one is read.

#[cfg(test)]
mod tests;

use std::mem;
use std::sync::Arc;

use budget::{Held, Permit};
use flow::TimeRange;
use hubble_api::client::{FlowRequest, WireFlow};

use crate::newest::{Ask, NewestHeap, NodeAnswers, RequestOutcome, requested};
use crate::sent::SentFlows;
use crate::{Newest, NewestRequest, Plan, Relay, RelayError};

/// Numbers of flows in slices.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Limit up to which an answer is one slice: it takes no longer than its first slice would.
    whole: usize,
    /// The first slice, roughly: several screens.
    first: usize,
    /// A large slice, roughly: small beside the answer, so that reading it and showing the one before go
    /// on at once.
    large: usize,
    /// Minimum number of flows requested from a node.
    share: usize,
}

const SIZES: Sizes = Sizes { whole: 5_000, first: 1_500, large: 25_000, share: 50 };

/// Factor from one slice to the next. Each request walks the nodes' rings from the newest flow, so
/// there should be few.
const GROWTH: usize = 4;
/// Factor by which a slice may be longer than the one before, where that had few flows.
const MAX_LENGTHENING: i64 = 16;
/// Part of a range that is read first if the rate of its flows is not known.
const FIRST_PART: i64 = 64;
/// Maximum number of slices; the last one is the rest of the range.
const MAX_SLICES: usize = 16;

/// Time by which a request reaches beyond its slice at both ends. A node's ring is in order of arrival:
/// a reader stops at the first flow beyond its range, and would miss those that an agent's proxy
/// recorded with a somewhat earlier time.
const OVERLAP_NANOS: i64 = 250_000_000;

/// An answer in slices.
#[derive(Debug)]
pub struct NewestSlices {
    relay: Arc<Relay>,
    request: NewestRequest,
    sizes: Sizes,
    step: Step,
    /// Facts about the slices so far, without their flows.
    so_far: Newest,
    /// Number of flows in the slices so far.
    flows: usize,
    /// Whether a node sent a flow, of whatever time.
    has_nodes: bool,
}

#[derive(Debug)]
enum Step {
    /// The answer is one slice.
    Whole,
    First,
    Further(Box<Rest>),
    Done,
}

/// The part of the range that is not read yet.
#[derive(Debug)]
struct Rest {
    plan: Plan,
    /// One permit for all slices.
    permit: Permit,
    /// End of the rest, in Unix nanoseconds.
    to_nanos: i64,
    /// Length of the last slice in nanoseconds, and its number of flows.
    last: Option<(i64, usize)>,
    /// Number of slices so far.
    slices: usize,
    /// Number of flows to aim at.
    aim: usize,
    large: usize,
    sent: SentFlows,
}

/// The answer to one request.
struct Answer {
    newest: Newest,
    kept: NewestHeap,
    by_node: NodeAnswers,
}

impl Relay {
    /// Begins to read the newest flows in slices. The oldest flows of a range, and up to 5,000 of the
    /// newest, are one slice.
    pub fn newest_in_slices(self: &Arc<Self>, request: NewestRequest) -> NewestSlices {
        self.slices_of(request, SIZES)
    }

    fn slices_of(self: &Arc<Self>, request: NewestRequest, sizes: Sizes) -> NewestSlices {
        let is_whole = request.oldest || request.limit <= sizes.whole;
        let step = if is_whole { Step::Whole } else { Step::First };
        NewestSlices {
            relay: self.clone(),
            request,
            sizes,
            step,
            so_far: Newest::default(),
            flows: 0,
            has_nodes: false,
        }
    }
}

impl NewestSlices {
    /// The flows of the next slice, newest first; `None` after the last one. `held` holds those of this
    /// slice.
    ///
    /// Errors: [`RelayError`] if nothing came before it; a later error ends the slices, and
    /// [`Self::into_facts`] has it.
    pub async fn next(&mut self, held: &mut Held) -> Result<Option<Vec<WireFlow>>, RelayError> {
        loop {
            let before = held.bytes();
            let slice = match mem::replace(&mut self.step, Step::Done) {
                Step::Done => return Ok(None),
                Step::Whole => {
                    let mut newest = self.relay.newest(&self.request, held).await?;
                    let flows = mem::take(&mut newest.flows);
                    self.so_far = newest;
                    return Ok(Some(flows));
                }
                Step::First => self.first(held).await,
                Step::Further(rest) => self.further(*rest, held).await,
            };
            match slice {
                Ok(flows) if flows.is_empty() => held.set(before)?,
                Ok(flows) => return Ok(Some(flows)),
                Err(error) if self.flows == 0 => return Err(error),
                Err(error) => {
                    self.end(error);
                    return Ok(None);
                }
            }
        }
    }

    /// Facts about the whole answer, without its flows; after the last slice.
    pub fn into_facts(self) -> Newest {
        self.so_far
    }

    /// The newest flows of each node, as far as all nodes are complete. A range that ended, and one
    /// whose flows the nodes do not count exactly, is cut by time from the beginning.
    async fn first(&mut self, held: &mut Held) -> Result<Vec<WireFlow>, RelayError> {
        let request = &self.request;
        let mut plan = self.relay.plan(&request.filters, request.columns).await?;
        let permit = self.relay.gate.enter(request.caller).await?;
        let mut rest = Rest {
            plan: Plan::default(),
            permit,
            to_nanos: request.range.to_nanos,
            last: None,
            slices: 0,
            aim: self.sizes.first,
            large: self.sizes.large,
            sent: SentFlows::default(),
        };
        if !request.counts_back() || !plan.is_exact() {
            return self.further(Rest { plan, ..rest }, held).await;
        }
        let share = self.sizes.first.div_ceil(plan.nodes.max(1)).max(self.sizes.share);
        let number = u64::try_from(share).unwrap_or(u64::MAX);
        let range = request.range;
        let request = |plan: &Plan| FlowRequest { number, ..plan.request() };
        let answer = self.answer(request, range, &mut plan, None, held).await?;
        rest.plan = plan;
        let Answer { mut newest, kept, by_node } = answer;
        self.has_nodes |= !by_node.nodes.is_empty();
        // Of those that are older than some that were dropped, some may be missing.
        let dropped = (newest.matched > kept.len()).then(|| kept.oldest_nanos()).flatten();
        let complete_since = dropped.unwrap_or(i64::MIN).max(by_node.complete_since(number));
        newest.cut_by_bytes = 0;
        let mut flows = Vec::with_capacity(kept.len());
        for (time_nanos, flow) in kept.into_flows() {
            if time_nanos <= complete_since {
                break;
            }
            newest.oldest_nanos = Some(time_nanos);
            rest.sent.add(time_nanos, &flow);
            flows.push(flow);
        }
        let broken = newest.broken.take();
        newest.matched = flows.len();
        self.add(newest, flows.len());
        if broken.is_some() {
            self.finish(rest, broken).await?;
        } else if complete_since < range.from_nanos {
            self.so_far.matched_is_all = true;
            self.finish(rest, None).await?;
        } else {
            let now_nanos = self.request.now_ms.saturating_mul(1_000_000);
            let newest_nanos = range.to_nanos.min(now_nanos);
            rest.to_nanos = complete_since.min(range.to_nanos);
            let length = newest_nanos.saturating_sub(rest.to_nanos).max(1);
            rest.last = (!flows.is_empty()).then_some((length, flows.len()));
            rest.sliced();
            self.step = Step::Further(Box::new(rest));
        }
        Ok(flows)
    }

    /// All flows of the next slice of time.
    async fn further(
        &mut self,
        mut rest: Rest,
        held: &mut Held,
    ) -> Result<Vec<WireFlow>, RelayError> {
        let range = self.request.range;
        let from_nanos = rest.slice_from(range.from_nanos);
        let slice = TimeRange { from_nanos, to_nanos: rest.to_nanos };
        let reached = TimeRange {
            from_nanos: slice.from_nanos.saturating_sub(OVERLAP_NANOS),
            to_nanos: slice.to_nanos.saturating_add(OVERLAP_NANOS),
        };
        let kept_range = TimeRange { to_nanos: reached.to_nanos.min(range.to_nanos), ..slice };
        let request = |plan: &Plan| requested(plan, reached);
        let Rest { plan, sent, .. } = &mut rest;
        let answer = self.answer(request, kept_range, plan, Some(sent), held).await?;
        let Answer { mut newest, kept, by_node } = answer;
        self.has_nodes |= !by_node.nodes.is_empty();
        let is_cut = newest.matched > kept.len();
        let mut flows = Vec::with_capacity(kept.len());
        for (time_nanos, flow) in kept.into_flows() {
            newest.oldest_nanos = Some(time_nanos);
            rest.sent.add(time_nanos, &flow);
            flows.push(flow);
        }
        let broken = newest.broken.take();
        self.add(newest, flows.len());
        let is_full = is_cut || self.flows >= self.request.limit;
        let is_last = from_nanos <= range.from_nanos;
        if broken.is_none() && !is_full && !is_last {
            rest.last = Some((slice.to_nanos.saturating_sub(from_nanos).max(1), flows.len()));
            rest.to_nanos = from_nanos.saturating_sub(1);
            rest.sliced();
            self.step = Step::Further(Box::new(rest));
            return Ok(flows);
        }
        self.so_far.matched_is_all = broken.is_none() && is_last;
        rest.to_nanos = from_nanos;
        self.finish(rest, broken).await?;
        Ok(flows)
    }

    /// Sends a request, without a mask if a node refuses that.
    async fn answer(
        &self,
        request: impl Fn(&Plan) -> FlowRequest,
        range: TimeRange,
        plan: &mut Plan,
        mut sent: Option<&mut SentFlows>,
        held: &mut Held,
    ) -> Result<Answer, RelayError> {
        let before = held.bytes();
        loop {
            held.set(before)?;
            if let Some(sent) = &mut sent {
                sent.begin();
            }
            let ask = Ask {
                request: request(plan),
                range,
                limit: self.request.limit.saturating_sub(self.flows),
                oldest: false,
                sent: sent.as_deref_mut(),
            };
            match self.relay.ask_newest(ask, plan, held).await {
                RequestOutcome::OutOfMemory(error) => return Err(error.into()),
                RequestOutcome::MaskRefused => *plan = mem::take(plan).unmasked(),
                RequestOutcome::Answered { newest, kept, by_node } => {
                    return Ok(Answer { newest: *newest, kept, by_node });
                }
            }
        }
    }

    /// Adds the facts of a slice.
    fn add(&mut self, slice: Newest, flows: usize) {
        let so_far = &mut self.so_far;
        so_far.matched += slice.matched;
        so_far.cut_by_bytes += slice.cut_by_bytes;
        so_far.unreadable += slice.unreadable;
        so_far.notices.append(slice.notices);
        so_far.lost.append(slice.lost);
        so_far.oldest_nanos = slice.oldest_nanos.or(so_far.oldest_nanos);
        self.flows += flows;
    }

    /// Ends the slices.
    ///
    /// Errors: nothing came, by an error or since no node answered.
    async fn finish(&mut self, rest: Rest, broken: Option<RelayError>) -> Result<(), RelayError> {
        let Rest { plan, permit, to_nanos, .. } = rest;
        drop(permit);
        self.so_far.plan_notices = plan.into_notices();
        match broken {
            Some(error) if self.flows == 0 => return Err(error),
            Some(error) => self.end(error),
            None if self.so_far.matched_is_all => {}
            None => self.so_far.lost.read_since(to_nanos),
        }
        if self.so_far.broken.is_none() && !self.has_nodes {
            self.relay.check_answered(&self.so_far.notices).await?;
        }
        Ok(())
    }

    /// Records the error that ended the answer early.
    fn end(&mut self, error: RelayError) {
        self.so_far.lost.read_in_part();
        self.so_far.matched_is_all = false;
        self.so_far.broken = Some(error);
    }
}

impl Rest {
    /// Begin of the next slice: as far back as its flows should reach, by the rate of the last one.
    fn slice_from(&self, from_nanos: i64) -> i64 {
        let length = self.to_nanos.saturating_sub(from_nanos);
        if self.slices + 1 >= MAX_SLICES {
            return from_nanos;
        }
        let next = match self.last {
            None => length / FIRST_PART,
            Some((last, 0)) => last.saturating_mul(MAX_LENGTHENING),
            Some((last, flows)) => {
                let aim = i128::try_from(self.aim).unwrap_or(i128::MAX);
                let flows = i128::try_from(flows).unwrap_or(i128::MAX);
                let next = i128::from(last).saturating_mul(aim) / flows;
                i64::try_from(next).unwrap_or(i64::MAX).min(last.saturating_mul(MAX_LENGTHENING))
            }
        };
        // A rest of half a slice more is not worth a request.
        let is_rest = next.saturating_add(next / 2) >= length;
        if is_rest { from_nanos } else { self.to_nanos.saturating_sub(next.max(1)) }
    }

    /// Counts a slice.
    fn sliced(&mut self) {
        self.slices += 1;
        self.aim = self.aim.saturating_mul(GROWTH).min(self.large);
        self.sent.keep_until(self.to_nanos.saturating_add(OVERLAP_NANOS));
    }
}
