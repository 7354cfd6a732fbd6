//! The policy map entry that a packet meets, and thus the rules that Hubble names. Source:
//! pkg/policy/l4.go `toMapState`, rules.go, pkg/policy/correlation.
//!
//! The agent merges rules with the same selector and port into entries of a map. The key is peer
//! identity, protocol and port prefix. The data path looks a packet up twice, once for its peer and
//! once for the aggregate of such peers, and takes one of the two entries. Hubble names the rules
//! behind that entry, even where other rules allow the packet too.

use hashbrown::HashMap;

use super::{
    Judge,
    access::{Access, NamedPorts, Traffic},
    decide::Cause,
    identity::Identity,
    map_state::{AuthRequirement, Entry as MapRule, Features, Key, MapState, TierBounds},
    merge::{Merged, Step, steps},
    pair::Class,
    set::{EntryId, PolicySet},
    truth::Truth,
};
use crate::{Action, Authentication, Direction, Entry, Peers, PortRange};

/// The policy map entry that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapEntry {
    /// The parts of its key that are given.
    pub match_type: MatchType,
    /// The rules behind it.
    pub rules: Vec<EntryId>,
    /// The mutual authentication that it requires.
    pub authentication: Option<Authentication>,
}

/// The parts of a key that are given; the numbers are those of `Flow.policy_match_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MatchType {
    /// The peer alone.
    L3Only = 1,
    /// Peer, protocol and port.
    L3L4 = 2,
    /// Protocol and port.
    L4Only = 3,
    /// No part.
    All = 4,
    /// Peer and protocol, any port.
    L3Protocol = 5,
    /// The protocol alone.
    ProtocolOnly = 6,
}

/// The rules of a tier for one protocol and port as written.
struct Filter<'e> {
    tier: u8,
    protocol: u8,
    ports: Option<(&'e PortRange, u16)>,
    slots: Vec<Slot<'e>>,
}

/// The rules of a filter with the same selector.
struct Slot<'e> {
    /// The selector as the agent writes it; empty selects everyone.
    peer: &'e str,
    selects: Selection,
    merged: Merged<'e>,
    /// The rules; `None` stands for a rule of the agent.
    rules: Vec<Option<EntryId>>,
}

/// The identities that a selector selects.
#[derive(Debug, Clone, Copy, Default)]
struct Selection {
    peer: bool,
    aggregate: bool,
}

/// The mark of a rule that the agent appends.
const AGENT: Option<EntryId> = None;
/// The tier of the rules that the agent appends.
const LAST_TIER: u8 = 255;
/// The lowest priority of the data path.
const LOWEST: u32 = (1 << 24) - 1;

/// The priorities of the data path; each tier has a range of them.
struct Levels {
    /// For each tier: its number, the start of its range, the start of the next range.
    tiers: Vec<(u8, u32, u32)>,
    priorities: HashMap<(u8, i64), u32>,
}

impl Judge {
    /// The map entry that decides about a direction. `None` if no rule decides.
    pub fn map_entry(&self, access: Access<'_, &Identity>) -> Option<MapEntry> {
        let Cause::Entry(_) = self.judge(access).cause else { return None };
        of_packet(&self.set, access)
    }
}

/// The map entry that a packet meets. `None` if it meets no entry, or one that the agent appended.
pub(super) fn of_packet(set: &PolicySet, access: Access<'_, &Identity>) -> Option<MapEntry> {
    let Access { subject, peer, direction, traffic, named_ports } = access;
    let class = Class::of(subject, set);
    let rules: Vec<EntryId> = set
        .ordered(direction)
        .iter()
        .copied()
        .filter(|rule| class.is_subject_of(set.compiled(*rule)))
        .collect();
    let own = of_agent(set, &class, peer, direction, &rules);
    let levels = Levels::of(set, &rules, &own);
    let filters = filters(set, peer, &rules, own);
    let features = levels.features(&filters);
    let mut map = MapState::default();
    for filter in &filters {
        let Some(at) = filter.covers(traffic, named_ports) else { continue };
        // Each peer resolves the destination's port names for itself; the aggregate has no port
        // names.
        let by_peer = direction == Direction::Egress
            && matches!(filter.ports, Some((PortRange::Named(_), _)));
        filter.insert(&mut map, set, &levels, features, (at, by_peer));
    }
    let (key, entry) = map.lookup()?;
    if entry.rules.contains(&AGENT) {
        return None;
    }
    Some(MapEntry {
        match_type: MatchType::of(key),
        authentication: match entry.authentication.strength {
            0 => entry.authentication.is_explicit.then_some(Authentication::Disabled),
            1 => Some(Authentication::Required),
            _ => Some(Authentication::AlwaysFail),
        },
        rules: entry.rules.into_iter().flatten().collect(),
    })
}

