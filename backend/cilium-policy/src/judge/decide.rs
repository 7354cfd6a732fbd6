//! The decision about one direction.

use super::{
    access::{NamedPorts, Traffic},
    pair::{Candidate, Pair, SubjectEnforcement},
    set::{CompiledEntry, CompiledPeers, CompiledPort, EntryId, MatcherId, PolicySet, Reach},
    truth::Truth,
    walk::{Outcomes, Role, walk},
};
use crate::{Action, PortRange};

/// The verdict for a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Policy allows the traffic.
    Allowed,
    /// Policy denies the traffic.
    Denied,
    /// The verdict depends on a missing fact.
    CannotTell,
}

/// The cause of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// An entry, by its index. Among entries of the same rank it is the first one that redirects to
    /// the proxy, or else the first one.
    Entry(EntryId),
    /// Default deny: no entry matches, and a policy enables default deny.
    DefaultDeny,
    /// Default allow: no entry matches, and no policy enables default deny.
    DefaultAllow,
    /// No policy selects the subject in this direction.
    NotSelected,
    /// The enforcement mode is off for the subject.
    EnforcementOff,
    /// The node may reach its own pods.
    AllowLocalhost,
    /// An ICMP message "fragmentation needed", which passes without a rule.
    FragmentationNeeded,
    /// A missing fact that could turn the verdict either way.
    MissingFact,
    /// The agent cannot resolve the subject's policies.
    Unresolvable,
}

/// A decision, small enough to keep millions of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The cause of the verdict.
    pub cause: Cause,
    /// Whether traffic goes to the L7 proxy, which may still deny it.
    pub is_redirect: bool,
}

/// The limit of unknown facts to try both ways before the answer is "cannot tell".
const MAX_FACTS: usize = 8;

impl Decision {
    pub(super) const fn cannot_tell() -> Self {
        Self { verdict: Verdict::CannotTell, cause: Cause::MissingFact, is_redirect: false }
    }

    const fn plain(verdict: Verdict, cause: Cause) -> Self {
        Self { verdict, cause, is_redirect: false }
    }
}

