//! Events that were lost in the range of an answer, by node, and what share of all they are.

use std::collections::{BTreeMap, BTreeSet};

use flow::TimeRange;
use hubble_api::client::{LostEventSource, RelayNotice};

use crate::nodes::{NodeInfo, Nodes};
use crate::{BufferStart, Relay};

/// Nodes that are counted one by one; a relay serves a few thousand.
pub const MAX_NODES: usize = 10_000;

/// What was lost while one answer came in.
#[derive(Debug, Clone, Default)]
pub struct LostEvents {
    by_node: BTreeMap<String, BTreeMap<LostEventSource, u64>>,
    /// Events of further nodes, the marks of where their readers began among them.
    pub of_others: u64,
    /// Nodes that were read through a part of the range only.
    in_part: BTreeMap<String, CountedOver>,
    /// Of all nodes that are not named there.
    others: CountedOver,
}

/// The part of a range over which the losses of a node are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CountedOver {
    /// All of it.
    #[default]
    Range,
    /// From this Unix nanosecond up to its end: the node counted back to a limit.
    Since(i64),
    /// What was read before a limit, or before the answer broke off.
    Part,
}

/// What a node lost.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeLoss {
    /// Empty where the message does not say.
    pub node_name: String,
    /// Events, by where they were lost.
    pub by_source: BTreeMap<LostEventSource, u64>,
    /// The part of the range over which they were counted.
    pub over: CountedOver,
    /// Estimated share of the events of the range, 0 to 1; `None` too where only a part was read.
    pub share: Option<f64>,
}

/// Tells lost events from the mark of where a reader began.
///
/// A reader that goes back to the beginning of a full ring starts one position before the oldest
/// flow, and that position counts as one lost event of the ring although no flow was lost. Source:
/// pkg/hubble/observer `newRingReader`, pkg/hubble/container `Ring.read`. Cilium before 1.20 also
/// counts such ends of a reader's way in its metric, but not in an answer.
#[derive(Debug, Clone, Default)]
pub struct StartMarkers {
    seen: BTreeSet<String>,
}

impl StartMarkers {
    /// How many of `count` events that `node_name` says it lost at `source` were lost.
    pub fn lost(&mut self, node_name: &str, source: LostEventSource, count: u64) -> u64 {
        let may_begin = source == LostEventSource::HubbleRingBuffer
            && count > 0
            && self.seen.len() < MAX_NODES
            && self.seen.insert(node_name.to_owned());
        count - u64::from(may_begin)
    }
}

impl LostEvents {
    /// Counts what `notice` says was lost of `range`; whether it says anything of the kind.
    ///
    /// What Hubble's ring overwrote before it was read is lost to this reader now, whenever it
    /// happened; other losses are events of their own time, which nodes send whatever the range.
    pub(crate) fn take(&mut self, notice: &RelayNotice, range: TimeRange) -> bool {
        let RelayNotice::FlowsLost { source, count, node_name, first, last } = notice else {
            return false;
        };
        let nanos = |time: &Option<flow::Timestamp>| time.and_then(flow::Timestamp::unix_nanos);
        let is_outside = match (nanos(first), nanos(last)) {
            (Some(first), Some(last)) => last < range.from_nanos || first > range.to_nanos,
            _ => false,
        };
        if is_outside && *source != LostEventSource::HubbleRingBuffer {
            return true;
        }
        if self.by_node.len() < MAX_NODES || self.by_node.contains_key(node_name) {
            let counts = self.by_node.entry(node_name.clone()).or_default();
            let sum = counts.entry(*source).or_default();
            *sum = sum.saturating_add(*count);
        } else {
            self.of_others = self.of_others.saturating_add(*count);
        }
        true
    }

    /// Notes over which part of the range `node_name` was read.
    pub(crate) fn read_over(&mut self, node_name: String, over: CountedOver) {
        self.in_part.insert(node_name, over);
    }

    /// Notes that it is not known how much of the range was read, of no node.
    pub(crate) fn read_in_part(&mut self) {
        self.in_part.clear();
        self.others = CountedOver::Part;
    }

    fn over(&self, node_name: &str) -> CountedOver {
        match self.in_part.get(node_name) {
            Some(over) => *over,
            // Whose loss it is, the message does not say.
            None if node_name.is_empty() && !self.in_part.is_empty() => CountedOver::Part,
            None => self.others,
        }
    }

    /// What each node lost, the most first, without the marks of where readers began.
    fn by_node(&self) -> Vec<NodeLoss> {
        let mut markers = StartMarkers::default();
        let mut nodes: Vec<NodeLoss> = self
            .by_node
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

impl NodeLoss {
    /// All events that it lost.
    pub fn events(&self) -> u64 {
        self.by_source.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Relay {
    /// What nodes lost of `range`, the most first, each with its share where it can be estimated:
    /// from how many flows the node's buffer holds over the time from its oldest flow on.
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
        // What was seen is known of the whole range only.
        return None;
    }
    let node = nodes.all.iter().find(|node| node.name == loss.node_name)?;
    let oldest_nanos = start.oldest_of(&loss.node_name)?;
    let seen = seen_flows(node, nodes.asked_nanos, oldest_nanos, range, now_nanos)?;
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let events = loss.events() as f64;
    Some(events / (events + seen))
}

/// About how many flows a node saw in `range`, as far back as it remembers.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn seen_flows(
    node: &NodeInfo,
    asked_nanos: i64,
    oldest_nanos: i64,
    range: TimeRange,
    now_nanos: i64,
) -> Option<f64> {
    let held = node.held_flows.min(node.seen_flows);
    // A full ring holds as many whenever it is asked; one that fills held them back then.
    let is_full = node.max_flows > 0 && node.held_flows >= node.max_flows;
    let held_until = if is_full { now_nanos } else { asked_nanos };
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
        fn check(said: &[(&str, LostEventSource, u64, Option<i64>)], expected: &[(&str, u64)]) {
            let mut lost = LostEvents::default();
            for (node_name, source, count, at_nanos) in said {
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
            assert_eq!(nodes, expected, "{said:?}");
        }
        check(&[], &[]);
        // The mark of where a reader began, alone or before what the ring overwrote meanwhile.
        check(&[("a", Ring, 1, Some(900)), ("b", Ring, 1, Some(900))], &[]);
        check(&[("a", Ring, 8, Some(900)), ("b", Ring, 1, Some(900))], &[("a", 7)]);
        check(&[("a", Ring, 1, Some(900)), ("a", Ring, 1, Some(901))], &[("a", 1)]);
        // Others count in their time.
        check(&[("a", Queue, 1, Some(99)), ("a", Queue, 2, Some(100))], &[("a", 2)]);
        check(&[("a", Queue, 3, Some(200)), ("a", Queue, 4, Some(201))], &[("a", 3)]);
        check(&[("a", Queue, 5, None), ("b", Queue, 7, None)], &[("b", 7), ("a", 5)]);
        check(&[("a", Queue, u64::MAX, None), ("a", Ring, 3, None)], &[("a", u64::MAX)]);
    }

    #[test]
    fn nodes_beyond_those_told_apart_are_counted_together() {
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
    fn shares_are_estimates_over_what_is_remembered() {
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
        // One that fills held 500 when it was asked, 50 s after its first.
        check([500, 1_000, 500], [150, 100, 100, 200, 200], Some(1_000.0));
        // Nothing is known of what it saw, or of the range.
        check([1_000, 1_000, 0], [150, 100, 120, 140, 200], None);
        check([1_000, 1_000, 5_000], [150, 100, 0, 90, 200], None);
        check([0, 1_000, 0], [150, 100, 120, 140, 200], None);
    }
}
