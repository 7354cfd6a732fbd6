//! Services, and the selection of `toServices`: the pods of the Service's own selector, or else the
//! addresses of its `EndpointSlices` or `Endpoints`. Source: `pkg/policy/k8s/service.go`.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::{
    backends::Backends,
    selector::{CLUSTER, POD_NAMESPACE, Spelled, cidr_text, k8s},
};
use crate::{
    Entry, EntryId, Label, Operator, Peer, PeerMatcher, Peers, Prefix, Selector, ServiceSelector,
    Settings,
    dated::Dated,
    ids::Id,
    source::{Node, Value},
};

/// A Service with the facts that policies need.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Service {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The Service's own labels.
    pub labels: Vec<Label>,
    /// The labels of its pods; if empty, `EndpointSlices` hold its addresses.
    pub selector: Vec<(String, String)>,
    /// The addresses of its `EndpointSlices`, or else of its `Endpoints`; `None` if neither is
    /// loaded.
    pub backends: Option<Vec<IpAddr>>,
    /// The last changes of the Service and of its relevant slices, each with the index of the
    /// source text.
    pub(crate) dated: Vec<(usize, Dated)>,
}

/// The `EndpointSlices` of one Service, or its `Endpoints`.
#[derive(Debug, Default)]
struct Slices {
    addresses: Vec<IpAddr>,
    dated: Vec<(usize, Dated)>,
}

/// The Services found so far: slices may precede their Service.
#[derive(Debug, Default)]
pub(super) struct Services {
    named: HashMap<(String, String), Service>,
    slices: HashMap<(String, String), Slices>,
    /// The `Endpoints` that the cluster mirrors to slices: they count where no slice is loaded.
    mirrored: HashMap<(String, String), Slices>,
}

impl Services {
    /// Stores the Service facts of a document, which remains an object other than a policy.
    pub(super) fn add(
        &mut self,
        (api_version, kind): (&str, &str),
        node: &Node,
        within: &str,
        source: usize,
    ) {
        let key = |name: &str| {
            let namespace = node.text_at(&["metadata", "namespace"]);
            let namespace = if namespace.is_empty() { within } else { namespace };
            (namespace.to_owned(), name.to_owned())
        };
        match (api_version, kind) {
            ("v1", "Service") => {
                let (namespace, name) = key(node.text_at(&["metadata", "name"]));
                let labels = node.texts_of(&["metadata", "labels"]).into_iter();
                let labels = labels.map(|(key, value)| Label { key, value, source: "k8s".into() });
                let service = Service {
                    namespace: namespace.clone(),
                    name: name.clone(),
                    labels: labels.collect(),
                    selector: node.texts_of(&["spec", "selector"]),
                    backends: None,
                    dated: vec![(source, Dated::of_object(node))],
                };
                // A cluster holds one object of a name: the later one replaces the earlier.
                self.named.insert((namespace, name), service);
            }
            ("discovery.k8s.io/v1", "EndpointSlice") | ("v1", "Endpoints") => {
                for backends in Backends::read(kind, node) {
                    let kept =
                        if backends.is_mirrored { &mut self.mirrored } else { &mut self.slices };
                    let slices = kept.entry(key(&backends.service)).or_default();
                    slices.dated.push((source, Dated::of_object(node)));
                    if !backends.ports.is_empty() {
                        let addresses = backends.addresses.iter();
                        slices
                            .addresses
                            .extend(addresses.filter_map(|own| own.parse::<IpAddr>().ok()));
                    }
                }
            }
            _ => {}
        }
    }

    /// The Services, sorted by name.
    pub(super) fn finish(mut self) -> Vec<Service> {
        let mut services: Vec<Service> = self.named.into_values().collect();
        for service in &mut services {
            let key = (service.namespace.clone(), service.name.clone());
            let slices = self.slices.remove(&key).or_else(|| self.mirrored.remove(&key));
            let Some(slices) = slices else { continue };
            service.backends = Some(slices.addresses);
            // The agent ignores slices where the Service has a selector.
            if service.selector.is_empty() {
                service.dated.extend(slices.dated);
            }
        }
        crate::sorted::sort_by(&mut services, |one, other| {
            (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name))
        });
        services
    }
}

/// The limit of Services checked and peers made, for all rules together.
const MAX_STEPS: usize = 1 << 18;

