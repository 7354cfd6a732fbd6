//! Tests of nodes with different releases: field masks, numbers per node, and filters that a
//! release lacks.

use hubble_api::pb::flow::{FlowFilter, Ip};
use hubble_api::pb::observer::{GetFlowsRequest, GetFlowsResponse, Node};
use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range};
use test_kit::now_ms;
use test_kit::relay::{self, Masks, Relay, Rings, Script};

fn running(version: &str) -> Vec<Node> {
    let node = |name, state, version: &str| Node {
        version: version.to_owned(),
        ..relay::node(name, state)
    };
    let gone = node("aks-3", 2, "cilium v1.8.0");
    vec![relay::node("aks-2", 1), node("aks-1", 1, version), gone]
}

fn last(relay: &Relay) -> GetFlowsRequest {
    relay.asked().last().cloned().unwrap()
}

fn paths(request: &GetFlowsRequest) -> Vec<&str> {
    let mask = request.field_mask.as_ref();
    let experimental = request.experimental.as_ref().and_then(|it| it.field_mask.as_ref());
    assert_eq!(mask, experimental, "for those that know the one and those that know the other");
    mask.map(|mask| mask.paths.iter().map(String::as_str).collect()).unwrap_or_default()
}

fn encrypted(time_ms: i64, is_encrypted: bool) -> GetFlowsResponse {
    relay::flow("aks-1", time_ms, |flow| {
        flow.ip =
            Some(Ip { source: "10.0.0.1".to_owned(), encrypted: is_encrypted, ..Ip::default() });
    })
}

#[tokio::test]
async fn only_the_shown_fields_are_requested() {
    let plugin = Plugin::start().await;
    let check = async |version: &str, query: Value, named: &[&str], others: &[&str]| {
        let relay = Relay::start(Script { nodes: running(version), ..Script::default() }).await;
        plugin.frames(&relay.source(), Range::last_hour(), query.clone()).await;
        let request = last(&relay);
        let paths = paths(&request);
        for path in named {
            assert!(paths.contains(path), "`{path}` of {query} at `{version}`: {paths:?}");
        }
        for path in others {
            assert!(!paths.contains(path), "`{path}` of {query} at `{version}`: {paths:?}");
        }
        paths.len()
    };
    let flows = |format: &str| json!({ "queryType": "flows", "format": format });
    let denied = ["egress_denied_by", "ingress_denied_by"];
    let always = ["time", "node_name", "source.pod_name", "ethernet", "l4", "l7", "uuid"];
    check(
        "cilium v1.19.1",
        flows("table"),
        &[&always[..], &denied].concat(),
        &["tunnel", "source.labels"],
    )
    .await;
    check("cilium v1.15.4", flows("logs"), &always, &denied).await;
    for version in ["cilium v1.13.4", "cilium", ""] {
        assert_eq!(check(version, flows("table"), &[], &[]).await, 0, "no mask for `{version}`");
    }
    assert_eq!(check("cilium v1.19.1", flows("packed"), &[], &[]).await, 0, "every field");
    let counts = json!({ "queryType": "flowMetrics", "groupBy": ["toPort"] });
    check("cilium v1.18.2", counts, &["time", "verdict", "l4"], &["source.labels", "ethernet"])
        .await;
    for query_type in ["serviceMap", "dnsConnections", "flowAnnotations"] {
        let query = json!({ "queryType": query_type });
        check("cilium v1.18.2", query, &["source.pod_name", "verdict"], &["uuid"]).await;
    }
}

#[tokio::test]
async fn a_refused_mask_is_left_out() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    for masks in [Masks::Refused, Masks::RefusedByOne] {
        for query in [
            json!({ "queryType": "flows" }),
            json!({ "queryType": "flowMetrics", "format": "top" }),
            json!({ "queryType": "serviceMap" }),
        ] {
            let flows = vec![relay::flow("aks-1", now - 1_000, |_| {})];
            let masks = masks.clone();
            let relay = Relay::start(Script { flows, masks, ..Script::default() }).await;
            let ask = async || {
                plugin.frames(&relay.source(), Range::last_hour(), query.clone()).await.join("\n")
            };
            let first = ask().await;
            assert!(first.contains("nodes refused the list of fields"), "{query}: {first}");
            assert!(!first.contains("invalid fieldmask"), "the second answer is good: {first}");
            let rows = first.split_once("rows:\n").unwrap().1;
            let once =
                rows.starts_with("1\n") || first.contains("(1 rows)") || rows.contains("pets");
            assert!(once, "{query}: nothing is counted twice: {first}");
            let masked = |relay: &Relay| -> Vec<bool> {
                relay.asked().iter().map(|it| it.field_mask.is_some()).collect()
            };
            assert_eq!(masked(&relay), [true, false], "{query}");
            ask().await;
            assert_eq!(masked(&relay), [true, false, false], "{query}: it is remembered");
        }
    }
}

