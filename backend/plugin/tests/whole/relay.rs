//! A relay of which every answer is written by the test.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hubble_api::pb::flow::{Endpoint, Flow, Ip, Layer4, LostEvent, Tcp, Workload, layer4};
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::pb::observer::observer_server::{Observer, ObserverServer};
use hubble_api::pb::observer::{
    GetAgentEventsRequest, GetAgentEventsResponse, GetDebugEventsRequest, GetDebugEventsResponse,
    GetFlowsRequest, GetFlowsResponse, GetNamespacesRequest, GetNamespacesResponse,
    GetNodesRequest, GetNodesResponse, Namespace, Node, ServerStatusRequest, ServerStatusResponse,
};
use hubble_api::pb::relay::NodeStatusEvent;
use tonic::{Request, Response, Status};

use crate::raw_relay::RawFlows;

/// What the relay does.
#[derive(Clone)]
pub(crate) struct Script {
    /// Answers to `GetFlows`.
    pub(crate) flows: Vec<GetFlowsResponse>,
    /// Answers to `GetFlows` in bytes, instead of `flows`.
    pub(crate) raw_flows: Vec<Bytes>,
    /// How the stream ends, where not in good order.
    pub(crate) error: Option<Status>,
    /// Answers to `GetFlows` with `first`: the oldest flow of each node.
    pub(crate) oldest: Vec<GetFlowsResponse>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) status: ServerStatusResponse,
    pub(crate) namespaces: Vec<&'static str>,
    /// Keeps the stream open after the last answer.
    pub(crate) hangs: bool,
    /// Takes `number` as nodes do: that many of the newest of each.
    pub(crate) counts: bool,
    /// What becomes of a request with a field mask.
    pub(crate) masks: Masks,
}

/// How nodes take a field mask.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Masks {
    /// All fields come.
    #[default]
    Ignored,
    /// One node of the relay answers with an error, the others answer.
    RefusedByOne,
    /// There is no answer.
    Refused,
}

impl Default for Script {
    /// One node of a release that knows everything, and no flows.
    fn default() -> Self {
        Self {
            flows: Vec::new(),
            raw_flows: Vec::new(),
            error: None,
            oldest: Vec::new(),
            nodes: vec![node("aks-1", 1)],
            status: ServerStatusResponse::default(),
            namespaces: Vec::new(),
            hangs: false,
            counts: false,
            masks: Masks::Ignored,
        }
    }
}

/// A running relay.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    /// `GetFlows` requests so far, those for the oldest flows excluded.
    pub(crate) asked: Arc<Mutex<Vec<GetFlowsRequest>>>,
    /// Streams that are open.
    pub(crate) open: Arc<std::sync::atomic::AtomicUsize>,
}

impl Relay {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let open = Arc::default();
        let messages = Arc::new(script.raw_flows.clone());
        let service = Service { script, asked: Arc::clone(&asked), open: Arc::clone(&open) };
        // As every server in Go does; without it each answer takes 40 ms.
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener).map(|stream| {
            let stream = stream?;
            stream.set_nodelay(true)?;
            Ok::<_, std::io::Error>(stream)
        });
        let observer = ObserverServer::new(service);
        let mut server = tonic::transport::Server::builder();
        if messages.is_empty() {
            tokio::spawn(server.add_service(observer).serve_with_incoming(incoming));
        } else {
            let raw = RawFlows { messages, others: observer };
            tokio::spawn(server.add_service(raw).serve_with_incoming(incoming));
        }
        Self { address, asked, open }
    }

    pub(crate) fn source(&self) -> crate::host::Source {
        crate::host::Source::relay(&self.address.to_string())
    }
}

/// A flow of `node` at `time_ms`, from pod to pod over TCP.
pub(crate) fn flow(node: &str, time_ms: i64, change: impl Fn(&mut Flow)) -> GetFlowsResponse {
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

pub(crate) fn node_status(state: i32, nodes: &[&str], message: &str) -> GetFlowsResponse {
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

pub(crate) fn lost(node: &str, source: i32, count: u64) -> GetFlowsResponse {
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

pub(crate) fn node(name: &str, state: i32) -> Node {
    Node {
        name: name.to_owned(),
        state,
        version: "cilium v1.19.4+g75d3a68c".to_owned(),
        ..Node::default()
    }
}

pub(crate) fn timestamp(time_ms: i64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time_ms.div_euclid(1_000),
        nanos: i32::try_from(time_ms.rem_euclid(1_000)).unwrap() * 1_000_000,
    }
}

struct Service {
    script: Script,
    asked: Arc<Mutex<Vec<GetFlowsRequest>>>,
    open: Arc<std::sync::atomic::AtomicUsize>,
}

/// Counts a stream for as long as it lives.
struct Open(Arc<std::sync::atomic::AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
    }
}

type Answered<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Observer for Service {
    type GetFlowsStream = Answered<GetFlowsResponse>;
    type GetAgentEventsStream = Answered<GetAgentEventsResponse>;
    type GetDebugEventsStream = Answered<GetDebugEventsResponse>;

    async fn get_flows(
        &self,
        request: Request<GetFlowsRequest>,
    ) -> Result<Response<Self::GetFlowsStream>, Status> {
        let request = request.into_inner();
        if request.first {
            let oldest = self.script.oldest.clone();
            return Ok(Response::new(Box::pin(stream::iter(oldest).map(Ok))));
        }
        let is_masked = request.field_mask.is_some();
        self.asked.lock().unwrap().push(request.clone());
        let refused = || Status::unknown("invalid fieldmask");
        let mut flows = self.script.flows.clone();
        match self.script.masks {
            Masks::Refused if is_masked => return Err(refused()),
            Masks::RefusedByOne if is_masked => {
                flows.push(node_status(4, &["aks-9"], refused().message()));
            }
            _ => {}
        }
        if self.script.counts && request.number > 0 {
            let mut left = std::collections::BTreeMap::new();
            flows.sort_by_key(|flow| {
                std::cmp::Reverse(flow.time.map(|time| (time.seconds, time.nanos)))
            });
            flows.retain(|flow| {
                let left = left.entry(flow.node_name.clone()).or_insert(request.number);
                let is_wanted = *left > 0;
                *left = left.saturating_sub(1);
                is_wanted
            });
            flows.reverse();
        }
        self.open.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let open = Open(Arc::clone(&self.open));
        let answers = stream::iter(flows).map(Ok);
        let (hangs, error) = (self.script.hangs, self.script.error.clone());
        let end = stream::once(async move {
            let _open = open;
            if hangs {
                std::future::pending::<()>().await;
            }
            error
        });
        let end = end.filter_map(std::future::ready).map(Err);
        Ok(Response::new(Box::pin(answers.chain(end))))
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
        Ok(Response::new(GetNodesResponse { nodes: self.script.nodes.clone() }))
    }

    async fn get_namespaces(
        &self,
        _: Request<GetNamespacesRequest>,
    ) -> Result<Response<GetNamespacesResponse>, Status> {
        let namespace =
            |name: &&str| Namespace { namespace: (*name).to_owned(), cluster: String::new() };
        let namespaces = self.script.namespaces.iter().map(namespace).collect();
        Ok(Response::new(GetNamespacesResponse { namespaces }))
    }

    async fn server_status(
        &self,
        _: Request<ServerStatusRequest>,
    ) -> Result<Response<ServerStatusResponse>, Status> {
        Ok(Response::new(self.script.status.clone()))
    }
}
