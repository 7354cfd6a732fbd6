//! Denied flows that get no rule.

use std::net::IpAddr;

use cilium_policy::{
    Action, Cause, Entry, EntryId, HttpPattern, HttpRule, Identity, PolicySet, Tier, Verdict,
};
use flow::{CompanionKind, Endpoint, Flow, L7Record};
use hashbrown::{HashMap, HashSet};

use super::{
    reason::UnfixedReason,
    rules::{HttpRequest, own_label},
};
use crate::{Judgement, ask::namespace_of, recorded::meets};

/// Maximum number of pod addresses.
const MAX_PODS: usize = 65_536;

/// Pods by address, from flows and documents.
#[derive(Default)]
pub(super) struct Pods {
    names: HashMap<IpAddr, String>,
}

impl Pods {
    pub(super) fn of(flows: &[Flow], set: &PolicySet) -> Self {
        let mut pods = Self::default();
        for pod in &set.documents().pods {
            let Some(address) = pod.address else { continue };
            let own = own_label(|key| {
                pod.labels.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
            });
            pods.add(address, &pod.namespace, own.map_or("", |(_, value)| value));
        }
        for flow in flows {
            let Some(ip) = &flow.ip else { continue };
            let endpoints = [(&flow.source, &ip.source), (&flow.destination, &ip.destination)];
            for (endpoint, address) in endpoints {
                let (Some(endpoint), Ok(address)) = (endpoint, address.parse()) else { continue };
                if endpoint.labels.iter().any(|label| label.starts_with("k8s:")) {
                    pods.add(address, namespace_of(endpoint), name(endpoint));
                }
            }
        }
        pods
    }

    fn add(&mut self, address: IpAddr, namespace: &str, name: &str) {
        if self.names.len() < MAX_PODS && !self.names.contains_key(&address) {
            let name = if name.is_empty() { address.to_string() } else { name.to_owned() };
            self.names.insert(address, format!("{namespace}/{name}"));
        }
    }

    /// The pod at an address that was not recorded as a pod's.
    fn behind(&self, peer: &Identity) -> Option<&str> {
        let is_no_pod = (peer.is_world() && !peer.is_reserved("kube-apiserver"))
            || ["init", "unmanaged"].iter().any(|own| peer.is_reserved(own));
        self.names.get(&peer.address().filter(|_| is_no_pod)?).map(String::as_str)
    }
}

/// Name of the workload or the pod, as far as it is recorded, else a label's value.
fn name(endpoint: &Endpoint) -> &str {
    let label = |key: &str| {
        let own = endpoint.labels.iter().filter_map(|label| label.strip_prefix("k8s:"));
        own.filter_map(|label| label.split_once('=')).find(|(own, _)| *own == key)
    };
    let workload = endpoint.workloads.first().map(|workload| workload.name.as_str());
    let recorded = workload.or(Some(&endpoint.pod_name)).filter(|name| !name.is_empty());
    let labelled = || own_label(|key| label(key).map(|(_, value)| value));
    recorded.or_else(|| labelled().map(|(_, value)| value)).unwrap_or_default()
}

/// A check whether a rule can help a denied flow, whatever the flow needs. Errors: the reason why no
/// rule can.
pub(super) fn unfixable(
    set: &PolicySet,
    judgement: &Judgement,
    flow: &Flow,
    pods: &Pods,
) -> Result<(), UnfixedReason> {
    match judgement.connection.companion {
        Some(CompanionKind::FragmentationNeeded) => return Err(UnfixedReason::FragmentationNeeded),
        Some(kind) => return Err(UnfixedReason::Companion(kind)),
        None => {}
    }
    if let Some(service) = judgement.connection.untranslated_service() {
        return Err(UnfixedReason::UntranslatedService { service });
    }
    if is_denied_by_rule(set, judgement) {
        return Err(UnfixedReason::DenyRule(judgement.sentence(set)));
    }
    let connection = &judgement.connection;
    if let Some(at) = set.excluding_peer(connection.access()) {
        return Err(UnfixedReason::Except(at));
    }
    if let Some(pod) = pods.behind(&connection.peer) {
        return Err(UnfixedReason::PodAddress { pod: pod.to_owned() });
    }
    match narrower_rule(set, judgement, flow) {
        Some(rule) => Err(UnfixedReason::NarrowerRule(rule.at)),
        None => Ok(()),
    }
}

