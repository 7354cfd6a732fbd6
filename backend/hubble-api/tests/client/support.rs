//! Scripts and helpers of the client tests.

use std::net::SocketAddr;

use futures_util::StreamExt;
use hubble_api::client::{
    ClientError, FlowMessage, FlowRequest, FlowStream, RelayClient, RelayConfig,
};
use hubble_api::pb::flow::LostEvent;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::pb::observer::{GetFlowsResponse, ServerStatusResponse};
use test_kit::PATIENCE;
use test_kit::relay::{self, Script, timestamp};

pub(crate) const NODE: &str = "aks/node-1";

/// A relay of three nodes with these flows.
pub(crate) fn script(flows: impl Into<Vec<GetFlowsResponse>>) -> Script {
    Script {
        flows: flows.into(),
        nodes: vec![relay::node(NODE, 1)],
        status: ServerStatusResponse {
            version: "hubble-relay v1.20.0".to_owned(),
            num_connected_nodes: Some(3),
            ..ServerStatusResponse::default()
        },
        namespaces: vec!["pets"],
        ..Script::default()
    }
}

pub(crate) fn flow(secs: i64) -> GetFlowsResponse {
    relay::flow(NODE, secs * 1_000, |flow| flow.uuid = format!("flow-{secs}"))
}

pub(crate) fn lost(source: i32, count: u64, first: i64, last: i64) -> GetFlowsResponse {
    let time = |secs: i64| Some(timestamp(secs * 1_000));
    let event = LostEvent {
        source,
        num_events_lost: count,
        cpu: None,
        first: time(first),
        last: time(last),
    };
    GetFlowsResponse {
        node_name: NODE.to_owned(),
        time: time(last),
        response_types: Some(ResponseTypes::LostEvents(event)),
    }
}

pub(crate) fn config(address: SocketAddr) -> RelayConfig {
    RelayConfig::new(address.to_string())
}

pub(crate) fn client(address: SocketAddr) -> RelayClient {
    RelayClient::new(&config(address)).unwrap()
}

/// Messages of a stream, and its error.
pub(crate) async fn collect(stream: FlowStream) -> (Vec<FlowMessage>, Option<ClientError>) {
    let collected = async {
        let mut messages = Vec::new();
        let mut stream = stream;
        while let Some(message) = stream.next().await {
            match message {
                Ok(message) => messages.push(message),
                Err(error) => {
                    assert!(stream.next().await.is_none(), "the stream goes on after its error");
                    return (messages, Some(error));
                }
            }
        }
        (messages, None)
    };
    tokio::time::timeout(PATIENCE, collected).await.unwrap()
}

/// The error of a call that must fail.
pub(crate) async fn failure(client: &RelayClient) -> ClientError {
    let (messages, error) = collect(client.get_flows(FlowRequest::default())).await;
    assert_eq!(messages, []);
    error.unwrap()
}

/// The sentence, without what differs from run to run.
pub(crate) fn sentence(error: &ClientError, address: SocketAddr) -> String {
    error.user_message().replace(&address.port().to_string(), "PORT")
}
