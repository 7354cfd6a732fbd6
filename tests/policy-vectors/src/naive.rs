//! Reference model of the engine, over entries as they were read: select, match, sort, first match. The
//! engine is compared with it in verdicts (`tests/naive.rs`) and in speed.

use cilium_policy::{
    Action, Direction, Entry, Label, Operator, PeerMatcher, Peers, PolicySet, PortRange,
    Requirement, Selector, Tier, Traffic, Verdict,
};

/// Reference decision for one direction; all facts must be known.
pub fn naive(
    set: &PolicySet,
    subject: &[Label],
    peer: &[Label],
    direction: Direction,
    traffic: Traffic,
    named: &[(String, u8, u16)],
) -> Verdict {
    let settings = set.settings();
    let has = |labels: &[Label], key: &str| labels.iter().any(|label| label.key == key);
    let is_host = |labels: &[Label]| {
        labels.iter().any(|label| label.key == "host" && label.source == "reserved")
    };
    if has(subject, "host") && !settings.host_firewall {
        return Verdict::Allowed;
    }
    let selected: Vec<&Entry> = set
        .entries()
        .iter()
        .filter(|entry| {
            entry.direction == direction
                && entry.is_node == is_host(subject)
                && selects(&entry.subject, subject)
        })
        .collect();
    if selected.is_empty() && !has(subject, "init") {
        return Verdict::Allowed;
    }
    let default_deny = has(subject, "init") || selected.iter().any(|entry| entry.default_deny);
    let mut matching: Vec<&Entry> = selected
        .iter()
        .copied()
        .filter(|entry| match_peer(entry, peer) && match_port(entry, traffic, named))
        .collect();
    matching.sort_by_key(|entry| (entry.tier, entry.priority, entry.action));
    let mut skipped: Option<Tier> = None;
    for entry in matching {
        if skipped == Some(entry.tier) {
            continue;
        }
        match entry.action {
            Action::Pass => skipped = Some(entry.tier),
            Action::Deny => return Verdict::Denied,
            Action::Allow => return Verdict::Allowed,
        }
    }
    let localhost = direction == Direction::Ingress
        && settings.allow_localhost
        && !selected.is_empty()
        && is_host(peer);
    if default_deny && !localhost { Verdict::Denied } else { Verdict::Allowed }
}

fn selects(selector: &Selector, labels: &[Label]) -> bool {
    selector.requirements.iter().all(|requirement| requires(requirement, labels))
}

fn requires(requirement: &Requirement, labels: &[Label]) -> bool {
    let mut values = labels
        .iter()
        .filter(|label| label.key == requirement.key)
        .filter(|label| requirement.source.as_ref().is_none_or(|own| *own == label.source))
        .map(|label| &label.value);
    match &requirement.operator {
        Operator::In(wanted) => values.any(|value| wanted.contains(value)),
        Operator::NotIn(unwanted) => !values.any(|value| unwanted.contains(value)),
        Operator::Exists => values.next().is_some(),
        Operator::DoesNotExist => values.next().is_none(),
    }
}

fn match_peer(entry: &Entry, peer: &[Label]) -> bool {
    match &entry.peers {
        Peers::Empty { .. } => false,
        Peers::Absent => entry.ports.is_some(),
        Peers::Any(peers) => peers.iter().any(|own| match &own.matcher {
            PeerMatcher::Labels(selector) | PeerMatcher::Nodes(selector) => selects(selector, peer),
            PeerMatcher::Name(pattern) => {
                peer.iter().any(|label| label.source == "fqdn" && label.key == pattern.text)
            }
            PeerMatcher::Cidr { prefix, except } => {
                let is_inside = |prefix: &cilium_policy::Prefix| {
                    if prefix.is_everything() {
                        return peer.iter().any(|l| l.source == "reserved" && l.key == "world");
                    }
                    peer.iter().any(|label| {
                        label.source == "cidr"
                            && cilium_policy::Prefix::parse(&label.key)
                                .is_ok_and(|own| prefix.contains(&own))
                    })
                };
                peer.iter().any(|label| label.key == "world")
                    && is_inside(prefix)
                    && !except.iter().any(is_inside)
            }
            _ => false,
        }),
    }
}

fn match_port(entry: &Entry, traffic: Traffic, named: &[(String, u8, u16)]) -> bool {
    let Some(rules) = &entry.ports else { return true };
    rules.iter().flat_map(|rule| &rule.ports).any(|port| {
        port.protocol.covers(traffic.protocol)
            && match &port.range {
                PortRange::All => true,
                PortRange::Numbers(first, last) => *first <= traffic.port && traffic.port <= *last,
                PortRange::Named(name) => named.iter().any(|(own, protocol, number)| {
                    own == name && (*protocol, *number) == (traffic.protocol, traffic.port)
                }),
            }
    })
}
