//! A cluster that is listed and watched, over a server that speaks Kubernetes' protocol and its faults.

#![expect(
    clippy::duration_suboptimal_units,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and its times are short"
)]

use std::time::{Duration, Instant};

use cluster_state::{
    ClusterAccess, ClusterAuth, ClusterSource, Limits, Pace, ResourceState, ResourceStatus,
    ServerAccess, ServiceAccount, Snapshot,
};
use secret::Secret;
use serde_json::{Value, json};
use test_kit::cluster::{Cluster, Fault};

const POLICIES: &str = "/apis/cilium.io/v2/ciliumnetworkpolicies";
const SERVICES: &str = "/api/v1/services";
const SLICES: &str = "/apis/discovery.k8s.io/v1/endpointslices";

fn pace() -> Pace {
    let ms = Duration::from_millis;
    Pace {
        connect_within: ms(500),
        answer_within: ms(1_000),
        watch_for: ms(1_000),
        silence: ms(1_500),
        first_wait: ms(5),
        longest_wait: ms(40),
        lasting_wait: ms(40),
    }
}

fn source_with(url: &str, limits: Limits, idle_after: Duration) -> ClusterSource {
    let token = ClusterAuth::Token(Secret::new("hunter2").unwrap());
    let access = ClusterAccess::Server(ServerAccess::new(url, token).unwrap());
    ClusterSource::new(access, pace(), limits, idle_after)
}

fn source(cluster: &Cluster) -> ClusterSource {
    source_with(&cluster.url(), Limits::default(), Duration::from_secs(60))
}

async fn settled(source: &ClusterSource) -> Snapshot {
    source.settled(Duration::from_secs(10)).await
}

