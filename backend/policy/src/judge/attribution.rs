//! Which entry of the policy map a packet meets, and so which rules Hubble names.
//! Source: pkg/policy/mapstate.go `lookup`, pkg/policy/correlation.
//!
//! Rules become entries of a map, keyed by peer identity, protocol and port prefix; those of the
//! same key are united. A packet is looked up twice, by its peer and by no peer, and one of the
//! two entries is taken: the rules behind that one are named, however many others allow it too.

use super::{Decision, Judge, NamedPorts, Traffic, explain::RuleMatch, set::CompiledPeers};
use super::{decide::port_covers, identity::Identity, set::CompiledPort, truth::Truth};
use crate::{Direction, PortRange};

/// The entry of a policy map that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapEntry {
    /// Which parts of its key are given.
    pub match_type: MatchType,
    /// Rules that it was made from, by their index in the set.
    pub rules: Vec<u32>,
}

/// Which parts of a key are given; the numbers are those of `Flow.policy_match_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MatchType {
    /// Peer alone.
    L3Only = 1,
    /// Peer, protocol and port.
    L3L4 = 2,
    /// Protocol and port.
    L4Only = 3,
    /// Nothing.
    All = 4,
    /// Peer and protocol.
    L3Protocol = 5,
    /// Protocol alone.
    ProtocolOnly = 6,
}

/// One key that a rule leads to.
#[derive(Debug, Clone, Copy)]
struct Key {
    rule: u32,
    /// For every peer.
    is_wildcard: bool,
    port: PortKey,
    is_redirect: bool,
}

/// Protocol and port of a key, as far as one packet tells them apart. Greater is more specific.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PortKey {
    has_protocol: bool,
    /// Bits of the port that are given, up to 16.
    port_bits: u32,
}

impl Judge {
    /// The map entry that decides about a direction. None: no rule does.
    pub fn map_entry(
        &mut self,
        (subject, peer): (&Identity, &Identity),
        direction: Direction,
        traffic: Traffic,
        named: NamedPorts<'_>,
    ) -> Option<MapEntry> {
        let explanation = self.explain(subject, peer, direction, traffic, named);
        let Decision { is_redirect, .. } = explanation.decision;
        let mut keys: Vec<Key> = Vec::new();
        for RuleMatch { entry, .. } in &explanation.deciding {
            let Some(compiled) = self.set.compiled(*entry) else { continue };
            let key = |port, is_redirect| Key {
                rule: *entry,
                is_wildcard: matches!(compiled.peers, CompiledPeers::Everyone),
                port,
                is_redirect,
            };
            match &compiled.ports {
                None => keys.push(key(PortKey::EVERYTHING, false)),
                Some(ports) => keys.extend(
                    ports
                        .iter()
                        .filter(|port| port_covers(port, traffic, named) == Truth::Yes)
                        .map(|port| key(PortKey::of(port, traffic.port), port.is_redirect)),
                ),
            }
        }
        // Of the entries of one rank, those that lead to the proxy come first.
        let longest = |wildcard: bool| {
            let of_side = |key: &&Key| key.is_wildcard == wildcard;
            let candidates = keys.iter().filter(of_side);
            candidates.filter(|key| key.is_redirect == is_redirect).map(|key| key.port).max()
        };
        // Of equal rank, the less specific port is taken, and of equal ports the one without peer.
        let is_wildcard = match (longest(false), longest(true)) {
            (Some(by_peer), Some(by_none)) => by_none <= by_peer,
            (by_peer, _) => by_peer.is_none(),
        };
        let port = longest(is_wildcard)?;
        let of_entry: Vec<&Key> =
            keys.iter().filter(|key| key.is_wildcard == is_wildcard && key.port == port).collect();
        let mut rules: Vec<u32> = of_entry
            .iter()
            .filter(|key| {
                // A plain rule joins one that leads to the proxy only under the same selector.
                key.is_redirect == is_redirect
                    || of_entry
                        .iter()
                        .any(|other| other.is_redirect && self.share_selector(key.rule, other.rule))
            })
            .map(|key| key.rule)
            .collect();
        rules.dedup();
        Some(MapEntry { match_type: port.match_type(is_wildcard), rules })
    }

    fn share_selector(&self, one: u32, other: u32) -> bool {
        let peers = |rule| self.set.compiled(rule).map(|entry| &entry.peers);
        match (peers(one), peers(other)) {
            (Some(CompiledPeers::Everyone), Some(CompiledPeers::Everyone)) => true,
            (Some(CompiledPeers::Any(one)), Some(CompiledPeers::Any(other))) => {
                one.iter().any(|matcher| other.contains(matcher))
            }
            _ => false,
        }
    }
}

impl PortKey {
    const EVERYTHING: Self = Self { has_protocol: false, port_bits: 0 };

    fn of(port: &CompiledPort, number: u16) -> Self {
        let port_bits = match port.range {
            PortRange::All => 0,
            PortRange::Numbers(first, last) => prefix_bits(first, last, number),
            PortRange::Named(_) => 16,
        };
        Self { has_protocol: true, port_bits }
    }

    const fn match_type(self, is_wildcard: bool) -> MatchType {
        match (is_wildcard, self.has_protocol, self.port_bits) {
            (false, false, _) => MatchType::L3Only,
            (false, true, 0) => MatchType::L3Protocol,
            (false, true, _) => MatchType::L3L4,
            (true, false, _) => MatchType::All,
            (true, true, 0) => MatchType::ProtocolOnly,
            (true, true, _) => MatchType::L4Only,
        }
    }
}

/// Ranges become prefixes: the length of the widest one around a port that stays inside.
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
