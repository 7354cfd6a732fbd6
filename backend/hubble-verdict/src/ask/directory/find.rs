//! Endpoints that a name or an address means.

use std::net::IpAddr;

use cilium_policy::{Protocol, Traffic, identity_label::POD_NAMESPACE, sorted};
use flow::{Endpoint, Flow, Layer4, Service, Workload};

use super::{
    super::{
        objects::{PodPort, ServiceObject, ServicePort},
        target::{CLUSTER_DOMAIN, Target},
    },
    AskError, Candidate, Directory, KnownEndpoint, LookupName, MAX_CANDIDATES, NamedEndpoints,
    api_server,
    elsewhere::untranslated,
    is_called, is_outside, is_private, names_of, namespace_of,
};
use crate::lookup::is_of_cluster;

/// Note for a question where nothing shows the resolver.
pub(in crate::ask) const ASSUMED_RESOLVER: &str = "the resolver is assumed to be the pods of kube-system with the label k8s-app=kube-dns: neither flows nor documents show it";

impl Directory {
    /// Endpoints that a text means. `written`: labels given with it; `near`: namespace of the other
    /// endpoint; `traffic`: protocol and port of the question. Errors: the text could mean several.
    pub(in crate::ask) fn find(
        &self,
        target: &Target,
        written: &[String],
        near: Option<&str>,
        traffic: Option<Traffic>,
    ) -> Result<NamedEndpoints, AskError> {
        let mut found = NamedEndpoints { shown: target.to_string(), ..NamedEndpoints::default() };
        match target {
            Target::Entity(name) => {
                let endpoint = self.complete(self.of_labels("", "", &[format!("reserved:{name}")]));
                found.candidates.push(Candidate::of(endpoint, String::new()));
            }
            Target::Address(address) => self.find_address(*address, traffic, &mut found),
            Target::Dns(dns) => match self.in_cluster(dns) {
                Some((namespace, name)) => {
                    self.find_in(namespace.to_owned(), (name, Some(dns)), traffic, &mut found);
                }
                None => self.find_name(dns, &mut found),
            },
            Target::Name { namespace, name, dns } => {
                let namespace = match namespace {
                    Some(namespace) => namespace.clone(),
                    None => self.namespace(name, near)?,
                };
                self.find_in(namespace, (name, dns.as_deref()), traffic, &mut found);
            }
        }
        if !written.is_empty() {
            let name = match target {
                Target::Name { name, .. } => name,
                _ => "",
            };
            let endpoint = self.complete(self.of_labels(&found.namespace, name, written));
            let service = found.candidates.iter().find_map(|candidate| candidate.service.clone());
            let traffic = found.candidates.iter().find_map(|candidate| candidate.traffic);
            let address = found.candidates.first().map(|candidate| candidate.address.clone());
            found.notes.clear();
            found.candidates = vec![Candidate {
                service,
                traffic,
                ..Candidate::of(endpoint, address.unwrap_or_default())
            }];
        }
        if found.candidates.is_empty() {
            found.notes.push(format!(
                "`{}` is not in the flows or documents: add flows of it, its Pod and Namespace documents, or its labels",
                found.shown
            ));
            let namespace = found.namespace.clone();
            found
                .candidates
                .push(Candidate::of(Endpoint { namespace, ..Endpoint::default() }, String::new()));
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        for candidate in std::mem::take(&mut found.candidates) {
            let is_same = |own: &Candidate| {
                own.endpoint.labels == candidate.endpoint.labels
                    && own.traffic == candidate.traffic
                    && (own.address == candidate.address
                        || !candidate.endpoint.namespace.is_empty())
            };
            match candidates.iter().any(is_same) {
                true => {}
                false if candidates.len() == MAX_CANDIDATES => {
                    found.notes.push(format!(
                        "only {MAX_CANDIDATES} kinds of pods of `{}` were checked",
                        found.shown
                    ));
                    break;
                }
                false => candidates.push(candidate),
            }
        }
        found.candidates = candidates;
        Ok(found)
    }

    /// Labels of the pods that a name means.
    pub(crate) fn labels_of(&self, target: &Target) -> Vec<Vec<String>> {
        let Ok(found) = self.find(target, &[], None, None) else { return Vec::new() };
        let labels = found.candidates.into_iter().map(|candidate| candidate.endpoint.labels);
        labels.filter(|labels| labels.iter().any(|label| !is_outside(label))).collect()
    }

    /// Ports to which flows show connections of this name, and the ports of its Service.
    pub(crate) fn traffics(&self, target: &Target, flows: &[Flow]) -> Vec<Traffic> {
        const MAX_TRAFFICS: usize = 8;
        let Ok(found) = self.find(target, &[], None, None) else { return Vec::new() };
        let mut traffics: Vec<Traffic> = Vec::new();
        let mut add = |traffic: Traffic| {
            if traffics.len() < MAX_TRAFFICS && !traffics.contains(&traffic) {
                traffics.push(traffic);
            }
        };
        if let Target::Name { namespace: Some(namespace), name, .. } = target {
            let own = |s: &&ServiceObject| s.name == *name && s.namespace == *namespace;
            for port in self.services.iter().filter(own).flat_map(|service| &service.ports) {
                add(Traffic::new(port.protocol, port.port));
            }
        }
        let is_meant = |flow: &Flow| {
            let address = flow.ip.as_ref().map_or("", |ip| ip.destination.as_str());
            let labels = flow.destination.as_ref().map(|endpoint| &endpoint.labels);
            found.candidates.iter().any(|candidate| {
                let is_pod = candidate.endpoint.labels.iter().any(|label| !is_outside(label));
                if is_pod {
                    labels == Some(&candidate.endpoint.labels)
                } else {
                    !address.is_empty() && candidate.address == address
                }
            })
        };
        for flow in flows.iter().filter(|flow| flow.reply() != Some(true) && is_meant(flow)) {
            match &flow.l4 {
                Some(Layer4::Tcp(tcp)) => add(Traffic::new(6, tcp.destination_port)),
                Some(Layer4::Udp(udp)) => add(Traffic::new(17, udp.destination_port)),
                Some(Layer4::Sctp(sctp)) => add(Traffic::new(132, sctp.destination_port)),
                _ => {}
            }
        }
        traffics
    }

    pub(super) fn of_labels(&self, namespace: &str, name: &str, written: &[String]) -> Endpoint {
        let labels = written.iter().map(|label| {
            let key = label.split_once('=').map_or(label.as_str(), |(key, _)| key);
            if key.contains(':') { label.clone() } else { format!("k8s:{label}") }
        });
        let workload = Workload { name: name.to_owned(), kind: String::new() };
        let label_of = |own: &str| {
            let own = format!("k8s:{own}=");
            written.iter().find_map(|label| {
                label.strip_prefix(&*own).or_else(|| label.strip_prefix(own.get(4..)?))
            })
        };
        let namespace = Some(namespace)
            .filter(|namespace| !namespace.is_empty())
            .or_else(|| label_of(POD_NAMESPACE))
            .unwrap_or(&self.settings.namespace);
        // A node has labels of its cluster and no namespace.
        let is_outside = written.iter().any(|label| label.starts_with("reserved:"));
        Endpoint {
            namespace: if is_outside { String::new() } else { namespace.to_owned() },
            labels: labels.collect(),
            workloads: if name.is_empty() { Vec::new() } else { vec![workload] },
            ..Endpoint::default()
        }
    }

    pub(super) fn find_address(
        &self,
        address: IpAddr,
        traffic: Option<Traffic>,
        found: &mut NamedEndpoints,
    ) {
        let text = address.to_string();
        if address.to_canonical().is_loopback() {
            found.notes.push(format!(
                "`{text}` is loopback: the endpoint depends on the pod that uses it"
            ));
            found.candidates.push(Candidate::of(Endpoint::default(), text));
            return;
        }
        if self.find_node(address, traffic, found) {
            return;
        }
        if let Some(known) = self.by_address.get(&address).and_then(|id| self.known.get(*id)) {
            found.candidates.push(Candidate {
                ports: known.ports.clone(),
                ..Candidate::of(known.endpoint.clone(), text)
            });
            return;
        }
        if let Some(service) = self.services.iter().find(|own| own.addresses.contains(&text)) {
            self.find_service(service, traffic, found);
            if found.candidates.is_empty() {
                Self::find_no_pods(service, traffic, found);
            }
            return;
        }
        if is_private(address) {
            found.notes.push(format!(
                "the endpoint with the address {text} is not in the flows or documents"
            ));
            found.candidates.push(Candidate::of(Endpoint::default(), text));
            return;
        }
        found.notes.push(format!(
            "{text} is assumed to be outside the cluster: neither flows nor documents show it"
        ));
        found.candidates.push(Candidate::of(self.world(address.is_ipv4()), text));
    }

    pub(super) fn world(&self, is_ipv4: bool) -> Endpoint {
        let label = format!("reserved:{}", self.settings.world_of(is_ipv4));
        Endpoint { labels: vec![label], ..Endpoint::default() }
    }

    /// Namespace and name of the pod or Service that a DNS name means: `product-service.pets` where
    /// one of the two is known, and `db-0.db.pets.svc.cluster.local`, a known pod's own name.
    fn in_cluster<'d>(&self, dns: &'d str) -> Option<(&'d str, &'d str)> {
        let dns = dns.trim_end_matches('.');
        let own = dns.strip_suffix(CLUSTER_DOMAIN).and_then(|own| own.strip_suffix('.'));
        let own = own.or_else(|| dns.strip_suffix(".svc")).unwrap_or(dns);
        let mut parts = own.split('.');
        let (name, second) = (parts.next()?, parts.next()?);
        let Some(namespace) = parts.next() else {
            // A name with addresses recorded under exactly this text is external.
            let is_inside = self.is_known(name, second)
                || (self.is_namespace(second) && !self.by_name.contains_key(dns));
            return is_inside.then_some((second, name));
        };
        let is_pod = |known: &KnownEndpoint| {
            namespace_of(&known.endpoint) == namespace && known.endpoint.pod_name == name
        };
        let is_known = parts.next().is_none() && self.known.iter().any(is_pod);
        is_known.then_some((namespace, name))
    }

