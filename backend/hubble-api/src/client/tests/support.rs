//! Small relay, and servers that are not relays.

use crate::client::{FlowMessage, FlowRequest, FlowStream, RelayClient, RelayConfig, RelayError};
use crate::pb::flow::{Flow, LostEvent, Verdict};
use crate::pb::observer::get_flows_response::ResponseTypes;
use crate::pb::observer::observer_server::{Observer, ObserverServer};
use crate::pb::observer::{
    GetAgentEventsRequest, GetAgentEventsResponse, GetDebugEventsRequest, GetDebugEventsResponse,
    GetFlowsRequest, GetFlowsResponse, GetNamespacesRequest, GetNamespacesResponse,
    GetNodesRequest, GetNodesResponse, Namespace, Node, ServerStatusRequest, ServerStatusResponse,
};
use crate::pb::relay::NodeStatusEvent;
use futures_util::stream::{Stream, StreamExt, unfold};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};

/// Time limit, long enough for a slow machine and short enough for a hanging test.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Step of the relay's answer to one `GetFlows`; the stream ends after the last.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(Box<GetFlowsResponse>),
    Fail(Status),
    /// Sends nothing more and keeps the stream open.
    Hang,
}

/// Requests and events seen by the relay.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) requests: Mutex<Vec<GetFlowsRequest>>,
    pub(super) cancelled: Notify,
}

#[derive(Debug)]
struct Relay {
    /// One script per `GetFlows`; the last one is used repeatedly.
    scripts: Mutex<VecDeque<Vec<Step>>>,
    seen: Arc<Seen>,
}

/// Guard that signals when the server drops the stream before its end.
struct Cancelled {
    seen: Arc<Seen>,
    ended: bool,
}

type Answer<T> = Result<Response<T>, Status>;
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Observer for Relay {
    type GetFlowsStream = Answers<GetFlowsResponse>;
    type GetAgentEventsStream = Answers<GetAgentEventsResponse>;
    type GetDebugEventsStream = Answers<GetDebugEventsResponse>;

    async fn get_flows(&self, request: Request<GetFlowsRequest>) -> Answer<Self::GetFlowsStream> {
        self.seen.requests.lock().unwrap().push(request.into_inner());
        let mut scripts = self.scripts.lock().unwrap();
        let script = match scripts.len() {
            1 => scripts[0].clone(),
            _ => scripts.pop_front().unwrap_or_default(),
        };
        let guard = Cancelled { seen: Arc::clone(&self.seen), ended: false };
        let steps = unfold((script.into_iter(), guard), |(mut steps, mut guard)| async {
            match steps.next() {
                Some(Step::Send(response)) => Some((Ok(*response), (steps, guard))),
                Some(Step::Fail(status)) => Some((Err(status), (steps, guard))),
                Some(Step::Hang) => std::future::pending().await,
                None => {
                    guard.end();
                    None
                }
            }
        });
        Ok(Response::new(Box::pin(steps)))
    }

    async fn get_agent_events(
        &self,
        _request: Request<GetAgentEventsRequest>,
    ) -> Answer<Self::GetAgentEventsStream> {
        Err(Status::unimplemented("GetAgentEvents not yet implemented"))
    }

    async fn get_debug_events(
        &self,
        _request: Request<GetDebugEventsRequest>,
    ) -> Answer<Self::GetDebugEventsStream> {
        Err(Status::unimplemented("GetDebugEvents not yet implemented"))
    }

    async fn get_nodes(&self, _request: Request<GetNodesRequest>) -> Answer<GetNodesResponse> {
        let node = Node { name: "aks/node-1".to_owned(), ..Node::default() };
        Ok(Response::new(GetNodesResponse { nodes: vec![node] }))
    }

    async fn get_namespaces(
        &self,
        _request: Request<GetNamespacesRequest>,
    ) -> Answer<GetNamespacesResponse> {
        let pets = Namespace { namespace: "pets".to_owned(), ..Namespace::default() };
        Ok(Response::new(GetNamespacesResponse { namespaces: vec![pets] }))
    }

    async fn server_status(
        &self,
        _request: Request<ServerStatusRequest>,
    ) -> Answer<ServerStatusResponse> {
        Ok(Response::new(ServerStatusResponse {
            version: "hubble-relay v1.20.0".to_owned(),
            num_connected_nodes: Some(3),
            ..ServerStatusResponse::default()
        }))
    }
}

impl Cancelled {
    fn end(&mut self) {
        self.ended = true;
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if !self.ended {
            self.seen.cancelled.notify_one();
        }
    }
}