/// The rules that the agent appends: priority, verdict, and whether they are for the node alone.
fn of_agent(
    set: &PolicySet,
    class: &Class,
    peer: &Identity,
    direction: Direction,
    rules: &[EntryId],
) -> Vec<(Merged<'static>, Option<Selection>)> {
    let entries = || rules.iter().map(|rule| set.compiled(*rule));
    let mut own = Vec::new();
    if rules.is_empty() {
        return own;
    }
    if !class.is_isolated(set.settings()) && !entries().any(|entry| entry.default_deny) {
        own.push((Merged::of_agent(0, Action::Allow), None));
        return own;
    }
    if direction == Direction::Ingress && set.settings().allow_localhost && !class.is_host {
        let selects = Selection { peer: peer.is_reserved("host"), aggregate: false };
        own.push((Merged::of_agent(0, Action::Allow), Some(selects)));
    }
    if entries().any(|entry| entry.action == Action::Pass) {
        let priority = i64::from(!own.is_empty());
        own.push((Merged::of_agent(priority, Action::Deny), None));
    }
    own
}

fn filters<'e>(
    set: &'e PolicySet,
    peer: &Identity,
    rules: &[EntryId],
    of_agent: Vec<(Merged<'e>, Option<Selection>)>,
) -> Vec<Filter<'e>> {
    type FilterKey<'e> = (u8, u8, Option<(&'e PortRange, u16)>);
    let mut filters: Vec<Filter<'e>> = Vec::new();
    let mut index: HashMap<FilterKey<'e>, usize> = HashMap::new();
    let mut add = |key: FilterKey<'e>, slot: Slot<'e>| {
        let at = *index.entry(key).or_insert_with(|| {
            let (tier, protocol, ports) = key;
            filters.push(Filter { tier, protocol, ports, slots: Vec::new() });
            filters.len().saturating_sub(1)
        });
        if let Some(filter) = filters.get_mut(at) {
            filter.add(slot);
        }
    };
    for rule in rules {
        let entry = set.entry(*rule);
        let selections = selections(set, entry, peer);
        steps(entry, |key, port_rule, _| {
            let step = Step { index: 0, entry: *rule, rule: port_rule, protocol: key.protocol };
            let slot = Slot {
                peer: key.peer,
                selects: selections.get(key.peer).copied().unwrap_or_default(),
                merged: Merged::of(entry, &step),
                rules: vec![Some(*rule)],
            };
            add((entry.tier as u8, key.protocol, key.ports), slot);
        });
    }
    for (merged, selects) in of_agent {
        let (peer, selects) = match selects {
            None => ("", Selection { peer: true, aggregate: true }),
            Some(selects) => ("reserved:host=", selects),
        };
        add((LAST_TIER, 0, None), Slot { peer, selects, merged, rules: vec![AGENT] });
    }
    filters
}

/// The selections of each selector of an entry.
fn selections<'e>(
    set: &PolicySet,
    entry: &'e Entry,
    peer: &Identity,
) -> HashMap<&'e str, Selection> {
    let world = set.world();
    let everyone = Selection { peer: true, aggregate: true };
    let aggregate = world.aggregate(peer);
    match &entry.peers {
        Peers::Empty { .. } => HashMap::new(),
        Peers::Absent => HashMap::from_iter([("", everyone)]),
        Peers::Any(peers) => peers
            .iter()
            .map(|own| {
                let selects = if own.text.is_empty() {
                    everyone
                } else {
                    Selection {
                        peer: world.selects_itself(&own.matcher, peer) == Truth::Yes,
                        aggregate: aggregate
                            .as_ref()
                            .is_some_and(|label| world.selects_aggregate(&own.matcher, label)),
                    }
                };
                (&*own.text, selects)
            })
            .collect(),
    }
}

