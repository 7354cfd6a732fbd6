//! Smallest fixes.

use hashbrown::HashSet;
use hubble_verdict::{Suggestion, suggest};
use serde::Serialize;

use super::policy_files::{PolicyFiles, sources};
use crate::table::Table;

/// Additions to the policies, with their effect.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Fix {
    edits: Vec<Edited>,
    /// The changed files, with all edits.
    texts: Vec<FileText>,
    /// New policies. Empty if nothing helps or nothing is needed.
    yaml: String,
    /// Rows that pass with the additions.
    fixed: Vec<usize>,
    unfixed: Vec<Unfixed>,
    /// Other flows that would pass too.
    also_allowed: Vec<String>,
    /// Denials that the passing rows meet next.
    still_denied: Vec<String>,
}

/// An addition to an existing policy.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Edited {
    file: String,
    policy: String,
    /// The extended list.
    list: String,
    inserted: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct FileText {
    file: String,
    text: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Unfixed {
    row: usize,
    reason: String,
}

/// The smallest additions that let the flows of these rows pass.
pub(crate) fn suggestion(table: &mut Table, policies: &mut PolicyFiles, rows: &[u32]) -> Fix {
    table.prepare(policies);
    let asked: HashSet<usize> = rows.iter().map(|row| *row as usize).collect();
    let (row_of, flows) = table.newest(&asked);
    let is_wanted = |(_, row): &(usize, &usize)| asked.contains(*row);
    let wanted: Vec<usize> =
        row_of.iter().enumerate().filter(is_wanted).map(|(index, _)| index).collect();
    let texts = sources(&policies.files);
    let suggested = suggest(&texts, policies.set().settings(), &flows, &wanted);
    let row = |index: usize| row_of.get(index).copied().unwrap_or_default();
    Fix::of(suggested, policies, row)
}

impl Fix {
    /// The fix as the panel shows it. `row`: the row of a flow's index.
    pub(crate) fn of(
        suggested: Suggestion,
        policies: &PolicyFiles,
        row: impl Fn(usize) -> usize,
    ) -> Self {
        let file =
            |index: usize| policies.files.get(index).map_or_else(String::new, |f| f.name.clone());
        let edits = suggested.edits.into_iter().map(|edit| Edited {
            file: file(edit.source),
            policy: edit.policy,
            list: edit.list,
            inserted: edit.inserted,
        });
        let texts =
            suggested.texts.into_iter().map(|(index, text)| FileText { file: file(index), text });
        let unfixed = suggested.unfixed.into_iter();
        Self {
            edits: edits.collect(),
            texts: texts.collect(),
            yaml: suggested.yaml,
            fixed: suggested.fixed.into_iter().map(&row).collect(),
            unfixed: unfixed
                .map(|unfixed| Unfixed {
                    row: row(unfixed.flow),
                    reason: unfixed.reason.to_string(),
                })
                .collect(),
            also_allowed: suggested.also_allowed,
            still_denied: suggested.still_denied,
        }
    }
}
