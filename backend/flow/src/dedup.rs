//! Deduplication of denied packets, which Hubble records twice: as a policy verdict and as a drop.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap};

use crate::EndpointRole;
use crate::columns::{Column, ColumnSet, FlowColumns, NO_TIME};
use crate::{MessageType, Verdict};

/// Longest time between the two records of a packet. The datapath sends both from one program run;
/// a retransmission comes 1 s later at the earliest.
const WINDOW_NANOS: i64 = 500_000_000;

/// Most records that wait for their duplicate, of 24 bytes each.
const MAX_WAITING: usize = 65_536;

/// Deduplication of records by packet.
///
/// Two records belong to the same packet if one is a `drop` and one a dropped `policy-verdict`,
/// with equal node, protocol, addresses and ports, at most 500 ms apart. The first to arrive
/// counts.
#[derive(Debug, Default)]
pub struct PacketDedup {
    hasher: DefaultHashBuilder,
    /// Times of the waiting records, in Unix nanoseconds, by hash of packet and record type.
    waiting: HashMap<u64, Vec<i64>>,
    /// Hashes of the waiting records, the oldest first.
    arrivals: VecDeque<u64>,
}

impl PacketDedup {
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
        if let Some(times) = self.waiting.get_mut(&other)
            && let Some(index) = times
                .iter()
                .position(|time| time.abs_diff(time_nanos) <= WINDOW_NANOS.unsigned_abs())
        {
            times.swap_remove(index);
            if times.is_empty() {
                self.waiting.remove(&other);
            }
            return true;
        }
        self.waiting.entry(own).or_default().push(time_nanos);
        self.arrivals.push_back(own);
        if self.arrivals.len() > MAX_WAITING
            && let Some(oldest) = self.arrivals.pop_front()
        {
            self.waiting.remove(&oldest);
        }
        false
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
            let mut columns = FlowColumns::default();
            columns.append_flow(&flow, &mut RowLists::default()).unwrap();
            assert_eq!(dedup.is_duplicate(&columns, 0), expected, "{what}");
        }
    }
}
