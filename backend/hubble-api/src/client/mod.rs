//! Client of Hubble Relay.
//!
//! Each relay has one connection, made at the first request and again after a break. Answers are
//! passed on in their wire form; statements of the relay about itself come as [`RelayNotice`]s, and
//! failures as [`ClientError`]s whose message says what to do.

mod address;
mod advice;
mod backoff;
mod certificate;
mod classify;
mod codec;
mod dial;
mod error;
mod error_text;
mod expiry;
mod flows;
mod followed;
mod handshake;
mod metrics;
mod state;
#[cfg(test)]
mod tests;
mod time_text;
mod tls;
mod trace;
mod verify;
mod wire_flow;

pub use crate::projection::{LostEventSource, NodeNames, RelayNotice, RelayNotices, is_refusal};
pub use address::{AddressError, DEFAULT_PORT, DEFAULT_TLS_PORT, RelayAddress};
pub use certificate::CertificateFacts;
pub use error::{ClientError, ConnectStage, PemError, PemKind};
pub use expiry::{CertificateRole, Expiry};
pub use flows::{FlowMessage, FlowRequest, FlowStream};
pub use followed::Followed;
pub use metrics::ClientMetrics;
pub use state::{NodeInfo, RelayStatus};
pub use tls::{ClientIdentity, Tls, TlsSettings};
pub use wire_flow::WireFlow;

use crate::pb::observer::observer_client::ObserverClient;
use crate::pb::observer::{GetNamespacesRequest, GetNodesRequest, ServerStatusRequest};
use backoff::{Backoff, RetryBudget};
use dial::Dialer;
use std::sync::Arc;
use std::time::Duration;
use tls::TlsClient;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Response, Status};

/// Default time limit for making a connection; the same as in `hubble`.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Default time limit for an answer.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Default limit on messages, in bytes; gRPC's own is 4 MiB.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Time between HTTP/2 pings, sent only while a request runs.
///
/// Hubble Relay sets no keep-alive policy of its own (pkg/hubble/relay/server), so grpc-go's
/// default holds: three pings less than 5 minutes apart while it sends nothing, and it closes the
/// connection with `too_many_pings` (`defaultKeepalivePolicyMinTime`, `maxPingStrikes` in
/// internal/transport). Without a running request it even demands 2 hours. TCP keep-alive, which no
/// policy limits, detects vanished machines sooner.
const PING_INTERVAL: Duration = Duration::from_secs(5 * 60 + 20);
/// Time limit for the relay's answer to a ping.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes that the relay may send ahead. Fixed, because a measurement takes pings, too.
const STREAM_WINDOW_BYTES: u32 = 2 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// Maximum number of retries if a connection breaks before the answer arrives.
const MAX_CALL_RETRIES: u32 = 2;

/// Settings of the connection to a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayConfig {
    /// Address in the form of [`RelayAddress`]. `tls://` and `https://` turn TLS on.
    pub address: String,
    /// Encryption of the connection.
    pub tls: Tls,
    /// Time limit for making a connection, TLS included.
    pub connect_timeout: Duration,
    /// Time limit for an answer up to its last flow; does not apply while following.
    pub request_timeout: Duration,
    /// Longest accepted message, in bytes.
    pub max_message_bytes: usize,
}

/// Client of one relay. Clones share one connection.
#[derive(Clone, Debug)]
pub struct RelayClient {
    dialer: Dialer,
    channel: Channel,
    request_timeout: Duration,
    max_message_bytes: usize,
    retries: Arc<RetryBudget>,
    metrics: ClientMetrics,
}

impl RelayConfig {
    /// Settings for an address, with default limits and in plain text unless the address says
    /// otherwise.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            tls: Tls::Off,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
        }
    }
}

impl RelayClient {
    /// Client for a relay. Connects at the first request. Must be called within a Tokio runtime.
    ///
    /// Errors: the address, a certificate, a key or the server name cannot be used.
    pub fn new(config: &RelayConfig) -> Result<Self, ClientError> {
        let address = RelayAddress::parse(&config.address).map_err(ClientError::Address)?;
        let default_settings = TlsSettings::default();
        let settings = match (&config.tls, address.tls) {
            (Tls::On(_), Some(false)) => {
                return Err(ClientError::SchemeAgainstTls { address: config.address.clone() });
            }
            (Tls::On(settings), _) => Some(settings),
            (Tls::Off, Some(true)) => Some(&default_settings),
            (Tls::Off, _) => None,
        };
        let tls = settings.map(|settings| TlsClient::new(settings, address.host())).transpose()?;
        let address = address.with_default_port(tls.is_some());
        let uri = authority(&address, tls.as_ref(), &config.address)?;
        let dialer = Dialer::new(address, tls, config.connect_timeout);
        let channel = Endpoint::from(uri)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(false)
            .connect_with_connector_lazy(dialer.clone());
        Ok(Self {
            dialer,
            channel,
            request_timeout: config.request_timeout,
            max_message_bytes: config.max_message_bytes,
            retries: Arc::default(),
            metrics: ClientMetrics::default(),
        })
    }

