//! The running shop: clock, relay and metrics, started and stopped together.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubble_api::pb::observer::observer_server::ObserverServer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tonic_health::ServingStatus;

use crate::cluster::{Cluster, NodeId};
use crate::history::{HistoryError, HistoryOptions, write_history};
use crate::hubble::relay::Relay;
use crate::hubble::release::HubbleRelease;
use crate::hubble::ring::{RingCapacity, Rings};
use crate::hubble::service::ObserverService;
use crate::hubble::streams::{StreamCounts, Streams};
use crate::metrics::{Metrics, Profile};
use crate::policies_folder::{PoliciesFolder, PoliciesFolderError};
use crate::scenario::Scenario;
use crate::state::{SharedShop, ShopState};
use crate::tls::{TlsError, TlsFiles, incoming};
use crate::traffic::{MonitorAggregation, SECOND, Simulation};
use crate::{clock, control};

/// Interval at which the simulation catches up with the wall clock.
const STEP: Duration = Duration::from_millis(10);

/// Longest lag that is simulated, in nanoseconds; a machine that slept skips the rest.
const LAG_MAX: i64 = 60 * SECOND;

/// Longest span that is simulated at once, in nanoseconds, so that other tasks get their turn.
const STRETCH: i64 = SECOND / 10;

/// Time for open streams to end.
const DRAIN: Duration = Duration::from_secs(2);

/// Name in the health check of `hubble status` (pkg/hubble/api/v1).
const HEALTH_SERVICE: &str = "hubble.server.Observer";

/// Options of a shop.
#[derive(Debug, Clone)]
pub struct ShopOptions {
    /// Address of the relay; port 0 takes a free one.
    pub relay_listen: SocketAddr,
    /// Address of metrics and switches; port 0 takes a free one.
    pub metrics_listen: SocketAddr,
    /// Configuration of the metrics.
    pub profile: Profile,
    /// The first act.
    pub scenario: Scenario,
    /// Seed; the same seed makes the same traffic.
    pub seed: u64,
    /// Average flows per second over all nodes.
    pub rate: f64,
    /// Flows that each node's ring buffer holds.
    pub ring_capacity: RingCapacity,
    /// Detail of the datapath's reports.
    pub aggregation: MonitorAggregation,
    /// Names of nodes that the relay cannot reach, with or without the cluster's name.
    pub unavailable_nodes: Vec<String>,
    /// Loss rate: one event in this number is lost before Hubble sees it.
    pub lose_every: Option<u64>,
    /// Cilium release that relay and nodes imitate.
    pub release: HubbleRelease,
    /// Certificates for TLS.
    pub tls: Option<TlsFiles>,
    /// History to simulate first.
    pub history: Option<HistoryOptions>,
    /// Folder for the scenario's manifests.
    pub policies_folder: Option<PathBuf>,
}

impl Default for ShopOptions {
    /// A shop on free ports of this machine, without policies, losses, history and TLS.
    fn default() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            relay_listen: any,
            metrics_listen: any,
            profile: Profile::default(),
            scenario: Scenario::Open,
            seed: 1,
            rate: 100.0,
            ring_capacity: RingCapacity::DEFAULT,
            aggregation: MonitorAggregation::Medium,
            unavailable_nodes: Vec::new(),
            lose_every: None,
            release: HubbleRelease::Main,
            tls: None,
            history: None,
            policies_folder: None,
        }
    }
}

