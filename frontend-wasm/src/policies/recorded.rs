//! Access of the policies to a table's flows.

use std::sync::Arc;

use flow::Flow;
use hashbrown::HashSet;
use hubble_verdict::{Directory, Learned};

use super::policy_files::{PolicyFiles, sources};
use super::prepared::PreparedRows;
use crate::table::Table;

/// Maximum number of flows, newest first, for lints, fixes and names: each is held decoded.
pub(crate) const MAX_FLOWS: usize = 50_000;

impl Table {
    /// The flows, prepared for these policies; the policies are compiled for the flows' cluster.
    pub(crate) fn prepare(&mut self, policies: &mut PolicyFiles) -> &PreparedRows {
        self.policy_data.rows.prepare(&self.flows, policies);
        &self.policy_data.rows
    }

    /// Facts that the prepared flows show about each other.
    pub(crate) const fn learned(&self) -> &Learned {
        &self.policy_data.rows.learned
    }

    /// The names of the newest flows, and of the documents beside the policies.
    pub(crate) fn directory(&mut self, policies: &PolicyFiles) -> &Directory {
        let known = self.policy_data.directory.take();
        let known = known.filter(|(set, _)| Arc::ptr_eq(set, policies.set()));
        let read = || {
            let (_, flows) = self.newest(&HashSet::new());
            let set = Arc::clone(policies.set());
            let directory = Directory::of(&sources(&policies.files), &flows, set.settings());
            (set, directory)
        };
        let known = known.unwrap_or_else(read);
        &self.policy_data.directory.insert(known).1
    }

    /// The newest flows and those of the rows `asked`, with their row numbers.
    pub(crate) fn newest(&self, asked: &HashSet<usize>) -> (Vec<usize>, Vec<Flow>) {
        let first = self.flows.len().saturating_sub(MAX_FLOWS);
        let mut rows: Vec<usize> = asked.iter().copied().filter(|row| *row < first).collect();
        rows.sort_unstable();
        rows.extend(first..self.flows.len());
        let flows = rows.iter().filter_map(|row| self.flows.flow(*row)).collect();
        (rows, flows)
    }
}
