//! Membership of a peer in the CIDR groups of a selector. The identity of an address carries the
//! united labels of all groups that hold it. The labels of the flow record count first; without
//! them the loaded groups count. Source: `pkg/policy/k8s/cilium_cidr_group.go`.

use super::{
    identity::{Identity, Knowledge},
    truth::Truth,
};
use crate::{CidrGroup, GroupSelector, Label, Operator, Requirement, Selector};

/// The source of group labels.
const SOURCE: &str = "cidrgroup";
/// The key prefix of the label for a group's own name.
pub(super) const NAME: &str = "io.cilium.policy.cidrgroupname/";

/// Whether a peer carries group labels: they then list all of its groups.
pub(super) fn has_labels(identity: &Identity) -> bool {
    identity.labels().iter().any(|label| label.source == SOURCE)
}

/// Whether the peer's own labels match the group selector.
pub(super) fn by_labels(selector: &GroupSelector, labels: &[Label]) -> bool {
    match selector {
        GroupSelector::Name(name) => labels
            .iter()
            .any(|label| label.source == SOURCE && label.key.strip_prefix(NAME) == Some(name)),
        GroupSelector::Labels(selector) => is_selected(selector, labels),
    }
}

/// Whether a peer belongs to the groups, by its addresses. Unknown if a record has no address, or
/// if some of the selector's groups are not loaded.
pub(super) fn by_address(
    groups: &[CidrGroup],
    selector: &GroupSelector,
    identity: &Identity,
) -> Truth {
    let is_complete = identity.knowledge() == Knowledge::Everything;
    if !is_complete && identity.address().is_none() {
        return Truth::Unknown;
    }
    let holders: Vec<&CidrGroup> = groups
        .iter()
        .filter(|group| {
            identity.prefixes().any(|own| group.prefixes.iter().any(|prefix| prefix.contains(&own)))
        })
        .collect();
    match selector {
        GroupSelector::Name(name) => found(holders.iter().any(|group| group.name == *name), || {
            is_complete || groups.iter().any(|group| group.name == *name)
        }),
        GroupSelector::Labels(selector) => {
            selector.requirements.iter().fold(Truth::Yes, |truth, requirement| {
                truth.and(holds(requirement, &holders, groups, identity))
            })
        }
    }
}

