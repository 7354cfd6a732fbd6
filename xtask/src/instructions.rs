//! Instructions of the hot paths, counted by Callgrind and held below their limits, which stand in
//! `tests/instructions/benches/`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::process::{self, on_path};
use crate::progress::Step;
use crate::toolchain::cargo;
use crate::{Failure, debian, tools};

/// The version of gungraun in `tests/instructions/Cargo.toml`.
const RUNNER_VERSION: &str = "0.20.0";

/// Absence of Valgrind, which counts the instructions.
#[derive(Debug, thiserror::Error)]
#[error(
    "no valgrind is on the PATH and Debian's package could not be unpacked; on Debian: `apt-get install valgrind`"
)]
struct NoValgrind;

/// Counts, and fails where a path takes more instructions than its limit.
pub(crate) async fn check() -> Result<(), Failure> {
    let runner = tools::built("gungraun-runner", RUNNER_VERSION, &[]).await?;
    let mut step = Step::start("instructions of the hot paths");
    let valgrind = Valgrind::find(&mut step).await.ok_or(NoValgrind)?;
    let mut bench = cargo();
    bench.args(["bench", "--locked", "--profile", "instructions", "-p", "instructions"]);
    bench.args(["--bench", "instructions"]).env("GUNGRAUN_COLOR", "never");
    let own = [runner.parent().map(Path::to_owned), Some(valgrind.folder)];
    bench.env("PATH", before_path(own.into_iter().flatten())?);
    if let Some(library) = &valgrind.library {
        // The runner clears the environment of valgrind, but for the names in GUNGRAUN_ENVS.
        bench.env("VALGRIND_LIB", library).env("GUNGRAUN_ENVS", "VALGRIND_LIB");
    }
    process::run(&mut step, &mut bench).await?;
    step.done("");
    Ok(())
}

/// Valgrind's program, and the folder of its tools if that was moved.
struct Valgrind {
    folder: PathBuf,
    library: Option<PathBuf>,
}

impl Valgrind {
    /// Valgrind on the PATH, else out of Debian's package.
    async fn find(step: &mut Step) -> Option<Self> {
        if let Some(program) = on_path("valgrind") {
            return Some(Self { folder: program.parent()?.to_owned(), library: None });
        }
        let unpacked = debian::unpacked(step, "valgrind", Path::new("usr/bin/valgrind")).await?;
        let library = unpacked.join("usr/libexec/valgrind");
        Some(Self { folder: unpacked.join("usr/bin"), library: Some(library) })
    }
}

/// The PATH with `folders` before its own. Errors: a folder's name holds a colon.
fn before_path(
    folders: impl Iterator<Item = PathBuf>,
) -> Result<OsString, std::env::JoinPathsError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(folders.chain(std::env::split_paths(&path)))
}
