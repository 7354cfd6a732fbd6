use super::flows::{flow, message, mixed};
use super::{pack, table};
use crate::captions::TextColumn::{
    self, Destination, DestinationIp, Direction, DropReason, Node, Policy, Protocol, Reply, Source,
    SourceIp, Summary, Type, Verdict,
};
use crate::table::Table;
use flow::columns::NO_TIME;
use hubble_api::pb::flow::{CiliumEventType, Flow};

fn cell(table: &Table, column: TextColumn, row: usize) -> &str {
    table.captions.dictionary().get(table.captions.codes(column)[row]).unwrap()
}

#[test]
fn every_cell_says_what_hubble_says() {
    let table = table(&mixed());
    assert_eq!(table.problems(), [""; 0]);
    let check = |row: usize, expected: &[(TextColumn, &str)]| {
        for &(column, text) in expected {
            assert_eq!(cell(&table, column, row), text, "{column:?} of row {row}");
        }
    };
    check(
        0,
        &[
            (Verdict, "FORWARDED"),
            (Direction, "EGRESS"),
            (Source, "pets/store-front-6f7d9c5b8-x2x4z"),
            (Destination, "pets/order-service-7c9b6d5f4-kq8zp"),
            (SourceIp, "10.244.1.17"),
            (DestinationIp, "10.244.2.9"),
            (Protocol, "TCP"),
            (Summary, "TCP Flags: SYN"),
            (DropReason, ""),
            (Policy, ""),
            (Type, "L3_L4"),
            (Reply, "request"),
            (Node, "kind/worker-1"),
        ],
    );
    check(
        1,
        &[
            (Verdict, "DROPPED"),
            (Direction, "INGRESS"),
            (DropReason, "POLICY_DENIED"),
            (Policy, "pets/allow-store-front-traffic"),
        ],
    );
    check(
        2,
        &[
            (Reply, "reply"),
            (Summary, "TCP Flags: SYN, ACK"),
            (Policy, "cluster-default, pets/allow-replies"),
        ],
    );
    check(
        3,
        &[
            (Verdict, "REDIRECTED"),
            (Protocol, "DNS"),
            (Type, "dns-request"),
            (Summary, "DNS Query api.github.com. A,AAAA"),
            (Destination, "kube-system/coredns-76f75df574-8xw2n"),
            (Reply, ""),
        ],
    );
    check(
        4,
        &[
            (Summary, "DNS Answer RCode: Query Refused TTL: 0 (Proxy api.github.com. A)"),
            (Type, "dns-response"),
        ],
    );
    check(
        5,
        &[(
            Summary,
            "DNS Answer \"23.37.1.2,23.37.1.3\" CNAMEs: \"learn.microsoft.com.edgekey.net.\" TTL: 30 (Query learn.microsoft.com. A)",
        )],
    );
    check(
        6,
        &[
            (Protocol, "HTTP"),
            (Type, "http-response"),
            (
                Summary,
                "HTTP/1.1 503 12ms (GET http://order-service:3000/orders?<script>alert(1)</script>)",
            ),
        ],
    );
    check(7, &[(Destination, "learn.microsoft.com,docs.microsoft.com")]);
    check(8, &[(Destination, "140.82.121.6 (world)"), (DropReason, "POLICY_DENIED")]);
    check(
        9,
        &[(Source, "10.244.1.17 (host)"), (Protocol, "ICMPv4"), (Summary, "ICMPv4 type 8 code 0")],
    );
    check(10, &[(Verdict, "42"), (DropReason, "9999"), (Type, "77"), (Direction, "9")]);
    check(11, &[(Verdict, "TRANSLATED"), (Destination, "pets/rabbitmq"), (Type, "SOCK")]);
    check(12, &[(Source, ""), (Destination, ""), (Protocol, ""), (Node, "kind/worker-1")]);
    assert_eq!(table.flows.len(), 13, "lost events and empty messages are no rows");
    assert_eq!(table.flows.time_nanos()[12], NO_TIME);
}

