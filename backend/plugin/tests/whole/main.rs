//! Tests of the built plugin, driven as Grafana drives it: a process, a handshake, gRPC.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod answered;
mod bad_flows;
mod bad_input;
mod budget;
mod certificates;
mod cluster_policies;
mod correlation;
mod entra;
mod figures;
mod flows;
mod grafana_faults;
mod health;
mod limits;
mod live;
mod live_channels;
mod older;
mod petshop_relay;
mod policies;
mod prometheus_calls;
mod prometheus_real;
mod promlib;
mod promql;
mod protocol;
mod resources;
mod secrets;
mod status;
mod traces;
