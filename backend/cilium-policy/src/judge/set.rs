//! Sets of policies, compiled once.

use hashbrown::HashMap;

pub(super) use crate::ids::{EntryId, MatcherId, SubjectId};

use super::{access::Traffic, merges::Merges, world::World};
use crate::{
    Action, Dates, Direction, Documents, Entry, Peer, PeerMatcher, Peers, Policy, PolicyId,
    PortRange, Protocol, Refused, Selector, Settings, SourceText, UnixTime,
    document::dates::KnownDates,
    ids::{Arena, Id},
};

/// A set of compiled policies. Memory is linear in their rules: each distinct selector is stored
/// once.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    settings: Settings,
    documents: Documents,
    /// The distinct selectors of subjects.
    pub(super) subjects: Arena<SubjectId, Selector>,
    /// The distinct selectors of peers.
    pub(super) matchers: Arena<MatcherId, PeerMatcher>,
    pub(super) compiled: Arena<EntryId, CompiledEntry>,
    /// The entries of a direction, in the order of judging.
    pub(super) ingress: Vec<EntryId>,
    pub(super) egress: Vec<EntryId>,
    pub(super) merges: Merges,
    pub(super) has_passes: bool,
    pub(super) has_named_ports: bool,
    pub(crate) known_dates: KnownDates,
    /// The time of the set's last change.
    pub(crate) changed: Option<UnixTime>,
}

#[derive(Debug, Clone)]
pub(super) struct CompiledEntry {
    pub(super) subject: SubjectId,
    pub(super) peers: CompiledPeers,
    /// The ports; `None` covers every protocol.
    pub(super) ports: Option<Vec<CompiledPort>>,
    pub(super) reach: Reach,
    /// Tier and priority.
    pub(super) rank: (u8, i64),
    pub(super) action: Action,
    pub(super) is_node: bool,
    pub(super) default_deny: bool,
    pub(super) has_l7: bool,
}

#[derive(Debug, Clone)]
pub(super) enum CompiledPeers {
    None,
    All,
    Any(Vec<MatcherId>),
}

#[derive(Debug, Clone)]
pub(super) struct CompiledPort {
    pub(super) protocol: Protocol,
    pub(super) range: PortRange,
    pub(super) is_redirect: bool,
    /// The index of its rule in the entry's `ports`.
    pub(super) rule: usize,
}

/// The part of an entry's ports that a candidate carries; most traffic is decided without a look at
/// the entry.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reach {
    /// Every protocol and port.
    Everything,
    /// Exactly these port numbers of a protocol.
    Exactly(Bounds),
    /// Some of these port numbers of a protocol.
    Within(Bounds),
    /// Ports of several protocols, or named ports.
    Mixed,
}

/// The ports of a protocol from the first to the last, both included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    protocol: u8,
    first: u16,
    last: u16,
}

impl Reach {
    fn of(ports: Option<&[CompiledPort]>) -> Self {
        match ports {
            None => Self::Everything,
            Some(ports) => match (Bounds::of(ports), ports.len()) {
                (Some(bounds), 1) => Self::Exactly(bounds),
                (Some(bounds), _) => Self::Within(bounds),
                (None, _) => Self::Mixed,
            },
        }
    }
}

impl Bounds {
    fn of(ports: &[CompiledPort]) -> Option<Self> {
        let mut bounds = ports.iter().map(|port| match (port.protocol, &port.range) {
            (Protocol::Number(protocol), PortRange::Numbers(first, last)) => {
                Some(Self { protocol, first: *first, last: *last })
            }
            _ => None,
        });
        let first = bounds.next()??;
        bounds.try_fold(first, |all, own| {
            let own = own.filter(|own| own.protocol == all.protocol)?;
            Some(Self {
                first: all.first.min(own.first),
                last: all.last.max(own.last),
                protocol: all.protocol,
            })
        })
    }

    /// Whether traffic lies within the bounds.
    #[inline]
    pub(super) const fn include(self, traffic: Traffic) -> bool {
        self.protocol == traffic.protocol && self.first <= traffic.port && traffic.port <= self.last
    }
}

