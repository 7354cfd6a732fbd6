//! Lost events in the range of an answer, by node, with their share of all events.

use std::collections::{BTreeMap, BTreeSet};

use flow::TimeRange;
use hubble_api::client::{LostEventSource, RelayNotice};

use crate::NodeInfo;
use crate::nodes::Nodes;
use crate::{BufferStart, Relay};

/// Maximum number of nodes that are counted separately; a relay serves a few thousand.
pub const MAX_NODES: usize = 10_000;

/// Events that were lost while one answer was read.
#[derive(Debug, Clone, Default)]
pub struct LostEvents {
    by_node: BTreeMap<String, BTreeMap<LostEventSource, u64>>,
    /// Events with a time of their own, by node, source, first and last time. Several requests of one
    /// answer may report the same.
    timed: BTreeMap<(String, LostEventSource, i64, i64), u64>,
    /// Events of further nodes, including the start markers of their readers.
    pub of_others: u64,
    /// Nodes that were read over only a part of the range.
    in_part: BTreeMap<String, CountedOver>,
    /// The part over which all other nodes were read.
    others: CountedOver,
}

/// The part of a range over which a node's losses are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CountedOver {
    /// The whole range.
    #[default]
    Range,
    /// From this time, in Unix nanoseconds, to the end of the range: the node counted back to a
    /// limit.
    Since(i64),
    /// An unknown part: reading stopped at a limit, or the answer broke off.
    Part,
}

/// The losses of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeLoss {
    /// Name of the node; empty if the message has none.
    pub node_name: String,
    /// Number of events, by the place where they were lost.
    pub by_source: BTreeMap<LostEventSource, u64>,
    /// The part of the range over which they were counted.
    pub over: CountedOver,
    /// Estimated share of the range's events, 0 to 1; also `None` if only a part was read.
    pub share: Option<f64>,
}

/// Filter that separates lost events from start markers of readers.
///
/// A reader that goes back to the beginning of a full ring starts one position before the oldest
/// flow. That position counts as one lost event of the ring although no flow was lost. Source:
/// pkg/hubble/observer `newRingReader`, pkg/hubble/container `Ring.read`. Cilium before 1.20 also
/// counts these positions at a reader's end in its metric, but not in an answer.
#[derive(Debug, Clone, Default)]
pub struct StartMarkers {
    seen: BTreeSet<String>,
}

impl StartMarkers {
    /// The number of really lost events among the `count` that `node_name` reports at `source`.
    pub fn lost(&mut self, node_name: &str, source: LostEventSource, count: u64) -> u64 {
        let may_begin = source == LostEventSource::HubbleRingBuffer
            && count > 0
            && self.seen.len() < MAX_NODES
            && self.seen.insert(node_name.to_owned());
        count - u64::from(may_begin)
    }
}

impl LostEvents {
    /// Counts the events of `range` that `notice` reports as lost. Returns whether it reports a
    /// loss.
    ///
    /// Events that the ring overwrote before they were read are lost for this reader now, whenever
    /// they happened. Other losses have their own time, and nodes report them for any range.
    pub(crate) fn take(&mut self, notice: &RelayNotice, range: TimeRange) -> bool {
        let RelayNotice::FlowsLost { source, count, node_name, first, last } = notice else {
            return false;
        };
        let nanos = |time: &Option<flow::Timestamp>| time.and_then(flow::Timestamp::unix_nanos);
        let is_outside = match (nanos(first), nanos(last)) {
            (Some(first), Some(last)) => last < range.from_nanos || first > range.to_nanos,
            _ => false,
        };
        if let (Some(first), Some(last)) = (nanos(first), nanos(last))
            && *source != LostEventSource::HubbleRingBuffer
            && self.timed.len() < MAX_NODES
        {
            if !is_outside {
                let key = (node_name.clone(), *source, first, last);
                let sum = self.timed.entry(key).or_default();
                *sum = sum.saturating_add(*count);
            }
            return true;
        }
        if is_outside && *source != LostEventSource::HubbleRingBuffer {
            return true;
        }
        add(&mut self.by_node, &mut self.of_others, (node_name, *source), *count);
        true
    }

