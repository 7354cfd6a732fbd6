//! Tests of the data source's network policies and of the administrator's setting for them.

use std::fs;

use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range, Source, Start};
use test_kit::relay::{self, Relay, Script};

#[tokio::test]
async fn policies_come_from_text_and_folder_and_are_read_again() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.yaml"), "kind: NetworkPolicy").unwrap();
    fs::write(outside.path().join("b.yaml"), "kind: Secret").unwrap();
    let env = vec![("GF_PLUGIN_POLICY_ROOTS", root.path().display().to_string())];
    let plugin = Plugin::start_with(Start { env, ..Start::default() }).await;
    let ask = async |folder: &std::path::Path| {
        let source = Source {
            json_data: json!({ "policiesText": "kind: NetworkPolicy", "policiesFolder": folder }),
            ..Source::default()
        };
        let query = json!({ "queryType": "policies" });
        let frames = plugin.frames(&source, Range::last_hour(), query).await;
        assert_eq!(frames.len(), 1);
        frames[0].clone()
    };
    let frame = ask(root.path()).await;
    assert!(frame.contains("\"policies\": \"k8snet-policies/1\""), "{frame}");
    assert!(
        frame.contains("data source settings | null | kind: NetworkPolicy\na.yaml | 1"),
        "{frame}"
    );
    assert!(frame.contains(" | kind: NetworkPolicy\n(2 rows)"), "{frame}");
    fs::write(
        root.path().join("a.yaml"),
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {}}",
    )
    .unwrap();
    let frame = ask(root.path()).await;
    assert!(
        frame.contains(
            " | {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {}}\n(2 rows)"
        ),
        "{frame}"
    );

    let frame = ask(outside.path()).await;
    assert!(frame.contains("is not below a folder that the administrator allows"), "{frame}");
    assert!(frame.contains("(1 rows)") && !frame.contains("Secret"), "{frame}");
}

/// "Save & test" reports what a policies query would find.
#[tokio::test]
async fn health_reports_policies() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.yaml"), "kind: NetworkPolicy").unwrap();
    fs::create_dir(root.path().join("empty")).unwrap();
    let env = vec![("GF_PLUGIN_POLICY_ROOTS", root.path().display().to_string())];
    let plugin = Plugin::start_with(Start { env, ..Start::default() }).await;
    let relay =
        Relay::start(Script { nodes: vec![relay::node("aks-1", 1)], ..Script::default() }).await;
    let check = async |settings: Value, status: i32, expected: &str| {
        let answer = plugin.health(&Source { json_data: settings, ..relay.source() }).await;
        let (_, policies) = answer.message.split_once(" Prometheus: not configured.").unwrap();
        assert_eq!((policies.trim(), answer.status), (expected, status));
    };
    let folder = |name: &str| root.path().join(name).display().to_string();
    check(json!({}), 1, "").await;
    let both = json!({ "policiesText": "kind: NetworkPolicy", "policiesFolder": folder("") });
    check(both, 1, "Network policies: 2 in 2 objects, 2 refused by Cilium.").await;
    let empty = format!(
        "Network policies: 0 in 0 objects; the policies folder `{}` contains no `*.yaml`, `*.yml` or `*.json` file.",
        folder("empty")
    );
    check(json!({ "policiesFolder": folder("empty") }), 2, &empty).await;
    let missing = format!(
        "Network policies: 0 in 0 objects; the policies folder `{}` cannot be read: No such file or directory (os error 2).",
        folder("missing")
    );
    check(json!({ "policiesFolder": folder("missing") }), 2, &missing).await;
    let outside = "Network policies: 1 in 1 object, 1 refused by Cilium; the policies folder `/etc` is not read: it is not below a folder that the administrator allows by `policy_roots` in `[plugin.k8snet-hubble-datasource]` of Grafana's configuration.";
    let settings = json!({ "policiesText": "kind: NetworkPolicy", "policiesFolder": "/etc" });
    check(settings, 1, outside).await;
}
