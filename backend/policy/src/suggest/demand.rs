//! What a refused flow needs.

use flow::{CompanionKind, Flow, L7Record};
use hashbrown::HashSet;

use super::{Rules, meant::Means, place::resolver, public::Public};
use crate::order::update;
use crate::{
    Action, Cause, Direction, Entry, Identity, Judge, Judgement, Label, Learned, NamedPorts,
    PolicySet, Settings, Tier, Traffic, Verdict, document::CLUSTER, lookup::SearchLists,
};

/// Whom an addition is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SubjectKey {
    pub(super) namespace: String,
    pub(super) labels: Vec<(String, String)>,
}

/// One rule to add.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleKey {
    pub(super) direction: Direction,
    pub(super) peer: PeerKey,
    /// Protocol and port; for names, those of the resolver.
    pub(super) port: (u8, u16),
    pub(super) l7: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PeerKey {
    Pods { namespace: Option<String>, labels: Vec<(String, String)> },
    Entity(&'static str),
    Cidr(String),
    Name(String),
}

#[derive(Debug, Clone, Default)]
pub(super) struct RuleBody {
    /// Protocol and port.
    pub(super) ports: Vec<(u8, u16)>,
    pub(super) dns: Vec<String>,
    pub(super) http: Vec<(String, String)>,
}

impl RuleBody {
    /// Adds what another has.
    pub(super) fn extend(&mut self, other: Self) {
        other.ports.into_iter().for_each(|port| push(&mut self.ports, port));
        other.dns.into_iter().for_each(|name| push(&mut self.dns, name));
        other.http.into_iter().for_each(|request| push(&mut self.http, request));
    }
}

/// What an addition is for.
pub(super) struct Wish<'w> {
    pub(super) learned: &'w Learned,
    pub(super) lists: &'w SearchLists,
    pub(super) public: Public,
}

/// Adds what a flow needs; with it, whether its other side is the world itself. `means`: of many flows, only those pass that some policy means to let pass.
/// False: it passes already. Errors: why nothing can be added.
pub(super) fn demand(
    judge: &mut Judge,
    (flow, is_worldwide): (&Flow, bool),
    wish: &Wish<'_>,
    means: Option<&mut Means<'_>>,
    rules: &mut Rules,
) -> Result<bool, String> {
    let judgement = judge.explain_flow(flow, wish.learned).map_err(|err| err.to_string())?;
    match judgement.verdict {
        Verdict::Allowed => return Ok(false),
        Verdict::CannotTell => {
            return Err(format!(
                "cannot tell whether it is refused: {}",
                judgement.sentence(judge.set())
            ));
        }
        Verdict::Denied => {}
    }
    if let Some(reason) = hopeless(judge.set(), &judgement, flow) {
        return Err(reason);
    }
    let decision = judgement.explanation.decision;
    let sides = &judgement.sides;
    let subject = subject(&sides.subject)
        .ok_or("policies of nodes (`nodeSelector`) decide about it, and none is added here")?;
    if subject.labels.is_empty() {
        return Err(format!(
            "the record has no label that makes out the subject: a policy for it would be one for all pods of `{}`",
            subject.namespace
        ));
    }
    let queried = queried_names(judge.set(), &sides.subject);
    let entity = is_worldwide.then(|| worldwide(&sides.peer)).flatten();
    let peer = match entity {
        Some(entity) => PeerKey::Entity(entity),
        None => peer(&sides.peer, &subject.namespace, flow, &queried, judge.set().settings())?,
    };
    let record = flow.l7.as_ref().and_then(|l7| l7.record.as_ref());
    let is_proxied = decision.is_redirect || decision.verdict == Verdict::Denied;
    // The proxy looks at names on their way out alone.
    let has_rules = |record: &&L7Record| match record {
        L7Record::Dns(_) => sides.direction == Direction::Egress,
        _ => true,
    };
    let l7 = record.filter(|_| is_proxied).filter(has_rules);
    let lookup = match l7 {
        Some(L7Record::Dns(dns)) => {
            wish.lists.whole_lookup(&dns.query, &sides.subject, judge.set())
        }
        _ => None,
    };
    if let Some(means) = means
        && let Some(what) = means.nobody(&judgement, flow, (l7, lookup.as_ref()), &peer)
    {
        return Err(format!("refused, and no policy means to allow it: {what}"));
    }
    let port = (sides.traffic.protocol, sides.traffic.port);
    if matches!(port, (6 | 17 | 132, 0)) {
        return Err("the record has no port: a rule for it would open every one".to_owned());
    }
    let mut add = |key: RuleKey, change: &mut dyn FnMut(&mut RuleBody)| {
        update(rules, subject.clone(), |own| update(own, key, change));
    };
    let key = RuleKey { direction: sides.direction, peer: peer.clone(), port, l7: l7.is_some() };
    let key = wish.public.widened(&subject, key);
    if let Some(reason) = wish.public.crowd(&subject, &key) {
        return Err(reason);
    }
    add(key, &mut |body| {
        push(&mut body.ports, port);
        match l7 {
            Some(L7Record::Dns(dns)) => match &lookup {
                Some(lookup) => {
                    // What is there already is not added.
                    let is_there = |name: &String| {
                        decision.is_redirect && queried.iter().any(|own| own.matches(name))
                    };
                    let patterns = wish.lists.patterns(&lookup.meant).into_iter();
                    for pattern in patterns.filter(|pattern| !is_there(pattern)) {
                        push(&mut body.dns, pattern);
                    }
                }
                None => push(&mut body.dns, dns.query.trim_end_matches('.').to_ascii_lowercase()),
            },
            Some(L7Record::Http(http)) => {
                push(&mut body.http, (http.method.clone(), escape(path_of(&http.url))));
            }
            _ => {}
        }
    });
    if let PeerKey::Name(name) = &peer
        && sides.direction == Direction::Egress
        && !queried.iter().any(|pattern| pattern.matches(name))
    {
        // Without its query, a name is never learned; and where the proxy sees no queries yet, rules
        // for some would refuse the others.
        let asked = if is_unseen(judge, &sides.subject) { "*" } else { name.as_str() };
        let key =
            RuleKey { direction: Direction::Egress, peer: resolver(), port: (17, 53), l7: true };
        add(key, &mut |body| {
            push(&mut body.ports, (17, 53));
            push(&mut body.ports, (6, 53));
            push(&mut body.dns, asked.to_owned());
        });
    }
    Ok(true)
}

