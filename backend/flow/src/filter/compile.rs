//! Compilation of filters from a user's values into matchers; every error in a filter is found
//! here.

use vocabulary::{
    FilterPattern, LabelSelector, NamespacedPrefix, NodeNamePattern, PatternError, Prefix,
    is_address,
};

use super::compiled::{Condition, FlowAddress, Protocol};
use super::expression::Expression;
use super::{
    CompiledFilter, CompiledFilterSet, FilterError, FilterList, FilterSet, FilterSetError,
    FlowFilter,
};
use crate::EndpointRole::{Destination, Source};
use crate::MessageType;

impl FilterSet {
    /// Checks and compiles the filters. Errors: the first filter that cannot be used.
    pub fn compile(&self) -> Result<CompiledFilterSet, FilterSetError> {
        Ok(CompiledFilterSet {
            allow: compile_list(FilterList::Allow, &self.allow)?,
            deny: compile_list(FilterList::Deny, &self.deny)?,
        })
    }
}

fn compile_list(
    list: FilterList,
    filters: &[FlowFilter],
) -> Result<Vec<CompiledFilter>, FilterSetError> {
    filters
        .iter()
        .enumerate()
        .map(|(index, filter)| {
            filter.compile().map_err(|source| FilterSetError { list, index, source })
        })
        .collect()
}

impl FlowFilter {
    /// Checks and compiles the filter. Errors: the first value that cannot be used.
    #[expect(clippy::too_many_lines, reason = "a line or two for each of the fields")]
    pub fn compile(&self) -> Result<CompiledFilter, FilterError> {
        // Exhaustive, so that the compiler reports a new field.
        let Self {
            uuid,
            source_ip,
            source_ip_xlated,
            source_pod,
            source_fqdn,
            source_label,
            source_service,
            source_workload,
            source_cluster_name,
            destination_ip,
            destination_pod,
            destination_fqdn,
            destination_label,
            destination_service,
            destination_workload,
            destination_cluster_name,
            traffic_direction,
            verdict,
            drop_reason_desc,
            interface,
            event_type,
            http_status_code,
            protocol,
            source_port,
            destination_port,
            reply,
            dns_query,
            source_identity,
            destination_identity,
            http_method,
            http_path,
            http_url,
            http_header,
            tcp_flags,
            node_name,
            node_labels,
            ip_version,
            trace_id,
            ip_trace_id,
            encrypted,
            cel_expression,
        } = self;
        if let Some(value) = cel_expression.first() {
            return Err(FilterError::Cel { value: value.clone() });
        }
        // Sorted by cost, the cheapest first.
        let mut all = Conditions::default();
        all.list(verdict, Condition::Verdict);
        all.list(drop_reason_desc, Condition::DropReason);
        all.list(traffic_direction, Condition::TrafficDirection);
        all.list(event_type, Condition::EventType);
        all.list(reply, Condition::Reply);
        all.list(encrypted, Condition::Encrypted);
        all.list(ip_version, Condition::IpVersion);
        all.list(source_identity, |list| Condition::Identity(Source, list));
        all.list(destination_identity, |list| Condition::Identity(Destination, list));
        all.each(protocol, parse_protocol, Condition::Protocol)?;
        all.each(source_port, port("source_port"), |list| Condition::Port(Source, list))?;
        all.each(destination_port, port("destination_port"), |list| {
            Condition::Port(Destination, list)
        })?;
        all.list(tcp_flags, Condition::TcpFlags);
        all.list(ip_trace_id, Condition::IpTraceId);
        all.list(uuid, Condition::Uuid);
        all.list(trace_id, Condition::TraceId);
        all.list(interface, Condition::Interface);
        all.each(source_pod, namespaced("source_pod"), |list| Condition::Pod(Source, list))?;
        all.each(destination_pod, namespaced("destination_pod"), |list| {
            Condition::Pod(Destination, list)
        })?;
        all.each(source_service, namespaced("source_service"), |list| {
            Condition::Service(Source, list)
        })?;
        all.each(destination_service, namespaced("destination_service"), |list| {
            Condition::Service(Destination, list)
        })?;
        all.list(source_workload, |list| Condition::Workload(Source, list));
        all.list(destination_workload, |list| Condition::Workload(Destination, list));
        all.each(source_cluster_name, filled("source_cluster_name"), |list| {
            Condition::ClusterName(Source, list)
        })?;
        all.each(destination_cluster_name, filled("destination_cluster_name"), |list| {
            Condition::ClusterName(Destination, list)
        })?;
        all.addresses("source_ip", FlowAddress::Source, source_ip)?;
        all.addresses("source_ip_xlated", FlowAddress::SourceXlated, source_ip_xlated)?;
        all.addresses("destination_ip", FlowAddress::Destination, destination_ip)?;
        all.each(node_name, node_pattern, Condition::NodeName)?;
        all.each(source_fqdn, fqdn("source_fqdn"), |list| Condition::Fqdn(Source, list))?;
        all.each(destination_fqdn, fqdn("destination_fqdn"), |list| {
            Condition::Fqdn(Destination, list)
        })?;
        all.each(source_label, selector("source_label"), |list| Condition::Label(Source, list))?;
        all.each(destination_label, selector("destination_label"), |list| {
            Condition::Label(Destination, list)
        })?;
        all.each(node_labels, selector("node_labels"), Condition::NodeLabel)?;

        for (field, is_set) in [
            ("http_status_code", !http_status_code.is_empty()),
            ("http_method", !http_method.is_empty()),
            ("http_path", !http_path.is_empty()),
            ("http_url", !http_url.is_empty()),
            ("http_header", !http_header.is_empty()),
        ] {
            let has_l7 = event_type.iter().any(|event| event.message_type == MessageType::L7);
            if is_set && !event_type.is_empty() && !has_l7 {
                return Err(FilterError::NotL7 { field });
            }
        }
        all.status_codes(http_status_code)?;
        all.list(http_method, Condition::HttpMethod);
        all.list(http_header, Condition::HttpHeader);
        all.regexes("http_path", http_path, Condition::HttpPath)?;
        all.regexes("http_url", http_url, Condition::HttpUrl)?;
        all.regexes("dns_query", dns_query, Condition::DnsQuery)?;
        Ok(CompiledFilter { conditions: all.0 })
    }
}

