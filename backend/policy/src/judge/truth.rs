//! Whether a peer selector selects an identity: yes, no, or not known.

use super::{
    groups,
    identity::{Identity, Knowledge},
};
use crate::{CidrGroup, GroupSelector, Label, Operator, PeerMatcher, Prefix, Selector, Settings};

/// Three-valued truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Truth {
    No,
    Unknown,
    Yes,
}

impl Truth {
    pub(super) const fn of(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }

    pub(super) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    pub(super) fn or(self, other: Self) -> Self {
        self.max(other)
    }

    pub(super) const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

/// What matching needs beside the identity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World<'w> {
    pub(crate) settings: &'w Settings,
    pub(crate) groups: &'w [CidrGroup],
}

impl World<'_> {
    /// Whether a peer selector selects an identity.
    pub(crate) fn selects(&self, matcher: &PeerMatcher, identity: &Identity) -> Truth {
        match matcher {
            PeerMatcher::Labels(selector) => labels(selector, identity),
            PeerMatcher::Nodes(selector) => nodes(selector, identity),
            PeerMatcher::Cidr { prefix, except } => self
                .may_match_cidr(identity)
                .and(self.is_inside(prefix, identity))
                .and(self.is_outside(except, identity)),
            PeerMatcher::CidrGroup { selector, except } => self
                .may_match_cidr(identity)
                .and(self.is_in_group(selector, identity))
                .and(self.is_outside(except, identity)),
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
                    Knowledge::Recorded if !identity.is_world() => Truth::No,
                    Knowledge::Recorded if identity.names().is_empty() => Truth::Unknown,
                    Knowledge::Recorded => {
                        Truth::of(identity.names().iter().any(|name| pattern.matches(name)))
                    }
                }
            }
            PeerMatcher::CloudGroup => match identity.knowledge() {
                Knowledge::Everything => Truth::No,
                Knowledge::Recorded if !identity.is_world() => Truth::No,
                _ => Truth::Unknown,
            },
            PeerMatcher::Service { service } => {
                if service.as_ref().is_some_and(|s| identity.services().contains(s)) {
                    return Truth::Yes;
                }
                match identity.knowledge() {
                    Knowledge::Everything => Truth::No,
                    _ => Truth::Unknown,
                }
            }
        }
    }

    /// CIDR selectors are for the world, unless the agent is set otherwise.
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
            let name = match (self.settings.dual_stack, prefix.is_ipv4()) {
                (false, _) => "world",
                (true, true) => "world-ipv4",
                (true, false) => "world-ipv6",
            };
            let by_address = self.settings.cidr_matches_pods
                && identity.prefixes().any(|own| own.is_ipv4() == prefix.is_ipv4());
            if identity.is_reserved(name) || by_address {
                return Truth::Yes;
            }
            // A record's label may be of other times; its address is not.
            return match identity.address() {
                Some(address) if identity.is_world() => {
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

    fn is_outside(&self, except: &[Prefix], identity: &Identity) -> Truth {
        except
            .iter()
            .fold(Truth::Yes, |truth, prefix| truth.and(self.is_inside(prefix, identity).not()))
    }

    fn is_in_group(&self, selector: &GroupSelector, identity: &Identity) -> Truth {
        match (identity.knowledge(), selector) {
            (Knowledge::Nothing, _) => Truth::Unknown,
            _ if !groups::has_labels(identity) => {
                groups::by_address(self.groups, selector, identity)
            }
            (Knowledge::Everything, GroupSelector::Labels(selector)) => {
                Truth::of(encoded_matches(selector, identity.labels()))
            }
            _ => Truth::of(groups::by_labels(selector, identity.labels())),
        }
    }
}

fn labels(selector: &Selector, identity: &Identity) -> Truth {
    if identity.knowledge() == Knowledge::Nothing && !selector.is_wildcard() {
        return Truth::Unknown;
    }
    Truth::of(selector.matches(identity.labels()))
}

/// Records carry no labels of nodes, except by chance.
fn nodes(selector: &Selector, identity: &Identity) -> Truth {
    match identity.knowledge() {
        Knowledge::Nothing => return Truth::Unknown,
        Knowledge::Recorded => {}
        Knowledge::Everything => return Truth::of(selector.matches(identity.labels())),
    }
    let has_node_labels = identity.labels().iter().any(|label| label.source == "node");
    let is_of_node = selector
        .requirements
        .iter()
        .filter(|requirement| requirement.source.as_deref() == Some("reserved"))
        .all(|requirement| requirement.matches(identity.labels()));
    match (is_of_node, has_node_labels) {
        (false, _) => Truth::No,
        (true, true) => Truth::of(selector.matches(identity.labels())),
        (true, false) => Truth::Unknown,
    }
}

/// Labels of CIDR groups stand in the identity with their value in the key.
fn encoded_matches(selector: &Selector, labels: &[Label]) -> bool {
    selector.requirements.iter().all(|requirement| {
        let has = |values: &[String]| {
            values.iter().any(|value| {
                labels.iter().any(|label| {
                    label.source == "cidrgroup"
                        && label.key == format!("{}={value}", requirement.key)
                        || (requirement.concerns(label) && label.value == *value)
                })
            })
        };
        match &requirement.operator {
            Operator::In(values) => has(values),
            Operator::NotIn(values) => !has(values),
            Operator::Exists | Operator::DoesNotExist => requirement.matches(labels),
        }
    })
}
