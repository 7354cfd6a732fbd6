//! Counts of flows by group and time, in bounded memory.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

/// Time buckets of an [`Aggregation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// Start of the first bucket, in Unix nanoseconds.
    pub start_nanos: i64,
    /// Length of each bucket, in nanoseconds.
    pub step_nanos: i64,
    /// Number of buckets.
    pub count: usize,
}

/// Size of a group's key with its entry in the index, in bytes: two or three names, twice.
const GROUP_TEXT_BYTES: usize = 256;
/// Size of a pair of source and destination in a set that is half full, in bytes.
const PEER_BYTES: usize = 18;

/// Counts of one group in one bucket.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Number of flows.
    pub flows: u64,
    /// Number of flows with the verdict DROPPED.
    pub dropped: u64,
    peers: HashSet<u64>,
}

/// Group of flows with equal values in the grouping fields.
#[derive(Clone, Debug)]
pub struct FlowGroup {
    /// Text of each grouping field.
    pub key: Vec<String>,
    /// One cell for each bucket.
    pub cells: Vec<Cell>,
}

/// Bounds of an [`Aggregation`].
#[derive(Clone, Copy, Debug)]
pub struct AggregationLimits {
    /// Maximum number of groups; flows of further groups are counted together.
    pub max_groups: usize,
    /// Maximum number of different source-destination pairs, over all cells.
    pub max_peers: usize,
}

/// Flow counts by group and bucket.
#[derive(Debug)]
pub struct Aggregation {
    buckets: Buckets,
    limits: AggregationLimits,
    hasher: DefaultHashBuilder,
    indexes: HashMap<Vec<String>, usize>,
    groups: Vec<FlowGroup>,
    other: Option<FlowGroup>,
    peers: usize,
    /// Number of different pairs that were not counted, for lack of room.
    pub uncounted_peers: u64,
    /// Number of flows outside of the buckets.
    pub outside: u64,
}

impl Cell {
    /// Number of different pairs of source and destination.
    pub fn peers(&self) -> usize {
        self.peers.len()
    }

    fn merge(&mut self, other: &Self) {
        self.flows += other.flows;
        self.dropped += other.dropped;
        self.peers.extend(&other.peers);
    }
}

impl FlowGroup {
    fn new(key: Vec<String>, buckets: usize) -> Self {
        Self { key, cells: vec![Cell::default(); buckets] }
    }

    /// Sum of all buckets.
    pub fn total(&self) -> Cell {
        let mut total = Cell::default();
        for cell in &self.cells {
            total.merge(cell);
        }
        total
    }

    fn merge(&mut self, other: &Self) {
        for (own, other) in self.cells.iter_mut().zip(&other.cells) {
            own.merge(other);
        }
    }
}

impl Aggregation {
    /// Size in bytes, without the keys' texts beyond 64 bytes each.
    pub fn bytes(&self) -> usize {
        let groups = self.groups.len() + usize::from(self.other.is_some());
        let of_group = size_of::<FlowGroup>()
            .saturating_add(self.buckets.count.saturating_mul(size_of::<Cell>()))
            .saturating_add(GROUP_TEXT_BYTES);
        groups.saturating_mul(of_group).saturating_add(self.peers.saturating_mul(PEER_BYTES))
    }

    /// Aggregation without counts.
    pub fn new(buckets: Buckets, limits: AggregationLimits) -> Self {
        Self {
            buckets,
            limits,
            hasher: DefaultHashBuilder::default(),
            indexes: HashMap::new(),
            groups: Vec::new(),
            other: None,
            peers: 0,
            uncounted_peers: 0,
            outside: 0,
        }
    }

