//! Bench of a table of 100,000 flows as Grafana requests it: the built backend over its real
//! protocol, and beside it Grafana's own step, Arrow to JSON, with the libraries of its 12.4.0. The
//! client is in Go like Grafana, in `tests/bench/grafana/`; the bench needs `go` on the PATH.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use instructions::wire;

use crate::Failure;
use crate::flows::relay;
use crate::measure::Race;
use crate::report::{BenchReport, Goal, Measurement};

const ROWS: usize = 100_000;

const PEER: &str = "UnmarshalArrowFrame and FrameToJSON of Grafana's Go SDK 0.287.0";

/// Output of the client; times in seconds.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientOutput {
    rounds: Vec<Round>,
    rows: usize,
    columns: usize,
    arrow_bytes: usize,
    json_bytes: usize,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Round {
    backend: f64,
    backend_cpu: f64,
    receiving_cpu: f64,
    unmarshal: f64,
    marshal: f64,
}

/// Runs all benches of this area.
pub(crate) fn run(report: &mut BenchReport) -> Result<(), Failure> {
    let program = asker()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // A relay without field masks, so that the backend has all the work.
    let address = runtime.block_on(relay::start_without_mask(wire::messages(ROWS)));
    let output = Command::new(program)
        .arg(backend()?)
        .args([address.to_string(), ROWS.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("the asking program ended with {}", output.status).into());
    }
    let asked: ClientOutput = serde_json::from_slice(&output.stdout)?;
    if asked.rows != ROWS {
        return Err(format!("the answer has {} rows instead of {ROWS}", asked.rows).into());
    }
    // The first round opens connections.
    let rounds = asked.rounds.get(1..).unwrap_or_default();
    let grafana = || rounds.iter().map(|round| round.unmarshal + round.marshal).collect();
    let name = format!("{ROWS} rows, {} columns", asked.columns);
    let own =
        |secs: fn(&Round) -> f64| Race { ours: rounds.iter().map(secs).collect(), peer: grafana() };
    let whole = own(|round| round.backend_cpu);
    report.add(Measurement::milliseconds_race(
        format!("{name}: processor, in the backend"),
        &whole,
        PEER,
    ));
    let race = own(|round| round.backend_cpu - round.receiving_cpu);
    report.add(Measurement::milliseconds_race(
        format!("{name}: the same, without receiving the flows"),
        &race,
        PEER,
    ));
    let share = Measurement::value("which is, of Grafana's time,".into(), "times", race.share());
    report.add(share.goal(Goal::AtMost(1.0)));
    let race = Race { ours: rounds.iter().map(|round| round.backend).collect(), peer: grafana() };
    report.add(Measurement::milliseconds_race(
        format!("{name}: question to answer, relay included"),
        &race,
        PEER,
    ));
    let megabytes = |bytes: usize| {
        let value = crate::report::amount(bytes) / 1e6;
        crate::measure::Spread::of([value])
    };
    report.add(Measurement::value(
        "the answer in Arrow".into(),
        "MB",
        megabytes(asked.arrow_bytes),
    ));
    report.add(Measurement::value("the answer in JSON".into(), "MB", megabytes(asked.json_bytes)));
    Ok(())
}

/// Builds the client beside this program.
fn asker() -> Result<PathBuf, Failure> {
    let program = beside("grafana-asks")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(folder)
        .status()
        .map_err(|error| format!("`go` builds what asks as Grafana does: {error}"))?;
    if !status.success() {
        return Err(format!("`go build` ended with {status}").into());
    }
    Ok(program)
}

/// The backend of the same build.
fn backend() -> Result<PathBuf, Failure> {
    let program = beside("gpx_hubble")?;
    if !program.is_file() {
        return Err(
            format!("`{}` is not there: `cargo xtask bench` builds it", program.display()).into()
        );
    }
    Ok(program)
}

fn beside(name: &str) -> Result<PathBuf, Failure> {
    Ok(std::env::current_exe()?.with_file_name(name))
}
