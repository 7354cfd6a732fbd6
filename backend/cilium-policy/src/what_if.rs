//! Comparison of two sets of policies by the same flows: the changed flows, and the rule behind
//! each change.

use hashbrown::HashMap;

use crate::{Cause, Direction, PolicySet, Traffic, Verdict};

/// The changes between two sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhatIf {
    /// The changes, most flows first.
    pub groups: Vec<ChangeGroup>,
    /// The number of flows with the same verdict.
    pub unchanged: u64,
    /// The number of flows that policy does not judge.
    pub unjudged: u64,
}

/// The flows with the same change for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeGroup {
    /// The sender of the connection.
    pub source: String,
    /// The receiver of the connection.
    pub destination: String,
    /// The destination port.
    pub traffic: Traffic,
    /// The direction that changes.
    pub direction: Direction,
    /// The verdict under the first set.
    pub before: Verdict,
    /// The verdict under the second set.
    pub after: Verdict,
    /// The rule or default behind the second verdict, or without one, behind the first.
    pub because: String,
    /// The indices of the flows.
    pub flows: Vec<usize>,
    /// The number of flows that these represent.
    pub stands_for: u64,
}

#[derive(PartialEq, Eq, Hash)]
struct GroupKey {
    source: String,
    destination: String,
    traffic: Traffic,
    direction: Direction,
    verdicts: (Verdict, Verdict),
    causes: (Cause, Cause),
}

/// The connection of a changed flow, with the judged traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedConnection {
    /// The sender of the connection.
    pub source: String,
    /// The receiver of the connection.
    pub destination: String,
    /// The destination port.
    pub traffic: Traffic,
    /// The judged direction.
    pub direction: Direction,
}

/// The answers of two sets about one flow; `None` if policy does not judge the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// The number of flows that this one represents.
    pub stands_for: u64,
    /// The verdict and cause under the first set.
    pub before: Option<(Verdict, Cause)>,
    /// The verdict and cause under the second set.
    pub after: Option<(Verdict, Cause)>,
}

impl WhatIf {
    /// The answers of two sets in groups, in the order of the flows; `connection` names that of a
    /// changed flow by its index.
    #[must_use]
    pub fn of(
        before: &PolicySet,
        after: &PolicySet,
        flows: impl IntoIterator<Item = Compared>,
        mut connection: impl FnMut(usize) -> Option<ChangedConnection>,
    ) -> Self {
        let mut answer = Self::default();
        let mut groups: HashMap<GroupKey, usize> = HashMap::new();
        for (index, compared) in flows.into_iter().enumerate() {
            let weight = compared.stands_for;
            let (Some(old), Some(new)) = (compared.before, compared.after) else {
                answer.unjudged = answer.unjudged.saturating_add(weight);
                continue;
            };
            if old.0 == new.0 {
                answer.unchanged = answer.unchanged.saturating_add(weight);
                continue;
            }
            let Some(ChangedConnection { source, destination, traffic, direction }) =
                connection(index)
            else {
                continue;
            };
            let key = GroupKey {
                source,
                destination,
                traffic,
                direction,
                verdicts: (old.0, new.0),
                causes: (old.1, new.1),
            };
            if let Some(group) = groups.get(&key).and_then(|at| answer.groups.get_mut(*at)) {
                group.flows.push(index);
                group.stands_for = group.stands_for.saturating_add(weight);
                continue;
            }
            answer.groups.push(ChangeGroup {
                source: key.source.clone(),
                destination: key.destination.clone(),
                traffic: key.traffic,
                direction: key.direction,
                before: old.0,
                after: new.0,
                because: because(before, old.1, after, new.1),
                flows: vec![index],
                stands_for: weight,
            });
            groups.insert(key, answer.groups.len().saturating_sub(1));
        }
        crate::sorted::sort_by(&mut answer.groups, |one, other| {
            (other.stands_for, &one.source, &one.destination, one.traffic, one.flows.first()).cmp(
                &(
                    one.stands_for,
                    &other.source,
                    &other.destination,
                    other.traffic,
                    other.flows.first(),
                ),
            )
        });
        answer
    }
}

fn because(before: &PolicySet, old: Cause, after: &PolicySet, new: Cause) -> String {
    match (new, old) {
        (Cause::Entry(entry), _) => after.rule_text(entry, None),
        (Cause::DefaultDeny, Cause::Entry(entry)) => {
            format!("{} no longer allows it", before.rule_text(entry, None))
        }
        (Cause::DefaultDeny, _) => "default deny".to_owned(),
        (_, Cause::Entry(entry)) => {
            format!("{} no longer decides", before.rule_text(entry, None))
        }
        (_, Cause::DefaultDeny) => "no policy denies by default any more".to_owned(),
        (Cause::MissingFact, _) => "a fact that the flow does not carry".to_owned(),
        _ => "another rule of the proxy".to_owned(),
    }
}
