use std::fmt::Write as _;

use flow::filter::FlowFilter;
use serde_json::{Value, json};
use wording::Notice;

use super::*;
use crate::flag::FlagValues;
use crate::form::FlowsForm;
use crate::selection::FlowSelection;

mod saved;

fn read(json: &Value) -> Result<(Query, Vec<Notice>), InvalidQuery> {
    let ReadQuery { query, notices, .. } = ReadQuery::read(json.to_string().as_bytes(), "")?;
    Ok((query, notices))
}

fn flows_query(json: &Value) -> Result<FlowsQuery, InvalidQuery> {
    Ok(FlowsQuery::take(Fields::of(json.clone())?)?)
}

fn flow_selection(json: &Value) -> Result<FlowSelection, InvalidQuery> {
    Ok(FlowSelection::new(&flows_query(json)?.form)?)
}

/// The selection of a flows query as text, or the error.
fn selection(filter: &Value, exclude: &Value) -> String {
    let json = json!({ "queryType": "flows", "filter": filter, "exclude": exclude });
    let selection = flow_selection(&json);
    match selection {
        Err(error) => format!("error: {}\n", wording::with_causes(&error)),
        Ok(selection) => {
            let mut text = format!("hubble observe {}\n", selection.observe_flags);
            for (list, filters) in
                [("allow", &selection.filters.allow), ("deny", &selection.filters.deny)]
            {
                for filter in filters {
                    writeln!(text, "{list} {}", shown(filter)).unwrap();
                }
            }
            text
        }
    }
}

/// The set fields of a filter, on one line.
fn shown(filter: &FlowFilter) -> String {
    let text = format!("{filter:?}").replace("FlowFilter ", "");
    let set = split_fields(&text).into_iter().filter(|field| !field.ends_with(": []"));
    set.collect::<Vec<_>>().join(", ")
}

/// The fields of `{ a: [x, y], b: [] }`, split at the commas between them.
fn split_fields(text: &str) -> Vec<String> {
    let inner = text.trim_start_matches('{').trim_end_matches('}').trim();
    let mut fields = vec![String::new()];
    let mut depth = 0;
    for char in inner.chars() {
        match char {
            '[' | '(' | '{' => depth += 1,
            ']' | ')' | '}' => depth -= 1,
            ',' if depth == 0 => {
                fields.push(String::new());
                continue;
            }
            _ => {}
        }
        fields.last_mut().unwrap().push(char);
    }
    fields.into_iter().map(|field| field.trim().to_owned()).collect()
}

fn report(cases: &[(Value, Value)]) -> String {
    let mut text = String::new();
    for (filter, exclude) in cases {
        let asked = format!("filter {filter} exclude {exclude}");
        writeln!(text, "{}", asked.chars().take(300).collect::<String>()).unwrap();
        writeln!(text, "{}", selection(filter, exclude)).unwrap();
    }
    text
}

