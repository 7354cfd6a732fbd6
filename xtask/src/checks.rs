//! `cargo xtask test`: sets up missing tools, runs every check, and counts the results.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::process::Command;

use crate::petshop_options::{Profile, Scenario};
use crate::process::{self, on_path};
use crate::progress::{Step, seconds};
use crate::prometheus::{self, Prometheus};
use crate::stage::{self, Host, Plan, Ports};
use crate::supervise::Supervisor;
use crate::toolchain::{self, WASM, cargo, npm};
use crate::{
    Failure, artifacts, chromium, fuzz, generate, grafana, instructions, load, ports, tidy, tools,
    wasm, workspace,
};

/// Version of `cargo-deny` to build if none is installed.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// Maximum wait for the database of advisories.
const ADVISORIES_WAIT: Duration = Duration::from_mins(1);

/// The command's options.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run only the checks whose name contains this
    #[arg(long)]
    only: Option<String>,
}

/// Finished checks by result.
#[derive(Debug, Default)]
struct Score {
    passed: u32,
    failed: Vec<&'static str>,
}

/// Run of the checks one after the other; a failed check does not stop the others.
struct Run<'a> {
    score: Score,
    only: Option<&'a str>,
    /// Names of all checks, selected or not.
    names: Vec<&'static str>,
}

/// Error for `--only` with a name that no check has.
#[derive(Debug, thiserror::Error)]
#[error("no check has `{part}` in its name; there are: {}", .names.join(", "))]
struct UnknownCheck {
    part: String,
    names: Vec<&'static str>,
}

impl Run<'_> {
    /// Counts the result of `check`, unless the check was not selected.
    async fn check(
        &mut self,
        name: &'static str,
        check: impl Future<Output = Result<(), Failure>>,
    ) {
        self.names.push(name);
        if self.only.is_some_and(|part| !name.contains(part)) {
            return;
        }
        match check.await {
            Ok(()) => self.score.passed += 1,
            Err(error) => {
                crate::report(error.as_ref());
                self.score.failed.push(name);
            }
        }
    }

    async fn program(&mut self, name: &'static str, mut command: Command) {
        self.check(name, async {
            let mut step = Step::start(name);
            match process::run(&mut step, &mut command).await {
                Ok(_output) => step.done(""),
                Err(error) => {
                    step.failed();
                    return Err(error.into());
                }
            }
            Ok(())
        })
        .await;
    }
}

/// Runs everything. The exit code is 0 if nothing failed.
///
/// Errors: the set-up failed, or no check has the name of `--only`.
pub(crate) async fn run(options: &Options, services: &Supervisor) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    println!("Setting up");
    toolchain::set_up().await?;
    toolchain::add_component("rustfmt", "fmt").await?;
    toolchain::add_component("clippy", "clippy").await?;
    let prometheus = prometheus::find(false).await?;
    let chromium = chromium::find().await?;

    println!("\nChecking");
    let mut run = Run { score: Score::default(), only: options.only.as_deref(), names: Vec::new() };
    sources(&mut run).await;
    rules(&mut run, &prometheus).await;
    rust(&mut run, &prometheus).await;
    frontend(&mut run).await;
    run.check("plugin folder", artifacts::plugin(&[])).await;
    run.check("Wasm size", async { wasm_size() }).await;
    run.check("browser tests", browser(services, &prometheus, &chromium)).await;

    let Score { passed, failed } = run.score;
    if let Some(part) = run.only.filter(|_| passed == 0 && failed.is_empty()) {
        return Err(Box::new(UnknownCheck { part: part.to_owned(), names: run.names }));
    }
    println!("\nTook {}.", seconds(started.elapsed()));
    for name in &failed {
        println!("failed: {name}");
    }
    println!("{passed} passed, {} failed", failed.len());
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn sources(run: &mut Run<'_>) {
    run.check("tidy", async {
        let step = Step::start("tidy: what must not be in the tree");
        let files = tidy::check().await?;
        step.done(&format!("{files} files"));
        Ok(())
    })
    .await;
    run.check("generated files", async {
        let step = Step::start("generated files are what the code says");
        generate::run(true)?;
        step.done("");
        Ok(())
    })
    .await;
    run.program("cargo fmt", with(cargo(), &["fmt", "--all", "--check"])).await;
}

