//! Pods, Services and Namespaces among the documents, with the fields that policies depend on.

use std::net::IpAddr;

use cilium_policy::{
    Backends, Settings, SourceText,
    identity_label::POD_NAMESPACE,
    objects,
    source::{self, MAX_LISTS, Node, Value},
};
use flow::{Endpoint, Workload};
use hashbrown::HashSet;

/// Pods, Services, namespaces and nodes that the documents describe.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) pods: Vec<Pod>,
    pub(super) services: Vec<ServiceObject>,
    /// Backends of Services without a selector, with the namespaces of these Services.
    pub(super) slices: Vec<(String, Backends)>,
    /// Labels of each namespace.
    pub(super) namespaces: Vec<(String, Vec<(String, String)>)>,
    /// Addresses of nodes, from Nodes and from the pods on them.
    pub(super) nodes: HashSet<IpAddr>,
    /// Namespaces in which documents of any kind are.
    pub(super) inhabited: HashSet<String>,
}

/// A pod, or the pods of a workload.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) endpoint: Endpoint,
    /// All labels of the pod; its identity has a part of them.
    pub(super) labels: Vec<(String, String)>,
    /// Addresses of the pod, if it runs.
    pub(super) addresses: Vec<String>,
    pub(super) ports: Vec<(String, u8, u16)>,
}

/// A Service.
#[derive(Debug)]
pub(super) struct ServiceObject {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) selector: Vec<(String, String)>,
    pub(super) addresses: Vec<String>,
    pub(super) ports: Vec<ServicePort>,
    /// Whether the Service is headless, without an address of its own.
    pub(super) is_headless: bool,
    /// The external DNS name that the Service stands for.
    pub(super) external_name: String,
}

/// A port of a Service, with the port of the pods behind it.
#[derive(Debug)]
pub(super) struct ServicePort {
    pub(super) name: String,
    pub(super) protocol: u8,
    pub(super) port: u16,
    pub(super) target: PodPort,
    /// The node port of this Service port.
    pub(super) node_port: Option<u16>,
}

/// A port of a pod.
#[derive(Debug, Clone)]
pub(super) enum PodPort {
    Number(u16),
    Name(String),
}

/// Maximum number of objects of one kind.
const MAX_OBJECTS: usize = 65_536;

