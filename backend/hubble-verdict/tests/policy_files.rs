//! Policy files as they are in a repository, and inputs that are not a set of policies.
#![expect(clippy::unwrap_used, reason = "a command that does not start fails the test")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

const POLICY: &str = "apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: NAME, namespace: pets}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: web}}]
    toPorts: [{ports: [{port: \"5432\", protocol: TCP}]}]
";

/// A folder of its own, deleted after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("verdict-{name}-{}", std::process::id()));
        let _absent = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Exit code, standard output and standard error of a run in this folder.
    fn verdict(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hubble-verdict"));
        let output = command.current_dir(&self.0).args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

fn policy(name: &str) -> String {
    POLICY.replace("NAME", name)
}

/// A refused connection of `app=job` to the database.
fn refused(port: u16) -> String {
    let flow = json!({"flow": {
        "verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED", "traffic_direction": "INGRESS",
        "event_type": {"type": 5}, "is_reply": false,
        "IP": {"source": "10.0.0.1", "destination": "10.0.0.2", "ipVersion": "IPv4"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": port, "flags": {"SYN": true}}},
        "source": {"namespace": "pets", "pod_name": "job-1", "labels": [
            "k8s:app=job", "k8s:io.kubernetes.pod.namespace=pets"]},
        "destination": {"namespace": "pets", "pod_name": "db-1", "labels": [
            "k8s:app=db", "k8s:io.kubernetes.pod.namespace=pets"]},
    }});
    format!("{flow}\n")
}

#[test]
fn a_file_without_an_object_is_no_set_of_policies() {
    let folder = Folder::new("objects");
    folder.write("flows.jsonl", &refused(5432));
    folder.write("text.yaml", "hello\n");
    folder.write("values.yaml", "image: db\n");
    folder.write("blank.yaml", "# nothing yet\n");
    folder.write("foreign.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db}\n");
    folder.write("set/policy.yaml", &policy("db"));
    folder.write("set/values.yaml", "image: db\n");
    let check = |path: &str, code: i32, says: &str| {
        let (got, out, err) = folder.verdict(&["--policies", path]);
        assert_eq!(got, code, "{path}\n{out}{err}");
        assert!(err.contains(says), "{path}\n{err}");
    };
    check(
        "flows.jsonl",
        2,
        "`flows.jsonl` holds no object of Kubernetes, but records of flows: `--flows` takes them",
    );
    check("text.yaml", 2, "`text.yaml` holds no object of Kubernetes");
    check("values.yaml", 2, "`values.yaml` holds no object of Kubernetes");
    check("blank.yaml", 0, "");
    check("foreign.yaml", 0, "");
    // Files in a folder that are not Kubernetes' are skipped.
    check("set", 0, "");

    let more = ["--flows", "flows.jsonl", "--what-if", "flows.jsonl"];
    let (code, out, _) =
        folder.verdict(&[&["--policies", "set", "-o", "json"], more.as_slice()].concat());
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, answer.get("exitCode")), (2, Some(&json!(2))));
    let ask = ["--from", "pets/job-1", "--to", "pets/db-1:5432", "--flows", "flows.jsonl"];
    let (code, ..) =
        folder.verdict(&[&["ask", "--policies", "flows.jsonl"], ask.as_slice()].concat());
    assert_eq!(code, 2);
}

#[cfg(unix)]
#[test]
fn folders_are_followed_once_and_hidden_ones_are_not() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new("folders");
    folder.write("set/a.yaml", &policy("a"));
    folder.write("set/.git/b.yaml", &policy("b"));
    folder.write("set/..2026_11_30/c.yaml", &policy("c"));
    folder.write("elsewhere/d.yaml", &policy("d"));
    let inside = |name: &str| folder.0.join(name);
    symlink("..2026_11_30", inside("set/..data")).unwrap();
    symlink("..data/c.yaml", inside("set/c.yaml")).unwrap();
    symlink("../elsewhere", inside("set/apps")).unwrap();
    symlink("../set", inside("elsewhere/back")).unwrap();
    let (code, out, _) = folder.verdict(&["--policies", "set"]);
    assert_eq!((code, out.as_str()), (0, "3 policies, 3 rules\n"));
    // Two files of one name count as one policy.
    folder.write("set/a2.yaml", &policy("a"));
    let (_, out, _) = folder.verdict(&["--policies", "set"]);
    assert_eq!(
        out,
        "note: CiliumNetworkPolicy/pets/a occurs more than once: the last one counts, here that of set/a2.yaml:1\n3 policies, 3 rules\n"
    );
}

#[test]
fn patches_of_kustomize_are_said_to_be_read_as_they_are() {
    let folder = Folder::new("kustomize");
    folder.write("set/policy.yaml", &policy("db"));
    folder.write("set/kustomization.yaml", "resources: [policy.yaml]\n");
    let said = || folder.verdict(&["--policies", "set"]).1.contains("`kustomize build`");
    assert!(!said());
    folder.write("set/kustomization.yaml", "resources: [policy.yaml]\npatches:\n- path: a.yaml\n");
    assert!(said());
}

/// Input for `patch -p0`: a tab after names with spaces, line ends as in the file, new policies as
/// a file, and no change that `patch` cannot make.
#[test]
fn a_fix_is_a_patch() {
    let folder = Folder::new("patch");
    folder.write("flows.jsonl", &refused(5432));
    folder.write("my policies/db one.yaml", &policy("db").replace('\n', "\r\n"));
    let run = |path: &str| {
        let (_, out, err) =
            folder.verdict(&["--policies", path, "--flows", "flows.jsonl", "--suggest"]);
        assert_eq!(err, "");
        out
    };
    let out = run("my policies");
    assert!(
        out.contains("\n--- my policies/db one.yaml\t\n+++ my policies/db one.yaml\t\n"),
        "{out}"
    );
    let within: Vec<&str> = out
        .split_once("\n@@ ")
        .and_then(|(_, hunk)| hunk.split_once("\n\n"))
        .map(|(hunk, _)| hunk.split('\n').skip(1).collect())
        .unwrap();
    assert!(within.iter().any(|line| line.starts_with(' ')), "{out}");
    for line in within.iter().filter(|line| line.starts_with(' ')) {
        assert!(line.ends_with('\r'), "{line:?}");
    }
    assert!(!out.contains("`patch` cannot"), "{out}");

    let absolute = folder.0.join("my policies").display().to_string();
    assert!(run(&absolute).contains("it takes files below its folder alone"));
    // A policy that denies everything, with no other policy to extend: the fix is a new one.
    folder.write("shut/deny.yaml", &policy("deny").replace(
        "  ingress:\n  - fromEndpoints: [{matchLabels: {app: web}}]\n    toPorts: [{ports: [{port: \"5432\", protocol: TCP}]}]\n",
        "  ingress: [{}]\n",
    ).replace("{matchLabels: {app: db}}", "{}"));
    let out = run("shut");
    assert!(out.contains("\n\nof the other flows, none would pass now\n"), "{out}");
}
