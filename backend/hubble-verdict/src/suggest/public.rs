//! Public services: where many internet addresses are refused alike, the fix allows the whole world
//! rather than each address.

use std::net::IpAddr;

use cilium_policy::{Action, Direction, Peer, PeerMatcher, Peers, PolicySet, Traffic, sorted};

use super::{
    bypassed::labels,
    rules::{PeerKey, RuleKey, Rules, SubjectKey},
};

/// Maximum number of internet addresses that are allowed one by one.
const MAX_ADDRESSES: usize = 3;
/// Maximum number of addresses at one port, of egress or of private ranges, that are allowed one by
/// one: a longer list is hard to maintain, and a whole range would allow more than requested.
const MAX_LISTED: usize = 100;

/// Subjects and ports at which many internet addresses are refused.
#[derive(Default)]
pub(super) struct Public {
    ports: Vec<SubjectPort>,
    /// Subjects and ports with too many addresses for a rule each, with the number of addresses.
    unlisted: Vec<(SubjectPort, usize)>,
}

/// A subject and its port, and whether the rule is for requests.
type SubjectPort = (SubjectKey, (u8, u16), bool);

impl Public {
    /// Counts the addresses in the rules that the flows need.
    pub(super) fn of(rules: &Rules, set: &PolicySet) -> Self {
        let mut ports = counted(rules, is_public);
        // The world would include the addresses that an `except` excludes.
        ports.retain(|((subject, ..), _)| !has_except(set, subject));
        let ports = ports.into_iter();
        let listed = counted(rules, is_listed).into_iter();
        Self {
            ports: ports.filter(|(_, own)| *own > MAX_ADDRESSES).map(|(own, _)| own).collect(),
            unlisted: listed.filter(|(_, own)| *own > MAX_LISTED).collect(),
        }
    }

    /// Whether some flows have too many addresses for a rule each.
    pub(super) fn has_unlisted(&self) -> bool {
        !self.unlisted.is_empty()
    }

    /// Number of addresses at a subject's port, where they are too many for a rule each.
    pub(super) fn unlisted_addresses(&self, subject: &SubjectKey, key: &RuleKey) -> Option<usize> {
        let is_own = |(own, port, l7): &SubjectPort| {
            own == subject && (*port, *l7) == (key.port, key.l7) && is_listed(key)
        };
        self.unlisted.iter().find(|(port, _)| is_own(port)).map(|(_, addresses)| *addresses)
    }

    /// The same rules, with those for many addresses merged into one.
    pub(super) fn widen(&self, rules: Rules) -> Rules {
        if self.ports.is_empty() {
            return rules;
        }
        let mut widened = Rules::new();
        for (subject, keys) in rules {
            for (key, body) in keys {
                let key = self.widened(&subject, key);
                sorted::update(&mut widened, subject.clone(), |own| {
                    sorted::update(own, key, |slot| slot.extend(body));
                });
            }
        }
        widened
    }

    /// The rule for everyone in place of the rule for one address.
    pub(super) fn widened(&self, subject: &SubjectKey, key: RuleKey) -> RuleKey {
        let is_own = |(own, port, l7): &SubjectPort| {
            own == subject && (*port, *l7) == (key.port, key.l7) && is_public(&key)
        };
        if self.ports.iter().any(is_own) {
            RuleKey { peer: PeerKey::Entity("world"), ..key }
        } else {
            key
        }
    }
}

/// Whether a rule for a subject's ingress excludes addresses.
fn has_except(set: &PolicySet, subject: &SubjectKey) -> bool {
    let labels = labels(subject);
    let is_partial = |peer: &Peer| match &peer.matcher {
        PeerMatcher::Cidr { except, .. } | PeerMatcher::CidrGroup { except, .. } => {
            !except.is_empty()
        }
        _ => false,
    };
    set.entries().iter().any(|entry| {
        entry.direction == Direction::Ingress
            && entry.action == Action::Allow
            && entry.subject.matches(&labels)
            && matches!(&entry.peers, Peers::Any(peers) if peers.iter().any(is_partial))
    })
}

/// A description of everyone that rules for the whole world let through.
pub(super) fn everyone(rules: &Rules) -> Vec<String> {
    let mut sentences = Vec::new();
    for (subject, keys) in rules {
        for (key, _) in keys {
            let PeerKey::Entity(entity) = key.peer else { continue };
            if !entity.starts_with("world") {
                continue;
            }
            let (pods, traffic) = subject_and_port(subject, key);
            sentences.push(match key.direction {
                Direction::Ingress => format!(
                    "everyone from outside the cluster → {pods} {traffic}: `fromEntities: [{entity}]` allows all of them"
                ),
                Direction::Egress => format!(
                    "{pods} → everything outside the cluster {traffic}: `toEntities: [{entity}]` allows all of it"
                ),
            });
        }
    }
    sentences
}

/// Hints on the other internet addresses, for rules that allow single ones.
pub(super) fn others(rules: &Rules) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for (subject, keys) in rules {
        for (key, _) in keys.iter().filter(|(key, _)| is_public(key)) {
            let (pods, traffic) = subject_and_port(subject, key);
            let is_ipv6 = matches!(&key.peer, PeerKey::Cidr(cidr) if cidr.contains(':'));
            let every = if is_ipv6 { "::/0" } else { "0.0.0.0/0" };
            let sentence = format!(
                "other internet addresses stay as they are at {pods} {traffic}; to allow all of them: `fromEntities: [world]`, in a NetworkPolicy `ipBlock: {{cidr: \"{every}\"}}`"
            );
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
    }
    sentences
}

/// The subject of a rule in words, and its port.
pub(super) fn subject_and_port(subject: &SubjectKey, key: &RuleKey) -> (String, Traffic) {
    (subject.shown(), Traffic::new(key.port.0, key.port.1))
}

/// Number of similar rules at each port of a subject.
fn counted(rules: &Rules, is_like: fn(&RuleKey) -> bool) -> Vec<(SubjectPort, usize)> {
    let mut counts: Vec<(SubjectPort, usize)> = Vec::new();
    for (subject, keys) in rules {
        for (key, _) in keys.iter().filter(|(key, _)| is_like(key)) {
            let port = (subject.clone(), key.port, key.l7);
            sorted::update(&mut counts, port, |count| *count = count.saturating_add(1));
        }
    }
    counts
}

/// Whether a rule is for one address that is never widened to the world.
fn is_listed(key: &RuleKey) -> bool {
    matches!(key.peer, PeerKey::Cidr(_)) && !is_public(key)
}

fn is_public(key: &RuleKey) -> bool {
    let PeerKey::Cidr(cidr) = &key.peer else { return false };
    let address = cidr.split('/').next().and_then(|text| text.parse::<IpAddr>().ok());
    key.direction == Direction::Ingress && address.is_some_and(|own| !crate::ask::is_private(own))
}
