//! Conflicts between policies that the agent cannot merge. The agent then keeps the previous policy
//! of the endpoint, which the texts do not show.

#[cfg(test)]
mod tests;

use super::{
    identity::Identity,
    merge::{Conflict, Merged, Step, fails_alone},
    merges::Merges,
    pair::Class,
    set::PolicySet,
};
use crate::Settings;

impl PolicySet {
    /// The reason why the agent cannot put the policies of a subject together, or may fail to.
    pub(crate) fn conflict_of(&self, subject: &Identity) -> Option<Conflict> {
        let settings = self.settings();
        let class = Class::of(subject, self);
        if class.is_exempt(settings) {
            return None;
        }
        self.merges.find((self, settings), &class)
    }
}

impl Merges {
    /// The reason why the policies of a subject conflict or may conflict; `None` if they merge.
    pub(super) fn find(
        &self,
        (set, settings): (&PolicySet, &Settings),
        subject: &Class,
    ) -> Option<Conflict> {
        if self.is_too_much {
            return Some(Conflict::TooManyRules);
        }
        let mut first: Option<(u32, Conflict)> = None;
        let mut found = |index: u32, conflict: Conflict| {
            if first.as_ref().is_none_or(|(earlier, _)| index < *earlier) {
                first = Some((index, conflict));
            }
        };
        let is_merged = |step: &Step| subject.is_subject_of(set.compiled(step.entry));
        for step in self.alone.iter().filter(|step| is_merged(step)) {
            if let Some(conflict) = step.l7(set.entry(step.entry)).and_then(|l7| {
                fails_alone(l7, !subject.has_namespace, settings.policy_secrets_sync)
            }) {
                found(step.index, conflict);
            }
        }
        for steps in &self.keys {
            let mut merged: Option<Merged<'_>> = None;
            for step in steps.iter().filter(|step| is_merged(step)) {
                let new = Merged::of(set.entry(step.entry), step);
                match &mut merged {
                    None => merged = Some(new),
                    Some(merged) => {
                        if let Err(err) = merged.add(new) {
                            found(step.index, err.into());
                            break;
                        }
                    }
                }
            }
        }
        first.map(|(_, conflict)| conflict)
    }
}
