//! Records in their wrappings: container logs, Loki, Fluent Bit, arrays.
#![expect(clippy::unwrap_used, reason = "a command that does not start fails the test")]

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/policies-lab");

/// Exit code and output for an input.
fn verdict(input: &str, more: &[&str]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hubble-verdict"))
        .current_dir(FOLDER)
        .args(["--policies", "acns-network-policy-chaos.yaml", "--settings", "namespace=pets"])
        .args(["--flows", "-"])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// Checks the number of records that are read; the verdicts of all of them agree.
fn check(input: &str, records: usize) {
    let (code, said) = verdict(input, &["-o", "json"]);
    assert_eq!(code, 0, "{input:.400}\n{said}");
    let report: Value = serde_json::from_str(&said).unwrap();
    for key in ["records", "agree"] {
        assert_eq!(report.get(key), Some(&json!(records)), "{input:.400}\n{said}");
    }
}

/// Checks that an input is refused, with a part of the message.
fn refused(input: &str, says: &str) {
    let (code, said) = verdict(input, &[]);
    assert_eq!(code, 2, "{input:.400}\n{said}");
    assert!(said.contains(says), "{input:.400}\n{said}");
}

fn lines() -> Vec<String> {
    let flows = std::fs::read_to_string(format!("{FOLDER}/chaos.jsonl")).unwrap();
    flows.lines().map(str::to_owned).collect()
}

/// Each of the six records wrapped, one on a line.
fn each(wrap: impl Fn(&str) -> String) -> String {
    lines().iter().map(|line| wrap(line) + "\n").collect()
}

#[test]
fn records_are_read_wherever_they_stand() {
    let parsed = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    check(&each(str::to_owned), 6);
    // Docker's json-file.
    let time = "2026-11-20T09:01:19.1Z";
    let docker = |line: &str| json!({"log": format!("{line}\n"), "stream": "stdout", "time": time});
    check(&each(|line| docker(line).to_string()), 6);
    // CRI.
    check(&each(|line| format!("{time} stdout F {line}")), 6);
    // Docker's within a line of `kubectl logs --prefix`.
    check(&each(|line| format!("[pod/cilium-x/cilium-agent] {}", docker(line))), 6);
    // logcli, by its formats `jsonl` and `default`.
    let labels = json!({"app": "cilium", "namespace": "kube-system"});
    check(&each(|line| json!({"labels": labels, "line": line, "timestamp": time}).to_string()), 6);
    check(&each(|line| format!("{time} {{app=\"cilium\", job=\"a\"}} {line}")), 6);
    // Fluent Bit: as text, parsed, both, and under a key of its own.
    let kubernetes = json!({"pod_name": "cilium-x", "labels": {"k8s-app": "cilium"}});
    check(
        &each(|line| {
            json!({"date": 1.5, "time": 7, "log": line, "kubernetes": kubernetes}).to_string()
        }),
        6,
    );
    let merged = |line: &str| {
        let mut own = parsed(line);
        own["date"] = json!(1_763_629_279.1);
        own["kubernetes"] = kubernetes.clone();
        own
    };
    check(&each(|line| merged(line).to_string()), 6);
    check(
        &each(|line| {
            let mut own = merged(line);
            own["log"] = json!(line);
            own.to_string()
        }),
        6,
    );
    check(
        &each(|line| {
            json!({"log": line, "log_processed": parsed(line), "kubernetes": kubernetes})
                .to_string()
        }),
        6,
    );
    // A time in another format than Hubble's hides no flow.
    check(
        &each(|line| {
            let mut own = parsed(line);
            own["time"] = json!(1_763_629_279.1);
            own.to_string()
        }),
        6,
    );
    let all: Vec<Value> = lines().iter().map(|line| parsed(line)).collect();
    let bare: Vec<&Value> = all.iter().map(|own| own.get("flow").unwrap_or(own)).collect();
    for form in [
        json!(all),
        json!(bare),
        json!({"flows": all}),
        json!({"flows": bare}),
        json!([{"flows": all}]),
        json!(lines()),
        json!(lines().iter().map(|line| docker(line)).collect::<Vec<_>>()),
    ] {
        check(&form.to_string(), 6);
        check(&format!("{form:#}"), 6);
    }
    // Loki's API.
    let values: Vec<[&str; 2]> = Vec::new();
    let of_lines = lines();
    let (first, second) = of_lines.split_at(2);
    let stream = |lines: &[String]| {
        let values: Vec<Value> =
            lines.iter().map(|line| json!(["1763629279100000000", line])).collect();
        json!({"stream": labels, "values": values})
    };
    let loki = |result: Value| json!({"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}});
    let answer = loki(json!([stream(first), {"stream": {}, "values": values}, stream(second)]));
    check(&answer.to_string(), 6);
    check(&format!("{answer:#}"), 6);
    check(&format!("{answer}\n{answer}\n"), 12);
    // With structured metadata, as in Loki 3; and rows of a table.
    let with_metadata =
        |line: &String| json!(["1763629279100000000", line, {"structuredMetadata": {"a": "b"}}]);
    let values: Vec<Value> = lines().iter().map(with_metadata).collect();
    let answer = loki(json!([{"stream": labels, "values": values}]));
    check(&answer.to_string(), 6);
    assert!(!verdict(&answer.to_string(), &[]).1.contains("not record"));
    let rows: Vec<Value> = lines().iter().map(|line| json!(["cilium-x", line, time])).collect();
    check(&json!({"tables": [{"name": "a", "columns": [], "rows": rows}]}).to_string(), 6);
    // Without line ends between them.
    check(&lines().concat(), 6);
    check(&format!("F {}", lines().concat()), 6);
    // Longer than the limit for one of Hubble's own lines.
    let many: Vec<Value> = std::iter::repeat_n(all.clone(), 400).flatten().collect();
    let long = loki(json!([stream(&many.iter().map(ToString::to_string).collect::<Vec<_>>())]));
    assert!(long.to_string().len() > 1 << 20);
    check(&long.to_string(), 2_400);
}

#[test]
fn what_holds_no_flow_is_refused() {
    // Hubble's output for people.
    for line in [
        "Nov 30 10:00:01.123: pets/job-1:40000 (ID:11) -> pets/db-1:5432 (ID:12) policy-verdict:none INGRESS DENIED (TCP Flags: SYN)\nNov 30 10:00:01.123: pets/job-1:40000 (ID:11) <> pets/db-1:5432 (ID:12) Policy denied DROPPED (TCP Flags: SYN)",
        "  TIMESTAMP: Nov 30 10:00:01.123\n     SOURCE: pets/job-1:40000",
        "TIMESTAMP             SOURCE            DESTINATION     TYPE   VERDICT   SUMMARY",
    ] {
        refused(line, "it is what `hubble observe` writes for people");
    }
    refused("hello\n", "it is not JSON: `hubble observe -o jsonpb` writes records");
    refused(
        "Nov 20 09:01:19.100: default/a:4000 (ID:1) -> default/b:80 (ID:2) to-endpoint FORWARDED\n",
        "`hubble observe -o jsonpb`",
    );
    refused(&json!({"log": "level=info msg=started\n", "stream": "stdout"}).to_string(), "`log`");
    refused(r#"{"time":"2026-11-20T09:01:19Z","level":"info","msg":"started"}"#, "`level`");
    refused(r#"{"status":"success","data":{"resultType":"streams","result":[]}}"#, "`status`");
    refused(r#"{"flows":[]}"#, "`flows`");
    refused("[]", "an empty array");
    refused("{}", "an empty object");
    refused(r#"{"flow":{}}"#, "`flow`");
    refused("[1, 2]", "nothing in it is a flow");
    refused(
        r#"{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"a"}}"#,
        "an object of Kubernetes, as `--policies` takes it",
    );
    refused(
        r#"{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"12"},"node_name":"n"}"#,
        "1 record and no flow",
    );
    // Nesting is bounded, and so is the length of the error about it.
    let deep = (0..10).fold(lines().remove(0), |inner, _| json!({"log": inner}).to_string());
    assert!(deep.len() < 1 << 20);
    refused(&deep, "nothing in it is a flow");
    let deep = (0..40).fold(json!(null), |inner, _| json!({"data": inner}));
    refused(&deep.to_string(), "nothing in it is a flow");
    refused(&"[".repeat(100_000), "");
    let (_, said) = verdict(&json!({"k".repeat(5_000): 1}).to_string(), &[]);
    assert!(said.len() < 1_000, "{said}");
}

#[test]
fn what_is_left_out_is_counted() {
    let broken = json!({"stream": {}, "values": [["1", "level=info"], ["2", lines()[0]]]});
    let (code, said) = verdict(&json!({"data": {"result": [broken]}}).to_string(), &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(": 1 agree"), "{said}");
    assert!(said.contains("1 value is not a record"), "{said}");
    assert!(said.contains("1 record stands in other JSON, which is passed over"), "{said}");
    for (list, records, broken) in [
        (json!([lines()[0], "level=info", lines()[1]]), 2, 1),
        (json!([lines()[0], {"a": 1}, [], lines()[1]]), 2, 2),
        (json!([{"a": 1}, {"log": lines()[0]}]), 1, 1),
    ] {
        let (_, said) = verdict(&list.to_string(), &["-o", "json"]);
        let report: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(report["records"], records, "{said}");
        let values = if broken == 1 { "1 value is not" } else { "2 values are not" };
        assert!(said.contains(values), "{said}");
    }
}
