//! Selection, order, packets and groups of a table's rows.

use flow::columns::{ABSENT, Dictionary};
use flow::packets::Packets;

use crate::captions::TextColumn;
use crate::groups::{Groups, grouped};
use crate::order::Ranks;
use crate::table::Table;
use crate::view_spec::{CellCondition, Column, ViewSpec};
use crate::words::Word;

/// The rows of a [`ViewSpec`].
#[derive(Debug, Default, PartialEq)]
pub(crate) struct View {
    /// Row numbers in the order of the table, the rows of a packet next to each other and the one that stands
    /// for it first.
    pub(crate) rows: Vec<u32>,
    /// Place in `rows` after the last row of each packet; empty if every row stands alone.
    pub(crate) packet_ends: Vec<u32>,
    /// Groups of packets, if there are keys.
    pub(crate) groups: Groups,
    /// Number of packets of all flows, hidden ones included; of rows if packets are not folded.
    pub(crate) all: u32,
    /// Number of packets with the words and a chosen agreement, by code of their verdict, hidden
    /// verdicts included. In the order of the codes.
    pub(crate) verdict_counts: Vec<(u32, u32)>,
    /// Number of packets with the words and a chosen verdict, by code of their agreement; rows that
    /// were not judged do not count.
    pub(crate) agreement_counts: Vec<(u32, u32)>,
}

/// What views of the same flows share: packets, and ranks of texts.
#[derive(Debug, Default)]
pub(crate) struct ViewCache {
    flows: usize,
    packets: Packets,
    newest_first: Vec<u32>,
    pub(crate) ranks: Ranks,
}

impl ViewCache {
    /// Brings the cache up to date with the table's flows.
    fn update(&mut self, table: &Table) {
        if self.flows != table.flows.len() || self.newest_first.len() != self.flows {
            self.flows = table.flows.len();
            self.packets = Packets::of(&table.flows);
            self.newest_first = table.flows.newest_first();
        }
    }
}

impl View {
    /// Selects, sorts, folds and groups the rows.
    pub(crate) fn new(table: &Table, cache: &mut ViewCache, spec: &ViewSpec) -> Self {
        cache.update(table);
        let mut view = Self::default();
        let mut starts = view.select(table, cache, spec);
        let order = cache.ranks.order(table, &view.rows, &starts, spec.sort, spec.descending);
        view.arrange(&mut starts, &order);
        if !spec.group_by.is_empty() {
            let (groups, order) = grouped(table, &mut cache.ranks, &view.rows, &starts, spec);
            view.arrange(&mut starts, &order);
            view.groups = groups;
        }
        if starts.len() < view.rows.len() {
            let ends = starts.iter().skip(1).copied().chain([count(view.rows.len())]);
            view.packet_ends = ends.collect();
        }
        view
    }

    /// Sets the matching rows, packet by packet, and all counts. Returns where each packet starts.
    fn select(&mut self, table: &Table, cache: &ViewCache, spec: &ViewSpec) -> Vec<u32> {
        let captions = &table.captions;
        let passes = passing(table, spec);
        let verdicts = captions.codes(TextColumn::Verdict);
        let agreements = captions.codes(TextColumn::Agreement);
        let chosen_verdicts = chosen(&spec.verdicts, captions.dictionary());
        let chosen_agreements = chosen(&spec.agreements, captions.dictionary());
        let is_shown =
            |chosen: &Option<Vec<u32>>, code| chosen.as_ref().is_none_or(|it| it.contains(&code));
        let mut by_verdict = Counts::new(captions.dictionary());
        let mut by_agreement = Counts::new(captions.dictionary());
        let mut starts = Vec::new();
        let rows = if spec.fold { &cache.packets.rows } else { &cache.newest_first };
        let (mut last, mut last_shown) = (None, None);
        for (place, &row) in (0..).zip(rows) {
            let packet = if spec.fold { value(&cache.packets.packet_of, row) } else { place };
            if last != Some(packet) {
                last = Some(packet);
                self.all += 1;
            }
            if !value(&passes, row) {
                continue;
            }
            let (verdict, agreement) = (value(verdicts, row), value(agreements, row));
            let verdict_shown = is_shown(&chosen_verdicts, verdict);
            let agreement_shown = is_shown(&chosen_agreements, agreement);
            // The selection of one narrows the counts of the other.
            if agreement_shown {
                by_verdict.add(verdict, packet);
            }
            if verdict_shown {
                by_agreement.add(agreement, packet);
            }
            if verdict_shown && agreement_shown {
                if last_shown != Some(packet) {
                    last_shown = Some(packet);
                    starts.push(count(self.rows.len()));
                }
                self.rows.push(row);
            }
        }
        self.verdict_counts = by_verdict.into_counts();
        self.agreement_counts = by_agreement.into_counts();
        self.agreement_counts.retain(|&(agreement, _)| agreement != ABSENT);
        starts
    }

