//! Order of packets by a column.

use std::collections::BTreeMap;

use flow::columns::{ABSENT, NO_TIME, at};

use crate::captions::TextColumn;
use crate::table::Table;
use crate::view_spec::Column;

/// Ranks of the texts of columns, kept from one view to the next.
#[derive(Debug, Default)]
pub(crate) struct Ranks {
    /// The ranks of a column, and how many rows and texts there were.
    of_column: BTreeMap<usize, (usize, usize, Vec<u32>)>,
}

impl Ranks {
    /// The numbers of packets in the order of the first row of each. `starts`: place in `rows` where each
    /// packet starts. Equal packets keep their order; those without a value are last.
    pub(crate) fn order(
        &mut self,
        table: &Table,
        rows: &[u32],
        starts: &[u32],
        sort: Column,
        descending: bool,
    ) -> Vec<u32> {
        let first = |packet: u32| at(rows, at(starts, packet as usize) as usize) as usize;
        let packets = 0..u32::try_from(starts.len()).unwrap_or(u32::MAX);
        match sort {
            Column::Time => {
                let times = table.flows.time_nanos();
                let mut packets: Vec<u32> = packets.collect();
                // Packets arrive nearly newest first, which a stable sort makes use of.
                packets.sort_by_key(|&packet| {
                    let nanos = at(times, first(packet));
                    (nanos == NO_TIME, if descending { nanos.saturating_neg() } else { nanos })
                });
                packets
            }
            Column::SourcePort | Column::DestinationPort | Column::Text(_) => {
                let keys: Vec<u32> = self.keys(table, sort, packets.map(first));
                by_key(&keys, descending)
            }
        }
    }

    /// A number for the cell of each row, in the order of the cells' values; 0 for an empty cell.
    pub(crate) fn keys(
        &mut self,
        table: &Table,
        column: Column,
        rows: impl Iterator<Item = usize>,
    ) -> Vec<u32> {
        match column {
            Column::Time => rows.map(|_| 0).collect(),
            Column::SourcePort => {
                rows.map(|row| at(table.flows.source_port(), row).into()).collect()
            }
            Column::DestinationPort => {
                rows.map(|row| at(table.flows.destination_port(), row).into()).collect()
            }
            Column::Text(column) => {
                let codes = table.captions.codes(column);
                let ranks = self.of(table, column);
                rows.map(|row| at(ranks, at(codes, row) as usize)).collect()
            }
        }
    }

    /// Rank of each code's text among the texts of a column, in any case; 0 for the empty text.
    fn of(&mut self, table: &Table, column: TextColumn) -> &[u32] {
        let dictionary = table.captions.dictionary();
        let size = (table.flows.len(), dictionary.len());
        let (rows, texts, ranks) = self.of_column.entry(column as usize).or_default();
        // The policies' columns change with the policies, whatever the size.
        if (*rows, *texts) != size || TextColumn::OF_POLICIES.contains(&column) {
            (*rows, *texts) = size;
            *ranks = vec![ABSENT; dictionary.len()];
            let mut codes: Vec<u32> = Vec::new();
            for &code in table.captions.codes(column) {
                if code != ABSENT
                    && let Some(rank) = ranks.get_mut(code as usize)
                    && *rank == ABSENT
                {
                    *rank = 1;
                    codes.push(code);
                }
            }
            let text = |code: &u32| dictionary.get(*code).unwrap_or_default();
            codes.sort_by_cached_key(|code| text(code).to_ascii_lowercase());
            for (rank, code) in (1..).zip(codes) {
                if let Some(slot) = ranks.get_mut(code as usize) {
                    *slot = rank;
                }
            }
        }
        ranks
    }
}

/// The numbers of items in the order of their keys; equal keys keep their order, and 0 is last in both
/// directions. By counting: keys are ports or ranks, so there are few.
pub(crate) fn by_key(keys: &[u32], descending: bool) -> Vec<u32> {
    let most = keys.iter().copied().max().unwrap_or_default() as usize;
    let place = |key: u32| match key as usize {
        0 => most,
        key if descending => most - key,
        key => key - 1,
    };
    let mut starts = vec![0_usize; most + 2];
    for &key in keys {
        if let Some(count) = starts.get_mut(place(key) + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut order = vec![0; keys.len()];
    for (item, &key) in (0..).zip(keys) {
        if let Some(next) = starts.get_mut(place(key)) {
            if let Some(slot) = order.get_mut(*next) {
                *slot = item;
            }
            *next += 1;
        }
    }
    order
}