impl<'e> Filter<'e> {
    /// Adds rules of a selector and merges them with those already there.
    fn add(&mut self, new: Slot<'e>) {
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.peer == new.peer) else {
            self.slots.push(new);
            return;
        };
        let rank = (slot.merged.priority, slot.merged.action);
        let new_rank = (new.merged.priority, new.merged.action);
        match new_rank.cmp(&rank) {
            std::cmp::Ordering::Less => slot.rules = new.rules,
            std::cmp::Ordering::Equal => slot.rules.extend(new.rules),
            std::cmp::Ordering::Greater => {}
        }
        // Rules that cannot be merged do not reach the map: the caller checked that before.
        let _is_merged = slot.merged.add(new.merged);
    }

    /// The number of key bits for a packet. `None` if no key covers it.
    fn covers(&self, traffic: Traffic, named: NamedPorts<'_>) -> Option<u32> {
        let Some((range, _)) = self.ports else { return Some(0) };
        if self.protocol != traffic.protocol {
            return None;
        }
        match range {
            PortRange::All => Some(8),
            PortRange::Numbers(first, last) => (*first..=*last)
                .contains(&traffic.port)
                .then(|| prefix_bits(*first, *last, traffic.port).saturating_add(8)),
            PortRange::Named(name) => match named {
                NamedPorts::Unknown => None,
                NamedPorts::Known(ports) => ports
                    .iter()
                    .any(|(own, protocol, number)| {
                        own == name && *protocol == traffic.protocol && *number == traffic.port
                    })
                    .then_some(24),
            },
        }
    }

    fn insert(
        &self,
        map: &mut MapState,
        set: &PolicySet,
        levels: &Levels,
        features: Features,
        (bits, by_peer): (u32, bool),
    ) {
        let Some(tier) = levels.tier(self.tier) else { return };
        let everyone = self.slots.iter().find(|slot| slot.peer.is_empty());
        for slot in &self.slots {
            // The agent drops a selector that does the same as the one for everyone, except on all
            // ports.
            if !slot.peer.is_empty()
                && (bits > 8 || by_peer)
                && everyone.is_some_and(|own| slot.is_equivalent(own, levels, self.tier))
            {
                continue;
            }
            let entry = slot.entry(set, levels, self.tier, tier);
            let is_everyone = slot.peer.is_empty() && !by_peer;
            let Selection { peer, aggregate } = slot.selects;
            if aggregate && !by_peer {
                let key = Key { bits, is_specific: false };
                map.insert(tier.max, key, entry.clone(), features);
            }
            if peer && !is_everyone {
                map.insert(tier.max, Key { bits, is_specific: true }, entry, features);
            }
        }
    }
}

impl Slot<'_> {
    fn precedence(&self, levels: &Levels, tier: u8) -> u32 {
        let base = base(levels.priority(tier, self.merged.priority));
        base | match (self.merged.action, self.merged.is_redirect()) {
            (Action::Deny, _) => 255,
            (Action::Pass, _) => 0,
            (Action::Allow, false) => 1,
            (Action::Allow, true) => match self.merged.listener_priority {
                0 => 2,
                own => 255_u32.saturating_sub(u32::from(own.min(126))),
            },
        }
    }

    fn authentication(&self) -> AuthRequirement {
        let strength = match self.merged.authentication {
            _ if self.merged.action != Action::Allow => None,
            None | Some(Authentication::Other(_)) => None,
            Some(Authentication::Disabled) => Some(0),
            Some(Authentication::Required) => Some(1),
            Some(Authentication::AlwaysFail) => Some(2),
        };
        AuthRequirement { is_explicit: strength.is_some(), strength: strength.unwrap_or(0) }
    }

    /// Whether the data path treats both alike.
    fn is_equivalent(&self, other: &Self, levels: &Levels, tier: u8) -> bool {
        self.precedence(levels, tier) == other.precedence(levels, tier)
            && self.merged.shares_redirect(&other.merged)
            && self.authentication() == other.authentication()
    }

    fn entry(&self, set: &PolicySet, levels: &Levels, tier: u8, bounds: TierBounds) -> MapRule {
        let precedence = self.precedence(levels, tier);
        let mut entry = if self.merged.action == Action::Pass {
            MapRule::of_pass(precedence, bounds)
        } else {
            MapRule::of_verdict(precedence, self.merged.is_redirect(), self.authentication())
        };
        entry.rules.clone_from(&self.rules);
        entry.log = self
            .rules
            .iter()
            .flatten()
            .map(|rule| set.entry(*rule).log.clone())
            .filter(|log| !log.is_empty())
            .collect();
        crate::sorted::sort(&mut entry.log);
        entry.log.dedup();
        entry
    }
}

/// The lowest precedence of a priority.
const fn base(priority: u32) -> u32 {
    LOWEST.saturating_sub(priority) << 8
}

