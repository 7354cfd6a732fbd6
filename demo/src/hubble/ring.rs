//! The ring buffers of all nodes (pkg/hubble/container/ring.go). A ring holds one record less than
//! a power of two; older records are overwritten even while a reader is on them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::cluster::NodeId;
use crate::record::EventRecord;

/// Error for a ring size that Hubble does not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` flows: the capacity is one less than a power of two, from 1 to 65535")]
pub struct InvalidCapacity(pub u32);

/// Size of a ring: 2^n - 1, at most 65,535.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingCapacity(u16);

impl RingCapacity {
    /// Hubble's default.
    pub const DEFAULT: Self = Self(4_095);

    /// Checks a size.
    ///
    /// Errors: not one less than a power of two, or out of range.
    pub fn new(flows: u32) -> Result<Self, InvalidCapacity> {
        match u16::try_from(flows) {
            Ok(n) if n > 0 && (flows + 1).is_power_of_two() => Ok(Self(n)),
            _ => Err(InvalidCapacity(flows)),
        }
    }

    /// Capacity in flows.
    pub fn flows(self) -> usize {
        usize::from(self.0)
    }
}

/// One node's buffer. Positions count all records ever written to it.
#[derive(Debug)]
struct Ring {
    records: VecDeque<EventRecord>,
    /// Position of the oldest record that still exists.
    oldest: u64,
}

impl Ring {
    fn end(&self) -> u64 {
        self.oldest + u64::try_from(self.records.len()).unwrap_or(u64::MAX)
    }

    fn get(&self, position: u64) -> Option<&EventRecord> {
        let at = position.checked_sub(self.oldest)?;
        self.records.get(usize::try_from(at).ok()?)
    }
}

/// Fill level of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fill {
    /// Capacity in records.
    pub(crate) capacity: u64,
    /// Number of records in it.
    pub(crate) len: u64,
    /// Number of records ever written.
    pub(crate) seen: u64,
    /// Time of the oldest and the newest record, in Unix nanoseconds.
    pub(crate) span_nanos: Option<(i64, i64)>,
}

/// The rings of all nodes. A writer appends the records of all of them at once, so that a reader
/// who merges them by time sees a single order.
#[derive(Debug)]
pub(crate) struct Rings {
    by_node: Mutex<Vec<Ring>>,
    capacity: RingCapacity,
    written: watch::Sender<u64>,
}

/// Position of a reader on each of its nodes.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    positions: Vec<NodePosition>,
}

#[derive(Debug, Clone)]
struct NodePosition {
    node: NodeId,
    next: u64,
}

/// Result of a read.
#[derive(Debug, Default)]
pub(crate) struct ReadRecords {
    /// Records in order of time.
    pub(crate) records: Vec<EventRecord>,
    /// Nodes with records that were overwritten before they were read, and their number.
    pub(crate) lost: Vec<(NodeId, u64)>,
    /// Whether there is nothing more to read now.
    pub(crate) drained: bool,
}

impl Rings {
    /// Empty rings for this many nodes.
    pub(crate) fn new(nodes: usize, capacity: RingCapacity) -> Self {
        let rings = (0..nodes)
            .map(|_| Ring { records: VecDeque::with_capacity(capacity.flows()), oldest: 0 })
            .collect();
        Self { by_node: Mutex::new(rings), capacity, written: watch::Sender::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Ring>> {
        // Code that holds the lock cannot panic in the middle of a change.
        self.by_node.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes records, each to its node's ring, and wakes the readers.
    pub(crate) fn append(&self, records: impl IntoIterator<Item = EventRecord>) {
        {
            let mut rings = self.lock();
            for record in records {
                let Some(ring) = rings.get_mut(usize::from(record.node.0)) else {
                    continue;
                };
                if ring.records.len() == self.capacity.flows() {
                    ring.records.pop_front();
                    ring.oldest += 1;
                }
                ring.records.push_back(record);
            }
        }
        self.written.send_modify(|writes| *writes += 1);
    }

    /// A receiver that is notified of writes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// The fill level of a node's ring.
    pub(crate) fn fill(&self, node: NodeId) -> Option<Fill> {
        let rings = self.lock();
        let ring = rings.get(usize::from(node.0))?;
        let first = ring.records.front().map(|record| record.time_nanos);
        let last = ring.records.back().map(|record| record.time_nanos);
        Some(Fill {
            capacity: self.capacity.flows() as u64,
            len: ring.records.len() as u64,
            seen: ring.end(),
            span_nanos: first.zip(last),
        })
    }

    /// Number of a node's records that are not older than a time.
    pub(crate) fn count_since(&self, node: NodeId, since_nanos: i64) -> u64 {
        let rings = self.lock();
        rings.get(usize::from(node.0)).map_or(0, |ring| {
            let older = ring.records.partition_point(|record| record.time_nanos < since_nanos);
            (ring.records.len() - older) as u64
        })
    }

    /// The content of a node's ring, oldest first, and the position of the first record.
    pub(crate) fn snapshot(&self, node: NodeId) -> (u64, Vec<EventRecord>) {
        let rings = self.lock();
        rings
            .get(usize::from(node.0))
            .map(|ring| (ring.oldest, ring.records.iter().cloned().collect()))
            .unwrap_or_default()
    }

    /// A cursor after the newest record of each node.
    pub(crate) fn newest(&self, nodes: &[NodeId]) -> Cursor {
        let rings = self.lock();
        let positions = nodes
            .iter()
            .filter_map(|&node| {
                let next = rings.get(usize::from(node.0))?.end();
                Some(NodePosition { node, next })
            })
            .collect();
        Cursor { positions }
    }

    /// Reads at most `limit` further records, merged by time.
    pub(crate) fn read(&self, cursor: &mut Cursor, limit: usize) -> ReadRecords {
        let rings = self.lock();
        let mut batch = ReadRecords::default();
        for position in &mut cursor.positions {
            let Some(ring) = rings.get(usize::from(position.node.0)) else {
                continue;
            };
            if position.next < ring.oldest {
                batch.lost.push((position.node, ring.oldest - position.next));
                position.next = ring.oldest;
            }
        }
        while batch.records.len() < limit {
            let earliest = cursor
                .positions
                .iter_mut()
                .filter_map(|position| {
                    let ring = rings.get(usize::from(position.node.0))?;
                    let record = ring.get(position.next)?;
                    Some((record, position))
                })
                .min_by_key(|(record, _)| (record.time_nanos, record.sequence));
            let Some((record, position)) = earliest else {
                batch.drained = true;
                break;
            };
            batch.records.push(record.clone());
            position.next += 1;
        }
        batch
    }
}

impl Cursor {
    /// Moves a node's start to a position.
    pub(crate) fn start_at(&mut self, node: NodeId, next: u64) {
        for position in &mut self.positions {
            if position.node == node {
                position.next = next;
            }
        }
    }
}

#[cfg(test)]
mod tests;