/// Whether labels of an identity match a selector. The value is part of the key, because several
/// groups may give one key several values. Older agents kept one of them as the value.
pub(super) fn is_selected(selector: &Selector, labels: &[Label]) -> bool {
    selector.requirements.iter().all(|requirement| {
        let has = |values: &[String]| {
            values.iter().any(|value| {
                labels.iter().any(|label| {
                    (requirement.concerns(label.as_ref()) && label.value == *value)
                        || (label.source == SOURCE
                            && label.key == format!("{}+{value}", requirement.key))
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

/// Whether a requirement holds for the united labels of the groups that hold the address.
fn holds(
    requirement: &Requirement,
    holders: &[&CidrGroup],
    groups: &[CidrGroup],
    identity: &Identity,
) -> Truth {
    let is_complete = identity.knowledge() == Knowledge::Everything;
    if requirement.source.as_deref().is_some_and(|source| source != SOURCE) {
        return Truth::of(requirement.matches(identity.labels()));
    }
    let has = |group: &CidrGroup, value: Option<&String>| {
        group.labels.iter().any(|label| {
            requirement.concerns(label.as_ref()) && value.is_none_or(|value| label.value == *value)
        }) || (value.is_none() && requirement.key.strip_prefix(NAME) == Some(&group.name))
    };
    let truth = match &requirement.operator {
        Operator::In(values) | Operator::NotIn(values) => found(
            values.iter().any(|value| holders.iter().any(|group| has(group, Some(value)))),
            || {
                is_complete
                    || values.iter().all(|value| groups.iter().any(|group| has(group, Some(value))))
            },
        ),
        Operator::Exists | Operator::DoesNotExist => {
            found(holders.iter().any(|group| has(group, None)), || {
                is_complete || groups.iter().any(|group| has(group, None))
            })
        }
    };
    match requirement.operator {
        Operator::In(_) | Operator::Exists => truth,
        Operator::NotIn(_) | Operator::DoesNotExist => truth.not(),
    }
}

/// The truth of a search: "not found" is a no only where everything to search is loaded.
fn found(is_found: bool, is_at_hand: impl Fn() -> bool) -> Truth {
    match (is_found, is_found || is_at_hand()) {
        (true, _) => Truth::Yes,
        (false, true) => Truth::No,
        (false, false) => Truth::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Documents, PeerMatcher, Peers, Settings, SourceText};

    const GROUPS: &str = "
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: g1, labels: {team: red, tier: gold}}
spec: {externalCIDRs: [10.1.0.0/16, 10.9.0.0/16]}
---
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: g2, labels: {team: blue}}
spec: {externalCIDRs: [10.2.0.0/16, 10.9.0.0/16]}
---
";

    fn check(selector: &str, address: &str, labels: &[&str], expect: Truth) {
        let text = format!(
            "{GROUPS}apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p}}\nspec:\n  endpointSelector: {{}}\n  egress:\n  - toCIDRSet: [{{{selector}}}]\n"
        );
        let texts = [SourceText { index: 0, text: &text }];
        let documents = Documents::read(&texts, &Settings::default());
        assert_eq!(documents.refused, [], "{selector}");
        let labels = labels.iter().chain(&["reserved:world"]).map(|label| Label::parse(label));
        let identity = Identity::recorded(labels, address.parse().ok());
        let matcher = match documents.entries.first().map(|entry| &entry.peers) {
            Some(Peers::Any(peers)) => peers.first().map(|peer| &peer.matcher),
            _ => None,
        };
        let read = match matcher {
            Some(PeerMatcher::CidrGroup { selector, .. }) => Some(selector),
            _ => None,
        };
        let read = read.expect("the policy's only peer is a group");
        let truth = if has_labels(&identity) {
            Truth::of(by_labels(read, identity.labels()))
        } else {
            by_address(&documents.groups, read, &identity)
        };
        assert_eq!(
            truth,
            expect,
            "{selector} for `{address}` with {labels:?}",
            labels = identity.labels()
        );
    }

    fn labels(key: &str, operator: &str, values: &str) -> String {
        format!(
            "cidrGroupSelector: {{matchExpressions: [{{key: {key}, operator: {operator}{values}}}]}}"
        )
    }

    #[test]
    fn the_groups_that_hold_an_address_unite_their_labels() {
        use Truth::{No, Unknown, Yes};
        let is = |value: &str| labels("team", "In", &format!(", values: [{value}]"));
        let is_not = |value: &str| labels("team", "NotIn", &format!(", values: [{value}]"));
        for (address, red, blue) in [
            ("10.1.1.1", Yes, No),
            ("10.2.1.1", No, Yes),
            ("10.9.1.1", Yes, Yes),
            ("10.3.1.1", No, No),
            ("", Unknown, Unknown),
        ] {
            check(&is("red"), address, &[], red);
            check(&is("blue"), address, &[], blue);
            check(&is_not("red"), address, &[], red.not());
            check(&is_not("blue"), address, &[], blue.not());
            check("cidrGroupRef: g1", address, &[], red);
            check("cidrGroupRef: g2", address, &[], blue);
        }
        // Two requirements; a different group meets each.
        check("cidrGroupSelector: {matchLabels: {team: blue, tier: gold}}", "10.9.1.1", &[], Yes);
        check("cidrGroupSelector: {matchLabels: {team: blue, tier: gold}}", "10.2.1.1", &[], No);
        check(&labels("tier", "Exists", ""), "10.1.1.1", &[], Yes);
        check(&labels("tier", "DoesNotExist", ""), "10.2.1.1", &[], Yes);
        check(&labels("tier", "DoesNotExist", ""), "10.1.1.1", &[], No);
    }

    #[test]
    fn groups_that_are_not_loaded_may_contain_the_address() {
        use Truth::{Unknown, Yes};
        check("cidrGroupRef: g3", "10.1.1.1", &[], Unknown);
        check("cidrGroupSelector: {matchLabels: {team: green}}", "10.1.1.1", &[], Unknown);
        check(&labels("team", "NotIn", ", values: [green]"), "10.1.1.1", &[], Unknown);
        check(&labels("owner", "DoesNotExist", ""), "10.1.1.1", &[], Unknown);
        check(&labels("team", "In", ", values: [green, red]"), "10.1.1.1", &[], Yes);
        check(&labels("team", "In", ", values: [green, red]"), "10.2.1.1", &[], Unknown);
    }

    #[test]
    fn the_records_own_labels_come_first() {
        use Truth::{No, Yes};
        let own = &[
            "cidrgroup:io.cilium.policy.cidrgroupname/g3",
            "cidrgroup:team=green",
            "cidrgroup:team+green",
            "cidrgroup:team+white",
        ];
        check("cidrGroupRef: g3", "10.1.1.1", own, Yes);
        check("cidrGroupRef: g1", "10.1.1.1", own, No);
        check("cidrGroupSelector: {matchLabels: {team: white}}", "10.1.1.1", own, Yes);
        check("cidrGroupSelector: {matchLabels: {team: red}}", "10.1.1.1", own, No);
        check(&labels("team", "NotIn", ", values: [white]"), "10.1.1.1", own, No);
        // Labels from agents that keep one value for each key.
        let old = &["cidrgroup:io.cilium.policy.cidrgroupname/g3", "cidrgroup:team=green"];
        check("cidrGroupSelector: {matchLabels: {team: green}}", "10.1.1.1", old, Yes);
    }

    #[test]
    fn a_cloud_group_is_a_cidr_group() {
        use super::super::world::World;
        let key = "extgrp.cilium.io/x".to_owned();
        let group = CidrGroup {
            name: "made-by-the-operator".to_owned(),
            labels: vec![Label::parse("cidrgroup:extgrp.cilium.io/x")],
            prefixes: vec![crate::Prefix::parse("20.1.0.0/16").unwrap()],
            source: 0,
            dated: crate::dated::Dated::default(),
            labelled: crate::dated::Dated::default(),
        };
        let settings = Settings::default();
        let matcher = PeerMatcher::CloudGroup { key };
        let check = |groups: &[CidrGroup], labels: &[&str], address: &str, expect: Truth| {
            let world = World { settings: &settings, groups, nodes: &[] };
            let labels = labels.iter().map(|label| Label::parse(label));
            let identity = Identity::recorded(labels, address.parse().ok());
            assert_eq!(world.selects(&matcher, &identity), expect, "{identity:?}");
        };
        let world = &["reserved:world"];
        check(&[], world, "20.1.1.1", Truth::Unknown);
        check(&[], &["k8s:app=a"], "10.0.0.1", Truth::No);
        check(std::slice::from_ref(&group), world, "20.1.1.1", Truth::Yes);
        check(std::slice::from_ref(&group), world, "20.2.1.1", Truth::No);
        check(&[], &["reserved:world", "cidrgroup:extgrp.cilium.io/x"], "20.1.1.1", Truth::Yes);
        check(&[], &["reserved:world", "cidrgroup:team=red"], "20.1.1.1", Truth::No);
    }
}