    /// Counts the `flows` that a record stands for. `peers` are the source and destination, if
    /// pairs are counted.
    pub fn add(
        &mut self,
        key: &[String],
        time_nanos: i64,
        flows: u64,
        is_dropped: bool,
        peers: Option<(&str, &str)>,
    ) {
        let Buckets { start_nanos, step_nanos, count } = self.buckets;
        let bucket =
            time_nanos.checked_sub(start_nanos).map(|nanos| nanos.div_euclid(step_nanos.max(1)));
        let bucket =
            bucket.and_then(|bucket| usize::try_from(bucket).ok()).filter(|bucket| *bucket < count);
        let Some(bucket) = bucket else {
            self.outside += flows;
            return;
        };
        let group = match self.indexes.get(key) {
            Some(&index) => self.groups.get_mut(index),
            None if self.groups.len() < self.limits.max_groups => {
                self.indexes.insert(key.to_vec(), self.groups.len());
                self.groups.push(FlowGroup::new(key.to_vec(), count));
                self.groups.last_mut()
            }
            None => {
                let others = || FlowGroup::new(Vec::new(), count);
                Some(self.other.get_or_insert_with(others))
            }
        };
        let Some(cell) = group.and_then(|group| group.cells.get_mut(bucket)) else { return };
        cell.flows += flows;
        cell.dropped += if is_dropped { flows } else { 0 };
        if let Some(pair) = peers {
            let hash = self.hasher.hash_one(pair);
            if self.peers < self.limits.max_peers {
                self.peers += usize::from(cell.peers.insert(hash));
            } else if !cell.peers.contains(&hash) {
                self.uncounted_peers += 1;
            }
        }
    }

    /// The `top` groups by `rank`, the largest first, and the sum of all others, if there are any.
    /// Groups of equal rank are sorted by key.
    pub fn top(
        self,
        top: usize,
        rank: impl Fn(&Cell) -> f64,
    ) -> (Vec<FlowGroup>, Option<FlowGroup>) {
        let mut ranked: Vec<(f64, FlowGroup)> =
            self.groups.into_iter().map(|group| (rank(&group.total()), group)).collect();
        ranked.sort_by(|(a, first), (b, second)| {
            b.total_cmp(a).then_with(|| first.key.cmp(&second.key))
        });
        let rest = ranked.split_off(top.min(ranked.len()));
        let mut other = self.other;
        for (_, group) in rest {
            match &mut other {
                Some(other) => other.merge(&group),
                None => other = Some(FlowGroup { key: Vec::new(), ..group }),
            }
        }
        (ranked.into_iter().map(|(_, group)| group).collect(), other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn aggregation(max_groups: usize) -> Aggregation {
        let buckets = Buckets { start_nanos: 100, step_nanos: 10, count: 3 };
        Aggregation::new(buckets, AggregationLimits { max_groups, max_peers: 2 })
    }

    #[test]
    fn flows_are_counted_by_group_and_bucket() {
        let mut counts = aggregation(2);
        for (key, time, dropped) in [
            ("a", 100, true),
            ("a", 109, false),
            ("b", 129, false),
            ("c", 120, true),
            ("a", 130, true),
            ("a", 99, true),
        ] {
            counts.add(&[key.to_owned()], time, 1, dropped, Some((key, "x")));
        }
        assert_eq!((counts.outside, counts.uncounted_peers), (2, 1));
        let (top, other) = counts.top(1, |cell| f64::from(u32::try_from(cell.flows).unwrap()));
        let shown = |group: &FlowGroup| -> Vec<(u64, u64, usize)> {
            group.cells.iter().map(|cell| (cell.flows, cell.dropped, cell.peers())).collect()
        };
        assert_eq!(top[0].key, ["a"]);
        assert_eq!(shown(&top[0]), [(2, 1, 1), (0, 0, 0), (0, 0, 0)]);
        assert_eq!(shown(&other.unwrap()), [(0, 0, 0), (0, 0, 0), (2, 1, 1)]);
    }

    proptest! {
        /// The sum over all groups, with the other groups and the flows outside of the buckets, is
        /// complete.
        #[test]
        fn no_flow_is_lost(flows in prop::collection::vec(("[a-f]", 90i64..140, 1u64..1_000, any::<bool>()), 0..60), groups in 0usize..4, top in 0usize..4) {
            let mut counts = aggregation(groups);
            for (key, time, records, dropped) in &flows {
                counts.add(std::slice::from_ref(key), *time, *records, *dropped, None);
            }
            let outside = counts.outside;
            let (shown, other) = counts.top(top, |cell| f64::from(u32::try_from(cell.flows).unwrap()));
            let sum: u64 = shown.iter().chain(&other).map(|group| group.total().flows).sum();
            prop_assert_eq!(sum + outside, flows.iter().map(|(_, _, records, _)| records).sum::<u64>());
        }
    }
}
