//! Lookups as resolvers make them: a name with few dots is asked for with each domain of the search
//! list behind it, and by itself last. musl (Alpine) gives up where one of these queries is refused,
//! glibc goes on. Source: Kubernetes' "DNS for Services and Pods" (`ndots:5`).

use flow::{Flow, L7Record};
use hashbrown::HashSet;

use crate::{Action, Direction, Identity, NamePattern, PeerMatcher, Peers, PolicySet};

/// The domain of a cluster's own names.
const CLUSTER: &str = "cluster.local";
/// Domains of hosts that are kept.
const MAX_DOMAINS: usize = 8;
/// Names that are kept.
const MAX_NAMES: usize = 10_000;

/// A query of a lookup whose name is another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lookup {
    /// The name that was looked up.
    pub(crate) meant: String,
    namespace: String,
}

/// What the flows show of search lists.
#[derive(Debug, Clone, Default)]
pub(crate) struct SearchLists {
    /// Names that were extended by the domain of their own namespace.
    extended: HashSet<String>,
    /// Domains of the hosts.
    domains: Vec<String>,
}

impl SearchLists {
    /// Looks at the queries of flows.
    pub(crate) fn of<'f>(flows: impl Iterator<Item = &'f Flow> + Clone) -> Self {
        let mut lists = Self::default();
        for flow in flows.clone() {
            let (Some(query), Some(namespace)) = (query(flow), namespace(flow)) else { continue };
            if let Some(stem) = surely(&query, namespace)
                && lists.extended.len() < MAX_NAMES
            {
                lists.extended.insert(stem.to_owned());
            }
        }
        for query in flows.filter_map(query) {
            let is_inside = query.ends_with(CLUSTER);
            let tails = query.match_indices('.').filter(|_| !is_inside);
            let domain = tails
                .filter_map(|(at, _)| Some((query.get(..at)?, query.get(at.saturating_add(1)..)?)))
                .find(|(stem, _)| lists.extended.contains(*stem))
                .map(|(_, domain)| domain.to_owned());
            if let Some(domain) = domain
                && lists.domains.len() < MAX_DOMAINS
                && !lists.domains.contains(&domain)
            {
                lists.domains.push(domain);
            }
        }
        lists
    }

    /// The lookup that a query is a part of; none: its name is the one that is meant, as far as can
    /// be told. A Service's or pod's own name is one of the cluster, too: what some policy names, and
    /// what has more labels than such names have, is not taken for it.
    pub(crate) fn lookup(&self, query: &str, subject: &Identity, set: &PolicySet) -> Option<Lookup> {
        let query = plain(query);
        let namespace = subject.k8s_label(crate::document::POD_NAMESPACE)?;
        let is_meant = |stem: &&str| {
            stem.contains('.') && (self.extended.contains(*stem) || is_named(set, subject, stem))
        };
        let stem = surely(&query, namespace).or_else(|| {
            let mut domains = self.domains(namespace);
            domains.find_map(|domain| stem_of(&query, &domain).filter(is_meant))
        })?;
        Some(Lookup { meant: stem.to_owned(), namespace: namespace.to_owned() })
    }

    fn domains(&self, namespace: &str) -> impl Iterator<Item = String> {
        let of_cluster =
            [format!("{namespace}.svc.{CLUSTER}"), format!("svc.{CLUSTER}"), CLUSTER.to_owned()];
        of_cluster.into_iter().chain(self.domains.iter().cloned())
    }

    /// Every query of a lookup, in order.
    pub(crate) fn queries(&self, lookup: &Lookup) -> Vec<String> {
        let extended = self.domains(&lookup.namespace);
        let extended = extended.map(|domain| format!("{}.{domain}", lookup.meant));
        extended.chain([lookup.meant.clone()]).collect()
    }

    /// What a DNS rule has to hold so that every query of a lookup passes: the name, and patterns.
    pub(crate) fn patterns(&self, lookup: &Lookup) -> Vec<String> {
        let meant = &lookup.meant;
        let extended = self.domains("*").map(|domain| format!("{meant}.{domain}"));
        [meant.clone()].into_iter().chain(extended).collect()
    }
}

impl Lookup {
    /// What to know of a query of it that is refused.
    pub(crate) fn sentence(&self) -> String {
        format!(
            "`{}` is meant, which the search list extends: musl (Alpine) gives up at the first refusal",
            self.meant
        )
    }
}

/// Whether a policy that is about a subject means to let it reach a name.
pub(crate) fn means(set: &PolicySet, subject: &Identity, name: &str) -> bool {
    patterns_of(set, subject).any(|pattern| pattern.matches(name))
}

/// Whether a policy means to let a subject reach the world by names at all.
pub(crate) fn goes_by_names(set: &PolicySet, subject: &Identity) -> bool {
    patterns_of(set, subject).next().is_some()
}

/// Whether a name is of the cluster.
pub(crate) fn is_of_cluster(name: &str) -> bool {
    stem_of(name, CLUSTER).is_some()
}

fn patterns_of<'s>(
    set: &'s PolicySet,
    subject: &'s Identity,
) -> impl Iterator<Item = &'s NamePattern> {
    let entries = set.entries().iter().filter(|entry| {
        entry.direction == Direction::Egress
            && entry.action == Action::Allow
            && entry.subject.matches(subject.labels())
    });
    let peers = entries.flat_map(|entry| match &entry.peers {
        Peers::Any(peers) => peers.as_slice(),
        _ => &[],
    });
    peers.filter_map(|peer| match &peer.matcher {
        PeerMatcher::Name(pattern) => Some(pattern),
        _ => None,
    })
}

/// Whether a policy about a subject names it, in `toFQDNs` or in a DNS rule.
fn is_named(set: &PolicySet, subject: &Identity, name: &str) -> bool {
    let in_rules = set
        .entries()
        .iter()
        .filter(|entry| entry.subject.matches(subject.labels()))
        .flat_map(|entry| entry.ports.iter().flatten())
        .flat_map(|rule| &rule.l7.dns)
        .flat_map(|rule| &rule.patterns);
    patterns_of(set, subject)
        .chain(in_rules)
        .any(|pattern| !pattern.is_everything() && pattern.matches(name))
}

/// The name before the domain of its namespace, where it has more labels than a pod's
/// (`web-0.nginx`) or port's (`_http._tcp.web`), or ends in a domain of its own.
fn surely<'q>(query: &'q str, namespace: &str) -> Option<&'q str> {
    let stem = stem_of(query, &format!("{namespace}.svc.{CLUSTER}"))?;
    let is_long = stem.split('.').count() > 2 && !stem.starts_with('_');
    is_long.then_some(stem)
}

fn stem_of<'q>(query: &'q str, domain: &str) -> Option<&'q str> {
    query.strip_suffix(domain)?.strip_suffix('.').filter(|stem| !stem.is_empty())
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn query(flow: &Flow) -> Option<String> {
    match flow.l7.as_ref()?.record.as_ref()? {
        L7Record::Dns(dns) => Some(plain(&dns.query)),
        _ => None,
    }
}

/// Of a query, the sender's; of an answer, the receiver's.
fn namespace(flow: &Flow) -> Option<&str> {
    let is_answer =
        flow.l7.as_ref().is_some_and(|l7| l7.l7_type == flow::L7FlowType::Response);
    let client = if is_answer { &flow.destination } else { &flow.source };
    let client = client.as_ref()?;
    Some(client.namespace.as_str()).filter(|namespace| !namespace.is_empty())
}
