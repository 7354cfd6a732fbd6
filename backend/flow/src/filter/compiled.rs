//! Compiled filters, which match flows.

use std::net::IpAddr;

use vocabulary::{FilterPattern, LabelSelector, NamespacedPrefix, NodeNamePattern, Prefix};

use super::EventTypeFilter;
use super::expression::Expression;
use super::request_uri;
use crate::{
    Dns, DropReason, Endpoint, EndpointRole, Flow, Http, HttpHeader, IpVersion, L7Record, Layer4,
    MessageType, NetworkInterface, TcpFlags, TrafficDirection, Verdict, Workload,
};

/// Compiled [`super::FlowFilter`].
#[derive(Debug, Clone)]
pub struct CompiledFilter {
    pub(super) conditions: Vec<Condition>,
}

/// Compiled [`super::FilterSet`].
#[derive(Debug, Clone)]
pub struct CompiledFilterSet {
    pub(super) allow: Vec<CompiledFilter>,
    pub(super) deny: Vec<CompiledFilter>,
}

/// Address field of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlowAddress {
    Source,
    SourceXlated,
    Destination,
}

/// Protocol that a filter can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
    Sctp,
    Icmp,
    Icmpv4,
    Icmpv6,
    Vrrp,
    Igmp,
    Dns,
    Http,
}

/// Field of a filter; any of its values may match.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    Uuid(Vec<String>),
    EventType(Vec<EventTypeFilter>),
    Verdict(Vec<Verdict>),
    DropReason(Vec<DropReason>),
    Reply(Vec<bool>),
    Encrypted(Vec<bool>),
    Identity(EndpointRole, Vec<u32>),
    Protocol(Vec<Protocol>),
    Ip(FlowAddress, Vec<String>, Vec<Prefix>),
    IpVersion(Vec<IpVersion>),
    Pod(EndpointRole, Vec<NamespacedPrefix>),
    Service(EndpointRole, Vec<NamespacedPrefix>),
    Workload(EndpointRole, Vec<Workload>),
    ClusterName(EndpointRole, Vec<String>),
    Fqdn(EndpointRole, Vec<FilterPattern>),
    Label(EndpointRole, Vec<LabelSelector>),
    NodeLabel(Vec<LabelSelector>),
    NodeName(Vec<NodeNamePattern>),
    Port(EndpointRole, Vec<u16>),
    TcpFlags(Vec<TcpFlags>),
    TraceId(Vec<String>),
    IpTraceId(Vec<u64>),
    TrafficDirection(Vec<TrafficDirection>),
    Interface(Vec<NetworkInterface>),
    /// Codes, followed by prefixes, as three digits.
    HttpStatusCode(Vec<String>, Vec<String>),
    HttpMethod(Vec<String>),
    HttpHeader(Vec<HttpHeader>),
    HttpPath(Vec<Expression>),
    HttpUrl(Vec<Expression>),
    DnsQuery(Vec<Expression>),
}

/// Kinds of values that a condition compares, in the order of cost on one flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    Numbers,
    Texts,
    AddressesAndPatterns,
    Requests,
}

impl CompiledFilterSet {
    /// Most bytes that the regular expressions of the set take; everything else is as small as the filters.
    #[must_use]
    pub fn max_expression_bytes(&self) -> usize {
        let conditions = self.allow.iter().chain(&self.deny).flat_map(|filter| &filter.conditions);
        conditions.flat_map(Condition::expressions).map(Expression::max_bytes).sum()
    }

    /// Whether a flow passes the set: some `allow` filter matches it, or `allow` is empty, and no
    /// `deny` filter does.
    #[must_use]
    pub fn matches(&self, flow: &Flow) -> bool {
        (self.allow.is_empty() || self.allow.iter().any(|filter| filter.matches(flow)))
            && !self.deny.iter().any(|filter| filter.matches(flow))
    }
}

impl CompiledFilter {
    /// Whether every condition holds for `flow`; a filter without conditions matches every flow.
    #[must_use]
    pub fn matches(&self, flow: &Flow) -> bool {
        self.conditions.iter().all(|condition| condition.holds(flow))
    }
}