    /// Whether a pod, a workload or a Service has the name.
    fn is_known(&self, name: &str, namespace: &str) -> bool {
        let is_pod = |known: &KnownEndpoint| {
            namespace_of(&known.endpoint) == namespace && is_called(&known.endpoint, name)
        };
        let is_service = self.services.iter().any(|s| s.name == name && s.namespace == namespace)
            || self
                .recorded_services
                .iter()
                .any(|(service, _)| service.name == name && service.namespace == namespace);
        is_service || self.known.iter().any(is_pod)
    }

    fn find_in(
        &self,
        namespace: String,
        (name, dns): (&str, Option<&str>),
        traffic: Option<Traffic>,
        found: &mut NamedEndpoints,
    ) {
        found.shown = format!("{namespace}/{name}");
        self.find_pods(&namespace, name, traffic, found);
        if let Some(written) = dns.filter(|_| traffic.is_some()) {
            let plain = written.trim_end_matches('.');
            let full = if plain.contains(".svc.") {
                plain.to_owned()
            } else {
                format!("{}.{CLUSTER_DOMAIN}", plain.trim_end_matches(".svc"))
            };
            let is_translated = found.lookup.as_ref().is_some_and(|asked| asked.is_translated);
            found.lookup = Some(LookupName { written: written.to_owned(), full, is_translated });
        }
        found.namespace = namespace;
    }

