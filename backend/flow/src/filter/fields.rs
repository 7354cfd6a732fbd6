//! The fields of a filter, as one list: struct, compilation, conjunction, size, and since when a
//! node of Cilium knows a field follow from it.

use super::compile::{
    Conditions, filled, fqdn, namespaced, node_pattern, port, protocol, selector,
};
use super::compiled::{Condition, FlowAddress};
use super::conjunction::{
    Both, addresses, all_flags, events, intersect, methods, patterns, prefixes, protocols, same,
    selectors, statuses, unknown, workloads,
};
use super::{CompiledFilter, EventTypeFilter, FilterError, FilterSize, NoConjunction};
use crate::EndpointRole::{self, Destination, Source};
use crate::columns::Column;
use crate::{
    DropReason, HttpHeader, IpVersion, MessageType, NetworkInterface, TcpFlags, TrafficDirection,
    Verdict, Workload,
};

/// A field of a filter, and since when Cilium knows it. Source: the history of `pkg/hubble/filters`
/// and of `api/v1/flow/flow.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterField {
    /// Name in flow.proto.
    pub name: &'static str,
    /// First minor release of Cilium 1 that filters by it, or by its newer values; 0 for fields
    /// that always existed.
    pub since_minor: u32,
    /// First minor release of Cilium 1 whose flows contain the field, or the newer values. On older
    /// flows the condition never holds, wherever it is applied.
    pub recorded_since_minor: u32,
}

/// Adds a field's condition to `$all`.
macro_rules! add_condition {
    ($all:ident, $name:ident, $values:expr, list($condition:expr)) => {
        $all.list($values, $condition)
    };
    ($all:ident, $name:ident, $values:expr, $holds:ident($($argument:expr),*)) => {
        $all.$holds(stringify!($name), $values, $($argument),*)?
    };
}

/// The last of some values.
macro_rules! last_of {
    ($value:expr) => {
        $value
    };
    ($value:expr, $last:expr) => {
        $last
    };
}

/// A field's values in the filter for the opposite direction.
macro_rules! mirrored_values {
    ($filter:ident, $name:ident) => {
        $filter.$name
    };
    ($filter:ident, $name:ident cleared) => {
        Vec::new()
    };
    ($filter:ident, $name:ident $opposite:ident) => {
        $filter.$opposite
    };
}

