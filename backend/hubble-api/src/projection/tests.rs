use super::*;
use crate::arbitrary::{self, delimited};
use crate::pb;
use crate::pb::observer::GetFlowsResponse;
use crate::pb::observer::get_flows_response::ResponseTypes;
use crate::schema::{
    Cardinality, Descriptor, FLOW_FLOW, Field, FieldType, OBSERVER_GETFLOWSRESPONSE,
};
use flow::columns::{Column, ColumnLimits, NO_TIME};
use proptest::prelude::*;
use prost::Message;
use prost::encoding::encode_varint;

fn varint(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_varint(value, &mut bytes);
    bytes
}

fn key(field: u32, wire_type: u64) -> Vec<u8> {
    varint(u64::from(field) << 3 | wire_type)
}

/// Fields of every wire type that no release of Hubble has.
fn unknown_field() -> BoxedStrategy<Vec<u8>> {
    let field = 500..600u32;
    prop_oneof![
        (field.clone(), any::<u64>())
            .prop_map(|(field, value)| [key(field, 0), varint(value)].concat()),
        (field.clone(), any::<[u8; 8]>()).prop_map(|(field, bytes)| [
            key(field, 1),
            bytes.to_vec()
        ]
        .concat()),
        (field.clone(), any::<[u8; 4]>()).prop_map(|(field, bytes)| [
            key(field, 5),
            bytes.to_vec()
        ]
        .concat()),
        (field.clone(), "[a-z]{0,5}").prop_map(|(field, text)| delimited(field, text.as_bytes())),
        (field, 1..9u32).prop_map(|(field, inner)| {
            let group = [key(inner, 3), key(7, 0), varint(300), key(inner, 4)].concat();
            [key(field, 3), group, delimited(2, b"x"), key(field, 4)].concat()
        }),
    ]
    .boxed()
}

/// Numbers in their usual form, and some in invalid forms.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0..10u64,
        4 => 0..70_000u64,
        1 => any::<u64>(),
        1 => any::<i32>().prop_map(|value| i64::from(value).cast_unsigned()),
    ]
}

fn field(message_type: &'static Descriptor, field: &'static Field) -> BoxedStrategy<Vec<u8>> {
    let varint_field = move |value| arbitrary::varint(field.number, value);
    let delimited_field = move |content: Vec<u8>| delimited(field.number, &content);
    match field.kind {
        FieldType::Uint32 if arbitrary::bound(message_type, field) < u32::MAX => {
            let max = u64::from(arbitrary::bound(message_type, field));
            prop_oneof![30 => 0..=max, 1 => any::<u64>()].prop_map(varint_field).boxed()
        }
        FieldType::Bool
        | FieldType::Int32
        | FieldType::Int64
        | FieldType::Uint32
        | FieldType::Uint64
        | FieldType::Enum(_) => number().prop_map(varint_field).boxed(),
        FieldType::String => "[a-c\u{1b}\u{1f}ü/=]{0,3}"
            .prop_map(String::into_bytes)
            .prop_map(delimited_field)
            .boxed(),
        FieldType::Message(inner) => message(inner, 0..7).prop_map(delimited_field).boxed(),
        FieldType::Timestamp => numbers(&[1, 2]).prop_map(delimited_field).boxed(),
        FieldType::BoolValue | FieldType::Int32Value | FieldType::Uint32Value => {
            numbers(&[1]).prop_map(delimited_field).boxed()
        }
        FieldType::Any => Just(delimited_field(Vec::new())).boxed(),
    }
}

/// Message of protobuf itself, whose fields are numbers.
fn numbers(fields: &'static [u32]) -> impl Strategy<Value = Vec<u8>> {
    let field = (proptest::sample::select(fields), number())
        .prop_map(|(field, value)| arbitrary::varint(field, value));
    proptest::collection::vec(field, 0..4).prop_map(|fields| fields.concat())
}

