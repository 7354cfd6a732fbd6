//! Results of HTTP requests and DNS queries, worded for an edge.

use crate::columns::{FlowColumns, at, l7_record};
use crate::summary::dns_rcode_name;
use crate::{L7FlowType, Verdict};

/// Maximum number of characters of a method that are shown. Methods and names are untrusted.
const MAX_METHOD_CHARS: usize = 16;
const MAX_NAME_CHARS: usize = 100;

/// Message that ends a request or query.
#[derive(Debug)]
pub(super) enum Message {
    /// `GET 200`, or `GET refused` where a policy dropped it.
    Http(String),
    /// `api.example: No Error`, or `api.example: refused` where a policy dropped it.
    Dns(String),
}

impl Message {
    /// Message of a flow; `None` for requests that were forwarded, because their response is
    /// counted.
    pub(super) fn of(columns: &FlowColumns, row: usize, verdict: Verdict) -> Option<Self> {
        let is_response = at(columns.l7_type(), row) == L7FlowType::Response.number();
        let is_refused = verdict == Verdict::Dropped;
        if !is_response && !is_refused {
            return None;
        }
        let text = |codes: &[u32], max_chars: usize| -> String {
            columns.text(at(codes, row)).chars().take(max_chars).collect()
        };
        match at(columns.l7_record(), row) {
            l7_record::HTTP => {
                let method = text(columns.http_method(), MAX_METHOD_CHARS);
                let code = at(columns.http_code(), row);
                Some(Self::Http(if code == 0 {
                    format!("{method} refused")
                } else {
                    format!("{method} {code}")
                }))
            }
            l7_record::DNS => {
                let query = text(columns.dns_query(), MAX_NAME_CHARS);
                let name = query.trim_end_matches('.');
                let rcode = at(columns.dns_rcode(), row);
                Some(Self::Dns(match dns_rcode_name(rcode) {
                    _ if is_refused => format!("{name}: refused"),
                    Some(answer) => format!("{name}: {answer}"),
                    None => format!("{name}: RCode {rcode}"),
                }))
            }
            _ => None,
        }
    }
}
