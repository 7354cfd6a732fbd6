//! Intent of existing policies: of many refused flows, only the intended ones are let through.

use cilium_policy::{Direction, Identity, Judge, PolicySet, Settings, SourceText, Verdict, sorted};
use flow::{Flow, L7Record};
use hashbrown::HashMap;

use super::{rules::PeerKey, unfixable::checked_rules};
use crate::{
    Directory, Judgement, StepKind, Target, ask,
    lookup::{Lookup, goes_by_names, is_named, is_of_cluster, means},
};

/// Maximum number of cluster names that are examined.
const MAX_NAMES: usize = 1_000;

/// Intent of policies about flows.
pub(super) struct Intent<'m> {
    texts: &'m [SourceText<'m>],
    settings: &'m Settings,
    flows: &'m [Flow],
    /// Connections among the requested flows.
    connections: Vec<&'m Flow>,
    /// Names that these connections go to.
    reached: Vec<String>,
    judge: &'m Judge,
    directory: Option<Directory>,
    /// Whether a subject has a way to a cluster name.
    ways: HashMap<(Identity, String), bool>,
}

impl<'m> Intent<'m> {
    /// Intent for the flows at `wanted`; `judge` has the existing policies.
    pub(super) fn of(
        texts: &'m [SourceText<'m>],
        settings: &'m Settings,
        flows: &'m [Flow],
        wanted: &[usize],
        judge: &'m Judge,
    ) -> Self {
        let wanted = wanted.iter().filter_map(|index| flows.get(*index));
        let connections: Vec<&Flow> = wanted.filter(|flow| flow.l7.is_none()).collect();
        let mut reached: Vec<String> = connections
            .iter()
            .flat_map(|flow| &flow.destination_names)
            .map(|name| name.trim_end_matches('.').to_ascii_lowercase())
            .collect();
        sorted::sort(&mut reached);
        reached.dedup();
        Self {
            texts,
            settings,
            flows,
            connections,
            reached,
            judge,
            directory: None,
            ways: HashMap::new(),
        }
    }

    /// The part of a flow that no policy intends to allow: a name that its subject may not reach, an
    /// address, or a method that the HTTP rules leave out.
    pub(super) fn unintended(
        &mut self,
        judgement: &Judgement,
        flow: &Flow,
        (l7, lookup): (Option<&L7Record>, Option<&Lookup>),
        peer: &PeerKey,
    ) -> Option<String> {
        let is_redirect = judgement.explanation.decision.is_redirect;
        let subject = &judgement.connection.subject;
        let set = std::sync::Arc::clone(self.judge.set());
        match l7 {
            Some(L7Record::Dns(dns)) if is_redirect => {
                let asked = dns.query.trim_end_matches('.').to_ascii_lowercase();
                let name = lookup.map_or(asked.as_str(), |lookup| &lookup.meant);
                let is_meant = means(&set, subject, name)
                    // Where no rule uses names yet, a requested connection brings its own.
                    || (!goes_by_names(&set, subject) && self.reached.iter().any(|own| own == name))
                    // Every query of the lookup of a name in DNS rules is needed.
                    || (lookup.is_some() && is_named(&set, subject, name))
                    || (is_of_cluster(name) && self.has_way(subject, flow, name));
                (!is_meant).then(|| format!("`{name}`"))
            }
            Some(L7Record::Http(http)) if is_redirect => {
                (!has_method(&set, judgement, &http.method))
                    .then(|| format!("`{}` requests", http.method))
            }
            // A flow that policies do not send to the proxy is treated like other connections.
            _ => match peer {
                PeerKey::Name(name) if goes_by_names(&set, subject) => {
                    (!means(&set, subject, name)).then(|| format!("`{name}`"))
                }
                // An address without a learned name among those.
                PeerKey::Cidr(address)
                    if judgement.connection.direction == Direction::Egress
                        && goes_by_names(&set, subject) =>
                {
                    Some(format!("`{address}`"))
                }
                _ => None,
            },
        }
    }

    /// Whether policies let a subject reach the pods behind a cluster name, or a connection to them
    /// is requested together with the lookup.
    fn has_way(&mut self, subject: &Identity, flow: &Flow, name: &str) -> bool {
        let key = (subject.clone(), name.to_owned());
        if let Some(known) = self.ways.get(&key) {
            return *known;
        }
        if self.ways.len() >= MAX_NAMES {
            return false;
        }
        let has_way = self.find_way(flow, name).unwrap_or(false);
        self.ways.insert(key, has_way);
        has_way
    }

    fn find_way(&mut self, flow: &Flow, name: &str) -> Option<bool> {
        let (texts, flows, settings) = (self.texts, self.flows, self.settings);
        let directory = self.directory.get_or_insert_with(|| Directory::of(texts, flows, settings));
        let sender = flow.source.as_ref()?;
        let target = Target::parse(name).ok()?;
        let behind = directory.labels_of(&target);
        let goes_there = |flow: &&Flow| {
            flow.source.as_ref().is_some_and(|own| own.labels == sender.labels)
                && flow.destination.as_ref().is_some_and(|own| behind.contains(&own.labels))
        };
        if self.connections.iter().any(goes_there) {
            return Some(true);
        }
        let address = flow.ip.as_ref().map_or("", |ip| ip.source.as_str());
        Some(directory.traffics(&target, flows).into_iter().any(|traffic| {
            let steps = ask::connect(self.judge, directory, (sender, address), &target, traffic);
            steps.iter().any(|step| {
                step.kind == StepKind::Egress && step.judgement.verdict == Verdict::Allowed
            })
        }))
    }
}

/// Whether a rule for the request has its method.
fn has_method(set: &PolicySet, judgement: &Judgement, method: &str) -> bool {
    checked_rules(set, judgement)
        .into_iter()
        .any(|rule| rule.method.as_ref().is_none_or(|own| own.matches(method) != Some(false)))
}
