//! A relay with scripted answers.

mod accepted;
mod messages;
mod raw;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hubble_api::pb::observer::observer_server::{Observer, ObserverServer};
use hubble_api::pb::observer::{
    GetAgentEventsRequest, GetAgentEventsResponse, GetDebugEventsRequest, GetDebugEventsResponse,
    GetFlowsRequest, GetFlowsResponse, GetNamespacesRequest, GetNamespacesResponse,
    GetNodesRequest, GetNodesResponse, Namespace, Node, ServerStatusRequest, ServerStatusResponse,
};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use self::accepted::Accepted;
pub use self::messages::{flow, lost, node, node_status, timestamp};
use self::raw::RawFlows;
use crate::sockets;
use crate::until;

/// The answers of a relay.
#[derive(Clone, Debug)]
pub struct Script {
    /// Answers to the first requests for flows, one request each, after which the stream stays open.
    pub interrupted: Vec<Vec<GetFlowsResponse>>,
    /// Answers to `GetFlows`.
    pub flows: Vec<GetFlowsResponse>,
    /// Answers to `GetFlows` as bytes, instead of `flows`.
    pub raw_flows: Vec<Bytes>,
    /// The error at the end of the stream, if any.
    pub error: Option<Status>,
    /// Answers to `GetFlows` with `first`: the oldest flow of each node.
    pub oldest: Vec<GetFlowsResponse>,
    /// Answer to `GetNodes`.
    pub nodes: Vec<Node>,
    /// Answer to `ServerStatus`.
    pub status: ServerStatusResponse,
    /// Answer to `GetNamespaces`.
    pub namespaces: Vec<&'static str>,
    /// Sends `flows` again and again, each message after this time; zero: as fast as they are read.
    pub repeats: Option<Duration>,
    /// Keeps the stream open after the last answer.
    pub hangs: bool,
    /// Time between the last answer and the end of the stream.
    pub lasts: Duration,
    /// What nodes apply of a request.
    pub rings: Rings,
    /// Number of requests whose streams end; those of later ones stay open after the last answer.
    pub ends: Option<usize>,
    /// The reaction to a request with a field mask.
    pub masks: Masks,
    /// Keeps no requests, so that any number of them take no memory; [`Relay::asked`] is then empty.
    pub forgets: bool,
}

/// The message of a node that refuses a field mask.
const INVALID_MASK: &str = "invalid fieldmask";

/// What nodes apply of a request for flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rings {
    /// Nothing: all flows are sent.
    #[default]
    Sent,
    /// `number`: the newest flows of each node, up to that many.
    Counted,
    /// `since`, `until` and `number`, each node to its ring in the order of `flows`.
    Read,
}

/// Reactions of nodes to a field mask.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Masks {
    /// The mask has no effect: all fields are sent.
    #[default]
    Ignored,
    /// These flows are sent instead.
    Answered(Vec<GetFlowsResponse>),
    /// One node of the relay reports an error, the others send flows.
    RefusedByOne,
    /// The request fails.
    Refused,
}

impl Default for Script {
    /// One node of the newest release, without flows.
    fn default() -> Self {
        Self {
            interrupted: Vec::new(),
            flows: Vec::new(),
            raw_flows: Vec::new(),
            error: None,
            oldest: Vec::new(),
            nodes: vec![node("aks-1", 1)],
            status: ServerStatusResponse::default(),
            namespaces: Vec::new(),
            repeats: None,
            hangs: false,
            lasts: Duration::ZERO,
            rings: Rings::Sent,
            ends: None,
            masks: Masks::Ignored,
            forgets: false,
        }
    }
}

/// A running relay.
#[derive(Debug)]
pub struct Relay {
    /// The address that it listens on.
    pub address: SocketAddr,
    asked: watch::Sender<Vec<GetFlowsRequest>>,
    asked_for_oldest: Arc<Mutex<Vec<GetFlowsRequest>>>,
    open: watch::Sender<usize>,
    most_open: Arc<AtomicUsize>,
    gathered: Arc<AtomicUsize>,
}

impl Relay {
    /// Starts a relay in plain text.
    pub async fn start(script: Script) -> Self {
        let (listener, address) = sockets::listen().await;
        let relay = Self::at(address);
        // Servers in Go set this too; without it each answer takes 40 ms.
        let incoming = TcpListenerStream::new(listener).map(|stream| {
            let stream = stream?;
            stream.set_nodelay(true)?;
            Ok::<_, io::Error>(stream)
        });
        let messages = Arc::new(script.raw_flows.clone());
        let observer = relay.observer(script);
        if messages.is_empty() {
            let server = Server::builder().add_service(observer);
            tokio::spawn(server.serve_with_incoming(incoming));
        } else {
            let server = Server::builder().add_service(RawFlows { messages, others: observer });
            tokio::spawn(server.serve_with_incoming(incoming));
        }
        relay
    }