    /// Records the part of the range over which `node_name` was read.
    pub(crate) fn read_over(&mut self, node_name: String, over: CountedOver) {
        self.in_part.insert(node_name, over);
    }

    /// Records that the part of the range that was read is unknown for all nodes.
    pub(crate) fn read_in_part(&mut self) {
        self.in_part.clear();
        self.others = CountedOver::Part;
    }

    /// Records that all nodes were read from this time on, in Unix nanoseconds.
    pub(crate) fn read_since(&mut self, since_nanos: i64) {
        self.others = CountedOver::Since(since_nanos);
    }

    /// Adds the events that another request of the same answer reports. Its readers have start markers
    /// of their own.
    pub(crate) fn append(&mut self, other: Self) {
        self.of_others = self.of_others.saturating_add(other.of_others);
        for (node_name, counts) in &other.by_node {
            for (source, lost) in counts {
                let known = self.by_node.get(node_name).and_then(|known| known.get(source));
                let is_marked = *source == LostEventSource::HubbleRingBuffer
                    && known.is_some_and(|sum| *sum > 0);
                let lost = lost.saturating_sub(u64::from(is_marked));
                add(&mut self.by_node, &mut self.of_others, (node_name, *source), lost);
            }
        }
        for (key, lost) in other.timed {
            let known = self.timed.entry(key).or_default();
            *known = lost.max(*known);
        }
    }

    fn over(&self, node_name: &str) -> CountedOver {
        match self.in_part.get(node_name) {
            Some(over) => *over,
            // The message does not name the node.
            None if node_name.is_empty() && !self.in_part.is_empty() => CountedOver::Part,
            None => self.others,
        }
    }

    /// Events by node and source, those with a time of their own included.
    fn summed(&self) -> BTreeMap<String, BTreeMap<LostEventSource, u64>> {
        let mut by_node = self.by_node.clone();
        for ((node_name, source, ..), lost) in &self.timed {
            let sum = by_node.entry(node_name.clone()).or_default().entry(*source).or_default();
            *sum = sum.saturating_add(*lost);
        }
        by_node
    }

    /// The losses of each node, most first, without start markers.
    fn by_node(&self) -> Vec<NodeLoss> {
        let mut markers = StartMarkers::default();
        let nodes = self.summed();
        let mut nodes: Vec<NodeLoss> = nodes
            .iter()
            .map(|(node_name, counts)| {
                let counts = counts.iter();
                let by_source = counts
                    .map(|(source, count)| (*source, markers.lost(node_name, *source, *count)))
                    .filter(|(_, count)| *count > 0)
                    .collect();
                let over = self.over(node_name);
                NodeLoss { node_name: node_name.clone(), by_source, over, share: None }
            })
            .filter(|node| !node.by_source.is_empty())
            .collect();
        nodes.sort_by(|a, b| (b.events(), &a.node_name).cmp(&(a.events(), &b.node_name)));
        nodes
    }
}

/// Adds lost events to those of a node, or beyond the maximum of nodes to those of others.
fn add(
    by_node: &mut BTreeMap<String, BTreeMap<LostEventSource, u64>>,
    of_others: &mut u64,
    (node_name, source): (&str, LostEventSource),
    lost: u64,
) {
    let sum = if by_node.len() < MAX_NODES || by_node.contains_key(node_name) {
        by_node.entry(node_name.to_owned()).or_default().entry(source).or_default()
    } else {
        of_others
    };
    *sum = sum.saturating_add(lost);
}

