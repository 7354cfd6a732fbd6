//! Selection and order of a table's rows.

use flow::columns::{ABSENT, Dictionary, FlowColumns};

use crate::captions::{Captions, TextColumn};

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Time of the flow.
    Time,
    /// Port of the source.
    SourcePort,
    /// Port of the destination.
    DestinationPort,
    /// A text column.
    Text(TextColumn),
}

/// Filter and order of a view.
#[derive(Clone, Debug)]
pub(crate) struct ViewSpec<'a> {
    /// Words that must all occur in a row, in any case; each in any of `columns`.
    pub(crate) text: &'a str,
    /// The columns to search.
    pub(crate) columns: &'a [Column],
    /// Codes of the verdicts to show; empty for all.
    pub(crate) verdicts: &'a [u32],
    /// Codes of the agreements of record and policies to show; empty for all.
    pub(crate) agreements: &'a [u32],
    /// The column to sort by. Equal rows are newest first, rows without a value last.
    pub(crate) sort: Column,
    /// Whether the greatest value comes first.
    pub(crate) descending: bool,
}

/// The rows of a [`ViewSpec`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Row numbers in the order of the table.
    pub(crate) rows: Vec<u32>,
    /// Number of rows with the words and a chosen agreement, by code of their verdict, hidden
    /// verdicts included. In the order of the codes.
    pub(crate) verdict_counts: Vec<(u32, u32)>,
    /// Number of rows with the words and a chosen verdict, by code of their agreement; rows that
    /// were not judged do not count.
    pub(crate) agreement_counts: Vec<(u32, u32)>,
}

impl Column {
    /// The column with a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "time" => Self::Time,
            "sourcePort" => Self::SourcePort,
            "destinationPort" => Self::DestinationPort,
            name => Self::Text(TextColumn::from_name(name)?),
        })
    }
}

impl View {
    /// Selects and sorts the rows.
    pub(crate) fn new(flows: &FlowColumns, captions: &Captions, spec: &ViewSpec<'_>) -> Self {
        let words: Vec<Word> = spec
            .text
            .split_whitespace()
            .map(|word| Word::new(word, captions.dictionary()))
            .collect();
        let verdicts = captions.codes(TextColumn::Verdict);
        let agreements = captions.codes(TextColumn::Agreement);
        let mut by_verdict = vec![0_u32; captions.dictionary().len()];
        let mut by_agreement = by_verdict.clone();
        let mut rows = flows.newest_first();
        rows.retain(|&row| {
            if !words.iter().all(|word| word.occurs(row as usize, flows, captions, spec.columns)) {
                return false;
            }
            let (verdict, agreement) = (value(verdicts, row), value(agreements, row));
            let shows = |codes: &[u32], code| codes.is_empty() || codes.contains(&code);
            let (verdict_shown, agreement_shown) =
                (shows(spec.verdicts, verdict), shows(spec.agreements, agreement));
            // The selection of one narrows the counts of the other.
            if agreement_shown && let Some(count) = by_verdict.get_mut(verdict as usize) {
                *count += 1;
            }
            if verdict_shown && let Some(count) = by_agreement.get_mut(agreement as usize) {
                *count += 1;
            }
            verdict_shown && agreement_shown
        });
        sort(&mut rows, flows, captions, spec);
        let counted = |counts: Vec<u32>| (0..).zip(counts).filter(|&(_, count)| count > 0);
        let verdict_counts = counted(by_verdict).collect();
        let agreement_counts =
            counted(by_agreement).filter(|&(agreement, _)| agreement != ABSENT).collect();
        Self { rows, verdict_counts, agreement_counts }
    }
}

fn sort(rows: &mut [u32], flows: &FlowColumns, captions: &Captions, spec: &ViewSpec<'_>) {
    match spec.sort {
        // Rows arrive newest first; flows without a time stay last.
        Column::Time if spec.descending => {}
        Column::Time => {
            let times = flows.time_nanos();
            rows.sort_by_key(|&row| {
                let nanos = value(times, row);
                (nanos == flow::columns::NO_TIME, nanos)
            });
        }
        Column::SourcePort => {
            sort_by(rows, spec.descending, |row| value(flows.source_port(), row).into());
        }
        Column::DestinationPort => {
            sort_by(rows, spec.descending, |row| value(flows.destination_port(), row).into());
        }
        Column::Text(column) => {
            let ranks = ranks(captions.dictionary());
            let codes = captions.codes(column);
            sort_by(rows, spec.descending, |row| value(&ranks, value(codes, row)));
        }
    }
}

/// Sorts by `rank`, where 0 is "no value" and is last in both directions.
fn sort_by(rows: &mut [u32], descending: bool, rank: impl Fn(u32) -> u32) {
    rows.sort_by_key(|&row| match rank(row) {
        0 => (true, 0),
        rank if descending => (false, u32::MAX - rank),
        rank => (false, rank),
    });
}

/// Rank of each code's text among all texts; 0 for the empty text.
fn ranks(dictionary: &Dictionary) -> Vec<u32> {
    let mut order: Vec<(String, u32)> = (0..)
        .zip(dictionary.iter())
        .map(|(code, text)| (text.to_ascii_lowercase(), code))
        .collect();
    order.sort();
    let mut ranks = vec![0; order.len()];
    for (rank, (_, code)) in (0..).zip(order) {
        if let Some(slot) = ranks.get_mut(code as usize) {
            *slot = rank;
        }
    }
    ranks
}

/// One word of the filter, looked up once in the dictionary instead of once in every row.
struct Word {
    /// Whether each code's text contains the word.
    in_text: Vec<bool>,
    /// The word's digits, if it is a number.
    digits: Option<String>,
}

impl Word {
    fn new(word: &str, dictionary: &Dictionary) -> Self {
        let in_text =
            dictionary.iter().map(|text| contains_ignore_ascii_case(text, word)).collect();
        let digits = word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.to_owned());
        Self { in_text, digits }
    }

    fn occurs(
        &self,
        row: usize,
        flows: &FlowColumns,
        captions: &Captions,
        columns: &[Column],
    ) -> bool {
        columns.iter().any(|column| match column {
            Column::Time => false,
            Column::SourcePort => self.is_port(flows.source_port().get(row)),
            Column::DestinationPort => self.is_port(flows.destination_port().get(row)),
            Column::Text(column) => {
                let code = captions.codes(*column).get(row).copied().unwrap_or_default();
                self.in_text.get(code as usize).copied().unwrap_or_default()
            }
        })
    }

    /// Whether the word is this port: whole ports only, 80 is not 8080.
    fn is_port(&self, port: Option<&u16>) -> bool {
        match (&self.digits, port) {
            (Some(digits), Some(&port)) if port != 0 => digits.parse() == Ok(port),
            _ => false,
        }
    }
}

fn contains_ignore_ascii_case(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    word.is_empty() || text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

fn value<T: Copy + Default>(column: &[T], index: u32) -> T {
    column.get(index as usize).copied().unwrap_or_default()
}
