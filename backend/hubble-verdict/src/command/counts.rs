//! Numbers with their nouns.

/// A number with its noun.
pub(crate) fn number(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A number of flows.
pub(crate) fn flows(count: u64) -> String {
    number(count, "flow", "flows")
}

/// A number of flows, as the subject of a sentence.
pub(crate) fn flows_are(count: u64) -> String {
    number(count, "flow is", "flows are")
}

/// A number of records.
pub(crate) fn records(count: usize) -> String {
    number(count as u64, "record", "records")
}
