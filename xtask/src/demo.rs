//! `cargo xtask demo`: from a bare machine to the first click.

use std::time::Instant;

use clap::Args;

use crate::petshop_options::{Profile, Scenario};
use crate::ports::{self, Port};
use crate::progress::seconds;
use crate::stage::{self, Host, Plan, Ports};
use crate::supervise::Supervisor;
use crate::{Failure, artifacts, grafana, prometheus, toolchain, workspace};

/// The command's options.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Scenario of the cluster, which began ten minutes ago
    #[arg(long, value_enum, default_value_t = Scenario::Chaos)]
    scenario: Scenario,
    /// Flows per second of the whole cluster. Each of the three nodes remembers 4,095: at 60, three
    /// to four minutes
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    rate: u32,
    /// Exporter of the metrics and its labels: one cluster of this kind
    #[arg(long, value_enum, default_value_t = Profile::Acns)]
    profile: Profile,
    /// Grafana's port
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The relay's port
    #[arg(long, default_value_t = 4245)]
    relay_port: u16,
    /// The port of the cluster's metrics
    #[arg(long, default_value_t = 9965)]
    metrics_port: u16,
    /// Prometheus' port
    #[arg(long, default_value_t = 9090)]
    prometheus_port: u16,
    /// Start the preview without looking for a Grafana
    #[arg(long)]
    preview: bool,
}

/// Sets up, builds and starts everything, prints the story, and stays until a program ends.
pub(crate) async fn run(options: &Options, services: &Supervisor) -> Result<(), Failure> {
    let started = Instant::now();
    let numbers = Ports {
        grafana: options.port,
        relay: options.relay_port,
        metrics: options.metrics_port,
        prometheus: options.prometheus_port,
    };
    let port = |number, option, listener| Port { number, option, listener };
    ports::check(&[
        port(numbers.grafana, "--port", "Grafana"),
        port(numbers.relay, "--relay-port", "the relay"),
        port(numbers.metrics, "--metrics-port", "the cluster's metrics"),
        port(numbers.prometheus, "--prometheus-port", "Prometheus"),
    ])?;

    toolchain::set_up().await?;
    let prometheus = prometheus::find(true).await?;
    let found = if options.preview { None } else { grafana::find().await? };
    let host = if let Some(grafana) = found {
        artifacts::plugin(&["petshop"]).await?;
        Host::Grafana(grafana)
    } else {
        artifacts::page().await?;
        artifacts::plugin(&["petshop", "preview"]).await?;
        Host::Preview(artifacts::program("preview"))
    };
    let petshop = artifacts::program("petshop");
    let plan = Plan {
        scenario: options.scenario,
        profile: options.profile,
        rate: options.rate,
        // As Hubble's agents are configured, where nothing is said.
        ring_capacity: 4095,
        ports: numbers,
        petshop: &petshop,
        prometheus: &prometheus,
        host: &host,
        folder: &workspace::demo(),
    };
    stage::start(services, &plan).await?;
    println!("\nReady in {}.\n\n{}", seconds(started.elapsed()), story(options));
    Err(services.watch().await.into())
}

fn story(options: &Options) -> String {
    let Options { port, metrics_port, scenario, .. } = options;
    let drops = format!(
        "http://localhost:{port}/d/k8snet-drops-workload?from=now-30m&to=now&var-namespace=pets"
    );
    let (address, first_click) = match scenario {
        Scenario::Chaos => (
            format!("{drops}&var-workload=store-front"),
            "Incoming drops of store-front rise with POLICY_DENIED since ten minutes ago.\n  \
             First click: a point of that line. It opens the flows behind it.",
        ),
        Scenario::Open => (
            format!("{drops}&var-workload=store-front"),
            "Nothing is dropped.\n  First click: a row of the flows panel, for every field of a flow.",
        ),
        Scenario::Policies | Scenario::Fqdn => (
            format!("{drops}&var-workload=order-service"),
            "order-service's DNS queries are refused.\n  \
             First click: a point of the line in \"Outgoing drops by reason\", for the flows behind it.",
        ),
        Scenario::Combined => (
            format!("{drops}&var-workload=store-front"),
            "store-front may resolve *.microsoft.com; its query for api.github.com is refused.\n  \
             First click: a row of the flows panel, for the queried name.",
        ),
        Scenario::Lab => (
            format!("{drops}&var-workload=store-front"),
            "All of the lab's files are applied, as after its last step: customers are cut off, and \
             the query for api.github.com is refused.\n  \
             First click: a point of the line POLICY_DENIED. It opens the flows behind it.",
        ),
    };
    format!(
        "  Open  {address}\n\n  {first_click}\n\n  \
         Another scenario:  curl -X PUT http://127.0.0.1:{metrics_port}/scenario/combined\n  \
         Ctrl-C stops everything."
    )
}
