//! Programs of the Rust registry that checks run: a fixed version, built once into the cache.

use std::path::PathBuf;

use crate::Failure;
use crate::process;
use crate::progress::Step;
use crate::toolchain::cargo;
use crate::workspace;

/// The program of package `name`, built where the cache lacks this version of it.
///
/// Unoptimised: checks run it for seconds, and optimising it takes minutes.
pub(crate) async fn built(name: &str, version: &str, flags: &[&str]) -> Result<PathBuf, Failure> {
    let root = workspace::cache().join("tools").join(format!("{name}-{version}"));
    let program = root.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    let mut step = Step::start(format!("{name} (built once)"));
    let mut install = cargo();
    install.args(["install", "--debug", "--locked", "--quiet", "--version", version, "--root"]);
    install.arg(&root).args(flags).arg(name);
    process::run(&mut step, &mut install).await?;
    step.done("in .cache");
    Ok(program)
}
