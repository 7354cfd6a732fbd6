use super::address::{RelayAddress, Target};
use super::certificate::CertificateFacts;
use super::error::{ClientError, ConnectStage};
use super::handshake::handshake_error;
use super::tls::TlsClient;
use super::trace::{Layer, Trace, Watched, lock};
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

/// Maximum number of addresses of one host to try.
const MAX_HOST_ADDRESSES: usize = 8;
/// Time limit for identifying a server after a failed connection.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Idle time after which the system checks whether the peer still runs. TCP does this, not HTTP/2,
/// because a gRPC server limits HTTP/2 pings (see [`super::PING_INTERVAL`]) but not TCP
/// keep-alives.
const TCP_KEEP_ALIVE_TIME: Duration = Duration::from_secs(30);
const TCP_KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const TCP_KEEP_ALIVE_RETRIES: u32 = 3;

/// Connector to one relay. tonic calls it for the first connection, and again after each break.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    address: RelayAddress,
    tls: Option<TlsClient>,
    connect_timeout: Duration,
    latest: Mutex<Arc<Trace>>,
}

/// Connection over any transport.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(super) type Connection = TokioIo<Box<dyn Stream>>;

impl Dialer {
    pub(super) fn new(
        address: RelayAddress,
        tls: Option<TlsClient>,
        connect_timeout: Duration,
    ) -> Self {
        let latest = Mutex::default();
        Self { shared: Arc::new(Shared { address, tls, connect_timeout, latest }) }
    }

    /// Address of the relay for messages.
    pub(super) fn address(&self) -> String {
        self.shared.address.to_string()
    }

    pub(super) fn tls(&self) -> Option<&TlsClient> {
        self.shared.tls.as_ref()
    }

    /// Trace of the newest connection.
    pub(super) fn latest(&self) -> Arc<Trace> {
        Arc::clone(&lock(&self.shared.latest))
    }

    async fn dial(self) -> Result<Connection, ClientError> {
        let trace = Arc::new(Trace::default());
        *lock(&self.shared.latest) = Arc::clone(&trace);
        let stream = self.stream(&trace).await;
        trace.note_stage(None);
        Ok(TokioIo::new(stream?))
    }

    async fn stream(&self, trace: &Arc<Trace>) -> Result<Box<dyn Stream>, ClientError> {
        let deadline = Instant::now() + self.shared.connect_timeout;
        let socket = self.connect(deadline, trace).await?;
        let socket = Watched::new(socket, Arc::clone(trace), Layer::Wire);
        match &self.shared.tls {
            None => Ok(Box::new(socket)),
            Some(tls) => {
                trace.note_stage(Some(ConnectStage::Handshake));
                let connector = TlsConnector::from(tls.config(trace));
                let handshake = connector.connect(tls.server_name.clone(), socket);
                let stream = timeout_at(deadline, handshake)
                    .await
                    .map_err(|_| self.timed_out(ConnectStage::Handshake))?
                    .map_err(|error| handshake_error(self.address(), error, trace, tls))?;
                Ok(Box::new(Watched::new(stream, Arc::clone(trace), Layer::Plain)))
            }
        }
    }

    async fn connect(
        &self,
        deadline: Instant,
        trace: &Trace,
    ) -> Result<Box<dyn Stream>, ClientError> {
        match &self.shared.address.target {
            Target::Unix { path } => {
                trace.note_stage(Some(ConnectStage::Connect));
                let stream = timeout_at(deadline, UnixStream::connect(path))
                    .await
                    .map_err(|_| self.timed_out(ConnectStage::Connect))?
                    .map_err(|error| self.connect_error(error))?;
                Ok(Box::new(stream))
            }
            Target::Tcp { host, port } => {
                let port = port.unwrap_or(super::DEFAULT_PORT);
                trace.note_stage(Some(ConnectStage::Resolve));
                let addresses = timeout_at(deadline, lookup_host((host.as_str(), port)))
                    .await
                    .map_err(|_| self.timed_out(ConnectStage::Resolve))?
                    .map_err(|error| ClientError::NameNotResolved {
                        host: host.clone(),
                        source: Arc::new(error),
                    })?;
                trace.note_stage(Some(ConnectStage::Connect));
                let stream = self.connect_any(addresses.collect(), deadline).await?;
                // Both options only save time, so a system may lack them.
                let _ = stream.set_nodelay(true);
                let keep_alive = TcpKeepalive::new()
                    .with_time(TCP_KEEP_ALIVE_TIME)
                    .with_interval(TCP_KEEP_ALIVE_INTERVAL)
                    .with_retries(TCP_KEEP_ALIVE_RETRIES);
                let _ = SockRef::from(&stream).set_tcp_keepalive(&keep_alive);
                Ok(Box::new(stream))
            }
        }
    }

