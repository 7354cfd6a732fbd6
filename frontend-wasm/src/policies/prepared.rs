//! The flows of a table in the form that the policies judge.

use std::sync::Arc;

use cilium_policy::{PolicySet, Settings};
use flow::columns::{FlowColumns, NO_TIME, at, l7_record};
use flow::{Flow, Timestamp, Verdict};
use hubble_verdict::{Directory, Learned, Prepared, settings_from_counted};

use super::distinct::Distinct;
use super::policy_files::PolicyFiles;

/// Number of flows examined for the cluster's settings.
pub(crate) const SETTINGS_FLOWS: usize = 8_192;
/// Number of flows held decoded at once: a few kilobytes each.
const CHUNK_FLOWS: usize = 512;

/// Data of a table's flows that the policies need; empty until the first use.
#[derive(Debug, Default)]
pub(crate) struct PolicyData {
    pub(super) rows: PreparedRows,
    /// The names of flows and documents, with the policies that the documents come with; set by the
    /// first question.
    pub(super) directory: Option<(Arc<PolicySet>, Directory)>,
}

impl PolicyData {
    /// Clears everything: the table has other flows now.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Prepared flows: only distinct ones are decoded and judged.
#[derive(Debug, Default)]
pub(crate) struct PreparedRows {
    pub(crate) prepared: Prepared,
    pub(crate) learned: Learned,
    /// The settings that the flows show, once examined.
    settings: Option<Settings>,
    prepared_for: Settings,
    distinct: Distinct,
}

impl PreparedRows {
    /// Prepares the flows of all rows if that was not done yet, and compiles the policies for the
    /// flows' cluster.
    pub(crate) fn prepare(&mut self, columns: &FlowColumns, policies: &mut PolicyFiles) {
        if self.settings.is_none() {
            self.settings = Some(self.look(columns));
        }
        policies.fit(self.settings.as_ref().unwrap_or(&Settings::default()));
        let settings = policies.set().settings();
        if self.prepared.len() == columns.len() && *settings == self.prepared_for {
            return;
        }
        let mut prepared = Prepared::default();
        for rows in self.distinct.first_rows.chunks(CHUNK_FLOWS) {
            let flows = rows.iter().filter_map(|row| columns.flow(*row as usize));
            prepared.extend(&flows.collect::<Vec<Flow>>(), &self.learned, settings);
        }
        let rows = self.distinct.class_of.iter().enumerate();
        self.prepared = prepared.spread(rows.map(|(row, class)| {
            let nanos = at(columns.time_nanos(), row);
            let time = (nanos != NO_TIME).then(|| Timestamp::from_unix_nanos(nanos));
            (*class, time, columns.stands_for(row))
        }));
        self.prepared_for = settings.clone();
    }

    /// Learns the names of addresses, which may belong to earlier flows too, and the settings.
    fn look(&mut self, columns: &FlowColumns) -> Settings {
        self.distinct = Distinct::of(columns);
        let Distinct { class_of, first_rows } = &self.distinct;
        for row in first_rows.iter().map(|row| *row as usize) {
            let is_dns = at(columns.l7_record(), row) == l7_record::DNS;
            let is_audited = at(columns.verdict(), row) == Verdict::Audit.number();
            if let Some(flow) = (is_dns || is_audited).then(|| columns.flow(row)).flatten() {
                self.learned.learn(&flow);
            }
        }
        let mut counts = vec![0; first_rows.len()];
        for class in class_of.iter().take(SETTINGS_FLOWS) {
            if let Some(count) = counts.get_mut(*class as usize) {
                *count += 1;
            }
        }
        let sample = first_rows.iter().zip(counts).filter(|(_, count)| *count > 0);
        let sample = sample.filter_map(|(row, count)| Some((columns.flow(*row as usize)?, count)));
        settings_from_counted(sample, Settings::default())
    }
}
