//! Names and numbers of the wire, and reading them back.

use crate::{
    Aggregate, CiliumEventType, DropReason, Flow, FlowType, IpVersion, MessageType, TcpFlags,
    Timestamp, TimestampError, TraceObservationPoint, TrafficDirection, Verdict,
};

#[test]
fn a_drop_reason_is_read_in_either_spelling_and_any_case() {
    for reason in DropReason::ALL {
        assert_eq!(DropReason::from_number(reason.number()), *reason);
        if let Some(name) = reason.name() {
            assert_eq!(name.parse(), Ok(*reason));
            assert_eq!(name.to_lowercase().parse(), Ok(*reason));
        }
        // `Invalid packet` is the text of two codes, and is read as the drop.
        let expected = match *reason {
            DropReason::INVALID_PACKET => DropReason::INVALID_PACKET_DROPPED,
            other => other,
        };
        let text = reason.text().unwrap();
        assert_eq!(text.parse(), Ok(expected));
        assert_eq!(text.to_uppercase().parse(), Ok(expected));
    }
    assert_eq!(DropReason::ALL.len(), 92);
}

#[test]
fn a_drop_reason_without_a_name_keeps_its_number() {
    let unnamed = DropReason::from_number(250);
    assert_eq!((unnamed.name(), unnamed.text(), unnamed.number()), (None, None, 250));
    assert_eq!(unnamed.to_string(), "250");
    assert_eq!(DropReason::NO_DEVICE.to_string(), "No device");
    assert_eq!(DropReason::POLICY_DENIED.to_string(), "POLICY_DENIED");
    let unknown = "policy".parse::<DropReason>().unwrap_err();
    assert_eq!(unknown.to_string(), "`policy` is not a drop reason");
}

#[test]
fn a_drop_reason_is_read_from_either_field() {
    let flow = |drop_reason_code, drop_reason_desc| Flow {
        drop_reason_code,
        drop_reason_desc,
        ..Flow::default()
    };
    assert_eq!(flow(0, DropReason::UNKNOWN).drop_reason(), DropReason::UNKNOWN);
    assert_eq!(flow(133, DropReason::UNKNOWN).drop_reason(), DropReason::POLICY_DENIED);
    assert_eq!(flow(0, DropReason::POLICY_DENY).drop_reason(), DropReason::POLICY_DENY);
    assert_eq!(flow(133, DropReason::POLICY_DENY).drop_reason(), DropReason::POLICY_DENY);
    assert_eq!(flow(u32::MAX, DropReason::UNKNOWN).drop_reason().number(), i32::MAX);
}

#[test]
fn a_record_stands_for_one_flow_or_for_all_that_it_counts() {
    let check = |counts: Option<[u32; 3]>, expect: u64| {
        let aggregate = counts.map(|[ingress, egress, unknown]| Aggregate {
            ingress_flow_count: ingress,
            egress_flow_count: egress,
            unknown_direction_flow_count: unknown,
        });
        assert_eq!(Flow { aggregate, ..Flow::default() }.stands_for(), expect, "{counts:?}");
    };
    check(None, 1);
    check(Some([0, 0, 0]), 1);
    check(Some([3, 0, 0]), 3);
    check(Some([3, 40, 500]), 543);
    check(Some([u32::MAX; 3]), 12_884_901_885);
}

/// Checks that numbers convert to names and back, in any case.
macro_rules! check_enum {
    ($($name:ident),*) => {$(
        for value in $name::ALL {
            assert_eq!($name::from_number(value.number()), *value);
            let name = value.name().unwrap();
            assert_eq!(name.to_lowercase().parse(), Ok(*value));
            assert_eq!(name.to_uppercase().parse(), Ok(*value));
            assert_eq!(value.to_string(), name);
        }
        let unnamed = $name::from_number(-5);
        assert_eq!(unnamed, $name::Unrecognized(-5));
        assert_eq!((unnamed.number(), unnamed.name()), (-5, None));
        assert_eq!(unnamed.to_string(), "-5");
        assert_eq!($name::default().number(), 0);
    )*};
}

#[test]
fn names_and_numbers_of_the_wire_agree() {
    check_enum!(Verdict, FlowType, IpVersion, MessageType, TraceObservationPoint, TrafficDirection);
    let unknown = "dropp".parse::<Verdict>().unwrap_err();
    assert_eq!(unknown.to_string(), "`dropp` is not a verdict");
}

#[test]
fn events_have_the_names_of_hubbles_type_flag() {
    let event = CiliumEventType { message_type: MessageType::PolicyVerdict, sub_type: 0 };
    assert_eq!(event.message_type.to_string(), "policy-verdict");
    assert_eq!("L7".parse(), Ok(MessageType::L7));
}

#[test]
fn tcp_flags_are_a_set() {
    let flags = TcpFlags::SYN | TcpFlags::ACK;
    assert_eq!(flags.to_string(), "SYN, ACK");
    assert_eq!(format!("{flags:?}"), "TcpFlags(SYN, ACK)");
    assert!(flags.contains(TcpFlags::SYN) && !flags.contains(TcpFlags::SYN | TcpFlags::FIN));
    assert!(flags.contains(TcpFlags::EMPTY) && !flags.is_empty() && TcpFlags::EMPTY.is_empty());
    assert_eq!(TcpFlags::from_bits_truncate(u16::MAX).names().count(), 9);
    assert_eq!(TcpFlags::from_bits_truncate(flags.bits()), flags);
}

#[test]
fn a_time_has_bounds() {
    let cases = [
        ((0, 0), Ok(Some(0))),
        ((-1, 999_999_999), Ok(Some(-1))),
        ((1_700_000_000, 5), Ok(Some(1_700_000_000_000_000_005))),
        ((Timestamp::MIN_SECONDS, 0), Ok(None)),
        ((Timestamp::MAX_SECONDS, 999_999_999), Ok(None)),
        (
            (Timestamp::MAX_SECONDS + 1, 0),
            Err(TimestampError::Seconds { seconds: Timestamp::MAX_SECONDS + 1 }),
        ),
        ((0, 1_000_000_000), Err(TimestampError::Nanos { nanos: 1_000_000_000 })),
        ((0, -1), Err(TimestampError::Nanos { nanos: -1 })),
    ];
    for ((seconds, nanos), expected) in cases {
        assert_eq!(Timestamp::new(seconds, nanos).map(Timestamp::unix_nanos), expected);
    }
    for nanos in [i64::MIN, -1, 0, 1, i64::MAX] {
        assert_eq!(Timestamp::from_unix_nanos(nanos).unix_nanos(), Some(nanos));
    }
}

#[test]
fn a_level_has_the_colour_that_its_verdict_has() {
    // Grafana draws errors red, warnings orange, infos green and debug lines blue.
    let cases = [
        (Verdict::Dropped, "error"),
        (Verdict::Forwarded, "info"),
        (Verdict::Redirected, "debug"),
        (Verdict::Audit, "warning"),
        (Verdict::Error, "warning"),
        (Verdict::Traced, "trace"),
        (Verdict::Translated, "trace"),
        (Verdict::Unknown, "unknown"),
    ];
    for (verdict, expected) in cases {
        assert_eq!(crate::group::level(verdict), expected, "{verdict}");
    }
}