    /// Puts the packets into an order of their numbers.
    fn arrange(&mut self, starts: &mut Vec<u32>, order: &[u32]) {
        let mut rows = Vec::with_capacity(self.rows.len());
        let mut arranged = Vec::with_capacity(starts.len());
        for &packet in order {
            let packet = packet as usize;
            let start = starts.get(packet).copied().unwrap_or_default() as usize;
            let end = starts.get(packet + 1).map_or(self.rows.len(), |&end| end as usize);
            arranged.push(count(rows.len()));
            rows.extend_from_slice(self.rows.get(start..end).unwrap_or_default());
        }
        self.rows = rows;
        *starts = arranged;
    }
}

/// Number of packets by a code, in the order of the codes.
struct Counts {
    /// Number, and the last packet that counted.
    by_code: Vec<(u32, Option<u32>)>,
}

impl Counts {
    fn new(dictionary: &Dictionary) -> Self {
        Self { by_code: vec![(0, None); dictionary.len()] }
    }

    fn add(&mut self, code: u32, packet: u32) {
        if let Some((count, last)) = self.by_code.get_mut(code as usize)
            && *last != Some(packet)
        {
            *last = Some(packet);
            *count += 1;
        }
    }

    fn into_counts(self) -> Vec<(u32, u32)> {
        let counted = (0..).zip(self.by_code).filter(|&(_, (count, _))| count > 0);
        counted.map(|(code, (count, _))| (code, count)).collect()
    }
}

/// Codes of chosen texts, without those that do not occur; `None` if every text is.
fn chosen(texts: &[String], dictionary: &Dictionary) -> Option<Vec<u32>> {
    (!texts.is_empty()).then(|| texts.iter().filter_map(|text| dictionary.code_of(text)).collect())
}

/// Whether each row has the words and meets the conditions.
fn passing(table: &Table, spec: &ViewSpec) -> Vec<bool> {
    let mut passes = vec![true; table.flows.len()];
    for word in spec.text.split_whitespace() {
        Word::new(word, table.captions.dictionary()).narrow(&mut passes, table, &spec.columns);
    }
    for (at, condition) in spec.conditions.iter().enumerate() {
        let is_same = |other: &&CellCondition| {
            other.column == condition.column && other.excluded == condition.excluded
        };
        // The first condition of a kind takes its alternatives along.
        if !spec.conditions.iter().take(at).any(|other| is_same(&other)) {
            let values = spec.conditions.iter().filter(is_same).map(|it| it.value.as_str());
            narrow(
                &mut passes,
                table,
                condition.column,
                &values.collect::<Vec<_>>(),
                condition.excluded,
            );
        }
    }
    passes
}

/// Keeps the rows that have one of the values in a column, or none of them.
fn narrow(passes: &mut [bool], table: &Table, column: Column, values: &[&str], excluded: bool) {
    let keep = |passes: &mut bool, is_one: bool| *passes &= is_one != excluded;
    let ports = |passes: &mut [bool], ports: &[u16]| {
        let wanted: Vec<u16> = values.iter().filter_map(|value| port(value)).collect();
        for (passes, port) in passes.iter_mut().zip(ports) {
            keep(passes, wanted.contains(port));
        }
    };
    match column {
        // The table shows no two times alike: no condition.
        Column::Time => {}
        Column::SourcePort => ports(passes, table.flows.source_port()),
        Column::DestinationPort => ports(passes, table.flows.destination_port()),
        Column::Text(column) => {
            let dictionary = table.captions.dictionary();
            let wanted: Vec<u32> =
                values.iter().filter_map(|value| dictionary.code_of(value)).collect();
            let codes = table.captions.codes(column);
            for (at, passes) in passes.iter_mut().enumerate() {
                keep(passes, wanted.contains(&codes.get(at).copied().unwrap_or(ABSENT)));
            }
        }
    }
}

/// The port of a cell; 0 for an empty cell.
fn port(value: &str) -> Option<u16> {
    if value.is_empty() { Some(0) } else { value.parse().ok() }
}

fn value<T: Copy + Default>(column: &[T], index: u32) -> T {
    column.get(index as usize).copied().unwrap_or_default()
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
