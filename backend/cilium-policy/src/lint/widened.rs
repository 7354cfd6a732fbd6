//! Lint about L7 rules that a wider rule makes void. The proxy looks at the rules of all selectors that match the
//! peer, and a rule without L7 lets every request pass.

use super::{Finding, registry::L7BesideL4, rules::Rules};
use crate::{
    Action, Entry, Operator, Peer, PeerMatcher, Peers, Port, PortRange, PortRule, Protocol,
    Requirement, Selector, Settings,
    identity_label::{CLUSTER, POD_NAMESPACE},
};

impl Rules<'_> {
    /// Looks for a rule without L7 that certainly covers the peers and the port of an L7 rule.
    pub(super) fn widened(&mut self, index: usize, entry: &Entry, rule: &PortRule) {
        let is_http = !rule.l7.http.is_empty();
        let voids = self.set.entries().iter().enumerate().find(|(number, other)| {
            other.direction == entry.direction
                && other.action == Action::Allow
                && (other.tier, other.priority) == (entry.tier, entry.priority)
                && other.is_node == entry.is_node
                && has_port((*number, other), (index, rule), is_http)
                && implies(&entry.subject, &other.subject, self.set.settings())
                && has_peers(&other.peers, &entry.peers, self.set.settings())
        });
        if let Some((_, other)) = voids {
            self.add_beside(
                Finding::of::<L7BesideL4>(
                    "another rule allows these peers on this port without L7: every request passes, though still through the proxy".to_owned(),
                ),
                (entry, rule.at),
                other,
            );
        }
    }
}

/// Whether a rule without L7 covers a port of an L7 rule. For HTTP, a range and a rule without ports cover it as
/// well; the DNS proxy compares the exact port.
fn has_port(
    (number, other): (usize, &Entry),
    (index, own): (usize, &PortRule),
    is_http: bool,
) -> bool {
    let Some(rules) = &other.ports else {
        return is_http && matches!(other.peers, Peers::Any(_));
    };
    let is_plain = |rule: &&PortRule| {
        let is_itself = (number, rule.at) == (index, own.at);
        !is_itself && !rule.l7.is_redirect(6) && !rule.l7.is_redirect(17)
    };
    let mut ports = rules.iter().filter(is_plain).flat_map(|rule| &rule.ports);
    ports.any(|port| own.ports.iter().any(|own| is_inside(own, port, is_http)))
}

fn is_inside(port: &Port, other: &Port, is_http: bool) -> bool {
    let is_protocol =
        port.protocol == other.protocol || (is_http && other.protocol == Protocol::Any);
    is_protocol
        && match (&port.range, &other.range) {
            (own, wide) if own == wide => true,
            (_, PortRange::All) => is_http,
            (PortRange::Numbers(first, last), PortRange::Numbers(low, high)) => {
                is_http && low <= first && last <= high
            }
            _ => false,
        }
}

/// Whether every peer of an entry is certainly a peer of the other one.
fn has_peers(other: &Peers, own: &Peers, settings: &Settings) -> bool {
    match (other, own) {
        (Peers::Empty { .. }, _) | (_, Peers::Empty { .. }) => false,
        (Peers::Absent, _) => true,
        (Peers::Any(others), Peers::Absent) => others.iter().any(Peer::is_everyone),
        (Peers::Any(others), Peers::Any(own)) => {
            own.iter().all(|peer| others.iter().any(|other| has_peer(other, peer, settings)))
        }
    }
}

fn has_peer(other: &Peer, own: &Peer, settings: &Settings) -> bool {
    if other.matcher == own.matcher || other.is_everyone() {
        return true;
    }
    match (&other.matcher, &own.matcher) {
        (PeerMatcher::Labels(wide), PeerMatcher::Labels(narrow)) => implies(narrow, wide, settings),
        (
            PeerMatcher::Cidr { prefix: wide, except: holes },
            PeerMatcher::Cidr { prefix: narrow, except },
        ) => {
            // A prefix of every address selects by the address family, not by the address.
            !wide.is_everything()
                && wide.contains(narrow)
                && holes.iter().all(|hole| except.contains(hole))
        }
        // Prefixes match addresses of the world only.
        (PeerMatcher::Labels(wide), PeerMatcher::Cidr { prefix, .. }) => {
            let is_of_world = !settings.cidr_matches_nodes && !settings.cidr_matches_pods;
            let world = settings.world_of(prefix.is_ipv4());
            is_of_world && *wide == Selector::of_label("reserved", world, "")
        }
        // A name may have addresses of both families.
        (PeerMatcher::Labels(wide), PeerMatcher::Name(_)) => {
            !(settings.ipv4 && settings.ipv6)
                && *wide == Selector::of_label("reserved", "world", "")
        }
        _ => false,
    }
}

/// Whether the wide selector certainly selects everything that the narrow one selects. Pods of a namespace are taken
/// to be of this cluster, where the narrow selector names no cluster.
fn implies(narrow: &Selector, wide: &Selector, settings: &Settings) -> bool {
    let has = |key: &str| narrow.requirements.iter().any(|own| own.key == key);
    let own_cluster = |wanted: &Requirement| {
        wanted.key == CLUSTER
            && matches!(&wanted.operator, Operator::In(values) if values.contains(&settings.cluster_name))
            && has(POD_NAMESPACE)
            && !has(CLUSTER)
    };
    wide.requirements.iter().all(|wanted| {
        let is_met = |own: &Requirement| own == wanted || is_stricter(own, wanted);
        narrow.requirements.iter().any(is_met) || own_cluster(wanted)
    })
}

/// Whether a requirement is the wanted one, or stricter.
fn is_stricter(own: &Requirement, wanted: &Requirement) -> bool {
    // Labels with these keys have one source, whether or not a selector names it.
    let is_of_cluster = [POD_NAMESPACE, CLUSTER].contains(&own.key.as_str());
    let source = |of: &Requirement| match &of.source {
        None if is_of_cluster => Some("k8s".to_owned()),
        source => source.clone(),
    };
    own.key == wanted.key
        && source(own) == source(wanted)
        && match (&own.operator, &wanted.operator) {
            (Operator::In(values), Operator::In(wide)) => {
                values.iter().all(|value| wide.contains(value))
            }
            (Operator::In(_) | Operator::Exists, Operator::Exists) => true,
            (Operator::NotIn(values), Operator::NotIn(wide)) => {
                wide.iter().all(|value| values.contains(value))
            }
            _ => false,
        }
}
