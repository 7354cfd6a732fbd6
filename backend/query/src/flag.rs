//! The flags of `hubble observe` that a query may carry, by the names they have in its JSON.

use std::collections::BTreeMap;

use wording::names;

use crate::budget::TooLarge;

/// Values of each flag that is set. No flag has an empty list.
pub(crate) type FlagValues = BTreeMap<Flag, Vec<String>>;

/// Protocols that Hubble filters by. Source: hubble/cmd/observe/flows.go.
pub const HUBBLE_PROTOCOLS: [&str; 10] =
    ["tcp", "udp", "icmp", "icmpv4", "icmpv6", "sctp", "vrrp", "igmp", "dns", "http"];

/// Event types that `hubble observe --type` takes for flows.
pub const MESSAGE_TYPES: [&str; 6] =
    ["capture", "drop", "l7", "policy-verdict", "trace", "trace-sock"];

/// Why a flag cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what happened, by its fields")]
pub enum InvalidFlag {
    #[error("no such filter{}", names::did_you_mean_or(.key, "; there are", Flag::keys()))]
    Unknown { key: String },
    #[error("`{value}` is no {of}{}", names::did_you_mean(.meant.as_deref()))]
    Value { value: String, of: &'static str, meant: Option<String> },
    #[error("`{value}` {}", names::is_not_one_of(.value, .known.iter().copied()))]
    NotOneOf { value: String, known: &'static [&'static str] },
    #[error("drop reason `{0}` has no name that Hubble could filter by")]
    UnnamedDropReason(String),
    #[error("cannot be combined with `{0}`, as in `hubble observe`")]
    Conflict(&'static str),
    #[error("pod `{pod}` is not in namespace `{namespace}`, which is asked for too")]
    PodElsewhere { pod: String, namespace: String },
    #[error("service `{service}` is not in the namespace of pod `{pod}`, which is asked for too")]
    ServiceElsewhere { service: String, pod: String },
    #[error("`{value}` names its namespace, and any namespace is asked for too")]
    NamespaceGiven { value: String },
    #[error("cannot be both true and false, as in `hubble observe`")]
    Both,
    #[error("`{0}` was not replaced by a value: is there such a variable on the dashboard?")]
    Unresolved(String),
    #[error(transparent)]
    Filter(flow::filter::FilterError),
    #[error("needs `type` to be or to include `l7`, or not to be set")]
    NotL7,
    #[error(transparent)]
    TooLarge(TooLarge),
    #[error("`{value}` holds no value: leave the filter out, or write a name")]
    NoChoice { value: String },
    #[error("has {count} values, at most {MAX_VALUES} are taken")]
    TooMany { count: usize },
    #[error("has a value of {len} bytes, at most {MAX_VALUE_BYTES} are taken")]
    TooLong { len: usize },
}

/// Values of one flag at most.
pub(crate) const MAX_VALUES: usize = 500;
/// Longest value; label selectors are the longest that make sense.
pub(crate) const MAX_VALUE_BYTES: usize = 2_048;

macro_rules! flags {
    ($($variant:ident $key:literal $flag:literal,)*) => {
        /// A flag of `hubble observe`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Flag {
            $(#[doc = concat!("`--", $flag, "`")] $variant,)*
        }

        impl Flag {
            /// Every flag, in the order in which a command line lists them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Name in a query's JSON.
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)*
                }
            }

            /// Name on the command line, without dashes.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $flag,)*
                }
            }
        }
    };
}

// `dnsQuery` is of ours: Hubble's filter has `dns_query`, and the command line no flag for it.
flags! {
    Verdict "verdict" "verdict",
    DropReasonDesc "dropReasonDesc" "drop-reason-desc",
    TrafficDirection "trafficDirection" "traffic-direction",
    Type "type" "type",
    Namespace "namespace" "namespace",
    FromNamespace "fromNamespace" "from-namespace",
    ToNamespace "toNamespace" "to-namespace",
    AllNamespaces "allNamespaces" "all-namespaces",
    FromAllNamespaces "fromAllNamespaces" "from-all-namespaces",
    ToAllNamespaces "toAllNamespaces" "to-all-namespaces",
    Pod "pod" "pod",
    FromPod "fromPod" "from-pod",
    ToPod "toPod" "to-pod",
    Service "service" "service",
    FromService "fromService" "from-service",
    ToService "toService" "to-service",
    Workload "workload" "workload",
    FromWorkload "fromWorkload" "from-workload",
    ToWorkload "toWorkload" "to-workload",
    Label "label" "label",
    FromLabel "fromLabel" "from-label",
    ToLabel "toLabel" "to-label",
    Ip "ip" "ip",
    FromIp "fromIp" "from-ip",
    ToIp "toIp" "to-ip",
    SnatIp "snatIp" "snat-ip",
    IpVersion "ipVersion" "ip-version",
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
    DnsQuery "dnsQuery" "dns-query",
    HttpStatus "httpStatus" "http-status",
    HttpMethod "httpMethod" "http-method",
    HttpPath "httpPath" "http-path",
    HttpUrl "httpUrl" "http-url",
    HttpHeader "httpHeader" "http-header",
    TcpFlags "tcpFlags" "tcp-flags",
    Reply "reply" "reply",
    Encrypted "encrypted" "encrypted",
    NodeName "nodeName" "node-name",
    NodeLabel "nodeLabel" "node-label",
    Cluster "cluster" "cluster",
    FromCluster "fromCluster" "from-cluster",
    ToCluster "toCluster" "to-cluster",
    Interface "interface" "interface",
    TraceId "traceId" "trace-id",
    IpTraceId "ipTraceId" "ip-trace-id",
    CelExpression "celExpression" "cel-expression",
    Uuid "uuid" "uuid",
}