#[test]
fn selections_are_those_of_hubble_observe() {
    let none = json!({});
    let only = |filter: Value| (filter, none.clone());
    let report = report(&[
        only(none.clone()),
        only(json!({ "verdict": ["dropped", "FORWARDED"], "trafficDirection": ["Egress"] })),
        only(json!({ "dropReasonDesc": ["Policy denied", "UNSUPPORTED_L3_PROTOCOL"] })),
        only(json!({ "namespace": ["pets"] })),
        only(json!({ "namespace": ["pets", "shop"], "verdict": ["DROPPED"] })),
        only(json!({ "fromNamespace": ["pets"], "toNamespace": ["kube-system"] })),
        only(json!({ "pod": ["pets/store-front"] })),
        only(json!({ "fromPod": ["store-front", "pets/cart"], "fromNamespace": ["pets"] })),
        only(json!({ "toPod": ["pets/order-service"], "fromNamespace": ["pets"] })),
        only(json!({ "workload": ["store-front"], "namespace": ["pets"] })),
        only(json!({ "fromWorkload": ["Deployment/store-front", "DaemonSet/"] })),
        only(json!({ "ip": ["10.0.0.0/8", "fd00::1"], "port": ["53"] })),
        only(json!({ "fromIp": ["10.0.0.1"], "toPort": ["443", "080"] })),
        only(json!({ "toFqdn": ["*.github.com"], "protocol": ["TCP", "dns"] })),
        only(json!({ "fqdn": ["api.github.com"] })),
        only(json!({ "label": ["k8s:app in (store, front)"], "nodeName": ["aks-*"] })),
        only(json!({ "identity": ["world", "12345"], "toIdentity": [] })),
        only(json!({ "toIdentity": ["kube-apiserver"] })),
        only(
            json!({ "type": ["drop", "trace:to-endpoint", "trace:from-proxy", "l7", "5", "1:133"] }),
        ),
        only(json!({ "httpStatus": ["404", "5+", "40+"], "type": ["l7"] })),
        only(json!({ "tcpFlags": ["syn,ack", "RST", "FIN, PSH"] })),
        only(json!({ "reply": ["true"], "uuid": ["it's"] })),
        only(json!({ "reply": ["false"], "pod": ["", "  "] })),
        only(json!({ "verdict": null, "pod": [] })),
        (
            json!({ "namespace": ["pets"] }),
            json!({ "toPort": ["53"], "pod": ["kube-system/coredns"] }),
        ),
        (none.clone(), json!({ "verdict": ["FORWARDED"] })),
    ]);
    insta::assert_snapshot!(report);
}

#[test]
fn errors_quote_only_a_part_of_long_input() {
    let check = |query: Value, expected: &str| {
        let error = read(&query).unwrap_err();
        let text = wording::with_causes(&error);
        assert!(text.contains(expected), "{text:.500}");
        assert!(text.len() < 1_000, "{} bytes: {text:.100}", text.len());
    };
    let long = "x".repeat(100_000);
    let quoted = format!("`{}…`", "x".repeat(64));
    check(json!({ "queryType": long }), &quoted);
    check(json!({ "queryType": "dnsConnections", "ip": long }), &quoted);
    check(json!({ "since": long }), &quoted);
    check(json!({ "until": long }), &quoted);
    check(json!({ "filter": { long.as_str(): ["a"] } }), &format!("`filter.{}…`", "x".repeat(64)));
    check(json!({ "queryType": "flowMetrics", "groupBy": [long] }), &quoted);
    let adhoc = |key: &str, operator: &str| json!({ "adhocFilters": [{ "key": key, "operator": operator, "value": "a" }] });
    check(adhoc(&long, "="), &quoted);
    check(adhoc(&long, "~"), &quoted);
    check(adhoc("verdict", &long), &quoted);
    let of_one = "`minFlows` must be a whole number, 0 or more, not the number -1";
    check(json!({ "queryType": "flowMetrics", "minFlows": -1 }), of_one);
}