/// Puts what a subject needs of a resolver at L4 under the names that the same fix lists: a rule
/// without names beside them would let every name pass.
pub(super) fn keep_names(rules: &mut Rules) {
    for (_, own) in rules {
        let is_of_resolver = |key: &RuleKey, l7| {
            key.direction == Direction::Egress && key.port.1 == 53 && key.l7 == l7
        };
        let plain: Vec<RuleKey> = own
            .iter()
            .map(|(key, _)| key)
            .filter(|key| is_of_resolver(key, false))
            .cloned()
            .collect();
        for plain in plain {
            let listed = own.iter_mut().find(|(key, body)| {
                is_of_resolver(key, true) && key.peer == plain.peer && !body.dns.is_empty()
            });
            let Some((_, body)) = listed else { continue };
            push(&mut body.ports, plain.port);
            own.retain(|(key, _)| *key != plain);
        }
    }
}

/// Why no rule may be made for a flow that is refused, whatever it needs.
fn hopeless(set: &PolicySet, judgement: &Judgement, flow: &Flow) -> Option<String> {
    if let Some(kind) = judgement.sides.companion {
        if kind == CompanionKind::FragmentationNeeded {
            return Some(format!(
                "it is {kind}: connections of all pods need it, a rule would help some"
            ));
        }
        return Some(format!(
            "it is {kind}: a rule for it would open a port or an ICMP type that nobody connects to"
        ));
    }
    if let Some(service) = judgement.sides.untranslated_service() {
        return Some(format!(
            "it went to the address of the Service `{service}` untranslated: a rule for that address would be none for its pods, which is what policy sees once Cilium translates it"
        ));
    }
    if is_refused_by_rule(set, judgement) {
        return Some(format!(
            "a deny rule refuses it, which no addition overrides: {}",
            judgement.sentence(set)
        ));
    }
    narrower_rule(set, judgement, flow).map(|rule| {
        format!(
            "the HTTP rule in line {} is about this method and path, with a header or host that the request lacks: a rule without it would make that one void",
            rule.at.line
        )
    })
}

