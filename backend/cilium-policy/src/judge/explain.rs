//! Why: every rule that matched, what it lost to, and how near the others came.

use super::{
    Judge,
    decide::{
        Cause, Decision, NamedPorts, OpenFact, Traffic, Verdict, entry_covers, matches, open_facts,
        port_covers, trace,
    },
    identity::{Identity, Knowledge},
    pair::{Candidate, Class, Pair, Posture},
    set::{CompiledEntry, EntryId, MatcherId, PolicySet},
    truth::Truth,
    walk::Role,
};
use crate::{
    Action, Authentication, Direction, Operator, PeerMatcher, Peers, PolicyId, Position,
    Requirement, Selector,
};

/// A decision with its reasons. Entries are given by their index in the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// Rules that match at the winning tier and priority; the first one decided.
    pub deciding: Vec<RuleMatch>,
    /// Rules that match too, and why that did not count.
    pub lost: Vec<LostMatch>,
    /// Policies that turned the default to deny, with the nearest miss of each of their rules.
    pub default_deny: Vec<DefaultDenyBy>,
    /// What is not known, and could change the verdict.
    pub missing: Vec<Fact>,
    /// Why the agent cannot put the subject's policies together.
    pub conflict: Option<String>,
    /// Mutual authentication that the deciding rules ask for.
    pub authentication: Option<Authentication>,
}

/// A rule that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMatch {
    /// The entry.
    pub entry: EntryId,
    /// Indices of its port rules that match; empty where it has none.
    pub port_rules: Vec<usize>,
}

/// A rule that matches and did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostMatch {
    /// The entry.
    pub entry: EntryId,
    /// Why.
    pub loss: Loss,
}

/// Why a match did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// An earlier tier decided.
    LaterTier,
    /// A rule of the same tier with a smaller priority number decided.
    LaterPriority,
    /// A deny rule of the same priority decided.
    DenyFirst,
    /// An allow rule of the same priority decided before this pass.
    AllowFirst,
    /// A pass rule skipped the rest of the tier.
    Passed,
}

/// A policy that turned the default to deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultDenyBy {
    /// The policy.
    pub policy: PolicyId,
    /// Its rules of this direction, each with what kept it from matching; nearest first.
    pub misses: Vec<NearestMiss>,
}

/// A rule that does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearestMiss {
    /// The entry.
    pub entry: EntryId,
    /// What is nearest to matching in it.
    pub at: Position,
    /// What kept it from matching.
    pub miss: Miss,
}

/// What kept a rule from matching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// Its list of peers is empty.
    SelectsNobody,
    /// It has neither peers nor ports.
    Empty,
    /// It only sets the default.
    NoRule,
    /// The peer matches; the ports, listed here, do not.
    Port {
        /// As `80/TCP`.
        wanted: Vec<String>,
    },
    /// The ports match, the peer does not.
    Peer(PeerMiss),
    /// Neither matches.
    PeerAndPort(PeerMiss, Vec<String>),
}

/// How a peer selector missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerMiss {
    /// This requirement fails; the value that the peer has instead.
    Label {
        /// As a text.
        requirement: String,
        /// None: it has no such label.
        value: Option<String>,
    },
    /// The address is outside.
    Address {
        /// As a text.
        wanted: String,
    },
    /// It is of the world, and the peer is not, or the other way round.
    NotInWorld {
        /// As a text.
        wanted: String,
    },
    /// None of the names of the address matches.
    Name {
        /// The pattern.
        wanted: String,
        /// The names.
        names: Vec<String>,
    },
    /// Something else.
    Other {
        /// As a text.
        wanted: String,
    },
}

