//! Snapshots of the frames for flows, except for the table.

use std::collections::BTreeMap;

use flow::columns::{FlowColumns, RowLists};
use flow::{
    CiliumEventType, Dns, DropReason, Endpoint, Flow, Ip, L7FlowType, L7Record, Layer4, Layer7,
    MessageType, Tcp, TcpFlags, Timestamp, TrafficDirection, Udp, Verdict, Workload,
};
use wording::{Notice, Severity};

use super::{
    DropAnnotation, FixedColor, FlowSeries, FlowSeriesShape, Frame, FramePart, LiveNotice, Meta,
    dns_table, drop_annotations, encode, flow_log, flow_log_volume, flow_numbers, flow_ranking,
    flow_time_series, golden, live_json, live_log, live_table, node_graph,
};

fn render(frames: &[Frame]) -> String {
    frames.iter().map(|frame| golden::render(&encode("A", frame).unwrap(), 20) + "\n").collect()
}

fn columns() -> FlowColumns {
    let end = |pod: &str, workload: &str| Endpoint {
        identity: 10_001,
        namespace: "pets".to_owned(),
        pod_name: pod.to_owned(),
        workloads: vec![Workload { name: workload.to_owned(), kind: "Deployment".to_owned() }],
        ..Endpoint::default()
    };
    let dropped = Flow {
        time: Some(Timestamp::from_unix_nanos(1_700_000_000_000_000_003)),
        verdict: Verdict::Dropped,
        drop_reason_desc: DropReason::POLICY_DENIED,
        traffic_direction: TrafficDirection::Ingress,
        event_type: Some(CiliumEventType { message_type: MessageType::Drop, sub_type: 133 }),
        ip: Some(Ip {
            source: "10.0.0.1".to_owned(),
            destination: "10.0.0.2".to_owned(),
            ..Ip::default()
        }),
        l4: Some(Layer4::Tcp(Tcp {
            source_port: 40_000,
            destination_port: 3_000,
            flags: Some(TcpFlags::SYN),
        })),
        source: Some(end("store-front-0", "store-front")),
        destination: Some(end("order\nservice-0", "order-service")),
        is_reply: Some(false),
        node_name: "aks-1".to_owned(),
        uuid: "u-1".to_owned(),
        ..Flow::default()
    };
    let mut columns = FlowColumns::default();
    for flow in [dropped, Flow::default()] {
        columns.append_flow(&flow, &mut RowLists::default()).unwrap();
    }
    columns
}

#[test]
fn flows_as_log_lines() {
    let columns = columns();
    let meta = Meta { notices: vec![Notice::info("cut")], ..Meta::default() };
    insta::assert_snapshot!(render(&[
        flow_log(&columns, &columns.newest_first(), 1_000, meta),
        flow_log(&FlowColumns::default(), &[], 5, Meta::default()),
    ]));
}

#[test]
fn counts_of_flows() {
    let shape = FlowSeriesShape {
        name: "drop ratio",
        unit: "percentunit",
        step_ms: 15_000,
        times_nanos: vec![15_000_000_000, 30_000_000_000],
    };
    let series = |workload: &str, values: &[Option<f64>]| FlowSeries {
        name: Some(workload.to_owned()),
        labels: BTreeMap::from([("fromWorkload".to_owned(), workload.to_owned())]),
        values: values.to_vec(),
    };
    let meta = || Meta { notices: vec![Notice::info("one")], ..Meta::default() };
    let two = [series("a", &[None, Some(0.5)]), series("other", &[Some(0.0), Some(1.0)])];
    insta::assert_snapshot!(render(&flow_time_series(&shape, two.to_vec(), meta())));
    insta::assert_snapshot!(render(&flow_numbers(&shape, vec![series("a", &[Some(0.5)])], meta())));
    insta::assert_snapshot!(render(&flow_time_series(&shape, Vec::new(), meta())));
    let volume = flow_log_volume(shape.clone(), Vec::new(), meta());
    let fields: Vec<(&str, usize)> =
        volume[0].fields.iter().map(|field| (field.name.as_str(), field.values.len())).collect();
    assert_eq!((volume.len(), fields), (1, vec![("Time", 0), ("drop ratio", 0)]));
    assert_eq!(flow_log_volume(shape.clone(), two.to_vec(), meta()).len(), 2);
    let ranking = [series("a", &[Some(0.5)]), series("b", &[None]), series("other", &[Some(1.0)])];
    let keys = ["toPort", "fromWorkload"];
    insta::assert_snapshot!("ranking", render(&flow_ranking(&shape, &keys, &ranking, meta())));
    assert!(flow_ranking(&shape, &keys, &[], meta())[0].fields.is_empty());
    let colors = ["DROPPED", "FORWARDED", "other"].map(|verdict| {
        let labels = BTreeMap::from([("verdict".to_owned(), verdict.to_owned())]);
        let series = FlowSeries { labels, values: vec![Some(1.0)], name: None };
        let frame = flow_numbers(&shape, vec![series], Meta::default()).remove(0);
        frame.fields[0].config.color
    });
    let fixed = |color| Some(FixedColor::new(color));
    assert_eq!(colors, [fixed("red"), fixed("green"), None]);
}

