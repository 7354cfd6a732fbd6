//! Tests of small requests with large costs: each is refused at once, with its name and limit.

use serde_json::{Value, json};
use test_kit::grafana::{Plugin, Range, Source};
use test_kit::now_ms;
use test_kit::relay::{Relay, Script};
use test_kit::sockets::closed_port;

/// Maximum processor time of the refusals of a test, in ticks of 10 ms: much more than they take, and much
/// less than the work would take. Other programs on the machine do not add to it.
const MAX_TICKS: u64 = 400;

fn labels(count: usize) -> Value {
    let condition =
        |number| json!({ "key": "label", "operator": "=", "value": format!("a{number}") });
    (0..count).map(condition).collect()
}

/// Processor time of the plugin, in ticks of 10 ms.
fn ticks(plugin: &Plugin) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", plugin.child.id().unwrap()));
    let stat = stat.unwrap();
    let (_, after_name) = stat.rsplit_once(") ").unwrap();
    // Fields 14 and 15: user and system time; the state, field 3, is the first one here.
    after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

fn check_work(plugin: &Plugin) {
    let ticks = ticks(plugin);
    assert!(ticks < MAX_TICKS, "{ticks} ticks of 10 ms");
}

#[tokio::test]
async fn ad_hoc_filters_do_not_multiply() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let source = relay.source();
    let before_kib = plugin.status_kib("VmHWM");
    let refusal = "ad hoc filter `label`: the filters of the query combine to more than 64: remove some of them";
    for query_type in ["flows", "flowMetrics", "serviceMap", "dnsConnections", "flowAnnotations"] {
        let query = json!({ "queryType": query_type, "adhocFilters": labels(20) });
        let (status, _, message) = plugin.failure(&source, Range::last_hour(), query).await;
        assert_eq!((status, message.as_str()), (400, refusal), "{query_type}");
    }
    // The line has one form; the command narrowed by the conditions would multiply.
    let body = json!({ "text": "hubble observe", "adhocFilters": labels(20) }).to_string();
    let answer = plugin.resource(&source, "POST", "convert", body.as_bytes()).await;
    assert_eq!((answer.status, &answer.json()["command"]), (200, &Value::Null));
    let now = Range::last_hour();
    let flows = json!({
        "query": { "adhocFilters": labels(20) }, "from": now.from_ms, "to": now.to_ms
    });
    let answer = plugin.resource(&source, "POST", "flows", flows.to_string().as_bytes()).await;
    assert_eq!((answer.status, &answer.json()["message"]), (400, &json!(refusal)));
    check_work(&plugin);
    let grown_kib = plugin.status_kib("VmHWM") - before_kib;
    assert!(grown_kib < 50 << 10, "{grown_kib} KiB more");
    assert!(relay.asked().is_empty(), "the relay is not asked");
}

/// A filter takes hundreds of times the memory of the two bytes that request it.
#[tokio::test]
async fn one_string_may_not_hold_any_number_of_filters() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let before_kib = plugin.status_kib("VmHWM");
    for list in ["allowlist", "denylist"] {
        let mut query = json!({ "queryType": "flows" });
        query[list] = json!(["{}".repeat(500_000)]);
        let refused = plugin.failure(&relay.source(), Range::last_hour(), query).await;
        let refusal = format!(
            "`{list}`: the filters of the query combine to more than 64: remove some of them"
        );
        assert_eq!((refused.0, refused.2), (400, refusal));
    }
    check_work(&plugin);
    let grown_kib = plugin.status_kib("VmHWM") - before_kib;
    assert!(grown_kib < 50 << 10, "{grown_kib} KiB more");
}

