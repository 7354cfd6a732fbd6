//! Records of one packet: what several observation points report of it.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap};

use crate::columns::{Column, ColumnSet, FlowColumns, NO_TIME, at, l7_record};
use crate::dedup::WINDOW_NANOS;
use crate::{MessageType, Verdict};

/// Maximum number of packets of one header that wait for further records. Then the first to arrive
/// leaves.
const MAX_WAITING: usize = 16;

/// The records of a table by packet.
///
/// Records belong to one packet if they have equal addresses, ports, protocol, TCP flags and ICMP
/// type, come from different observation points (node, type of event, direction), and follow its
/// first record by at most 500 ms; after a dropped record, only further dropped ones. A message of
/// layer 7 and a record without time, addresses or type of event stand alone. A second record from one point is
/// that of another packet with the same header.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Packets {
    /// Rows packet by packet, the packet with the newest first record at the front. Of a packet, the record
    /// that says most stands first: the most alarming verdict, then what policy decided, then the newest.
    pub rows: Vec<u32>,
    /// Packet of each row.
    pub packet_of: Vec<u32>,
}

/// A packet that may get further records.
struct Waiting {
    packet: u32,
    first_nanos: i64,
    is_dropped: bool,
    /// Hashes of the observation points that reported it; few.
    points: Vec<u64>,
}

impl Packets {
    /// Columns that [`Packets::of`] reads.
    pub const COLUMNS: ColumnSet = ColumnSet::of(&[
        Column::TimeNanos,
        Column::Verdict,
        Column::TrafficDirection,
        Column::EventType,
        Column::EventSubType,
        Column::NodeName,
        Column::SourceIp,
        Column::DestinationIp,
        Column::SourcePort,
        Column::DestinationPort,
        Column::L4Protocol,
        Column::TcpFlags,
        Column::IcmpType,
        Column::IcmpCode,
        Column::L7Record,
    ]);

    /// The packets of all rows.
    pub fn of(columns: &FlowColumns) -> Self {
        let hasher = DefaultHashBuilder::default();
        let mut waiting: HashMap<[u32; 5], VecDeque<Waiting>> = HashMap::new();
        let mut packet_of = vec![0; columns.len()];
        let mut packets = 0_u32;
        let newest_first = columns.newest_first();
        for &row in newest_first.iter().rev() {
            let place = row as usize;
            let (time, header) = (at(columns.time_nanos(), place), header(columns, place));
            let point = hasher.hash_one(point(columns, place));
            let mut known = None;
            if let Some(header) = header {
                let same = waiting.entry(header).or_default();
                same.retain(|packet| time.saturating_sub(packet.first_nanos) <= WINDOW_NANOS);
                let is_dropped = at(columns.verdict(), place) == Verdict::Dropped.number();
                let place_of = |after_drop: bool| {
                    same.iter().position(|packet| {
                        packet.is_dropped == after_drop && !packet.points.contains(&point)
                    })
                };
                // Nothing but its other record follows a drop.
                let other =
                    if is_dropped { place_of(true) } else { None }.or_else(|| place_of(false));
                if let Some(packet) = other.and_then(|other| same.get_mut(other)) {
                    packet.points.push(point);
                    packet.is_dropped |= is_dropped;
                    known = Some(packet.packet);
                } else {
                    if same.len() >= MAX_WAITING {
                        same.pop_front();
                    }
                    same.push_back(Waiting {
                        packet: packets,
                        first_nanos: time,
                        is_dropped,
                        points: vec![point],
                    });
                }
            }
            let packet = known.unwrap_or_else(|| {
                packets += 1;
                packets - 1
            });
            if let Some(slot) = packet_of.get_mut(place) {
                *slot = packet;
            }
        }
        let mut rows = newest_first;
        // Packets count up from the oldest; those without a time are the first.
        rows.sort_by_key(|&row| {
            let row = row as usize;
            (Reverse(at(&packet_of, row)), rank(columns, row))
        });
        Self { rows, packet_of }
    }
}

