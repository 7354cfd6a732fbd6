//! Snapshots of the frames that flows are answered in beside the table.

use std::collections::BTreeMap;

use flow::columns::{FlowColumns, RowLists};
use flow::{
    CiliumEventType, DropReason, Endpoint, Flow, Ip, Layer4, MessageType, Tcp, TcpFlags, Timestamp,
    TrafficDirection, Verdict, Workload,
};

use super::{
    FlowSeries, FlowSeriesShape, Frame, Meta, Notice, encode, flow_log, flow_numbers,
    flow_time_series, golden, node_graph,
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
        labels: BTreeMap::from([("fromWorkload".to_owned(), workload.to_owned())]),
        values: values.to_vec(),
    };
    let meta = || Meta { notices: vec![Notice::info("one")], ..Meta::default() };
    let two = [series("a", &[None, Some(0.5)]), series("other", &[Some(0.0), Some(1.0)])];
    insta::assert_snapshot!(render(&flow_time_series(&shape, two.to_vec(), meta())));
    insta::assert_snapshot!(render(&flow_numbers(&shape, vec![series("a", &[Some(0.5)])], meta())));
    insta::assert_snapshot!(render(&flow_time_series(&shape, Vec::new(), meta())));
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
