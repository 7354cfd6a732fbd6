//! Summary texts of flows in Hubble's wording, built from columns and shared by all views.

use std::fmt::{Display, Write as _};

use crate::columns::{ABSENT, Column, ColumnSet, FlowColumns, at, l4_protocol, l7_record};
use crate::{
    FlowType, L7FlowType, MessageType, SocketTranslationPoint, TcpFlags, TraceObservationPoint,
};

/// Columns that [`put_type`] reads.
pub const TYPE_COLUMNS: ColumnSet = ColumnSet::of(&[
    Column::FlowType,
    Column::EventType,
    Column::EventSubType,
    Column::L7Record,
    Column::L7Type,
]);

/// Appends the type of a record, which distinguishes the records of one packet: `policy-verdict`,
/// `drop`, `to-endpoint`, `dns-request`, `pre-xlate-fwd`. For a record without a monitor event it
/// is the layer, `L3_L4`, or nothing if that is unknown, too. Source: hubble/pkg/printer
/// `GetFlowType`, without the drop reason and the policy match.
pub fn put_type(text: &mut String, flows: &FlowColumns, row: usize) {
    let layer = FlowType::from_number(at(flows.flow_type(), row));
    let event = MessageType::from_number(at(flows.event_type(), row));
    let sub_type = at(flows.event_sub_type(), row);
    let record = at(flows.l7_record(), row);
    match event {
        _ if record != l7_record::NONE || layer == FlowType::L7 => {
            text.push_str(match record {
                l7_record::DNS => "dns",
                l7_record::HTTP => "http",
                _ => "l7",
            });
            match L7FlowType::from_number(at(flows.l7_type(), row)) {
                L7FlowType::Unknown => {}
                role => put(text, format_args!("-{}", role.to_string().to_ascii_lowercase())),
            }
        }
        MessageType::Trace => {
            let point = match sub_type {
                // The monitor uses 0 for this point, but flow.proto uses 0 for unknown points.
                0 => TraceObservationPoint::ToEndpoint,
                point => TraceObservationPoint::from_number(point),
            };
            text.push_str(&dashed(&point.to_string()));
        }
        MessageType::TraceSock => {
            let point = SocketTranslationPoint::from_number(sub_type).to_string();
            let short = point.strip_prefix("SOCK_XLATE_POINT_").unwrap_or(&point);
            text.push_str(&dashed(&short.replace("_DIRECTION_", "_XLATE_")));
        }
        MessageType::Unspec if layer == FlowType::Unknown => {}
        MessageType::Unspec => put(text, layer),
        event => put(text, event),
    }
}

