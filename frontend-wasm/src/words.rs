//! Words of the panel's filter text.

use flow::columns::Dictionary;

use crate::table::Table;
use crate::view_spec::Column;

/// One word, looked up once in the dictionary instead of once in every row.
pub(crate) struct Word {
    /// Whether each code's text contains the word.
    in_text: Vec<bool>,
    /// The word as a port, if it is one.
    port: Option<u16>,
}

impl Word {
    /// A word in any case.
    pub(crate) fn new(word: &str, dictionary: &Dictionary) -> Self {
        let in_text =
            dictionary.iter().map(|text| contains_ignore_ascii_case(text, word)).collect();
        // Whole ports only: 80 is not 8080.
        let port = word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok());
        Self { in_text, port: port.flatten().filter(|&port| port != 0) }
    }

    /// Keeps the rows with the word in one of the columns. It goes column by column: a row at a time would
    /// look up a column for every cell.
    pub(crate) fn narrow(&self, passes: &mut [bool], table: &Table, columns: &[Column]) {
        let mut occurs = vec![false; passes.len()];
        let mut in_ports = |ports: &[u16]| {
            if let Some(wanted) = self.port {
                for (occurs, &port) in occurs.iter_mut().zip(ports) {
                    *occurs |= port == wanted;
                }
            }
        };
        for column in columns {
            match column {
                Column::Time | Column::Text(_) => {}
                Column::SourcePort => in_ports(table.flows.source_port()),
                Column::DestinationPort => in_ports(table.flows.destination_port()),
            }
        }
        let codes = columns.iter().filter_map(|column| match column {
            Column::Text(column) => Some(table.captions.codes(*column)),
            _ => None,
        });
        for codes in codes {
            for (occurs, &code) in occurs.iter_mut().zip(codes) {
                *occurs |= self.in_text.get(code as usize).copied().unwrap_or_default();
            }
        }
        for (passes, occurs) in passes.iter_mut().zip(occurs) {
            *passes &= occurs;
        }
    }
}

fn contains_ignore_ascii_case(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let Some((&first, rest)) = word.split_first() else { return true };
    let starts = [first.to_ascii_lowercase(), first.to_ascii_uppercase()];
    let mut text = text;
    while let Some(at) = text.iter().position(|byte| starts.contains(byte)) {
        let Some(after) = text.get(at + 1..) else { return false };
        if after.get(..rest.len()).is_some_and(|part| part.eq_ignore_ascii_case(rest)) {
            return true;
        }
        text = after;
    }
    false
}