    /// Tries the addresses in turn, each for its share of the remaining time.
    async fn connect_any(
        &self,
        addresses: Vec<SocketAddr>,
        deadline: Instant,
    ) -> Result<TcpStream, ClientError> {
        let mut failure = None;
        let mut left = u32::try_from(addresses.len().min(MAX_HOST_ADDRESSES)).unwrap_or(1);
        for address in addresses.into_iter().take(MAX_HOST_ADDRESSES) {
            let share = deadline.saturating_duration_since(Instant::now()) / left.max(1);
            left -= 1;
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = Some(self.connect_error(error)),
                Err(_) => {
                    failure.get_or_insert_with(|| self.timed_out(ConnectStage::Connect));
                }
            }
        }
        Err(failure.unwrap_or_else(|| ClientError::NameNotResolved {
            host: self.shared.address.host().unwrap_or_default().to_owned(),
            source: Arc::new(io::Error::other("the name has no address")),
        }))
    }

    fn connect_error(&self, error: io::Error) -> ClientError {
        let address = self.address();
        let refused = error.kind() == io::ErrorKind::ConnectionRefused;
        let source = Arc::new(error);
        if refused {
            ClientError::Refused { address, source }
        } else {
            ClientError::Unreachable { address, source }
        }
    }

    fn timed_out(&self, stage: ConnectStage) -> ClientError {
        let after = self.shared.connect_timeout;
        ClientError::ConnectTimedOut { address: self.address(), after, stage }
    }

    /// Certificate chain that the relay presents on a new connection. A long-lived connection began
    /// with an earlier one.
    pub(super) async fn chain_now(&self) -> Option<Vec<CertificateFacts>> {
        let tls = self.shared.tls.as_ref()?;
        let trace = Arc::new(Trace::default());
        let deadline = Instant::now() + PROBE_TIMEOUT;
        let socket = self.connect(deadline, &trace).await.ok()?;
        let connector = TlsConnector::from(tls.config(&trace));
        // As in `probe_tls`, only the presented certificate matters.
        let _ = timeout_at(deadline, connector.connect(tls.server_name.clone(), socket)).await;
        Some(trace.server_chain()).filter(|chain| !chain.is_empty())
    }

    /// Certificate of a server that does not speak plain text, if it speaks TLS.
    pub(super) async fn probe_tls(&self) -> Option<CertificateFacts> {
        let tls = TlsClient::probe(self.shared.address.host()).ok()?;
        let trace = Arc::new(Trace::default());
        let deadline = Instant::now() + PROBE_TIMEOUT;
        let socket = self.connect(deadline, &trace).await.ok()?;
        let connector = TlsConnector::from(tls.config(&trace));
        // The result of the handshake does not matter: the server presents its certificate before.
        let _ = timeout_at(deadline, connector.connect(tls.server_name.clone(), socket)).await;
        trace.server_certificate()
    }
}

impl tower::Service<http::Uri> for Dialer {
    type Response = Connection;
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, ClientError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    /// tonic's form of the address is ignored, because our own was parsed before.
    fn call(&mut self, _uri: http::Uri) -> Self::Future {
        Box::pin(self.clone().dial())
    }
}