    pub(super) fn find_name(&self, dns: &str, found: &mut NamedEndpoints) {
        let name = dns.trim_end_matches('.');
        let (written, full) = (dns.to_owned(), name.to_owned());
        found.lookup = Some(LookupName { written, full, is_translated: false });
        for address in self.by_name.get(name).into_iter().flatten() {
            let known = self.by_address.get(address).and_then(|id| self.known.get(*id));
            let mut endpoint =
                known.map_or_else(|| self.world(address.is_ipv4()), |known| known.endpoint.clone());
            // The queried name replaces the names that led to the address when the flow was
            // recorded.
            if namespace_of(&endpoint).is_empty() {
                endpoint.labels.retain(|label| label.starts_with("reserved:"));
            }
            found.candidates.push(Candidate::of(endpoint, address.to_string()));
        }
        if !found.candidates.is_empty() {
            return;
        }
        if is_of_cluster(name) {
            found
                .notes
                .push(format!("the endpoint behind `{name}` is not in the flows or documents"));
            found.candidates.push(Candidate::of(Endpoint::default(), String::new()));
            return;
        }
        let unless = match name.split_once('.') {
            Some((_, last)) if !last.contains('.') => format!(", unless `{last}` is a namespace"),
            _ => String::new(),
        };
        found.notes.push(format!(
            "the addresses of `{name}` are not known; it is assumed to be a name outside the cluster{unless}"
        ));
        if self.settings.ipv4 {
            found.candidates.push(Candidate::of(self.world(true), String::new()));
        }
        if self.settings.ipv6 {
            found.candidates.push(Candidate::of(self.world(false), String::new()));
        }
    }

