//! Addresses of nodes, and node ports of Services.

use std::net::IpAddr;

use cilium_policy::Traffic;
use flow::Endpoint;

use super::{
    super::objects::{ServiceObject, ServicePort},
    Candidate, Directory, KnownEndpoint, NamedEndpoints,
};

/// Labels by which policies know a node; which of the two applies depends on the node of the peer.
const LABELS: [&str; 2] = ["reserved:host", "reserved:remote-node"];

impl Directory {
    /// Finds the node with an address, and the Service behind its port. False: the address is not a
    /// node's.
    pub(super) fn find_node(
        &self,
        address: IpAddr,
        traffic: Option<Traffic>,
        found: &mut NamedEndpoints,
    ) -> bool {
        let is_node = |known: &&KnownEndpoint| {
            known.endpoint.labels.iter().any(|label| LABELS.contains(&label.as_str()))
        };
        let known = self.by_address.get(&address).and_then(|id| self.known.get(*id));
        let recorded = known.filter(is_node);
        // An endpoint that flows or pods show at this address takes precedence.
        if recorded.is_none() && (known.is_some() || !self.nodes.contains(&address)) {
            return false;
        }
        let text = address.to_string();
        if let Some((service, port, asked)) = traffic.and_then(|asked| self.of_node_port(asked)) {
            found.notes.push(format!(
                "{text} is the address of a node, and {asked} the node port of the Service `{}/{}`: where Cilium replaces kube-proxy, policy decides about its pods, elsewhere about the node",
                service.namespace, service.name
            ));
            self.find_behind(service, port, found);
        }
        match recorded {
            Some(known) if known.is_recorded => {
                found.candidates.push(Candidate::of(known.endpoint.clone(), text));
            }
            _ => found.candidates.extend(LABELS.map(|label| {
                let labels = vec![label.to_owned()];
                let ports = recorded.and_then(|pod| pod.ports.clone());
                let endpoint = Endpoint { labels, ..Endpoint::default() };
                Candidate { ports, ..Candidate::of(endpoint, text.clone()) }
            })),
        }
        true
    }

    /// The Service with a node port.
    fn of_node_port(&self, asked: Traffic) -> Option<(&ServiceObject, &ServicePort, Traffic)> {
        self.services.iter().find_map(|service| {
            let is_it = |own: &&ServicePort| {
                own.node_port == Some(asked.port) && own.protocol == asked.protocol
            };
            Some((service, service.ports.iter().find(is_it)?, asked))
        })
    }

    /// Adds the pods behind the port of a Service.
    fn find_behind(&self, service: &ServiceObject, port: &ServicePort, found: &mut NamedEndpoints) {
        let own = Traffic::new(port.protocol, port.port);
        let mut behind = NamedEndpoints::default();
        self.find_service(service, Some(own), &mut behind);
        if behind.candidates.is_empty() {
            Self::find_no_pods(service, Some(own), &mut behind);
        }
        found.notes.extend(behind.notes);
        for mut candidate in behind.candidates {
            candidate.traffic.get_or_insert(own);
            found.candidates.push(candidate);
        }
    }
}
