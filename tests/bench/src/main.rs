//! `bench [NAME…]`: what is fast, measured beside a named peer in the same run.
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

use report::Report;

/// Why a bench could not measure anything.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A name, what is measured, and the function that measures it.
type Bench = (&'static str, &'static str, fn(&mut Report) -> Result<(), Failure>);

const BENCHES: &[Bench] = &[
    ("flows", "flows from the wire to columns, beside prost and `hubble`", flows::run),
    ("policy", "the policy engine beside a naive model", policy_engine::run),
    ("policy-wasm", "the policy engine's Wasm module in Node.js", policy_module::run),
    ("table", "100,000 flows as a table, beside Grafana's own step to JSON", table::run),
    ("prometheus", "an answer of Prometheus, JSON to Arrow", prometheus::run),
];

/// Counts the heap, so that memory is a number of the run and not of the system.
#[global_allocator]
pub(crate) static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.iter().any(|name| name == "--list") {
        for (name, what, _) in BENCHES {
            println!("{name:<12} {what}");
        }
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = names.iter().find(|name| !BENCHES.iter().any(|(own, ..)| own == *name)) {
        let known: Vec<&str> = BENCHES.iter().map(|(name, ..)| *name).collect();
        eprintln!("error: no bench is called `{unknown}`; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    println!("{}", report::machine());
    let mut code = ExitCode::SUCCESS;
    for (name, what, run) in BENCHES {
        if !names.is_empty() && !names.iter().any(|own| own == name) {
            continue;
        }
        println!("\n{name}: {what}");
        let mut report = Report::new(name);
        let outcome = run(&mut report).and_then(|()| report.finish());
        if let Err(error) = outcome {
            eprintln!("error: {name}: {error}");
            code = ExitCode::FAILURE;
        }
    }
    code
}
