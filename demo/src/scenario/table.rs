//! Decisions out of a table of policies.

use std::sync::Arc;

use flow::TrafficDirection;

use super::policies::{POLICY_NAMESPACE, Peer, Policy, Ports, Rules};
use super::{Connection, Decision, L7Rules, PolicySet, Port, dns_pattern_matches};
use crate::cluster::{Cluster, Endpoint, EndpointKind};
use crate::record::{MatchType, PolicyName};

/// The policies of one act.
#[derive(Debug)]
pub(crate) struct PolicyTable {
    policies: &'static [Policy],
}

impl PolicyTable {
    pub(super) fn new(policies: &'static [Policy]) -> Self {
        Self { policies }
    }

    fn peer_matches(
        peer: Peer,
        cluster: &Cluster,
        connection: &Connection,
        endpoint: &Endpoint,
    ) -> bool {
        match peer {
            Peer::Workload(name) => {
                endpoint.namespace == POLICY_NAMESPACE && endpoint.workload_name() == name
            }
            Peer::KubeDns => {
                endpoint.namespace == "kube-system" && endpoint.workload_name() == "coredns"
            }
            // The entity selects every identity that carries `reserved:world`.
            Peer::World => endpoint.labels.iter().any(|label| label == "reserved:world"),
            Peer::Fqdn(selector) => {
                connection.name_seen
                    && connection
                        .host
                        .and_then(|host| cluster.host(host))
                        .is_some_and(|host| dns_pattern_matches(selector, host.name))
            }
        }
    }
}

fn port_matches(ports: Ports, port: Port) -> bool {
    match (ports, port) {
        (Ports::Tcp(list) | Ports::Any(list), Port::Tcp(port))
        | (Ports::Udp(list) | Ports::Any(list), Port::Udp(port)) => list.contains(&port),
        _ => false,
    }
}

impl PolicySet for PolicyTable {
    fn decide(
        &self,
        cluster: &Cluster,
        connection: &Connection,
        direction: TrafficDirection,
    ) -> Decision {
        let (local, remote) = match direction {
            TrafficDirection::Ingress => (connection.destination, connection.source),
            TrafficDirection::Egress => (connection.source, connection.destination),
            _ => return Decision::NotEnforced,
        };
        let local = cluster.endpoint(local);
        let remote = cluster.endpoint(remote);
        if local.kind != EndpointKind::Pod || local.namespace != POLICY_NAMESPACE {
            return Decision::NotEnforced;
        }
        let mut enforced = false;
        let mut by = Vec::new();
        let mut l7 = None;
        for policy in self.policies {
            if policy.subject != local.workload_name() {
                continue;
            }
            let section = match direction {
                TrafficDirection::Ingress => policy.ingress,
                _ => policy.egress,
            };
            let Some(rules) = section else { continue };
            enforced = true;
            for rule in rules {
                if !port_matches(rule.ports, connection.port)
                    || !rule
                        .peers
                        .iter()
                        .any(|&peer| Self::peer_matches(peer, cluster, connection, remote))
                {
                    continue;
                }
                by.push(PolicyName {
                    kind: "CiliumNetworkPolicy",
                    namespace: POLICY_NAMESPACE,
                    name: policy.name,
                    revision: 1,
                });
                l7 = l7.or(match rule.rules {
                    Rules::None => None,
                    Rules::Dns(patterns) => Some(L7Rules::Dns(patterns)),
                    Rules::Http(requests) => Some(L7Rules::Http(requests)),
                });
            }
        }
        if !enforced {
            return Decision::NotEnforced;
        }
        if by.is_empty() {
            // The kubelet's node always reaches its own pods (`--allow-localhost`).
            if direction == TrafficDirection::Ingress && remote.kind == EndpointKind::Host {
                return Decision::Allowed { match_type: MatchType::L3Only, by: Arc::from([]) };
            }
            return Decision::DefaultDeny;
        }
        by.dedup();
        let by = Arc::from(by);
        // Every rule of the lab names peers and ports.
        let match_type = MatchType::L3L4;
        match l7 {
            Some(rules) => Decision::Redirected { match_type, by, rules },
            None => Decision::Allowed { match_type, by },
        }
    }

    fn fqdn_selector(&self, name: &str) -> Option<&'static str> {
        self.policies
            .iter()
            .flat_map(|policy| policy.egress.unwrap_or_default())
            .flat_map(|rule| rule.peers)
            .find_map(|&peer| match peer {
                Peer::Fqdn(selector) if dns_pattern_matches(selector, name) => Some(selector),
                _ => None,
            })
    }
}
