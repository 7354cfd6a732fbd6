//! Errors of compilation, and rules that the recorded answers of the real `hubble` (see
//! `hubble-api`'s tests) do not show.

use std::error::Error;

use super::{EventTypeFilter, FilterSet, FlowFilter};
use crate::{Flow, IpVersion, MessageType, TcpFlags, Verdict};

/// Error with its causes, joined as they are printed.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += ": ";
        text += &cause.to_string();
        source = cause.source();
    }
    text
}

#[track_caller]
fn check_refused(filter: &FlowFilter, expected: &str) {
    assert_eq!(chain(&filter.compile().unwrap_err()), expected);
}

fn one(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

#[test]
fn a_refusal_names_the_value_and_its_field() {
    let none = FlowFilter::default;
    check_refused(
        &FlowFilter { source_ip: one("10.0.0.300"), ..none() },
        "`10.0.0.300` in `source_ip` is neither an IP address nor a CIDR",
    );
    check_refused(
        &FlowFilter { destination_port: one("http"), ..none() },
        "`http` in `destination_port` is not a port: a number from 0 to 65535",
    );
    check_refused(&FlowFilter { source_pod: one(""), ..none() }, "`source_pod` has an empty name");
    check_refused(
        &FlowFilter { destination_cluster_name: one(""), ..none() },
        "`destination_cluster_name` has an empty name",
    );
    check_refused(
        &FlowFilter { protocol: one("kafka"), ..none() },
        "`kafka` in `protocol` is not a protocol: tcp, udp, sctp, icmp, icmpv4, icmpv6, vrrp, igmp, dns, http",
    );
    check_refused(
        &FlowFilter { http_status_code: one("4xx"), ..none() },
        "`4xx` in `http_status_code` is neither a code like `404` nor a prefix like `4+` or `40+`",
    );
    check_refused(
        &FlowFilter { source_fqdn: one("exämple.com"), ..none() },
        "`exämple.com` in `source_fqdn` is not a pattern of names: `ä` cannot be part of a name",
    );
    check_refused(
        &FlowFilter { destination_fqdn: one("a.."), ..none() },
        "`a..` in `destination_fqdn` is not a pattern of names: it ends with more than one dot",
    );
    check_refused(
        &FlowFilter { node_name: one("a/b/c"), ..none() },
        "`a/b/c` in `node_name` is not a pattern of names: it has more than one slash: \
         `cluster/node` has one",
    );
    check_refused(
        &FlowFilter { node_name: one(""), ..none() },
        "`` in `node_name` is not a pattern of names: it is empty",
    );
    check_refused(
        &FlowFilter { source_label: one("app in web"), ..none() },
        "`app in web` in `source_label` is not a label selector: found `web`, expected `(`",
    );
    check_refused(
        &FlowFilter { destination_label: one("k8s:app-"), ..none() },
        "`k8s:app-` in `destination_label` is not a label selector: `k8s:app-` is not a label key: \
         `[prefix/]name`, the name at most 63 letters, digits, `-`, `_` and `.`",
    );
    check_refused(
        &FlowFilter { node_labels: one("zone>b"), ..none() },
        "`zone>b` in `node_labels` is not a label selector: `b` is not an integer",
    );
    check_refused(
        &FlowFilter { cel_expression: one("true"), ..none() },
        "CEL expression `true` cannot be evaluated here, only by Hubble itself",
    );
    check_refused(
        &FlowFilter {
            http_method: one("GET"),
            event_type: vec![EventTypeFilter {
                message_type: MessageType::Drop,
                ..EventTypeFilter::default()
            }],
            ..none()
        },
        "`http_method` matches only L7 events, but `event_type` excludes them",
    );
}

#[cfg(feature = "regex")]
#[test]
fn a_refused_expression_has_gos_error() {
    for (pattern, reason) in [
        ("a**", "error parsing regexp: invalid nested repetition operator: `**`"),
        ("a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"),
        ("(?x)a", "error parsing regexp: invalid or unsupported Perl syntax: `(?x`"),
        ("\\1", "error parsing regexp: invalid escape sequence: `\\1`"),
        ("[a", "error parsing regexp: missing closing ]: `[a`"),
        ("(", "error parsing regexp: missing closing ): `(`"),
        ("((a{1000}){1000})", "error parsing regexp: invalid repeat count: `{1000}`"),
        ("\\pL{90}", "it takes more than 256 KiB when compiled, which is the limit"),
    ] {
        check_refused(
            &FlowFilter { dns_query: one(pattern), ..FlowFilter::default() },
            &format!("`{pattern}` in `dns_query` is not a regular expression: {reason}"),
        );
    }
}

#[cfg(not(feature = "regex"))]
#[test]
fn a_build_without_regular_expressions_refuses_them() {
    check_refused(
        &FlowFilter { http_path: one("/"), ..FlowFilter::default() },
        "`/` in `http_path` is not a regular expression: this build has no regular expressions",
    );
}

#[test]
fn an_error_of_a_set_names_its_filter() {
    let wrong = FlowFilter { source_port: one("x"), ..FlowFilter::default() };
    let set = FilterSet { allow: vec![], deny: vec![FlowFilter::default(), wrong] };
    assert_eq!(
        chain(&set.compile().unwrap_err()),
        "deny filter 2 cannot be used: `x` in `source_port` is not a port: a number from 0 to 65535"
    );
}

#[test]
fn an_empty_filter_matches_everything() {
    let everything = FilterSet::default().compile().unwrap();
    assert!(everything.matches(&Flow::default()));
    let nothing = FilterSet { allow: vec![], deny: vec![FlowFilter::default()] };
    assert!(!nothing.compile().unwrap().matches(&Flow::default()));
}

#[test]
fn absent_fields_match_as_zero_as_in_hubble() {
    let matches = |filter: FlowFilter| filter.compile().unwrap().matches(&Flow::default());
    let none = FlowFilter::default;
    assert!(matches(FlowFilter { ip_version: vec![IpVersion::NotUsed], ..none() }));
    assert!(matches(FlowFilter { encrypted: vec![false], ..none() }));
    assert!(matches(FlowFilter { trace_id: one(""), ..none() }));
    assert!(matches(FlowFilter { ip_trace_id: vec![0], ..none() }));
    assert!(matches(FlowFilter { verdict: vec![Verdict::Unknown], ..none() }));
    assert!(!matches(FlowFilter { source_identity: vec![0], ..none() }));
    assert!(!matches(FlowFilter { tcp_flags: vec![TcpFlags::EMPTY], ..none() }));
    assert!(!matches(FlowFilter { reply: vec![false], ..none() }));
}
