//! Asks what an API server makes of documents, and says where the answers differ from a real one's.
//!
//! `documents FILE…`: JSON lines, plain or gzipped, or files of policies. Prints one line of JSON for
//! each document, then `documents= mismatches=`. Exit code 1 on any difference.

mod run;

use std::{fs::File, io::Read, process::ExitCode};

use flate2::read::GzDecoder;

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: documents FILE…");
        return ExitCode::from(2);
    }
    let mut report = run::Report::default();
    for file in &files {
        let answered = read(file)
            .map_err(|err| err.to_string())
            .and_then(|text| report.file(std::path::Path::new(file), &text));
        if let Err(err) = answered {
            eprintln!("`{file}`: {err}");
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

fn read(file: &str) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.read_to_end(&mut bytes)?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        bytes.as_slice().read_to_string(&mut text)?;
    }
    Ok(text)
}
