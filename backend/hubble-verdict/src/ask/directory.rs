//! Known endpoints: from flows, from documents, and from labels written with the question.

use std::net::IpAddr;

use cilium_policy::{
    Backends, Settings, SourceText, Traffic, identity_label, identity_label::POD_NAMESPACE, sorted,
};
use flow::{Endpoint, Flow, Layer4, Service, TrafficDirection};
use hashbrown::{HashMap, HashSet};

use super::{
    objects::{Objects, ServiceObject},
    target::CLUSTER_DOMAIN,
};
use crate::{Learned, lookup::SearchLists};

mod api_server;
mod elsewhere;
mod find;
mod nodes;

pub(super) use find::ASSUMED_RESOLVER;

/// All endpoints that flows and documents show.
#[derive(Debug, Default)]
pub struct Directory {
    settings: Settings,
    /// Endpoints; those of flows come first.
    known: Vec<KnownEndpoint>,
    by_address: HashMap<IpAddr, usize>,
    /// Addresses by the name that led to them.
    by_name: HashMap<String, Vec<IpAddr>>,
    /// Services in flows, with their pods.
    recorded_services: Vec<(Service, usize)>,
    /// Resolvers, with the number of queries each received.
    resolvers: Vec<(usize, usize)>,
    services: Vec<ServiceObject>,
    slices: Vec<(String, Backends)>,
    /// Labels of namespaces, in the form in which their pods carry them.
    namespaces: Vec<(String, Vec<String>)>,
    /// Addresses of nodes in documents.
    nodes: HashSet<IpAddr>,
    /// Namespaces in which documents are.
    inhabited: HashSet<String>,
    pub(super) learned: Learned,
    pub(super) lists: SearchLists,
}

#[derive(Debug, Clone)]
struct KnownEndpoint {
    endpoint: Endpoint,
    address: String,
    ports: Option<Vec<(String, u8, u16)>>,
    /// Labels of the endpoint's document, those left out of its identity included.
    labels: Vec<(String, String)>,
    is_recorded: bool,
}

/// An endpoint that a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) endpoint: Endpoint,
    pub(super) address: String,
    /// Named ports; `None` where not all are known.
    pub(super) ports: Option<Vec<(String, u8, u16)>>,
    pub(super) service: Option<Service>,
    /// Protocol and port of the backend, for a connection to a Service.
    pub(super) traffic: Option<Traffic>,
}

/// A name to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LookupName {
    /// The name that the program passes to its resolver; a dot at its end prevents extension by the
    /// search list.
    pub(super) written: String,
    /// The full name that has an answer.
    pub(super) full: String,
    /// Whether the answer is a Service's address, which policies never see.
    pub(super) is_translated: bool,
}

impl LookupName {
    /// The full name of a Service or pod.
    fn of_service(namespace: &str, name: &str, is_translated: bool) -> Self {
        let full = format!("{name}.{namespace}.{CLUSTER_DOMAIN}");
        Self { written: format!("{full}."), full, is_translated }
    }

    /// Names by which the agent knows the address.
    pub(super) fn names(&self) -> Vec<String> {
        if self.is_translated { Vec::new() } else { vec![self.full.clone()] }
    }
}

/// Endpoints that a name means, with notes on them.
#[derive(Debug, Default)]
pub(super) struct NamedEndpoints {
    pub(super) shown: String,
    pub(super) namespace: String,
    pub(super) candidates: Vec<Candidate>,
    /// The name to look up to reach them.
    pub(super) lookup: Option<LookupName>,
    pub(super) notes: Vec<String>,
}

/// The reason why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// A name that exists in several namespaces.
    #[error("`{name}` is in several namespaces: write one of {}", list(.namespaces, .name))]
    Ambiguous {
        /// The name.
        name: String,
        /// The namespaces.
        namespaces: Vec<String>,
    },
}

/// Maximum number of endpoints.
const MAX_KNOWN: usize = 65_536;
/// Maximum number of endpoints under one name of a question.
pub(super) const MAX_CANDIDATES: usize = 8;
/// Cilium's labels of a pod's namespace.
const NAMESPACE_LABELS: &str = "k8s:io.cilium.k8s.namespace.labels.";
/// Namespaces of every cluster. Source: Kubernetes, "Initial namespaces".
const EVERYWHERE: &[&str] = &["default", "kube-system", "kube-public"];
const ACCOUNT: &str = "k8s:io.cilium.k8s.policy.serviceaccount=";

impl Directory {
    /// The resolver, and whether it is an assumption.
    pub(in crate::ask) fn resolver(&self) -> (Candidate, bool) {
        let most_asked = self.resolvers.iter().max_by_key(|(_, count)| *count);
        let is_dns = |known: &&KnownEndpoint| {
            known.endpoint.namespace == "kube-system"
                && known.endpoint.labels.iter().any(|label| label == "k8s:k8s-app=kube-dns")
        };
        let known = most_asked
            .and_then(|(id, _)| self.known.get(*id))
            .or_else(|| self.known.iter().find(is_dns));
        if let Some(known) = known {
            return (Candidate::of(known.endpoint.clone(), known.address.clone()), false);
        }
        let labels = vec!["k8s-app=kube-dns".to_owned()];
        let endpoint = self.complete(self.of_labels("kube-system", "kube-dns", &labels));
        (Candidate::of(endpoint, String::new()), true)
    }

