//! The policies' verdicts on all flows, as columns of the table.

use cilium_policy::PolicySet;
use flow::columns::{ABSENT, DictionaryFull};
use hashbrown::HashMap;
use hubble_verdict::{Summary, Unplaced};

use super::policy_files::PolicyFiles;
use crate::captions::{Captions, TextColumn};
use crate::table::Table;

impl Table {
    /// Judges all flows, and replaces the columns of [`TextColumn::OF_POLICIES`].
    ///
    /// Errors: the texts exceed their bound; the columns are then empty.
    pub(crate) fn judge(&mut self, policies: &mut PolicyFiles) -> Result<(), DictionaryFull> {
        self.captions.set_judged(Default::default());
        let prepared = &self.prepare(policies).prepared;
        let verdicts = prepared.judge(&policies.judge);
        let mut codes = Codes::default();
        let mut columns: [Vec<u32>; TextColumn::OF_POLICIES.len()] =
            std::array::from_fn(|_| Vec::with_capacity(verdicts.len()));
        for verdict in verdicts {
            let cells = match verdict {
                Ok(verdict) => codes.of(verdict, policies.set(), &mut self.captions)?,
                // Policy has no verdict on the flow.
                Err(_) => [ABSENT; TextColumn::OF_POLICIES.len()],
            };
            for (column, cell) in columns.iter_mut().zip(cells) {
                column.push(cell);
            }
        }
        self.captions.set_judged(columns);
        Ok(())
    }

    /// A note on policies without a namespace, with namespaces that would fit the flows.
    pub(crate) fn unplaced(&mut self, policies: &mut PolicyFiles) -> Option<String> {
        let prepared = &self.prepare(policies).prepared;
        Unplaced::of(policies.set(), prepared).map(|unplaced| unplaced.sentence())
    }
}

/// Codes of cells by verdict, so that no text is built twice.
#[derive(Debug, Default)]
struct Codes(HashMap<Summary, [u32; TextColumn::OF_POLICIES.len()]>);

impl Codes {
    fn of(
        &mut self,
        verdict: Summary,
        set: &PolicySet,
        captions: &mut Captions,
    ) -> Result<[u32; TextColumn::OF_POLICIES.len()], DictionaryFull> {
        if let Some(known) = self.0.get(&verdict) {
            return Ok(*known);
        }
        let cells = [
            captions.intern(verdict.agreement.name())?,
            captions.intern(verdict.verdict.name())?,
            captions.intern(&verdict.decision.cause.text(set))?,
        ];
        self.0.insert(verdict, cells);
        Ok(cells)
    }
}
