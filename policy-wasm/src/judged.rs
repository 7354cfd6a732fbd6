//! What the policies make of every flow, in columns.

use cilium_policy::{PolicySet, Summary};
use hashbrown::HashMap;

use crate::policy_files::{Flows, PolicyFiles};

/// Judges all flows; none where policy has nothing to say about one.
pub(crate) fn judge(flows: &Flows, policies: &mut PolicyFiles) -> Vec<Option<Summary>> {
    flows.prepared.judge(&mut policies.judge).into_iter().map(Result::ok).collect()
}

/// Columns of codes of `texts`, one for each row; 0 where policy has nothing to say.
#[derive(Debug)]
pub(crate) struct JudgedColumns {
    pub(crate) texts: Vec<String>,
    /// Record against policies.
    pub(crate) agreement: Vec<u32>,
    /// What the policies say.
    pub(crate) computed: Vec<u32>,
    /// The rule or default behind it.
    pub(crate) decided_by: Vec<u32>,
}

impl JudgedColumns {
    pub(crate) fn of(verdicts: &[Option<Summary>], set: &PolicySet) -> Self {
        let mut columns = Self {
            texts: vec![String::new()],
            agreement: Vec::with_capacity(verdicts.len()),
            computed: Vec::with_capacity(verdicts.len()),
            decided_by: Vec::with_capacity(verdicts.len()),
        };
        let mut known: HashMap<Summary, [u32; 3]> = HashMap::new();
        let mut codes: HashMap<String, u32> = HashMap::new();
        for verdict in verdicts {
            let [agreement, computed, decided_by] = match verdict {
                None => [0; 3],
                Some(verdict) => *known.entry(*verdict).or_insert_with(|| {
                    [
                        verdict.agreement.name().to_owned(),
                        verdict.verdict.name().to_owned(),
                        verdict.decision.cause.text(set),
                    ]
                    .map(|text| {
                        *codes.entry(text).or_insert_with_key(|text| {
                            columns.texts.push(text.clone());
                            u32::try_from(columns.texts.len() - 1).unwrap_or(u32::MAX)
                        })
                    })
                }),
            };
            columns.agreement.push(agreement);
            columns.computed.push(computed);
            columns.decided_by.push(decided_by);
        }
        columns
    }
}