/// Fields in any order, some of them repeated, some unknown. Fields with much content occur more
/// often.
fn message(of_type: &'static Descriptor, fields: std::ops::Range<usize>) -> BoxedStrategy<Vec<u8>> {
    let weighted: Vec<&'static Field> = of_type
        .fields
        .iter()
        .flat_map(|field| {
            let weight = match (field.kind, field.cardinality) {
                (FieldType::Message(_), _) | (_, Cardinality::Many) => 2,
                _ => 1,
            };
            std::iter::repeat_n(field, weight)
        })
        .collect();
    let known = proptest::sample::select(weighted).prop_flat_map(move |it| field(of_type, it));
    let any_field = prop_oneof![12 => known, 1 => unknown_field()];
    proptest::collection::vec(any_field, fields).prop_map(|fields| fields.concat()).boxed()
}

/// Response that usually contains a flow.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let flow = message(&FLOW_FLOW, 0..25).prop_map(|flow| delimited(1, &flow));
    (message(&OBSERVER_GETFLOWSRESPONSE, 0..4), flow, message(&OBSERVER_GETFLOWSRESPONSE, 0..2))
        .prop_map(|(before, flow, after)| [before, flow, after].concat())
}

/// Columns by way of prost and `flow::Flow`. `None` if that way refuses the message.
fn by_vocabulary(message: &[u8]) -> Option<(FlowColumns, RowLists)> {
    let GetFlowsResponse { node_name, time, response_types } =
        GetFlowsResponse::decode(message).ok()?;
    let mut columns = FlowColumns::default();
    let mut lists = RowLists::default();
    let time = time.map(|time| Timestamp::new(time.seconds, time.nanos)).transpose().ok()?;
    if let Some(ResponseTypes::Flow(wire)) = response_types {
        let mut flow = flow::Flow::try_from(wire).ok()?;
        flow.time = flow.time.or(time);
        if flow.node_name.is_empty() {
            flow.node_name = node_name;
        }
        columns.append_flow(&flow, &mut lists).unwrap();
    }
    Some((columns, lists))
}

fn by_projection(message: &[u8], projection: Projection) -> Result<FlowColumns, ProjectionError> {
    let mut columns = FlowColumns::default();
    Decoder::new(projection).decode(message, &mut columns)?;
    Ok(columns)
}

/// Complete content of the columns.
fn content(columns: &FlowColumns) -> String {
    let texts: Vec<&str> = columns.dictionary().iter().collect();
    format!("{columns:?} {texts:?}")
}

fn response_of(flow: pb::flow::Flow) -> Vec<u8> {
    let response_types = Some(ResponseTypes::Flow(flow));
    GetFlowsResponse { response_types, ..GetFlowsResponse::default() }.encode_to_vec()
}

#[test]
fn the_last_of_a_oneof_counts() {
    #[track_caller]
    fn check(flow: &[u8], expected: impl Fn(&FlowColumns) -> bool) {
        let message = delimited(1, flow);
        let columns = by_projection(&message, Projection::ALL).unwrap();
        assert!(expected(&columns), "{columns:?}");
        let (by_vocabulary, _) = by_vocabulary(&message).unwrap();
        assert_eq!(content(&columns), content(&by_vocabulary));
    }

    let tcp = delimited(1, &[key(1, 0), varint(80)].concat());
    let tcp_destination = delimited(1, &[key(2, 0), varint(443)].concat());
    let udp = delimited(2, &[key(2, 0), varint(53)].concat());
    check(&delimited(6, &[tcp.clone(), tcp_destination.clone()].concat()), |columns| {
        (columns.source_port()[0], columns.destination_port()[0]) == (80, 443)
    });
    check(&[delimited(6, &tcp), delimited(6, &tcp_destination)].concat(), |columns| {
        (columns.source_port()[0], columns.destination_port()[0]) == (80, 443)
    });
    check(&delimited(6, &[tcp.clone(), udp.clone()].concat()), |columns| {
        (columns.source_port()[0], columns.destination_port()[0]) == (0, 53)
    });
    check(&delimited(6, &[tcp.clone(), udp, tcp].concat()), |columns| {
        (columns.source_port()[0], columns.destination_port()[0]) == (80, 0)
    });
    let dns = delimited(100, &delimited(1, b"a."));
    let http = delimited(101, &delimited(2, b"GET"));
    check(&delimited(15, &[dns.clone(), http.clone()].concat()), |columns| {
        columns.dns_query() == [0] && columns.text(columns.http_method()[0]) == "GET"
    });
    check(&[delimited(15, &http), delimited(15, &dns)].concat(), |columns| {
        columns.http_method() == [0] && columns.text(columns.dns_query()[0]) == "a."
    });
}

