//! Hubble Relay as a source of flows.
//!
//! - A [`Plan`] adapts a request to the oldest Cilium release among the nodes, and says which
//!   filters remain to be applied here.
//! - [`Relay::newest`] collects the newest flows of a range, [`Relay::newest_in_slices`] hands them over
//!   piece by piece, [`Relay::scan`] hands over all of them one by one, and [`Relay::follow`] continues without end.
//! - Every answer comes with its gaps: nodes that did not answer, lost events and their share, the
//!   start of the nodes' buffers, and certificates that expire soon.
//!
//! Everything that is kept in memory is bounded.

mod answered;
mod batch;
mod buffers;
mod cached;
mod certificates;
mod clock;
mod lost;
mod metrics;
mod newest;
mod nodes;
mod plan;
mod scan;
mod scan_request;
mod sent;
mod settings;
mod shared_scans;
mod slices;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use budget::{Busy, Flights, Gate, GateLoad, OutOfMemory};
use hubble_api::client::{ClientError, DEFAULT_MAX_MESSAGE_BYTES};
use hubble_api::client::{
    ClientIdentity, Expiry, FlowRequest, FlowStream, Followed, NodeNames, RelayClient, RelayConfig,
    RelayNotices, RelayStatus, Tls, TlsSettings,
};
use hubble_api::release::Release;

pub use hubble_api::client::NodeInfo;

pub use self::buffers::BufferStart;
pub use self::cached::{Cached, ERRORS_KEPT};
pub use self::clock::now_ms;
pub use self::lost::{
    CountedOver, LostEvents, MAX_NODES as MAX_LOSS_NODES, NodeLoss, StartMarkers,
};
pub use self::metrics::RelayMetrics;
use self::newest::{Collected, NewestKey};
pub use self::newest::{Newest, NewestRequest};
pub use self::nodes::KnownNodes;
use self::nodes::Nodes;
pub use self::plan::{Plan, PlanNotice};
pub use self::scan::Scanned;
pub use self::scan_request::ScanRequest;
pub use self::settings::{RelaySettings, RelayTls};
use self::shared_scans::Scans;
pub use self::slices::NewestSlices;

/// Time without masks after a node refused one, in milliseconds.
const MASKS_REFUSED_MS: u64 = 600_000;

/// Reason why the relay has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RelayError {
    /// The data source's settings hold no address.
    #[error(
        "no relay address is set for this data source: fill in `Relay address` in its settings"
    )]
    NotConfigured,
    /// A Unix socket of Grafana's machine, which the server's administrator did not allow.
    #[error(
        "relay address `{address}` is a Unix socket of Grafana's machine: the server's administrator allows such addresses by `allow_unix_relays = true` in `[plugin.k8snet-hubble-datasource]` of Grafana's configuration"
    )]
    Socket {
        /// Address in the settings.
        address: String,
    },
    /// Too many scans run already.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The flows need more memory than is free.
    #[error(transparent)]
    OutOfMemory(#[from] OutOfMemory),
    /// A scan that ended without an answer, by a fault of the plugin.
    #[error("reading flows stopped inside the plugin: please report it with Grafana's log")]
    Stopped,
    /// The client's error: connection, TLS, or an answer of the relay itself.
    #[error("{}", .0.user_message())]
    Client(ClientError),
    /// A filter that the nodes do not have and that cannot be applied here.
    #[error(
        "nodes run Cilium {oldest}, which cannot filter by `{filter}`: this needs Cilium {since} or later"
    )]
    TooOld {
        /// Name of the filter's field.
        filter: &'static str,
        /// First release that has it.
        since: Release,
        /// Oldest release of a node.
        oldest: Release,
    },
    /// A filter by a field that the nodes do not record.
    #[error(
        "nodes run Cilium {oldest}, which does not record the field that the filter `{filter}` uses: this needs Cilium {since} or later"
    )]
    NotRecorded {
        /// Name of the filter's field.
        filter: &'static str,
        /// First release that has it.
        since: Release,
        /// Oldest release of a node.
        oldest: Release,
    },
    /// No node is connected to the relay.
    #[error("no node is connected{}", unreached(.missing))]
    NoNode {
        /// Nodes that the relay cannot reach; empty if it does not know any.
        missing: NodeNames,
    },
    /// Every connected node refused the query.
    #[error("{} refused the query: {message}", every(*.nodes))]
    Refused {
        /// Number of connected nodes.
        nodes: usize,
        /// The nodes' messages.
        message: String,
    },
    /// Every connected node stopped answering.
    #[error("{} stopped answering: {message}", every(*.nodes))]
    Failed {
        /// Number of connected nodes.
        nodes: usize,
        /// The nodes' messages.
        message: String,
    },
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
        return format!(": the relay does not know any nodes; {advice}");
    }
    format!(": the relay cannot reach {missing}; {advice}")
}