#[tokio::test]
async fn filters_that_nodes_lack_are_applied_here() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let flows = vec![encrypted(now - 3_000, true), encrypted(now - 2_000, false)];
    let script = Script { flows, nodes: running("cilium v1.18.2"), ..Script::default() };
    let relay = Relay::start(script.clone()).await;
    let ask = async |relay: &Relay, line: &str| {
        let query = json!({ "queryType": "flows", "text": format!("hubble observe {line}") });
        plugin.frames(&relay.source(), Range::last_hour(), query).await.remove(0)
    };
    let (yes, no) = (format!("uuid-{}", now - 3_000), format!("uuid-{}", now - 2_000));

    let shown = ask(&relay, "--encrypted --ip 10.0.0.1").await;
    assert!(shown.contains(&yes) && !shown.contains(&no), "{shown}");
    let words = "nodes run Cilium 1.18, which cannot filter by `encrypted` (Cilium 1.19): the flows were filtered here instead";
    assert!(shown.contains(words), "{shown}");
    let asked = last(&relay);
    assert_eq!(asked.number, 0, "what the nodes count are other flows");
    let source = FlowFilter { source_ip: vec!["10.0.0.1".to_owned()], ..FlowFilter::default() };
    assert_eq!(asked.whitelist[0], source);
    assert_eq!(paths(&asked), [""; 0], "the filter may look at what is not shown");

    let shown = ask(&relay, "--not --encrypted").await;
    assert!(!shown.contains(&yes) && shown.contains(&no), "{shown}");
    assert_eq!(last(&relay).blacklist, [], "an empty filter would exclude every flow");

    let counts =
        json!({ "queryType": "flowMetrics", "format": "top", "filter": { "encrypted": ["true"] } });
    let counts = plugin.frames(&relay.source(), Range::last_hour(), counts).await.remove(0);
    assert!(counts.contains("rows:\n1\n") && counts.contains(words), "{counts}");

    // Nothing is known of these nodes: they get the whole filter, and their answers are checked.
    let relay = Relay::start(Script { nodes: running("retina"), ..script }).await;
    let shown = ask(&relay, "--encrypted").await;
    assert!(shown.contains(&yes) && !shown.contains(&no), "{shown}");
    assert!(shown.contains("1 flow that the filter excludes was left out here"), "{shown}");
    let asked = relay.asked();
    let numbers: Vec<u64> = asked.iter().map(|request| request.number).collect();
    assert_eq!(numbers, [1_000, 0], "some of what they counted were others");
    assert_eq!(asked[0].whitelist[0].encrypted, [true]);
}

#[tokio::test]
async fn filters_that_cannot_be_applied_anywhere_are_refused() {
    let plugin = Plugin::start().await;
    let script = Script { nodes: running("cilium v1.15.9"), ..Script::default() };
    let relay = Relay::start(script).await;
    let query =
        json!({ "queryType": "flows", "filter": { "celExpression": ["_flow.verdict == 1"] } });
    let (status, source, message) =
        plugin.failure(&relay.source(), Range::last_hour(), query).await;
    assert_eq!((status, source.as_str()), (400, "downstream"));
    assert_eq!(
        message,
        "nodes run Cilium 1.15, which cannot filter by `cel_expression`: this needs Cilium 1.16 or later"
    );
    assert!(relay.asked().is_empty());
}

/// A filter by a field that old nodes do not record would match all flows or none.
#[tokio::test]
async fn filters_on_what_nodes_do_not_record_are_refused() {
    let plugin = Plugin::start().await;
    let check = async |version: &str, line: &str, refused: Option<(&str, &str, &str)>| {
        let nodes = vec![Node { version: version.to_owned(), ..relay::node("aks-1", 1) }];
        let flows = vec![relay::flow("aks-1", now_ms() - 1_000, |_| {})];
        let relay = Relay::start(Script { flows, nodes, ..Script::default() }).await;
        let line = format!("hubble observe {line}");
        for query_type in ["flows", "flowMetrics", "serviceMap"] {
            let query = json!({ "queryType": query_type, "text": line });
            match refused {
                None => {
                    plugin.frames(&relay.source(), Range::last_hour(), query).await;
                }
                Some((oldest, filter, since)) => {
                    let (status, _, message) =
                        plugin.failure(&relay.source(), Range::last_hour(), query).await;
                    let words = format!(
                        "nodes run Cilium {oldest}, which does not record the field that the filter `{filter}` uses: this needs Cilium {since} or later"
                    );
                    assert_eq!((status, message), (400, words), "{line}");
                    assert!(relay.asked().is_empty());
                }
            }
        }
    };
    let of_source = Some(("1.15", "source_cluster_name", "1.16"));
    check("cilium v1.15.9", "--from-cluster aks-pets", of_source).await;
    check("cilium v1.15.9", "--not --from-cluster aks-pets", of_source).await;
    check("cilium v1.15.9", "--not --from-cluster default", of_source).await;
    // Recorded by the nodes, but filtered here.
    check("cilium v1.16.3", "--from-cluster aks-pets", None).await;
    check("cilium v1.15.9", "--encrypted", None).await;
    let labels = Some(("1.15", "node_labels", "1.16"));
    check("cilium v1.15.9", "--node-label a=b", labels).await;
    let protocol = Some(("1.18", "protocol", "1.19"));
    check("cilium v1.18.2", "--protocol igmp", protocol).await;
    check("cilium v1.18.2", "--protocol tcp", None).await;
}