#[test]
fn an_invalid_selection_is_an_error_that_names_the_cause() {
    let none = json!({});
    let only = |filter: Value| (filter, none.clone());
    let report = report(&[
        only(json!({ "podd": ["a"] })),
        only(json!({ "verdict": ["MAYBE"] })),
        only(json!({ "dropReasonDesc": ["Because"] })),
        only(json!({ "dropReasonDesc": ["Interface"] })),
        only(json!({ "trafficDirection": ["up"] })),
        only(json!({ "protocol": ["kafka"] })),
        only(json!({ "ip": ["10.0.0.0/33"] })),
        only(json!({ "ip": ["ten"] })),
        only(json!({ "toPort": ["70000"] })),
        only(json!({ "identity": ["mars"] })),
        only(json!({ "type": ["flow"] })),
        only(json!({ "type": ["trace:to-mars"] })),
        only(json!({ "type": ["drop:because"] })),
        only(json!({ "httpStatus": ["600"] })),
        only(json!({ "httpStatus": ["404"], "type": ["drop"] })),
        only(json!({ "httpStatus": ["404"], "type": ["l7", "drop"] })),
        only(json!({ "tcpFlags": ["XYZ"] })),
        only(json!({ "reply": ["perhaps"] })),
        only(json!({ "namespace": ["a"], "toPod": ["a/b"] })),
        only(json!({ "fromIp": ["10.0.0.1"], "fromPod": ["a/b"] })),
        only(json!({ "fromPod": ["shop/cart"], "fromNamespace": ["pets"] })),
        only(json!({ "pod": ["shop/cart"], "namespace": ["shop", "pets"] })),
        only(json!({ "label": ["a"], "fromLabel": ["b"] })),
        only(json!({ "verdict": "DROPPED" })),
        only(json!({ "verdict": [1] })),
        only(json!([])),
        (none.clone(), json!({ "toPort": ["x"] })),
        only(json!({ "pod": ["x".repeat(3_000)] })),
        only(json!({ "port": vec!["1"; 501] })),
    ]);
    insta::assert_snapshot!(report);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a line or two for each case")]
fn queries_are_read_or_refused_by_name() {
    let check = |json: Value| -> String {
        match read(&json) {
            Err(error) => format!("{json}\n  error: {}", wording::with_causes(&error)),
            Ok((Query::Flows(query), notices)) => {
                format!("{json}\n  flows {:?} limit {} {notices:?}", query.format, query.limit)
            }
            Ok((Query::FlowMetrics(query), notices)) => format!("{json}\n  {query:?} {notices:?}"),
            Ok((Query::ServiceMap(query), notices)) => format!("{json}\n  {query:?} {notices:?}"),
            Ok((Query::FlowAnnotations(query), notices)) => {
                format!("{json}\n  {query:?} {notices:?}")
            }
            Ok((Query::DnsConnections(query), notices)) => {
                format!("{json}\n  {query:?} {notices:?}")
            }
            Ok((Query::Policies(query), notices)) => format!("{json}\n  {query:?} {notices:?}"),
            Ok((Query::Promql(query), notices)) => format!("{json}\n  {query:?} {notices:?}"),
        }
    };
    let cases = [
        json!({}),
        json!({ "queryType": "" }),
        json!({ "queryType": "flows", "format": "packed", "limit": 50_000 }),
        json!({
            "refId": "A", "queryType": "flows", "datasource": { "uid": "x" }, "datasourceId": 1, "hide": false,
            "key": "Q-1", "intervalMs": 1, "maxDataPoints": 1, "queryCachingTTL": 1, "timeRange": {}
        }),
        json!({ "queryType": "policies", "refId": "A", "hide": false }),
        json!({ "queryType": "policies", "folder": "/etc" }),
        json!({ "queryType": "flows", "limit": 0 }),
        json!({ "queryType": "flows", "limit": -1 }),
        json!({ "queryType": "flows", "limit": 100_001 }),
        json!({ "queryType": "flows", "limit": 1.5 }),
        json!({ "queryType": "flows", "limt": 5 }),
        json!({ "queryType": "flows", "format": "graph" }),
        json!({ "queryType": "flows", "format": "logs", "text": "hubble observe --last 5 -o json" }),
        json!({ "queryType": "flows", "text": "hubble observe", "filter": { "pod": ["a"] } }),
        json!({ "queryType": "flows", "text": "hubble observe --nope --neither" }),
        json!({ "queryType": "flowMetrics" }),
        json!({ "queryType": "flowAnnotations", "filter": { "namespace": ["pets"] } }),
        json!({ "queryType": "flowAnnotations", "limit": 1_001 }),
        json!({ "queryType": "dnsConnections", "text": "hubble observe -n pets", "ip": "10.0.0.1" }),
        json!({ "queryType": "dnsConnections", "ip": "${ip}" }),
        json!({ "queryType": "dnsConnections", "limit": 0 }),
        json!({
            "queryType": "flowMetrics", "metric": "dropRatio", "format": "top", "limit": 5,
            "groupBy": ["fromWorkload", "toPort", "toPort"], "text": "hubble observe -n pets"
        }),
        json!({ "queryType": "flowMetrics", "groupBy": ["$by"] }),
        json!({ "queryType": "flowMetrics", "groupBy": ["podd"] }),
        json!({ "queryType": "flowMetrics", "limit": 501 }),
        json!({ "queryType": "flowMetrics", "metric": "median" }),
        json!({ "queryType": "flowMetrics", "filter": { "namespace": ["$namespace"] } }),
        json!({ "queryType": "serviceMap" }),
        json!({ "queryType": "serviceMap", "by": "pod", "text": "--not -n kube-system" }),
        json!({ "queryType": "serviceMap", "by": "planet" }),
        json!({ "queryType": "verdicts" }),
        json!({ "queryType": 5 }),
        json!([]),
        json!({ "expr": "up" }),
        json!({ "queryType": "promql", "expr": " " }),
        json!({ "queryType": "promql" }),
        json!({ "queryType": "timeSeriesQuery", "expr": "up", "instant": true }),
        json!({ "expr": "up", "instant": true, "range": true, "exemplar": true }),
        json!({ "expr": "up", "instant": false, "range": false }),
        json!({
            "expr": "up", "format": "heatmap", "legendFormat": "{{job}}", "interval": "30s", "intervalFactor": 2,
            "intervalMs": 1000.0, "utcOffsetSec": 3600, "editorMode": "code", "useBackend": false,
            "fullMetaSearch": false, "includeNullMetadata": true, "disableTextWrap": false, "step": 15,
            "scopes": [], "adhocFilters": [], "groupByKeys": [], "metric": "up", "target": ""
        }),
        json!({ "expr": "up", "adhocFilters": [{}], "groupByKeys": ["a"], "mystery": 1 }),
        json!({ "expr": "up", "format": "logs" }),
        json!({ "expr": "up", "format": 1 }),
        json!({ "expr": "up", "format": 2 }),
        json!({ "expr": "up", "format": 7 }),
        json!({ "expr": "up", "format": -1 }),
        json!({ "expr": "up", "format": "tabel" }),
        json!({ "queryType": "flows", "until": "5m", "follow": true }),
        json!({ "queryType": "flows", "adhocFilters": [{ "key": "", "operator": "", "value": "" }] }),
        json!({ "queryType": "flows", "adhocFilters": [{ "key": "pod", "operator": "=", "value": "a/b" }, { "key": " ", "operator": "=", "value": "x" }] }),
        json!({ "queryType": "flows", "adhocFilters": [{ "operator": "=|", "values": ["", "x"] }] }),
        json!({ "expr": "up", "format": {} }),
        json!({ "expr": "up", "scopes": [{ "name": "pets" }], "filters": [], "legendFromat": "x" }),
        json!({ "expr": "up", "interval": 15 }),
        // Fields that Grafana writes into every query of an alert rule, and leftovers of other data
        // sources.
        json!({ "queryType": "flowMetrics", "instant": false, "range": true, "resultAssertions": {} }),
        json!({ "queryType": "flows", "instant": true, "range": false, "exemplar": true, "legendFormat": "x" }),
        json!({ "queryType": "serviceMap", "metric": "count", "groupBy": ["verdict"], "limit": 5 }),
        json!({ "queryType": "flows", "scopes": ["a"], "adhocVariable": "$filters", "groupByKeys": ["b"], "panelId": 4 }),
        json!({ "queryType": "policies", "instant": true, "range": false, "limit": 1_000 }),
        // Ignoring one of these would widen the query.
        json!({ "queryType": "flows", "namespace": ["pets"] }),
        json!({ "queryType": "flowMetrics", "groupby": ["verdict"] }),
        json!({ "queryType": "serviceMap", "filters": { "namespace": ["pets"] } }),
        json!({ "queryType": "dnsConnections", "exlude": { "namespace": ["pets"] } }),
        json!({ "queryType": "flows", "limt": null, "namespace": [] }),
        json!({ "queryType": "flows", "limit": "10" }),
        json!({ "queryType": "flows", "since": 5 }),
        json!({ "queryType": "flows", "last": -1 }),
        json!({ "queryType": "flows", "all": "yes" }),
        json!({ "queryType": "flows", "adhocFilters": [{ "key": "pod", "operator": "=", "value": 5 }] }),
        json!({ "queryType": "flowMetrics", "groupBy": "verdict" }),
        json!({ "queryType": "flowMetrics", "format": "packed" }),
    ];
    let report = cases.map(check).join("\n");
    insta::assert_snapshot!(report);
}

#[test]
fn too_large_a_query() {
    let error = ReadQuery::read(&vec![b' '; (1 << 20) + 1], "").unwrap_err();
    assert_eq!(error.to_string(), "the query is larger than 1024 KiB");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_a_query_or_an_error(bytes: Vec<u8>) {
        drop(ReadQuery::read(&bytes, ""));
    }

    #[test]
    fn any_value_selects_or_is_refused(key in "verdict|pod|ip|port|type|httpStatus|tcpFlags|identity|reply|label", value in "\\PC*") {
        selection(&json!({ key: [value] }), &json!({}));
    }

    /// A shell splits the line back into the original values.
    #[test]
    fn quoted_values_survive_a_shell(value in "[^\\x00\\s][^\\x00]*") {
        let filter = FlagValues::from([(Flag::Uuid, vec![value.clone()])]);
        let line = crate::observe::flags(&FlowsForm { filter, ..FlowsForm::default() });
        let uuid = line.strip_prefix("--uuid").unwrap().get(1..).unwrap();
        let words = shell_words(uuid);
        proptest::prop_assert_eq!(words, vec![value.trim().to_owned()]);
    }
}

/// Words of a line, split as a POSIX shell splits single quotes and backslashes.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None;
    let mut quoted = false;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_with(String::new);
            }
            '\\' if !quoted => word.get_or_insert_with(String::new).extend(chars.next()),
            ' ' if !quoted => words.extend(word.take()),
            char => word.get_or_insert_with(String::new).push(char),
        }
    }
    words.extend(word);
    words
}