/// A fact that a flow does not carry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// Labels of the subject.
    SubjectLabels,
    /// Labels of the node that is the subject.
    SubjectNodeLabels,
    /// Labels of the peer.
    PeerLabels,
    /// Which names the peer's address had at the node.
    Names {
        /// Pattern of `toFQDNs`.
        pattern: String,
    },
    /// What a CIDR group holds.
    CidrGroup {
        /// As a text.
        group: String,
    },
    /// What a cloud provider's group holds.
    CloudGroup,
    /// Which backends a Service has.
    Service {
        /// As a text.
        service: String,
    },
    /// Labels of the peer's node.
    NodeLabels,
    /// The peer's address.
    Address,
    /// The number behind a named port.
    NamedPort {
        /// The name.
        name: String,
    },
    /// Something the proxy alone saw.
    Proxy {
        /// What.
        what: &'static str,
    },
}

impl Judge {
    /// Judges one direction and says why.
    pub fn explain(
        &self,
        subject: &Identity,
        peer: &Identity,
        direction: Direction,
        traffic: Traffic,
        named: NamedPorts<'_>,
    ) -> Explanation {
        let (subject_id, peer_id) = (self.class(subject), self.class(peer));
        let decision = self.decide(subject_id, peer_id, direction, traffic, named);
        let set = &self.set;
        let pair = self.pair(subject_id, peer_id, direction);
        let (subject_class, peer_class) = (self.class_of(subject_id), self.class_of(peer_id));
        let view = View { set, pair: &pair, traffic, named, direction, peer };
        let (deciding, lost) = view.matches(decision);
        // Authentication of other rules may come down to the entry that the packet meets.
        let asks = |candidate: &Candidate| set.entry(candidate.entry).authentication.is_some();
        let authentication =
            if decision.verdict == Verdict::Allowed && pair.candidates.iter().any(asks) {
                super::attribution::of_packet(set, (subject, peer), direction, traffic, named)
                    .and_then(|entry| entry.authentication)
            } else {
                None
            };
        let default_deny = match decision.cause {
            Cause::DefaultDeny | Cause::MissingFact => view.misses(&subject_class),
            _ => Vec::new(),
        };
        let missing = match decision.cause {
            Cause::MissingFact => view.missing(subject, &peer_class),
            _ => Vec::new(),
        };
        Explanation {
            decision,
            deciding,
            lost,
            default_deny,
            missing,
            conflict: (pair.conflict.as_deref().map(str::to_owned))
                .filter(|_| decision.cause == Cause::Unresolvable),
            authentication,
        }
    }
}

impl Judge {
    /// Entries that may decide about one direction, as far as is known.
    pub fn possible(
        &self,
        (subject, peer): (&Identity, &Identity),
        direction: Direction,
        traffic: Traffic,
    ) -> Vec<EntryId> {
        let pair = self.pair(self.class(subject), self.class(peer), direction);
        let may_match = |candidate: &&Candidate| {
            matches(&self.set, candidate, traffic, NamedPorts::Unknown) != Truth::No
        };
        pair.candidates.iter().filter(may_match).map(|candidate| candidate.entry).collect()
    }
}

struct View<'v> {
    set: &'v PolicySet,
    pair: &'v Pair,
    traffic: Traffic,
    named: NamedPorts<'v>,
    direction: Direction,
    peer: &'v Identity,
}

