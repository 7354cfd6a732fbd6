//! Denials that remain after a fix: at the other endpoint of the same connection and, where the
//! fix allows a lookup, for the connection that follows it.

use cilium_policy::{
    Access, Direction, Identity, Judge, Settings, SourceText, Traffic, Verdict, sorted,
};
use flow::{Endpoint, Flow, L7Record, Layer4, TrafficDirection};

use crate::{
    Directory, JudgeFlows, Learned, RecordedConnection, Target,
    ask::{self, AnswerStep},
    endpoint_names,
    lookup::SearchLists,
};

/// Maximum number of sentences in one suggestion.
const MAX_SENTENCES: usize = 20;
/// Maximum number of fixed flows examined, one of each group of similar flows.
const MAX_FIXED: usize = 1_000;
/// The port of external names, if no flow shows another.
const HTTPS: Traffic = Traffic::new(6, 443);

/// Labels of resolvers in a cluster. Source: the manifests of `CoreDNS` and node-local-dns.
const RESOLVERS: &[&str] = &["k8s:k8s-app=kube-dns", "k8s:k8s-app=node-local-dns"];

/// Checks of the next step for flows that pass now; `judge` has the policies with the fix.
pub(super) struct RemainingDenials<'n> {
    pub(super) judge: Judge,
    pub(super) texts: &'n [SourceText<'n>],
    pub(super) settings: &'n Settings,
    pub(super) flows: &'n [Flow],
    pub(super) learned: &'n Learned,
    pub(super) lists: &'n SearchLists,
}

