use crate::columns::{FlowColumns, RowLists};
use crate::{
    CiliumEventType, Companion, CompanionKind as Kind, DropReason, Flow, Icmp, Igmp, Ip,
    L7FlowType, Layer4, Layer7, MessageType, Sctp, Tcp, TcpFlags, TraceReason, Udp, Verdict,
};

fn tcp(source_port: u16, destination_port: u16, flags: TcpFlags) -> Flow {
    let flags = Some(flags).filter(|flags| !flags.is_empty());
    Flow {
        l4: Some(Layer4::Tcp(Tcp { source_port, destination_port, flags })),
        ..between("10.1.0.1", "10.1.0.2")
    }
}

fn udp(source_port: u16, destination_port: u16) -> Flow {
    Flow {
        l4: Some(Layer4::Udp(Udp { source_port, destination_port })),
        ..between("10.1.0.1", "10.1.0.2")
    }
}

fn icmp(version: u8, icmp_type: u8, code: u8) -> Flow {
    let icmp = Icmp { icmp_type, code };
    let l4 = if version == 4 { Layer4::Icmpv4(icmp) } else { Layer4::Icmpv6(icmp) };
    Flow { l4: Some(l4), ..between("10.1.0.1", "10.1.0.2") }
}

/// Trace event, the most common kind.
fn between(source: &str, destination: &str) -> Flow {
    let ip = Ip { source: source.to_owned(), destination: destination.to_owned(), ..Ip::default() };
    Flow { ip: Some(ip), ..event(MessageType::Trace, Flow::default()) }
}

fn event(message_type: MessageType, flow: Flow) -> Flow {
    let event_type = Some(CiliumEventType { message_type, sub_type: 0 });
    Flow { verdict: Verdict::Forwarded, event_type, ..flow }
}

fn dropped(drop_reason_desc: DropReason, flow: Flow) -> Flow {
    Flow { verdict: Verdict::Dropped, drop_reason_desc, ..event(MessageType::Drop, flow) }
}

fn refused(flow: Flow) -> Flow {
    dropped(DropReason::POLICY_DENIED, flow)
}

/// Policy verdict, which marks what policy allows as a request.
fn allowed(flow: Flow) -> Flow {
    Flow { is_reply: Some(false), ..event(MessageType::PolicyVerdict, flow) }
}

fn tracked(trace_reason: TraceReason, flow: Flow) -> Flow {
    let is_reply = Some(trace_reason == TraceReason::Reply);
    Flow { is_reply, trace_reason, ..flow }
}

#[track_caller]
fn check(flow: &Flow, expected: Option<(Kind, bool)>) {
    let expected = expected.map(|(kind, was_asked)| Companion { kind, was_asked });
    assert_eq!(Companion::of(flow), expected, "{flow:?}");
    let mut columns = FlowColumns::default();
    columns.append_flow(flow, &mut RowLists::default()).unwrap();
    assert_eq!(Companion::of_row(&columns, 0), expected, "as a row: {flow:?}");
}

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const NONE: TcpFlags = TcpFlags::EMPTY;

#[test]
fn a_pod_reaches_itself() {
    let from = |source: &str, destination: &str| {
        let ip = between(source, destination).ip;
        Flow { ip, ..tcp(40_000, 80, SYN) }
    };
    let own = |was_asked| Some((Kind::OwnService, was_asked));
    check(&from("10.1.0.1", "10.1.0.1"), own(false));
    check(&tracked(TraceReason::New, from("10.1.0.1", "10.1.0.1")), own(false));
    check(&from("169.254.42.1", "10.1.0.1"), own(false));
    check(&from("10.1.0.1", "169.254.42.1"), own(false));
    check(&tracked(TraceReason::Reply, from("10.1.0.1", "169.254.42.1")), own(false));
    check(&from("fe80::1", "fd00::12"), own(false));
    check(&refused(from("169.254.42.1", "10.1.0.1")), own(true));
    check(&allowed(from("169.254.42.1", "10.1.0.1")), own(true));
    check(&from("10.1.0.1", "10.1.0.11"), None);
    check(&from("", ""), None);
    check(&from("169.254.42.10", "10.1.0.1"), None);
}

#[test]
fn icmp_that_accompanies_a_connection() {
    for of_type in [135, 136] {
        check(&icmp(6, of_type, 0), Some((Kind::Neighbours, false)));
        check(&allowed(icmp(6, of_type, 0)), Some((Kind::Neighbours, false)));
        check(&icmp(4, of_type, 0), None);
    }
    for of_type in [130, 133, 134, 137, 143] {
        check(&refused(icmp(6, of_type, 0)), Some((Kind::LinkTalk, true)));
    }
    let igmp = Flow { l4: Some(Layer4::Igmp(Igmp::default())), ..between("10.1.0.1", "224.0.0.1") };
    check(&igmp, Some((Kind::LinkTalk, true)));

    check(&icmp(4, 3, 4), Some((Kind::FragmentationNeeded, false)));
    check(&allowed(icmp(4, 3, 4)), Some((Kind::FragmentationNeeded, false)));
    check(&refused(icmp(4, 3, 4)), Some((Kind::FragmentationNeeded, true)));

    for (version, of_type) in [(4, 3), (4, 11), (4, 12), (6, 1), (6, 2), (6, 3), (6, 4)] {
        let error = || icmp(version, of_type, 1);
        let related = |was_asked| Some((Kind::Related, was_asked));
        check(&error(), related(false));
        check(&tracked(TraceReason::Related, error()), related(false));
        check(&tracked(TraceReason::New, error()), related(true));
        check(&refused(error()), related(true));
        check(&allowed(error()), related(true));
        check(&dropped(DropReason::NO_DEVICE, error()), related(false));
    }
    check(&tracked(TraceReason::Related, tcp(40_000, 80, SYN)), Some((Kind::Related, false)));

    for (version, of_type) in [(4, 0), (6, 129)] {
        check(&icmp(version, of_type, 0), Some((Kind::EchoReply, false)));
        check(&refused(icmp(version, of_type, 0)), Some((Kind::EchoReply, true)));
        check(&tracked(TraceReason::Reply, icmp(version, of_type, 0)), None);
    }
    for (version, of_type) in [(4, 8), (6, 128), (4, 13)] {
        check(&icmp(version, of_type, 0), None);
        check(&refused(icmp(version, of_type, 0)), None);
    }
}

