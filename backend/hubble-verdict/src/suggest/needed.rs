//! Rules that a refused flow needs.

use cilium_policy::{
    Access, Action, Direction, Identity, Judge, Label, NamePattern, PolicySet, Settings, Traffic,
    Verdict, identity_label::CLUSTER, identity_label::is_kept, name_patterns::covers,
    sorted::update,
};
use flow::{Flow, L7Record};

use super::{
    intent::Intent,
    public::{Public, subject_and_port},
    reason::UnfixedReason,
    rules::{PeerKey, RuleBody, RuleKey, Rules, SubjectKey, own_label, push, resolver},
    unfixable::{Pods, path_of, required_request, unfixable},
};
use crate::{
    JudgeFlows, Judgement, Learned,
    lookup::{SearchLists, patterns_of},
};

/// Data on which the rules for a flow depend, besides the flow and the policies.
pub(super) struct RuleContext<'w> {
    pub(super) learned: &'w Learned,
    pub(super) lists: &'w SearchLists,
    pub(super) public: Public,
    pub(super) pods: Pods,
}

impl<'w> RuleContext<'w> {
    pub(super) fn new(learned: &'w Learned, lists: &'w SearchLists, pods: Pods) -> Self {
        Self { learned, lists, public: Public::default(), pods }
    }
}

/// Adds the rules that a flow needs. `is_worldwide`: the flow's peer is the world itself. `intent`:
/// only flows that some policy intends to allow get rules. Returns false if the flow passes already.
/// Errors: the reason why nothing can be added.
pub(super) fn add_needed_rules(
    judge: &Judge,
    (flow, is_worldwide): (&Flow, bool),
    context: &RuleContext<'_>,
    intent: Option<&mut Intent<'_>>,
    rules: &mut Rules,
) -> Result<bool, UnfixedReason> {
    let judgement = judge.explain_flow(flow, context.learned)?;
    match judgement.verdict {
        Verdict::Allowed => return Ok(false),
        Verdict::CannotTell => {
            return Err(UnfixedReason::CannotTell(judgement.sentence(judge.set())));
        }
        Verdict::Denied => {}
    }
    unfixable(judge.set(), &judgement, flow, &context.pods)?;
    let decision = judgement.explanation.decision;
    let connection = &judgement.connection;
    let subject = subject(&connection.subject)?;
    let queried = queried_names(judge.set(), &connection.subject);
    let entity = is_worldwide.then(|| worldwide(&connection.peer)).flatten();
    let peer = match entity {
        Some(entity) => PeerKey::Entity(entity),
        None => peer(&connection.peer, &subject.namespace, flow, &queried, judge.set().settings())?,
    };
    let record = flow.l7.as_ref().and_then(|l7| l7.record.as_ref());
    let is_proxied = decision.is_redirect || decision.verdict == Verdict::Denied;
    // The proxy inspects names on egress only.
    let has_rules = |record: &&L7Record| match record {
        L7Record::Dns(_) => connection.direction == Direction::Egress,
        _ => true,
    };
    let l7 = record.filter(|_| is_proxied).filter(has_rules);
    let lookup = match l7 {
        Some(L7Record::Dns(dns)) => {
            context.lists.whole_lookup(&dns.query, &connection.subject, judge.set())
        }
        _ => None,
    };
    if let Some(intent) = intent
        && let Some(what) = intent.unintended(&judgement, flow, (l7, lookup.as_ref()), &peer)
    {
        return Err(UnfixedReason::Unintended(what));
    }
    let port = (connection.traffic.protocol, connection.traffic.port);
    if matches!(port, (6 | 17 | 132, 0)) {
        return Err(UnfixedReason::NoPort);
    }
    let needs = FlowNeeds { flow, l7, meant: lookup.map(|lookup| lookup.meant), queried: &queried };
    let body = needs.body(judge.set(), &judgement, context)?;
    let l7 = l7.is_some() || !body.dns.is_empty();
    let mut add = |key: RuleKey, body: RuleBody| {
        update(rules, subject.clone(), |own| update(own, key, |slot| slot.extend(body)));
    };
    let key = RuleKey { direction: connection.direction, peer: peer.clone(), port, l7 };
    let key = context.public.widened(&subject, key);
    if let Some(addresses) = context.public.unlisted_addresses(&subject, &key) {
        let pods_at_port = subject_and_port(&subject, &key);
        return Err(UnfixedReason::many_addresses(key.direction, pods_at_port, addresses));
    }
    add(key, body);
    if let PeerKey::Name(name) = &peer
        && connection.direction == Direction::Egress
        && !queried.iter().any(|pattern| pattern.matches(name))
    {
        // Without its query, a name is never learned; and where the proxy sees no queries yet,
        // rules for some names would refuse the others.
        let dns = if is_unseen(judge, &connection.subject) {
            vec!["*".to_owned()]
        } else {
            // The whole lookup: with musl as the libc, one refused query ends it.
            let asked = context.lists.patterns(name).into_iter();
            asked.filter(|own| !queried.iter().any(|pattern| pattern.matches(own))).collect()
        };
        let key =
            RuleKey { direction: Direction::Egress, peer: resolver(), port: (17, 53), l7: true };
        let ports = vec![(17, 53), (6, 53)];
        add(key, RuleBody { ports, dns, http: Vec::new() });
    }
    Ok(true)
}

