//! Steady work beside the browsers: alert rules, health checks, and queries whose answers are known.

use std::time::Duration;

use plugin_protocol::{DataQuery, PluginContext, TimeRange};
use serde_json::{Value, json};
use test_kit::frame::Frame;
use test_kit::grafana::Range;
use test_kit::now_ms;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::Failure;
use crate::grafana::Grafana;
use crate::outcome::Check;
use crate::record::Kind;
use crate::world::{KNOWN_FLOWS, World};

const HEALTH_PACE: Duration = Duration::from_secs(1);
const RULE_PACE: Duration = Duration::from_secs(10);
const KNOWN_PACE: Duration = Duration::from_secs(1);
/// Time range of an alert rule, in milliseconds.
const RULE_RANGE_MS: i64 = 300_000;
/// Headers of Grafana's alert rules. Source: `pkg/services/ngalert/eval/eval.go`.
const RULE_HEADERS: [(&str, &str); 2] = [("FromAlert", "true"), ("X-Cache-Skip", "true")];

/// The queries of the committed alert rules on the data source.
pub(crate) fn committed_rules(yaml: &str) -> Result<Vec<Value>, Failure> {
    let read: Value = serde_yaml_ng::from_str(yaml)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let groups = list(&read["groups"]).into_iter();
    let rules = groups.flat_map(|group| list(&group["rules"]));
    let queries = rules.flat_map(|rule| list(&rule["data"]));
    let own = queries.filter(|query| query["datasourceUid"] == "hubble");
    let models: Vec<Value> = own.map(|query| query["model"].clone()).collect();
    if models.is_empty() {
        Err("the committed alert rules hold no query".into())
    } else {
        Ok(models)
    }
}

/// A rule on flows: refused flows by namespace.
fn flow_rule() -> Value {
    json!({
        "refId": "A", "queryType": "flowMetrics", "metric": "count", "format": "top",
        "filter": { "verdict": ["DROPPED"] }, "groupBy": ["toNamespace"],
    })
}

fn data_query(json: &Value, range: Range) -> DataQuery {
    DataQuery {
        ref_id: json["refId"].as_str().unwrap_or_default().to_owned(),
        // As Grafana stores them in a rule without its own.
        max_data_points: 43_200,
        interval_ms: 1_000,
        time_range: Some(TimeRange { from_epoch_ms: range.from_ms, to_epoch_ms: range.to_ms }),
        query_type: json["queryType"].as_str().unwrap_or_default().to_owned(),
        json: json.to_string().into_bytes(),
    }
}

/// Calls `each` with a growing number at this pace until `end`, whether or not earlier calls have
/// ended, and waits for all of them.
async fn at_pace<F>(pace: Duration, end: Instant, mut each: impl FnMut(usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut ticks = interval(pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut calls = JoinSet::new();
    for number in 0.. {
        if ticks.tick().await >= end {
            break;
        }
        calls.spawn(each(number));
    }
    calls.join_all().await;
}

/// Checks health each second.
pub(crate) async fn health(grafana: Grafana, context: PluginContext, end: Instant) {
    at_pace(HEALTH_PACE, end, |_| {
        let (grafana, context) = (grafana.clone(), context.clone());
        async move { grafana.check_health(context).await }
    })
    .await;
}

/// Evaluates a rule on flows and one on metrics every ten seconds.
pub(crate) async fn rules(
    grafana: Grafana,
    context: PluginContext,
    rules: Vec<Value>,
    end: Instant,
) {
    at_pace(RULE_PACE, end, |number| {
        let (grafana, context) = (grafana.clone(), context.clone());
        let metrics = rules.get(number % rules.len()).cloned().unwrap_or_default();
        async move {
            let now = now_ms();
            let range = Range { from_ms: now - RULE_RANGE_MS, to_ms: now };
            let ask = |kind, rule: &Value| {
                let queries = vec![data_query(rule, range)];
                grafana.ask(kind, context.clone(), queries, &RULE_HEADERS, None)
            };
            let (flows, metrics) = (flow_rule(), metrics);
            tokio::join!(ask(Kind::FlowRule, &flows), ask(Kind::MetricsRule, &metrics));
        }
    })
    .await;
}

/// Asks a query whose answer is known, each second another one.
pub(crate) async fn known(grafana: Grafana, context: PluginContext, range: Range, end: Instant) {
    at_pace(KNOWN_PACE, end, |number| {
        let (grafana, context) = (grafana.clone(), context.clone());
        async move {
            let (query, check): (Value, Check) = match number % 3 {
                0 => (known_counts(), check_counts),
                1 => (known_table(), check_table),
                _ => (known_series(), check_series),
            };
            let queries = vec![data_query(&query, range)];
            grafana.ask(Kind::Known, context, queries, &[], Some(check)).await;
        }
    })
    .await;
}

fn known_counts() -> Value {
    json!({
        "refId": "A", "queryType": "flowMetrics", "metric": "count", "format": "long",
        "groupBy": ["verdict"],
    })
}

fn check_counts(frames: &[Frame]) -> Result<(), String> {
    let known = KNOWN_FLOWS.map(|(_, verdict, count)| format!("{verdict} {count}"));
    let [frame] = frames else { return Err(format!("{} frames of counts", frames.len())) };
    let [verdict, value] = frame.fields().try_into().map_err(|fields| format!("{fields:?}"))?;
    let cells = frame.cells(&verdict).into_iter().zip(frame.cells(&value));
    let found: Vec<String> = cells.map(|(verdict, count)| format!("{verdict} {count}")).collect();
    if found == known { Ok(()) } else { Err(format!("counts {found:?} instead of {known:?}")) }
}

fn known_table() -> Value {
    json!({ "refId": "A", "queryType": "flows", "limit": 1_000 })
}

fn check_table(frames: &[Frame]) -> Result<(), String> {
    let known: usize = KNOWN_FLOWS.iter().map(|(_, _, count)| count).sum();
    let found = frames.first().map_or(0, Frame::len);
    if found == known { Ok(()) } else { Err(format!("{found} rows instead of {known}")) }
}

fn known_series() -> Value {
    json!({
        "refId": "A", "queryType": "promql", "expr": "sum(load_known)", "range": true,
        "instant": false, "interval": "1m",
    })
}

fn check_series(frames: &[Frame]) -> Result<(), String> {
    let known = World::known_sum().to_string();
    let [frame] = frames else { return Err(format!("{} frames of a series", frames.len())) };
    let fields = frame.fields();
    let value = fields.last().ok_or("a series without fields")?;
    let cells = frame.cells(value);
    match cells.iter().find(|cell| **cell != known) {
        Some(other) => Err(format!("{other} instead of {known}")),
        None if cells.is_empty() => Err("a series without points".to_owned()),
        None => Ok(()),
    }
}
