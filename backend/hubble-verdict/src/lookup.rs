//! DNS lookups as resolver libraries make them: a name with few dots is queried with each domain of
//! the search list appended, and by itself last. musl (Alpine) gives up after a refused query,
//! glibc goes on. Source: Kubernetes' "DNS for Services and Pods" (`ndots:5`).

use cilium_policy::{Action, Direction, Entry, Identity, NamePattern, PolicySet};
use flow::{Flow, L7Record};
use hashbrown::HashSet;

/// The domain of the cluster's own names.
const CLUSTER: &str = "cluster.local";
/// Maximum number of host domains.
const MAX_DOMAINS: usize = 8;
/// Maximum number of names.
const MAX_NAMES: usize = 10_000;
/// Number of dots from which a name is queried by itself first. Source: the kubelet's `ndots`.
const MANY_DOTS: usize = 5;

/// A name that a program looks up, and that the search list turns into several queries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lookup {
    /// The name that the program looks up.
    pub(crate) meant: String,
    namespace: String,
}

/// One query of a lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LookupQuery {
    /// The queried name.
    pub(crate) name: String,
    /// The queried name with `*` for labels in which hosts differ.
    pub(crate) shown: String,
}

/// Search lists, as the flows show them.
#[derive(Debug, Clone, Default)]
pub(crate) struct SearchLists {
    /// Names that were extended by the domain of their own namespace.
    extended: HashSet<String>,
    /// Domains of the hosts.
    domains: Vec<String>,
}

