//! `cargo xtask bench`: builds `tests/bench` in the shipped profile and runs it.

use std::process::ExitCode;

use clap::Args;
use tokio::process::Command;

use crate::progress::Step;
use crate::toolchain::cargo;
use crate::{Failure, process, toolchain, wasm, workspace};

/// The command's options.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these benches; default: all
    names: Vec<String>,
    /// List the benches
    #[arg(long)]
    list: bool,
}

/// Builds and runs the benches. The exit code is the bench's own.
///
/// Errors: it cannot be built or started.
pub(crate) async fn run(options: &Options) -> Result<ExitCode, Failure> {
    // One bench runs the Wasm modules.
    toolchain::set_up().await?;
    wasm::build().await?;
    let mut step = Step::start("benches, as shipped");
    let mut build = cargo();
    // Another bench runs the backend.
    build.args(["build", "--locked", "--profile", "measure", "-p", "bench", "-p", "plugin"]);
    process::run(&mut step, &mut build).await?;
    step.done("");
    let mut command = Command::new(workspace::target().join("measure/bench"));
    command.args(&options.names).args(options.list.then_some("--list"));
    let status = command.kill_on_drop(true).status().await?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
