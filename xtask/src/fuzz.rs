//! The fuzz targets of `tests/fuzz`, each run from its committed seeds within limits of time and memory.
//!
//! LLVM counts the edges that an input takes. On a nightly Rust, `AddressSanitizer` watches the memory, too.
//! Own, and not `cargo-fuzz`: it wants a nightly Rust, and runs one target after the other.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::thread::available_parallelism;

use clap::Args;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::download::remove_folder;
use crate::process::output_of;
use crate::progress::Step;
use crate::toolchain::cargo;
use crate::{Failure, process, workspace};

const MANIFEST: &str = "tests/fuzz/Cargo.toml";
const SOURCES: &str = "tests/fuzz/fuzz_targets";
const SEEDS: &str = "tests/fuzz/seeds";

/// Time of each target in `cargo xtask test`.
pub(crate) const SECONDS: u64 = 20;
/// Inputs of each target in `cargo xtask test`, where a check must end alike on a fast machine and on a slow
/// one; longer runs have no such limit.
const INPUTS: u32 = 50_000;
/// Limits of libFuzzer: the size of an input in bytes, the time for it in seconds, and the memory in MiB. A
/// run always begins with the same random numbers.
const LIMITS: [&str; 4] = ["-max_len=16384", "-timeout=5", "-rss_limit_mb=512", "-seed=1"];

/// Counters of edges and records of comparisons, as libFuzzer reads them.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];
const SANITIZER: &str = "-Zsanitizer=address";
/// Leak detection is off: it needs rights that containers do not give. Freed memory is reused soon, so that the
/// limit applies to what the target uses.
const SANITIZER_OPTIONS: &str = "detect_leaks=0:quarantine_size_mb=16";

/// The command's options.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these targets; default: all
    names: Vec<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
}

/// Reason why fuzzing failed.
#[derive(Debug, thiserror::Error)]
enum FuzzError {
    #[error("there is no fuzz target `{0}`; `{SOURCES}` holds them")]
    Unknown(String),
    #[error("`rustc -vV` does not name the host")]
    NoHost,
    #[error("{}", .0.join("\n"))]
    Found(Vec<String>),
}

/// Compiler of the targets.
struct Compiler {
    /// Triple of this machine. With it, programs that run during the build are not instrumented.
    host: String,
    /// Whether it is a nightly Rust.
    is_nightly: bool,
}

/// Result of one target's run.
enum Run {
    /// Number of inputs that passed.
    Passed(u64),
    /// Its error, with the path of the input.
    Failed(String),
}

/// Runs the chosen targets.
///
/// Errors: a target cannot be built, or fails.
pub(crate) async fn run(options: &Options) -> Result<ExitCode, Failure> {
    check(&options.names, options.seconds).await?;
    Ok(ExitCode::SUCCESS)
}

/// Builds all targets, and runs `names` (all if empty) for `seconds` each, as many at once as the machine has
/// cores.
///
/// Errors: a target cannot be built, or fails.
pub(crate) async fn check(names: &[String], seconds: u64) -> Result<(), Failure> {
    let all = targets()?;
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(FuzzError::Unknown(unknown.clone()).into());
    }
    let chosen = if names.is_empty() { all } else { names.to_vec() };
    let mut step = Step::start("fuzz targets");
    let compiler = Compiler::find().await.ok_or(FuzzError::NoHost)?;
    process::run(&mut step, &mut compiler.build()).await?;
    let programs = folder().join(&compiler.host).join("debug");

    let cores = available_parallelism().map_or(1, usize::from);
    let turns = Arc::new(Semaphore::new(cores));
    let mut runs = JoinSet::new();
    for name in chosen {
        let (turns, program) = (turns.clone(), programs.join(&name));
        runs.spawn(async move {
            // The semaphore is never closed.
            let _turn = turns.acquire_owned().await;
            one(&name, &program, seconds).await
        });
    }
    let (mut inputs, mut found, all) = (0, Vec::new(), runs.len());
    while let Some(run) = runs.join_next().await {
        match run?? {
            Run::Passed(passed) => inputs += passed,
            Run::Failed(error) => found.push(error),
        }
        step.at(&format!("{} of {all} targets left", runs.len()));
    }
    if !found.is_empty() {
        step.failed();
        return Err(FuzzError::Found(found).into());
    }
    let with = if compiler.is_nightly { "with" } else { "without" };
    step.done(&format!("{all} targets, {inputs} inputs, {with} AddressSanitizer"));
    Ok(())
}

/// Names of all targets.
fn targets() -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace::at(SOURCES))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Folder of the build, of new inputs, and of failures.
fn folder() -> PathBuf {
    workspace::target().join("fuzz")
}