/// Waits until the cluster is as expected.
async fn until(source: &ClusterSource, what: &str, is_so: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let started = Instant::now();
    loop {
        let snapshot = source.snapshot();
        if is_so(&snapshot) {
            return snapshot;
        }
        if started.elapsed() > Duration::from_secs(10) {
            let states: Vec<_> = snapshot
                .resources
                .iter()
                .map(|own| (own.resource.kind, &own.state, own.objects, own.left_out))
                .collect();
            panic!("{what}: {states:?}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.for_verdicts().map(|object| object.file_name()).collect()
}

fn problems(snapshot: &Snapshot) -> Vec<String> {
    snapshot.problems().iter().map(|(error, of)| format!("{}: {error}", of.len())).collect()
}

fn policy() -> Value {
    json!({ "spec": { "endpointSelector": {} }, "status": { "conditions": [] } })
}

#[tokio::test]
async fn objects_are_listed_and_watched() {
    let cluster = Cluster::start().await;
    cluster.put(POLICIES, "pets", "allow", &policy());
    cluster.put(
        "/api/v1/namespaces",
        "",
        "pets",
        &json!({ "metadata": { "labels": { "io.cilium/mtls-enabled": "true" } } }),
    );
    let source = source(&cluster);
    assert!(!source.is_watching());
    let first = settled(&source).await;
    assert_eq!(names(&first), ["ciliumnetworkpolicy/pets/allow.yaml", "namespace/pets.yaml"]);
    assert_eq!(
        first.objects[0].text,
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: allow\n  namespace: pets\nspec:\n  endpointSelector: {}\n"
    );
    assert_eq!(first.objects[0].created_ms, Some(1_796_032_800_000));
    assert_eq!(first.objects[0].changed_ms, Some(1_796_040_000_000));
    assert!(first.objects[1].text.contains("io.cilium/mtls-enabled: \"true\""));
    assert_eq!(problems(&first), [""; 0]);
    assert_eq!(first.removed_ms, None);
    let freshness = first.freshness();
    assert!(freshness.read_ms.is_some() && !freshness.is_reading);
    assert_eq!(freshness.stale_since_ms, None);
    // A kind that the cluster lacks is no fault.
    let absent = first.resources.iter().filter(|own| own.state == ResourceState::Absent);
    let absent: Vec<&str> = absent.map(|own| own.resource.kind).collect();
    assert_eq!(absent, ["ClusterNetworkPolicy", "ContainerNetworkLog", "ContainerNetworkMetric"]);

    cluster.put(POLICIES, "pets", "deny", &policy());
    let second = until(&source, "added", |own| names(own).len() == 3).await;
    assert_ne!(first.revision, second.revision);
    let changed = json!({ "spec": { "endpointSelector": { "matchLabels": { "app": "x" } } } });
    cluster.put(POLICIES, "pets", "deny", &changed);
    let third = until(&source, "changed", |own| own.revision != second.revision).await;
    assert!(third.objects[1].text.contains("app: x"));
    cluster.delete(POLICIES, "pets", "allow");
    let fourth = until(&source, "deleted", |own| names(own).len() == 2).await;
    assert!(fourth.removed_ms.is_some());
    // Bookmarks alone change nothing.
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(source.snapshot().revision, fourth.revision);
    let asked = cluster.take_asked();
    assert!(asked.iter().all(|own| own.contains("authorization: Bearer hunter2")), "{asked:?}");
    assert!(asked.iter().all(|own| own.starts_with("GET ")), "read only");
    let lists = asked.iter().filter(|own| own.starts_with(&format!("GET {POLICIES}?&limit")));
    assert_eq!(lists.count(), 1, "events are enough");
    assert!(!format!("{source:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_and_the_rest_works() {
    let cluster = Cluster::start().await;
    cluster.put(POLICIES, "pets", "allow", &policy());
    cluster.put(SERVICES, "pets", "s", &json!({ "spec": {} }));
    cluster.fail("list", "/namespaces", Fault::Status(403));
    cluster.fail("watch", "/services", Fault::Status(403));
    let source = source(&cluster);
    settled(&source).await;
    let snapshot = until(&source, "both", |own| own.problems().len() == 2).await;
    assert_eq!(
        problems(&snapshot),
        [
            "1: the account may not `list` `namespaces`: give it this right, as `provisioning/kubernetes/policies.yaml` does",
            "1: the account may not `watch` `services`: give it this right, as `provisioning/kubernetes/policies.yaml` does",
        ]
    );
    assert_eq!(names(&snapshot), ["ciliumnetworkpolicy/pets/allow.yaml", "service/pets/s.yaml"]);
    // Without the right to watch, the objects are listed again and again, and are old in between.
    assert!(snapshot.freshness().stale_since_ms.is_some());
    cluster.put(SERVICES, "pets", "t", &json!({ "spec": {} }));
    until(&source, "listed again", |own| names(own).len() == 3).await;
    cluster.mend();
    let mended = until(&source, "mended", |own| own.problems().is_empty()).await;
    assert_eq!(mended.freshness().stale_since_ms, None);
}

#[tokio::test]
async fn a_resource_may_come_and_go() {
    let cluster = Cluster::start().await;
    let path = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies";
    cluster.put(path, "", "admin", &json!({ "spec": { "tier": "Admin" } }));
    let source = source(&cluster);
    assert_eq!(names(&settled(&source).await), [""; 0]);
    cluster.serve(path);
    let snapshot = until(&source, "served", |own| !own.objects.is_empty()).await;
    assert_eq!(names(&snapshot), ["clusternetworkpolicy/admin.yaml"]);
    cluster.fail("watch", path, Fault::Status(404));
    cluster.unserve(path);
    let gone = until(&source, "gone", |own| own.objects.is_empty()).await;
    assert!(gone.removed_ms.is_some());
    assert_eq!(problems(&gone), [""; 0]);
    // A version that only a later release reads.
    cluster.serve("/apis/policy.networking.k8s.io/v9/clusternetworkpolicies");
    let newer = until(&source, "newer", |own| !own.problems().is_empty()).await;
    assert_eq!(
        problems(&newer),
        [
            "1: the cluster serves `clusternetworkpolicies.policy.networking.k8s.io` only in versions that are not read: v9"
        ]
    );
}

#[tokio::test]
async fn an_older_version_is_read_where_the_newer_is_not_served() {
    let cluster = Cluster::start().await;
    cluster.unserve("/apis/cilium.io/v2/ciliumcidrgroups");
    let path = "/apis/cilium.io/v2alpha1/ciliumcidrgroups";
    cluster.serve(path);
    cluster.put(path, "", "g", &json!({ "spec": { "externalCIDRs": ["10.0.0.0/8"] } }));
    let snapshot = settled(&source(&cluster)).await;
    assert!(snapshot.objects[0].text.starts_with("apiVersion: cilium.io/v2alpha1\n"));
}

#[tokio::test]
async fn events_that_are_gone_lead_to_a_new_list() {
    let cluster = Cluster::start().await;
    cluster.put(POLICIES, "pets", "a", &policy());
    cluster.put(POLICIES, "pets", "b", &policy());
    let source = source(&cluster);
    settled(&source).await;
    // Changes that no watch can tell.
    cluster.fail("watch", "", Fault::HangUp);
    until(&source, "away", |own| own.freshness().stale_since_ms.is_some()).await;
    cluster.delete(POLICIES, "pets", "a");
    cluster.put(POLICIES, "pets", "c", &policy());
    cluster.compact();
    cluster.mend();
    let snapshot = until(&source, "listed again", |own| {
        own.problems().is_empty() && names(own).iter().any(|name| name.ends_with("/c.yaml"))
    })
    .await;
    let expected = ["ciliumnetworkpolicy/pets/b.yaml", "ciliumnetworkpolicy/pets/c.yaml"];
    assert_eq!(names(&snapshot), expected);
    assert!(snapshot.removed_ms.is_some());
}

#[tokio::test]
async fn a_server_that_is_away_leaves_the_last_objects() {
    let cluster = Cluster::start().await;
    cluster.put(POLICIES, "pets", "a", &policy());
    let source = source(&cluster);
    let before = settled(&source).await;
    cluster.fail("watch", "", Fault::HangUp);
    cluster.fail("list", "", Fault::HangUp);
    let is_failed = |own: &&ResourceStatus| matches!(own.state, ResourceState::Failed(_));
    let all_failed = |own: &Snapshot| own.resources.iter().filter(is_failed).count() >= 7;
    let away = until(&source, "away", all_failed).await;
    for problem in problems(&away) {
        assert!(problem.contains(": the API server `http://127.0.0.1:"), "{problem}");
    }
    assert_eq!((names(&away), &away.revision), (names(&before), &before.revision));
    let since = away.freshness().stale_since_ms.unwrap();
    assert!(since >= before.freshness().read_ms.unwrap());
    // It stays stale since the same moment.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(source.snapshot().freshness().stale_since_ms.unwrap() <= since);
    cluster.mend();
    cluster.put(POLICIES, "pets", "b", &policy());
    let back =
        until(&source, "back", |own| own.problems().is_empty() && names(own).len() == 2).await;
    assert_eq!(back.freshness().stale_since_ms, None);
}

#[tokio::test]
async fn answers_of_something_else_are_told_in_words() {
    let check = async |fault: Fault, expect: &str| {
        let cluster = Cluster::start().await;
        cluster.fail("list", "", fault);
        let snapshot = settled(&source(&cluster)).await;
        let problems = problems(&snapshot);
        assert!(problems.iter().all(|own| own.contains(expect)), "{fault:?}: {problems:?}");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(!problems[0].contains("script"), "{problems:?}");
        assert_eq!(snapshot.freshness().read_ms, None);
    };
    let html = |code: &str| {
        format!("did not answer like a Kubernetes API server ({code}): an HTML page `Sign in`")
    };
    check(Fault::Html("200"), &html("200")).await;
    // A page that says 403 or 404 is not the server's word on a right or a resource.
    check(Fault::Html("403"), &html("403")).await;
    check(Fault::Html("404"), &html("404")).await;
    check(Fault::Html("302"), &html("302")).await;
    check(Fault::OtherJson, "did not answer like a Kubernetes API server (200): `{\"login\"").await;
    check(Fault::Hang, "did not answer within").await;
    check(Fault::HangUp, "cannot be reached").await;
    check(Fault::Status(401), "refuses the credentials (401)").await;
    check(Fault::Status(500), "refuses to answer (500): in the server's words").await;
}

#[tokio::test]
async fn a_watch_of_something_else_leads_to_a_new_list() {
    let cluster = Cluster::start().await;
    cluster.put(POLICIES, "pets", "a", &policy());
    cluster.fail("watch", POLICIES, Fault::OtherJson);
    let source = source(&cluster);
    until(&source, "broken", |own| problems(own).iter().any(|own| own.contains("not answer like")))
        .await;
    cluster.put(POLICIES, "pets", "b", &policy());
    until(&source, "listed again", |own| names(own).len() == 2).await;
}

#[tokio::test]
async fn a_watch_that_hangs_is_not_still_watched() {
    let cluster = Cluster::start().await;
    cluster.fail("watch", POLICIES, Fault::Hang);
    let source = source(&cluster);
    let is_said =
        |own: &Snapshot| problems(own).iter().any(|own| own.contains("not answer within"));
    let hangs = until(&source, "hangs", is_said).await;
    assert!(hangs.freshness().stale_since_ms.is_some());
}

#[tokio::test]
async fn many_policies_come_in_pages() {
    let cluster = Cluster::start().await;
    for number in 0..1_100 {
        cluster.put(POLICIES, "pets", &format!("p{number}"), &policy());
    }
    let source = source(&cluster);
    let snapshot = settled(&source).await;
    assert_eq!(snapshot.objects.len(), 1_100);
    let asked = cluster.take_asked();
    let pages = asked.iter().filter(|own| own.contains(POLICIES) && own.contains("limit=250"));
    assert_eq!(pages.count(), 5);
    // The next answer is the same value.
    assert_eq!(source.snapshot().revision, snapshot.revision);
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let cluster = Cluster::start().await;
    for number in 0..10 {
        cluster.put(POLICIES, "pets", &format!("p{number}"), &policy());
        cluster.put(SERVICES, "pets", &format!("s{number}"), &json!({ "spec": {} }));
    }
    let limits = Limits { objects: 4, other_bytes: 900, ..Limits::default() };
    let source = source_with(&cluster.url(), limits, Duration::from_secs(60));
    let snapshot = settled(&source).await;
    let counts = |snapshot: &Snapshot, index: usize| {
        (snapshot.resources[index].objects, snapshot.resources[index].left_out)
    };
    assert_eq!(counts(&snapshot, 0), (4, 6));
    let (services, left_out) = counts(&snapshot, 6);
    assert!((1..4).contains(&services), "{services}");
    assert_eq!(services + left_out, 10);
    // What goes makes room, for what comes then.
    cluster.delete(POLICIES, "pets", "p0");
    until(&source, "gone", |own| counts(own, 0) == (3, 6)).await;
    cluster.put(POLICIES, "pets", "p9", &policy());
    until(&source, "kept now", |own| counts(own, 0) == (4, 5)).await;
}

/// The slices of a Service that chooses its pods change with each pod, and policies do not read them.
#[tokio::test]
async fn slices_that_policies_do_not_read_stay() {
    let cluster = Cluster::start().await;
    cluster.put(SERVICES, "pets", "by-labels", &json!({ "spec": { "selector": { "app": "x" } } }));
    cluster.put(SERVICES, "pets", "by-hand", &json!({ "spec": {} }));
    let slice = |service: &str, address: &str| {
        json!({
            "metadata": { "labels": { "kubernetes.io/service-name": service } },
            "endpoints": [{ "addresses": [address] }], "ports": [{ "port": 80 }],
        })
    };
    cluster.put(SLICES, "pets", "by-labels-1", &slice("by-labels", "10.0.0.1"));
    cluster.put(SLICES, "pets", "by-hand-1", &slice("by-hand", "10.0.0.2"));
    let source = source(&cluster);
    let snapshot = settled(&source).await;
    let expected = [
        "service/pets/by-hand.yaml",
        "service/pets/by-labels.yaml",
        "endpointslice/pets/by-hand-1.yaml",
    ];
    assert_eq!(names(&snapshot), expected);
    let read_ms = snapshot.resources[7].read_ms;
    cluster.put(SLICES, "pets", "by-labels-1", &slice("by-labels", "10.0.0.9"));
    let later = until(&source, "read", |own| own.resources[7].read_ms != read_ms).await;
    assert_eq!(later.revision, snapshot.revision);
}

#[tokio::test]
async fn an_idle_watch_ends_and_begins_again() {
    let cluster = Cluster::start().await;
    let source = source_with(&cluster.url(), Limits::default(), Duration::from_millis(150));
    settled(&source).await;
    let started = Instant::now();
    while source.is_watching() {
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    cluster.take_asked();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(cluster.take_asked(), [""; 0], "no request of an ended watch");
    cluster.put(POLICIES, "pets", "new", &policy());
    assert_eq!(names(&settled(&source).await).len(), 1);
}

/// The watch ends with its data source.
#[tokio::test]
async fn a_dropped_watch_ends() {
    let cluster = Cluster::start().await;
    let source = source(&cluster);
    settled(&source).await;
    drop(source);
    tokio::time::sleep(Duration::from_millis(200)).await;
    cluster.take_asked();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(cluster.take_asked(), [""; 0]);
}

#[tokio::test]
async fn the_account_of_a_pod() {
    let cluster = Cluster::start().await;
    let folder = tempfile::tempdir().unwrap();
    let url = Some(cluster.url().parse().unwrap());
    let account = ServiceAccount { folder: folder.path().to_owned(), url };
    let access = ClusterAccess::InCluster(account);
    let own = ClusterSource::new(access, pace(), Limits::default(), Duration::from_secs(60));
    let snapshot = settled(&own).await;
    let [problem] = problems(&snapshot).try_into().unwrap();
    assert!(
        problem.contains("10: the service account of Grafana's pod cannot be used"),
        "{problem}"
    );
    std::fs::write(folder.path().join("ca.crt"), "").unwrap();
    std::fs::write(folder.path().join("token"), "of-the-pod\n").unwrap();
    // The files may come later.
    until(&own, "read", |own| own.problems().is_empty()).await;
    let asked = cluster.take_asked();
    assert!(asked.iter().all(|own| own.contains("authorization: Bearer of-the-pod")));
}

#[tokio::test]
async fn hostile_objects_are_left_out() {
    let cluster = Cluster::start().await;
    let deep = (0..100).fold(json!({}), |inner, _| json!({ "a": inner }));
    cluster.put(POLICIES, "pets", "deep", &json!({ "spec": deep }));
    cluster.put(POLICIES, "../..", "up", &policy());
    cluster.put(POLICIES, "pets", "good", &policy());
    let snapshot = settled(&source(&cluster)).await;
    assert_eq!(names(&snapshot), ["ciliumnetworkpolicy/pets/good.yaml"]);
}
