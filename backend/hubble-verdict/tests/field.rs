//! Cases from the field, run through the command: `tests/vectors/field` has one folder for each
//! case, with the expected results in `expect.json`.
#![expect(clippy::unwrap_used, reason = "a case that cannot be read fails the test")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const FIELD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/field");

/// Keys that a run may have; any other key is a typing error.
const KEYS: [&str; 8] =
    ["arguments", "code", "verdicts", "agreements", "findings", "says", "absent", "fixes"];

#[test]
fn cases_give_what_they_must() {
    let mut faults = Vec::new();
    for case in folders() {
        let runs = std::fs::read_to_string(format!("{FIELD}/{case}/expect.json")).unwrap();
        let runs: Value = serde_json::from_str(&runs).unwrap();
        for (number, run) in runs.as_array().unwrap().iter().enumerate() {
            let wrong = check(&Path::new(FIELD).join(&case), run);
            faults.extend(wrong.into_iter().map(|fault| format!("{case}, run {number}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Policies reduced to what verdicts read give the same verdicts, agreements and fixes.
#[test]
fn reduced_policies_give_the_same_verdicts() {
    let mut faults = Vec::new();
    for case in folders() {
        let folder = Path::new(FIELD).join(&case);
        let runs = std::fs::read_to_string(folder.join("expect.json")).unwrap();
        let runs: Value = serde_json::from_str(&runs).unwrap();
        let copy = tempfile::tempdir().unwrap();
        copy_reduced(&folder, copy.path());
        for (number, run) in runs.as_array().unwrap().iter().enumerate() {
            let report = |within: &Path| -> Option<Value> {
                let mut arguments = arguments(&folder, run);
                // Files of other cases and flows are not copied.
                for own in arguments.iter_mut().filter(|own| own.starts_with("../")) {
                    *own = folder.join(&own).display().to_string();
                }
                arguments.extend(["-o".to_owned(), "json".to_owned()]);
                serde_json::from_slice(&verdict(within, &arguments).stdout).ok()
            };
            let (Some(whole), Some(reduced)) = (report(&folder), report(copy.path())) else {
                continue;
            };
            // The same keys, also where the run asks a question instead.
            let keys = |report: &Value| {
                report.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>())
            };
            assert_eq!(keys(&whole), keys(&reduced), "{case}, run {number}");
            if whole["records"].is_null() || whole["suggestion"]["edits"].is_null() {
                continue;
            }
            for field in ["verdict", "agreement"] {
                let (whole, reduced) = (by_flow(&whole, field), by_flow(&reduced, field));
                if whole != reduced {
                    faults.push(format!(
                        "{case}, run {number}: {field} {whole:?}, reduced {reduced:?}"
                    ));
                }
            }
            if fixes(&whole) != fixes(&reduced) {
                faults.push(format!(
                    "{case}, run {number}: {:?}, reduced {:?}",
                    fixes(&whole),
                    fixes(&reduced)
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Copies a folder, its policies reduced.
fn copy_reduced(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_reduced(&path, &target);
            continue;
        }
        let is_policy = path
            .extension()
            .is_some_and(|own| ["yaml", "yml", "json"].iter().any(|name| own == *name));
        match std::fs::read_to_string(&path) {
            Ok(text) if is_policy => {
                std::fs::write(&target, cilium_policy::reduce(&text).text).unwrap();
            }
            _ => drop(std::fs::copy(&path, &target).unwrap()),
        }
    }
}

fn folders() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(FIELD)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

/// Differences between the results of one run and the expected ones.
fn check(folder: &Path, run: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for key in run.as_object().unwrap().keys().filter(|key| !KEYS.contains(&key.as_str())) {
        faults.push(format!("`{key}` is not a key of a run"));
    }
    let arguments = arguments(folder, run);
    let output = verdict(folder, &arguments);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if let Some(code) = run.get("code")
        && output.status.code().map(i64::from) != code.as_i64()
    {
        faults.push(format!("exit code {:?}, must be {code}", output.status.code()));
    }
    for part in texts(run, "says").filter(|part| !text.contains(part)) {
        faults.push(format!("does not say `{part}`:\n{text}"));
    }
    for part in texts(run, "absent").filter(|part| text.contains(part)) {
        faults.push(format!("says `{part}`:\n{text}"));
    }
    if ["verdicts", "agreements", "findings", "fixes"].iter().all(|key| run.get(key).is_none()) {
        return faults;
    }
    let output = verdict(folder, &[arguments, vec!["-o".to_owned(), "json".to_owned()]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let seen = [
        ("verdicts", by_flow(&report, "verdict")),
        ("agreements", by_flow(&report, "agreement")),
        ("findings", findings(&report)),
        ("fixes", fixes(&report)),
    ];
    for (key, seen) in seen {
        let wanted: Vec<&str> = texts(run, key).collect();
        if run.get(key).is_some() && wanted != seen {
            faults.push(format!("{key} are {seen:#?}, must be {wanted:#?}\n{text}"));
        }
    }
    faults
}

fn verdict(folder: &Path, arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hubble-verdict"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// Arguments of the run; without any, the files by their names.
fn arguments(folder: &Path, run: &Value) -> Vec<String> {
    let mut all: Vec<String> = texts(run, "arguments").map(ToOwned::to_owned).collect();
    let gives = |all: &[String], name: &str| all.iter().any(|own| own == name);
    if !gives(&all, "--policies") {
        all.extend(["--policies", "policy.yaml"].map(ToOwned::to_owned));
    }
    if !gives(&all, "--flows") && folder.join("flows.jsonl").exists() {
        all.extend(["--flows", "flows.jsonl"].map(ToOwned::to_owned));
    }
    all.extend(["--lint", "--suggest"].map(ToOwned::to_owned));
    all
}

fn texts<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    let items = value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item.as_str().unwrap())
}

/// A field of the groups, flow by flow; `not judged` for a flow without group.
fn by_flow(report: &Value, field: &str) -> Vec<String> {
    let count = usize::try_from(report["records"].as_u64().unwrap()).unwrap();
    let mut out = vec!["not judged".to_owned(); count];
    for group in report["groups"].as_array().unwrap() {
        for flow in group["flows"].as_array().unwrap() {
            let at = usize::try_from(flow.as_u64().unwrap()).unwrap();
            group[field].as_str().unwrap().clone_into(out.get_mut(at).unwrap());
        }
    }
    out
}

/// Findings as `severity id file:line`; hints without a place are left out.
fn findings(report: &Value) -> Vec<String> {
    let all = report["findings"].as_array().unwrap().iter();
    all.map(|finding| {
        let place = finding["file"].as_str().map(|file| format!(" {file}:{}", finding["line"]));
        let [severity, id] = ["severity", "id"].map(|key| finding[key].as_str().unwrap());
        format!("{severity} {id}{}", place.unwrap_or_default())
    })
    .collect()
}

/// The extended lists, the added policies, and the flows that then pass.
fn fixes(report: &Value) -> Vec<String> {
    let suggestion = &report["suggestion"];
    let edits = suggestion["edits"].as_array().unwrap().iter();
    let mut out: Vec<String> = edits
        .map(|edit| {
            let words = edit["inserted"].as_str().unwrap().split_whitespace();
            let item = words.collect::<Vec<_>>().join(" ");
            format!(
                "{} {}: {item}",
                edit["policy"].as_str().unwrap(),
                edit["list"].as_str().unwrap()
            )
        })
        .collect();
    let yaml = suggestion["yaml"].as_str().unwrap();
    out.extend(
        yaml.split("---\n")
            .filter(|one| !one.is_empty())
            .map(|one| one.split_whitespace().collect::<Vec<_>>().join(" ")),
    );
    let fixed = &suggestion["fixed"];
    out.push(format!("fixed {fixed}"));
    out
}