impl Compiler {
    /// The nightly Rust of rustup if it is new enough, else the Rust at hand. `None`: there is none.
    async fn find() -> Option<Self> {
        let nightly = ["run", "nightly", "rustc", "-vV"];
        let nightly = output_of(Command::new("rustup").args(nightly)).await;
        if let Some(version) = nightly.filter(|version| is_new_enough(version)) {
            return Some(Self { host: host(&version)?, is_nightly: true });
        }
        let version = output_of(Command::new("rustc").arg("-vV")).await?;
        Some(Self { host: host(&version)?, is_nightly: false })
    }

    fn build(&self) -> Command {
        let mut command = if self.is_nightly {
            let mut command = Command::new("rustup");
            command.current_dir(workspace::root()).args(["run", "nightly", "cargo"]);
            command
        } else {
            cargo()
        };
        command.args(["build", "--locked", "--manifest-path", MANIFEST, "--target", &self.host]);
        command.arg("--target-dir").arg(folder());
        let sanitizer = self.is_nightly.then_some(SANITIZER);
        let flags: Vec<&str> = COVERAGE.into_iter().chain(sanitizer).collect();
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        command
    }
}

/// Host in the answer of `rustc -vV`.
fn host(version: &str) -> Option<String> {
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

/// Whether `rustc -vV` says that it compiles this workspace.
fn is_new_enough(version: &str) -> bool {
    let minor = |release: &str| release.split('.').nth(1)?.parse::<u32>().ok();
    let own = minor(env!("CARGO_PKG_RUST_VERSION"));
    let release = version.lines().find_map(|line| line.strip_prefix("release: "));
    release.and_then(minor).is_some_and(|release| Some(release) >= own)
}

/// Runs a target.
async fn one(name: &str, program: &Path, seconds: u64) -> io::Result<Run> {
    let [new, failures] = ["corpus", "found"].map(|kind| folder().join(kind).join(name));
    // Inputs of an earlier run would make this one another.
    for folder in [&new, &failures] {
        remove_folder(folder)?;
        fs::create_dir_all(folder)?;
    }
    let mut command = Command::new(program);
    command.args(LIMITS).arg(format!("-max_total_time={seconds}"));
    if seconds <= SECONDS {
        command.arg(format!("-runs={INPUTS}"));
    }
    let mut prefix = OsString::from("-artifact_prefix=");
    // With a last slash, it is a folder.
    prefix.push(failures.join(""));
    command.arg(prefix).arg(&new).arg(workspace::at(SEEDS).join(name));
    command.env("ASAN_OPTIONS", SANITIZER_OPTIONS);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await?;
    let words = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(Run::Passed(inputs(&words).unwrap_or(0)));
    }
    let mut lines = vec![format!("fuzz target `{name}` failed ({})", output.status)];
    for entry in fs::read_dir(failures)? {
        lines.push(format!("again: {} {}", program.display(), entry?.path().display()));
    }
    let from = words.lines().count().saturating_sub(SHOWN_LINES);
    lines.extend(words.lines().skip(from).map(str::to_owned));
    Ok(Run::Failed(lines.join("\n")))
}

/// Number of inputs, in libFuzzer's last line: `Done 1234 runs in 21 second(s)`.
fn inputs(words: &str) -> Option<u64> {
    let rest = words.lines().find_map(|line| line.strip_prefix("Done "))?;
    rest.split(' ').next()?.parse().ok()
}

/// Maximum number of a failed target's last lines that are shown.
const SHOWN_LINES: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compilers() {
        let check = |release: &str, expected: bool| {
            let version = format!("rustc 1\nhost: x86_64-unknown-linux-gnu\nrelease: {release}\n");
            assert_eq!(is_new_enough(&version), expected, "{release}");
            assert_eq!(host(&version).as_deref(), Some("x86_64-unknown-linux-gnu"));
        };
        check("1.95.0-nightly", true);
        check("1.100.0-nightly", true);
        check("1.94.1-nightly", false);
        assert_eq!(host(""), None);
        assert!(!is_new_enough(""));
    }

    #[test]
    fn numbers_of_inputs() {
        assert_eq!(inputs("#2 INITED\nDone 1234 runs in 21 second(s)\n"), Some(1_234));
        assert_eq!(inputs("#2 INITED\n"), None);
    }

    /// A target without seeds, or seeds without a target, would be noticed late.
    #[test]
    fn every_target_has_seeds_and_a_program() {
        let manifest = fs::read_to_string(workspace::at(MANIFEST)).unwrap();
        let mut seeds: Vec<String> = fs::read_dir(workspace::at(SEEDS))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        seeds.sort();
        assert_eq!(seeds, targets().unwrap());
        let mut bytes = 0;
        for name in &seeds {
            assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
            let files = fs::read_dir(workspace::at(SEEDS).join(name)).unwrap();
            let sizes: Vec<u64> =
                files.map(|file| file.unwrap().metadata().unwrap().len()).collect();
            assert!(!sizes.is_empty(), "{name}");
            bytes += sizes.iter().sum::<u64>();
        }
        assert!(bytes < 200_000, "{bytes} bytes");
    }
}