    /// The namespace of a name without one.
    fn namespace(&self, name: &str, near: Option<&str>) -> Result<String, AskError> {
        let mut namespaces: Vec<String> = self
            .known
            .iter()
            .filter(|known| is_called(&known.endpoint, name))
            .map(|known| namespace_of(&known.endpoint).to_owned())
            .chain(self.services.iter().filter(|s| s.name == name).map(|s| s.namespace.clone()))
            .chain(
                self.recorded_services
                    .iter()
                    .filter(|(service, _)| service.name == name)
                    .map(|(service, _)| service.namespace.clone()),
            )
            .filter(|namespace| !namespace.is_empty())
            .collect();
        sorted::sort(&mut namespaces);
        namespaces.dedup();
        let preferred = near.unwrap_or(&self.settings.namespace);
        match namespaces.as_slice() {
            [only] => Ok(only.clone()),
            [] => Ok(preferred.to_owned()),
            several if several.iter().any(|own| own == preferred) => Ok(preferred.to_owned()),
            _ => Err(AskError::Ambiguous { name: name.to_owned(), namespaces }),
        }
    }

    fn find_pods(
        &self,
        namespace: &str,
        name: &str,
        traffic: Option<Traffic>,
        found: &mut NamedEndpoints,
    ) {
        let is_pod_name = self.known.iter().any(|known| {
            known.endpoint.pod_name == name && namespace_of(&known.endpoint) == namespace
        });
        if namespace == "kube-system" && matches!(name, "kube-dns" | "coredns") {
            let (resolver, is_assumed) = self.resolver();
            if is_assumed {
                found.notes.push(ASSUMED_RESOLVER.to_owned());
                found.candidates.push(resolver);
                return;
            }
        }
        let object = self.services.iter().find(|s| s.namespace == namespace && s.name == name);
        if api_server::is_named(namespace, name) {
            found.lookup = traffic.map(|_| LookupName::of_service(namespace, name, true));
            self.find_api_server(object, traffic, found);
            return;
        }
        if !is_pod_name && traffic.is_some() {
            // A program looks up the shortest name of a Service that works.
            let is_translated =
                object.is_some_and(|own| !own.is_headless && own.external_name.is_empty());
            found.lookup = Some(LookupName::of_service(namespace, name, is_translated));
        }
        if let Some(service) = object.filter(|_| traffic.is_some()) {
            self.find_service(service, traffic, found);
            if !found.candidates.is_empty() {
                return;
            }
        }
        let of_service = self
            .recorded_services
            .iter()
            .filter(|(service, _)| service.name == name && service.namespace == namespace)
            .filter_map(|(service, id)| Some((Some(service.clone()), self.known.get(*id)?)));
        let in_namespace =
            || self.known.iter().filter(|known| namespace_of(&known.endpoint) == namespace);
        let of_workload = in_namespace()
            .filter(|known| is_called(&known.endpoint, name))
            .map(|known| (None, known));
        let mut all: Vec<(Option<Service>, &KnownEndpoint)> =
            of_service.chain(of_workload).collect();
        if all.is_empty() {
            let is_app = |known: &&KnownEndpoint| {
                ["k8s:app=", "k8s:k8s-app=", "k8s:app.kubernetes.io/name="].iter().any(|key| {
                    known.endpoint.labels.iter().any(|own| own.strip_prefix(*key) == Some(name))
                })
            };
            all = in_namespace().filter(is_app).map(|known| (None, known)).collect();
        }
        // Recorded endpoints take precedence over written ones.
        let is_recorded = all.iter().any(|(_, known)| known.is_recorded);
        for (service, known) in all.into_iter().filter(|(_, own)| own.is_recorded == is_recorded) {
            found.candidates.push(Candidate {
                ports: self.ports(known),
                service,
                ..Candidate::of(known.endpoint.clone(), known.address.clone())
            });
        }
        if let Some(service) = object.filter(|_| traffic.is_some() && found.candidates.is_empty()) {
            Self::find_no_pods(service, traffic, found);
        }
        if let Some(traffic) = traffic.filter(|_| object.is_none() && !is_pod_name) {
            let has_port = |candidate: &Candidate| {
                let mut ports = candidate.ports.iter().flatten();
                ports.any(|(_, protocol, port)| {
                    (*protocol, *port) == (traffic.protocol, traffic.port)
                })
            };
            if !found.candidates.is_empty() && !found.candidates.iter().any(has_port) {
                found.notes.push(format!(
                    "policy sees the pod's port: if {} is the port of a Service, add its document or use the pod's port",
                    traffic.port
                ));
            }
        }
    }

