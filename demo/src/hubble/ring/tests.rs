use flow::{TraceObservationPoint, TraceReason, TrafficDirection};

use super::*;
use crate::cluster::EndpointId;
use crate::record::{Event, Transport};

const NODES: [NodeId; 3] = [NodeId(0), NodeId(1), NodeId(2)];

fn record(node: u8, time_nanos: i64, sequence: u64) -> EventRecord {
    EventRecord {
        time_nanos,
        sequence,
        node: NodeId(node),
        source: EndpointId(0),
        destination: EndpointId(1),
        source_port: 1,
        destination_port: 2,
        transport: Transport::Udp,
        direction: TrafficDirection::Egress,
        is_reply: None,
        event: Event::Trace {
            point: TraceObservationPoint::ToStack,
            reason: TraceReason::New,
            proxy_port: 0,
        },
        name: None,
        masqueraded: false,
        bytes: 1,
    }
}

fn rings(capacity: u32) -> Rings {
    Rings::new(3, RingCapacity::new(capacity).unwrap())
}

fn times(batch: &ReadRecords) -> Vec<i64> {
    batch.records.iter().map(|record| record.time_nanos).collect()
}

#[test]
fn a_capacity_is_one_less_than_a_power_of_two() {
    let check = |flows: u32, good: bool| {
        assert_eq!(RingCapacity::new(flows).is_ok(), good, "{flows}");
    };
    for good in [1, 3, 7, 4_095, 65_535] {
        check(good, true);
    }
    for bad in [0, 2, 4_096, 65_536, 131_071, u32::MAX] {
        check(bad, false);
    }
    assert_eq!(
        RingCapacity::new(100).unwrap_err().to_string(),
        "`100` flows: the capacity is one less than a power of two, from 1 to 65535"
    );
    assert_eq!(RingCapacity::DEFAULT.flows(), 4_095);
}

#[test]
fn a_full_ring_forgets_its_oldest() {
    let rings = rings(7);
    rings.append((0..10).map(|at| record(1, at, 0)));
    assert_eq!(
        rings.fill(NodeId(1)),
        Some(Fill { capacity: 7, len: 7, seen: 10, span_nanos: Some((3, 9)) })
    );
    assert_eq!(
        rings.fill(NodeId(0)),
        Some(Fill { capacity: 7, len: 0, seen: 0, span_nanos: None })
    );
    assert_eq!(rings.fill(NodeId(3)), None);
    let (oldest, kept) = rings.snapshot(NodeId(1));
    assert_eq!((oldest, kept.len()), (3, 7));
    assert_eq!(rings.count_since(NodeId(1), 5), 5);
    assert_eq!(rings.count_since(NodeId(1), 100), 0);
}

#[test]
fn nodes_are_merged_by_time() {
    let rings = rings(7);
    let mut cursor = rings.newest(&NODES);
    rings.append([record(2, 1, 0), record(0, 2, 2), record(1, 2, 1), record(2, 4, 3)]);
    rings.append([record(0, 5, 4)]);
    let first = rings.read(&mut cursor, 2);
    assert_eq!((times(&first), first.drained), (vec![1, 2], false));
    assert_eq!(first.records[1].node, NodeId(1), "the number decides between equal times");
    let rest = rings.read(&mut cursor, 10);
    assert_eq!((times(&rest), rest.drained), (vec![2, 4, 5], true));
    assert!(rings.read(&mut cursor, 10).records.is_empty());
}

#[test]
fn a_slow_reader_gets_its_losses() {
    let rings = rings(7);
    let mut cursor = rings.newest(&NODES);
    rings.append((0..20).map(|at| record(0, at, 0)));
    rings.append((0..3).map(|at| record(1, at, 1)));
    let batch = rings.read(&mut cursor, 100);
    assert_eq!(batch.lost, [(NodeId(0), 13)]);
    assert_eq!(batch.records.len(), 10);
    let after = rings.read(&mut cursor, 100);
    assert!(after.lost.is_empty() && after.records.is_empty());
}

#[test]
fn records_of_unknown_nodes_are_not_kept() {
    let rings = rings(7);
    rings.append([record(9, 1, 0)]);
    assert!(NODES.iter().all(|&node| rings.fill(node).is_some_and(|fill| fill.seen == 0)));
}