/// Checks that Prometheus reads the rules and that they alert as intended.
async fn rules(run: &mut Run<'_>, prometheus: &Prometheus) {
    let folder = workspace::at("provisioning/prometheus");
    for (name, words, file) in [
        ("promtool check rules", ["check", "rules"], "rules.yaml"),
        ("promtool test rules", ["test", "rules"], "rules.test.yaml"),
    ] {
        let mut promtool = prometheus.promtool(&folder);
        promtool.args(words).arg(folder.join(file));
        run.program(name, promtool).await;
    }
}

async fn rust(run: &mut Run<'_>, prometheus: &Prometheus) {
    let native = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    run.program("cargo clippy", with(cargo(), &native)).await;
    // The panel is compiled from these; the module must exist before other crates link it.
    let wasm = [
        "clippy",
        "--locked",
        "--target",
        WASM,
        "-p",
        "vocabulary",
        "-p",
        "flow",
        "-p",
        "cilium-policy",
        "-p",
        "hubble-api",
        "-p",
        "frontend-wasm",
        "--",
        "-D",
        "warnings",
    ];
    run.program("cargo clippy (wasm32)", with(cargo(), &wasm)).await;
    // Code that only the engine uses must not remain in the decoder.
    let decoder = ["clippy", "--locked", "--target", WASM, "-p", "frontend-wasm"];
    let mut decoder = with(cargo(), &decoder);
    decoder.args(["--no-default-features", "--", "-D", "warnings"]);
    run.program("cargo clippy (wasm32, decoder)", decoder).await;
    run.check("wasm module and bindings", wasm::build()).await;
    let mut docs = with(cargo(), &["doc", "--workspace", "--no-deps", "--locked"]);
    // A broken link is an error.
    docs.env("RUSTDOCFLAGS", "-D warnings");
    run.program("cargo doc", docs).await;
    run.check("fuzz targets", fuzz::check(&[], fuzz::SECONDS)).await;
    let mut tests = with(cargo(), &["test", "--workspace", "--locked", "--no-fail-fast"]);
    // Every run has the same random cases, so failures are reproducible. Plain `cargo test` has
    // others.
    tests.env("PROPTEST_RNG_SEED", "1");
    if let Some(server) = prometheus.server_program() {
        tests.env("PROMETHEUS_BIN", server);
    }
    run.program("cargo test", tests).await;
    run.check("load", load::check(prometheus)).await;
    run.check("cargo deny", deny()).await;
    run.check("instructions", instructions::check()).await;
}

async fn frontend(run: &mut Run<'_>) {
    for (name, script) in [
        ("npm run typecheck", "typecheck"),
        ("npm run lint", "lint"),
        ("npm run format:check", "format:check"),
        ("npm test", "test"),
    ] {
        run.program(name, with(npm(), &["run", "--silent", script])).await;
    }
}

/// Workspaces whose lock files are checked: the project, and the fuzz targets.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "tests/fuzz/Cargo.toml"];

/// Licences, banned and duplicate crates, sources and advisories, by `deny.toml`.
async fn deny() -> Result<(), Failure> {
    let program = match on_path("cargo-deny") {
        Some(installed) => installed,
        None => tools::built("cargo-deny", CARGO_DENY_VERSION, &["--no-default-features"]).await?,
    };
    let deny = |manifest: &str, words: &[&str]| {
        let mut command = Command::new(&program);
        command.current_dir(workspace::root()).args(["--log-level", "error"]);
        command.args(["--config", "deny.toml", "--manifest-path", manifest]).args(words);
        command.kill_on_drop(true);
        command
    };
    let mut step = Step::start("cargo deny");
    let check = ["check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    for manifest in MANIFESTS {
        process::run(&mut step, &mut deny(manifest, &check)).await?;
    }
    // The database is on a git host, which a closed network cannot reach.
    let fetched = deny(MANIFESTS[0], &["fetch", "db"]).output();
    let fetched = tokio::time::timeout(ADVISORIES_WAIT, fetched).await;
    if !matches!(fetched, Ok(Ok(output)) if output.status.success()) {
        step.done(
            "bans, licences, sources; advisories not checked: their database cannot be reached",
        );
        return Ok(());
    }
    for manifest in MANIFESTS {
        let mut advisories = deny(manifest, &["check", "--disable-fetch", "advisories"]);
        process::run(&mut step, &mut advisories).await?;
    }
    step.done("bans, licences, sources, advisories");
    Ok(())
}

/// Reason why the module is too large.
#[derive(Debug, thiserror::Error)]
enum WasmSizeError {
    #[error("`dist/panel` holds no .wasm file")]
    None,
    #[error("`dist/panel/{file}` differs from each module that was built last")]
    Stale { file: String },
    #[error("`{name}` weighs {bytes} bytes{how}, {allowed} are allowed")]
    TooHeavy { name: &'static str, how: &'static str, bytes: usize, allowed: usize },
}