#[tokio::test]
async fn resources_have_limits_of_their_own() {
    let plugin = Plugin::start().await;
    let check = async |path: &str, body: Value, status: i32, text: &str| {
        let body = body.to_string();
        let answer = plugin.resource(&Source::default(), "POST", path, body.as_bytes()).await;
        let found = answer.json().to_string();
        assert_eq!(answer.status, status, "{path}: {found}");
        assert!(found.contains(text), "{path}: {}", found.get(..500).unwrap_or(&found));
    };
    let alternatives = format!("pods({})", vec!["a"; 500_000].join("|"));
    let text = "the variable's arguments have 500000 alternatives; the limit is 1000";
    check("variables", json!({ "query": alternatives }), 400, text).await;
    let stars = format!("pods({})", "a*".repeat(500_000));
    let text = "the variable's arguments have 500000 `*`; the limit is 100";
    check("variables", json!({ "query": stars }), 400, text).await;
    let choices = format!("{{{}}}", vec!["a"; 500_000].join(","));
    let text = "`filter.namespace`: has 500000 values; the limit is 500";
    check("convert", json!({ "filter": { "namespace": [choices] } }), 400, text).await;
    for (line, count) in [("-o x ", 13_000), ("--x ", 16_000), ("argument ", 7_000)] {
        let line = format!("hubble observe {}", line.repeat(count));
        let text = "this line has too many problems: the rest is not read";
        check("convert", json!({ "text": line }), 200, text).await;
    }
    // Times at the ends of the number's range are valid.
    let query = json!({ "query": "verdicts()", "to": i64::MIN });
    check("variables", query, 200, "DROPPED").await;
    let query = json!({ "query": "query_result(up)", "from": i64::MIN, "to": i64::MAX });
    check("variables", query, 400, "no Prometheus URL is set").await;
    check_work(&plugin);
}

#[tokio::test]
async fn times_at_the_ends_of_their_range_crash_nothing() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let prometheus = Source::prometheus(&format!("http://{}", closed_port().await));
    let source = Source { json_data: prometheus.json_data, ..relay.source() };
    let now = now_ms();
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, now, i64::MAX - 1, i64::MAX];
    let ranges = ends.iter().flat_map(|from| ends.iter().map(move |to| (*from, *to)));
    for (from_ms, to_ms) in ranges {
        let queries = [
            ("A", json!({ "queryType": "flows" })),
            ("B", json!({ "queryType": "flows", "format": "packed", "since": "5m" })),
            ("C", json!({ "queryType": "flowMetrics", "groupBy": ["verdict"] })),
            ("D", json!({ "queryType": "serviceMap" })),
            ("E", json!({ "queryType": "dnsConnections" })),
            ("F", json!({ "queryType": "flowAnnotations" })),
            (
                "G",
                json!({ "expr": "rate(a[$__rate_interval]) + $__range_s", "range": true, "exemplar": true }),
            ),
            ("H", json!({ "expr": "up", "instant": true, "utcOffsetSec": i64::MAX })),
        ];
        let answers = plugin.query(&source, Range { from_ms, to_ms }, &queries).await;
        assert_eq!(answers.len(), queries.len(), "{from_ms} to {to_ms}");
        for query in ["verdicts()", "label_values(a, b)", "query_result(a[$__range])", "pods(a)"] {
            let body = json!({ "query": query, "from": from_ms, "to": to_ms }).to_string();
            let answer = plugin.resource(&source, "POST", "variables", body.as_bytes()).await;
            assert!([200, 400, 502].contains(&answer.status), "{from_ms} to {to_ms}: {answer:?}");
        }
        let body = json!({ "query": {}, "from": from_ms, "to": to_ms }).to_string();
        plugin.resource(&source, "POST", "flows", body.as_bytes()).await;
    }
    let log = plugin.whole_log().await;
    assert!(!log.contains("panicked"), "{log}");
}

