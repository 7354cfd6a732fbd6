//! Deduplication of denied packets, which Hubble records twice: as a policy verdict and as a drop.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::hash_map::{Entry, OccupiedEntry};
use hashbrown::{DefaultHashBuilder, HashMap};

use crate::EndpointRole;
use crate::columns::{Column, ColumnSet, FlowColumns, NO_TIME};
use crate::{MessageType, Verdict};

/// Longest time between the two records of a packet. The datapath sends both from one program run;
/// a retransmission comes 1 s later at the earliest.
pub(crate) const WINDOW_NANOS: i64 = 500_000_000;

/// Maximum number of records that wait for their duplicate, of about 100 bytes each. Then the first to arrive
/// leaves.
const MAX_WAITING: usize = 65_536;

/// Deduplication of records by packet.
///
/// Two records belong to the same packet if one is a `drop` and one a dropped `policy-verdict`,
/// with equal node, protocol, addresses and ports, at most 500 ms apart. The first to arrive
/// counts.
#[derive(Debug, Default)]
pub struct PacketDedup {
    hasher: DefaultHashBuilder,
    /// Waiting records by hash of packet and record type.
    waiting: HashMap<u64, WaitingRecords>,
    /// Number of records in `waiting`.
    waiting_count: usize,
    /// Hash and number of each record that began to wait, in the order of arrival. Some have met
    /// their duplicate since.
    arrivals: VecDeque<(u64, u64)>,
    /// Number of records that ever began to wait.
    arrived: u64,
}

/// Record that waits for its duplicate.
#[derive(Debug)]
struct WaitingRecord {
    /// Time in Unix nanoseconds.
    time_nanos: i64,
    /// Number in the order of arrival.
    number: u64,
}

/// Waiting records of one hash in the order of arrival; seldom more than one.
#[derive(Debug)]
struct WaitingRecords {
    first: WaitingRecord,
    others: VecDeque<WaitingRecord>,
}

impl WaitingRecords {
    /// Index of the first record near enough in time to be of one packet.
    fn near(&self, time_nanos: i64) -> Option<usize> {
        let is_near = |record: &WaitingRecord| {
            record.time_nanos.abs_diff(time_nanos) <= WINDOW_NANOS.unsigned_abs()
        };
        if is_near(&self.first) {
            return Some(0);
        }
        Some(self.others.iter().position(is_near)? + 1)
    }

    fn is_waiting(&self, number: u64) -> bool {
        self.first.number == number
            || self.others.binary_search_by_key(&number, |record| record.number).is_ok()
    }

    /// Removes the record at `index`, and returns whether others are left.
    fn remove(&mut self, index: usize) -> bool {
        match index.checked_sub(1) {
            Some(index) => drop(self.others.remove(index)),
            None => match self.others.pop_front() {
                Some(second) => self.first = second,
                None => return false,
            },
        }
        true
    }
}

impl PacketDedup {
    /// Size in bytes.
    pub fn bytes(&self) -> usize {
        let waiting = size_of::<(u64, WaitingRecords)>().saturating_mul(self.waiting.capacity());
        waiting.saturating_add(size_of::<(u64, u64)>().saturating_mul(self.arrivals.capacity()))
    }

    /// Columns that [`PacketDedup::is_duplicate`] reads.
    pub const COLUMNS: ColumnSet = ColumnSet::of(&[
        Column::TimeNanos,
        Column::Verdict,
        Column::EventType,
        Column::NodeName,
        Column::SourceIp,
        Column::DestinationIp,
        Column::SourcePort,
        Column::DestinationPort,
        Column::L4Protocol,
    ]);