/// Needs of a flow besides its port.
struct FlowNeeds<'a> {
    flow: &'a Flow,
    l7: Option<&'a L7Record>,
    /// The name of the lookup that the flow's query belongs to.
    meant: Option<String>,
    /// Names that the flow's subject may query.
    queried: &'a [NamePattern],
}

impl FlowNeeds<'_> {
    /// Contents of the rule. Errors: the reason why there can be no rule.
    fn body(
        &self,
        set: &PolicySet,
        judgement: &Judgement,
        context: &RuleContext<'_>,
    ) -> Result<RuleBody, UnfixedReason> {
        let connection = &judgement.connection;
        let port = (connection.traffic.protocol, connection.traffic.port);
        let mut body = RuleBody { ports: vec![port], ..RuleBody::default() };
        match (self.l7, &self.meant) {
            (Some(L7Record::Dns(_)), Some(meant)) => {
                // Existing entries are not added again.
                let is_there = |name: &String| {
                    judgement.explanation.decision.is_redirect
                        && self.queried.iter().any(|own| own.matches(name))
                };
                body.dns = context.lists.patterns(meant);
                body.dns.retain(|pattern| !is_there(pattern));
            }
            (Some(L7Record::Dns(dns)), None) => {
                body.dns.push(dns.query.trim_end_matches('.').to_ascii_lowercase());
            }
            (Some(L7Record::Http(http)), _) => {
                let asked = (self.flow, http.method.as_str(), path_of(&http.url));
                body.http.push(required_request(set, judgement, asked)?);
            }
            // Without names, the agent would see none of the subject's queries, and learn no
            // address for its `toFQDNs`.
            _ if connection.direction == Direction::Egress && matches!(port, (6 | 17, 53)) => {
                body.dns = self.names(set, &connection.subject, context);
            }
            _ => {}
        }
        Ok(body)
    }

    /// The names that a subject with `toFQDNs` queries: those of its DNS rules, and those that it
    /// is to reach. Empty: the subject has no `toFQDNs`.
    fn names(&self, set: &PolicySet, subject: &Identity, context: &RuleContext<'_>) -> Vec<String> {
        let mut names = Vec::new();
        for pattern in patterns_of(set, subject) {
            if names.is_empty() {
                for own in self.queried {
                    push(&mut names, own.text.clone());
                }
            }
            if !covers(self.queried, pattern) {
                for name in context.lists.patterns(&pattern.text) {
                    push(&mut names, name);
                }
            }
        }
        names
    }
}

/// Moves a subject's L4 access to its resolver under the names in the same fix: a rule without
/// names beside them would let every name pass.
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

/// Whether a subject may send its resolver any query, past the proxy.
fn is_unseen(judge: &Judge, subject: &Identity) -> bool {
    let labels = [
        "k8s:io.kubernetes.pod.namespace=kube-system",
        "k8s:k8s-app=kube-dns",
        "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=kube-system",
    ];
    let cluster = format!("k8s:{}={}", CLUSTER, judge.set().settings().cluster_name);
    let labels = labels.into_iter().chain([cluster.as_str()]).map(Label::parse);
    let resolver = Identity::of_labels(labels, false);
    let traffic = Traffic::new(17, 53);
    let decision = judge.judge(Access::new(subject, &resolver, Direction::Egress, traffic));
    decision.verdict == Verdict::Allowed && !decision.is_redirect
}