/// Conditions collected so far.
#[derive(Default)]
struct Conditions(Vec<Condition>);

impl Conditions {
    /// Adds a field whose values need no check.
    fn list<T: Clone>(&mut self, values: &[T], condition: impl FnOnce(Vec<T>) -> Condition) {
        if !values.is_empty() {
            self.0.push(condition(values.to_vec()));
        }
    }

    /// Adds a field whose values are parsed one by one.
    fn each<T>(
        &mut self,
        values: &[String],
        parse: impl Fn(&str) -> Result<T, FilterError>,
        condition: impl FnOnce(Vec<T>) -> Condition,
    ) -> Result<(), FilterError> {
        if !values.is_empty() {
            let parsed = values.iter().map(|value| parse(value)).collect::<Result<_, _>>()?;
            self.0.push(condition(parsed));
        }
        Ok(())
    }

    fn addresses(
        &mut self,
        field: &'static str,
        which: FlowAddress,
        values: &[String],
    ) -> Result<(), FilterError> {
        let (mut texts, mut cidrs) = (Vec::new(), Vec::new());
        for value in values {
            let wrong = || FilterError::Address { field, value: value.clone() };
            if value.contains('/') {
                cidrs.push(Prefix::parse(value).map_err(|_| wrong())?);
            } else if is_address(value) {
                texts.push(value.clone());
            } else {
                return Err(wrong());
            }
        }
        if !values.is_empty() {
            self.0.push(Condition::Ip(which, texts, cidrs));
        }
        Ok(())
    }

    fn status_codes(&mut self, values: &[String]) -> Result<(), FilterError> {
        let (mut codes, mut prefixes) = (Vec::new(), Vec::new());
        for value in values {
            let (digits, is_prefix) =
                value.strip_suffix('+').map_or((value.as_str(), false), |digits| (digits, true));
            let lengths = if is_prefix { 1..=2 } else { 3..=3 };
            let well_formed = lengths.contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_digit())
                && digits.starts_with(['1', '2', '3', '4', '5']);
            if !well_formed {
                return Err(FilterError::StatusCode { value: value.clone() });
            }
            if is_prefix { &mut prefixes } else { &mut codes }.push(digits.to_owned());
        }
        if !values.is_empty() {
            self.0.push(Condition::HttpStatusCode(codes, prefixes));
        }
        Ok(())
    }

    fn regexes(
        &mut self,
        field: &'static str,
        values: &[String],
        condition: impl FnOnce(Vec<Expression>) -> Condition,
    ) -> Result<(), FilterError> {
        let parse = |value: &str| {
            Expression::new(value).map_err(|source| FilterError::Regex {
                field,
                value: value.to_owned(),
                source,
            })
        };
        self.each(values, parse, condition)
    }
}

pub(super) fn parse_protocol(value: &str) -> Result<Protocol, FilterError> {
    Ok(match value.to_lowercase().as_str() {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        "icmp" => Protocol::Icmp,
        "icmpv4" => Protocol::Icmpv4,
        "icmpv6" => Protocol::Icmpv6,
        "vrrp" => Protocol::Vrrp,
        "igmp" => Protocol::Igmp,
        "dns" => Protocol::Dns,
        "http" => Protocol::Http,
        _ => return Err(FilterError::Protocol { value: value.to_owned() }),
    })
}

fn port(field: &'static str) -> impl Fn(&str) -> Result<u16, FilterError> {
    move |value| {
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let port = if digits { value.parse().ok() } else { None };
        port.ok_or_else(|| FilterError::Port { field, value: value.to_owned() })
    }
}

fn namespaced(field: &'static str) -> impl Fn(&str) -> Result<NamespacedPrefix, FilterError> {
    move |value| NamespacedPrefix::parse(value).ok_or(FilterError::EmptyName { field })
}

fn filled(field: &'static str) -> impl Fn(&str) -> Result<String, FilterError> {
    move |value| match value {
        "" => Err(FilterError::EmptyName { field }),
        name => Ok(name.to_owned()),
    }
}

fn fqdn(field: &'static str) -> impl Fn(&str) -> Result<FilterPattern, FilterError> {
    move |value| FilterPattern::parse(value).map_err(|source| pattern_error(field, value, source))
}

fn node_pattern(value: &str) -> Result<NodeNamePattern, FilterError> {
    NodeNamePattern::parse(value).map_err(|source| pattern_error("node_name", value, source))
}

fn pattern_error(field: &'static str, value: &str, source: PatternError) -> FilterError {
    FilterError::Pattern { field, value: value.to_owned(), source }
}

fn selector(field: &'static str) -> impl Fn(&str) -> Result<LabelSelector, FilterError> {
    move |value| {
        LabelSelector::parse(value).map_err(|source| FilterError::Selector {
            field,
            value: value.to_owned(),
            source,
        })
    }
}
