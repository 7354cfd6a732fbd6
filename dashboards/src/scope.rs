//! Whose packets a panel counts: selectors for the metrics, and the same for the flows.

use crate::links::Condition;
use crate::promql::Counter;

/// What follows a workload's name in the names of its pods: nothing, a template hash or a job's
/// minute, then five characters or an ordinal. The letters are those of Kubernetes' own generator
/// (no vowels, no 0, 1, 3), so that `store` does not match the pods of `store-front`.
/// Source: `k8s.io/apimachinery/pkg/util/rand`.
const POD_SUFFIX: &str = "(-([bcdfghjklmnpqrstvwxz2456789]{6,10}|[0-9]{8,10}))?\
                          (-([bcdfghjklmnpqrstvwxz2456789]{5}|[0-9]+))?";

/// A label that pods have and nothing else.
const OF_PODS: &str = "k8s:io.kubernetes.pod.namespace";

/// What is chosen at the dashboard's top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Clusters and nodes.
    Cluster,
    /// Namespaces.
    Namespace,
    /// Workloads and pods of namespaces.
    Workload,
}

/// Which way a packet goes, seen from the pod that its metric is about: `hubble_*` with the
/// contexts of Azure's Advanced Container Networking Services has the pod as `source` of what
/// leaves it, and as `destination` of what reaches it (`sourceEgressContext=pod`,
/// `destinationIngressContext=pod`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Outgoing,
    Incoming,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Outgoing, Self::Incoming];

    /// The label that holds the pod.
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

    /// In the middle of a title.
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

    /// The condition that the flows are of the series' pod.
    pub(crate) fn pod_condition(self) -> Condition {
        (self.pod_flag(), format!("${{__field.labels.{}}}", self.label()))
    }
}

impl Scope {
    /// Word for what is looked at.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Namespace => "namespace",
            Self::Workload => "workload",
        }
    }

    /// Matchers of the clusters and nodes that are chosen. `instance` is an address and a port where
    /// Azure does not make it the node's name, and each exporter has a port of its own.
    pub(crate) const CHOSEN: &str = r#"cluster=~"$cluster", instance=~"$node(:[0-9]+)?""#;

    /// Matchers of a `hubble_*` metric of pods.
    pub(crate) fn hubble(self, side: Side) -> String {
        let label = side.label();
        match self {
            Self::Cluster => Self::CHOSEN.into(),
            Self::Namespace => format!(r#"cluster=~"$cluster", {label}=~"$namespace/.*""#),
            Self::Workload => format!(
                r#"cluster=~"$cluster", {label}=~"$namespace/${{workload}}{POD_SUFFIX}", {label}=~".*/$pod""#
            ),
        }
    }

    /// A `hubble_http_*` counter. The side whose policy has HTTP rules reports a request: mostly
    /// the pod's own side, else the other. Where both do, the own side counts, by the addresses that
    /// both know; that the other side knows the workload is not said.
    pub(crate) fn http(self, metric: &str, side: Side, more: &str) -> Counter {
        let (end, own, other) = match side {
            Side::Outgoing => ("source", "client", "server"),
            Side::Incoming => ("destination", "server", "client"),
        };
        let base = format!(r#"cluster=~"$cluster", {end}_namespace=~"$namespace""#);
        let (workload, pod) = match self {
            Self::Cluster | Self::Namespace => (String::new(), None),
            // The label of the pod is there only if it is asked for.
            Self::Workload => (
                format!(r#", {end}_workload=~"$workload", {end}=~"(.*/)?$pod""#),
                Some(format!(
                    r#", {end}_workload="", {end}=~"$namespace/${{workload}}{POD_SUFFIX}", {end}=~".*/$pod""#
                )),
            ),
        };
        let of_own = format!(r#"{metric}{{{base}, reporter="{own}"}}"#);
        let reported = |whose: &str, by: &str| {
            let more = if more.is_empty() { String::new() } else { format!(", {more}") };
            format!(r#"{base}{whose}, reporter="{by}"{more}"#)
        };
        let unless = "cluster, source_ip, destination_ip";
        let counter = Counter::new(metric, &reported(&workload, own))
            .and_also(metric, &reported(&workload, other))
            .unless(unless, of_own.clone());
        let counter = match pod {
            Some(pod) => counter.and_also(metric, &reported(&pod, other)).unless(unless, of_own),
            None => counter,
        };
        // A workload without requests, where those of its namespace are seen, has none.
        counter.zero_where(format!("{metric}{{{base}}}"))
    }

    /// Matchers of a `networkobservability_adv_*` metric of pods.
    pub(crate) fn retina(self, side: Side) -> String {
        let direction = match side {
            Side::Outgoing => "egress",
            Side::Incoming => "ingress",
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

    /// The same choice, said to Hubble, without a direction.
    pub(crate) fn end(self, side: Side) -> Vec<Condition> {
        let (namespace, workload, pod) = match side {
            Side::Outgoing => ("fromNamespace", "fromWorkload", "fromPod"),
            Side::Incoming => ("toNamespace", "toWorkload", "toPod"),
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

    /// The flows of one direction that are of a pod, as the metrics' contexts name none but pods:
    /// what is chosen may be all, and then an answer from the world is as outgoing as what was asked.
    pub(crate) fn flows(self, side: Side) -> Vec<Condition> {
        let label = match side {
            Side::Outgoing => "fromLabel",
            Side::Incoming => "toLabel",
        };
        let mut conditions = self.end(side);
        conditions.push(("trafficDirection", side.direction().into()));
        conditions.push((label, OF_PODS.into()));
        conditions
    }
}