    /// The client, counting in `metrics`.
    #[must_use]
    pub fn counted(self, metrics: ClientMetrics) -> Self {
        Self { metrics, ..self }
    }

    /// Address of the relay for messages: `host:port`.
    pub fn address(&self) -> String {
        self.dialer.address()
    }

    /// Generated client on the same connection, for tests that read fields the typed calls leave out.
    #[cfg(feature = "pb")]
    pub fn observer(&self) -> ObserverClient<Channel> {
        ObserverClient::new(self.channel.clone())
    }

    /// Requests flows. Errors arrive in the stream.
    pub fn get_flows(&self, request: FlowRequest) -> FlowStream {
        FlowStream::new(self.clone(), request, None)
    }

    /// Requests flows without end, from where an earlier stream of `followed` broke off. Errors arrive in
    /// the stream.
    pub fn follow(&self, request: FlowRequest, followed: &Followed) -> FlowStream {
        let request = FlowRequest { follow: true, ..request };
        FlowStream::new(self.clone(), request, Some(followed.clone()))
    }

    /// Version, uptime and fill level of the ring buffers, summed over all nodes.
    ///
    /// Errors: the relay cannot be reached, or does not answer in time.
    pub async fn server_status(&self) -> Result<RelayStatus, ClientError> {
        let ask = |mut client: ObserverClient<Channel>| async move {
            client.server_status(ServerStatusRequest {}).await
        };
        Ok(self.call(ask).await?.into())
    }

    /// Nodes that the relay knows, with their states.
    ///
    /// Errors: the relay cannot be reached, or does not answer in time.
    pub async fn nodes(&self) -> Result<Vec<NodeInfo>, ClientError> {
        let ask = |mut client: ObserverClient<Channel>| async move {
            client.get_nodes(GetNodesRequest {}).await
        };
        Ok(self.call(ask).await?.nodes.into_iter().map(NodeInfo::from).collect())
    }

    /// Namespaces with flows within the last hour.
    ///
    /// Errors: the relay cannot be reached, or does not answer in time.
    pub async fn namespaces(&self) -> Result<Vec<String>, ClientError> {
        let ask = |mut client: ObserverClient<Channel>| async move {
            client.get_namespaces(GetNamespacesRequest {}).await
        };
        let namespaces = self.call(ask).await?.namespaces;
        Ok(namespaces.into_iter().map(|namespace| namespace.namespace).collect())
    }

    /// Makes a call, and repeats it if the connection breaks.
    async fn call<T, F>(
        &self,
        call: impl Fn(ObserverClient<Channel>) -> F,
    ) -> Result<T, ClientError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let deadline = Instant::now() + self.request_timeout;
        let mut backoff = Backoff::new(MAX_CALL_RETRIES);
        let mut broke = false;
        self.retries.count_request();
        loop {
            let client = ObserverClient::new(self.channel.clone())
                .max_decoding_message_size(self.max_message_bytes);
            let status = match timeout_at(deadline, call(client)).await {
                Err(_) => return Err(self.timed_out(0)),
                Ok(Ok(response)) => return Ok(response.into_inner()),
                Ok(Err(status)) => status,
            };
            let error = classify::call_error(status, &self.dialer, self.max_message_bytes, 0).await;
            broke |= matches!(error, ClientError::Broken { .. });
            if !broke || !error.is_transient() {
                return Err(error);
            }
            let Some(delay) = backoff.next_delay() else { return Err(error) };
            if Instant::now() + delay >= deadline || !self.retries.take_retry() {
                return Err(error);
            }
            self.metrics.retries.inc();
            sleep(delay).await;
        }
    }

    fn timed_out(&self, flows_received: u64) -> ClientError {
        let trace = self.dialer.latest();
        let (address, after, stage) = (self.address(), self.request_timeout, trace.stage());
        match stage {
            Some(stage) if flows_received == 0 => {
                ClientError::ConnectTimedOut { address, after, stage }
            }
            _ => {
                let silent = stage.is_none() && trace.wire_head().is_empty();
                ClientError::TimedOut { address, after, flows_received, silent }
            }
        }
    }

    fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    fn retries(&self) -> &RetryBudget {
        &self.retries
    }

    fn metrics(&self) -> &ClientMetrics {
        &self.metrics
    }

    fn max_message_bytes(&self) -> usize {
        self.max_message_bytes
    }
}

/// Host in the requests. As in grpc-go, it is the configured name of the certificate, if there is
/// one; the dialer alone determines the route to the relay.
fn authority(
    address: &RelayAddress,
    tls: Option<&TlsClient>,
    configured: &str,
) -> Result<Uri, ClientError> {
    let authority = match (address.host(), tls) {
        (Some(host), Some(tls)) if tls.server_name.to_str() != host => {
            tls.server_name.to_str().into_owned()
        }
        _ => address.authority().unwrap_or_else(|| "localhost".to_owned()),
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build().map_err(|_| {
        ClientError::Address(AddressError::Host {
            address: configured.to_owned(),
            host: address.host().unwrap_or_default().to_owned(),
        })
    })
}