    /// Starts a relay behind TLS.
    pub async fn start_tls(script: Script, mut config: rustls::ServerConfig) -> Self {
        config.alpn_protocols = vec![b"h2".to_vec()];
        let (listener, address) = sockets::listen().await;
        let relay = Self::at(address);
        let server = Server::builder().add_service(relay.observer(script));
        tokio::spawn(server.serve_with_incoming(ReceiverStream::new(accepted(listener, config))));
        relay
    }

    fn at(address: SocketAddr) -> Self {
        Self {
            address,
            asked: watch::Sender::default(),
            asked_for_oldest: Arc::default(),
            open: watch::Sender::default(),
            most_open: Arc::default(),
            gathered: Arc::default(),
        }
    }

    fn observer(&self, script: Script) -> ObserverServer<Service> {
        let interrupted = Mutex::new(script.interrupted.clone().into());
        let service = Service {
            script,
            interrupted,
            asked: self.asked.clone(),
            asked_for_oldest: Arc::clone(&self.asked_for_oldest),
            open: self.open.clone(),
            most_open: Arc::clone(&self.most_open),
            gathered: Arc::clone(&self.gathered),
        };
        ObserverServer::new(service).max_encoding_message_size(usize::MAX)
    }

    /// `GetFlows` requests so far, those for the oldest flows excluded.
    pub fn asked(&self) -> Vec<GetFlowsRequest> {
        self.asked.borrow().clone()
    }

    /// `GetFlows` requests for the oldest flows so far.
    pub fn asked_for_oldest(&self) -> Vec<GetFlowsRequest> {
        self.asked_for_oldest.lock().unwrap().clone()
    }

    /// Waits for `count` requests of [`Relay::asked`].
    pub async fn asked_times(&self, count: usize) {
        until(&self.asked, |asked| asked.len() >= count).await;
    }

    /// The number of open streams of flows.
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// The most streams of flows that were open at once.
    pub fn most_open(&self) -> usize {
        self.most_open.load(Ordering::SeqCst)
    }

    /// The number of calls so far whose answers a relay gathers from all nodes: `GetNodes`, `GetNamespaces`,
    /// `ServerStatus`.
    pub fn gathered(&self) -> usize {
        self.gathered.load(Ordering::SeqCst)
    }

    /// Waits until `count` streams of flows are open.
    pub async fn has_open(&self, count: usize) {
        until(&self.open, |open| *open == count).await;
    }
}

fn accepted(
    listener: TcpListener,
    config: rustls::ServerConfig,
) -> mpsc::Receiver<io::Result<Accepted>> {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (accepted, incoming) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // A refused client does not stop the server.
            if let Ok(stream) = acceptor.accept(socket).await {
                drop(accepted.send(Ok(Accepted(stream))).await);
            }
        }
    });
    incoming
}

#[derive(Debug)]
struct Service {
    script: Script,
    interrupted: Mutex<VecDeque<Vec<GetFlowsResponse>>>,
    asked: watch::Sender<Vec<GetFlowsRequest>>,
    asked_for_oldest: Arc<Mutex<Vec<GetFlowsRequest>>>,
    open: watch::Sender<usize>,
    most_open: Arc<AtomicUsize>,
    gathered: Arc<AtomicUsize>,
}

/// A stream, counted while it lives.
struct Open(watch::Sender<usize>);