/// Replaces `toServices` by the selected peers; Services that are not loaded stay unresolved.
/// Returns each resolved entry with the indices of its Services.
pub(super) fn resolve(
    entries: &mut [Entry],
    services: &[Service],
    settings: &Settings,
) -> Vec<(EntryId, usize)> {
    let mut by_service = Vec::new();
    if services.is_empty() {
        return by_service;
    }
    let mut steps = 0_usize;
    for (index, entry) in entries.iter_mut().enumerate() {
        let Peers::Any(peers) = &mut entry.peers else { continue };
        if !peers.iter().any(|peer| matches!(peer.matcher, PeerMatcher::Service(_))) {
            continue;
        }
        let mut found = Vec::new();
        for peer in peers.drain(..) {
            let own = match &peer.matcher {
                PeerMatcher::Service(selector) if steps < MAX_STEPS => {
                    steps = steps.saturating_add(services.len());
                    let meant = services.iter().zip(0..).filter(|(own, _)| selector.selects(own));
                    by_service.extend(meant.map(|(_, service)| (EntryId::new(index), service)));
                    peers_of(selector, &peer, services, settings)
                }
                _ => None,
            };
            steps = steps.saturating_add(own.as_ref().map_or(0, Vec::len));
            match own {
                Some(own) => found.extend(own),
                None => found.push(peer),
            }
        }
        // Services without backends leave a rule without peers, as if the rule listed no peers.
        entry.peers = if found.is_empty() { Peers::Absent } else { Peers::Any(found) };
    }
    by_service
}

/// The peers of the selected Services. `None` if none of them is loaded, or if one lacks the slices
/// that it needs.
fn peers_of(
    selector: &ServiceSelector,
    peer: &Peer,
    services: &[Service],
    settings: &Settings,
) -> Option<Vec<Peer>> {
    let mut peers = Vec::new();
    let mut is_found = false;
    for service in services.iter().filter(|service| selector.selects(service)) {
        is_found = true;
        let new = |matcher, text| Peer { at: peer.at, field: peer.field, matcher, text };
        if service.selector.is_empty() {
            let is_enabled =
                |own: &&IpAddr| if own.is_ipv4() { settings.ipv4 } else { settings.ipv6 };
            for address in service.backends.as_ref()?.iter().filter(is_enabled) {
                let prefix = Prefix::of_address(*address);
                let matcher = PeerMatcher::Cidr { prefix, except: Vec::new() };
                peers.push(new(matcher, cidr_text(&prefix.to_string(), &[]).into()));
            }
            continue;
        }
        let mut requirements = Vec::new();
        let mut spelled = Spelled::default();
        let mut want = |key: &str, value: &str| {
            requirements.push(k8s(key, Operator::In(vec![value.to_owned()])));
            spelled.label(format!("k8s:{key}"), value);
        };
        for (key, value) in service.selector.iter().filter(|(key, _)| key != POD_NAMESPACE) {
            want(key, value);
        }
        want(POD_NAMESPACE, &service.namespace);
        if let Some(cluster) = settings.selected_cluster()
            && !service.selector.iter().any(|(key, _)| key == CLUSTER)
        {
            want(CLUSTER, cluster);
        }
        let matcher = PeerMatcher::Labels(Selector::new(requirements));
        peers.push(new(matcher, spelled.into_text().into()));
    }
    is_found.then_some(peers)
}

impl ServiceSelector {
    fn selects(&self, service: &Service) -> bool {
        let is_within = |namespace: &str| namespace.is_empty() || namespace == service.namespace;
        match self {
            Self::Name { namespace, name } => is_within(namespace) && *name == service.name,
            // The Service's own labels count, whatever the source of a key.
            Self::Labels { namespace, selector } => {
                is_within(namespace) && selector.matches(&service.labels)
            }
        }
    }
}

impl Node {
    /// The node at a path of keys.
    #[must_use]
    pub fn at_path(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The text at a path of keys; empty if absent.
    #[must_use]
    pub fn text_at(&self, path: &[&str]) -> &str {
        self.at_path(path).and_then(Self::as_str).unwrap_or_default()
    }

    /// The list at a path of keys; empty if absent.
    #[must_use]
    pub fn list_at(&self, path: &[&str]) -> &[Self] {
        match self.at_path(path).map(|node| &node.value) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// The keys and texts of the map at a path of keys.
    #[must_use]
    pub fn texts_of(&self, path: &[&str]) -> Vec<(String, String)> {
        match self.at_path(path).map(|node| &node.value) {
            Some(Value::Map(entries)) => entries
                .iter()
                .filter_map(|(key, value)| Some((key.name.clone(), value.as_str()?.to_owned())))
                .collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Documents, Refused, SourceText};
    use super::*;

    const SERVICES: &str = "
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop, labels: {tier: front}}
  spec: {selector: {app: web}}
- apiVersion: v1
  kind: Service
  metadata: {name: bank, namespace: shop, labels: {tier: back}}
  spec: {ports: [{port: 443}]}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: bank-1, namespace: shop, labels: {kubernetes.io/service-name: bank}}
  ports: [{port: 443}]
  endpoints: [{addresses: [20.1.1.1]}, {addresses: [20.1.1.2], conditions: {ready: false}}]
- apiVersion: v1
  kind: Service
  metadata: {name: open, namespace: shop, labels: {tier: odd}}
  spec: {}
- apiVersion: v1
  kind: Service
  metadata: {name: idle, namespace: shop, labels: {tier: none}}
  spec: {}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: idle-1, namespace: shop, labels: {kubernetes.io/service-name: idle}}
  ports: []
- apiVersion: v1
  kind: Service
  metadata: {name: gate, namespace: shop, labels: {tier: gate}}
  spec: {type: LoadBalancer, ports: [{port: 443}]}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: gate-1, namespace: shop, labels: {kubernetes.io/service-name: gate}}
  ports: [{port: 9999}]
  endpoints: [{addresses: [192.192.192.192]}]
