//! Nodes, pods and services: the AKS store demo in `pets`, and AKS' own components.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use super::{
    Builder, CLUSTER_NAME, Endpoint, EndpointId, EndpointKind, Node, NodeId, Service, ServiceId,
    Workload,
};

/// A workload and the placement of its pods.
struct WorkloadSpec {
    namespace: &'static str,
    name: &'static str,
    kind: &'static str,
    identity: u32,
    /// Labels other than namespace, service account and cluster.
    labels: &'static [(&'static str, &'static str)],
    service_account: &'static str,
    /// Pod name suffix, node, last byte of the pod's address, endpoint id.
    pods: &'static [(&'static str, u8, u8, u32)],
}

const WORKLOADS: &[WorkloadSpec] = &[
    WorkloadSpec {
        namespace: "pets",
        name: "store-front",
        kind: "Deployment",
        identity: 40112,
        labels: &[("app", "store-front")],
        service_account: "default",
        pods: &[("7d8f9c6b5-x2lqk", 0, 87, 1211), ("7d8f9c6b5-m4r7t", 1, 142, 612)],
    },
    WorkloadSpec {
        namespace: "pets",
        name: "order-service",
        kind: "Deployment",
        identity: 23871,
        labels: &[("app", "order-service")],
        service_account: "default",
        pods: &[("5f4d8b7c9d-k8wzp", 1, 23, 2087), ("5f4d8b7c9d-6vn2h", 2, 201, 377)],
    },
    WorkloadSpec {
        namespace: "pets",
        name: "product-service",
        kind: "Deployment",
        identity: 9634,
        labels: &[("app", "product-service")],
        service_account: "default",
        pods: &[("6c7b5d9f48-jd9xs", 2, 56, 1630), ("6c7b5d9f48-t5gbl", 0, 174, 3345)],
    },
    WorkloadSpec {
        namespace: "pets",
        name: "rabbitmq",
        kind: "StatefulSet",
        identity: 51729,
        labels: &[("app", "rabbitmq")],
        service_account: "default",
        pods: &[("0", 1, 65, 884)],
    },
    WorkloadSpec {
        namespace: "pets",
        name: "makeline-service",
        kind: "Deployment",
        identity: 17445,
        labels: &[("app", "makeline-service")],
        service_account: "default",
        pods: &[("78c6f5b4d7-9hqfm", 2, 118, 2903)],
    },
    WorkloadSpec {
        namespace: "pets",
        name: "mongodb",
        kind: "StatefulSet",
        identity: 60318,
        labels: &[("app", "mongodb")],
        service_account: "default",
        pods: &[("0", 0, 33, 149)],
    },
    WorkloadSpec {
        namespace: "pets",
        name: "ai-service",
        kind: "Deployment",
        identity: 33207,
        labels: &[("app", "ai-service")],
        service_account: "default",
        pods: &[("66f8d7c5b9-zr4tc", 1, 210, 1958)],
    },
    WorkloadSpec {
        namespace: "pets",
        name: "store-admin",
        kind: "Deployment",
        identity: 12980,
        labels: &[("app", "store-admin")],
        service_account: "default",
        pods: &[("5b9c7d6f8-w7spd", 0, 9, 2416)],
    },
    WorkloadSpec {
        namespace: "pets",
        name: "virtual-customer",
        kind: "Deployment",
        identity: 28564,
        labels: &[("app", "virtual-customer")],
        service_account: "default",
        pods: &[("6d4f7b8c5-qx9vl", 2, 77, 741)],
    },
    WorkloadSpec {
        namespace: "pets",
        name: "virtual-worker",
        kind: "Deployment",
        identity: 45093,
        labels: &[("app", "virtual-worker")],
        service_account: "default",
        pods: &[("84c9f6d7b-2nkgj", 1, 99, 3012)],
    },
    WorkloadSpec {
        namespace: "kube-system",
        name: "coredns",
        kind: "Deployment",
        identity: 5321,
        labels: &[
            ("k8s-app", "kube-dns"),
            ("kubernetes.azure.com/managedby", "aks"),
            ("version", "v20"),
        ],
        service_account: "coredns",
        pods: &[("57d886c994-gxk7h", 0, 14, 404), ("57d886c994-tpv5z", 1, 183, 1566)],
    },
    WorkloadSpec {
        namespace: "kube-system",
        name: "metrics-server",
        kind: "Deployment",
        identity: 38750,
        labels: &[("k8s-app", "metrics-server"), ("kubernetes.azure.com/managedby", "aks")],
        service_account: "metrics-server",
        pods: &[("6c9f7d5b8f-5rjlw", 2, 31, 3571), ("6c9f7d5b8f-hn8cq", 0, 222, 95)],
    },
    WorkloadSpec {
        namespace: "kube-system",
        name: "konnectivity-agent",
        kind: "Deployment",
        identity: 56402,
        labels: &[("app", "konnectivity-agent"), ("kubernetes.azure.com/managedby", "aks")],
        service_account: "konnectivity-agent",
        pods: &[("7f9b6c8d4-vb2ms", 1, 250, 2735), ("7f9b6c8d4-xk6zd", 2, 163, 1082)],
    },
    WorkloadSpec {
        namespace: "kube-system",
        name: "ama-metrics",
        kind: "Deployment",
        identity: 20176,
        labels: &[("rsName", "ama-metrics")],
        service_account: "ama-metrics-serviceaccount",
        pods: &[("5c8d9f7b6c-l3wqt", 0, 128, 1747)],
    },
];

