//! Lints and smallest fixes.

use flow::Flow;
use hashbrown::HashSet;
use policy::{lint, suggest};
use serde::Serialize;

use crate::explained::Place;
use crate::policy_files::PolicyFiles;
use crate::recorded::Recorded;

/// Flows that lints and fixes look at, newest first: each is held decoded.
const MAX_FLOWS: usize = 50_000;

/// A finding of a lint.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    id: &'static str,
    severity: &'static str,
    sentence: String,
    policy: String,
    evidence: Vec<String>,
    fix: Option<String>,
    #[serde(flatten)]
    place: Option<Place>,
}

/// Policies to add, and what comes of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fix {
    edits: Vec<Edited>,
    /// The files that the edits change, as they are afterwards.
    texts: Vec<FileText>,
    /// Policies to add. Empty where nothing helps or nothing is needed.
    yaml: String,
    /// Rows that pass with it.
    fixed: Vec<usize>,
    unfixed: Vec<Unfixed>,
    /// Flows that were not asked for and would pass too.
    also_allowed: Vec<String>,
}

/// An addition to a policy that is there.
#[derive(Debug, Serialize)]
struct Edited {
    file: String,
    policy: String,
    /// The list that grows.
    list: String,
    inserted: String,
}

#[derive(Debug, Serialize)]
struct FileText {
    file: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Unfixed {
    row: usize,
    reason: String,
}

/// Looks at the policies, and at the newest flows.
pub(crate) fn findings(recorded: &mut Recorded, policies: &mut PolicyFiles) -> Vec<Found> {
    recorded.prepare(policies);
    let (_, flows) = newest(recorded, &HashSet::new());
    // Its texts are borrowed while the judge is not, which is part of the same.
    let mut judge = policies.judge.clone();
    let found = lint(&policies.sources(), &mut judge, &flows);
    found
        .into_iter()
        .map(|finding| Found {
            id: finding.id,
            severity: finding.severity.name(),
            sentence: finding.sentence,
            policy: finding.policy,
            evidence: finding.evidence,
            fix: finding.fix,
            place: finding.source.map(|file| Place::of(policies, file, finding.at)),
        })
        .collect()
}

/// The smallest additions that let the flows of these rows pass.
pub(crate) fn suggestion(recorded: &mut Recorded, policies: &mut PolicyFiles, rows: &[u32]) -> Fix {
    recorded.prepare(policies);
    let asked: HashSet<usize> = rows.iter().map(|row| *row as usize).collect();
    let (row_of, flows) = newest(recorded, &asked);
    let is_wanted = |(_, row): &(usize, &usize)| asked.contains(*row);
    let wanted: Vec<usize> =
        row_of.iter().enumerate().filter(is_wanted).map(|(index, _)| index).collect();
    let settings = policies.set().settings();
    let suggested = suggest(&policies.sources(), settings, &flows, &wanted);
    let row = |index: usize| row_of.get(index).copied().unwrap_or_default();
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
    Fix {
        edits: edits.collect(),
        texts: texts.collect(),
        yaml: suggested.yaml,
        fixed: suggested.fixed.into_iter().map(row).collect(),
        unfixed: suggested
            .unfixed
            .into_iter()
            .map(|unfixed| Unfixed { row: row(unfixed.flow), reason: unfixed.reason })
            .collect(),
        also_allowed: suggested.also_allowed,
    }
}

/// The last flows that came, and those of the rows that are `asked` about, with their rows.
fn newest(recorded: &Recorded, asked: &HashSet<usize>) -> (Vec<usize>, Vec<Flow>) {
    let first = recorded.len().saturating_sub(MAX_FLOWS);
    let (mut row_of, mut flows) = (Vec::new(), Vec::new());
    let start = if asked.is_empty() { first } else { 0 };
    let take = |row, flow: Option<Flow>| {
        if let Some(flow) = flow {
            row_of.push(row);
            flows.push(flow);
        }
    };
    recorded.for_each_flow(start, |row| row >= first || asked.contains(&row), take, None);
    (row_of, flows)
}
