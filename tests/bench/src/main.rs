//! `bench [NAME…]`: benchmarks, each beside a named peer in the same run.
//!
//! One file per area; an area adds its file and one line to [`BENCHES`]. Nothing here fails for
//! being slow: what was aimed at stands beside what was measured, and `--list` names the benches.

mod flows;
mod measure;
mod policy_engine;
mod policy_module;
mod prometheus;
mod report;
mod table;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use report::BenchReport;

/// Reason why a bench could not measure anything.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Benchmark: name, description, function.
type Bench = (&'static str, &'static str, fn(&mut BenchReport) -> Result<(), Failure>);

const BENCHES: &[Bench] = &[
    ("flows", "flows from the wire to columns, beside prost and `hubble`", flows::run),
    ("policy", "the policy engine beside a naive model", policy_engine::run),
    ("policy-wasm", "the policy engine's Wasm module in Node.js", policy_module::run),
    ("table", "100,000 flows as a table, beside Grafana's own step to JSON", table::run),
    ("prometheus", "an answer of Prometheus, JSON to Arrow", prometheus::run),
];

/// Allocator that counts the heap, so that memory is a number of the run and not of the system.
#[global_allocator]
pub(crate) static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Runs the benchmarks, each beside a named peer in the same run
#[derive(Debug, Parser)]
struct Options {
    /// Only these benches; none: all of them
    #[arg(value_parser = PossibleValuesParser::new(BENCHES.iter().map(|(name, ..)| *name)))]
    names: Vec<String>,
    /// List the benchmarks
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let Options { names, list } = Options::parse();
    if list {
        for (name, what, _) in BENCHES {
            println!("{name:<12} {what}");
        }
        return ExitCode::SUCCESS;
    }
    println!("{}", report::machine());
    let mut code = ExitCode::SUCCESS;
    for (name, what, run) in BENCHES {
        if !names.is_empty() && !names.iter().any(|own| own == name) {
            continue;
        }
        println!("\n{name}: {what}");
        let mut report = BenchReport::new(name);
        let outcome = run(&mut report).and_then(|()| report.finish());
        if let Err(error) = outcome {
            eprintln!("error: {name}: {error}");
            code = ExitCode::FAILURE;
        }
    }
    code
}