impl SearchLists {
    /// Search lists from the queries of flows, and from DNS rules that already allow for a search
    /// list.
    pub(crate) fn of<'f>(flows: impl Iterator<Item = &'f Flow> + Clone, set: &PolicySet) -> Self {
        Self::of_rules(set).with(&Self::of_flows(flows))
    }

    /// Search lists from the queries of flows.
    pub(crate) fn of_flows<'f>(flows: impl Iterator<Item = &'f Flow> + Clone) -> Self {
        let mut lists = Self::default();
        for flow in flows.clone() {
            let (Some(query), Some(namespace)) = (query(flow), namespace(flow)) else { continue };
            if let Some(stem) = surely(&query, namespace) {
                lists.extend(stem);
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

    /// These search lists together with others.
    pub(crate) fn with(mut self, others: &Self) -> Self {
        for name in &others.extended {
            self.extend(name);
        }
        for domain in &others.domains {
            let covers = |own: &String| {
                own == domain || NamePattern::of_pattern(own).is_ok_and(|own| own.matches(domain))
            };
            if self.domains.len() < MAX_DOMAINS && !self.domains.iter().any(covers) {
                self.domains.push(domain.clone());
            }
        }
        self
    }

    /// Records that programs look up a name with the search list appended.
    pub(crate) fn extend(&mut self, name: &str) {
        if self.extended.len() < MAX_NAMES {
            self.extended.insert(name.to_owned());
        }
    }

    /// Host domains after the names of `toFQDNs` in DNS rules: the part after `*.microsoft.com` in
    /// `*.microsoft.com.*.*.internal.cloudapp.net`.
    pub(crate) fn of_rules(set: &PolicySet) -> Self {
        let mut lists = Self::default();
        let all = set.entries().iter().filter(|entry| entry.direction == Direction::Egress);
        let names: HashSet<&str> =
            all.clone().flat_map(Entry::names).map(|own| own.text.as_str()).collect();
        for pattern in all.flat_map(Entry::dns_names) {
            let text = pattern.text.trim_end_matches('.');
            let domain = text.match_indices('.').find_map(|(at, _)| {
                names.contains(text.get(..at)?).then(|| text.get(at.saturating_add(1)..))?
            });
            if let Some(domain) = domain
                && !domain.ends_with(CLUSTER)
                && lists.domains.len() < MAX_DOMAINS
                && !lists.domains.iter().any(|own| own == domain)
            {
                lists.domains.push(domain.to_owned());
            }
        }
        lists
    }

    /// The lookup that a query belongs to; `None`: the program looks up the queried name itself, as
    /// far as can be known. The full name of a Service or pod is a name of the cluster, too: a name
    /// that some policy has, or with more labels than such names have, is not taken for one.
    pub(crate) fn lookup(
        &self,
        query: &str,
        subject: &Identity,
        set: &PolicySet,
    ) -> Option<Lookup> {
        let query = plain(query);
        let namespace = subject.k8s_label(cilium_policy::identity_label::POD_NAMESPACE)?;
        let is_meant = |stem: &&str| {
            stem.contains('.') && (self.extended.contains(*stem) || is_named(set, subject, stem))
        };
        let stem = surely(&query, namespace).or_else(|| {
            let mut domains = self.domains(namespace);
            domains.find_map(|domain| {
                let stems = query.match_indices('.').filter_map(|(at, _)| query.get(..at));
                stems.filter(|stem| is_behind(&query, stem, &domain)).find(is_meant)
            })
        })?;
        Some(Lookup::of(stem, namespace))
    }

    /// As [`lookup`](Self::lookup), but also for the query of the bare name: a name that one
    /// program looks up as it stands, another one looks up with the search list appended, and where
    /// the bare query is refused, the queries before it may be missing from the flows.
    pub(crate) fn whole_lookup(
        &self,
        query: &str,
        subject: &Identity,
        set: &PolicySet,
    ) -> Option<Lookup> {
        self.lookup(query, subject, set).or_else(|| {
            let namespace = subject.k8s_label(cilium_policy::identity_label::POD_NAMESPACE)?;
            let lookup = Lookup::of(query, namespace);
            let dots = lookup.meant.matches('.').count();
            let is_listed = (1..MANY_DOTS).contains(&dots) && !is_of_cluster(&lookup.meant);
            (is_listed || self.extended.contains(&lookup.meant)).then_some(lookup)
        })
    }

    fn domains(&self, namespace: &str) -> impl Iterator<Item = String> {
        let of_cluster =
            [format!("{namespace}.svc.{CLUSTER}"), format!("svc.{CLUSTER}"), CLUSTER.to_owned()];
        of_cluster.into_iter().chain(self.domains.iter().cloned())
    }

    /// All queries of a lookup, in order.
    pub(crate) fn queries(&self, lookup: &Lookup) -> Vec<LookupQuery> {
        let extended = self.domains(&lookup.namespace);
        let extended = extended.map(|domain| LookupQuery {
            // Where hosts' domains differ in a label, any label will do.
            name: format!("{}.{}", lookup.meant, domain.replace('*', "x")),
            shown: format!("{}.{domain}", lookup.meant),
        });
        extended.chain([LookupQuery::of(&lookup.meant)]).collect()
    }

    /// All queries by which a program of a namespace gets from a name, as it is written there, to
    /// the full name with an answer. A dot at the end makes the name itself the only query.
    pub(crate) fn way(&self, written: &str, full: &str, namespace: &str) -> Vec<LookupQuery> {
        let dots = written.matches('.').count();
        if written.ends_with('.') || dots >= MANY_DOTS || namespace.is_empty() {
            return vec![LookupQuery::of(full)];
        }
        let mut queries = self.queries(&Lookup::of(written, namespace));
        if let Some(last) = queries.iter().position(|query| query.name == full) {
            queries.truncate(last.saturating_add(1));
        }
        queries
    }

    /// The search list of a namespace, in words.
    pub(crate) fn written(&self, namespace: &str) -> String {
        let all: Vec<String> = self.domains(namespace).map(|own| format!("`{own}`")).collect();
        all.join(", ")
    }

    /// Entries that a DNS rule needs so that every query of a lookup passes: the name, and
    /// patterns.
    pub(crate) fn patterns(&self, meant: &str) -> Vec<String> {
        let extended = self.domains("*").map(|domain| format!("{meant}.{domain}"));
        [meant.to_owned()].into_iter().chain(extended).collect()
    }
}

impl LookupQuery {
    fn of(name: &str) -> Self {
        Self { name: name.to_owned(), shown: name.to_owned() }
    }
}

impl Lookup {
    /// The lookup of a name by a program of a namespace.
    pub(crate) fn of(written: &str, namespace: &str) -> Self {
        Self { meant: plain(written), namespace: namespace.to_owned() }
    }

    /// A note on a refused query of this lookup.
    pub(crate) fn sentence(&self) -> String {
        format!(
            "`{}` is meant, which the search list extends: musl (Alpine) gives up at the first refusal",
            self.meant
        )
    }
}

/// Whether a policy that selects the subject intends to let it reach a name.
pub(crate) fn means(set: &PolicySet, subject: &Identity, name: &str) -> bool {
    patterns_of(set, subject).any(|pattern| pattern.matches(name))
}

/// Whether a policy intends to let the subject reach the world by names at all.
pub(crate) fn goes_by_names(set: &PolicySet, subject: &Identity) -> bool {
    patterns_of(set, subject).next().is_some()
}

/// Whether a name is the cluster's own.
pub(crate) fn is_of_cluster(name: &str) -> bool {
    stem_of(name, CLUSTER).is_some()
}

/// Name patterns that the subject's policies let it reach.
pub(crate) fn patterns_of<'s>(
    set: &'s PolicySet,
    subject: &'s Identity,
) -> impl Iterator<Item = &'s NamePattern> {
    let entries = set.entries().iter().filter(|entry| {
        entry.direction == Direction::Egress
            && entry.action == Action::Allow
            && entry.subject.matches(subject.labels())
    });
    entries.flat_map(Entry::names)
}