- apiVersion: v1
  kind: Service
  metadata: {name: old, namespace: shop}
  spec: {ports: [{port: 5432}]}
- apiVersion: v1
  kind: Endpoints
  metadata: {name: old, namespace: shop}
  subsets:
  - {addresses: [{ip: 20.2.2.1}], notReadyAddresses: [{ip: 20.2.2.2}], ports: [{port: 5432}]}
  - {addresses: [{ip: 20.2.2.3}]}
- apiVersion: v1
  kind: Service
  metadata: {name: both, namespace: shop}
  spec: {ports: [{port: 5432}]}
- apiVersion: v1
  kind: Endpoints
  metadata: {name: both, namespace: shop}
  subsets: [{addresses: [{ip: 20.3.3.9}], ports: [{port: 5432}]}]
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: both-1, namespace: shop, labels: {kubernetes.io/service-name: both}}
  ports: [{port: 5432}]
  endpoints: [{addresses: [20.3.3.1]}]
- apiVersion: v1
  kind: Service
  metadata: {name: apart, namespace: shop}
  spec: {ports: [{port: 5432}]}
- apiVersion: v1
  kind: Endpoints
  metadata: {name: apart, namespace: shop, labels: {endpointslice.kubernetes.io/skip-mirror: 'true'}}
  subsets: [{addresses: [{ip: 20.4.4.1}], ports: [{port: 5432}]}]
- apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: other, labels: {tier: front}}
  spec: {selector: {app: other, io.cilium.k8s.policy.cluster: west}}
---
";

    /// Checks the resulting peers of a rule; empty for a rule without peers.
    fn check(list: &str, services: &str, expect: &[&str]) {
        let text = format!(
            "{SERVICES}apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: pets}}\nspec:\n  endpointSelector: {{}}\n  {list}:\n  - toServices: [{services}]\n"
        );
        let texts = [SourceText { index: 0, text: &text }];
        let settings = Settings { default_local_cluster: Some(true), ..Settings::default() };
        let documents = Documents::read(&texts, &settings);
        let is_foreign = |refused: &Refused| !refused.refusal.class.is_error();
        assert!(documents.refused.iter().all(is_foreign), "{:?}", documents.refused);
        let peers: Vec<String> = match documents.entries.first().map(|entry| &entry.peers) {
            Some(Peers::Any(peers)) => peers.iter().map(|peer| peer.matcher.to_string()).collect(),
            _ => Vec::new(),
        };
        assert_eq!(peers, expect, "{services}");
    }

    const WEB: &str = "k8s:app=web, k8s:io.cilium.k8s.policy.cluster=default, k8s:io.kubernetes.pod.namespace=shop";
    const OTHER: &str = "k8s:app=other, k8s:io.cilium.k8s.policy.cluster=west, k8s:io.kubernetes.pod.namespace=other";

    #[test]
    fn names_and_labels_select_services() {
        let by_name = |name: &str| format!("{{k8sService: {{serviceName: {name}}}}}");
        let in_shop =
            |name: &str| format!("{{k8sService: {{serviceName: {name}, namespace: shop}}}}");
        check("egress", &in_shop("web"), &[WEB]);
        // Without a namespace, it selects the Services of that name in all namespaces.
        check("egress", &by_name("web"), &[OTHER, WEB]);
        check("egress", &in_shop("bank"), &["20.1.1.1/32", "20.1.1.2/32"]);
        check("egress", &in_shop("idle"), &[]);
        // The placeholder for missing backends, and the address of a Gateway, are dropped.
        check("egress", &in_shop("gate"), &[]);
        // `Endpoints` count where no slice is loaded, unless the cluster does not mirror them.
        check("egress", &in_shop("old"), &["20.2.2.1/32", "20.2.2.2/32"]);
        check("egress", &in_shop("both"), &["20.3.3.1/32"]);
        check("egress", &in_shop("apart"), &["Service shop/apart"]);
        // Without its slices, the backends are unknown.
        check("egress", &in_shop("open"), &["Service shop/open"]);
        check("egress", &in_shop("lost"), &["Service shop/lost"]);
        let by_tier = |tier: &str, namespace: &str| {
            format!(
                "{{k8sServiceSelector: {{selector: {{matchLabels: {{'any:tier': {tier}}}}}{namespace}}}}}"
            )
        };
        check("egress", &by_tier("front", ""), &[OTHER, WEB]);
        check("egress", &by_tier("front", ", namespace: shop"), &[WEB]);
        check("egress", &by_tier("back", ""), &["20.1.1.1/32", "20.1.1.2/32"]);
        check("egress", &by_tier("new", ""), &["Services with any:tier=new"]);
    }

    #[test]
    fn a_deny_rule_never_asks_for_services() {
        check("egressDeny", "{k8sService: {serviceName: web, namespace: shop}}", &[]);
    }
}
