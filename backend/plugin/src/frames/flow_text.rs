//! What a flow says in words: one short text for each column that is not a plain value.

use std::borrow::Cow;

use flow::columns::{FlowColumns, l4_protocol, l7_record};
use flow::{
    DropReason, L7FlowType, MessageType, TcpFlags, TraceObservationPoint, TrafficDirection,
};

/// The enum's name, which is what `hubble_drop_total` calls it too.
pub(super) fn drop_reason_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let reason = DropReason::from_number(at(columns.drop_reason(), row));
    reason.is_known().then(|| reason.to_string().into())
}

pub(super) fn direction_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let direction = TrafficDirection::from_number(at(columns.traffic_direction(), row));
    (direction != TrafficDirection::Unknown).then(|| direction.to_string().into())
}

/// As Hubble's metrics name protocols: the one of layer 7 where there is any.
pub(super) fn protocol_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let name = flow::group::protocol(columns, row);
    (!name.is_empty()).then(|| name.into())
}

pub(super) fn l7_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let text = match at(columns.l7_record(), row) {
        l7_record::DNS => dns_text(columns, row),
        l7_record::HTTP => http_text(columns, row),
        _ => match at(columns.l4_protocol(), row) {
            l4_protocol::ICMPV4 | l4_protocol::ICMPV6 => {
                format!(
                    "type {} code {}",
                    at(columns.icmp_type(), row),
                    at(columns.icmp_code(), row)
                )
            }
            _ => return None,
        },
    };
    Some(text.into())
}

pub(super) fn event_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let message_type = MessageType::from_number(at(columns.event_type(), row));
    let detail = match message_type {
        MessageType::Unspec => return None,
        MessageType::Trace => {
            let point =
                TraceObservationPoint::from_number(at(columns.trace_observation_point(), row));
            (point != TraceObservationPoint::Unknown)
                .then(|| point.to_string().to_ascii_lowercase().replace('_', "-"))
        }
        MessageType::PolicyVerdict => Some(policy_match(at(columns.policy_match_type(), row))),
        _ => None,
    };
    Some(match detail {
        Some(detail) => format!("{message_type}:{detail}").into(),
        None => message_type.to_string().into(),
    })
}

/// The policies that Hubble names for this flow: those that denied it, else those that
/// allowed it. A default deny has none.
pub(super) fn policy_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let denied = [columns.ingress_denied_by(), columns.egress_denied_by()];
    let allowed = [columns.ingress_allowed_by(), columns.egress_allowed_by()];
    let names = |lists: [&[u32]; 2]| -> Vec<String> {
        lists
            .into_iter()
            .flat_map(|list| columns.policies(at(list, row)))
            .map(|policy| joined(&policy.namespace, &policy.name).into_owned())
            .collect()
    };
    let mut policies = names(denied);
    if policies.is_empty() {
        policies = names(allowed);
    }
    (!policies.is_empty()).then(|| policies.join(", ").into())
}

pub(super) fn tcp_flags_text(columns: &FlowColumns, row: usize) -> Option<Cow<'_, str>> {
    let flags = TcpFlags::from_bits_truncate(at(columns.tcp_flags(), row));
    (!flags.is_empty()).then(|| flags.to_string().into())
}

fn dns_text(columns: &FlowColumns, row: usize) -> String {
    let query = columns.text(at(columns.dns_query(), row));
    let list = |code| columns.items(code).collect::<Vec<_>>().join(", ");
    let qtypes = list(at(columns.dns_qtypes(), row));
    if L7FlowType::from_number(at(columns.l7_type(), row)) != L7FlowType::Response {
        return format!("query {query} {qtypes}").trim_end().to_owned();
    }
    let rcode = at(columns.dns_rcode(), row);
    let ips = list(at(columns.dns_ips(), row));
    let answer = match (rcode, ips.as_str()) {
        (0, "") => "no address".to_owned(),
        (0, ips) => ips.to_owned(),
        (rcode, _) => dns_rcode(rcode),
    };
    format!("answer {query} {qtypes}").trim_end().to_owned() + ": " + &answer
}

/// Names of RFC 1035 and 6895, as Hubble's metrics write them. Source: pkg/hubble/metrics/dns.
pub(super) fn dns_rcode(rcode: u32) -> String {
    match rcode {
        0 => "No Error".to_owned(),
        1 => "Format Error".to_owned(),
        2 => "Server Failure".to_owned(),
        3 => "Non-Existent Domain".to_owned(),
        4 => "Not Implemented".to_owned(),
        5 => "Query Refused".to_owned(),
        6 => "Name Exists when it should not".to_owned(),
        7 => "RR Set Exists when it should not".to_owned(),
        8 => "RR Set that should exist does not".to_owned(),
        9 => "Server Not Authoritative for zone".to_owned(),
        10 => "Name not contained in zone".to_owned(),
        rcode => format!("rcode {rcode}"),
    }
}

fn http_text(columns: &FlowColumns, row: usize) -> String {
    let method = columns.text(at(columns.http_method(), row));
    let url = columns.text(at(columns.http_url(), row));
    let code = at(columns.http_code(), row);
    if code == 0 {
        return format!("{method} {url}").trim().to_owned();
    }
    let latency_nanos = at(columns.l7_latency_nanos(), row);
    let latency_ms = latency_nanos / 1_000_000;
    format!("{code} in {latency_ms} ms ({method} {url})")
}

/// Names of `PolicyMatchType`. Source: pkg/monitor/api/types.go.
fn policy_match(number: u32) -> String {
    match number {
        0 => "none".to_owned(),
        1 => "L3-Only".to_owned(),
        2 => "L3-L4".to_owned(),
        3 => "L4-Only".to_owned(),
        4 => "all".to_owned(),
        5 => "L3-Proto".to_owned(),
        6 => "Proto-Only".to_owned(),
        number => number.to_string(),
    }
}

pub(super) fn joined<'t>(namespace: &str, name: &'t str) -> Cow<'t, str> {
    if namespace.is_empty() { name.into() } else { format!("{namespace}/{name}").into() }
}

pub(super) fn some_text(text: &str) -> Option<Cow<'_, str>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

pub(super) fn at<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}