/// Whether a query is a name with a domain appended; the domain may have `*` for labels.
fn is_behind(query: &str, stem: &str, domain: &str) -> bool {
    if !domain.contains('*') {
        return stem_of(query, domain) == Some(stem);
    }
    let rest = query.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|rest| NamePattern::of_pattern(domain).is_ok_and(|own| own.matches(rest)))
}

/// Whether a policy that selects the subject has the name, in `toFQDNs` or in a DNS rule.
pub(crate) fn is_named(set: &PolicySet, subject: &Identity, name: &str) -> bool {
    let in_rules = set
        .entries()
        .iter()
        .filter(|entry| entry.subject.matches(subject.labels()))
        .flat_map(Entry::dns_names);
    patterns_of(set, subject)
        .chain(in_rules)
        .any(|pattern| !pattern.is_everything() && pattern.matches(name))
}

/// The name before the domain of its namespace, where it has more labels than a pod's name
/// (`web-0.nginx`) or a port's (`_http._tcp.web`), or ends in a domain of its own.
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

/// The namespace of the program that looks up: a query's source, an answer's destination.
fn namespace(flow: &Flow) -> Option<&str> {
    let is_answer = flow.l7.as_ref().is_some_and(|l7| l7.l7_type == flow::L7FlowType::Response);
    let client = if is_answer { &flow.destination } else { &flow.source };
    let client = client.as_ref()?;
    Some(client.namespace.as_str()).filter(|namespace| !namespace.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cilium_policy::{Label, Settings, SourceText};

    const POLICY: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p, namespace: pets}
spec:
  endpointSelector: {}
  egress:
  - toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}]
    toPorts:
    - ports: [{port: '53', protocol: ANY}]
      rules: {dns: [{matchPattern: '*.microsoft.com'}, {matchPattern: '*.microsoft.com.*.*.internal.cloudapp.net'}, {matchPattern: '*'}]}
  - toFQDNs: [{matchPattern: '*.microsoft.com'}, {matchName: github.com}]
";

    fn set() -> PolicySet {
        PolicySet::read(&[SourceText { index: 0, text: POLICY }], Settings::default())
    }

    fn subject() -> Identity {
        Identity::of_labels([Label::parse("k8s:io.kubernetes.pod.namespace=pets")], false)
    }

    #[test]
    fn queries_belong_to_the_name_that_is_meant() {
        let set = set();
        let lists = SearchLists::of_rules(&set);
        let check = |query: &str, expect: Option<&str>| {
            let lookup = lists.lookup(query, &subject(), &set);
            assert_eq!(lookup.as_ref().map(|own| own.meant.as_str()), expect, "{query}");
        };
        check("api.github.com.pets.svc.cluster.local.", Some("api.github.com"));
        check("API.github.com.Pets.svc.cluster.local", Some("api.github.com"));
        check("www.microsoft.com.svc.cluster.local", Some("www.microsoft.com"));
        check("www.microsoft.com.cluster.local", Some("www.microsoft.com"));
        check("www.microsoft.com.a1.bx.internal.cloudapp.net", Some("www.microsoft.com"));
        check("github.com.pets.svc.cluster.local", Some("github.com"));
        check(
            "rabbitmq.pets.svc.cluster.local.pets.svc.cluster.local",
            Some("rabbitmq.pets.svc.cluster.local"),
        );
        // Full names: of the world, of a Service, a pod, a port, another namespace.
        check("api.github.com", None);
        check("www.microsoft.com", None);
        check("rabbitmq.pets.svc.cluster.local", None);
        check("web-0.nginx.pets.svc.cluster.local", None);
        check("_amqp._tcp.rabbitmq.pets.svc.cluster.local", None);
        check("api.shop.example.other.svc.cluster.local", None);
        check("10-0-0-1.pets.pod.cluster.local", None);
        check("example.org.cluster.local", None);
        check("", None);
    }

    #[test]
    fn a_lookup_asks_for_each_domain_and_for_the_name_itself() {
        let set = set();
        let lists = SearchLists::of_rules(&set);
        let lookup = lists.lookup("github.com.cluster.local", &subject(), &set).unwrap();
        let queries = lists.queries(&lookup).into_iter().map(|query| query.name);
        let queries: Vec<String> = queries.collect();
        assert_eq!(
            queries,
            [
                "github.com.pets.svc.cluster.local",
                "github.com.svc.cluster.local",
                "github.com.cluster.local",
                "github.com.x.x.internal.cloudapp.net",
                "github.com",
            ]
        );
        let patterns = lists.patterns(&lookup.meant);
        assert_eq!(patterns.len(), queries.len());
        for query in &queries {
            let covers = |text: &String| NamePattern::of_pattern(text).unwrap().matches(query);
            assert!(patterns.iter().any(covers), "{query}");
        }
    }
}