/// Names that an endpoint may query, where the agent sees the queries.
fn queried_names(set: &PolicySet, subject: &Identity) -> Vec<NamePattern> {
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

/// The subject of an addition. Errors: the reason why no policy is added for it.
fn subject(identity: &Identity) -> Result<SubjectKey, UnfixedReason> {
    if identity.is_node() {
        return Err(UnfixedReason::Node);
    }
    // Only a clusterwide policy can select them.
    let entity = ["health", "ingress"].into_iter().find(|own| identity.is_reserved(own));
    if entity.is_some() {
        return Ok(SubjectKey { entity, namespace: String::new(), labels: Vec::new() });
    }
    let Some(namespace) = identity.k8s_label("io.kubernetes.pod.namespace") else {
        return Err(UnfixedReason::NoPod);
    };
    let labels = own_labels(identity);
    if labels.is_empty() {
        return Err(UnfixedReason::NoSubjectLabel { namespace: namespace.to_owned() });
    }
    Ok(SubjectKey { entity, namespace: namespace.to_owned(), labels })
}

/// Labels that a Job gives the pods of one run: the next run has others. Labels that the agent
/// leaves out by default, such as `pod-template-hash`, behave alike.
const OF_ONE_RUN: [&str; 2] = ["job-name", "batch.kubernetes.io/job-name"];

/// Labels that people set, the most telling first; without such labels the service account, unless
/// it is the default one.
fn own_labels(identity: &Identity) -> Vec<(String, String)> {
    if let Some((key, value)) = own_label(|key| identity.k8s_label(key)) {
        let mut labels = vec![(key.to_owned(), value.to_owned())];
        if let Some(instance) = identity.k8s_label("app.kubernetes.io/instance") {
            labels.push(("app.kubernetes.io/instance".to_owned(), instance.to_owned()));
        }
        return labels;
    }
    let is_own = |key: &str| {
        !key.starts_with("io.cilium.")
            && !key.starts_with("io.kubernetes.")
            && is_kept(key)
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

/// The peer of a rule. Errors: the reason why no rule can select this peer alone.
fn peer(
    identity: &Identity,
    namespace: &str,
    flow: &Flow,
    queried: &[NamePattern],
    settings: &Settings,
) -> Result<PeerKey, UnfixedReason> {
    for entity in
        // The narrowest comes first: an API server is also a node, or of the world.
        ["kube-apiserver", "ingress", "health", "host", "remote-node", "init", "unmanaged"]
    {
        if identity.is_reserved(entity) {
            return Ok(PeerKey::Entity(entity));
        }
    }
    if let Some(own) = identity.k8s_label("io.kubernetes.pod.namespace") {
        let mut labels = own_labels(identity);
        if labels.is_empty() {
            return Err(UnfixedReason::NoPeerLabel { namespace: own.to_owned() });
        }
        // A selector without a cluster means the local one.
        let cluster = identity.k8s_label(CLUSTER).filter(|own| *own != settings.cluster_name);
        labels.extend(cluster.map(|own| (CLUSTER.to_owned(), own.to_owned())));
        let namespace = (own != namespace).then(|| own.to_owned());
        return Ok(PeerKey::Pods { namespace, labels });
    }
    // An address may have several names: the one that can be queried, or that the record has.
    let names = identity.names();
    let may_ask = |name: &&String| queried.iter().any(|pattern| pattern.matches(name));
    let recorded = |name: &&String| flow.destination_names.iter().any(|own| own == *name);
    let name = names.iter().find(may_ask).or_else(|| names.iter().find(recorded));
    if let Some(name) = name.or(names.first()) {
        return Ok(PeerKey::Name(name.trim_end_matches('.').to_ascii_lowercase()));
    }
    match identity.address() {
        Some(address) => Ok(PeerKey::Cidr(cilium_policy::Prefix::of_address(address).to_string())),
        None => Err(UnfixedReason::NoPeerAddress),
    }
}

/// The entity that is the world itself.
fn worldwide(identity: &Identity) -> Option<&'static str> {
    ["world", "world-ipv4", "world-ipv6"].into_iter().find(|own| identity.is_reserved(own))
}
