//! Three-valued matching: whether a peer selector selects an identity (yes, no or unknown).

use vocabulary::reserved;

use super::{
    groups,
    identity::{Identity, Knowledge},
    nodes,
    truth::Truth,
};
use crate::{
    CidrGroup, ClusterNode, GroupSelector, Label, Operator, PeerMatcher, Prefix, Requirement,
    Selector, ServiceSelector, Settings,
};

/// The facts that matching needs beside the identity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World<'w> {
    pub(crate) settings: &'w Settings,
    pub(crate) groups: &'w [CidrGroup],
    pub(crate) nodes: &'w [ClusterNode],
}

impl World<'_> {
    /// Whether a peer selector selects an identity, directly or by the aggregate entry for
    /// identities of its kind.
    pub(crate) fn selects(&self, matcher: &PeerMatcher, identity: &Identity) -> Truth {
        self.selects_beside(matcher, identity, self.aggregate(identity).as_ref())
    }

    /// Whether a peer selector selects an identity, given the label of its aggregate entry.
    pub(super) fn selects_beside(
        &self,
        matcher: &PeerMatcher,
        identity: &Identity,
        aggregate: Option<&Label>,
    ) -> Truth {
        match (self.selects_itself(matcher, identity), aggregate) {
            (Truth::Yes, _) => Truth::Yes,
            (truth, Some(label)) => truth.or(Truth::of(self.selects_aggregate(matcher, label))),
            (truth, None) => truth,
        }
    }

    /// The only label of the aggregate entry for identities of a kind. `None` if the identity has
    /// no such kind, or if the release has no aggregate entries.
    pub(super) fn aggregate(&self, identity: &Identity) -> Option<Label> {
        if !self.settings.release.has_aggregates() {
            return None;
        }
        let key = aggregate_key(identity, self.settings)?;
        let (key, source) = (key.to_owned(), "reserved".to_owned());
        Some(Label { key, value: String::new(), source })
    }

    /// Whether a peer selector selects the aggregate entry for identities of a kind, by its label.
    /// Source: pkg/policy/aggregate.go.
    pub(super) fn selects_aggregate(&self, matcher: &PeerMatcher, label: &Label) -> bool {
        let labels = std::slice::from_ref(label);
        match matcher {
            PeerMatcher::Labels(selector) => selector.matches(labels),
            // The aggregate is neither in the world nor a node, and has no address.
            PeerMatcher::CidrGroup { selector: GroupSelector::Labels(selector), .. } => {
                self.settings.cidr_matches_pods && groups::is_selected(selector, labels)
            }
            _ => false,
        }
    }

    /// Whether a peer selector selects an identity by its own labels, address and names.
    pub(super) fn selects_itself(&self, matcher: &PeerMatcher, identity: &Identity) -> Truth {
        match matcher {
            PeerMatcher::Labels(selector) => labels(selector, identity),
            PeerMatcher::Nodes(selector) => {
                nodes::selects(self.nodes, selector, identity, self.settings)
            }
            PeerMatcher::Cidr { prefix, except } => self
                .may_match_cidr(identity)
                .and(self.is_inside(prefix, identity))
                .and(self.is_outside(except, identity, true)),
            // Its key equals that of the selector for everyone, so the agent takes it for that
            // selector.
            PeerMatcher::CidrGroup { selector: GroupSelector::Labels(selector), except }
                if selector.is_wildcard() && except.is_empty() =>
            {
                Truth::Yes
            }
            PeerMatcher::CidrGroup { selector, except } => self
                .may_match_cidr(identity)
                .and(self.is_in_group(selector, identity))
                .and(self.is_outside(except, identity, matches!(selector, GroupSelector::Name(_)))),
            PeerMatcher::Name(pattern) => {
                let has_label = identity
                    .labels()
                    .iter()
                    .any(|label| label.source == "fqdn" && label.key == pattern.text);
                if has_label {
                    return Truth::Yes;
                }
                match identity.knowledge() {
                    Knowledge::Everything => Truth::No,
                    Knowledge::Nothing => Truth::Unknown,
                    _ if !identity.is_world() => Truth::No,
                    _ if identity.names().is_empty() => {
                        if identity.is_unnamed() {
                            Truth::No
                        } else {
                            Truth::Unknown
                        }
                    }
                    Knowledge::Recorded | Knowledge::Partial => {
                        Truth::of(identity.names().iter().any(|name| pattern.matches(name)))
                    }
                }
            }
            PeerMatcher::CloudGroup { .. }
                if matches!(identity.knowledge(), Knowledge::Recorded | Knowledge::Partial)
                    && !identity.is_world() =>
            {
                Truth::No
            }
            // The operator keeps the addresses in a CIDR group with this label.
            PeerMatcher::CloudGroup { key } => {
                let has_key = Requirement {
                    source: Some("cidrgroup".to_owned()),
                    key: key.clone(),
                    operator: Operator::Exists,
                };
                let selector = Selector { requirements: vec![has_key] };
                self.is_in_group(&GroupSelector::Labels(selector), identity)
            }
            PeerMatcher::Service(meant) => {
                if let ServiceSelector::Name { namespace, name } = meant
                    && identity.services().iter().any(|(own_namespace, own)| {
                        own == name && (namespace.is_empty() || own_namespace == namespace)
                    })
                {
                    return Truth::Yes;
                }
                match identity.knowledge() {
                    Knowledge::Everything => Truth::No,
                    _ => Truth::Unknown,
                }
            }
        }
    }

    /// Whether CIDR selectors apply to an identity: only to the world, unless settings say
    /// otherwise.
    fn may_match_cidr(&self, identity: &Identity) -> Truth {
        if identity.knowledge() == Knowledge::Nothing {
            return Truth::Unknown;
        }
        let (is_world, is_node) = (identity.is_world(), identity.is_node());
        Truth::of(
            is_world
                || if is_node {
                    self.settings.cidr_matches_nodes
                } else {
                    self.settings.cidr_matches_pods
                },
        )
    }

    fn is_inside(&self, prefix: &Prefix, identity: &Identity) -> Truth {
        if prefix.is_everything() {
            let is_world = identity.is_reserved(self.settings.world_of(prefix.is_ipv4()));
            if is_world || self.by_family(prefix, identity) {
                return Truth::Yes;
            }
            // A label of the record may come from earlier policies; its address is current.
            return match identity.address() {
                Some(address) if identity.is_world() && self.is_enabled(prefix) => {
                    Truth::of(address.is_ipv4() == prefix.is_ipv4())
                }
                _ => Truth::No,
            };
        }
        if identity.prefixes().any(|own| prefix.contains(&own)) {
            return Truth::Yes;
        }
        if identity.knowledge() == Knowledge::Everything || identity.address().is_some() {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    fn is_outside(&self, except: &[Prefix], identity: &Identity, by_family: bool) -> Truth {
        except.iter().fold(Truth::Yes, |truth, prefix| {
            // An address matches every requirement on the prefix of all addresses, even the
            // requirement to be outside.
            let is_met = by_family && prefix.is_everything() && self.by_family(prefix, identity);
            let is_outside =
                if is_met { Truth::Yes } else { self.is_inside(prefix, identity).not() };
            truth.and(is_outside)
        })
    }

    /// Whether a prefix of all addresses selects an identity by its family alone.
    fn by_family(&self, prefix: &Prefix, identity: &Identity) -> bool {
        self.settings.cidr_matches_pods
            && self.is_enabled(prefix)
            && identity.prefixes().any(|own| own.is_ipv4() == prefix.is_ipv4())
    }

    /// Whether the prefix's family is enabled: no identity carries the all-addresses label of a
    /// disabled family.
    const fn is_enabled(&self, prefix: &Prefix) -> bool {
        if prefix.is_ipv4() { self.settings.ipv4 } else { self.settings.ipv6 }
    }

    fn is_in_group(&self, selector: &GroupSelector, identity: &Identity) -> Truth {
        match (identity.knowledge(), selector) {
            (_, GroupSelector::Labels(selector)) if selector.is_wildcard() => Truth::Yes,
            (Knowledge::Nothing, _) => Truth::Unknown,
            _ if !groups::has_labels(identity) => {
                groups::by_address(self.groups, selector, identity)
            }
            _ => Truth::of(groups::by_labels(selector, identity.labels())),
        }
    }
}

/// Whether a selector selects an identity by its labels.
pub(super) fn labels(selector: &Selector, identity: &Identity) -> Truth {
    match identity.knowledge() {
        Knowledge::Nothing if !selector.is_wildcard() => Truth::Unknown,
        Knowledge::Partial => selector
            .requirements
            .iter()
            .fold(Truth::Yes, |truth, requirement| truth.and(thin(requirement, identity))),
        _ => Truth::of(selector.matches(identity.labels())),
    }
}

/// Whether a requirement holds for labels that a record holds only in part.
fn thin(requirement: &Requirement, identity: &Identity) -> Truth {
    let is_recorded = identity.labels().iter().any(|label| requirement.concerns(label.as_ref()));
    let is_left_out = if identity.is_node() {
        requirement.source.as_deref() != Some("reserved")
    } else {
        requirement.source.as_deref().is_none_or(|source| source == "k8s")
            && (requirement.key.starts_with("io.cilium.k8s.")
                || requirement.key.starts_with("io.kubernetes."))
    };
    if is_left_out && !is_recorded {
        return Truth::Unknown;
    }
    Truth::of(requirement.matches(identity.labels()))
}

/// The key of the reserved label of an identity's aggregate entry. `None` if the identity has a
/// reserved number, or is unknown. Source: pkg/identity/identity.go
/// `LookupReservedIdentityByLabels`, `ScopeForLabels`.
fn aggregate_key(identity: &Identity, settings: &Settings) -> Option<&'static str> {
    let labels = identity.labels();
    let is_reserved = labels.iter().any(|label| label.source == "reserved");
    if is_reserved {
        let has_number = match labels {
            _ if identity.has_key("host") => true,
            // Flow records omit the other labels of a node.
            _ if identity.has_key("remote-node") => match identity.knowledge() {
                Knowledge::Everything => labels.iter().all(|label| label.source == "reserved"),
                _ => !settings.cidr_matches_nodes && !settings.node_selector_labels,
            },
            [label] => reserved::number(&label.key).is_some(),
            _ => false,
        };
        if has_number {
            return None;
        }
    }
    let is_of_agent =
        |label: &Label| matches!(&*label.source, "cidr" | "fqdn" | "reserved" | "cidrgroup");
    if labels.is_empty() {
        None
    } else if identity.has_key("remote-node") {
        Some("aggregate-remote-node")
    } else if (is_reserved && identity.has_key("ingress")) || labels.iter().all(is_of_agent) {
        Some("aggregate-world")
    } else {
        let cluster = identity.k8s_label("io.cilium.k8s.policy.cluster");
        Some(match cluster {
            Some(cluster) if cluster != settings.cluster_name => "aggregate-cluster-mesh",
            _ => "aggregate-cluster",
        })
    }
}