impl NodeLoss {
    /// The number of the node's lost events.
    pub fn events(&self) -> u64 {
        self.by_source.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Relay {
    /// The losses of `range` by node, most first, each with its estimated share. The estimate takes
    /// the flows in the node's buffer over the time since its oldest flow.
    pub async fn losses(
        &self,
        lost: &LostEvents,
        range: TimeRange,
        start: Option<&BufferStart>,
        now_nanos: i64,
    ) -> Vec<NodeLoss> {
        let mut losses = lost.by_node();
        if losses.is_empty() {
            return losses;
        }
        let Some((nodes, start)) = self.kept_nodes().await.zip(start) else { return losses };
        for loss in &mut losses {
            loss.share = share(loss, &nodes, start, range, now_nanos);
        }
        losses
    }
}

fn share(
    loss: &NodeLoss,
    nodes: &Nodes,
    start: &BufferStart,
    range: TimeRange,
    now_nanos: i64,
) -> Option<f64> {
    if loss.over != CountedOver::Range {
        // The number of flows is known for the whole range only.
        return None;
    }
    let node = nodes.all.iter().find(|node| node.name == loss.node_name)?;
    let oldest_nanos = start.oldest_of(&loss.node_name)?;
    let seen = seen_flows(node, nodes.requested_nanos, oldest_nanos, range, now_nanos)?;
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let events = loss.events() as f64;
    Some(events / (events + seen))
}

/// Estimate of the flows that a node saw in `range`, as far back as it remembers.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn seen_flows(
    node: &NodeInfo,
    requested_nanos: i64,
    oldest_nanos: i64,
    range: TimeRange,
    now_nanos: i64,
) -> Option<f64> {
    let held = node.held_flows.min(node.seen_flows);
    // A full ring always holds the same number; one that is filling up held fewer flows at that
    // time.
    let is_full = node.max_flows > 0 && node.held_flows >= node.max_flows;
    let held_until = if is_full { now_nanos } else { requested_nanos };
    let held_for = held_until.saturating_sub(oldest_nanos);
    let covered = range.to_nanos.min(now_nanos).saturating_sub(range.from_nanos.max(oldest_nanos));
    (held > 0 && held_for > 0 && covered > 0)
        .then(|| held as f64 * (covered as f64 / held_for as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_counted_by_node_and_range() {
        use LostEventSource::{HubbleRingBuffer as Ring, ObserverEventsQueue as Queue};
        const RANGE: TimeRange = TimeRange { from_nanos: 100, to_nanos: 200 };
        fn check(reports: &[(&str, LostEventSource, u64, Option<i64>)], expected: &[(&str, u64)]) {
            let mut lost = LostEvents::default();
            for (node_name, source, count, at_nanos) in reports {
                let at = at_nanos.map(flow::Timestamp::from_unix_nanos);
                let notice = RelayNotice::FlowsLost {
                    source: *source,
                    count: *count,
                    node_name: (*node_name).to_owned(),
                    first: at,
                    last: at,
                };
                assert!(lost.take(&notice, RANGE));
            }
            let nodes = lost.by_node();
            let nodes: Vec<(&str, u64)> =
                nodes.iter().map(|node| (node.node_name.as_str(), node.events())).collect();
            assert_eq!(nodes, expected, "{reports:?}");
        }
        check(&[], &[]);
        // A start marker, alone or before events that the ring overwrote meanwhile.
        check(&[("a", Ring, 1, Some(900)), ("b", Ring, 1, Some(900))], &[]);
        check(&[("a", Ring, 8, Some(900)), ("b", Ring, 1, Some(900))], &[("a", 7)]);
        check(&[("a", Ring, 1, Some(900)), ("a", Ring, 1, Some(901))], &[("a", 1)]);
        // Losses elsewhere count only at their own time.
        check(&[("a", Queue, 1, Some(99)), ("a", Queue, 2, Some(100))], &[("a", 2)]);
        check(&[("a", Queue, 3, Some(200)), ("a", Queue, 4, Some(201))], &[("a", 3)]);
        check(&[("a", Queue, 5, None), ("b", Queue, 7, None)], &[("b", 7), ("a", 5)]);
        check(&[("a", Queue, u64::MAX, None), ("a", Ring, 3, None)], &[("a", u64::MAX)]);
    }

    #[test]
    fn requests_of_one_answer_count_together() {
        use LostEventSource::{HubbleRingBuffer as Ring, ObserverEventsQueue as Queue};
        const RANGE: TimeRange = TimeRange { from_nanos: 100, to_nanos: 200 };
        let report = |reports: &[(LostEventSource, u64, Option<i64>)]| {
            let mut lost = LostEvents::default();
            for (source, count, at_nanos) in reports {
                let at = at_nanos.map(flow::Timestamp::from_unix_nanos);
                let (source, count, node_name) = (*source, *count, "a".to_owned());
                let notice =
                    RelayNotice::FlowsLost { source, count, node_name, first: at, last: at };
                lost.take(&notice, RANGE);
            }
            lost
        };
        let check = |requests: &[&[(LostEventSource, u64, Option<i64>)]], expected: u64| {
            let mut lost = LostEvents::default();
            for reports in requests {
                lost.append(report(reports));
            }
            let events: u64 = lost.by_node().iter().map(NodeLoss::events).sum();
            assert_eq!(events, expected, "{requests:?}");
        };
        check(&[&[], &[]], 0);
        // The start marker of each request.
        check(&[&[(Ring, 1, Some(900))], &[(Ring, 1, Some(901))]], 0);
        check(&[&[(Ring, 1, Some(900))], &[(Ring, 5, Some(901))]], 4);
        // Neighbours reach into each other and report the same.
        check(&[&[(Queue, 3, Some(150))], &[(Queue, 3, Some(150)), (Queue, 2, Some(120))]], 5);
        check(&[&[(Queue, 3, None)], &[(Queue, 2, None)]], 5);
    }

    #[test]
    fn further_nodes_are_counted_together() {
        let mut lost = LostEvents::default();
        for node in 0..MAX_NODES + 3 {
            let notice = RelayNotice::FlowsLost {
                source: LostEventSource::ObserverEventsQueue,
                count: 7,
                node_name: format!("node-{node}"),
                first: None,
                last: None,
            };
            lost.take(&notice, TimeRange { from_nanos: 100, to_nanos: 200 });
        }
        assert_eq!((lost.by_node().len(), lost.of_others), (10_000, 21));
    }

    #[test]
    fn shares_are_estimated_from_the_buffers() {
        const S: i64 = 1_000_000_000;
        fn check(held: [u64; 3], secs: [i64; 5], expected: Option<f64>) {
            let [held_flows, max_flows, seen] = held;
            let [asked, oldest, from, to, now] = secs.map(|secs| secs * S);
            let node = NodeInfo {
                name: String::new(),
                connected: true,
                version: String::new(),
                held_flows,
                max_flows,
                seen_flows: seen,
            };
            let range = TimeRange { from_nanos: from, to_nanos: to };
            assert_eq!(seen_flows(&node, asked, oldest, range, now), expected, "{held:?}");
        }
        // A full ring of 1,000 flows over 100 s: 10 a second.
        check([1_000, 1_000, 5_000], [150, 100, 120, 140, 200], Some(200.0));
        check([1_000, 1_000, 5_000], [150, 100, 0, 140, 200], Some(400.0));
        check([1_000, 1_000, 5_000], [150, 100, 120, 900, 200], Some(800.0));
        // A ring that is filling up held 500 flows when asked, 50 s after its first.
        check([500, 1_000, 500], [150, 100, 100, 200, 200], Some(1_000.0));
        // Neither the node's flows nor the range is known.
        check([1_000, 1_000, 0], [150, 100, 120, 140, 200], None);
        check([1_000, 1_000, 5_000], [150, 100, 0, 90, 200], None);
        check([0, 1_000, 0], [150, 100, 120, 140, 200], None);
    }
}