/// The selection of a query with these ad hoc filters.
fn narrowed(query: &Value, adhoc: &Value) -> String {
    let mut json = query.clone();
    json["adhocFilters"] = adhoc.clone();
    let selection = flow_selection(&json);
    match selection {
        Ok(selection) => selection.observe_flags,
        Err(error) => format!("error: {}", wording::with_causes(&error)),
    }
}

#[test]
fn ad_hoc_filters_narrow_a_query() {
    let is = |key: &str, operator: &str, value: &str| json!({ "key": key, "operator": operator, "value": value, "condition": "" });
    let line = json!({ "text": "hubble observe -n pets" });
    let form = json!({ "filter": { "namespace": ["pets"] }, "exclude": { "verdict": ["AUDIT"] } });
    let none = json!({});
    let cases = [
        (&none, json!([is("verdict", "=", "DROPPED")])),
        (&none, json!([is("verdict", "!=", "DROPPED"), is("toPort", "!=", "53")])),
        (&line, json!([is("fromPod", "=", "pets/store")])),
        (&form, json!([is("toNamespace", "=", "dns")])),
        (
            &form,
            json!([{ "key": "toPort", "operator": "=|", "value": "53", "values": ["53", "80"] }]),
        ),
        (&form, json!([is("namespace", "=", "dns"), is("Source pod", "=", "shop/a")])),
        (&none, json!([is("Source pod", "=", "store-0")])),
        (&none, json!([is("dnsQuery", "=", "a.example")])),
        (&none, json!([is("pod", "=", "")])),
        (&form, json!([{ "key": "toWorkload", "operator": "=|", "value": "", "values": [".*"] }])),
        (&none, json!([is("httpPath", "=", ".*")])),
        (&none, json!([is("pod", "=~", "pets/.*")])),
        (&none, json!([is("pod", "=", "$pod")])),
        (&none, json!([is("L7", "=", "x")])),
        (&none, json!([is("toPort", "=", "http")])),
        (&json!({ "filter": { "protocol": ["tcp"] } }), json!([is("protocol", "=", "HTTP")])),
    ];
    let mut text = String::new();
    for (query, adhoc) in cases {
        writeln!(text, "{query} {adhoc}\n  {}", narrowed(query, &adhoc)).unwrap();
    }
    insta::assert_snapshot!(text);
}