#[test]
fn answers_whose_connection_is_not_known() {
    let some = |kind, was_asked| Some((kind, was_asked));
    check(&refused(tcp(4317, 51_622, SYN | ACK)), some(Kind::Handshake, true));
    check(&refused(tcp(50_051, 40_000, SYN | ACK)), some(Kind::Handshake, true));
    check(&tcp(4317, 51_622, SYN | ACK), some(Kind::Handshake, false));
    check(&refused(tcp(4317, 51_622, TcpFlags::RST)), some(Kind::Reset, true));
    check(&refused(tcp(4317, 51_622, TcpFlags::RST | ACK)), some(Kind::Reset, true));
    check(&refused(tcp(50_051, 51_622, TcpFlags::RST | ACK)), some(Kind::Reset, true));
    check(&refused(tcp(4317, 51_622, ACK)), some(Kind::ServerPort, true));
    check(&refused(tcp(443, 51_622, NONE)), some(Kind::ServerPort, true));
    check(&refused(udp(53, 40_907)), some(Kind::ServerPort, true));
    check(&udp(53, 40_907), some(Kind::ServerPort, false));
    let l4 = Sctp { source_port: 3868, destination_port: 40_000, ..Sctp::default() };
    let sctp = Flow { l4: Some(Layer4::Sctp(l4)), ..between("10.1.0.1", "10.1.0.2") };
    check(&refused(sctp), some(Kind::ServerPort, true));

    // The start of a connection, or a packet from a client to a server.
    check(&refused(tcp(20_000, 50_051, SYN)), None);
    check(&refused(tcp(51_622, 4317, ACK)), None);
    check(&refused(tcp(51_622, 4317, TcpFlags::RST)), None);
    check(&refused(tcp(51_622, 50_051, ACK)), None);
    check(&refused(udp(40_907, 53)), None);
    check(&refused(udp(40_907, 51_871)), None);
    check(&refused(udp(123, 123)), None);
    check(&refused(udp(0, 40_907)), None);
    // Packets whose direction the datapath knows and reports.
    check(&tracked(TraceReason::Reply, udp(53, 40_907)), None);
    check(&tracked(TraceReason::New, udp(5000, 40_907)), None);
    check(&allowed(udp(5000, 40_907)), None);
    // Clients of DNS use any port but 53.
    check(&refused(udp(53, 20_000)), some(Kind::ServerPort, true));
    check(&refused(udp(53, 53)), None);
    check(&refused(udp(514, 20_000)), None);
    // Messages that the proxy saw.
    let l7 = Some(Layer7 { l7_type: L7FlowType::Response, ..Layer7::default() });
    check(&Flow { l7, ..udp(53, 40_907) }, None);
}

#[test]
fn possible_answers_are_not_taken_for_connections() {
    let check = |flow: &Flow, expected: bool| {
        assert_eq!(Companion::may_be_answer(flow), expected, "{flow:?}");
    };
    // Its ports alone would only allow a guess.
    check(&udp(53, 40_907), true);
    check(&udp(53, 20_000), true);
    check(&udp(5000, 6000), true);
    check(&udp(123, 123), true);
    check(&udp(40_907, 51_871), true);
    check(&udp(51_871, 40_907), true);
    check(&tcp(443, 51_622, ACK), true);
    check(&dropped(DropReason::NO_DEVICE, udp(53, 40_907)), true);
    // To a port that clients do not use, from one that they may use.
    check(&udp(40_907, 53), false);
    check(&udp(20_000, 53), false);
    check(&udp(20_000, 8125), false);
    check(&udp(500, 514), false);
    check(&tcp(51_622, 443, NONE), false);
    check(&tcp(12_345, 50_051, NONE), true);
    // A record without a source port says too little and is read as it stands.
    check(&udp(0, 53), false);
    check(&tcp(0, 40_907, NONE), false);
    // The record settles it: by its flags, by policy, or by connection tracking.
    check(&tcp(8080, 51_622, SYN), false);
    check(&tcp(8080, 51_622, SYN | ACK), false);
    check(&refused(udp(53, 40_907)), false);
    check(&allowed(udp(53, 40_907)), false);
    check(&tracked(TraceReason::Reply, udp(53, 40_907)), false);
    check(&tracked(TraceReason::New, udp(40_907, 51_871)), false);
    check(&icmp(4, 8, 0), false);
}