/// Service name, namespace, `ClusterIP`, port, target port, workload behind it.
type ServiceSpec = (&'static str, &'static str, [u8; 4], u16, u16, &'static str);

const SERVICES: &[ServiceSpec] = &[
    ("kube-dns", "kube-system", [10, 0, 0, 10], 53, 53, "coredns"),
    ("metrics-server", "kube-system", [10, 0, 131, 57], 443, 4443, "metrics-server"),
    ("store-front", "pets", [10, 0, 214, 18], 80, 8080, "store-front"),
    ("store-admin", "pets", [10, 0, 77, 203], 80, 8081, "store-admin"),
    ("order-service", "pets", [10, 0, 163, 44], 3000, 3000, "order-service"),
    ("product-service", "pets", [10, 0, 38, 179], 3002, 3002, "product-service"),
    ("makeline-service", "pets", [10, 0, 12, 90], 3001, 3001, "makeline-service"),
    ("rabbitmq", "pets", [10, 0, 96, 123], 5672, 5672, "rabbitmq"),
    ("mongodb", "pets", [10, 0, 201, 6], 27017, 27017, "mongodb"),
    ("ai-service", "pets", [10, 0, 59, 241], 5001, 5001, "ai-service"),
];

impl Builder {
    pub(super) fn nodes(&mut self) -> Vec<Node> {
        (0..3_u8)
            .map(|at| {
                let name = format!("aks-nodepool1-14942319-vmss00000{at}");
                let ip = Ipv4Addr::new(10, 224, 0, 4 + at);
                let node = Some(NodeId(at));
                let host = self.reserved(EndpointKind::Host, 1, &["reserved:host"], ip.to_string());
                let remote = self.reserved(
                    EndpointKind::RemoteNode,
                    6,
                    &["reserved:remote-node"],
                    ip.to_string(),
                );
                let health = self.reserved(
                    EndpointKind::Health,
                    4,
                    &["reserved:health"],
                    Ipv4Addr::new(10, 244, at, 251).to_string(),
                );
                for (id, local_id) in [(host, 0), (remote, 0), (health, 3900 + u32::from(at))] {
                    if let Some(endpoint) = self.endpoints.get_mut(usize::from(id.0)) {
                        endpoint.node = node;
                        endpoint.local_id = local_id;
                    }
                }
                Node {
                    absolute_name: format!("{CLUSTER_NAME}/{name}"),
                    labels: node_labels(&name, at),
                    name,
                    ip,
                    host,
                    remote,
                    health,
                }
            })
            .collect()
    }

    pub(super) fn pods(&mut self) -> HashMap<&'static str, Vec<EndpointId>> {
        let mut workloads = HashMap::new();
        for spec in WORKLOADS {
            let labels = identity_labels(spec);
            let ids: Vec<EndpointId> = spec
                .pods
                .iter()
                .map(|&(suffix, node, last, local_id)| {
                    self.add(Endpoint {
                        kind: EndpointKind::Pod,
                        node: Some(NodeId(node)),
                        local_id,
                        identity: spec.identity,
                        namespace: spec.namespace,
                        pod: format!("{}-{suffix}", spec.name),
                        workload: Some(Workload { kind: spec.kind, name: spec.name.to_owned() }),
                        labels: labels.clone(),
                        cluster: CLUSTER_NAME,
                        ip: Ipv4Addr::new(10, 244, node, last).to_string(),
                        mac: format!("aa:{:02x}:0a:f4:{node:02x}:{last:02x}", local_id % 256),
                    })
                })
                .collect();
            workloads.insert(spec.name, ids);
        }
        workloads
    }

    pub(super) fn services(
        &mut self,
        workloads: &HashMap<&'static str, Vec<EndpointId>>,
    ) -> Vec<Service> {
        SERVICES
            .iter()
            .zip(0_u8..)
            .map(|(&(name, namespace, ip, port, target_port, workload), at)| {
                let cluster_ip = Ipv4Addr::from(ip);
                Service {
                    namespace,
                    name,
                    cluster_ip,
                    port,
                    target_port,
                    backends: workloads.get(workload).cloned().unwrap_or_default(),
                    // A ClusterIP is not in the ipcache: identity 0, `reserved:unknown`.
                    frontend: self.reserved(
                        EndpointKind::Frontend(ServiceId(at)),
                        0,
                        &["reserved:unknown"],
                        cluster_ip.to_string(),
                    ),
                }
            })
            .collect()
    }
}

