//! What a follower has received, so that it goes on after a break without leaving out a flow.
//!
//! A request has one `since` for all nodes, and each node compares it with its own clock. A single time of
//! the newest flow would silence every node whose clock is behind the fastest one. Here each node has a
//! time of its own, the request begins with the earliest, and what comes again is recognised.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use flow::Timestamp;

use super::wire_flow::WireFlow;

/// Longest way of a flow from its node to this machine, in nanoseconds: the relay sorts flows for a
/// second, and a slow reader holds them back for some more.
const WAY_NANOS: i64 = 10_000_000_000;
/// Maximum number of flows that are recognised when they come again; of more within the way, the oldest may
/// come twice.
const MAX_RECENT: usize = 32_768;
/// Maximum number of nodes with a time of their own.
const MAX_NODES: usize = 10_000;

/// What a follower has received; clones share it. One lasts for all streams of a follower.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    received: Arc<Mutex<Received>>,
}

#[derive(Debug, Default)]
struct Received {
    nodes: BTreeMap<Box<[u8]>, LastFlow>,
    recent: RecentFlows,
    /// Time of the break, in Unix nanoseconds; `None` while flows come.
    broken_nanos: Option<i64>,
}

/// The last flow of a node.
#[derive(Debug)]
struct LastFlow {
    /// Its time, by the node's clock, in Unix nanoseconds.
    nanos: i64,
    /// Time of its arrival, by this machine's clock.
    received_nanos: i64,
    /// Time up to which flows of the node had come when the stream broke, by the node's clock.
    complete_nanos: Option<i64>,
}

impl Followed {
    fn received(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a flow, and returns whether it is new.
    pub(super) fn is_new(&self, flow: &WireFlow) -> bool {
        self.received().is_new(flow, now_nanos())
    }

    /// Takes note of a break.
    pub(super) fn broke(&self) {
        self.received().broke(now_nanos());
    }

    /// Time from which the request goes on; `None` if nothing was received yet.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.received().since(now_nanos()).map(Timestamp::from_unix_nanos)
    }
}

impl Received {
    fn is_new(&mut self, flow: &WireFlow, now_nanos: i64) -> bool {
        self.broken_nanos = None;
        let is_recent = !self.recent.add(flow.message());
        let Some(nanos) = flow.time().and_then(Timestamp::unix_nanos) else { return !is_recent };
        let Some(last) = self.nodes.get_mut(flow.node_name()) else {
            if self.nodes.len() < MAX_NODES {
                let last = LastFlow { nanos, received_nanos: now_nanos, complete_nanos: None };
                self.nodes.insert(flow.node_name().into(), last);
            }
            return !is_recent;
        };
        // A node sends its flows in order: what is older by more than their way had come.
        let had_come = |complete: i64| nanos < complete.saturating_sub(WAY_NANOS);
        if is_recent || last.complete_nanos.is_some_and(had_come) {
            return false;
        }
        (last.nanos, last.received_nanos) = (nanos, now_nanos);
        true
    }

    fn broke(&mut self, now_nanos: i64) {
        if self.broken_nanos.is_some() {
            return;
        }
        self.broken_nanos = Some(now_nanos);
        for last in self.nodes.values_mut() {
            // A single wrong time in the future must not make all later flows old.
            last.complete_nanos = Some(last.nanos.min(now_nanos));
        }
    }

    /// The earliest time, by the clock of any node, from which flows may have been left out. A node that
    /// was quiet before the break is asked from the break on, by its own clock.
    fn since(&self, now_nanos: i64) -> Option<i64> {
        if self.nodes.is_empty() {
            return None;
        }
        let broken_nanos = self.broken_nanos.unwrap_or(now_nanos);
        let quiet = |last: &LastFlow| {
            broken_nanos.saturating_sub(last.received_nanos).saturating_sub(WAY_NANOS).max(0)
        };
        let nodes = self.nodes.values().map(|last| last.nanos.saturating_add(quiet(last)));
        // A node of which nothing came yet has a right clock.
        nodes.chain([broken_nanos.saturating_sub(WAY_NANOS)]).min()
    }
}

/// The last flows, by a hash of their messages. Node, time and UUID are part of a message, and a mask may
/// leave out the UUID alone.
#[derive(Debug, Default)]
struct RecentFlows {
    hasher: RandomState,
    hashes: HashSet<u64>,
    order: VecDeque<u64>,
}

