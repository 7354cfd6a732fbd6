//! The command over the lab's policies.
#![expect(clippy::unwrap_used, reason = "a command that does not start fails the test")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/policies-lab");

fn run(arguments: &[&str], input: Option<&str>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hubble-verdict"))
        .current_dir(FOLDER)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    if let Some(input) = input {
        child.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
    }
    child.wait_with_output().unwrap()
}

fn check(name: &str, arguments: &[&str], code: i32) {
    let output = run(arguments, None);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{text}");
    // Every update of the model changes the release, not the snapshots.
    let text = text.replace(cilium_policy::RELEASE, "[RELEASE]");
    insta::assert_snapshot!(name, text);
}

const CHAOS: &str = "acns-network-policy-chaos.yaml";
const COMBINED: &str = "aks-combined-fqdn-l7.yaml";
const LOG: &str = "container-network-log.yaml";
const PETS: &str = "namespace=pets";

#[test]
fn the_release_of_the_model_is_named() {
    let version = run(&["--version"], None);
    let expected = format!(
        "hubble-verdict {}, judges as Cilium {}\n",
        env!("CARGO_PKG_VERSION"),
        cilium_policy::RELEASE
    );
    assert_eq!(String::from_utf8_lossy(&version.stdout), expected);
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    assert!(readme.contains(cilium_policy::RELEASE), "README.md names another release");
}

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
fn flows_older_than_the_policies_do_not_differ() {
    let other = "acns-network-policy-allow-store-front-traffic.yaml";
    let with = |since: &str| {
        let of_flows = ["--policies", other, "--flows", "chaos.jsonl", "--settings", PETS];
        let output = run(&[of_flows.as_slice(), &["--policies-since", since]].concat(), None);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = with("2026-08-21T10:30:00+00:00");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("0 differ") && text.contains("flows are older than the policies"));
    assert!(text.contains("judged by later policies (changed 2026-08-21 10:30:00 UTC)"), "{text}");
    assert_eq!(with("2026-08-21T09:00:00Z").0, Some(1));
    // A shorter time ago than the flows, and a longer one.
    assert_eq!((with("1m").0, with("300 years").0), (Some(0), Some(1)));
    assert_eq!(with("yesterday").0, Some(2));
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
fn what_if_is_the_whole_set() {
    let what_if = |with: &[&str]| {
        let given = ["--policies", CHAOS, COMBINED, "--settings", PETS, "--flows", "chaos.jsonl"];
        let output = run(&[given.as_slice(), &["--what-if"], with].concat(), None);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = what_if(&[COMBINED]);
    assert_eq!(code, Some(0), "{text}");
    let name = "CiliumNetworkPolicy/pets/allow-store-front-traffic";
    assert!(text.contains(&format!("--what-if lacks {name}: it counts as deleted")), "{text}");
    // One refused document changes the exit code, in the set in force and in that of `--what-if`.
    let (code, text) = what_if(&[CHAOS, COMBINED, "../policies-refused.yaml"]);
    assert_eq!(code, Some(3), "{text}");
    let without = run(&["--policies", CHAOS, "--what-if", CHAOS], None);
    assert_eq!(without.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&without.stderr).contains("`--flows`"));
}

#[test]
fn a_policy_that_is_replaced_is_named() {
    let other = "acns-network-policy-allow-store-front-traffic.yaml";
    let both = |files: [&str; 2]| {
        let output = run(&["--policies", files[0], files[1], "--flows", "/dev/null"], None);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for files in [[CHAOS, other], [other, CHAOS]] {
        let text = both(files);
        let said = format!("occurs more than once: the last one counts, here that of {}", files[1]);
        assert!(text.contains(&said) && text.contains("`/dev/null` holds no record"), "{text}");
    }
}

#[test]
fn combined_tells_the_whole_story() {
    check(
        "combined",
        &["--policies", COMBINED, "--flows", "combined.jsonl", "--lint", "--suggest"],
        4,
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

/// The deciding rule, flow by flow, as the file's lines have it.
#[test]
fn every_flow_has_its_decision() {
    let given = ["--policies", CHAOS, "--flows", "chaos.jsonl", "--settings", PETS, "-o", "json"];
    let report: serde_json::Value = serde_json::from_slice(&run(&given, None).stdout).unwrap();
    let mut decided = vec![String::new(); 6];
    for group in report["groups"].as_array().unwrap() {
        let decision = &group["decision"];
        let text = |key: &str| decision[key].as_str().unwrap_or("-");
        let [cause, kind, namespace] = [text("cause"), text("kind"), text("namespace")];
        let [policy, file, rule] = [text("policy"), text("file"), text("rule")];
        assert_eq!((kind, namespace), ("CiliumNetworkPolicy", "pets"), "{decision}");
        assert_eq!((policy, file), ("allow-store-front-traffic", CHAOS), "{decision}");
        for flow in group["flows"].as_array().unwrap() {
            let at = usize::try_from(flow.as_u64().unwrap()).unwrap();
            decided[at] = format!("{cause} {rule} {}", decision["line"]);
        }
    }
    let default = "default-deny - 1";
    assert_eq!(
        decided,
        [default, default, default, "rule egress[0] 12", "rule egress[1] 19", default]
    );
}

#[test]
fn json_has_findings_fixes_and_what_if() {
    let policies = ["--policies", COMBINED, "--flows", "combined.jsonl"];
    let rest = ["--lint", "--suggest", "--what-if", CHAOS, "--log-resource", LOG, "-o", "json"];
    check("json_all", &[policies.as_slice(), &rest].concat(), 4);
}

/// Counted by hand: the empty list of peers is a warning, the depth of a pattern a hint, the
/// direction without rules an error.
#[test]
fn the_severity_that_fails_is_chosen() {
    let fqdn = "acns-network-policy-fqdn.yaml";
    let code = |file: &str, more: &[&str]| {
        let output = run(&[&["--policies", file, "--lint"], more].concat(), None);
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let codes =
        |file: &str| ["error", "warning", "hint"].map(|bar| code(file, &["--fail-on", bar]).0);
    assert_eq!(codes(fqdn), [0, 0, 4]);
    assert_eq!(codes(CHAOS), [0, 4, 4]);
    assert_eq!(codes(COMBINED), [4, 4, 4]);
    assert_eq!([fqdn, CHAOS, COMBINED].map(|file| code(file, &[]).0), [0, 0, 4]);
    let (_, text) = code(CHAOS, &["--fail-on", "warning"]);
    assert!(
        text.ends_with("exit code 4: there are findings of severity error or warning\n"),
        "{text}"
    );
    for wrong in [["--lint", "--fail-on", "all"].as_slice(), &["--fail-on", "hint"]] {
        assert_eq!(run(&[&["--policies", CHAOS], wrong].concat(), None).status.code(), Some(2));
    }
}

#[test]
fn a_resource_says_what_it_logs() {
    let output =
        run(&["--policies", COMBINED, "--flows", "combined.jsonl", "--log-resource", LOG], None);
    let text = String::from_utf8_lossy(&output.stdout);
    let tail: Vec<&str> = text.lines().rev().take(3).collect();
    assert_eq!(
        tail,
        [
            "logged by ingress: 3 flows",
            "logged by egress: 18 flows",
            "0 of 21 flows would not be logged"
        ]
    );
    check(
        "no_resource",
        &["--policies", COMBINED, "--flows", "combined.jsonl", "--log-resource", CHAOS],
        2,
    );
}

#[test]
fn broken_lines_are_counted_and_told() {
    let flows = std::fs::read_to_string(format!("{FOLDER}/chaos.jsonl")).unwrap();
    let long = "x".repeat(3 << 20);
    let input = format!("{{\"flow\": \n\n{flows}{long}\n{{\"lost_events\": {{}}}}\nend");
    let arguments = ["--policies", CHAOS, "--flows", "-", "--settings", PETS];
    let output = run(&arguments, Some(&input));
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let notices: Vec<&str> = text.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices[0].contains("3 lines are not records and left out, the first is line 1: "));
    assert!(notices[1].contains("1 record is not a flow"));
    assert!(text.contains("6 flows: 6 agree, 0 differ"), "{text}");
}

#[test]
fn a_folder_without_policies_is_a_cluster_without_policies() {
    let folder = std::env::temp_dir().join(format!("verdict-no-policies-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.display().to_string();
    let output = run(&["--policies", &path, "--flows", "chaos.jsonl"], None);
    std::fs::remove_dir(&folder).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains(&format!("note: `{path}` holds no file of policies (*.yaml, *.yml, *.json)")),
        "{text}"
    );
    assert!(text.contains("note: there is no policy: everything passes"), "{text}");
    // Drops that a policy caused differ from an empty set of policies.
    assert_eq!(output.status.code(), Some(1), "{text}");
}

#[test]
fn colours_are_for_terminals() {
    let output = run(&["--policies", CHAOS, "--flows", "chaos.jsonl"], None);
    assert!(!output.stdout.contains(&0x1b));
}

#[test]
fn help_says_what_there_is() {
    check("help", &["--help"], 0);
}

#[test]
fn bad_input_says_what_is_wrong() {
    check("no_file", &["--policies", "missing.yaml"], 2);
    check("no_flows", &["--policies", CHAOS, "--flows", CHAOS], 2);
    check("no_setting", &["--policies", CHAOS, "--settings", "colour=red"], 2);
    let said = |setting: &str| {
        let output = run(&["--policies", CHAOS, "--settings", setting], None);
        assert_eq!(output.status.code(), Some(2), "{setting}");
        String::from_utf8_lossy(&output.stderr).trim_end().to_owned()
    };
    assert_eq!(
        said("enable-ipv4=maybe"),
        "hubble-verdict: the setting `enable-ipv4` cannot be `maybe`: it is `true` or `false`"
    );
    assert_eq!(
        said("cilium-release=2.0"),
        "hubble-verdict: the setting `cilium-release` cannot be `2.0`: it is a version of Cilium 1, as `1.18`, or `main`"
    );
    for name in ["", "Foo_", "-a"] {
        assert_eq!(
            said(&format!("namespace={name}")),
            format!(
                "hubble-verdict: the setting `namespace` cannot be `{name}`: it is the name of a namespace: small letters, digits and hyphens"
            )
        );
    }
    assert_eq!(said("enable-ipv4"), "hubble-verdict: `enable-ipv4` is not of the form NAME=VALUE");
}

#[test]
fn ask_answers_step_by_step() {
    let ask = |name: &str, rest: &[&str], code: i32| {
        check(name, &[&["ask", "--settings", PETS, "--policies"], rest].concat(), code);
    };
    let zero_trust = "acns-network-policy.yaml";
    let flows = ["--flows", "combined.jsonl"];
    // The lab's first question: its flows know product-service, and the labels of the source are
    // written.
    let order_service = ["--from", "order-service", "--from-labels", "app=order-service"];
    let product_service = ["--to", "product-service:3002", "--suggest"];
    ask("ask", &[&[zero_trust], flows.as_slice(), &order_service, &product_service].concat(), 1);
    let bing = ["--to", "www.bing.com:443", "-o", "json"];
    ask("ask_json", &[&[zero_trust], flows.as_slice(), &order_service, &bing].concat(), 1);
    let store_front = ["--from", "pets/store-front", "--to", "product-service:3002"];
    ask(
        "ask_request",
        &[&[COMBINED], flows.as_slice(), &store_front, &["--request", "GET /"]].concat(),
        0,
    );
    ask("ask_unknown", &[&[COMBINED], store_front.as_slice()].concat(), 5);
    // A name that `toFQDNs` has and the DNS rules lack.
    let github = ["--from", "pets/store-front", "--to", "api.github.com:443", "--suggest"];
    ask("ask_lookup", &[&[COMBINED], flows.as_slice(), &github].concat(), 1);
    ask("ask_lookup_json", &[&[COMBINED], flows.as_slice(), &github, &["-o", "json"]].concat(), 1);
    ask("ask_no_port", &[COMBINED, "--from", "a", "--to", "b"], 2);
    check("ask_help", &["ask", "--help"], 0);
}

#[test]
fn policies_without_a_namespace_are_noted() {
    check("unplaced", &["--policies", CHAOS, "--flows", "chaos.jsonl"], 1);
    let output = run(&["--policies", CHAOS, "--flows", "chaos.jsonl", "-o", "json"], None);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let group = &answer["groups"][0];
    assert_eq!(group["agreement"], "differs");
    assert!(group["unplaced"].as_str().unwrap().contains("namespace=pets"), "{group}");
    assert!(answer["notices"][0].as_str().unwrap().contains("1 policy has no namespace"));
    // Cannot tell without it.
    let ask = ["ask", "--policies", CHAOS, "--flows", "chaos.jsonl", "--from", "world"];
    let to = ["--to", "pets/store-front:8080"];
    let code = |more: &[&str]| run(&[ask.as_slice(), &to, more].concat(), None).status.code();
    assert_eq!((code(&[]), code(&["--settings", PETS])), (Some(5), Some(1)));
}
