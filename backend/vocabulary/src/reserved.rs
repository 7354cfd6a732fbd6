//! Reserved identities: security identities with the same name and number in every cluster. Source:
//! pkg/identity/numericidentity.go.

/// Source of the labels of reserved identities.
pub const SOURCE: &str = "reserved";

/// Name and number of each reserved identity, sorted by number.
pub const IDENTITIES: [(&str, u32); 10] = [
    ("host", 1),
    ("world", 2),
    ("unmanaged", 3),
    ("health", 4),
    ("init", 5),
    ("remote-node", 6),
    ("kube-apiserver", 7),
    ("ingress", 8),
    ("world-ipv4", 9),
    ("world-ipv6", 10),
];

/// Name of a reserved identity.
#[must_use]
pub fn name(identity: u32) -> Option<&'static str> {
    IDENTITIES.iter().find(|(_, number)| *number == identity).map(|(name, _)| *name)
}

/// Number of a reserved identity.
#[must_use]
pub fn number(name: &str) -> Option<u32> {
    IDENTITIES.iter().find(|(own, _)| *own == name).map(|(_, number)| *number)
}

/// Label keys of a reserved identity. An API server outside of the cluster's pods also counts as a
/// node.
pub fn keys(identity: u32) -> impl Iterator<Item = &'static str> {
    let node = (Some(identity) == number("kube-apiserver")).then_some("remote-node");
    name(identity).into_iter().chain(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_each_other() {
        for (index, (own, identity)) in (1..).zip(IDENTITIES) {
            assert_eq!(index, identity, "{own}");
            assert_eq!((name(identity), number(own)), (Some(own), Some(identity)));
        }
        assert_eq!((name(0), name(11), number("cluster")), (None, None, None));
        assert_eq!(keys(7).collect::<Vec<_>>(), ["kube-apiserver", "remote-node"]);
        assert_eq!(keys(1).collect::<Vec<_>>(), ["host"]);
        assert_eq!(keys(16_777_218).count(), 0);
    }
}
