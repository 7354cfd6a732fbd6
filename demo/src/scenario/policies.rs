//! Decisions of an act's manifests, from the project's own engine, which is asked once for each
//! kind of connection.

use std::collections::HashMap;
use std::sync::Arc;

use cilium_policy::{
    Access, Cause, Direction, Identity, Judge, Label, MapEntry, MatchType, NamePattern, NamedPorts,
    PeerMatcher, Peers, PolicySet, Request, Settings, SourceText, Verdict,
};
use flow::{DropReason, TrafficDirection};

use super::{Connection, Decision, Proxy, Scenario};
use crate::cluster::{CLUSTER_NAME, Cluster, EndpointId, EndpointKind, HostId};
use crate::record::RecordedPolicy;

/// The policies in force. Answers are cached: the cluster has a few hundred communicating pairs,
/// and looks up a few dozen names.
#[derive(Debug)]
pub(crate) struct Policies {
    cluster: Arc<Cluster>,
    judge: Judge,
    /// Identities of the cluster's endpoints, in their order.
    identities: Vec<Identity>,
    /// The endpoint of each external host on a node that has seen its name, in the hosts' order.
    named_hosts: Vec<Option<EndpointId>>,
    /// Revision of the set, as the agent counts its changes.
    revision: u64,
    decisions: HashMap<(Connection, Direction), Decision>,
    requests: HashMap<Connection, HashMap<String, bool>>,
}

/// Named ports: no policy of the lab uses one.
const NAMED_PORTS: NamedPorts<'static> = NamedPorts::Known(&[]);

impl Policies {
    /// Compiles the manifests of an act. `revision`: number of sets so far, including this one.
    pub(crate) fn compile(scenario: Scenario, cluster: Arc<Cluster>, revision: u64) -> Self {
        Self::of_set(policy_set(scenario), cluster, revision)
    }

    fn of_set(set: PolicySet, cluster: Arc<Cluster>, revision: u64) -> Self {
        let patterns = name_patterns(&set);
        let named_hosts = cluster
            .hosts
            .iter()
            .map(|host| {
                let labels = host_labels(host.name, &patterns)?;
                host.named.iter().copied().find(|id| cluster.endpoint(*id).labels == labels)
            })
            .collect();
        let identities = cluster
            .endpoints
            .iter()
            .map(|endpoint| {
                Identity::of_labels(endpoint.labels.iter().map(|label| Label::parse(label)), false)
            })
            .collect();
        Self {
            judge: Judge::new(Arc::new(set)),
            cluster,
            identities,
            named_hosts,
            revision,
            decisions: HashMap::new(),
            requests: HashMap::new(),
        }
    }

    /// Number of sets so far, including this one.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The endpoint of a host after a node has seen its name resolve, with the identity that
    /// `toFQDNs` selectors give its address. `None`: no selector covers the name.
    pub(crate) fn named_host(&self, host: HostId) -> Option<EndpointId> {
        self.named_hosts.get(usize::from(host.0)).copied().flatten()
    }

    /// The decision of the local endpoint's policies: the source for egress, the destination for
    /// ingress.
    pub(crate) fn decide(
        &mut self,
        connection: Connection,
        direction: TrafficDirection,
    ) -> Decision {
        let direction = match direction {
            TrafficDirection::Ingress => Direction::Ingress,
            TrafficDirection::Egress => Direction::Egress,
            _ => return Decision::NotEnforced,
        };
        if let Some(known) = self.decisions.get(&(connection, direction)) {
            return known.clone();
        }
        let decision = self.ask(connection, direction).unwrap_or(Decision::NotEnforced);
        self.decisions.insert((connection, direction), decision.clone());
        decision
    }

    /// `None`: the endpoint does not belong to this cluster.
    fn ask(&mut self, connection: Connection, direction: Direction) -> Option<Decision> {
        let (local, remote) = match direction {
            Direction::Ingress => (connection.destination, connection.source),
            Direction::Egress => (connection.source, connection.destination),
        };
        // Within this cluster, only pods have a policy map.
        if self.cluster.endpoint(local).kind != EndpointKind::Pod {
            return Some(Decision::NotEnforced);
        }
        let subject = self.identities.get(usize::from(local.0))?;
        let peer = self.identities.get(usize::from(remote.0))?;
        let traffic = connection.port.traffic();
        let access = Access::new(subject, peer, direction, traffic).with_named_ports(NAMED_PORTS);
        let (decision, entry) = (self.judge.judge(access), self.judge.map_entry(access));
        Some(match (decision.verdict, decision.cause) {
            (_, Cause::NotSelected | Cause::EnforcementOff) => Decision::NotEnforced,
            (Verdict::Denied, Cause::Entry(_)) => {
                let (match_type, by) = self.attribution(entry.as_ref()?);
                Decision::Denied { reason: DropReason::POLICY_DENY, match_type, by }
            }
            // The agent does not pass traffic that it cannot resolve. These manifests do resolve.
            (Verdict::Denied | Verdict::CannotTell, _) => Decision::Denied {
                reason: DropReason::POLICY_DENIED,
                match_type: None,
                by: Arc::from([]),
            },
            (Verdict::Allowed, Cause::Entry(_)) => {
                let proxy = entry.as_ref().and_then(|entry| self.proxy(entry, direction));
                let (match_type, by) = self.attribution(entry.as_ref()?);
                Decision::Allowed { match_type, by, proxy }
            }
            // The agent's own entries, for the node and for all endpoints, have no name.
            (Verdict::Allowed, cause) => Decision::Allowed {
                match_type: Some(match cause {
                    Cause::AllowLocalhost => MatchType::L3Only,
                    _ => MatchType::All,
                }),
                by: Arc::from([]),
                proxy: None,
            },
        })
    }

