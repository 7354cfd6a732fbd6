//! The decision about one direction.

use super::{
    pair::{Pair, Posture},
    set::{CompiledEntry, CompiledPeers, CompiledPort, PolicySet, Reach},
    truth::Truth,
};
use crate::{Action, PortRange};

/// What flows: protocol and destination port, or ICMP type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Traffic {
    /// Number of the IP header: 6 TCP, 17 UDP, 132 SCTP, 1 ICMP, 58 `ICMPv6`.
    pub protocol: u8,
    /// Destination port; for ICMP, the type; 0 where the protocol has neither.
    pub port: u16,
    /// For ICMP, the code; none: it is not known, or the protocol has none.
    pub code: Option<u8>,
}

/// The destination's named ports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NamedPorts<'p> {
    /// A record does not carry them.
    #[default]
    Unknown,
    /// All of them: name, protocol, number.
    Known(&'p [(String, u8, u16)]),
}

/// What comes of a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It passes.
    Allowed,
    /// It is refused.
    Denied,
    /// A fact is missing.
    CannotTell,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// An entry, by its index: of those of the same rank the first that sends it to the proxy, else
    /// the first.
    Entry(u32),
    /// No entry matched, and a policy turned the default to deny.
    DefaultDeny,
    /// No entry matched, and no policy turned the default to deny.
    DefaultAllow,
    /// No policy is about the subject in this direction.
    NotSelected,
    /// The subject's policies are not enforced.
    EnforcementOff,
    /// The node may reach its own pods.
    AllowLocalhost,
    /// It says that a packet was too large, which passes without a rule.
    FragmentationNeeded,
    /// What is not known could turn it either way.
    MissingFact,
    /// The agent cannot resolve the subject's policies.
    Unresolvable,
}

/// A decision, small enough for millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// What decided.
    pub cause: Cause,
    /// Whether it goes to the L7 proxy, which may still refuse it.
    pub is_redirect: bool,
}

/// Named facts that are tried both ways before an answer is given up.
const MAX_FACTS: usize = 8;

impl Traffic {
    /// What goes to a port of a protocol; for ICMP, of a type whose code is not known.
    #[must_use]
    pub const fn new(protocol: u8, port: u16) -> Self {
        Self { protocol, port, code: None }
    }

    /// The same with the ICMP code.
    #[must_use]
    pub const fn with_code(self, code: u8) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Whether it is ICMP's answer to a packet that was too large for the path.
    #[must_use]
    pub const fn is_fragmentation_needed(self) -> bool {
        matches!(self, Self { protocol: 1, port: 3, code: Some(4) })
    }
}

impl Decision {
    pub(super) const fn cannot_tell() -> Self {
        Self { verdict: Verdict::CannotTell, cause: Cause::MissingFact, is_redirect: false }
    }

    const fn plain(verdict: Verdict, cause: Cause) -> Self {
        Self { verdict, cause, is_redirect: false }
    }
}