impl Levels {
    /// The levels for the rules of a subject, in their order.
    fn of(
        set: &PolicySet,
        rules: &[EntryId],
        of_agent: &[(Merged<'_>, Option<Selection>)],
    ) -> Self {
        let ranks: Vec<(u8, i64, Action)> = rules
            .iter()
            .map(|rule| set.compiled(*rule))
            .map(|entry| (entry.rank.0, entry.rank.1, entry.action))
            .chain(of_agent.iter().map(|(own, _)| (LAST_TIER, own.priority, own.action)))
            .collect();
        // The levels that each tier needs, and the priorities that hold a pass.
        let mut tiers: Vec<(u8, u32, u32)> = Vec::new();
        let mut last: Option<(u8, i64, bool)> = None;
        for (tier, priority, action) in &ranks {
            let is_new_tier = last.is_none_or(|(own, ..)| own != *tier);
            let is_new_level = is_new_tier || last.is_none_or(|(_, own, _)| own != *priority);
            if is_new_tier {
                tiers.push((*tier, 0, 0));
            }
            let had_pass = !is_new_level && last.is_some_and(|(.., had_pass)| had_pass);
            let is_pass = *action == Action::Pass;
            if let Some((_, levels, passes)) = tiers.last_mut() {
                *levels = levels.saturating_add(u32::from(is_new_level));
                *passes = passes.saturating_add(u32::from(is_pass && !had_pass));
            }
            last = Some((*tier, *priority, had_pass || is_pass));
        }
        // Each pass leaves room below it for the whole next tier.
        let mut below = 0_u32;
        let mut sizes: Vec<(u8, u32, u32)> = Vec::new();
        for (tier, levels, passes) in tiers.iter().rev() {
            let own = round_up(*levels);
            let size = if sizes.is_empty() {
                own
            } else {
                round_up(own.saturating_add(passes.saturating_add(1).saturating_mul(below)))
            };
            sizes.push((*tier, size, below));
            below = size;
        }
        sizes.reverse();
        let mut begins = 0_u32;
        let mut out = Self { tiers: Vec::new(), priorities: HashMap::new() };
        for (index, (tier, size, below)) in sizes.iter().enumerate() {
            let next = if index.saturating_add(1) < sizes.len() {
                begins.saturating_add(size.saturating_sub(*below))
            } else {
                LOWEST
            };
            out.tiers.push((*tier, begins, next));
            let mut level = begins;
            let mut last: Option<(i64, bool)> = None;
            for (_, priority, action) in ranks.iter().filter(|(own, ..)| own == tier) {
                if let Some((before, had_pass)) = last
                    && before != *priority
                {
                    level =
                        level.saturating_add(if had_pass { below.saturating_add(1) } else { 1 });
                    last = None;
                }
                out.priorities.insert((*tier, *priority), level);
                let had_pass = last.is_some_and(|(_, had_pass)| had_pass);
                last = Some((*priority, had_pass || *action == Action::Pass));
            }
            begins = next;
        }
        out
    }

    fn priority(&self, tier: u8, priority: i64) -> u32 {
        self.priorities.get(&(tier, priority)).copied().unwrap_or(LOWEST)
    }

    fn tier(&self, tier: u8) -> Option<TierBounds> {
        let (_, begins, next) = self.tiers.iter().find(|(own, ..)| *own == tier)?;
        Some(TierBounds { max: base(*begins) | 255, min: base(*next).saturating_add(0x100) })
    }

    /// The features that the rules use.
    fn features(&self, filters: &[Filter<'_>]) -> Features {
        let mut features = Features::default();
        for filter in filters {
            for slot in &filter.slots {
                features.has_pass |= slot.merged.action == Action::Pass;
                features.has_authentication |= slot.authentication().is_explicit;
                features.has_precedence |= slot.merged.action == Action::Deny
                    || slot.merged.is_redirect()
                    || self.priority(filter.tier, slot.merged.priority) > 0;
            }
        }
        features
    }
}

const fn round_up(levels: u32) -> u32 {
    levels.div_ceil(10).saturating_mul(10)
}

impl MatchType {
    const fn of(key: Key) -> Self {
        match (key.is_specific, key.bits) {
            (true, 0) => Self::L3Only,
            (true, 8) => Self::L3Protocol,
            (true, _) => Self::L3L4,
            (false, 0) => Self::All,
            (false, 8) => Self::ProtocolOnly,
            (false, _) => Self::L4Only,
        }
    }
}

/// The length of the widest prefix around a port that stays inside a range: the agent splits ranges
/// into prefixes.
fn prefix_bits(first: u16, last: u16, port: u16) -> u32 {
    (0..=16_u32)
        .find(|bits| {
            let free = u16::MAX.checked_shr(*bits).unwrap_or(0);
            port & !free >= first && port | free <= last
        })
        .unwrap_or(16)
}

#[cfg(test)]
mod tests {
    use super::prefix_bits;

    #[test]
    fn ranges_are_split_into_prefixes() {
        let check = |first: u16, last: u16, port: u16, expect: u32| {
            assert_eq!(prefix_bits(first, last, port), expect, "{first}-{last} at {port}");
        };
        check(80, 80, 80, 16);
        check(0, u16::MAX, 80, 0);
        check(8080, 8083, 8081, 14);
        check(8081, 8083, 8081, 16);
        check(8081, 8083, 8082, 15);
        check(1, u16::MAX, 40_000, 1);
    }
}
