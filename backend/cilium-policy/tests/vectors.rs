//! Tests against Cilium's own answers: every verdict, redirect and refusal, and the policies it
//! names.

#![expect(clippy::unwrap_used, reason = "a file that is not there fails the test")]

use std::path::Path;

use policy_vectors::{
    read_lines,
    scenarios::{self, Report},
};

fn judge(file: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(file);
    let report = scenarios::run(&read_lines(&path).unwrap()).unwrap();
    assert!(report.directions > 500, "{file}: {} directions", report.directions);
    report
}

fn check(file: &str) {
    check_but(file, 0);
}

/// Checks a file; `others` counts map entries for which Cilium names other rules, by the order in
/// which it walks a map.
fn check_but(file: &str, others: usize) {
    let report = judge(file);
    assert_eq!(report.mismatches.first(), None, "{file}");
    assert_eq!(report.document_mismatches.first(), None, "{file}");
    assert_eq!(report.attribution_mismatches.first(), None, "{file}");
    assert_eq!(report.map_entry_mismatches.len(), others, "{file}");
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
    check_but("policy2/dense.jsonl.gz", 2);
}

#[test]
fn single_traps() {
    check("policy2/probes.jsonl.gz");
}

#[test]
fn documents() {
    check("policy2/documents.jsonl.gz");
}

#[test]
fn more_dns_patterns() {
    check("policy2/dns.jsonl.gz");
}

#[test]
fn expressions() {
    check("policy2/regex.jsonl.gz");
}

/// Reduced policies give the same verdicts by the same rules.
#[test]
fn reduced_policies_are_judged_alike() {
    for file in [
        "policy/examples.jsonl.gz",
        "policy/connectivity.jsonl.gz",
        "policy/probes.jsonl.gz",
        "policy/random_cilium.jsonl.gz",
        "policy/random_k8s.jsonl.gz",
        "policy/random_mixed.jsonl.gz",
        "policy2/mix.jsonl.gz",
        "policy2/dense.jsonl.gz",
        "policy2/probes.jsonl.gz",
        "policy2/documents.jsonl.gz",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(file);
        let text = read_lines(&path).unwrap();
        let whole = scenarios::run(&text).unwrap();
        let (reduced, unreduced) = scenarios::reduced(&text).unwrap();
        // Documents that are no YAML, and such whose metadata alone is wrong.
        let expected = if file == "policy2/documents.jsonl.gz" { 13 } else { 0 };
        assert_eq!(unreduced, expected, "{file}");
        let reduced = scenarios::run(&reduced).unwrap();
        assert_eq!(reduced.directions, whole.directions, "{file}");
        assert_eq!(reduced.mismatches.first(), None, "{file}");
        assert_eq!(reduced.attribution_mismatches.first(), None, "{file}");
        assert_eq!(reduced.map_entry_mismatches.len(), whole.map_entry_mismatches.len(), "{file}");
    }
}
