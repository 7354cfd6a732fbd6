//! Error messages of nodes for invalid requests, in Cilium's wording (pkg/hubble/filters). The
//! relay forwards them as `NODE_ERROR` and ends the stream normally.

use flow::TimestampError;
use flow::filter::{FilterError, FilterSetError};
use hubble_api::field_mask::InvalidFieldMask;

/// Reason why a request cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("first cannot be specified with follow")]
    FirstWithFollow,
    #[error("invalid filter")]
    Filter(#[from] FilterSetError),
    #[error("invalid time")]
    Time(#[from] TimestampError),
    #[error(transparent)]
    FieldMask(#[from] InvalidFieldMask),
}

/// The message of the node's status as a relay forwards it, with the code if there is one.
pub(crate) fn status_message(error: &RequestError) -> String {
    match error {
        RequestError::FirstWithFollow => {
            format!("rpc error: code = InvalidArgument desc = {error}")
        }
        RequestError::Filter(error) => of_filter(&error.source),
        RequestError::FieldMask(_) => "invalid fieldmask".to_owned(),
        RequestError::Time(_) => wording::with_causes(error),
    }
}

fn of_filter(error: &FilterError) -> String {
    match error {
        FilterError::EmptyName { .. } => "invalid filter, name must not be empty".to_owned(),
        FilterError::Address { value, .. } => {
            let (of, parse) = if value.contains('/') {
                ("prefix", "netip.ParsePrefix")
            } else {
                ("address", "ParseAddr")
            };
            format!("invalid IP {of} {value:?} in filter: {parse}({value:?}): unable to parse IP")
        }
        FilterError::Port { field, value } => {
            let cause = format_args!("strconv.ParseUint: parsing {value:?}: invalid syntax");
            invalid(field, format_args!("invalid port {value:?}: {cause}"))
        }
        FilterError::Protocol { value } => {
            invalid("protocol", format_args!("unknown protocol: {value:?}"))
        }
        FilterError::StatusCode { value } => {
            invalid("http_status_code", format_args!("invalid status code prefix: {value:?}"))
        }
        FilterError::Regex { field, source, value } => {
            let begin = if *field == "dns_query" { "failed to compile regexp" } else { value };
            invalid(field, format_args!("{begin}: error parsing regexp: {source}"))
        }
        FilterError::Selector { field, source, .. } => invalid(field, source),
        FilterError::Pattern { field, source, .. } => invalid(field, source),
        FilterError::NotL7 { field } => {
            let more = if *field == "http_header" { "s" } else { "" };
            let of = field_name(field);
            format!(
                "filtering by {of}{more} requires the event type filter to only match 'l7' events"
            )
        }
        // Cilium compiles these; this cluster cannot.
        FilterError::Cel { value } => {
            format!("error compiling CEL expression: {value:?} is not read here")
        }
    }
}

fn invalid(field: &str, cause: impl std::fmt::Display) -> String {
    format!("invalid {} filter: {cause}", field_name(field))
}

fn field_name(field: &str) -> String {
    field.replace("dns", "DNS").replace('_', " ")
}

#[cfg(test)]
mod tests {
    use flow::MessageType;
    use flow::filter::{EventTypeFilter, FilterSet, FlowFilter};

    use super::*;

    #[test]
    fn messages_match_cilium() {
        fn check(change: impl Fn(&mut FlowFilter), expected: &str) {
            let mut filter = FlowFilter::default();
            change(&mut filter);
            let set = FilterSet { allow: vec![filter], deny: vec![] };
            let error = RequestError::from(set.compile().expect_err(expected));
            assert!(status_message(&error).starts_with(expected), "{}", status_message(&error));
        }
        let text = |text: &str| vec![text.to_owned()];
        let l7_only = "requires the event type filter to only match 'l7' events";
        check(
            |filter| filter.source_ip = text("999.1.1.1"),
            "invalid IP address \"999.1.1.1\" in filter: ",
        );
        check(
            |filter| filter.destination_ip = text("10.0.0.0/99"),
            "invalid IP prefix \"10.0.0.0/99\" in filter: ",
        );
        check(
            |filter| filter.source_port = text("x"),
            "invalid source port filter: invalid port \"x\": strconv.ParseUint: ",
        );
        check(
            |filter| filter.protocol = text("ipx"),
            "invalid protocol filter: unknown protocol: \"ipx\"",
        );
        check(
            |filter| filter.http_status_code = text("9"),
            "invalid http status code filter: invalid status code prefix: \"9\"",
        );
        check(
            |filter| filter.http_path = text("["),
            "invalid http path filter: [: error parsing regexp: ",
        );
        check(
            |filter| filter.dns_query = text("["),
            "invalid DNS query filter: failed to compile regexp: error parsing regexp: ",
        );
        check(|filter| filter.source_label = text("a in b"), "invalid source label filter: ");
        check(
            |filter| {
                filter.http_method = text("GET");
                filter.event_type = vec![EventTypeFilter {
                    message_type: MessageType::Drop,
                    ..EventTypeFilter::default()
                }];
            },
            &format!("filtering by http method {l7_only}"),
        );
        let first = status_message(&RequestError::FirstWithFollow);
        assert_eq!(
            first,
            "rpc error: code = InvalidArgument desc = first cannot be specified with follow"
        );
    }
}
