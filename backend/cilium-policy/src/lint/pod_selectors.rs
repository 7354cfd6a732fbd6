//! Selectors of pods that select all pods of another selector.

use crate::{
    Operator, PolicySet, Requirement, Selector,
    identity_label::{CLUSTER, NAMESPACE_LABELS, POD_NAMESPACE},
};

/// Whether a selector selects every pod that another one selects, as far as the files show. A pod is taken to lack
/// the labels that its selector does not name; labels of namespaces may be there.
pub(super) fn is_about_all_of(selector: &Selector, pods: &Selector, set: &PolicySet) -> bool {
    selector.requirements.iter().all(|requirement| is_implied(requirement, pods, set))
}

fn is_implied(requirement: &Requirement, pods: &Selector, set: &PolicySet) -> bool {
    if pods.requirements.contains(requirement) {
        return true;
    }
    let source = |requirement: &Requirement| requirement.source.clone().unwrap_or("k8s".to_owned());
    let key = pod_key(&requirement.key);
    if key.starts_with(NAMESPACE_LABELS) {
        return true;
    }
    let of_pods = pods
        .requirements
        .iter()
        .filter(|own| pod_key(&own.key) == key && source(own) == source(requirement));
    let known: Vec<&[String]> = of_pods
        .filter_map(|own| match &own.operator {
            Operator::In(values) => Some(values.as_slice()),
            _ => None,
        })
        .collect();
    let own_cluster = [set.settings().cluster_name.clone()];
    let known = match (known.as_slice(), key) {
        ([], CLUSTER) => vec![own_cluster.as_slice()],
        _ => known,
    };
    let always = [POD_NAMESPACE, "io.cilium.k8s.policy.serviceaccount"];
    match &requirement.operator {
        Operator::In(values) => {
            known.iter().any(|own| own.iter().all(|value| values.contains(value)))
        }
        Operator::NotIn(values) => {
            !known.iter().any(|own| own.iter().all(|value| values.contains(value)))
        }
        Operator::Exists => {
            !known.is_empty()
                || always.contains(&key)
                || pods.requirements.iter().any(|own| own == requirement)
        }
        Operator::DoesNotExist => known.is_empty() && !always.contains(&key),
    }
}

/// Key of a pod's label. The label of the namespace's name, among the labels of namespaces, is the same as the pod's
/// own label of its namespace.
fn pod_key(key: &str) -> &str {
    match key.strip_prefix(NAMESPACE_LABELS) {
        Some("kubernetes.io/metadata.name") => POD_NAMESPACE,
        _ => key,
    }
}