impl RecentFlows {
    /// Adds a message, and returns whether it is new.
    fn add(&mut self, message: &[u8]) -> bool {
        let hash = self.hasher.hash_one(message);
        if !self.hashes.insert(hash) {
            return false;
        }
        if self.order.len() >= MAX_RECENT
            && let Some(oldest) = self.order.pop_front()
        {
            self.hashes.remove(&oldest);
        }
        self.order.push_back(hash);
        true
    }
}

fn now_nanos() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::pb::flow::Flow;
    use crate::pb::observer::GetFlowsResponse;
    use crate::pb::observer::get_flows_response::ResponseTypes;

    const SECOND: i64 = 1_000_000_000;
    const HOUR: i64 = 3_600 * SECOND;
    /// The time of the break.
    const NOW: i64 = 1_700_000_000 * SECOND;

    fn flow(node_name: &str, nanos: i64, uuid: &str) -> WireFlow {
        let time = Timestamp::from_unix_nanos(nanos);
        let response = GetFlowsResponse {
            node_name: node_name.to_owned(),
            time: Some(prost_types::Timestamp {
                seconds: time.seconds(),
                nanos: time.nanos().cast_signed(),
            }),
            response_types: Some(ResponseTypes::Flow(Flow {
                uuid: uuid.to_owned(),
                ..Flow::default()
            })),
        };
        WireFlow::read(response.encode_to_vec().into()).unwrap().unwrap()
    }

    /// What came before the break at `NOW`, as node, time of the flow and time of its arrival.
    fn broken(before: &[(&str, i64, i64)]) -> Received {
        let mut received = Received::default();
        for (node_name, nanos, received_nanos) in before {
            assert!(received.is_new(&flow(node_name, *nanos, "before"), *received_nanos));
        }
        received.broke(NOW);
        received
    }

    #[test]
    fn the_request_goes_on_before_the_break_of_every_node() {
        let check = |before: &[(&str, i64, i64)], expected: Option<i64>| {
            assert_eq!(broken(before).since(NOW + HOUR), expected, "{before:?}");
        };
        check(&[], None);
        // One second passes on the way of a flow.
        let recent = ("a", NOW - 2 * SECOND, NOW - SECOND);
        check(&[recent], Some(NOW - WAY_NANOS));
        // A clock that is ahead does not hide the others.
        check(&[recent, ("b", NOW + HOUR, NOW - SECOND)], Some(NOW - WAY_NANOS));
        check(&[("b", 9_000_000_000 * SECOND, NOW)], Some(NOW - WAY_NANOS));
        // A clock that is behind is asked by its own time, also where the node was quiet.
        check(&[recent, ("b", NOW - HOUR, NOW - SECOND)], Some(NOW - HOUR));
        let quiet = ("b", NOW - 2 * HOUR, NOW - HOUR);
        check(&[recent, quiet], Some(NOW - HOUR - WAY_NANOS));
    }

    #[test]
    fn what_comes_again_is_recognised() {
        let check = |before: &[(&str, i64, i64)], after: &WireFlow, is_new: bool| {
            let mut received = broken(before);
            assert_eq!(received.is_new(after, NOW + SECOND), is_new, "{before:?}");
            assert!(!received.is_new(after, NOW + SECOND), "a second time");
        };
        let at = NOW - 2 * SECOND;
        let before = [("a", at, NOW - SECOND)];
        check(&before, &flow("a", NOW + SECOND, "new"), true);
        check(&before, &flow("a", at, "before"), false);
        check(&before, &flow("a", at, "of the same time"), true);
        check(&before, &flow("b", at, "before"), true);
        check(&before, &flow("a", at - SECOND, "late"), true);
        check(&before, &flow("a", at - 60 * SECOND, "had come"), false);
        check(&before, &flow("b", at - 60 * SECOND, "of another node"), true);
        // After a wrong time, right ones are new.
        let wrong = [("a", 9_000_000_000 * SECOND, NOW - SECOND)];
        check(&wrong, &flow("a", NOW + SECOND, "new"), true);
        let ahead = [("a", NOW + HOUR, NOW - SECOND)];
        check(&ahead, &flow("a", NOW + HOUR + SECOND, "new"), true);
        check(&ahead, &flow("a", NOW + HOUR - SECOND, "missed"), true);
    }

    #[test]
    fn memory_is_bounded() {
        let mut recent = RecentFlows::default();
        for n in 0..MAX_RECENT + 10 {
            assert!(recent.add(&n.to_le_bytes()));
        }
        assert_eq!((recent.order.len(), recent.hashes.len()), (MAX_RECENT, MAX_RECENT));
        assert!(!recent.add(&100_usize.to_le_bytes()));
        assert!(recent.add(&0_usize.to_le_bytes()), "forgotten");
    }
}
