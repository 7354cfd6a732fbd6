//! A comparison of the engine's answers with Cilium's for files of vectors.
//!
//! `vectors [--show=COUNT] FILE…`: JSON lines, plain or gzipped. Exit code 1 on any difference.
//! `mismatches` counts verdicts and documents together. `others` counts map entries for which
//! Cilium names other rules.

use std::{error::Error, path::Path, process::ExitCode};

use policy_vectors::{
    VectorsError, read_lines,
    scenarios::{self, Report},
};

fn main() -> ExitCode {
    let mut shown = 0;
    let mut files = Vec::new();
    for argument in std::env::args().skip(1) {
        if let Some(count) = argument.strip_prefix("--show=") {
            let Ok(count) = count.parse() else {
                eprintln!("--show: `{count}` is not a number");
                return ExitCode::from(2);
            };
            shown = count;
        } else {
            files.push(argument);
        }
    }
    if files.is_empty() {
        eprintln!("usage: vectors [--show=COUNT] FILE…");
        return ExitCode::from(2);
    }
    let mut is_clean = true;
    for file in &files {
        let report = match judged(Path::new(file)) {
            Ok(report) => report,
            Err(err) => {
                let cause = err.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                eprintln!("`{file}`: {err}{cause}");
                return ExitCode::from(2);
            }
        };
        println!(
            "{file} directions={} mismatches={} documents={} attribution_mismatches={} map_entries={} others={}",
            report.directions,
            report.mismatches.len() + report.document_mismatches.len(),
            report.document_mismatches.len(),
            report.attribution_mismatches.len(),
            report.map_entries,
            report.map_entry_mismatches.len(),
        );
        is_clean &= report.mismatches.is_empty()
            && report.document_mismatches.is_empty()
            && report.attribution_mismatches.is_empty();
        let differences = report
            .mismatches
            .iter()
            .chain(&report.document_mismatches)
            .chain(&report.attribution_mismatches)
            .chain(&report.map_entry_mismatches);
        for difference in differences.take(shown) {
            println!("{difference}\n");
        }
    }
    if is_clean { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn judged(file: &Path) -> Result<Report, VectorsError> {
    scenarios::run(&read_lines(file)?)
}