impl From<ClientError> for RelayError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl RelayError {
    /// The HTTP status for Grafana.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotConfigured
            | Self::Socket { .. }
            | Self::TooOld { .. }
            | Self::NotRecorded { .. }
            | Self::Refused { .. } => 400,
            Self::Busy(_) | Self::OutOfMemory(_) => 503,
            Self::Client(error) if error.is_configuration() => 400,
            Self::Client(ClientError::TimedOut { .. } | ClientError::ConnectTimedOut { .. }) => 504,
            Self::Client(_) | Self::NoNode { .. } | Self::Failed { .. } => 502,
            Self::Stopped => 500,
        }
    }
}

/// Time for which callers share an answer that should be fresh, or its error: the relay asks all nodes for one.
const MOMENT: Duration = Duration::from_secs(1);
/// Time for which the namespaces are reused: all variables of a dashboard ask for them at once.
const NAMESPACES_KEPT: Duration = Duration::from_secs(5);

/// A relay: its connection, and cached answers.
#[derive(Debug)]
pub struct Relay {
    client: RelayClient,
    /// Bound on the scans at once, over all data sources with this relay.
    gate: Gate,
    scans: Scans,
    newest: Flights<NewestKey, Collected, RelayError>,
    /// An absent error: no answer in time.
    buffer_start: Cached<BufferStart, Option<RelayError>>,
    kept_nodes: Cached<Arc<Nodes>, ()>,
    /// Answers that the relay gathers from all nodes, for callers of the same moment.
    fresh_nodes: Cached<Vec<NodeInfo>, RelayError>,
    fresh_status: Cached<RelayStatus, RelayError>,
    namespaces: Cached<Vec<String>, RelayError>,
    expiries: Cached<Vec<Expiry>, Vec<Expiry>>,
    /// Time at which a node last refused a mask, in milliseconds since `started`; 0: never.
    masks_refused_ms: AtomicU64,
    started: Instant,
}

impl Relay {
    /// Prepares the connection, which opens with the first request. Scans take permits of `gate`.
    ///
    /// Errors: the settings hold no usable address.
    pub fn new(settings: &RelaySettings, gate: Gate) -> Result<Self, RelayError> {
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
            gate,
            scans: Scans::default(),
            newest: Flights::default(),
            buffer_start: Cached::new(buffers::TTL, ERRORS_KEPT),
            kept_nodes: Cached::new(nodes::TTL, ERRORS_KEPT),
            fresh_nodes: Cached::new(MOMENT, MOMENT),
            fresh_status: Cached::new(MOMENT, MOMENT),
            namespaces: Cached::new(NAMESPACES_KEPT, MOMENT),
            expiries: Cached::new(certificates::TTL, Duration::ZERO),
            masks_refused_ms: AtomicU64::new(0),
            started: Instant::now(),
        })
    }

    /// The relay, counting in `metrics`.
    #[must_use]
    pub fn counted(self, metrics: RelayMetrics) -> Self {
        Self {
            client: self.client.counted(metrics.client),
            newest: Flights::counted(metrics.scans.clone()),
            scans: Scans::counted(metrics.scans),
            kept_nodes: self.kept_nodes.counted(metrics.nodes),
            buffer_start: self.buffer_start.counted(metrics.buffer_start),
            ..self
        }
    }

    /// The present load of the gate for scans, over all data sources with this relay.
    pub fn load(&self) -> GateLoad {
        self.gate.load()
    }

    /// Whether a node refused a mask recently.
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

    /// New flows, without end, from where an earlier stream of `followed` broke off. Errors come in the
    /// stream.
    pub fn follow(&self, request: FlowRequest, followed: &Followed) -> FlowStream {
        self.client.follow(request, followed)
    }

    /// Version and buffer fill, over all nodes, at most a second old.
    ///
    /// Errors: [`RelayError`].
    pub async fn status(&self) -> Result<RelayStatus, RelayError> {
        let ask = async { Ok(self.client.server_status().await?) };
        self.fresh_status.get(Box::pin(ask)).await
    }

    /// Namespaces with flows in the last hour, sorted, at most five seconds old.
    ///
    /// Errors: [`RelayError`]; also if no node is connected.
    pub async fn namespaces(&self) -> Result<Vec<String>, RelayError> {
        self.namespaces.get(Box::pin(self.ask_namespaces())).await
    }

    async fn ask_namespaces(&self) -> Result<Vec<String>, RelayError> {
        let mut names = self.client.namespaces().await?;
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            self.check_answered(&RelayNotices::default()).await?;
        }
        Ok(names)
    }
}
