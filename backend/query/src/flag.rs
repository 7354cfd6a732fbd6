//! The flags of `hubble observe` that a query may hold, by their names in its JSON.

use std::collections::BTreeMap;

use wording::names;

use crate::budget::TooLarge;

/// Values of each flag that is set; no list is empty.
pub(crate) type FlagValues = BTreeMap<Flag, Vec<String>>;

/// Protocols that Hubble filters by. Source: hubble/cmd/observe/flows.go.
pub const HUBBLE_PROTOCOLS: [&str; 10] =
    ["tcp", "udp", "icmp", "icmpv4", "icmpv6", "sctp", "vrrp", "igmp", "dns", "http"];

/// Event types that `hubble observe --type` takes for flows.
pub const MESSAGE_TYPES: [&str; 6] =
    ["capture", "drop", "l7", "policy-verdict", "trace", "trace-sock"];

/// Reason why a flag cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidFlag {
    /// A key that names no flag.
    #[error("no such filter{}", names::did_you_mean_or(.key, "; there are", Flag::keys()))]
    Unknown {
        /// Key as given.
        key: String,
    },
    /// A value of the wrong form.
    #[error("`{value}` is not {expected}{}", names::did_you_mean(.meant.as_deref()))]
    Value {
        /// Value as given.
        value: String,
        /// Noun with its article, such as `a verdict`.
        expected: &'static str,
        /// Nearest known name.
        meant: Option<String>,
    },
    /// A value outside of a fixed list.
    #[error("`{value}` {}", names::is_not_one_of(.value, .known.iter().copied()))]
    NotOneOf {
        /// Value as given.
        value: String,
        /// Known values.
        known: &'static [&'static str],
    },
    /// A drop reason without a name in Hubble's API.
    #[error("Hubble cannot filter by drop reason `{0}`: it has no name in Hubble's API")]
    UnnamedDropReason(String),
    /// Two flags that `hubble observe` does not take together; the other flag's name in JSON.
    #[error("cannot be combined with `{0}`, as in `hubble observe`")]
    Conflict(&'static str),
    /// A pod that lies outside the selected namespace.
    #[error("pod `{pod}` is not in namespace `{namespace}`, which the query also selects")]
    PodElsewhere {
        /// Pod with its namespace.
        pod: String,
        /// Selected namespace.
        namespace: String,
    },
    /// A service that lies outside the namespace of the selected pod.
    #[error(
        "service `{service}` is not in the namespace of pod `{pod}`, which the query also selects"
    )]
    ServiceElsewhere {
        /// Service as given.
        service: String,
        /// Pod with its namespace.
        pod: String,
    },
    /// A name with a namespace, while the query selects all namespaces.
    #[error(
        "`{value}` names its namespace, but the query also selects all namespaces: remove one of the two"
    )]
    NamespaceGiven {
        /// Value as given.
        value: String,
    },
    /// A switch that is both on and off.
    #[error("cannot be both true and false, as in `hubble observe`")]
    Both,
    /// A dashboard variable that Grafana left in place, as it was written.
    #[error("`{0}` was not replaced by a value: is there such a variable on the dashboard?")]
    Unresolved(String),
    /// A value that the filter engine refuses.
    #[error(transparent)]
    Filter(flow::filter::FilterError),
    /// HTTP flags beside event types without `l7`.
    #[error("needs `l7` among the values of `type`, or no `type` at all")]
    NotL7,
    /// A selection that is too large.
    #[error(transparent)]
    TooLarge(TooLarge),
    /// `{}`: a variable without a value.
    #[error("`{value}` is empty: remove the filter, or write a name")]
    EmptyVariable {
        /// Value as given.
        value: String,
    },
    /// More values than a flag may have.
    #[error("has {count} values; the limit is {MAX_VALUES}")]
    TooMany {
        /// Number of values.
        count: usize,
    },
    /// A value that is too long, in bytes.
    #[error("has a value of {len} bytes; the limit is {MAX_VALUE_BYTES}")]
    TooLong {
        /// Size in bytes.
        len: usize,
    },
}

/// Maximum number of values of one flag.
pub(crate) const MAX_VALUES: usize = 500;
/// Maximum size of a value, in bytes; label selectors are the longest sensible values.
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

// Hubble's filter has a field `dns_query` but the command line no flag for it: `dnsQuery` is our
// name.
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

/// Sets of flags of which at most one may be set. Source: `hubble/cmd/observe/flows_filter.go`.
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

    /// Whether the flag takes no value on the command line; its values are then `true` and `false`.
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

    /// The flag that negates a switch.
    pub const fn opposite(self) -> Option<&'static str> {
        match self {
            Self::Reply => Some("not-reply"),
            Self::Encrypted => Some("unencrypted"),
            _ => None,
        }
    }

    /// The names of all flags in JSON.
    pub fn keys() -> impl Iterator<Item = &'static str> + Clone {
        Self::ALL.iter().map(|flag| flag.key())
    }

    /// The flag with this name in JSON.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flag| flag.key() == key)
    }
}

/// The first two flags that `hubble observe` refuses to combine.
pub(crate) fn conflict(flags: &FlagValues) -> Option<(Flag, Flag)> {
    CONFLICTS.iter().find_map(|group| {
        let mut set = group.iter().copied().filter(|flag| flags.contains_key(flag));
        Some((set.next()?, set.next()?))
    })
}

/// The first `$name`, `${name}` or `[[name]]` in `text`: a variable that Grafana left in place. Any
/// other `$`, as at the end of a regular expression, is not a variable.
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
