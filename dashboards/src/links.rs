//! Data links: from what was clicked to the flows behind it.

use serde_json::{Value, json};

use crate::classic::DATASOURCE_TYPE;

/// One condition of a flow filter: its key in the data source's query, and the value, which may be
/// one of Grafana's expressions (`${namespace}`). An expression that turns out empty sets nothing.
pub(crate) type Condition = (&'static str, &'static str);

/// Labels and variables carry characters that end a URL's part; Grafana escapes them on the way in.
const ESCAPED: &str = ":percentencode";

/// A link to Explore with the dropped flows that meet `conditions`, over the dashboard's time range.
/// Where the panel has no other use for a click, a click is enough.
pub(crate) fn flows_behind(conditions: &[Condition]) -> Value {
    json!({
        "title": "Show the flows behind this",
        "url": explore_url(conditions),
        "targetBlank": false,
        "oneClick": true,
    })
}

fn explore_url(conditions: &[Condition]) -> String {
    let mut filter = serde_json::Map::new();
    filter.insert("verdict".into(), json!(["DROPPED"]));
    for (key, value) in conditions {
        filter.insert((*key).into(), json!([value]));
    }
    let source = json!({ "type": DATASOURCE_TYPE, "uid": "${datasource}" });
    let panes = json!({ "flows": {
        "datasource": "${datasource}",
        "queries": [{
            "refId": "A",
            "datasource": source,
            "queryType": "flows",
            "format": "packed",
            "filter": filter,
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
        encoded.push_str(ESCAPED);
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
        check(r#""${namespace}""#, "%22${namespace:percentencode}%22");
        check("ä", "%C3%A4");
        check(
            "${__field.labels.reason}${x}",
            "${__field.labels.reason:percentencode}${x:percentencode}",
        );
    }

    #[test]
    fn a_link_carries_range_source_and_filter() {
        let url = explore_url(&[("toNamespace", "${namespace}"), ("trafficDirection", "INGRESS")]);
        for part in [
            "/explore?schemaVersion=1&orgId=1&panes=%7B",
            "%22verdict%22%3A%5B%22DROPPED%22%5D",
            "%22toNamespace%22%3A%5B%22${namespace:percentencode}%22%5D",
            "%22trafficDirection%22%3A%5B%22INGRESS%22%5D",
            "%22from%22%3A%22${__from:percentencode}%22",
            "%22uid%22%3A%22${datasource:percentencode}%22",
        ] {
            assert!(url.contains(part), "`{part}` is missing in `{url}`");
        }
    }
}
