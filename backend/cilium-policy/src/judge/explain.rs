//! Explanations of decisions: every rule that matched, the rule it lost to, and the nearest misses.

use super::{
    Judge,
    access::Access,
    decide::{
        Cause, Decision, OpenFact, Verdict, entry_covers, matches, open_facts, port_covers, trace,
    },
    identity::{Identity, Knowledge},
    merge::Conflict,
    pair::{Candidate, Class, Pair, SubjectEnforcement},
    set::{CompiledEntry, EntryId, MatcherId, PolicySet},
    truth::Truth,
    walk::{Loss, Role},
};
use crate::{
    Action, Authentication, Operator, PeerMatcher, Peers, PolicyId, Position, Requirement, Selector,
};

/// A decision with its reasons. An entry is given by its index in the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// The rules that match at the winning tier and priority; the first one decided.
    pub deciding: Vec<RuleMatch>,
    /// The rules that match without effect, each with the reason.
    pub lost: Vec<LostMatch>,
    /// The policies that enable default deny, with the nearest miss of each of their rules.
    pub default_deny: Vec<DefaultDenyBy>,
    /// The unknown facts that could change the verdict.
    pub missing: Vec<Fact>,
    /// The reason why the agent cannot merge the subject's policies.
    pub conflict: Option<Conflict>,
    /// The mutual authentication that the deciding rules require.
    pub authentication: Option<Authentication>,
}

/// A rule that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMatch {
    /// The entry.
    pub entry: EntryId,
    /// The indices of its port rules that match; empty for an entry without ports.
    pub port_rules: Vec<usize>,
}

/// A rule that matches without effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostMatch {
    /// The entry.
    pub entry: EntryId,
    /// The reason.
    pub loss: Loss,
}

/// A policy that enables default deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultDenyBy {
    /// The policy.
    pub policy: PolicyId,
    /// Its rules of this direction, each with the reason for its miss; nearest first.
    pub misses: Vec<NearestMiss>,
}

/// A rule that does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearestMiss {
    /// The entry.
    pub entry: EntryId,
    /// The position of the nearest part.
    pub at: Position,
    /// The reason for the miss.
    pub miss: Miss,
}

/// The reason why a rule does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// An empty list of peers.
    EmptyPeers,
    /// A rule with neither peers nor ports.
    EmptyRule,
    /// A rule that only sets the default.
    NoRule,
    /// A peer that matches, with ports that do not.
    Port {
        /// The ports of the rule, as `80/TCP`.
        wanted: Vec<String>,
    },
    /// Ports that match, with a peer that does not.
    Peer(PeerMiss),
    /// Neither peer nor ports match.
    PeerAndPort(PeerMiss, Vec<String>),
}

/// The reason why a peer selector does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerMiss {
    /// A requirement that fails, with the peer's own value.
    Label {
        /// The requirement in words.
        requirement: String,
        /// The peer's value; `None` if it lacks the label.
        value: Option<String>,
    },
    /// An address outside the prefix.
    Address {
        /// The prefix in words.
        wanted: String,
    },
    /// A CIDR or DNS name selector, with a peer outside the world.
    NotInWorld {
        /// The selector in words.
        wanted: String,
    },
    /// A name pattern that matches no name of the address.
    Name {
        /// The pattern.
        wanted: String,
        /// The names of the address.
        names: Vec<String>,
    },
    /// Any other reason.
    Other {
        /// The selector in words.
        wanted: String,
    },
}

/// A fact that a flow record does not carry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// The subject's labels.
    SubjectLabels,
    /// The labels of the node that is the subject.
    SubjectNodeLabels,
    /// The peer's labels.
    PeerLabels,
    /// The names that the peer's address had at the node.
    Names {
        /// Pattern of `toFQDNs`.
        pattern: String,
    },
    /// The content of a CIDR group.
    CidrGroup {
        /// The group in words.
        group: String,
    },
    /// The content of a cloud provider's group.
    CloudGroup,
    /// The backends of a Service.
    Service {
        /// The Service in words.
        service: String,
    },
    /// The labels of the peer's node.
    NodeLabels,
    /// The peer's address.
    Address,
    /// The number behind a named port.
    NamedPort {
        /// The name.
        name: String,
    },
    /// A fact that only the proxy saw.
    Proxy {
        /// The fact in words.
        what: &'static str,
    },
}

impl Judge {
    /// Explains the decision about one direction.
    pub fn explain(&self, access: Access<'_, &Identity>) -> Explanation {
        let by_class = self.by_class(access);
        let decision = self.decide(by_class);
        let set = &self.set;
        let pair = self.pair(by_class.subject, by_class.peer, by_class.direction);
        let (subject, peer) = (self.class_of(by_class.subject), self.class_of(by_class.peer));
        let view = View { set, pair: &pair, access };
        let (deciding, lost) = view.matches(decision);
        // Authentication of other rules may reach the entry that the packet meets.
        let asks = |candidate: &Candidate| set.entry(candidate.entry).authentication.is_some();
        let authentication =
            if decision.verdict == Verdict::Allowed && pair.candidates.iter().any(asks) {
                super::attribution::of_packet(set, access).and_then(|entry| entry.authentication)
            } else {
                None
            };
        let default_deny = match decision.cause {
            Cause::DefaultDeny | Cause::MissingFact => view.misses(&subject),
            _ => Vec::new(),
        };
        let missing = match decision.cause {
            Cause::MissingFact => view.missing(&peer),
            _ => Vec::new(),
        };
        Explanation {
            decision,
            deciding,
            lost,
            default_deny,
            missing,
            conflict: (pair.conflict.as_deref().cloned())
                .filter(|_| decision.cause == Cause::Unresolvable),
            authentication,
        }
    }
}