impl Objects {
    pub(super) fn read(texts: &[SourceText<'_>], settings: &Settings) -> Self {
        let mut objects = Self::default();
        for text in texts {
            for chunk in source::split(text.text) {
                // A document that cannot be read is refused where the policies are read.
                for node in source::read(&chunk).unwrap_or_default() {
                    objects.add(&node, settings, 0);
                }
            }
        }
        let of = |(namespace, own): &(String, Backends)| (namespace.clone(), own.service.clone());
        let sliced: HashSet<(String, String)> =
            objects.slices.iter().filter(|(_, own)| !own.is_mirrored).map(of).collect();
        objects.slices.retain(|own| !own.1.is_mirrored || !sliced.contains(&of(own)));
        objects
    }

    fn add(&mut self, node: &Node, settings: &Settings, depth: usize) {
        if depth < MAX_LISTS && node.list_of().is_some() {
            for item in node.list_at(&["items"]) {
                self.add(item, settings, depth + 1);
            }
            return;
        }
        let kind = node.get("kind").and_then(Node::as_str).unwrap_or_default();
        let name = node.text_at(&["metadata", "name"]).to_owned();
        let version = node.text_at(&["apiVersion"]);
        for address in objects::node(version, kind, node).into_iter().flat_map(|own| own.addresses)
        {
            self.add_node(address);
        }
        if kind == "Namespace" && self.namespaces.len() < MAX_OBJECTS {
            self.namespaces.push((name.clone(), node.texts_of(&["metadata", "labels"])));
            return;
        }
        let mut namespace = node.text_at(&["metadata", "namespace"]).to_owned();
        if namespace.is_empty() {
            namespace.clone_from(&settings.namespace);
        } else if self.inhabited.len() < MAX_OBJECTS && !self.inhabited.contains(&namespace) {
            self.inhabited.insert(namespace.clone());
        }
        if kind == "Service" {
            if self.services.len() < MAX_OBJECTS {
                self.services.push(service(node, namespace, name));
            }
            return;
        }
        if matches!(kind, "EndpointSlice" | "Endpoints") {
            if self.slices.len() < MAX_OBJECTS {
                let backends = Backends::read(kind, node).into_iter();
                self.slices.extend(backends.map(|own| (namespace.clone(), own)));
            }
            return;
        }
        let Some(template) = objects::template(kind).and_then(|path| node.at_path(path)) else {
            return;
        };
        let hosts = template.list_at(&["status", "hostIPs"]).iter().map(|own| own.text_at(&["ip"]));
        for host in hosts.chain([template.text_at(&["status", "hostIP"])]) {
            if let Ok(address) = host.parse() {
                self.add_node(address);
            }
        }
        if self.pods.len() < MAX_OBJECTS {
            self.pods.push(pod(template, kind, namespace, name));
        }
    }
}

impl Objects {
    fn add_node(&mut self, address: IpAddr) {
        if self.nodes.len() < MAX_OBJECTS {
            self.nodes.insert(address);
        }
    }
}

fn pod(node: &Node, kind: &str, namespace: String, name: String) -> Pod {
    let is_pod = kind == "Pod";
    let labels = if objects::is_on_host(node) {
        // The pod has the node's identity. Whether the node is the peer's own is not known here.
        vec!["reserved:host".to_owned()]
    } else {
        let mut account = node.text_at(&["spec", "serviceAccountName"]).to_owned();
        if account.is_empty() {
            account.push_str("default");
        }
        node.texts_of(&["metadata", "labels"])
            .into_iter()
            // The agent sets these labels itself and ignores the pod's.
            .filter(|(key, _)| !key.starts_with("io.cilium.k8s.") && *key != POD_NAMESPACE)
            .chain([("io.cilium.k8s.policy.serviceaccount".to_owned(), account)])
            .map(|(key, value)| format!("k8s:{key}={value}"))
            .collect()
    };
    let workload = Workload { name: name.clone(), kind: kind.to_owned() };
    let all = node.list_at(&["status", "podIPs"]).iter().map(|own| own.text_at(&["ip"]).to_owned());
    let mut addresses = vec![node.text_at(&["status", "podIP"]).to_owned()];
    addresses.extend(all.filter(|own| own != node.text_at(&["status", "podIP"])));
    Pod {
        endpoint: Endpoint {
            namespace,
            labels,
            pod_name: if is_pod { name } else { String::new() },
            workloads: if is_pod { Vec::new() } else { vec![workload] },
            ..Endpoint::default()
        },
        labels: node.texts_of(&["metadata", "labels"]),
        addresses,
        ports: objects::named_ports(node),
    }
}

fn service(node: &Node, namespace: String, name: String) -> ServiceObject {
    let ports = node
        .list_at(&["spec", "ports"])
        .iter()
        .filter_map(|own| {
            let port = own.number_at("port")?;
            let target = match own.get("targetPort").map(|node| &node.value) {
                Some(Value::String(name)) => PodPort::Name(name.clone()),
                _ => PodPort::Number(own.number_at("targetPort").unwrap_or(port)),
            };
            let name = own.text_at(&["name"]).to_owned();
            let (protocol, node_port) = (own.protocol(), own.number_at("nodePort"));
            Some(ServicePort {
                name,
                protocol,
                port,
                target,
                node_port: node_port.filter(|own| *own != 0),
            })
        })
        .collect();
    let mut addresses = vec![node.text_at(&["spec", "clusterIP"]).to_owned()];
    for field in ["clusterIPs", "externalIPs"] {
        let all = node.list_at(&["spec", field]).iter();
        addresses.extend(all.filter_map(Node::as_str).map(str::to_owned));
    }
    for ingress in node.list_at(&["status", "loadBalancer", "ingress"]) {
        addresses.push(ingress.text_at(&["ip"]).to_owned());
    }
    // Cilium gives a headless Service no frontend, whatever addresses it names. Source:
    // pkg/loadbalancer/reflectors/conversions.go `isHeadless`.
    let is_headless = node.text_at(&["spec", "clusterIP"]).eq_ignore_ascii_case("none");
    let is_labelled = node.at_path(&["metadata", "labels", "service.kubernetes.io/headless"]);
    addresses.retain(|address| !address.is_empty() && !is_headless && is_labelled.is_none());
    ServiceObject {
        namespace,
        name,
        selector: node.texts_of(&["spec", "selector"]),
        addresses,
        ports,
        is_headless,
        external_name: node.text_at(&["spec", "externalName"]).to_ascii_lowercase(),
    }
}