impl Verdict {
    /// `allowed`, `denied`, `cannot tell`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// Decides about a pair.
pub(super) fn decide(
    set: &PolicySet,
    pair: &Pair,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Decision {
    if traffic.is_fragmentation_needed() && pair.lets_too_large {
        return Decision::plain(Verdict::Allowed, Cause::FragmentationNeeded);
    }
    if pair.conflict.is_some() {
        return Decision::plain(Verdict::CannotTell, Cause::Unresolvable);
    }
    match pair.posture {
        Posture::Unknown => return Decision::cannot_tell(),
        Posture::Off => return Decision::plain(Verdict::Allowed, Cause::EnforcementOff),
        Posture::NotSelected => return Decision::plain(Verdict::Allowed, Cause::NotSelected),
        Posture::DefaultAllow | Posture::DefaultDeny => {}
    }
    let mut skipped_tier = 0;
    for candidate in &pair.candidates {
        if candidate.tier <= skipped_tier {
            continue;
        }
        let covers = match candidate.reach {
            Reach::Everything => Truth::Yes,
            Reach::Exactly(bounds) if bounds.include(traffic) => Truth::Yes,
            Reach::Exactly(_) => continue,
            Reach::Within(bounds) if !bounds.include(traffic) => continue,
            Reach::Within(_) | Reach::Mixed => match set.compiled(candidate.entry) {
                Some(entry) => entry_covers(entry, traffic, named),
                None => continue,
            },
        };
        match candidate.truth.and(covers) {
            Truth::No => {}
            Truth::Unknown => return with_unknowns(set, pair, traffic, named),
            Truth::Yes => match candidate.action {
                Action::Pass => skipped_tier = candidate.tier,
                Action::Deny => {
                    return Decision::plain(Verdict::Denied, Cause::Entry(candidate.entry));
                }
                Action::Allow => return allowed_by(set, pair, candidate.entry, traffic, named),
            },
        }
    }
    fallback(pair)
}

fn fallback(pair: &Pair) -> Decision {
    if pair.localhost {
        return Decision::plain(Verdict::Allowed, Cause::AllowLocalhost);
    }
    if pair.posture == Posture::DefaultDeny {
        Decision::plain(Verdict::Denied, Cause::DefaultDeny)
    } else {
        Decision::plain(Verdict::Allowed, Cause::DefaultAllow)
    }
}

/// The entry of the winner's rank that sends it to the proxy: redirects win over plain allows.
fn redirecting(
    set: &PolicySet,
    pair: &Pair,
    winner: u32,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Option<u32> {
    let rank = set.compiled(winner)?.rank;
    let mut candidates = pair.candidates.iter();
    let found = candidates.find(|candidate| {
        candidate.tier == rank.0
            && candidate.action == Action::Allow
            && candidate.truth == Truth::Yes
            && set.compiled(candidate.entry).is_some_and(|entry| {
                entry.has_l7
                    && entry.rank == rank
                    && entry.ports.iter().flatten().any(|port| {
                        port.is_redirect && port_covers(port, traffic, named) == Truth::Yes
                    })
            })
    });
    found.map(|candidate| candidate.entry)
}

/// An allow of this entry and those of its rank.
#[inline]
fn allowed_by(
    set: &PolicySet,
    pair: &Pair,
    first: u32,
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

/// A fact that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenFact<'s> {
    /// Whether a matcher selects the peer.
    Matcher(u32),
    /// Whether a name stands for the destination's port.
    Port(&'s str),
}

/// Facts that the decision may hang on: those of entries that are not ruled out.
pub(super) fn open_facts<'s>(
    set: &'s PolicySet,
    pair: &Pair,
    traffic: Traffic,
    named: NamedPorts<'_>,
    peer_truth: &dyn Fn(u32) -> Truth,
) -> Vec<OpenFact<'s>> {
    let mut facts: Vec<OpenFact<'s>> = Vec::new();
    for candidate in &pair.candidates {
        let Some(entry) = set.compiled(candidate.entry) else { continue };
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

/// Decides where facts are missing: every way they can turn out is looked at.
fn with_unknowns(
    set: &PolicySet,
    pair: &Pair,
    traffic: Traffic,
    named: NamedPorts<'_>,
) -> Decision {
    // Matchers of candidates that are not no: all of them may be unknown here.
    let facts = open_facts(set, pair, traffic, named, &|_| Truth::Unknown);
    if facts.len() > MAX_FACTS {
        return independent(set, pair, traffic, named);
    }
    let mut found: Option<Decision> = None;
    for world in 0..(1_u32 << facts.len()) {
        let holds = |fact: &OpenFact<'_>| {
            facts.iter().position(|own| own == fact).is_some_and(|at| world & (1 << at) != 0)
        };
        let decision = in_world(set, pair, traffic, named, &holds);
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

fn in_world(
    set: &PolicySet,
    pair: &Pair,
    traffic: Traffic,
    named: NamedPorts<'_>,
    holds: &dyn Fn(&OpenFact<'_>) -> bool,
) -> Decision {
    let mut skipped_tier = 0;
    for candidate in &pair.candidates {
        let Some(entry) = set.compiled(candidate.entry) else { continue };
        if entry.rank.0 <= skipped_tier {
            continue;
        }
        let is_peer = match candidate.truth {
            Truth::Yes => true,
            Truth::No => false,
            Truth::Unknown => match &entry.peers {
                CompiledPeers::Any(matchers) => {
                    matchers.iter().any(|matcher| holds(&OpenFact::Matcher(*matcher)))
                }
                _ => false,
            },
        };
        let covers = |port: &CompiledPort| match port_covers(port, traffic, named) {
            Truth::Yes => true,
            Truth::No => false,
            Truth::Unknown => match &port.range {
                PortRange::Named(name) => holds(&OpenFact::Port(name)),
                _ => false,
            },
        };
        let is_covered = match &entry.ports {
            None => true,
            Some(ports) => ports.iter().any(&covers),
        };
        if !is_peer || !is_covered {
            continue;
        }
        match entry.action {
            Action::Pass => skipped_tier = entry.rank.0,
            Action::Deny => {
                return Decision::plain(Verdict::Denied, Cause::Entry(candidate.entry));
            }
            Action::Allow => {
                return allowed_by(set, pair, candidate.entry, traffic, named);
            }
        }
    }
    fallback(pair)
}

/// Too many facts to try: each entry is taken by itself. That may miss a verdict, never give a
/// wrong one.
fn independent(set: &PolicySet, pair: &Pair, traffic: Traffic, named: NamedPorts<'_>) -> Decision {
    let (mut allowed, mut denied) = (false, false);
    // Whether some world is still undecided, in this tier and behind a pass.
    let (mut is_open, mut is_passed, mut tier) = (true, false, 0);
    for candidate in &pair.candidates {
        let Some(entry) = set.compiled(candidate.entry) else { continue };
        if entry.rank.0 != tier {
            tier = entry.rank.0;
            is_open |= is_passed;
            is_passed = false;
        }
        let truth = candidate.truth.and(entry_covers(entry, traffic, named));
        if truth == Truth::No || !is_open {
            continue;
        }
        match entry.action {
            Action::Allow => allowed = true,
            Action::Deny => denied = true,
            Action::Pass => is_passed = true,
        }
        is_open = truth == Truth::Unknown;
    }
    if is_open || is_passed {
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
