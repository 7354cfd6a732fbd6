//! Why: every rule that matched, what it lost to, and how near the others came.

use super::{
    Judge,
    decide::{
        Cause, Decision, NamedPorts, OpenFact, Traffic, Verdict, entry_covers, open_facts,
        port_covers,
    },
    identity::{Identity, Knowledge},
    pair::{Class, ClassId, Pair, Posture},
    set::{CompiledEntry, PolicySet},
    truth::Truth,
};
use crate::{
    Action, Authentication, Direction, Operator, PeerMatcher, Peers, Position, Requirement,
    Selector,
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
    pub entry: u32,
    /// Indices of its port rules that match; empty where it has none.
    pub port_rules: Vec<usize>,
}

/// A rule that matches and did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostMatch {
    /// The entry.
    pub entry: u32,
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
    /// Index of the policy.
    pub policy: usize,
    /// Its rules of this direction, each with what kept it from matching; nearest first.
    pub misses: Vec<NearestMiss>,
}

/// A rule that does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearestMiss {
    /// The entry.
    pub entry: u32,
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
    /// It is a pass rule, or its pass was not enough.
    Passed,
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
        &mut self,
        subject: &Identity,
        peer: &Identity,
        direction: Direction,
        traffic: Traffic,
        named: NamedPorts<'_>,
    ) -> Explanation {
        let (subject_id, peer_id) = (self.class(subject), self.class(peer));
        let decision = self.decide(subject_id, peer_id, direction, traffic, named);
        let set = std::sync::Arc::clone(&self.set);
        let pair = self.pair(subject_id, peer_id, direction);
        let nobody = Class::default();
        let class = |id: ClassId| self.classes.get(id.0 as usize).unwrap_or(&nobody);
        let (subject_class, peer_class) = (class(subject_id), class(peer_id));
        let view = View { set: &set, pair: &pair, traffic, named, direction, peer };
        let (deciding, lost) = view.matches(decision);
        // Authentication of other rules may come down to the entry that the packet meets.
        let asks = |candidate: &super::pair::Candidate| {
            set.entry(candidate.entry).is_some_and(|entry| entry.authentication.is_some())
        };
        let authentication =
            if decision.verdict == Verdict::Allowed && pair.candidates.iter().any(asks) {
                super::attribution::of_packet(&set, (subject, peer), direction, traffic, named)
                    .and_then(|entry| entry.authentication)
            } else {
                None
            };
        let default_deny = match decision.cause {
            Cause::DefaultDeny | Cause::MissingFact => view.misses(subject_class),
            _ => Vec::new(),
        };
        let missing = match decision.cause {
            Cause::MissingFact => view.missing(subject, peer_class),
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
        &mut self,
        (subject, peer): (&Identity, &Identity),
        direction: Direction,
        traffic: Traffic,
    ) -> Vec<u32> {
        let (subject, peer) = (self.class(subject), self.class(peer));
        let set = std::sync::Arc::clone(&self.set);
        let pair = self.pair(subject, peer, direction);
        let may_match = |candidate: &&super::pair::Candidate| {
            set.compiled(candidate.entry).is_some_and(|entry| {
                let covers = entry_covers(entry, traffic, NamedPorts::Unknown);
                candidate.truth.and(covers) != Truth::No
            })
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
    fn matches(&self, decision: Decision) -> (Vec<RuleMatch>, Vec<LostMatch>) {
        let winner = match decision.cause {
            Cause::Entry(entry) => self.set.compiled(entry),
            _ => None,
        };
        let (mut deciding, mut beaten) = (Vec::new(), Vec::new());
        let mut passed_tier = 0;
        for candidate in &self.pair.candidates {
            let Some(entry) = self.set.compiled(candidate.entry) else { continue };
            let covers = entry_covers(entry, self.traffic, self.named);
            if candidate.truth.and(covers) != Truth::Yes {
                continue;
            }
            let is_winner = winner
                .is_some_and(|winner| winner.rank == entry.rank && winner.action == entry.action);
            if is_winner {
                deciding
                    .push(RuleMatch { entry: candidate.entry, port_rules: self.port_rules(entry) });
                continue;
            }
            if entry.rank.0 <= passed_tier {
                beaten.push(LostMatch { entry: candidate.entry, loss: Loss::Passed });
                continue;
            }
            if entry.action == Action::Pass && winner.is_none_or(|w| w.rank.0 > entry.rank.0) {
                passed_tier = entry.rank.0;
                continue;
            }
            let Some(winner) = winner else { continue };
            let loss = if entry.rank.0 > winner.rank.0 {
                Loss::LaterTier
            } else if entry.rank.1 > winner.rank.1 {
                Loss::LaterPriority
            } else if winner.action == Action::Deny {
                Loss::DenyFirst
            } else {
                Loss::AllowFirst
            };
            beaten.push(LostMatch { entry: candidate.entry, loss });
        }
        (deciding, beaten)
    }

    fn port_rules(&self, entry: &CompiledEntry) -> Vec<usize> {
        let mut rules: Vec<usize> = entry
            .ports
            .iter()
            .flatten()
            .filter(|port| port_covers(port, self.traffic, self.named) == Truth::Yes)
            .map(|port| port.rule as usize)
            .collect();
        rules.dedup();
        rules
    }

    fn misses(&self, subject: &Class) -> Vec<DefaultDenyBy> {
        let mut policies: Vec<DefaultDenyBy> = Vec::new();
        for index in self.set.ordered(self.direction) {
            let (Some(compiled), Some(entry)) = (self.set.compiled(*index), self.set.entry(*index))
            else {
                continue;
            };
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

    fn miss(&self, index: u32, compiled: &CompiledEntry) -> Option<NearestMiss> {
        let entry = self.set.entry(index)?;
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
    fn port_at(&self, index: u32) -> Position {
        let Some(entry) = self.set.entry(index) else { return Position::default() };
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
        let truth = |matcher: u32| peer_class.matches(matcher);
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

    fn fact(&self, matcher: u32) -> Fact {
        if self.peer.knowledge() == Knowledge::Nothing {
            return Fact::PeerLabels;
        }
        match self.set.matchers.get(matcher as usize) {
            Some(PeerMatcher::Name(pattern)) => Fact::Names { pattern: pattern.text.clone() },
            Some(matcher @ PeerMatcher::CidrGroup { .. }) => {
                Fact::CidrGroup { group: matcher.to_string() }
            }
            Some(PeerMatcher::CloudGroup { .. }) => Fact::CloudGroup,
            Some(matcher @ PeerMatcher::Service(_)) => {
                Fact::Service { service: matcher.to_string() }
            }
            Some(PeerMatcher::Nodes(_)) => Fact::NodeLabels,
            Some(PeerMatcher::Cidr { .. }) => Fact::Address,
            Some(PeerMatcher::Labels(_)) | None => Fact::PeerLabels,
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
            Self::SelectsNobody | Self::Empty | Self::Passed => 4,
            Self::NoRule => 5,
        }
    }
}
