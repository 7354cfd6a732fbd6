//! Kinds of documents, by version and kind; for unknown ones, the kind that was probably meant.

use crate::PolicyKind;

/// The kind of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Policy(PolicyKind),
    CidrGroup,
    /// An object of another kind; the note says where it belongs.
    Foreign(Option<&'static str>),
    /// A kind that no server knows, close to a policy kind of Cilium.
    Unknown(String),
}

const CILIUM: &str = "cilium.io";
const NETWORKING: &str = "networking.k8s.io";
const POLICY: &str = "policy.networking.k8s.io";

/// The group, versions and kind of the documents that the engine reads.
const OURS: [(&str, &[&str], &str, Option<PolicyKind>); 5] = [
    (CILIUM, &["v2"], "CiliumNetworkPolicy", Some(PolicyKind::CiliumNetworkPolicy)),
    (
        CILIUM,
        &["v2"],
        "CiliumClusterwideNetworkPolicy",
        Some(PolicyKind::CiliumClusterwideNetworkPolicy),
    ),
    (CILIUM, &["v2", "v2alpha1"], "CiliumCIDRGroup", None),
    (NETWORKING, &["v1"], "NetworkPolicy", Some(PolicyKind::NetworkPolicy)),
    (
        POLICY,
        &["v1alpha2", "v1beta1"],
        "ClusterNetworkPolicy",
        Some(PolicyKind::ClusterNetworkPolicy),
    ),
];

/// The other kinds in these groups.
const NEIGHBOURS: &[(&str, &[&str])] = &[
    (
        CILIUM,
        &[
            "CiliumBGPAdvertisement",
            "CiliumBGPClusterConfig",
            "CiliumBGPNodeConfig",
            "CiliumBGPNodeConfigOverride",
            "CiliumBGPPeerConfig",
            "CiliumBGPPeeringPolicy",
            "CiliumClusterwideEnvoyConfig",
            "CiliumDatapathPlugin",
            "CiliumEgressGatewayPolicy",
            "CiliumEndpoint",
            "CiliumEndpointSlice",
            "CiliumEnvoyConfig",
            "CiliumExternalWorkload",
            "CiliumGatewayClassConfig",
            "CiliumIdentity",
            "CiliumL2AnnouncementPolicy",
            "CiliumLoadBalancerIPPool",
            "CiliumLocalRedirectPolicy",
            "CiliumNetworkDriverClusterConfig",
            "CiliumNetworkDriverNodeConfig",
            "CiliumNode",
            "CiliumNodeConfig",
            "CiliumPodIPPool",
            "CiliumResourceIPPool",
            // Kinds of Tetragon and Isovalent, in the same group.
            "PodInfo",
            "RuntimeHook",
            "TracingPolicy",
            "TracingPolicyNamespaced",
        ],
    ),
    (NETWORKING, &["Ingress", "IngressClass", "IPAddress", "ServiceCIDR", "ClusterTrustBundle"]),
    (POLICY, &["AdminNetworkPolicy", "BaselineAdminNetworkPolicy"]),
];

/// The groups with policies named like Cilium's.
const OTHERS: &[(&str, &str)] = &[
    ("projectcalico.org", "a policy of Calico: not Cilium's"),
    ("crd.projectcalico.org", "a policy of Calico: not Cilium's"),
    ("crd.antrea.io", "a policy of Antrea: not Cilium's"),
];

impl Kind {
    /// The kind for a name, whatever its version.
    pub(crate) fn of_name(kind: &str) -> Self {
        let ours = OURS.iter().find(|(_, _, name, _)| *name == kind);
        ours.map_or(Self::Foreign(None), |(.., policy)| {
            policy.map_or(Self::CidrGroup, Self::Policy)
        })
    }

    /// The kind for a document's version and kind; `None` stands for a missing field.
    pub(crate) fn of(api_version: Option<&str>, kind: Option<&str>) -> Self {
        let kind = kind.unwrap_or_default();
        let Some(api_version) = api_version.filter(|text| !text.is_empty()) else {
            return match nearest_kind(kind, 0) {
                Some(ours) => Self::Unknown(format!("apiVersion is missing: {}", spelling(ours))),
                None => Self::Foreign(None),
            };
        };
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if let Some((_, note)) = OTHERS.iter().find(|(own, _)| *own == group) {
            return Self::Foreign(Some(note));
        }
        let is_ours = OURS.iter().any(|(own, ..)| *own == group);
        let exact = OURS.iter().find(|(own, _, name, _)| *own == group && *name == kind);
        if let Some((_, versions, _, policy)) = exact {
            if !versions.contains(&version) {
                return Self::Unknown(format!(
                    "there is no version `{version}` of {kind}: {}",
                    spelling((group, versions, kind))
                ));
            }
            return policy.map_or(Self::CidrGroup, Self::Policy);
        }
        if group == "extensions" && kind == "NetworkPolicy" {
            return Self::Unknown(
                "extensions/v1beta1 was removed in Kubernetes 1.16: networking.k8s.io/v1 NetworkPolicy"
                    .to_owned(),
            );
        }
        let neighbours = NEIGHBOURS.iter().find(|(own, _)| *own == group);
        if neighbours.is_some_and(|(_, kinds)| kinds.contains(&kind)) {
            return Self::Foreign((group == POLICY).then_some(
                "Cilium reads ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2 instead",
            ));
        }
        let is_group_near = OURS.iter().any(|(own, ..)| distance(own, group) <= 3);
        if is_ours || is_group_near || group.is_empty() {
            let nearest = nearest_kind(kind, if is_ours || is_group_near { 3 } else { 0 });
            return match nearest {
                Some(ours) => Self::Unknown(format!(
                    "there is no {kind} of `{api_version}`: {}",
                    spelling(ours)
                )),
                None if is_ours => Self::Unknown(format!("there is no {kind} of `{api_version}`")),
                None => Self::Foreign(None),
            };
        }
        // A typing error in the kind, in an unknown group.
        match nearest_kind(kind, 3).filter(|(.., name)| name.starts_with("Cilium")) {
            Some(ours) => {
                Self::Unknown(format!("there is no {kind} of `{api_version}`: {}", spelling(ours)))
            }
            None => Self::Foreign(None),
        }
    }
}

type Ours = (&'static str, &'static [&'static str], &'static str);

/// The nearest kind to a name within this distance, ignoring case.
fn nearest_kind(kind: &str, most: usize) -> Option<Ours> {
    let lower = kind.to_ascii_lowercase();
    OURS.iter()
        .map(|(group, versions, name, _)| {
            (distance(&name.to_ascii_lowercase(), &lower), (*group, *versions, *name))
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, ours)| ours)
}

fn spelling((group, versions, kind): (&str, &[&str], &str)) -> String {
    let version = versions.first().copied().unwrap_or_default();
    format!("the right spelling is apiVersion {group}/{version}, kind {kind}")
}

/// The number of letters to change, add or remove between two names. A given name may be long: those of
/// other lengths are not compared.
pub(super) fn distance(one: &str, other: &str) -> usize {
    if one.len().abs_diff(other.len()) > 3 {
        return usize::MAX;
    }
    strsim::levenshtein(one, other)
}
