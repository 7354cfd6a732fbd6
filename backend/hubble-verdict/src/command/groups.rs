//! Groups of flows that are alike.

use std::collections::HashMap;

use crate::deciding::DecidingRule;
use flow::Flow;

use cilium_policy::{Direction, Traffic, Verdict};
use hubble_verdict::{Agreement, Judgement, Review, Unjudged, endpoint_names};

/// Flows with the same connection, verdict and reason.
pub(crate) struct FlowGroup {
    pub(crate) key: GroupKey,
    pub(crate) ours: Vec<String>,
    pub(crate) attribution: Option<bool>,
    pub(crate) decision: DecidingRule,
    pub(crate) near_misses: Vec<String>,
    pub(crate) lost: Vec<String>,
    pub(crate) missing: Vec<String>,
    /// A note on policies without a namespace that may select the subject.
    pub(crate) unplaced: Option<String>,
    /// Agent settings that the verdict depends on.
    pub(crate) settings: Vec<String>,
    pub(crate) flows: Vec<usize>,
    /// Number of flows; an aggregated record stands for several.
    pub(crate) stands_for: u64,
}

/// Connection, verdict and reason of a group.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct GroupKey {
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) traffic: Traffic,
    pub(crate) direction: Direction,
    /// Subject of the request: a DNS name, or a method and path.
    pub(crate) request: Option<String>,
    pub(crate) verdict: Verdict,
    pub(crate) agreement: Agreement,
    pub(crate) sentence: String,
    pub(crate) comparison: String,
    pub(crate) hubble: Vec<String>,
}

/// Numbers of flows by kind; an aggregated record counts as the number that it stands for.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) flows: u64,
    pub(crate) agrees: u64,
    pub(crate) differs: u64,
    /// Flows older than the last change of the policies that judge them.
    pub(crate) later: u64,
    pub(crate) cannot_tell: u64,
    pub(crate) unjudged: Vec<(Unjudged, u64)>,
}

/// Groups of judged flows: differing ones first, then denied, then those with an unknown verdict.
pub(crate) fn group(review: &Review<'_>, flows: &[Flow]) -> (Vec<FlowGroup>, Tally) {
    let set = review.set();
    let mut groups: Vec<FlowGroup> = Vec::new();
    let mut known: HashMap<GroupKey, usize> = HashMap::new();
    let mut tally = Tally::default();
    for (index, flow) in flows.iter().enumerate() {
        let stands_for = flow.stands_for();
        tally.flows += stands_for;
        let judgement = match review.explain(flow) {
            Ok(judgement) => judgement,
            Err(why) => {
                match tally.unjudged.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, count)) => *count += stands_for,
                    None => tally.unjudged.push((why, stands_for)),
                }
                continue;
            }
        };
        match judgement.agreement {
            Agreement::Agrees => tally.agrees += stands_for,
            Agreement::Differs => tally.differs += stands_for,
            Agreement::Later => tally.later += stands_for,
            Agreement::CannotTell => tally.cannot_tell += stands_for,
        }
        let (source, destination) = endpoint_names(flow, &judgement.connection);
        let key = GroupKey {
            source,
            destination,
            traffic: judgement.connection.traffic,
            direction: judgement.connection.direction,
            request: request(flow),
            verdict: judgement.verdict,
            agreement: judgement.agreement,
            sentence: judgement.sentence(set),
            comparison: judgement.comparison(),
            hubble: judgement.hubble.iter().map(ToString::to_string).collect(),
        };
        if let Some(group) = known.get(&key).and_then(|at| groups.get_mut(*at)) {
            group.flows.push(index);
            group.stands_for += stands_for;
            continue;
        }
        groups.push(FlowGroup {
            key: key.clone(),
            ours: judgement.ours.iter().map(ToString::to_string).collect(),
            attribution: judgement.attribution,
            decision: DecidingRule::of(&judgement, set),
            near_misses: near_misses(&judgement, set),
            lost: lost(&judgement, set),
            missing: judgement.explanation.missing.iter().map(ToString::to_string).collect(),
            unplaced: judgement.unplaced(set),
            settings: judgement.dependences.iter().map(ToString::to_string).collect(),
            flows: vec![index],
            stands_for,
        });
        known.insert(key, groups.len() - 1);
    }
    groups.sort_by(|FlowGroup { key: one, .. }, FlowGroup { key: other, .. }| {
        let rank = |key: &GroupKey| match key.agreement {
            Agreement::Differs => 0,
            _ if key.verdict == Verdict::Denied => 1,
            Agreement::Later => 2,
            Agreement::CannotTell => 3,
            Agreement::Agrees => 4,
        };
        (rank(one), &one.source, &one.destination, one.traffic, &one.request).cmp(&(
            rank(other),
            &other.source,
            &other.destination,
            other.traffic,
            &other.request,
        ))
    });
    (groups, tally)
}

fn request(flow: &Flow) -> Option<String> {
    use flow::L7Record;
    match flow.l7.as_ref()?.record.as_ref()? {
        L7Record::Dns(dns) => Some(format!("DNS {}", dns.query)),
        L7Record::Http(http) => Some(format!("{} {}", http.method, http.url)),
        L7Record::Kafka(_) => None,
    }
}

fn near_misses(judgement: &Judgement, set: &cilium_policy::PolicySet) -> Vec<String> {
    let traffic = judgement.connection.traffic;
    judgement
        .explanation
        .default_deny
        .iter()
        .flat_map(|by| by.misses.iter().map(move |miss| (by, miss)))
        .filter_map(|(by, miss)| {
            let policy = &set.policies().get(by.policy)?.name;
            let clause = &set.get(miss.entry)?.clause;
            let line = miss.at.line;
            Some(format!("{policy} {clause} (line {line}): {}", miss.miss.reason(traffic)))
        })
        .collect()
}

fn lost(judgement: &Judgement, set: &cilium_policy::PolicySet) -> Vec<String> {
    judgement
        .explanation
        .lost
        .iter()
        .filter_map(|lost| {
            let policy = &set.policy_of(lost.entry)?.name;
            let entry = set.get(lost.entry)?;
            let line = entry.at.line;
            Some(format!(
                "{policy} {} (line {line}) matches too, but {}",
                entry.clause,
                lost.loss.reason()
            ))
        })
        .collect()
}
