//! Data links: from a clicked number to the flows behind it, and to the more detailed dashboard.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::Build;
use crate::condition::{FlowCondition, filter};

/// The flows behind a number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behind {
    pub(crate) filter: Vec<FlowCondition>,
    /// Records that the number does not count.
    pub(crate) exclude: Vec<FlowCondition>,
    /// Text after "of" for the part of the number that no flow filter can express: `any type of
    /// record`.
    pub(crate) of: &'static str,
}

impl From<Vec<FlowCondition>> for Behind {
    fn from(filter: Vec<FlowCondition>) -> Self {
        Self { filter, ..Self::default() }
    }
}

impl Behind {
    /// Without policy verdicts, which repeat a packet's drop or trace.
    pub(crate) fn once(mut self) -> Self {
        self.exclude.push(("type", "policy-verdict".into()));
        self
    }

    /// The flows are more than the number counts; `wider` names what they include.
    pub(crate) fn of(mut self, wider: &'static str) -> Self {
        self.of = wider;
        self
    }

    fn wider(&self) -> String {
        if self.of.is_empty() { String::new() } else { format!(", of {}", self.of) }
    }
}

/// The time range that a link passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The dashboard's range.
    Range,
    /// The minutes around the clicked point.
    Point,
}

/// Time around a point in milliseconds, wide enough for the window of a rate before and after it.
const POINT_MS: u32 = 5 * 60 * 1000;

/// A dashboard that shows a part of this one in detail.
#[derive(Debug, Clone)]
pub(crate) struct DetailBoard {
    pub(crate) title: &'static str,
    /// Name of the dashboard.
    pub(crate) board: &'static str,
    /// Variables of that dashboard, and their values.
    pub(crate) variables: Vec<(&'static str, &'static str)>,
}

/// Format option that escapes labels, whose characters could end a part of a URL.
const ESCAPED: &str = ":percentencode";

/// Variables of names, which need no escape: one value as it is, several as `{a,b}`.
const NAMES: [&str; 4] = ["cluster", "namespace", "workload", "pod"];

/// Link to the dashboard of flows, which everyone may open, with the flows that match the
/// conditions. `one_click`: a click is enough, if the panel has no other use for it.
pub(crate) fn in_flow_logs(behind: &Behind, moment: Moment, one_click: bool) -> Value {
    let title = match moment {
        Moment::Range => format!("the flows behind this{}", behind.wider()),
        Moment::Point => format!("the flows of the 5 minutes around this{}", behind.wider()),
    };
    json!({
        "title": title,
        "url": flow_logs_url(behind, moment),
        "targetBlank": false,
        "oneClick": one_click,
    })
}

/// Link to Explore, with the same flows over the dashboard's time range. Viewers may not open it.
pub(crate) fn in_explore(behind: &Behind) -> Value {
    json!({
        "title": format!("such flows of the whole range in Explore{}", behind.wider()),
        "url": explore_url(behind),
        "targetBlank": false,
        "oneClick": false,
    })
}

/// Link to Flow Logs itself, narrowed to the clicked number.
pub(crate) fn closer(behind: &Behind, moment: Moment, one_click: bool) -> Value {
    let mut link = in_flow_logs(behind, moment, one_click);
    if let Some(link) = link.as_object_mut() {
        let kept: String = ["namespace", "workload", "pod", "filters"]
            .map(|name| format!("&${{{name}:queryparam}}"))
            .concat();
        let url = [flow_logs(moment), kept, filters(behind)].concat();
        link.insert("url".into(), json!(url));
    }
    link
}

/// Link to another dashboard, with the same time range and data source.
pub(crate) fn to_board(next: &DetailBoard, build: Build) -> Value {
    let mut url = board_url(next.board, build, Moment::Range);
    for (name, value) in &next.variables {
        url.push_str(&variable(name, value));
    }
    json!({ "title": next.title, "url": url, "targetBlank": false, "oneClick": false })
}

fn board_url(name: &str, build: Build, moment: Moment) -> String {
    let uid = build.uid(name);
    let time = match moment {
        Moment::Range => "from=${__from}&to=${__to}".to_owned(),
        Moment::Point => format!("time=${{__value.time}}&time.window={POINT_MS}"),
    };
    format!("/d/{uid}?{time}&${{datasource:queryparam}}")
}

fn flow_logs(moment: Moment) -> String {
    board_url("flow-logs", Build::Hubble, moment)
}

/// The variable, if an expression consists of nothing else.
fn own_variable(value: &str) -> Option<&str> {
    let name = value.strip_prefix("${")?.strip_suffix('}')?;
    (!name.starts_with("__")).then_some(name)
}

/// A variable of the next dashboard. A variable of this one passes all of its values.
fn variable(name: &str, value: &str) -> String {
    if own_variable(value) == Some(name) {
        return format!("&${{{name}:queryparam}}");
    }
    format!("&var-{name}={}", percent_encoded(value))
}

fn flow_logs_url(behind: &Behind, moment: Moment) -> String {
    flow_logs(moment) + &filters(behind)
}

