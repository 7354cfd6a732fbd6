//! Agent settings that a verdict depends on: another value would give another verdict.

use super::{
    Judge, PolicySet, Verdict,
    access::{Access, NamedPorts},
    decide::decide,
    identity::Identity,
    pair::{Class, Pair},
    truth::Truth,
    world::World,
};
use crate::{
    Direction, Enforcement, Entry, Families, PeerMatcher, Peers, Release, Settings,
    document::pods::{ports_of, ports_of_all},
    identity_label::CLUSTER,
};

/// An agent setting that a verdict depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependence {
    /// Its name, as [`Settings::set`] takes it.
    pub setting: &'static str,
    /// The value behind the verdict.
    pub value: String,
    /// A value that changes the verdict.
    pub other: String,
    /// The verdict under the other value.
    pub verdict: Verdict,
}

const RELEASE: &str = "cilium-release";
const CIDR_MODE: &str = "policy-cidr-match-mode";
const IPV4: &str = "enable-ipv4";
const IPV6: &str = "enable-ipv6";
/// The setting for the clusters of selectors that name none.
const CLUSTERS: &str = "policy-default-local-cluster";

impl Judge {
    /// The settings that the verdict about a direction depends on. Settings that decide whether a
    /// document is accepted appear with the refused document, and not here.
    #[must_use]
    pub fn dependences(&self, access: Access<'_, &Identity>) -> Vec<Dependence> {
        let Access { subject, peer, direction, traffic, named_ports: named } = access;
        let set = &*self.set;
        let own = set.settings();
        let class = |identity: &Identity| self.class_of(self.class(identity));
        let (subject, of_peer) = (&*class(subject), &*class(peer));
        // The documents stay as they were read, and settings do not change the subjects of a
        // policy.
        let meets = |settings: &Settings, peer: &Class| {
            Pair::of((set, settings), subject, peer, direction, None)
        };
        let peer_under = |settings: &Settings, peer: &Identity| {
            Class::under(peer, set, World { settings, ..set.world() })
        };
        let verdict = |change: &dyn Fn(&mut Pair)| {
            let mut pair = meets(own, of_peer);
            change(&mut pair);
            decide(set, &pair, traffic, named).verdict
        };
        let computed = verdict(&|_| ());
        let mut found = Vec::new();
        let mut add = |setting, value: String, other: String, verdict| {
            if verdict != computed {
                found.push(Dependence { setting, value, other, verdict });
            }
        };
        for (setting, value, other, settings) in others(own) {
            let asks = settings.asks_destination_for_ports();
            let ports = (setting == RELEASE && direction == Direction::Egress)
                .then(|| ports_under(set, asks, peer))
                .flatten();
            let named = ports.as_deref().map_or(named, NamedPorts::Known);
            let other_peer = [RELEASE, CIDR_MODE, IPV4, IPV6].contains(&setting);
            let other_peer = other_peer.then(|| peer_under(&settings, peer));
            let pair = meets(&settings, other_peer.as_ref().unwrap_or(of_peer));
            add(setting, value, other, decide(set, &pair, traffic, named).verdict);
        }
        if !own.is_release_given
            && direction == Direction::Egress
            && let Some(ports) = ports_under(set, false, peer)
        {
            let pair = meets(own, of_peer);
            let other = decide(set, &pair, traffic, NamedPorts::Known(&ports)).verdict;
            add(RELEASE, "1.20 or later".to_owned(), Release::AKS.to_string(), other);
        }
        if let Some(local) = peer.in_cluster(&own.cluster_name) {
            let is_local = own.default_local_cluster();
            let other = verdict(&|pair| {
                if is_local {
                    // Beside the selectors that match the peer as it is, those that would match
                    // it in the local cluster.
                    pair.unite(meets(own, &peer_under(own, &local)), |entry| {
                        set.ordered(direction).iter().position(|own| *own == entry)
                    });
                } else {
                    pair.candidates.retain(|candidate| {
                        is_for_every_cluster(set, set.entry(candidate.entry), peer)
                    });
                }
            });
            add(CLUSTERS, is_local.to_string(), (!is_local).to_string(), other);
        }
        if own.policy_secrets_sync && computed != Verdict::CannotTell {
            let unsynced = Settings { policy_secrets_sync: false, ..own.clone() };
            let fails = |settings| set.merges.find((set, settings), subject).is_some();
            if !fails(own) && fails(&unsynced) {
                let (on, off) = ("true".to_owned(), "false".to_owned());
                add("enable-policy-secrets-sync", on, off, Verdict::CannotTell);
            }
        }
        found
    }
}

