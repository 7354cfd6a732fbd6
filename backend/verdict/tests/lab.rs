//! The command over the lab's policies.
#![expect(clippy::unwrap_used, reason = "a command that does not start fails the test")]

use std::process::Command;

fn check(name: &str, arguments: &[&str], code: i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_verdict"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/policies-lab"))
        .args(arguments)
        .output()
        .unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{text}");
    insta::assert_snapshot!(name, text);
}

const CHAOS: &str = "acns-network-policy-chaos.yaml";
const COMBINED: &str = "aks-combined-fqdn-l7.yaml";
const PETS: &str = "namespace=pets";

#[test]
fn chaos_names_the_empty_list() {
    check("chaos", &["--policies", CHAOS, "--flows", "chaos.jsonl", "--settings", PETS], 0);
}

#[test]
fn chaos_again_under_the_other_policy_differs() {
    let other = "acns-network-policy-allow-store-front-traffic.yaml";
    check("allowed", &["--policies", other, "--flows", "chaos.jsonl", "--settings", PETS], 1);
}

#[test]
fn what_if_the_ingress_came_back() {
    let other = "acns-network-policy-allow-store-front-traffic.yaml";
    check(
        "what_if",
        &["--policies", CHAOS, "--flows", "chaos.jsonl", "--what-if", other, "--settings", PETS],
        0,
    );
}

#[test]
fn combined_tells_the_whole_story() {
    check(
        "combined",
        &["--policies", COMBINED, "--flows", "combined.jsonl", "--lint", "--suggest"],
        0,
    );
}

#[test]
fn json_has_the_same() {
    check(
        "json",
        &["--policies", CHAOS, "--flows", "chaos.jsonl", "--settings", PETS, "--output", "json"],
        0,
    );
}

#[test]
fn bad_input_says_what_is_wrong() {
    check("no_file", &["--policies", "missing.yaml"], 2);
    check("no_flows", &["--policies", CHAOS, "--flows", CHAOS], 2);
    check("no_setting", &["--policies", CHAOS, "--settings", "colour=red"], 2);
}