impl Judge {
    /// The entries that may decide about one direction, given the known facts.
    pub fn possible_entries(&self, access: Access<'_, &Identity>) -> Vec<EntryId> {
        let Access { subject, peer, direction, traffic, named_ports } = self.by_class(access);
        let pair = self.pair(subject, peer, direction);
        let may_match = |candidate: &&Candidate| {
            matches(&self.set, candidate, traffic, named_ports) != Truth::No
        };
        pair.candidates.iter().filter(may_match).map(|candidate| candidate.entry).collect()
    }
}

struct View<'v> {
    set: &'v PolicySet,
    pair: &'v Pair,
    access: Access<'v, &'v Identity>,
}

impl View<'_> {
    /// The rules that decide, and the rules that match without effect.
    fn matches(&self, decision: Decision) -> (Vec<RuleMatch>, Vec<LostMatch>) {
        let is_by_rule = matches!(decision.cause, Cause::Entry(_));
        let (mut deciding, mut beaten) = (Vec::new(), Vec::new());
        for (entry, role) in
            trace(self.set, self.pair, self.access.traffic, self.access.named_ports)
        {
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
            .filter(|port| {
                port_covers(port, self.access.traffic, self.access.named_ports) == Truth::Yes
            })
            .map(|port| port.rule)
            .collect();
        rules.dedup();
        rules
    }

    fn misses(&self, subject: &Class) -> Vec<DefaultDenyBy> {
        let mut policies: Vec<DefaultDenyBy> = Vec::new();
        for index in self.set.ordered(self.access.direction) {
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
            // The list is short. Six passes put the nearest first and keep the order of the texts.
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
        let covers = entry_covers(compiled, self.access.traffic, self.access.named_ports);
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
            Peers::Empty { at } if entry.clause.index.is_none() => (*at, Miss::NoRule),
            Peers::Empty { at } => (*at, Miss::EmptyPeers),
            Peers::Absent if entry.ports.is_none() => (entry.at, Miss::EmptyRule),
            Peers::Absent => (self.port_at(index), Miss::Port { wanted: wanted() }),
            Peers::Any(peers) => {
                let world = self.set.world();
                let is_peer = peers
                    .iter()
                    .map(|peer| world.selects(&peer.matcher, self.access.peer))
                    .max()
                    .unwrap_or(Truth::No);
                match (is_peer, covers) {
                    (Truth::Yes, Truth::No) => {
                        (self.port_at(index), Miss::Port { wanted: wanted() })
                    }
                    (Truth::No, covers) => {
                        let (peer, miss) = peers
                            .iter()
                            .map(|peer| (peer, peer_miss(&peer.matcher, self.access.peer)))
                            .min_by_key(|(_, (distance, _))| *distance)
                            .map(|(peer, (_, miss))| (peer, miss))?;
                        let miss = if covers == Truth::No {
                            Miss::PeerAndPort(miss, wanted())
                        } else {
                            Miss::Peer(miss)
                        };
                        (peer.at, miss)
                    }
                    // It could match if the facts were known, so it is not a miss.
                    _ => return None,
                }
            }
        };
        Some(NearestMiss { entry: index, at, miss })
    }

    /// The nearest port of an entry: one of the flow's protocol, if there is one.
    fn port_at(&self, index: EntryId) -> Position {
        let entry = self.set.entry(index);
        let ports = || entry.ports.iter().flatten().flat_map(|rule| &rule.ports);
        ports()
            .find(|port| port.protocol.covers(self.access.traffic.protocol))
            .or_else(|| ports().next())
            .map_or(entry.at, |port| port.at)
    }

    fn missing(&self, peer: &Class) -> Vec<Fact> {
        if self.pair.enforcement == SubjectEnforcement::Unknown {
            return vec![if self.access.subject.is_node() {
                Fact::SubjectNodeLabels
            } else {
                Fact::SubjectLabels
            }];
        }
        let truth = |matcher: MatcherId| peer.matches(matcher);
        let mut facts: Vec<Fact> =
            open_facts(self.set, self.pair, self.access.traffic, self.access.named_ports, &truth)
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
        if self.access.peer.knowledge() == Knowledge::Nothing {
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

/// The reason why a selector misses, and the distance: the number of requirements that fail.
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
    // Of several requirements, the most telling one: not the namespace or cluster that Cilium adds.
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
    /// The distance from a match: smaller is nearer.
    const fn distance(&self) -> u8 {
        match self {
            Self::Port { .. } => 0,
            // Among peer misses, those by address or name tell more than those by label.
            Self::Peer(PeerMiss::Address { .. } | PeerMiss::Name { .. }) => 1,
            Self::Peer(_) => 2,
            Self::PeerAndPort(..) => 3,
            Self::EmptyPeers | Self::EmptyRule => 4,
            Self::NoRule => 5,
        }
    }
}
