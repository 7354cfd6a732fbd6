//! Labels of identities: the keys that have a meaning, and which labels of pods are a part of an
//! identity where the agent's option `labels` has its default. Source: `pkg/labelsfilter/filter.go` `defaultLabelPrefixCfg`, `filterLabels`.

/// Key of the label with a pod's namespace.
pub const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";
/// Key of the label with the name of the cluster.
pub const CLUSTER: &str = "io.cilium.k8s.policy.cluster";
/// Prefix of the keys of a namespace's own labels.
pub const NAMESPACE_LABELS: &str = "io.cilium.k8s.namespace.labels.";

/// Beginnings of keys that are kept, whatever shorter beginning is left out.
const KEPT: [&str; 5] = [
    POD_NAMESPACE,
    "io.cilium.k8s.namespace.labels",
    "app.kubernetes.io",
    CLUSTER,
    "io.cilium.k8s.policy.serviceaccount",
];
/// Beginnings of keys that are left out.
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
/// What leaves a key out wherever it stands in it.
const LEFT_OUT_WITHIN: &str = "beta.kubernetes.io";
/// What leaves a key out as a whole.
const LEFT_OUT_WHOLE: &str = "annotation";

/// Whether a label of this key, of source `k8s`, is a part of an identity.
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
        // As `TestFilterLabels` and `TestDefaultFilterLabels` of Cilium have it, and by its rules.
        check("app", true);
        check("app.kubernetes.io/name", true);
        check("io.kubernetes.pod.namespace", true);
        check("io.kubernetes.container.hash", false);
        check("io.cilium.k8s.policy.cluster", true);
        check("io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name", true);
        check("io.cilium.k8s.namespace.labels.beta.kubernetes.io/x", false);
        check("kubernetes.io/hostname", false);
        // What does not stand at the beginning leaves nothing out.
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
