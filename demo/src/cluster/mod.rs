//! The simulated cluster as Cilium sees it: nodes, endpoints with their identities, services, and
//! hosts of the outside world. It does not change after the start.

mod pods;
mod world;

use std::collections::HashMap;
use std::net::Ipv4Addr;

pub(crate) use world::ExternalHost;

/// Cilium's cluster name; also the `cluster` label of the metrics.
pub(crate) const CLUSTER_NAME: &str = "aks-pets";

/// Index of a node in [`Cluster::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) u8);

/// Index of an endpoint in [`Cluster::endpoints`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EndpointId(pub(crate) u16);

/// Index of a service in [`Cluster::services`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ServiceId(pub(crate) u8);

/// Index of an external host in [`Cluster::hosts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct HostId(pub(crate) u8);

/// A Kubernetes node with its Cilium agent.
#[derive(Debug)]
pub(crate) struct Node {
    /// Kubernetes node name, as in the metrics' `instance` label.
    pub(crate) name: String,
    /// `cluster/node`, as Hubble writes `node_name`.
    pub(crate) absolute_name: String,
    pub(crate) ip: Ipv4Addr,
    pub(crate) labels: Vec<String>,
    /// `reserved:host`: the node for itself.
    pub(crate) host: EndpointId,
    /// `reserved:remote-node`: the node for other nodes.
    pub(crate) remote: EndpointId,
    /// `reserved:health`: the endpoint that cilium-health probes.
    pub(crate) health: EndpointId,
}

/// Kind of an endpoint. Only pods have policies, workloads and an endpoint id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndpointKind {
    Pod,
    Host,
    RemoteNode,
    Health,
    World,
    KubeApiServer,
    /// A service address before translation: no identity.
    Frontend(ServiceId),
    /// An address that no longer belongs to anything.
    Unroutable,
    /// A link-local or multicast IPv6 address of a cluster without IPv6.
    LinkLocal,
}

/// Kubernetes workload of a pod: `Deployment`, `StatefulSet`, `DaemonSet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

/// An endpoint of a flow.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) kind: EndpointKind,
    /// Node of the endpoint; `None` outside the cluster.
    pub(crate) node: Option<NodeId>,
    /// Cilium's endpoint id, local to its node; 0 if the endpoint has none.
    pub(crate) local_id: u32,
    /// Security identity: reserved below 256, cluster-wide from 256, local from 2^24.
    pub(crate) identity: u32,
    pub(crate) namespace: &'static str,
    pub(crate) pod: String,
    pub(crate) workload: Option<Workload>,
    /// Identity labels, sorted as Hubble sorts them.
    pub(crate) labels: Vec<String>,
    /// Cluster name, from the label `io.cilium.k8s.policy.cluster`; empty for reserved identities.
    pub(crate) cluster: &'static str,
    pub(crate) ip: String,
    pub(crate) mac: String,
}

impl Endpoint {
    /// `namespace/pod`, Hubble's pod context; empty for endpoints other than pods.
    pub(crate) fn pod_context(&self) -> String {
        if self.pod.is_empty() { String::new() } else { format!("{}/{}", self.namespace, self.pod) }
    }

    /// Name of the workload; empty without one.
    pub(crate) fn workload_name(&self) -> &str {
        self.workload.as_ref().map_or("", |workload| &workload.name)
    }
}

/// A Kubernetes service with a `ClusterIP`.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) cluster_ip: Ipv4Addr,
    pub(crate) port: u16,
    pub(crate) target_port: u16,
    pub(crate) backends: Vec<EndpointId>,
    /// The address before translation, as socket load balancing reports it.
    pub(crate) frontend: EndpointId,
}

/// The cluster and its surroundings.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) services: Vec<Service>,
    pub(crate) hosts: Vec<ExternalHost>,
    /// Addresses of customers outside the cluster.
    pub(crate) customers: Vec<EndpointId>,
    /// Endpoints of packets that cannot be routed or parsed.
    pub(crate) stray: Stray,
    pub(crate) kube_apiserver: EndpointId,
    /// Azure's resolver, to which the cluster's DNS forwards.
    pub(crate) upstream_dns: EndpointId,
    workloads: HashMap<&'static str, Vec<EndpointId>>,
}

/// Endpoints of packets that the datapath drops without a policy.
#[derive(Debug, Clone)]
pub(crate) struct Stray {
    /// Address of a deleted pod.
    pub(crate) former_pod: EndpointId,
    /// Link-local sources of router solicitations, on the nodes of their pods.
    pub(crate) link_locals: Vec<EndpointId>,
    /// `ff02::2`, all routers.
    pub(crate) all_routers: EndpointId,
}

