//! The resources that are listed and watched.

/// A resource of an API server.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Versions that are read, the preferred one first.
    pub versions: &'static [&'static str],
    /// Kind of its objects.
    pub kind: &'static str,
    /// Name in URLs and in rights.
    pub plural: &'static str,
    /// What its objects are for.
    pub role: Role,
}

/// What the objects of a resource are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Policies, which decide.
    Policy,
    /// Objects that policies refer to.
    Referred,
    /// Objects that choose which flows are logged or counted.
    Log,
}

/// All resources, in the order of their objects in a [`crate::Snapshot`].
pub static RESOURCES: [Resource; 10] = [
    resource("cilium.io", &["v2"], "CiliumNetworkPolicy", "ciliumnetworkpolicies", Role::Policy),
    resource(
        "cilium.io",
        &["v2"],
        "CiliumClusterwideNetworkPolicy",
        "ciliumclusterwidenetworkpolicies",
        Role::Policy,
    ),
    resource("networking.k8s.io", &["v1"], "NetworkPolicy", "networkpolicies", Role::Policy),
    resource(
        "policy.networking.k8s.io",
        &["v1beta1", "v1alpha2"],
        "ClusterNetworkPolicy",
        "clusternetworkpolicies",
        Role::Policy,
    ),
    resource(
        "cilium.io",
        &["v2", "v2alpha1"],
        "CiliumCIDRGroup",
        "ciliumcidrgroups",
        Role::Referred,
    ),
    resource("", &["v1"], "Namespace", "namespaces", Role::Referred),
    resource("", &["v1"], "Service", "services", Role::Referred),
    resource("discovery.k8s.io", &["v1"], "EndpointSlice", "endpointslices", Role::Referred),
    resource(
        "acn.azure.com",
        &["v1alpha1"],
        "ContainerNetworkLog",
        "containernetworklogs",
        Role::Log,
    ),
    resource(
        "acn.azure.com",
        &["v1alpha1"],
        "ContainerNetworkMetric",
        "containernetworkmetrics",
        Role::Log,
    ),
];

const fn resource(
    group: &'static str,
    versions: &'static [&'static str],
    kind: &'static str,
    plural: &'static str,
    role: Role,
) -> Resource {
    Resource { group, versions, kind, plural, role }
}

impl Resource {
    /// The name in rights: `networkpolicies.networking.k8s.io`, or `services` of the core group.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The `apiVersion` of a version.
    pub(crate) fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }

    /// The path of all objects of a version.
    pub(crate) fn path(&self, version: &str) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        format!("{root}/{}/{}", self.api_version(version), self.plural)
    }

    /// The path of the group, which names its served versions.
    pub(crate) fn group_path(&self) -> Option<String> {
        (!self.group.is_empty()).then(|| format!("/apis/{}", self.group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The account of `provisioning/kubernetes` may read all resources, and nothing else.
    #[test]
    fn the_cluster_role_names_all_resources() {
        let role = include_str!("../../../provisioning/kubernetes/policies.yaml");
        let mut named = Vec::new();
        let chunks = cilium_policy::source::split(role);
        for node in chunks.iter().flat_map(|chunk| cilium_policy::source::read(chunk).unwrap()) {
            for rule in node.list_at(&["rules"]) {
                let texts = |field: &str| -> Vec<String> {
                    let items = rule.list_at(&[field]).iter();
                    items.map(|own| own.as_str().unwrap_or("?").to_owned()).collect()
                };
                assert_eq!(texts("verbs"), ["list", "watch"]);
                for group in texts("apiGroups") {
                    named.extend(texts("resources").into_iter().map(|own| (group.clone(), own)));
                }
            }
        }
        named.sort();
        let mut known: Vec<(String, String)> =
            RESOURCES.iter().map(|own| (own.group.to_owned(), own.plural.to_owned())).collect();
        known.sort();
        assert_eq!(named, known);
    }
}
