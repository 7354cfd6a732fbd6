//! Data links: from what was clicked to the flows behind it, and to the dashboard that looks closer.

use serde_json::{Value, json};

use crate::Build;
use crate::query::{datasource, filter};

/// One condition of a flow filter: a flag of `hubble observe` as the data source names it, and the
/// value, which may hold one of Grafana's expressions (`${namespace}`). An expression that turns
/// out empty sets nothing; several values of a variable arrive as `{a,b}`, and all as `.*`, which
/// the data source takes for a list and for no condition.
pub(crate) type Condition = (&'static str, String);

/// A dashboard that shows a part of what this one shows.
#[derive(Debug, Clone)]
pub(crate) struct Next {
    pub(crate) title: &'static str,
    /// Name of the dashboard.
    pub(crate) board: &'static str,
    /// Variables of that dashboard, and what they get.
    pub(crate) variables: Vec<(&'static str, &'static str)>,
}

/// Labels carry characters that end a URL's part; Grafana escapes them on the way in.
const ESCAPED: &str = ":percentencode";

/// Variables of names, which need no escape: one value as it is, several as `{a,b}`.
const NAMES: [&str; 8] =
    ["cluster", "namespace", "workload", "pod", "verdict", "direction", "protocol", "type"];

/// Explore, with the flows that meet `conditions`, over the dashboard's time range. `one_click`:
/// a click is enough, where the panel has no other use for it.
pub(crate) fn in_explore(conditions: &[Condition], one_click: bool) -> Value {
    json!({
        "title": "Show the flows behind this",
        "url": explore_url(conditions),
        "targetBlank": false,
        "oneClick": one_click,
    })
}

/// The dashboard Flow Logs with the same conditions.
pub(crate) fn in_flow_logs(conditions: &[Condition]) -> Value {
    json!({
        "title": "Open in Flow Logs",
        "url": flow_logs_url(conditions),
        "targetBlank": false,
        "oneClick": false,
    })
}

/// Another dashboard, over the same time range and data source.
pub(crate) fn to_board(next: &Next, build: Build) -> Value {
    let mut url = board_url(next.board, build);
    for (name, value) in &next.variables {
        url.push_str(&variable(name, value));
    }
    json!({ "title": next.title, "url": url, "targetBlank": false, "oneClick": false })
}

fn board_url(name: &str, build: Build) -> String {
    let uid = build.uid(name);
    format!("/d/{uid}?from=${{__from}}&to=${{__to}}&${{datasource:queryparam}}")
}

/// A variable of the next dashboard. A variable of this one goes over with all of its values.
fn variable(name: &str, value: &str) -> String {
    let own = value.strip_prefix("${").and_then(|value| value.strip_suffix('}'));
    if own == Some(name) {
        return format!("&${{{name}:queryparam}}");
    }
    format!("&var-{name}={}", percent_encoded(value))
}

fn flow_logs_url(conditions: &[Condition]) -> String {
    let mut url = board_url("flow-logs", Build::Hubble);
    for (flag, value) in conditions {
        let name = match *flag {
            "namespace" | "fromNamespace" | "toNamespace" => "namespace",
            "workload" | "fromWorkload" | "toWorkload" => "workload",
            // Hubble's labels name the namespace too; the variable holds the pod alone.
            "fromPod" | "toPod" | "pod" if value == "${pod}" => "pod",
            "fromPod" => "source",
            "toPod" => "destination",
            "trafficDirection" => "direction",
            "dropReasonDesc" => "reason",
            "httpStatus" => "status",
            "httpMethod" => "method",
            "dnsQuery" => "dns",
            "tcpFlags" => "flags",
            "nodeName" => "node",
            // verdict, protocol, type, cluster
            other => other,
        };
        url.push_str(&variable(name, value));
    }
    url
}

fn explore_url(conditions: &[Condition]) -> String {
    let panes = json!({ "flows": {
        "datasource": "${datasource}",
        "queries": [{
            "refId": "A",
            "datasource": datasource(Build::Hubble),
            "queryType": "flows",
            "format": "packed",
            "filter": filter(conditions),
            "limit": 5000,
        }],
        "range": { "from": "${__from}", "to": "${__to}" },
    }});
    format!("/explore?schemaVersion=1&orgId=1&panes={}", percent_encoded(&panes.to_string()))
}

/// Percent-encodes everything that is not unreserved, except `${…}`, which Grafana has to find;
/// what comes out of the expression is escaped by Grafana itself.
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
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.extend(HEX.get(usize::from(nibble)));
            }
        }
    }
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
        let conditions: [Condition; 3] = [
            ("verdict", "DROPPED".into()),
            ("toNamespace", "${namespace}".into()),
            ("dropReasonDesc", "${__field.labels.reason}".into()),
        ];
        let check = |url: &str, parts: &[&str]| {
            for part in parts {
                assert!(url.contains(part), "`{part}` is missing in `{url}`");
            }
        };
        check(
            &explore_url(&conditions),
            &[
                "/explore?schemaVersion=1&orgId=1&panes=%7B",
                "%22verdict%22%3A%5B%22DROPPED%22%5D",
                "%22toNamespace%22%3A%5B%22${namespace:glob}%22%5D",
                "%22from%22%3A%22${__from:percentencode}%22",
                "%22uid%22%3A%22${datasource:percentencode}%22",
            ],
        );
        check(
            &flow_logs_url(&conditions),
            &[
                "/d/k8snet-flow-logs?from=${__from}&to=${__to}&${datasource:queryparam}",
                "&var-verdict=DROPPED&${namespace:queryparam}",
                "&var-reason=${__field.labels.reason:percentencode}",
            ],
        );
    }
}