impl PolicySet {
    /// A set from texts, read and compiled. [`PolicySet::refused`] lists the refused documents.
    #[must_use]
    pub fn read(texts: &[SourceText<'_>], settings: Settings) -> Self {
        let documents = Documents::read(texts, &settings);
        Self::compile(documents, settings)
    }

    /// A set compiled from documents.
    #[must_use]
    pub fn compile(documents: Documents, settings: Settings) -> Self {
        let mut set = Self { settings, ..Self::default() };
        let mut subjects: HashMap<&Selector, SubjectId> = HashMap::new();
        let mut matchers: HashMap<&PeerMatcher, MatcherId> = HashMap::new();
        for entry in &documents.entries {
            let subject = *subjects
                .entry(&entry.subject)
                .or_insert_with(|| set.subjects.push(entry.subject.clone()));
            let ports = entry.ports.as_ref().map(|rules| compile_ports(rules));
            let peers = match &entry.peers {
                Peers::Empty { .. } => CompiledPeers::None,
                Peers::Absent if ports.is_none() => CompiledPeers::None,
                Peers::Absent => CompiledPeers::All,
                Peers::Any(peers) if peers.iter().any(Peer::is_everyone) => CompiledPeers::All,
                Peers::Any(peers) => CompiledPeers::Any(
                    peers
                        .iter()
                        .map(|peer| {
                            *matchers
                                .entry(&peer.matcher)
                                .or_insert_with(|| set.matchers.push(peer.matcher.clone()))
                        })
                        .collect(),
                ),
            };
            set.compiled.push(CompiledEntry {
                subject,
                peers,
                has_l7: ports.iter().flatten().any(|port| port.is_redirect),
                reach: Reach::of(ports.as_deref()),
                ports,
                rank: (entry.tier as u8, entry.priority),
                action: entry.action,
                is_node: entry.is_node,
                default_deny: entry.default_deny,
            });
        }
        drop((subjects, matchers));
        // The index comes last, so that equal entries keep the order of the texts.
        let mut sorted: Vec<((u8, i64), Action, EntryId, Direction)> = set
            .compiled
            .numbered()
            .zip(&documents.entries)
            .map(|((id, compiled), entry)| (compiled.rank, compiled.action, id, entry.direction))
            .collect();
        crate::sorted::sort(&mut sorted);
        for (_, _, id, direction) in sorted {
            match direction {
                Direction::Ingress => set.ingress.push(id),
                Direction::Egress => set.egress.push(id),
            }
        }
        set.merges = Merges::of(&documents);
        let ports = set.compiled.iter().filter_map(|entry| entry.ports.as_ref()).flatten();
        set.has_named_ports =
            ports.into_iter().any(|port| matches!(port.range, PortRange::Named(_)));
        set.has_passes = set.compiled.iter().any(|entry| entry.action == Action::Pass);
        set.documents = documents;
        set.known_dates = KnownDates::of(&set.documents);
        set
    }

    /// The set with times that its texts lack.
    #[must_use]
    pub fn dated(mut self, dates: &Dates) -> Self {
        for (source, dated) in self.documents.dates_mut() {
            let of_text = dates.texts.get(source).copied().flatten();
            if dated.is_at_least {
                dated.changed = dated.changed.max(of_text);
            }
        }
        self.known_dates = KnownDates::of(&self.documents);
        self.changed = dates.set;
        self
    }

    /// Whether the time of any change is known.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.known_dates.are_some || self.changed.is_some()
    }

    /// The settings behind the compiled set.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The policies of the set.
    #[must_use]
    pub fn policies(&self) -> &Arena<PolicyId, Policy> {
        &self.documents.policies
    }

    /// The entries of the set; decisions refer to them by index.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.documents.entries
    }

    /// The documents of the set.
    #[must_use]
    pub const fn documents(&self) -> &Documents {
        &self.documents
    }

    /// The documents that were refused, or are other objects than policies.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.documents.refused
    }

    /// The entries with their ids.
    pub fn rules(&self) -> impl Iterator<Item = (EntryId, &Entry)> {
        self.compiled.numbered().map(|(id, _)| id).zip(&self.documents.entries)
    }

    /// The entry of an id. `None` if the id comes from another set.
    #[must_use]
    pub fn get(&self, entry: EntryId) -> Option<&Entry> {
        self.documents.entries.get(entry.index())
    }

    /// The policy of an id. `None` if the id comes from another set.
    #[must_use]
    pub fn policy(&self, policy: PolicyId) -> Option<&Policy> {
        self.documents.policies.get(policy)
    }

    /// The policy of an entry. `None` if the id comes from another set.
    #[must_use]
    pub fn policy_of(&self, entry: EntryId) -> Option<&Policy> {
        self.policy(self.get(entry)?.policy)
    }

    /// The entry for an id of this set.
    pub(super) fn entry(&self, id: EntryId) -> &Entry {
        self.documents.entry(id)
    }

    #[inline]
    pub(super) fn compiled(&self, id: EntryId) -> &CompiledEntry {
        self.compiled.at(id)
    }

    pub(super) fn ordered(&self, direction: Direction) -> &[EntryId] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    pub(super) fn world(&self) -> World<'_> {
        World {
            settings: &self.settings,
            groups: &self.documents.groups,
            nodes: &self.documents.nodes,
        }
    }
}

fn compile_ports(rules: &[crate::PortRule]) -> Vec<CompiledPort> {
    let mut ports = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        for port in &rule.ports {
            ports.push(CompiledPort {
                protocol: port.protocol,
                range: port.range.clone(),
                is_redirect: match port.protocol {
                    Protocol::Any => rule.l7.is_redirect(6) || rule.l7.is_redirect(17),
                    Protocol::Number(number) => rule.l7.is_redirect(number),
                },
                rule: index,
            });
        }
    }
    ports
}
