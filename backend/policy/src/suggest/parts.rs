//! Where additions together do harm: those of them that do none.

use super::{
    Rules,
    demand::{RuleBody, RuleKey, SubjectKey},
};
use crate::order;

/// Sets of additions that are tried.
const MAX_TRIALS: usize = 64;

/// One addition.
type Part = (SubjectKey, RuleKey, RuleBody);

/// An addition that is left out.
pub(super) struct Dropped {
    subject: SubjectKey,
    key: RuleKey,
    /// A flow that would be refused for it; none: it was not tried.
    pub(super) refused: Option<usize>,
}

/// Additions that do no harm together, and the others.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) kept: Rules,
    dropped: Vec<Dropped>,
    trials: usize,
}

impl Parts {
    /// Parts additions by halves; `harms` judges a set of them, and names a flow that passes now and
    /// would not then.
    pub(super) fn of(rules: &Rules, harms: &mut dyn FnMut(&Rules) -> Option<usize>) -> Self {
        let all: Vec<Part> = rules
            .iter()
            .flat_map(|(subject, own)| {
                own.iter().map(|(key, body)| (subject.clone(), key.clone(), body.clone()))
            })
            .collect();
        let mut parts = Self::default();
        let (one, other) = all.split_at(all.len() / 2);
        parts.add(one, harms);
        parts.add(other, harms);
        parts
    }

    fn add(&mut self, new: &[Part], harms: &mut dyn FnMut(&Rules) -> Option<usize>) {
        let Some(first) = new.first() else { return };
        let without = |(subject, key, _): &Part, refused| Dropped {
            subject: subject.clone(),
            key: key.clone(),
            refused,
        };
        if self.trials >= MAX_TRIALS {
            self.dropped.extend(new.iter().map(|part| without(part, None)));
            return;
        }
        self.trials = self.trials.saturating_add(1);
        let mut tried = self.kept.clone();
        for (subject, key, body) in new {
            order::update(&mut tried, subject.clone(), |own| {
                order::update(own, key.clone(), |slot| *slot = body.clone());
            });
        }
        match harms(&tried) {
            None => self.kept = tried,
            Some(flow) if new.len() == 1 => {
                self.dropped.push(without(first, Some(flow)));
            }
            Some(_) => {
                let (one, other) = new.split_at(new.len() / 2);
                self.add(one, harms);
                self.add(other, harms);
            }
        }
    }

    /// Whether nothing is left out.
    pub(super) fn are_whole(&self) -> bool {
        self.dropped.is_empty()
    }

    /// The part that is needed and left out.
    pub(super) fn lacks(&self, needs: &Rules) -> Option<&Dropped> {
        let is_needed = |Dropped { subject, key, .. }: &&Dropped| {
            needs.iter().any(|(own, keys)| own == subject && keys.iter().any(|(own, _)| own == key))
        };
        self.dropped.iter().find(is_needed)
    }
}
