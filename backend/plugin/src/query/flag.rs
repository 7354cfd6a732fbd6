//! The flags of `hubble observe` that a query may carry, by the names they have in its JSON.

use std::collections::BTreeMap;

/// Values of each flag that is set. No flag has an empty list.
pub(crate) type FlagValues = BTreeMap<Flag, Vec<String>>;

/// Protocols that Hubble filters by. Source: hubble/cmd/observe/flows.go.
pub(crate) const HUBBLE_PROTOCOLS: [&str; 10] =
    ["tcp", "udp", "icmp", "icmpv4", "icmpv6", "sctp", "vrrp", "igmp", "dns", "http"];

/// Event types that `hubble observe --type` takes for flows.
pub(crate) const MESSAGE_TYPES: [&str; 6] =
    ["capture", "drop", "l7", "policy-verdict", "trace", "trace-sock"];

/// Why a flag cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidFlag {
    #[error("no such filter; there are {}", list(Flag::ALL.iter().map(|flag| flag.key())))]
    Unknown,
    #[error("`{value}` is no {of}")]
    Value { value: String, of: &'static str },
    #[error("`{value}` is not one of {}", list(.known.iter().copied()))]
    NotOneOf { value: String, known: &'static [&'static str] },
    #[error("drop reason `{0}` has no name that Hubble could filter by")]
    UnnamedDropReason(String),
    #[error("cannot be combined with `{0}`, as in `hubble observe`")]
    Conflict(&'static str),
    #[error("pod `{pod}` is not in namespace `{namespace}`, which is asked for too")]
    PodElsewhere { pod: String, namespace: String },
    #[error("needs `type` to be `l7`, or not set")]
    NotL7,
    #[error("has {count} values, at most {MAX_VALUES} are taken")]
    TooMany { count: usize },
    #[error("has a value of {len} bytes, at most {MAX_VALUE_BYTES} are taken")]
    TooLong { len: usize },
}

/// Values of one flag at most.
pub(super) const MAX_VALUES: usize = 500;
/// Longest value; label selectors are the longest that make sense.
pub(super) const MAX_VALUE_BYTES: usize = 2_048;

macro_rules! flags {
    ($($variant:ident $key:literal $flag:literal,)*) => {
        /// A flag of `hubble observe`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Flag {
            $(#[doc = concat!("`--", $flag, "`")] $variant,)*
        }

        impl Flag {
            /// Every flag, in the order in which a command line lists them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Name in a query's JSON.
            pub(crate) const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)*
                }
            }

            /// Name on the command line, without dashes.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $flag,)*
                }
            }
        }
    };
}

flags! {
    Verdict "verdict" "verdict",
    DropReasonDesc "dropReasonDesc" "drop-reason-desc",
    TrafficDirection "trafficDirection" "traffic-direction",
    Type "type" "type",
    Namespace "namespace" "namespace",
    FromNamespace "fromNamespace" "from-namespace",
    ToNamespace "toNamespace" "to-namespace",
    Pod "pod" "pod",
    FromPod "fromPod" "from-pod",
    ToPod "toPod" "to-pod",
    Workload "workload" "workload",
    FromWorkload "fromWorkload" "from-workload",
    ToWorkload "toWorkload" "to-workload",
    Label "label" "label",
    FromLabel "fromLabel" "from-label",
    ToLabel "toLabel" "to-label",
    Ip "ip" "ip",
    FromIp "fromIp" "from-ip",
    ToIp "toIp" "to-ip",
    Fqdn "fqdn" "fqdn",
    FromFqdn "fromFqdn" "from-fqdn",
    ToFqdn "toFqdn" "to-fqdn",
    Port "port" "port",
    FromPort "fromPort" "from-port",
    ToPort "toPort" "to-port",
    Identity "identity" "identity",
    FromIdentity "fromIdentity" "from-identity",
    ToIdentity "toIdentity" "to-identity",
    Protocol "protocol" "protocol",
    HttpStatus "httpStatus" "http-status",
    TcpFlags "tcpFlags" "tcp-flags",
    Reply "reply" "reply",
    NodeName "nodeName" "node-name",
    Uuid "uuid" "uuid",
}

/// Flags of which at most one may be set. Source: `hubble/cmd/observe/flows_filter.go`.
const CONFLICTS: [&[Flag]; 14] = [
    &[Flag::FromFqdn, Flag::FromIp, Flag::Ip, Flag::Fqdn, Flag::FromNamespace, Flag::Namespace],
    &[Flag::FromFqdn, Flag::FromIp, Flag::Ip, Flag::Fqdn, Flag::FromPod, Flag::Pod],
    &[Flag::ToFqdn, Flag::ToIp, Flag::Ip, Flag::Fqdn, Flag::ToNamespace, Flag::Namespace],
    &[Flag::ToFqdn, Flag::ToIp, Flag::Ip, Flag::Fqdn, Flag::ToPod, Flag::Pod],
    &[Flag::ToPod, Flag::Namespace],
    &[Flag::FromPod, Flag::Namespace],
    &[Flag::Label, Flag::FromLabel],
    &[Flag::Label, Flag::ToLabel],
    &[Flag::Port, Flag::ToPort],
    &[Flag::Port, Flag::FromPort],
    &[Flag::Identity, Flag::ToIdentity],
    &[Flag::Identity, Flag::FromIdentity],
    &[Flag::Workload, Flag::ToWorkload],
    &[Flag::Workload, Flag::FromWorkload],
];

impl Flag {
    /// The flag with this name in JSON.
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flag| flag.key() == key)
    }
}

/// The first two flags that `hubble observe` would not take together.
pub(super) fn conflict(flags: &FlagValues) -> Option<(Flag, Flag)> {
    CONFLICTS.iter().find_map(|group| {
        let mut set = group.iter().copied().filter(|flag| flags.contains_key(flag));
        Some((set.next()?, set.next()?))
    })
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