impl Verdict {
    /// The verdict in words: `allowed`, `denied`, `cannot tell`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// The decision about a pair.
pub(super) fn decide(
    set: &PolicySet,
    pair: &Pair,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Decision {
    if traffic.is_fragmentation_needed() && pair.allows_fragmentation_needed {
        return Decision::plain(Verdict::Allowed, Cause::FragmentationNeeded);
    }
    if pair.conflict.is_some() {
        return Decision::plain(Verdict::CannotTell, Cause::Unresolvable);
    }
    match pair.enforcement {
        SubjectEnforcement::Unknown => return Decision::cannot_tell(),
        SubjectEnforcement::Off => return Decision::plain(Verdict::Allowed, Cause::EnforcementOff),
        SubjectEnforcement::NotSelected => {
            return Decision::plain(Verdict::Allowed, Cause::NotSelected);
        }
        SubjectEnforcement::DefaultAllow | SubjectEnforcement::DefaultDeny => {}
    }
    let matches = |candidate: &Candidate| matches(set, candidate, traffic, named);
    let outcomes = walk(set, &pair.candidates, matches, &mut ());
    if outcomes.is_open {
        with_unknowns(set, pair, traffic, named)
    } else {
        decided(set, pair, outcomes.first, traffic, named)
    }
}

/// The rules of a pair that surely match, each with its role in the decision.
pub(super) fn trace(
    set: &PolicySet,
    pair: &Pair,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Vec<(EntryId, Role)> {
    let mut trace = Vec::new();
    let matches =
        |candidate: &Candidate| Truth::of(matches(set, candidate, traffic, named) == Truth::Yes);
    walk(set, &pair.candidates, matches, &mut trace);
    trace
}

/// Whether a candidate matches the traffic.
#[inline]
pub(super) fn matches(
    set: &PolicySet,
    candidate: &Candidate,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Truth {
    // Most rules are for another port; this test sees that without a look at the entry.
    match candidate.reach {
        Reach::Everything => candidate.truth,
        Reach::Exactly(bounds) if bounds.include(traffic) => candidate.truth,
        Reach::Within(bounds) if !bounds.include(traffic) => Truth::No,
        Reach::Exactly(_) => Truth::No,
        Reach::Within(_) | Reach::Mixed => {
            candidate.truth.and(entry_covers(set.compiled(candidate.entry), traffic, named))
        }
    }
}

/// The decision by the rule at the end of the walk; without a rule, by the default.
#[inline]
fn decided(
    set: &PolicySet,
    pair: &Pair,
    rule: Option<&Candidate>,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Decision {
    match rule {
        None => fallback(pair),
        Some(rule) if rule.action == Action::Deny => {
            Decision::plain(Verdict::Denied, Cause::Entry(rule.entry))
        }
        Some(rule) => allowed_by(set, pair, rule.entry, traffic, named),
    }
}

fn fallback(pair: &Pair) -> Decision {
    if pair.localhost {
        return Decision::plain(Verdict::Allowed, Cause::AllowLocalhost);
    }
    if pair.enforcement == SubjectEnforcement::DefaultDeny {
        Decision::plain(Verdict::Denied, Cause::DefaultDeny)
    } else {
        Decision::plain(Verdict::Allowed, Cause::DefaultAllow)
    }
}

/// The entry of the winner's rank that redirects to the proxy: redirects win over plain allows.
fn redirecting(
    set: &PolicySet,
    pair: &Pair,
    winner: EntryId,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Option<EntryId> {
    let rank = set.compiled(winner).rank;
    let mut candidates = pair.candidates.iter();
    let found = candidates.find(|candidate| {
        let entry = || set.compiled(candidate.entry);
        candidate.tier == rank.0
            && candidate.action == Action::Allow
            && candidate.truth == Truth::Yes
            && entry().has_l7
            && entry().rank == rank
            && entry()
                .ports
                .iter()
                .flatten()
                .any(|port| port.is_redirect && port_covers(port, traffic, named) == Truth::Yes)
    });
    found.map(|candidate| candidate.entry)
}

/// The allow of this entry and of the others of its rank.
#[inline]
fn allowed_by(
    set: &PolicySet,
    pair: &Pair,
    first: EntryId,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Decision {
    let redirecting =
        if pair.has_l7 { redirecting(set, pair, first, traffic, named) } else { None };
    Decision {
        verdict: Verdict::Allowed,
        cause: Cause::Entry(redirecting.unwrap_or(first)),
        is_redirect: redirecting.is_some(),
    }
}

/// Whether an entry's ports cover the traffic.
#[inline]
pub(super) fn entry_covers(
    entry: &CompiledEntry,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Truth {
    match &entry.ports {
        None => Truth::Yes,
        Some(ports) => {
            let mut truth = Truth::No;
            for port in ports {
                truth = truth.or(port_covers(port, traffic, named));
                if truth == Truth::Yes {
                    break;
                }
            }
            truth
        }
    }
}

/// Whether one port covers the traffic.
pub(super) fn port_covers(port: &CompiledPort, traffic: Traffic, named: NamedPorts<'_>) -> Truth {
    if !port.protocol.covers(traffic.protocol) {
        return Truth::No;
    }
    match &port.range {
        PortRange::All => Truth::Yes,
        PortRange::Numbers(first, last) => Truth::of((*first..=*last).contains(&traffic.port)),
        PortRange::Named(name) => match named {
            NamedPorts::Unknown => Truth::Unknown,
            NamedPorts::Known(ports) => Truth::of(ports.iter().any(|(own, protocol, number)| {
                own == name && *protocol == traffic.protocol && *number == traffic.port
            })),
        },
    }
}

/// An unknown fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenFact<'s> {
    /// Whether a matcher selects the peer.
    Matcher(MatcherId),
    /// Whether a port name resolves to the destination's port.
    Port(&'s str),
}

/// The facts that the decision may depend on: those of entries that may match.
pub(super) fn open_facts<'s>(
    set: &'s PolicySet,
    pair: &Pair,
    traffic: Traffic,
    named: NamedPorts<'_>,
    peer_truth: &dyn Fn(MatcherId) -> Truth,
) -> Vec<OpenFact<'s>> {
    let mut facts: Vec<OpenFact<'s>> = Vec::new();
    for candidate in &pair.candidates {
        let entry = set.compiled(candidate.entry);
        let covers = entry_covers(entry, traffic, named);
        if candidate.truth.and(covers) != Truth::Unknown {
            continue;
        }
        let mut add = |fact| {
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        };
        if candidate.truth == Truth::Unknown
            && let CompiledPeers::Any(matchers) = &entry.peers
        {
            matchers
                .iter()
                .filter(|matcher| peer_truth(**matcher) == Truth::Unknown)
                .for_each(|matcher| add(OpenFact::Matcher(*matcher)));
        }
        if covers == Truth::Unknown {
            for port in entry.ports.iter().flatten() {
                if let PortRange::Named(name) = &port.range
                    && port.protocol.covers(traffic.protocol)
                {
                    add(OpenFact::Port(name));
                }
            }
        }
    }
    facts
}

/// The decision where facts are missing: it walks every combination of their values.
#[cold]
fn with_unknowns(
    set: &PolicySet,
    pair: &Pair,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Decision {
    // The matchers of all candidates that may match: each may be unknown here.
    let facts = open_facts(set, pair, traffic, named, &|_| Truth::Unknown);
    if facts.len() > MAX_FACTS {
        let matches = |candidate: &Candidate| matches(set, candidate, traffic, named);
        return by_outcomes(pair, walk(set, &pair.candidates, matches, &mut ()));
    }
    let mut found: Option<Decision> = None;
    for world in 0..(1_u32 << facts.len()) {
        let holds = |fact: &OpenFact<'_>| {
            facts.iter().position(|own| own == fact).is_some_and(|at| world & (1 << at) != 0)
        };
        let matches = |candidate: &Candidate| {
            Truth::of(matches_in_world(set, candidate, traffic, named, &holds))
        };
        let outcomes = walk(set, &pair.candidates, matches, &mut ());
        let decision = decided(set, pair, outcomes.first, traffic, named);
        match found {
            None => found = Some(decision),
            Some(first) if first.verdict != decision.verdict => return Decision::cannot_tell(),
            Some(first) => {
                found = Some(Decision {
                    verdict: first.verdict,
                    cause: if first.cause == decision.cause {
                        first.cause
                    } else {
                        Cause::MissingFact
                    },
                    is_redirect: first.is_redirect && decision.is_redirect,
                });
            }
        }
    }
    found.unwrap_or_else(Decision::cannot_tell)
}

/// Whether a candidate matches under one combination of facts.
fn matches_in_world(
    set: &PolicySet,
    candidate: &Candidate,
    traffic: Traffic,
    named: NamedPorts<'_>,
    holds: &dyn Fn(&OpenFact<'_>) -> bool,
) -> bool {
    let entry = set.compiled(candidate.entry);
    let is_peer = match (candidate.truth, &entry.peers) {
        (Truth::Unknown, CompiledPeers::Any(matchers)) => {
            matchers.iter().any(|matcher| holds(&OpenFact::Matcher(*matcher)))
        }
        (truth, _) => truth == Truth::Yes,
    };
    let covers = |port: &CompiledPort| match (port_covers(port, traffic, named), &port.range) {
        (Truth::Unknown, PortRange::Named(name)) => holds(&OpenFact::Port(name)),
        (truth, _) => truth == Truth::Yes,
    };
    is_peer && entry.ports.as_ref().is_none_or(|ports| ports.iter().any(covers))
}

/// The decision for too many open facts to try: the verdict that all outcomes of the walk share. Here
/// the walk treats each rule on its own. This may miss a verdict, and never gives a wrong one.
fn by_outcomes(pair: &Pair, outcomes: Outcomes<'_>) -> Decision {
    let (mut allowed, mut denied) = (outcomes.allowed, outcomes.denied);
    if outcomes.undecided {
        match fallback(pair).verdict {
            Verdict::Denied => denied = true,
            _ => allowed = true,
        }
    }
    match (allowed, denied) {
        (true, false) => Decision::plain(Verdict::Allowed, Cause::MissingFact),
        (false, true) => Decision::plain(Verdict::Denied, Cause::MissingFact),
        _ => Decision::cannot_tell(),
    }
}
