//! A comparison of the engine's document answers with those of a real API server.
//!
//! `documents FILE…`: JSON lines, plain or gzipped, or files of policies. Prints one line of JSON for
//! each document, then `documents= mismatches=`. Exit code 1 on any difference.

use std::{error::Error, path::Path, process::ExitCode};

use policy_vectors::{documents::Report, read_lines};

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: documents FILE…");
        return ExitCode::from(2);
    }
    let mut report = Report::default();
    for file in &files {
        let path = Path::new(file);
        let answered = read_lines(path).and_then(|text| report.file(path, &text));
        if let Err(err) = answered {
            let cause = err.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("`{file}`: {err}{cause}");
            return ExitCode::from(2);
        }
    }
    for line in &report.lines {
        println!("{line}");
    }
    for mismatch in &report.mismatches {
        eprintln!("{mismatch}");
    }
    println!("documents={} mismatches={}", report.lines.len(), report.mismatches.len());
    if report.mismatches.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
