//! Two sets of policies against the same flows: which flows change, and because of which rule.

use flow::{Endpoint, Flow};
use hashbrown::HashMap;

use crate::{
    Cause, Direction, Judge, Learned, Prepared, Settings, Sides, Traffic, Verdict, recorded::place,
};

/// What changes between two sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhatIf {
    /// Changes, most flows first.
    pub groups: Vec<ChangeGroup>,
    /// Flows that get the same verdict.
    pub unchanged: u64,
    /// Flows that policy has nothing to say about.
    pub unjudged: u64,
}

/// Flows that change in the same way, for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeGroup {
    /// Sender of the connection.
    pub source: String,
    /// Its receiver.
    pub destination: String,
    /// Destination port.
    pub traffic: Traffic,
    /// The side that changes.
    pub direction: Direction,
    /// Under the first set.
    pub before: Verdict,
    /// Under the second set.
    pub after: Verdict,
    /// The rule or default behind the second verdict, or, where none is, behind the first.
    pub because: String,
    /// Indices of the flows.
    pub flows: Vec<usize>,
    /// How many flows these stand for.
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

/// The ends of a changed flow's connection, and what was asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// Sender of the connection.
    pub source: String,
    /// Its receiver.
    pub destination: String,
    /// Destination port.
    pub traffic: Traffic,
    /// The side that policy was asked about.
    pub direction: Direction,
}

impl Ends {
    /// The ends of a flow; none where policy has nothing to say about it.
    #[must_use]
    pub fn of(flow: &Flow, learned: &Learned, settings: &Settings) -> Option<Self> {
        let sides = Sides::of(flow, learned, settings).ok()?;
        let (source, destination) = parties(flow, &sides);
        Some(Self { source, destination, traffic: sides.traffic, direction: sides.direction })
    }
}

/// Compares two sets over flows.
pub fn what_if(before: &mut Judge, after: &mut Judge, flows: &[Flow]) -> WhatIf {
    let learned = Learned::from_flows(flows);
    let settings = after.set().settings().clone();
    let prepared = Prepared::of(flows, &learned, &settings);
    what_if_prepared(before, after, &prepared, |index| {
        Ends::of(flows.get(index)?, &learned, &settings)
    })
}

/// Compares two sets over flows that were made ready; `ends` is asked about those that change.
pub fn what_if_prepared(
    before: &mut Judge,
    after: &mut Judge,
    prepared: &Prepared,
    mut ends: impl FnMut(usize) -> Option<Ends>,
) -> WhatIf {
    let (old, new) = (prepared.judge(before), prepared.judge(after));
    let mut answer = WhatIf::default();
    let mut groups: HashMap<GroupKey, usize> = HashMap::new();
    for (index, (old, new)) in old.into_iter().zip(new).enumerate() {
        let weight = prepared.stands_for(index);
        let (Ok(old), Ok(new)) = (old, new) else {
            answer.unjudged = answer.unjudged.saturating_add(weight);
            continue;
        };
        if old.verdict == new.verdict {
            answer.unchanged = answer.unchanged.saturating_add(weight);
            continue;
        }
        let Some(Ends { source, destination, traffic, direction }) = ends(index) else { continue };
        let key = GroupKey {
            source,
            destination,
            traffic,
            direction,
            verdicts: (old.verdict, new.verdict),
            causes: (old.decision.cause, new.decision.cause),
        };
        if let Some(group) = groups.get(&key).and_then(|at| answer.groups.get_mut(*at)) {
            group.flows.push(index);
            group.stands_for = group.stands_for.saturating_add(weight);
            continue;
        }
        let because = because(before, old.decision.cause, after, new.decision.cause);
        answer.groups.push(ChangeGroup {
            source: key.source.clone(),
            destination: key.destination.clone(),
            traffic: key.traffic,
            direction: key.direction,
            before: old.verdict,
            after: new.verdict,
            because,
            flows: vec![index],
            stands_for: weight,
        });
        groups.insert(key, answer.groups.len().saturating_sub(1));
    }
    crate::order::sort_by(&mut answer.groups, |one, other| {
        (other.stands_for, &one.source, &one.destination, one.traffic, one.flows.first()).cmp(&(
            one.stands_for,
            &other.source,
            &other.destination,
            other.traffic,
            other.flows.first(),
        ))
    });
    answer
}

