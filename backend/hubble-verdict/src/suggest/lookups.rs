//! Whole lookups: a name is reachable only if every query of its lookup passes.

use cilium_policy::{Identity, PolicySet, Verdict};
use flow::{Flow, L7Record};
use hashbrown::{HashMap, HashSet};

use super::reason::UnfixedReason;
use crate::{Learned, RecordedConnection, lookup::SearchLists};

/// Maximum number of generated queries.
pub(super) const MAX_QUERIES: usize = 20_000;

/// Lookups that the requested flows belong to.
#[derive(Default)]
pub(super) struct Lookups {
    /// The queries of all lookups, as flows appended to the given ones.
    pub(super) queries: Vec<Flow>,
    /// Queries by flow, as indices.
    of_flow: HashMap<usize, Vec<usize>>,
    /// Flows with lookups beyond the limit.
    unproven: HashSet<usize>,
}

impl Lookups {
    pub(super) fn of(
        flows: &[Flow],
        wanted: &[usize],
        learned: &Learned,
        (set, lists): (&PolicySet, &SearchLists),
        limit: usize,
    ) -> Self {
        let mut lookups = Self::default();
        // `None`: the lookup is beyond the limit.
        let mut known: HashMap<(Identity, Identity, String), Option<Vec<usize>>> = HashMap::new();
        for index in wanted {
            let Some(flow) = flows.get(*index) else { continue };
            let record = flow.l7.as_ref().and_then(|l7| l7.record.as_ref());
            let Some(L7Record::Dns(dns)) = record else { continue };
            let Ok(connection) = RecordedConnection::of(flow, learned, set.settings()) else {
                continue;
            };
            let Some(lookup) = lists.whole_lookup(&dns.query, &connection.subject, set) else {
                continue;
            };
            let key = (connection.subject, connection.peer, lookup.meant.clone());
            let own = known.entry(key).or_insert_with(|| {
                if lookups.queries.len() >= limit {
                    return None;
                }
                let names = lists.queries(&lookup);
                let first = flows.len().saturating_add(lookups.queries.len());
                let made: Vec<Flow> =
                    names.iter().filter_map(|query| asking(flow, &query.name)).collect();
                let numbers = (first..).take(made.len()).collect();
                lookups.queries.extend(made);
                Some(numbers)
            });
            match own {
                Some(own) => {
                    lookups.of_flow.insert(*index, own.clone());
                }
                None => {
                    lookups.unproven.insert(*index);
                }
            }
        }
        lookups
    }

    /// Whether the queries of a flow's lookup are beyond the limit.
    fn are_too_many(&self, flow: usize) -> bool {
        self.unproven.contains(&flow)
    }

    /// The reason why a flow is not listed as passing.
    pub(super) fn reason(&self, flow: usize) -> UnfixedReason {
        if self.are_too_many(flow) { UnfixedReason::TooManyLookups } else { UnfixedReason::NoHelp }
    }

    /// Whether a flow passes together with every query of its lookup. `passing`: flows that pass
    /// now and did not before, in order.
    pub(super) fn pass(&self, flow: usize, passing: &[usize], old: &[Option<Verdict>]) -> bool {
        let passes = |index: &usize| {
            passing.binary_search(index).is_ok()
                || old.get(*index).copied().flatten() == Some(Verdict::Allowed)
        };
        passing.binary_search(&flow).is_ok()
            && !self.are_too_many(flow)
            && self.of_flow.get(&flow).is_none_or(|queries| queries.iter().all(passes))
    }
}

/// The same query for another name.
fn asking(flow: &Flow, name: &str) -> Option<Flow> {
    let mut flow = flow.clone();
    match flow.l7.as_mut()?.record.as_mut()? {
        L7Record::Dns(dns) => name.clone_into(&mut dns.query),
        _ => return None,
    }
    Some(flow)
}