    /// Hubble's data about a map entry: match type, and the policies of its rules.
    fn attribution(&self, entry: &MapEntry) -> (Option<MatchType>, Arc<[RecordedPolicy]>) {
        let mut names: Vec<RecordedPolicy> = entry
            .rules
            .iter()
            .filter_map(|rule| self.judge.set().policy_of(*rule))
            .map(|policy| RecordedPolicy {
                kind: policy.name.kind.name(),
                namespace: policy.name.namespace.clone(),
                name: policy.name.name.clone(),
                revision: self.revision,
            })
            .collect();
        names.dedup();
        (Some(entry.match_type), names.into())
    }

    /// The proxy to which a map entry's rules redirect. The simulation has egress proxies only.
    fn proxy(&self, entry: &MapEntry, direction: Direction) -> Option<Proxy> {
        if direction == Direction::Ingress {
            return None;
        }
        let set = self.judge.set();
        let rules = entry.rules.iter().filter_map(|rule| set.get(*rule));
        rules.flat_map(|entry| entry.ports.iter().flatten()).find_map(|port| {
            match (port.l7.dns.is_empty(), port.l7.http.is_empty()) {
                (false, _) => Some(Proxy::Dns),
                (true, false) => Some(Proxy::Envoy),
                (true, true) => None,
            }
        })
    }

    /// Whether the DNS proxy forwards a query. `name`: without trailing dot.
    pub(crate) fn lets_query(&mut self, connection: Connection, name: &str) -> bool {
        self.lets_request(connection, name, Request::Dns { name })
    }

    /// Whether Envoy forwards a request. `path`: with its query string.
    pub(crate) fn lets_http(
        &mut self,
        connection: Connection,
        method: &str,
        (authority, path): (&str, &str),
    ) -> bool {
        let request = Request::Http { method, path, host: Some(authority), headers: &[] };
        self.lets_request(connection, &format!("{method} {authority}{path}"), request)
    }

    fn lets_request(&mut self, connection: Connection, key: &str, request: Request<'_>) -> bool {
        let known = self.requests.entry(connection).or_default();
        if let Some(lets) = known.get(key) {
            return *lets;
        }
        let identity = |id: EndpointId| self.identities.get(usize::from(id.0));
        let (Some(client), Some(server)) =
            (identity(connection.source), identity(connection.destination))
        else {
            return false;
        };
        let traffic = connection.port.traffic();
        let access = Access::new(client, server, Direction::Egress, traffic);
        let answer = self.judge.explain_l7(access.with_named_ports(NAMED_PORTS), request);
        let lets = answer.verdict == Verdict::Allowed;
        known.insert(key.to_owned(), lets);
        lets
    }
}

/// The manifests of an act, compiled for this cluster.
pub(crate) fn policy_set(scenario: Scenario) -> PolicySet {
    let texts: Vec<SourceText<'_>> = scenario
        .manifests()
        .iter()
        .enumerate()
        .map(|(index, manifest)| SourceText { index, text: manifest.text })
        .collect();
    // The lab applies its files with `-n pets`.
    let settings = Settings {
        cluster_name: CLUSTER_NAME.to_owned(),
        namespace: "pets".to_owned(),
        is_namespace_given: true,
        ..Settings::default()
    };
    PolicySet::read(&texts, settings)
}

/// The `toFQDNs` selectors of a set.
fn name_patterns(set: &PolicySet) -> Vec<&NamePattern> {
    let peers = set.entries().iter().filter_map(|entry| match &entry.peers {
        Peers::Any(peers) => Some(peers),
        Peers::Empty { .. } | Peers::Absent => None,
    });
    peers
        .flatten()
        .filter_map(|peer| match &peer.matcher {
            PeerMatcher::Name(pattern) => Some(pattern),
            _ => None,
        })
        .collect()
}

/// Labels of the identity that selectors give an address of this name, sorted. `None`: no selector
/// matches.
fn host_labels(name: &str, patterns: &[&NamePattern]) -> Option<Vec<String>> {
    let mut labels: Vec<String> = patterns
        .iter()
        .filter(|pattern| pattern.matches(name))
        .map(|pattern| format!("fqdn:{}", pattern.text))
        .collect();
    if labels.is_empty() {
        return None;
    }
    labels.push("reserved:world".to_owned());
    labels.sort();
    labels.dedup();
    Some(labels)
}

/// Label sets that an address of this name has in any act.
pub(crate) fn label_sets_of_host(name: &str) -> Vec<Vec<String>> {
    let mut sets: Vec<Vec<String>> = Scenario::ALL
        .into_iter()
        .filter_map(|scenario| host_labels(name, &name_patterns(&policy_set(scenario))))
        .collect();
    sets.sort();
    sets.dedup();
    sets
}

#[cfg(test)]
mod tests;