/// `TO_ENDPOINT` in the style of Hubble's command line: `to-endpoint`.
fn dashed(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// Appends the summary of a flow's packet or message: Hubble's summary of a DNS or HTTP message,
/// the TCP flags, or the ICMP type.
pub fn put_summary(text: &mut String, flows: &FlowColumns, row: usize) {
    let l4 = at(flows.l4_protocol(), row);
    match at(flows.l7_record(), row) {
        l7_record::NONE if l4 == l4_protocol::TCP => {
            let flags = TcpFlags::from_bits_truncate(at(flows.tcp_flags(), row));
            if !flags.is_empty() {
                put(text, format_args!("TCP Flags: {flags}"));
            }
        }
        l7_record::NONE if l4 == l4_protocol::ICMPV4 || l4 == l4_protocol::ICMPV6 => {
            let (icmp_type, icmp_code) = (at(flows.icmp_type(), row), at(flows.icmp_code(), row));
            let name = crate::group::protocol(flows, row);
            put(text, format_args!("{name} type {icmp_type} code {icmp_code}"));
        }
        _ => put_l7(text, flows, row),
    }
}

/// Appends the summary of a DNS or HTTP message by Hubble's parsers, or nothing. Source:
/// pkg/hubble/parser/seven `dnsSummary`, `httpSummary`.
fn put_l7(text: &mut String, flows: &FlowColumns, row: usize) {
    let l7_type = L7FlowType::from_number(at(flows.l7_type(), row));
    match (at(flows.l7_record(), row), l7_type) {
        (l7_record::DNS, L7FlowType::Request) => {
            put(text, format_args!("DNS Query {} ", flows.text(at(flows.dns_query(), row))));
            put_list(text, flows, at(flows.dns_qtypes(), row));
        }
        (l7_record::DNS, L7FlowType::Response) => {
            text.push_str("DNS Answer ");
            let rcode = at(flows.dns_rcode(), row);
            let (ips, cnames) = (at(flows.dns_ips(), row), at(flows.dns_cnames(), row));
            if rcode == 0 {
                if ips != ABSENT {
                    text.push('"');
                    put_list(text, flows, ips);
                    text.push_str("\" ");
                }
                if cnames != ABSENT {
                    text.push_str("CNAMEs: \"");
                    put_list(text, flows, cnames);
                    text.push_str("\" ");
                }
            } else {
                match dns_rcode_name(rcode) {
                    Some(name) => put(text, format_args!("RCode: {name} ")),
                    None => put(text, format_args!("RCode: {rcode} ")),
                }
            }
            let seen_by = if flows.text(at(flows.dns_observation_source(), row)) == "proxy" {
                "Proxy"
            } else {
                "Query"
            };
            let ttl_secs = at(flows.dns_ttl_secs(), row);
            let query = flows.text(at(flows.dns_query(), row));
            put(text, format_args!("TTL: {ttl_secs} ({seen_by} {query} "));
            put_list(text, flows, at(flows.dns_qtypes(), row));
            text.push(')');
        }
        (l7_record::HTTP, L7FlowType::Response) => {
            let millis = at(flows.l7_latency_nanos(), row) / 1_000_000;
            let code = at(flows.http_code(), row);
            put(
                text,
                format_args!("{} {code} {millis}ms (", flows.text(at(flows.http_protocol(), row))),
            );
            put_request(text, flows, row);
            text.push(')');
        }
        (l7_record::HTTP, _) => {
            put(text, format_args!("{} ", flows.text(at(flows.http_protocol(), row))));
            put_request(text, flows, row);
        }
        _ => {}
    }
}

fn put_request(text: &mut String, flows: &FlowColumns, row: usize) {
    let method = flows.text(at(flows.http_method(), row));
    put(text, format_args!("{method} {}", flows.text(at(flows.http_url(), row))));
}

/// Lists of policies that decided about a flow: those that denied it, or else those that allowed
/// it; egress first. A default deny has none.
pub fn policy_lists(flows: &FlowColumns, row: usize) -> [u32; 2] {
    let denied = [at(flows.egress_denied_by(), row), at(flows.ingress_denied_by(), row)];
    if denied == [ABSENT; 2] {
        [at(flows.egress_allowed_by(), row), at(flows.ingress_allowed_by(), row)]
    } else {
        denied
    }
}

/// Appends the policies of [`policy_lists`]: `pets/allow-dns, default-deny`.
pub fn put_policies(text: &mut String, flows: &FlowColumns, lists: [u32; 2]) {
    for code in lists {
        for policy in flows.policies(code) {
            if !text.is_empty() {
                text.push_str(", ");
            }
            if !policy.namespace.is_empty() {
                put(text, format_args!("{}/", policy.namespace));
            }
            text.push_str(&policy.name);
        }
    }
}

/// Name of a DNS response code, in Hubble's spelling. Source: pkg/hubble/metrics/dns; RFC 1035,
/// 2136.
#[must_use]
pub const fn dns_rcode_name(rcode: u32) -> Option<&'static str> {
    Some(match rcode {
        0 => "No Error",
        1 => "Format Error",
        2 => "Server Failure",
        3 => "Non-Existent Domain",
        4 => "Not Implemented",
        5 => "Query Refused",
        6 => "Name Exists when it should not",
        7 => "RR Set Exists when it should not",
        8 => "RR Set that should exist does not",
        9 => "Server Not Authoritative for zone",
        10 => "Name not contained in zone",
        _ => return None,
    })
}

fn put_list(text: &mut String, flows: &FlowColumns, code: u32) {
    for (position, item) in flows.items(code).enumerate() {
        if position > 0 {
            text.push(',');
        }
        text.push_str(&item);
    }
}

/// Appends a displayable value; writing to a `String` cannot fail.
fn put(text: &mut String, what: impl Display) {
    let _never_fails = write!(text, "{what}");
}
