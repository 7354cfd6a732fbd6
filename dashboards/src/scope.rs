//! Selectors of the counted packets, for metrics and for flows.

use crate::condition::FlowCondition;

/// Suffix of a workload's pods: nothing, a template hash or a job's minute, then five characters or
/// an ordinal. The letters are those of Kubernetes' own generator (no vowels, no 0, 1, 3), so that
/// `store` does not match the pods of `store-front`. Source: `k8s.io/apimachinery/pkg/util/rand`.
pub(crate) const POD_SUFFIX: &str = "(-([bcdfghjklmnpqrstvwxz2456789]{6,10}|[0-9]{8,10}))?\
                          (-([bcdfghjklmnpqrstvwxz2456789]{5}|[0-9]+))?";

/// A label that only pods have.
const OF_PODS: &str = "k8s:io.kubernetes.pod.namespace";

/// The level of the dashboard's variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Clusters and nodes.
    Cluster,
    /// Namespaces.
    Namespace,
    /// Workloads and pods of namespaces.
    Workload,
}

/// Direction of a packet, as the pod sees it that its metric is about. `hubble_*` with the contexts
/// of Azure's Advanced Container Networking Services has the pod as `source` of packets that leave
/// it, and as `destination` of packets that reach it (`sourceEgressContext=pod`,
/// `destinationIngressContext=pod`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PacketDirection {
    Outgoing,
    Incoming,
}

impl PacketDirection {
    pub(crate) const BOTH: [Self; 2] = [Self::Outgoing, Self::Incoming];

    /// The label with the pod.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Outgoing => "source",
            Self::Incoming => "destination",
        }
    }

    /// Legend of a series of pods.
    pub(crate) fn legend(self) -> &'static str {
        match self {
            Self::Outgoing => "{{source}}",
            Self::Incoming => "{{destination}}",
        }
    }

    /// First word of a title.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Outgoing => "Outgoing",
            Self::Incoming => "Incoming",
        }
    }

    /// Name of the pod within a title.
    pub(crate) fn pod(self) -> &'static str {
        match self {
            Self::Outgoing => "Source Pod",
            Self::Incoming => "Destination Pod",
        }
    }

    /// Cilium's direction, in Hubble's flows.
    pub(crate) fn direction(self) -> &'static str {
        match self {
            Self::Outgoing => "EGRESS",
            Self::Incoming => "INGRESS",
        }
    }

    /// Flag of the flow filter for the pod.
    pub(crate) fn pod_flag(self) -> &'static str {
        match self {
            Self::Outgoing => "fromPod",
            Self::Incoming => "toPod",
        }
    }

    /// The condition that selects the flows of the series' pod.
    pub(crate) fn pod_condition(self) -> FlowCondition {
        (self.pod_flag(), format!("${{__field.labels.{}}}", self.label()))
    }
}

impl Scope {
    /// Name of the level.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Namespace => "namespace",
            Self::Workload => "workload",
        }
    }

    /// Matchers of the chosen clusters and nodes. `instance` is an address and a port unless Azure
    /// makes it the node's name, and each exporter has its own port.
    pub(crate) const CHOSEN: &str = r#"cluster=~"$cluster", instance=~"$node(:[0-9]+)?""#;

    /// Matchers of a `hubble_*` metric of pods.
    pub(crate) fn hubble(self, traffic: PacketDirection) -> String {
        let label = traffic.label();
        match self {
            Self::Cluster => Self::CHOSEN.into(),
            Self::Namespace => format!(r#"cluster=~"$cluster", {label}=~"$namespace/.*""#),
            Self::Workload => format!(
                r#"cluster=~"$cluster", {label}=~"$namespace/${{workload}}{POD_SUFFIX}", {label}=~".*/$pod""#
            ),
        }
    }

    /// Matchers of a `networkobservability_adv_*` metric of pods.
    pub(crate) fn retina(self, traffic: PacketDirection) -> String {
        let direction = match traffic {
            PacketDirection::Outgoing => "egress",
            PacketDirection::Incoming => "ingress",
        };
        match self {
            Self::Cluster => Self::CHOSEN.into(),
            Self::Namespace => {
                format!(r#"cluster=~"$cluster", direction="{direction}", namespace=~"$namespace""#)
            }
            Self::Workload => format!(
                r#"cluster=~"$cluster", direction="{direction}", namespace=~"$namespace", workload_name=~"$workload", podname=~"$pod""#
            ),
        }
    }

    /// The dashboard's variables as conditions for Hubble, without a direction.
    pub(crate) fn endpoint(self, traffic: PacketDirection) -> Vec<FlowCondition> {
        let (namespace, workload, pod) = match traffic {
            PacketDirection::Outgoing => ("fromNamespace", "fromWorkload", "fromPod"),
            PacketDirection::Incoming => ("toNamespace", "toWorkload", "toPod"),
        };
        let cluster = ("cluster", "${cluster}".into());
        let namespace = (namespace, "${namespace}".into());
        match self {
            Self::Cluster => vec![cluster],
            Self::Namespace => vec![cluster, namespace],
            Self::Workload => {
                vec![cluster, namespace, (workload, "${workload}".into()), (pod, "${pod}".into())]
            }
        }
    }

    /// The flows of one direction that belong to a pod, since the metrics' contexts only name pods.
    /// Without this, with everything selected, an answer from the world would count as outgoing
    /// like a request.
    pub(crate) fn flows(self, traffic: PacketDirection) -> Vec<FlowCondition> {
        let label = match traffic {
            PacketDirection::Outgoing => "fromLabel",
            PacketDirection::Incoming => "toLabel",
        };
        let mut conditions = self.endpoint(traffic);
        conditions.push(("trafficDirection", traffic.direction().into()));
        conditions.push((label, OF_PODS.into()));
        conditions
    }
}
