//! `cargo xtask load`: builds `tests/load`, the plugin and the demo's cluster, and runs the load.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use tokio::process::Command;

use crate::progress::Step;
use crate::prometheus::{self, Prometheus};
use crate::toolchain::cargo;
use crate::{Failure, process, workspace};

/// The command's options.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The short run of `cargo xtask test`: no goals that depend on the machine's speed
    #[arg(long, conflicts_with = "minutes")]
    short: bool,
    /// Length of the full run
    #[arg(long, value_name = "N")]
    minutes: Option<u64>,
}

/// Absence of Prometheus' programs.
#[derive(Debug, thiserror::Error)]
#[error("Prometheus runs in Docker here, and the load starts it as a program")]
struct NoProgram;

/// A way to build the programs.
#[derive(Debug, Clone, Copy)]
struct Build {
    /// Cargo's profile.
    profile: &'static str,
    /// Its folder in cargo's output.
    folder: &'static str,
}

/// As shipped, without the minutes of link-time optimisation.
const AS_SHIPPED: Build = Build { profile: "measure", folder: "measure" };
/// As tests are built, whose crates these are.
const AS_TESTED: Build = Build { profile: "dev", folder: "debug" };

/// Builds and runs the load. The exit code is the program's own.
///
/// Errors: it cannot be built or started.
pub(crate) async fn run(options: &Options) -> Result<ExitCode, Failure> {
    let prometheus = prometheus::find(false).await?;
    let mut step = Step::start("load, plugin, pet-shop cluster");
    let (build, title) =
        if options.short { (AS_TESTED, "as tested") } else { (AS_SHIPPED, "as shipped") };
    let mut load = load(&mut step, build, &prometheus).await?;
    step.done(title);
    load.args(options.short.then_some("--short"));
    if let Some(minutes) = options.minutes {
        load.args(["--minutes", &minutes.to_string()]);
    }
    let status = load.kill_on_drop(true).status().await?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The short run, as a check.
///
/// Errors: it cannot be built, or a goal is missed.
pub(crate) async fn check(prometheus: &Prometheus) -> Result<(), Failure> {
    let mut step = Step::start("load");
    let mut load = load(&mut step, AS_TESTED, prometheus).await?;
    process::run(&mut step, load.arg("--short")).await?;
    step.done("every answer right or refused in words");
    Ok(())
}

/// Builds the programs and returns the command of the load.
async fn load(
    step: &mut Step,
    Build { profile, folder }: Build,
    prometheus: &Prometheus,
) -> Result<Command, Failure> {
    let mut build = cargo();
    build.args(["build", "--locked", "--bins", "--profile", profile]);
    build.args(["--package", "load", "--package", "plugin"]);
    process::run(step, &mut build).await?;
    let program = |name: &str| -> PathBuf { workspace::target().join(folder).join(name) };
    let server: &Path = prometheus.server_program().ok_or(NoProgram)?;
    let mut command = Command::new(program("load"));
    command.env("GPX_HUBBLE_BIN", program("gpx_hubble")).env("PROMETHEUS_BIN", server);
    Ok(command)
}
