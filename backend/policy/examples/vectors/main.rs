//! Judges files of vectors, and says where the answers differ from Cilium's.
//!
//! `vectors [--show] FILE…`: JSON lines, plain or gzipped. Exit code 1 on any difference.

mod run;

use std::{fs::File, io::Read, process::ExitCode};

use flate2::read::GzDecoder;

/// Differences that `--show` prints of each file.
const SHOWN: usize = 5;

fn main() -> ExitCode {
    let mut show = false;
    let mut files = Vec::new();
    for argument in std::env::args().skip(1) {
        if argument == "--show" {
            show = true;
        } else {
            files.push(argument);
        }
    }
    if files.is_empty() {
        eprintln!("usage: vectors [--show] FILE…");
        return ExitCode::from(2);
    }
    let mut is_clean = true;
    for file in &files {
        let text = match read(file) {
            Ok(text) => text,
            Err(err) => {
                eprintln!("`{file}`: {err}");
                return ExitCode::from(2);
            }
        };
        let report = match run::run(&text) {
            Ok(report) => report,
            Err(err) => {
                eprintln!("`{file}`: {err}");
                return ExitCode::from(2);
            }
        };
        println!(
            "{file} directions={} mismatches={} attribution_mismatches={}",
            report.directions,
            report.mismatches.len(),
            report.attribution_mismatches.len()
        );
        is_clean &= report.mismatches.is_empty() && report.attribution_mismatches.is_empty();
        if show {
            let all = report.mismatches.iter().chain(&report.attribution_mismatches);
            for mismatch in all.take(SHOWN) {
                println!("{mismatch}\n");
            }
        }
    }
    if is_clean { ExitCode::SUCCESS } else { ExitCode::from(1) }
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