impl Condition {
    fn expressions(&self) -> &[Expression] {
        match self {
            Self::HttpPath(all) | Self::HttpUrl(all) | Self::DnsQuery(all) => all,
            _ => &[],
        }
    }

    /// Whether the condition holds. The conditions that nearly every filter begins with are inline:
    /// a call to the long function below costs more than they do, and keeps the processor from
    /// fetching the next flows meanwhile.
    #[inline]
    fn holds(&self, flow: &Flow) -> bool {
        match self {
            Self::Verdict(verdicts) => verdicts.contains(&flow.verdict),
            Self::TrafficDirection(directions) => directions.contains(&flow.traffic_direction),
            Self::Port(role, ports) => role.port_of(flow).is_some_and(|port| ports.contains(&port)),
            Self::Pod(role, prefixes) => role.endpoint_of(flow).is_some_and(|endpoint| {
                prefixes
                    .iter()
                    .any(|prefix| prefix.matches(&endpoint.namespace, &endpoint.pod_name))
            }),
            _ => self.holds_otherwise(flow),
        }
    }

    pub(super) const fn cost(&self) -> Cost {
        match self {
            Self::Verdict(_)
            | Self::DropReason(_)
            | Self::TrafficDirection(_)
            | Self::EventType(_)
            | Self::Reply(_)
            | Self::Encrypted(_)
            | Self::IpVersion(_)
            | Self::Identity(..)
            | Self::Protocol(_)
            | Self::Port(..)
            | Self::TcpFlags(_)
            | Self::IpTraceId(_) => Cost::Numbers,
            Self::Uuid(_)
            | Self::TraceId(_)
            | Self::Interface(_)
            | Self::Pod(..)
            | Self::Service(..)
            | Self::Workload(..)
            | Self::ClusterName(..) => Cost::Texts,
            Self::Ip(..)
            | Self::NodeName(_)
            | Self::Fqdn(..)
            | Self::Label(..)
            | Self::NodeLabel(_) => Cost::AddressesAndPatterns,
            Self::HttpStatusCode(..)
            | Self::HttpMethod(_)
            | Self::HttpHeader(_)
            | Self::HttpPath(_)
            | Self::HttpUrl(_)
            | Self::DnsQuery(_) => Cost::Requests,
        }
    }

