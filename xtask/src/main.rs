//! The project's own commands: `cargo xtask demo`, `test`, `bench`, `load`, `fuzz`, `dist` and `gen`.

mod artifacts;
mod bench;
mod checks;
mod chromium;
#[cfg(test)]
mod cycles;
mod debian;
mod demo;
mod dist;
mod download;
mod example;
mod fuzz;
mod generate;
mod grafana;
mod http;
mod instructions;
mod load;
mod metadata;
mod petshop_options;
mod ports;
mod process;
mod progress;
mod prometheus;
mod reproducible;
#[cfg(test)]
mod rooms;
mod sbom;
mod stage;
mod stamp;
mod supervise;
mod tidy;
mod toolchain;
mod tools;
mod typescript;
mod wasm;
mod workspace;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::supervise::Supervisor;

/// Reason why a command failed; printed once, here, with its causes.
type Failure = Box<dyn Error + Send + Sync>;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build everything and start the pet-shop cluster, Prometheus and Grafana
    Demo(demo::Options),
    /// Set up what is missing and run every check there is
    Test(checks::Options),
    /// Measure against named peers; run it alone on the machine, or the spread grows
    Bench(bench::Options),
    /// Put the load of a busy Grafana on the plugin for ten minutes; run it alone on the machine
    Load(load::Options),
    /// Run the fuzz targets from their seeds
    Fuzz(fuzz::Options),
    /// Make the installable plugin archive
    Dist,
    /// Write the generated files again: Rust from proto/, schemas and Unicode; TypeScript types;
    /// dashboards, rules, docs/lints.md
    Gen {
        /// Write nothing; fail if a committed file differs from the generated one
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let Arguments { task } = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report(&error),
    };
    let outcome = runtime.block_on(async {
        let services = Supervisor::default();
        let demo = matches!(task, Task::Demo(_));
        // However the task ends, by itself or by a signal, everything it started stops with it:
        // builds are killed by their guards when the future is dropped, services below.
        let outcome = tokio::select! {
            outcome = perform(task, &services) => outcome,
            signal = interrupted() => signal.map_err(Failure::from).map(|()| {
                eprintln!("\nStopping …");
                if demo { ExitCode::SUCCESS } else { ExitCode::from(130) }
            }),
        };
        services.stop_all().await;
        outcome
    });
    match outcome {
        Ok(code) => code,
        Err(error) => report(error.as_ref()),
    }
}

async fn perform(task: Task, services: &Supervisor) -> Result<ExitCode, Failure> {
    match task {
        Task::Demo(options) => demo::run(&options, services).await.map(|()| ExitCode::SUCCESS),
        Task::Test(options) => checks::run(&options, services).await,
        Task::Bench(options) => bench::run(&options).await,
        Task::Load(options) => load::run(&options).await,
        Task::Fuzz(options) => fuzz::run(&options).await,
        Task::Dist => dist::run().await.map(|()| ExitCode::SUCCESS),
        Task::Gen { check } => generate::run(check).map(|()| ExitCode::SUCCESS),
    }
}

async fn interrupted() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
    }
}

fn report(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("\nerror: {}", wording::with_causes(error));
    ExitCode::FAILURE
}
