//! Pods and the names of their ports. Source: pkg/k8s/slim's Pod, `pkg/policy/l4.go` `toMapState`.

use std::net::IpAddr;

use hashbrown::HashMap;

use crate::{
    Identity,
    source::{Node, Value},
};

/// A pod, or the pods of a workload, with the facts behind named ports.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pod {
    /// The namespace.
    pub namespace: String,
    /// The labels.
    pub labels: Vec<(String, String)>,
    /// The address of a running pod.
    pub address: Option<IpAddr>,
    /// The named ports of the containers: name, protocol and number.
    pub ports: Vec<(String, u8, u16)>,
}

/// The limit of stored pods.
pub(super) const MAX_PODS: usize = 65_536;

/// The path to the pod template of a kind; `None` for kinds without pods.
#[must_use]
pub fn template(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "Pod" => &[],
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => &["spec", "template"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template"],
        _ => return None,
    })
}

/// Whether pods of a template share their node's network, and thus its identity.
#[must_use]
pub fn is_on_host(template: &Node) -> bool {
    matches!(
        template.at_path(&["spec", "hostNetwork"]).map(|node| &node.value),
        Some(Value::Bool(true))
    )
}

/// The named ports of a template's containers.
#[must_use]
pub fn named_ports(template: &Node) -> Vec<(String, u8, u16)> {
    let fields = ["containers", "initContainers"].into_iter();
    let containers = fields.flat_map(|field| template.list_at(&["spec", field]));
    let ports = containers.flat_map(|container| container.list_at(&["ports"]));
    ports
        .filter_map(|port| {
            let name = port.text_at(&["name"]);
            let number = port.number_at("containerPort").filter(|_| !name.is_empty())?;
            Some((name.to_owned(), port.protocol(), number))
        })
        .collect()
}

/// The pod of a document; `None` if it describes no pod with a network of its own.
pub(super) fn read(kind: &str, node: &Node, within: &str) -> Option<Pod> {
    let template = node.at_path(template(kind)?)?;
    if is_on_host(template) {
        return None;
    }
    let namespace = node.text_at(&["metadata", "namespace"]);
    Some(Pod {
        namespace: if namespace.is_empty() { within } else { namespace }.to_owned(),
        labels: template.texts_of(&["metadata", "labels"]),
        address: template.text_at(&["status", "podIP"]).parse().ok(),
        ports: named_ports(template),
    })
}

/// The named ports of an identity, if the loaded pods that may have this identity agree.
pub(crate) fn ports_of<'p>(
    pods: &'p [Pod],
    identity: &Identity,
) -> Option<&'p [(String, u8, u16)]> {
    let by_address =
        pods.iter().find(|pod| pod.address.is_some_and(|own| identity.address() == Some(own)));
    if let Some(pod) = by_address {
        return Some(&pod.ports);
    }
    let mut found: Option<&[(String, u8, u16)]> = None;
    for pod in pods.iter().filter(|pod| pod.may_be(identity)) {
        match found {
            Some(ports) if ports != pod.ports => return None,
            _ => found = Some(&pod.ports),
        }
    }
    found
}

/// The named ports of all pods where they agree, as agents before 1.20 resolve them for egress.
pub(crate) fn ports_of_all(pods: &[Pod]) -> Vec<(String, u8, u16)> {
    let mut numbers: HashMap<(&str, u8), Option<u16>> = HashMap::new();
    for (name, protocol, number) in pods.iter().flat_map(|pod| &pod.ports) {
        let known = numbers.entry((name, *protocol)).or_insert(Some(*number));
        *known = known.filter(|own| own == number);
    }
    let agreed = |((name, protocol), number): ((&str, u8), Option<u16>)| {
        Some((name.to_owned(), protocol, number?))
    };
    numbers.into_iter().filter_map(agreed).collect()
}

impl Pod {
    /// Whether the pod may have this identity: the agent drops some pod labels and adds its own.
    fn may_be(&self, identity: &Identity) -> bool {
        let mut has_own = false;
        let is_same = identity.labels().iter().filter(|label| label.source == "k8s").all(|label| {
            if label.key == crate::identity_label::POD_NAMESPACE {
                return label.value == self.namespace;
            }
            if label.key.starts_with("io.cilium.k8s.") {
                return true;
            }
            has_own = true;
            self.labels.iter().any(|(key, value)| *key == label.key && *value == label.value)
        });
        is_same && has_own && identity.k8s_label(crate::identity_label::POD_NAMESPACE).is_some()
    }
}

impl Node {
    /// The number of a field, if it is a valid port.
    #[must_use]
    pub fn number_at(&self, name: &str) -> Option<u16> {
        match self.get(name)?.value {
            Value::Integer(number) => u16::try_from(number).ok(),
            _ => None,
        }
    }

    /// The protocol of a port.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        match self.text_at(&["protocol"]) {
            "UDP" => 17,
            "SCTP" => 132,
            _ => 6,
        }
    }
}
