//! Stand-ins for the programs around the backend, for tests and benches: an HTTP server
//! ([`http::Http`]), servers that break the rules of their protocol ([`sockets`]), and, each with a
//! feature of its name, a Hubble Relay whose answers a script holds (`relay`), a Kubernetes API server
//! (`cluster`), the part of Grafana that a
//! plugin sees (`grafana`), and a real Prometheus over written samples (`prometheus`). The demo's
//! cluster is another thing: it makes up traffic, these send what a test has written down.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![cfg_attr(
    any(feature = "grafana", feature = "prometheus"),
    expect(clippy::panic, reason = "a test fails by panicking")
)]

#[cfg(feature = "cluster")]
pub mod cluster;
#[cfg(feature = "grafana")]
pub mod figures;
#[cfg(feature = "grafana")]
pub mod frame;
#[cfg(feature = "grafana")]
pub mod grafana;
pub mod http;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "relay")]
pub mod relay;
pub mod sockets;
pub mod tls;
#[cfg(feature = "traces")]
pub mod traces;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Time limit for anything that should take a moment: long enough for a slow machine, short
/// enough for a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The Unix time in milliseconds.
pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_epoch.as_millis()).unwrap()
}

/// Waits until `done` accepts the watched value.
pub async fn until<T>(watched: &watch::Sender<T>, done: impl FnMut(&T) -> bool) {
    let mut watched = watched.subscribe();
    let waited = tokio::time::timeout(PATIENCE, watched.wait_for(done)).await;
    drop(waited.expect("in time").expect("this holds the sender"));
}
