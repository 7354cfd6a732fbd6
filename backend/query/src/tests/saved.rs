//! What earlier versions saved is still read.

use serde_json::Value;

use super::super::*;

/// Queries for this data source in a saved dashboard or alert rule, wherever they stand.
fn queries_within(saved: &Value, found: &mut Vec<Value>) {
    match saved {
        Value::Object(object) if object.contains_key("queryType") => found.push(saved.clone()),
        Value::Object(object) => object.values().for_each(|part| queries_within(part, found)),
        Value::Array(items) => items.iter().for_each(|part| queries_within(part, found)),
        _ => {}
    }
}

/// Replaces the dashboard's variables, as Grafana does before it sends a query. Those that begin with
/// `__` are left to the data source.
fn with_variables(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').unwrap();
        let value = if name.starts_with("__") { format!("${{{name}}}") } else { "pets".to_owned() };
        filled = filled + before + &value;
        rest = after;
    }
    filled + rest
}

/// A whole dashboard and the alert rules of an earlier version, as Grafana keeps them.
#[test]
fn saved_dashboards_and_alert_rules_are_read() {
    let check = |saved: &Value, expected: &[(&str, usize)]| {
        let mut queries = Vec::new();
        queries_within(saved, &mut queries);
        let mut kinds = std::collections::BTreeMap::new();
        for query in &queries {
            let text = with_variables(&query.to_string());
            let read = ReadQuery::read(text.as_bytes(), "").unwrap_or_else(|error| {
                panic!("{}: {text}", wording::with_causes(&error));
            });
            assert_eq!(read.notices, [], "{text}");
            *kinds.entry(query["queryType"].as_str().unwrap()).or_insert(0) += 1;
        }
        assert_eq!(kinds, expected.iter().copied().collect());
    };
    let dashboard = include_str!("../../../../tests/vectors/saved/dashboard.json");
    let of_each = [("flowAnnotations", 1), ("flowMetrics", 9), ("flows", 1), ("serviceMap", 1)];
    check(&serde_json::from_str(dashboard).unwrap(), &of_each);
    let rules = include_str!("../../../../tests/vectors/saved/alert-rules.yaml");
    check(&serde_yaml_ng::from_str(rules).unwrap(), &[("promql", 8)]);
}

/// Queries of dashboards and alert rules as earlier versions saved them, one of each shape, with
/// the values of variables filled in.
#[test]
fn saved_queries_are_read() {
    let saved = include_str!("../../../../tests/vectors/saved/queries.jsonl");
    for line in saved.lines() {
        let json: Value = serde_json::from_str(line).unwrap();
        let kind = match json.get("queryType").and_then(Value::as_str) {
            Some("promql") => |query: &Query| matches!(query, Query::Promql(_)),
            Some("flows") => |query: &Query| matches!(query, Query::Flows(_)),
            Some("flowMetrics") => |query: &Query| matches!(query, Query::FlowMetrics(_)),
            Some("serviceMap") => |query: &Query| matches!(query, Query::ServiceMap(_)),
            Some("flowAnnotations") => |query: &Query| matches!(query, Query::FlowAnnotations(_)),
            other => panic!("{other:?}: {line}"),
        };
        let read = ReadQuery::read(line.as_bytes(), "").unwrap();
        assert!(kind(&read.query), "{line}");
        assert_eq!(read.notices, [], "{line}");
    }
}