/// What all records of a packet have in common; `None` for a record that stands alone.
fn header(columns: &FlowColumns, row: usize) -> Option<[u32; 5]> {
    let (source, destination) = (at(columns.source_ip(), row), at(columns.destination_ip(), row));
    let event = MessageType::from_number(at(columns.event_type(), row));
    let is_alone = at(columns.time_nanos(), row) == NO_TIME
        || at(columns.l7_record(), row) != l7_record::NONE
        || matches!(event, MessageType::L7 | MessageType::Unspec)
        || source == 0
        || destination == 0;
    let two = |one: u16, other: u16| u32::from(one) << 16 | u32::from(other);
    let icmp = |byte: &[u8]| u16::from(at(byte, row));
    (!is_alone).then(|| {
        [
            source,
            destination,
            two(at(columns.source_port(), row), at(columns.destination_port(), row)),
            two(at(columns.l4_protocol(), row).into(), at(columns.tcp_flags(), row)),
            two(icmp(columns.icmp_type()), icmp(columns.icmp_code())),
        ]
    })
}

/// Where a record was made. The sub type of a trace is its observation point; those of a drop and of a
/// verdict are results.
fn point(columns: &FlowColumns, row: usize) -> (u32, i32, i32, i32) {
    let event = at(columns.event_type(), row);
    let is_result =
        matches!(MessageType::from_number(event), MessageType::Drop | MessageType::PolicyVerdict);
    (
        at(columns.node_name(), row),
        event,
        if is_result { 0 } else { at(columns.event_sub_type(), row) },
        at(columns.traffic_direction(), row),
    )
}

