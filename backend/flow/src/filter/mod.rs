//! Filters on flows, as in the Observer API.
//!
//! [`FlowFilter`] and [`FilterSet`] hold a user's values; `compile` checks them and returns
//! [`CompiledFilter`] and [`CompiledFilterSet`], which match flows like Cilium's
//! `pkg/hubble/filters`.
//!
//! ```
//! use flow::filter::FlowFilter;
//! use flow::{Flow, Ip, Verdict};
//!
//! let filter = FlowFilter {
//!     source_ip: vec!["10.0.0.0/8".to_owned()],
//!     verdict: vec![Verdict::Dropped],
//!     ..FlowFilter::default()
//! };
//! let filter = filter.compile().unwrap();
//!
//! let ip = Ip { source: "10.1.2.3".to_owned(), ..Ip::default() };
//! let flow = Flow { ip: Some(ip), verdict: Verdict::Dropped, ..Flow::default() };
//! assert!(filter.matches(&flow));
//! assert!(!filter.matches(&Flow { verdict: Verdict::Forwarded, ..flow }));
//!
//! let wrong = FlowFilter { source_port: vec!["http".to_owned()], ..FlowFilter::default() };
//! assert_eq!(
//!     wrong.compile().unwrap_err().to_string(),
//!     "`http` in `source_port` is not a port: a number from 0 to 65535",
//! );
//! ```

mod compile;
mod compiled;
mod conjunction;
mod error;
mod expression;
mod request_uri;
mod size;
#[cfg(test)]
mod tests;

pub use compiled::{CompiledFilter, CompiledFilterSet};
pub use conjunction::NoConjunction;
pub use error::{FilterError, FilterList, FilterSetError, RegexError};
pub use size::FilterSize;

use crate::{
    DropReason, HttpHeader, IpVersion, MessageType, NetworkInterface, TcpFlags, TrafficDirection,
    Verdict, Workload,
};