/// Whether a subject may ask its resolver whatever it likes, past the proxy.
fn is_unseen(judge: &mut Judge, subject: &Identity) -> bool {
    let labels = [
        "k8s:io.kubernetes.pod.namespace=kube-system",
        "k8s:k8s-app=kube-dns",
        "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=kube-system",
    ];
    let cluster = format!("k8s:{}={}", CLUSTER, judge.set().settings().cluster_name);
    let labels = labels.into_iter().chain([cluster.as_str()]).map(Label::parse);
    let resolver = Identity::of_labels(labels, false);
    let traffic = Traffic::new(17, 53);
    let decision = judge.judge(subject, &resolver, Direction::Egress, traffic, NamedPorts::Unknown);
    decision.verdict == Verdict::Allowed && !decision.is_redirect
}

fn push<T: PartialEq>(items: &mut Vec<T>, item: T) {
    if !items.contains(&item) {
        items.push(item);
    }
}

/// Whether a deny rule refuses a flow that stands before whatever can be added. Rules of the
/// baseline tier come after an addition.
fn is_refused_by_rule(set: &PolicySet, judgement: &Judgement) -> bool {
    let decision = judgement.explanation.decision;
    let Cause::Entry(index) = decision.cause else { return false };
    let stands_before =
        |entry: &Entry| entry.action == Action::Deny && entry.tier != Tier::Baseline;
    decision.verdict == Verdict::Denied
        && set.entries().get(index as usize).is_some_and(stands_before)
}

/// The HTTP rule that allows a request but for its headers or host.
fn narrower_rule<'s>(
    set: &'s PolicySet,
    judgement: &Judgement,
    flow: &Flow,
) -> Option<&'s crate::HttpRule> {
    let L7Record::Http(http) = flow.l7.as_ref()?.record.as_ref()? else { return None };
    let path = path_of(&http.url);
    let is_met = |pattern: &Option<crate::HttpPattern>, text: &str| {
        pattern.as_ref().is_none_or(|pattern| pattern.matches(text) == Some(true))
    };
    looked_at(set, judgement).into_iter().find(|rule| {
        let asks_more = !rule.headers.is_empty() || rule.header_matches || rule.host.is_some();
        asks_more && is_met(&rule.method, &http.method) && is_met(&rule.path, path)
    })
}

/// The HTTP rules that a request was held against, in their order.
pub(super) fn looked_at<'s>(set: &'s PolicySet, judgement: &Judgement) -> Vec<&'s crate::HttpRule> {
    let rules = judgement.l7.iter().flat_map(|l7| &l7.rules);
    let places: HashSet<_> = rules.clone().map(|rule| (rule.entry, rule.at)).collect();
    let mut entries: Vec<u32> = rules.map(|rule| rule.entry).collect();
    entries.dedup();
    let rules_of = |entry: u32| {
        let ports = set.entries().get(entry as usize).and_then(|entry| entry.ports.as_ref());
        let rules = ports.into_iter().flatten().flat_map(|rule| &rule.l7.http);
        rules.map(move |rule| (entry, rule))
    };
    let all = entries.into_iter().flat_map(rules_of);
    all.filter(|(entry, rule)| places.contains(&(*entry, rule.at))).map(|(_, rule)| rule).collect()
}

/// Path and query of a URL.
pub(super) fn path_of(url: &str) -> &str {
    url.split_once("://")
        .map_or(url, |(_, rest)| rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or("/"))
}

/// Names that an endpoint may ask for, where the agent sees it.
fn queried_names(set: &PolicySet, subject: &Identity) -> Vec<crate::NamePattern> {
    set.entries()
        .iter()
        .filter(|entry| {
            entry.direction == Direction::Egress
                && entry.action == Action::Allow
                && !entry.is_node
                && entry.subject.matches(subject.labels())
        })
        .flat_map(|entry| entry.ports.iter().flatten())
        .flat_map(|rule| &rule.l7.dns)
        .flat_map(|rule| rule.patterns.iter().cloned())
        .collect()
}

