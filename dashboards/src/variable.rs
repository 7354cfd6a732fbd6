//! Variables at the top of a dashboard, each narrowed by those before it.

/// Value of "All" in PromQL. In a filter of flows the data source does not treat it as a condition.
pub(crate) const ALL: &str = ".*";

/// A variable. Those of Kubernetes objects take several values, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    Datasource,
    /// Clusters of these metrics, which are a regular expression of names.
    Cluster(&'static str),
    /// Values of the `instance` label of these metrics.
    Node(&'static str),
    Namespace,
    Workload,
    Pod,
    /// Namespaces from flows.
    SeenNamespace,
    /// Workloads from flows.
    SeenWorkload,
    /// Pods from flows.
    SeenPod,
    /// Any conditions, by key and value.
    Filters,
}

/// Suffix of objects that a workload owns: a template hash or a job's minute. The letters are those
/// of Kubernetes' own generator (no vowels, no 0, 1, 3). Source:
/// `k8s.io/apimachinery/pkg/util/rand`.
const OWNER_SUFFIX: &str = "(?:-(?:[bcdfghjklmnpqrstvwxz2456789]{6,10}|[0-9]{8,10}))?";

impl Variable {
    /// Name in `$name`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Datasource => "datasource",
            Self::Cluster(_) => "cluster",
            Self::Node(_) => "node",
            Self::Namespace | Self::SeenNamespace => "namespace",
            Self::Workload | Self::SeenWorkload => "workload",
            Self::Pod | Self::SeenPod => "pod",
            Self::Filters => "filters",
        }
    }

    /// Label beside the variable.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Datasource => "Data source",
            Self::Cluster(_) => "Cluster",
            Self::Node(_) => "Node",
            Self::Namespace | Self::SeenNamespace => "Namespace",
            Self::Workload | Self::SeenWorkload => "Workload",
            Self::Pod | Self::SeenPod => "Pod",
            Self::Filters => "Filters",
        }
    }

    /// Description for the tooltip.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Datasource => "Data source of the panels",
            Self::Cluster(_) => {
                "The label cluster of the metrics. If Cilium has another name for the cluster, set Cluster name in the data source"
            }
            Self::Node(_) => {
                "The label instance of the metrics without its port: on Azure the node's name, elsewhere its address"
            }
            Self::Namespace | Self::Workload | Self::Pod => {
                "From kube-state-metrics (kube_pod_info); other names can be typed in"
            }
            Self::SeenNamespace | Self::SeenWorkload | Self::SeenPod => {
                "From the flows that Hubble remembers, sources and destinations; other names can be typed in"
            }
            Self::Filters => "Any filter of hubble observe: verdict, toPort, dnsQuery, …",
        }
    }

    /// The query that fills the variable, if it has one.
    pub(crate) fn query(self) -> Option<String> {
        // A ReplicaSet or Job is named like its owner, with a suffix.
        let owner = "$workload(-([bcdfghjklmnpqrstvwxz2456789]{6,10}|[0-9]{8,10}))?";
        match self {
            Self::Cluster(metrics) => {
                Some(format!(r#"label_values({{__name__=~"{metrics}"}}, cluster)"#))
            }
            Self::Node(metrics) => Some(format!(
                r#"label_values({{__name__=~"{metrics}", cluster=~"$cluster"}}, instance)"#
            )),
            Self::Namespace => {
                Some(r#"label_values(kube_pod_info{cluster=~"$cluster"}, namespace)"#.into())
            }
            Self::Workload => Some(
                r#"label_values(kube_pod_info{cluster=~"$cluster", namespace=~"$namespace"}, created_by_name)"#.into(),
            ),
            Self::Pod => Some(format!(
                r#"label_values(kube_pod_info{{cluster=~"$cluster", namespace=~"$namespace", created_by_name=~"{owner}"}}, pod)"#
            )),
            Self::SeenNamespace => Some("namespaces()".into()),
            Self::SeenWorkload => Some("workloads($namespace)".into()),
            Self::SeenPod => Some("pods($namespace, $workload)".into()),
            Self::Datasource | Self::Filters => None,
        }
    }

    /// The part of an answer that is the value: a pod's owner without the hash is its workload.
    pub(crate) fn regex(self) -> String {
        match self {
            Self::Workload => format!("/^(.+?){OWNER_SUFFIX}$/"),
            // The port is the exporter's.
            Self::Node(_) => "/^(.+?)(?::[0-9]+)?$/".into(),
            _ => String::new(),
        }
    }
}