    /// Finds a known Service whose pods are not known.
    pub(super) fn find_no_pods(
        service: &ServiceObject,
        traffic: Option<Traffic>,
        found: &mut NamedEndpoints,
    ) {
        if !service.selector.is_empty() {
            let labels: Vec<String> =
                service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
            found.notes.push(format!(
                "the Service `{}/{}` is known, its pods (`{}`) are not: add flows of them, their Pod or Deployment documents, or their labels",
                service.namespace,
                service.name,
                labels.join(",")
            ));
        }
        let asked = |own: &&ServicePort| {
            traffic.is_some_and(|to| (own.port, own.protocol) == (to.port, to.protocol))
        };
        let behind = service.ports.iter().find(asked).and_then(|port| match &port.target {
            PodPort::Number(number) if !service.selector.is_empty() && !service.is_headless => {
                Some(Traffic::new(port.protocol, *number))
            }
            _ => None,
        });
        let namespace = service.namespace.clone();
        found.candidates.push(Candidate {
            traffic: behind,
            ..Candidate::of(Endpoint { namespace, ..Endpoint::default() }, String::new())
        });
    }

    /// The named ports of an endpoint. For a recorded endpoint, those in the document of the same
    /// pod or workload.
    fn ports(&self, known: &KnownEndpoint) -> Option<Vec<(String, u8, u16)>> {
        if known.ports.is_some() {
            return known.ports.clone();
        }
        let names = names_of(&known.endpoint);
        let is_same = |other: &&KnownEndpoint| {
            !other.is_recorded
                && namespace_of(&other.endpoint) == namespace_of(&known.endpoint)
                && names.iter().any(|name| is_called(&other.endpoint, name))
        };
        self.known.iter().find(is_same).and_then(|other| other.ports.clone())
    }

    pub(super) fn find_service(
        &self,
        service: &ServiceObject,
        traffic: Option<Traffic>,
        found: &mut NamedEndpoints,
    ) {
        let shown = format!("{}/{}", service.namespace, service.name);
        if api_server::is_named(&service.namespace, &service.name) {
            self.find_api_server(Some(service), traffic, found);
            return;
        }
        if service.selector.is_empty() {
            self.find_elsewhere(service, traffic, found);
            return;
        }
        let port = traffic.and_then(|traffic| {
            service
                .ports
                .iter()
                .find(|own| (own.port, own.protocol) == (traffic.port, traffic.protocol))
        });
        if let (Some(traffic), None, false) = (traffic, port, service.is_headless) {
            let ports: Vec<String> = service
                .ports
                .iter()
                .map(|own| Traffic::new(own.protocol, own.port).to_string())
                .collect();
            found.notes.push(format!(
                "the Service `{shown}` has no port {traffic}, it has {}: the answer is for the pods' own port {traffic}",
                ports.join(", ")
            ));
        }
        // A headless Service's name leads to its pods' addresses.
        let translated = port.filter(|_| !service.is_headless);
        if let (Some(port), Some(traffic), true) = (port, traffic, service.is_headless)
            && !matches!(port.target, PodPort::Number(number) if number == port.port)
        {
            found.notes.push(untranslated(&shown, traffic));
        }
        let is_backend = |known: &&KnownEndpoint| {
            namespace_of(&known.endpoint) == service.namespace
                && service.selector.iter().all(|(key, value)| {
                    known.endpoint.labels.contains(&format!("k8s:{key}={value}"))
                        || known.labels.iter().any(|own| (&own.0, &own.1) == (key, value))
                })
        };
        let has_recorded = self.known.iter().filter(is_backend).any(|known| known.is_recorded);
        let backends = self.known.iter().filter(is_backend);
        for known in backends.filter(|known| known.is_recorded == has_recorded) {
            let ports = self.ports(known);
            let target = translated.and_then(|port| match &port.target {
                PodPort::Number(number) => Some(*number),
                PodPort::Name(name) => ports
                    .iter()
                    .flatten()
                    .find(|(own, protocol, _)| own == name && *protocol == port.protocol)
                    .map(|(_, _, number)| *number),
            });
            if let (Some(port), None) = (translated, target)
                && let PodPort::Name(name) = &port.target
            {
                found.notes.push(format!(
                    "the number of the port `{name}` behind {}/{} of the Service `{shown}` is not known: the answer is for {}",
                    port.port,
                    Protocol::Number(port.protocol).name(),
                    port.port
                ));
            }
            let behind =
                target.zip(traffic).map(|(number, traffic)| Traffic::new(traffic.protocol, number));
            found.candidates.push(Candidate {
                ports,
                service: port.map(|_| Service {
                    name: service.name.clone(),
                    namespace: service.namespace.clone(),
                }),
                traffic: behind,
                ..Candidate::of(known.endpoint.clone(), known.address.clone())
            });
        }
    }
}