/// Flags of which at most one may be set. Source: `hubble/cmd/observe/flows_filter.go`.
const CONFLICTS: [&[Flag]; 18] = [
    &[
        Flag::FromFqdn,
        Flag::FromIp,
        Flag::Ip,
        Flag::Fqdn,
        Flag::FromNamespace,
        Flag::Namespace,
        Flag::FromAllNamespaces,
        Flag::AllNamespaces,
    ],
    &[Flag::FromFqdn, Flag::FromIp, Flag::Ip, Flag::Fqdn, Flag::FromPod, Flag::Pod],
    &[
        Flag::ToFqdn,
        Flag::ToIp,
        Flag::Ip,
        Flag::Fqdn,
        Flag::ToNamespace,
        Flag::Namespace,
        Flag::ToAllNamespaces,
        Flag::AllNamespaces,
    ],
    &[Flag::ToFqdn, Flag::ToIp, Flag::Ip, Flag::Fqdn, Flag::ToPod, Flag::Pod],
    &[Flag::ToPod, Flag::Namespace, Flag::AllNamespaces],
    &[Flag::FromPod, Flag::Namespace, Flag::AllNamespaces],
    &[Flag::ToService, Flag::Namespace, Flag::AllNamespaces],
    &[Flag::FromService, Flag::Namespace, Flag::AllNamespaces],
    &[Flag::Label, Flag::FromLabel],
    &[Flag::Label, Flag::ToLabel],
    &[Flag::Service, Flag::FromService],
    &[Flag::Service, Flag::ToService],
    &[Flag::Port, Flag::ToPort],
    &[Flag::Port, Flag::FromPort],
    &[Flag::Identity, Flag::ToIdentity],
    &[Flag::Identity, Flag::FromIdentity],
    &[Flag::Workload, Flag::ToWorkload],
    &[Flag::Workload, Flag::FromWorkload],
];

impl Flag {
    /// The flag with this name on the command line, without dashes.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flag| flag.name() == name)
    }

    /// Whether it takes no value on the command line; then its values are `true` and `false`.
    pub const fn is_switch(self) -> bool {
        matches!(
            self,
            Self::AllNamespaces
                | Self::FromAllNamespaces
                | Self::ToAllNamespaces
                | Self::Reply
                | Self::Encrypted
        )
    }

    /// Whether `hubble observe` has the flag.
    pub fn is_of_hubble(self) -> bool {
        self != Self::DnsQuery
    }

    /// The flag that asks for the opposite of a switch.
    pub const fn opposite(self) -> Option<&'static str> {
        match self {
            Self::Reply => Some("not-reply"),
            Self::Encrypted => Some("unencrypted"),
            _ => None,
        }
    }

    /// The names in JSON.
    pub fn keys() -> impl Iterator<Item = &'static str> + Clone {
        Self::ALL.iter().map(|flag| flag.key())
    }

    /// The flag with this name in JSON.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flag| flag.key() == key)
    }
}

/// The first two flags that `hubble observe` would not take together.
pub(crate) fn conflict(flags: &FlagValues) -> Option<(Flag, Flag)> {
    CONFLICTS.iter().find_map(|group| {
        let mut set = group.iter().copied().filter(|flag| flags.contains_key(flag));
        Some((set.next()?, set.next()?))
    })
}

/// The first `$name`, `${name}` or `[[name]]` in `text`: a variable that Grafana left as it is.
/// `$` before anything else, as at the end of a regular expression, is none.
pub fn unresolved_variable(text: &str) -> Option<&str> {
    let begins_name =
        |rest: &str| rest.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_');
    let name_len = |rest: &str| {
        rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len())
    };
    text.char_indices().find_map(|(at, char)| {
        let rest = text.get(at..)?;
        match char {
            '$' => {
                let after = rest.get(1..)?;
                if let Some(inner) = after.strip_prefix('{') {
                    let end = begins_name(inner).then(|| rest.find('}'))??;
                    return rest.get(..=end);
                }
                begins_name(after).then(|| rest.get(..=name_len(after)))?
            }
            '[' => {
                let inner = rest.strip_prefix("[[").filter(|inner| begins_name(inner))?;
                let end = name_len(inner);
                inner.get(end..)?.starts_with("]]").then(|| rest.get(..end + 4))?
            }
            _ => None,
        }
    })
}