#[test]
fn the_records_of_one_packet_differ_in_their_type() {
    // Message type and sub type as `hubble observe` writes them, without the drop reason and a
    // verdict's match type.
    let check = |r#type: i32, sub_type: i32, expected: &str| {
        let event_type = Some(CiliumEventType { r#type, sub_type });
        let table = table(&[message(Flow { event_type, ..flow(0) })]);
        assert_eq!(cell(&table, Type, 0), expected, "{type} {sub_type}");
    };
    check(5, 0, "policy-verdict");
    check(1, 133, "drop");
    check(4, 0, "to-endpoint");
    check(4, 1, "to-proxy");
    check(4, 2, "to-host");
    check(4, 3, "to-stack");
    check(4, 4, "to-overlay");
    check(4, 5, "from-endpoint");
    check(4, 6, "from-proxy");
    check(4, 11, "to-network");
    check(4, 13, "to-crypto");
    check(4, 99, "99");
    check(3, 1, "capture");
    check(7, 1, "pre-xlate-fwd");
    check(7, 4, "post-xlate-rev");
    check(200, 0, "200");
}

#[test]
fn several_answers_share_one_table() {
    let mut table = Table::new();
    table.append(&pack(&[message(flow(0))])).unwrap();
    table.append(&pack(&[message(flow(1)), message(flow(2))])).unwrap();
    assert_eq!(table.flows.len(), 3);
    assert_eq!(table.captions.codes(TextColumn::Source).len(), 3);
    assert!(table.record(2).unwrap().contains("000000000002"), "the third flow of all");
}

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_kept() {
    fn check(bytes: &[u8], flows: usize, expected: Result<&[&str], &str>) {
        let mut table = Table::new();
        let outcome = table.append(bytes).map_err(|error| crate::table::chain(&error));
        let reported = outcome
            .as_ref()
            .map(|()| table.problems().iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(reported.as_deref().map_err(|error| error.as_str()), expected);
        assert_eq!(table.flows.len(), flows);
    }
    let whole = pack(&[message(flow(0)), message(flow(1))]);
    check(&[], 0, Ok(&[]));
    check(&whole, 2, Ok(&[]));
    check(
        b"<!doctype html>",
        0,
        Err("the flows of this answer cannot be read: these bytes are not packed flows"),
    );
    check(
        &whole[..whole.len() - 1],
        0,
        Err(
            "the flows of this answer cannot be read: the packed flows end in the middle of a batch",
        ),
    );
    let cut = [&whole, &whole[..20]].concat();
    check(&cut, 2, Ok(&["the answer is cut: the packed flows end in the middle of a batch"]));

    let late = Flow {
        time: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
        ..Flow::default()
    };
    let one_bad = pack(&[message(flow(0)), message(late), message(flow(1))]);
    let mut table = Table::new();
    table.append(&one_bad).unwrap();
    assert_eq!(table.flows.len(), 2);
    let [problem] = table.problems() else { panic!("{:?}", table.problems()) };
    assert!(problem.starts_with("1 flow could not be read: "), "{problem}");
    assert!(table.record(1).unwrap().contains("000000000001"), "rows still lead to their messages");
}

#[test]
fn a_record_has_every_field() {
    let table = table(&mixed());
    let json = table.record(1).unwrap();
    for part in [
        r#""verdict":"DROPPED""#,
        r#""drop_reason_desc":"POLICY_DENIED""#,
        r#""pod_name":"order-service-7c9b6d5f4-kq8zp""#,
        r#""k8s:app=order-service""#,
        r#""node_name":"kind/worker-1""#,
        r#""name":"allow-store-front-traffic""#,
        r#""uuid":"00000000-0000-4000-8000-000000000250""#,
        "2026-08-22T10:00:00.250000123Z",
    ] {
        assert!(json.contains(part), "{part} in {json}");
    }
    // The batch holds a lost-events message before this flow.
    assert!(table.record(4).unwrap().contains(r#""rcode":5"#));
    assert_eq!(table.record(13).unwrap_err().to_string(), "there is no flow in row 13");
}