/// Place of a record among those of its packet, the lowest first.
fn rank(columns: &FlowColumns, row: usize) -> (u8, bool) {
    let alarm = match Verdict::from_number(at(columns.verdict(), row)) {
        Verdict::Dropped => 0,
        Verdict::Error => 1,
        Verdict::Audit => 2,
        Verdict::Redirected => 3,
        _ => 4,
    };
    let event = MessageType::from_number(at(columns.event_type(), row));
    (alarm, event != MessageType::PolicyVerdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::RowLists;
    use crate::dedup::PacketDedup;
    use crate::{
        CiliumEventType, Dns, Flow, Ip, L7Record, Layer4, Layer7, Tcp, TcpFlags, Timestamp,
        TrafficDirection,
    };

    use MessageType::{Drop, PolicyVerdict, Trace};
    use TrafficDirection::{Egress, Ingress, Unknown};

    fn record(
        time_ms: i64,
        (node, kind, sub_type): (&str, MessageType, i32),
        direction: TrafficDirection,
        verdict: Verdict,
    ) -> Flow {
        let flags = Some(TcpFlags::SYN);
        Flow {
            time: Some(Timestamp::from_unix_nanos(time_ms * 1_000_000)),
            verdict,
            traffic_direction: direction,
            event_type: Some(CiliumEventType { message_type: kind, sub_type }),
            ip: Some(Ip {
                source: "10.0.0.1".to_owned(),
                destination: "10.0.0.2".to_owned(),
                ..Ip::default()
            }),
            l4: Some(Layer4::Tcp(Tcp { source_port: 40_000, destination_port: 80, flags })),
            node_name: node.to_owned(),
            ..Flow::default()
        }
    }

    fn columns_of(flows: &[Flow]) -> FlowColumns {
        let (mut columns, mut lists) = (FlowColumns::default(), RowLists::default());
        for flow in flows {
            columns.append_flow(flow, &mut lists).unwrap();
        }
        columns
    }

    /// What it is, flows, and the rows of each packet.
    type Case<'a> = (&'a str, &'a [Flow], &'a [&'a [u32]]);

    /// The rows of each packet, in order.
    fn packets(flows: &[Flow]) -> Vec<Vec<u32>> {
        let Packets { rows, packet_of } = Packets::of(&columns_of(flows));
        let same = |one: &u32, other: &u32| packet_of[*one as usize] == packet_of[*other as usize];
        rows.chunk_by(same).map(<[u32]>::to_vec).collect()
    }

    #[test]
    fn the_records_of_a_packet_stand_together() {
        use Verdict::{Dropped, Forwarded};
        let allowed = record(0, ("a", PolicyVerdict, 0), Egress, Forwarded);
        let sent = record(1, ("a", Trace, 3), Unknown, Forwarded);
        let arrived = record(2, ("b", Trace, 0), Ingress, Forwarded);
        let denied = record(2, ("b", PolicyVerdict, 0), Ingress, Dropped);
        let dropped = record(2, ("b", Drop, 133), Ingress, Dropped);
        let later = |flow: &Flow, time_ms: i64| Flow {
            time: Some(Timestamp::from_unix_nanos(time_ms * 1_000_000)),
            ..flow.clone()
        };
        let acknowledged = Flow {
            l4: Some(Layer4::Tcp(Tcp {
                source_port: 40_000,
                destination_port: 80,
                flags: Some(TcpFlags::ACK),
            })),
            ..sent.clone()
        };
        let message = Flow {
            l7: Some(Layer7 { record: Some(L7Record::Dns(Dns::default())), ..Layer7::default() }),
            ..arrived.clone()
        };
        let cases: &[Case<'_>] = &[
            ("none", &[], &[]),
            ("forwarded", &[allowed.clone(), sent.clone(), arrived.clone()], &[&[0, 2, 1]]),
            (
                "allowed by one end, denied by the other",
                &[allowed.clone(), dropped.clone(), denied.clone()],
                &[&[2, 1, 0]],
            ),
            (
                "denied, then allowed",
                &[
                    denied.clone(),
                    dropped.clone(),
                    later(&record(3, ("b", PolicyVerdict, 1), Ingress, Forwarded), 3),
                    later(&arrived, 4),
                ],
                &[&[2, 3], &[0, 1]],
            ),
            ("other flags", &[sent.clone(), acknowledged], &[&[0], &[1]]),
            ("sent again", &[sent.clone(), later(&sent, 1_000)], &[&[1], &[0]]),
            ("too late", &[sent.clone(), later(&arrived, 502)], &[&[1], &[0]]),
            (
                "two packets with one header",
                &[sent.clone(), sent.clone(), arrived.clone(), later(&arrived, 3)],
                &[&[3, 0], &[2, 1]],
            ),
            ("a message of layer 7", &[sent.clone(), message], &[&[1], &[0]]),
            (
                "without time or addresses",
                &[
                    Flow { time: None, ..sent.clone() },
                    Flow { time: None, ..arrived.clone() },
                    Flow { ip: None, ..sent },
                    Flow { ip: None, ..arrived },
                ],
                &[&[3], &[2], &[0], &[1]],
            ),
        ];
        for (what, flows, expected) in cases {
            assert_eq!(packets(flows), *expected, "{what}");
        }
    }

    #[test]
    fn a_denied_packet_is_one_wherever_it_counts_once() {
        use Verdict::Dropped;
        let flows: Vec<Flow> = (0..400)
            .map(|at| {
                let kind = if at % 3 == 0 { PolicyVerdict } else { Drop };
                record(at * 40, ("a", kind, 0), Ingress, Dropped)
            })
            .collect();
        let columns = columns_of(&flows);
        let mut dedup = PacketDedup::default();
        let counted = (0..columns.len()).filter(|&row| !dedup.is_duplicate(&columns, row)).count();
        assert_eq!(packets(&flows).len(), counted);
    }

    #[test]
    fn equal_records_of_a_stranger_take_no_quadratic_time() {
        let same = record(0, ("a", Trace, 0), Ingress, Verdict::Forwarded);
        let flows = vec![same; 20_000];
        assert_eq!(packets(&flows).len(), flows.len());
    }
}