/// Reason why a shop did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// The address is taken or does not belong to this machine.
    #[error("cannot listen on `{address}` for the {purpose}; another address may be given")]
    Listen {
        /// Address as given.
        address: SocketAddr,
        /// `relay` or `metrics`.
        purpose: &'static str,
        /// Error of the system.
        source: io::Error,
    },
    /// A node that the cluster does not have.
    #[error("no node is called `{name}`: the nodes are {known}")]
    UnknownNode {
        /// Name as given.
        name: String,
        /// Names of the nodes.
        known: String,
    },
    /// The certificates cannot be used.
    #[error("cannot set up TLS")]
    Tls(#[from] TlsError),
    /// The history could not be written.
    #[error("cannot write the history")]
    History(#[from] HistoryError),
    /// The manifests could not be written.
    #[error("cannot keep the policies in their folder")]
    Policies(#[from] PoliciesFolderError),
    /// The relay stopped unexpectedly.
    #[error("the relay stopped")]
    Relay(#[source] tonic::transport::Error),
    /// The metrics server stopped unexpectedly.
    #[error("the metrics server stopped")]
    Metrics(#[source] io::Error),
}

/// A running shop. It runs until it is dropped or stopped.
#[derive(Debug)]
pub struct Shop {
    relay_address: SocketAddr,
    metrics_address: SocketAddr,
    streams: Streams,
    stop: watch::Sender<bool>,
    tasks: JoinSet<Result<(), ShopError>>,
}

impl Shop {
    /// Simulates the history, if there is one, binds both addresses and continues live.
    ///
    /// Errors: an address in use, an unknown node, certificates that cannot be used, a history or
    /// manifests that cannot be written.
    pub async fn start(options: ShopOptions) -> Result<Self, ShopError> {
        let cluster = Arc::new(Cluster::pet_shop());
        let unavailable = unavailable_nodes(&cluster, &options.unavailable_nodes)?;
        let acceptor = options.tls.as_ref().map(TlsFiles::acceptor).transpose()?;
        let tls = acceptor.is_some();
        let relay_listener = bind(options.relay_listen, "relay").await?;
        let metrics_listener = bind(options.metrics_listen, "metrics").await?;
        let relay_address = local_address(&relay_listener, options.relay_listen, "relay")?;
        let metrics_address = local_address(&metrics_listener, options.metrics_listen, "metrics")?;

        let shared =
            tokio::task::spawn_blocking(move || prepare(cluster, unavailable, tls, &options))
                .await
                .map_err(|error| HistoryError::Interrupted(error.to_string()))??;

        let (stop, stopped) = watch::channel(false);
        let streams = Streams::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(run_clock(Arc::clone(&shared), stopped.clone()));
        tasks.spawn(serve_relay(
            ObserverService::new(Arc::clone(&shared.relay), streams.clone()),
            incoming(relay_listener, acceptor),
            stopped.clone(),
        ));
        let served = control::serve(metrics_listener, shared, stopped);
        tasks.spawn(async { served.await.map_err(ShopError::Metrics) });
        Ok(Self { relay_address, metrics_address, streams, stop, tasks })
    }

    /// Address of the relay.
    pub fn relay_address(&self) -> SocketAddr {
        self.relay_address
    }

    /// Address of metrics and switches.
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics_address
    }

    /// The relay's streams of flows.
    pub fn streams(&self) -> StreamCounts {
        self.streams.counts()
    }

    /// Waits until a part stops unexpectedly.
    ///
    /// Errors: the reason.
    pub async fn wait(&mut self) -> Result<(), ShopError> {
        match self.tasks.join_next().await {
            Some(Ok(result)) => result,
            // A cancelled or panicked task has logged its reason.
            Some(Err(_)) | None => Ok(()),
        }
    }

    /// Stops everything; open streams are cut after two seconds.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

fn prepare(
    cluster: Arc<Cluster>,
    unavailable: BTreeSet<NodeId>,
    tls: bool,
    options: &ShopOptions,
) -> Result<Arc<SharedShop>, ShopError> {
    let now = clock::now_nanos();
    let rings = Arc::new(Rings::new(cluster.nodes.len(), options.ring_capacity));
    let start = options.history.as_ref().map_or(now, |history| now - history.span_nanos());
    let mut state = ShopState {
        simulation: Simulation::new(
            Arc::clone(&cluster),
            options.scenario,
            options.aggregation,
            options.seed,
            options.rate,
            start,
        ),
        metrics: Metrics::new(Arc::clone(&cluster), options.profile, options.release),
        lose_every: options.lose_every,
    };
    if let Some(history) = &options.history {
        write_history(history, options.scenario, now, &mut state, &rings)?;
    }
    let relay = Arc::new(Relay {
        lost: Mutex::new(vec![0; cluster.nodes.len()]),
        cluster,
        rings,
        seed: options.seed,
        started_nanos: start,
        unavailable,
        tls,
        lose_every: options.lose_every,
        release: options.release,
    });
    let policies_folder = options.policies_folder.clone().map(PoliciesFolder::new);
    if let Some(folder) = &policies_folder {
        folder.write(options.scenario)?;
    }
    Ok(Arc::new(SharedShop { state: Mutex::new(state), relay, policies_folder }))
}

fn unavailable_nodes(cluster: &Cluster, names: &[String]) -> Result<BTreeSet<NodeId>, ShopError> {
    names
        .iter()
        .map(|name| {
            cluster
                .node_ids()
                .find(|&id| {
                    cluster
                        .node(id)
                        .is_some_and(|node| node.name == *name || node.absolute_name == *name)
                })
                .ok_or_else(|| ShopError::UnknownNode {
                    name: name.clone(),
                    known: cluster
                        .nodes
                        .iter()
                        .map(|node| node.name.as_str())
                        .collect::<Vec<_>>()
                        .join(", "),
                })
        })
        .collect()
}

async fn bind(address: SocketAddr, purpose: &'static str) -> Result<TcpListener, ShopError> {
    TcpListener::bind(address).await.map_err(|source| ShopError::Listen {
        address,
        purpose,
        source,
    })
}

fn local_address(
    listener: &TcpListener,
    address: SocketAddr,
    purpose: &'static str,
) -> Result<SocketAddr, ShopError> {
    listener.local_addr().map_err(|source| ShopError::Listen { address, purpose, source })
}

/// Keeps the simulation in step with the wall clock.
async fn run_clock(
    shared: Arc<SharedShop>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), ShopError> {
    let mut ticks = tokio::time::interval(STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut records = Vec::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return Ok(()),
        }
        let now = clock::now_nanos();
        let mut at = {
            let mut state = shared.lock();
            let lag = now - state.simulation.now_nanos();
            if lag > LAG_MAX {
                tracing::warn!(lag_secs = lag / SECOND, "the clock jumped, skipping ahead");
                state.simulation.skip_to(now - STRETCH);
            }
            state.simulation.now_nanos()
        };
        while at < now {
            at = (at + STRETCH).min(now);
            shared.step(at, &mut records);
            tokio::task::yield_now().await;
        }
    }
}

async fn serve_relay(
    service: ObserverService,
    incoming: impl tokio_stream::Stream<Item = io::Result<crate::tls::ClientStream>> + Send + 'static,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), ShopError> {
    let (mut reporter, health) = tonic_health::server::health_reporter();
    // As in the real relay: healthy while at least one peer answers.
    let status =
        if service.has_peers() { ServingStatus::Serving } else { ServingStatus::NotServing };
    for name in ["", HEALTH_SERVICE] {
        reporter.set_service_status(name, status).await;
    }
    tonic::transport::Server::builder()
        .add_service(health)
        .add_service(ObserverServer::new(service))
        .serve_with_incoming_shutdown(incoming, async move {
            // A dropped sender means that the shop is gone: stop as well.
            let _: Result<_, _> = stopped.wait_for(|stop| *stop).await;
        })
        .await
        .map_err(ShopError::Relay)
}