    /// Endpoints that documents and flows show.
    #[must_use]
    pub fn of(texts: &[SourceText<'_>], flows: &[Flow], settings: &Settings) -> Self {
        let mut directory = Self { settings: settings.clone(), ..Self::default() };
        directory.learned = Learned::from_flows(flows);
        directory.lists = SearchLists::of_flows(flows.iter());
        let mut ids: HashMap<(&str, &str, &[String]), usize> = HashMap::new();
        for flow in flows {
            directory.learn(flow, &mut ids);
        }
        let objects = Objects::read(texts, settings);
        let kept = KeptLabels::of(&directory.known);
        for (name, labels) in objects.namespaces {
            directory.namespaces.retain(|(own, _)| *own != name);
            let mut own: Vec<String> = labels
                .into_iter()
                .map(|(key, value)| format!("{NAMESPACE_LABELS}{key}={value}"))
                .collect();
            let by_name = format!("{NAMESPACE_LABELS}kubernetes.io/metadata.name={name}");
            if !own.contains(&by_name) {
                own.push(by_name);
            }
            own.retain(|label| kept.is_kept(label));
            directory.namespaces.push((name, own));
        }
        for mut pod in objects.pods {
            pod.endpoint.labels.retain(|label| kept.is_kept(label));
            let endpoint = directory.complete(pod.endpoint);
            let id = directory.known.len();
            for address in pod.addresses.iter().filter_map(|own| own.parse().ok()) {
                directory.by_address.entry(address).or_insert(id);
            }
            let mut known = KnownEndpoint {
                endpoint,
                address: pod.addresses.into_iter().next().unwrap_or_default(),
                ports: Some(pod.ports),
                labels: pod.labels,
                is_recorded: false,
            };
            if known.endpoint.labels == ["reserved:host"] {
                // The node of the peer is not known.
                let mut elsewhere = known.clone();
                elsewhere.endpoint.labels = vec!["reserved:remote-node".to_owned()];
                directory.known.push(known);
                known = elsewhere;
            }
            directory.known.push(known);
        }
        directory.services = objects.services;
        directory.slices = objects.slices;
        directory.nodes = objects.nodes;
        directory.inhabited = objects.inhabited;
        directory
    }

    fn learn<'f>(
        &mut self,
        flow: &'f Flow,
        ids: &mut HashMap<(&'f str, &'f str, &'f [String]), usize>,
    ) {
        let ip = flow.ip.as_ref();
        let endpoints = [
            (
                &flow.source,
                ip.map_or("", |ip| &*ip.source),
                &flow.source_names,
                &flow.source_service,
            ),
            (
                &flow.destination,
                ip.map_or("", |ip| &*ip.destination),
                &flow.destination_names,
                &flow.destination_service,
            ),
        ];
        let mut at = [None; 2];
        for ((endpoint, address, names, service), slot) in endpoints.into_iter().zip(&mut at) {
            let Some(endpoint) = endpoint else { continue };
            if endpoint.labels.is_empty() {
                continue;
            }
            let parsed: Option<IpAddr> = address.parse().ok();
            let is_pod = endpoint.labels.iter().any(|label| !is_outside(label));
            // Addresses of the world differ in little besides the address.
            let pod_name = if is_pod { &*endpoint.pod_name } else { address };
            let key = (namespace_of(endpoint), pod_name, endpoint.labels.as_slice());
            let id = match ids.get(&key) {
                Some(id) => *id,
                None if self.known.len() < MAX_KNOWN => {
                    let id = self.known.len();
                    ids.insert(key, id);
                    self.known.push(KnownEndpoint {
                        endpoint: endpoint.clone(),
                        address: address.to_owned(),
                        ports: None,
                        labels: Vec::new(),
                        is_recorded: true,
                    });
                    self.learn_namespace(endpoint);
                    id
                }
                None => continue,
            };
            *slot = Some(id);
            if let Some(address) = parsed {
                self.by_address.entry(address).or_insert(id);
                for name in names.iter().filter(|_| !is_pod) {
                    self.add_name(name, address);
                }
            }
            if let Some(service) = service.as_ref().filter(|own| is_pod && !own.name.is_empty())
                && !self.recorded_services.iter().any(|(own, known)| own == service && *known == id)
                && self.recorded_services.len() < MAX_KNOWN
            {
                self.recorded_services.push((service.clone(), id));
            }
        }
        if let Some(flow::L7Record::Dns(dns)) = flow.l7.as_ref().and_then(|l7| l7.record.as_ref()) {
            for address in dns.ips.iter().filter_map(|ip| ip.parse().ok()) {
                self.add_name(&dns.query, address);
            }
        }
        let is_query = matches!(
            &flow.l4,
            Some(Layer4::Udp(udp)) if udp.destination_port == 53
        ) && flow.traffic_direction == TrafficDirection::Egress
            && flow.reply() != Some(true);
        if let Some(id) = at[1].filter(|_| is_query) {
            sorted::update(&mut self.resolvers, id, |count| *count += 1);
        }
    }

    fn add_name(&mut self, name: &str, address: IpAddr) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if self.by_name.len() >= MAX_KNOWN && !self.by_name.contains_key(&name) {
            return;
        }
        let addresses = self.by_name.entry(name).or_default();
        if addresses.len() < MAX_CANDIDATES && !addresses.contains(&address) {
            addresses.push(address);
        }
    }