/// Products are refused before they are built, with the key and the limit in the error.
#[test]
fn selections_that_multiply() {
    let many = |prefix: &str, count: usize| -> Vec<String> {
        (0..count).map(|number| format!("{prefix}{number}")).collect()
    };
    let any_of =
        |key: &str, values: Vec<String>| json!({ "key": key, "operator": "=|", "values": values });
    let is = |key: &str, operator: &str, value: String| json!({ "key": key, "operator": operator, "value": value });
    let check = |query: Value, adhoc: Vec<Value>, expected: Result<(), &str>| {
        let begun = std::time::Instant::now();
        let found = narrowed(&query, &Value::Array(adhoc));
        match expected {
            Ok(()) => assert!(!found.starts_with("error"), "{found}"),
            Err(error) => assert_eq!(found, format!("error: {error}")),
        }
        // What is refused would take minutes and gigabytes once it was built.
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    };
    let none = json!({});
    // 2^6 alternatives are accepted, 2^7 are refused.
    let labels = |count: usize| {
        (0..count).map(|number| is("label", "=", format!("a{number}"))).collect::<Vec<_>>()
    };
    check(none.clone(), labels(6), Ok(()));
    let too_many = "ad hoc filter `label`: the filters of the query combine to more than 64: remove some of them";
    check(none.clone(), labels(7), Err(too_many));
    check(none.clone(), labels(20), Err(too_many));
    let denied = (0..40).map(|number| is("label", "!=", format!("a{number}"))).collect();
    check(none.clone(), denied, Err(too_many));
    let node_labels: Vec<Value> =
        ["a", "b", "c"].map(|key| any_of("nodeLabel", many(key, 500))).to_vec();
    check(
        none.clone(),
        node_labels,
        Err(
            "ad hoc filter `nodeLabel`: the query's own filter on it cannot be narrowed: two lists of `node_labels` combined are too large: at most 2000 values of 8192 bytes each",
        ),
    );
    // Values that exclude each other do not multiply.
    let ports = vec![any_of("toPort", many("1", 500)), any_of("toPort", many("10", 500))];
    check(none.clone(), ports, Ok(()));
    let values: Vec<Value> =
        ["a", "b", "c", "d", "e"].map(|key| any_of("pod", many(key, 500))).to_vec();
    check(
        none.clone(),
        values,
        Err("ad hoc filter `pod`: the ad hoc filters have more than 2000 values"),
    );
    let values = "the filters of the query combine to more than 2000 values: choose fewer";
    let namespaces = json!({ "filter": { "namespace": many("n", 500), "pod": many("p", 500) } });
    check(namespaces, Vec::new(), Err(&format!("`filter.namespace`: {values}")));
    let flags = json!({ "filter": {
        "label": many("l", 500), "workload": many("w", 500), "nodeName": many("n", 300),
    } });
    check(flags, Vec::new(), Err(&format!("`filter`: {values}")));
    let raw = json!({ "uuid": many("u", 1_500) }).to_string();
    check(json!({ "allowlist": [raw] }), Vec::new(), Ok(()));
    check(json!({ "denylist": [raw, raw] }), Vec::new(), Err(&format!("`denylist`: {values}")));
    check(
        json!({ "allowlist": vec!["{}"; 65] }),
        Vec::new(),
        Err("`allowlist`: has 65 filters; the limit is 64"),
    );
    let patterns = "the filters of the query combine to more than 20 patterns (of DNS names, paths, URLs and CEL): choose fewer";
    check(json!({ "filter": { "httpPath": many("/", 20) } }), Vec::new(), Ok(()));
    check(
        json!({ "exclude": { "httpPath": many("/", 21) } }),
        Vec::new(),
        Err(
            "`exclude.httpPath`: has 21 patterns; a query may have 20 (of DNS names, paths, URLs and CEL)",
        ),
    );
    check(
        json!({ "filter": { "httpPath": many("/", 11) }, "exclude": { "httpUrl": many("/", 11) } }),
        Vec::new(),
        Err(&format!("`exclude`: {patterns}")),
    );
    let mut paths = labels(5);
    paths.insert(0, is("httpPath", "=", "/".to_owned()));
    check(none, paths, Err(&format!("ad hoc filter `label`: {patterns}")));
}

