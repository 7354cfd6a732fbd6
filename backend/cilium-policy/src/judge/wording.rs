//! The wording of an explanation.

use super::{
    PolicySet,
    access::Traffic,
    decide::Cause,
    explain::{Fact, Miss, PeerMiss},
    walk::Loss,
};
use crate::{EntryId, Position};

impl Cause {
    /// The cause in words, short enough for a table cell.
    #[must_use]
    pub fn text(self, set: &PolicySet) -> String {
        let text = match self {
            Self::Entry(entry) => return set.rule_text(entry, None).replace('`', ""),
            Self::DefaultDeny => "default deny",
            Self::DefaultAllow => "no rule matches, allowed by default",
            Self::NotSelected => "no policy is about it",
            Self::EnforcementOff => "policies are not enforced",
            Self::AllowLocalhost => "a node may reach its own pods",
            Self::FragmentationNeeded => "a packet was too large, which passes without a rule",
            Self::MissingFact => "a fact is missing",
            Self::Unresolvable => "the agent cannot put the policies together",
        };
        text.to_owned()
    }
}

impl PolicySet {
    /// The rule of an entry in words: `Kind/namespace/name` in backticks, then
    /// `ingress[0] (line 9)`. The line is that of `at`, or else that of the entry.
    #[must_use]
    pub fn rule_text(&self, entry: EntryId, at: Option<Position>) -> String {
        let Some(own) = self.get(entry) else { return String::new() };
        let policy = self.policy(own.policy).map(|policy| policy.name.to_string());
        let line = at.unwrap_or(own.at).line;
        format!("`{}` {} (line {line})", policy.unwrap_or_default(), own.clause)
    }
}

impl Miss {
    /// The reason in words; `traffic` is the traffic of the flow.
    #[must_use]
    pub fn reason(&self, traffic: Traffic) -> String {
        match self {
            Self::EmptyPeers => "its list of peers is empty: it selects no peer".to_owned(),
            Self::EmptyRule => "it has neither peers nor ports: it matches nothing".to_owned(),
            Self::NoRule => "it has no rule for this direction".to_owned(),
            Self::Port { wanted } => {
                format!("peer matches, port {} does not: the flow goes to {traffic}", list(wanted))
            }
            Self::Peer(miss) => format!("port matches, peer does not: {}", miss.reason()),
            Self::PeerAndPort(miss, wanted) if wanted.is_empty() => {
                format!("peer does not match: {}", miss.reason())
            }
            Self::PeerAndPort(miss, wanted) => format!(
                "neither peer nor port {} matches: {}; the flow goes to {traffic}",
                list(wanted),
                miss.reason()
            ),
        }
    }
}

/// The first items of a list, with the number of the others.
fn list(items: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = items.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match items.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ if items.is_empty() => "(none)".to_owned(),
        _ => shown,
    }
}

impl PeerMiss {
    /// The reason in words.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Label { requirement, value: None } => {
                format!("it wants `{requirement}`, the peer has no such label")
            }
            Self::Label { requirement, value: Some(value) } => {
                format!("it wants `{requirement}`, the peer has `{value}`")
            }
            Self::Address { wanted } => format!("the address is outside {wanted}"),
            Self::NotInWorld { wanted } => {
                format!("{wanted} is about addresses outside the cluster, the peer is inside")
            }
            Self::Name { wanted, names } if names.is_empty() => {
                format!(
                    "no name matching `{wanted}` was known for the address: did the DNS proxy see the answer?"
                )
            }
            Self::Name { wanted, names } => {
                format!("it wants a name like `{wanted}`, the address has {}", list(names))
            }
            Self::Other { wanted } => format!("it wants {wanted}"),
        }
    }
}

impl std::fmt::Display for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SubjectLabels => f.write_str("the labels of the subject"),
            Self::SubjectNodeLabels => f.write_str("the labels of the node"),
            Self::PeerLabels => f.write_str("the labels of the peer"),
            Self::Names { pattern } => {
                write!(f, "whether a name like `{pattern}` led to the peer's address")
            }
            Self::CidrGroup { group } => write!(f, "the addresses of {group}"),
            Self::CloudGroup => f.write_str("the addresses of a cloud provider's group"),
            Self::Service { service } => write!(f, "the backends of {service}"),
            Self::NodeLabels => f.write_str("the labels of the peer's node"),
            Self::Address => f.write_str("the peer's address"),
            Self::NamedPort { name } => write!(f, "the number of the port named `{name}`"),
            Self::Proxy { what } => f.write_str(what),
        }
    }
}

impl Loss {
    /// The end of the sentence "it matches too, but …".
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::LaterTier => "an earlier tier decides first",
            Self::LaterPriority => "a smaller priority number of its tier decides first",
            Self::DenyFirst => "a deny rule wins over it",
            Self::AllowFirst => "an allow rule comes before a pass",
            Self::Passed => "a pass rule skips the rest of its tier",
        }
    }
}
