//! A simulated cluster, the pet shop of the AKS networking lab: a Hubble Relay over the ring
//! buffers of three nodes, and the metrics that Cilium, Hubble and Retina would export for the same
//! traffic.
//!
//! One simulation makes records, which feed both rings and counters, so that dashboards count what
//! the relay shows.

mod clock;
mod cluster;
mod control;
mod history;
mod hubble;
mod metrics;
mod policies_folder;
mod record;
mod scenario;
mod shop;
mod state;
mod tls;
mod traffic;

pub use history::{HistoryError, HistoryOptions};
pub use hubble::release::HubbleRelease;
pub use hubble::ring::{InvalidCapacity, RingCapacity};
pub use hubble::streams::StreamCounts;
pub use metrics::{Profile, UnknownProfile};
pub use policies_folder::PoliciesFolderError;
pub use scenario::{Scenario, UnknownScenario};
pub use shop::{Shop, ShopError, ShopOptions};
pub use tls::{TlsError, TlsFiles};
pub use traffic::MonitorAggregation;
