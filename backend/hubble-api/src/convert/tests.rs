//! Both ways and back.

use flow::filter::{EventTypeFilter, FlowFilter};
use flow::{
    DropReason, Flow, HttpHeader, IpVersion, MessageType, NetworkInterface, TcpFlags,
    TimestampError, TrafficDirection, Verdict, Workload,
};
use proptest::prelude::*;
use prost::Message;

use super::FlowError;
use crate::arbitrary;
use crate::pb::flow as pb;
use crate::pb::flow::layer4::Protocol;

proptest! {
    #[test]
    fn a_flow_survives_the_wire(flow in arbitrary::flow()) {
        let bytes = pb::Flow::from(&flow).encode_to_vec();
        let back = Flow::try_from(pb::Flow::decode(bytes.as_slice())?)?;
        prop_assert_eq!(back, flow);
    }

    #[test]
    fn a_wire_flow_survives_the_vocabulary(flow in arbitrary::flow()) {
        let wire = pb::Flow::from(flow);
        let back = pb::Flow::from(Flow::try_from(wire.clone())?);
        prop_assert_eq!(back, wire);
    }
}

/// Every field set, each to something that no other has.
fn full_filter() -> FlowFilter {
    let one = |text: &str| vec![text.to_owned()];
    FlowFilter {
        uuid: one("uuid"),
        source_ip: one("10.0.0.1"),
        source_ip_xlated: one("10.0.0.2"),
        source_pod: one("a/source"),
        source_fqdn: one("source.example.com"),
        source_label: one("source=label"),
        source_service: one("a/source-service"),
        source_workload: vec![Workload { name: "source".to_owned(), kind: String::new() }],
        source_cluster_name: one("source-cluster"),
        destination_ip: one("10.0.0.3"),
        destination_pod: one("b/destination"),
        destination_fqdn: one("destination.example.com"),
        destination_label: one("destination=label"),
        destination_service: one("b/destination-service"),
        destination_workload: vec![Workload { name: String::new(), kind: "Pod".to_owned() }],
        destination_cluster_name: one("destination-cluster"),
        traffic_direction: vec![TrafficDirection::Egress, TrafficDirection::Unrecognized(9)],
        verdict: vec![Verdict::Dropped, Verdict::Unrecognized(99)],
        drop_reason_desc: vec![DropReason::POLICY_DENIED, DropReason::from_number(999)],
        interface: vec![NetworkInterface { index: 3, name: "eth0".to_owned() }],
        event_type: vec![EventTypeFilter {
            message_type: MessageType::Trace,
            match_sub_type: true,
            sub_type: -1,
        }],
        http_status_code: one("4+"),
        protocol: one("tcp"),
        source_port: one("1"),
        destination_port: one("2"),
        reply: vec![false, true],
        dns_query: one("dns"),
        source_identity: vec![1],
        destination_identity: vec![2],
        http_method: one("GET"),
        http_path: one("/path"),
        http_url: one("url"),
        http_header: vec![HttpHeader { key: "key".to_owned(), value: "value".to_owned() }],
        tcp_flags: vec![TcpFlags::SYN, TcpFlags::NS | TcpFlags::FIN],
        node_name: one("node"),
        node_labels: one("node=label"),
        ip_version: vec![IpVersion::V6],
        trace_id: one("trace"),
        ip_trace_id: vec![u64::MAX],
        encrypted: vec![true],
        cel_expression: one("_flow.verdict == 1"),
    }
}

#[test]
fn a_filter_survives_the_wire() {
    for filter in [FlowFilter::default(), full_filter()] {
        let bytes = pb::FlowFilter::from(&filter).encode_to_vec();
        let back = FlowFilter::from(pb::FlowFilter::decode(bytes.as_slice()).unwrap());
        assert_eq!(back, filter);
    }
}

fn check_error(wire: pb::Flow, expected: FlowError, text: &str) {
    let error = Flow::try_from(wire).unwrap_err();
    assert_eq!(error, expected);
    assert_eq!(error.to_string(), text);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let time = |seconds, nanos| pb::Flow {
        time: Some(prost_types::Timestamp { seconds, nanos }),
        ..pb::Flow::default()
    };
    check_error(
        time(0, -1),
        FlowError::Time { field: "time", source: TimestampError::Nanos { nanos: -1 } },
        "`time` is not a point in time",
    );
    check_error(
        time(i64::MAX, 0),
        FlowError::Time { field: "time", source: TimestampError::Seconds { seconds: i64::MAX } },
        "`time` is not a point in time",
    );
    let l4 = |protocol| pb::Flow {
        l4: Some(pb::Layer4 { protocol: Some(protocol) }),
        ..pb::Flow::default()
    };
    check_error(
        l4(Protocol::Tcp(pb::Tcp { source_port: 65536, ..pb::Tcp::default() })),
        FlowError::OutOfRange { field: "l4.TCP.source_port", value: 65536, max: 65535 },
        "`65536` in `l4.TCP.source_port` is above 65535",
    );
    check_error(
        l4(Protocol::IcmPv6(pb::IcmPv6 { r#type: 0, code: 256 })),
        FlowError::OutOfRange { field: "l4.ICMPv6.code", value: 256, max: 255 },
        "`256` in `l4.ICMPv6.code` is above 255",
    );
}

#[test]
fn old_fields_are_read_beside_the_new_ones() {
    #[expect(deprecated, reason = "old records")]
    let old = pb::Flow { reply: true, drop_reason: 133, ..pb::Flow::default() };
    let flow = Flow::try_from(old).unwrap();
    assert_eq!(flow.reply(), Some(true));
    assert_eq!(flow.is_reply, None);
    assert_eq!(flow.drop_reason(), DropReason::POLICY_DENIED);
    assert_eq!(flow.drop_reason_desc, DropReason::UNKNOWN);
    // An old record without `reply` cannot tell, and a new one says so by itself.
    assert_eq!(Flow::default().reply(), None);
    assert_eq!(Flow { is_reply: Some(false), ..Flow::default() }.reply(), Some(false));
}