#[test]
fn names_with_the_connections_that_followed() {
    let client = Endpoint {
        namespace: "pets".to_owned(),
        pod_name: "store-front-0".to_owned(),
        workloads: vec![Workload { name: "store-front".to_owned(), kind: "Deployment".to_owned() }],
        ..Endpoint::default()
    };
    let answer = |after_nanos: i64, name: &str, rcode: u32, ips: &[&str]| Flow {
        time: Some(Timestamp::from_unix_nanos(1_700_000_000_000_000_000 + after_nanos)),
        verdict: Verdict::Forwarded,
        is_reply: Some(true),
        destination: Some(client.clone()),
        l4: Some(Layer4::Udp(Udp { source_port: 53, destination_port: 40_001 })),
        l7: Some(Layer7 {
            l7_type: L7FlowType::Response,
            record: Some(L7Record::Dns(Dns {
                query: name.to_owned(),
                ips: ips.iter().map(|ip| (*ip).to_owned()).collect(),
                rcode,
                ..Dns::default()
            })),
            ..Layer7::default()
        }),
        ..Flow::default()
    };
    let connection = Flow {
        time: Some(Timestamp::from_unix_nanos(1_700_000_000_002_500_000)),
        verdict: Verdict::Dropped,
        drop_reason_desc: DropReason::POLICY_DENIED,
        is_reply: Some(false),
        source: Some(client.clone()),
        ip: Some(Ip { destination: "20.0.0.1".to_owned(), ..Ip::default() }),
        l4: Some(Layer4::Tcp(Tcp { source_port: 40_002, destination_port: 443, flags: None })),
        ..Flow::default()
    };
    let mut columns = FlowColumns::default();
    let mut names = flow::dns::DnsConnections::default();
    let flows = [
        answer(0, "api.github.com.", 0, &["20.0.0.1"]),
        answer(1_000_000, "no.such.name.", 3, &[]),
        connection,
    ];
    for (row, flow) in flows.iter().enumerate() {
        columns.append_flow(flow, &mut RowLists::default()).unwrap();
        names.add(&columns, row);
    }
    let names = names.joined();
    insta::assert_snapshot!(render(&[
        dns_table(&names, true, Meta::default()),
        dns_table(&names, false, Meta::default()),
        dns_table(&[], true, Meta::default()),
    ]));
}

#[test]
fn drops_as_annotations() {
    let drop = |reason: DropReason, namespaces: [&str; 2], lasted_secs: i64| DropAnnotation {
        source: "pets/<b>".to_owned(),
        destination: String::new(),
        port: 443,
        protocol: "TCP",
        reason,
        namespaces: namespaces.map(str::to_owned),
        first_nanos: 1_700_000_000_000_000_003,
        last_nanos: 1_700_000_000_000_000_003 + lasted_secs * 1_000_000_000,
        drops: 1 + u64::try_from(lasted_secs).unwrap(),
    };
    let meta = Meta { notices: vec![Notice::info("one")], ..Meta::default() };
    let drops = [
        drop(DropReason::POLICY_DENIED, ["pets", ""], 0),
        drop(DropReason::default(), ["pets", "kube-system"], 59),
        drop(DropReason::POLICY_DENIED, ["pets", "pets"], 3_661),
        drop(DropReason::POLICY_DENIED, ["", ""], 7_200),
    ];
    insta::assert_snapshot!(render(&[
        drop_annotations(&drops, meta),
        drop_annotations(&[], Meta::default()),
    ]));
}

#[test]
fn live_messages() {
    let columns = columns();
    let notices = [LiveNotice {
        time_nanos: 1_700_000_001_000_000_000,
        severity: Severity::Warning,
        text: "3 flows left out".to_owned(),
        number: 1,
    }];
    let meta =
        || Meta { executed_query_string: "hubble observe --follow".to_owned(), ..Meta::default() };
    let rows = columns.newest_first();
    let message = |frame: &Frame, part: FramePart| {
        let json = live_json("A", frame, part).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        serde_json::to_string_pretty(&json).unwrap() + "\n"
    };
    let table = live_table(&columns, &rows, &notices, meta()).unwrap();
    let log = live_log(&columns, &rows, &notices, meta()).unwrap();
    insta::assert_snapshot!(message(&table, FramePart::Whole));
    insta::assert_snapshot!(message(&table, FramePart::Rows));
    insta::assert_snapshot!(message(&log, FramePart::Whole));
    // The first message to a subscriber has the same fields, but no rows.
    let schema = |frame: &Frame| {
        let json = live_json("A", frame, FramePart::Whole).unwrap();
        let mut json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        json["schema"]["fields"].take()
    };
    let empty = FlowColumns::default();
    let first = [
        live_table(&empty, &[], &[], meta()).unwrap(),
        live_log(&empty, &[], &[], meta()).unwrap(),
    ];
    assert_eq!(schema(&first[0]), schema(&table));
    assert_eq!(schema(&first[1]), schema(&log));
}

#[test]
fn a_service_map() {
    let columns = columns();
    let mut map = flow::service_map::ServiceMap::new(flow::service_map::MapBy::Workload);
    for row in [0, 0, 1] {
        map.add(&columns, row);
    }
    insta::assert_snapshot!(render(&node_graph(&map, 60.0, Meta::default())));
}