/// The conditions in the format of Grafana's ad hoc filters in URLs: `key|operator|value`, with `|`
/// in them as `__gfp__`. Source: scenes, `AdHocFiltersVariableUrlSyncHandler`.
fn filters(behind: &Behind) -> String {
    let mut done: Vec<&str> = vec![];
    let mut set: Vec<String> = vec![];
    for (flag, value) in &behind.filter {
        if done.contains(flag) {
            continue;
        }
        done.push(flag);
        let alternatives: Vec<&str> = behind
            .filter
            .iter()
            .filter(|(other, _)| other == flag)
            .map(|(_, value)| value.as_str())
            .collect();
        set.push(match own_variable(value) {
            // A pod's variable holds no namespace, but an ad hoc filter on a pod needs one.
            Some("pod") => "&${pod:queryparam}".to_owned(),
            Some(name) => format!("&var-filters={flag}%7C%3D__gfp__%7C${{{name}:pipe}}"),
            None if alternatives.len() > 1 => {
                let values = alternatives.join("|");
                format!("&var-filters={}", percent_encoded(&format!("{flag}|=__gfp__|{values}")))
            }
            None => format!("&var-filters={}", percent_encoded(&format!("{flag}|=|{value}"))),
        });
    }
    for (flag, value) in &behind.exclude {
        set.push(format!("&var-filters={}", percent_encoded(&format!("{flag}|!=|{value}"))));
    }
    set.concat()
}

fn explore_url(behind: &Behind) -> String {
    // The pane names the source: Explore drops a query that names it as `default`.
    let mut query = json!({
        "refId": "A",
        "queryType": "flows",
        "format": "packed",
        "filter": filter(&behind.filter),
        "limit": 5000,
    });
    if let Some(query) = query.as_object_mut().filter(|_| !behind.exclude.is_empty()) {
        query.insert("exclude".into(), filter(&behind.exclude));
    }
    let panes = json!({ "flows": {
        "datasource": "${datasource}",
        "queries": [query],
        "range": { "from": "${__from}", "to": "${__to}" },
    }});
    format!("/explore?schemaVersion=1&panes={}", percent_encoded(&panes.to_string()))
}

/// Percent-encodes everything that is not unreserved, except `${…}`, which Grafana has to find;
/// Grafana itself escapes the values of expressions.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        encode(before, &mut encoded);
        let (expression, after) = after.split_once('}').unwrap_or((after, ""));
        encoded.push_str("${");
        encoded.push_str(expression);
        encoded.push_str(if NAMES.contains(&expression) { ":glob" } else { ESCAPED });
        encoded.push('}');
        rest = after;
    }
    encode(rest, &mut encoded);
    encoded
}

fn encode(text: &str, encoded: &mut String) {
    const RESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    encoded.extend(utf8_percent_encode(text, RESERVED));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_encoded_but_expressions() {
        fn check(text: &str, expected: &str) {
            assert_eq!(percent_encoded(text), expected);
        }
        check("plain-._~", "plain-._~");
        check(r#"{"a":["b c"]}"#, "%7B%22a%22%3A%5B%22b%20c%22%5D%7D");
        check(r#""${namespace}""#, "%22${namespace:glob}%22");
        check("ä", "%C3%A4");
        check(
            "${__field.labels.reason}${x}",
            "${__field.labels.reason:percentencode}${x:percentencode}",
        );
    }

    #[test]
    fn a_link_carries_range_source_and_filter() {
        let behind = Behind::from(vec![
            ("verdict", "DROPPED".into()),
            ("toNamespace", "${namespace}".into()),
            ("toPod", "${pod}".into()),
            ("dropReasonDesc", "${__field.labels.reason}".into()),
        ])
        .once();
        let check = |url: &str, parts: &[&str]| {
            for part in parts {
                assert!(url.contains(part), "`{part}` is missing in `{url}`");
            }
        };
        check(
            &explore_url(&behind),
            &[
                "/explore?schemaVersion=1&panes=%7B",
                "%22verdict%22%3A%5B%22DROPPED%22%5D",
                "%22toNamespace%22%3A%5B%22${namespace:glob}%22%5D",
                "%22exclude%22%3A%7B%22type%22%3A%5B%22policy-verdict%22%5D%7D",
                "%22from%22%3A%22${__from:percentencode}%22",
                "%22datasource%22%3A%22${datasource:percentencode}%22",
            ],
        );
        check(
            &flow_logs_url(&behind, Moment::Range),
            &[
                "/d/k8snet-flow-logs?from=${__from}&to=${__to}&${datasource:queryparam}",
                "&var-filters=verdict%7C%3D%7CDROPPED",
                "&var-filters=toNamespace%7C%3D__gfp__%7C${namespace:pipe}&${pod:queryparam}",
                "&var-filters=dropReasonDesc%7C%3D%7C${__field.labels.reason:percentencode}",
                "&var-filters=type%7C%21%3D%7Cpolicy-verdict",
            ],
        );
        check(
            &flow_logs_url(&behind, Moment::Point),
            &["?time=${__value.time}&time.window=300000&${datasource:queryparam}"],
        );
    }
}
