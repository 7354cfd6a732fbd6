//! Endpoints, their workloads, and the policies that decide about them.

/// Source or destination of a flow. Source: flow.proto `Flow.source`, `Flow.destination`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Endpoint id on its node; 0 for a remote one.
    pub id: u32,
    /// Security identity; 1 to 255 are reserved ones (host, world, …).
    pub identity: u32,
    /// Cilium's cluster name; empty in old records.
    pub cluster_name: String,
    /// Kubernetes namespace; empty for endpoints that are not pods.
    pub namespace: String,
    /// The identity's labels, as `source:key=value`, in the record's order.
    pub labels: Vec<String>,
    /// Kubernetes pod; empty for endpoints that are not pods.
    pub pod_name: String,
    /// Owners of the pod.
    pub workloads: Vec<Workload>,
}

/// Owner of pods: a Deployment, a `DaemonSet`, ….
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// Its Kubernetes kind.
    pub kind: String,
}

/// A Kubernetes Service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

/// Policy that Hubble names as the reason for a verdict. Hubble names the rules behind one policy
/// map entry, and none for default deny.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its namespace; empty for cluster-wide ones.
    pub namespace: String,
    /// Labels of the rule, as `source:key=value`.
    pub labels: Vec<String>,
    /// Revision of the agent's policy repository.
    pub revision: u64,
    /// `CiliumNetworkPolicy`, `NetworkPolicy`, …; empty in old records.
    pub kind: String,
}