/// Patterns are counted before one of them is parsed, and parsed before one is compiled.
#[tokio::test]
async fn patterns_are_few_and_small() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let before_kib = plugin.status_kib("VmHWM");
    let bombs = |count| vec![r"\pL{90}"; count];
    let check = async |query: Value, refusal: &str| {
        let before = ticks(&plugin);
        let refused = plugin.failure(&relay.source(), Range::last_hour(), query).await;
        assert_eq!((refused.0, refused.2.as_str()), (400, refusal));
        let ticks = ticks(&plugin) - before;
        assert!(ticks < 50, "{ticks} ticks of 10 ms: {refusal}");
    };
    let too_many = "has 500 patterns; a query may have 20 (of DNS names, paths, URLs and CEL)";
    for (list, key) in [("filter", "httpPath"), ("filter", "httpUrl"), ("exclude", "celExpression")]
    {
        let query = json!({ "queryType": "flows", list: { key: bombs(500) } });
        check(query, &format!("`{list}.{key}`: {too_many}")).await;
    }
    let condition =
        json!({ "key": "httpPath", "operator": "!=|", "value": "", "values": bombs(500) });
    let query = json!({ "queryType": "flows", "adhocFilters": vec![condition; 4] });
    check(query, &format!("`adhocFilters.httpPath`: {too_many}")).await;
    let both = json!({
        "queryType": "flows", "filter": { "httpPath": bombs(15) }, "exclude": { "httpUrl": bombs(15) }
    });
    let refusal = "`exclude`: the filters of the query combine to more than 20 patterns (of DNS names, paths, URLs and CEL): choose fewer";
    check(both, refusal).await;
    // As many as a query may have: the first is compiled until it is too large.
    let too_large = r"`\pL{90}` in `http_path` is not a regular expression: it takes more than 256 KiB when compiled, which is the limit";
    for (list, key) in [("filter", "`filter.httpPath`"), ("exclude", "`exclude.httpPath`")] {
        let query = json!({ "queryType": "flows", list: { "httpPath": bombs(20) } });
        check(query, &format!("{key}: {too_large}")).await;
    }
    let raw = json!({ "http_path": bombs(20) }).to_string();
    let query = json!({ "queryType": "flows", "allowlist": [raw] });
    check(query, &format!("`allowlist`: {too_large}")).await;
    let grown_kib = plugin.status_kib("VmHWM") - before_kib;
    assert!(grown_kib < 50 << 10, "{grown_kib} KiB more");
    assert!(relay.asked().is_empty(), "the relay is not asked");
}

/// The nodes evaluate CEL expressions for every flow, so the data source decides.
#[tokio::test]
async fn cel_expressions_need_the_data_sources_permission() {
    let plugin = Plugin::start().await;
    let relay = Relay::start(Script::default()).await;
    let source = |json_data: Value| Source { json_data, ..relay.source() };
    let refusal = "CEL expressions are off in this data source, because every node evaluates them for every flow: `Allow CEL expressions` in its settings turns them on";
    let raw = json!({ "experimental": { "cel_expression": ["true"] } }).to_string();
    let queries = [
        json!({ "queryType": "flows", "filter": { "celExpression": ["true"] } }),
        json!({ "queryType": "flowMetrics", "exclude": { "celExpression": ["true"] } }),
        json!({ "queryType": "dnsConnections", "allowlist": [raw] }),
        json!({ "queryType": "serviceMap", "denylist": [raw] }),
        json!({
            "queryType": "flows",
            "adhocFilters": [{ "key": "celExpression", "operator": "=", "value": "true" }],
        }),
    ];
    for query in &queries {
        for off in [json!(false), json!("false")] {
            let source = source(json!({ "allowCelExpressions": off }));
            let refused = plugin.failure(&source, Range::last_hour(), query.clone()).await;
            assert_eq!((refused.0, refused.2.as_str()), (400, refusal), "{query}");
        }
    }
    assert!(relay.asked().is_empty(), "the relay is not asked");
    for allowed in [json!({}), json!({ "allowCelExpressions": true })] {
        for query in &queries {
            let asked = relay.asked().len();
            plugin.frames(&source(allowed.clone()), Range::last_hour(), query.clone()).await;
            assert!(relay.asked().len() > asked, "{allowed} {query}");
        }
    }
}
