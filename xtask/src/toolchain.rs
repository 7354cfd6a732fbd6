//! Tools that the build needs: Rust targets, Node.js, npm packages.

use std::path::PathBuf;

use tokio::process::Command;

use crate::Failure;
use crate::process::{on_path, output_of, run};
use crate::progress::Step;
use crate::stamp::Stamp;
use crate::workspace;

/// Oldest supported major version of Node.js.
const NODE_MAJOR: u32 = 20;
/// The panel's target.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";
/// The backend's target: linked statically, so that one file runs on Alpine (Grafana's image) and
/// Debian.
pub(crate) const MUSL: &str = "x86_64-unknown-linux-musl";

/// Error for a missing tool, with advice.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolchainError {
    #[error(
        "Node.js {NODE_MAJOR} or later is needed and `node` is not on the PATH; install it from nodejs.org or with your package manager"
    )]
    NoNode,
    #[error("Node.js {NODE_MAJOR} or later is needed; `node --version` says `{0}`")]
    OldNode(String),
    #[error(
        "Rust's target `{0}` is not installed, and rustup, which could install it, was not found: install Rust with rustup (rustup.rs)"
    )]
    NoTarget(&'static str),
    #[error("no C compiler: `cc` is not on the PATH; on Debian: `apt-get install gcc`")]
    NoCompiler,
}

/// Sets up Rust's targets, a C compiler, Node.js and the npm packages of the lock file.
pub(crate) async fn set_up() -> Result<(), Failure> {
    let step = Step::start("Toolchain");
    if on_path("cc").is_none() {
        return Err(ToolchainError::NoCompiler.into());
    }
    let node = node_version().await?;
    step.done(&format!("Node.js {}", node.trim()));
    for target in [WASM, MUSL] {
        add_target(target).await?;
    }
    npm_packages().await
}

async fn node_version() -> Result<String, ToolchainError> {
    let version =
        output_of(Command::new("node").arg("--version")).await.ok_or(ToolchainError::NoNode)?;
    match major(&version) {
        Some(NODE_MAJOR..) => Ok(version),
        _ => Err(ToolchainError::OldNode(version.trim().to_owned())),
    }
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

async fn add_target(target: &'static str) -> Result<(), Failure> {
    let folder =
        output_of(Command::new("rustc").args(["--print", "target-libdir", "--target", target]))
            .await;
    if folder.is_some_and(|folder| PathBuf::from(folder.trim()).is_dir()) {
        return Ok(());
    }
    if on_path("rustup").is_none() {
        return Err(ToolchainError::NoTarget(target).into());
    }
    let mut step = Step::start(format!("Rust target {target}"));
    run(&mut step, Command::new("rustup").args(["target", "add", target])).await?;
    step.done("installed");
    Ok(())
}

/// Adds a component that checks need.
///
/// Errors: it is missing and cannot be added.
pub(crate) async fn add_component(component: &str, program: &str) -> Result<(), Failure> {
    let there = output_of(Command::new("cargo").args([program, "--version"])).await.is_some();
    if there {
        return Ok(());
    }
    let mut step = Step::start(format!("Rust component {component}"));
    run(&mut step, Command::new("rustup").args(["component", "add", component])).await?;
    step.done("installed");
    Ok(())
}

async fn npm_packages() -> Result<(), Failure> {
    let mut step = Step::start("npm packages");
    let stamp = Stamp::of("npm-ci", &["package-lock.json", ".npmrc"])?;
    // npm writes this file after it has installed everything.
    if stamp.is_current(&workspace::at("node_modules/.package-lock.json")) {
        step.done("up to date with the lock file");
        return Ok(());
    }
    run(&mut step, npm().args(["ci", "--prefer-offline"])).await?;
    stamp.write()?;
    step.done("installed");
    Ok(())
}

/// npm in the checkout.
pub(crate) fn npm() -> Command {
    let mut command = Command::new("npm");
    command.current_dir(workspace::root()).env("CI", "1");
    command
}

/// The cargo that runs this program, in the checkout.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root()).env("CARGO_TERM_PROGRESS_WHEN", "never");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions() {
        fn check(version: &str, expected: Option<u32>) {
            assert_eq!(major(version), expected, "{version:?}");
        }
        check("v20.20.2\n", Some(20));
        check("v8.0.0", Some(8));
        check("20.1.0", None);
        check("", None);
    }
}
