//! A relay that answers every request with the same flows, as they lie in memory; a request with a
//! field mask gets what a node would leave of them for the columns of the bench.

use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hubble_api::pb::flow::{
    Endpoint, Flow, Http, HttpHeader, Ip, Layer4, Layer7, Tcp, Workload, layer4, layer7,
};
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::pb::observer::observer_server::{Observer, ObserverServer};
use hubble_api::pb::observer::{
    GetAgentEventsRequest, GetAgentEventsResponse, GetDebugEventsRequest, GetDebugEventsResponse,
    GetFlowsRequest, GetFlowsResponse, GetNamespacesRequest, GetNamespacesResponse,
    GetNodesRequest, GetNodesResponse, ServerStatusRequest, ServerStatusResponse,
};
use prost::Message;
use tonic::{Request, Response, Status};

/// Flows of about a kilobyte: five labels at each end, one in seven with an HTTP request.
pub(crate) fn flows(count: usize) -> Vec<GetFlowsResponse> {
    (0..count).map(flow).collect()
}

fn flow(index: usize) -> GetFlowsResponse {
    let second = i64::try_from(index / 100).unwrap_or_default();
    let time = Some(prost_types::Timestamp { seconds: 1_790_000_000 + second, nanos: 0 });
    let end = |workload: &str, number: usize| {
        let labels = ["io.kubernetes.pod.namespace=pets", "io.cilium.k8s.policy.cluster=aks"];
        let mut labels: Vec<String> = labels.iter().map(|label| format!("k8s:{label}")).collect();
        labels.push(format!("k8s:app={workload}"));
        labels.push("k8s:io.cilium.k8s.policy.serviceaccount=default".to_owned());
        labels
            .push("k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=pets".to_owned());
        Some(Endpoint {
            id: 100,
            identity: u32::try_from(10_000 + number).unwrap_or_default(),
            namespace: "pets".to_owned(),
            labels,
            pod_name: format!("{workload}-7d4b8c6f5-{number:05}"),
            workloads: vec![Workload { name: workload.to_owned(), kind: "Deployment".to_owned() }],
            ..Endpoint::default()
        })
    };
    let tcp = Tcp { source_port: 40_000, destination_port: 8_080, ..Tcp::default() };
    let http = (index.is_multiple_of(7)).then(|| Layer7 {
        r#type: 1,
        record: Some(layer7::Record::Http(Http {
            method: "GET".to_owned(),
            url: format!("http://order-service:3000/orders/{index}"),
            protocol: "HTTP/1.1".to_owned(),
            headers: vec![HttpHeader { key: "X-Request-Id".to_owned(), value: index.to_string() }],
            ..Http::default()
        })),
        ..Layer7::default()
    });
    let flow = Flow {
        time,
        uuid: format!("0f0e0d0c-0b0a-4908-8706-{index:012}"),
        verdict: if index.is_multiple_of(10) { 2 } else { 1 },
        ip: Some(Ip {
            source: format!("10.244.1.{}", index % 250),
            destination: format!("10.244.2.{}", index % 199),
            ip_version: 1,
            ..Ip::default()
        }),
        l4: Some(Layer4 { protocol: Some(layer4::Protocol::Tcp(tcp)) }),
        source: end("store-front", index % 40),
        destination: end("order-service", index % 30),
        r#type: if http.is_some() { 2 } else { 1 },
        l7: http,
        node_name: format!("aks-nodepool1-{}", index % 5),
        traffic_direction: 1,
        is_reply: Some(index % 2 == 1),
        ..Flow::default()
    };
    let node_name = flow.node_name.clone();
    GetFlowsResponse { node_name, time, response_types: Some(ResponseTypes::Flow(flow)) }
}

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