/// Conditions on a flow. Every field with values must match; one matching value is enough. Source:
/// flow.proto `FlowFilter`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FlowFilter {
    /// Flow ids.
    pub uuid: Vec<String>,
    /// Addresses (compared as text) or CIDRs.
    pub source_ip: Vec<String>,
    /// Addresses (compared as text) or CIDRs, after source NAT.
    pub source_ip_xlated: Vec<String>,
    /// Prefixes of pod names: `ns/prefix`, `ns/` (all of a namespace), `/prefix` (any
    /// namespace), `prefix` (namespace `default`).
    pub source_pod: Vec<String>,
    /// DNS names; `*` stands for any run of letters, digits, dots and hyphens.
    pub source_fqdn: Vec<String>,
    /// Kubernetes label selectors; a key may carry Cilium's source (`k8s:app=web`).
    pub source_label: Vec<String>,
    /// Prefixes of Service names, written like `source_pod`.
    pub source_service: Vec<String>,
    /// Workloads by name, kind, or both; an empty part is not compared.
    pub source_workload: Vec<Workload>,
    /// Cluster names.
    pub source_cluster_name: Vec<String>,
    /// Addresses (compared as text) or CIDRs.
    pub destination_ip: Vec<String>,
    /// As `source_pod`.
    pub destination_pod: Vec<String>,
    /// As `source_fqdn`.
    pub destination_fqdn: Vec<String>,
    /// As `source_label`.
    pub destination_label: Vec<String>,
    /// As `source_service`.
    pub destination_service: Vec<String>,
    /// As `source_workload`.
    pub destination_workload: Vec<Workload>,
    /// Cluster names.
    pub destination_cluster_name: Vec<String>,
    /// Directions.
    pub traffic_direction: Vec<TrafficDirection>,
    /// Verdicts.
    pub verdict: Vec<Verdict>,
    /// Drop reasons; matches dropped flows only.
    pub drop_reason_desc: Vec<DropReason>,
    /// Devices, by index, name, or both; 0 and the empty name are not compared.
    pub interface: Vec<NetworkInterface>,
    /// Monitor events.
    pub event_type: Vec<EventTypeFilter>,
    /// Status codes (`404`) or prefixes (`4+`, `40+`).
    pub http_status_code: Vec<String>,
    /// `tcp`, `udp`, `sctp`, `icmp` (both versions), `icmpv4`, `icmpv6`, `vrrp`, `igmp`, `dns`,
    /// `http`, in any case.
    pub protocol: Vec<String>,
    /// Decimal ports.
    pub source_port: Vec<String>,
    /// Decimal ports.
    pub destination_port: Vec<String>,
    /// Whether the flow is a reply.
    pub reply: Vec<bool>,
    /// Regular expressions (RE2) on the queried DNS name.
    pub dns_query: Vec<String>,
    /// Security identities.
    pub source_identity: Vec<u32>,
    /// Security identities.
    pub destination_identity: Vec<u32>,
    /// HTTP methods, in any case.
    pub http_method: Vec<String>,
    /// Regular expressions (RE2) on the path of the URL.
    pub http_path: Vec<String>,
    /// Regular expressions (RE2) on the URL.
    pub http_url: Vec<String>,
    /// Headers, compared by name and value.
    pub http_header: Vec<HttpHeader>,
    /// Sets of TCP flags. A flow must have all flags of one set and may have others.
    pub tcp_flags: Vec<TcpFlags>,
    /// Patterns of node names: `node`, `cluster/node`, `cluster/`, with `*` as in `source_fqdn`.
    pub node_name: Vec<String>,
    /// As `source_label`, on the labels of the node.
    pub node_labels: Vec<String>,
    /// IP versions.
    pub ip_version: Vec<IpVersion>,
    /// Trace ids of the W3C trace context.
    pub trace_id: Vec<String>,
    /// Trace ids of IP options.
    pub ip_trace_id: Vec<u64>,
    /// Whether the packet was encrypted between nodes.
    pub encrypted: Vec<bool>,
    /// CEL expressions, which a relay can evaluate but this crate cannot.
    pub cel_expression: Vec<String>,
}

/// Filter on monitor events. Source: flow.proto `EventTypeFilter`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct EventTypeFilter {
    /// Message type; unspecified for any.
    pub message_type: MessageType,
    /// Whether `sub_type` is compared, too; 0 is a valid one.
    pub match_sub_type: bool,
    /// Sub type of the event.
    pub sub_type: i32,
}

/// Selection of flows: those that any filter of `allow` matches (all if it is empty), except those
/// that a filter of `deny` matches. Source: observer.proto `GetFlowsRequest.whitelist`,
/// `.blacklist`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FilterSet {
    /// Filters of which at least one must match, unless the list is empty.
    pub allow: Vec<FlowFilter>,
    /// Filters of which none may match.
    pub deny: Vec<FlowFilter>,
}

impl FlowFilter {
    /// Filter for the opposite direction, with the conditions on source and destination swapped.
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self {
            source_ip: self.destination_ip,
            source_pod: self.destination_pod,
            source_fqdn: self.destination_fqdn,
            source_label: self.destination_label,
            source_service: self.destination_service,
            source_workload: self.destination_workload,
            source_cluster_name: self.destination_cluster_name,
            source_port: self.destination_port,
            source_identity: self.destination_identity,
            destination_ip: self.source_ip,
            destination_pod: self.source_pod,
            destination_fqdn: self.source_fqdn,
            destination_label: self.source_label,
            destination_service: self.source_service,
            destination_workload: self.source_workload,
            destination_cluster_name: self.source_cluster_name,
            destination_port: self.source_port,
            destination_identity: self.source_identity,
            // Only source addresses are translated.
            source_ip_xlated: Vec::new(),
            traffic_direction: Vec::new(),
            reply: Vec::new(),
            ..self
        }
    }
}