impl View<'_> {
    /// Rules that decide, and rules that match and did not count.
    fn matches(&self, decision: Decision) -> (Vec<RuleMatch>, Vec<LostMatch>) {
        let is_by_rule = matches!(decision.cause, Cause::Entry(_));
        let (mut deciding, mut beaten) = (Vec::new(), Vec::new());
        for (entry, role) in trace(self.set, self.pair, self.traffic, self.named) {
            match role {
                Role::Decides if is_by_rule => {
                    let port_rules = self.port_rules(self.set.compiled(entry));
                    deciding.push(RuleMatch { entry, port_rules });
                }
                Role::Lost(loss) if is_by_rule || loss == Loss::Passed => {
                    beaten.push(LostMatch { entry, loss });
                }
                Role::Decides | Role::Lost(_) | Role::Passes => {}
            }
        }
        (deciding, beaten)
    }

    fn port_rules(&self, entry: &CompiledEntry) -> Vec<usize> {
        let mut rules: Vec<usize> = entry
            .ports
            .iter()
            .flatten()
            .filter(|port| port_covers(port, self.traffic, self.named) == Truth::Yes)
            .map(|port| port.rule)
            .collect();
        rules.dedup();
        rules
    }

    fn misses(&self, subject: &Class) -> Vec<DefaultDenyBy> {
        let mut policies: Vec<DefaultDenyBy> = Vec::new();
        for index in self.set.ordered(self.direction) {
            let (compiled, entry) = (self.set.compiled(*index), self.set.entry(*index));
            if !subject.is_subject_of(compiled) || !compiled.default_deny {
                continue;
            }
            let known = policies.iter().position(|by| by.policy == entry.policy);
            let slot = known.unwrap_or_else(|| {
                policies.push(DefaultDenyBy { policy: entry.policy, misses: Vec::new() });
                policies.len().saturating_sub(1)
            });
            if entry.action == Action::Allow
                && let Some(miss) = self.miss(*index, compiled)
                && let Some(by) = policies.get_mut(slot)
            {
                by.misses.push(miss);
            }
        }
        for by in &mut policies {
            // Few, and the order of the texts is kept: nearest first by six passes.
            let misses = std::mem::take(&mut by.misses);
            for distance in 0..=5 {
                let near = misses.iter().filter(|miss| miss.miss.distance() == distance);
                by.misses.extend(near.cloned());
            }
        }
        policies
    }

    fn miss(&self, index: EntryId, compiled: &CompiledEntry) -> Option<NearestMiss> {
        let entry = self.set.entry(index);
        let covers = entry_covers(compiled, self.traffic, self.named);
        let wanted = || -> Vec<String> {
            entry
                .ports
                .iter()
                .flatten()
                .flat_map(|rule| &rule.ports)
                .map(ToString::to_string)
                .collect()
        };
        let (at, miss) = match &entry.peers {
            Peers::Nobody { at } if entry.clause.index.is_none() => (*at, Miss::NoRule),
            Peers::Nobody { at } => (*at, Miss::SelectsNobody),
            Peers::Unlimited if entry.ports.is_none() => (entry.at, Miss::Empty),
            Peers::Unlimited => (self.port_at(index), Miss::Port { wanted: wanted() }),
            Peers::Any(peers) => {
                let world = self.set.world();
                let is_peer = peers
                    .iter()
                    .map(|peer| world.selects(&peer.matcher, self.peer))
                    .max()
                    .unwrap_or(Truth::No);
                match (is_peer, covers) {
                    (Truth::Yes, Truth::No) => {
                        (self.port_at(index), Miss::Port { wanted: wanted() })
                    }
                    (Truth::No, covers) => {
                        let (peer, miss) = peers
                            .iter()
                            .map(|peer| (peer, peer_miss(&peer.matcher, self.peer)))
                            .min_by_key(|(_, (distance, _))| *distance)
                            .map(|(peer, (_, miss))| (peer, miss))?;
                        let miss = if covers == Truth::No {
                            Miss::PeerAndPort(miss, wanted())
                        } else {
                            Miss::Peer(miss)
                        };
                        (peer.at, miss)
                    }
                    // It could match, were the facts known: no miss.
                    _ => return None,
                }
            }
        };
        Some(NearestMiss { entry: index, at, miss })
    }

    /// The port of an entry that is nearest: of the flow's protocol, if there is one.
    fn port_at(&self, index: EntryId) -> Position {
        let entry = self.set.entry(index);
        let ports = || entry.ports.iter().flatten().flat_map(|rule| &rule.ports);
        ports()
            .find(|port| port.protocol.covers(self.traffic.protocol))
            .or_else(|| ports().next())
            .map_or(entry.at, |port| port.at)
    }

    fn missing(&self, subject: &Identity, peer_class: &Class) -> Vec<Fact> {
        if self.pair.posture == Posture::Unknown {
            return vec![if subject.is_node() {
                Fact::SubjectNodeLabels
            } else {
                Fact::SubjectLabels
            }];
        }
        let truth = |matcher: MatcherId| peer_class.matches(matcher);
        let mut facts: Vec<Fact> =
            open_facts(self.set, self.pair, self.traffic, self.named, &truth)
                .into_iter()
                .map(|fact| match fact {
                    OpenFact::Port(name) => Fact::NamedPort { name: name.to_owned() },
                    OpenFact::Matcher(matcher) => self.fact(matcher),
                })
                .collect();
        crate::sorted::sort(&mut facts);
        facts.dedup();
        facts
    }

    fn fact(&self, matcher: MatcherId) -> Fact {
        if self.peer.knowledge() == Knowledge::Nothing {
            return Fact::PeerLabels;
        }
        match self.set.matchers.at(matcher) {
            PeerMatcher::Name(pattern) => Fact::Names { pattern: pattern.text.clone() },
            matcher @ PeerMatcher::CidrGroup { .. } => {
                Fact::CidrGroup { group: matcher.to_string() }
            }
            PeerMatcher::CloudGroup { .. } => Fact::CloudGroup,
            matcher @ PeerMatcher::Service(_) => Fact::Service { service: matcher.to_string() },
            PeerMatcher::Nodes(_) => Fact::NodeLabels,
            PeerMatcher::Cidr { .. } => Fact::Address,
            PeerMatcher::Labels(_) => Fact::PeerLabels,
        }
    }
}