    /// Whether an earlier record already counted the packet of `row`.
    pub fn is_duplicate(&mut self, columns: &FlowColumns, row: usize) -> bool {
        let at = |column: &[i32]| column.get(row).copied().unwrap_or_default();
        if Verdict::from_number(at(columns.verdict())) != Verdict::Dropped {
            return false;
        }
        let is_drop = match MessageType::from_number(at(columns.event_type())) {
            MessageType::Drop => true,
            MessageType::PolicyVerdict => false,
            _ => return false,
        };
        let time_nanos = columns.time_nanos().get(row).copied().unwrap_or(NO_TIME);
        let (source, destination) =
            (EndpointRole::Source.ip(columns, row), EndpointRole::Destination.ip(columns, row));
        if time_nanos == NO_TIME || source.is_empty() || destination.is_empty() {
            return false;
        }
        let node = columns.text(columns.node_name().get(row).copied().unwrap_or_default());
        let ports =
            (EndpointRole::Source.port(columns, row), EndpointRole::Destination.port(columns, row));
        let protocol = columns.l4_protocol().get(row).copied().unwrap_or_default();
        let key = |is_drop: bool| {
            self.hasher.hash_one((is_drop, node, source, destination, ports, protocol))
        };
        let (own, other) = (key(is_drop), key(!is_drop));
        if let Entry::Occupied(records) = self.waiting.entry(other)
            && let Some(index) = records.get().near(time_nanos)
        {
            leave(records, index);
            self.waiting_count -= 1;
            return true;
        }
        self.wait(own, time_nanos);
        false
    }

    fn wait(&mut self, hash: u64, time_nanos: i64) {
        let number = self.arrived;
        self.arrived += 1;
        let record = WaitingRecord { time_nanos, number };
        match self.waiting.entry(hash) {
            Entry::Occupied(mut records) => records.get_mut().others.push_back(record),
            Entry::Vacant(free) => {
                free.insert(WaitingRecords { first: record, others: VecDeque::new() });
            }
        }
        self.waiting_count += 1;
        self.arrivals.push_back((hash, number));
        while self.waiting_count > MAX_WAITING
            && let Some((hash, number)) = self.arrivals.pop_front()
        {
            if let Entry::Occupied(records) = self.waiting.entry(hash)
                && records.get().first.number == number
            {
                leave(records, 0);
                self.waiting_count -= 1;
            }
        }
        // Records that met their duplicate would pile up behind one that waits.
        if self.arrivals.len() > 2 * MAX_WAITING {
            self.arrivals.retain(|(hash, number)| {
                self.waiting.get(hash).is_some_and(|records| records.is_waiting(*number))
            });
        }
    }
}

