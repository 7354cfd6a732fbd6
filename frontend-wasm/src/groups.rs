//! Groups of packets with equal cells.

use std::cmp::Reverse;

use flow::columns::{NO_TIME, at};
use flow::{Verdict, columns::FlowColumns};
use hashbrown::HashMap;

use crate::order::{Ranks, by_key};
use crate::table::Table;
use crate::view_spec::{GroupSort, ViewSpec};

/// Groups in the order of the table; their packets lie next to each other. All lists are empty without keys.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Groups {
    /// Number of the packet after the last one of each group.
    pub(crate) ends: Vec<u32>,
    /// Number of dropped packets.
    pub(crate) dropped: Vec<u32>,
    /// Time of the oldest packet, in nanoseconds; [`NO_TIME`] if no packet has one.
    pub(crate) first_seen: Vec<i64>,
    /// Time of the newest packet.
    pub(crate) last_seen: Vec<i64>,
}

/// Counts of one group.
#[derive(Clone, Copy, Default)]
struct Group {
    /// Ranks of its keys.
    packets: u32,
    dropped: u32,
    /// The first packet, which has the group's keys.
    example: u32,
    seen: Option<(i64, i64)>,
}

impl Group {
    fn add(&mut self, flows: &FlowColumns, row: usize) {
        self.packets += 1;
        self.dropped += u32::from(at(flows.verdict(), row) == Verdict::Dropped.number());
        let time = at(flows.time_nanos(), row);
        if time != NO_TIME {
            let (first, last) = self.seen.unwrap_or((time, time));
            self.seen = Some((first.min(time), last.max(time)));
        }
    }
}

/// The groups of packets by the cells of their first rows, and the packets in the groups' order; within a
/// group they keep theirs.
pub(crate) fn grouped(
    table: &Table,
    ranks: &mut Ranks,
    rows: &[u32],
    starts: &[u32],
    spec: &ViewSpec,
) -> (Groups, Vec<u32>) {
    let first = |packet: usize| at(rows, at(starts, packet) as usize) as usize;
    let mut keys: Vec<Vec<u32>> = Vec::new();
    let mut group_of = vec![0_u32; starts.len()];
    for &column in &spec.group_by {
        let own = ranks.keys(table, column, (0..starts.len()).map(first));
        refine(&mut group_of, &own);
        keys.push(own);
    }
    let mut groups: Vec<Group> = Vec::new();
    for (packet, &group) in (0..).zip(&group_of) {
        if group as usize == groups.len() {
            groups.push(Group { example: packet, ..Group::default() });
        }
        if let Some(group) = groups.get_mut(group as usize) {
            group.add(&table.flows, first(packet as usize));
        }
    }
    let order = order_of(&groups, &keys, spec.group_sort);
    let mut place_of = vec![0_u32; groups.len()];
    for (place, &group) in (1..).zip(&order) {
        if let Some(slot) = place_of.get_mut(group as usize) {
            *slot = place;
        }
    }
    let places: Vec<u32> = group_of.iter().map(|&group| at(&place_of, group as usize)).collect();
    let packets = by_key(&places, false);
    let mut answer = Groups::default();
    let mut end = 0;
    for group in order {
        let group = groups.get(group as usize).copied().unwrap_or_default();
        end += group.packets;
        answer.ends.push(end);
        answer.dropped.push(group.dropped);
        let (first, last) = group.seen.unwrap_or((NO_TIME, NO_TIME));
        answer.first_seen.push(first);
        answer.last_seen.push(last);
    }
    (answer, packets)
}

/// Splits groups by a further key. Groups are numbered in the order of their first items.
fn refine(group_of: &mut [u32], keys: &[u32]) {
    let mut known: HashMap<u64, u32> = HashMap::new();
    for (group, &key) in group_of.iter_mut().zip(keys) {
        let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
        *group = *known.entry(u64::from(*group) << 32 | u64::from(key)).or_insert(next);
    }
}

/// The numbers of the groups in order; those that are equal go by their keys.
fn order_of(groups: &[Group], keys: &[Vec<u32>], sort: GroupSort) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(groups.len()).collect();
    order.sort_by_cached_key(|&group| {
        let group = groups.get(group as usize).copied().unwrap_or_default();
        let (first, last) = group.seen.unwrap_or((NO_TIME, NO_TIME));
        let number = match sort {
            GroupSort::Flows => i64::from(group.packets),
            // Exact enough to tell any two ratios of half a million packets apart.
            GroupSort::DropRatio => {
                (i64::from(group.dropped) << 40) / i64::from(group.packets.max(1))
            }
            GroupSort::LastSeen => last,
            GroupSort::FirstSeen => first,
            GroupSort::Keys => 0,
        };
        // An empty cell comes last.
        let of_keys = keys.iter().map(|keys| at(keys, group.example as usize).wrapping_sub(1));
        (Reverse(number), of_keys.collect::<Vec<u32>>())
    });
    order
}
