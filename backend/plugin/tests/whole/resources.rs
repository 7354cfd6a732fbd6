//! Suggestions, variables and Prometheus' own API, through the plugin.

use plugin_protocol::Status;
use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Source};
use test_kit::http::{Answer, Http};
use test_kit::now_ms;
use test_kit::relay::{self, Relay, Script};

async fn a_relay() -> Relay {
    let now = now_ms();
    let flows = vec![
        relay::node_status(2, &["aks-2"], ""),
        relay::flow("aks-1", now - 1_000, |_| {}),
        relay::flow("aks-1", now - 2_000, |flow| {
            let destination = flow.destination.as_mut().unwrap();
            "kube-system".clone_into(&mut destination.namespace);
            "coredns-0".clone_into(&mut destination.pod_name);
            "coredns".clone_into(&mut destination.workloads[0].name);
            flow.destination_names = vec!["api.github.com".to_owned()];
        }),
    ];
    Relay::start(Script {
        flows,
        nodes: vec![relay::node("aks-2", 2), relay::node("aks-1", 1)],
        namespaces: vec!["pets", "kube-system"],
        ..Script::default()
    })
    .await
}

#[tokio::test]
async fn suggestions_are_live() {
    let plugin = Plugin::start().await;
    let relay = a_relay().await;
    let source = relay.source();
    let check = async |url: &str, values: Value| {
        let answer = plugin.resource(&source, "GET", url, b"").await;
        assert_eq!((answer.status, &answer.json()["values"]), (200, &values), "{url}");
    };
    check("namespaces", json!(["kube-system", "pets"])).await;
    check("nodes", json!(["aks-1", "aks-2"])).await;
    check(
        "suggestions?field=pod",
        json!(["kube-system/coredns-0", "pets/order-service-0", "pets/store-front-0"]),
    )
    .await;
    check("suggestions?field=toPod&prefix=core", json!(["kube-system/coredns-0"])).await;
    check("suggestions?field=fromPod", json!(["pets/store-front-0"])).await;
    check("suggestions?field=workload&namespace=pets", json!(["order-service", "store-front"]))
        .await;
    check("suggestions?field=pod&limit=1", json!(["kube-system/coredns-0"])).await;
    check("suggestions?field=toFqdn", json!(["api.github.com"])).await;
    check("suggestions?field=toPort", json!(["3000"])).await;
    check("suggestions?field=fromIp", json!(["10.0.0.1"])).await;
    check("suggestions?field=identity", json!(["10001", "10002"])).await;
    check("suggestions?field=fromLabel", json!(["k8s:app=store-front"])).await;
    check("suggestions?field=toNamespace&prefix=PE", json!(["pets"])).await;
    check("suggestions?field=nodeName", json!(["aks-1", "aks-2"])).await;
    check("suggestions?field=uuid", json!([])).await;
    check("suggestions?field=trafficDirection", json!(["INGRESS", "EGRESS"])).await;
    check("suggestions?field=dropReasonDesc&prefix=policy_denied", json!(["POLICY_DENIED"])).await;
    check("suggestions?field=type&prefix=trace:to-o", json!(["trace:to-overlay"])).await;
    check(
        "suggestions?field=verdict",
        json!(["FORWARDED", "DROPPED", "ERROR", "AUDIT", "REDIRECTED", "TRACED", "TRANSLATED"]),
    )
    .await;
    assert_eq!(relay.asked().len(), 1, "who types asks for one sample");
    let answer = plugin.resource(&source, "GET", "suggestions?field=pod&limit=1", b"").await;
    assert_eq!(
        answer.json()["notices"],
        json!([
            "no flows from node `aks-2`: the relay cannot reach it",
            "from the newest 2 flows",
            "showing 1 of 3 values: type more of it"
        ])
    );
}