#[test]
fn a_flow_after_another_kind_begins_anew() {
    let first = delimited(1, &[delimited(34, b"first"), delimited(11, b"node")].concat());
    let second = delimited(1, &delimited(34, b"second"));
    let lost = delimited(3, &[]);

    let both = by_projection(&[first.clone(), second.clone()].concat(), Projection::ALL).unwrap();
    assert_eq!((both.uuid().get(0), both.text(both.node_name()[0])), (Some("second"), "node"));
    let anew =
        by_projection(&[first.clone(), lost.clone(), second].concat(), Projection::ALL).unwrap();
    assert_eq!((anew.uuid().get(0), anew.text(anew.node_name()[0])), (Some("second"), ""));

    let mut columns = FlowColumns::default();
    let decoded =
        Decoder::new(Projection::ALL).decode(&[first, lost].concat(), &mut columns).unwrap();
    assert!(matches!(decoded, Decoded::Notice(RelayNotice::FlowsLost { .. })), "{decoded:?}");
    assert!(columns.is_empty());
}

#[test]
fn old_and_new_fields_stand_in_for_each_other() {
    #[expect(deprecated, reason = "old records have them")]
    let old = pb::flow::Flow { reply: true, drop_reason: 133, ..pb::flow::Flow::default() };
    let columns = by_projection(&response_of(old), Projection::ALL).unwrap();
    assert_eq!((columns.is_reply(), columns.drop_reason()), (&[1][..], &[133][..]));

    let silent = pb::flow::Flow::default();
    let columns = by_projection(&response_of(silent), Projection::ALL).unwrap();
    assert_eq!((columns.is_reply(), columns.drop_reason()), (&[-1][..], &[0][..]));
    assert_eq!(columns.time_nanos(), [NO_TIME]);

    let new = pb::flow::Flow { is_reply: Some(false), ..pb::flow::Flow::default() };
    let columns = by_projection(&response_of(new), Projection::ALL).unwrap();
    assert_eq!(columns.is_reply(), [0]);
}

#[test]
fn the_header_stands_in_for_the_flow() {
    let mut response = GetFlowsResponse {
        node_name: "aks/outer".to_owned(),
        time: Some(prost_types::Timestamp { seconds: 5, nanos: 7 }),
        response_types: Some(ResponseTypes::Flow(pb::flow::Flow::default())),
    };
    let columns = by_projection(&response.encode_to_vec(), Projection::ALL).unwrap();
    assert_eq!(columns.time_nanos(), [5_000_000_007]);
    assert_eq!(columns.text(columns.node_name()[0]), "aks/outer");

    response.response_types = Some(ResponseTypes::Flow(pb::flow::Flow {
        time: Some(prost_types::Timestamp { seconds: 6, nanos: 0 }),
        node_name: "aks/inner".to_owned(),
        ..pb::flow::Flow::default()
    }));
    let columns = by_projection(&response.encode_to_vec(), Projection::ALL).unwrap();
    assert_eq!(columns.time_nanos(), [6_000_000_000]);
    assert_eq!(columns.text(columns.node_name()[0]), "aks/inner");
}

