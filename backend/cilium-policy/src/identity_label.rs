//! Identity labels: the keys with a meaning, and the pod labels that are part of an identity with
//! the default of the agent's option `labels`. Source: `pkg/labelsfilter/filter.go`
//! `defaultLabelPrefixCfg`, `filterLabels`.

/// The label key of a pod's namespace.
pub const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";
/// The label key of the cluster's name.
pub const CLUSTER: &str = "io.cilium.k8s.policy.cluster";
/// The key prefix of a namespace's own labels.
pub const NAMESPACE_LABELS: &str = "io.cilium.k8s.namespace.labels.";

/// The prefixes of keys that are kept, even where a shorter prefix excludes them.
const KEPT: [&str; 5] = [
    POD_NAMESPACE,
    "io.cilium.k8s.namespace.labels",
    "app.kubernetes.io",
    CLUSTER,
    "io.cilium.k8s.policy.serviceaccount",
];
/// The prefixes of keys that are excluded.
const LEFT_OUT: [&str; 13] = [
    "io.kubernetes",
    "kubernetes.io",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/controller-uid",
    "k8s.io",
    "pod-template-generation",
    "pod-template-hash",
    "controller-revision-hash",
    "controller-uid",
    "etcd_node",
    "topology.kubernetes.io",
];
/// The text that excludes a key wherever it occurs in the key.
const LEFT_OUT_WITHIN: &str = "beta.kubernetes.io";
/// The key that is excluded as a whole.
const LEFT_OUT_WHOLE: &str = "annotation";

/// Whether a label with this key, of source `k8s`, is part of an identity.
pub fn is_kept(key: &str) -> bool {
    let begins = |prefix: &&&str| key.starts_with(**prefix);
    let within = key.rfind(LEFT_OUT_WITHIN).map(|at| at.saturating_add(LEFT_OUT_WITHIN.len()));
    let whole = key.starts_with(LEFT_OUT_WHOLE).then_some(key.len());
    let shortest =
        LEFT_OUT.iter().filter(begins).map(|prefix| prefix.len()).chain(within).chain(whole).min();
    let longest = KEPT.iter().filter(begins).map(|prefix| prefix.len()).max();
    shortest.is_none_or(|shortest| longest.is_some_and(|longest| longest > shortest))
}

#[cfg(test)]
mod tests {
    use super::is_kept;

    #[test]
    fn the_longest_that_keeps_counts_against_the_shortest_that_leaves_out() {
        let check = |key: &str, expected: bool| assert_eq!(is_kept(key), expected, "{key}");
        // Expected values from Cilium's `TestFilterLabels` and `TestDefaultFilterLabels`, and from
        // its rules.
        check("app", true);
        check("app.kubernetes.io/name", true);
        check("io.kubernetes.pod.namespace", true);
        check("io.kubernetes.container.hash", false);
        check("io.cilium.k8s.policy.cluster", true);
        check("io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name", true);
        check("io.cilium.k8s.namespace.labels.beta.kubernetes.io/x", false);
        check("kubernetes.io/hostname", false);
        // A prefix that does not stand at the beginning excludes nothing.
        check("node.kubernetes.io/instance-type", true);
        check("batch.kubernetes.io/job-name", true);
        check("batch.kubernetes.io/job-completion-index", false);
        check("batch.kubernetes.io/controller-uid", false);
        check("statefulset.kubernetes.io/pod-name", false);
        check("apps.kubernetes.io/pod-index", false);
        check("failure-domain.beta.kubernetes.io/zone", false);
        check("topology.kubernetes.io/zone", false);
        check("k8s.io/x", false);
        check("my-k8s.io/x", true);
        check("k8s-app", true);
        check("pod-template-hash", false);
        check("pod-template-generation", false);
        check("controller-revision-hash", false);
        check("controller-uid", false);
        check("annotation.x", false);
        check("etcd_node", false);
        check("job-name", true);
    }
}