proptest::proptest! {
    /// Any combination of conditions stays within the budget.
    #[test]
    fn ad_hoc_filters_stay_within_their_budget(
        conditions in proptest::collection::vec(
            ("label|pod|toPort|httpPath|nodeLabel", "=|!=", proptest::collection::vec("[a-c1-3]{1,2}", 1..40)),
            0..20,
        )
    ) {
        let adhoc: Vec<Value> = conditions
            .into_iter()
            .map(|(key, operator, values)| json!({ "key": key, "operator": format!("{operator}|"), "values": values }))
            .collect();
        let json = json!({ "adhocFilters": adhoc });
        if let Ok(FlowSelection { filters, .. }) = flow_selection(&json) {
            proptest::prop_assert!(filters.allow.len() + filters.deny.len() <= 64);
            let values: usize = filters.allow.iter().map(|filter| filter.size().values).sum();
            proptest::prop_assert!(values <= 2_000);
        }
    }
}

/// Hubble filters by the name of a DNS query, but its command line has no flag for it.
#[test]
fn a_command_has_no_flag_that_hubble_lacks() {
    fn check(form: &Value, text: &str, command: &str) {
        let answer = convert(form.to_string().as_bytes()).unwrap();
        assert_eq!((&answer["text"], &answer["command"]), (&json!(text), &json!(command)));
    }
    let line = "hubble observe --verdict DROPPED --dns-query a.example";
    let command =
        r#"hubble observe --allowlist '{"verdict":["DROPPED"],"dns_query":["^a\\.example\\.?$"]}'"#;
    let form = json!({ "filter": { "verdict": ["DROPPED"], "dnsQuery": ["a.example"] } });
    check(&form, line, command);
    check(&json!({ "text": line }), line, command);
    let form = json!({ "filter": { "verdict": ["DROPPED"] } });
    check(&form, "hubble observe --verdict DROPPED", "hubble observe --verdict DROPPED");
}

/// The editor and the backend list the same fields.
#[test]
fn the_editor_knows_every_field() {
    let fields = include_str!("../../../src/datasource/query/fields.ts");
    let generated = include_str!("../../../src/datasource/query/generated.ts");
    let listed = |source: &'static str, name: &str| -> Vec<&str> {
        let (_, after) = source.split_once(&format!("export const {name} = [")).unwrap();
        let (list, _) = after.split_once(']').unwrap();
        let mut names: Vec<&str> = list
            .split(',')
            .map(|name| name.trim().trim_matches('\''))
            .filter(|name| !name.is_empty())
            .collect();
        names.sort_unstable();
        names
    };
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    assert_eq!(
        listed(fields, "filterFields"),
        sorted(Flag::ALL.iter().map(|flag| flag.key()).collect())
    );
    let groups = flow::group::GroupField::ALL.iter().map(|field| field.key()).collect();
    assert_eq!(listed(generated, "groupKeys"), sorted(groups));
}