#[tokio::test]
async fn all_flows_belong_to_the_only_cluster_if_nodes_record_none() {
    let plugin = Plugin::start().await;
    let flows = vec![relay::flow("aks-1", now_ms() - 1_000, |_| {})];
    let nodes = vec![Node { version: "cilium v1.15.9".to_owned(), ..relay::node("aks-1", 1) }];
    let relay = Relay::start(Script { flows, nodes, ..Script::default() }).await;
    for query in [
        json!({ "filter": { "cluster": ["default"] } }),
        json!({ "text": "hubble observe --cluster default" }),
        json!({ "adhocFilters": [{ "key": "cluster", "operator": "=", "value": "default" }] }),
    ] {
        let mut query = query;
        query["queryType"] = json!("flowMetrics");
        query["format"] = json!("top");
        let counts =
            plugin.frames(&relay.source(), Range::last_hour(), query.clone()).await.remove(0);
        let words = "nodes do not record clusters: these are all flows of `default`, the only cluster that the relay serves";
        assert!(counts.contains("rows:\n1\n") && counts.contains(words), "{query}: {counts}");
    }
}

#[tokio::test]
async fn fields_that_nodes_do_not_record_are_named() {
    let plugin = Plugin::start().await;
    let script = Script { nodes: running("cilium v1.15.9"), ..Script::default() };
    let relay = Relay::start(script).await;
    let query = json!({ "queryType": "flows" });
    let table = plugin.frames(&relay.source(), Range::last_hour(), query).await.remove(0);
    let words =
        "nodes run Cilium 1.15, which does not record `egress_denied_by`, `ingress_denied_by`";
    assert!(table.contains(words), "{table}");
    let query = json!({ "queryType": "flowMetrics", "groupBy": ["verdict"] });
    let counts = plugin.frames(&relay.source(), Range::last_hour(), query).await.remove(0);
    assert!(!counts.contains("does not record"), "the counts do not need them: {counts}");
}

#[tokio::test]
async fn each_node_is_first_asked_for_its_share() {
    let plugin = Plugin::start().await;
    let now = now_ms();
    let nodes: Vec<Node> = (0..20).map(|node| relay::node(&format!("aks-{node}"), 1)).collect();
    // Every node has 200 flows, one per second; only some of the newest are in the answer.
    let even = |count: i64| {
        let at =
            move |n: i64| relay::flow(&format!("aks-{}", n % 20), now - 1_000 - n * 10, |_| {});
        (0..20 * count).map(at).collect::<Vec<_>>()
    };
    // One node has all of the newest flows.
    let mut uneven = even(5);
    uneven.extend((0..800).map(|n| relay::flow("aks-3", now - n, |_| {})));
    let check = async |flows: Vec<GetFlowsResponse>, numbers: &[u64], notice: &str| {
        let mut times: Vec<i64> = flows
            .iter()
            .filter_map(|flow| flow.time)
            .map(|time| time.seconds * 1_000 + i64::from(time.nanos) / 1_000_000)
            .collect();
        times.sort_unstable_by_key(|time| std::cmp::Reverse(*time));
        let script =
            Script { flows, nodes: nodes.clone(), rings: Rings::Counted, ..Script::default() };
        let relay = Relay::start(script).await;
        let query = json!({ "queryType": "flows", "limit": 500 });
        let table = plugin.tables(&relay.source(), Range::last_hour(), query).await.remove(0);
        let shown: Vec<i64> =
            table.times_nanos("Time").into_iter().map(|nanos| nanos / 1_000_000).collect();
        times.truncate(500);
        assert_eq!(shown, times, "the newest of all nodes");
        let asked = relay.asked();
        let asked: Vec<u64> = asked.iter().map(|request| request.number).collect();
        assert_eq!(asked, numbers);
        let notices = table.notices();
        assert_eq!(notices.is_empty(), notice.is_empty(), "{notices:?}");
        assert!(notices.join("\n").contains(notice), "{notice}: {notices:?}");
        assert_eq!(relay.open(), 0);
    };
    // 500 flows, four times a twentieth each.
    check(even(200), &[100], "showing the newest 500 flows; the time range may hold more").await;
    check(even(5), &[100], "").await;
    check(uneven, &[100, 500], "showing the newest 500").await;
}