#[test]
fn bad_messages_have_distinct_errors() {
    #[track_caller]
    fn check(message: &[u8], expected: ProjectionError) {
        let mut columns = FlowColumns::default();
        let mut decoder = Decoder::new(Projection::ALL);
        decoder.decode(&response_of(pb::flow::Flow::default()), &mut columns).unwrap();
        let before = content(&columns);
        assert_eq!(decoder.decode(message, &mut columns), Err(expected));
        assert_eq!(content(&columns), before, "something of it was left behind");
    }

    let flow = |content: &[u8]| delimited(1, content);
    check(&[0x0a], WireError::Truncated.into());
    check(&[0x0a, 5, 0], WireError::Truncated.into());
    check(
        &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        WireError::Truncated.into(),
    );
    check(&[0xff; 11], WireError::VarintTooLong.into());
    check(&[0x00, 0x00], WireError::Key { key: 0 }.into());
    check(&[0x0e], WireError::UnknownWireType { field: 1, wire_type: 6 }.into());
    check(&[0x08, 1], WireError::UnexpectedWireType { field: 1 }.into());
    check(&[0x0c], WireError::UnmatchedGroup.into());
    check(&[0x4b, 0x54], WireError::UnmatchedGroup.into());
    check(&[0x4b], WireError::Truncated.into());
    check(&[0x4b; 200], WireError::GroupsTooDeep.into());
    check(&flow(&delimited(2, b"x")), WireError::UnexpectedWireType { field: 2 }.into());
    check(
        &flow(&[delimited(34, b"uuid"), delimited(8, &[0x22, 9])].concat()),
        WireError::Truncated.into(),
    );
    check(
        &flow(&delimited(6, &delimited(1, &[key(1, 0), varint(65_536)].concat()))),
        ProjectionError::OutOfRange { field: "l4.source_port", value: 65_536, max: 65_535 },
    );
    let late = Timestamp::new(i64::MAX, 0).unwrap_err();
    check(
        &flow(&delimited(1, &[key(1, 0), varint(i64::MAX.cast_unsigned())].concat())),
        ProjectionError::Time { field: "flow.time", source: late },
    );
}

#[test]
fn full_columns_refuse_further_rows() {
    let mut columns = FlowColumns::new(ColumnLimits { max_flows: 1, max_text_bytes: 100 });
    let mut decoder = Decoder::new(Projection::ALL);
    let message = response_of(pb::flow::Flow::default());
    assert_eq!(decoder.decode(&message, &mut columns), Ok(Decoded::Flow));
    let full = ProjectionError::Full(ColumnsFull::Flows { max_flows: 1 });
    assert_eq!(decoder.decode(&message, &mut columns), Err(full));
}

#[test]
fn invalid_utf8_is_kept() {
    let message = delimited(1, &delimited(11, b"node\xff"));
    assert!(GetFlowsResponse::decode(message.as_slice()).is_err());
    let columns = by_projection(&message, Projection::ALL).unwrap();
    assert_eq!(columns.text(columns.node_name()[0]), "node\u{fffd}");
}

#[test]
fn a_loss_with_an_invalid_time_is_kept() {
    let never = [key(1, 0), varint(253_402_300_800)].concat();
    let message = delimited(3, &[key(2, 0), varint(7), delimited(5, &never)].concat());
    let header = MessageHeader::read(&message).unwrap();
    let Some(RelayNotice::FlowsLost { count, last, .. }) =
        RelayNotice::read(&message, header).unwrap()
    else {
        panic!()
    };
    assert_eq!((count, last), (7, None));
}