fn subject(identity: &Identity) -> Option<SubjectKey> {
    let namespace = identity.k8s_label("io.kubernetes.pod.namespace")?.to_owned();
    Some(SubjectKey { namespace, labels: own_labels(identity) })
}

/// Labels that a controller gives the pods of one run or of one template: the next ones have others.
const OF_ONE_RUN: [&str; 10] = [
    "job-name",
    "controller-uid",
    "batch.kubernetes.io/job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "pod-template-hash",
    "pod-template-generation",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
];

/// Labels that people set, the telling ones first; without any, the service account, unless it is
/// the one of all pods that have none of their own.
fn own_labels(identity: &Identity) -> Vec<(String, String)> {
    for key in ["app.kubernetes.io/name", "k8s-app", "app"] {
        if let Some(value) = identity.k8s_label(key) {
            let mut labels = vec![(key.to_owned(), value.to_owned())];
            if let Some(instance) = identity.k8s_label("app.kubernetes.io/instance") {
                labels.push(("app.kubernetes.io/instance".to_owned(), instance.to_owned()));
            }
            return labels;
        }
    }
    let is_own = |key: &str| {
        !key.starts_with("io.cilium.")
            && !key.starts_with("io.kubernetes.")
            && !OF_ONE_RUN.contains(&key)
    };
    let labels: Vec<(String, String)> = identity
        .labels()
        .iter()
        .filter(|label| label.source == "k8s" && is_own(&label.key))
        .map(|label| (label.key.clone(), label.value.clone()))
        .collect();
    if !labels.is_empty() {
        return labels;
    }
    let account = "io.cilium.k8s.policy.serviceaccount";
    identity
        .k8s_label(account)
        .filter(|value| *value != "default")
        .map(|value| (account.to_owned(), value.to_owned()))
        .into_iter()
        .collect()
}

/// Errors: why no rule can be about this peer alone.
fn peer(
    identity: &Identity,
    namespace: &str,
    flow: &Flow,
    queried: &[crate::NamePattern],
    settings: &Settings,
) -> Result<PeerKey, String> {
    for entity in
        // The narrowest comes first: an API server is a node, or of the world, as well.
        ["kube-apiserver", "ingress", "health", "host", "remote-node", "init", "unmanaged"]
    {
        if identity.is_reserved(entity) {
            return Ok(PeerKey::Entity(entity));
        }
    }
    if let Some(own) = identity.k8s_label("io.kubernetes.pod.namespace") {
        let mut labels = own_labels(identity);
        if labels.is_empty() {
            return Err(format!(
                "the record has no label that makes out the other side: a rule for it would be one for all pods of `{own}`"
            ));
        }
        // A selector that names no cluster means the local one.
        let cluster = identity.k8s_label(CLUSTER).filter(|own| *own != settings.cluster_name);
        labels.extend(cluster.map(|own| (CLUSTER.to_owned(), own.to_owned())));
        let namespace = (own != namespace).then(|| own.to_owned());
        return Ok(PeerKey::Pods { namespace, labels });
    }
    // An address may have several names: the one that can be asked for, or that the record has.
    let names = identity.names();
    let may_ask = |name: &&String| queried.iter().any(|pattern| pattern.matches(name));
    let recorded = |name: &&String| flow.destination_names.iter().any(|own| own == *name);
    let name = names.iter().find(may_ask).or_else(|| names.iter().find(recorded));
    if let Some(name) = name.or(names.first()) {
        return Ok(PeerKey::Name(name.trim_end_matches('.').to_ascii_lowercase()));
    }
    match identity.address() {
        Some(address) => Ok(PeerKey::Cidr(crate::Prefix::of_address(address).to_string())),
        None => Err("the record has no address of the other side: a rule for it would be a rule for the whole world".to_owned()),
    }
}

/// The entity that is the world itself.
fn worldwide(identity: &Identity) -> Option<&'static str> {
    ["world", "world-ipv4", "world-ipv6"].into_iter().find(|own| identity.is_reserved(own))
}

/// A regular expression that matches this text alone.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '/' | '-' | '_' | '&' | '=' | '%' | ',' | ':') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
