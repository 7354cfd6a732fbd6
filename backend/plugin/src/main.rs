//! `gpx_hubble`: the backend of the data source `k8snet-hubble-datasource`.
//!
//! Grafana starts the program, reads one handshake line from its stdout and then speaks gRPC with
//! it. A query comes in as a typed value, leaves as frames, and nothing in between looks back.

mod answers;
mod budget;
mod grafana;
mod health;
mod instance;
mod metrics;
mod policies;
mod resources;
mod stream;

use std::process::ExitCode;

/// The allocator of the musl build; see Cargo.toml for the reason.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    grafana::run()
}