impl Cluster {
    /// The pet shop on three nodes, always the same.
    pub(crate) fn pet_shop() -> Self {
        let mut builder = Builder::default();
        let nodes = builder.nodes();
        let workloads = builder.pods();
        let services = builder.services(&workloads);
        let hosts = builder.hosts();
        let customers = builder.customers();
        let solicitors: Vec<EndpointId> = ["mongodb", "ai-service", "coredns", "ama-metrics"]
            .iter()
            .filter_map(|name| workloads.get(name).and_then(|pods| pods.first()).copied())
            .collect();
        let stray = builder.stray(&solicitors);
        let kube_apiserver = builder.kube_apiserver();
        let upstream_dns = builder.upstream_dns();
        Self {
            nodes,
            endpoints: builder.endpoints,
            services,
            hosts,
            customers,
            stray,
            kube_apiserver,
            upstream_dns,
            workloads,
        }
    }

    /// The endpoint of an id. Ids only come from this cluster, so it always exists; if that were
    /// ever wrong, an unroutable endpoint is returned.
    pub(crate) fn endpoint(&self, id: EndpointId) -> &Endpoint {
        static NOWHERE: Endpoint = Endpoint {
            kind: EndpointKind::Unroutable,
            node: None,
            local_id: 0,
            identity: 0,
            namespace: "",
            pod: String::new(),
            workload: None,
            labels: Vec::new(),
            cluster: "",
            ip: String::new(),
            mac: String::new(),
        };
        self.endpoints.get(usize::from(id.0)).unwrap_or(&NOWHERE)
    }

    /// The node of an id.
    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::from(id.0))
    }

    /// The service of an id.
    pub(crate) fn service(&self, id: ServiceId) -> Option<&Service> {
        self.services.get(usize::from(id.0))
    }

    /// The external host of an id.
    pub(crate) fn host(&self, id: HostId) -> Option<&ExternalHost> {
        self.hosts.get(usize::from(id.0))
    }

    /// The pods of a workload, in order; empty if the workload does not exist.
    pub(crate) fn pods_of(&self, workload: &str) -> &[EndpointId] {
        self.workloads.get(workload).map_or(&[], Vec::as_slice)
    }

    /// The service of this name.
    pub(crate) fn service_named(&self, name: &str) -> Option<ServiceId> {
        let at = self.services.iter().position(|service| service.name == name)?;
        u8::try_from(at).ok().map(ServiceId)
    }

    /// The external host of this DNS name (without the trailing dot).
    pub(crate) fn host_named(&self, name: &str) -> Option<HostId> {
        let at = self.hosts.iter().position(|host| host.name == name)?;
        u8::try_from(at).ok().map(HostId)
    }

    /// All pods, with their ids.
    pub(crate) fn pods(&self) -> impl Iterator<Item = (EndpointId, &Endpoint)> {
        self.endpoints
            .iter()
            .enumerate()
            .filter(|(_, endpoint)| endpoint.kind == EndpointKind::Pod)
            .filter_map(|(at, endpoint)| Some((EndpointId(u16::try_from(at).ok()?), endpoint)))
    }

    /// All node ids, in order.
    pub(crate) fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..u8::try_from(self.nodes.len()).unwrap_or(u8::MAX)).map(NodeId)
    }
}

/// Collector of endpoints while the parts of the cluster are laid out.
#[derive(Debug, Default)]
struct Builder {
    endpoints: Vec<Endpoint>,
}

impl Builder {
    fn add(&mut self, endpoint: Endpoint) -> EndpointId {
        let id = u16::try_from(self.endpoints.len()).unwrap_or(u16::MAX);
        self.endpoints.push(endpoint);
        EndpointId(id)
    }

    fn reserved(
        &mut self,
        kind: EndpointKind,
        identity: u32,
        labels: &[&str],
        ip: String,
    ) -> EndpointId {
        self.add(Endpoint {
            kind,
            node: None,
            local_id: 0,
            identity,
            namespace: "",
            pod: String::new(),
            workload: None,
            labels: labels.iter().map(ToString::to_string).collect(),
            cluster: "",
            ip,
            mac: "12:34:56:78:9a:bc".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_identity_has_one_set_of_labels() {
        let cluster = Cluster::pet_shop();
        let mut seen: HashMap<u32, &[String]> = HashMap::new();
        for (_, pod) in cluster.pods() {
            assert!(pod.identity >= 256, "{} has a reserved identity", pod.pod);
            let labels = seen.entry(pod.identity).or_insert(&pod.labels);
            assert_eq!(*labels, pod.labels.as_slice(), "{}", pod.pod);
        }
    }

    #[test]
    fn addresses_are_unique_except_shared_ones() {
        let cluster = Cluster::pet_shop();
        let mut seen: HashMap<&str, EndpointKind> = HashMap::new();
        for endpoint in &cluster.endpoints {
            if let Some(kind) = seen.insert(&endpoint.ip, endpoint.kind) {
                // A node is `host` to itself and `remote-node` to others; an external host has an
                // identity of its own once a toFQDNs rule selects it.
                assert!(
                    matches!(
                        kind,
                        EndpointKind::Host | EndpointKind::RemoteNode | EndpointKind::World
                    ),
                    "{} twice",
                    endpoint.ip
                );
            }
        }
    }

    #[test]
    fn every_service_has_backends() {
        let cluster = Cluster::pet_shop();
        for service in &cluster.services {
            assert!(!service.backends.is_empty(), "{}", service.name);
        }
        assert_eq!(cluster.nodes.len(), 3);
    }
}
