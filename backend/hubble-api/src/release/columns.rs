//! Columns with their source fields, and the releases that have them.

use super::Release;
use flow::columns::{Column, ColumnSet};

/// Paths in every mask: a node copies the time and node name of the message around a flow from the
/// masked flow, and the relay sorts by that time.
const ALWAYS: [&str; 2] = ["time", "node_name"];

/// Messages whose fields are requested one by one. All others are small, or contain a `oneof`.
const PICKED: [&str; 3] = ["IP", "source", "destination"];

/// Columns that nodes of `release` cannot fill, with the first release that can.
pub fn columns_since(columns: ColumnSet, release: Release) -> Vec<(Column, Release)> {
    let newer = Column::ALL.iter().copied().filter(|column| columns.contains(*column));
    newer.map(|column| (column, since(column))).filter(|(_, since)| release < *since).collect()
}

/// Paths of a field mask that keeps the fields of `columns` on nodes of `release`. Empty, meaning
/// no mask, for all columns and for releases without masks.
///
/// Messages with a `oneof` are requested whole: with a path through one, a node would repeat the
/// member of an earlier flow for a flow that has another member. Source:
/// `pkg/hubble/parser/fieldmask`, `Copy`.
pub fn mask_paths(columns: ColumnSet, release: Release) -> Vec<String> {
    if release < Release::MASKED || columns == ColumnSet::ALL {
        return Vec::new();
    }
    let known = |column: &&Column| columns.contains(**column) && since(**column) <= release;
    let of_columns = Column::ALL.iter().filter(known).flat_map(|column| column.sources());
    let mut paths: Vec<String> =
        ALWAYS.iter().chain(of_columns).map(|path| masked(path).to_owned()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// First release whose flows have the column; the oldest release with masks for columns that always
/// existed.
pub(super) const fn since(column: Column) -> Release {
    Release::new(1, column.since_minor())
}

/// Path in a mask for a field of a flow.
fn masked(source: &'static str) -> &'static str {
    match source.split_once('.') {
        Some((message, _)) if !PICKED.contains(&message) => message,
        _ => source,
    }
}