    fn learn_namespace(&mut self, endpoint: &Endpoint) {
        let namespace = namespace_of(endpoint);
        if namespace.is_empty() || self.namespaces.iter().any(|(own, _)| own == namespace) {
            return;
        }
        let is_own = |label: &&String| label.starts_with(NAMESPACE_LABELS);
        let labels: Vec<String> = endpoint.labels.iter().filter(is_own).cloned().collect();
        if !labels.is_empty() {
            self.namespaces.push((namespace.to_owned(), labels));
        }
    }

    fn is_namespace(&self, name: &str) -> bool {
        EVERYWHERE.contains(&name)
            || self.inhabited.contains(name)
            || self.namespaces.iter().any(|(own, _)| own == name)
            || self.known.iter().any(|known| namespace_of(&known.endpoint) == name)
    }

    /// The endpoint with the labels of its namespace. An endpoint without the namespace label is
    /// one whose labels are not all known.
    fn complete(&self, mut endpoint: Endpoint) -> Endpoint {
        let is_pod = endpoint.labels.iter().any(|label| !is_outside(label));
        let known = self.namespaces.iter().find(|(own, _)| *own == endpoint.namespace);
        if let Some((namespace, labels)) = known.filter(|_| is_pod) {
            for label in labels {
                if !endpoint.labels.contains(label) {
                    endpoint.labels.push(label.clone());
                }
            }
            if endpoint.labels.iter().any(|label| label.starts_with(ACCOUNT)) {
                endpoint.labels.push(format!("k8s:{POD_NAMESPACE}={namespace}"));
            }
        }
        endpoint
    }
}

impl Candidate {
    pub(super) fn of(endpoint: Endpoint, address: String) -> Self {
        Self { endpoint, address, ports: None, service: None, traffic: None }
    }

    /// Whether a policy of this cluster can select the endpoint.
    pub(super) fn is_subject(&self) -> bool {
        let is_own = |label: &String| {
            let is_node = matches!(label.as_str(), "reserved:host" | "reserved:remote-node");
            is_node || !is_outside(label)
        };
        self.endpoint.labels.is_empty() || self.endpoint.labels.iter().any(is_own)
    }
}

/// Label keys that identities include: the agent's default, and the recorded ones.
struct KeptLabels(HashSet<String>);

impl KeptLabels {
    fn of(known: &[KnownEndpoint]) -> Self {
        let labels = known.iter().flat_map(|known| &known.endpoint.labels);
        Self(labels.map(|label| key_of(label).to_owned()).collect())
    }

    fn is_kept(&self, label: &str) -> bool {
        let key = key_of(label);
        !label.starts_with("k8s:") || identity_label::is_kept(key) || self.0.contains(key)
    }
}

/// Key of a label, without the label's source.
fn key_of(label: &str) -> &str {
    let label = label.strip_prefix("k8s:").unwrap_or(label);
    label.split_once('=').map_or(label, |(key, _)| key)
}

/// Whether a label belongs to an endpoint that is not a pod.
fn is_outside(label: &str) -> bool {
    ["reserved:", "cidr:", "fqdn:", "cidrgroup:"].iter().any(|source| label.starts_with(source))
}

pub(crate) fn namespace_of(endpoint: &Endpoint) -> &str {
    if !endpoint.namespace.is_empty() {
        return &endpoint.namespace;
    }
    let label = |label: &'_ String| -> bool {
        label.strip_prefix("k8s:").is_some_and(|rest| rest.starts_with(POD_NAMESPACE))
    };
    let found = endpoint.labels.iter().find(|own| label(own));
    found.and_then(|own| own.split_once('=')).map_or("", |(_, namespace)| namespace)
}

fn names_of(endpoint: &Endpoint) -> Vec<&str> {
    let workloads = endpoint.workloads.iter().map(|workload| workload.name.as_str());
    workloads.chain([endpoint.pod_name.as_str()]).filter(|name| !name.is_empty()).collect()
}

fn is_called(endpoint: &Endpoint, name: &str) -> bool {
    names_of(endpoint).contains(&name)
}

/// Whether an address may be one of the cluster's own. Source: RFC 1918, RFC 6598, RFC 4193.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(v6) => v6.segments().first().is_some_and(|first| first & 0xfe00 == 0xfc00),
    }
}

fn list(namespaces: &[String], name: &str) -> String {
    let all: Vec<String> = namespaces.iter().map(|own| format!("`{own}/{name}`")).collect();
    all.join(", ")
}
