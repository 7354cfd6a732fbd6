//! Metrics of kube-state-metrics and of the agents about the cluster itself.

use super::{Family, MetricSample, Profile, quote_label};
use crate::HubbleRelease;
use crate::cluster::{CLUSTER_NAME, Cluster};

/// Samples that never change.
pub(super) fn samples(
    cluster: &Cluster,
    profile: Profile,
    release: HubbleRelease,
    samples: &mut Vec<MetricSample>,
) {
    for node in &cluster.nodes {
        let mut labels = profile.scraped(Family::CiliumVersion, node);
        quote_label(&mut labels, "version", release.semver());
        labels.push('}');
        samples.push(MetricSample {
            family: Family::CiliumVersion,
            suffix: "",
            labels,
            value: 1.0,
        });
    }
    let mut push = |family, labels: &[(&str, &str)]| {
        let mut text = format!("{{cluster=\"{CLUSTER_NAME}\"");
        for (name, value) in labels {
            quote_label(&mut text, name, value);
        }
        text.push('}');
        samples.push(MetricSample { family, suffix: "", labels: text, value: 1.0 });
    };
    for node in &cluster.nodes {
        let ip = node.ip.to_string();
        push(
            Family::KubeNodeInfo,
            &[("node", &node.name), ("internal_ip", &ip), ("os_image", "Azure Linux 3.0")],
        );
    }
    for namespace in ["pets", "kube-system"] {
        push(
            Family::KubeNamespaceStatusPhase,
            &[("namespace", namespace), ("phase", "Active"), ("job", "kube-state-metrics")],
        );
    }
    for (_, pod) in cluster.pods() {
        let Some((workload, node)) =
            pod.workload.as_ref().zip(pod.node.and_then(|node| cluster.node(node)))
        else {
            continue;
        };
        // A Deployment owns its pods through a ReplicaSet, named like the pod without its last
        // part.
        let (kind, name) = match workload.kind {
            "Deployment" => {
                ("ReplicaSet", pod.pod.rsplit_once('-').map_or(pod.pod.as_str(), |(name, _)| name))
            }
            kind => (kind, workload.name.as_str()),
        };
        let host_ip = node.ip.to_string();
        let whose = [("namespace", pod.namespace), ("pod", pod.pod.as_str())];
        push(
            Family::KubePodInfo,
            &[
                whose[0],
                whose[1],
                ("node", &node.name),
                ("pod_ip", &pod.ip),
                ("host_ip", &host_ip),
                ("created_by_kind", kind),
                ("created_by_name", name),
            ],
        );
        push(
            Family::KubePodOwner,
            &[
                whose[0],
                whose[1],
                ("owner_kind", kind),
                ("owner_name", name),
                ("owner_is_controller", "true"),
            ],
        );
    }
}