/// Whether a deny rule with precedence over any addition denies a flow. Rules of the baseline tier
/// come after an addition.
fn is_denied_by_rule(set: &PolicySet, judgement: &Judgement) -> bool {
    let decision = judgement.explanation.decision;
    let Cause::Entry(index) = decision.cause else { return false };
    let stands_before =
        |entry: &Entry| entry.action == Action::Deny && entry.tier != Tier::Baseline;
    decision.verdict == Verdict::Denied && set.get(index).is_some_and(stands_before)
}

/// The HTTP rule that matches a request except for its headers or host.
fn narrower_rule<'s>(
    set: &'s PolicySet,
    judgement: &Judgement,
    flow: &Flow,
) -> Option<&'s HttpRule> {
    let L7Record::Http(http) = flow.l7.as_ref()?.record.as_ref()? else { return None };
    let path = path_of(&http.url);
    let is_met = |pattern: &Option<HttpPattern>, text: &str| {
        pattern.as_ref().is_none_or(|pattern| pattern.matches(text) == Some(true))
    };
    checked_rules(set, judgement).into_iter().find(|rule| {
        requires_more(rule) && is_met(&rule.method, &http.method) && is_met(&rule.path, path)
    })
}

/// The request that a rule must allow: with the headers and host that an existing rule for its path
/// requires. Errors: the record does not show them.
pub(super) fn required_request(
    set: &PolicySet,
    judgement: &Judgement,
    (flow, method, path): (&Flow, &str, &str),
) -> Result<HttpRequest, UnfixedReason> {
    let is_met = |pattern: &Option<HttpPattern>| {
        pattern.as_ref().is_none_or(|pattern| pattern.matches(method) == Some(true))
    };
    let rules: Vec<&HttpRule> = checked_rules(set, judgement)
        .into_iter()
        .filter(|rule| requires_more(rule) && is_met(&rule.method) && is_near(rule, path))
        .collect();
    let met = rules.iter().find(|rule| {
        let alone = HttpRule { path: None, method: None, ..(**rule).clone() };
        meets(flow, &alone)
    });
    let plain =
        HttpRequest { method: method.to_owned(), path: path.to_owned(), ..HttpRequest::default() };
    match (met, rules.first()) {
        (Some(rule), _) => Ok(HttpRequest {
            host: rule.host.as_ref().map(|host| host.text.clone()),
            headers: rule.headers.clone(),
            ..plain
        }),
        (None, Some(rule)) => Err(UnfixedReason::UnknownHeader(rule.at)),
        (None, None) => Ok(plain),
    }
}

fn requires_more(rule: &HttpRule) -> bool {
    !rule.headers.is_empty() || rule.header_matches || rule.host.is_some()
}

/// Whether a rule matches a path except for its query, its closing slash or deeper levels.
fn is_near(rule: &HttpRule, path: &str) -> bool {
    let Some(pattern) = &rule.path else { return true };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.filter_map(|at| path.get(..at)).filter(|head| !head.is_empty()).any(|head| {
        [head, &format!("{head}/")].iter().any(|own| pattern.matches(own) == Some(true))
    })
}

/// The HTTP rules that the request was checked against, in their order.
pub(super) fn checked_rules<'s>(set: &'s PolicySet, judgement: &Judgement) -> Vec<&'s HttpRule> {
    let rules = judgement.l7.iter().flat_map(|l7| &l7.rules);
    let places: HashSet<_> = rules.clone().map(|rule| (rule.entry, rule.at)).collect();
    let mut entries: Vec<EntryId> = rules.map(|rule| rule.entry).collect();
    entries.dedup();
    let rules_of = |entry: EntryId| {
        let ports = set.get(entry).and_then(|entry| entry.ports.as_ref());
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