/// Whether an entry matches a peer by more than selectors without a cluster.
fn is_for_every_cluster(set: &PolicySet, entry: &Entry, peer: &Identity) -> bool {
    let Peers::Any(peers) = &entry.peers else { return true };
    peers.iter().any(|own| {
        let names_none = match &own.matcher {
            PeerMatcher::Labels(selector) => {
                !own.field.ends_with("Entities")
                    && !selector.requirements.iter().any(|one| one.key == CLUSTER)
            }
            _ => false,
        };
        !names_none && set.world().selects(&own.matcher, peer) != Truth::No
    })
}

/// The named ports of a receiver by the loaded pods, as another release resolves them for egress;
/// `None` if unknown, or if no rule names a port.
fn ports_under(set: &PolicySet, asks: bool, peer: &Identity) -> Option<Vec<(String, u8, u16)>> {
    let pods = &set.documents().pods;
    let own = set.has_named_ports.then(|| ports_of(pods, peer)).flatten()?;
    Some(if asks { own.to_vec() } else { ports_of_all(pods) })
}

/// The other values worth a try: name, value, other value, and all settings with the other value.
fn others(own: &Settings) -> Vec<(&'static str, String, String, Settings)> {
    let mut others = Vec::new();
    let mut add = |setting, value: String, other: String| {
        let mut settings = own.clone();
        if settings.set(setting, &other) {
            others.push((setting, value, other, settings));
        }
    };
    let release = if own.release.has_aggregates() { Release::AKS } else { Release::MAIN };
    add(RELEASE, own.release.to_string(), release.to_string());
    let localhost = |is_allowed: bool| if is_allowed { "always" } else { "policy" }.to_owned();
    add("allow-localhost", localhost(own.allow_localhost), localhost(!own.allow_localhost));
    for (setting, value) in [
        ("allow-icmp-frag-needed", own.icmp_frag_needed),
        ("enable-host-firewall", own.host_firewall),
    ] {
        add(setting, value.to_string(), (!value).to_string());
    }
    // With the setting off, these documents were not read.
    if own.cluster_network_policy {
        let name = "enable-k8s-cluster-network-policy";
        add(name, "true".to_owned(), "false".to_owned());
    }
    // With the setting off, the choice in the texts was not kept.
    if own.non_default_deny {
        add("enable-non-default-deny-policies", "true".to_owned(), "false".to_owned());
    }
    let modes = |nodes: bool, pods: bool| {
        let modes = [(nodes, "nodes"), (pods, "pods")];
        let named: Vec<&str> =
            modes.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
        named.join(",")
    };
    let (nodes, pods) = (own.cidr_matches_nodes, own.cidr_matches_pods);
    add(CIDR_MODE, modes(nodes, pods), modes(!nodes, pods));
    // Older agents do not have this setting.
    if own.release.knows_cluster_policies() {
        add(CIDR_MODE, modes(nodes, pods), modes(nodes, !pods));
    }
    // Every verdict depends on the enforcement mode. It is named only where it is not the default.
    if own.enforcement != Enforcement::Default {
        add("enable-policy", own.enforcement.name().to_owned(), "default".to_owned());
    }
    // One family is always enabled. IPv4 is in question only where flows contradict each other.
    let alone = |ipv4: bool| Settings { ipv4, ipv6: !ipv4, ..own.clone() };
    let (on, off) = ("true".to_owned(), "false".to_owned());
    if own.ipv6 && own.families != Families::Given {
        others.push((IPV6, on.clone(), off.clone(), alone(true)));
    }
    if own.ipv4 && own.families == Families::Contradictory {
        others.push((IPV4, on, off, alone(false)));
    }
    others
}

impl std::fmt::Display for Dependence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { setting, value, other, verdict } = self;
        let or_none = |value: &'_ str| if value.is_empty() { "none" } else { value }.to_owned();
        let (value, other, verdict) = (or_none(value), or_none(other), verdict.name());
        // A selector may name the cluster itself; this setting does not change such a selector.
        let is = if *setting == CLUSTERS { "may be" } else { "is" };
        write!(
            f,
            "depends on the agent's `{setting}`, taken as {value}: with {other} it {is} {verdict}"
        )
    }
}