    #[inline(never)]
    fn holds_otherwise(&self, flow: &Flow) -> bool {
        match self {
            Self::Verdict(_) | Self::TrafficDirection(_) | Self::Port(..) | Self::Pod(..) => {
                self.holds(flow)
            }
            Self::Uuid(uuids) => uuids.contains(&flow.uuid),
            Self::EventType(filters) => is_event_type(flow, filters),
            Self::DropReason(reasons) => {
                flow.verdict == Verdict::Dropped && reasons.contains(&flow.drop_reason_desc)
            }
            Self::Reply(replies) => is_reply(flow, replies),
            Self::Encrypted(values) => {
                values.contains(&flow.ip.as_ref().is_some_and(|ip| ip.encrypted))
            }
            Self::Identity(role, identities) => role
                .endpoint_of(flow)
                .is_some_and(|endpoint| identities.contains(&endpoint.identity)),
            Self::Protocol(protocols) => protocols.iter().any(|protocol| protocol.is_of(flow)),
            Self::Ip(address, texts, cidrs) => is_address(address.of(flow), texts, cidrs),
            Self::IpVersion(versions) => {
                versions.contains(&flow.ip.as_ref().map_or(IpVersion::NotUsed, |ip| ip.ip_version))
            }
            Self::Service(role, prefixes) => role.service_of(flow).is_some_and(|service| {
                prefixes.iter().any(|prefix| prefix.matches(&service.namespace, &service.name))
            }),
            Self::Workload(role, wanted) => role.endpoint_of(flow).is_some_and(|endpoint| {
                endpoint.workloads.iter().any(|own| is_workload(own, wanted))
            }),
            Self::ClusterName(role, names) => role
                .endpoint_of(flow)
                .is_some_and(|endpoint| names.contains(&endpoint.cluster_name)),
            Self::Fqdn(role, patterns) => role
                .names_of(flow)
                .iter()
                .any(|name| patterns.iter().any(|pattern| pattern.matches(name))),
            Self::Label(role, selectors) => {
                let labels = role.endpoint_of(flow).map_or(&[][..], |endpoint| &endpoint.labels);
                selectors.iter().any(|selector| selector.matches(labels))
            }
            Self::NodeLabel(selectors) => {
                selectors.iter().any(|selector| selector.matches(&flow.node_labels))
            }
            Self::NodeName(patterns) => {
                patterns.iter().any(|pattern| pattern.matches(&flow.node_name))
            }
            Self::TcpFlags(sets) => tcp_flags(flow)
                .is_some_and(|flags| sets.iter().any(|wanted| flags.contains(*wanted))),
            Self::TraceId(ids) => ids.iter().any(|id| id == trace_id(flow)),
            Self::IpTraceId(ids) => {
                ids.contains(&flow.ip_trace_id.map_or(0, |trace| trace.trace_id))
            }
            Self::Interface(wanted) => is_interface(flow, wanted),
            Self::HttpStatusCode(codes, prefixes) => is_status_code(flow, codes, prefixes),
            Self::HttpMethod(methods) => http(flow).is_some_and(|http| {
                !http.method.is_empty() && methods.iter().any(|own| equal_fold(own, &http.method))
            }),
            Self::HttpHeader(headers) => http(flow)
                .is_some_and(|http| http.headers.iter().any(|header| headers.contains(header))),
            Self::HttpPath(patterns) => {
                http(flow).and_then(|http| request_uri::path(&http.url)).is_some_and(|path| {
                    let path = String::from_utf8_lossy(&path);
                    patterns.iter().any(|pattern| pattern.is_match(&path))
                })
            }
            Self::HttpUrl(patterns) => http(flow).is_some_and(|http| {
                !http.url.is_empty() && patterns.iter().any(|pattern| pattern.is_match(&http.url))
            }),
            Self::DnsQuery(patterns) => dns(flow)
                .is_some_and(|dns| patterns.iter().any(|pattern| pattern.is_match(&dns.query))),
        }
    }
}

impl EndpointRole {
    const fn endpoint_of(self, flow: &Flow) -> Option<&Endpoint> {
        match self {
            Self::Source => flow.source.as_ref(),
            Self::Destination => flow.destination.as_ref(),
        }
    }

    const fn service_of(self, flow: &Flow) -> Option<&crate::Service> {
        match self {
            Self::Source => flow.source_service.as_ref(),
            Self::Destination => flow.destination_service.as_ref(),
        }
    }

    fn names_of(self, flow: &Flow) -> &[String] {
        match self {
            Self::Source => &flow.source_names,
            Self::Destination => &flow.destination_names,
        }
    }

    fn port_of(self, flow: &Flow) -> Option<u16> {
        let l4 = flow.l4.as_ref()?;
        match self {
            Self::Source => l4.source_port(),
            Self::Destination => l4.destination_port(),
        }
    }
}

impl FlowAddress {
    fn of(self, flow: &Flow) -> &str {
        let Some(ip) = &flow.ip else { return "" };
        match self {
            Self::Source => &ip.source,
            Self::SourceXlated => &ip.source_xlated,
            Self::Destination => &ip.destination,
        }
    }
}

impl Protocol {
    /// Whether it is a layer 7 protocol, which a flow has in addition to one of layer 4.
    pub(super) fn is_of_requests(self) -> bool {
        matches!(self, Self::Dns | Self::Http)
    }

