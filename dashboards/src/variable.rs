//! The choices at a dashboard's top, each of them narrowed by those before it.

/// What "All" stands for in PromQL. In a filter of flows the data source takes it for no condition.
pub(crate) const ALL: &str = ".*";

/// A choice. Those of Kubernetes' objects take several values, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    Datasource,
    /// Clusters that any of these metrics are of: a regular expression of names.
    Cluster(&'static str),
    /// Values of the `instance` label of these metrics.
    Node(&'static str),
    Namespace,
    Workload,
    Pod,
    /// Namespaces that flows are of.
    SeenNamespace,
    /// Workloads that flows are of.
    SeenWorkload,
    /// Pods that flows are of.
    SeenPod,
    /// Any conditions, by key and value.
    Filters,
}

/// What follows a workload's name in the name of what it owns: a template hash or a job's minute.
/// The letters are those of Kubernetes' own generator (no vowels, no 0, 1, 3).
/// Source: `k8s.io/apimachinery/pkg/util/rand`.
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

    /// The words beside it.
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

    /// What it chooses, for the tooltip.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Datasource => "Where the panels ask",
            Self::Cluster(_) => {
                "The label cluster of the metrics. Where Cilium calls the cluster otherwise, the data source's setting Cluster name says so"
            }
            Self::Node(_) => {
                "The label instance of the metrics without its port: on Azure the node's name, elsewhere its address"
            }
            Self::Namespace | Self::Workload | Self::Pod => {
                "From kube-state-metrics (kube_pod_info); other names can be typed in"
            }
            Self::SeenNamespace | Self::SeenWorkload | Self::SeenPod => {
                "From the flows that Hubble remembers, either end of them; other names can be typed in"
            }
            Self::Filters => {
                "Anything that hubble observe filters by: verdict, toPort, dnsQuery, …"
            }
        }
    }

    /// The query that fills it, where one does.
    pub(crate) fn query(self) -> Option<String> {
        // A ReplicaSet or Job is called like its owner with something behind.
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

    /// What of an answer is the value: a pod's owner without the hash is its workload.
    pub(crate) fn regex(self) -> String {
        match self {
            Self::Workload => format!("/^(.+?){OWNER_SUFFIX}$/"),
            // The port is the exporter's.
            Self::Node(_) => "/^(.+?)(?::[0-9]+)?$/".into(),
            _ => String::new(),
        }
    }
}