impl Open {
    fn new(open: &watch::Sender<usize>) -> Self {
        open.send_modify(|open| *open += 1);
        Self(open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Service {
    /// The answers to a request, and whether the stream stays open after them; `None` refuses the
    /// request.
    fn answer(&self, request: &GetFlowsRequest) -> Option<(Vec<GetFlowsResponse>, bool)> {
        if let Some(flows) = self.interrupted.lock().unwrap().pop_front() {
            return Some((flows, true));
        }
        let is_masked = request.field_mask.is_some();
        let mut flows = match &self.script.masks {
            Masks::Refused if is_masked => return None,
            Masks::Answered(masked) if is_masked => masked.clone(),
            _ => self.script.flows.clone(),
        };
        if is_masked && self.script.masks == Masks::RefusedByOne {
            flows.push(node_status(4, &["aks-9"], INVALID_MASK));
        }
        match self.script.rings {
            Rings::Counted if request.number > 0 => keep_newest(&mut flows, request.number),
            Rings::Read => flows = read_rings(flows, request),
            _ => {}
        }
        let is_late = self.script.ends.is_some_and(|ends| self.asked.borrow().len() > ends);
        Some((flows, self.script.hangs || is_late))
    }
}

/// Keeps the newest `number` flows of each node, oldest first.
fn keep_newest(flows: &mut Vec<GetFlowsResponse>, number: u64) {
    let mut left = BTreeMap::new();
    flows.sort_by_key(|flow| std::cmp::Reverse(flow.time.map(|time| (time.seconds, time.nanos))));
    flows.retain(|flow| {
        let left = left.entry(flow.node_name.clone()).or_insert(number);
        let is_wanted = *left > 0;
        *left = left.saturating_sub(1);
        is_wanted
    });
    flows.reverse();
}

/// What nodes send of their rings, oldest first (`newRingReader` and `eventsReader` of Cilium): a reader
/// goes back to the first flow before `since`, or by `number`, and forward to the first one after
/// `until`.
fn read_rings(flows: Vec<GetFlowsResponse>, request: &GetFlowsRequest) -> Vec<GetFlowsResponse> {
    let order = |time: &prost_types::Timestamp| (time.seconds, time.nanos);
    let time = |flow: &GetFlowsResponse| flow.time.as_ref().map(order);
    let mut rings: BTreeMap<String, Vec<GetFlowsResponse>> = BTreeMap::new();
    for flow in flows {
        rings.entry(flow.node_name.clone()).or_default().push(flow);
    }
    let mut sent = Vec::new();
    for ring in rings.into_values() {
        let start = match (&request.since, usize::try_from(request.number).unwrap()) {
            (Some(since), _) => {
                ring.iter().rposition(|flow| time(flow) < Some(order(since))).map_or(0, |at| at + 1)
            }
            (None, 0) => 0,
            (None, number) => ring.len().saturating_sub(number),
        };
        let until = request.until.as_ref().map(order);
        let is_late = |flow: &GetFlowsResponse| until.is_some_and(|until| time(flow) > Some(until));
        sent.extend(ring.into_iter().skip(start).take_while(|flow| !is_late(flow)));
    }
    sent
}

/// The messages again and again, each after `pace`.
fn repeated(
    messages: Vec<GetFlowsResponse>,
    pace: Duration,
) -> impl Stream<Item = GetFlowsResponse> {
    stream::iter(messages.into_iter().cycle()).then(move |message| async move {
        if pace.is_zero() {
            // Always ready, and yet a good neighbour: a task that never yields would not even send.
            tokio::task::consume_budget().await;
        } else {
            tokio::time::sleep(pace).await;
        }
        message
    })
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
            if !self.script.forgets {
                self.asked_for_oldest.lock().unwrap().push(request);
            }
            let oldest = self.script.oldest.clone();
            return Ok(Response::new(Box::pin(stream::iter(oldest).map(Ok))));
        }
        if !self.script.forgets {
            self.asked.send_modify(|asked| asked.push(request.clone()));
        }
        let open = Open::new(&self.open);
        self.most_open.fetch_max(*self.open.borrow(), Ordering::SeqCst);
        let refused = || Status::unknown(INVALID_MASK);
        let (flows, hangs) = self.answer(&request).ok_or_else(refused)?;
        let (error, lasts) = (self.script.error.clone(), self.script.lasts);
        let end = stream::once(async move {
            let _open = open;
            if !lasts.is_zero() {
                tokio::time::sleep(lasts).await;
            }
            if hangs {
                std::future::pending::<()>().await;
            }
            error
        });
        let end = end.filter_map(std::future::ready).map(Err);
        Ok(Response::new(match self.script.repeats {
            None => Box::pin(stream::iter(flows).map(Ok).chain(end)),
            Some(pace) => Box::pin(repeated(flows, pace).map(Ok).chain(end)),
        }))
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
        self.gathered.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(GetNodesResponse { nodes: self.script.nodes.clone() }))
    }

    async fn get_namespaces(
        &self,
        _: Request<GetNamespacesRequest>,
    ) -> Result<Response<GetNamespacesResponse>, Status> {
        self.gathered.fetch_add(1, Ordering::SeqCst);
        let namespace =
            |name: &&str| Namespace { namespace: (*name).to_owned(), cluster: String::new() };
        let namespaces = self.script.namespaces.iter().map(namespace).collect();
        Ok(Response::new(GetNamespacesResponse { namespaces }))
    }

    async fn server_status(
        &self,
        _: Request<ServerStatusRequest>,
    ) -> Result<Response<ServerStatusResponse>, Status> {
        self.gathered.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(self.script.status.clone()))
    }
}