fn observer(scripts: impl IntoIterator<Item = Vec<Step>>) -> (ObserverServer<Relay>, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let scripts = Mutex::new(scripts.into_iter().collect());
    let relay = Relay { scripts, seen: Arc::clone(&seen) };
    (ObserverServer::new(relay).max_encoding_message_size(usize::MAX), seen)
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Relay in plain text that answers each `GetFlows` with the next script.
pub(super) async fn plain_relay(
    scripts: impl IntoIterator<Item = Vec<Step>>,
) -> (SocketAddr, Arc<Seen>) {
    let (listener, address) = listen().await;
    let (observer, seen) = observer(scripts);
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(Server::builder().add_service(observer).serve_with_incoming(incoming));
    (address, seen)
}

/// Relay with TLS that answers any `GetFlows` with one flow.
pub(super) async fn tls_relay(config: rustls::ServerConfig) -> SocketAddr {
    let (listener, address) = listen().await;
    let (observer, _) = observer([vec![flow(1)]]);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (accepted, incoming) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // A refused client does not stop the relay.
            if let Ok(stream) = acceptor.accept(socket).await {
                let _ = accepted.send(Ok::<_, io::Error>(Accepted(stream))).await;
            }
        }
    });
    let incoming = ReceiverStream::new(incoming);
    tokio::spawn(Server::builder().add_service(observer).serve_with_incoming(incoming));
    address
}

/// Server that reads a little, answers the given bytes, and closes.
pub(super) async fn answering(bytes: &'static [u8]) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let mut asked = Vec::new();
                while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                    asked.extend_from_slice(&buffer[..read]);
                    if !asked.starts_with(b"PRI") || has_headers_frame(&asked) {
                        break;
                    }
                }
                let _ = socket.write_all(bytes).await;
                let _ = socket.shutdown().await;
                // Closing with unread bytes would reset the connection and lose the answer.
                while socket.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    address
}

/// Whether an HTTP/2 client has sent its request, before which an answer is not allowed.
fn has_headers_frame(asked: &[u8]) -> bool {
    const PREFACE_BYTES: usize = 24;
    let mut rest = asked.get(PREFACE_BYTES..).unwrap_or_default();
    while let Some(&[a, b, c, frame_type]) = rest.first_chunk() {
        if frame_type == 1 {
            return true;
        }
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        rest = rest.get(9 + len..).unwrap_or_default();
    }
    false
}

/// Server that accepts connections and sends nothing.
pub(super) async fn silent() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            kept.push(socket);
        }
    });
    address
}

/// Closed port.
pub(super) async fn closed_port() -> SocketAddr {
    listen().await.1
}

/// Proxy to `target` that resets the connection at each signal of `cut`.
pub(super) async fn cuttable(target: SocketAddr, cut: Arc<Notify>) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            let cut = Arc::clone(&cut);
            tokio::spawn(async move {
                let mut there = TcpStream::connect(target).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut here, &mut there) => {}
                    () = cut.notified() => {
                        let socket = socket2::SockRef::from(&here);
                        socket.set_linger(Some(Duration::ZERO)).unwrap();
                    }
                }
            });
        }
    });
    address
}

pub(super) fn response(kind: ResponseTypes, secs: i64) -> Step {
    Step::Send(Box::new(GetFlowsResponse {
        node_name: "aks/node-1".to_owned(),
        time: Some(prost_types::Timestamp { seconds: secs, nanos: 0 }),
        response_types: Some(kind),
    }))
}

pub(super) fn flow(secs: i64) -> Step {
    let flow = Flow {
        uuid: format!("flow-{secs}"),
        verdict: Verdict::Dropped.into(),
        time: Some(prost_types::Timestamp { seconds: secs, nanos: 0 }),
        ..Flow::default()
    };
    response(ResponseTypes::Flow(flow), secs)
}

pub(super) fn node_status(state: i32, nodes: &[&str], message: &str) -> Step {
    let status = NodeStatusEvent {
        state_change: state,
        node_names: nodes.iter().map(|&node| node.to_owned()).collect(),
        message: message.to_owned(),
    };
    response(ResponseTypes::NodeStatus(status), 1)
}

pub(super) fn lost(source: i32, count: u64, first_secs: i64, last_secs: i64) -> Step {
    let lost = LostEvent {
        source,
        num_events_lost: count,
        cpu: None,
        first: Some(prost_types::Timestamp { seconds: first_secs, nanos: 0 }),
        last: Some(prost_types::Timestamp { seconds: last_secs, nanos: 0 }),
    };
    response(ResponseTypes::LostEvents(lost), last_secs)
}

pub(super) fn config(address: SocketAddr) -> RelayConfig {
    RelayConfig::new(address.to_string())
}

pub(super) fn client(address: SocketAddr) -> RelayClient {
    RelayClient::new(&config(address)).unwrap()
}

/// All messages of a stream, and the error that ended it.
pub(super) async fn collect(stream: FlowStream) -> (Vec<FlowMessage>, Option<RelayError>) {
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

/// Error of a call that must fail.
pub(super) async fn failure(client: &RelayClient) -> RelayError {
    let (messages, error) = collect(client.get_flows(FlowRequest::default())).await;
    assert_eq!(messages, []);
    error.unwrap()
}

/// User message, without the parts that vary between runs.
pub(super) fn sentence(error: &RelayError, address: SocketAddr) -> String {
    error.user_message().replace(&address.port().to_string(), "PORT")
}

/// TLS stream in the form for tonic's server.
struct Accepted(TlsStream<TcpStream>);

impl Connected for Accepted {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
