//! `gpx_hubble`: the backend of the data source `k8snet-hubble-datasource`.
//!
//! Grafana starts it, reads one handshake line from its stdout and then speaks gRPC with it.
//! A query comes in as a typed value, leaves as frames, and nothing in between looks back.

mod frames;
mod grafana;
mod health;
mod instance;
mod policies;
mod prometheus;
mod query;
mod relay;
mod resources;
mod secret;
mod settings;
mod stream;

use std::process::ExitCode;

/// See Cargo.toml.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    grafana::run()
}

/// An error and its causes as one sentence, for the edge where it meets its user.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    words
}
