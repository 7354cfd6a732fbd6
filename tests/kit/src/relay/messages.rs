//! Messages of a relay: flows, states of nodes, lost events.

use hubble_api::pb::flow::{Endpoint, Flow, Ip, Layer4, LostEvent, Tcp, Workload, layer4};
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::pb::observer::{GetFlowsResponse, Node};
use hubble_api::pb::relay::NodeStatusEvent;

/// A flow of `node` at `time_ms`, from pod to pod over TCP.
pub fn flow(node: &str, time_ms: i64, change: impl Fn(&mut Flow)) -> GetFlowsResponse {
    let time = Some(timestamp(time_ms));
    let endpoint = |pod: &str, workload: &str, identity| {
        Some(Endpoint {
            identity,
            namespace: "pets".to_owned(),
            labels: vec![format!("k8s:app={workload}")],
            pod_name: pod.to_owned(),
            workloads: vec![Workload { name: workload.to_owned(), kind: "Deployment".to_owned() }],
            ..Endpoint::default()
        })
    };
    let mut flow = Flow {
        time,
        verdict: 1,
        ip: Some(Ip {
            source: "10.0.0.1".to_owned(),
            destination: "10.0.0.2".to_owned(),
            ..Ip::default()
        }),
        l4: Some(Layer4 {
            protocol: Some(layer4::Protocol::Tcp(Tcp {
                source_port: 40_000,
                destination_port: 3_000,
                ..Tcp::default()
            })),
        }),
        source: endpoint("store-front-0", "store-front", 10_001),
        destination: endpoint("order-service-0", "order-service", 10_002),
        node_name: node.to_owned(),
        is_reply: Some(false),
        traffic_direction: 2,
        uuid: format!("uuid-{time_ms}"),
        ..Flow::default()
    };
    change(&mut flow);
    GetFlowsResponse {
        node_name: node.to_owned(),
        time,
        response_types: Some(ResponseTypes::Flow(flow)),
    }
}

/// A relay's message about the state of nodes: connected (1), unavailable (2), gone (3) or failed (4).
pub fn node_status(state: i32, nodes: &[&str], message: &str) -> GetFlowsResponse {
    GetFlowsResponse {
        node_name: "relay".to_owned(),
        time: None,
        response_types: Some(ResponseTypes::NodeStatus(NodeStatusEvent {
            state_change: state,
            node_names: nodes.iter().map(|node| (*node).to_owned()).collect(),
            message: message.to_owned(),
        })),
    }
}

/// A message of `node` about `count` lost events, with a `source` of Hubble's `LostEventSource`.
pub fn lost(node: &str, source: i32, count: u64) -> GetFlowsResponse {
    GetFlowsResponse {
        node_name: node.to_owned(),
        time: None,
        response_types: Some(ResponseTypes::LostEvents(LostEvent {
            source,
            num_events_lost: count,
            ..LostEvent::default()
        })),
    }
}

/// A node of Cilium 1.19 in a state of Hubble's `NodeState`.
pub fn node(name: &str, state: i32) -> Node {
    Node {
        name: name.to_owned(),
        state,
        version: "cilium v1.19.4+g75d3a68c".to_owned(),
        ..Node::default()
    }
}

/// A protobuf timestamp, from a Unix time in milliseconds.
pub fn timestamp(time_ms: i64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time_ms.div_euclid(1_000),
        nanos: i32::try_from(time_ms.rem_euclid(1_000)).unwrap() * 1_000_000,
    }
}
