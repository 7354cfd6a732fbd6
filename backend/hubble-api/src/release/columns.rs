//! Columns, the fields that they are read from, and the releases that know these.

use super::Release;
use flow::columns::{Column, ColumnSet};

/// Paths that every mask holds: a node copies time and name of the message around a flow from
/// what the mask leaves of it, and the relay sorts by that time.
const ALWAYS: [&str; 2] = ["time", "node_name"];

/// Messages of which the fields are asked for one by one. All others are small, or hold a `oneof`.
const PICKED: [&str; 3] = ["IP", "source", "destination"];

/// The columns of `columns` that nodes of `release` have nothing for, with the first release that
/// has.
pub fn columns_since(columns: ColumnSet, release: Release) -> Vec<(Column, Release)> {
    let newer = Column::ALL.iter().copied().filter(|column| columns.contains(*column));
    newer.map(|column| (column, since(column))).filter(|(_, since)| release < *since).collect()
}

/// The paths of a field mask that lets through what `columns` show, as nodes of `release` take
/// it; empty, which means no mask, for all columns and where masks are not known.
///
/// Messages of a `oneof` are asked for whole: a path that leads through one would make a node
/// send the member of an earlier flow again where a flow has another one.
/// Source: `pkg/hubble/parser/fieldmask`, `Copy`.
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

/// The first release whose flows have it; the oldest that masks where it was always there.
pub(super) const fn since(column: Column) -> Release {
    Release::new(1, column.since_minor())
}

/// The path that a mask names a field of a flow by.
fn masked(source: &'static str) -> &'static str {
    match source.split_once('.') {
        Some((message, _)) if !PICKED.contains(&message) => message,
        _ => source,
    }
}
