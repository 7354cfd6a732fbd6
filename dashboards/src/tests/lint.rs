//! The rules of Grafana's dashboard-linter, by their names there.
//!
//! Rules that do not hold, with the reason:
//! - `template-job-rule`, `template-instance-rule`, `target-job-rule`, `target-instance-rule`: each
//!   managed Prometheus names jobs differently, and a pod is not where its metric was scraped.
//!   `cluster` and `node` take their place.
//! - `panel-units-rule` holds except for `eps`, events per second: Grafana's list of units contains
//!   it, the linter's (0.1.0) does not, nor custom units. `short` is a unit for plain counts.
//!
//! Run on all files of both builds, the linter finds these and nothing else.

use super::*;

#[test]
fn template_datasource_rule() {
    for build in Build::ALL {
        for dashboard in made(build) {
            let variable = &dashboard.model["templating"]["list"][0];
            assert_eq!(variable["name"], "datasource");
            assert_eq!(variable["type"], "datasource");
            assert_eq!(variable["label"], "Data source");
            assert_eq!(variable["query"], build.datasource_type());
        }
    }
}

#[test]
fn template_on_time_change_reload_rule() {
    for build in Build::ALL {
        for dashboard in made(build) {
            for variable in dashboard.model["templating"]["list"].as_array().unwrap() {
                if variable["type"] == "query" {
                    assert_eq!(variable["refresh"], 2, "{}", variable["name"]);
                    assert_eq!(variable["datasource"]["uid"], "${datasource}");
                    assert!(variable["label"].is_string());
                }
            }
        }
    }
}

#[test]
fn template_label_promql_rule() {
    // Variables of flows are not PromQL.
    let of_flows = regex::Regex::new(r"^(namespaces|workloads|pods)\(.*\)$").unwrap();
    let form = regex::Regex::new(r"^label_values\(([a-z_]*)\{.*\}, ([a-z_]+)\)$").unwrap();
    for build in Build::ALL {
        for dashboard in made(build) {
            for variable in dashboard.model["templating"]["list"].as_array().unwrap() {
                if let Some(query) = variable["query"]["query"].as_str() {
                    let is_flows = dashboard.file_name() == "flow-logs.json";
                    let form = if is_flows { &of_flows } else { &form };
                    assert!(form.is_match(query), "{query}");
                }
            }
        }
    }
}

#[test]
fn panel_datasource_rule() {
    each_panel(|build, name, panel| {
        let check = |of: &Value| {
            assert_eq!(of["datasource"]["uid"], "${datasource}", "{name}");
            assert_eq!(of["datasource"]["type"], build.datasource_type(), "{name}");
        };
        check(panel);
        panel["targets"].as_array().unwrap().iter().for_each(check);
    });
}

#[test]
fn panel_title_description_rule() {
    each_panel(|_, name, panel| {
        assert!(!panel["title"].as_str().unwrap().is_empty(), "{name}");
        assert!(panel["description"].as_str().is_some_and(|text| text.len() > 20), "{name}");
    });
}

#[test]
fn panel_units_rule() {
    let units =
        ["short", "locale", "eps", "pps", "suffix:p/s", "Bps", "ops", "reqps", "percentunit", "s"];
    each_panel(|_, name, panel| {
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
        assert!(units.contains(&unit), "{name}: {unit}");
    });
}

#[test]
fn panel_no_targets_rule() {
    each_panel(|_, name, panel| {
        assert!(!panel["targets"].as_array().unwrap().is_empty(), "{name}");
    });
}

#[test]
fn target_rate_interval_rule() {
    let window =
        regex::Regex::new(r"\brate\([a-z_]+\{(?:[^}\x22]|\x22[^\x22]*\x22)*\}\[([^\]]+)\]")
            .unwrap();
    let mut rates = 0;
    each_panel(|_, name, panel| {
        for expr in exprs(panel) {
            for found in window.captures_iter(expr) {
                rates += 1;
                assert_eq!(&found[1], "$__rate_interval", "{name}");
            }
            assert!(!expr.contains("irate("), "{name}");
        }
    });
    assert!(rates > 200, "{rates}");
}

#[test]
fn target_counter_agg_rule() {
    // Rates first, sums after; see also the fault of ratios of lifetime counters.
    each_panel(|_, name, panel| {
        for expr in exprs(panel) {
            assert!(!expr.contains("rate(sum"), "{name}: {expr}");
        }
    });
}

#[test]
fn uneditable_dashboard_rule() {
    for build in Build::ALL {
        for dashboard in made(build) {
            assert_eq!(dashboard.model["editable"], false, "{}", dashboard.file_name());
        }
    }
}