#[test]
fn hostile_notices_stay_small() {
    let name = "n".repeat(10_000);
    let names: Vec<u8> =
        (0..3_000).flat_map(|node| delimited(2, format!("{node}\n{name}").as_bytes())).collect();
    let status =
        [key(1, 0), varint(4), names, delimited(3, "€\n".repeat(9_999).as_bytes())].concat();
    let message = delimited(2, &status);
    let header = MessageHeader::read(&message).unwrap();
    let Some(RelayNotice::NodeError { nodes, message }) =
        RelayNotice::read(&message, header).unwrap()
    else {
        panic!()
    };
    assert_eq!(nodes.count(), 3_000);
    assert!(nodes.iter().count() <= 1_000 && nodes.iter().all(|name| name.len() < 600));
    assert!(message.len() < 600 && !message.contains('\n'));

    let mut notices = RelayNotices::default();
    for state in 0..1_000 {
        let nodes = NodeNames::from_iter([format!("node-{state}")]);
        notices.add(RelayNotice::NodeState { state, nodes, message: String::new() });
    }
    assert_eq!((notices.iter().count(), notices.more()), (64, 936));
}

/// A node's error message contains its address, so all messages differ.
#[test]
fn failed_nodes_are_known_whatever_their_messages() {
    fn check(nodes: usize, failed: usize, expected: Option<usize>) {
        let names = |count: usize| (0..count).map(|node| format!("aks-{node}"));
        let mut notices = RelayNotices::default();
        for (index, name) in names(failed).enumerate() {
            let message = format!("dial tcp 10.0.{}.{}:4244", index / 256, index % 256);
            notices.add(RelayNotice::NodeError { nodes: NodeNames::from_iter([name]), message });
        }
        // A notice of a kind that occurs once is added even after all of these.
        notices.add(RelayNotice::NodesConnected { nodes: names(nodes).collect() });
        let connected = notices.connected().unwrap();
        assert_eq!(connected.count(), nodes);
        let messages = notices.failure_of_all(&connected).map(|messages| messages.len());
        assert_eq!(messages, expected, "{failed} of {nodes}");
        assert_eq!(notices.missing().count(), failed, "{failed} of {nodes}");
    }
    check(3, 3, Some(3));
    check(3, 2, None);
    check(200, 200, Some(64));
    check(200, 199, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn it_agrees_with_prost(message in response()) {
        if let Some((expected, _)) = by_vocabulary(&message) {
            let columns = by_projection(&message, Projection::ALL);
            prop_assert_eq!(content(&columns.unwrap()), content(&expected));
        }
    }

    #[test]
    fn a_row_leads_back_to_its_flow(flow in crate::arbitrary::flow()) {
        let mut columns = FlowColumns::default();
        columns.append_flow(&flow, &mut RowLists::default()).unwrap();
        prop_assert_eq!(columns.flow(0), Some(kept(flow)));
        prop_assert_eq!(columns.flow(1), None);
    }

    #[test]
    fn unrequested_columns_stay_empty(
        message in response(),
        wanted in proptest::sample::subsequence(Column::ALL, 0..Column::ALL.len()),
    ) {
        let projection = Projection::of(&wanted);
        let kind = MessageHeader::read(&message).map(|header| header.kind);
        if let (Ok(MessageKind::Flow), Some((full, mut lists))) = (kind, by_vocabulary(&message)) {
            let mut flow = full_flow(&message);
            flow.node_name = full.text(full.node_name()[0]).to_owned();
            let mut row = flow::columns::FlowRow::of(&flow, &mut lists);
            row.time_nanos = full.time_nanos()[0];
            lists.keep_only(projection);
            let mut expected = FlowColumns::default();
            row.keep_only(projection);
            expected.append(&row, &lists).unwrap();
            let columns = by_projection(&message, projection).unwrap();
            prop_assert_eq!(content(&columns), content(&expected));
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(
        mut message in prop_oneof![response(), proptest::collection::vec(any::<u8>(), 0..100)],
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        if !message.is_empty() {
            let at = at.index(message.len());
            message[at] = byte;
        }
        let mut columns = FlowColumns::default();
        let decoded = Decoder::new(Projection::ALL).decode(&message, &mut columns);
        prop_assert_eq!(columns.len(), usize::from(decoded == Ok(Decoded::Flow)));
        if decoded.is_err() {
            prop_assert!(columns.dictionary().is_empty());
        }
    }
}

/// The part of a flow that `FlowColumns::flow` restores: all that policies depend on.
fn kept(flow: flow::Flow) -> flow::Flow {
    use flow::{Dns, Endpoint, Flow, Http, Ip, Kafka, L7Record, Layer4, Layer7, Policy, Sctp, Tcp};

    let endpoint = |own: Endpoint| Endpoint { id: 0, ..own };
    let policies = |policies: Vec<Policy>| -> Vec<Policy> {
        let bare = |own: Policy| Policy { labels: Vec::new(), revision: 0, ..own };
        policies.into_iter().map(bare).collect()
    };
    let record = |record: L7Record| match record {
        L7Record::Dns(Dns { query, ips, rcode, .. }) => {
            L7Record::Dns(Dns { query, ips, rcode, ..Dns::default() })
        }
        L7Record::Http(http) => L7Record::Http(Http { protocol: String::new(), ..http }),
        L7Record::Kafka(_) => L7Record::Kafka(Kafka::default()),
    };
    let l4 = match flow.l4.clone() {
        Some(Layer4::Tcp(tcp)) => {
            Some(Layer4::Tcp(Tcp { flags: tcp.flags.filter(|flags| !flags.is_empty()), ..tcp }))
        }
        Some(Layer4::Sctp(sctp)) => Some(Layer4::Sctp(Sctp {
            source_port: sctp.source_port,
            destination_port: sctp.destination_port,
            ..Sctp::default()
        })),
        Some(Layer4::Vrrp(_)) => Some(Layer4::Vrrp(flow::Vrrp::default())),
        Some(Layer4::Igmp(_)) => Some(Layer4::Igmp(flow::Igmp::default())),
        Some(Layer4::Unknown) => None,
        l4 => l4,
    };
    let has_address = |ip: &Ip| !(ip.source.is_empty() && ip.destination.is_empty());
    Flow {
        time: flow.time.filter(|time| time.unix_nanos().is_some_and(|nanos| nanos != NO_TIME)),
        verdict: flow.verdict,
        drop_reason_desc: flow.drop_reason(),
        traffic_direction: flow.traffic_direction,
        event_type: flow.event_type,
        trace_observation_point: flow.trace_observation_point,
        trace_reason: flow.trace_reason,
        is_reply: flow.reply(),
        ip: flow.ip.filter(has_address).map(|ip| Ip {
            source: ip.source,
            destination: ip.destination,
            ..Ip::default()
        }),
        l4,
        source: flow.source.map(endpoint),
        destination: flow.destination.map(endpoint),
        node_labels: flow.node_labels,
        source_names: flow.source_names,
        destination_names: flow.destination_names,
        l7: flow.l7.map(|l7| Layer7 {
            l7_type: l7.l7_type,
            record: l7.record.map(record),
            ..Layer7::default()
        }),
        source_service: flow.source_service.filter(|own| *own != flow::Service::default()),
        destination_service: flow
            .destination_service
            .filter(|own| *own != flow::Service::default()),
        egress_allowed_by: policies(flow.egress_allowed_by),
        ingress_allowed_by: policies(flow.ingress_allowed_by),
        egress_denied_by: policies(flow.egress_denied_by),
        ingress_denied_by: policies(flow.ingress_denied_by),
        aggregate: flow.aggregate.filter(|own| *own != flow::Aggregate::default()),
        ..Flow::default()
    }
}

fn full_flow(message: &[u8]) -> flow::Flow {
    match GetFlowsResponse::decode(message).unwrap().response_types {
        Some(ResponseTypes::Flow(wire)) => wire.try_into().unwrap(),
        other => panic!("{other:?}"),
    }
}
