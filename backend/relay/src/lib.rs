//! Hubble Relay as a source of flows. A [`Plan`] says how its nodes are asked, by what the oldest of
//! them knows, and what is left to do here; [`Relay::newest`] collects the newest flows of a range,
//! [`Relay::scan`] hands over all of them one by one, [`Relay::follow`] goes on without end. Beside
//! the flows stands what they lack: nodes that did not answer, events that were lost and their
//! share, where the nodes' memory begins, certificates that end soon. Everything that is kept or
//! held is bounded.

mod answered;
mod buffers;
mod cached;
mod certificates;
mod clock;
mod lost;
mod newest;
mod nodes;
mod plan;
mod scan;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hubble_api::client::{
    ClientIdentity, Expiry, FlowRequest, FlowStream, NodeNames, RelayClient, RelayConfig,
    RelayNotices, Tls, TlsSettings,
};
use hubble_api::client::{DEFAULT_MAX_MESSAGE_BYTES, RelayError as ClientError};
use hubble_api::pb::observer::ServerStatusResponse;
use hubble_api::release::Release;

pub use self::buffers::BufferStart;
pub use self::cached::Cached;
pub use self::clock::now_ms;
pub use self::lost::{
    CountedOver, LostEvents, MAX_NODES as MAX_LOSS_NODES, NodeLoss, StartMarkers,
};
pub use self::newest::{Newest, NewestRequest};
pub use self::nodes::NodeInfo;
use self::nodes::Nodes;
pub use self::plan::{Plan, Remark};
pub use self::scan::{ScanRequest, Scanned};
pub use self::settings::{RelaySettings, RelayTls};

/// How long nodes are not asked with a mask after one has refused it.
const MASKS_REFUSED_MS: u64 = 600_000;

/// Why the relay has no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what happened, by its fields")]
pub enum RelayError {
    #[error(
        "no relay address is set for this data source: fill in `Relay address` in its settings"
    )]
    NotConfigured,
    #[error("{}", .0.user_message())]
    Client(ClientError),
    #[error(
        "nodes run Cilium {oldest}, which cannot filter by `{filter}`: that takes Cilium {since}"
    )]
    TooOld { filter: &'static str, since: Release, oldest: Release },
    #[error(
        "nodes run Cilium {oldest}, which does not record what the filter `{filter}` looks at: that takes Cilium {since}"
    )]
    NotRecorded { filter: &'static str, since: Release, oldest: Release },
    #[error("no node is connected{}", unreached(.missing))]
    NoNode { missing: NodeNames },
    #[error("{} refused the query: {message}", every(*.nodes))]
    Refused { nodes: usize, message: String },
    #[error("{} stopped answering: {message}", every(*.nodes))]
    Failed { nodes: usize, message: String },
}

fn every(nodes: usize) -> String {
    match nodes {
        1 => "the only connected node".to_owned(),
        nodes => format!("every one of {nodes} connected nodes"),
    }
}

fn unreached(missing: &NodeNames) -> String {
    let advice = "check that the Cilium agents run with Hubble enabled";
    if missing.is_empty() {
        return format!(": the relay knows of none; {advice}");
    }
    format!(": the relay cannot reach {missing}; {advice}")
}

impl From<ClientError> for RelayError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl RelayError {
    /// The HTTP status that Grafana should see.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotConfigured
            | Self::TooOld { .. }
            | Self::NotRecorded { .. }
            | Self::Refused { .. } => 400,
            Self::Client(error) if error.is_configuration() => 400,
            Self::Client(ClientError::TimedOut { .. } | ClientError::ConnectTimedOut { .. }) => 504,
            Self::Client(_) | Self::NoNode { .. } | Self::Failed { .. } => 502,
        }
    }
}

/// A relay, its connection and what is remembered of it.
#[derive(Debug)]
pub struct Relay {
    client: RelayClient,
    buffer_start: Cached<BufferStart>,
    kept_nodes: Cached<Arc<Nodes>>,
    expiries: Cached<Vec<Expiry>>,
    /// When a node last refused a mask, in milliseconds since `started`; 0: never.
    masks_refused_ms: AtomicU64,
    started: Instant,
}

impl Relay {
    /// Sets up the connection, which is made at the first request.
    ///
    /// Errors: the settings name no relay that could be asked.
    pub fn new(settings: &RelaySettings) -> Result<Self, RelayError> {
        let tls = match &settings.tls {
            None => Tls::Off,
            Some(tls) => Tls::On(TlsSettings {
                ca_pem: tls.ca_pem.as_ref().map(|pem| pem.reveal().to_owned()),
                identity: tls.client.as_ref().map(|(certificate, key)| ClientIdentity {
                    certificate_pem: certificate.reveal().to_owned(),
                    key_pem: key.reveal().to_owned(),
                }),
                server_name: tls.server_name.clone(),
                skip_verify: tls.skip_verify,
            }),
        };
        let client = RelayClient::new(&RelayConfig {
            address: settings.address.clone(),
            tls,
            connect_timeout: settings.connect_timeout,
            request_timeout: settings.request_timeout,
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
        })?;
        Ok(Self {
            client,
            buffer_start: Cached::new(buffers::TTL),
            kept_nodes: Cached::new(nodes::TTL),
            expiries: Cached::new(certificates::TTL),
            masks_refused_ms: AtomicU64::new(0),
            started: Instant::now(),
        })
    }

    /// Whether a node refused a mask a short time ago.
    fn masks_refused(&self) -> bool {
        let refused_ms = self.masks_refused_ms.load(Ordering::Relaxed);
        refused_ms > 0 && self.elapsed_ms().saturating_sub(refused_ms) < MASKS_REFUSED_MS
    }

    fn refuse_masks(&self) {
        self.masks_refused_ms.store(self.elapsed_ms(), Ordering::Relaxed);
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Flows as they come, without end. Errors come in the stream.
    pub fn follow(&self, request: FlowRequest) -> FlowStream {
        self.client.get_flows(request)
    }

    /// Version and fill of the buffers, over all nodes. Errors: [`RelayError`].
    pub async fn status(&self) -> Result<ServerStatusResponse, RelayError> {
        Ok(self.client.server_status().await?)
    }

    /// Namespaces with flows in the last hour, sorted.
    ///
    /// Errors: [`RelayError`]; no node is connected that could know one.
    pub async fn namespaces(&self) -> Result<Vec<String>, RelayError> {
        let namespaces = self.client.namespaces().await?.namespaces;
        let mut names: Vec<String> =
            namespaces.into_iter().map(|namespace| namespace.namespace).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            self.check_answered(&RelayNotices::default()).await?;
        }
        Ok(names)
    }
}
