//! Cilium's own answers: every verdict, redirect and refusal, and the policies it names.

#![expect(clippy::unwrap_used, reason = "a file that is not there fails the test")]

#[path = "../examples/vectors/run.rs"]
mod run;

use std::{fs::File, io::Read, path::Path};

use run::Report;
use serde_json::{Value, json};

fn judge(file: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(file);
    let mut bytes = Vec::new();
    File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    let report = run::run(&text).unwrap();
    assert!(report.directions > 500, "{file}: {} directions", report.directions);
    report
}

fn check(file: &str) {
    let report = judge(file);
    assert_eq!(report.mismatches.first(), None, "{file}");
    assert_eq!(report.document_mismatches.first(), None, "{file}");
    assert_eq!(report.attribution_mismatches.first(), None, "{file}");
    assert_eq!(report.map_entry_mismatches.first(), None, "{file}");
}

/// What still differs in a file of `policy2` is what `left.json` counts: no more, and no less.
fn check_left(file: &str) {
    let report = judge(&format!("policy2/{file}"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/policy2/left.json");
    let left: Value = serde_json::from_reader(File::open(path).unwrap()).unwrap();
    let found = json!({
        "verdicts": report.mismatches.len(),
        "documents": report.document_mismatches.len(),
        "attribution": report.attribution_mismatches.len(),
        "mapEntries": report.map_entry_mismatches.len(),
    });
    assert_eq!(Some(&found), left.get(file), "{file}");
}

#[test]
fn examples() {
    check("policy/examples.jsonl.gz");
}

#[test]
fn connectivity() {
    check("policy/connectivity.jsonl.gz");
}

#[test]
fn probes() {
    check("policy/probes.jsonl.gz");
}

#[test]
fn random_cilium() {
    check("policy/random_cilium.jsonl.gz");
}

#[test]
fn random_k8s() {
    check("policy/random_k8s.jsonl.gz");
}

#[test]
fn random_mixed() {
    check("policy/random_mixed.jsonl.gz");
}

#[test]
fn dns_patterns() {
    check("policy/fqdn.jsonl");
}

#[test]
fn mixes_of_seldom_features() {
    check("policy2/mix.jsonl.gz");
}

#[test]
fn dense_ports_and_tiers() {
    check_left("dense.jsonl.gz");
}

#[test]
fn single_traps() {
    check("policy2/probes.jsonl.gz");
}

#[test]
fn documents() {
    check_left("documents.jsonl.gz");
}

#[test]
fn more_dns_patterns() {
    check("policy2/dns.jsonl.gz");
}

#[test]
fn expressions() {
    check_left("regex.jsonl.gz");
}
