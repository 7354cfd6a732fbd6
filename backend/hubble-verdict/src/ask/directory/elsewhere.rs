//! Destinations behind a Service without a selector.

use cilium_policy::{Backends, Traffic};
use flow::Endpoint;

use super::{
    super::objects::{ServiceObject, ServicePort},
    Candidate, Directory, NamedEndpoints,
};

impl Directory {
    /// Destinations behind a Service without a selector: an external name, or the addresses in its
    /// slices.
    pub(super) fn find_elsewhere(
        &self,
        service: &ServiceObject,
        traffic: Option<Traffic>,
        found: &mut NamedEndpoints,
    ) {
        let shown = format!("{}/{}", service.namespace, service.name);
        if !service.external_name.is_empty() {
            // The agent learns the addresses under the queried name.
            let mut elsewhere = NamedEndpoints::default();
            self.find_name(&service.external_name, &mut elsewhere);
            found.candidates = elsewhere.candidates;
            found.notes.extend(elsewhere.notes);
            found.notes.push(format!(
                "the Service `{shown}` stands for `{}`: to policies, its addresses have the name of the Service",
                service.external_name
            ));
            return;
        }
        let own = self.slices.iter().filter(|(namespace, own)| {
            *namespace == service.namespace && own.service == service.name
        });
        let own: Vec<&Backends> = own.map(|(_, own)| own).collect();
        let port = traffic.and_then(|traffic| {
            let is_asked =
                |own: &&ServicePort| (own.port, own.protocol) == (traffic.port, traffic.protocol);
            service.ports.iter().find(is_asked)
        });
        for slice in &own {
            let behind = port.and_then(|port| {
                let is_it = |(name, protocol, _): &&(String, u8, u16)| {
                    *name == port.name && *protocol == port.protocol
                };
                let (_, protocol, number) = slice.ports.iter().find(is_it)?;
                Some(Traffic::new(*protocol, *number))
            });
            let behind = match (behind, traffic) {
                (Some(behind), Some(traffic)) if service.is_headless => {
                    let note = untranslated(&shown, traffic);
                    if behind != traffic && !found.notes.contains(&note) {
                        found.notes.push(note);
                    }
                    None
                }
                (behind, _) => behind,
            };
            for address in slice.addresses.iter().filter_map(|own| own.parse().ok()) {
                let before = found.candidates.len();
                self.find_address(address, None, found);
                for candidate in found.candidates.iter_mut().skip(before) {
                    candidate.traffic = behind;
                }
            }
        }
        if own.iter().any(|slice| slice.is_proxied) {
            found.notes.push(format!(
                "the Service `{shown}` belongs to a Gateway or an Ingress of Cilium: connections to it go to Envoy, which policies see as `reserved:ingress`, and policies decide about the backend that Envoy chooses: the documents do not show it"
            ));
            found.candidates.push(Candidate::of(Endpoint::default(), String::new()));
        }
        if found.candidates.is_empty() {
            found.notes.push(format!(
                "the Service `{shown}` has no selector: its backends are not known without its EndpointSlices"
            ));
        }
    }
}

/// Note that the port of a headless Service is not translated.
pub(super) fn untranslated(service: &str, traffic: Traffic) -> String {
    format!(
        "the Service `{service}` is headless: nothing translates its port {traffic}, the answer is for the pods' own port {traffic}"
    )
}