/// Generates the struct, compilation, conjunction, size, release and mirroring of a filter from one
/// list of fields. A field has
///
/// - `and`: the conjunction of two values, a function of `conjunction.rs`;
/// - `holds`: its condition in the compiled filter, by a method of [`Conditions`]; `list` takes
///   values that need no check, `each` parses them one by one, `expressions` compiles them;
/// - `costs pattern`: values that are programs, of which a query may have few;
/// - `only l7`: no match beside event types without L7;
/// - `since`: the first minor release of Cilium 1 that filters by it, `for` the values that a
///   function picks;
/// - `recorded`: the first minor release of Cilium 1 whose flows contain it;
/// - `mirrored`: the field from which it has its values in the opposite direction, or `cleared`.
///
/// `cel_expression` has a message of its own in flow.proto and no condition, so it stands apart.
macro_rules! filter_fields {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident: $type:ty, and $and:expr, holds $holds:ident($($argument:expr),*)
            $(, costs $cost:ident)? $(, only $only:ident)?
            $(, since $since:literal for $newer:ident)? $(, recorded $recorded:expr)?
            $(, mirrored $mirrored:ident)?;
    )*) => {
        /// Conditions on a flow. Every field with values must match; one matching value is enough.
        /// Source: flow.proto `FlowFilter`.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
        pub struct FlowFilter {
            $( $(#[doc = $doc])* pub $name: Vec<$type>, )*
            /// CEL expressions, which a relay can evaluate but this crate cannot.
            pub cel_expression: Vec<String>,
        }

        impl FlowFilter {
            /// Every field.
            pub const FIELDS: &[FilterField] = &[
                $( FilterField {
                    name: stringify!($name),
                    since_minor: last_of!(0 $(, $since)?),
                    recorded_since_minor: last_of!(0 $(, $recorded)?),
                }, )*
                FilterField {
                    name: "cel_expression",
                    since_minor: CEL_SINCE,
                    recorded_since_minor: 0,
                },
            ];

            /// Checks and compiles the filter.
            ///
            /// Errors: the first value that cannot be used.
            pub fn compile(&self) -> Result<CompiledFilter, FilterError> {
                if let Some(value) = self.cel_expression.first() {
                    return Err(FilterError::Cel { value: value.clone() });
                }
                let mut all = Conditions::new(false);
                self.collect(&mut all)?;
                Ok(all.compiled())
            }

            /// Checks the filter. Regular expressions are parsed but not compiled, and CEL expressions
            /// are left to the nodes.
            ///
            /// Errors: the first value that cannot be used.
            pub fn check(&self) -> Result<(), FilterError> {
                self.collect(&mut Conditions::new(true))
            }

            fn collect(&self, all: &mut Conditions) -> Result<(), FilterError> {
                $(
                    $( $only(&self.event_type, stringify!($name), &self.$name)?; )?
                    add_condition!(all, $name, &self.$name, $holds($($argument),*));
                )*
                Ok(())
            }

            /// Filter that matches exactly the flows that both `self` and `other` match; `None` if
            /// they exclude each other.
            ///
            /// Errors: the filters set different patterns in the same field, or their combined
            /// values are too large.
            pub fn and(&self, other: &Self) -> Result<Option<Self>, NoConjunction> {
                Ok(Some(Self {
                    $( $name: match intersect(stringify!($name), &self.$name, &other.$name, $and)? {
                        Both::Values(values) => values,
                        Both::Nothing => return Ok(None),
                    }, )*
                    cel_expression: match intersect(
                        "cel_expression", &self.cel_expression, &other.cel_expression, unknown,
                    )? {
                        Both::Values(values) => values,
                        Both::Nothing => return Ok(None),
                    },
                }))
            }

            /// Size of this filter.
            #[must_use]
            pub fn size(&self) -> FilterSize {
                let mut size = FilterSize::default();
                $( size = size.plus(FilterSize {
                    values: self.$name.len(),
                    patterns: last_of!(0 $(, $cost(&self.$name))?),
                }); )*
                let patterns = self.cel_expression.len();
                size.plus(FilterSize { values: patterns, patterns })
            }

            /// Empties the fields of which a node of Cilium would refuse or ignore a value, and
            /// returns them. `is_known` says whether the node is of a minor release of Cilium 1, or
            /// later. A whole field goes, because its values are alternatives.
            pub fn take_newer(&mut self, is_known: impl Fn(u32) -> bool) -> Vec<FilterField> {
                let mut taken = Vec::new();
                let mut take = |name| taken.extend(Self::FIELDS.iter().find(|it| it.name == name));
                $( $(
                    if !is_known($since) && self.$name.iter().any($newer) {
                        self.$name.clear();
                        take(stringify!($name));
                    }
                )? )*
                if !is_known(CEL_SINCE) && !std::mem::take(&mut self.cel_expression).is_empty() {
                    take("cel_expression");
                }
                taken
            }

            /// Filter for the opposite direction, with the conditions on source and destination
            /// swapped.
            #[must_use]
            pub fn mirrored(self) -> Self {
                Self {
                    $( $name: mirrored_values!(self, $name $($mirrored)?), )*
                    cel_expression: self.cel_expression,
                }
            }
        }

        /// Calls a macro with the names of all fields of a [`FlowFilter`](crate::filter::FlowFilter)
        /// but `cel_expression`, which has a message of its own in flow.proto.
        #[macro_export]
        macro_rules! with_filter_fields {
            ($then:ident) => {
                $then! { $($name)* }
            };
        }
    };
}

/// First minor release of Cilium 1 with CEL expressions.
const CEL_SINCE: u32 = 16;

filter_fields! {
    /// Flow ids.
    uuid: String, and same, holds list(Condition::Uuid), since 14 for any,
        recorded Column::Uuid.since_minor();
    /// Addresses (compared as text) or CIDRs.
    source_ip: String, and addresses, holds addresses(FlowAddress::Source), mirrored destination_ip;
    /// Addresses (compared as text) or CIDRs, after source NAT.
    source_ip_xlated: String, and addresses, holds addresses(FlowAddress::SourceXlated),
        since 16 for any, recorded 16, mirrored cleared;
    /// Prefixes of pod names: `ns/prefix`, `ns/` (all of a namespace), `/prefix` (any
    /// namespace), `prefix` (namespace `default`).
    source_pod: String, and prefixes, holds each(namespaced, of(Source, Condition::Pod)),
        since 15 for any_namespace, mirrored destination_pod;
    /// DNS names; `*` stands for any run of letters, digits, dots and hyphens.
    source_fqdn: String, and patterns, holds each(fqdn, of(Source, Condition::Fqdn)),
        mirrored destination_fqdn;
    /// Kubernetes label selectors; a key may carry Cilium's source (`k8s:app=web`).
    source_label: String, and selectors, holds each(selector, of(Source, Condition::Label)),
        mirrored destination_label;
    /// Prefixes of Service names, written like `source_pod`.
    source_service: String, and prefixes, holds each(namespaced, of(Source, Condition::Service)),
        since 15 for any_namespace, mirrored destination_service;
    /// Workloads by name, kind, or both; an empty part is not compared.
    source_workload: Workload, and workloads, holds list(of(Source, Condition::Workload)),
        since 13 for any, mirrored destination_workload;
    /// Cluster names.
    source_cluster_name: String, and patterns,
        holds each(filled, of(Source, Condition::ClusterName)), since 17 for any,
        recorded Column::SourceCluster.since_minor(), mirrored destination_cluster_name;
    /// Addresses (compared as text) or CIDRs.
    destination_ip: String, and addresses, holds addresses(FlowAddress::Destination),
        mirrored source_ip;
    /// As `source_pod`.
    destination_pod: String, and prefixes, holds each(namespaced, of(Destination, Condition::Pod)),
        since 15 for any_namespace, mirrored source_pod;
    /// As `source_fqdn`.
    destination_fqdn: String, and patterns, holds each(fqdn, of(Destination, Condition::Fqdn)),
        mirrored source_fqdn;
    /// As `source_label`.
    destination_label: String, and selectors,
        holds each(selector, of(Destination, Condition::Label)), mirrored source_label;
    /// As `source_service`.
    destination_service: String, and prefixes,
        holds each(namespaced, of(Destination, Condition::Service)), since 15 for any_namespace,
        mirrored source_service;
    /// As `source_workload`.
    destination_workload: Workload, and workloads, holds list(of(Destination, Condition::Workload)),
        since 13 for any, mirrored source_workload;
    /// Cluster names.
    destination_cluster_name: String, and patterns,
        holds each(filled, of(Destination, Condition::ClusterName)), since 17 for any,
        recorded Column::DestinationCluster.since_minor(), mirrored source_cluster_name;
    /// Directions.
    traffic_direction: TrafficDirection, and same, holds list(Condition::TrafficDirection),
        since 14 for any, mirrored cleared;
    /// Verdicts.
    verdict: Verdict, and same, holds list(Condition::Verdict);
    /// Drop reasons; matches dropped flows only.
    drop_reason_desc: DropReason, and same, holds list(Condition::DropReason), since 16 for any;
    /// Devices, by index, name, or both; 0 and the empty name are not compared.
    interface: NetworkInterface, and unknown, holds list(Condition::Interface), since 16 for any;
    /// Monitor events.
    event_type: EventTypeFilter, and events, holds list(Condition::EventType);
    /// Status codes (`404`) or prefixes (`4+`, `40+`).
    http_status_code: String, and statuses, holds status_codes(), only l7;
    /// `tcp`, `udp`, `sctp`, `icmp` (both versions), `icmpv4`, `icmpv6`, `vrrp`, `igmp`, `dns`,
    /// `http`, in any case.
    protocol: String, and protocols, holds each(protocol, Condition::Protocol),
        since 19 for protocol_since_1_19, recorded 19;
    /// Decimal ports.
    source_port: String, and same, holds each(port, of(Source, Condition::Port)),
        mirrored destination_port;
    /// Decimal ports.
    destination_port: String, and same, holds each(port, of(Destination, Condition::Port)),
        mirrored source_port;
    /// Whether the flow is a reply.
    reply: bool, and same, holds list(Condition::Reply), mirrored cleared;
    /// Regular expressions (RE2) on the queried DNS name.
    dns_query: String, and unknown, holds expressions(Condition::DnsQuery), costs pattern;
    /// Security identities.
    source_identity: u32, and same, holds list(of(Source, Condition::Identity)),
        mirrored destination_identity;
    /// Security identities.
    destination_identity: u32, and same, holds list(of(Destination, Condition::Identity)),
        mirrored source_identity;
    /// HTTP methods, in any case.
    http_method: String, and methods, holds list(Condition::HttpMethod), only l7;
    /// Regular expressions (RE2) on the path of the URL.
    http_path: String, and unknown, holds expressions(Condition::HttpPath), costs pattern, only l7;
    /// Regular expressions (RE2) on the URL.
    http_url: String, and unknown, holds expressions(Condition::HttpUrl), costs pattern, only l7,
        since 15 for any;
    /// Headers, compared by name and value.
    http_header: HttpHeader, and unknown, holds list(Condition::HttpHeader), only l7,
        since 15 for any;
    /// Sets of TCP flags. A flow must have all flags of one set and may have others.
    tcp_flags: TcpFlags, and all_flags, holds list(Condition::TcpFlags);
    /// Patterns of node names: `node`, `cluster/node`, `cluster/`, with `*` as in `source_fqdn`.
    node_name: String, and patterns, holds each(node_pattern, Condition::NodeName);
    /// As `source_label`, on the labels of the node.
    node_labels: String, and selectors, holds each(selector, Condition::NodeLabel),
        since 16 for any, recorded Column::NodeLabels.since_minor();
    /// IP versions.
    ip_version: IpVersion, and same, holds list(Condition::IpVersion);
    /// Trace ids of the W3C trace context.
    trace_id: String, and same, holds list(Condition::TraceId), since 13 for any, recorded 13;
    /// Trace ids of IP options.
    ip_trace_id: u64, and same, holds list(Condition::IpTraceId), since 19 for any, recorded 19;
    /// Whether the packet was encrypted between nodes.
    encrypted: bool, and same, holds list(Condition::Encrypted), since 19 for any;
}

/// A condition on one endpoint.
fn of<T>(
    role: EndpointRole,
    condition: fn(EndpointRole, Vec<T>) -> Condition,
) -> impl FnOnce(Vec<T>) -> Condition {
    move |values| condition(role, values)
}

/// Number of values that are programs.
fn pattern(values: &[String]) -> usize {
    values.len()
}

/// Checks that event types do not exclude layer 7, which a field needs.
fn l7<T>(
    event_types: &[EventTypeFilter],
    field: &'static str,
    values: &[T],
) -> Result<(), FilterError> {
    let has_l7 = event_types.iter().any(|event| event.message_type == MessageType::L7);
    if values.is_empty() || event_types.is_empty() || has_l7 {
        return Ok(());
    }
    Err(FilterError::NotL7 { field })
}

/// Every value of a field.
const fn any<T>(_value: &T) -> bool {
    true
}

/// Pods and services of any namespace: before Cilium 1.15 `/name` meant one without a namespace.
#[expect(clippy::ptr_arg, reason = "it is called with the items of a `Vec<String>`")]
fn any_namespace(name: &String) -> bool {
    name.starts_with('/')
}

/// Protocols that make an older node refuse the whole request.
#[expect(clippy::ptr_arg, reason = "it is called with the items of a `Vec<String>`")]
fn protocol_since_1_19(name: &String) -> bool {
    name.eq_ignore_ascii_case("vrrp") || name.eq_ignore_ascii_case("igmp")
}