    fn is_of(self, flow: &Flow) -> bool {
        let l4 = flow.l4.as_ref();
        match self {
            Self::Tcp => matches!(l4, Some(Layer4::Tcp(_))),
            Self::Udp => matches!(l4, Some(Layer4::Udp(_))),
            Self::Sctp => matches!(l4, Some(Layer4::Sctp(_))),
            Self::Icmp => matches!(l4, Some(Layer4::Icmpv4(_) | Layer4::Icmpv6(_))),
            Self::Icmpv4 => matches!(l4, Some(Layer4::Icmpv4(_))),
            Self::Icmpv6 => matches!(l4, Some(Layer4::Icmpv6(_))),
            Self::Vrrp => matches!(l4, Some(Layer4::Vrrp(_))),
            Self::Igmp => matches!(l4, Some(Layer4::Igmp(_))),
            Self::Dns => dns(flow).is_some(),
            Self::Http => http(flow).is_some(),
        }
    }
}

const fn http(flow: &Flow) -> Option<&Http> {
    match &flow.l7 {
        Some(crate::Layer7 { record: Some(L7Record::Http(http)), .. }) => Some(http),
        _ => None,
    }
}

const fn dns(flow: &Flow) -> Option<&Dns> {
    match &flow.l7 {
        Some(crate::Layer7 { record: Some(L7Record::Dns(dns)), .. }) => Some(dns),
        _ => None,
    }
}

fn is_event_type(flow: &Flow, filters: &[EventTypeFilter]) -> bool {
    flow.event_type.is_some_and(|event| {
        filters.iter().any(|filter| {
            (filter.message_type == MessageType::Unspec
                || filter.message_type == event.message_type)
                && (!filter.match_sub_type || filter.sub_type == event.sub_type)
        })
    })
}

/// Whether a flow matches by direction. Cilium counts drops, whose direction is never known, as not
/// being replies, so that filters on the old `reply` field still find them.
fn is_reply(flow: &Flow, replies: &[bool]) -> bool {
    match flow.is_reply {
        Some(reply) => replies.contains(&reply),
        None => flow.verdict == Verdict::Dropped && replies.contains(&false),
    }
}

fn is_address(address: &str, texts: &[String], cidrs: &[Prefix]) -> bool {
    if address.is_empty() {
        return false;
    }
    texts.iter().any(|text| text == address)
        || (!cidrs.is_empty()
            && address
                .parse::<IpAddr>()
                .is_ok_and(|address| cidrs.iter().any(|cidr| cidr.contains_address(address))))
}

fn is_workload(own: &Workload, wanted: &[Workload]) -> bool {
    wanted.iter().any(|wanted| {
        (wanted.name.is_empty() || wanted.name == own.name)
            && (wanted.kind.is_empty() || wanted.kind == own.kind)
    })
}

fn is_interface(flow: &Flow, wanted: &[NetworkInterface]) -> bool {
    flow.interface.as_ref().is_some_and(|own| {
        wanted.iter().any(|wanted| {
            (wanted.index == 0 || wanted.index == own.index)
                && (wanted.name.is_empty() || wanted.name == own.name)
        })
    })
}

const fn tcp_flags(flow: &Flow) -> Option<TcpFlags> {
    match &flow.l4 {
        Some(Layer4::Tcp(tcp)) => tcp.flags,
        _ => None,
    }
}

fn trace_id(flow: &Flow) -> &str {
    flow.trace_context
        .as_ref()
        .and_then(|context| context.parent.as_ref())
        .map_or("", |parent| &parent.trace_id)
}

fn is_status_code(flow: &Flow, codes: &[String], prefixes: &[String]) -> bool {
    http(flow).filter(|http| http.code != 0).is_some_and(|http| {
        let own = format!("{:03}", http.code);
        codes.contains(&own) || prefixes.iter().any(|prefix| own.starts_with(prefix))
    })
}

/// Whether two texts are equal under Unicode's simple case folding, like Go's `EqualFold`.
fn equal_fold(left: &str, right: &str) -> bool {
    left.chars().map(fold).eq(right.chars().map(fold))
}

fn fold(character: char) -> char {
    let upper = one(character.to_uppercase()).unwrap_or(character);
    one(upper.to_lowercase()).unwrap_or(upper)
}

/// Only item of an iterator; `None` if there are several or none.
fn one(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}