#[tokio::test]
async fn variables_of_the_relay() {
    let plugin = Plugin::start().await;
    let relay = a_relay().await;
    let check = async |query: &str, values: &[&str]| {
        let body = json!({ "query": query }).to_string();
        let answer = plugin.resource(&relay.source(), "POST", "variables", body.as_bytes()).await;
        let expected: Vec<Value> =
            values.iter().map(|value| json!({ "text": value, "value": value })).collect();
        assert_eq!((answer.status, answer.json()), (200, json!(expected)), "{query}");
    };
    check("namespaces()", &["kube-system", "pets"]).await;
    check("nodes()", &["aks-1", "aks-2"]).await;
    check("pods(pets)", &["order-service-0", "store-front-0"]).await;
    check("pods()", &["coredns-0", "order-service-0", "store-front-0"]).await;
    check("workloads(kube-system)", &["coredns"]).await;
    check("namespaces(kube-*)", &["kube-system"]).await;
    check("nodes({aks-2,aks-3})", &["aks-2"]).await;
    check("pods({pets,kube-system}, store-front)", &["store-front-0"]).await;
    check("pods(.*, $__all, *-0)", &["coredns-0", "order-service-0", "store-front-0"]).await;
    check("labels(pets, order-service)", &["k8s:app=order-service"]).await;
    check("verdicts(AUD*)", &["AUDIT"]).await;
    check("drop_reasons(POLICY_*)", &["POLICY_DENIED", "POLICY_DENY"]).await;
    let ask = async |query: &str| {
        let body = json!({ "query": query }).to_string();
        plugin.resource(&relay.source(), "POST", "variables", body.as_bytes()).await
    };
    let identities = ask("identities(pets, store-front)").await;
    let expected = json!([{ "text": "10001 (pets/store-front)", "value": "10001" }]);
    assert_eq!(identities.json(), expected);
    let unresolved = ask("pods($namespace)").await;
    assert_eq!(
        (unresolved.status, unresolved.json()["message"].as_str().unwrap()),
        (
            400,
            "`query`: `$namespace` was not replaced by a value: is there such a variable on the dashboard?"
        )
    );
}

#[tokio::test]
async fn variables_of_prometheus() {
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|line, _| {
        let data = if line.contains("/api/v1/query") {
            r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a\"b"},"value":[1700000000.5,"1"]}]}"#
        } else {
            r#"["b","a","b"]"#
        };
        Answer::json("200 OK", &format!(r#"{{"status":"success","data":{data}}}"#))
    })
    .await;
    let check = async |query: &str, values: &[&str], asked: &str| {
        let body =
            json!({ "query": query, "from": 1_700_000_000_000_i64, "to": 1_700_000_060_000_i64 });
        let body = body.to_string();
        let answer =
            plugin.resource(&prometheus.source(), "POST", "variables", body.as_bytes()).await;
        let expected: Vec<Value> =
            values.iter().map(|value| json!({ "text": value, "value": value })).collect();
        assert_eq!((answer.status, answer.json()), (200, json!(expected)), "{query}");
        let request = prometheus.take_asked().pop().unwrap();
        assert!(request.contains(asked), "{query}: {request}");
    };
    let range = "start=1700000000&end=1700000060";
    check(
        "label_values(hubble_drop_total{source=~\"a,b\"}, reason)",
        &["a", "b"],
        &format!("GET /api/v1/label/reason/values?{range}&match%5B%5D=hubble_drop_total%7Bsource%3D%7E%22a%2Cb%22%7D&limit=40000 HTTP"),
    )
    .await;
    check(
        "label_values(reason)",
        &["a", "b"],
        &format!("GET /api/v1/label/reason/values?{range}&limit=40000 HTTP"),
    )
    .await;
    check("label_names()", &["a", "b"], range).await;
    check(
        "metrics(hubble_.*\\.x)",
        &["a", "b"],
        "match%5B%5D=%7B__name__%3D%7E%22.*%28%3F%3Ahubble_.*%5C%5C.x%29.*%22%7D",
    )
    .await;
    check(
        "query_result(up[$__range])",
        &["up{job=\"a\\\"b\"} 1 1700000000500"],
        "query=up%5B60s%5D&time=1700000060.000",
    )
    .await;
}