/// Labels of the identity. Cilium's default label filter excludes `pod-template-hash` and the like.
fn identity_labels(spec: &WorkloadSpec) -> Vec<String> {
    let namespace = spec.namespace;
    let mut labels: Vec<String> =
        spec.labels.iter().map(|(key, value)| format!("k8s:{key}={value}")).collect();
    labels.push(format!(
        "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name={namespace}"
    ));
    if namespace == "kube-system" {
        for label in [
            "addonmanager.kubernetes.io/mode=Reconcile",
            "control-plane=true",
            "kubernetes.azure.com/managedby=aks",
            "kubernetes.io/cluster-service=true",
        ] {
            labels.push(format!("k8s:io.cilium.k8s.namespace.labels.{label}"));
        }
    }
    labels.push(format!("k8s:io.cilium.k8s.policy.cluster={CLUSTER_NAME}"));
    labels.push(format!("k8s:io.cilium.k8s.policy.serviceaccount={}", spec.service_account));
    labels.push(format!("k8s:io.kubernetes.pod.namespace={namespace}"));
    labels.sort();
    labels
}

fn node_labels(name: &str, at: u8) -> Vec<String> {
    let mut labels: Vec<String> = [
        "agentpool=nodepool1",
        "beta.kubernetes.io/arch=amd64",
        "beta.kubernetes.io/os=linux",
        "kubernetes.azure.com/agentpool=nodepool1",
        "kubernetes.azure.com/ebpf-dataplane=cilium",
        "kubernetes.azure.com/mode=system",
        "kubernetes.azure.com/network-name=vnet-aks-pets",
        "kubernetes.azure.com/os-sku=AzureLinux",
        "kubernetes.io/arch=amd64",
        "kubernetes.io/os=linux",
        "node.kubernetes.io/instance-type=Standard_D4s_v5",
        "topology.kubernetes.io/region=eastus2",
    ]
    .map(str::to_owned)
    .into();
    labels.push(format!("kubernetes.io/hostname={name}"));
    labels.push(format!("topology.kubernetes.io/zone=eastus2-{}", at + 1));
    labels.sort();
    labels
}