/// Size of the modules: the panel loads one of them and never both, so each alone is the page's
/// whole Wasm.
fn wasm_size() -> Result<(), Failure> {
    let step = Step::start("Wasm size");
    let built = wasm::built()?;
    let mut sizes = Vec::new();
    for entry in fs::read_dir(workspace::at("dist/panel"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            let content = fs::read(&path)?;
            let Some(module) = built.iter().find(|module| module.bytes == content) else {
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                return Err(WasmSizeError::Stale { file }.into());
            };
            let (name, budget) = (module.name, module.budget);
            let (raw, gzipped) = (content.len(), gzipped_bytes(&content)?);
            for (how, bytes, allowed) in
                [("", raw, budget.raw), (" gzipped", gzipped, budget.gzipped)]
            {
                if bytes > allowed {
                    return Err(WasmSizeError::TooHeavy { name, how, bytes, allowed }.into());
                }
            }
            sizes.push(format!("{name} {} KB, {} KB gzipped", raw / 1000, gzipped / 1000));
        }
    }
    if sizes.is_empty() {
        return Err(WasmSizeError::None.into());
    }
    step.done(&sizes.join("; "));
    Ok(())
}

fn gzipped_bytes(content: &[u8]) -> std::io::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    Ok(encoder.finish()?.len())
}

/// Browser tests for Grafana and the preview, and those for features that only Grafana has.
const ANYWHERE: &[&str] = &["tests/browser"];
const IN_GRAFANA: &[&str] = &["tests/browser", "tests/browser/grafana"];

/// Starts everything on separate ports and runs the browser tests: in this machine's Grafana if
/// there is one, else in the preview.
async fn browser(
    services: &Supervisor,
    prometheus: &Prometheus,
    chromium: &Path,
) -> Result<(), Failure> {
    let (petshop, host, folders) = if let Some((grafana, place)) = grafana::installed()? {
        Step::start("Grafana").done(&place);
        let [petshop] = artifacts::dev_programs(["petshop"]).await?;
        (petshop, Host::Grafana(grafana), IN_GRAFANA)
    } else {
        artifacts::page().await?;
        let [petshop, preview] = artifacts::dev_programs(["petshop", "preview"]).await?;
        // The preview has none of Grafana's editors, roles and organisations.
        (petshop, Host::Preview(preview), ANYWHERE)
    };
    let [grafana_port, relay, metrics, prometheus_port] = ports::free()?;
    let numbers = Ports { grafana: grafana_port, relay, metrics, prometheus: prometheus_port };
    let folder = workspace::demo().join("test");
    let plan = Plan {
        scenario: Scenario::Chaos,
        profile: Profile::Acns,
        rate: 60,
        // 4095 forget in three minutes what was refused before the outage: a slow machine takes longer to
        // come to the test that looks for it.
        ring_capacity: 16_383,
        ports: numbers,
        petshop: &petshop,
        prometheus,
        host: &host,
        folder: &folder,
    };
    stage::start(services, &plan).await?;

    let mut step = Step::start("browser tests");
    let mut tests = with(Command::new("node"), &["--test", "--test-concurrency=1"]);
    tests
        .current_dir(workspace::root())
        .args(browser_tests(folders)?)
        .env("CHROMIUM", chromium)
        .env("GRAFANA_URL", format!("http://127.0.0.1:{grafana_port}"))
        .env("RELAY_ADDRESS", format!("127.0.0.1:{relay}"))
        .env("METRICS_ADDRESS", format!("127.0.0.1:{metrics}"))
        .env("PROMETHEUS_URL", format!("http://127.0.0.1:{prometheus_port}"));
    let outcome = process::run(&mut step, &mut tests).await;
    services.stop_all().await;
    outcome?;
    let shown_by = match host {
        Host::Grafana(_) => "real Grafana",
        Host::Preview(_) => "the preview, because there is no Grafana",
    };
    step.done(&format!("real Chromium, real gpx_hubble, real Prometheus, {shown_by}"));
    Ok(())
}

/// The test files of `folders`, in the order of their names.
fn browser_tests(folders: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(workspace::at(folder))? {
            files.push(entry?.path());
        }
    }
    files.retain(|path| path.to_string_lossy().ends_with(".browser.mjs"));
    files.sort();
    Ok(files)
}

fn with(mut command: Command, arguments: &[&str]) -> Command {
    command.args(arguments);
    command
}
