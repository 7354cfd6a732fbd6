//! A relay that answers every request with the same flows, as they lie in memory; a request with a
//! field mask gets what a node would leave of them for the columns of the bench.

use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hubble_api::pb::flow::{Endpoint, Flow, Ip};
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::pb::observer::observer_server::{Observer, ObserverServer};
use hubble_api::pb::observer::{
    GetAgentEventsRequest, GetAgentEventsResponse, GetDebugEventsRequest, GetDebugEventsResponse,
    GetFlowsRequest, GetFlowsResponse, GetNamespacesRequest, GetNamespacesResponse,
    GetNodesRequest, GetNodesResponse, ServerStatusRequest, ServerStatusResponse,
};
use prost::Message;
use tonic::{Request, Response, Status};

/// Starts the relay on a port of the machine's choice. To be called within a Tokio runtime.
pub(super) async fn start(messages: Vec<Bytes>) -> std::io::Result<SocketAddr> {
    start_with(messages, masked).await
}

/// The same of a release before field masks: every answer has all fields.
pub(crate) async fn start_without_mask(messages: Vec<Bytes>) -> std::io::Result<SocketAddr> {
    start_with(messages, |response| response).await
}

async fn start_with(
    messages: Vec<Bytes>,
    masked: fn(GetFlowsResponse) -> GetFlowsResponse,
) -> std::io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answers: Vec<GetFlowsResponse> =
        messages.into_iter().filter_map(|bytes| GetFlowsResponse::decode(bytes).ok()).collect();
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener).map(|stream| {
        let stream = stream?;
        stream.set_nodelay(true)?;
        Ok::<_, std::io::Error>(stream)
    });
    let masked = answers.iter().cloned().map(masked).collect();
    let service = ObserverServer::new(Relay { answers, masked });
    tokio::spawn(
        tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming),
    );
    Ok(address)
}

struct Relay {
    answers: Vec<GetFlowsResponse>,
    masked: Vec<GetFlowsResponse>,
}

/// Of a flow, the fields that the mask for [`SHOWN`](super::SHOWN) names.
fn masked(mut response: GetFlowsResponse) -> GetFlowsResponse {
    let Some(ResponseTypes::Flow(flow)) = response.response_types.take() else { return response };
    let end = |end: Option<Endpoint>| {
        end.map(|end| Endpoint {
            namespace: end.namespace,
            pod_name: end.pod_name,
            ..Endpoint::default()
        })
    };
    let flow = Flow {
        time: flow.time,
        node_name: flow.node_name,
        verdict: flow.verdict,
        drop_reason_desc: flow.drop_reason_desc,
        ip: flow.ip.map(|ip| Ip {
            source: ip.source,
            destination: ip.destination,
            ..Ip::default()
        }),
        l4: flow.l4,
        source: end(flow.source),
        destination: end(flow.destination),
        ..Flow::default()
    };
    GetFlowsResponse { response_types: Some(ResponseTypes::Flow(flow)), ..response }
}

type Answered<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Observer for Relay {
    type GetFlowsStream = Answered<GetFlowsResponse>;
    type GetAgentEventsStream = Answered<GetAgentEventsResponse>;
    type GetDebugEventsStream = Answered<GetDebugEventsResponse>;

    async fn get_flows(
        &self,
        request: Request<GetFlowsRequest>,
    ) -> Result<Response<Self::GetFlowsStream>, Status> {
        let answers =
            if request.get_ref().field_mask.is_some() { &self.masked } else { &self.answers };
        Ok(Response::new(Box::pin(stream::iter(answers.clone()).map(Ok))))
    }

    async fn get_agent_events(
        &self,
        _: Request<GetAgentEventsRequest>,
    ) -> Result<Response<Self::GetAgentEventsStream>, Status> {
        Err(Status::unimplemented("not of a relay"))
    }

    async fn get_debug_events(
        &self,
        _: Request<GetDebugEventsRequest>,
    ) -> Result<Response<Self::GetDebugEventsStream>, Status> {
        Err(Status::unimplemented("not of a relay"))
    }

    async fn get_nodes(
        &self,
        _: Request<GetNodesRequest>,
    ) -> Result<Response<GetNodesResponse>, Status> {
        Ok(Response::new(GetNodesResponse::default()))
    }

    async fn get_namespaces(
        &self,
        _: Request<GetNamespacesRequest>,
    ) -> Result<Response<GetNamespacesResponse>, Status> {
        Ok(Response::new(GetNamespacesResponse::default()))
    }

    async fn server_status(
        &self,
        _: Request<ServerStatusRequest>,
    ) -> Result<Response<ServerStatusResponse>, Status> {
        Ok(Response::new(ServerStatusResponse::default()))
    }
}