fn leave(mut records: OccupiedEntry<'_, u64, WaitingRecords, DefaultHashBuilder>, index: usize) {
    if !records.get_mut().remove(index) {
        records.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::RowLists;
    use crate::{CiliumEventType, Flow, Ip, Layer4, Tcp, Timestamp};

    fn record(kind: MessageType, verdict: Verdict, source_port: u16, time_ms: i64) -> Flow {
        Flow {
            time: Some(Timestamp::from_unix_nanos(time_ms * 1_000_000)),
            verdict,
            event_type: Some(CiliumEventType { message_type: kind, sub_type: 0 }),
            ip: Some(Ip {
                source: "10.0.0.1".to_owned(),
                destination: "10.0.0.2".to_owned(),
                ..Ip::default()
            }),
            l4: Some(Layer4::Tcp(Tcp { source_port, destination_port: 80, flags: None })),
            node_name: "aks-1".to_owned(),
            ..Flow::default()
        }
    }

    fn columns_of(flows: impl IntoIterator<Item = Flow>) -> FlowColumns {
        let (mut columns, mut lists) = (FlowColumns::default(), RowLists::default());
        for flow in flows {
            columns.append_flow(&flow, &mut lists).unwrap();
        }
        columns
    }

    #[test]
    fn the_oldest_waiting_record_leaves_first() {
        use MessageType::{Drop, PolicyVerdict};
        let denied = |kind, port, time_ms| record(kind, Verdict::Dropped, port, time_ms);
        // Records of packets that are all different.
        let others = |count: usize| {
            let address = |number: usize| format!("10.1.{}.{}", number >> 8, number & 255);
            (0..count).map(move |number| {
                let ip = Ip { source: address(number), destination: address(0), ..Ip::default() };
                Flow { ip: Some(ip), ..denied(Drop, 80, 2_000) }
            })
        };
        let check = |before: &[Flow], count: usize, after: &[(Flow, bool)], what: &str| {
            let mut dedup = PacketDedup::default();
            let columns = columns_of(before.iter().cloned().chain(others(count)));
            for row in 0..columns.time_nanos().len() {
                dedup.is_duplicate(&columns, row);
            }
            for (index, (flow, expected)) in after.iter().enumerate() {
                let columns = columns_of([flow.clone()]);
                assert_eq!(dedup.is_duplicate(&columns, 0), *expected, "{what}: {index}");
            }
        };
        let (packet, again) = (denied(Drop, 1, 0), denied(Drop, 1, 1_000));
        // Verdicts of the two packets. One that meets no record waits too.
        let (of_packet, of_again) = (denied(PolicyVerdict, 1, 0), denied(PolicyVerdict, 1, 1_000));
        check(
            &[packet.clone(), again.clone()],
            MAX_WAITING - 2,
            &[(of_packet.clone(), true), (of_again.clone(), true)],
            "as many as may wait",
        );
        check(
            &[packet.clone(), again.clone()],
            MAX_WAITING - 1,
            &[(of_again.clone(), true), (of_packet.clone(), false)],
            "one more: the retransmission stays",
        );
        check(
            &[packet.clone(), again.clone()],
            MAX_WAITING,
            &[(of_again.clone(), false), (of_packet.clone(), false)],
            "two more",
        );
        check(
            &[packet.clone(), denied(PolicyVerdict, 1, 1), again.clone()],
            MAX_WAITING - 1,
            &[(of_again.clone(), true), (of_packet.clone(), false)],
            "a counted packet does not wait",
        );
        check(
            &[again.clone(), packet.clone()],
            MAX_WAITING - 1,
            &[(of_packet.clone(), true), (of_again.clone(), false)],
            "the oldest is the first to arrive, whatever its time",
        );
        check(
            &[packet.clone(), packet.clone(), of_packet.clone()],
            MAX_WAITING - 1,
            &[(of_packet.clone(), true), (of_packet.clone(), false)],
            "two records of one time",
        );
    }

    #[test]
    fn pairs_behind_a_waiting_record_take_no_memory() {
        let mut dedup = PacketDedup::default();
        let pair = [MessageType::Drop, MessageType::PolicyVerdict]
            .map(|kind| record(kind, Verdict::Dropped, 2, 0));
        let columns =
            columns_of([record(MessageType::Drop, Verdict::Dropped, 1, 0)].into_iter().chain(pair));
        assert!(!dedup.is_duplicate(&columns, 0));
        for _ in 0..3 * MAX_WAITING {
            assert!(!dedup.is_duplicate(&columns, 1));
            assert!(dedup.is_duplicate(&columns, 2));
        }
        assert!(dedup.arrivals.len() <= 2 * MAX_WAITING, "{}", dedup.arrivals.len());
        let verdict = columns_of([record(MessageType::PolicyVerdict, Verdict::Dropped, 1, 0)]);
        assert!(dedup.is_duplicate(&verdict, 0), "the first record still waits");
    }

    #[test]
    fn a_denied_packet_counts_once() {
        use MessageType::{Drop, PolicyVerdict, Trace};
        use Verdict::{Dropped, Forwarded};
        let cases = [
            (record(PolicyVerdict, Dropped, 1, 0), false, "the first record"),
            (record(Drop, Dropped, 1, 1), true, "its drop"),
            (record(Drop, Dropped, 1, 2), false, "another packet's drop, which comes first"),
            (record(PolicyVerdict, Dropped, 1, 0), true, "and its verdict"),
            (record(PolicyVerdict, Dropped, 2, 0), false, "another port"),
            (record(Drop, Dropped, 3, 0), false, "a third port"),
            (record(Drop, Dropped, 2, 900), false, "too late: a retransmission"),
            (record(PolicyVerdict, Forwarded, 4, 0), false, "allowed"),
            (record(Trace, Forwarded, 4, 0), false, "and traced"),
        ];
        let mut dedup = PacketDedup::default();
        for (flow, expected, what) in cases {
            assert_eq!(dedup.is_duplicate(&columns_of([flow]), 0), expected, "{what}");
        }
    }
}
