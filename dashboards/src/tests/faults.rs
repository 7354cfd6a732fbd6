//! Tests for faults that are common in published dashboards, each on all of the JSON.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::*;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

/// Selectors `metric{…}` of an expression.
fn selectors(expr: &str) -> Vec<(String, String)> {
    static SELECTOR: LazyLock<Regex> =
        LazyLock::new(|| regex(r"([a-z_]+)\{((?:[^}\x22]|\x22[^\x22]*\x22)*)\}"));
    SELECTOR.captures_iter(expr).map(|found| (found[1].to_owned(), found[2].to_owned())).collect()
}

fn each_expr(mut check: impl FnMut(&str, &str)) {
    each_panel(|_, name, panel| {
        for expr in exprs(panel) {
            check(name, expr);
        }
    });
}

#[test]
fn a_panel_of_answers_counts_answers() {
    let mut panels = 0;
    each_panel(|_, name, panel| {
        let title = panel["title"].as_str().unwrap();
        if title.starts_with("DNS Response") {
            panels += 1;
            assert!(exprs(panel)[0].contains("dns_responses_total"), "{name}");
            assert!(!exprs(panel)[0].contains("dns_queries_total"), "{name}");
        }
    });
    assert!(panels >= 12, "{panels}");
}

#[test]
fn a_success_is_not_an_error() {
    let rcode = regex(r#"rcode!?=~?"([^"]*)""#);
    each_expr(|name, expr| {
        for (metric, matchers) in selectors(expr) {
            for found in rcode.captures_iter(&matchers) {
                assert!(metric.starts_with("hubble_"), "{name}: {metric}");
                assert!(
                    ["No Error", "Policy denied"].contains(&&found[1]),
                    "{name}: {}",
                    &found[1]
                );
            }
        }
    });
}

#[test]
fn only_existing_labels_are_used() {
    let absent = regex(r"\bresponse=|\breturn_code=");
    let by_labels = regex(r"by \(([^)]*)\)");
    each_expr(|name, expr| {
        for (metric, matchers) in selectors(expr) {
            if metric.starts_with("hubble_") {
                assert!(!absent.is_match(&matchers), "{name}");
            }
        }
        for by in by_labels.captures_iter(expr) {
            assert!(!by[1].split(", ").any(|label| label == "response"), "{name}: {}", &by[1]);
        }
    });
}

#[test]
fn counters_are_rates_and_missing_answers_count() {
    let counter = regex(r"\w+_total\{(?:[^}\x22]|\x22[^\x22]*\x22)*\}(\[)?");
    // Expressions that only check whether a metric exists.
    let existence_checks = ["group(", "group by (cluster) (", " @ end() or ", "destination_ip) "];
    each_expr(|name, expr| {
        for found in counter.captures_iter(expr) {
            let before = expr.get(..found.get(0).unwrap().start()).unwrap();
            let calls: &[&str] =
                if found.get(1).is_some() { &["rate(", "increase("] } else { &existence_checks };
            assert!(calls.iter().any(|call| before.ends_with(call)), "{name}: {expr}");
        }
    });
    each_panel(|_, name, panel| {
        if panel["title"].as_str().unwrap().contains("issing") {
            for expr in exprs(panel) {
                assert!(expr.contains(" * 0"), "{name} loses what has no answer at all: {expr}");
            }
        }
    });
}

#[test]
fn comparisons_do_not_swallow_a_difference() {
    each_expr(|name, expr| assert!(!expr.contains("> 0 -"), "{name}: {expr}"));
}

#[test]
fn variables_ask_for_label_values() {
    for build in Build::ALL {
        for dashboard in made(build) {
            if dashboard.file_name() == "flow-logs.json" {
                // Variables of flows need neither Prometheus nor kube-state-metrics.
                assert!(!dashboard.json().contains("label_values"));
                continue;
            }
            for variable in dashboard.model["templating"]["list"].as_array().unwrap() {
                if variable["type"] != "query" {
                    continue;
                }
                let query = variable["query"]["query"].as_str().unwrap();
                assert!(query.starts_with("label_values("), "{query}");
                if variable["name"] == "workload" {
                    assert!(!query.ends_with(", pod)"), "{query}");
                }
            }
        }
    }
}

#[test]
fn legends_name_the_end_that_the_title_names() {
    let mut panels = 0;
    each_panel(|_, name, panel| {
        let title = panel["title"].as_str().unwrap();
        for (word, legend) in [("Source Pod", "{{source}}"), ("Destination Pod", "{{destination}}")]
        {
            if title.contains(word) {
                panels += 1;
                assert_eq!(panel["targets"][0]["legendFormat"], legend, "{name}");
            }
        }
    });
    assert!(panels > 40, "{panels}");
}

#[test]
fn no_dashboard_has_a_query_twice() {
    for build in Build::ALL {
        for dashboard in made(build) {
            let mut seen = BTreeSet::new();
            for panel in dashboard.model["panels"].as_array().unwrap() {
                for target in panel["targets"].as_array().into_iter().flatten() {
                    let mut asked = target.clone();
                    let asked = asked.as_object_mut().unwrap();
                    asked.remove("refId");
                    asked.remove("legendFormat");
                    // A table and a graph of the same numbers query one time and a range.
                    let text = serde_json::to_string(asked).unwrap();
                    assert!(seen.insert(text), "{}: {}", dashboard.file_name(), panel["title"]);
                }
            }
        }
    }
}

#[test]
fn an_empty_panel_says_why() {
    each_panel(|_, name, panel| {
        assert!(!panel.to_string().contains("TypeError"), "{name}");
        if panel["type"] == "k8snet-flows-panel" {
            return;
        }
        // Both panels fail on an answer without series, unless frames without fields are removed.
        if ["heatmap", "status-history"].contains(&panel["type"].as_str().unwrap()) {
            assert_eq!(panel["transformations"][0]["id"], "filterFieldsByName", "{name}");
        }
        // Grafana's heat map has no text for an empty panel, and a number no room for one.
        let is_wordless =
            ["stat", "bargauge", "heatmap"].contains(&panel["type"].as_str().unwrap());
        let sentence = if is_wordless {
            panel["description"].as_str().unwrap().split_once("When it is empty: ").unwrap().1
        } else {
            panel["fieldConfig"]["defaults"]["noValue"].as_str().unwrap_or("")
        };
        assert!(sentence.len() > 40 && sentence.ends_with('.'), "{name}: `{sentence}`");
    });
    let check = |file: &str, words: &str| {
        let all = made(Build::Hubble);
        let dashboard = all.iter().find(|dashboard| dashboard.file_name() == file).unwrap();
        assert!(dashboard.json().contains(words), "{file} does not say `{words}`");
    };
    check("pod-flows-workload.json", "ama-metrics-settings-configmap");
    check("l7-workload.json", "--acns-advanced-networkpolicies L7");
    check("clusters.json", "hubble.metrics.enabled");
}

#[test]
fn a_refused_packet_counts_once_or_the_panel_says_otherwise() {
    each_panel(|_, name, panel| {
        let description = panel["description"].as_str().unwrap();
        for expr in exprs(panel) {
            let selectors = selectors(expr);
            for (metric, matchers) in &selectors {
                let of_drops = matchers.contains(r#"verdict="DROPPED""#);
                if metric == "hubble_flows_processed_total" && of_drops {
                    // Otherwise it is the part that is subtracted.
                    let once = matchers.contains(r#"type!="PolicyVerdict""#)
                        || matchers.contains(r#"type="L7""#)
                        || expr.contains("group_left () (1 - ");
                    assert!(once, "{name}: {matchers}");
                }
            }
            let has = |name: &str| selectors.iter().any(|(metric, _)| metric == name);
            if has("hubble_drop_total") && !has("hubble_flows_processed_total") {
                assert!(description.contains("twice"), "{name}: {description}");
            }
        }
    });
}

#[test]
fn drops_are_drops_and_latencies_are_no_averages_of_buckets() {
    let zero = regex(r#"0 \* group\([a-z_]+\{(?:[^}"]|"[^"]*")*\}\)"#);
    each_panel(|_, name, panel| {
        let title = panel["title"].as_str().unwrap();
        for expr in exprs(panel) {
            // An expression that shows that a count is zero is not itself a count.
            let counted = zero.replace_all(expr, "");
            if title.contains("Drop") {
                assert!(!counted.contains("forward"), "{name}: {expr}");
            }
            assert!(!expr.contains("avg"), "{name}: {expr}");
            if expr.contains("_bucket") && panel["type"] != "heatmap" {
                assert!(expr.starts_with("histogram_quantile("), "{name}: {expr}");
            }
        }
    });
}

#[test]
fn no_panel_needs_a_migration() {
    let current = [
        "timeseries",
        "stat",
        "bargauge",
        "table",
        "heatmap",
        "status-history",
        "nodeGraph",
        "k8snet-flows-panel",
    ];
    each_panel(|_, name, panel| {
        assert!(current.contains(&panel["type"].as_str().unwrap()), "{name}");
    });
}
