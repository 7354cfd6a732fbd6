//! Tests of the policies that a data source reads from a Kubernetes API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_kit::cluster::{Cluster, Fault};
use test_kit::grafana::{Plugin, Range, Source};
use test_kit::relay::{self, Relay, Script};

const POLICIES: &str = "/apis/cilium.io/v2/ciliumnetworkpolicies";

fn source(cluster: &Cluster, relay: Option<&Relay>, more: &Value) -> Source {
    let mut json_data = json!({ "kubernetesAccess": "token", "kubernetesUrl": cluster.url() });
    for (name, value) in more.as_object().into_iter().flatten() {
        json_data[name] = value.clone();
    }
    let secrets = [("kubernetesToken".to_owned(), "hunter2".to_owned())].into();
    Source { json_data, secrets, ..relay.map(Relay::source).unwrap_or_default() }
}

fn policy(app: &str) -> Value {
    json!({ "spec": { "endpointSelector": { "matchLabels": { "app": app } }, "ingress": [{}] } })
}

async fn ask(plugin: &Plugin, source: &Source) -> String {
    let frames =
        plugin.frames(source, Range::last_hour(), json!({ "queryType": "policies" })).await;
    assert_eq!(frames.len(), 1);
    frames[0].clone()
}

#[tokio::test]
async fn policies_of_a_cluster_come_with_their_revision_and_freshness() {
    let cluster = Cluster::start().await;
    cluster.put(POLICIES, "pets", "allow", &policy("store"));
    let relay =
        Relay::start(Script { nodes: vec![relay::node("aks-1", 1)], ..Script::default() }).await;
    let plugin = Plugin::start().await;
    let text = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n";
    let source = source(&cluster, Some(&relay), &json!({ "policiesText": text }));
    let frame = ask(&plugin, &source).await;
    // The file's policy comes later, and would replace one of the same name.
    let place = |part: &str| frame.find(part).unwrap_or_else(|| panic!("{part}: {frame}"));
    assert!(place("ciliumnetworkpolicy/pets/allow.yaml | ") < place("data source settings | null"));
    assert!(frame.contains("allow.yaml | 1796040000000"), "the last change: {frame}");
    assert!(frame.contains("app: store") && frame.contains("(2 rows)"), "{frame}");
    assert!(
        frame.contains("\"policiesFreshness\"") && frame.contains("\"problems\": []"),
        "{frame}"
    );
    assert!(!frame.contains("managedFields") && !frame.contains("hunter2"), "{frame}");

    let revision = async || {
        let query = json!({ "queryType": "flows", "format": "packed" });
        let frames = plugin.frames(&source, Range::last_hour(), query).await;
        let frame = &frames[0];
        assert!(frame.contains("\"policiesFreshness\""), "{frame}");
        let (_, rest) = frame.split_once("\"policiesRevision\": \"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let before = revision().await;
    assert_eq!(revision().await, before);
    cluster.put(POLICIES, "pets", "allow", &policy("other"));
    let started = Instant::now();
    while revision().await == before {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(ask(&plugin, &source).await.contains("app: other"));
    // One watch for all queries.
    let asked = cluster.take_asked();
    let lists = asked.iter().filter(|own| own.starts_with(&format!("GET {POLICIES}?&limit")));
    assert_eq!(lists.count(), 1);
}

/// "Save & test" says what it found, and what is missing.
#[tokio::test]
async fn health_reports_the_policies_of_a_cluster() {
    let relay =
        Relay::start(Script { nodes: vec![relay::node("aks-1", 1)], ..Script::default() }).await;
    let plugin = Plugin::start().await;
    let check = async |cluster: &Cluster, json: Value, status: i32, expect: &[&str]| {
        let answer = plugin.health(&source(cluster, Some(&relay), &json)).await;
        let (_, policies) = answer.message.split_once("Network policies: ").unwrap();
        for expect in expect {
            assert!(policies.contains(expect), "{policies}");
        }
        assert_eq!(answer.status, status, "{policies}");
        assert!(!answer.message.contains("hunter2"));
    };
    let cluster = Cluster::start().await;
    cluster.put(POLICIES, "pets", "a", &policy("a"));
    cluster.put(POLICIES, "pets", "b", &json!({ "spec": { "endpointSelector": 7 } }));
    cluster.put("/api/v1/namespaces", "", "pets", &json!({}));
    let found = ["2 in 3 objects, 1 refused by Cilium; read at ", ", still watched."];
    check(&cluster, json!({}), 1, &found).await;
    // The rest works without a right; other settings are another data source.
    cluster.fail("list", "/services", Fault::Status(403));
    let missing = ["2 in 3 objects, 1 refused by Cilium", "the account may not `list` `services`"];
    check(&cluster, json!({ "policiesNamespace": "pets" }), 1, &missing).await;
    let page = Cluster::start().await;
    page.fail("list", "", Fault::Html("200"));
    let html = ["0 in 0 objects; not read; ", "an HTML page `Sign in`"];
    check(&page, json!({}), 2, &html).await;
    let refused =
        ["0 in 0 objects", "allows the service account of Grafana's pod by `allow_service_account"];
    check(&page, json!({ "kubernetesAccess": "serviceaccount" }), 2, &refused).await;
}
