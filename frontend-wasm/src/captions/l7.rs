//! What an L7 message says.

use flow::L7FlowType;
use flow::columns::{ABSENT, FlowColumns, l7_record};

use super::{at, put, put_list};

/// The summary that Hubble's own parsers write. Source: pkg/hubble/parser/seven `dnsSummary`,
/// `httpSummary`.
pub(super) fn put_l7(text: &mut String, flows: &FlowColumns, row: usize) {
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
                match rcode_name(rcode) {
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

/// Name of a DNS response code. Source: IANA, DNS RCODEs, in Hubble's spelling.
const fn rcode_name(rcode: u32) -> Option<&'static str> {
    Some(match rcode {
        0 => "No Error",
        1 => "Format Error",
        2 => "Server Failure",
        3 => "Non-Existent Domain",
        4 => "Not Implemented",
        5 => "Query Refused",
        _ => return None,
    })
}
