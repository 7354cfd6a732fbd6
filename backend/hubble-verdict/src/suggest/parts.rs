//! Additions that do no harm together, found by bisection.

use cilium_policy::sorted;

use super::{
    reason::UnfixedReason,
    rules::{RuleBody, RuleKey, Rules, SubjectKey},
};

/// Maximum number of sets of additions that are tried.
const MAX_TRIALS: usize = 64;

/// One addition.
type Part = (SubjectKey, RuleKey, RuleBody);

/// An addition that is left out.
pub(super) struct Dropped {
    subject: SubjectKey,
    key: RuleKey,
    /// The harm; `None`: the addition was not tried.
    harm: Option<Harm>,
}

/// The harm that an addition does.
pub(super) enum Harm {
    /// A flow that passes, or may pass, and would not with the addition.
    Flow(usize),
    /// A refusal of the addition itself, with the reason.
    Refused(String),
}

impl Dropped {
    /// The reason for leaving the addition out; `named` gives a flow's name.
    pub(super) fn reason(&self, named: impl Fn(usize) -> Option<String>) -> UnfixedReason {
        match &self.harm {
            Some(Harm::Refused(why)) => UnfixedReason::Refused(why.clone()),
            Some(Harm::Flow(flow)) => UnfixedReason::Harmful {
                flow: named(*flow).unwrap_or_else(|| "a query of a lookup".to_owned()),
            },
            None => UnfixedReason::NotTried,
        }
    }
}

/// Additions that do no harm together, and those left out.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) kept: Rules,
    dropped: Vec<Dropped>,
    trials: usize,
}

impl Parts {
    /// Sorts out the harmful additions: each half is tried with the additions kept so far, and
    /// halved again where that does harm. `harms` judges a set of additions.
    pub(super) fn of(rules: &Rules, harms: &mut dyn FnMut(&Rules) -> Option<Harm>) -> Self {
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

    fn add(&mut self, new: &[Part], harms: &mut dyn FnMut(&Rules) -> Option<Harm>) {
        let Some(first) = new.first() else { return };
        let without = |(subject, key, _): &Part, harm| Dropped {
            subject: subject.clone(),
            key: key.clone(),
            harm,
        };
        if self.trials >= MAX_TRIALS {
            self.dropped.extend(new.iter().map(|part| without(part, None)));
            return;
        }
        self.trials = self.trials.saturating_add(1);
        let mut tried = self.kept.clone();
        for (subject, key, body) in new {
            sorted::update(&mut tried, subject.clone(), |own| {
                sorted::update(own, key.clone(), |slot| *slot = body.clone());
            });
        }
        match harms(&tried) {
            None => self.kept = tried,
            Some(harm) if new.len() == 1 => {
                self.dropped.push(without(first, Some(harm)));
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

    /// The offered rules among all rules.
    pub(super) fn offered<'r>(&'r self, all: &'r Rules) -> &'r Rules {
        if self.are_whole() { all } else { &self.kept }
    }

    /// The part that is needed and left out.
    pub(super) fn lacks(&self, needs: &Rules) -> Option<&Dropped> {
        let is_needed = |Dropped { subject, key, .. }: &&Dropped| {
            needs.iter().any(|(own, keys)| own == subject && keys.iter().any(|(own, _)| own == key))
        };
        self.dropped.iter().find(is_needed)
    }
}