fn because(before: &Judge, old: Cause, after: &Judge, new: Cause) -> String {
    match (new, old) {
        (Cause::Entry(entry), _) => place(after.set(), entry, None),
        (Cause::DefaultDeny, Cause::Entry(entry)) => {
            format!("{} no longer allows it", place(before.set(), entry, None))
        }
        (Cause::DefaultDeny, _) => "default deny".to_owned(),
        (_, Cause::Entry(entry)) => {
            format!("{} no longer decides", place(before.set(), entry, None))
        }
        (_, Cause::DefaultDeny) => "no policy denies by default any more".to_owned(),
        (Cause::MissingFact, _) => "a fact that the flow does not carry".to_owned(),
        _ => "another rule of the proxy".to_owned(),
    }
}

/// Names of a connection's two ends, client first; clients of the world without their address.
#[must_use]
pub fn parties(flow: &Flow, sides: &Sides) -> (String, String) {
    let sender = party(
        flow.source.as_ref(),
        flow.ip.as_ref().map_or("", |ip| &ip.source),
        &flow.source_names,
    );
    let receiver = party(
        flow.destination.as_ref(),
        flow.ip.as_ref().map_or("", |ip| &ip.destination),
        &flow.destination_names,
    );
    let is_forward = sides.subject_is_sender == (sides.direction == Direction::Egress);
    let (mut source, destination) =
        if is_forward { (sender, receiver) } else { (receiver, sender) };
    if sides.direction == Direction::Ingress
        && sides.peer.is_world()
        && !sides.peer.is_reserved("kube-apiserver")
        && sides.peer.names().is_empty()
    {
        // Clients come from anywhere: their addresses would part what is alike.
        "world".clone_into(&mut source);
    }
    (source, destination)
}

/// A name that people know: the workload, the pod, the DNS name, the address, the reserved label.
fn party(endpoint: Option<&Endpoint>, address: &str, names: &[String]) -> String {
    if let Some(endpoint) = endpoint {
        let owner = endpoint.workloads.first().map(|workload| workload.name.as_str());
        let app = || {
            ["k8s:app=", "k8s:k8s-app=", "k8s:app.kubernetes.io/name="]
                .iter()
                .find_map(|key| endpoint.labels.iter().find_map(|label| label.strip_prefix(key)))
        };
        let name = owner
            .filter(|name| !name.is_empty())
            .or_else(|| Some(endpoint.pod_name.as_str()).filter(|name| !name.is_empty()))
            .or_else(app);
        if let Some(name) = name {
            let label = || {
                endpoint
                    .labels
                    .iter()
                    .find_map(|label| label.strip_prefix("k8s:io.kubernetes.pod.namespace="))
            };
            let namespace = Some(endpoint.namespace.as_str())
                .filter(|namespace| !namespace.is_empty())
                .or_else(label)
                .unwrap_or_default();
            return format!("{namespace}/{name}");
        }
    }
    if let Some(name) = names.first() {
        return name.clone();
    }
    let reserved = endpoint.and_then(|endpoint| {
        let reserved =
            || endpoint.labels.iter().filter_map(|label| label.strip_prefix("reserved:"));
        // It is a node, or of the world, as well, which says less.
        reserved().find(|name| *name == "kube-apiserver").or_else(|| reserved().next())
    });
    match (address, reserved) {
        ("", Some(reserved)) => reserved.to_owned(),
        ("", None) => "unknown".to_owned(),
        (address, Some(reserved)) => format!("{reserved} {address}"),
        (address, None) => address.to_owned(),
    }
}
