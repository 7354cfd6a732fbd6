//! Conversions in both directions.

use flow::filter::FlowFilter;
use flow::{DropReason, Flow, TimestampError};
use proptest::prelude::*;
use prost::Message;

use super::FlowError;
use crate::arbitrary;
use crate::pb::flow as pb;
use crate::pb::flow::flow_filter::Experimental;
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

    #[test]
    fn a_wire_filter_survives_the_vocabulary(wire in arbitrary::filter()) {
        // A filter without CEL has no `experimental` message.
        let has_cel = |it: &Experimental| !it.cel_expression.is_empty();
        let experimental = wire.experimental.clone().filter(has_cel);
        let wire = pb::FlowFilter { experimental, ..wire };
        let back = pb::FlowFilter::from(FlowFilter::from(wire.clone()));
        prop_assert_eq!(back, wire);
    }
}

fn check_error(wire: pb::Flow, expected: FlowError, text: &str) {
    let error = Flow::try_from(wire).unwrap_err();
    assert_eq!(error, expected);
    assert_eq!(error.to_string(), text);
}

#[test]
fn invalid_values_are_refused_by_field() {
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
    // An old record without `reply` leaves the direction open; a new one states it.
    assert_eq!(Flow::default().reply(), None);
    assert_eq!(Flow { is_reply: Some(false), ..Flow::default() }.reply(), Some(false));
}
