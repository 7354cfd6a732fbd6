//! The API server: the backends of the Service `default/kubernetes` are the entity `kube-apiserver`.
//! Source: `pkg/ipcache/cell/apiserver_watcher.go`.

use cilium_policy::Traffic;
use flow::Endpoint;

use super::{super::objects::ServiceObject, Candidate, Directory, KnownEndpoint, NamedEndpoints};

const LABEL: &str = "reserved:kube-apiserver";

/// Whether a Service is the API server's.
pub(super) fn is_named(namespace: &str, name: &str) -> bool {
    (namespace, name) == ("default", "kubernetes")
}

impl Directory {
    /// Endpoints behind the API server's Service: the addresses in its slices, else the endpoints
    /// recorded as the entity.
    pub(super) fn find_api_server(
        &self,
        service: Option<&ServiceObject>,
        traffic: Option<Traffic>,
        found: &mut NamedEndpoints,
    ) {
        let mut behind = NamedEndpoints::default();
        if let Some(service) = service {
            self.find_elsewhere(service, traffic, &mut behind);
        }
        if behind.candidates.is_empty() {
            let is_it =
                |known: &&KnownEndpoint| known.endpoint.labels.iter().any(|own| own == LABEL);
            let seen = self.known.iter().filter(is_it);
            let candidates =
                seen.map(|known| Candidate::of(known.endpoint.clone(), known.address.clone()));
            behind.candidates.extend(candidates);
        }
        if behind.candidates.is_empty() {
            behind.candidates.push(Candidate::of(Endpoint::default(), String::new()));
        }
        let is_translated = behind.candidates.iter().any(|candidate| candidate.traffic.is_some());
        for candidate in behind.candidates {
            let labels = &candidate.endpoint.labels;
            if labels.iter().any(|own| own == LABEL) {
                found.candidates.push(candidate);
            } else if labels.is_empty() {
                // The address is a node's or outside the cluster: nothing shows which.
                let world = self.world(self.settings.ipv4).labels;
                for beside in [world, vec!["reserved:remote-node".to_owned()]] {
                    found.candidates.push(with_label(&candidate, beside));
                }
            } else {
                let labels = labels.clone();
                found.candidates.push(with_label(&candidate, labels));
            }
        }
        if let Some(traffic) = traffic.filter(|_| !is_translated) {
            found.notes.push(format!(
                "policy sees the API server's own port, which is not known without the EndpointSlices of `default/kubernetes`: the answer is for {traffic}"
            ));
        }
    }
}

/// The entity with further labels of the same endpoint.
fn with_label(candidate: &Candidate, beside: Vec<String>) -> Candidate {
    let labels = [LABEL.to_owned()].into_iter().chain(beside).collect();
    Candidate { endpoint: Endpoint { labels, ..Endpoint::default() }, ..candidate.clone() }
}
