//! The committed dashboards, as a browser asks for their panels.

use std::time::Duration;

use plugin_protocol::{DataQuery, TimeRange};
use serde_json::{Map, Value, json};
use test_kit::grafana::Range;

/// Maximum number of data points of a panel without a number of its own: its width in pixels.
const MAX_DATA_POINTS: i64 = 1_000;
/// Value of a variable that stands for all, in PromQL.
const ALL: &str = ".*";

/// A dashboard.
#[derive(Debug)]
pub(crate) struct Dashboard {
    /// Span of time that it shows, up to now.
    span: Duration,
    /// Interval at which it loads again.
    pub(crate) refresh: Duration,
    pub(crate) panels: Vec<Panel>,
}

/// A panel with queries.
#[derive(Debug)]
pub(crate) struct Panel {
    title: String,
    targets: Vec<Value>,
    max_data_points: i64,
    /// Least interval between its points.
    min_interval: Duration,
}

/// Choice of a dashboard's variables: all namespaces (`None`), or one.
pub(crate) type Choice = Option<&'static str>;

/// Reason why a dashboard cannot be loaded as a browser does.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DashboardError {
    #[error("the dashboard is not JSON")]
    Json(#[from] serde_json::Error),
    #[error("`{name}` is `{found}`: this is not read here")]
    Unknown { name: &'static str, found: String },
    #[error("panel `{panel}` has a variable that this does not replace: {query}")]
    Variable { panel: String, query: String },
}

impl Dashboard {
    /// Reads a dashboard's JSON.
    pub(crate) fn read(text: &str) -> Result<Self, DashboardError> {
        let read: Value = serde_json::from_str(text)?;
        let from = text_at(&read["time"], "from");
        let span = from.strip_prefix("now-").unwrap_or_default();
        let panels = read["panels"].as_array().map(Vec::as_slice).unwrap_or_default();
        let panels = panels.iter().filter(|panel| panel["targets"].is_array());
        Ok(Self {
            span: duration("time.from", span)?,
            refresh: duration("refresh", text_at(&read, "refresh"))?,
            panels: panels.map(Panel::read).collect::<Result<_, _>>()?,
        })
    }

    /// The number of queries of all panels.
    pub(crate) fn targets(&self) -> usize {
        self.panels.iter().map(|panel| panel.targets.len()).sum()
    }

    /// The time range of a load at `now_ms`.
    pub(crate) fn range(&self, now_ms: i64) -> Range {
        Range { from_ms: now_ms - millis(self.span), to_ms: now_ms }
    }
}

impl Panel {
    fn read(panel: &Value) -> Result<Self, DashboardError> {
        let min_interval = match panel["interval"].as_str() {
            Some(text) => duration("interval", text)?,
            None => Duration::ZERO,
        };
        Ok(Self {
            title: text_at(panel, "title").to_owned(),
            targets: panel["targets"].as_array().cloned().unwrap_or_default(),
            max_data_points: panel["maxDataPoints"].as_i64().unwrap_or(MAX_DATA_POINTS),
            min_interval,
        })
    }

    /// The queries of the panel's request, variables replaced.
    ///
    /// Errors: a variable that is unknown here.
    pub(crate) fn queries(
        &self,
        range: Range,
        choice: Choice,
    ) -> Result<Vec<DataQuery>, DashboardError> {
        let evenly = (range.to_ms - range.from_ms) / self.max_data_points;
        let interval_ms = evenly.max(millis(self.min_interval)).max(1);
        let query = |target: &Value| {
            let mut target = target.as_object().cloned().unwrap_or_default();
            replace(&mut target, choice);
            target.insert("intervalMs".to_owned(), json!(interval_ms));
            target.insert("maxDataPoints".to_owned(), json!(self.max_data_points));
            let json = Value::Object(target);
            if has_variable(&json) {
                let (panel, query) = (self.title.clone(), json.to_string());
                return Err(DashboardError::Variable { panel, query });
            }
            Ok(DataQuery {
                ref_id: text_at(&json, "refId").to_owned(),
                max_data_points: self.max_data_points,
                interval_ms,
                time_range: Some(TimeRange {
                    from_epoch_ms: range.from_ms,
                    to_epoch_ms: range.to_ms,
                }),
                query_type: text_at(&json, "queryType").to_owned(),
                json: json.to_string().into_bytes(),
            })
        };
        self.targets.iter().map(query).collect()
    }
}

/// Replaces the variables as `src/datasource/query/interpolate.ts` does. No ad hoc filters are set.
fn replace(target: &mut Map<String, Value>, choice: Choice) {
    target.remove("adhocVariable");
    target.insert("datasource".to_owned(), json!({ "uid": "hubble" }));
    if let Some(Value::String(expr)) = target.get_mut("expr") {
        *expr = expr.replace("$cluster", ALL).replace("$namespace", choice.unwrap_or(ALL));
    }
    if let Some(Value::Object(filter)) = target.get_mut("filter") {
        for (field, values) in filter {
            let Value::Array(values) = values else { continue };
            // "All" makes no condition.
            values.retain(|value| !matches!(value.as_str(), Some("$workload" | "$pod")));
            if field == "namespace" {
                *values = choice.into_iter().map(Value::from).collect();
            }
        }
    }
}

/// Whether a text still has a variable of the dashboard; `$1` and the backend's `$__range` are others.
fn has_variable(json: &Value) -> bool {
    match json {
        Value::String(text) => {
            text.split('$').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
        }
        Value::Array(values) => values.iter().any(has_variable),
        Value::Object(values) => values.values().any(has_variable),
        _ => false,
    }
}

fn text_at<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn duration(name: &'static str, text: &str) -> Result<Duration, DashboardError> {
    let unknown = || DashboardError::Unknown { name, found: text.to_owned() };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_not_a_number| unknown())?;
    match text.strip_prefix(digits) {
        Some("s") => Ok(Duration::from_secs(number)),
        Some("m") => Ok(Duration::from_secs(60 * number)),
        Some("h") => Ok(Duration::from_secs(3_600 * number)),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced() {
        let check = |choice: Choice, target: Value, expected: Value| {
            let mut target = target.as_object().unwrap().clone();
            replace(&mut target, choice);
            target.remove("datasource");
            assert_eq!(Value::Object(target.clone()), expected);
            assert!(!has_variable(&Value::Object(target)));
        };
        let filter =
            json!({ "namespace": ["$namespace"], "pod": ["$pod"], "verdict": ["DROPPED"] });
        let target = json!({ "adhocVariable": "$filters", "filter": filter });
        let all = json!({ "namespace": [], "pod": [], "verdict": ["DROPPED"] });
        check(None, target.clone(), json!({ "filter": all }));
        let pets = json!({ "namespace": ["pets"], "pod": [], "verdict": ["DROPPED"] });
        check(Some("pets"), target, json!({ "filter": pets }));
        let expr = "a{cluster=~\"$cluster\", source=~\"$namespace/.*\"}[$__range] \"$1\"";
        let all = "a{cluster=~\".*\", source=~\".*/.*\"}[$__range] \"$1\"";
        check(None, json!({ "expr": expr }), json!({ "expr": all }));
        assert!(has_variable(&json!({ "expr": "a{b=\"$other\"}" })));
    }

    #[test]
    fn spans() {
        assert_eq!(duration("refresh", "30s").unwrap(), Duration::from_secs(30));
        assert_eq!(duration("refresh", "5m").unwrap(), Duration::from_mins(5));
        assert!(duration("refresh", "5").is_err());
        assert!(duration("refresh", "").is_err());
    }
}
