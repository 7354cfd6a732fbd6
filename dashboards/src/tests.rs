use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// Calls `check` for each panel that draws something.
fn each_panel(check: impl Fn(&str, &Value)) {
    for dashboard in all() {
        for panel in dashboard.model["panels"].as_array().unwrap() {
            if panel["type"] != "row" {
                check(panel["title"].as_str().unwrap(), panel);
            }
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_from_where() {
    each_panel(|title, panel| {
        assert!(!title.is_empty());
        assert!(panel["description"].as_str().is_some_and(|text| text.len() > 20), "{title}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            assert_eq!(target["datasource"]["type"], "k8snet-hubble-datasource", "{title}");
        }
    });
}

#[test]
fn every_panel_of_numbers_leads_to_the_flows_behind_them() {
    each_panel(|title, panel| {
        if panel["type"] == "k8snet-flows-panel" {
            return;
        }
        let of_overrides = panel["fieldConfig"]["overrides"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|override_| override_["properties"].as_array().unwrap())
            .filter(|property| property["id"] == "links")
            .flat_map(|property| property["value"].as_array().unwrap());
        let links: Vec<&Value> = panel["fieldConfig"]["defaults"]["links"]
            .as_array()
            .unwrap()
            .iter()
            .chain(of_overrides)
            .collect();
        assert!(!links.is_empty(), "{title} has no link");
        for link in links {
            let url = link["url"].as_str().unwrap();
            assert!(url.starts_with("/explore?"), "{title}: {url}");
            assert!(url.contains("${__from:percentencode}"), "{title} carries no range: {url}");
        }
    });
}

#[test]
fn rates_follow_the_scrape_interval_and_no_query_is_sent_twice() {
    let seen = std::cell::RefCell::new(BTreeSet::new());
    each_panel(|title, panel| {
        for target in panel["targets"].as_array().unwrap() {
            if let Some(expr) = target["expr"].as_str() {
                assert!(!expr.contains("rate(") || expr.contains("$__rate_interval"), "{title}");
                assert!(
                    seen.borrow_mut().insert(format!("{expr} {}", target["range"])),
                    "{title} asks what another panel asks"
                );
            }
        }
    });
}

#[test]
fn a_link_that_reads_cells_gets_no_words_for_empty_ones() {
    each_panel(|title, panel| {
        let config = &panel["fieldConfig"];
        if config.to_string().contains("__data.fields") {
            assert!(config["defaults"]["noValue"].is_null(), "{title}");
        }
    });
}

#[test]
fn panels_do_not_overlap_and_stay_on_the_grid() {
    for dashboard in all() {
        let mut taken = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in dashboard.model["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "an id is given twice");
            let of = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(of("x") + of("w") <= 24, "{}", panel["title"]);
            for x in of("x")..of("x") + of("w") {
                for y in of("y")..of("y") + of("h") {
                    assert!(taken.insert((x, y)), "{} overlaps at {x},{y}", panel["title"]);
                }
            }
        }
    }
}

#[test]
fn a_workload_matches_its_own_pods_only() {
    let all = all();
    let expr = all
        .iter()
        .flat_map(|dashboard| dashboard.model["panels"].as_array().unwrap())
        .find_map(|panel| panel["targets"][0]["expr"].as_str())
        .unwrap();
    let pattern = expr.split("destination=~\"").nth(1).unwrap().split('"').next().unwrap();
    let pattern = pattern.replace("$namespace", "pets").replace("${workload}", "store");
    let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
    let check = |pod: &str, expected: bool| assert_eq!(pattern.is_match(pod), expected, "{pod}");
    check("pets/store-7d8f9c6b5-x2lqk", true);
    check("pets/store-5f4d8b7c9d-k8wzp", true);
    check("pets/store-0", true);
    check("pets/store-17", true);
    check("pets/store-x2lqk", true);
    check("pets/store-29391820-x2lqk", true);
    check("pets/store", true);
    check("pets/store-front-7d8f9c6b5-x2lqk", false);
    check("pets/store-admin-0", false);
    check("pets/store-front-x2lqk", false);
    check("pets2/store-0", false);
    check("pets/bookstore-0", false);
}