#[tokio::test]
async fn prometheus_is_passed_through() {
    let plugin = Plugin::start().await;
    let prometheus = Http::start(|line, _| {
        if line.contains("bad") {
            return Answer::json(
                "400 Bad Request",
                r#"{"status":"error","errorType":"bad_data","error":"no"}"#,
            );
        }
        Answer::json("200 OK", r#"{"status":"success","data":["x"]}"#)
    })
    .await;
    let source = prometheus.source();
    let check = async |method: &str, url: &str, body: &str, status: i32, asked: &str| {
        let answer = plugin.resource(&source, method, url, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{url}");
        assert_eq!(answer.headers["X-Content-Type-Options"], "nosniff");
        let request = prometheus.take_asked().pop().unwrap();
        assert!(request.starts_with(asked) || request.ends_with(asked), "{url}: {request}");
    };
    check("GET", "api/v1/labels?start=1", "", 200, "GET /api/v1/labels?start=1&limit=40000 HTTP")
        .await;
    check("POST", "api/v1/series", "match%5B%5D=up", 200, "match%5B%5D=up&limit=40000").await;
    check(
        "POST",
        "api/v1/label/job/values",
        "start=1",
        200,
        "GET /api/v1/label/job/values?start=1&limit=40000 HTTP",
    )
    .await;
    check("GET", "api/v1/metadata", "", 200, "GET /api/v1/metadata HTTP").await;
    check("GET", "api/v1/status/buildinfo", "", 200, "GET /api/v1/status/buildinfo HTTP").await;
    check("GET", "api/v1/query?query=bad", "", 400, "GET /api/v1/query?query=bad HTTP").await;
}

/// Checks that a call (method, URL, body) is refused with this status and message.
async fn refused(
    plugin: &Plugin,
    source: &Source,
    (method, url, body): (&str, &str, &str),
    (status, message): (i32, &str),
) {
    let answer = plugin.resource(source, method, url, body.as_bytes()).await;
    let found = answer.json()["message"].as_str().unwrap().to_owned();
    assert_eq!((found.as_str(), answer.status), (message, status), "{url} {body}");
    assert_eq!(answer.headers["Content-Type"], "application/json");
}

#[tokio::test]
async fn errors_of_resources_are_json() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let source = relay.source();
    let check = async |method: &str, url: &str, body: &str, status: i32, message: &str| {
        refused(&plugin, &source, (method, url, body), (status, message)).await;
    };
    check("GET", "secrets", "", 404, "there is no resource `secrets`").await;
    check(
        "GET",
        "api/v1/admin/tsdb/delete_series",
        "",
        404,
        "there is no resource `api/v1/admin/tsdb/delete_series`",
    )
    .await;
    check("GET", "api/v1/label//values", "", 404, "there is no resource `api/v1/label//values`")
        .await;
    check("POST", "namespaces", "", 405, "resource `namespaces` accepts only GET").await;
    check("DELETE", "api/v1/series", "", 405, "resource `api/v1/series` accepts only GET or POST")
        .await;
    check("GET", "flows", "", 405, "resource `flows` accepts only POST").await;
    check(
        "GET",
        "suggestions?field=podd",
        "",
        400,
        "`podd` is not a field with suggestions; did you mean `pod`?",
    )
    .await;
    check("POST", "variables", "{}", 400, "`query` is missing: it must be a string").await;
    check(
        "POST",
        "variables",
        r#"{"query":"drop(x)"}"#,
        400,
        "`drop(x)` is not a variable query; there are label_values(metric, label), label_names(), metrics(regex), query_result(query), namespaces(pattern), workloads(namespace, pattern), pods(namespace, workload, pattern), labels(namespace, workload, pattern), identities(namespace, workload, pattern), nodes(pattern), verdicts(pattern), drop_reasons(pattern)",
    )
    .await;
    check(
        "POST",
        "variables",
        r#"{"query":"label_names()"}"#,
        400,
        "no Prometheus URL is set for this data source: fill in `Prometheus URL` in its settings",
    )
    .await;
    check(
        "POST",
        "flows",
        r#"{"query":{"limit":0},"from":0,"to":1}"#,
        400,
        "limit 0 is out of range: use 1 to 100000 flows",
    )
    .await;
    check(
        "POST",
        "flows",
        r#"{"query":{},"from":2,"to":1}"#,
        400,
        "the time range ends before it begins",
    )
    .await;
    check(
        "POST",
        "flows",
        r#"{"query":{},"from":0,"to":1,"x":1}"#,
        400,
        "the query has no field `x`",
    )
    .await;
}

#[tokio::test]
async fn parameters_and_bodies_are_refused_by_name() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let source = relay.source();
    let check = async |method: &str, url: &str, body: &str, status: i32, message: &str| {
        refused(&plugin, &source, (method, url, body), (status, message)).await;
    };
    check(
        "GET",
        "suggestion",
        "",
        404,
        "there is no resource `suggestion`; did you mean `suggestions`?",
    )
    .await;
    let missing = "`field` is missing: it must be the name of a filter";
    check("GET", "suggestions", "", 400, missing).await;
    for (found, shown) in [("-5", "-5"), ("x", "x"), ("1.5", "1.5"), ("0", "0"), ("1001", "1001")] {
        let expected = format!("`limit` must be a whole number from 1 to 1000, not `{shown}`");
        let url = format!("suggestions?field=pod&limit={found}");
        check("GET", &url, "", 400, &expected).await;
    }
    check(
        "GET",
        "suggestions?field=pod&prefx=a",
        "",
        400,
        "there is no parameter `prefx`; did you mean `prefix`?",
    )
    .await;
    check("GET", "nodes?limit=1", "", 400, "there is no parameter `limit`").await;
    check(
        "GET",
        "suggestions?field=pod&limit=1&limit=2",
        "",
        400,
        "parameter `limit` is given twice",
    )
    .await;
    for (body, expected) in [
        ("[]", "the request is not a JSON object"),
        (r#"{"query":5}"#, "`query` must be a string, not the number 5"),
        (
            r#"{"query":"nodes()","from":"now"}"#,
            "`from` must be a whole number, not the string `now`",
        ),
        (r#"{"query":"nodes()","to":1.5}"#, "`to` must be a whole number, not the number 1.5"),
        (r#"{"query":"nodes()","quer":1}"#, "the query has no field `quer`; did you mean `query`?"),
        (r#"{"query":"nodes()","from":2,"to":1}"#, "the time range ends before it begins"),
        (
            r#"{"query":"pod(pets)"}"#,
            "`pod(pets)` is not a variable query; did you mean `pods(namespace, workload, pattern)`?",
        ),
    ] {
        check("POST", "variables", body, 400, expected).await;
    }
    for (body, expected) in [
        ("5", "the request is not a JSON object"),
        ("{}", "`query` is missing: it must be an object"),
        (r#"{"query":{},"to":1}"#, "`from` is missing: it must be a whole number"),
        (r#"{"query":{},"from":0,"to":"x"}"#, "`to` must be a whole number, not the string `x`"),
        (r#"{"query":[],"from":0,"to":1}"#, "the query is not a JSON object"),
    ] {
        check("POST", "flows", body, 400, expected).await;
    }
}

#[tokio::test]
async fn lines_and_forms_convert_into_each_other() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let source = relay.source();
    let convert = async |body: &str| {
        let answer = plugin.resource(&source, "POST", "convert", body.as_bytes()).await;
        assert_eq!(answer.status, 200, "{body}");
        answer.json()
    };
    let from_line = convert(r#"{"text":"hubble observe -n $ns --not --to-port 53"}"#).await;
    assert_eq!(from_line["errors"], serde_json::json!([]));
    assert_eq!(
        from_line["form"],
        serde_json::json!({ "filter": { "namespace": ["$ns"] }, "exclude": { "toPort": ["53"] } })
    );
    let from_form = convert(&from_line["form"].to_string()).await;
    assert_eq!(from_form["form"], from_line["form"]);
    assert_eq!(from_form["text"], "hubble observe --namespace '$ns' --not --to-port 53");
    let wrong = convert(r#"{"text":"hubble observe --größe 5"}"#).await;
    assert_eq!(
        (&wrong["errors"][0]["start"], &wrong["errors"][0]["end"]),
        (&15.into(), &22.into())
    );
    let narrowed = r#"{"text":"hubble observe -n pets",
        "adhocFilters":[{"key":"verdict","operator":"!=","value":"DROPPED"}]}"#;
    assert_eq!(
        convert(narrowed).await["command"],
        r#"hubble observe --allowlist '{"source_pod":["pets/"]}' --allowlist '{"destination_pod":["pets/"]}' --denylist '{"verdict":["DROPPED"]}'"#
    );
}

/// Every field that a person types in asks for suggestions, many at the same time.
#[tokio::test]
async fn suggestions_share_the_error_of_a_relay() {
    let plugin = Plugin::start().await;
    let error = Some(Status::permission_denied("no"));
    let relay = Relay::start(Script { error, ..Script::default() }).await;
    let source = relay.source();
    let suggest = || plugin.resource(&source, "GET", "suggestions?field=pod", b"");
    let answers = futures_util::future::join_all((0..20).map(|_| suggest())).await;
    assert!(answers.iter().all(|answer| answer.status == 502), "{answers:?}");
    assert_eq!(relay.asked().len(), 1);
}
