//! The data source's network policies, and what the administrator's setting lets it read.

use std::fs;

use serde_json::json;

use crate::host::{Plugin, Range, Source, Start};

#[tokio::test]
async fn policies_come_from_text_and_folder_and_are_read_again() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.yaml"), "kind: One").unwrap();
    fs::write(outside.path().join("b.yaml"), "kind: Secret").unwrap();
    let env = vec![("GF_PLUGIN_POLICY_ROOTS", root.path().display().to_string())];
    let plugin = Plugin::start_with(Start { env, ..Start::default() }).await;
    let ask = async |folder: &std::path::Path| {
        let source = Source {
            json_data: json!({ "policiesText": "kind: Text", "policiesFolder": folder }),
            ..Source::default()
        };
        let query = json!({ "queryType": "policies" });
        let frames = plugin.frames(&source, Range::last_hour(), query).await;
        assert_eq!(frames.len(), 1);
        frames[0].clone()
    };
    let frame = ask(root.path()).await;
    assert!(frame.contains("\"policies\": \"k8snet-policies/1\""), "{frame}");
    assert!(frame.contains("data source settings | null | kind: Text\na.yaml | 1"), "{frame}");
    assert!(frame.contains(" | kind: One\n(2 rows)"), "{frame}");
    fs::write(root.path().join("a.yaml"), "kind: Two").unwrap();
    assert!(ask(root.path()).await.contains(" | kind: Two\n(2 rows)"));

    let frame = ask(outside.path()).await;
    assert!(frame.contains("is not below a folder that the administrator allows"), "{frame}");
    assert!(frame.contains("(1 rows)") && !frame.contains("Secret"), "{frame}");
}
