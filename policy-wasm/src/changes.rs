//! What other policies would change.

use cilium_policy::{Ends, Summary, what_if_prepared};
use flow::Flow;
use hashbrown::HashMap;
use serde::Serialize;

use crate::judged::judge;
use crate::policy_files::PolicyFiles;
use crate::recorded::Recorded;

/// What changes between two sets of policies.
#[derive(Debug)]
pub(crate) struct Compared {
    /// By row, the number of its group from 1; 0 where nothing changes.
    pub(crate) group_of_row: Vec<u32>,
    pub(crate) summary: ChangeSummary,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct ChangeSummary {
    groups: Vec<Change>,
    unchanged: u64,
    /// Flows that policy has nothing to say about.
    unjudged: u64,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub(crate) struct Change {
    source: String,
    destination: String,
    traffic: String,
    #[cfg_attr(feature = "typescript", ts(type = "Direction"))]
    direction: &'static str,
    #[cfg_attr(feature = "typescript", ts(type = "Computed"))]
    before: &'static str,
    #[cfg_attr(feature = "typescript", ts(type = "Computed"))]
    after: &'static str,
    because: String,
    flows: u64,
}

/// Compares what two sets say about the flows.
pub(crate) fn compare(
    recorded: &mut Recorded,
    before: &mut PolicyFiles,
    after: &mut PolicyFiles,
) -> Compared {
    // Both sets are to be compiled for the same cluster.
    recorded.prepare(before);
    recorded.prepare(after);
    let flows = recorded.ready();
    let settings = after.set().settings().clone();
    let (old, new) = (judge(flows, before), judge(flows, after));
    let changes = |row: usize| {
        let verdict = |summaries: &[Option<Summary>]| Some((*summaries.get(row)?)?.verdict);
        verdict(&old) != verdict(&new)
    };
    let mut ends: HashMap<usize, Option<Ends>> = HashMap::new();
    let take = |row, flow: Option<Flow>| {
        let ends_of = |flow: &Flow| Ends::of(flow, &flows.learned, &settings);
        ends.insert(row, flow.as_ref().and_then(ends_of));
    };
    recorded.for_each_flow(0, changes, take, None);
    let answer = what_if_prepared(&mut before.judge, &mut after.judge, &flows.prepared, |row| {
        ends.remove(&row).flatten()
    });
    let rows = recorded.len();
    let mut group_of_row = vec![0; rows];
    for (number, group) in (1..).zip(&answer.groups) {
        for row in &group.flows {
            if let Some(slot) = group_of_row.get_mut(*row) {
                *slot = number;
            }
        }
    }
    let groups = answer.groups.into_iter().map(|group| Change {
        source: group.source,
        destination: group.destination,
        traffic: group.traffic.to_string(),
        direction: group.direction.name(),
        before: group.before.name(),
        after: group.after.name(),
        because: group.because,
        flows: group.stands_for,
    });
    let summary = ChangeSummary {
        groups: groups.collect(),
        unchanged: answer.unchanged,
        unjudged: answer.unjudged,
    };
    Compared { group_of_row, summary }
}
