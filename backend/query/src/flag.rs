//! The flags of `hubble observe` that a query may hold, by their names in its JSON.

use std::collections::BTreeMap;

use wording::names;

use crate::budget::{self, TooLarge};

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
    Filter(Box<flow::filter::FilterError>),
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
    /// More patterns than a query may have.
    #[error(
        "has {count} patterns; a query may have {} (of DNS names, paths, URLs and CEL)",
        budget::MAX_PATTERNS
    )]
    TooManyPatterns {
        /// Number of values of the flag.
        count: usize,
    },
    /// A value that is too long, in bytes.
    #[error("has a value of {len} bytes; the limit is {MAX_VALUE_BYTES}")]
    TooLong {
        /// Size in bytes.
        len: usize,
    },
}

/// A flag that cannot be used, with its place in the query.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{list}.{flag}`")]
pub struct RefusedFlag {
    /// Field that holds the flags: `filter`, `exclude` or `adhocFilters`.
    pub list: &'static str,
    /// Name of the flag in JSON.
    pub flag: String,
    /// Reason.
    #[source]
    pub cause: InvalidFlag,
}

/// A field with a dashboard variable that Grafana left in place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{field}`: `{name}` was not replaced by a value: is there such a variable on the dashboard?"
)]
pub struct VariableInField {
    /// Field with the variable.
    pub field: &'static str,
    /// The variable as written.
    pub name: String,
}

/// Maximum number of values of one flag.
pub(crate) const MAX_VALUES: usize = 500;
/// Maximum size of a value, in bytes; label selectors are the longest sensible values.
pub(crate) const MAX_VALUE_BYTES: usize = 2_048;

/// The flags, each by its variant, its name in a query's JSON, its name on the command line, and its
/// label in the editor; the field of the filter that it `sets`, or the two of which `either` must match, and the function
/// of `value.rs` that reads its values. Flags of namespaces change the names of pods and services.
///
/// Hubble's filter has a field `dns_query` but the command line no flag for it: `dnsQuery` is our
/// name.
macro_rules! flags {
    ($then:ident) => { $then! {
        Verdict "verdict" "verdict" "Verdict" sets verdict read verdict,
        DropReasonDesc "dropReasonDesc" "drop-reason-desc" "Drop reason" sets drop_reason_desc read drop_reason,
        TrafficDirection "trafficDirection" "traffic-direction" "Traffic direction" sets traffic_direction read traffic_direction,
        Type "type" "type" "Event type" sets event_type read event_type,
        Namespace "namespace" "namespace" "Namespace",
        FromNamespace "fromNamespace" "from-namespace" "From namespace",
        ToNamespace "toNamespace" "to-namespace" "To namespace",
        AllNamespaces "allNamespaces" "all-namespaces" "Any namespace",
        FromAllNamespaces "fromAllNamespaces" "from-all-namespaces" "From any namespace",
        ToAllNamespaces "toAllNamespaces" "to-all-namespaces" "To any namespace",
        Pod "pod" "pod" "Pod" either source_pod or destination_pod read text,
        FromPod "fromPod" "from-pod" "From pod" sets source_pod read text,
        ToPod "toPod" "to-pod" "To pod" sets destination_pod read text,
        Service "service" "service" "Service" either source_service or destination_service read text,
        FromService "fromService" "from-service" "From service" sets source_service read text,
        ToService "toService" "to-service" "To service" sets destination_service read text,
        Workload "workload" "workload" "Workload" either source_workload or destination_workload read workload,
        FromWorkload "fromWorkload" "from-workload" "From workload" sets source_workload read workload,
        ToWorkload "toWorkload" "to-workload" "To workload" sets destination_workload read workload,
        Label "label" "label" "Label" either source_label or destination_label read text,
        FromLabel "fromLabel" "from-label" "From label" sets source_label read text,
        ToLabel "toLabel" "to-label" "To label" sets destination_label read text,
        Ip "ip" "ip" "IP" either source_ip or destination_ip read ip,
        FromIp "fromIp" "from-ip" "From IP" sets source_ip read ip,
        ToIp "toIp" "to-ip" "To IP" sets destination_ip read ip,
        SnatIp "snatIp" "snat-ip" "SNAT IP" sets source_ip_xlated read ip,
        IpVersion "ipVersion" "ip-version" "IP version" sets ip_version read ip_version,
        Fqdn "fqdn" "fqdn" "FQDN" either source_fqdn or destination_fqdn read text,
        FromFqdn "fromFqdn" "from-fqdn" "From FQDN" sets source_fqdn read text,
        ToFqdn "toFqdn" "to-fqdn" "To FQDN" sets destination_fqdn read text,
        Port "port" "port" "Port" either source_port or destination_port read port,
        FromPort "fromPort" "from-port" "From port" sets source_port read port,
        ToPort "toPort" "to-port" "To port" sets destination_port read port,
        Identity "identity" "identity" "Identity" either source_identity or destination_identity read identity,
        FromIdentity "fromIdentity" "from-identity" "From identity" sets source_identity read identity,
        ToIdentity "toIdentity" "to-identity" "To identity" sets destination_identity read identity,
        Protocol "protocol" "protocol" "Protocol" sets protocol read protocol,
        DnsQuery "dnsQuery" "dns-query" "DNS query" sets dns_query read dns_name,
        HttpStatus "httpStatus" "http-status" "HTTP status" sets http_status_code read http_status,
        HttpMethod "httpMethod" "http-method" "HTTP method" sets http_method read text,
        HttpPath "httpPath" "http-path" "HTTP path" sets http_path read text,
        HttpUrl "httpUrl" "http-url" "HTTP URL" sets http_url read text,
        HttpHeader "httpHeader" "http-header" "HTTP header" sets http_header read http_header,
        TcpFlags "tcpFlags" "tcp-flags" "TCP flags" sets tcp_flags read tcp_flags,
        Reply "reply" "reply" "Reply" sets reply read truth,
        Encrypted "encrypted" "encrypted" "Encrypted" sets encrypted read truth,
        NodeName "nodeName" "node-name" "Node" sets node_name read text,
        NodeLabel "nodeLabel" "node-label" "Node label" sets node_labels read text,
        Cluster "cluster" "cluster" "Cluster" either source_cluster_name or destination_cluster_name read text,
        FromCluster "fromCluster" "from-cluster" "From cluster" sets source_cluster_name read text,
        ToCluster "toCluster" "to-cluster" "To cluster" sets destination_cluster_name read text,
        Interface "interface" "interface" "Interface" sets interface read interface,
        TraceId "traceId" "trace-id" "Trace ID" sets trace_id read text,
        IpTraceId "ipTraceId" "ip-trace-id" "IP trace ID" sets ip_trace_id read ip_trace_id,
        CelExpression "celExpression" "cel-expression" "CEL expression" sets cel_expression read text,
        Uuid "uuid" "uuid" "UUID" sets uuid read text,
    } };
}
pub(crate) use flags;

macro_rules! flag_enum {
    ($(
        $variant:ident $key:literal $flag:literal $label:literal
        $(sets $field:ident read $read:ident)?
        $(either $source:ident or $destination:ident read $read_either:ident)?,
    )*) => {
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

            /// Label in the query editor.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)*
                }
            }

            /// Whether the flag sets this field of a filter, by its name in flow.proto.
            pub(crate) fn sets(self, field: &str) -> bool {
                match self {
                    $(Self::$variant => [$(stringify!($field),)? $(stringify!($source), stringify!($destination),)?]
                        .into_iter()
                        .any(|own: &str| own == field),)*
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

flags!(flag_enum);

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