impl RemainingDenials<'_> {
    /// Remaining denials, in sentences.
    pub(super) fn still_denied(mut self, fixed: &[usize]) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut seen: Vec<(String, String, Traffic, Direction, String)> = Vec::new();
        let mut directory = None;
        let flows = self.flows;
        for flow in fixed.iter().filter_map(|index| flows.get(*index)) {
            let Ok(connection) = RecordedConnection::of(flow, self.learned, self.settings) else {
                continue;
            };
            let (source, destination) = endpoint_names(flow, &connection);
            let asked = queried(flow).unwrap_or_default();
            let lookup = self.lists.lookup(asked, &connection.subject, self.judge.set());
            let name = lookup.map_or_else(|| asked.to_owned(), |lookup| lookup.meant);
            let key = (source, destination, connection.traffic, connection.direction, name);
            if seen.len() >= MAX_FIXED || seen.contains(&key) {
                continue;
            }
            let is_lookup = connection.traffic.port == 53
                && matches!(connection.traffic.protocol, 6 | 17)
                && connection.direction == Direction::Egress
                && !self.is_resolver(flow);
            let (source, destination, traffic, direction, name) = &key;
            if is_lookup {
                let directory = directory
                    .get_or_insert_with(|| Directory::of(self.texts, self.flows, self.settings));
                sentences.extend(self.behind(flow, source, name, directory));
            }
            if let Some(sentence) = self.denial_at_other_endpoint(flow) {
                let what = match direction {
                    Direction::Egress => {
                        format!("ingress of {destination} {traffic} from {source}")
                    }
                    Direction::Ingress => format!("egress of {source} to {destination} {traffic}"),
                };
                sentences.push(format!("{what} stays denied: {sentence}"));
            }
            seen.push(key);
        }
        sorted::sort(&mut sentences);
        sentences.dedup();
        sentences.truncate(MAX_SENTENCES);
        sentences
    }

    /// Whether the source of a query is itself a resolver, which forwards queries of others.
    fn is_resolver(&self, flow: &Flow) -> bool {
        let Some(sender) = &flow.source else { return false };
        let is_called = |label: &String| RESOLVERS.contains(&label.as_str());
        sender.labels.iter().any(is_called)
            || self.flows.iter().any(|other| {
                is_query(other)
                    && other.reply() != Some(true)
                    && other.destination.as_ref().is_some_and(|own| own.labels == sender.labels)
            })
    }

    /// The reason why the policies of the other endpoint deny a connection.
    fn denial_at_other_endpoint(&mut self, flow: &Flow) -> Option<String> {
        let traffic_direction = match flow.traffic_direction {
            TrafficDirection::Egress => TrafficDirection::Ingress,
            TrafficDirection::Ingress => TrafficDirection::Egress,
            other => other,
        };
        let other = Flow { traffic_direction, ..flow.clone() };
        // No policy selects the world, and only policies of nodes select another node, whatever a
        // clusterwide selector says.
        let connection = RecordedConnection::of(&other, self.learned, self.settings).ok()?;
        if connection.subject.is_world() || connection.subject.is_reserved("remote-node") {
            return None;
        }
        let summary = self.judge.judge_flow(&other, self.learned).ok()?;
        let judgement = (summary.verdict == Verdict::Denied)
            .then(|| self.judge.explain_flow(&other, self.learned).ok())
            .flatten()?;
        Some(judgement.sentence(self.judge.set()))
    }

    /// The steps of a connection that stay denied, though its name can be looked up now. `None`:
    /// one of the ports in question is open.
    fn behind(
        &mut self,
        flow: &Flow,
        source: &str,
        name: &str,
        directory: &Directory,
    ) -> Option<String> {
        let sender = flow.source.as_ref()?;
        let address = flow.ip.as_ref().map_or("", |ip| ip.source.as_str());
        if name.is_empty() {
            return self.beyond(flow, sender, source);
        }
        let target = Target::parse(name).ok()?;
        let mut traffics = directory.traffics(&target, self.flows);
        if traffics.is_empty() && matches!(target, Target::Dns(_)) {
            traffics.push(HTTPS);
        }
        let mut shut = Vec::new();
        for traffic in traffics {
            let steps = ask::connect(&self.judge, directory, (sender, address), &target, traffic);
            // With one open port, the name is of use.
            let is_shut = |step: &AnswerStep| step.judgement.verdict == Verdict::Denied;
            if !steps.iter().any(is_shut) {
                return None;
            }
            for step in steps.into_iter().filter(is_shut) {
                let sentence = format!("{} to {target} {traffic}", step.kind.name());
                if !shut.contains(&sentence) {
                    shut.push(sentence);
                }
            }
        }
        let stay = if shut.len() == 1 { "stays" } else { "stay" };
        (!shut.is_empty()).then(|| {
            let shut = shut.join(" and ");
            format!("{source} can look up {name}, which alone opens nothing: {shut} {stay} denied")
        })
    }

    /// Denials that remain after a lookup without a recorded name: of the source's other
    /// connections; without such connections, the policies that limit its egress.
    fn beyond(&mut self, flow: &Flow, sender: &Endpoint, source: &str) -> Option<String> {
        let mut shut: Vec<String> = Vec::new();
        let mut is_open = false;
        for other in self.flows {
            let is_of_sender = other.traffic_direction == TrafficDirection::Egress
                && other.source.as_ref().is_some_and(|own| own.labels == sender.labels)
                && !is_query(other);
            if !is_of_sender || shut.len() >= MAX_SENTENCES {
                continue;
            }
            let Ok(summary) = self.judge.judge_flow(other, self.learned) else { continue };
            let Ok(connection) = RecordedConnection::of(other, self.learned, self.settings) else {
                continue;
            };
            is_open |= summary.verdict == Verdict::Allowed;
            let (_, destination) = endpoint_names(other, &connection);
            let sentence = format!("egress to {destination} {}", connection.traffic);
            if summary.verdict == Verdict::Denied && !shut.contains(&sentence) {
                shut.push(sentence);
            }
        }
        let alone = format!("{source} can look up names, which alone opens nothing");
        if !shut.is_empty() {
            let stay = if shut.len() == 1 { "stays" } else { "stay" };
            return Some(format!("{alone}: {} {stay} denied", shut.join(" and ")));
        }
        if is_open {
            return None;
        }
        // Its rules limit its destinations; the record does not show the intended one.
        let judgement = self.judge.explain_flow(flow, self.learned).ok()?;
        let somewhere = Identity::default();
        let judge = &self.judge;
        let subject = &judgement.connection.subject;
        let explanation = judge.explain(Access::new(subject, &somewhere, Direction::Egress, HTTPS));
        let set = judge.set();
        let policies: Vec<String> = explanation
            .default_deny
            .iter()
            .filter_map(|by| {
                let (first, _) = set.rules().find(|(_, entry)| {
                    entry.policy == by.policy && entry.direction == Direction::Egress
                })?;
                Some(set.rule_text(first, None))
            })
            .collect();
        (!policies.is_empty()).then(|| {
            format!(
                "{alone}: the name is not in the record, and its egress stays limited to the rules of {}",
                policies.join(", ")
            )
        })
    }
}

/// The name that a record queries.
fn queried(flow: &Flow) -> Option<&str> {
    match flow.l7.as_ref()?.record.as_ref()? {
        L7Record::Dns(dns) => Some(dns.query.trim_end_matches('.')),
        _ => None,
    }
}

fn is_query(flow: &Flow) -> bool {
    match &flow.l4 {
        Some(Layer4::Udp(udp)) => udp.destination_port == 53,
        Some(Layer4::Tcp(tcp)) => tcp.destination_port == 53,
        _ => false,
    }
}