/// How a selector missed, and how far: the number of requirements that fail.
fn peer_miss(matcher: &PeerMatcher, peer: &Identity) -> (usize, PeerMiss) {
    match matcher {
        PeerMatcher::Labels(selector) | PeerMatcher::Nodes(selector) => label_miss(selector, peer),
        PeerMatcher::Cidr { .. } | PeerMatcher::Name(_) if !peer.is_world() => {
            (2, PeerMiss::NotInWorld { wanted: matcher.to_string() })
        }
        PeerMatcher::Cidr { .. } | PeerMatcher::CidrGroup { .. } => {
            (1, PeerMiss::Address { wanted: matcher.to_string() })
        }
        PeerMatcher::Name(pattern) => {
            (1, PeerMiss::Name { wanted: pattern.text.clone(), names: peer.names().to_vec() })
        }
        PeerMatcher::CloudGroup { .. } | PeerMatcher::Service(_) => {
            (2, PeerMiss::Other { wanted: matcher.to_string() })
        }
    }
}

fn label_miss(selector: &Selector, peer: &Identity) -> (usize, PeerMiss) {
    let failed: Vec<&Requirement> = selector
        .requirements
        .iter()
        .filter(|requirement| !requirement.matches(peer.labels()))
        .collect();
    // Of several, the one that says most: not the namespace or cluster that Cilium adds.
    let telling = failed
        .iter()
        .find(|requirement| !requirement.key.starts_with("io.cilium.k8s.policy.cluster"))
        .or_else(|| failed.first());
    match telling {
        None => (0, PeerMiss::Other { wanted: selector.to_string() }),
        Some(requirement) => (
            failed.len(),
            PeerMiss::Label {
                requirement: requirement.to_string(),
                value: match requirement.operator {
                    Operator::DoesNotExist => Some(String::new()),
                    _ => peer
                        .labels()
                        .iter()
                        .find(|label| requirement.concerns(label.as_ref()))
                        .map(|label| label.value.clone()),
                },
            },
        ),
    }
}

impl Miss {
    /// How far from matching: the smaller, the nearer.
    const fn distance(&self) -> u8 {
        match self {
            Self::Port { .. } => 0,
            // Of what is outside, addresses and names say more than labels.
            Self::Peer(PeerMiss::Address { .. } | PeerMiss::Name { .. }) => 1,
            Self::Peer(_) => 2,
            Self::PeerAndPort(..) => 3,
            Self::SelectsNobody | Self::Empty => 4,
            Self::NoRule => 5,
        }
    }
}
